//! What is wrong with a configuration, where, and what to do about it.
//!
//! A quoted line never shows what may be a secret: only the values of options that are known and public are printed.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;

use super::dialect::Dialect;

/// Whether a mistake keeps the configuration from being used.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The configuration is not used.
    Error,
    /// It is used, but without the record that is concerned.
    LeftOut,
    /// It is used, but probably not as meant.
    Warning,
}

/// One mistake, for a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    /// How bad it is.
    pub severity: Severity,
    /// The file, if it is not the configuration itself: an entry of the user's own.
    pub file: Option<PathBuf>,
    /// Where it was found; `None`: it concerns the file as a whole.
    pub place: Option<Place>,
    /// What is wrong; quotes what the user typed, unless it may be a secret.
    pub what: String,
    /// What to do about it; empty if nothing more can be said.
    pub mend: String,
}

impl Mistake {
    /// A mistake that keeps the configuration from being used.
    #[must_use]
    pub fn error(place: Option<Place>, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { severity: Severity::Error, file: None, place, what: what.into(), mend: mend.into() }
    }

    /// A mistake that the configuration can be used with.
    #[must_use]
    pub fn warning(place: Option<Place>, what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, what, mend) }
    }

    fn file<'a>(&'a self, configuration: &'a str) -> Cow<'a, str> {
        self.file.as_ref().map_or(Cow::Borrowed(configuration), |file| file.to_string_lossy())
    }

    /// The mistake in one line, for a log that knows the importance: `file:line:column: what; mend`.
    #[must_use]
    pub fn line(&self, file: &str) -> String {
        let file = self.file(file);
        let place = self.place.as_ref().map_or(String::new(), |at| format!(":{}:{}", at.line, at.column));
        let mend = if self.mend.is_empty() { String::new() } else { format!("; {}", self.mend) };
        format!("{file}{place}: {}{mend}", self.what)
    }

    /// The mistake as text, with final line feed: `file:line:column`, the quoted line with a caret, the mend.
    #[must_use]
    pub fn render(&self, file: &str) -> String {
        let file = self.file(file);
        let severity = match self.severity {
            Severity::Error | Severity::LeftOut => "error",
            Severity::Warning => "warning",
        };
        let mut text = match &self.place {
            None => format!("{file}: {severity}: {}\n", self.what),
            Some(place) => {
                format!("{file}:{}:{}: {severity}: {}\n{place}", place.line, place.column, self.what)
            }
        };
        if !self.mend.is_empty() {
            text.push_str(&format!("  help: {}\n", self.mend));
        }
        text
    }
}

/// A place in a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line as it may be shown, with `***` for what may be a secret.
    pub shown: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let lead: String =
            self.shown.chars().take(self.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, " {number} | {}", self.shown)?;
        // A caret behind `***` would point at nothing.
        if lead.chars().count() < self.column - 1 {
            return Ok(());
        }
        writeln!(f, " {gutter} | {lead}^")
    }
}

/// What is known about a line that shall be quoted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Quote {
    /// Nothing: it is judged by its first word.
    Cautious,
    /// Its first word is an option that the mistake names; nothing is known about the rest.
    Key,
    /// It holds values of a public option, perhaps without its name (one entry of a list).
    Public,
}

/// A text with places in it.
pub(super) struct Source<'a> {
    pub(super) dialect: Dialect,
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
    /// The last offset that a place was asked for, and how many characters of its line stand before it.
    last: Cell<(usize, usize)>,
}

impl<'a> Source<'a> {
    pub(super) fn new(dialect: Dialect, text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { dialect, text, lines, last: Cell::new((0, 0)) }
    }

    /// The place of a byte offset; an offset past the end is the end.
    pub(super) fn place(&self, offset: usize, quote: Quote) -> Place {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let end = self.lines.get(line).map_or(self.text.len(), |next| next - 1);
        let written = self.text.get(start..end).unwrap_or_default();
        // Many mistakes on one long line come in its order, as a rule: none is counted from the beginning again.
        let (begin, before) = self.last.get();
        let (begin, before) = if (start..=offset).contains(&begin) { (begin, before) } else { (start, 0) };
        let rest = self.text.get(begin..).unwrap_or_default();
        let between = rest.char_indices().take_while(|(at, _)| begin + at < offset).count();
        self.last.set((offset, before + between));
        Place { line, column: before + between + 1, shown: shown(self.dialect, written, quote) }
    }
}

/// Longest part of a line that is quoted, in characters: our judgement.
const SHOWN_MAX: usize = 160;
/// How much of a line is looked at, in characters: enough for what is in front of what is quoted.
const LOOKED_AT_MAX: usize = 4 * SHOWN_MAX;

/// The line without control characters and without anything that may be a secret.
fn shown(dialect: Dialect, line: &str, quote: Quote) -> String {
    // What is behind cannot be seen, so it need not be looked at.
    let end = line.char_indices().nth(LOOKED_AT_MAX).map_or(line.len(), |(at, _)| at);
    let line = line.get(..end).unwrap_or(line).trim_end();
    let kept = dialect.shown(line, quote).unwrap_or_else(|| hidden(line));
    kept.chars().take(SHOWN_MAX).map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

fn hidden(line: &str) -> String {
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    if line.trim().is_empty() { String::new() } else { indent + "***" }
}

/// What a user typed, in quotes, on one line, not too long.
pub(super) fn quoted(text: &str) -> String {
    const QUOTED_MAX: usize = 80;
    let mut short: String =
        text.chars().take(QUOTED_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(QUOTED_MAX).is_some() {
        short.push('…');
    }
    format!("'{short}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toml(text: &str) -> Source<'_> {
        Source::new(Dialect::Toml, text)
    }

    fn shown_at(text: &str, needle: &str) -> String {
        toml(text).place(text.find(needle).unwrap(), Quote::Cautious).shown
    }

    #[test]
    fn a_line_of_a_secret_that_has_several_is_not_shown() {
        assert_eq!(shown_at("password = \"\"\"\nhunter2==\n\"\"\"", "hunter2"), "***");
        assert_eq!(shown_at("password = \"\"\"\nhunter2\"\"\"ipv4 = 5", "hunter2"), "***");
        assert_eq!(shown_at("password = \"\"\"\nhunter2\"\"\".ipv4 = 5", "hunter2"), "***");
        assert_eq!(shown_at("password = \"\"\"\nhunter2\"\"\".ipv4 = a=b", "hunter2"), "***");
    }

    #[test]
    fn a_line_with_a_secret_is_not_shown() {
        assert_eq!(shown_at("[record.a]\npassword = \"hunter2\"\n", "password"), "password = ***");
        assert_eq!(shown_at("tokn = \"hunter2\"", "tokn"), "***");
        assert_eq!(toml("tokn = \"hunter2\"").place(0, Quote::Key).shown, "tokn = ***");
        assert_eq!(shown_at("record.a = { user = \"x\", password = \"hunter2\" }", "user"), "record.a = ***");
        assert_eq!(shown_at("user = \"x\" password = \"hunter2\"", "user"), "user = ***");
        assert_eq!(shown_at("password = \"\"\"\n  hunter2\n\"\"\"", "hunter2"), "  ***");
        assert_eq!(shown_at("url = \"https://example.org/hunter2\"", "url"), "url = ***");
    }

    #[test]
    fn a_line_of_a_public_option_is_shown() {
        assert_eq!(shown_at("\tipv4 = \"ppp0\" # WAN\r\n", "ppp0"), "\tipv4 = \"ppp0\" # WAN");
        assert_eq!(shown_at("record.home.ipv4 = 5", "5"), "record.home.ipv4 = 5");
        assert_eq!(shown_at("[record.home] # mine", "home"), "[record.home] # mine");
    }

    #[test]
    fn columns_count_characters_and_the_caret_keeps_tabs() {
        let text = "a = 1\n\tüser = \"ö\"";
        let place = toml(text).place(text.find('=').unwrap() + 12, Quote::Cautious);
        assert_eq!((place.line, place.column), (2, 8));
        let mistake = Mistake::error(
            Some(Place { line: 12, column: 3, shown: "\tuser".to_owned() }),
            "it is wrong",
            "right it",
        );
        assert_eq!(
            mistake.render("x.toml"),
            "x.toml:12:3: error: it is wrong\n 12 | \tuser\n    | \t ^\n  help: right it\n"
        );
    }

    #[test]
    fn control_characters_reach_no_terminal() {
        assert_eq!(quoted("a\u{1b}[2J"), "'a\u{fffd}[2J'");
        assert!(!shown_at("user = \"\u{1b}[2J\"", "user").contains('\u{1b}'));
    }
}
