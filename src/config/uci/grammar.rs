//! The grammar of UCI: bytes → sections, or the first thing that libuci refuses in its strict mode.
//!
//! What is accepted, and as what, equals file.c, util.c and list.c of openwrt/uci as of 2025-11, oddities included: they
//! decide what the same file means to `uci show` and to LuCI. A test compares both. Nothing here knows our options.

use litemap::LiteMap;

use super::line::{Line, Word};

/// A file that libuci would load.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Package {
    /// In the order of the file; those of the same name and type are one.
    pub sections: Vec<Section>,
    /// What libuci accepts and nobody means, with its offset.
    pub doubts: Vec<(usize, Doubt)>,
}

/// One section.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Section {
    /// Printable ASCII without blanks.
    pub kind: String,
    /// ASCII letters, digits and `_`; libuci's own `cfg…` name if none was written.
    pub name: String,
    /// Whether no name was written.
    pub anonymous: bool,
    /// Offset of the type.
    pub kind_at: usize,
    /// Offset of the name, or of the type if there is no name.
    pub name_at: usize,
    /// No name occurs twice.
    pub settings: Vec<Setting>,
}

/// One option or list of a section.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting {
    /// ASCII letters, digits and `_`.
    pub name: String,
    /// Offset of the name, where it was written last.
    pub at: usize,
    /// What it holds.
    pub value: Value,
}

/// What an option or a list holds: any bytes but zero bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Value {
    /// Each entry with its offset; an entry may be empty.
    List(Vec<(Vec<u8>, usize)>),
    /// Never empty, with its offset.
    Text(Vec<u8>, usize),
}

/// What libuci accepts and nobody means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Doubt {
    /// A `#` within an unquoted word begins a comment.
    Comment,
    /// A `;` that touches an unquoted word hides the rest of the line.
    Hidden,
}

/// Why libuci does not load the file, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// Offset of what is wrong.
    pub at: usize,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with a file, in libuci's words for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// "invalid character in name field".
    BadName,
    /// "invalid character in type field".
    BadType,
    /// "option/list command found before the first section".
    BeforeSection,
    /// "package without name", "config without name", "option without name": the file ends behind the word.
    EndOfFile,
    /// "section of different type overwrites prior section with same name".
    OtherType,
    /// "insufficient arguments".
    TooFew,
    /// "too many arguments".
    TooMany,
    /// "EOF with unterminated" quote.
    Unclosed(char),
    /// "invalid command".
    UnknownCommand,
    /// Ours: so many zero bytes that libuci's buffer, which doubles at each of them, would fill the memory.
    ZeroBytes,
}

/// Reads a file.
///
/// # Errors
///
/// The first thing that libuci refuses. It loads nothing of such a file.
pub fn parse(text: &[u8]) -> Result<Package, Refusal> {
    let mut parser =
        Parser { line: Line::new(text), sections: Vec::new(), by_name: LiteMap::new(), open: None };
    while parser.line.next()? {
        parser.commands()?;
    }
    let sections = parser.sections.into_iter().map(|open| open.section).collect();
    Ok(Package { sections, doubts: parser.line.doubts })
}

struct Parser<'a> {
    line: Line<'a>,
    sections: Vec<Open>,
    by_name: LiteMap<String, usize>,
    /// The section that options belong to: not always the last, as one that is named again is opened again.
    open: Option<usize>,
}

struct Open {
    section: Section,
    by_name: LiteMap<String, usize>,
}

#[derive(Clone, Copy)]
enum Command {
    Config,
    List,
    Option,
    Package,
}

impl Command {
    fn of(word: &[u8]) -> Option<Self> {
        match word {
            b"c" | b"config" => Some(Self::Config),
            b"l" | b"list" => Some(Self::List),
            b"o" | b"option" => Some(Self::Option),
            b"p" | b"package" => Some(Self::Package),
            _ => None,
        }
    }
}

impl Parser<'_> {
    /// The commands of one line.
    fn commands(&mut self) -> Result<(), Refusal> {
        loop {
            let (word, at) = self.line.command();
            if word.first().is_none_or(|byte| *byte == b'#') {
                return Ok(());
            }
            let Some(command) = Command::of(word) else {
                return Err(Refusal { at, why: Why::UnknownCommand });
            };
            if matches!(command, Command::List | Command::Option) && self.open.is_none() {
                return Err(Refusal { at, why: Why::BeforeSection });
            }
            if self.line.is_over() {
                return Err(Refusal { at, why: Why::EndOfFile });
            }
            match command {
                Command::Config => self.config()?,
                Command::List => self.list()?,
                Command::Option => self.option()?,
                // libuci knows a better name already: that of the file.
                Command::Package => {
                    self.name(|byte| is_name(byte) || byte == b'-')?;
                    self.end()?;
                }
            }
        }
    }

    fn config(&mut self) -> Result<(), Refusal> {
        let kind = self.line.word()?;
        if kind.bytes.is_empty() {
            return Err(Refusal { at: kind.at, why: Why::TooFew });
        }
        let kind_at = kind.at;
        let kind = ascii(kind, |byte| byte.is_ascii_graphic(), Why::BadType)?;
        let word = self.line.word()?;
        let at = word.at;
        let name = ascii(word, is_name, Why::BadName)?;
        self.end()?;
        if name.is_empty() {
            let name = format!("cfg{:02x}{:04x}", self.sections.len() + 1, hash(&kind) % (1 << 16));
            self.add(Section {
                kind,
                name,
                anonymous: true,
                kind_at,
                name_at: kind_at,
                settings: Vec::new(),
            });
            return Ok(());
        }
        let Some(known) = self.by_name.get(&name).copied() else {
            self.add(Section { kind, name, anonymous: false, kind_at, name_at: at, settings: Vec::new() });
            return Ok(());
        };
        if self.sections.get(known).is_none_or(|known| known.section.kind != kind) {
            return Err(Refusal { at, why: Why::OtherType });
        }
        self.open = Some(known);
        Ok(())
    }

    fn add(&mut self, section: Section) {
        let index = self.sections.len();
        // A written name may be one that libuci has made up; the first of that name is found.
        self.by_name.entry(section.name.clone()).or_insert(index);
        self.sections.push(Open { section, by_name: LiteMap::new() });
        self.open = Some(index);
    }

    fn option(&mut self) -> Result<(), Refusal> {
        let (name, at, word) = self.name_and_value()?;
        // An empty value neither makes an option nor changes one.
        if !word.bytes.is_empty() {
            let value = Value::Text(word.bytes, word.at);
            if let Some(setting) = self.setting(&name, at) {
                setting.value = value;
            }
        }
        Ok(())
    }

    fn list(&mut self) -> Result<(), Refusal> {
        let (name, at, word) = self.name_and_value()?;
        let Some(setting) = self.setting(&name, at) else { return Ok(()) };
        let entry = (word.bytes, word.at);
        match &mut setting.value {
            Value::List(entries) => entries.push(entry),
            Value::Text(text, text_at) => {
                let first = (std::mem::take(text), *text_at);
                setting.value = Value::List(vec![first, entry]);
            }
        }
        Ok(())
    }

    fn name_and_value(&mut self) -> Result<(String, usize, Word), Refusal> {
        let (name, at) = self.name(is_name)?;
        let value = self.line.word()?;
        self.end()?;
        Ok((name, at, value))
    }

    /// The option of that name in the open section; a new one is an empty list.
    fn setting(&mut self, name: &str, at: usize) -> Option<&mut Setting> {
        let open = self.sections.get_mut(self.open?)?;
        let settings = &mut open.section.settings;
        let index = *open.by_name.entry(name.to_owned()).or_insert(settings.len());
        if index == settings.len() {
            settings.push(Setting { name: name.to_owned(), at, value: Value::List(Vec::new()) });
        }
        let setting = settings.get_mut(index)?;
        setting.at = at;
        Some(setting)
    }

    fn name(&mut self, is_part: fn(u8) -> bool) -> Result<(String, usize), Refusal> {
        let word = self.line.word()?;
        let at = word.at;
        if word.bytes.is_empty() {
            return Err(Refusal { at, why: Why::TooFew });
        }
        Ok((ascii(word, is_part, Why::BadName)?, at))
    }

    /// Nothing more may come in this command.
    fn end(&mut self) -> Result<(), Refusal> {
        let word = self.line.word()?;
        if word.bytes.is_empty() { Ok(()) } else { Err(Refusal { at: word.at, why: Why::TooMany }) }
    }
}

/// `uci_validate_str` of libuci's util.c.
fn ascii(word: Word, is_part: impl Fn(u8) -> bool, why: Why) -> Result<String, Refusal> {
    let refused = Refusal { at: word.at, why };
    if !word.bytes.iter().all(|byte| is_part(*byte)) {
        return Err(refused);
    }
    String::from_utf8(word.bytes).map_err(|_| refused)
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The hash of D. J. Bernstein, as libuci names sections by it. In a file that is only over the type: the name is made
/// before the options are read.
fn hash(kind: &str) -> u32 {
    let hash = |hash: u32, byte| hash.wrapping_mul(33).wrapping_add(u32::from(byte));
    kind.bytes().fold(5381, hash) & 0x7fff_ffff
}
