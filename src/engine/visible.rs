//! Whether the zone's own name servers show what the provider has confirmed, and whether somebody has changed it since.
//!
//! ```text
//!            nothing is known of it              shown already: no update
//!   new ──────────────────────────────▶ first ─────────────────────────────────▶ slow ◀──────────┐
//!    │ published                          │ otherwise, or after 3 s: update       │ │            │ shown, or
//!    └───────────▶ slow                   └──────────────▶ confirmed ──▶ awaited ─┼─┼────────────┘ after 15 min
//!                                                              ▲                  │ │
//!                                                              └── repaired once ─┘ └─ again within a day: left alone
//! ```
//!
//! A server that does not answer proves nothing, and servers that disagree are the provider's to mend: what all that answer
//! say is what counts.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::core::LaneAt;
use super::journal::{Report, milliseconds};
use super::pacing::Dice;
use super::record::{Lane, Published, Record, Target};
use super::{Action, Engine, Instant, JobId, Now, RecordId, WakeReason};
pub use crate::provider::Seen;
use crate::provider::{Family, Prefix};

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
/// … until it is told that it is not to be seen.
const LATE: Duration = Duration::from_secs(15 * 60);
/// Who changes a name again within this time after a repair means it.
const DAY: Duration = Duration::from_secs(86_400);

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

/// What all servers that answered mean together.
enum View {
    /// Nobody answered; why, of the first.
    Dark(String),
    /// They disagree, in words.
    Mixed(String),
    /// All of them show something else, in words.
    Other(String),
    /// All of them show it; `only`: and nothing beside it, nor a proxy in its place.
    Shown { only: bool },
}

impl Sight {
    /// The user says `update`: what was left alone is defended again.
    pub(super) fn pardon(&mut self) {
        (self.repaired, self.left_alone) = (None, false);
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
        let mut due: Vec<(Instant, LaneAt, usize)> = Vec::new();
        for (id, record) in self.records.iter_mut().filter(|(_, record)| !record.settings.verify.is_zero()) {
            for lane in 0..record.lanes.len() {
                record.expect_looks(lane, now, &mut self.dice);
                let targets =
                    record.lanes.get(lane).into_iter().flat_map(|l| l.targets.iter().map(move |t| (l, t)));
                let looks = targets
                    .enumerate()
                    .filter_map(|(at, (lane, target))| Some((record.check_at(lane, target)?, at)));
                due.extend(
                    looks.filter(|(at, _)| *at <= now).map(|(when, at)| (when, (id.clone(), lane), at)),
                );
            }
        }
        due.sort();
        for (_, (id, lane), at) in due.into_iter().take(CHECKS_MAX.saturating_sub(self.checks)) {
            let job = self.number();
            let Some(record) = self.records.get_mut(&id) else { continue };
            let Some(target) = record.lanes.get_mut(lane).and_then(|lane| lane.targets.get_mut(at)) else {
                continue;
            };
            target.sight.flying = Some(job);
            let (name, family) = (target.name.clone(), target.family);
            let device = record.source(&name, family).and_then(|source| source.choice.device.clone());
            self.checks += 1;
            self.requests.push_back(Action::Check(Check { id: job, record: id, name, family, device }));
        }
    }

    /// When the next look is due.
    pub(super) fn check_wake(&self) -> Option<(Instant, WakeReason)> {
        // Without a place a look will end.
        let records = self.records.values().filter(|_| self.checks < CHECKS_MAX);
        let looks = records.flat_map(|record| {
            record.lanes.iter().flat_map(move |lane| {
                lane.targets.iter().filter_map(move |target| record.check_at(lane, target))
            })
        });
        looks.min().map(|at| (at, WakeReason::Check))
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
        let is_first = stage == Stage::First;
        let published = target.published.map(|published| published.address);
        let wanted = if is_first { record.wanted(&name, family) } else { published };
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
        let bells = self.sources.iter().map(|source| (source.family, source.names.clone(), source.bell));
        let bells: Vec<_> = bells.collect();
        let Some(lane) = self.lanes.get_mut(lane).filter(|_| !self.settings.verify.is_zero()) else { return };
        for (target, before) in lane.targets.iter_mut().zip(before) {
            let address = |target: &Target| target.published.map(|published| published.address);
            let is_confirmed = target.published.is_some_and(|published| published.at == now);
            if !is_confirmed || target.published == before.published {
                continue;
            }
            let is_news = address(target) != address(before);
            let ours = |(family, names, _): &&(Family, Vec<String>, Instant)| {
                *family == target.family && names.contains(&target.name)
            };
            let sight = &mut target.sight;
            let (bell, repaired, left_alone) = match sight.stage {
                _ if is_news => (bells.iter().find(ours).map(|(_, _, bell)| *bell), None, false),
                Stage::Awaited { bell, .. } => (bell, sight.repaired, sight.left_alone),
                Stage::First | Stage::New | Stage::Slow => (None, sight.repaired, sight.left_alone),
            };
            let stage = Stage::Awaited { bell, since: now };
            *sight = Sight { stage, due: Some(now + SOON), repaired, left_alone, ..Sight::default() };
        }
    }

    /// Whether something that was published is still looked for.
    pub(super) fn awaited_at(&self) -> Option<(Instant, WakeReason)> {
        let targets =
            self.lanes.iter().flat_map(|lane| lane.targets.iter().map(move |target| (lane, target)));
        let awaited = targets.filter(|(_, target)| target.sight.is_awaited());
        awaited
            .filter_map(|(lane, target)| self.check_at(lane, target))
            .min()
            .map(|at| (at, WakeReason::Check))
    }

    /// When a target is to be looked at next.
    fn check_at(&self, lane: &Lane, target: &Target) -> Option<Instant> {
        let due = target.sight.due.filter(|_| target.sight.flying.is_none())?;
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
        let open = |target: &Target| {
            let (name, family) = (&target.name, target.family);
            let is_known = target.parked.is_some() || target.doubt.is_some() || target.forced;
            let wanted = self.wanted(name, family).filter(|wanted| !wanted.is_unspecified())?;
            Some(
                Some(wanted)
                    .filter(|_| may_wait && !is_known && self.prefix(name, family).is_none())
                    .is_some(),
            )
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

/// A target that was looked at.
struct Place<'a> {
    id: RecordId,
    record: &'a mut Record,
    lane: usize,
    at: usize,
    name: String,
    now: Now,
}

impl Place<'_> {
    /// Nothing is known of it, and the update waits for this look.
    fn first(mut self, wanted: IpAddr, view: View, dice: &mut Dice, actions: &mut VecDeque<Action>) {
        let (every, early) = (self.record.settings.verify, dice.byte());
        let (at, since) = (self.now.monotonic, self.now.unix());
        let Some(target) = self.target() else { return };
        (target.sight.stage, target.sight.due) = (Stage::Slow, None);
        let what = match view {
            View::Shown { only: true } => {
                target.published = Some(Published {
                    address: wanted,
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
    fn awaited(
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
    fn slow(mut self, view: View, dice: &mut Dice, actions: &mut VecDeque<Action>) {
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

fn view(seen: &[Seen], wanted: IpAddr, proxies: &[Prefix]) -> View {
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
