//! Text to template.

use std::rc::Rc;

use super::encode::Position;
use super::mask::Masker;
use super::placeholder::{DDNS_SCRIPTS, FILTERS, FRITZBOX, Filter, INADYN, OWN, Placeholder, find, nearest};
use super::{Keep, MASK, Piece, Template, TemplateError, TemplateMistake as Mistake};

/// What a text becomes part of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::provider) enum Kind {
    Form,
    Header,
    Json,
    /// Compared with an answer; holds no secret.
    Pattern,
    Text,
    Url,
    Xml,
}

/// Which spellings of placeholders are understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::provider) enum Syntax {
    /// `{ip4}` only.
    Entry,
    /// Those of FRITZ!Box, ddns-scripts and inadyn as well, and literal text may hold a secret.
    User,
}

/// How a text is read.
#[derive(Clone, Debug)]
pub(in crate::provider) struct Rules {
    pub(in crate::provider) kind: Kind,
    pub(in crate::provider) syntax: Syntax,
    pub(in crate::provider) keep: Keep,
    /// Values are not escaped.
    pub(in crate::provider) raw: bool,
    /// Names of what lookups take from answers; the placeholder's number is the place in this list.
    pub(in crate::provider) taken: Rc<[Taken]>,
}

/// A value that a lookup takes from an answer.
#[derive(Clone, Debug)]
pub(in crate::provider) struct Taken {
    pub(in crate::provider) name: String,
    pub(in crate::provider) secret: bool,
}

impl Rules {
    /// Entry syntax, escaped.
    pub(in crate::provider) fn entry(kind: Kind) -> Self {
        Self { kind, syntax: Syntax::Entry, keep: Keep::default(), raw: false, taken: Rc::default() }
    }
}

impl Rules {
    /// The same for a text of another kind.
    pub(in crate::provider) fn of(&self, kind: Kind) -> Self {
        Self { kind, ..self.clone() }
    }
}

impl Template {
    /// Reads a text; `name` is how mistakes refer to it.
    ///
    /// # Errors
    /// The first mistake, with its column.
    pub(in crate::provider) fn parse(name: &str, text: &str, rules: &Rules) -> Result<Self, TemplateError> {
        let mut scanner = Scanner::new(name, text, rules);
        if rules.kind == Kind::Url {
            scanner.check_scheme(text)?;
        }
        scanner.scan(End::Text)
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum End {
    /// `</b64>`
    Base64,
    /// The brace that belongs to `{json:`
    Document,
    Text,
}

/// The part of a URL that is being read.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Part {
    Authority,
    Path,
    Query,
}

struct Scanner<'a> {
    name: &'a str,
    chars: Vec<char>,
    at: usize,
    rules: &'a Rules,
    kind: Kind,
    part: Part,
    literal: String,
}

impl<'a> Scanner<'a> {
    fn new(name: &'a str, text: &str, rules: &'a Rules) -> Self {
        let chars = text.chars().collect();
        let part = Part::Authority;
        Self { name, chars, at: 0, rules, kind: rules.kind, part, literal: String::new() }
    }

    fn check_scheme(&mut self, text: &str) -> Result<(), TemplateError> {
        let Some(scheme) = ["https://", "http://"].into_iter().find(|scheme| text.starts_with(scheme)) else {
            return if text.starts_with("{server}") { Ok(()) } else { Err(self.mistake(0, Mistake::Scheme)) };
        };
        self.at = scheme.len();
        self.literal.push_str(scheme);
        if matches!(self.chars.get(self.at), None | Some('/' | '?')) {
            return Err(self.mistake(self.at, Mistake::Scheme));
        }
        Ok(())
    }

    fn scan(&mut self, end: End) -> Result<Template, TemplateError> {
        let start = self.at;
        let mut pieces = Vec::new();
        let mut depth = 0_usize;
        let mut masker = Masker::default();
        loop {
            let Some(c) = self.chars.get(self.at).copied() else {
                if end != End::Text {
                    let missing = if end == End::Base64 { "</b64>" } else { "}" };
                    return Err(self.mistake(start, Mistake::Unclosed(missing)));
                }
                break;
            };
            if end == End::Base64 && self.starts_with("</b64>") {
                self.at += 6;
                break;
            }
            if end == End::Document && c == '}' && depth == 0 {
                self.at += 1;
                break;
            }
            let piece = self.placeholder(c)?;
            if let Some(piece) = piece {
                self.flush(&mut masker, &mut pieces);
                masker.value_follows();
                pieces.push(piece);
            } else {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                self.literal_char(c)?;
            }
        }
        self.flush(&mut masker, &mut pieces);
        Ok(Template { pieces, keep: self.rules.keep.clone(), raw: self.rules.raw && end != End::Document })
    }

    fn flush(&mut self, masker: &mut Masker, pieces: &mut Vec<Piece>) {
        if self.literal.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.literal);
        let url = self.rules.syntax == Syntax::User && self.rules.kind == Kind::Url;
        let shown = if url { masker.mask(&text) } else { text.clone() };
        pieces.push(Piece::Literal { text, shown });
    }

    /// Reads a placeholder in any of the spellings that are allowed here.
    fn placeholder(&mut self, c: char) -> Result<Option<Piece>, TemplateError> {
        let user = self.rules.syntax == Syntax::User;
        match c {
            '{' if self.next() == Some('{') && self.kind != Kind::Json => Ok(None),
            '{' if self.is_strict() || self.next().is_some_and(|c| c.is_ascii_lowercase()) => {
                self.own().map(Some)
            }
            '<' if user => self.fritzbox(),
            '[' if user => self.ddns_scripts(),
            '%' if user && self.kind == Kind::Url => self.inadyn(),
            _ => Ok(None),
        }
    }

    fn own(&mut self) -> Result<Piece, TemplateError> {
        let start = self.at;
        if self.starts_with("{json:") {
            self.at += 6;
            let kind = std::mem::replace(&mut self.kind, Kind::Json);
            let literal = std::mem::take(&mut self.literal);
            let inner = self.scan(End::Document)?;
            self.kind = kind;
            self.literal = literal;
            return Ok(Piece::Document { inner, position: self.position() });
        }
        let Some(length) = self.chars[start..].iter().position(|c| *c == '}') else {
            return Err(self.mistake(start, Mistake::Unclosed("}")));
        };
        let text: String = self.chars[start + 1..start + length].iter().collect();
        let mut words = text.split('|').map(str::trim);
        let name = words.next().unwrap_or_default();
        let Some(placeholder) = find(OWN, name).or_else(|| self.taken(name)) else {
            return Err(self.unknown(start, &format!("{{{name}}}"), nearest(OWN, name)));
        };
        let mut filters = Vec::new();
        for word in words {
            let Some(filter) = find(FILTERS, word) else {
                let mistake = Mistake::UnknownFilter { name: quoted(word), nearest: nearest(FILTERS, word) };
                return Err(self.mistake(start, mistake));
            };
            filters.push(filter);
        }
        let piece = self.slot(placeholder, filters, name)?;
        self.at = start + length + 1;
        Ok(piece)
    }

    fn taken(&self, name: &str) -> Option<Placeholder> {
        let number = self.rules.taken.iter().position(|taken| taken.name == name)?;
        let secret = self.rules.taken.get(number)?.secret;
        Some(Placeholder::Taken { number: u8::try_from(number).ok()?, secret })
    }

    fn fritzbox(&mut self) -> Result<Option<Piece>, TemplateError> {
        let start = self.at;
        if self.starts_with("<b64>") {
            self.at += 5;
            let kind = std::mem::replace(&mut self.kind, Kind::Text);
            let literal = std::mem::take(&mut self.literal);
            let inner = self.scan(End::Base64)?;
            self.kind = kind;
            self.literal = literal;
            return Ok(Some(Piece::Base64 { inner, position: self.position() }));
        }
        let Some(name) = self.bracketed('>', |c| c.is_ascii_alphanumeric()) else { return Ok(None) };
        match find(FRITZBOX, &name) {
            Some(placeholder) => {
                let piece = self.slot(placeholder, Vec::new(), &name)?;
                self.at += name.len() + 2;
                Ok(Some(piece))
            }
            None if self.kind == Kind::Url => {
                Err(self.unknown(start, &format!("<{name}>"), nearest(FRITZBOX, &name)))
            }
            None => Ok(None),
        }
    }

    fn ddns_scripts(&mut self) -> Result<Option<Piece>, TemplateError> {
        let start = self.at;
        let Some(name) = self.bracketed(']', |c| c.is_ascii_uppercase()) else { return Ok(None) };
        match find(DDNS_SCRIPTS, &name) {
            Some(placeholder) => {
                // ddns-scripts encodes PARAMENC and leaves PARAMOPT as it is.
                let raw = if placeholder == Placeholder::ParamOpt { vec![Filter::Raw] } else { Vec::new() };
                let piece = self.slot(placeholder, raw, &name)?;
                self.at += name.len() + 2;
                Ok(Some(piece))
            }
            None if self.kind == Kind::Url => {
                Err(self.unknown(start, &format!("[{name}]"), nearest(DDNS_SCRIPTS, &name)))
            }
            None => Ok(None),
        }
    }

    fn inadyn(&mut self) -> Result<Option<Piece>, TemplateError> {
        let Some(letter) = self.next() else { return Ok(None) };
        let name = letter.to_string();
        let Some(placeholder) = find(INADYN, &name) else { return Ok(None) };
        let piece = self.slot(placeholder, Vec::new(), &name)?;
        self.at += 2;
        Ok(Some(piece))
    }

    fn slot(
        &self,
        placeholder: Placeholder,
        filters: Vec<Filter>,
        name: &str,
    ) -> Result<Piece, TemplateError> {
        use Placeholder::{Host, Label, Path, Server, Zone};
        let url = self.rules.kind == Kind::Url;
        // `{server}{path}`: the path brings its own slash.
        let misplaced = if placeholder == Server {
            !url || self.at != 0
        } else {
            url && self.part == Part::Authority && !matches!(placeholder, Host | Label | Path | Zone)
        };
        if misplaced {
            return Err(self.mistake(self.at, Mistake::Misplaced(quoted(name))));
        }
        if self.rules.kind == Kind::Pattern && placeholder.is_secret() {
            return Err(self.mistake(self.at, Mistake::SecretInPattern(quoted(name))));
        }
        Ok(Piece::Slot { placeholder, filters, position: self.position() })
    }

    fn literal_char(&mut self, c: char) -> Result<(), TemplateError> {
        let start = self.at;
        self.at += 1;
        if matches!(c, '{' | '}') && self.kind != Kind::Json && self.chars.get(self.at) == Some(&c) {
            self.at += 1;
            self.literal.push_str(match (self.kind == Kind::Url, c) {
                (true, '{') => "%7B",
                (true, _) => "%7D",
                (false, '{') => "{",
                (false, _) => "}",
            });
            return Ok(());
        }
        if c == '}' && self.is_strict() {
            return Err(self.mistake(start, Mistake::Stray));
        }
        if self.kind == Kind::Url {
            return self.url_char(start, c);
        }
        if self.kind == Kind::Header && c.is_control() {
            return Err(self.mistake(start, Mistake::Illegal(c)));
        }
        self.literal.push(c);
        Ok(())
    }

    fn url_char(&mut self, start: usize, c: char) -> Result<(), TemplateError> {
        match c {
            '#' => return Err(self.mistake(start, Mistake::Fragment)),
            '@' if self.part == Part::Authority => return Err(self.mistake(start, Mistake::Credentials)),
            '/' if self.part == Part::Authority => self.part = Part::Path,
            '?' if self.part != Part::Query => self.part = Part::Query,
            '%' if self.rules.syntax == Syntax::User && self.chars.get(self.at) == Some(&'%') => self.at += 1,
            '%' => {
                let digits =
                    self.chars.iter().skip(self.at).take(2).filter(|c| c.is_ascii_hexdigit()).count();
                if digits < 2 {
                    return Err(self.mistake(start, Mistake::BadPercent));
                }
            }
            '"' | '<' | '>' | '\\' | '^' | '`' | '|' => return Err(self.mistake(start, Mistake::Illegal(c))),
            c if !c.is_ascii_graphic() => return Err(self.mistake(start, Mistake::Illegal(c))),
            _ => {}
        }
        self.literal.push(c);
        Ok(())
    }

    /// In a URL, a form or a header field a brace is always a placeholder; elsewhere it may be part of a document.
    fn is_strict(&self) -> bool {
        matches!(self.kind, Kind::Form | Kind::Header | Kind::Url)
    }

    fn position(&self) -> Position {
        match (self.kind, self.part) {
            (Kind::Url, Part::Query) => Position::Query,
            (Kind::Url, Part::Authority | Part::Path) => Position::Path,
            (Kind::Form, _) => Position::Form,
            (Kind::Header, _) => Position::Header,
            (Kind::Json, _) => Position::Json,
            (Kind::Pattern | Kind::Text, _) => Position::Text,
            (Kind::Xml, _) => Position::Xml,
        }
    }

    fn next(&self) -> Option<char> {
        self.chars.get(self.at + 1).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().eq(self.chars.iter().skip(self.at).take(text.len()).copied())
    }

    /// The word between the bracket here and `close`, if it is made of `allowed` characters only.
    fn bracketed(&self, close: char, allowed: impl Fn(char) -> bool) -> Option<String> {
        let rest = self.chars.get(self.at + 1..)?;
        let length = rest.iter().position(|c| !allowed(*c))?;
        (length > 0 && rest.get(length) == Some(&close)).then(|| rest.iter().take(length).collect())
    }

    fn unknown(&self, at: usize, name: &str, nearest: Option<&'static str>) -> TemplateError {
        self.mistake(at, Mistake::UnknownPlaceholder { name: quoted(name), nearest })
    }

    fn mistake(&self, at: usize, mistake: Mistake) -> TemplateError {
        TemplateError { template: self.name.to_owned(), column: at + 1, mistake }
    }
}

/// A word as it may be quoted: what is longer than any placeholder could be a pasted secret.
fn quoted(word: &str) -> String {
    const LONGEST: usize = 24;
    if word.chars().count() <= LONGEST { word.to_owned() } else { MASK.to_owned() }
}
