//! Messages: the question for a SOA record, the update, and the same for a person.

use std::fmt::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use domain::base::iana::{Class, Opcode, Rtype};
use domain::base::rdata::UnknownRecordData;
use domain::base::{Message, MessageBuilder, ParsedName, StaticCompressor, ToName, Ttl};
use domain::rdata::{A, Aaaa, Ptr, Soa};
use ring::hmac;

use super::super::dns::{NameServer, Prerequisite};
use super::super::{Family, Update};
use super::tsig::{self, Signed};
use super::{Peer, WireName, name};

type Builder = MessageBuilder<StaticCompressor<Vec<u8>>>;

/// Asks for the records of this type. `is_recursive`: the server shall ask others. `None`: the name is none.
pub(in crate::provider) fn question(
    id: u16,
    owner: &str,
    kind: Rtype,
    is_recursive: bool,
) -> Option<Vec<u8>> {
    let mut builder = start(id, Opcode::QUERY)?;
    builder.header_mut().set_rd(is_recursive);
    let mut question = builder.question();
    question.push((name(owner)?, kind)).ok()?;
    Some(question.finish().into_target())
}

/// What one message changes.
pub(super) struct Changes {
    /// Names that must exist, if that is the prerequisite.
    pub(super) names: Vec<String>,
    pub(super) sets: Vec<RrSet>,
}

/// An RRset, which may be empty.
pub(super) struct RrSet {
    pub(super) owner: String,
    pub(super) kind: Rtype,
    pub(super) values: Vec<Value>,
}

/// A record's data.
pub(super) enum Value {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Ptr(String),
}

impl Changes {
    /// What each name has, and what it has no more.
    pub(super) fn of_names(names: Vec<String>, update: &Update) -> Self {
        let mut sets = Vec::new();
        for owner in &names {
            for (family, kind) in [(Family::V4, Rtype::A), (Family::V6, Rtype::AAAA)] {
                let addresses = update.addresses_of(owner, family);
                let values: Vec<Value> = addresses.into_iter().map(Value::of).collect();
                if !values.is_empty() || update.removed.contains(&family) {
                    sets.push(RrSet { owner: owner.clone(), kind, values });
                }
            }
        }
        Self { names, sets }
    }

    /// The name of an address.
    pub(super) fn of_address(ip: IpAddr, name: String) -> Self {
        Self {
            names: Vec::new(),
            sets: vec![RrSet { owner: reverse(ip), kind: Rtype::PTR, values: vec![Value::Ptr(name)] }],
        }
    }
}

/// The owner of an address's PTR record (RFC 1035 section 3.5, RFC 3596 section 2.5).
pub(super) fn reverse(ip: IpAddr) -> String {
    WireName::reverse_from_addr(ip).map(|name| text(&name)).unwrap_or_default()
}

impl Value {
    fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::A(ip),
            IpAddr::V6(ip) => Self::Aaaa(ip),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(ip) => write!(f, "A {ip}"),
            Self::Aaaa(ip) => write!(f, "AAAA {ip}"),
            Self::Ptr(name) => write!(f, "PTR {name}."),
        }
    }
}

/// Deletes each RRset and adds its new records (RFC 2136 sections 2.4.4, 2.5.2, 2.5.1). `None`: a name that is none, or
/// more than fits into a message.
pub(super) fn update(peer: &Peer, (id, now): (u16, u64), zone: &str, changes: &Changes) -> Option<Signed> {
    let mut section = start(id, Opcode::UPDATE)?.question();
    section.push((name(zone)?, Rtype::SOA)).ok()?;
    let mut section = section.answer();
    if peer.dns.prerequisite == Prerequisite::NameExists {
        for owner in &changes.names {
            section.push(whole(&name(owner)?, Rtype::ANY)?).ok()?;
        }
    }
    let (mut section, ttl) = (section.authority(), Ttl::from_secs(peer.ttl));
    for RrSet { owner, kind, values } in &changes.sets {
        let owner = name(owner)?;
        section.push(whole(&owner, *kind)?).ok()?;
        for value in values {
            let added = match value {
                Value::A(ip) => section.push((&owner, Class::IN, ttl, A::new(*ip))),
                Value::Aaaa(ip) => section.push((&owner, Class::IN, ttl, Aaaa::new(*ip))),
                Value::Ptr(host) => section.push((&owner, Class::IN, ttl, Ptr::new(name(host)?))),
            };
            added.ok()?;
        }
    }
    tsig::sign(peer, section.additional(), now)
}

/// A whole RRset, or all of a name: class ANY, no TTL, no data.
fn whole(owner: &WireName, kind: Rtype) -> Option<(&WireName, Class, Ttl, UnknownRecordData<[u8; 0]>)> {
    Some((owner, Class::ANY, Ttl::ZERO, UnknownRecordData::from_octets(kind, []).ok()?))
}

fn start(id: u16, opcode: Opcode) -> Option<Builder> {
    let mut builder = MessageBuilder::from_target(StaticCompressor::new(Vec::new())).ok()?;
    builder.header_mut().set_id(id);
    builder.header_mut().set_opcode(opcode);
    Some(builder)
}

/// The zone that a name is in, and its primary server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::provider) struct Authority {
    pub(in crate::provider) zone: String,
    pub(super) primary: String,
}

/// The zone that an answer shows: by the SOA record in the answer, or in the authority section of a negative one (RFC 2308
/// section 3), if it is that of the name or above. With an alias in between it would be that of somebody else.
pub(in crate::provider) fn authority(message: &[u8], owner: &str) -> Option<Authority> {
    let message = Message::from_slice(message).ok()?;
    let owner = name(owner)?;
    let has_alias = |kind| kind == Rtype::CNAME || kind == Rtype::DNAME;
    if message.answer().ok()?.any(|record| record.is_ok_and(|record| has_alias(record.rtype()))) {
        return None;
    }
    let sections = [message.answer().ok()?, message.authority().ok()?];
    let mut found = sections.into_iter().flat_map(|section| section.limit_to::<Soa<ParsedName<_>>>());
    let found = found.find_map(|soa| soa.ok().filter(|soa| owner.ends_with(soa.owner())))?;
    Some(Authority { zone: text(found.owner()), primary: text(found.data().mname()) })
}

/// A name in lower case and without its final dot.
pub(in crate::provider) fn text(name: &impl ToName) -> String {
    let name: Result<WireName, _> = name.try_to_name();
    name.map(|name| name.to_string().to_ascii_lowercase()).unwrap_or_default()
}

/// An id that only who has the key can guess: there is no other randomness in this room.
pub(super) fn id(peer: &Peer, update: &Update, now: u64, count: u16) -> u16 {
    let secret = peer.secret_octets().unwrap_or_default();
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &secret));
    context.update(b"message id");
    context.update(&now.to_be_bytes());
    context.update(&count.to_be_bytes());
    context.update(format!("{update:?}").as_bytes());
    match context.sign().as_ref() {
        [high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => count,
    }
}

/// A message in the language of nsupdate(1), without the secret.
pub(super) fn script(
    peer: &Peer,
    server: Option<&NameServer>,
    zone: Option<&str>,
    changes: &Changes,
) -> String {
    let mut text = String::new();
    if let Some(NameServer::Host { host, port }) = server {
        let _ = writeln!(text, "server {host} {port}");
    }
    if let Some(zone) = zone {
        let _ = writeln!(text, "zone {zone}");
    }
    let _ = writeln!(text, "key {}:{} ***", peer.dns.algorithm.name(), peer.key_name);
    if peer.dns.prerequisite == Prerequisite::NameExists {
        for name in &changes.names {
            let _ = writeln!(text, "prereq yxdomain {name}");
        }
    }
    for RrSet { owner, kind, values } in &changes.sets {
        let _ = writeln!(text, "update delete {owner} {kind}");
        for value in values {
            let _ = writeln!(text, "update add {owner} {} {value}", peer.ttl);
        }
    }
    text.push_str("send");
    text
}
