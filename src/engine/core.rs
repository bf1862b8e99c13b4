//! The machine: what an event changes, what is due now, when to look again.

use std::collections::VecDeque;

use litemap::LiteMap;

use super::address::Snapshot;
use super::outside::Lookouts;
use super::pacing::{Dice, Fault, Pacing, Room};
use super::record::{Flight, GRACE, Lane, Record};
use super::state::{Entry, Key};
use super::{Action, Event, Instant, Job, JobId, Now, RecordId, RecordSettings, Settings, State, WakeReason};

/// Requests in flight at once, over all records.
const FLIGHTS_MAX: usize = 4;

/// Requests in flight at once to one server: a slow one leaves places for the others.
const FLIGHTS_PER_SERVER: usize = 2;

/// The decision core. Owns no socket, clock, dice, thread, lock or log.
#[derive(Debug)]
pub struct Engine {
    pub(super) records: LiteMap<RecordId, Record>,
    pub(super) accounts: LiteMap<String, Pacing>,
    /// Names of records that are not configured (any more), and what was restored.
    pub(super) memory: LiteMap<Key, Entry>,
    /// What is seen of us from outside.
    pub(super) lookouts: Lookouts,
    /// Jobs whose lane is gone; they still take a place.
    pub(super) orphans: LiteMap<JobId, Orphan>,
    pub(super) boot: Option<String>,
    pub(super) dice: Dice,
    /// Actions that a person waits for: before anything is written down or told.
    pub(super) requests: VecDeque<Action>,
    pub(super) actions: VecDeque<Action>,
    pub(super) snapshot: Option<Snapshot>,
    /// Looks at name servers under way.
    pub(super) checks: usize,
    next_job: u64,
}

/// A job in flight whose lane a new configuration has removed.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) started: Instant,
    pub(super) settings: RecordSettings,
}

/// Where a lane is: record, and its place among the record's lanes.
pub(super) type LaneAt = (RecordId, usize);

impl Engine {
    /// A machine with what an earlier process has left. `seed` feeds the jitter; `boot` names this boot.
    #[must_use]
    pub fn new(seed: u64, boot: Option<String>, state: State, now: Now) -> Self {
        let mut engine = Self {
            records: LiteMap::new(),
            accounts: LiteMap::new(),
            memory: LiteMap::new(),
            lookouts: Lookouts::default(),
            orphans: LiteMap::new(),
            boot,
            dice: Dice::new(seed),
            requests: VecDeque::new(),
            actions: VecDeque::new(),
            snapshot: None,
            checks: 0,
            next_job: 1,
        };
        engine.restore(state, now);
        engine
    }

    /// Takes one event. What follows from it is given by [`Engine::poll_action`].
    pub fn handle(&mut self, event: Event, now: Now) {
        match event {
            Event::Network { snapshot, bell } => self.look(snapshot, bell, now.monotonic),
            Event::Reply { job, outcome, exchange } => self.reply(job, outcome, exchange, now),
            Event::Settings(settings) => self.configure(settings, now.monotonic),
            Event::Update { records, force } => self.update(&records, force),
            Event::Observed { probe, sighting } => {
                self.lookouts.saw(&probe, sighting, now.monotonic, &mut self.dice);
                self.judge_all(now.monotonic, now.monotonic);
            }
            Event::Checked { id, seen } => self.checked(id, &seen, now),
            Event::ClockSet => self.clock_set(now.monotonic),
            Event::Wake => self.wake(now.monotonic),
        }
        self.observe_due(now.monotonic);
        self.supersede(now.monotonic);
        self.check_due(now.monotonic);
        self.send_due(now.monotonic);
    }

    /// What the shell shall do next; `None`: wait. Requests come before what is only told or kept.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.requests.pop_front().or_else(|| self.actions.pop_front())
    }

    /// When [`Event::Wake`] is wanted, and why; `None`: only when something happens.
    #[must_use]
    pub fn next_wake(&self, now: Now) -> Option<(Instant, WakeReason)> {
        let lanes = self.records.values().flat_map(|r| r.lanes.iter().map(move |lane| (r, lane)));
        let wakes = lanes.filter_map(|(record, lane)| self.lane_wake(record, lane, now.monotonic));
        let sources = self.records.values().filter_map(Record::source_wake);
        let observe = self.lookouts.next().map(|at| (at, WakeReason::Observe));
        wakes.chain(sources).chain(observe).chain(self.check_wake()).min_by_key(|(at, _)| *at)
    }

    /// The kernel's table changed, or a route did, or the networks on them.
    fn look(&mut self, snapshot: Snapshot, bell: Instant, now: Instant) {
        let is_other = self.snapshot.as_ref().is_none_or(|before| {
            (&before.links, &before.addresses) != (&snapshot.links, &snapshot.addresses)
        });
        self.lookouts.ring(is_other, now);
        self.snapshot = Some(snapshot);
        self.judge_all(bell, now);
        let lanes = self.records.iter_mut().flat_map(|(_, record)| &mut record.lanes);
        lanes.for_each(|lane| lane.ring(now));
    }

    /// New settings: what did not change keeps its state, what is published is not forgotten.
    fn configure(&mut self, mut settings: Settings, now: Instant) {
        for (id, record) in std::mem::take(&mut self.records) {
            if settings.records.get(&id) == Some(&record.settings) {
                settings.records.remove(&id);
                self.records.insert(id, record);
                continue;
            }
            self.forget(&id, &record, now);
            for flight in record.lanes.into_iter().filter_map(|lane| lane.flight) {
                let orphan = Orphan { started: flight.since, settings: record.settings.clone() };
                self.orphans.insert(flight.job, orphan);
                self.requests.push_back(Action::Withdraw(flight.job));
                self.requests.push_back(Action::Abandon(flight.job));
            }
        }
        for (id, wanted) in settings.records {
            let mut record = Record::new(wanted, now);
            self.remember(&id, &mut record, now);
            self.records.insert(id, record);
        }
        self.judge_all(now, now);
    }

    /// The user says: now.
    fn update(&mut self, records: &[RecordId], force: bool) {
        let meant = |id: &RecordId| records.is_empty() || records.contains(id);
        for (_, record) in self.records.iter_mut().filter(|(id, _)| meant(id)) {
            for lane in &mut record.lanes {
                lane.backoff = lane.backoff.afresh();
                for target in &mut lane.targets {
                    target.parked = None;
                    target.forced |= force;
                    target.sight.pardon();
                }
            }
        }
    }

    fn clock_set(&mut self, now: Instant) {
        let lanes = self.records.iter_mut().flat_map(|(_, record)| &mut record.lanes);
        for lane in lanes.filter(|lane| lane.backoff.fault == Some(Fault::Clock)) {
            lane.backoff.until = Some(now);
        }
    }

    /// Flights that a newer address has made pointless are withdrawn, and given up when their grace is over. Those that
    /// were begun before the line was complete get one fresh start.
    fn supersede(&mut self, now: Instant) {
        for (_, record) in &mut self.records {
            let superseded: Vec<bool> = record.lanes.iter().map(|lane| lane.is_superseded(record)).collect();
            for (lane, superseded) in record.lanes.iter_mut().zip(superseded) {
                if let Some(job) = lane.restart(now) {
                    self.requests.push_back(Action::Restart(job));
                }
                let Some(flight) = lane.flight.as_mut().filter(|f| superseded && !f.abandoned) else {
                    continue;
                };
                match flight.superseded {
                    None => {
                        flight.superseded = Some(now);
                        self.requests.push_back(Action::Withdraw(flight.job));
                    }
                    Some(since) if since + GRACE <= now => {
                        flight.abandoned = true;
                        self.requests.push_back(Action::Abandon(flight.job));
                    }
                    Some(_) => {}
                }
            }
        }
    }

    /// Sends what is due and allowed, longest waiting first.
    fn send_due(&mut self, now: Instant) {
        let mut due: Vec<(Instant, LaneAt)> = Vec::new();
        for (id, record) in &mut self.records {
            let plans: Vec<bool> = record.lanes.iter().map(|lane| record.plan(lane, now).is_some()).collect();
            for (at, (lane, has_plan)) in record.lanes.iter_mut().zip(plans).enumerate() {
                lane.due_since = has_plan.then(|| lane.due_since.unwrap_or(now));
                if let Some(since) = lane.due_since.filter(|_| lane.flight.is_none()) {
                    due.push((since, (id.clone(), at)));
                }
            }
        }
        due.sort();
        for (_, at) in due {
            self.send_lane(&at, now);
        }
    }

    fn send_lane(&mut self, (id, at): &LaneAt, now: Instant) {
        let Some(record) = self.records.get(id) else { return };
        let Some(lane) = record.lanes.get(*at) else { return };
        let ready = self.ready_at(record, lane).is_some_and(|at| at <= now);
        if !ready || !self.has_place(record) {
            return;
        }
        let Some(update) = record.plan(lane, now) else { return };
        self.accounts.entry(record.settings.account.clone()).or_default().start(now);
        let device = record.device(&update);
        let job = self.number();
        self.requests.push_back(Action::Send(Job {
            id: job,
            record: id.clone(),
            update: update.clone(),
            device,
        }));
        self.actions.push_back(Action::Save { durable: false });
        let Some(lane) = self.records.get_mut(id).and_then(|record| record.lanes.get_mut(*at)) else {
            return;
        };
        lane.due_since = None;
        let (superseded, abandoned, rang) = (None, false, false);
        lane.flight = Some(Flight { job, update, since: now, superseded, abandoned, rang });
    }

    /// The next job's number.
    pub(super) fn number(&mut self) -> JobId {
        let job = JobId(self.next_job);
        self.next_job += 1;
        job
    }

    /// Whether one more job of this record may fly.
    fn has_place(&self, record: &Record) -> bool {
        let live = self.records.values().flat_map(|record| {
            record.lanes.iter().filter(|lane| lane.flight.is_some()).map(|_| record.settings.server.as_str())
        });
        let orphans = self.orphans.values().map(|orphan| orphan.settings.server.as_str());
        let servers: Vec<&str> = live.chain(orphans).collect();
        let to_server = servers.iter().filter(|server| **server == record.settings.server).count();
        servers.len() < FLIGHTS_MAX && to_server < FLIGHTS_PER_SERVER
    }

    /// From when on back-off, spacing and budgets allow a lane its next request; `None`: after a reply.
    pub(super) fn ready_at(&self, record: &Record, lane: &Lane) -> Option<Instant> {
        let pacing = self.accounts.get(&record.settings.account);
        let room = pacing.map_or(Room::From(Instant::default()), |p| {
            p.room(&record.settings.manners.limits, lane.backoff.attempts > 0)
        });
        match room {
            Room::From(at) => lane.backoff.until.max(Some(at)),
            Room::AfterReply => None,
        }
    }

    /// When a lane wants to be looked at again.
    pub(super) fn lane_wake(
        &self,
        record: &Record,
        lane: &Lane,
        now: Instant,
    ) -> Option<(Instant, WakeReason)> {
        if let Some(flight) = &lane.flight {
            let grace = flight.superseded.filter(|_| !flight.abandoned).map(|since| since + GRACE);
            let restart = lane.restart_at().map(|at| (at, WakeReason::Restart));
            return grace.map(|at| (at, WakeReason::Abandon)).or(restart);
        }
        let due = lane.targets.iter().filter_map(|target| record.due_at(target, now)).min()?;
        let ready = self.ready_at(record, lane)?;
        if due <= now && ready <= now {
            // Without a place in flight a reply will come. With one, the instant has passed since the last event.
            return self.has_place(record).then_some((now, WakeReason::Retry));
        }
        let retrying = lane.backoff.until == Some(ready);
        Some(match (ready.max(due), ready > due.max(now)) {
            (at, true) if retrying => (at, WakeReason::Retry),
            (at, true) => (at, WakeReason::Pacing),
            (at, false) => (at, due_reason(record, lane, due)),
        })
    }
}

fn due_reason(record: &Record, lane: &Lane, due: Instant) -> WakeReason {
    if lane.targets.iter().any(|target| target.repeat_at == Some(due)) {
        WakeReason::Repeat
    } else if lane.targets.iter().any(|target| target.sight.held == Some(due)) {
        WakeReason::Check
    } else if record.gathered_at() == due {
        WakeReason::Gather
    } else {
        WakeReason::Refresh
    }
}
