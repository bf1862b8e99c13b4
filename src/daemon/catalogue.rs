//! `providers` for programs: what the catalogue says, as JSON.

use serde_json::{Value, json};

use crate::config::nearest;
use crate::provider::{Family, Omitted, Provider, Status, catalogue};

/// Why there is no such entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NoEntry {
    /// The entry cannot be used: a mistake of ours.
    Broken(String),
    /// The catalogue does not know it. In words, with the nearest name.
    Unknown(String),
}

/// The entry of one provider.
///
/// # Errors
///
/// [`NoEntry`].
pub fn entry(id: &str) -> Result<Provider, NoEntry> {
    match catalogue::provider(id) {
        Some(Ok(provider)) => Ok(provider),
        Some(Err(_)) => Err(NoEntry::Broken(format!("the entry of provider '{id}' is broken"))),
        None => {
            let mend = nearest(id, catalogue::living()).map_or_else(
                || "'wanbeacon providers' lists all".to_owned(),
                |id| format!("did you mean '{id}'?"),
            );
            let id = id.escape_debug();
            Err(NoEntry::Unknown(format!("no provider '{id}' is in the catalogue; {mend}")))
        }
    }
}

/// All entries, by id.
///
/// # Errors
///
/// One of them is broken.
pub fn entries() -> Result<Vec<Provider>, NoEntry> {
    catalogue::providers().map_err(|_| NoEntry::Broken("the catalogue is broken".to_owned()))
}

/// The record types that an entry can publish.
#[must_use]
pub fn families(entry: &Provider) -> Vec<&'static str> {
    let all = [(Family::V4, "A"), (Family::V6, "AAAA")];
    all.into_iter().filter(|(family, _)| entry.sets(*family)).map(|(_, name)| name).collect()
}

/// One entry as JSON.
#[must_use]
pub fn value(entry: &Provider) -> Value {
    let manners = entry.manners();
    let limits: Vec<Value> = manners
        .limits
        .iter()
        .map(|limit| json!({ "count": limit.count, "window_secs": limit.window.as_secs() }))
        .collect();
    let (status, words) = match &entry.status {
        Status::Alive => ("alive", None),
        Status::Dead(words) => ("dead", Some(words)),
        Status::Unclear => ("unclear", None),
    };
    json!({
        "id": entry.id,
        "name": entry.name,
        "homepage": entry.homepage,
        "docs": entry.docs,
        "status": status,
        "status_words": words,
        "credentials": entry.credentials,
        "optional": entry.optional,
        "records": families(entry),
        "zones": entry.zones,
        "max_names": manners.max_names,
        "dual": manners.dual,
        "omitted_family": if manners.omitted == Omitted::Keeps { "keeps" } else { "resets" },
        "limits": limits,
        "refresh_secs": manners.refresh.map(|refresh| refresh.as_secs()),
        "busy_pause_secs": manners.busy_pause.as_secs(),
        "notes": entry.notes,
    })
}
