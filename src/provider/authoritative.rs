//! What a zone's own name servers show for a name: a dialogue of questions that change nothing.
//!
//! ```text
//! NS of the name, at the resolver ─┬─ NS records ──────────────▶ A or AAAA of the name, at each server
//!            ▲                     ├─ SOA of a zone above ─┐
//!            └─────────────────────┴─ neither: the parent ─┘
//! ```
//!
//! The resolver is asked who the servers are, and never what they show: behind a router it often has answers of its own. A
//! server counts only where it speaks for the zone (AA, RFC 1035 section 4.1.1), so that one which is lame proves nothing.

use std::collections::VecDeque;
use std::net::IpAddr;

use domain::base::iana::Rtype;
use domain::base::{Message, ParsedName, ParsedRecord};
use domain::rdata::{A, Aaaa, Cname, Ns};

use super::Family;
use super::dns::{DNS_PORT, DnsTransport, NameServer, Question, is_truncated, rcode};
use super::rfc2136::message::{authority, question, text};
use super::rfc2136::name;

/// What one name server shows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Seen {
    /// Its name, and the address that answered.
    pub server: String,
    /// The addresses of the name, none if it has none; or in words why this server proves nothing.
    pub said: Result<Vec<IpAddr>, String>,
}

/// A look at the name servers of one name's zone; see the module's picture.
#[derive(Debug)]
pub struct Look {
    /// In lower case, without a final dot.
    name: String,
    kind: Rtype,
    /// Whose NS records are asked for; `None`: the servers are known.
    owner: Option<String>,
    /// Questions for NS records so far.
    hops: usize,
    /// Those that are still to be asked.
    servers: VecDeque<String>,
    seen: Vec<Seen>,
}

/// Servers that are asked; the root has 13, a zone hardly ever more than four. Our judgement.
const SERVERS_MAX: usize = 4;

/// Questions for NS records: a name has few labels, and a negative answer shows its zone. Our judgement.
const HOPS_MAX: usize = 10;

/// The label that is asked for where a record's name is `*` (RFC 4592): nobody has a name like this.
const WILDCARD: &str = "wanbeacon-check";

impl Look {
    /// A look at this name. `zone`: where the search begins, if the name is below it.
    #[must_use]
    pub fn new(name: &str, family: Family, zone: Option<&str>) -> Self {
        let name = match name.strip_prefix('*') {
            Some(rest) => [WILDCARD, rest].concat(),
            None => name.to_owned(),
        }
        .to_ascii_lowercase();
        let is_above = |zone: &&str| name.strip_suffix(*zone).is_some_and(|rest| rest.ends_with('.'));
        let owner = zone.filter(is_above).unwrap_or(&name).to_owned();
        let kind = match family {
            Family::V4 => Rtype::A,
            Family::V6 => Rtype::AAAA,
        };
        Self { name, kind, owner: Some(owner), hops: 0, servers: VecDeque::new(), seen: Vec::new() }
    }

    /// The next question, with this id; `None`: the look has come to its end.
    #[must_use]
    pub fn question(&self, id: u16) -> Option<Question> {
        let server = match &self.owner {
            Some(_) => NameServer::Resolver,
            None => NameServer::Host { host: self.servers.front()?.clone(), port: DNS_PORT },
        };
        let (owner, kind) = self.asked();
        // What cannot be written as a message is a name that no server could show.
        let mut message = question(id, owner, kind, self.owner.is_some())?;
        // The number of additional records, and one of them (RFC 6891 section 6.1).
        if let Some(count) = message.get_mut(11) {
            *count = 1;
            message.extend(OPT);
        }
        let transport = DnsTransport::Udp;
        Some(Question { server, transport, message, is_update: false, shown: String::new() })
    }

    /// Takes the answer to the last question and the address that it came from, or why there is none.
    pub fn hear(&mut self, answer: Result<(&[u8], IpAddr), String>) {
        let from = answer.as_ref().ok().map(|(_, from)| *from);
        let (owner, kind) = self.asked();
        let answer = answer.and_then(|(message, _)| checked(message, owner, kind));
        match self.owner.take() {
            Some(owner) => {
                if let Err(words) = answer.and_then(|message| self.find(message, &owner)) {
                    self.seen.push(Seen { server: "the resolver".to_owned(), said: Err(words) });
                }
            }
            None => {
                let Some(host) = self.servers.pop_front() else { return };
                let server = from.map_or_else(|| host.clone(), |from| format!("{host} ({from})"));
                let said = answer.and_then(|message| self.read(message));
                self.seen.push(Seen { server, said });
            }
        }
    }

    /// Takes out what each server that was asked has said; if none could be asked, the resolver's excuse.
    #[must_use]
    pub fn seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }

    fn asked(&self) -> (&str, Rtype) {
        match &self.owner {
            Some(owner) => (owner, Rtype::NS),
            None => (&self.name, self.kind),
        }
    }

    /// An answer to the question for NS records.
    fn find(&mut self, message: &Message<[u8]>, owner: &str) -> Result<(), String> {
        let mut servers: Vec<String> = records(message)
            .filter(|record| text(&record.owner()) == owner)
            .filter_map(|record| Some(text(record.to_record::<Ns<ParsedName<_>>>().ok()??.data().nsdname())))
            .collect();
        servers.sort();
        servers.truncate(SERVERS_MAX);
        if !servers.is_empty() {
            self.servers = servers.into();
            return Ok(());
        }
        self.hops += 1;
        let above = match authority(message.as_slice(), owner).map(|found| found.zone) {
            Some(zone) if zone != owner => zone,
            Some(_) => return Err(format!("zone {owner} has no name servers")),
            None => owner.split_once('.').map(|(_, parent)| parent.to_owned()).unwrap_or_default(),
        };
        // The root's servers would deny what only this network knows.
        if matches!(above.as_str(), "" | ".") || self.hops >= HOPS_MAX {
            return Err(format!("it does not say which zone {} is in", self.name));
        }
        self.owner = Some(above);
        Ok(())
    }

    /// An answer to the question itself. An alias is followed inside of it: what is elsewhere, others show.
    fn read(&self, message: &Message<[u8]>) -> Result<Vec<IpAddr>, String> {
        if !message.header().aa() {
            return Err("it does not speak for the zone".to_owned());
        }
        if is_truncated(message.as_slice()) {
            return Err("the answer is cut off".to_owned());
        }
        let mut owner = self.name.clone();
        for _ in 0..ALIASES_MAX {
            let of_owner = || records(message).filter(|record| text(&record.owner()) == owner);
            let mut addresses: Vec<IpAddr> = of_owner().filter_map(|record| self.address(&record)).collect();
            if !addresses.is_empty() {
                addresses.sort();
                return Ok(addresses);
            }
            let alias = |record: ParsedRecord<'_, [u8]>| {
                Some(text(record.to_record::<Cname<ParsedName<_>>>().ok()??.data().cname()))
            };
            let next = of_owner().find_map(alias);
            match next {
                Some(next) => owner = next,
                None if owner == self.name => return Ok(Vec::new()),
                None => break,
            }
        }
        Err(format!("{} is an alias of {owner}", self.name))
    }

    fn address(&self, record: &ParsedRecord<'_, [u8]>) -> Option<IpAddr> {
        match self.kind {
            Rtype::A => Some(record.to_record::<A>().ok()??.data().addr().into()),
            _ => Some(record.to_record::<Aaaa>().ok()??.data().addr().into()),
        }
    }
}

/// Aliases that are followed. Our judgement; resolvers give up after about as many.
const ALIASES_MAX: usize = 8;

/// OPT: the root's name, type 41, 1232 octets fit into a datagram that no way will cut (RFC 6891 section 6.1.2), no flags
/// and no options.
const OPT: [u8; 11] = [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0];

/// A message that can be read, answers this question, and says that there is something or nothing.
fn checked<'a>(message: &'a [u8], owner: &str, kind: Rtype) -> Result<&'a Message<[u8]>, String> {
    let is_ours = |message: &Message<[u8]>| {
        let question = message.sole_question().ok()?;
        let same = question.qtype() == kind && text(question.qname()) == text(&name(owner)?);
        // All records, so that nothing is believed of a message that is broken further on.
        Some(same && message.answer().ok()?.all(|record| record.is_ok()))
    };
    let message = Message::from_slice(message).ok().filter(|message| is_ours(message) == Some(true));
    let message = message.ok_or("the answer cannot be understood")?;
    match rcode(message.as_slice()) {
        "NOERROR" | "NXDOMAIN" => Ok(message),
        code => Err(format!("it says {code}")),
    }
}

fn records(message: &Message<[u8]>) -> impl Iterator<Item = ParsedRecord<'_, [u8]>> {
    message.answer().into_iter().flatten().filter_map(Result::ok)
}

#[cfg(test)]
mod tests;
