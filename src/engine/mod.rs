//! Pure: events in, actions out, time passed in. Never waits, never logs, never fails.
//!
//! [`Engine::handle`] takes one event, [`Engine::poll_action`] gives what follows from it, [`Engine::next_wake`] says
//! when to come back and why.

pub mod address;
mod core;
pub mod journal;
mod judge;
pub mod lan;
mod nat;
pub mod network;
pub mod origin;
pub mod outside;
mod pacing;
mod plan;
mod prefix;
mod record;
mod replies;
mod source;
mod state;
mod status;
#[cfg(test)]
mod tests;
pub mod time;
pub mod visible;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

pub use self::core::Engine;
use crate::provider::{Manners, Update, Verdict};
use address::{Snapshot, Wanted};
pub use judge::Preview;
pub use nat::Nat;
use origin::{Host, Origin};
use outside::{Probe, Sighting};
pub use state::{Entry, EntryPublished, STATE_VERSION, State};
pub use time::{Instant, Now};
use visible::{Check, Seen};

/// A record's name in the configuration.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct RecordId(pub String);

/// One attempt to tell a provider something; unique within a run of the process.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct JobId(pub u64);

/// All the engine has to know of the configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// Records by name.
    pub records: LiteMap<RecordId, RecordSettings>,
}

/// One record: these names shall have the addresses of these devices.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RecordSettings {
    /// Fully qualified names without the final dot; at least one.
    pub names: Vec<String>,
    /// Where the IPv4 address comes from, in order of preference; empty: no A record.
    pub ipv4: Vec<Origin>,
    /// Where the IPv6 address comes from, in order of preference; empty: no AAAA record.
    pub ipv6: Vec<Origin>,
    /// The host parts behind a prefix, by name; a name without one gets [`RecordSettings::host`].
    pub hosts: LiteMap<String, Host>,
    /// The host part of all other names; `None`: the prefix itself is published.
    pub host: Option<Host>,
    /// Of a prefix shorter than /64, which /64 the hosts are in.
    pub subnet: u32,
    /// The network or device whose prefix goes along with the IPv6 address.
    pub prefix: Option<String>,
    /// How long a better origin must have been usable before it is returned to.
    pub hold_down: Duration,
    /// Whether the addresses of all usable origins are published, not only the first.
    pub all: bool,
    /// What becomes of the name while there is no address.
    pub on_down: OnDown,
    /// How often the zone's name servers are looked at while nothing changes; zero: never, not even after an update.
    pub verify: Duration,
    /// Addresses that are published although they are not public.
    pub allow: Allow,
    /// Who is being paced: provider, server and user.
    pub account: String,
    /// Who is being waited for: one slow server holds half of the places in flight at most.
    pub server: String,
    /// Changes when anything changes that could cure a refusal.
    pub fingerprint: u64,
    /// How the account wants to be treated.
    pub manners: Manners,
}

/// What becomes of a name while there is no address to publish.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OnDown {
    /// It keeps the last one.
    #[default]
    Keep,
    /// Its record is removed after this time.
    Remove(Duration),
    /// It gets one of these after this time; a family without one keeps the last one.
    Placeholder {
        /// How long there must have been no address.
        after: Duration,
        /// For the A record.
        ipv4: Option<Ipv4Addr>,
        /// For the AAAA record.
        ipv6: Option<Ipv6Addr>,
    },
}

impl Settings {
    /// What these records need to know beside links, addresses and networks.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::default();
        for record in self.records.values() {
            wanted.add([&record.ipv4, &record.ipv6], record.hosts.values().chain(&record.host));
        }
        wanted
    }
}

/// Kinds of addresses that a record publishes by explicit wish only.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Allow {
    /// RFC 1918.
    pub private: bool,
    /// 100.64.0.0/10, RFC 6598.
    pub cgnat: bool,
    /// 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849), 3fff::/20 (RFC 9637).
    pub documentation: bool,
    /// fc00::/7, RFC 4193.
    pub ula: bool,
    /// RFC 8981.
    pub temporary: bool,
}

impl Allow {
    /// What either allows.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            private: self.private | other.private,
            cgnat: self.cgnat | other.cgnat,
            documentation: self.documentation | other.documentation,
            ula: self.ula | other.ula,
            temporary: self.temporary | other.temporary,
        }
    }
}

/// What the engine is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The kernel's table after a notification (or a slow look), or other networks on it; `bell` is when the first
    /// notification was read. A snapshot equal to the last one means: a route may have changed.
    Network {
        /// Links, addresses and networks.
        snapshot: Snapshot,
        /// When the first notification behind this snapshot was read.
        bell: Instant,
    },
    /// A job came to its end; exactly one for each [`Action::Send`].
    Reply {
        /// The job.
        job: JobId,
        /// How it ended.
        outcome: Outcome,
        /// What was said, for `why`.
        exchange: Exchange,
    },
    /// The configuration, at start and after each reload that is valid.
    Settings(Settings),
    /// `update`: publish now what is due, un-park; with `force`, also what is confirmed already. Empty: all records.
    Update {
        /// Records that are meant.
        records: Vec<RecordId>,
        /// Repeat confirmed addresses too.
        force: bool,
    },
    /// The wall clock was set: what waited for it is due.
    ClockSet,
    /// What is seen of us from outside; exactly one for each [`Action::Observe`].
    Observed {
        /// What was asked.
        probe: Probe,
        /// The answer.
        sighting: Sighting,
    },
    /// What a zone's name servers show; exactly one for each [`Action::Check`].
    Checked {
        /// The look.
        id: JobId,
        /// One for each server that was asked; none if nobody could be.
        seen: Vec<Seen>,
    },
    /// The instant of `next_wake` has come.
    Wake,
}

/// What the shell shall do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Look at what a zone's name servers show.
    Check(Check),
    /// Ask how we are seen from outside.
    Observe {
        /// What is asked.
        probe: Probe,
        /// Kinds of addresses that may be believed although they are not public.
        allow: Allow,
    },
    /// Start a job.
    Send(Job),
    /// A newer address makes this job pointless: if its request has not left, end it as [`Outcome::Withdrawn`].
    Withdraw(JobId),
    /// The line changed while this job looked for its way: if it has no connection yet, end it as
    /// [`Outcome::Withdrawn`] too.
    Restart(JobId),
    /// The answer is no longer waited for: close the connection and end the job.
    Abandon(JobId),
    /// Keep [`Engine::state`]; `durable`: over a reboot (the provider confirmed or refused something).
    Save {
        /// Write it to flash too.
        durable: bool,
    },
    /// Something a person should know.
    Report(journal::Report),
}

/// One update on its way.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// Whose settings (account, device to bind) it is sent with.
    pub record: RecordId,
    /// What shall be true.
    pub update: Update,
    /// The device that the stated addresses belong to, IPv4's first.
    pub device: Option<String>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The provider spoke: one verdict for each name of the update, in order.
    Answered(Vec<Verdict>),
    /// What kept us from a verdict.
    Failed(Failure),
    /// Ended by [`Action::Withdraw`] or [`Action::Restart`] before the request left.
    Withdrawn,
}

/// What kept us from a verdict.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// How far it came.
    pub phase: Phase,
    /// What happened.
    pub kind: FailureKind,
    /// For a person; names host and address, never a secret.
    pub detail: String,
}

impl Failure {
    /// Whether the provider may have received the request: the update "could not be confirmed".
    #[must_use]
    pub fn may_have_arrived(&self) -> bool {
        matches!(self.phase, Phase::Send | Phase::Receive)
    }
}

/// The phases of a request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Name resolution.
    Resolve,
    /// TCP connection.
    Connect,
    /// TLS handshake.
    Tls,
    /// Writing the request.
    Send,
    /// Waiting for and reading the answer.
    Receive,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// No route, no such device, no source address: the line is not there yet.
    Unreachable,
    /// The resolver did not answer, or knows no such name.
    Unresolved,
    /// Connection refused.
    Refused,
    /// Connection reset or closed too early.
    Reset,
    /// A time limit ran out.
    TimedOut,
    /// The certificate is valid from a later date than our clock shows.
    CertificateNotYetValid,
    /// The certificate is not to be trusted.
    CertificateRejected,
    /// Any other TLS or HTTP protocol error.
    Protocol,
    /// The body is longer than 64 KiB.
    TooLong,
}

/// What went over the wire, with secrets shown as `***`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Exchange {
    /// Request line as shown to a person.
    pub request: String,
    /// The endpoint that was spoken to.
    pub endpoint: Option<SocketAddr>,
    /// HTTP status, if one came.
    pub status: Option<u16>,
    /// The first words of the answer, one line.
    pub answer: String,
    /// Milliseconds: name resolution.
    pub resolve_ms: f64,
    /// Milliseconds: TCP connection.
    pub connect_ms: f64,
    /// Milliseconds: TLS handshake.
    pub tls_ms: f64,
    /// Milliseconds from the request's last byte to the whole answer.
    pub answer_ms: f64,
    /// When the request's first byte was written, if it was.
    pub sent_at: Option<Instant>,
}

/// Why the engine wants to be woken.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WakeReason {
    /// A provider's spacing or budget allows the next request.
    Pacing,
    /// A failed attempt is repeated.
    Retry,
    /// The provider wants a confirmation from time to time.
    Refresh,
    /// An attempt that was begun before the line was complete, and has no connection yet, is begun afresh.
    Restart,
    /// An answer that nobody needs any more has had its time.
    Abandon,
    /// The second family was waited for.
    Gather,
    /// An older request may have been applied late: the newest is confirmed once more.
    Repeat,
    /// A better line has been usable for long enough.
    Return,
    /// There has been no address for so long that the name shall not keep the last one.
    Down,
    /// How we are seen from outside is asked again.
    Observe,
    /// The zone's name servers are looked at.
    Check,
}
