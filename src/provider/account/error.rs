//! Mistakes in the settings of an account, and what is said about them.

use std::fmt;

use super::super::Family;
use super::super::answer::MatcherError;
use super::super::template::TemplateError;

/// A mistake in the settings of one account. Whoever wrote the configuration can mend it; no variant holds a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AccountError {
    /// The provider does not exist any more.
    Dead {
        /// The provider's id.
        provider: String,
        /// What became of it and what to use instead.
        words: String,
    },
    /// The request would be readable by everybody on its way.
    Insecure {
        /// The option that names the URL; `insecure` if the entry does, so that only this can be set.
        option: &'static str,
        /// Whom the request would go to.
        endpoint: String,
    },
    /// A value that no request can hold.
    Invalid {
        /// The option.
        option: &'static str,
        /// What to do about it.
        mend: &'static str,
    },
    /// A condition on the answer that cannot be read.
    Matcher {
        /// The option.
        option: &'static str,
        /// The mistake.
        error: MatcherError,
    },
    /// The provider needs a value that is not set.
    Missing {
        /// The provider's id.
        provider: String,
        /// The option.
        option: &'static str,
        /// What the entry says about it.
        what: String,
    },
    /// The provider cannot set records of this family.
    NoForm {
        /// The provider's id.
        provider: String,
        /// The family.
        family: Family,
    },
    /// A name that the account's zone, or the provider, does not contain.
    OutsideZone {
        /// The name.
        name: String,
        /// The zones that it could lie in, separated by commas.
        zones: String,
    },
    /// A URL, header field or body that cannot be read.
    Template {
        /// The option.
        option: &'static str,
        /// The mistake.
        error: TemplateError,
    },
}

impl AccountError {
    /// The option to be changed.
    #[must_use]
    pub fn option(&self) -> &'static str {
        match self {
            Self::Dead { .. } => "provider",
            Self::Insecure { option, .. }
            | Self::Invalid { option, .. }
            | Self::Matcher { option, .. }
            | Self::Missing { option, .. }
            | Self::Template { option, .. } => option,
            Self::NoForm { family: Family::V4, .. } => "ipv4",
            Self::NoForm { family: Family::V6, .. } => "ipv6",
            Self::OutsideZone { .. } => "hostname",
        }
    }
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dead { provider, words } => write!(f, "provider '{provider}' is gone: {words}"),
            Self::Insecure { option: "insecure", endpoint } => write!(
                f,
                "this provider is spoken to without encryption ({endpoint}): everyone on the way can read the password; if \
                 you accept that, set 'insecure'"
            ),
            Self::Insecure { option, endpoint } => write!(
                f,
                "'{option}' leads to {endpoint} without encryption; use https:// or, if it has none, set 'insecure'"
            ),
            Self::Invalid { option, mend } => write!(f, "'{option}': {mend}"),
            Self::Matcher { error, .. } => write!(f, "{error}"),
            Self::Missing { provider, option, what } if what.is_empty() => {
                write!(f, "provider '{provider}' needs '{option}'")
            }
            Self::Missing { provider, option, what } => {
                write!(f, "provider '{provider}' needs '{option}': {what}")
            }
            Self::NoForm { provider, family } => {
                write!(f, "provider '{provider}' sets no {family} address; remove '{}'", self.option())
            }
            Self::OutsideZone { name, zones } => {
                write!(f, "'{name}' does not lie in {zones}; write the whole name, or set another 'zone'")
            }
            Self::Template { error, .. } => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for AccountError {}
