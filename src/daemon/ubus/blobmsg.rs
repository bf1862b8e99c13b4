//! Tables and arrays of named values (libubox `blobmsg.h`) to and from JSON. Pure.
//!
//! A named attribute's data is `u16` length of the name, the name, NUL, zeros up to a multiple of four, the value.

use serde_json::{Map, Number, Value};

use super::Malformed;
use super::blob::{Attr, Attrs, Writer, padded};

/// Tables in tables in … so deep; netifd needs five. Our judgement.
const DEPTH_MAX: usize = 32;

/// `enum blobmsg_type`; the type is the attribute's id. `pub`: signatures of methods name them.
const UNSPECIFIED: u8 = 0;
pub(super) const ARRAY: u8 = 1;
const TABLE: u8 = 2;
pub(super) const STRING: u8 = 3;
const INT64: u8 = 4;
const INT32: u8 = 5;
const INT16: u8 = 6;
/// Also `BLOBMSG_TYPE_INT8`.
pub(super) const BOOL: u8 = 7;
const DOUBLE: u8 = 8;

/// The content of a table. Of two values with the same name the later counts.
///
/// # Errors
///
/// An attribute is cut short, has a type that does not exist or a length that its type cannot have, or lies too deep.
pub(super) fn table(bytes: &[u8]) -> Result<Map<String, Value>, Malformed> {
    table_at(bytes, 0)
}

fn table_at(bytes: &[u8], depth: usize) -> Result<Map<String, Value>, Malformed> {
    Attrs(bytes).map(|attr| member(&attr?, depth)).collect()
}

fn member(attr: &Attr<'_>, depth: usize) -> Result<(String, Value), Malformed> {
    if depth >= DEPTH_MAX || !attr.named {
        return Err(Malformed);
    }
    let (length, rest) = attr.data.split_first_chunk().ok_or(Malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let name = rest.get(..length).ok_or(Malformed)?;
    // With its NUL and its padding.
    let data = attr.data.get(padded(size_of::<u16>() + length + 1)..).ok_or(Malformed)?;
    let value = match attr.id {
        UNSPECIFIED => Value::Null,
        ARRAY => {
            let members = Attrs(data).map(|attr| Ok(member(&attr?, depth + 1)?.1));
            Value::Array(members.collect::<Result<_, Malformed>>()?)
        }
        TABLE => Value::Object(table_at(data, depth + 1)?),
        STRING => Value::String(text(data)?),
        INT64 => Value::from(i64::from_be_bytes(exactly(data)?)),
        INT32 => Value::from(i32::from_be_bytes(exactly(data)?)),
        INT16 => Value::from(i16::from_be_bytes(exactly(data)?)),
        BOOL => Value::Bool(exactly::<1>(data)? != [0]),
        // JSON knows no infinity.
        DOUBLE => Number::from_f64(f64::from_be_bytes(exactly(data)?)).map_or(Value::Null, Value::Number),
        _ => return Err(Malformed),
    };
    Ok((String::from_utf8_lossy(name).into_owned(), value))
}

fn exactly<const N: usize>(data: &[u8]) -> Result<[u8; N], Malformed> {
    data.try_into().map_err(|_| Malformed)
}

/// A text ends with its first NUL; it must have one.
pub(super) fn text(data: &[u8]) -> Result<String, Malformed> {
    let end = data.iter().position(|byte| *byte == 0).ok_or(Malformed)?;
    Ok(String::from_utf8_lossy(data.get(..end).unwrap_or_default()).into_owned())
}

/// Writes the content of a table. Whole numbers become `INT32` where they fit, as libubox does (`blobmsg_json.c`).
pub(super) fn put_table(writer: &mut Writer, table: &Map<String, Value>) {
    table.iter().for_each(|(name, value)| put(writer, name, value));
}

/// Writes one named value.
pub(super) fn put(writer: &mut Writer, name: &str, value: &Value) {
    match value {
        Value::Null => put_named(writer, UNSPECIFIED, name, |_| {}),
        Value::Bool(value) => put_named(writer, BOOL, name, |inner| inner.push(&[u8::from(*value)])),
        Value::Number(number) => put_number(writer, name, number),
        Value::String(text) => put_named(writer, STRING, name, |inner| inner.push_text(text)),
        Value::Array(members) => {
            put_named(writer, ARRAY, name, |inner| members.iter().for_each(|member| put(inner, "", member)));
        }
        Value::Object(table) => put_named(writer, TABLE, name, |inner| put_table(inner, table)),
    }
}

fn put_number(writer: &mut Writer, name: &str, number: &Number) {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => match i32::try_from(whole) {
            Ok(small) => put_named(writer, INT32, name, |inner| inner.push(&small.to_be_bytes())),
            Err(_) => put_named(writer, INT64, name, |inner| inner.push(&whole.to_be_bytes())),
        },
        (None, float) => {
            let bits = float.unwrap_or_default().to_be_bytes();
            put_named(writer, DOUBLE, name, |inner| inner.push(&bits));
        }
    }
}

fn put_named(writer: &mut Writer, kind: u8, name: &str, fill: impl FnOnce(&mut Writer)) {
    writer.nest(kind, true, |inner| {
        let length = name.bytes().filter(|byte| *byte != 0).count();
        // Our names are short; one that is not would make the message unreadable, so it is cut.
        let length = u16::try_from(length).unwrap_or(0);
        inner.push(&length.to_be_bytes());
        inner.push_text(if length == 0 { "" } else { name });
        inner.pad();
        fill(inner);
    });
}
