//! Last decisions with their reasons: the answers to `status` and `why`, and what a person is told unasked.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Exchange, RecordId, WakeReason};
use crate::provider::Family;

/// `status`: all records. The JSON form is stable; `schema` counts changes that could break a reader.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Status {
    /// Version of this schema.
    pub schema: u32,
    /// Records by name.
    pub records: Vec<RecordStatus>,
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
}

/// What one device offers for one family.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SourceStatus {
    /// A or AAAA.
    pub family: Family,
    /// The device.
    pub device: String,
    /// The address that shall be published.
    pub candidate: Option<IpAddr>,
    /// The others, and why not; or why there is none at all.
    pub rejected: Vec<Rejected>,
}

/// An address that is not published, or (without address) why there is none.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Rejected {
    /// The address.
    pub address: Option<IpAddr>,
    /// Why not, in words.
    pub reason: String,
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
        /// The confirmed addresses.
        addresses: Vec<IpAddr>,
        /// Milliseconds from the kernel's event.
        event_ms: Option<f64>,
        /// The first success after a failure that was reported.
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
