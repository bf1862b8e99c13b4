//! `providers`: the catalogue and the user's own entries, and as JSON what they say.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::own;
use crate::config::options::{self, Opt, Scope};
use crate::config::{self, Mistake, Severity, nearest};
use crate::provider::{Family, Manners, Omitted, Provider, Status, catalogue, is_id};

/// An entry, and whose it is.
#[derive(Debug)]
pub struct Listed {
    /// The entry.
    pub provider: Provider,
    /// Whether it is the user's own.
    pub is_own: bool,
}

/// The catalogue together with the user's own entries.
#[derive(Debug)]
pub struct Listing {
    /// By id; where the user has one, the built-in one is not here.
    pub entries: Vec<Listed>,
    /// What is wrong with the user's own: those entries are in neither form in the list.
    pub broken: Vec<Mistake>,
}

/// Why there is no such entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NoEntry {
    /// The entry cannot be used: a mistake of ours.
    Broken(String),
    /// The user's own cannot be used; where and why.
    OwnBroken(Vec<Mistake>),
    /// The catalogue does not know it. In words, with the nearest name.
    Unknown(String),
}

/// The entry of one provider: that of the user's own in this directory, else the built-in one.
///
/// # Errors
///
/// [`NoEntry`].
pub fn entry(id: &str, directory: &Path) -> Result<Listed, NoEntry> {
    if let Some(read) = is_id(id).then(|| own_entry(id, directory)).flatten() {
        return read.map(|provider| Listed { provider, is_own: true }).map_err(NoEntry::OwnBroken);
    }
    match catalogue::provider(id) {
        Some(Ok(provider)) => Ok(Listed { provider, is_own: false }),
        Some(Err(_)) => Err(NoEntry::Broken(format!("the entry of provider '{id}' is broken"))),
        None => {
            let own = own::ids(directory).unwrap_or_default();
            let built_in: Vec<&str> = catalogue::living().collect();
            let known = built_in.into_iter().chain(own.iter().map(String::as_str));
            let mend = nearest(id, known).map_or_else(
                || "'wanbeacon providers' lists all".to_owned(),
                |id| format!("did you mean '{id}'?"),
            );
            let id = id.escape_debug();
            Err(NoEntry::Unknown(format!("no provider '{id}' is in the catalogue; {mend}")))
        }
    }
}

/// All entries, by id, with the user's own in this directory.
///
/// # Errors
///
/// One of the built-in ones is broken.
pub fn entries(directory: &Path) -> Result<Listing, NoEntry> {
    let built_in =
        catalogue::providers().map_err(|_| NoEntry::Broken("the catalogue is broken".to_owned()))?;
    let mut entries: Vec<Listed> =
        built_in.into_iter().map(|provider| Listed { provider, is_own: false }).collect();
    let mut broken = Vec::new();
    let ids = own::ids(directory).unwrap_or_else(|error| {
        let what = format!("providers_dir '{}' cannot be listed: {error}", directory.display());
        broken.push(Mistake::warning(None, what, ""));
        BTreeSet::new()
    });
    for id in ids {
        let Some(read) = own_entry(&id, directory) else { continue };
        entries.retain(|entry| entry.provider.id != id);
        match read {
            Ok(provider) => entries.push(Listed { provider, is_own: true }),
            Err(mistakes) => broken.extend(mistakes),
        }
    }
    entries.sort_by(|one, other| one.provider.id.cmp(&other.provider.id));
    Ok(Listing { entries, broken })
}

/// The user's own entry of this id, if there is a file.
fn own_entry(id: &str, directory: &Path) -> Option<Result<Provider, Vec<Mistake>>> {
    let file = own::file(directory, id);
    let text = own::text(&file)?;
    Some(config::own::read(&file, id, text.as_deref().map_err(String::as_str), Severity::Warning))
}

/// The record types that an entry can publish.
#[must_use]
pub fn families(entry: &Provider) -> Vec<&'static str> {
    let all = [(Family::V4, "A"), (Family::V6, "AAAA")];
    all.into_iter().filter(|(family, _)| entry.sets(*family)).map(|(_, name)| name).collect()
}

impl Listed {
    /// The entry as JSON.
    #[must_use]
    pub fn value(&self) -> Value {
        let mut value = value(&self.provider);
        value["source"] = json!(if self.is_own { "yours" } else { "built in" });
        value
    }
}

/// The least time between two requests that must always be kept; zero: there is none.
#[must_use]
pub fn spacing(manners: &Manners) -> Duration {
    let single = manners.limits.iter().filter(|limit| limit.count == 1);
    single.map(|limit| limit.window).max().unwrap_or_default()
}

fn value(entry: &Provider) -> Value {
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
    let options: Vec<Value> = entry
        .needs()
        .iter()
        .map(|need| {
            let is_secret = options::find(Scope::Record, need.option).is_some_and(Opt::secret);
            json!({
                "option": need.option, "label": need.label, "secret": is_secret, "required": need.is_required,
            })
        })
        .collect();
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
        "kind": entry.kind().to_string(),
        "options": options,
        "insecure": entry.is_plain(),
        "aliases": entry.aliases,
        "zones": entry.zones,
        "max_names": manners.max_names,
        "dual": manners.dual,
        "omitted_family": if manners.omitted == Omitted::Keeps { "keeps" } else { "resets" },
        "limits": limits,
        "spacing_secs": spacing(manners).as_secs(),
        "refresh_secs": manners.refresh.map(|refresh| refresh.as_secs()),
        "busy_pause_secs": manners.busy_pause.as_secs(),
        "notes": entry.notes,
    })
}
