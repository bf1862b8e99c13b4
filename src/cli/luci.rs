//! `luci`: what LuCI's page asks of the configuration. One JSON object in, one out; rpcd starts us for each question, as root.
//!
//! The page reads the configuration here and nowhere else, so that a secret which is saved never comes back to a browser.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::Failure;
use crate::config::import::{self, Carried, Client};
use crate::config::options::{Kind, OPTIONS, Opt, Scope, is_secret};
use crate::config::uci::draft::{Draft, Given};
use crate::config::uci::grammar::{self, Section, Setting};
use crate::config::{Dialect, Mistake, Severity};
use crate::daemon::catalogue;
use crate::daemon::replace::{Manner, replace};
use crate::daemon::settings::{self, LoadError, Loaded};
use crate::daemon::{trial, view};
use crate::engine::RecordId;

/// Longest question in bytes; rpcd takes 64 KiB from a browser.
const QUESTION_MAX: u64 = 64 * 1024;

/// The answer to a question that stands on standard input.
pub(super) fn answer(question: &str, uci: &Path) -> Result<String, Failure> {
    let answer = match question {
        "config" => config(uci),
        "check" => check(uci, &asked()?),
        "providers" => providers(uci),
        "import" => import(uci),
        "take-over" => take_over(uci),
        other => Err(Failure::Wrong(format!("unknown question '{}'", other.escape_debug()))),
    };
    answer.map(|answer| format!("{answer}\n"))
}

fn asked() -> Result<Map<String, Value>, Failure> {
    let mut text = Zeroizing::new(Vec::new());
    let read = io::stdin().take(QUESTION_MAX).read_to_end(&mut text);
    read.map_err(|error| Failure::Wrong(format!("standard input: {error}")))?;
    serde_json::from_slice(&text).map_err(|error| Failure::Wrong(format!("the question is no JSON: {error}")))
}

/// A file, or nothing where there is none.
fn text_of(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match settings::read(file, settings::CONFIG_MAX) {
        Ok((text, _)) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Zeroizing::default()),
        Err(error) => Err(Failure::Failed(format!("{}: {error}", file.display()))),
    }
}

fn ddns(uci: &Path) -> PathBuf {
    uci.with_file_name("ddns")
}

// ---------------------------------------------------------------- config

fn config(uci: &Path) -> Result<Value, Failure> {
    let text = text_of(uci)?;
    let sections = grammar::parse(&text).unwrap_or_default().sections;
    let mistakes = match settings::load_uci(uci) {
        Ok(loaded) => loaded.warnings,
        Err(LoadError::Mistakes { mistakes, .. }) => mistakes,
        Err(error @ LoadError::Unreadable { .. }) => vec![Mistake::error(None, error.to_string(), "")],
    };
    let mistakes = mistakes.iter().map(|mistake| {
        json!({ "what": mistake.line(&uci.to_string_lossy()), "is_error": mistake.severity != Severity::Warning })
    });
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "sections": sections.iter().map(section).collect::<Vec<_>>(),
        "mistakes": mistakes.collect::<Vec<_>>(),
        "options": OPTIONS.iter().map(option).collect::<Vec<_>>(),
        "ddns_scripts": ddns(uci).exists(),
    }))
}

/// A section without its secrets, but with their names.
fn section(section: &Section) -> Value {
    let is_secret = |setting: &Setting| section.kind != "global" && is_secret(&setting.name);
    let (secret, public): (Vec<_>, Vec<_>) = section.settings.iter().partition(|setting| is_secret(setting));
    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes));
    let value = |setting: &Setting| match &setting.value {
        grammar::Value::Text(bytes, _) => text(bytes),
        grammar::Value::List(entries) => entries.iter().map(|(bytes, _)| text(bytes)).collect(),
    };
    let options: Map<String, Value> =
        public.iter().map(|setting| (setting.name.clone(), value(setting))).collect();
    json!({
        "name": section.name,
        "type": section.kind,
        "options": options,
        "secrets": secret.iter().map(|setting| setting.name.as_str()).collect::<Vec<_>>(),
    })
}

fn option(option: &Opt) -> Value {
    let words = if let Kind::OneOf(words) = option.kind { words } else { &[] };
    json!({
        "name": option.name,
        "scope": if option.scope == Scope::Global { "global" } else { "record" },
        "type": option.type_words(),
        "is_flag": option.kind == Kind::Flag,
        "is_secret": option.secret(),
        "words": words,
        "default": option.default.replace('`', ""),
        "doc": option.doc.replace('`', ""),
    })
}

// ---------------------------------------------------------------- check

fn check(uci: &Path, asked: &Map<String, Value>) -> Result<Value, Failure> {
    let name = asked.get("section").and_then(Value::as_str).unwrap_or_default();
    let given = given(asked.get("values"))?;
    let text = text_of(uci)?;
    let is_global = asked.get("scope").and_then(Value::as_str) == Some("global");
    let draft = if is_global { Draft::global(&given) } else { Draft::record(&text, name, &given) };
    let mistake = |mistake: &Mistake| {
        let option = mistake.place.as_ref().and_then(|place| draft.option_on(place.line));
        let is_error = mistake.severity != Severity::Warning;
        json!({ "option": option, "what": mistake.what, "mend": mistake.mend, "is_error": is_error })
    };
    let loaded = match settings::load_draft(&draft.text, uci) {
        Ok(loaded) => loaded,
        Err(LoadError::Mistakes { mistakes, .. }) => {
            return Ok(json!({ "mistakes": mistakes.iter().map(mistake).collect::<Vec<_>>() }));
        }
        Err(error @ LoadError::Unreadable { .. }) => return Err(Failure::Failed(error.to_string())),
    };
    let mistakes: Vec<Value> = loaded.warnings.iter().map(mistake).collect();
    let wants_answer = asked.get("ask").and_then(Value::as_bool).unwrap_or_default();
    let mut answer = tried(&loaded, wants_answer)?;
    answer["mistakes"] = Value::from(mistakes);
    Ok(answer)
}

/// The options of a form: texts, or lists of them.
fn given(values: Option<&Value>) -> Result<Vec<Given>, Failure> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let given = |(option, value): (&String, &Value)| {
        let values = match value.as_array() {
            Some(values) => values.iter().map(text).collect(),
            None => text(value).map(|one| vec![one]),
        };
        values.map(|values: Vec<String>| {
            (option.clone(), values.into_iter().filter(|v| !v.is_empty()).collect())
        })
    };
    let values = values.and_then(Value::as_object);
    let given: Option<Vec<Given>> = values.into_iter().flatten().map(given).collect();
    given.ok_or_else(|| Failure::Wrong("'values' has to hold texts and lists of texts".to_owned()))
}

/// What would be sent, and what the provider says to a question that changes nothing.
fn tried(loaded: &Loaded, wants_answer: bool) -> Result<Value, Failure> {
    let snapshot = view::snapshot(&loaded.compiled.settings.wanted(), &loaded.config.global)
        .map_err(|error| Failure::Failed(format!("the kernel does not tell its addresses: {error}")))?;
    let record = loaded.compiled.settings.records.keys().next();
    let trial = record.and_then(|record: &RecordId| trial::trial(record, loaded, &snapshot));
    let answer = trial.as_ref().filter(|_| wants_answer).and_then(|trial| trial.ask(loaded, &snapshot));
    Ok(json!({
        "sources": trial.as_ref().map(|trial| &trial.sources),
        "requests": trial.as_ref().map(|trial| &trial.requests),
        "asked": answer.map(|answer| json!({ "accepted": answer.is_ok(), "words": answer.err() })),
    }))
}

// ---------------------------------------------------------------- providers

/// What a person chooses by; rpcd takes 256 KiB from us.
const CHOICE: [&str; 10] =
    ["id", "name", "docs", "homepage", "kind", "zones", "records", "options", "notes", "insecure"];

fn providers(uci: &Path) -> Result<Value, Failure> {
    let text = text_of(uci)?;
    let directory = crate::config::uci::wanted(&text).providers_dir;
    let listing = catalogue::entries(&directory)
        .map_err(|error| Failure::Failed(format!("the catalogue cannot be read: {error:?}")))?;
    let living =
        listing.entries.iter().map(catalogue::Listed::value).filter(|entry| entry["status"] != "dead");
    let chosen = living.map(|mut entry| {
        CHOICE.iter().map(|key| ((*key).to_owned(), entry[*key].take())).collect::<Map<String, Value>>()
    });
    Ok(json!({ "providers": chosen.collect::<Vec<_>>() }))
}

// ---------------------------------------------------------------- import

/// What is made of the other client's file; what makes it unreadable is an answer too.
fn carried(
    uci: &Path,
    make: impl FnOnce(import::Imported) -> Result<Value, Failure>,
) -> Result<Value, Failure> {
    let file = ddns(uci);
    match import::import(Client::DdnsScripts, &text_of(&file)?, Some(Dialect::Uci)) {
        Ok(imported) => make(imported),
        Err(mistakes) => Ok(json!({ "error": lines(&mistakes, &file) })),
    }
}

fn lines(mistakes: &[Mistake], file: &Path) -> String {
    mistakes.iter().map(|mistake| mistake.line(&file.to_string_lossy())).collect::<Vec<_>>().join("\n")
}

fn names(text: &[u8]) -> Vec<String> {
    let sections = grammar::parse(text).unwrap_or_default().sections;
    sections.into_iter().map(|section| section.name).collect()
}

fn import(uci: &Path) -> Result<Value, Failure> {
    carried(uci, |imported| {
        let taken = names(&text_of(uci)?);
        let entry = |carried: &Carried| {
            json!({
                "origin": carried.origin,
                "name": carried.name,
                "options": carried.options,
                "remarks": carried.remarks,
                "failure": carried.failure,
                "exists": taken.contains(&carried.name),
            })
        };
        let entries: Vec<Value> = imported.records.iter().map(entry).collect();
        Ok(json!({ "entries": entries, "remarks": imported.remarks }))
    })
}

/// Adds the records that are not there yet to the configuration, unless that makes it a wrong one.
fn take_over(uci: &Path) -> Result<Value, Failure> {
    carried(uci, |imported| {
        let mut text = text_of(uci)?;
        let taken = names(&text);
        let is_new = |carried: &&Carried| carried.failure.is_none() && !taken.contains(&carried.name);
        let mut added = Vec::new();
        for carried in imported.records.iter().filter(is_new) {
            text.extend_from_slice(b"\n");
            text.extend_from_slice(carried.text.as_bytes());
            added.push(carried.name.as_str());
        }
        if let Err(LoadError::Mistakes { mistakes, .. }) = settings::load_draft(&text, uci) {
            return Ok(json!({ "error": lines(&mistakes, uci) }));
        }
        replace(uci, &text, Manner::HandedOver).map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(json!({ "added": added }))
    })
}
