//! What an entry tells whoever chooses a provider or writes a record for it.

use std::fmt;

use super::super::form::Purpose;
use super::super::lookup::What;
use super::{Provider, Status};

/// How much is to be said to a provider, and to whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProviderKind {
    /// One request tells an address.
    OneRequest,
    /// One request as a rule, and another one if the record is not there.
    Fallback,
    /// The zone or the record is asked for first.
    ListThenWrite,
    /// The account names the server.
    OwnServer,
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneRequest => "one request",
            Self::Fallback => "request with fallback",
            Self::ListThenWrite => "list, then write",
            Self::OwnServer => "own server",
        })
    }
}

/// A setting of the account, as the user writes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Need<'a> {
    /// The option of a record.
    pub option: &'a str,
    /// What the provider calls it, and where it is found.
    pub label: &'a str,
    /// Whether it must be there.
    pub is_required: bool,
}

impl Provider {
    /// The settings that an account has, those that may be left out too. A token is written as the password.
    #[must_use]
    pub fn needs(&self) -> Vec<Need<'_>> {
        let mut needs: Vec<Need<'_>> = Vec::new();
        for (name, label) in &self.credentials {
            let option = if name == "token" { "password" } else { name.as_str() };
            let is_required = !self.optional.contains(name);
            match needs.iter_mut().find(|need| need.option == option) {
                Some(need) => need.is_required |= is_required,
                None => needs.push(Need { option, label, is_required }),
            }
        }
        needs
    }

    /// How much is to be said, and to whom.
    #[must_use]
    pub fn kind(&self) -> ProviderKind {
        if self.is_custom || self.credentials.contains_key("server") {
            ProviderKind::OwnServer
        } else if self.forms.lookups.iter().any(|lookup| lookup.what != What::Login) {
            ProviderKind::ListThenWrite
        } else if self.forms.get(Purpose::Create).is_some() {
            ProviderKind::Fallback
        } else {
            ProviderKind::OneRequest
        }
    }

    /// Whether the account brings the whole request itself.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        self.is_custom
    }

    /// Whether it works, as far as anybody knows.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.status, Status::Dead(_))
    }

    /// Whether its own URLs are without encryption, so that an account must permit that.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.forms.all().any(|form| form.url.head().starts_with("http://"))
    }
}
