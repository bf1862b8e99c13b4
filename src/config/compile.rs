//! [`Config`] → what the engine and the provider need. Translates, decides nothing.

use std::sync::Arc;

use litemap::LiteMap;

use super::mistake::{Mistake, quoted};
use super::nearest::nearest;
use super::value::PEM_MAX;
use super::{Config, Own, Password, Place, Record};
use crate::engine::origin::Origin;
use crate::engine::{OnDown, RecordId, RecordSettings, Settings};
use crate::provider::{
    Account, AccountError, AccountSettings, Family, Limit, Manners, Provider, Secret, catalogue, holds_pem,
};

/// A configuration ready for use: only the records that are enabled and whose provider's entry can be used.
#[derive(Debug, Default)]
pub struct Compiled {
    /// For the engine.
    pub settings: Settings,
    /// For the requests: how each record speaks to its provider.
    pub accounts: LiteMap<RecordId, Arc<Account>>,
    /// What a record's requests leave through, where it is said.
    pub binds: LiteMap<RecordId, Bind>,
}

/// The device that requests leave through, whatever the routes say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Bind {
    /// That of the address.
    Source,
    /// This device, or that of this network.
    Through(String),
}

impl Bind {
    /// As it is configured.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Source => "source",
            Self::Through(name) => name,
        }
    }
}

impl Config {
    /// Joins the configuration with the texts of the password files.
    ///
    /// # Errors
    ///
    /// All that the provider entries object to, and records whose password file is not among `secrets`.
    pub fn compile(&self, secrets: &LiteMap<RecordId, Secret>) -> Result<Compiled, Vec<Mistake>> {
        let mut compiled = Compiled::default();
        let mut mistakes = Vec::new();
        let usable = |record: &Record| record.enabled && self.own.broken(&record.provider).is_none();
        for (id, record) in self.records.iter().filter(|(_, record)| usable(record)) {
            let password = match (&record.password, secrets.get(id)) {
                (None, _) => None,
                (Some(Password::Text(secret)), _) | (Some(Password::File(_)), Some(secret)) => {
                    Some(secret.clone())
                }
                (Some(Password::File(path)), None) => {
                    let what = format!("password file '{}' was not read", path.display());
                    mistakes.push(Mistake::error(Some(record.place("password_file").clone()), what, ""));
                    continue;
                }
            };
            match account(record, password, &self.own) {
                Ok(account) => compiled.add(id, record, account),
                Err(more) => mistakes.extend(more),
            }
        }
        if mistakes.is_empty() { Ok(compiled) } else { Err(mistakes) }
    }
}

impl Compiled {
    fn add(&mut self, id: &RecordId, record: &Record, account: Account) {
        let settings = RecordSettings {
            names: record.names.clone(),
            ipv4: record.ipv4.clone(),
            ipv6: record.ipv6.clone(),
            hosts: record.hosts.named.clone(),
            host: record.hosts.other.clone(),
            subnet: record.subnet,
            prefix: record.prefix.clone(),
            hold_down: record.hold_down,
            all: record.all,
            on_down: record.on_down,
            verify: record.verify,
            allow: record.allow,
            account: account.key().to_owned(),
            server: account.endpoint().to_owned(),
            fingerprint: account.fingerprint(),
            manners: manners(record, account.manners().clone()),
        };
        self.settings.records.insert(id.clone(), settings);
        self.accounts.insert(id.clone(), Arc::new(account));
        self.binds.extend(record.bind.clone().map(|bind| (id.clone(), bind)));
    }
}

/// The provider's manners with the record's own wishes: politer is always possible, ruder never.
fn manners(record: &Record, mut manners: Manners) -> Manners {
    manners.refresh = record.refresh.or(manners.refresh);
    manners.limits.extend(record.min_interval.map(|window| Limit { count: 1, window }));
    manners
}

fn account(record: &Record, password: Option<Secret>, own: &Own) -> Result<Account, Vec<Mistake>> {
    let provider = entry(&record.provider, record.place("provider"), own).map_err(|mistake| vec![mistake])?;
    // Of a file that nobody has read yet, it is known only that there is something in it.
    let unread = password.is_none() && record.password.is_some();
    let password = if unread { Some(Secret::new("in its file")) } else { password };
    let settings = AccountSettings { password, ..record.account.clone() };
    let families: Vec<Family> = record.families().collect();
    let account = Account::new(provider, settings, &record.names, &families).map_err(|errors| {
        let seen = |error: &&AccountError| !unread || !matches!(error.option(), "password" | "token");
        errors.iter().filter(seen).map(|error| objection(record, error)).collect::<Vec<_>>()
    })?;
    let lacks = lacking(record, account.manners());
    if lacks.is_empty() { Ok(account) } else { Err(lacks) }
}

/// What the record asks of its provider that the provider cannot do.
fn lacking(record: &Record, manners: &Manners) -> Vec<Mistake> {
    let cannot = |option: &str, what: &str, mend: &str| {
        Mistake::error(
            Some(record.place(option).clone()),
            format!("provider {} {what}", quoted(&record.provider)),
            mend,
        )
    };
    let mut mistakes = Vec::new();
    if matches!(record.on_down, OnDown::Remove(_)) && !manners.removes {
        let mend = "write on_down = placeholder with an address, or keep";
        mistakes.push(cannot("on_down", "cannot remove a record", mend));
    }
    if record.all && !manners.several {
        let mend = "write publish = first; 'wanbeacon providers' lists those that keep several";
        mistakes.push(cannot("publish", "keeps one address for a name", mend));
    }
    let is_bare = |name: &String| !record.hosts.named.contains_key(name) && record.hosts.other.is_none();
    let has_prefix = record.ipv6.iter().any(|origin| matches!(origin, Origin::Prefix(_)));
    if has_prefix && record.names.iter().any(is_bare) && !manners.takes_prefix {
        let mend = "add ipv6_host, the host's part of the address, for example: ::211:32ff:fe12:3456";
        mistakes.push(cannot("ipv6", "publishes addresses, not prefixes", mend));
    }
    mistakes
}

/// The entry of this id, which was written there: the user's own, else the catalogue's.
pub(super) fn entry(id: &str, place: &Place, own: &Own) -> Result<Arc<Provider>, Mistake> {
    if let Some(entry) = own.get(id) {
        return Ok(entry);
    }
    let place = Some(place.clone());
    match catalogue::provider(id) {
        Some(Ok(provider)) => Ok(Arc::new(provider)),
        Some(Err(errors)) => {
            let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Err(Mistake::error(
                place,
                format!("the entry of provider {} is broken", quoted(id)),
                words.join("; "),
            ))
        }
        None => {
            let built_in: Vec<&str> = catalogue::living().collect();
            let mend = nearest(id, built_in.into_iter().chain(own.ids())).map_or_else(
                || "'wanbeacon providers' lists those that are; 'custom' speaks to any other".to_owned(),
                |id| format!("did you mean '{id}'?"),
            );
            Err(Mistake::error(place, format!("provider {} is not in the catalogue", quoted(id)), mend))
        }
    }
}

/// What a provider's entry objects to, at the option that mends it.
fn objection(record: &Record, error: &AccountError) -> Mistake {
    // Where an entry speaks of a token, the user writes it as the password, or into its file.
    let (written, place) = match &record.password {
        None => ("password", "provider"),
        Some(Password::File(_)) => ("password_file", "password_file"),
        Some(Password::Text(_)) => ("password", "password"),
    };
    let place = match error.option() {
        "password" | "token" => place,
        // The provider has no other URL: without the consent, it is the choice of the provider that is wrong.
        "insecure" => "provider",
        other => other,
    };
    let words = ["'token'", "'password'"]
        .iter()
        .fold(error.to_string(), |words, name| words.replace(name, &format!("'{written}'")));
    Mistake::error(Some(record.place(place).clone()), words, "")
}

/// The password in the text of a password file: its only line, or the whole of a private key (PEM).
///
/// # Errors
///
/// In words, without the text: the file is empty, has several lines, control characters, or is too long.
pub fn password_from_file(text: &str) -> Result<Secret, &'static str> {
    const PASSWORD_MAX: usize = 2048;
    if holds_pem(text) {
        let misplaced = |c: char| c.is_control() && !matches!(c, '\r' | '\n');
        return if text.len() > PEM_MAX || text.contains(misplaced) {
            Err("has control characters or more than 4096 bytes")
        } else {
            Ok(Secret::new(text.trim()))
        };
    }
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        return Err("is empty");
    }
    if line.contains('\n') {
        return Err("has more than one line");
    }
    if line.len() > PASSWORD_MAX || line.chars().any(char::is_control) {
        return Err("has control characters or more than 2048 bytes");
    }
    Ok(Secret::new(line))
}

/// What only one record may set: provider, server, URL, family and name.
type Claim<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Family, &'a str);

/// Records that would overwrite another one at the provider for ever.
pub(super) fn clashes(config: &Config) -> Vec<(RecordId, Mistake)> {
    let mut claims: LiteMap<Claim<'_>, &RecordId> = LiteMap::new();
    let mut mistakes = Vec::new();
    for (id, record) in config.records.iter().filter(|(_, record)| record.enabled) {
        let account = &record.account;
        for family in record.families() {
            for name in &record.names {
                let url = account.url.as_ref().map(Secret::expose);
                let claim = (record.provider.as_str(), account.server.as_deref(), url, family, name.as_str());
                let Some(first) = claims.insert(claim, id) else { continue };
                let what = format!(
                    "the {family} address of {} is published by record {} too, at the same provider",
                    quoted(name),
                    quoted(&first.0)
                );
                let mend = "leave the name, or this family, to one of both records";
                let mistake = Mistake::error(Some(record.place("hostname").clone()), what, mend);
                mistakes.push((id.clone(), mistake));
            }
        }
    }
    mistakes
}

/// What the catalogue and the provider's entry object to, before the password file is read.
pub(super) fn account_mistakes(record: &Record, own: &Own) -> Vec<Mistake> {
    let password = match &record.password {
        Some(Password::Text(secret)) => Some(secret.clone()),
        Some(Password::File(_)) | None => None,
    };
    account(record, password, own).err().unwrap_or_default()
}
