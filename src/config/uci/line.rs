//! Words of one logical line of UCI: several lines of the text where a quote or a backslash joins them.
//!
//! libuci works in one buffer that it fills with `fgets` and cuts by writing zero bytes into it. What that means is
//! kept here, not how it is done: a cut hides the rest of the line, a fetch replaces it by the next line of the text.

use super::grammar::{Doubt, Refusal, Why};

pub(super) struct Line<'a> {
    text: &'a [u8],
    /// How much of the text was fetched.
    fetched: usize,
    bytes: Vec<u8>,
    /// Where the pieces of `bytes` begin, here and in the text.
    pieces: Vec<(usize, usize)>,
    pos: usize,
    /// Size of libuci's buffer. It only matters once there are zero bytes: what `fgets` reads behind one is lost.
    capacity: usize,
    pub(super) doubts: Vec<(usize, Doubt)>,
}

/// A word without its quotes and backslashes.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) bytes: Vec<u8>,
    pub(super) at: usize,
}

/// `LINEBUF` of libuci's file.c.
const CAPACITY: usize = 32;
/// Here we stop to double it; libuci's `fgets` would be given a negative size soon after, and never end.
const CAPACITY_MAX: usize = 1 << 30;

impl<'a> Line<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            fetched: 0,
            bytes: Vec::new(),
            pieces: Vec::new(),
            pos: 0,
            capacity: CAPACITY,
            doubts: Vec::new(),
        }
    }

    /// Goes to the next line of the text; `false`: there is none. What is left of this one is dropped.
    pub(super) fn next(&mut self) -> Result<bool, Refusal> {
        if self.fetched >= self.text.len() {
            return Ok(false);
        }
        self.pos = 0;
        self.fetch()?;
        self.skip(is_space);
        Ok(true)
    }

    /// Whether nothing is left of the line.
    pub(super) fn is_over(&self) -> bool {
        self.pos >= self.bytes.len()
    }

    /// The offset in the text.
    fn offset(&self) -> usize {
        // What is missing is missing behind the last word, not on the next line.
        let pos = if self.is_over() { self.bytes.trim_ascii_end().len() } else { self.pos };
        let piece = self.pieces.partition_point(|(begin, _)| *begin <= pos);
        let piece = piece.checked_sub(1).and_then(|piece| self.pieces.get(piece));
        piece.map_or(self.fetched, |(begin, from)| from + (pos - begin))
    }

    /// The next word between blanks, whatever it is made of, and its offset. Other white space is part of it.
    pub(super) fn command(&mut self) -> (&[u8], usize) {
        self.skip(is_blank);
        let (begin, at) = (self.pos, self.offset());
        while self.peek().is_some_and(|byte| !is_blank(byte)) {
            self.pos += 1;
        }
        (self.bytes.get(begin..self.pos).unwrap_or_default(), at)
    }

    /// The next word; empty: there is none before the end of the command.
    pub(super) fn word(&mut self) -> Result<Word, Refusal> {
        self.skip(is_space);
        let (begin, at) = (self.pos, self.offset());
        if self.peek() == Some(b';') {
            self.pos += 1;
            return Ok(Word { bytes: Vec::new(), at });
        }
        let mut bytes = Vec::new();
        loop {
            match self.peek() {
                None => break,
                Some(quote @ (b'\'' | b'"')) => self.quoted(quote, &mut bytes)?,
                Some(b'\\') => self.escaped(&mut bytes)?,
                Some(b'#') => {
                    self.comment(begin);
                    break;
                }
                Some(b';') => {
                    // libuci ends the word where it stands in its buffer: without quotes that is on the ';' itself.
                    if bytes.len() == self.pos - begin {
                        self.hide();
                    }
                    return Ok(Word { bytes, at });
                }
                Some(byte) => {
                    bytes.push(byte);
                    self.pos += 1;
                }
            }
            if self.peek().is_none_or(is_space) {
                break;
            }
        }
        if !self.is_over() {
            self.pos += 1;
        }
        Ok(Word { bytes, at })
    }

    fn comment(&mut self, begin: usize) {
        let before = self.pos.checked_sub(1).and_then(|at| self.bytes.get(at));
        if self.pos > begin && before.is_some_and(|byte| !matches!(byte, b'\'' | b'"')) {
            self.doubts.push((self.offset(), Doubt::Comment));
        }
        self.bytes.truncate(self.pos);
    }

    fn hide(&mut self) {
        let rest = self.bytes.get(self.pos + 1..).unwrap_or_default();
        let means = rest.iter().find(|byte| !is_space(**byte));
        if means.is_some_and(|byte| *byte != b'#') {
            self.doubts.push((self.offset(), Doubt::Hidden));
        }
        self.bytes.truncate(self.pos);
    }

    fn quoted(&mut self, quote: u8, bytes: &mut Vec<u8>) -> Result<(), Refusal> {
        let at = self.offset();
        self.pos += 1;
        loop {
            match self.peek() {
                Some(byte) if byte == quote => {
                    self.pos += 1;
                    return Ok(());
                }
                Some(b'\\') if quote == b'"' => self.escaped(bytes)?,
                Some(byte) => {
                    bytes.push(byte);
                    self.pos += 1;
                }
                None => {
                    self.fetch()?;
                    if self.is_over() {
                        return Err(Refusal { at, why: Why::Unclosed(char::from(quote)) });
                    }
                }
            }
        }
    }

    /// A backslash and what it protects; at the end of a line it joins the next one.
    fn escaped(&mut self, bytes: &mut Vec<u8>) -> Result<(), Refusal> {
        self.pos += 1;
        match self.bytes.get(self.pos..).unwrap_or_default() {
            [] | [b'\n', ..] | [b'\r', b'\n'] => self.fetch(),
            [byte, ..] => {
                bytes.push(*byte);
                self.pos += 1;
                Ok(())
            }
        }
    }

    /// Replaces what is behind the position by the next line of the text.
    fn fetch(&mut self) -> Result<(), Refusal> {
        self.bytes.truncate(self.pos);
        while self.pieces.last().is_some_and(|(begin, _)| *begin >= self.pos) {
            self.pieces.pop();
        }
        if self.pos + 1 >= self.capacity {
            self.capacity *= 2;
        }
        loop {
            let rest = self.text.get(self.fetched..).unwrap_or_default();
            let room = self.capacity.saturating_sub(self.bytes.len() + 1);
            let read = rest.get(..room).unwrap_or(rest);
            let read = read.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
            let seen = read.split(|byte| *byte == 0).next().unwrap_or_default();
            let from = self.fetched;
            self.fetched += read.len();
            if seen.is_empty() {
                return Ok(());
            }
            self.pieces.push((self.bytes.len(), from));
            self.bytes.extend_from_slice(seen);
            if seen.ends_with(b"\n") {
                return Ok(());
            }
            if self.capacity >= CAPACITY_MAX {
                return Err(Refusal { at: from, why: Why::ZeroBytes });
            }
            self.capacity *= 2;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    fn skip(&mut self, is_skipped: fn(u8) -> bool) {
        while self.peek().is_some_and(is_skipped) {
            self.pos += 1;
        }
    }
}

/// `isspace` of the C locale.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What libuci splits commands at.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
