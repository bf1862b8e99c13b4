//! UCI text → the same written values as from TOML. What may be written is judged by the one option table.
//!
//! ```text
//! text ──▶ grammar::parse (libuci's) ──▶ sections ──▶ written values ──▶ read::read ──▶ Config
//!                                                            └────────▶ Sections::to_toml
//! ```

pub mod draft;
pub mod grammar;
mod line;
pub(super) mod render;

use super::dialect::Dialect;
use super::mistake::{Mistake, Quote, Severity, Source};
use super::nearest::nearest;
use super::options::{self, Kind, Scope};
use super::own::{Own, Wanted};
use super::read::{Entry, Read, Section, Unknown, Written};
use super::value::{Fault, Raw};
use grammar::{Doubt, Refusal, Value, Why};

/// Where OpenWrt's users write their configuration.
pub const FILE: &str = "/etc/config/wanbeacon";
/// Where OpenWrt's init script puts what it renders of it.
pub const RENDERED: &str = "/var/run/wanbeacon/config.toml";
/// What OpenWrt sets where the file is silent: option and value in `config global`.
pub const OPENWRT: [(&str, &str); 2] =
    [("state_dir", "/etc/wanbeacon/state"), ("runtime_dir", "/var/run/wanbeacon")];

/// A UCI file in which nothing is wrong.
#[derive(Debug)]
pub struct Parsed {
    /// The configuration, and what is doubtful in it.
    pub read: Read,
    /// The same, as it was written.
    pub sections: Sections,
}

/// Valid sections, as they were written.
#[derive(Debug)]
pub struct Sections(Written);

/// What must be read before this text can be judged, as far as it can be understood.
#[must_use]
pub fn wanted(text: &[u8]) -> Wanted {
    let Ok(package) = grammar::parse(text) else { return Wanted::default() };
    super::read::wanted(
        &Source::new(Dialect::Uci, &readable(text)),
        &written(package.sections, &mut Vec::new()),
    )
}

/// Reads a UCI file that knows the built-in providers only.
///
/// # Errors
///
/// As [`read_with`].
pub fn read(text: &[u8]) -> Result<Parsed, Vec<Mistake>> {
    read_with(text, &Own::default())
}

/// Reads a UCI file and reports every mistake in it. OpenWrt's directories hold where it names no others.
///
/// # Errors
///
/// All mistakes and warnings, in the order of the text, if one of them is an error. Of a file that libuci refuses, the
/// first only: what it means is guesswork.
pub fn read_with(text: &[u8], own: &Own) -> Result<Parsed, Vec<Mistake>> {
    let readable = readable(text);
    let source = Source::new(Dialect::Uci, &readable);
    // libuci drops what is behind a zero byte on a line: nobody can have meant what is left.
    if let Some(at) = text.iter().position(|byte| *byte == 0) {
        let mend = "the file is damaged, perhaps by a power loss: write it anew";
        return Err(vec![mistake(&source, at, "there is a zero byte".to_owned(), mend.to_owned())]);
    }
    let package = grammar::parse(text).map_err(|refusal| vec![refused(&source, text, &refusal)])?;
    let mut faults = Vec::new();
    let written = written(package.sections, &mut faults);
    let doubts: Vec<Mistake> = package.doubts.iter().map(|doubt| doubtful(&source, *doubt)).collect();
    let sorted = |mut mistakes: Vec<Mistake>| {
        mistakes.extend(doubts);
        mistakes.sort_by_key(|mistake| mistake.place.as_ref().map(|place| (place.line, place.column)));
        mistakes
    };
    match super::read::read(&source, &written, faults, own) {
        Ok(Read { config, warnings }) => {
            Ok(Parsed { read: Read { config, warnings: sorted(warnings) }, sections: Sections(written) })
        }
        Err(mistakes) => Err(sorted(mistakes)),
    }
}

/// The text with a question mark for each byte that is none: places stay where they are.
pub(super) fn readable(text: &[u8]) -> String {
    let mut readable = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        readable.push_str(chunk.valid());
        readable.extend(chunk.invalid().iter().map(|_| '?'));
    }
    readable
}

fn written(sections: Vec<grammar::Section>, faults: &mut Vec<Fault>) -> Written {
    let mut written = Written::default();
    let mut globals = 0;
    for section in sections {
        match section.kind.as_str() {
            "global" if globals == 0 => {
                globals = 1;
                written.global = options_of(section, Scope::Global);
            }
            "global" => {
                let what = "there is a 'config global' already";
                faults.push(Fault::new(section.kind_at, what, "write all its options into one"));
            }
            "record" => {
                if section.anonymous {
                    // What is kept and asked for is kept and asked for by name; libuci's own name for it changes with
                    // each section that comes or goes before it.
                    let mend = "give it a name that stays, for example: config record 'home'";
                    faults.push(Fault::new(section.kind_at, "this record has no name", mend));
                }
                written.records.push(options_of(section, Scope::Record));
            }
            _ => written.unknown.push(Unknown { name: section.kind, at: section.kind_at, table: true }),
        }
    }
    for (name, value) in OPENWRT {
        let entries = &mut written.global.entries;
        if entries.iter().all(|entry| entry.key != name) {
            let value = Raw::Text(value.to_owned());
            entries.push(Entry { key: name.to_owned(), key_at: 0, value, value_at: 0 });
        }
    }
    written
}

fn options_of(section: grammar::Section, scope: Scope) -> Section {
    let entry = |setting: grammar::Setting| {
        let kind = options::find(scope, &setting.name).map(|option| option.kind);
        let (value, value_at) = match setting.value {
            Value::Text(bytes, at) => (raw(kind, bytes), at),
            Value::List(entries) => {
                let at = entries.first().map_or(setting.at, |(_, at)| *at);
                (Raw::List(entries.into_iter().map(|(bytes, at)| (raw(kind, bytes), at)).collect()), at)
            }
        };
        Entry { key: setting.name, key_at: setting.at, value, value_at }
    };
    let entries = section.settings.into_iter().map(entry).collect();
    Section { name: section.name, at: section.name_at, entries }
}

/// UCI has only text: what it stands for, its option says.
fn raw(kind: Option<Kind>, bytes: Vec<u8>) -> Raw {
    let Ok(text) = String::from_utf8(bytes) else { return Raw::Other("bytes that are not UTF-8") };
    match kind {
        Some(Kind::Flag) => flag(&text).map_or(Raw::Text(text), Raw::Flag),
        // Leading zeros and a sign are no number in TOML.
        Some(Kind::Number { .. }) => Raw::Number(text.parse().map_or(text, |number: u32| number.to_string())),
        _ => Raw::Text(text),
    }
}

/// The words of `config_get_bool` in OpenWrt's functions.sh.
pub(super) fn flag(word: &str) -> Option<bool> {
    match word {
        "1" | "on" | "true" | "yes" | "enabled" => Some(true),
        "0" | "off" | "false" | "no" | "disabled" => Some(false),
        _ => None,
    }
}

fn doubtful(source: &Source<'_>, (at, doubt): (usize, Doubt)) -> Mistake {
    let (what, mend) = match doubt {
        Doubt::Comment => ("this '#' begins a comment", "put the value in quotes if the '#' belongs to it"),
        Doubt::Hidden => (
            "what is behind this ';' does not count",
            "put the value in quotes if the ';' belongs to it, else begin a new line",
        ),
    };
    Mistake { severity: Severity::Warning, ..mistake(source, at, what.to_owned(), mend.to_owned()) }
}

fn mistake(source: &Source<'_>, at: usize, what: String, mend: String) -> Mistake {
    Mistake::error(Some(source.place(at, Quote::Key)), what, mend)
}

/// What libuci refuses, in words. Only what cannot be a part of a secret is quoted.
pub(super) fn refused(source: &Source<'_>, text: &[u8], refusal: &Refusal) -> Mistake {
    const FORM: &str = "write option NAME 'VALUE', below a line config record 'NAME'";
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let (what, mend) = match refusal.why {
        Why::BadName => ("this is not a name", "use letters, digits and '_' only"),
        Why::BadType => ("this is not the type of a section", "write config global or config record 'NAME'"),
        Why::BeforeSection => {
            ("this option stands before the first section", "write config record 'NAME' above it")
        }
        Why::EndOfFile | Why::TooFew => ("a word is missing here", FORM),
        Why::OtherType => {
            ("a section of this name and another type stands above", "give one of them another name")
        }
        Why::TooMany => {
            ("this is one word too many", "put values with blanks in quotes, each option on a line")
        }
        Why::Unclosed('"') => ("this '\"' is not closed", "add the second one at the end of the value"),
        Why::Unclosed(_) => ("this \"'\" is not closed", "add the second one at the end of the value"),
        Why::UnknownCommand if refusal.at == 0 && text.starts_with(BYTE_ORDER_MARK) => {
            ("there is a byte order mark, which UCI does not know", "save the file as UTF-8 without it")
        }
        Why::UnknownCommand => {
            let rest = text.get(refusal.at..).unwrap_or_default();
            let word = rest.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
            let word = std::str::from_utf8(word).unwrap_or_default();
            let meant = nearest(word, ["config", "list", "option", "package"]);
            let mend = meant.map_or_else(|| FORM.to_owned(), |word| format!("did you mean '{word}'?"));
            let what = "a line begins with config, option or list";
            return mistake(source, refusal.at, format!("not valid UCI: {what}"), mend);
        }
        Why::ZeroBytes => ("there are zero bytes", "the file is damaged: write it anew"),
    };
    mistake(source, refusal.at, format!("not valid UCI: {what}"), mend.to_owned())
}
