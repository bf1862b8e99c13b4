//! A record for a provider, as a user could write it: every option that the entry needs, with plausible values.

use super::dialect::Dialect;
use super::options::{self, Scope};
use crate::provider::{Family, Provider};

/// The record in TOML, ready for `/etc/wanbeacon.toml`.
#[must_use]
pub fn toml(entry: &Provider) -> String {
    let lines = lines(entry, Dialect::Toml, [r#""ppp0""#, r#""ppp0""#]);
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("[record.home]\n{lines}")
}

/// The record in UCI, ready for `/etc/config/wanbeacon`.
#[must_use]
pub fn uci(entry: &Provider) -> String {
    let lines = lines(entry, Dialect::Uci, [r#""wan""#, r#""wan6""#]);
    let lines: String = lines.iter().map(|line| format!("\t{line}\n")).collect();
    format!("config record 'home'\n{lines}")
}

/// One line for each option; `sources` are what has the address of each family.
fn lines(entry: &Provider, dialect: Dialect, sources: [&str; 2]) -> Vec<String> {
    let line = |name: &str, value: Option<&str>| {
        let option = options::find(Scope::Record, name)?;
        Some(dialect.line(option, value.unwrap_or(option.example)))
    };
    let sample = |option: &str| entry.sample.get(option).map(|value| format!("\"{value}\""));
    let zone = entry.zones.first().map_or("example.org", String::as_str);
    let id = format!("\"{}\"", entry.id);
    let names = format!("[\"home.{zone}\"]");
    // A private key has a file of its own.
    let holder = |option| {
        if option == "password" && sample("password_file").is_some() { "password_file" } else { option }
    };
    let needs = entry.needs();
    let needs = needs.iter().filter(|need| need.is_required).map(|need| holder(need.option));
    let needs = needs.map(|option| line(option, sample(option).as_deref()));
    let [v4, v6] = sources;
    let families = [(Family::V4, "ipv4", v4), (Family::V6, "ipv6", v6)];
    let families = families.into_iter().filter(|(family, ..)| entry.sets(*family));
    [line("provider", Some(&id)), line("hostname", Some(&names))]
        .into_iter()
        .chain(needs)
        .chain(entry.is_custom().then(|| line("url", None)))
        .chain(families.map(|(_, name, source)| line(name, Some(source))))
        .chain(entry.is_plain().then(|| line("insecure", Some("true"))))
        .flatten()
        .collect()
}
