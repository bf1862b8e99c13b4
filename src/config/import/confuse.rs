//! The language of libconfuse 3 as far as inadyn's options use it: options, lists, sections with a title, `include(…)`.
//!
//! Words are split as its `src/lexer.l` does it.

use super::super::value::Fault;

/// One option, section or call.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) at: usize,
    pub(super) value: Value,
}

/// What stands behind a name.
pub(super) enum Value {
    /// The argument of a call: `include("…")`.
    Call(String),
    /// A section: its title and its options.
    Section(String, Vec<Item>),
    /// `= value` or `= { value, value }`.
    Words(Vec<Word>),
}

/// A value.
#[derive(Clone)]
pub(super) struct Word {
    pub(super) text: String,
    /// Whether it is or holds an environment variable: then it is not known here.
    pub(super) from_environment: bool,
}

/// Reads a file.
///
/// # Errors
///
/// The first thing that is not understood; what follows it is guesswork.
pub(super) fn parse(text: &str) -> Result<Vec<Item>, Fault> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.len() };
    let mut items = Vec::new();
    while let Some(item) = parser.item(true)? {
        items.push(item);
    }
    Ok(items)
}

enum Token {
    Symbol(char),
    Word(Word),
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
}

impl Parser {
    fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(at, _)| *at)
    }

    fn symbol(&mut self, wanted: char) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((_, Token::Symbol(c))) if *c == wanted);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self) -> Option<Word> {
        let Some((_, Token::Word(word))) = self.tokens.get(self.at) else { return None };
        self.at += 1;
        Some(word.clone())
    }

    fn wrong(&self, what: &str, mend: &str) -> Fault {
        Fault::new(self.offset(), what, mend)
    }

    /// The next item; `None` at the end of the file or of the section.
    fn item(&mut self, is_top: bool) -> Result<Option<Item>, Fault> {
        let at = self.offset();
        if self.at >= self.tokens.len() {
            return if is_top {
                Ok(None)
            } else {
                Err(self.wrong("a '}' is missing here", "close the section with '}'"))
            };
        }
        if !is_top && self.symbol('}') {
            return Ok(None);
        }
        let Some(name) = self.word() else {
            return Err(self.wrong("the name of an option is missing here", "write: name = value"));
        };
        let value = if self.symbol('=') || self.symbol('+') {
            Value::Words(self.values()?)
        } else if self.symbol('(') {
            self.call()?
        } else if is_top {
            self.section()?
        } else {
            return Err(self.wrong("a '=' is missing here", "write: name = value"));
        };
        Ok(Some(Item { name: name.text, at, value }))
    }

    fn values(&mut self) -> Result<Vec<Word>, Fault> {
        const MEND: &str = "write: name = value, or name = { value, value }";
        if !self.symbol('{') {
            let word = self.word().ok_or_else(|| self.wrong("a value is missing here", MEND))?;
            return Ok(vec![word]);
        }
        let mut words = Vec::new();
        loop {
            if self.symbol('}') {
                return Ok(words);
            }
            words.push(self.word().ok_or_else(|| self.wrong("a value or '}' is missing here", MEND))?);
            if !self.symbol(',') {
                let closed = self.symbol('}');
                return if closed {
                    Ok(words)
                } else {
                    Err(self.wrong("a ',' or '}' is missing here", MEND))
                };
            }
        }
    }

    fn call(&mut self) -> Result<Value, Fault> {
        let argument = self.word().map(|word| word.text);
        if !self.symbol(')') {
            return Err(self.wrong("a ')' is missing here", "write: include(\"/path\")"));
        }
        Ok(Value::Call(argument.unwrap_or_default()))
    }

    fn section(&mut self) -> Result<Value, Fault> {
        let title = self.word().map_or_else(String::new, |word| word.text);
        if !self.symbol('{') {
            return Err(
                self.wrong("a '=' or '{' is missing here", "write: name = value, or provider NAME { … }")
            );
        }
        let mut items = Vec::new();
        while let Some(item) = self.item(false)? {
            items.push(item);
        }
        Ok(Value::Section(title, items))
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let begin = at;
        let line = || rest.find('\n').unwrap_or(rest.len());
        let c = rest.chars().next().unwrap_or_default();
        match c {
            '#' => at += line(),
            '/' if rest.starts_with("//") => at += line(),
            '/' if rest.starts_with("/*") => {
                let unclosed = || Fault::new(begin, "this comment is not closed", "end it with */");
                at += rest.find("*/").ok_or_else(unclosed)? + 2;
            }
            '+' if rest.starts_with("+=") => {
                tokens.push((begin, Token::Symbol('+')));
                at += 2;
            }
            '{' | '}' | '(' | ')' | '=' | ',' => {
                tokens.push((begin, Token::Symbol(c)));
                at += 1;
            }
            '"' | '\'' => {
                let (word, length) = quoted(rest, c).ok_or_else(|| {
                    let mend = format!("add the second {c} at the end of the value");
                    Fault::new(begin, "this quote is not closed", mend)
                })?;
                tokens.push((begin, Token::Word(word)));
                at += length;
            }
            c if c.is_whitespace() || c == '+' => at += c.len_utf8(),
            _ => {
                let (word, length) = bare(rest);
                tokens.push((begin, Token::Word(word)));
                at += length;
            }
        }
    }
    Ok(tokens)
}

/// A word without quotes, and its length.
fn bare(rest: &str) -> (Word, usize) {
    if let Some(end) = rest.find('}').filter(|_| rest.starts_with("${")) {
        return (Word { text: String::new(), from_environment: true }, end + 1);
    }
    let ends = |(at, c): &(usize, char)| {
        let comment = rest.get(*at..).is_some_and(|rest| rest.starts_with("//") || rest.starts_with("/*"));
        comment || " #\"'\t\n\r={}()+,".contains(*c)
    };
    let end = rest.char_indices().find(ends).map_or(rest.len(), |(at, _)| at);
    // Whatever it is, the next word begins behind it.
    let end = end.max(rest.chars().next().map_or(1, char::len_utf8));
    (Word { text: rest.get(..end).unwrap_or_default().to_owned(), from_environment: false }, end)
}

/// A word in quotes, and its length with them; `None`: it is not closed.
fn quoted(rest: &str, quote: char) -> Option<(Word, usize)> {
    let mut word = Word { text: String::new(), from_environment: false };
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((word, at + 1)),
            '\\' => {
                let (_, next) = chars.next()?;
                match (quote, next) {
                    (_, '\n') => {}
                    ('\'', '\\' | '\'') => word.text.push(next),
                    ('\'', _) => word.text.extend(['\\', next]),
                    ('"', 'x') => word.text.push(number(&mut chars, 16, 2, 0)),
                    ('"', '0'..='7') => {
                        word.text.push(number(&mut chars, 8, 2, next.to_digit(8).unwrap_or(0)));
                    }
                    (_, next) => word.text.push(control(next)),
                }
            }
            '$' if quote == '"' && chars.peek().is_some_and(|(_, c)| *c == '{') => {
                word.from_environment = true;
                word.text.push(c);
            }
            c => word.text.push(c),
        }
    }
    None
}

/// The rest of an escape of up to `most` digits.
fn number(
    chars: &mut std::iter::Peekable<impl Iterator<Item = (usize, char)>>,
    radix: u32,
    most: usize,
    first: u32,
) -> char {
    let mut value = first;
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|(_, c)| c.to_digit(radix)) else { break };
        value = value * radix + digit;
        chars.next();
    }
    char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn control(c: char) -> char {
    match c {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'e' => '\u{1b}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        c => c,
    }
}
