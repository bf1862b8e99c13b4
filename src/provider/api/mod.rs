//! What no template can say: signatures over a whole request. Each scheme is a file of its own.

use super::{Request, settings::AccountSettings};

/// A scheme of signatures, as entries call it.
#[derive(Clone, Copy)]
pub(super) struct Scheme {
    name: &'static str,
    signature: &'static dyn Signature,
}

/// Proves who sends a request. Pure: the same request, keys and time give the same signature.
pub(super) trait Signature: Sync {
    /// The settings that it needs.
    fn settings(&self) -> &'static [&'static str];

    /// Why the settings can never make a signature, and the option to be changed.
    fn objection(&self, _settings: &AccountSettings) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Signs a request that is complete otherwise. `now`: seconds since 1970.
    fn sign(&self, request: &mut Request, settings: &AccountSettings, now: u64);
}

/// All schemes, by name.
const SCHEMES: &[Scheme] = &[];

impl Scheme {
    pub(super) fn find(name: &str) -> Option<Self> {
        SCHEMES.iter().find(|scheme| scheme.name == name).copied()
    }

    /// The names of all schemes.
    pub(super) fn names() -> String {
        SCHEMES.iter().map(|scheme| scheme.name).collect::<Vec<_>>().join(", ")
    }
}

impl std::ops::Deref for Scheme {
    type Target = dyn Signature;

    fn deref(&self) -> &Self::Target {
        self.signature
    }
}

impl std::fmt::Debug for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
