//! The answers to `status` and `why`.

use std::net::IpAddr;

use super::journal::{NameStatus, RecordStatus, Status, Why};
use super::network;
use super::plan::stated;
use super::record::{Lane, Record, Target};
use super::replies::advice;
use super::source::Source;
use super::{Engine, Instant, Now, RecordId, WakeReason};

/// Version of the JSON form of [`Status`] and [`Why`].
const SCHEMA: u32 = 1;

impl Engine {
    /// All records as they stand.
    #[must_use]
    pub fn status(&self, now: Now) -> Status {
        let records = self.records.iter().map(|(id, record)| self.record_status(id, record, now)).collect();
        let networks = self.snapshot.as_ref();
        let networks = networks.map_or_else(Vec::new, |snapshot| network::status(snapshot, now.monotonic));
        Status { schema: SCHEMA, records, networks }
    }

    /// The story of the last change of one record; `None`: there is no such record.
    #[must_use]
    pub fn why(&self, id: &RecordId, now: Now) -> Option<Why> {
        let record = self.records.get(id)?;
        Some(Why { record: self.record_status(id, record, now), steps: record.story.steps().to_vec() })
    }

    fn record_status(&self, id: &RecordId, record: &Record, now: Now) -> RecordStatus {
        let pairs =
            record.lanes.iter().flat_map(|lane| lane.targets.iter().map(move |target| (lane, target)));
        let names =
            pairs.map(|(lane, target)| self.name_status(id, record, lane, target, now.monotonic)).collect();
        let sources = record.sources.iter().map(Source::status);
        let wakes = record.lanes.iter().filter_map(|lane| self.lane_wake(record, lane, now.monotonic));
        // Most attempts have a connection long before: not worth a word.
        let wakes = wakes.filter(|(_, reason)| *reason != WakeReason::Restart);
        // Of looks at name servers, those that something is expected of.
        let wakes = wakes.chain(record.awaited_at());
        let wake = wakes.chain(record.source_wake()).min_by_key(|(at, _)| *at);
        RecordStatus {
            record: id.clone(),
            names,
            sources: sources.collect(),
            last_answer: record.last_answer.clone(),
            next: next(record, wake.map(|(_, reason)| reason)),
            next_in_ms: wake
                .map(|(at, _)| u64::try_from(at.since(now.monotonic).as_millis()).unwrap_or(u64::MAX)),
            next_reason: wake.map(|(_, reason)| reason),
            event_to_answer_ms: record.event_to_answer_ms,
            event_to_visible_ms: record.event_to_visible_ms,
        }
    }

    fn name_status(
        &self,
        id: &RecordId,
        record: &Record,
        lane: &Lane,
        target: &Target,
        now: Instant,
    ) -> NameStatus {
        let sent: Option<IpAddr> =
            lane.flight.as_ref().and_then(|f| stated(&f.update, &target.name, target.family));
        let due = record.due_at(target, now).is_some_and(|at| at <= now);
        let state = match () {
            () if target.parked.is_some() => "parked",
            () if sent.is_some() => "in-flight",
            () if due && self.ready_at(record, lane).is_none_or(|at| at > now) => "waiting",
            () if due => "due",
            () => "idle",
        };
        NameStatus {
            name: target.name.clone(),
            family: target.family,
            published: target.published.map(|p| p.address).filter(|ip| !ip.is_unspecified()),
            since: target.published.and_then(|p| p.since),
            state: state.to_owned(),
            parked: target.parked.as_ref().map(|p| p.words.clone()),
            advice: target.parked.as_ref().map(|p| advice(p.refusal, id)),
            shown: target.sight.words.clone(),
        }
    }
}

/// What happens next, in words.
fn next(record: &Record, wake: Option<WakeReason>) -> String {
    let targets = || record.lanes.iter().flat_map(|lane| &lane.targets);
    match wake {
        Some(WakeReason::Pacing) => "the provider's limits allow the next request",
        Some(WakeReason::Retry) => "the update is tried again",
        Some(WakeReason::Refresh) => "the provider wants a confirmation from time to time",
        Some(WakeReason::Repeat) => {
            "the address is confirmed once more, since an older request was never answered"
        }
        Some(WakeReason::Gather) => "the second family is waited for",
        Some(WakeReason::Return) => "a better line is returned to, once it has been usable for long enough",
        Some(WakeReason::Down) => "the name loses its last address, unless there is a new one before",
        Some(WakeReason::Observe) => "how we are seen from outside is asked again",
        Some(WakeReason::Check) => "the zone's name servers are asked what they show",
        Some(WakeReason::Abandon) => "an answer that nobody needs any more is given up",
        Some(WakeReason::Restart) | None if record.lanes.iter().any(|lane| lane.flight.is_some()) => {
            "the provider's answer is waited for"
        }
        None if targets().any(|target| target.parked.is_some()) => "nothing, until the configuration changes",
        None if record.sources.iter().all(|source| source.choice.address.is_none()) => {
            "an address that may be published is waited for"
        }
        Some(WakeReason::Restart) | None => "nothing, until the address changes",
    }
    .to_owned()
}
