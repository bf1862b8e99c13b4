//! What a new look at the world changes: each record's addresses, and what is asked of the outside for them.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::address::{Choice, Snapshot};
use super::journal::{Report, SourceStatus, Story};
use super::outside::{Lookouts, Probe};
use super::record::{Lane, Record};
use super::source::{Source, World};
use super::{Action, Allow, Engine, Instant, RecordId, RecordSettings};
use crate::provider::{Family, Update};

impl Engine {
    /// Chooses anew for all records; `bell` is when the news came.
    pub(super) fn judge_all(&mut self, bell: Instant, now: Instant) {
        let Some(snapshot) = &self.snapshot else { return };
        let mut probes = Vec::new();
        for (id, record) in &mut self.records {
            let world = World { snapshot, lookouts: &self.lookouts, now };
            judge(id, record, &world, bell, &mut probes, &mut self.actions);
        }
        self.lookouts.need(&probes, now);
    }

    /// What time alone changes: a better line is returned to, a name loses its last address.
    pub(super) fn wake(&mut self, now: Instant) {
        let due = |record: &Record| record.source_wake().is_some_and(|(at, _)| at <= now);
        if self.records.values().any(due) {
            self.judge_all(now, now);
        }
    }

    /// Asks the outside what is due.
    pub(super) fn observe_due(&mut self, now: Instant) {
        let due = self.lookouts.due(now).into_iter();
        self.requests.extend(due.map(|(probe, allow)| Action::Observe { probe, allow }));
    }
}

/// Chooses anew for each source of a record; a change starts a new story.
fn judge(
    id: &RecordId,
    record: &mut Record,
    world: &World<'_>,
    bell: Instant,
    probes: &mut Vec<(Probe, Allow)>,
    actions: &mut VecDeque<Action>,
) {
    let mut changed = Vec::new();
    let Record { sources, lanes, settings, .. } = record;
    for source in sources {
        let old = source.choice.clone();
        let mut targets = lanes.iter().flat_map(|lane| &lane.targets);
        let published = targets.find(|target| target.family == source.family && source.serves(&target.name));
        let published = published.and_then(|target| target.published).map(|published| published.address);
        let had_fallen = source.fallen;
        source.look(settings, world, published, probes);
        let content = |choice: &Choice| (choice.address, choice.further, choice.prefix);
        let is_same = content(&old) == content(&source.choice);
        if is_same && old != Choice::default() && source.fallen == had_fallen {
            continue;
        }
        if !is_same || old == Choice::default() {
            source.bell = bell;
        } else if source.fallen {
            source.bell = world.now;
        }
        changed.push((source.family, old.address, source.choice.clone(), source.fallen && !had_fallen));
    }
    if changed.iter().any(|(_, _, new, has_fallen)| new.address.is_some() || *has_fallen) {
        record.story = Story::new(bell);
        record.lanes.iter_mut().for_each(Lane::start_over);
    }
    for (family, old, new, has_fallen) in changed {
        if has_fallen && old == new.address {
            let what = format!(
                "there has been no {family} address for so long that the name shall not keep the last one"
            );
            record.story.tell(bell, what, None);
            continue;
        }
        let new = new.address.ok_or_else(|| new.why_none());
        tell(record, bell, family, old, &new);
        actions.push_back(Action::Report(Report::AddressChanged { record: id.clone(), family, old, new }));
    }
}

fn tell(
    record: &mut Record,
    bell: Instant,
    family: Family,
    old: Option<IpAddr>,
    new: &Result<IpAddr, String>,
) {
    let what = match (old, new) {
        (Some(old), Ok(new)) => format!("{family} address changed from {old} to {new}"),
        (None, Ok(new)) => format!("{family} address is {new}"),
        (_, Err(why)) => format!("no {family} address to publish: {why}"),
    };
    record.story.tell(bell, what, None);
}

/// What a record would publish and send, for the commands that run without a daemon: nothing is remembered from before,
/// and nobody outside is asked.
pub struct Preview(Record);

impl Preview {
    /// A record at which nobody has looked yet.
    #[must_use]
    pub fn new(settings: &RecordSettings, now: Instant) -> Self {
        Self(Record::new(settings.clone(), now))
    }

    /// Looks, and says what there is. What was chosen before stays where the rules leave a choice.
    pub fn look(&mut self, snapshot: &Snapshot, now: Instant) -> Vec<SourceStatus> {
        let world = World { snapshot, lookouts: &Lookouts::default(), now };
        let Record { sources, settings, .. } = &mut self.0;
        sources.iter_mut().for_each(|source| source.look(settings, &world, None, &mut Vec::new()));
        sources.iter().map(Source::status).collect()
    }

    /// The updates that tell the provider everything.
    #[must_use]
    pub fn updates(&self, now: Instant) -> Vec<Update> {
        self.0.lanes.iter().filter_map(|lane| self.0.plan(lane, now + DAY)).collect()
    }
}

/// Nothing is gathered longer.
const DAY: Duration = Duration::from_secs(86_400);
