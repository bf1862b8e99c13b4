//! TOML text → sections of written values, through the spans of the parser. Syntax mistakes are all reported at once.

use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use super::dialect::Dialect;
use super::mistake::{Mistake, Place, Quote, Source};
use super::own::{Own, Wanted};
use super::read::{Entry, Read, Section, Unknown, Written};
use super::value::{Fault, Raw};

/// What must be read before this text can be judged, as far as it can be understood.
#[must_use]
pub fn wanted(text: &str) -> Wanted {
    let (table, _) = DeTable::parse_recoverable(text);
    let (written, _) = written(table.get_ref());
    super::read::wanted(&Source::new(Dialect::Toml, text), &written)
}

/// Reads a configuration that knows the built-in providers only.
///
/// # Errors
///
/// As [`read_with`].
pub fn read(text: &str) -> Result<Read, Vec<Mistake>> {
    read_with(text, &Own::default())
}

/// Reads a configuration and reports every mistake in it.
///
/// # Errors
///
/// All mistakes and warnings, in the order of the text, if one of them is an error.
pub fn read_with(text: &str, own: &Own) -> Result<Read, Vec<Mistake>> {
    let source = Source::new(Dialect::Toml, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut syntax: Vec<Mistake> = errors.iter().map(|error| syntax_mistake(&source, error)).collect();
    syntax.sort_by_key(|mistake| mistake.place.as_ref().map(|place| (place.line, place.column)));
    // The first on a line is the mistake, the others follow from it; so do all lines behind a list that is not closed.
    syntax.dedup_by(|later, first| {
        line(later) == line(first) || (later.what == first.what && later.what.contains("array"))
    });
    let (written, faults) = written(table.get_ref());
    if syntax.is_empty() {
        return super::read::read(&source, &written, faults, own);
    }
    // What a broken line means is guesswork: no judgement on it, nor on what seems to be missing because of it.
    let written = Written { broken: true, ..written };
    let mut mistakes = super::read::mistakes(&source, &written, faults, own);
    let broken: BTreeSet<usize> = syntax.iter().filter_map(line).collect();
    mistakes.retain(|mistake| line(mistake).is_some_and(|line| !broken.contains(&line)));
    mistakes.extend(syntax);
    mistakes.sort_by_key(|mistake| mistake.place.as_ref().map(|place| (place.line, place.column)));
    Err(mistakes)
}

/// The tables of a document, and what does not belong into one.
fn written(table: &DeTable<'_>) -> (Written, Vec<Fault>) {
    let (mut written, mut faults) = (Written::default(), Vec::new());
    for (key, value) in table {
        let at = key.span().start;
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("global", DeValue::Table(table)) => written.global = section("global", at, table),
            ("record", DeValue::Table(table)) => records(table, &mut written, &mut faults),
            ("global", _) => {
                let mend = "write [global] on a line of its own";
                faults.push(Fault::new(at, "'global' must be a table", mend));
            }
            ("record", _) => faults.push(Fault::new(
                at,
                "'record' must hold tables with names",
                "write [record.home] on a line of its own, and its options below",
            )),
            (name, value) => {
                written.unknown.push(Unknown { name: name.to_owned(), at, table: value.is_table() });
            }
        }
    }
    (written, faults)
}

fn line(mistake: &Mistake) -> Option<usize> {
    mistake.place.as_ref().map(|place| place.line)
}

fn syntax_mistake(source: &Source<'_>, error: &toml::de::Error) -> Mistake {
    let place: Option<Place> = error.span().map(|span| source.place(span.start, Quote::Cautious));
    Mistake::error(place, format!("not valid TOML: {}", error.message().trim()), "")
}

fn records(table: &DeTable<'_>, written: &mut Written, faults: &mut Vec<Fault>) {
    for (key, value) in table {
        let at = key.span().start;
        let name = key.get_ref().as_ref();
        if let DeValue::Table(options) = value.get_ref() {
            written.records.push(section(name, at, options));
            continue;
        }
        let what = format!("{} is not the table of a record", super::mistake::quoted(name));
        faults.push(Fault::new(at, what, "write [record.NAME] on a line of its own, and its options below"));
    }
    written.records.sort_by_key(|section| section.at);
}

fn section(name: &str, at: usize, table: &DeTable<'_>) -> Section {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_at: key.span().start,
            value: raw(value.get_ref()),
            value_at: value.span().start,
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_at);
    Section { name: name.to_owned(), at, entries }
}

pub(super) fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::Array(entries) => {
            Raw::List(entries.iter().map(|entry| (raw(entry.get_ref()), entry.span().start)).collect())
        }
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Float(number) => Raw::Number(number.to_string()),
        DeValue::Integer(number) => Raw::Number(number.to_string()),
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}
