//! Pure: text becomes settings; every mistake is reported with its place and its mend.
//!
//! ```text
//! toml::wanted(text) ──▶ which entries of the user's own it needs
//! toml::read_with(text, own) ──▶ Config ──▶ Config::compile(secrets) ──▶ Compiled: the engine's settings, one account per record
//! ```
//!
//! The option table in [`options`] says what may be written; [`toml`] only says where it was found. Nothing here opens a
//! file: who calls reads the user's own entries and the password files, and hands over their texts.

mod compile;
mod dialect;
pub mod import;
mod mistake;
mod nearest;
pub mod options;
pub mod own;
mod read;
pub mod sample;
pub mod toml;
pub mod uci;
mod value;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use litemap::LiteMap;

pub use compile::{Bind, Compiled, password_from_file};
pub use dialect::Dialect;
pub use mistake::{Mistake, Place, Severity};
pub use nearest::nearest;
pub use own::{Own, Wanted};
pub use read::Read;

use crate::engine::origin::{Host, Origin};
use crate::engine::{Allow, OnDown, RecordId, address};
use crate::provider::{AccountSettings, Family, Secret};

/// A configuration in which nothing is wrong that can be seen without opening another file.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What holds for the whole agent.
    pub global: Global,
    /// Records by name, also those that are not enabled.
    pub records: LiteMap<RecordId, Record>,
    /// Entries that go before those of the catalogue.
    pub own: Own,
}

/// What holds for the whole agent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Global {
    /// The least important messages that are logged.
    pub log_level: LogLevel,
    /// Trusted certificates (PEM); `None`: the first of the usual places that exists.
    pub ca_file: Option<PathBuf>,
    /// What survives a reboot.
    pub state_dir: PathBuf,
    /// Control socket and what need not survive a reboot.
    pub runtime_dir: PathBuf,
    /// Where the user's own entries of providers are.
    pub providers_dir: PathBuf,
    /// How often to look for what the kernel never announces; 10 seconds to 1 hour.
    pub slow_look: Duration,
    /// Who is asked how we are seen, by `web`; empty: services of our choice.
    pub web_services: Vec<String>,
    /// The same by `stun`.
    pub stun_servers: Vec<String>,
    /// Where DHCPv6 leases are found; empty: the usual places.
    pub lease_files: Vec<PathBuf>,
}

/// Host parts behind a prefix.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hosts {
    /// Of these names.
    pub named: LiteMap<String, Host>,
    /// Of all others.
    pub other: Option<Host>,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            log_level: LogLevel::Info,
            ca_file: None,
            state_dir: PathBuf::from("/var/lib/wanbeacon"),
            runtime_dir: PathBuf::from("/run/wanbeacon"),
            providers_dir: PathBuf::from("/etc/wanbeacon/providers.d"),
            slow_look: Duration::from_secs(300),
            web_services: Vec::new(),
            stun_servers: Vec::new(),
            lease_files: Vec::new(),
        }
    }
}

/// The least important messages that are logged.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum LogLevel {
    /// Stopped, needs a person.
    Error,
    /// Degraded, retrying.
    Warning,
    /// Published, parked, recovered.
    Notice,
    /// Decisions.
    Info,
    /// Inputs.
    Debug,
}

impl LogLevel {
    /// The level of a word of the option table; the table admits no other.
    fn of(word: &str) -> Self {
        match word {
            "error" => Self::Error,
            "warning" => Self::Warning,
            "notice" => Self::Notice,
            "debug" => Self::Debug,
            _ => Self::Info,
        }
    }
}

/// One record as it was written; see the option table for each field.
#[derive(Clone, Debug)]
pub struct Record {
    /// Whether it is kept up to date.
    pub enabled: bool,
    /// Key of the catalogue.
    pub provider: String,
    /// Fully qualified, lower case, without the final dot; at least one, none twice.
    pub names: Vec<String>,
    /// Password, token or key.
    pub password: Option<Password>,
    /// Where the address of the A record comes from; of both families, one has an origin.
    pub ipv4: Vec<Origin>,
    /// Where the address of the AAAA record comes from.
    pub ipv6: Vec<Origin>,
    /// The host parts behind a prefix.
    pub hosts: Hosts,
    /// Of a prefix shorter than /64, which /64 the hosts are in.
    pub subnet: u32,
    /// Whose prefix goes along.
    pub prefix: Option<String>,
    /// How long a better origin must have been usable before it is returned to.
    pub hold_down: Duration,
    /// Whether the addresses of all usable origins are published.
    pub all: bool,
    /// What becomes of the name while there is no address.
    pub on_down: OnDown,
    /// How often the zone's own name servers are looked at; zero: never.
    pub verify: Duration,
    /// Addresses that are published although they are not public.
    pub allow: Allow,
    /// All else that the provider is told; the password is missing in it.
    pub account: AccountSettings,
    /// The device that requests leave through.
    pub bind: Option<Bind>,
    /// Replaces the provider's refresh.
    pub refresh: Option<Duration>,
    /// Least time between two requests, beside the provider's own limits.
    pub min_interval: Option<Duration>,
    home: Place,
    places: LiteMap<&'static str, Place>,
}

impl Record {
    /// What it publishes.
    pub(super) fn families(&self) -> impl Iterator<Item = Family> {
        let families = [(Family::V4, self.ipv4.is_empty()), (Family::V6, self.ipv6.is_empty())];
        families.into_iter().filter(|(_, is_empty)| !is_empty).map(|(family, _)| family)
    }

    /// Where an option was written; where the record begins if it was not.
    #[must_use]
    pub fn place(&self, option: &str) -> &Place {
        self.places.get(option).unwrap_or(&self.home)
    }
}

/// Where the password comes from.
#[derive(Clone, Debug)]
pub enum Password {
    /// The only line of this file, or the private key in it.
    File(PathBuf),
    /// The configuration itself.
    Text(Secret),
}

impl Config {
    /// What its enabled records need to know beside links, addresses and networks.
    #[must_use]
    pub fn wanted(&self) -> address::Wanted {
        let mut wanted = address::Wanted::default();
        for record in self.records.values().filter(|record| record.enabled) {
            let hosts = record.hosts.named.values().chain(&record.hosts.other);
            wanted.add([&record.ipv4, &record.ipv6], hosts);
        }
        wanted
    }

    /// Whether the text itself holds a password, so that nobody else should be able to read it.
    #[must_use]
    pub fn holds_password(&self) -> bool {
        let told = |record: &Record| {
            let account = &record.account;
            matches!(record.password, Some(Password::Text(_)))
                || account.token6.is_some()
                || account.param.is_some()
                || account.url.is_some()
                || account.body.is_some()
                || !account.headers.is_empty()
        };
        self.records.values().any(told)
    }
}
