//! A thread that performs jobs, one after the other, and ends when there is none.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::endpoints::Endpoints;
use super::look::{self, Looking};
use super::mask::Mask;
use super::observe::{Memory, Pending};
use super::request::Sender;
use super::ticket::Ticket;
use super::tls::Trust;
use super::{Clock, Inquiry, Limits, OBSERVERS_MAX, Resolver, Settings, Task, dns, observe};
use crate::engine::{Failure, FailureKind, Outcome, Phase};
use crate::provider::Step;

/// What the workers share.
pub(super) struct Shell {
    pub(super) clock: Clock,
    pub(super) limits: Limits,
    pub(super) resolver: Resolver,
    /// Lookups under way, stuck ones included.
    pub(super) lookups: Arc<AtomicUsize>,
    pub(super) endpoints: Mutex<Endpoints>,
    pub(super) trust: Trust,
    pub(super) memory: Memory,
}

impl Shell {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            clock: settings.clock,
            limits: settings.limits,
            resolver: settings.resolver,
            lookups: Arc::default(),
            endpoints: Mutex::new(settings.endpoints),
            trust: Trust::default(),
            memory: Memory::default(),
        }
    }
}

/// What a worker is given.
pub(super) enum Work {
    Ask(Box<Inquiry>, Arc<Ticket>),
    Observe(Pending),
    Look(Looking),
    Perform(Box<Errand>),
    Prepare(Option<PathBuf>),
}

/// A job and how it ends.
pub(super) struct Errand {
    pub(super) task: Task,
    pub(super) ticket: Arc<Ticket>,
}

/// What waits for a worker, and how many of these there are. Both change under one lock: whoever adds work sees whether
/// a worker will still look for it.
#[derive(Default)]
pub(super) struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    work: VecDeque<Work>,
    workers: usize,
    /// Of these, how many ask what changes nothing: how we are seen, what name servers show.
    observers: usize,
}

impl Queue {
    /// Adds work; true if it needs one worker more, who counts from now on.
    pub(super) fn add(&self, work: Work, workers_max: usize) -> bool {
        let mut waiting = self.lock();
        waiting.work.push_back(work);
        let more = waiting.workers < workers_max;
        waiting.workers += usize::from(more);
        more
    }

    /// The worker that was counted could not be started. True if there is no other: what waits is dropped.
    pub(super) fn forsaken(&self) -> bool {
        let mut waiting = self.lock();
        waiting.workers -= 1;
        if waiting.workers == 0 {
            waiting.work.clear();
        }
        waiting.workers == 0
    }

    /// The next work; without any, the worker that asks no longer counts and has to end.
    fn take(&self) -> Option<Work> {
        let mut waiting = self.lock();
        let is_full = waiting.observers >= OBSERVERS_MAX;
        // A silent line must not keep all workers with questions about it. Those who ask look here again.
        let next = waiting.work.iter().position(|work| !(is_full && is_question(work)));
        // What stands before it are questions: their order does not matter.
        let work = next.and_then(|at| waiting.work.swap_remove_front(at));
        match work {
            Some(Work::Look(_) | Work::Observe(_)) => waiting.observers += 1,
            Some(Work::Ask(..) | Work::Perform(_) | Work::Prepare(_)) => {}
            None => waiting.workers -= 1,
        }
        work
    }

    fn observed(&self) {
        self.lock().observers -= 1;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_question(work: &Work) -> bool {
    match work {
        Work::Look(_) | Work::Observe(_) => true,
        Work::Ask(..) | Work::Perform(_) | Work::Prepare(_) => false,
    }
}

/// Works until nothing waits. A thread that slept until the next request would keep its stack and be a second thread
/// of a daemon at rest; to start one takes no longer than to wake one (docs/performance.md).
pub(super) fn work(shell: &Shell, queue: &Queue) {
    while let Some(work) = queue.take() {
        match work {
            Work::Ask(inquiry, ticket) => guarded(&ticket, || dns::perform(shell, *inquiry, &ticket)),
            Work::Observe(pending) => {
                let _ = panic::catch_unwind(AssertUnwindSafe(|| observe::perform(shell, pending)));
                queue.observed();
            }
            Work::Look(looking) => {
                let _ = panic::catch_unwind(AssertUnwindSafe(|| look::perform(shell, looking)));
                queue.observed();
            }
            Work::Perform(errand) => {
                let ticket = Arc::clone(&errand.ticket);
                guarded(&ticket, || perform(shell, *errand));
            }
            // If it cannot be read the first request will say so.
            Work::Prepare(ca_file) => drop(shell.trust.config(ca_file.as_deref())),
        }
    }
}

/// With `panic = "abort"` this does nothing; without, a mistake costs one job and not a worker.
fn guarded(ticket: &Ticket, job: impl FnOnce()) {
    let _ = panic::catch_unwind(AssertUnwindSafe(job));
    ticket.end(failed("the agent made a mistake while it performed this request"));
}

fn perform(shell: &Shell, errand: Errand) {
    let Errand { task, ticket } = errand;
    let Task { first, mut advance, bind, ca_file, secrets, .. } = task;
    let mut mask = Mask::new(&secrets);
    let mut next = first;
    for _ in 0..STEPS_MAX {
        if ticket.ended() {
            return;
        }
        mask.learn(&next);
        ticket.begin(format!("{} {}", next.method.name(), next.shown));
        let sender = Sender {
            shell,
            ticket: &ticket,
            bind: bind.as_deref(),
            ca_file: ca_file.as_deref(),
            secrets: &secrets,
            mask: &mask,
            limit: shell.limits.total,
        };
        let outcome = match sender.perform(&next) {
            Ok(reply) => match advance(&reply) {
                Step::Send(request) => {
                    next = request;
                    continue;
                }
                Step::Ask(_) => return ticket.end(failed("a provider that speaks HTTP asks a name server")),
                Step::Done(verdicts) => Outcome::Answered(verdicts),
            },
            Err(failure) => Outcome::Failed(failure),
        };
        return ticket.end(mask.outcome(outcome));
    }
    ticket.end(failed("the dialogue with the provider does not come to an end"));
}

pub(super) fn failed(words: &str) -> Outcome {
    // The phase in which it may have arrived, to be on the safe side.
    Outcome::Failed(Failure { phase: Phase::Receive, kind: FailureKind::Protocol, detail: words.to_owned() })
}

/// Most requests of one dialogue; an honest one has a list and two writes for each name.
pub(super) const STEPS_MAX: usize = 100;
