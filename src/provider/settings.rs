//! What a person sets for one account, and what can be told of it without knowing the provider.

use md5::{Digest as _, Md5};
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use super::account::AccountError;
use super::dns::DnsSettings;
use super::entry::Provider;
use super::template::{base64, hex, query};
use super::{Method, Secret};

/// What a person sets for one account. Absent and empty are different.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AccountSettings {
    /// Login.
    pub user: Option<String>,
    /// Password, or a private key (PEM); stands in for `token` where only this is given.
    pub password: Option<Secret>,
    /// A secret that is used alone; stands in for `password` where only this is given.
    pub token: Option<Secret>,
    /// The token of the AAAA record, where each record has its own; otherwise `token`.
    pub token6: Option<Secret>,
    /// A further value that an entry asks for: a tunnel's number, a network's label.
    pub param: Option<Secret>,
    /// A further value that is put into the URL as it is.
    pub param_opt: Option<Secret>,
    /// The provider's number of the record.
    pub record_id: Option<String>,
    /// The server: a host, optionally with scheme, port and path. Without a scheme it is HTTPS, for providers that speak
    /// HTTP.
    pub server: Option<String>,
    /// The path on the server, from `/`.
    pub path: Option<String>,
    /// The zone that the names lie in, if it is not the last two labels of the name.
    pub zone: Option<String>,
    /// Time to live in seconds, where the request states one; default 60.
    pub ttl: Option<u32>,
    /// Provider `custom`: one URL, or two separated by a blank (FRITZ!Box: IPv4, then IPv6).
    pub url: Option<Secret>,
    /// Provider `custom`: the method; default GET, or POST with a body.
    pub method: Option<Method>,
    /// Provider `custom`: further header fields, values with placeholders.
    pub headers: Vec<(String, Secret)>,
    /// Provider `custom`: the body, with placeholders.
    pub body: Option<Secret>,
    /// Provider `custom`: what an answer must say; text without a kind is searched for.
    pub success: Vec<String>,
    /// Provider `custom`: values are put into the URL as they are.
    pub raw: bool,
    /// Plain HTTP is accepted.
    pub insecure: bool,
    /// Providers that speak DNS.
    pub dns: DnsSettings,
}

/// Whether a text holds a key in the armour of RFC 7468, perhaps within the JSON file of a service account: the only
/// secrets that have several lines.
#[must_use]
pub fn holds_pem(text: &str) -> bool {
    text.contains("-----BEGIN ")
}

impl AccountSettings {
    /// The server with its scheme, without path and final slash.
    pub(super) fn server_url(&self) -> String {
        let (scheme, authority, _) = self.server_parts();
        format!("{scheme}{authority}")
    }

    fn server_parts(&self) -> (&'static str, &str, &str) {
        let server = self.server.as_deref().unwrap_or_default().trim();
        let (scheme, rest) = match (server.strip_prefix("http://"), server.strip_prefix("https://")) {
            (Some(rest), _) => ("http://", rest),
            (None, Some(rest)) => ("https://", rest),
            (None, None) => ("https://", server),
        };
        let slash = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(slash);
        (scheme, authority, if path == "/" { "" } else { path })
    }

    pub(super) fn path_or(&self, default: &str) -> String {
        let (_, _, path) = self.server_parts();
        match &self.path {
            Some(path) => path.clone(),
            None if path.is_empty() => default.to_owned(),
            None => path.to_owned(),
        }
    }

    /// The value of a setting, with the substitutes that [`AccountSettings`] documents.
    pub(super) fn is_given(&self, option: &str) -> bool {
        let full = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
        let any =
            |secrets: &[&Option<Secret>]| secrets.iter().any(|s| s.as_ref().is_some_and(|s| !s.is_empty()));
        match option {
            "user" => full(self.user.as_deref()),
            "password" | "token" => any(&[&self.password, &self.token]),
            "token6" => any(&[&self.password, &self.token, &self.token6]),
            "param" => any(&[&self.param]),
            "param_opt" => any(&[&self.param_opt]),
            "record_id" => full(self.record_id.as_deref()),
            "server" => full(self.server.as_deref()),
            "path" => full(self.path.as_deref()) || !self.server_parts().2.is_empty(),
            _ => true,
        }
    }

    fn secrets(&self) -> [(&'static str, Option<&Secret>); 7] {
        [
            ("password", self.password.as_ref()),
            ("token", self.token.as_ref()),
            ("token6", self.token6.as_ref()),
            ("param", self.param.as_ref()),
            ("param_opt", self.param_opt.as_ref()),
            ("url", self.url.as_ref()),
            ("body", self.body.as_ref()),
        ]
    }

    fn texts(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("user", self.user.as_deref()),
            ("record_id", self.record_id.as_deref()),
            ("server", self.server.as_deref()),
            ("path", self.path.as_deref()),
            ("zone", self.zone.as_deref()),
        ]
    }

    /// Values that no provider could take.
    pub(super) fn malformed(&self) -> Vec<AccountError> {
        let mut errors = Vec::new();
        let secrets = self.secrets().into_iter().filter(|(name, _)| !matches!(*name, "url" | "body"));
        let secrets = secrets.map(|(name, secret)| (name, secret.map(Secret::expose)));
        for (option, text) in self.texts().into_iter().chain(secrets) {
            let has_lines = matches!(option, "password" | "token") && text.is_some_and(holds_pem);
            let misplaced = |c: char| c.is_control() && !(has_lines && matches!(c, '\r' | '\n'));
            if text.is_some_and(|text| text.contains(misplaced)) {
                errors.push(AccountError::Invalid {
                    option,
                    mend: "remove the line break or control character",
                });
            }
        }
        let (_, authority, path) = self.server_parts();
        let host = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
        if authority.contains('@') {
            errors.push(AccountError::Invalid {
                option: "server",
                mend: "give 'user' and 'password' of their own",
            });
        } else if self.server.is_some() && (authority.is_empty() || !authority.bytes().all(host)) {
            errors.push(AccountError::Invalid {
                option: "server",
                mend: "write a host, such as ddns.example.net:8443",
            });
        }
        let good = |path: &str| {
            path.starts_with('/')
                && path.bytes().all(|b| b.is_ascii_graphic() && !b"?#\"<>\\^`{|}".contains(&b))
        };
        for (option, path) in
            [("path", self.path.as_deref()), ("server", Some(path).filter(|p| !p.is_empty()))]
        {
            if path.is_some_and(|path| !good(path)) {
                errors.push(AccountError::Invalid { option, mend: "write a path from '/' without a query" });
            }
        }
        errors
    }

    pub(super) fn key(&self, id: &str, endpoint: &str) -> String {
        // A truncated digest tells accounts apart and gives nothing away.
        const DIGITS: usize = 8;
        let who = match &self.user {
            Some(user) if !user.is_empty() => user.clone(),
            Some(_) | None => {
                let secret = self.token.as_ref().or(self.password.as_ref()).or(self.url.as_ref());
                let digest = hex(digest(&SHA256, secret.map_or("", Secret::expose).as_bytes()).as_ref());
                digest.chars().take(DIGITS).collect()
            }
        };
        format!("{id}/{endpoint}/{who}")
    }

    pub(super) fn fingerprint(&self, provider: &Provider) -> u64 {
        let mut digest = Context::new(&SHA256);
        let mut add = |name: &str, text: &str| {
            for part in [name, text] {
                digest.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                digest.update(part.as_bytes());
            }
        };
        add("provider", &provider.id);
        add("entry", &hex(provider.digest.as_ref()));
        for (name, text) in self.texts() {
            text.into_iter().for_each(|text| add(name, text));
        }
        for (name, secret) in self.secrets() {
            secret.into_iter().for_each(|secret| add(name, secret.expose()));
        }
        for (name, value) in &self.headers {
            add(name, value.expose());
        }
        for success in &self.success {
            add("success", success);
        }
        let ttl = self.ttl.map(|ttl| ttl.to_string()).unwrap_or_default();
        let method = self.method.map(Method::name).unwrap_or_default();
        add("rest", &format!("{ttl} {method} {} {}", self.raw, self.insecure));
        if self.dns != DnsSettings::default() {
            add("dns", &format!("{:?}", self.dns));
        }
        digest.finish().as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    pub(super) fn hidden(&self) -> Vec<Secret> {
        const SHORTEST: usize = 4;
        let mut hidden: Vec<Secret> = Vec::new();
        let values = self.secrets().into_iter().filter(|(name, _)| !matches!(*name, "url" | "body"));
        for secret in values.filter_map(|(_, secret)| secret) {
            let secret = secret.expose();
            if secret.chars().count() < SHORTEST {
                continue;
            }
            let pair = format!("{}:{secret}", self.user.as_deref().unwrap_or_default());
            hidden.extend([secret.to_owned(), query(secret), base64(secret), base64(&pair)].map(Secret::new));
            hidden.push(Secret::new(hex(&Md5::digest(secret.as_bytes()))));
            hidden.push(Secret::new(hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes()).as_ref())));
            hidden.push(Secret::new(hex(digest(&SHA256, secret.as_bytes()).as_ref())));
        }
        hidden.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        hidden
    }
}
