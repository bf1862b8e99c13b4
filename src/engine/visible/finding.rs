//! What a look has found, and what follows from it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::super::address::Further;
use super::super::journal::{Report, milliseconds};
use super::super::pacing::Dice;
use super::super::record::{Published, Record, Target};
use super::super::{Action, Instant, Now, RecordId};
use super::{OFTEN, SOON, Seen, Stage};
use crate::provider::Prefix;

/// … until it is told that it is not to be seen.
const LATE: Duration = Duration::from_secs(15 * 60);
/// Who changes a name again within this time after a repair means it.
const DAY: Duration = Duration::from_secs(86_400);

/// What all servers that answered mean together.
pub(super) enum View {
    /// Nobody answered; why, of the first.
    Dark(String),
    /// They disagree, in words.
    Mixed(String),
    /// All of them show something else, in words.
    Other(String),
    /// All of them show it; `only`: and nothing beside it, nor a proxy in its place.
    Shown { only: bool },
}

/// A target that was looked at.
pub(super) struct Place<'a> {
    pub(super) id: RecordId,
    pub(super) record: &'a mut Record,
    pub(super) lane: usize,
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) now: Now,
}

impl Place<'_> {
    /// Nothing is known of it, and the update waits for this look.
    pub(super) fn first(
        mut self,
        wanted: IpAddr,
        view: View,
        dice: &mut Dice,
        actions: &mut VecDeque<Action>,
    ) {
        let (every, early) = (self.record.settings.verify, dice.byte());
        let (at, since) = (self.now.monotonic, self.now.unix());
        let Some(target) = self.target() else { return };
        (target.sight.stage, target.sight.due) = (Stage::Slow, None);
        let what = match view {
            View::Shown { only: true } => {
                target.published = Some(Published {
                    address: wanted,
                    further: Further::default(),
                    prefix: None,
                    at,
                    carried: Duration::ZERO,
                    since,
                    early,
                });
                target.sight.rest(every, at, dice);
                actions.push_back(Action::Save { durable: true });
                let what = format!("{} is shown as {wanted} already: no update is needed", self.name);
                self.report(false, what.clone(), actions);
                what
            }
            View::Shown { only: false } => {
                format!("{} shows more than {wanted}: an update is needed", self.name)
            }
            View::Dark(words) | View::Mixed(words) | View::Other(words) => {
                format!("an update is needed: {words}")
            }
        };
        self.tell(what);
    }

    /// The provider has confirmed it.
    pub(super) fn awaited(
        mut self,
        bell: Option<Instant>,
        since: Instant,
        view: View,
        dice: &mut Dice,
        actions: &mut VecDeque<Action>,
    ) {
        let (every, now) = (self.record.settings.verify, self.now.monotonic);
        let elapsed = now.since(since);
        let Some(target) = self.target() else { return };
        let words = match view {
            View::Shown { .. } => {
                target.sight.words = None;
                target.sight.rest(every, now, dice);
                return self.visible(bell, actions);
            }
            View::Dark(words) => words,
            View::Mixed(words) | View::Other(words) if elapsed < LATE => words,
            View::Mixed(words) | View::Other(words) => {
                let what = format!("{} was accepted, but still {words}", self.name);
                self.report(true, what.clone(), actions);
                what
            }
        };
        let Some(target) = self.target() else { return };
        if elapsed < LATE {
            target.sight.due = Some(now + elapsed.clamp(SOON, OFTEN));
        } else {
            target.sight.rest(every, now, dice);
        }
        self.says(words);
    }

    /// All servers show it; told when it is the last one of the record.
    fn visible(mut self, bell: Option<Instant>, actions: &mut VecDeque<Action>) {
        self.tell(format!("{}: all name servers that answer show it", self.name));
        let mut targets = self.record.lanes.iter().flat_map(|lane| &lane.targets);
        let (Some(bell), true) = (bell, targets.all(|target| !target.sight.is_awaited())) else { return };
        let event_ms = milliseconds(self.now.monotonic.since(bell));
        self.record.event_to_visible_ms = Some(event_ms);
        let (record, names) = (self.id, self.record.settings.names.clone());
        actions.push_back(Action::Report(Report::Visible { record, names, event_ms }));
    }

    /// Nothing is expected of it.
    pub(super) fn slow(mut self, view: View, dice: &mut Dice, actions: &mut VecDeque<Action>) {
        let (every, now) = (self.record.settings.verify, self.now.monotonic);
        let lane = self.record.lanes.get(self.lane);
        let is_settled = lane.and_then(|lane| Some(self.record.is_settled(lane, lane.targets.get(self.at)?)))
            == Some(true);
        let Some(target) = self.target() else { return };
        let sight = &mut target.sight;
        sight.rest(every, now, dice);
        let words = match view {
            View::Shown { .. } => return sight.words = None,
            View::Dark(words) | View::Mixed(words) => words,
            View::Other(words) if sight.left_alone || !is_settled => words,
            View::Other(words) if sight.repaired.is_some_and(|at| now.since(at) < DAY) => {
                sight.left_alone = true;
                let what = format!(
                    "{} is changed or deleted at the provider again and again, and left alone until the address \
                     changes: {words}",
                    self.name
                );
                self.report(true, what.clone(), actions);
                what
            }
            View::Other(words) => {
                sight.repaired = Some(now);
                target.forced = true;
                let what = format!(
                    "{} was changed or deleted at the provider, and is repaired by an update: {words}",
                    self.name
                );
                self.report(true, what.clone(), actions);
                what
            }
        };
        self.says(words);
    }

    fn target(&mut self) -> Option<&mut Target> {
        self.record.lanes.get_mut(self.lane)?.targets.get_mut(self.at)
    }

    /// Keeps words for the status, and tells them in the story if they are new.
    fn says(&mut self, words: String) {
        let Some(target) = self.target() else { return };
        if target.sight.words.as_ref() != Some(&words) {
            target.sight.words = Some(words.clone());
            self.tell(words);
        }
    }

    fn tell(&mut self, what: String) {
        self.record.story.tell(self.now.monotonic, what, None);
    }

    fn report(&self, is_trouble: bool, what: String, actions: &mut VecDeque<Action>) {
        actions.push_back(Action::Report(Report::Shown { record: self.id.clone(), what, is_trouble }));
    }
}

pub(super) fn view(seen: &[Seen], wanted: IpAddr, proxies: &[Prefix]) -> View {
    let mut dark = None;
    let mut other = None;
    let mut is_shown = None;
    for Seen { server, said } in seen {
        let ips = match said {
            Ok(ips) => ips,
            Err(words) => {
                dark.get_or_insert_with(|| format!("{server} cannot be asked: {words}"));
                continue;
            }
        };
        let is_proxied = ips.iter().any(|ip| proxies.iter().any(|proxy| proxy.contains(*ip)));
        let shows =
            if wanted.is_unspecified() { ips.is_empty() } else { ips.contains(&wanted) || is_proxied };
        if shows {
            let only = ips.len() <= 1 && !is_proxied && is_shown != Some(false);
            is_shown = Some(only);
        } else {
            let ips: Vec<String> = ips.iter().map(IpAddr::to_string).collect();
            let ips = if ips.is_empty() { "nothing".to_owned() } else { ips.join(" and ") };
            other.get_or_insert_with(|| format!("{server} shows {ips}"));
        }
    }
    match (other, is_shown) {
        (None, Some(only)) => View::Shown { only },
        (Some(words), Some(_)) => View::Mixed(format!("{words}, others do not")),
        (Some(words), None) => View::Other(words),
        (None, None) => View::Dark(dark.unwrap_or_else(|| "the name servers cannot be asked".to_owned())),
    }
}
