//! Last decisions with their reasons: the answers to `status` and `why`, and what a person is told unasked.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use super::address::Rejected;
pub use super::network::NetworkStatus;
use super::{Exchange, Instant, RecordId, WakeReason};
use crate::provider::Family;

/// `status`: all records. The JSON form is stable; `schema` counts changes that could break a reader.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Status {
    /// Version of this schema.
    pub schema: u32,
    /// Records by name.
    pub records: Vec<RecordStatus>,
    /// All networks, by name; none where there is no netifd.
    #[serde(default)]
    pub networks: Vec<NetworkStatus>,
}

/// `status` of one record.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RecordStatus {
    /// The record.
    pub record: RecordId,
    /// One for each name and family.
    pub names: Vec<NameStatus>,
    /// One for each family that the record publishes.
    pub sources: Vec<SourceStatus>,
    /// How the last attempt ended, in words; `None` before the first.
    pub last_answer: Option<String>,
    /// What happens next, in words.
    pub next: String,
    /// When, in milliseconds from now; `None`: when something changes.
    pub next_in_ms: Option<u64>,
    /// Why then.
    pub next_reason: Option<WakeReason>,
    /// Milliseconds from the kernel's event to the provider's answer, of the last published change.
    pub event_to_answer_ms: Option<f64>,
    /// The same until all of the zone's name servers that answer showed it; `None`: not (yet), or nobody looks.
    #[serde(default)]
    pub event_to_visible_ms: Option<f64>,
}

/// One name and family.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct NameStatus {
    /// Fully qualified name.
    pub name: String,
    /// A or AAAA.
    pub family: Family,
    /// What the provider confirmed last.
    pub published: Option<IpAddr>,
    /// Since when, in seconds of Unix time; `None` if the clock was not set then.
    pub since: Option<u64>,
    /// idle, due, in-flight, waiting, parked.
    pub state: String,
    /// Why it is parked: the provider's words.
    pub parked: Option<String>,
    /// What a person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// What the zone's name servers show instead of what is published, or why they cannot be asked; `None`: all is well,
    /// or nobody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
}

/// Where the addresses of one family come from.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SourceStatus {
    /// A or AAAA.
    pub family: Family,
    /// Where the candidate comes from, as configured; without one, the first origin.
    #[serde(default)]
    pub origin: String,
    /// The host part behind a prefix, as configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The names that it is for; empty: all of the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// The network, if the record names one.
    #[serde(default)]
    pub network: Option<String>,
    /// The device; empty: none is known.
    pub device: String,
    /// The address that shall be published.
    pub candidate: Option<IpAddr>,
    /// Addresses of other lines that shall be published beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<IpAddr>,
    /// The prefix that goes along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// What stands between an IPv4 line and the world, and what to do, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat: Option<String>,
    /// The others, and why not; or why there is none at all.
    pub rejected: Vec<Rejected>,
}

/// `why`: the story of the last change of one record.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Why {
    /// The record as it stands.
    pub record: RecordStatus,
    /// What happened, oldest first, since the last change of the wanted addresses.
    pub steps: Vec<WhyStep>,
}

/// One thing that happened.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct WhyStep {
    /// Milliseconds since the kernel's event that started the story.
    pub at_ms: f64,
    /// What, in words.
    pub what: String,
    /// The exchange with the provider, if it was one.
    pub exchange: Option<Exchange>,
}

/// Something a person should know, as data; the shell makes one log line of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// The address that shall be published is another one.
    AddressChanged {
        /// The record.
        record: RecordId,
        /// Its family.
        family: Family,
        /// Before.
        old: Option<IpAddr>,
        /// Now; `None`: nothing may be published, and this is why.
        new: Result<IpAddr, String>,
    },
    /// The provider confirmed.
    Published {
        /// The record.
        record: RecordId,
        /// Names that were confirmed.
        names: Vec<String>,
        /// The confirmed addresses, IPv4 first.
        changes: Vec<Change>,
        /// Milliseconds from the kernel's event.
        event_ms: Option<f64>,
        /// The first success after a failure or a refusal that was reported.
        recovered: bool,
    },
    /// An attempt failed and will be repeated.
    Failed {
        /// The record.
        record: RecordId,
        /// What happened.
        what: String,
        /// Whether the provider may have applied it.
        unconfirmed: bool,
        /// Milliseconds until the next attempt; `None`: when the line or the clock changes.
        retry_in_ms: Option<u64>,
        /// How many attempts in a row failed.
        attempts: u32,
    },
    /// All of the zone's name servers that answer show what was published.
    Visible {
        /// The record.
        record: RecordId,
        /// Its names.
        names: Vec<String>,
        /// Milliseconds from the kernel's event.
        event_ms: f64,
    },
    /// What the zone's name servers show is worth a word.
    Shown {
        /// The record.
        record: RecordId,
        /// What, in words.
        what: String,
        /// Whether it is not as it should be.
        is_trouble: bool,
    },
    /// Refused until a person acts.
    Parked {
        /// The record.
        record: RecordId,
        /// The names.
        names: Vec<String>,
        /// The provider's words.
        words: String,
        /// What to do.
        advice: String,
    },
}

/// What the provider confirmed for one family.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Change {
    /// Confirmed now.
    pub address: IpAddr,
    /// Confirmed before; the same address: it was a refresh.
    pub previous: Option<IpAddr>,
}

/// What happened to one record since the last change of its wanted addresses.
#[derive(Clone, Debug)]
pub(super) struct Story {
    started: Instant,
    steps: Vec<WhyStep>,
}

/// Steps that a story keeps; past that the middle is dropped, since the beginning and the end explain most.
const STEPS_MAX: usize = 40;

impl Story {
    pub(super) fn new(started: Instant) -> Self {
        Self { started, steps: Vec::new() }
    }

    pub(super) fn tell(&mut self, now: Instant, what: String, exchange: Option<Exchange>) {
        if self.steps.len() >= STEPS_MAX {
            self.steps.remove(STEPS_MAX / 2);
        }
        let at_ms = milliseconds(now.since(self.started));
        self.steps.push(WhyStep { at_ms, what, exchange });
    }

    pub(super) fn steps(&self) -> &[WhyStep] {
        &self.steps
    }
}

/// Milliseconds with fractions, for people.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
