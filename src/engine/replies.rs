//! What the end of a job means: confirmed, refused, or to be repeated.

use std::net::IpAddr;
use std::time::Duration;

use super::core::{Engine, LaneAt, Orphan};
use super::journal::{Change, Report, milliseconds};
use super::pacing::{Backoff, Fault, Pacing};
use super::plan::{stated, told_beside};
use super::record::{Confirmation, Flight, Lane, Parked, Record, Target};
use super::{Action, Exchange, Failure, JobId, Now, Outcome, RecordId};
use crate::provider::{Family, Refusal, Update, Verdict};

impl Engine {
    /// A job came to its end.
    pub(super) fn reply(&mut self, job: JobId, outcome: Outcome, exchange: Exchange, now: Now) {
        let left = match &outcome {
            Outcome::Answered(_) => true,
            Outcome::Failed(failure) => failure.may_have_arrived(),
            Outcome::Withdrawn => false,
        };
        let sent = left.then(|| exchange.sent_at.unwrap_or(now.monotonic));
        if let Some(Orphan { started, settings }) = self.orphans.remove(&job) {
            self.pacing(&settings.account).end(started, sent, &settings.manners.limits);
            return;
        }
        let Some((id, at)) = self.lane_of(job) else { return };
        let Some(record) = self.records.get_mut(&id) else { return };
        let Some(flight) = record.lanes.get_mut(at).and_then(|lane| lane.flight.take()) else { return };
        let pacing = self.accounts.entry(record.settings.account.clone()).or_default();
        pacing.end(flight.since, sent, &record.settings.manners.limits);
        match outcome {
            Outcome::Answered(verdicts) => self.answered(&(id, at), &flight, &verdicts, exchange, now),
            Outcome::Failed(failure) => self.failed(&(id, at), &flight, &failure, exchange, now),
            Outcome::Withdrawn => {
                let what = "the request was held back: it had not left yet".to_owned();
                record.story.tell(now.monotonic, what, None);
            }
        }
    }

    fn pacing(&mut self, account: &str) -> &mut Pacing {
        self.accounts.entry(account.to_owned()).or_default()
    }

    fn lane_of(&self, job: JobId) -> Option<LaneAt> {
        self.records.iter().find_map(|(id, record)| {
            let flies = |lane: &Lane| lane.flight.as_ref().is_some_and(|f| f.job == job);
            record.lanes.iter().position(flies).map(|at| (id.clone(), at))
        })
    }

    fn answered(&mut self, at: &LaneAt, flight: &Flight, verdicts: &[Verdict], exchange: Exchange, now: Now) {
        let early = self.dice.byte();
        let confirmation = Confirmation { now: now.monotonic, wall: now.unix(), early };
        let Some(record) = self.records.get_mut(&at.0) else { return };
        let news_since = record.lanes.get(at.1).and_then(|lane| record.news_since(lane, &flight.update));
        let before = record.lanes.get(at.1).map_or_else(Vec::new, |lane| lane.targets.clone());
        let result = judge_names(record, at.1, flight, verdicts, confirmation);
        record.expect_visible(at.1, &before, now.monotonic);
        let words = result.words();
        record.last_answer = Some(words.clone());
        record.story.tell(now.monotonic, words, Some(exchange));
        let recovered = record.lanes.get(at.1).is_some_and(|lane| lane.backoff.told);
        if !result.good.is_empty() {
            let event_ms = news_since.map(|bell| milliseconds(now.monotonic.since(bell)));
            record.event_to_answer_ms = event_ms.or(record.event_to_answer_ms);
            self.actions.push_back(Action::Report(Report::Published {
                record: at.0.clone(),
                names: result.good.clone(),
                changes: changes(&before, &flight.update, &result.good),
                event_ms,
                recovered,
            }));
        }
        let durable = result.refused.is_some() || !result.good.is_empty();
        self.actions.push_back(Action::Save { durable });
        let was_refused = result.refused.is_some() && result.good.is_empty();
        if let Some((refusal, words)) = result.refused {
            self.actions.push_back(Action::Report(Report::Parked {
                record: at.0.clone(),
                names: result.refused_names,
                words,
                advice: advice(refusal, &at.0),
            }));
        }
        match result.again {
            Some(again) => self.postpone(at, again, now),
            None => {
                let lane = self.records.get_mut(&at.0).and_then(|record| record.lanes.get_mut(at.1));
                lane.into_iter().for_each(|lane| lane.backoff = Backoff::after(was_refused));
            }
        }
    }

    /// The provider answered, but the update has to be repeated.
    fn postpone(&mut self, at: &LaneAt, again: Again, now: Now) {
        if let Some(patience) = again.retry_after {
            let until = now.monotonic + self.dice.between(patience, patience + patience / 20);
            let account = self.records.get(&at.0).map(|record| record.settings.account.clone());
            if let Some(account) = account {
                self.pacing(&account).leave_alone(until);
            }
        }
        self.back_off(at, again.fault, again.words, false, now);
    }

    fn failed(&mut self, at: &LaneAt, flight: &Flight, failure: &Failure, exchange: Exchange, now: Now) {
        let unconfirmed = failure.may_have_arrived();
        let what = if unconfirmed {
            format!("could not confirm the update: {}", failure.detail)
        } else {
            format!("failed: {}", failure.detail)
        };
        let Some(record) = self.records.get_mut(&at.0) else { return };
        record.last_answer = Some(what.clone());
        record.story.tell(now.monotonic, what, Some(exchange));
        let Some(lane) = record.lanes.get_mut(at.1) else { return };
        if unconfirmed {
            for_each_stated(lane, &flight.update, |target, ip| target.doubt(ip, now.monotonic));
        }
        self.actions.push_back(Action::Save { durable: false });
        if flight.superseded.is_some() {
            return; // The newer address is due at once; this failure says nothing about it.
        }
        let fault = Fault::of(failure, now.wall.is_some());
        if fault == Fault::Line && flight.rang {
            // The route came while we were trying without it. A notification each: no faster than the line changes.
            lane.backoff.attempts = lane.backoff.attempts.max(1);
            lane.backoff.until = None;
            return;
        }
        self.back_off(at, fault, failure.detail.clone(), unconfirmed, now);
    }

    fn back_off(&mut self, at: &LaneAt, fault: Fault, what: String, unconfirmed: bool, now: Now) {
        let lane = self.records.get_mut(&at.0).and_then(|record| record.lanes.get_mut(at.1));
        let Some(lane) = lane else { return };
        let fault_before = lane.backoff.fault;
        lane.backoff.fail(fault, now.monotonic, &mut self.dice);
        let attempts = lane.backoff.attempts;
        if !worth_telling(fault, fault_before, attempts) {
            return;
        }
        lane.backoff.told = true;
        let Some((record, lane)) = self.records.get(&at.0).and_then(|r| Some((r, r.lanes.get(at.1)?))) else {
            return;
        };
        let retry = self.ready_at(record, lane).unwrap_or(now.monotonic).since(now.monotonic);
        let retry_in_ms =
            (fault != Fault::Clock).then(|| u64::try_from(retry.as_millis()).unwrap_or(u64::MAX));
        let record = at.0.clone();
        self.actions.push_back(Action::Report(Report::Failed {
            record,
            what,
            unconfirmed,
            retry_in_ms,
            attempts,
        }));
    }
}

/// Repeats are counted, not repeated: the first, then ever rarer ones. The first second of a line that comes up is
/// ordinary and not told.
fn worth_telling(fault: Fault, before: Option<Fault>, attempts: u32) -> bool {
    match fault {
        Fault::Line => attempts == 8 || (attempts > 8 && attempts.is_power_of_two()),
        Fault::Clock | Fault::Nonsense | Fault::Provider => {
            before != Some(fault) || attempts.is_power_of_two()
        }
    }
}

/// What has to be repeated, and how patiently.
struct Again {
    fault: Fault,
    retry_after: Option<Duration>,
    words: String,
}

/// The verdicts of one answer, taken together.
#[derive(Default)]
struct Result {
    good: Vec<String>,
    refused_names: Vec<String>,
    refused: Option<(Refusal, String)>,
    again: Option<Again>,
}

impl Result {
    fn words(&self) -> String {
        let mut parts = Vec::new();
        if !self.good.is_empty() {
            parts.push(format!("confirmed: {}", self.good.join(", ")));
        }
        if let Some((_, words)) = &self.refused {
            parts.push(format!("refused: {}: {words}", self.refused_names.join(", ")));
        }
        if let Some(again) = &self.again {
            parts.push(again.words.clone());
        }
        parts.join("; ")
    }

    fn repeat(&mut self, fault: Fault, retry_after: Option<Duration>, words: String) {
        let longer = self.again.as_ref().and_then(|a| a.retry_after).max(retry_after);
        self.again = Some(Again { fault, retry_after: longer, words });
    }
}

/// What is new for each family: the first of the confirmed names that had another address before speaks for them all.
fn changes(before: &[Target], update: &Update, good: &[String]) -> Vec<Change> {
    let change = |family| {
        let confirmed = before.iter().filter(|t| t.family == family && good.contains(&t.name));
        let mut pairs = confirmed.filter_map(|target| {
            let previous = target.published.map(|published| published.address);
            Some(Change { address: stated(update, &target.name, family)?, previous })
        });
        let first = pairs.next()?;
        let is_news = |change: &Change| change.previous != Some(change.address);
        Some(if is_news(&first) { first } else { pairs.find(is_news).unwrap_or(first) })
    };
    [Family::V4, Family::V6].into_iter().filter_map(change).collect()
}

/// Applies one verdict for each name to the targets of a lane.
fn judge_names(
    record: &mut Record,
    lane: usize,
    flight: &Flight,
    verdicts: &[Verdict],
    confirmation: Confirmation,
) -> Result {
    let missing = Verdict::NotUnderstood { words: "the answer has no line for this name".to_owned() };
    let mut result = Result::default();
    let Some(lane) = record.lanes.get_mut(lane) else { return result };
    for (index, name) in flight.update.names.iter().enumerate() {
        let verdict = verdicts.get(index).unwrap_or(&missing);
        match verdict {
            Verdict::Good | Verdict::Unchanged => result.good.push(name.clone()),
            Verdict::Refused { refusal, words } => {
                result.refused_names.push(name.clone());
                result.refused = Some((*refusal, words.clone()));
            }
            Verdict::Busy { words, retry_after } => {
                result.repeat(Fault::Provider, *retry_after, format!("the provider is busy: {words}"));
            }
            Verdict::NotUnderstood { words } => {
                result.repeat(Fault::Nonsense, None, format!("the answer was not understood: {words}"));
            }
        }
        for_each_stated(lane, &flight.update, |target, ip| {
            if target.name == *name {
                apply(target, ip, verdict, flight, confirmation);
            }
        });
    }
    result
}

fn apply(target: &mut Target, ip: IpAddr, verdict: &Verdict, flight: &Flight, confirmation: Confirmation) {
    match verdict {
        Verdict::Good | Verdict::Unchanged => {
            let prefix = flight.update.prefix.filter(|_| target.family == Family::V6);
            let further = told_beside(&flight.update, target.family);
            target.confirm(ip, further, prefix, flight.since, confirmation);
        }
        Verdict::Refused { refusal, words } => {
            target.parked = Some(Parked { refusal: *refusal, words: words.clone() });
            target.forced = false;
        }
        Verdict::Busy { .. } | Verdict::NotUnderstood { .. } => {}
    }
}

/// Visits the targets of a lane that an update is about.
fn for_each_stated(lane: &mut Lane, update: &Update, mut visit: impl FnMut(&mut Target, IpAddr)) {
    for target in &mut lane.targets {
        if let Some(ip) = stated(update, &target.name, target.family) {
            visit(target, ip);
        }
    }
}

/// What a person can do about a refusal.
pub(super) fn advice(refusal: Refusal, id: &RecordId) -> String {
    let RecordId(id) = id;
    let mend = match refusal {
        Refusal::Abuse => "ask the provider to lift the block",
        Refusal::Credentials => "check user and password",
        Refusal::Malformed => "check the record's options",
        Refusal::Name => "check the host name and that it belongs to the account",
    };
    format!("{mend}, then change the configuration or run \"wanbeacon update {id}\"")
}
