//! What no template can say: signatures over a whole request. Each scheme is a file of its own.
//!
//! `user` names the key, `password` is the secret or the private key itself; what else a scheme needs, its file says.

mod aliyun;
mod aws4;
mod canonical;
mod google;
mod huawei;
mod key;
mod oci;
mod ovh;
mod tc3;
mod transip;
mod utc;

use ring::hmac;

use super::template::hex;
use super::{Request, Secret, settings::AccountSettings};

/// A scheme of signatures, as entries call it.
#[derive(Clone, Copy)]
pub(super) struct Scheme {
    name: &'static str,
    signature: &'static dyn Signature,
}

/// Proves who sends a request. Pure: the same request, keys and time give the same signature.
pub(super) trait Signature: Sync {
    /// The settings that it needs.
    fn settings(&self) -> &'static [&'static str] {
        &["user", "password"]
    }

    /// Why the settings can never make a signature, and the option to be changed.
    fn objection(&self, _settings: &AccountSettings) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Signs a request that is complete otherwise. `now`: seconds since 1970.
    fn sign(&self, request: &mut Request, settings: &AccountSettings, now: u64);
}

/// All schemes, by name.
const SCHEMES: &[Scheme] = &[
    Scheme { name: "aliyun", signature: &aliyun::Aliyun },
    Scheme { name: "aws4", signature: &aws4::ROUTE53 },
    Scheme { name: "google", signature: &google::Google },
    Scheme { name: "huawei", signature: &huawei::Huawei },
    Scheme { name: "oci", signature: &oci::Oci },
    Scheme { name: "ovh", signature: &ovh::Ovh },
    Scheme { name: "tc3", signature: &tc3::Tc3 },
    Scheme { name: "transip", signature: &transip::Transip },
];

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

/// A URL's parts, as signatures name them. The path is never empty, and so is the query if there is none.
struct Target<'a> {
    /// With the port, if one is written.
    host: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Target<'a> {
    fn of(url: &'a str) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Self { host, path: if path.is_empty() { "/" } else { path }, query }
    }
}

fn user(settings: &AccountSettings) -> &str {
    settings.user.as_deref().unwrap_or_default()
}

fn password(settings: &AccountSettings) -> &str {
    settings.password.as_ref().or(settings.token.as_ref()).map_or("", Secret::expose)
}

fn param(settings: &AccountSettings) -> &str {
    settings.param.as_ref().map_or("", Secret::expose)
}

fn body(request: &Request) -> &str {
    request.body.as_ref().map_or("", Secret::expose)
}

fn add_header(request: &mut Request, name: &str, value: impl Into<String>) {
    request.headers.push((name.to_owned(), Secret::new(value)));
}

fn hmac_sha256(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// 32 hexadecimal digits that no other request has, nor the same one in another second; nobody else can foresee them.
fn nonce(request: &Request, settings: &AccountSettings, now: u64) -> String {
    const DIGITS: usize = 32;
    let text = format!("{now} {} {} {}", request.method.name(), request.url.expose(), body(request));
    hex(hmac_sha256(password(settings).as_bytes(), &text).as_ref()).chars().take(DIGITS).collect()
}

#[cfg(test)]
mod tests;
