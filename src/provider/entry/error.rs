//! Mistakes in an entry. Whoever wrote the entry can mend them.

use std::fmt;

use super::super::answer::MatcherError;
use super::super::template::TemplateError;

/// A mistake and its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub mistake: EntryMistake,
}

/// What is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EntryMistake {
    /// A condition on the answer.
    Matcher(MatcherError),
    /// Two fields that do not fit together, or a value out of range.
    Rule {
        /// The field.
        field: String,
        /// What to do about it.
        mend: String,
    },
    /// A URL, a header field or a body.
    Template(TemplateError),
    /// Not TOML, or a key that does not exist; in words.
    Toml(String),
}

impl EntryError {
    /// A mistake that begins at this byte of the text; `None`: nobody knows where.
    pub(super) fn at(text: &str, at: Option<usize>, mistake: EntryMistake) -> Self {
        let before = at.and_then(|at| text.get(..at)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        Self { line, column, mistake }
    }
}

impl EntryMistake {
    /// The field that is wrong, with dots; empty if the file itself is.
    pub(super) fn field(&self) -> &str {
        match self {
            Self::Matcher(error) => &error.matcher,
            Self::Rule { field, .. } => field,
            Self::Template(error) => &error.template,
            Self::Toml(_) => "",
        }
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.mistake)
    }
}

impl fmt::Display for EntryMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matcher(error) => write!(f, "{error}"),
            Self::Rule { field, mend } => write!(f, "{field}: {mend}"),
            Self::Template(error) => write!(f, "{error}"),
            Self::Toml(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for EntryError {}
