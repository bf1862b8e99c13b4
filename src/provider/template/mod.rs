//! Texts with placeholders: parsed once, rendered for each request, escaped by position.
//!
//! ```text
//! text ──parse──▶ Template ──render(values)──▶ what is sent (secret) and what a person may see
//! ```
//!
//! There is no loop, no condition and no arithmetic, and there will be none: what needs them is a dialogue.

mod encode;
mod mask;
mod parse;
mod placeholder;
mod values;

use std::fmt;

use zeroize::Zeroizing;

pub(super) use encode::{Keep, base64, hex, query};
use encode::{Position, escape};
pub(super) use parse::{Kind, Rules, Syntax, Taken};
use placeholder::Filter;
pub(super) use placeholder::Placeholder;
pub(super) use values::{Known, Values, labels_below};

/// What is shown instead of a secret.
pub(super) const MASK: &str = "***";

/// A parsed text.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    keep: Keep,
    raw: bool,
}

#[derive(Clone, Eq, PartialEq)]
enum Piece {
    /// Copied as it is; `shown` differs where a user may have written a secret into a URL.
    Literal {
        text: String,
        shown: String,
    },
    Slot {
        placeholder: Placeholder,
        filters: Vec<Filter>,
        position: Position,
    },
    /// `<b64>…</b64>`
    Base64 {
        inner: Template,
        position: Position,
    },
    /// `{json:…}`
    Document {
        inner: Template,
        position: Position,
    },
}

/// A rendered text twice: as it is sent and as it may be seen.
pub(super) struct Rendered {
    pub(super) sent: Zeroizing<String>,
    pub(super) shown: String,
}

impl Template {
    pub(super) fn render(&self, values: &Values<'_>) -> Rendered {
        let mut rendered = Rendered { sent: Zeroizing::new(String::new()), shown: String::new() };
        for piece in &self.pieces {
            self.render_piece(piece, values, &mut rendered);
        }
        rendered
    }

    fn render_piece(&self, piece: &Piece, values: &Values<'_>, into: &mut Rendered) {
        match piece {
            Piece::Literal { text, shown } => {
                into.sent.push_str(text);
                into.shown.push_str(shown);
            }
            Piece::Slot { placeholder, filters, position } => {
                let text = Zeroizing::new(self.value(*placeholder, filters, *position, values));
                into.sent.push_str(&text);
                into.shown.push_str(if placeholder.is_secret() && !text.is_empty() { MASK } else { &text });
            }
            Piece::Base64 { inner, position } => {
                let text = Zeroizing::new(base64(&inner.render(values).sent));
                let from = into.sent.len();
                self.push(&text, *position, &mut into.sent);
                let shown =
                    if inner.placeholders().any(Placeholder::is_secret) { MASK } else { &into.sent[from..] };
                into.shown.push_str(shown);
            }
            Piece::Document { inner, position } => {
                let document = inner.render(values);
                escape(&document.sent, *position, &self.keep, &mut into.sent);
                escape(&document.shown, *position, &self.keep, &mut into.shown);
            }
        }
    }

    fn value(
        &self,
        from: Placeholder,
        filters: &[Filter],
        position: Position,
        values: &Values<'_>,
    ) -> String {
        let value = filters.iter().fold(values.text(from), |value, filter| encode::apply(*filter, value));
        let mut text = String::with_capacity(value.len());
        if from.is_structure() {
            text.push_str(&value);
        } else if filters.contains(&Filter::Raw) {
            encode::raw(&value, position, &mut text);
        } else if filters.contains(&Filter::XmlEscape) {
            text.push_str(&value);
        } else {
            self.push(&value, position, &mut text);
        }
        text
    }

    fn push(&self, value: &str, position: Position, into: &mut String) {
        if self.raw { encode::raw(value, position, into) } else { escape(value, position, &self.keep, into) }
    }

    /// All placeholders in order of appearance, nested ones included.
    pub(super) fn placeholders(&self) -> Box<dyn Iterator<Item = Placeholder> + '_> {
        Box::new(self.pieces.iter().flat_map(|piece| match piece {
            Piece::Literal { .. } => Box::new(std::iter::empty()) as Box<dyn Iterator<Item = Placeholder>>,
            Piece::Slot { placeholder, .. } => Box::new(std::iter::once(*placeholder)),
            Piece::Base64 { inner, .. } | Piece::Document { inner, .. } => inner.placeholders(),
        }))
    }

    /// The text before the first placeholder.
    pub(super) fn head(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Literal { text, .. }) => text,
            Some(Piece::Slot { .. } | Piece::Base64 { .. } | Piece::Document { .. }) | None => "",
        }
    }
}

impl fmt::Debug for Template {
    /// Literal text of a user's URL may hold a secret, so only its shape is printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template(")?;
        f.debug_list().entries(self.placeholders()).finish()?;
        f.write_str(")")
    }
}

/// A mistake in a template: which one, where, and what to do about it. Whoever wrote the template can mend it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TemplateError {
    /// The template's name: `request.v4.url`, or the option that holds it.
    pub template: String,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub mistake: TemplateMistake,
}

/// The mistakes that a template can hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TemplateMistake {
    /// A `%` that no two hexadecimal digits follow.
    BadPercent,
    /// User and password before an `@` in an entry's URL.
    Credentials,
    /// A fragment, which is never sent.
    Fragment,
    /// A character that a URL cannot hold as it is.
    Illegal(char),
    /// A placeholder where it would decide whom the request goes to.
    Misplaced(String),
    /// The URL does not begin with `https://`, `http://` or `{server}`.
    Scheme,
    /// A secret in a pattern that is compared with an answer.
    SecretInPattern(String),
    /// A `}` without a `{`.
    Stray,
    /// A `{`, or a `<b64>`, without its end.
    Unclosed(&'static str),
    /// A filter that does not exist.
    UnknownFilter {
        /// As written.
        name: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
    /// A placeholder that does not exist.
    UnknownPlaceholder {
        /// As written.
        name: String,
        /// The one that was probably meant.
        nearest: Option<&'static str>,
    },
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, column {}: {}", self.template, self.column, self.mistake)
    }
}

impl std::error::Error for TemplateError {}

impl fmt::Display for TemplateMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suggest = |f: &mut fmt::Formatter<'_>, nearest: &Option<&str>| match nearest {
            Some(nearest) => write!(f, "; did you mean '{nearest}'?"),
            None => f.write_str("; docs/providers.md lists all"),
        };
        match self {
            Self::BadPercent => {
                f.write_str("'%' must be followed by two hexadecimal digits; write %25 for itself")
            }
            Self::Credentials => f.write_str("no credentials before '@'; set auth = \"basic\" instead"),
            Self::Fragment => f.write_str("a fragment is never sent; write %23 for '#'"),
            Self::Illegal(c) => write!(f, "{c:?} cannot stand in a URL; percent-encode it"),
            Self::Misplaced(name) => {
                write!(
                    f,
                    "'{name}' cannot stand in the host part; only {{server}}, at the very beginning, {{host}}, {{label}} and {{zone}} can"
                )
            }
            Self::Scheme => f.write_str("a URL begins with https://, http:// or {server}"),
            Self::SecretInPattern(name) => write!(f, "'{name}' is secret and cannot be part of a pattern"),
            Self::Stray => f.write_str("'}' without '{'; write }} for itself"),
            Self::Unclosed(end) => write!(f, "'{end}' is missing"),
            Self::UnknownFilter { name, nearest } => {
                write!(f, "unknown filter '{name}'")?;
                suggest(f, nearest)
            }
            Self::UnknownPlaceholder { name, nearest } => {
                write!(f, "unknown placeholder '{name}'")?;
                suggest(f, nearest)
            }
        }
    }
}
