//! One condition on an answer: `word:good`, `status:5xx`, `json:/code=0 && status:200`.

use std::fmt;

use regex_lite::Regex;
use serde_json::Value;

use super::super::Reply;
use super::super::template::{Kind, Rules, Syntax, Template, TemplateError, Values};

/// All its parts must hold.
#[derive(Clone, Debug)]
pub(in crate::provider) struct Matcher {
    parts: Vec<Part>,
    exact: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Contains(Template),
    Empty,
    Equals(Template),
    Header { name: String, value: Template },
    Json { pointer: String, test: JsonTest },
    Prefix(Template),
    Regex(Regex),
    Status(StatusRange),
    Word(Template),
    Xml { tag: String, value: Template },
}

#[derive(Clone, Debug)]
enum JsonTest {
    Contains(Template),
    Differs(Template),
    Equals(Template),
    Exists,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct StatusRange {
    first: u16,
    last: u16,
}

/// What a matcher looks at: the reply, and the part of its body that is in question.
pub(super) struct Subject<'a> {
    pub(super) reply: &'a Reply,
    /// The whole body, or one line of it.
    pub(super) text: &'a str,
    pub(super) values: &'a Values<'a>,
}

impl Matcher {
    /// Reads a condition; `name` is how mistakes refer to it.
    ///
    /// # Errors
    /// The first mistake.
    pub(in crate::provider) fn parse(name: &str, text: &str, syntax: Syntax) -> Result<Self, MatcherError> {
        let mut matcher = Self { parts: Vec::new(), exact: false };
        for part in text.split(" && ") {
            if part.trim() == "case" {
                matcher.exact = true;
            } else {
                let wrong =
                    |mistake| MatcherError { matcher: name.to_owned(), text: part.to_owned(), mistake };
                matcher.parts.push(Part::parse(name, part, syntax).map_err(wrong)?);
            }
        }
        if matcher.parts.is_empty() {
            let text = text.to_owned();
            return Err(MatcherError { matcher: name.to_owned(), text, mistake: MatcherMistake::Kind });
        }
        Ok(matcher)
    }

    /// Whether only the status decides: such a condition is asked last.
    pub(in crate::provider) fn is_status_only(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Status(_)))
    }

    /// Whether it holds for a whole answer.
    pub(in crate::provider) fn judges(&self, reply: &Reply, values: &Values<'_>) -> bool {
        self.holds(&Subject { reply, text: &reply.body, values })
    }

    pub(super) fn names_status(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Status(_)))
    }

    pub(super) fn holds(&self, subject: &Subject<'_>) -> bool {
        self.parts.iter().all(|part| part.holds(subject, self.exact))
    }
}

impl Part {
    fn parse(name: &str, part: &str, syntax: Syntax) -> Result<Self, MatcherMistake> {
        let Some((kind, text)) = part.trim().split_once(':') else { return Err(MatcherMistake::Kind) };
        let pattern = |text: &str| {
            let rules = Rules { syntax, ..Rules::entry(Kind::Pattern) };
            if text.is_empty() {
                return Err(MatcherMistake::Empty);
            }
            Template::parse(name, text, &rules).map_err(|error| MatcherMistake::Template(Box::new(error)))
        };
        let pair = || text.split_once('=').ok_or(MatcherMistake::Equals);
        match kind {
            "contains" => pattern(text).map(Self::Contains),
            "empty" => Ok(Self::Empty),
            "equals" => pattern(text).map(Self::Equals),
            "header" => {
                let (name, value) = pair()?;
                Ok(Self::Header { name: name.trim().to_ascii_lowercase(), value: pattern(value)? })
            }
            "json" => Self::json(text, pattern),
            "prefix" => pattern(text).map(Self::Prefix),
            "regex" => Regex::new(text).map(Self::Regex).map_err(|e| MatcherMistake::Regex(e.to_string())),
            "status" => StatusRange::parse(text).map(Self::Status).ok_or(MatcherMistake::Status),
            "word" => pattern(text).map(Self::Word),
            "xml" => {
                let (tag, value) = pair()?;
                Ok(Self::Xml { tag: tag.trim().to_owned(), value: pattern(value)? })
            }
            _ => Err(MatcherMistake::Kind),
        }
    }

    fn json(
        text: &str,
        pattern: impl Fn(&str) -> Result<Template, MatcherMistake>,
    ) -> Result<Self, MatcherMistake> {
        let (pointer, test) = if let Some(pointer) = text.strip_suffix('?') {
            (pointer, JsonTest::Exists)
        } else {
            let at = text.find(['=', '!', '~']).ok_or(MatcherMistake::Json)?;
            let (pointer, rest) = text.split_at(at);
            let test = if let Some(value) = rest.strip_prefix("!=") {
                JsonTest::Differs(pattern(value)?)
            } else if let Some(value) = rest.strip_prefix('~') {
                JsonTest::Contains(pattern(value)?)
            } else if let Some(value) = rest.strip_prefix('=') {
                JsonTest::Equals(pattern(value)?)
            } else {
                return Err(MatcherMistake::Json);
            };
            (pointer, test)
        };
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(MatcherMistake::Json);
        }
        Ok(Self::Json { pointer: pointer.to_owned(), test })
    }

    fn holds(&self, subject: &Subject<'_>, exact: bool) -> bool {
        let body = subject.text.trim();
        let fill = |template: &Template| template.render(subject.values).sent.to_string();
        let case = |text: &str| if exact { text.to_owned() } else { text.to_ascii_lowercase() };
        match self {
            Self::Contains(text) => case(body).contains(&case(&fill(text))),
            Self::Empty => body.is_empty(),
            Self::Equals(text) => case(body) == case(fill(text).trim()),
            Self::Header { name, value } => subject.reply.headers.iter().any(|(key, text)| {
                key.eq_ignore_ascii_case(name) && case(text.trim()) == case(fill(value).trim())
            }),
            Self::Json { pointer, test } => {
                json_value(body).is_some_and(|json| test.holds(json.pointer(pointer), fill, case))
            }
            Self::Prefix(text) => case(body).starts_with(&case(&fill(text))),
            Self::Regex(regex) => regex.is_match(body),
            Self::Status(range) => range.contains(subject.reply.status),
            Self::Word(text) => case(first_word(body)) == case(&fill(text)),
            Self::Xml { tag, value } => {
                element(body, tag).is_some_and(|text| case(text.trim()) == case(fill(value).trim()))
            }
        }
    }
}

impl JsonTest {
    fn holds(
        &self,
        value: Option<&Value>,
        fill: impl Fn(&Template) -> String,
        case: impl Fn(&str) -> String,
    ) -> bool {
        let Some(value) = value else { return matches!(self, Self::Differs(_)) };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match self {
            Self::Contains(part) => case(&text).contains(&case(&fill(part))),
            Self::Differs(other) => case(&text) != case(&fill(other)),
            Self::Equals(same) => case(&text) == case(&fill(same)),
            Self::Exists => true,
        }
    }
}

impl StatusRange {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(hundreds) = text.strip_suffix("xx") {
            let hundreds: u16 = hundreds.parse().ok().filter(|n| (1..=5).contains(n))?;
            return Some(Self { first: hundreds * 100, last: hundreds * 100 + 99 });
        }
        let code: u16 = text.parse().ok().filter(|n| (100..=599).contains(n))?;
        Some(Self { first: code, last: code })
    }

    fn contains(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

/// The first word of a line: up to white space or a comma, colon, semicolon or bar. `goodbye` is not `good`.
pub(super) fn first_word(line: &str) -> &str {
    let end = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | ';' | '|');
    line.trim_start().split(end).next().unwrap_or_default()
}

/// A JSON document, also one with words around it (1984.is).
fn json_value(body: &str) -> Option<Value> {
    if let Ok(value) = serde_json::from_slice(body.as_bytes()) {
        return Some(value);
    }
    let (from, to) = (body.find('{')?, body.rfind('}')?);
    serde_json::from_slice(body.get(from..=to)?.as_bytes()).ok()
}

/// The text of the first element of this name, found textually: one provider names an encoding that it does not use.
pub(super) fn element<'a>(body: &'a str, tag: &str) -> Option<&'a str> {
    let mut rest = body;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at + 1..)?;
        let Some(after) = rest.get(..tag.len()).filter(|name| name.eq_ignore_ascii_case(tag)) else {
            continue;
        };
        let inner = rest.get(after.len()..)?;
        if inner.starts_with(|c: char| c == '>' || c.is_whitespace()) {
            let text = inner.get(inner.find('>')? + 1..)?;
            return text.get(..text.find('<')?);
        }
    }
    None
}

/// A mistake in a condition: whoever wrote it can mend it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatcherError {
    /// The condition's name: `answers.ok`, or the option that holds it.
    pub matcher: String,
    /// The part that is wrong, as written.
    pub text: String,
    /// What is wrong.
    pub mistake: MatcherMistake,
}

/// The mistakes that a condition can hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MatcherMistake {
    /// Nothing to compare with.
    Empty,
    /// A header or an XML element without its value.
    Equals,
    /// Not a JSON pointer (RFC 6901) with `=`, `!=`, `~` or `?`.
    Json,
    /// No such kind of condition.
    Kind,
    /// Not a regular expression.
    Regex(String),
    /// Not a status code.
    Status,
    /// A mistake in a placeholder.
    Template(Box<TemplateError>),
}

impl fmt::Display for MatcherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: '{}': ", self.matcher, self.text)?;
        match &self.mistake {
            MatcherMistake::Empty => f.write_str("nothing to compare with; write the text after the colon"),
            MatcherMistake::Equals => f.write_str("write name=value after the colon"),
            MatcherMistake::Json => f.write_str(
                "write /pointer=value, /pointer!=value, /pointer~part or /pointer? after the colon",
            ),
            MatcherMistake::Kind => f.write_str(
                "begin with one of word: prefix: equals: contains: regex: empty: status: header: json: xml:",
            ),
            MatcherMistake::Regex(words) => write!(f, "not a regular expression: {words}"),
            MatcherMistake::Status => f.write_str("write a code from 100 to 599, or a class such as 5xx"),
            MatcherMistake::Template(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for MatcherError {}
