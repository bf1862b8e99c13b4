//! Compares what the device has with what the names resolve to, and keeps the score.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wanbeacon::provider::Family;

use crate::lab::dns::Dns;
use crate::lab::provider::{Provider, Request};
use crate::lab::query::resolve;
use crate::watch::Watch;

/// How long a question to our own name server may take.
const LOOKUP: Duration = Duration::from_secs(2);
/// How long a request may be on its way when somebody asks for it.
const FOREVER: Duration = Duration::from_secs(1 << 20);

/// The judge of one run.
pub(crate) struct Referee {
    provider: Provider,
    dns: Dns,
    watch: Watch,
    state: Mutex<State>,
    proven: Condvar,
}

#[derive(Default)]
struct State {
    /// What each name resolves to, by question to the name server, and since when that is known.
    resolved: BTreeMap<(String, Family), (IpAddr, Instant)>,
    results: Vec<Outcome>,
}

/// One thing that had to become true.
struct Outcome {
    step: String,
    kind: &'static str,
    request: Option<Duration>,
    name: Option<Duration>,
    right: bool,
}

impl Referee {
    /// Starts with nothing seen.
    pub(crate) fn new(provider: Provider, dns: Dns, watch: Watch) -> Self {
        Self { provider, dns, watch, state: Mutex::default(), proven: Condvar::new() }
    }

    /// Asks the name server after each accepted update, for as long as the program lives.
    pub(crate) fn prove(&self) {
        let mut seen = BTreeSet::new();
        let answered = |seen: &BTreeSet<usize>, requests: &[Request]| {
            let mut numbered = requests.iter().enumerate();
            numbered
                .find(|(number, request)| request.finished.is_some() && !seen.contains(number))
                .map(|(at, _)| at)
        };
        while self.provider.wait_for(FOREVER, |requests| answered(&seen, requests).is_some()) {
            let requests = self.provider.requests();
            while let Some(number) = answered(&seen, &requests) {
                seen.insert(number);
                self.prove_one(&requests[number]);
            }
        }
    }

    fn prove_one(&self, request: &Request) {
        for name in &request.update.names {
            for ip in &request.update.addresses {
                let family = Family::of(*ip);
                let answers = resolve(self.dns.address(), name, family, LOOKUP).unwrap_or_default();
                let (now, key) = (Instant::now(), (name.clone(), family));
                let mut state = self.lock();
                let known = state.resolved.get(&key).map(|(ip, _)| *ip);
                if answers == [*ip] && known != Some(*ip) {
                    state.resolved.insert(key, (*ip, now));
                }
            }
        }
        self.proven.notify_all();
    }

    /// Answers one question of `lab-server ask`.
    pub(crate) fn answer(&self, words: &[&str]) -> (bool, String) {
        self.understood(words).unwrap_or_else(|| (false, format!("not understood: {}", words.join(" "))))
    }

    fn understood(&self, words: &[&str]) -> Option<(bool, String)> {
        let limit = |text: &str| text.parse::<u64>().ok().map(Duration::from_millis);
        Some(match *words {
            ["usable", family, other, time] => {
                let family = if family == "v4" { Family::V4 } else { Family::V6 };
                let other = other.parse::<IpAddr>().ok();
                let usable = self.watch.usable(family, limit(time)?, |ip| Some(ip) != other);
                (usable.is_some(), usable.map_or_else(String::new, |(ip, _)| ip.to_string()))
            }
            ["expect", step, name, ip, time] => {
                self.expect(step, name, ip.parse::<IpAddr>().ok()?, limit(time)?)
            }
            ["session"] => (true, self.watch.sessions().to_string()),
            ["session", count, time] => {
                let ip = self.watch.session_after(count.parse().ok()?, limit(time)?);
                (ip.is_some(), ip.map_or_else(String::new, |ip| ip.to_string()))
            }
            ["requests"] => (true, self.provider.requests().len().to_string()),
            ["quiet", step, count, time] => self.quiet(step, count.parse().ok()?, limit(time)?),
            ["mode", mode] => {
                self.provider.set(mode.parse().ok()?);
                (true, String::new())
            }
            ["table"] => self.table(),
            _ => return None,
        })
    }

    fn expect(&self, step: &str, name: &str, ip: IpAddr, limit: Duration) -> (bool, String) {
        let family = Family::of(ip);
        let Some((_, usable)) = self.watch.usable(family, limit, |usable| usable == ip) else {
            return self.note(step, family, None, None, &format!("{ip} is not usable"));
        };
        let key = (name.to_owned(), family);
        let left = (usable + limit).saturating_duration_since(Instant::now());
        let is = |state: &State| {
            state.resolved.get(&key).filter(|(resolved, _)| *resolved == ip).map(|(_, at)| *at)
        };
        let waited = self.proven.wait_timeout_while(self.lock(), left, |state| is(state).is_none());
        let proven = is(&waited.unwrap_or_else(PoisonError::into_inner).0);
        // Once more, now: what was proven may have been overwritten.
        let answers = resolve(self.dns.address(), name, family, LOOKUP).unwrap_or_default();
        let Some(at) = proven.filter(|_| answers == [ip]) else {
            return self.note(step, family, None, None, &format!("{name} is not {ip} but {answers:?}"));
        };
        let tells = |request: &&Request| {
            request.update.addresses.contains(&ip)
                && request.update.names.iter().any(|told| told == name)
                && request.finished.is_some_and(|finished| finished <= at)
        };
        let request = self
            .provider
            .requests()
            .iter()
            .rev()
            .find(tells)
            .and_then(|request| request.arrived.checked_duration_since(usable));
        self.note(step, family, request, Some(at.saturating_duration_since(usable)), &ip.to_string())
    }

    fn quiet(&self, step: &str, count: usize, time: Duration) -> (bool, String) {
        let sent = self.provider.wait_for(time, |requests| requests.len() > count);
        let last = self.provider.requests().last().map(|request| request.target.clone()).unwrap_or_default();
        self.lock().results.push(Outcome {
            step: step.to_owned(),
            kind: "none",
            request: None,
            name: None,
            right: !sent,
        });
        (!sent, if sent { format!("sent without need: {last}") } else { "nothing was sent".to_owned() })
    }

    fn note(
        &self,
        step: &str,
        family: Family,
        request: Option<Duration>,
        name: Option<Duration>,
        text: &str,
    ) -> (bool, String) {
        let kind = match family {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        };
        let right = name.is_some();
        self.lock().results.push(Outcome { step: step.to_owned(), kind, request, name, right });
        let (request, name) = (milliseconds(request), milliseconds(name));
        (
            right,
            format!("{} {text}: request {request} ms, name {name} ms", if right { "right" } else { "MISS" }),
        )
    }

    /// One line for each step and family; of repeated steps the median and the slowest.
    fn table(&self) -> (bool, String) {
        let state = self.lock();
        let mut lines: Vec<((&str, &str), Vec<&Outcome>)> = Vec::new();
        for outcome in &state.results {
            let key = (outcome.step.as_str(), outcome.kind);
            match lines.iter_mut().find(|(known, _)| *known == key) {
                Some((_, outcomes)) => outcomes.push(outcome),
                None => lines.push((key, vec![outcome])),
            }
        }
        let mut text = format!(
            "{:<26}{:<7}{:>6}{:>7}{:>12}{:>10}{:>12}{:>10}\n",
            "step", "family", "times", "right", "request ms", "slowest", "name ms", "slowest"
        );
        for ((step, kind), outcomes) in &lines {
            let right = outcomes.iter().filter(|outcome| outcome.right).count();
            let (request, name) = (spread(outcomes, |o| o.request), spread(outcomes, |o| o.name));
            text += &format!(
                "{step:<26}{kind:<7}{:>6}{right:>7}{:>12}{:>10}{:>12}{:>10}\n",
                outcomes.len(),
                milliseconds(request.0),
                milliseconds(request.1),
                milliseconds(name.0),
                milliseconds(name.1)
            );
        }
        let misses = state.results.iter().filter(|outcome| !outcome.right).count();
        let (steps, requests) = (state.results.len(), self.provider.requests().len());
        text += &format!("{steps} checks, {misses} missed; {requests} requests in all\n");
        (misses == 0 && steps > 0, text)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn spread(
    outcomes: &[&Outcome],
    time: impl Fn(&Outcome) -> Option<Duration>,
) -> (Option<Duration>, Option<Duration>) {
    let mut times = outcomes.iter().filter_map(|outcome| time(outcome)).collect::<Vec<_>>();
    times.sort();
    (times.get(times.len() / 2).copied(), times.last().copied())
}

fn milliseconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "–".to_owned(), |time| format!("{:.1}", time.as_secs_f64() * 1000.0))
}
