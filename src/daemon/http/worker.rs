//! A thread that performs jobs, one after the other.

use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use super::endpoints::Endpoints;
use super::mask::Mask;
use super::request::Sender;
use super::ticket::Ticket;
use super::tls::Trust;
use super::{Clock, Limits, Resolver, Settings, Task, request};
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
        }
    }
}

/// What a worker is given.
pub(super) enum Work {
    Perform(Box<Errand>),
    Prepare(Option<PathBuf>),
}

/// A job and how it ends.
pub(super) struct Errand {
    pub(super) task: Task,
    pub(super) ticket: Arc<Ticket>,
}

/// Works until the other end of the queue is gone; while there is nothing to do it sleeps without a time limit.
pub(super) fn work(shell: &Shell, intake: &Mutex<mpsc::Receiver<Work>>) {
    loop {
        // One idle worker waits in the channel, the others for the lock.
        let work = intake.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match work {
            Ok(Work::Perform(errand)) => {
                let ticket = Arc::clone(&errand.ticket);
                // With `panic = "abort"` this does nothing; without, a mistake costs one job and not a worker.
                let _ = panic::catch_unwind(AssertUnwindSafe(|| perform(shell, *errand)));
                ticket.end(failed("the agent made a mistake while it performed this request"));
            }
            // If it cannot be read the first request will say so.
            Ok(Work::Prepare(ca_file)) => drop(shell.trust.config(ca_file.as_deref())),
            Err(mpsc::RecvError) => return,
        }
    }
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
        ticket.begin(format!("{} {}", request::method(next.method), next.shown));
        let sender = Sender {
            shell,
            ticket: &ticket,
            bind: bind.as_deref(),
            ca_file: ca_file.as_deref(),
            secrets: &secrets,
            mask: &mask,
        };
        let outcome = match sender.perform(&next) {
            Ok(reply) => match advance(&reply) {
                Step::Send(request) => {
                    next = request;
                    continue;
                }
                Step::Done(verdicts) => Outcome::Answered(verdicts),
            },
            Err(failure) => Outcome::Failed(failure),
        };
        return ticket.end(mask.outcome(outcome));
    }
    ticket.end(failed("the dialogue with the provider does not come to an end"));
}

fn failed(words: &str) -> Outcome {
    // The phase in which it may have arrived, to be on the safe side.
    Outcome::Failed(Failure { phase: Phase::Receive, kind: FailureKind::Protocol, detail: words.to_owned() })
}

/// Most requests of one dialogue; an honest one has a list and two writes for each name.
const STEPS_MAX: usize = 100;
