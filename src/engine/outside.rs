//! What is seen of us from outside, where the interface itself has no public address: who is asked, and when again.

use std::net::IpAddr;
use std::time::Duration;

use litemap::LiteMap;

use super::pacing::Dice;
use super::{Allow, Instant};
use crate::provider::Family;

/// Who is asked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Means {
    /// The router before us: NAT-PMP (RFC 6886), PCP (RFC 6887), UPnP IGD.
    Router,
    /// STUN servers (RFC 8489).
    Stun,
    /// Web services that answer with the address of who asks.
    Web,
}

impl Means {
    /// As it is configured.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Router => "router",
            Self::Stun => "stun",
            Self::Web => "web",
        }
    }
}

/// One question to the outside; equal ones are asked once for all records.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Probe {
    /// Who is asked.
    pub means: Means,
    /// Which family's address.
    pub family: Family,
    /// The kernel device that the question leaves through (`SO_BINDTODEVICE`); `None`: as routed.
    pub device: Option<String>,
}

/// The answer: an address that may be believed, or in words why there is none.
pub type Sighting = Result<IpAddr, String>;

/// The questions that records need, and their last answers.
#[derive(Debug, Default)]
pub(super) struct Lookouts(LiteMap<Probe, Lookout>);

#[derive(Debug)]
struct Lookout {
    /// What at least one of the records would publish.
    allow: Allow,
    sighting: Option<Sighting>,
    asked: Option<Instant>,
    flying: bool,
    /// `None`: not until it rings.
    due: Option<Instant>,
    pause: Duration,
}

/// The line may flap: the services shall not notice it more often. Our judgement, as are all of these.
const SPACING: Duration = Duration::from_secs(5);
/// Nothing announces a new address behind a NAT: at first it is looked for this often, and while it stays the same ever
/// more rarely.
const OFTEN: Duration = Duration::from_secs(60);
const RARELY: Duration = Duration::from_secs(3600);
/// The same for a question that had no answer.
const SOON: Duration = Duration::from_secs(10);
const PATIENTLY: Duration = Duration::from_secs(900);

impl Lookouts {
    /// The last answer; `None`: there is none yet.
    pub(super) fn sighting(&self, probe: &Probe) -> Option<&Sighting> {
        self.0.get(probe)?.sighting.as_ref()
    }

    /// These are needed now: others are forgotten, new ones are asked at once.
    pub(super) fn need(&mut self, probes: &[(Probe, Allow)], now: Instant) {
        self.0.retain(|probe, lookout| lookout.flying || probes.iter().any(|(needed, _)| needed == probe));
        for (probe, allow) in probes {
            let fresh = || Lookout {
                allow: *allow,
                sighting: None,
                asked: None,
                flying: false,
                due: Some(now),
                pause: OFTEN,
            };
            let lookout = self.0.entry(probe.clone()).or_insert_with(fresh);
            lookout.allow = lookout.allow.or(*allow);
        }
    }

    /// The kernel reports a change; `table`: of links or addresses, else perhaps of a route.
    pub(super) fn ring(&mut self, table: bool, now: Instant) {
        for (_, lookout) in &mut self.0 {
            if table || !matches!(lookout.sighting, Some(Ok(_))) {
                let from = lookout.asked.map_or(now, |asked| now.max(asked + SPACING));
                lookout.sooner(from);
            }
        }
    }

    /// Takes what shall be asked now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Probe, Allow)> {
        let mut due = Vec::new();
        for (probe, lookout) in
            self.0.iter_mut().filter(|(_, l)| !l.flying && l.due.is_some_and(|due| due <= now))
        {
            (lookout.flying, lookout.asked, lookout.due) = (true, Some(now), None);
            due.push((probe.clone(), lookout.allow));
        }
        due
    }

    /// An answer came. A change that the kernel reports in between is asked about afterwards.
    pub(super) fn saw(&mut self, probe: &Probe, sighting: Sighting, now: Instant, dice: &mut Dice) {
        let Some(lookout) = self.0.get_mut(probe) else { return };
        let sighting = match sighting {
            Ok(ip) if Family::of(ip) != probe.family => Err(format!("{ip} is of the other family")),
            other => other,
        };
        let (first, most) = if sighting.is_ok() { (OFTEN, RARELY) } else { (SOON, PATIENTLY) };
        let as_before = lookout.sighting.as_ref().is_some_and(|before| match (before, &sighting) {
            (Ok(before), Ok(ip)) => before == ip,
            (before, sighting) => before.is_err() && sighting.is_err(),
        });
        lookout.pause = if as_before { (lookout.pause * 2).min(most) } else { first };
        let pause = dice.between(lookout.pause, lookout.pause + lookout.pause / 4);
        lookout.sooner(now + pause);
        lookout.flying = false;
        lookout.sighting = Some(sighting);
    }

    /// When the next question is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().filter(|lookout| !lookout.flying).filter_map(|lookout| lookout.due).min()
    }
}

impl Lookout {
    fn sooner(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe() -> Probe {
        Probe { means: Means::Web, family: Family::V4, device: None }
    }

    fn at(secs: u64) -> Instant {
        Instant::since_boot(Duration::from_secs(secs))
    }

    fn needed(now: u64) -> Lookouts {
        let mut lookouts = Lookouts::default();
        lookouts.need(&[(probe(), Allow::default())], at(now));
        lookouts
    }

    #[test]
    fn while_nothing_changes_it_is_asked_ever_more_rarely_down_to_once_an_hour() {
        let (mut lookouts, mut dice, mut now) = (needed(1), Dice::new(1), at(1));
        let mut pauses = Vec::new();
        for _ in 0..12 {
            assert_eq!(lookouts.due(now).len(), 1);
            assert_eq!(lookouts.due(now), [], "one question at a time");
            lookouts.saw(&probe(), Ok([81, 2, 0, 1].into()), now, &mut dice);
            let next = lookouts.next().unwrap();
            pauses.push(next.since(now).as_secs());
            now = next;
        }
        assert!(pauses.is_sorted_by(|a, b| a < b || *a >= 3600), "{pauses:?}");
        assert!((60..=75).contains(&pauses[0]) && (3600..=4500).contains(&pauses[11]), "{pauses:?}");
        lookouts.due(now);
        lookouts.saw(&probe(), Ok([81, 2, 0, 2].into()), now, &mut dice);
        assert!(lookouts.next().unwrap().since(now).as_secs() <= 75, "a change is looked after");
    }

    #[test]
    fn a_change_of_the_line_is_asked_about_at_once_but_not_more_often_than_every_five_seconds() {
        let (mut lookouts, mut dice) = (needed(1), Dice::new(1));
        lookouts.due(at(1));
        lookouts.ring(true, at(2));
        lookouts.saw(&probe(), Ok([81, 2, 0, 1].into()), at(3), &mut dice);
        assert_eq!(lookouts.next(), Some(at(6)), "it changed while the answer was on its way");
        lookouts.due(at(6));
        lookouts.saw(&probe(), Ok([81, 2, 0, 1].into()), at(6), &mut dice);
        lookouts.ring(false, at(20));
        assert!(lookouts.due(at(20)).is_empty(), "a route says nothing where an answer is known");
        lookouts.ring(true, at(20));
        assert_eq!(lookouts.due(at(20)).len(), 1);
        lookouts.saw(&probe(), Err("no answer".to_owned()), at(21), &mut dice);
        lookouts.ring(false, at(30));
        assert_eq!(lookouts.due(at(30)).len(), 1, "it may be what the answer waited for");
    }

    #[test]
    fn what_nobody_needs_any_more_is_forgotten_and_an_answer_of_the_other_family_is_none() {
        let (mut lookouts, mut dice) = (needed(1), Dice::new(1));
        lookouts.due(at(1));
        lookouts.saw(&probe(), Ok("2001:db8::1".parse().unwrap()), at(2), &mut dice);
        assert!(lookouts.sighting(&probe()).unwrap().is_err());
        lookouts.need(&[], at(3));
        assert_eq!(lookouts.next(), None);
    }
}
