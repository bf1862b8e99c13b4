//! `providers`: the catalogue for people and for programs.

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;

use super::Failure;
use super::time::span;
use crate::daemon::catalogue::{NoEntry, entries, entry, families, value};
use crate::provider::{Manners, Omitted, Provider, Status};

/// The text of `providers [ID] [--json]`.
pub(super) fn providers(id: Option<&str>, json: bool) -> Result<String, Failure> {
    let Some(id) = id else {
        let entries = entries().map_err(failed)?;
        return Ok(if json { lines(&entries.iter().map(value).collect()) } else { table(&entries) });
    };
    let entry = entry(id).map_err(failed)?;
    Ok(if json { lines(&value(&entry)) } else { detail(&entry) })
}

fn failed(why: NoEntry) -> Failure {
    match why {
        NoEntry::Broken(words) => Failure::Failed(words),
        NoEntry::Unknown(words) => Failure::Wrong(words),
    }
}

fn lines(value: &Value) -> String {
    format!("{value:#}\n")
}

fn table(entries: &[Provider]) -> String {
    let width = entries.iter().map(|entry| entry.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in entries {
        let standing = match &entry.status {
            Status::Alive => "",
            Status::Dead(_) => " (gone)",
            Status::Unclear => " (unclear whether it still works)",
        };
        let _ = writeln!(
            text,
            "{:<width$}  {:<9}  {}{standing}",
            entry.id,
            families(entry).join(" "),
            entry.name
        );
    }
    text
}

/// All that a user should know of one provider.
pub(super) fn detail(entry: &Provider) -> String {
    let mut text = format!("{}: {}\n", entry.id, entry.name);
    let mut line = |what: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {what:<13} {}", value.trim_end().replace('\n', "\n                "));
        }
    };
    line("homepage", &entry.homepage);
    line("documents", &entry.docs.join("\n"));
    line("records", &families(entry).join(" "));
    line("zones", &entry.zones.join(", "));
    for (option, meaning) in &entry.credentials {
        // Where an entry speaks of a token, the user writes it as the password.
        let name = if option == "token" { "password" } else { option };
        let rest = if entry.optional.contains(option) { " (may be left out)" } else { "" };
        line(name, &format!("{meaning}{rest}"));
    }
    manners(entry.manners(), &mut line);
    match &entry.status {
        Status::Alive => {}
        Status::Dead(words) => line("gone", words),
        Status::Unclear => line("standing", "it is unclear whether it still works"),
    }
    line("notes", &entry.notes);
    text
}

fn manners(manners: &Manners, line: &mut impl FnMut(&str, &str)) {
    let limits: Vec<String> = manners
        .limits
        .iter()
        .map(|limit| match limit.count {
            1 => format!("one request in {}", span(limit.window)),
            count => format!("{count} requests in {}", span(limit.window)),
        })
        .collect();
    line("limits", &limits.join(", "));
    line("refresh", &manners.refresh.map_or_else(String::new, |refresh| format!("every {}", span(refresh))));
    if manners.busy_pause > Duration::ZERO {
        line("when unwell", &format!("left alone for {}", span(manners.busy_pause)));
    }
    let names =
        if manners.max_names == 1 { "one name".to_owned() } else { format!("{} names", manners.max_names) };
    let families = if manners.dual { "both families" } else { "one family" };
    line("one request", &format!("{names}, {families}"));
    if manners.omitted == Omitted::Resets {
        line("beware", "a family that a request does not state is deleted or taken from the connection");
    }
}
