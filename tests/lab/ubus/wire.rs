//! The ubus wire once more, written without a look at the agent's: head, attributes, tables.

use std::io::{Read, Write};

use serde_json::{Map, Value};

pub const STATUS: u8 = 1;
pub const DATA: u8 = 2;
pub const LOOKUP: u8 = 4;
pub const INVOKE: u8 = 5;
pub const ADD_OBJECT: u8 = 6;
pub const SUBSCRIBE: u8 = 8;
pub const UNSUBSCRIBE: u8 = 9;
pub const NOTIFY: u8 = 10;

/// Attributes by their number: 1 status, 2 path, 3 object, 4 method, 7 data, 8 target, 9 active, 10 no reply.
pub type Attributes = Vec<(u8, Vec<u8>)>;

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    pub kind: u8,
    pub sequence: u16,
    pub peer: u32,
    pub attributes: Attributes,
}

impl Message {
    pub fn new(kind: u8, sequence: u16, peer: u32) -> Self {
        Self { kind, sequence, peer, attributes: Vec::new() }
    }

    pub fn number(mut self, id: u8, number: u32) -> Self {
        self.attributes.push((id, number.to_be_bytes().to_vec()));
        self
    }

    pub fn text(mut self, id: u8, text: &str) -> Self {
        self.attributes.push((id, [text.as_bytes(), &[0]].concat()));
        self
    }

    pub fn flag(mut self, id: u8, flag: bool) -> Self {
        self.attributes.push((id, vec![flag.into()]));
        self
    }

    pub fn data(mut self, table: &Value) -> Self {
        let members = table.as_object().unwrap().iter();
        self.attributes.push((7, members.flat_map(|(name, value)| member(name, value)).collect()));
        self
    }

    pub fn get(&self, id: u8) -> Option<&[u8]> {
        self.attributes.iter().find(|(found, _)| *found == id).map(|(_, data)| &data[..])
    }

    pub fn get_number(&self, id: u8) -> Option<u32> {
        self.get(id).map(|data| u32::from_be_bytes(data.try_into().unwrap()))
    }

    pub fn get_text(&self, id: u8) -> Option<String> {
        self.get(id).map(|data| String::from_utf8(data[..data.len() - 1].to_vec()).unwrap())
    }

    pub fn get_data(&self) -> Value {
        Value::Object(self.get(7).map(table).unwrap_or_default())
    }

    pub fn send(&self, to: &mut impl Write) -> std::io::Result<()> {
        let body: Vec<u8> =
            self.attributes.iter().flat_map(|(id, data)| attribute((*id).into(), data)).collect();
        let head = [&[0, self.kind][..], &self.sequence.to_be_bytes(), &self.peer.to_be_bytes()].concat();
        to.write_all(&[head, attribute(0, &body)].concat())
    }

    /// The next message; an error at the end.
    pub fn receive(from: &mut impl Read) -> std::io::Result<Self> {
        let mut head = [0; 12];
        from.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head[8..].try_into().unwrap()) & 0x00ff_ffff;
        let mut body = vec![0; length as usize - 4];
        from.read_exact(&mut body)?;
        let sequence = u16::from_be_bytes([head[2], head[3]]);
        let peer = u32::from_be_bytes(head[4..8].try_into().unwrap());
        let attributes = attributes(&body).into_iter().map(|(id, data)| (id, data.to_vec())).collect();
        Ok(Self { kind: head[1], sequence, peer, attributes })
    }
}

/// One attribute with its padding.
fn attribute(id: u32, data: &[u8]) -> Vec<u8> {
    let head = (id << 24) | u32::try_from(data.len() + 4).unwrap();
    let mut bytes = [&head.to_be_bytes(), data].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn attributes(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while bytes.len() >= 4 {
        let head = u32::from_be_bytes(bytes[..4].try_into().unwrap());
        let length = (head & 0x00ff_ffff) as usize;
        found.push(((head >> 24) as u8 & 0x7f, &bytes[4..length]));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

/// A named value: the types of `blobmsg.h`.
fn member(name: &str, value: &Value) -> Vec<u8> {
    let (kind, data) = match value {
        Value::Null => (0, Vec::new()),
        Value::Array(members) => (1, members.iter().flat_map(|value| member("", value)).collect()),
        Value::Object(table) => (2, table.iter().flat_map(|(name, value)| member(name, value)).collect()),
        Value::String(text) => (3, [text.as_bytes(), &[0]].concat()),
        Value::Number(number) => (5, i32::try_from(number.as_i64().unwrap()).unwrap().to_be_bytes().to_vec()),
        Value::Bool(flag) => (7, vec![(*flag).into()]),
    };
    let mut named = [&u16::try_from(name.len()).unwrap().to_be_bytes(), name.as_bytes(), &[0]].concat();
    named.resize(named.len().next_multiple_of(4), 0);
    attribute(0x80 | kind, &[named, data].concat())
}

fn table(bytes: &[u8]) -> Map<String, Value> {
    members(bytes).into_iter().collect()
}

fn members(bytes: &[u8]) -> Vec<(String, Value)> {
    attributes(bytes).into_iter().map(|(kind, data)| named(kind, data)).collect()
}

fn named(kind: u8, data: &[u8]) -> (String, Value) {
    let length = usize::from(u16::from_be_bytes([data[0], data[1]]));
    let name = String::from_utf8(data[2..2 + length].to_vec()).unwrap();
    let data = &data[(2 + length + 1).next_multiple_of(4)..];
    let value = match kind {
        0 => Value::Null,
        1 => members(data).into_iter().map(|(_, value)| value).collect(),
        2 => Value::Object(table(data)),
        3 => String::from_utf8(data[..data.len() - 1].to_vec()).unwrap().into(),
        4 => i64::from_be_bytes(data.try_into().unwrap()).into(),
        5 => i32::from_be_bytes(data.try_into().unwrap()).into(),
        6 => i16::from_be_bytes(data.try_into().unwrap()).into(),
        7 => (data[0] != 0).into(),
        8 => f64::from_be_bytes(data.try_into().unwrap()).into(),
        other => panic!("there is no type {other}"),
    };
    (name, value)
}
