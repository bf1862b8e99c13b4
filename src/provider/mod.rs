//! Pure: an update becomes requests, a reply becomes a verdict.
//!
//! A provider never opens a socket, reads no clock and keeps nothing between two updates. It speaks through a
//! [`Dialogue`]:
//!
//! ```text
//! Account::dialogue(update) ──▶ Step::Send(request) ──▶ advance(reply) ──▶ Step::Send(…) … ──▶ Step::Done(verdicts)
//! ```
//!
//! A provider that speaks DNS has questions instead of requests: `Step::Ask(question)` and `receive(message)`. The shell
//! performs the steps without understanding them.

mod account;
mod answer;
mod api;
#[cfg(program)]
mod authoritative;
#[cfg(program)]
pub mod catalogue;
mod custom;
mod dialogue;
mod dns;
mod entry;
mod form;
mod lookup;
mod prefix;
mod recorded;
#[cfg(program)]
mod rfc2136;
// Only the program needs a DNS library, the build script has nobody to speak to.
#[cfg(not(program))]
#[path = "rfc2136/absent.rs"]
mod rfc2136;
mod settings;
mod template;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use litemap::LiteMap;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use account::{Account, AccountError};
pub use answer::{MatcherError, MatcherMistake};
#[cfg(program)]
pub use authoritative::{Look, Seen};
pub use dialogue::Dialogue;
pub use dns::{
    Algorithm, DATAGRAM_MAX, DNS_PORT, DnsSettings, DnsTransport, NameServer, Prerequisite, Question,
    is_truncated, rcode,
};
pub use entry::{EntryError, EntryMistake, Holds, Need, Provider, ProviderKind, Status, is_id};
pub use prefix::Prefix;
pub use recorded::{Example, Exchange, Mismatch, RECORDED_AT, Recorded, RecordedAnswer, RecordedRequest};
pub use settings::{AccountSettings, holds_pem};
pub use template::{TemplateError, TemplateMistake};

/// The address family of a DNS record: A or AAAA.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4, DNS type A.
    V4,
    /// IPv6, DNS type AAAA.
    V6,
}

impl Family {
    /// The family that an address belongs to.
    #[must_use]
    pub fn of(ip: IpAddr) -> Self {
        if ip.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// A text that is wiped when it is dropped and that no formatter prints.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text into custody.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Hands the text out to the one place that must send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What shall be true at the provider: these names have these addresses. A family that is `None` is not mentioned.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Update {
    /// Fully qualified names without the final dot; at least one, at most [`Manners::max_names`].
    pub names: Vec<String>,
    /// The address of the A records.
    pub ipv4: Option<Ipv4Addr>,
    /// The address of the AAAA records.
    pub ipv6: Option<Ipv6Addr>,
    /// Names whose AAAA record has another address than `ipv6`; only where [`Manners::mixed`].
    pub ipv6_of: LiteMap<String, Ipv6Addr>,
    /// Further addresses of the names beside `ipv4` and `ipv6`, for those without one in `ipv6_of`; only where
    /// [`Manners::several`].
    pub further: Vec<IpAddr>,
    /// The prefix behind the line, which goes along; without it, the /64 of `ipv6` stands for it. With the first address of
    /// the prefix as `ipv6`, it is told in place of an address; only where [`Manners::takes_prefix`].
    pub prefix: Option<Prefix>,
    /// Families whose records shall be removed; only where [`Manners::removes`].
    pub removed: Vec<Family>,
}

impl Update {
    /// The address of one family, if this update states it.
    #[must_use]
    pub fn address(&self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.ipv4.map(IpAddr::V4),
            Family::V6 => self.ipv6.map(IpAddr::V6),
        }
    }

    /// What is stated for one name.
    #[must_use]
    pub fn address_of(&self, name: &str, family: Family) -> Option<IpAddr> {
        let own = self.ipv6_of.get(name).filter(|_| family == Family::V6);
        own.map(|ip| IpAddr::V6(*ip)).or_else(|| self.address(family))
    }

    /// All that is stated for one name, each address once.
    #[must_use]
    pub fn addresses_of(&self, name: &str, family: Family) -> Vec<IpAddr> {
        let mut addresses: Vec<IpAddr> = self.address_of(name, family).into_iter().collect();
        let has_own = family == Family::V6 && self.ipv6_of.get(name).is_some();
        for ip in self.further.iter().filter(|ip| Family::of(**ip) == family && !has_own) {
            if !addresses.contains(ip) {
                addresses.push(*ip);
            }
        }
        addresses
    }
}

/// HTTP request methods that provider entries use (RFC 9110 section 9, RFC 5789).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Method {
    /// As in a request line (RFC 9110 section 9).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// One HTTP request, ready to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// The request method.
    pub method: Method,
    /// The absolute URL; may hold a token.
    pub url: Secret,
    /// The same URL with every secret shown as `***`: for `why`, `test` and logs.
    pub shown: String,
    /// Header fields beside `Host`, `User-Agent`, `Accept` and `Connection`, which the shell sets.
    pub headers: Vec<(String, Secret)>,
    /// The body, if the method has one.
    pub body: Option<Secret>,
    /// Set when the connection itself must use this family.
    pub family: Option<Family>,
    /// Whether a redirect may be followed (never with credentials to another host).
    pub follow_redirects: bool,
}

/// What came back: status, the header fields that an entry may look at, and the text of the body.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reply {
    /// HTTP status code.
    pub status: u16,
    /// Header fields in order of arrival, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, at most 64 KiB, invalid UTF-8 replaced.
    pub body: String,
}

/// Why a provider refuses for good: nothing changes until a person acts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Refusal {
    /// Blocked for too many or wrong updates (`abuse`, `badagent`).
    Abuse,
    /// Wrong user, password or token, or a feature that the account does not have (`badauth`, 401, 403).
    Credentials,
    /// The request itself is wrong (`badsys`, 400): a mistake in the entry or in the configuration.
    Malformed,
    /// The name is unknown or not the account's (`nohost`, `notfqdn`, 404 where an entry says so).
    Name,
}

/// What a provider says about one name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The record is set.
    Good,
    /// The record already had this address: confirmed, but not to be repeated.
    Unchanged,
    /// The provider is unwell or asks for patience (`911`, `dnserr`, 429, 5xx).
    Busy {
        /// The provider's own words, at most [`WORDS_MAX`] characters, one line.
        words: String,
        /// How long it asks to be left alone (`Retry-After`).
        retry_after: Option<Duration>,
    },
    /// Refused until a person acts.
    Refused {
        /// The class of refusal.
        refusal: Refusal,
        /// The provider's own words.
        words: String,
    },
    /// An answer that the entry does not know: a failure, never a success (a captive portal's page).
    NotUnderstood {
        /// What was read instead.
        words: String,
    },
}

/// Longest quotation of a provider's answer, in characters.
pub const WORDS_MAX: usize = 160;

/// What happens next in a dialogue.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Ask this name server and call `receive` with its answer.
    Ask(Question),
    /// Perform this request and call `advance` with the reply.
    Send(Request),
    /// The dialogue is over: one verdict for each name of the update, in order.
    Done(Vec<Verdict>),
}

/// What happens at the provider to a family that an update does not mention.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Omitted {
    /// It stays as it is.
    #[default]
    Keeps,
    /// It is deleted, or taken from the connection: state both families whenever both are known.
    Resets,
}

/// At most `count` requests in any stretch of `window`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limit {
    /// Requests that fit into the window; at least one.
    pub count: u32,
    /// Length of the window.
    pub window: Duration,
}

/// How an account at a provider wants to be treated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Manners {
    /// How many names fit into one request; at least one.
    pub max_names: usize,
    /// Whether both families fit into one request.
    pub dual: bool,
    /// What happens to a family that is not mentioned.
    pub omitted: Omitted,
    /// Spacing and budgets; all must hold.
    pub limits: Vec<Limit>,
    /// The provider forgets names that are not confirmed this often.
    pub refresh: Option<Duration>,
    /// Least pause after the provider said in its own words that it is unwell (the 30 minutes of `911`).
    pub busy_pause: Duration,
    /// How long the second family may be waited for when the first becomes known; zero: not at all.
    pub gather: Duration,
    /// Whether one request may state different IPv6 addresses for its names ([`Update::ipv6_of`]).
    pub mixed: bool,
    /// Whether a name can have several addresses of a family ([`Update::further`]).
    pub several: bool,
    /// Whether the provider can be told a prefix instead of an address ([`Update::prefix`]).
    pub takes_prefix: bool,
    /// Whether records can be removed ([`Update::removed`]).
    pub removes: bool,
    /// A removal takes the records of both families: whoever asks for one states the address that shall stay, and counts
    /// a family without one among [`Update::removed`].
    pub removes_all: bool,
    /// Where the provider's proxies are: names may show their addresses instead of the published ones.
    pub proxies: Vec<Prefix>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            max_names: 1,
            dual: false,
            omitted: Omitted::Keeps,
            limits: Vec::new(),
            refresh: None,
            busy_pause: Duration::ZERO,
            gather: Duration::ZERO,
            mixed: false,
            several: false,
            takes_prefix: false,
            removes: false,
            removes_all: false,
            proxies: Vec::new(),
        }
    }
}
