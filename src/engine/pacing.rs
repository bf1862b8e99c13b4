//! When an account may be asked again: spacing and budgets, what the provider asked for, back-off, jitter.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Failure, FailureKind, Instant};
use crate::provider::Limit;

/// What one account has been sent, and until when it wants to be left alone.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Pacing {
    /// Requests that still count for some limit, in order.
    sent: VecDeque<Instant>,
    /// Jobs that may or may not have left yet, by the instant of their start.
    flying: Vec<Instant>,
    /// `Retry-After` and the like.
    not_before: Option<Instant>,
}

/// When the limits leave room for one more request.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Room {
    /// From this instant on.
    From(Instant),
    /// Not before a job in flight has ended: only then is it known when its request left.
    AfterReply,
}

impl Pacing {
    /// When all limits leave room for one more request.
    ///
    /// A repetition gets half of the budgets of an hour and more, so that an outage does not eat up what the next
    /// change of address needs.
    pub(super) fn room(&self, limits: &[Limit], repetition: bool) -> Room {
        let mut from = self.not_before.unwrap_or_default();
        for limit in limits {
            let halved = repetition && limit.window >= Duration::from_secs(3600);
            let count = if halved { limit.count.div_ceil(2) } else { limit.count } as usize;
            if self.flying.len() >= count {
                return Room::AfterReply;
            }
            let Some(nth_last) = (self.sent.len() + self.flying.len()).checked_sub(count) else { continue };
            from = from.max(self.sent.get(nth_last).map_or(from, |sent| *sent + limit.window));
        }
        Room::From(from)
    }

    /// A job starts.
    pub(super) fn start(&mut self, now: Instant) {
        self.flying.push(now);
    }

    /// The job that started at `started` has ended; its request left at `sent`, if it did.
    pub(super) fn end(&mut self, started: Instant, sent: Option<Instant>, limits: &[Limit]) {
        if let Some(at) = self.flying.iter().position(|s| *s == started) {
            self.flying.swap_remove(at);
        }
        let Some(sent) = sent else { return };
        let longest = limits.iter().map(|l| l.window).max().unwrap_or_default();
        let most = limits.iter().map(|l| l.count as usize).max().unwrap_or_default();
        self.sent.insert(self.sent.partition_point(|s| *s <= sent), sent);
        while self.sent.front().is_some_and(|s| sent.since(*s) > longest || self.sent.len() > most) {
            self.sent.pop_front();
        }
    }

    /// The provider asked for patience.
    pub(super) fn leave_alone(&mut self, until: Instant) {
        self.not_before = self.not_before.max(Some(until));
    }

    /// The history as a new process finds it: what was in flight at the end of the old one may have left until then.
    pub(super) fn after_restart(mut self, now: Instant) -> Self {
        self.sent.extend(std::mem::take(&mut self.flying).iter().map(|_| now));
        self
    }

    /// The same history told in another boot's time; `slept` of which passed in between (`None`: unknown).
    ///
    /// Where the age is not known the request counts as sent when it was saved: too careful rather than too bold.
    pub(super) fn after_reboot(&self, saved: Instant, slept: Option<Duration>, now: Instant) -> Self {
        let slept = slept.unwrap_or_default();
        let age = |at: &Instant| saved.since(*at) + slept;
        let mut sent: Vec<Instant> = self.sent.iter().chain(&self.flying).map(|at| now - age(at)).collect();
        sent.sort();
        let left = self.not_before.map(|until| until.since(saved).saturating_sub(slept));
        let not_before = left.filter(|left| !left.is_zero()).map(|left| now + left);
        Self { sent: sent.into(), flying: Vec::new(), not_before }
    }
}

/// Whose fault a failure seems to be; decides how patient the next attempts are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// The line is coming up: try again in milliseconds, and at each notification.
    Line,
    /// The provider, or the way to it.
    Provider,
    /// An answer that is not the provider's: a captive portal, a changed interface.
    Nonsense,
    /// The certificate is from the future of an unset clock: wait for the clock.
    Clock,
}

impl Fault {
    /// Judges a failure; `clock_set` tells whether the wall clock is plausible.
    pub(super) fn of(failure: &Failure, clock_set: bool) -> Self {
        match failure.kind {
            FailureKind::Unreachable | FailureKind::Unresolved => Self::Line,
            FailureKind::CertificateNotYetValid if !clock_set => Self::Clock,
            FailureKind::CertificateNotYetValid
            | FailureKind::CertificateRejected
            | FailureKind::Protocol
            | FailureKind::Refused
            | FailureKind::Reset
            | FailureKind::TimedOut
            | FailureKind::TooLong => Self::Provider,
        }
    }

    /// Shortest and longest pause before the next attempt. Our judgement, but for the shapes: milliseconds while the
    /// line comes up, minutes when others are at fault.
    fn range(self) -> (Duration, Duration) {
        match self {
            Self::Line => (Duration::from_millis(10), Duration::from_secs(60)),
            Self::Provider => (Duration::from_secs(2), Duration::from_secs(300)),
            Self::Nonsense => (Duration::from_secs(30), Duration::from_secs(1800)),
            Self::Clock => (Duration::from_secs(3600), Duration::from_secs(3600)),
        }
    }
}

/// Attempts of one lane that failed in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Backoff {
    /// How many.
    pub(super) attempts: u32,
    /// Whose fault the last one was.
    pub(super) fault: Option<Fault>,
    /// The pause after the last one.
    pause: Duration,
    /// The end of that pause.
    pub(super) until: Option<Instant>,
    /// Whether a person was told of it.
    pub(super) told: bool,
}

impl Backoff {
    /// No failure counts any more; a person who was told of one still wants to hear of the end.
    pub(super) fn afresh(self) -> Self {
        Self::after(self.told)
    }

    /// No failure, but something that a person was told of.
    pub(super) fn after(told: bool) -> Self {
        Self { told, ..Self::default() }
    }

    /// Counts a failure and chooses the next pause: as long as the last one to three times as long, and somewhere in
    /// the upper half of the longest in the end, so that many routers do not march in step.
    pub(super) fn fail(&mut self, fault: Fault, now: Instant, dice: &mut Dice) {
        let (least, most) = fault.range();
        let last = if self.fault == Some(fault) { self.pause.max(least) } else { least };
        self.pause = dice.between(last.min(most / 2), last.saturating_mul(3).min(most));
        self.until = Some(now + self.pause);
        self.attempts = self.attempts.saturating_add(1);
        self.fault = Some(fault);
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014): enough for jitter, and repeatable from its seed.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Any byte.
    pub(super) fn byte(&mut self) -> u8 {
        self.roll().to_le_bytes()[0]
    }

    /// A duration from `least` to `most`, to the microsecond.
    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = most.saturating_sub(least).as_micros();
        let span = u64::try_from(span).unwrap_or(u64::MAX).saturating_add(1);
        least + Duration::from_micros(self.roll() % span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Instant {
        Instant::since_boot(Duration::from_secs(secs))
    }

    fn limit(count: u32, secs: u64) -> Limit {
        Limit { count, window: Duration::from_secs(secs) }
    }

    fn sent(pacing: &mut Pacing, limits: &[Limit], at: Instant) {
        pacing.start(at);
        pacing.end(at, Some(at), limits);
    }

    #[test]
    fn the_third_request_of_two_a_minute_waits_for_the_first_to_leave_the_window() {
        let limits = [limit(2, 60)];
        let mut pacing = Pacing::default();
        sent(&mut pacing, &limits, at(100));
        assert_eq!(pacing.room(&limits, false), Room::From(at(0)));
        sent(&mut pacing, &limits, at(110));
        assert_eq!(pacing.room(&limits, false), Room::From(at(160)));
    }

    #[test]
    fn a_request_that_never_left_is_not_counted() {
        let limits = [limit(1, 60)];
        let mut pacing = Pacing::default();
        pacing.start(at(100));
        pacing.end(at(100), None, &limits);
        assert_eq!(pacing.room(&limits, false), Room::From(at(0)));
    }

    #[test]
    fn a_job_in_flight_holds_its_place_until_it_is_known_when_its_request_left() {
        let limits = [limit(1, 60)];
        let mut pacing = Pacing::default();
        pacing.start(at(100));
        assert_eq!(pacing.room(&limits, false), Room::AfterReply);
        pacing.end(at(100), Some(at(109)), &limits);
        assert_eq!(pacing.room(&limits, false), Room::From(at(169)));
    }

    #[test]
    fn repetitions_leave_half_of_a_daily_budget_to_the_next_change() {
        let limits = [limit(4, 86_400)];
        let mut pacing = Pacing::default();
        sent(&mut pacing, &limits, at(100));
        sent(&mut pacing, &limits, at(200));
        assert_eq!(pacing.room(&limits, true), Room::From(at(86_500)));
        assert_eq!(pacing.room(&limits, false), Room::From(at(0)));
    }

    #[test]
    fn a_budget_survives_a_reboot_without_a_clock() {
        let limits = [limit(1, 86_400)];
        let mut pacing = Pacing::default();
        sent(&mut pacing, &limits, at(90_000));
        let after = pacing.after_reboot(at(90_010), None, at(20));
        assert_eq!(after.room(&limits, false), Room::From(at(86_410)));
    }

    #[test]
    fn pauses_of_a_line_that_comes_up_start_in_milliseconds_and_end_at_a_minute() {
        let (mut backoff, mut dice) = (Backoff::default(), Dice::new(1));
        backoff.fail(Fault::Line, at(0), &mut dice);
        assert!(backoff.pause < Duration::from_millis(31), "{backoff:?}");
        for _ in 0..20 {
            backoff.fail(Fault::Line, at(0), &mut dice);
        }
        for _ in 0..100 {
            backoff.fail(Fault::Line, at(0), &mut dice);
            assert!(backoff.pause >= Duration::from_secs(30) && backoff.pause <= Duration::from_secs(60));
        }
        backoff.fail(Fault::Provider, at(0), &mut dice);
        assert!(backoff.pause <= Duration::from_secs(6), "another fault starts anew: {backoff:?}");
    }
}
