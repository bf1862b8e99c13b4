//! One message of the ubus wire (openwrt/ubus `ubusmsg.h`): eight bytes of head and a blob of attributes. Pure.

use serde_json::{Map, Value};

use super::Malformed;
use super::blob::{self, Attrs, Writer};
use super::blobmsg;

/// Bytes in front of the root attribute: version, type, sequence number, peer.
pub(super) const HEAD: usize = 8;
/// Bytes that tell how long a message is.
pub(super) const START: usize = HEAD + blob::HEAD;
/// Longest message in bytes (`UBUS_MAX_MSGLEN` of `libubus.h`).
pub(super) const LENGTH_MAX: usize = 1 << 20;

/// `enum ubus_msg_type`, the types that we send or receive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Hello,
    Status,
    Data,
    Lookup,
    Invoke,
    AddObject,
    Subscribe,
    Unsubscribe,
    Notify,
}

const KINDS: [(Kind, u8); 9] = [
    (Kind::Hello, 0),
    (Kind::Status, 1),
    (Kind::Data, 2),
    (Kind::Lookup, 4),
    (Kind::Invoke, 5),
    (Kind::AddObject, 6),
    (Kind::Subscribe, 8),
    (Kind::Unsubscribe, 9),
    (Kind::Notify, 10),
];

/// `enum ubus_msg_status`, as far as we have a meaning for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Status {
    Ok = 0,
    InvalidArgument = 2,
    MethodNotFound = 3,
    NotFound = 4,
    PermissionDenied = 6,
    UnknownError = 9,
}

/// A message. Attributes that nobody needs are not read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Message {
    pub(super) kind: Kind,
    /// An answer has the number of its question.
    pub(super) sequence: u16,
    /// Of a question: who asks; of an answer: for whom it is.
    pub(super) peer: u32,
    pub(super) body: Body,
}

/// The attributes of a message (`enum ubus_msg_attr`), in the order of their ids, which is that of libubus.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Body {
    pub(super) status: Option<u32>,
    pub(super) path: Option<String>,
    pub(super) object: Option<u32>,
    pub(super) method: Option<String>,
    /// Methods, and the types of their arguments.
    pub(super) signature: Option<Map<String, Value>>,
    pub(super) data: Option<Map<String, Value>>,
    pub(super) target: Option<u32>,
    pub(super) active: Option<bool>,
    pub(super) no_reply: bool,
}

const STATUS: u8 = 1;
const OBJECT_PATH: u8 = 2;
const OBJECT_ID: u8 = 3;
const METHOD: u8 = 4;
const SIGNATURE: u8 = 6;
const DATA: u8 = 7;
const TARGET: u8 = 8;
const ACTIVE: u8 = 9;
const NO_REPLY: u8 = 10;

/// Length of the message that begins with these bytes.
///
/// # Errors
///
/// It is no ubus message, or too long: where the next one begins cannot be told.
pub(super) fn length(start: [u8; START]) -> Result<usize, Malformed> {
    let [version, .., a, b, c, d] = start;
    let root = blob::length([a, b, c, d]);
    if version != 0 || root < blob::HEAD || blob::padded(root) > LENGTH_MAX {
        return Err(Malformed);
    }
    Ok(HEAD + root)
}

impl Message {
    /// Reads one whole message.
    ///
    /// # Errors
    ///
    /// It is cut short, of a type that is none of ours, or its attributes cannot be read.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let [_version, kind, s0, s1, p0, p1, p2, p3] = *bytes.first_chunk().ok_or(Malformed)?;
        let (kind, _) = *KINDS.iter().find(|(_, number)| *number == kind).ok_or(Malformed)?;
        let mut roots = Attrs(bytes.get(HEAD..).unwrap_or_default());
        let root = roots.next().ok_or(Malformed)??;
        Ok(Self {
            kind,
            sequence: u16::from_be_bytes([s0, s1]),
            peer: u32::from_be_bytes([p0, p1, p2, p3]),
            body: Body::decode(root.data)?,
        })
    }

    /// The bytes of the message; `None`: it would be longer than ubus permits.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let (_, kind) = *KINDS.iter().find(|(known, _)| *known == self.kind)?;
        let mut root = Writer::default();
        root.nest(0, false, |writer| self.body.write(writer));
        let root = root.into_bytes();
        if root.len() > LENGTH_MAX {
            return None;
        }
        let mut bytes = vec![0, kind];
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.peer.to_be_bytes());
        bytes.extend_from_slice(&root);
        Some(bytes)
    }
}

impl Body {
    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut body = Self::default();
        for attr in Attrs(bytes) {
            let attr = attr?;
            match attr.id {
                STATUS => body.status = Some(number(attr.data)?),
                OBJECT_PATH => body.path = Some(blobmsg::text(attr.data)?),
                OBJECT_ID => body.object = Some(number(attr.data)?),
                METHOD => body.method = Some(blobmsg::text(attr.data)?),
                SIGNATURE => body.signature = Some(blobmsg::table(attr.data)?),
                DATA => body.data = Some(blobmsg::table(attr.data)?),
                TARGET => body.target = Some(number(attr.data)?),
                ACTIVE => body.active = Some(flag(attr.data)?),
                NO_REPLY => body.no_reply = flag(attr.data)?,
                _ => {}
            }
        }
        Ok(body)
    }

    fn write(&self, writer: &mut Writer) {
        self.status.iter().for_each(|status| writer.put_u32(STATUS, *status));
        self.path.iter().for_each(|path| writer.put_text(OBJECT_PATH, path));
        self.object.iter().for_each(|object| writer.put_u32(OBJECT_ID, *object));
        self.method.iter().for_each(|method| writer.put_text(METHOD, method));
        for (id, table) in [(SIGNATURE, &self.signature), (DATA, &self.data)] {
            let table = table.iter();
            table.for_each(|table| writer.nest(id, false, |inner| blobmsg::put_table(inner, table)));
        }
        self.target.iter().for_each(|target| writer.put_u32(TARGET, *target));
        self.active.iter().for_each(|active| writer.put(ACTIVE, &[u8::from(*active)]));
        if self.no_reply {
            writer.put(NO_REPLY, &[1]);
        }
    }
}

fn number(data: &[u8]) -> Result<u32, Malformed> {
    data.try_into().map(u32::from_be_bytes).map_err(|_| Malformed)
}

fn flag(data: &[u8]) -> Result<bool, Malformed> {
    data.first().map(|byte| *byte != 0).ok_or(Malformed)
}

#[cfg(test)]
pub(in crate::daemon::ubus) mod tests;
