//! How the two front ends write things, so that a mend can be pasted and a quoted line shows no secret.

use super::mistake::Quote;
use super::options::{self, Opt, Scope};

/// The language that a configuration is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// TOML 1.0.
    Toml,
    /// OpenWrt's.
    Uci,
}

impl Dialect {
    /// A valid line for an option.
    pub(super) fn example(self, option: &Opt) -> String {
        self.line(option, option.example)
    }

    /// An option with a value as TOML writes it: no value that we suggest has an apostrophe within.
    pub(super) fn line(self, option: &Opt, value: &str) -> String {
        match self {
            Self::Toml => format!("{} = {value}", option.name),
            Self::Uci => {
                let word = if value.starts_with('[') { "list" } else { "option" };
                let value = match value.trim_matches(['[', ']']) {
                    "true" => "1",
                    "false" => "0",
                    value => unquoted(value),
                };
                format!("{word} {} '{value}'", option.name)
            }
        }
    }

    /// Where the options of a scope are written.
    pub(super) fn section(self, scope: Scope) -> &'static str {
        match (self, scope) {
            (Self::Toml, Scope::Global) => "[global]",
            (Self::Toml, Scope::Record) => "[record.NAME]",
            (Self::Uci, Scope::Global) => "config global",
            (Self::Uci, Scope::Record) => "config record 'NAME'",
        }
    }

    /// A section that none of us knows.
    pub(super) fn unknown_section(self, name: &str) -> String {
        match self {
            Self::Toml => format!("unknown table {}", super::mistake::quoted(&format!("[{name}]"))),
            Self::Uci => format!("unknown section type {}", super::mistake::quoted(name)),
        }
    }

    /// A line of the source as it may be shown; `None`: it is not to be told what it holds.
    pub(super) fn shown(self, line: &str, quote: Quote) -> Option<String> {
        match self {
            Self::Toml => toml(line, quote),
            Self::Uci => uci(line, quote),
        }
    }
}

fn unquoted(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

fn toml(line: &str, quote: Quote) -> Option<String> {
    match line.split_once('=') {
        Some((key, value)) if known(key) && public(last_part(key)) && !value.contains('=') => {
            Some(line.to_owned())
        }
        Some((key, _)) if quote == Quote::Key || known(key) => Some(format!("{key}= ***")),
        // Perhaps a line of a secret that has several.
        Some(_) => None,
        None if quote != Quote::Public && !heading(line) => None,
        None => Some(line.to_owned()),
    }
}

fn public(name: &str) -> bool {
    options::OPTIONS.iter().any(|option| option.name == name && !option.secret())
}

/// Whether the key itself is none of the user's words: tables of ours, and options. In front of a dot may be the end of a
/// secret that has several lines.
fn known(key: &str) -> bool {
    let first = key.trim().split('.').next().unwrap_or_default().trim();
    let name = last_part(key);
    matches!(first, "global" | "record")
        && key.chars().all(|c| c.is_ascii_alphanumeric() || " ._-".contains(c))
        || !key.contains('.') && options::OPTIONS.iter().any(|option| option.name == name)
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or_default().trim().trim_matches(['"', '\''])
}

/// `[table]`, with an optional comment behind it.
fn heading(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().trim();
    line.starts_with('[') && line.chars().all(|c| c.is_ascii_alphanumeric() || "[]._-\"' ".contains(c))
}

/// One command on the line, without its comment: what is joined to it by a slip may be anything.
fn uci(line: &str, quote: Quote) -> Option<String> {
    let words = Words::of(line);
    // What people take for names, too.
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    match words.command {
        "config" | "c" | "package" | "p" => {
            let written = line.split('#').next().unwrap_or_default().trim_end();
            let plain = |word: &str| unquoted(word).chars().all(is_name);
            let count = written.split_whitespace().count();
            (count <= 3 && written.split_whitespace().all(plain)).then(|| written.to_owned())
        }
        "option" | "o" | "list" | "l" => {
            let name = unquoted(words.name);
            let known = options::OPTIONS.iter().any(|option| option.name == name);
            // Without a value behind it, the name may be one that a secret was joined to.
            let has_value = !words.rest.is_empty() && !words.rest.starts_with('#');
            let told = quote == Quote::Key && has_value && name.chars().all(is_name);
            match single(words.rest).filter(|_| public(name)) {
                Some(value) => Some(format!("{}{value}", words.head)),
                None => (known || told).then(|| format!("{} ***", words.head.trim_end())),
            }
        }
        _ => None,
    }
}

/// `option NAME …`, taken apart at blanks.
struct Words<'a> {
    command: &'a str,
    name: &'a str,
    /// Everything before the value.
    head: &'a str,
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn of(line: &'a str) -> Self {
        let (command, behind) = word(line);
        let (name, rest) = word(behind);
        let rest = rest.trim_start();
        let head = line.strip_suffix(rest).unwrap_or(line);
        Self { command, name, head, rest }
    }
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

/// The only value of a line, if it is written without any art.
fn single(rest: &str) -> Option<&str> {
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let value = match quote {
        Some(quote) => rest.get(..rest.get(1..)?.find(quote)? + 2)?,
        None => word(rest).0,
    };
    let inner = if quote.is_some() { unquoted(value) } else { value };
    let behind = rest.strip_prefix(value)?.trim_start();
    let artless = !inner.contains(['\'', '"', '\\', ';', '#']);
    (artless && (behind.is_empty() || behind.starts_with('#'))).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_uci_are_shown_as_far_as_they_hold_no_secret() {
        for (line, shown) in [
            ("config record 'home' # mine", Some("config record 'home'")),
            ("config record option password 'hunter2'", None),
            ("config record hunter2!", None),
            ("\toption user 'alice'", Some("\toption user 'alice'")),
            ("option user \"a b\" # hunter2", Some("option user \"a b\"")),
            ("option user alice", Some("option user alice")),
            ("option user alice hunter2", Some("option user ***")),
            ("option user 'alice'; option password 'hunter2'", Some("option user ***")),
            ("option user 'x; option password \"hunter2\"'", Some("option user ***")),
            ("option user x\\;hunter2", Some("option user ***")),
            ("option user 'alice", Some("option user ***")),
            ("\toption password 'hunter2'", Some("\toption password ***")),
            ("list header 'hunter2'", Some("list header ***")),
            ("option 'user' 'alice'", Some("option 'user' 'alice'")),
            ("option pasword 'hunter2'", None),
            ("option", None),
            ("hunter2'", None),
            ("", None),
        ] {
            assert_eq!(Dialect::Uci.shown(line, Quote::Cautious).as_deref(), shown, "{line}");
        }
        let shown = |line| Dialect::Uci.shown(line, Quote::Key);
        assert_eq!(shown("option pass-word 'hunter2'").as_deref(), Some("option pass-word ***"));
        assert_eq!(shown("option password'hunter2'"), None);
        assert_eq!(shown("option password-hunter2"), None);
    }

    #[test]
    fn examples_are_written_in_the_language_of_the_file() {
        let example = |name| Dialect::Uci.example(options::find(Scope::Record, name).unwrap());
        assert_eq!(example("enabled"), "option enabled '0'");
        assert_eq!(example("ttl"), "option ttl '300'");
        assert_eq!(example("hostname"), "list hostname 'home.example.org'");
        assert_eq!(example("body"), "option body '{\"ip\":\"{ip}\"}'");
        for option in options::OPTIONS {
            assert_eq!(Dialect::Uci.example(option).matches('\'').count(), 2, "{}", option.name);
        }
    }
}
