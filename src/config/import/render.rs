//! A plan → the text of a configuration of ours.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::super::dialect::Dialect;
use super::super::options::{OPTIONS, Scope, is_secret};
use super::super::uci::render::value;
use super::super::value::Raw;
use super::draft::{Draft, is_public};
use super::plan::Plan;
use super::{Carried, Client};

pub(super) fn render(client: Client, plan: &Plan, to: Dialect) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    let name = client.name();
    comment(
        &mut text,
        &format!("Made by 'wanbeacon import {name}'. The lists say what was not carried over, and why."),
    );
    plan.remarks.sentences().for_each(|sentence| item(&mut text, &sentence));
    if !plan.global.is_empty() {
        text.push_str(match to {
            Dialect::Toml => "\n[global]\n",
            Dialect::Uci => "\nconfig global\n",
        });
        plan.global.iter().for_each(|(name, value)| text.push_str(&option(to, name, value)));
    }
    for draft in &plan.drafts {
        text.push('\n');
        let failure = draft.failure.iter().map(|words| format!("the whole record: {words}"));
        let sentences: Vec<String> = failure.chain(draft.remarks.sentences()).collect();
        let colon = if sentences.is_empty() { "" } else { ":" };
        comment(&mut text, &format!("{}{colon}", draft.origin));
        sentences.iter().for_each(|sentence| item(&mut text, sentence));
        text.push_str(&record(draft, to));
    }
    text
}

/// The same of one record, for who shows it in another way.
pub(super) fn carried(draft: &Draft, to: Dialect) -> Carried {
    let shown = |(name, value): (&&'static str, &Raw)| {
        let is_hidden = is_secret(name) || !is_shown(value);
        let value = if is_hidden { "***".to_owned() } else { plain(value) };
        (*name, visible(&value))
    };
    Carried {
        origin: visible(&draft.origin),
        name: draft.name.clone(),
        options: draft.options.iter().map(shown).collect(),
        remarks: draft.remarks.sentences().collect(),
        failure: draft.failure.clone(),
        text: record(draft, to),
    }
}

fn plain(raw: &Raw) -> String {
    match raw {
        Raw::Flag(flag) => u8::from(*flag).to_string(),
        Raw::List(entries) => entries.iter().map(|(entry, _)| plain(entry)).collect::<Vec<_>>().join(" "),
        Raw::Number(text) | Raw::Text(text) => text.clone(),
        Raw::Other(text) => (*text).to_owned(),
    }
}

/// The record; behind `#` and without secrets if it is none.
fn record(draft: &Draft, to: Dialect) -> Zeroizing<String> {
    let mut text = Zeroizing::new(match to {
        Dialect::Toml => format!("[record.{}]\n", draft.name),
        Dialect::Uci => format!("config record '{}'\n", draft.name),
    });
    for known in OPTIONS.iter().filter(|option| option.scope == Scope::Record) {
        let Some(value) = draft.options.get(known.name) else { continue };
        let hidden = Raw::Text("***".to_owned());
        let is_secret = known.secret() || !is_shown(value);
        let value = if draft.failure.is_some() && is_secret { &hidden } else { value };
        text.push_str(&option(to, known.name, value));
    }
    if draft.failure.is_none() {
        return text;
    }
    let lines = text.lines().map(|line| format!("#{}\n", visible(line)));
    Zeroizing::new(lines.collect())
}

fn is_shown(raw: &Raw) -> bool {
    match raw {
        Raw::List(entries) => entries.iter().all(|(entry, _)| is_shown(entry)),
        Raw::Flag(_) => true,
        Raw::Number(text) | Raw::Text(text) => is_public(text),
        Raw::Other(text) => is_public(text),
    }
}

fn option(to: Dialect, name: &str, raw: &Raw) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::new());
    match (to, raw) {
        (Dialect::Toml, raw) => {
            let _ = writeln!(line, "{name} = {}", *Zeroizing::new(value(raw)));
        }
        (Dialect::Uci, Raw::List(entries)) => {
            for (entry, _) in entries {
                let _ = writeln!(line, "\tlist {name} {}", *quoted(entry));
            }
        }
        (Dialect::Uci, raw) => {
            let _ = writeln!(line, "\toption {name} {}", *quoted(raw));
        }
    }
    line
}

/// In apostrophes everything stands for itself but the apostrophe.
fn quoted(raw: &Raw) -> Zeroizing<String> {
    let text = match raw {
        Raw::Flag(flag) => u8::from(*flag).to_string(),
        Raw::List(_) => String::new(),
        Raw::Number(text) | Raw::Text(text) => text.replace('\'', r"'\''"),
        Raw::Other(text) => (*text).to_owned(),
    };
    Zeroizing::new(format!("'{text}'"))
}

/// Control characters are no part of a comment in TOML.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

fn comment(text: &mut String, words: &str) {
    wrapped(text, "# ", words);
}

fn item(text: &mut String, words: &str) {
    wrapped(text, "# - ", words);
}

fn wrapped(text: &mut String, first: &str, words: &str) {
    const WIDTH: usize = 110;
    let mut line = first.to_owned();
    for word in visible(words).split(' ') {
        if line.chars().count() + word.chars().count() >= WIDTH
            && line.trim_end().len() > first.trim_end().len()
        {
            let _ = writeln!(text, "{}", line.trim_end());
            line = format!("#{}", " ".repeat(first.len() - 1));
        }
        line.push_str(word);
        line.push(' ');
    }
    let _ = writeln!(text, "{}", line.trim_end());
}
