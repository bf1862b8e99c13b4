//! Performs requests: blocking ureq on threads of our own, one result for each job, always.
//!
//! It understands nothing of what it carries: a dialogue says what to send next, and every rule about when to
//! send, repeat or give up is the engine's.
//!
//! ```text
//! send(task) ─▶ queue ─▶ worker: resolve ─ connect ─ TLS ─┬─ first byte ─ answer ─ advance ─▶ results
//!                                                         │ commit
//!               withdraw: ends the job at once ◀──────────┤
//!               abandon:  ends the job at once, always ◀──┘
//! ```
//!
//! - A worker waits in `poll` only, on its socket and on the bell of its [`ticket::Ticket`], and never longer than
//!   [`Limits`] says. So it is free again microseconds after its job was ended, and four workers are enough.
//! - The one call that cannot be interrupted, `getaddrinfo`, has a thread for itself each time.
//! - A worker without work ends: at rest the daemon is one thread.
//! - [`dns`] does the same for providers that speak DNS: same workers, tickets, limits and lookups.
//! - [`observe`] asks how we are seen from outside, in workers of the same kind: never in so many that requests wait.
//! - [`look`] asks a zone's name servers what they show, in the same workers.
//! - Connections are not kept (`Connection: close`): the next request comes after a reconnect, from another address.
//!   TLS sessions are kept.

mod connect;
mod datagram;
mod dial;
mod dns;
mod endpoints;
mod fault;
mod look;
mod mask;
mod observe;
mod request;
mod router;
mod ticket;
mod tls;
mod transport;
mod wire;
mod worker;

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use litemap::LiteMap;

pub use endpoints::{Endpoints, system_resolver};
pub(super) use tls::BUNDLES;

use super::outside::Sounding;
use crate::engine::outside::Sighting;
use crate::engine::{Exchange, Failure, FailureKind, Instant, JobId, Outcome, Phase};
use crate::provider::{Look, Question, Reply, Request, Secret, Seen, Step};
use look::Looking;
use observe::Pending;
use ticket::{Results, Ticket};
use worker::{Errand, Queue, Shell, Work};

/// How we introduce ourselves: product, version, home page and kind of client, as dyndns2 providers ask for
/// (<https://help.dyn.com/remote-access-api/perform-update/>: "company name, model number, software version").
pub const USER_AGENT: &str = concat!(
    "wanbeacon/",
    env!("CARGO_PKG_VERSION"),
    " (https://github.com/wanbeacon/wanbeacon; router agent)"
);

/// Reads `CLOCK_BOOTTIME`; given from outside because only `daemon/clock.rs` reads clocks.
pub type Clock = fn() -> Instant;

/// Addresses of a host; blocks as long as it likes.
pub type Resolver = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// The rest of a dialogue: from a reply to the next step.
pub type Advance = Box<dyn FnMut(&Reply) -> Step + Send>;

/// How long each phase may take, and how much is read. The values are our judgement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Name resolution.
    pub resolve: Duration,
    /// How long the resolver may think before remembered addresses are tried.
    pub patience: Duration,
    /// TCP connection, all addresses together.
    pub connect: Duration,
    /// Head start of one address over the next (RFC 8305 section 5: 250 ms).
    pub stagger: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// From the request's last byte to the first of the answer.
    pub first_byte: Duration,
    /// One request, from its beginning to the last byte of the answer, redirects included.
    pub total: Duration,
    /// Longest body, in bytes.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(5),
            // netifd writes the new resolv.conf beside the new address: a question that was asked a millisecond too soon
            // goes nowhere, and libc repeats it after seconds.
            patience: Duration::from_millis(100),
            connect: Duration::from_secs(10),
            stagger: Duration::from_millis(250),
            tls: Duration::from_secs(10),
            first_byte: Duration::from_secs(15),
            total: Duration::from_secs(30),
            body_bytes: 64 * 1024,
        }
    }
}

/// What is the same for all jobs.
#[derive(Clone)]
pub struct Settings {
    /// Reads the clock.
    pub clock: Clock,
    /// Time and size limits.
    pub limits: Limits,
    /// Finds addresses; [`system_resolver`] unless a test says otherwise.
    pub resolver: Resolver,
    /// What [`Http::endpoints`] gave in an earlier life.
    pub endpoints: Endpoints,
}

impl Settings {
    /// The ordinary settings.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            limits: Limits::default(),
            resolver: system_resolver(),
            endpoints: Endpoints::default(),
        }
    }
}

/// One job.
pub struct Task {
    /// Its number.
    pub job: JobId,
    /// The first request of the dialogue.
    pub first: Request,
    /// The rest of the dialogue.
    pub advance: Advance,
    /// The device that the connection must use (`SO_BINDTODEVICE`).
    pub bind: Option<String>,
    /// Certificates of authorities (PEM) to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Texts that no exchange, verdict or failure may show, should a server echo them; shorter than four
    /// characters they are not looked for.
    pub secrets: Vec<Secret>,
}

/// The rest of a dialogue with a name server: from its answer to the next step.
pub type Hear = Box<dyn FnMut(&[u8]) -> Step + Send>;

/// One job of a provider that speaks DNS.
pub struct Inquiry {
    /// Its number.
    pub job: JobId,
    /// The first question of the dialogue.
    pub first: Question,
    /// The rest of the dialogue.
    pub advance: Hear,
    /// The device that messages must leave through (`SO_BINDTODEVICE`).
    pub bind: Option<String>,
    /// Texts that no exchange, verdict or failure may show.
    pub secrets: Vec<Secret>,
}

/// The sender of requests. Dropping it ends all jobs.
pub struct Http {
    shell: Arc<Shell>,
    results: Results,
    queue: Arc<Queue>,
    open: bool,
    tickets: LiteMap<JobId, Weak<Ticket>>,
}

impl Http {
    /// Starts with no thread at all. `results` is called once for each [`Http::send`], from a worker or from within
    /// the method that ended the job; it must not block.
    pub fn new(
        settings: Settings,
        results: impl Fn(JobId, Outcome, Exchange) + Send + Sync + 'static,
    ) -> Self {
        Self {
            shell: Arc::new(Shell::new(settings)),
            results: Arc::new(results),
            queue: Arc::default(),
            open: true,
            tickets: LiteMap::new(),
        }
    }

    /// Reads the CA bundle now, so that the first update does not wait for it.
    pub fn prepare(&mut self, ca_file: Option<PathBuf>) {
        // Without a thread there is nothing to prepare, and the first `send` will say why.
        let _ = self.hand_over(Work::Prepare(ca_file));
    }

    /// Starts a job, or queues it when so many as there are workers are under way.
    pub fn send(&mut self, task: Task) {
        let shown = format!("{} {}", task.first.method.name(), task.first.shown);
        self.enlist(task.job, shown, |ticket| Work::Perform(Box::new(Errand { task, ticket })));
    }

    /// The same for a job that speaks DNS.
    pub fn ask(&mut self, inquiry: Inquiry) {
        let shown = inquiry.first.shown.clone();
        self.enlist(inquiry.job, shown, |ticket| Work::Ask(Box::new(inquiry), ticket));
    }

    /// Asks how we are seen from outside. `tell` is called once, from a worker or from within this method; it must not
    /// block.
    pub fn observe(&self, sounding: Sounding, tell: impl FnOnce(Sighting) + Send + 'static) {
        let pending = Pending::new(sounding, Box::new(tell));
        if self.open {
            // Without a thread the question is dropped, and says so.
            let _ = self.hand_over(Work::Observe(pending));
        }
    }

    /// Looks at a zone's name servers, through a device if there is one named. `tell` is called once, from a worker or from
    /// within this method; it must not block.
    pub fn look(&self, look: Look, bind: Option<String>, tell: impl FnOnce(Vec<Seen>) + Send + 'static) {
        let looking = Looking::new(look, bind, Box::new(tell));
        if self.open {
            // Without a thread the look is dropped, and says so.
            let _ = self.hand_over(Work::Look(looking));
        }
    }

    fn enlist(&mut self, job: JobId, shown: String, work: impl FnOnce(Arc<Ticket>) -> Work) {
        let ticket = match Ticket::new(job, Arc::clone(&self.results), shown) {
            Ok(ticket) => Arc::new(ticket),
            Err(error) => {
                let failure =
                    unstarted(&format!("no descriptor left for a request: {}", fault::words(&error)));
                return (self.results)(job, Outcome::Failed(failure), Exchange::default());
            }
        };
        self.tickets.retain(|_, ticket| ticket.upgrade().is_some_and(|ticket| !ticket.ended()));
        self.tickets.insert(job, Arc::downgrade(&ticket));
        if !self.open {
            return ticket.end(Outcome::Failed(unstarted("the agent is shutting down")));
        }
        if let Err(error) = self.hand_over(work(Arc::clone(&ticket))) {
            let words = format!("no thread could be started for a request: {}", fault::words(&error));
            ticket.end(Outcome::Failed(unstarted(&words)));
        }
    }

    /// Ends a job whose request has not begun to leave: its result is [`Outcome::Withdrawn`], and the request will
    /// never be written. Later than that it does nothing.
    pub fn withdraw(&mut self, job: JobId) {
        self.withdraw_up_to(job, Phase::Tls);
    }

    /// The same, but a job that has a connection already is left in peace.
    pub fn restart(&mut self, job: JobId) {
        self.withdraw_up_to(job, Phase::Connect);
    }

    fn withdraw_up_to(&mut self, job: JobId, last: Phase) {
        if let Some(ticket) = self.tickets.get(&job).and_then(Weak::upgrade) {
            ticket.withdraw(last);
        }
    }

    /// Ends a job as timed out, wherever it is, and closes its connection.
    pub fn abandon(&mut self, job: JobId) {
        if let Some(ticket) = self.tickets.get(&job).and_then(Weak::upgrade) {
            ticket.abandon();
        }
    }

    /// Ends all jobs and lets the workers go; each later [`Http::send`] fails.
    pub fn shutdown(&mut self) {
        self.open = false;
        for ticket in std::mem::take(&mut self.tickets).values().filter_map(Weak::upgrade) {
            ticket.withdraw(Phase::Tls);
            ticket.abandon();
        }
    }

    /// The addresses that were good last, to be given to [`Settings`] in the next life.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        self.shell.endpoints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails only if no worker could be started and none is there.
    fn hand_over(&self, work: Work) -> io::Result<()> {
        if !self.queue.add(work, WORKERS_MAX + OBSERVERS_MAX) {
            return Ok(());
        }
        let (shell, queue) = (Arc::clone(&self.shell), Arc::clone(&self.queue));
        let worker = thread::Builder::new().name("http".to_owned()).stack_size(STACK_BYTES);
        match worker.spawn(move || worker::work(&shell, &queue)) {
            Err(error) if self.queue.forsaken() => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.shutdown();
    }
}

fn unstarted(words: &str) -> Failure {
    Failure { phase: Phase::Resolve, kind: FailureKind::Unreachable, detail: words.to_owned() }
}

/// Most jobs under way at a time; the engine keeps to the same number.
pub const WORKERS_MAX: usize = 4;

/// Most questions about how we are seen under way at a time, beside these.
const OBSERVERS_MAX: usize = 2;

/// Most lookups under way at a time; with the workers eighteen threads.
const LOOKUPS_MAX: usize = 12;

/// Stack of a thread. Only touched pages count; a handshake with certificate checks touches about 40 KiB.
const STACK_BYTES: usize = 512 * 1024;
