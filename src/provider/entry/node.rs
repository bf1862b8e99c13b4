//! A value of TOML as serde wants it, with the place of a mistake.
//!
//! The library has a deserializer of its own, which can do much that no entry needs (dates, keys that stand for types,
//! places within the data); with the fields of an entry that was 0.1 MB more of a router's flash.

use std::fmt::Display;
use std::slice::Iter;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use toml::map;

/// What does not fit, and where.
#[derive(Debug)]
pub(super) struct Unfit {
    /// Byte of the text at which it begins, once that is known.
    pub(super) at: Option<usize>,
    /// What is wrong.
    pub(super) words: String,
}

impl Unfit {
    /// The innermost place is the one to show.
    fn at(mut self, at: usize) -> Self {
        self.at.get_or_insert(at);
        self
    }
}

impl Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Unfit {}

impl Error for Unfit {
    fn custom<T: Display>(words: T) -> Self {
        Self { at: None, words: words.to_string() }
    }
}

/// Reads a document.
///
/// # Errors
/// The first thing that does not fit.
pub(super) fn read<T: for<'de> Deserialize<'de>>(document: &Spanned<DeTable<'_>>) -> Result<T, Unfit> {
    let fields = Fields { rest: document.get_ref().iter(), value: None };
    T::deserialize(MapAccessDeserializer::new(fields)).map_err(|unfit| unfit.at(document.span().start))
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

/// A value of a document.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    value: &'a DeValue<'a>,
    at: usize,
}

impl<'a> Node<'a> {
    fn of(value: &'a Spanned<DeValue<'a>>) -> Self {
        Self { value: value.get_ref(), at: value.span().start }
    }

    /// It is not what the entry has in this place.
    fn is_not<'de, V: Visitor<'de>>(self, expected: &V) -> Unfit {
        let found = match self.value {
            DeValue::Array(_) => Unexpected::Seq,
            DeValue::Boolean(flag) => Unexpected::Bool(*flag),
            DeValue::Datetime(_) => Unexpected::Other("date"),
            DeValue::Float(_) => Unexpected::Other("number with a fraction"),
            DeValue::Integer(_) => Unexpected::Other("integer"),
            DeValue::String(text) => Unexpected::Str(text),
            DeValue::Table(_) => Unexpected::Map,
        };
        Unfit::invalid_type(found, expected).at(self.at)
    }
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Unfit;

    /// Numbers and flags, and what can be anything.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let read = match self.value {
            DeValue::Array(_) => return self.deserialize_seq(visitor),
            DeValue::Boolean(flag) => visitor.visit_bool(*flag),
            DeValue::Datetime(_) => return Err(self.is_not(&visitor)),
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => visitor.visit_f64(number),
                Err(_) => return Err(self.is_not(&visitor)),
            },
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => return Err(self.is_not(&visitor)),
            },
            DeValue::String(_) => return self.deserialize_str(visitor),
            DeValue::Table(_) => return self.deserialize_map(visitor),
        };
        read.map_err(|unfit: Unfit| unfit.at(self.at))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let DeValue::String(text) = self.value else { return Err(self.is_not(&visitor)) };
        visitor.visit_str(text).map_err(|unfit: Unfit| unfit.at(self.at))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let DeValue::Array(values) = self.value else { return Err(self.is_not(&visitor)) };
        visitor.visit_seq(Members(values.iter())).map_err(|unfit| unfit.at(self.at))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let DeValue::Table(table) = self.value else { return Err(self.is_not(&visitor)) };
        let fields = Fields { rest: table.iter(), value: None };
        visitor.visit_map(fields).map_err(|unfit| unfit.at(self.at))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unfit> {
        let DeValue::String(text) = self.value else { return Err(self.is_not(&visitor)) };
        let variant: StrDeserializer<'_, Unfit> = text.as_ref().into_deserializer();
        visitor.visit_enum(variant).map_err(|unfit| unfit.at(self.at))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct identifier ignored_any
    }
}

/// What is left of an array.
struct Members<'a>(Iter<'a, Spanned<DeValue<'a>>>);

impl<'de> SeqAccess<'de> for Members<'_> {
    type Error = Unfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unfit> {
        self.0.next().map(|value| seed.deserialize(Node::of(value))).transpose()
    }
}

/// What is left of a table.
struct Fields<'a> {
    rest: map::Iter<'a, Spanned<DeString<'a>>, Spanned<DeValue<'a>>>,
    value: Option<Node<'a>>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Unfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unfit> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(Node::of(value));
        let name: StrDeserializer<'_, Unfit> = key.get_ref().as_ref().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|unfit| unfit.at(key.span().start))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unfit> {
        match self.value.take() {
            Some(value) => seed.deserialize(value),
            None => Err(Unfit::custom("a value without a name")),
        }
    }
}
