//! `providers`: the catalogue for people and for programs.

use std::fmt::Write;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::time::span;
use super::{Failure, warn};
use crate::config::sample;
use crate::daemon::catalogue::{Listed, Listing, NoEntry, entries, entry, families};
use crate::provider::{Manners, Need, Omitted, Provider, Status};

/// The text of `providers [ID] [--json]`, with the user's own entries in this directory.
pub(super) fn providers(
    id: Option<&str>,
    json: bool,
    own: &Path,
    err: &mut dyn io::Write,
) -> Result<String, Failure> {
    let Some(id) = id else {
        let Listing { entries, broken } = entries(own).map_err(failed)?;
        warn(own, &broken, err);
        return Ok(if json { lines(&entries.iter().map(Listed::value).collect()) } else { table(&entries) });
    };
    let entry = entry(id, own).map_err(failed)?;
    if json {
        return Ok(lines(&entry.value()));
    }
    let mark = if entry.is_own { YOURS } else { "" };
    Ok(detail(&entry.provider, mark) + &examples(&entry.provider))
}

fn failed(why: NoEntry) -> Failure {
    match why {
        NoEntry::Broken(words) => Failure::Failed(words),
        NoEntry::OwnBroken(mistakes) => {
            let text: String = mistakes.iter().map(|mistake| mistake.render("")).collect();
            Failure::Wrong(format!("this entry of your own is broken\n{}", text.trim_end()))
        }
        NoEntry::Unknown(words) => Failure::Wrong(words),
    }
}

fn lines(value: &Value) -> String {
    format!("{value:#}\n")
}

fn table(entries: &[Listed]) -> String {
    let (gone, there): (Vec<&Listed>, Vec<&Listed>) =
        entries.iter().partition(|entry| entry.provider.is_gone());
    let widest =
        |width: fn(&Provider) -> usize| there.iter().map(|entry| width(&entry.provider)).max().unwrap_or(0);
    let (ids, needs) = (widest(|entry| entry.id.len()), widest(|entry| needed(entry).len()));
    let mut text = String::new();
    for Listed { provider: entry, is_own } in &there {
        let yours = if *is_own { YOURS } else { "" };
        let standing = if entry.status == Status::Unclear { " (unclear whether it still works)" } else { "" };
        let (id, families, needed) = (&entry.id, families(entry).join(" "), needed(entry));
        let _ =
            writeln!(text, "{id:<ids$}  {families:<6}  {needed:<needs$}  {}{yours}{standing}", entry.name);
    }
    if !gone.is_empty() {
        text.push_str("\nGone; 'wanbeacon providers ID' says what became of each:\n");
    }
    for Listed { provider: entry, is_own } in gone {
        let _ = writeln!(text, "{:<ids$}  {}{}", entry.id, entry.name, if *is_own { YOURS } else { "" });
    }
    text
}

/// What marks an entry of the user's own.
pub(super) const YOURS: &str = " (yours)";

/// The options that a record must have beside provider, names and devices.
fn needed(entry: &Provider) -> String {
    let needs = entry.needs();
    let options = needs.iter().filter(|need| need.is_required).map(|need| need.option);
    options.chain(entry.is_plain().then_some("insecure")).collect::<Vec<_>>().join(" ")
}

/// All that a user should know of one provider; `mark` follows its name.
pub(super) fn detail(entry: &Provider, mark: &str) -> String {
    let mut text = format!("{}: {}{mark}\n", entry.id, entry.name);
    let mut line = |what: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "  {what:<13} {}", value.trim_end().replace('\n', "\n                "));
        }
    };
    line("homepage", &entry.homepage);
    line("documents", &entry.docs.join("\n"));
    line("records", &families(entry).join(" "));
    line("zones", &entry.zones.join(", "));
    for Need { option, label, is_required } in entry.needs() {
        let rest = if is_required { "" } else { " (may be left out)" };
        line(option, &format!("{label}{rest}"));
    }
    if entry.is_plain() {
        line("insecure", "must be set: it is spoken to without encryption");
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

/// Records that can be copied; a provider that is gone has none.
fn examples(entry: &Provider) -> String {
    if entry.is_gone() {
        return String::new();
    }
    format!("\nIn TOML:\n\n{}\nIn UCI:\n\n{}", sample::toml(entry), sample::uci(entry))
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
