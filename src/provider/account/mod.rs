//! A provider, with the credentials and names of one record: checked once, then only asked.

mod error;

use std::fmt;
use std::sync::Arc;

use super::answer::Answers;
use super::custom;
use super::dialogue::Dialogue;
use super::dns::Prerequisite;
use super::entry::{Provider, Status};
use super::form::{Form, Forms};
use super::rfc2136::Peer;
use super::settings::AccountSettings;
use super::template::{Known, Values, labels_below};
use super::{Family, Manners, Secret, Step, Update};
pub use error::AccountError;

/// A provider, with the credentials of one record. Cheap to clone; `Send` and `Sync`.
#[derive(Clone)]
pub struct Account(Arc<Inner>);

pub(super) struct Inner {
    provider: Arc<Provider>,
    settings: AccountSettings,
    path: String,
    /// What replaces the provider's requests and answers for `custom`.
    custom: Option<custom::Custom>,
    /// What takes the place of requests and answers for a provider that speaks DNS.
    dns: Option<Arc<Peer>>,
    manners: Manners,
    families: Vec<Family>,
    key: String,
    endpoint: String,
    fingerprint: u64,
    /// All spellings of all secrets, longest first.
    hidden: Vec<Secret>,
}

impl Account {
    /// Checks the settings of one record against what its provider needs.
    ///
    /// # Errors
    /// Every mistake, each with the option that mends it.
    pub fn new(
        provider: Arc<Provider>,
        settings: AccountSettings,
        names: &[String],
        families: &[Family],
    ) -> Result<Self, Vec<AccountError>> {
        if let Status::Dead(words) = &provider.status {
            return Err(vec![AccountError::Dead { provider: provider.id.clone(), words: words.clone() }]);
        }
        let mut errors = settings.malformed();
        let custom = provider.is_custom.then(|| custom::Custom::read(&settings, &provider.answers));
        let custom = match custom.transpose() {
            Ok(custom) => custom,
            Err(more) => {
                errors.extend(more);
                return Err(errors);
            }
        };
        let mut dns = None;
        if provider.is_dns {
            match Peer::read(&provider.id, &settings, names) {
                Ok(peer) => dns = Some(Arc::new(peer)),
                Err(more) => errors.extend(more),
            }
        } else {
            let forms = custom.as_ref().map_or(&provider.forms, |custom| &custom.forms);
            errors.extend(missing(&provider, forms, &settings, families));
            let schemes = forms.all().filter_map(|form| form.sign);
            errors.extend(
                schemes
                    .filter_map(|scheme| scheme.objection(&settings))
                    .take(1)
                    .map(|(option, mend)| AccountError::Invalid { option, mend }),
            );
        }
        errors.extend(outside(&provider, &settings, names));
        let mut inner = Inner {
            path: settings.path_or(&provider.path),
            manners: custom.as_ref().map_or(&provider.manners, |custom| &custom.manners).clone(),
            families: families.to_vec(),
            key: String::new(),
            endpoint: String::new(),
            fingerprint: settings.fingerprint(&provider),
            hidden: settings.hidden(),
            provider,
            settings,
            custom,
            dns,
        };
        // A name that is gone with its last record could not be told again.
        inner.manners.removes &= inner.settings.dns.prerequisite != Prerequisite::NameExists;
        errors.extend(inner.locate(names));
        if errors.is_empty() { Ok(Self(Arc::new(inner))) } else { Err(errors) }
    }

    /// How the account wants to be treated.
    #[must_use]
    pub fn manners(&self) -> &Manners {
        &self.0.manners
    }

    /// Who is being paced: provider, server, and the user or eight digits of the SHA-256 of the token.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// Changes when the provider's entry or any setting changes: the first eight bytes of a SHA-256.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint
    }

    /// The host, and the port if it is unusual, that is spoken to first.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.0.endpoint
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.0.provider
    }

    /// Whether the provider takes an address of the account's from where the request comes: it must then leave by the
    /// device that has the address.
    #[must_use]
    pub fn uses_source_address(&self) -> bool {
        let takes = |family: &Family| self.0.forms().of(*family).is_some_and(|form| !form.carries(*family));
        self.0.families.iter().any(takes)
    }

    /// Replaces every secret of this account in a text by `***`, in clear, percent-encoded, base64 and digest form.
    /// Secrets of fewer than four characters stay, because they are part of ordinary words.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.0.redact(text)
    }

    /// All spellings of all secrets of this account, longest first: what must not be shown should a server echo it.
    #[must_use]
    pub fn secrets(&self) -> &[Secret] {
        &self.0.hidden
    }

    /// Begins to tell the provider an update. `now`: seconds since 1970, which signatures state.
    #[must_use]
    pub fn dialogue(&self, update: &Update, now: u64) -> (Dialogue, Step) {
        Dialogue::begin(Arc::clone(&self.0), update, now)
    }

    /// What an update says, in the language of nsupdate(1) and without secrets; `None`: the provider speaks HTTP.
    #[must_use]
    pub fn script(&self, update: &Update) -> Option<String> {
        self.0.dns.as_ref().map(|peer| peer.script(update))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("key", &self.0.key)
            .field("endpoint", &self.0.endpoint)
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(super) fn forms(&self) -> &Forms {
        self.custom.as_ref().map_or(&self.provider.forms, |custom| &custom.forms)
    }

    pub(super) fn answers(&self) -> &Answers {
        self.custom.as_ref().map_or(&self.provider.answers, |custom| &custom.answers)
    }

    pub(super) fn dns(&self) -> Option<Arc<Peer>> {
        self.dns.clone()
    }

    pub(super) fn manners(&self) -> &Manners {
        &self.manners
    }

    /// The families that the account's record has.
    pub(super) fn families(&self) -> &[Family] {
        &self.families
    }

    /// Whether the zone of a name is to be found out.
    pub(super) fn searches_zones(&self) -> bool {
        self.settings.zone.is_none()
    }

    /// What the placeholders stand for when these names are told.
    pub(super) fn values<'a>(&'a self, names: &'a [String], family: Family) -> Values<'a> {
        Values {
            settings: &self.settings,
            zones: &self.provider.zones,
            label_depth: self.provider.label_depth,
            path: &self.path,
            record_types: &self.provider.record_types,
            names,
            ipv4: None,
            ipv6: None,
            prefix: None,
            family,
            known: Known::default(),
            now: 0,
        }
    }

    pub(super) fn redact(&self, text: &str) -> String {
        self.hidden.iter().fold(text.to_owned(), |text, hidden| text.replace(hidden.expose(), "***"))
    }

    /// Finds out whom the requests go to.
    fn locate(&mut self, names: &[String]) -> Vec<AccountError> {
        if let Some(peer) = &self.dns {
            self.endpoint = peer.endpoint(names);
            self.key = self.settings.key(&self.provider.id, &self.endpoint);
            return Vec::new();
        }
        let Some(form) = self.forms().all().next() else { return Vec::new() };
        self.endpoint = form.endpoint(&self.values(names, Family::V4));
        self.key = self.settings.key(&self.provider.id, &self.endpoint);
        let begins = |form: &Form, scheme: &str| form.url.head().starts_with(scheme);
        let is_plain_server = self.settings.server_url().starts_with("http://");
        // What to change: the user's own URL, or nothing but the consent if the provider has no other.
        let option = if self.forms().all().any(|form| begins(form, "http://")) {
            if self.custom.is_some() { "url" } else { "insecure" }
        } else if is_plain_server && self.forms().all().any(|form| form.url.head().is_empty()) {
            "server"
        } else {
            return Vec::new();
        };
        if self.settings.insecure {
            return Vec::new();
        }
        vec![AccountError::Insecure { option, endpoint: self.endpoint.clone() }]
    }
}

fn missing(
    provider: &Provider,
    forms: &Forms,
    settings: &AccountSettings,
    families: &[Family],
) -> Vec<AccountError> {
    let mut errors = Vec::new();
    let mut options: Vec<&'static str> = Vec::new();
    for family in families {
        match forms.of(*family) {
            Some(form) => options.extend(form.settings()),
            None => errors.push(AccountError::NoForm { provider: provider.id.clone(), family: *family }),
        }
    }
    options.extend(forms.others().flat_map(Form::settings));
    options.sort_unstable();
    options.dedup();
    for option in options {
        // A path is needed only where the entry says what to write there.
        let empty = option == "path" && !provider.credentials.contains_key("path");
        let optional = empty || provider.optional.iter().any(|optional| optional == option);
        if !settings.is_given(option) && !optional {
            let what = provider.credentials.get(option).cloned().unwrap_or_default();
            errors.push(AccountError::Missing { provider: provider.id.clone(), option, what });
        }
    }
    errors
}

fn outside(provider: &Provider, settings: &AccountSettings, names: &[String]) -> Vec<AccountError> {
    let zones: Vec<&str> = match &settings.zone {
        Some(zone) => vec![zone],
        None => provider.zones.iter().map(String::as_str).collect(),
    };
    let fits = |name: &str| {
        zones.is_empty()
            || zones.iter().any(|zone| {
                // A zone of the provider is not the user's: a name must lie below it.
                labels_below(name, zone).is_some_and(|label| settings.zone.is_some() || !label.is_empty())
            })
    };
    names
        .iter()
        .filter(|name| !fits(name))
        .map(|name| AccountError::OutsideZone { name: name.clone(), zones: zones.join(", ") })
        .collect()
}

#[cfg(test)]
mod tests;
