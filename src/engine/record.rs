//! The life of a record: which names still need which address, and what is on its way.
//!
//! ```text
//!            address publishable              pacing allows
//!   idle ──────────────────────▶ due ──────────────────────▶ in flight
//!    ▲                            ▲                            │    │
//!    │                            └─── retry at ── failed ─────┘    │ refused
//!    └───────────── good, nochg ───────────────────────────────     ▼
//!                                                                 parked ── configuration changed, `update` ──▶ due
//! ```
//!
//! A lane is what fits into one request: one flight at a time. A newer address does not interrupt a request that has
//! left; it is sent after the answer, or after the answer's time is over.

use std::net::IpAddr;
use std::time::Duration;

use super::address::Further;
use super::journal::Story;
use super::pacing::Backoff;
use super::plan::{lanes, sources, stated, told_beside};
use super::source::Source;
use super::visible::Sight;
use super::{Instant, JobId, RecordSettings, WakeReason};
use crate::provider::{Family, Prefix, Refusal, Update};

/// How long an answer is waited for that a newer address has made pointless. The old address is gone from the line as
/// a rule, so the answer cannot come; our judgement.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// How much later than its failure a request may still be applied by the provider; our judgement, twice the longest
/// time that a request may take.
pub(super) const LATE: Duration = Duration::from_secs(60);

/// A flight this old that a notification came into may hang in a resolver or a connection that was begun before the
/// route was there; our judgement, longer than an ordinary handshake.
pub(super) const STALE: Duration = Duration::from_secs(1);

/// One record at work.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) settings: RecordSettings,
    /// Where the addresses come from, IPv4 first; of IPv6 one for each host part.
    pub(super) sources: Vec<Source>,
    pub(super) lanes: Vec<Lane>,
    pub(super) story: Story,
    /// How the last attempt ended, in words.
    pub(super) last_answer: Option<String>,
    /// Milliseconds from the kernel's event to the answer of the last published change.
    pub(super) event_to_answer_ms: Option<f64>,
    /// The same until all name servers showed it.
    pub(super) event_to_visible_ms: Option<f64>,
}

/// The names and families that share a request.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) targets: Vec<Target>,
    pub(super) flight: Option<Flight>,
    pub(super) backoff: Backoff,
    /// Since when something is due; the order of service.
    pub(super) due_since: Option<Instant>,
    /// A flight for this address was given its fresh start already.
    nudged: bool,
}

/// One name and family: one resource record set.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) family: Family,
    pub(super) published: Option<Published>,
    pub(super) parked: Option<Parked>,
    /// The provider may or may not have applied this one, until then.
    pub(super) doubt: Option<Doubt>,
    /// Confirm what is published once more, then: an older request may have been applied after it.
    pub(super) repeat_at: Option<Instant>,
    /// The user asked to send it even if it is confirmed, or somebody else has changed it.
    pub(super) forced: bool,
    pub(super) sight: Sight,
}

/// What the provider confirmed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Published {
    /// The unspecified address: its record was removed.
    pub(super) address: IpAddr,
    /// Addresses of other lines beside it.
    pub(super) further: Further,
    /// The prefix that went along.
    pub(super) prefix: Option<Prefix>,
    /// When, in this boot's time.
    pub(super) at: Instant,
    /// Age that it had already at `at` (from before this boot).
    pub(super) carried: Duration,
    /// When the provider confirmed it first, in seconds of Unix time, if the clock was set.
    pub(super) since: Option<u64>,
    /// How much earlier than asked for it is refreshed, in 5120ths of the period (5 % at most): jitter.
    pub(super) early: u8,
}

impl Published {
    /// Time since the provider confirmed it last.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.since(self.at) + self.carried
    }

    fn refresh_in(&self, every: Duration, now: Instant) -> Duration {
        (every - every * u32::from(self.early) / 5120).saturating_sub(self.age(now))
    }
}

/// Refused until a person acts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parked {
    pub(super) refusal: Refusal,
    pub(super) words: String,
}

/// An update whose answer was never seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Doubt {
    /// What it said. Two are kept at most: any third address differs from one of them.
    pub(super) addresses: Vec<IpAddr>,
    /// It will not be applied later than this.
    pub(super) until: Instant,
}

impl Doubt {
    /// Whether something else than `address` may still be applied.
    pub(super) fn is_about_another(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|doubtful| *doubtful != address)
    }
}

/// A job on its way.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) job: JobId,
    pub(super) update: Update,
    pub(super) since: Instant,
    /// Since when a newer address waits for the end of this flight.
    pub(super) superseded: Option<Instant>,
    pub(super) abandoned: bool,
    /// A notification came meanwhile: what failed for want of a route may be tried again at once.
    pub(super) rang: bool,
}

impl Record {
    pub(super) fn new(settings: RecordSettings, now: Instant) -> Self {
        let sources = sources(&settings, now);
        let lanes = lanes(&settings, &sources);
        let story = Story::new(now);
        Self {
            settings,
            sources,
            lanes,
            story,
            last_answer: None,
            event_to_answer_ms: None,
            event_to_visible_ms: None,
        }
    }

    pub(super) fn source(&self, name: &str, family: Family) -> Option<&Source> {
        self.sources.iter().find(|source| source.family == family && source.serves(name))
    }

    /// The address that a name shall have; unspecified: its record shall be removed.
    pub(super) fn wanted(&self, name: &str, family: Family) -> Option<IpAddr> {
        let source = self.source(name, family)?;
        source
            .choice
            .address
            .or_else(|| source.fallen.then(|| self.settings.on_down.address(family)).flatten())
    }

    pub(super) fn further(&self, name: &str, family: Family) -> Further {
        self.source(name, family).map(|source| source.choice.further).unwrap_or_default()
    }

    pub(super) fn prefix(&self, name: &str, family: Family) -> Option<Prefix> {
        self.source(name, family)?.choice.prefix
    }

    /// The device that an update's addresses belong to, IPv4's first.
    pub(super) fn device(&self, update: &Update) -> Option<String> {
        let first = update.names.first()?;
        let families = [Family::V4, Family::V6].into_iter();
        let stated = families.filter(|family| stated(update, first, *family).is_some());
        stated.filter_map(|family| self.source(first, family)?.choice.device.clone()).next()
    }

    /// When time alone changes what is wanted.
    pub(super) fn source_wake(&self) -> Option<(Instant, WakeReason)> {
        let back = self.sources.iter().filter_map(|source| Some((source.back_at?, WakeReason::Return)));
        let down = self.sources.iter().filter_map(|source| source.falls_at(self.settings.on_down));
        back.chain(down.map(|at| (at, WakeReason::Down))).min_by_key(|(at, _)| *at)
    }

    /// The notification that brought the first of the addresses of an update which the provider does not have yet.
    pub(super) fn news_since(&self, lane: &Lane, update: &Update) -> Option<Instant> {
        let news = |target: &&Target| {
            let stated = stated(update, &target.name, target.family);
            stated.is_some() && target.published.map(|p| p.address) != stated
        };
        let told = lane.targets.iter().filter(news);
        told.filter_map(|target| Some(self.source(&target.name, target.family)?.bell)).min()
    }

    /// From when on a target has to be told to the provider; `None`: not before something changes.
    pub(super) fn due_at(&self, target: &Target, now: Instant) -> Option<Instant> {
        let wanted = self.wanted(&target.name, target.family)?;
        let is_open = |source: &Source| self.wanted(&target.name, source.family).is_none();
        let waits = self.settings.manners.removes_all && self.sources.iter().any(is_open);
        let never = wanted.is_unspecified() && (target.published.is_none() || waits);
        if target.parked.is_some() || never {
            return None;
        }
        let prefix = self.prefix(&target.name, target.family);
        let further = self.further(&target.name, target.family);
        let is_confirmed =
            |p: &Published| (p.address, p.prefix, p.further) == (wanted, prefix, further) && !target.forced;
        let Some(published) = target.published.filter(is_confirmed) else {
            let held = target.sight.held.filter(|_| !target.forced);
            return Some(held.unwrap_or_default().max(self.gathered_at()));
        };
        let refreshes = self.settings.manners.refresh.filter(|_| !wanted.is_unspecified());
        let refresh = refreshes.map(|every| now + published.refresh_in(every, now));
        [refresh, target.repeat_at].into_iter().flatten().min()
    }

    /// Until when the second family of a dual-stack request is waited for.
    pub(super) fn gathered_at(&self) -> Instant {
        let known = |s: &&Source| s.choice.address.is_some();
        let first = self.sources.iter().filter(known).map(|s| s.bell).min().unwrap_or_default();
        let all_known = self.sources.iter().all(|s| known(&s));
        let manners = &self.settings.manners;
        if all_known || !manners.dual { Instant::default() } else { first + manners.gather }
    }
}

impl Lane {
    /// Whether a flight tells the provider something else than what is wanted now.
    pub(super) fn is_superseded(&self, record: &Record) -> bool {
        let Some(flight) = &self.flight else { return false };
        self.targets.iter().any(|target| {
            let wanted = record.wanted(&target.name, target.family);
            let sent = stated(&flight.update, &target.name, target.family);
            let further = record.further(&target.name, target.family);
            let is_other =
                |sent| Some(sent) != wanted || told_beside(&flight.update, target.family) != further;
            wanted.is_some() && sent.is_some_and(is_other)
        })
    }

    /// A notification came: what waits for the line is due, and a flight is told of it.
    pub(super) fn ring(&mut self, now: Instant) {
        if self.backoff.fault == Some(super::pacing::Fault::Line) {
            self.backoff.until = Some(now);
        }
        self.flight.iter_mut().for_each(|flight| flight.rang = true);
    }

    /// When a flight that was begun before the line was complete gets its one fresh start.
    pub(super) fn restart_at(&self) -> Option<Instant> {
        let flight = self.flight.as_ref().filter(|flight| flight.rang && flight.superseded.is_none())?;
        (!self.nudged).then_some(flight.since + STALE)
    }

    /// Takes that fresh start, if it is time.
    pub(super) fn restart(&mut self, now: Instant) -> Option<JobId> {
        self.restart_at().filter(|at| *at <= now)?;
        self.nudged = true;
        self.flight.as_ref().map(|flight| flight.job)
    }

    /// The wanted address changed: old failures say nothing about it.
    pub(super) fn start_over(&mut self) {
        self.backoff = self.backoff.afresh();
        self.nudged = false;
    }
}

impl Lane {
    pub(super) fn new(targets: Vec<Target>) -> Self {
        Self { targets, flight: None, backoff: Backoff::default(), due_since: None, nudged: false }
    }
}

impl Target {
    pub(super) fn new(name: &str, family: Family) -> Self {
        let name = name.to_owned();
        let sight = Sight::default();
        Self {
            name,
            family,
            published: None,
            parked: None,
            doubt: None,
            repeat_at: None,
            forced: false,
            sight,
        }
    }

    /// Whether a prefix was told instead of an address: what the names show then is the provider's to compose.
    pub(super) fn tells_prefix(&self) -> bool {
        let is_prefix = |p: Published| p.prefix.is_some_and(|prefix| p.address == IpAddr::V6(prefix.network));
        self.published.is_some_and(is_prefix)
    }

    /// The provider confirmed `address`, in answer to a request that left after `sent`.
    pub(super) fn confirm(
        &mut self,
        address: IpAddr,
        further: Further,
        prefix: Option<Prefix>,
        sent: Instant,
        at: Confirmation,
    ) {
        let before = self.published.filter(|p| p.address == address);
        let since = before.map_or(at.wall, |p| p.since.or(at.wall));
        let (at, early) = (at.now, at.early);
        self.published =
            Some(Published { address, further, prefix, at, carried: Duration::ZERO, since, early });
        self.forced = false;
        self.repeat_at = None;
        // A doubt about this very address is kept too: it may be applied over the next one.
        self.doubt = self.doubt.take().filter(|doubt| doubt.until > sent);
        if let Some(doubt) = self
            .doubt
            .as_ref()
            .filter(|doubt| doubt.is_about_another(address) || further != Further::default())
        {
            self.repeat_at = Some(doubt.until.max(at));
        }
    }

    /// A request that stated `address` may have been applied, or may still be.
    pub(super) fn doubt(&mut self, address: IpAddr, now: Instant) {
        let mut addresses = self.doubt.take().filter(|d| d.until > now).map_or(Vec::new(), |d| d.addresses);
        if !addresses.contains(&address) {
            addresses.insert(0, address);
            addresses.truncate(2);
        }
        self.doubt = Some(Doubt { addresses, until: now + LATE });
    }
}

/// The circumstances of a confirmation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Confirmation {
    pub(super) now: Instant,
    /// Seconds of Unix time, if the clock is set.
    pub(super) wall: Option<u64>,
    /// See [`Published::early`].
    pub(super) early: u8,
}
