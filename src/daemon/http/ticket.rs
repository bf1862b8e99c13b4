//! Who ends a job: exactly one of the worker, [`Ticket::withdraw`] and [`Ticket::abandon`].
//!
//! ```text
//! Pending ── commit ──▶ Committed ── end, abandon ──▶ Ended
//!    └───── end, withdraw, abandon ──────────────────▶ Ended
//! ```
//!
//! The state, the phase and the exchange change together, under one lock that nobody holds while waiting.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use rustix::event::EventfdFlags;

use super::Clock;
use crate::engine::{Exchange, Failure, FailureKind, Instant, JobId, Outcome, Phase};

/// Where results go.
pub(super) type Results = Arc<dyn Fn(JobId, Outcome, Exchange) + Send + Sync>;

/// One job, as seen by both sides.
pub(super) struct Ticket {
    job: JobId,
    results: Results,
    /// An eventfd: rung when the job was ended from outside, or when a lookup has an answer.
    bell: OwnedFd,
    progress: Mutex<Progress>,
}

struct Progress {
    state: State,
    phase: Phase,
    exchange: Exchange,
    flushed_at: Option<Instant>,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum State {
    Pending,
    Committed,
    Ended,
}

/// Why [`Ticket::poll`] came back.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Woke {
    /// The bell was rung: look whether the job has ended, and for what else was awaited.
    Bell,
    /// The time is over.
    Late,
    /// At least one of the descriptors is ready.
    Ready,
}

impl Ticket {
    pub(super) fn new(job: JobId, results: Results, request: String) -> io::Result<Self> {
        let bell = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let exchange = Exchange { request, ..Exchange::default() };
        let progress = Progress { state: State::Pending, phase: Phase::Resolve, exchange, flushed_at: None };
        Ok(Self { job, results, bell, progress: Mutex::new(progress) })
    }

    /// Asks for leave to write the first byte of a request; once refused, nothing may ever be written.
    pub(super) fn commit(&self, now: Instant) -> bool {
        let mut progress = self.lock();
        if progress.state == State::Ended {
            return false;
        }
        progress.state = State::Committed;
        progress.phase = Phase::Send;
        progress.exchange.sent_at.get_or_insert(now);
        true
    }

    /// Ends a job whose request has not begun to leave and that has come no further than `last`.
    pub(super) fn withdraw(&self, last: Phase) {
        let progress = self.lock();
        if progress.state == State::Pending && progress.phase <= last {
            self.deliver(progress, |_, _| Outcome::Withdrawn);
            self.ring();
        }
    }

    pub(super) fn abandon(&self) {
        let progress = self.lock();
        if progress.state != State::Ended {
            self.deliver(progress, |phase, exchange| {
                let whom = exchange.endpoint.map(|endpoint| format!(" of {endpoint}")).unwrap_or_default();
                let detail = format!("the answer{whom} was no longer waited for");
                Outcome::Failed(Failure { phase, kind: FailureKind::TimedOut, detail })
            });
            self.ring();
        }
    }

    /// Ends the job from within; does nothing if it has ended already.
    pub(super) fn end(&self, outcome: Outcome) {
        let progress = self.lock();
        if progress.state != State::Ended {
            self.deliver(progress, |_, _| outcome);
        }
    }

    pub(super) fn ended(&self) -> bool {
        self.lock().state == State::Ended
    }

    /// Begins the next request of the dialogue.
    pub(super) fn begin(&self, request: String) {
        let mut progress = self.lock();
        let sent_at = progress.exchange.sent_at;
        progress.phase = Phase::Resolve;
        progress.exchange = Exchange { request, sent_at, ..Exchange::default() };
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.lock().phase = phase;
    }

    pub(super) fn phase(&self) -> Phase {
        self.lock().phase
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Exchange)) {
        change(&mut self.lock().exchange);
    }

    /// The request's last byte was handed to the kernel.
    pub(super) fn flushed(&self, now: Instant) {
        let mut progress = self.lock();
        progress.phase = Phase::Receive;
        progress.flushed_at = Some(now);
    }

    /// The last byte of an answer was read; `status` is that of HTTP.
    pub(super) fn answered(&self, now: Instant, status: impl Into<Option<u16>>, answer: String) {
        let mut progress = self.lock();
        let flushed_at = progress.flushed_at.unwrap_or(now);
        progress.exchange.answer_ms = millis(now.since(flushed_at));
        progress.exchange.status = status.into();
        progress.exchange.answer = answer;
    }

    pub(super) fn ring(&self) {
        // It can only fail when the counter is full, and then the bell has been rung.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    /// Waits for the descriptors, the bell, or the time; the only place where a worker waits for the world.
    pub(super) fn poll<'a>(
        &'a self,
        fds: &mut Vec<PollFd<'a>>,
        until: Instant,
        clock: Clock,
    ) -> io::Result<Woke> {
        fds.push(PollFd::new(self.bell.as_fd(), PollFlags::POLLIN));
        let result = loop {
            let left = until.since(clock());
            if left.is_zero() {
                break Ok(Woke::Late);
            }
            // A `timespec` may have 32 bits for its seconds.
            let left = TimeSpec::from_duration(left.min(Duration::from_secs(60)));
            match ppoll(fds, Some(left), None) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) if fds.last().is_some_and(woken) => break Ok(Woke::Bell),
                Ok(_) => break Ok(Woke::Ready),
                Err(error) => break Err(error.into()),
            }
        };
        fds.pop();
        if matches!(result, Ok(Woke::Bell)) {
            let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        }
        result
    }

    fn deliver(
        &self,
        mut progress: MutexGuard<'_, Progress>,
        outcome: impl FnOnce(Phase, &Exchange) -> Outcome,
    ) {
        progress.state = State::Ended;
        let phase = progress.phase;
        let exchange = std::mem::take(&mut progress.exchange);
        drop(progress);
        let outcome = outcome(phase, &exchange);
        (self.results)(self.job, outcome, exchange);
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // A panic elsewhere cannot leave it half changed: every change is one assignment or ends the job.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a descriptor is ready; an event that only the kernel knows counts too.
pub(super) fn woken(fd: &PollFd<'_>) -> bool {
    fd.any() != Some(false)
}

pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
