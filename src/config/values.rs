//! The valid values of a section → [`Global`] or [`Record`].

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use litemap::LiteMap;

use super::mistake::Place;
use super::value::Value;
use super::{Bind, Global, Hosts, LogLevel, Password, Record};
use crate::engine::origin::{Host, Origin};
use crate::engine::{Allow, OnDown};
use crate::provider::{AccountSettings, Algorithm, DnsSettings, DnsTransport, Method, Prerequisite, Secret};

/// The valid values of a section, with the offsets of their options.
pub(super) struct Values {
    pub(super) values: LiteMap<&'static str, Value>,
    pub(super) places: LiteMap<&'static str, Place>,
    /// Whether every entry was valid.
    pub(super) whole: bool,
}

impl Values {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        if let Some(Value::Text(text)) = self.values.get(name) { Some(text.clone()) } else { None }
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.text(name).map(Secret::new)
    }

    fn list(&self, name: &str) -> Vec<String> {
        if let Some(Value::List(words)) = self.values.get(name) { words.clone() } else { Vec::new() }
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        if let Some(Value::Flag(flag)) = self.values.get(name) { Some(*flag) } else { None }
    }

    fn number(&self, name: &str) -> Option<u32> {
        if let Some(Value::Number(number)) = self.values.get(name) { Some(*number) } else { None }
    }

    fn duration(&self, name: &str) -> Option<Duration> {
        if let Some(Value::Duration(duration)) = self.values.get(name) { Some(*duration) } else { None }
    }

    /// Whether the option was written, valid or not: then it is not missing.
    pub(super) fn written(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }
}

/// What holds for the whole agent.
pub(super) fn global(values: &Values) -> Global {
    let default = Global::default();
    let path = |name: &str| values.text(name).map(PathBuf::from);
    Global {
        log_level: values.text("log_level").map_or(default.log_level, |word| LogLevel::of(&word)),
        ca_file: path("ca_file"),
        state_dir: path("state_dir").unwrap_or(default.state_dir),
        runtime_dir: path("runtime_dir").unwrap_or(default.runtime_dir),
        providers_dir: path("providers_dir").unwrap_or(default.providers_dir),
        slow_look: values.duration("slow_look").unwrap_or(default.slow_look),
        web_services: values.list("web_services"),
        stun_servers: values.list("stun_servers"),
        lease_files: values.list("lease_files").into_iter().map(PathBuf::from).collect(),
    }
}

/// The record, if what it cannot do without is there.
pub(super) fn record(values: &Values, home: Place) -> Option<Record> {
    let names = values.list("hostname");
    if names.is_empty() {
        return None;
    }
    let file = values.text("password_file").map(|path| Password::File(PathBuf::from(path)));
    Some(Record {
        enabled: values.flag("enabled").unwrap_or(true),
        provider: values.text("provider")?,
        names,
        password: values.secret("password").map(Password::Text).or(file),
        ipv4: origins(values, "ipv4"),
        ipv6: origins(values, "ipv6"),
        hosts: hosts(&values.list("ipv6_host")),
        subnet: values.number("ipv6_subnet").unwrap_or(0),
        prefix: values.text("ipv6_prefix"),
        hold_down: values.duration("hold_down").unwrap_or(Duration::from_secs(60)),
        all: values.text("publish").as_deref() == Some("all"),
        on_down: on_down(values),
        verify: values.duration("verify").unwrap_or(Duration::from_secs(6 * 3600)),
        allow: allow(&values.list("allow")),
        account: AccountSettings {
            user: values.text("user"),
            password: None,
            token: None,
            token6: values.secret("token6"),
            param: values.secret("param"),
            param_opt: values.secret("param_opt"),
            record_id: values.text("record_id"),
            server: values.text("server"),
            path: values.text("path"),
            zone: values.text("zone"),
            ttl: values.number("ttl"),
            url: values.secret("url"),
            method: values.text("method").and_then(|word| method(&word)),
            headers: values.list("header").iter().filter_map(|field| header(field)).collect(),
            body: values.secret("body"),
            success: values.list("success"),
            raw: values.flag("raw").unwrap_or(false),
            insecure: values.flag("insecure").unwrap_or(false),
            dns: dns(values),
        },
        bind: values
            .text("bind")
            .map(|text| if text == "source" { Bind::Source } else { Bind::Through(text) }),
        refresh: values.duration("refresh"),
        min_interval: values.duration("min_interval"),
        home,
        places: values.places.clone(),
    })
}

/// The texts were read by the option table already.
fn origins(values: &Values, name: &str) -> Vec<Origin> {
    values.list(name).iter().filter_map(|text| Origin::read(text).ok()).collect()
}

fn hosts(texts: &[String]) -> Hosts {
    let mut hosts = Hosts::default();
    for text in texts {
        match text.split_once('=') {
            Some((name, part)) => {
                hosts.named.extend(Host::read(part).ok().map(|host| (name.to_owned(), host)));
            }
            None => hosts.other = Host::read(text).ok(),
        }
    }
    hosts
}

fn on_down(values: &Values) -> OnDown {
    let after = values.duration("on_down_after").unwrap_or(Duration::from_secs(600));
    let addresses: Vec<IpAddr> =
        values.list("placeholder").iter().filter_map(|text| text.parse().ok()).collect();
    let ipv4 = addresses.iter().find_map(|ip| if let IpAddr::V4(ip) = ip { Some(*ip) } else { None });
    let ipv6 = addresses.iter().find_map(|ip| if let IpAddr::V6(ip) = ip { Some(*ip) } else { None });
    match values.text("on_down").as_deref() {
        Some("delete") => OnDown::Remove(after),
        Some("placeholder") => OnDown::Placeholder { after, ipv4, ipv6 },
        _ => OnDown::Keep,
    }
}

/// The method of a word of the option table.
fn method(word: &str) -> Option<Method> {
    [("GET", Method::Get), ("PATCH", Method::Patch), ("POST", Method::Post), ("PUT", Method::Put)]
        .into_iter()
        .find_map(|(name, method)| (name == word).then_some(method))
}

/// The words are those of the option table, which come from the same names.
fn dns(values: &Values) -> DnsSettings {
    let chosen = |option: &str, name: &str| values.text(option).is_some_and(|word| word == name);
    let algorithm = Algorithm::ALL.into_iter().find(|algorithm| chosen("algorithm", algorithm.name()));
    let exists = Prerequisite::NameExists;
    DnsSettings {
        algorithm: algorithm.unwrap_or_default(),
        transport: if chosen("transport", "tcp") { DnsTransport::Tcp } else { DnsTransport::Udp },
        prerequisite: if chosen("prerequisite", exists.name()) { exists } else { Prerequisite::None },
        ptr: values.flag("ptr").unwrap_or(false),
    }
}

fn header(field: &str) -> Option<(String, Secret)> {
    let (name, value) = field.split_once(':')?;
    Some((name.to_owned(), Secret::new(value.trim())))
}

fn allow(words: &[String]) -> Allow {
    let has = |word: &str| words.iter().any(|listed| listed == word);
    Allow {
        private: has("private"),
        cgnat: has("cgnat"),
        documentation: has("documentation"),
        ula: has("ula"),
        temporary: has("temporary"),
    }
}
