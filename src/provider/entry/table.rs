//! A table of an entry, read field by field.
//!
//! Whatever does not fit is noted, and reading goes on with nothing in its place: so what reads the fields of a table is a
//! list of them, without a way out after each. With derives of serde for the same fields a router's program was 58 kB larger.

use std::slice::Iter;
use std::str::FromStr;

use litemap::LiteMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value of a table, with its place.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// What does not fit, and where.
#[derive(Debug)]
pub(super) struct Unfit {
    /// Byte of the text at which it begins.
    pub(super) at: usize,
    /// What is wrong.
    pub(super) words: String,
}

/// What can be read from a table.
pub(super) trait Fields {
    /// Asks for every field that there can be.
    fn read(table: &mut Table<'_>) -> Self;
}

/// Reads a document.
///
/// # Errors
/// The first thing that does not fit.
pub(super) fn read<T: Fields>(document: &Spanned<DeTable<'_>>) -> Result<T, Unfit> {
    let mut table = Table::new(document.get_ref(), document.span().start);
    let read = T::read(&mut table);
    table.close().map_or(Ok(read), Err)
}

/// The byte at which a field begins: `request.v4.url`; or the innermost table or list on the way to it that is there.
pub(super) fn place(document: &DeTable<'_>, field: &str) -> Option<usize> {
    let (mut table, mut at) = (document, None);
    for name in field.split('.') {
        let Some(value) = table.get(name) else { break };
        at = Some(value.span().start);
        let DeValue::Table(inner) = value.get_ref() else { break };
        table = inner;
    }
    at
}

/// A table, and what was asked of it.
pub(super) struct Table<'a> {
    fields: &'a DeTable<'a>,
    at: usize,
    known: Vec<&'static str>,
    unfit: Option<Unfit>,
}

impl<'a> Table<'a> {
    fn new(fields: &'a DeTable<'a>, at: usize) -> Self {
        Self { fields, at, known: Vec::new(), unfit: None }
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, field: &'static str) -> String {
        if !self.fields.contains_key(field) {
            self.object(self.at, format!("missing field `{field}`"));
        }
        self.maybe_text(field).unwrap_or_default()
    }

    pub(super) fn maybe_text(&mut self, field: &'static str) -> Option<String> {
        self.find(field).map(|value| self.as_text(value))
    }

    pub(super) fn texts(&mut self, field: &'static str) -> Vec<String> {
        self.find(field).map(|value| self.as_texts(value)).unwrap_or_default()
    }

    pub(super) fn pair(&mut self, field: &'static str) -> Option<[String; 2]> {
        let value = self.find(field)?;
        let texts = self.as_texts(value);
        let count = texts.len();
        let pair = texts.try_into().ok();
        if pair.is_none() {
            self.object(value.span().start, format!("a list of length {count}, expected two texts"));
        }
        pair
    }

    pub(super) fn flag(&mut self, field: &'static str) -> bool {
        let Some(value) = self.find(field) else { return false };
        value.get_ref().as_bool().or_else(|| self.expected("true or false", value)).unwrap_or_default()
    }

    /// A number without a fraction, of the type's range.
    pub(super) fn whole<T: TryFrom<i64>>(&mut self, field: &'static str) -> Option<T> {
        let value = self.find(field)?;
        let number = value.get_ref().as_integer();
        let number = number.and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        let number = number.and_then(|number| T::try_from(number).ok());
        number.or_else(|| self.expected("a whole number that is not too large", value))
    }

    /// A number in plain digits, with or without a fraction.
    pub(super) fn decimal(&mut self, field: &'static str) -> Option<f64> {
        let value = self.find(field)?;
        let whole = value.get_ref().as_integer().filter(|number| number.radix() == 10);
        let whole = whole.map(|number| number.as_str());
        let digits = value.get_ref().as_float().map(|number| number.as_str()).or(whole);
        let number = digits.and_then(decimal);
        number.or_else(|| self.expected("a number such as 1.5", value))
    }

    /// A text that is one of these words, as what the word means.
    pub(super) fn word<T: Copy>(&mut self, field: &'static str, words: &[(&str, T)]) -> Option<T> {
        let value = self.find(field)?;
        self.as_word(value, words)
    }

    /// Texts of which each is one of these words.
    pub(super) fn words<T: Copy>(&mut self, field: &'static str, words: &[(&str, T)]) -> Vec<T> {
        let Some(value) = self.find(field) else { return Vec::new() };
        self.members(value).filter_map(|value| self.as_word(value, words)).collect()
    }

    /// A text that means something else.
    pub(super) fn parsed<T: FromStr>(&mut self, field: &'static str, expected: &str) -> Option<T> {
        let value = self.find(field)?;
        let parsed = value.get_ref().as_str().and_then(|text| text.parse().ok());
        parsed.or_else(|| self.expected(expected, value))
    }

    pub(super) fn table<T: Fields>(&mut self, field: &'static str) -> Option<T> {
        let value = self.find(field)?;
        self.as_table(value)
    }

    pub(super) fn tables<T: Fields>(&mut self, field: &'static str) -> Vec<T> {
        let Some(value) = self.find(field) else { return Vec::new() };
        let mut tables = Vec::new();
        for value in self.members(value) {
            tables.extend(self.as_table(value));
        }
        tables
    }

    /// A table whose names are free.
    pub(super) fn map<T>(
        &mut self,
        field: &'static str,
        read: fn(&mut Self, &'a Value<'a>) -> T,
    ) -> LiteMap<String, T> {
        self.find(field).map(|value| self.as_map(value, read)).unwrap_or_default()
    }

    pub(super) fn as_map<T>(
        &mut self,
        value: &'a Value<'a>,
        read: fn(&mut Self, &'a Value<'a>) -> T,
    ) -> LiteMap<String, T> {
        let mut map = LiteMap::new();
        for (name, value) in self.fields_of(value).into_iter().flatten() {
            map.insert(name.get_ref().to_string(), read(self, value));
        }
        map
    }

    pub(super) fn as_text(&mut self, value: &'a Value<'a>) -> String {
        let text = value.get_ref().as_str().map(str::to_owned);
        text.or_else(|| self.expected("a text", value)).unwrap_or_default()
    }

    pub(super) fn as_texts(&mut self, value: &'a Value<'a>) -> Vec<String> {
        let mut texts = Vec::new();
        for value in self.members(value) {
            texts.push(self.as_text(value));
        }
        texts
    }

    pub(super) fn as_word<T: Copy>(&mut self, value: &'a Value<'a>, words: &[(&str, T)]) -> Option<T> {
        let written = self.as_text(value);
        let found = words.iter().find(|(word, _)| *word == written).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let known = listed(words.iter().map(|(word, _)| *word));
            self.object(value.span().start, format!("unknown word `{written}`, expected one of {known}"));
        }
        found
    }

    fn as_table<T: Fields>(&mut self, value: &'a Value<'a>) -> Option<T> {
        let mut table = Table::new(self.fields_of(value)?, value.span().start);
        let read = T::read(&mut table);
        if let Some(Unfit { at, words }) = table.close() {
            self.object(at, words);
        }
        Some(read)
    }

    fn fields_of(&mut self, value: &'a Value<'a>) -> Option<&'a DeTable<'a>> {
        value.get_ref().as_table().or_else(|| self.expected("a table", value))
    }

    fn members(&mut self, value: &'a Value<'a>) -> Iter<'a, Value<'a>> {
        let values = value.get_ref().as_array().map(|values| values.iter());
        values.or_else(|| self.expected("a list", value)).unwrap_or_default()
    }

    fn find(&mut self, field: &'static str) -> Option<&'a Value<'a>> {
        self.known.push(field);
        self.fields.get(field)
    }

    fn expected<T>(&mut self, what: &str, value: &Value<'_>) -> Option<T> {
        self.object(value.span().start, format!("{} cannot stand here, expected {what}", kind(value)));
        None
    }

    /// Keeps the mistake that comes first in the text.
    fn object(&mut self, at: usize, words: String) {
        if self.unfit.as_ref().is_none_or(|unfit| at < unfit.at) {
            self.unfit = Some(Unfit { at, words });
        }
    }

    /// What does not fit, fields included that nobody asked for.
    fn close(mut self) -> Option<Unfit> {
        for name in self.fields.keys() {
            let written: &str = name.get_ref();
            if !self.known.contains(&written) {
                let known = listed(self.known.iter().copied());
                self.object(name.span().start, format!("unknown field `{written}`, expected one of {known}"));
            }
        }
        self.unfit
    }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn kind(value: &Value<'_>) -> &'static str {
    match value.get_ref() {
        DeValue::Array(_) => "a list",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Float(_) | DeValue::Integer(_) => "this number",
        DeValue::String(_) => "this text",
        DeValue::Table(_) => "a table",
    }
}

/// The standard library reads exponents too, with a table of 10 kB. Exact up to 15 digits.
fn decimal(text: &str) -> Option<f64> {
    const DIGITS_MAX: usize = 15;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (sign, whole) = whole.strip_prefix('-').map_or((1.0, whole), |whole| (-1.0, whole));
    let digits = format!("{whole}{fraction}");
    if digits.len() > DIGITS_MAX {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    #[allow(clippy::cast_precision_loss, reason = "15 digits are less than 2^53")]
    Some(sign * number as f64 / scale as f64)
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn a_number_is_read_as_the_standard_library_reads_it() {
        for text in ["0", "7", "-1", "5.5", "0.1", "31622400.000001", "999999.999999999"] {
            assert_eq!(decimal(text), text.parse().ok(), "{text}");
        }
        for text in ["", "-", "+inf", "nan", "1e3", "1.5e1", "--1", "1.-5", "1000000000000000"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }
}
