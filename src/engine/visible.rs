//! Whether the zone's own name servers show what the provider has confirmed, and whether somebody has changed it since.
//!
//! ```text
//! unknown ───▶ first ─┬─ all show it: published without an update ──▶ slow
//!                     └─ otherwise, or after 3 s: update
//! confirmed ─▶ awaited ── all show it, or after 15 min ─────────────▶ slow
//! restored ─────────────────────────────────────────────────────────▶ slow ─┬─ all show it ───────────▶ slow
//!                                                                           └─ none shows it: update, once a day
//! ```
//!
//! A server that does not answer proves nothing, and servers that disagree are the provider's to mend: what all that answer
//! say is what counts.

mod finding;

use std::time::Duration;

use super::pacing::Dice;
use super::record::{Lane, Record, Target};
use super::{Action, Engine, Instant, JobId, Now, RecordId, WakeReason};
use crate::provider::Family;
pub use crate::provider::Seen;
use finding::{Place, view};

/// One look at the name servers of a name's zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Check {
    /// Its number.
    pub id: JobId,
    /// Whose settings (zone, device to bind) it is made with.
    pub record: RecordId,
    /// The name, as it is configured.
    pub name: String,
    /// A or AAAA.
    pub family: Family,
    /// The device that the wanted address belongs to.
    pub device: Option<String>,
}

/// Looks under way at once. Our judgement, as are the times below.
const CHECKS_MAX: usize = 2;
/// How long an update waits for the first look.
const FIRST: Duration = Duration::from_secs(3);
/// After an update it is looked for when this time has passed, then when twice as much has, and so on …
const SOON: Duration = Duration::from_millis(500);
/// … but this often at least …
const OFTEN: Duration = Duration::from_secs(60);

/// What is known of how the name servers show a target.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sight {
    stage: Stage,
    /// When the next look is due.
    due: Option<Instant>,
    flying: Option<JobId>,
    /// The first update waits until then for the first looks of its lane.
    pub(super) held: Option<Instant>,
    /// What is to be seen instead of what shall be, or why nothing is to be seen.
    pub(super) words: Option<String>,
    /// When somebody else's change was last repaired.
    repaired: Option<Instant>,
    /// It was changed again and again: the address that is published now is not defended any more.
    left_alone: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Stage {
    /// Nobody has looked.
    #[default]
    New,
    /// Perhaps no update is needed at all.
    First,
    /// It was confirmed at `since`; `bell`: of the kernel's event, if it was one that led to it.
    Awaited { bell: Option<Instant>, since: Instant },
    /// Nothing is expected.
    Slow,
}

impl Sight {
    /// The user says `update`: it is looked at now, and what was left alone is defended again.
    pub(super) fn pardon(&mut self) {
        (self.repaired, self.left_alone) = (None, false);
        if self.stage == Stage::Slow {
            self.due = self.due.map(|_| Instant::default());
        }
    }

    fn is_awaited(&self) -> bool {
        matches!(self.stage, Stage::Awaited { .. })
    }

    /// Looks again after about this time.
    fn rest(&mut self, every: Duration, now: Instant, dice: &mut Dice) {
        self.stage = Stage::Slow;
        self.due = Some(now + dice.between(every - every / 8, every + every / 8));
    }
}

impl Engine {
    /// Plans looks for what has become of the records, and begins those that are due.
    pub(super) fn check_due(&mut self, now: Instant) {
        let mut due: Vec<(Instant, RecordId, String, Family)> = Vec::new();
        for (id, record) in self.records.iter_mut().filter(|(_, record)| !record.settings.verify.is_zero()) {
            for lane in 0..record.lanes.len() {
                record.expect_looks(lane, now, &mut self.dice);
            }
            for (lane, target) in record.targets() {
                let at = record.check_at(lane, target).filter(|at| *at <= now);
                due.extend(at.map(|at| (at, id.clone(), target.name.clone(), target.family)));
            }
        }
        due.sort_by_key(|(at, ..)| *at);
        for (_, id, name, family) in due.into_iter().take(CHECKS_MAX.saturating_sub(self.checks)) {
            let job = self.number();
            let Some(record) = self.records.get_mut(&id) else { continue };
            let device = record.source(&name, family).and_then(|source| source.choice.device.clone());
            let mut targets = record.lanes.iter_mut().flat_map(|lane| &mut lane.targets);
            let ours = targets.find(|target| target.name == name && target.family == family);
            ours.into_iter().for_each(|target| target.sight.flying = Some(job));
            self.checks += 1;
            self.requests.push_back(Action::Check(Check { id: job, record: id, name, family, device }));
        }
    }

    /// When the next look is due.
    pub(super) fn check_wake(&self) -> Option<(Instant, WakeReason)> {
        // Without a place a look will end.
        let records = self.records.values().filter(|_| self.checks < CHECKS_MAX);
        let looks = records.filter_map(|record| record.check_wake(|_| true));
        looks.min_by_key(|(at, _)| *at)
    }

    /// A look came to its end.
    pub(super) fn checked(&mut self, job: JobId, seen: &[Seen], now: Now) {
        self.checks = self.checks.saturating_sub(1);
        let found = self.records.iter_mut().find_map(|(id, record)| {
            let flies = |target: &Target| target.sight.flying == Some(job);
            let mut lanes = record.lanes.iter().enumerate();
            let at = lanes.find_map(|(at, lane)| Some((at, lane.targets.iter().position(flies)?)))?;
            Some((id.clone(), record, at))
        });
        // Of a record that is gone, or an address that is no longer published.
        let Some((id, record, (lane, at))) = found else { return };
        let Some(target) = record.lanes.get_mut(lane).and_then(|lane| lane.targets.get_mut(at)) else {
            return;
        };
        target.sight.flying = None;
        let (name, family, stage) = (target.name.clone(), target.family, target.sight.stage);
        let wanted = match stage {
            Stage::First => record.wanted(&name, family),
            Stage::Awaited { .. } | Stage::New | Stage::Slow => target.published.map(|p| p.address),
        };
        let Some(wanted) = wanted else { return };
        let view = view(seen, wanted, &record.settings.manners.proxies);
        let place = Place { id, record, lane, at, name, now };
        let (dice, actions) = (&mut self.dice, &mut self.actions);
        match stage {
            Stage::New => {}
            Stage::First => place.first(wanted, view, dice, actions),
            Stage::Awaited { bell, since } => place.awaited(bell, since, view, dice, actions),
            Stage::Slow => place.slow(view, dice, actions),
        }
    }
}

impl Record {
    /// What was confirmed, be it once more, is looked for; `before` is the lane before the answer.
    pub(super) fn expect_visible(&mut self, lane: usize, before: &[Target], now: Instant) {
        let bell = |target: &Target| self.source(&target.name, target.family).map(|source| source.bell);
        let bells: Vec<_> =
            self.lanes.get(lane).into_iter().flat_map(|lane| lane.targets.iter().map(bell)).collect();
        let Some(lane) = self.lanes.get_mut(lane).filter(|_| !self.settings.verify.is_zero()) else { return };
        for ((target, before), news) in lane.targets.iter_mut().zip(before).zip(bells) {
            let address = |target: &Target| target.published.map(|published| published.address);
            let is_confirmed = target.published.is_some_and(|published| published.at == now);
            if !is_confirmed || target.published == before.published || target.tells_prefix() {
                continue;
            }
            let is_news = address(target) != address(before);
            let sight = &mut target.sight;
            let (bell, repaired, left_alone) = match sight.stage {
                _ if is_news => (news, None, false),
                Stage::Awaited { bell, .. } => (bell, sight.repaired, sight.left_alone),
                Stage::First | Stage::New | Stage::Slow => (None, sight.repaired, sight.left_alone),
            };
            let stage = Stage::Awaited { bell, since: now };
            *sight = Sight { stage, due: Some(now + SOON), repaired, left_alone, ..Sight::default() };
        }
    }

    /// When the next look at one of these is due that something is expected of.
    pub(super) fn awaited_at(&self) -> Option<(Instant, WakeReason)> {
        self.check_wake(Sight::is_awaited)
    }

    fn check_wake(&self, which: fn(&Sight) -> bool) -> Option<(Instant, WakeReason)> {
        let targets = self.targets().filter(|(_, target)| which(&target.sight));
        let looks = targets.filter_map(|(lane, target)| self.check_at(lane, target));
        looks.min().map(|at| (at, WakeReason::Check))
    }

    fn targets(&self) -> impl Iterator<Item = (&Lane, &Target)> {
        self.lanes.iter().flat_map(|lane| lane.targets.iter().map(move |target| (lane, target)))
    }

    /// When a target is to be looked at next.
    fn check_at(&self, lane: &Lane, target: &Target) -> Option<Instant> {
        let due = target.sight.due.filter(|_| target.sight.flying.is_none() && !target.tells_prefix())?;
        (target.sight.stage == Stage::First || self.is_settled(lane, target)).then_some(due)
    }

    /// Whether all is told to the provider: only then can it be held against what is shown.
    fn is_settled(&self, lane: &Lane, target: &Target) -> bool {
        let published = target.published.map(|published| published.address);
        let is_told = published.is_some() && published == self.wanted(&target.name, target.family);
        is_told && lane.flight.is_none() && target.parked.is_none() && !target.forced
    }

    /// Plans the looks at names of which nothing is known in this life.
    fn expect_looks(&mut self, lane: usize, now: Instant, dice: &mut Dice) {
        let Some(ours) = self.lanes.get(lane) else { return };
        // How old a confirmation is cannot be seen, nor which prefix went along.
        let may_wait = ours.flight.is_none() && self.settings.manners.refresh.is_none();
        // `None`: there is nothing to compare with.
        let open = |target: &Target| {
            let (name, family) = (&target.name, target.family);
            self.wanted(name, family).filter(|wanted| !wanted.is_unspecified())?;
            let is_known = target.parked.is_some() || target.doubt.is_some() || target.forced;
            Some(may_wait && !is_known && self.prefix(name, family).is_none())
        };
        let open: Vec<Option<bool>> = ours.targets.iter().map(open).collect();
        let every = self.settings.verify;
        let Some(lane) = self.lanes.get_mut(lane) else { return };
        for (target, open) in lane.targets.iter_mut().zip(open) {
            let is_published = target.published.is_some();
            let sight = &mut target.sight;
            match (sight.stage, open) {
                (Stage::New, _) if is_published => {
                    sight.stage = Stage::Slow;
                    sight.due = Some(now + dice.between(every / 2, every));
                }
                (Stage::New, Some(true)) => {
                    (sight.stage, sight.due, sight.held) = (Stage::First, Some(now), Some(now + FIRST));
                }
                (Stage::New, Some(false)) => sight.stage = Stage::Slow,
                // The address is gone again.
                (Stage::First, None) => *sight = Sight::default(),
                (Stage::First, _) if sight.held.is_none_or(|held| held <= now) => {
                    (sight.stage, sight.due, sight.flying) = (Stage::Slow, None, None);
                }
                (Stage::Awaited { .. } | Stage::First | Stage::New | Stage::Slow, _) => {}
            }
        }
        if lane.targets.iter().all(|target| target.sight.stage != Stage::First) {
            lane.targets.iter_mut().for_each(|target| target.sight.held = None);
        }
    }
}
