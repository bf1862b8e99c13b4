//! The provider `rfc2136`: one's own name server is told by DNS UPDATE (RFC 2136), signed with TSIG (RFC 8945).
//!
//! ```text
//!        zone and server known ──────────────▶ UPDATE ── answer, rightly signed ──▶ verdicts
//! begin ─┤                                      ▲  ▲  └─ BADTIME ─┐
//!        └ SOA? ── owner is the zone, MNAME the ┘  └──────────────┘ once, at the server's time
//!           ▲  └── server
//!           └─ no SOA: the name's parent
//! ```
//!
//! One message carries all names of a zone. It deletes each RRset and adds the new one, which the server does whole or
//! not at all (RFC 2136 section 3.4). PTR records follow, each in a message to its own zone. No dice are thrown: ids come
//! from the key, so that nobody without it can guess them. What nobody signed can delay an update, but not confirm it; and
//! of it only an error of TSIG about the key, which nobody can sign, parks its record.

pub(super) mod message;
mod talk;
mod tsig;
mod verdict;

use std::net::IpAddr;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use domain::base::Name;
use domain::dep::octseq::Array;
use zeroize::Zeroizing;

use super::account::AccountError;
use super::dns::{Algorithm, DNS_PORT, DnsSettings, NameServer};
use super::settings::AccountSettings;
use super::{Family, Secret, Update};
use message::Changes;
pub(super) use talk::Talk;

/// The server, the zone and the key of one account.
pub(super) struct Peer {
    /// None: the one that the zone's SOA names.
    server: Option<NameServer>,
    /// None: found by the SOA.
    zone: Option<String>,
    key_name: String,
    secret: Secret,
    ttl: u32,
    /// The name that the PTR records of the addresses show.
    pointer: Option<String>,
    dns: DnsSettings,
}

/// Addresses change: nobody shall keep them for long. Our judgement.
const TTL_DEFAULT: u32 = 60;

impl Peer {
    /// Reads the settings of an account, which tells these names.
    pub(super) fn read(
        provider: &str,
        settings: &AccountSettings,
        names: &[String],
    ) -> Result<Self, Vec<AccountError>> {
        let mut errors = Vec::new();
        let server = settings.server.as_deref().map(server).transpose().unwrap_or_else(|mend| {
            errors.push(AccountError::Invalid { option: "server", mend });
            None
        });
        let mut needed = |option: &'static str, what: &str, given: bool| {
            if !given {
                let (provider, what) = (provider.to_owned(), what.to_owned());
                errors.push(AccountError::Missing { provider, option, what });
            }
        };
        let secret = settings.password.clone().unwrap_or_default();
        let key_name = settings.user.clone().unwrap_or_default();
        needed("user", "the name of the TSIG key", !key_name.is_empty());
        needed(
            "password",
            "the secret of the TSIG key, base64 as in the server's configuration",
            !secret.is_empty(),
        );
        if !key_name.is_empty() && name(&key_name).is_none() {
            let mend = "write the key's name as in the server's configuration";
            errors.push(AccountError::Invalid { option: "user", mend });
        }
        let peer = Self {
            server,
            zone: settings.zone.clone(),
            key_name,
            secret,
            ttl: settings.ttl.unwrap_or(TTL_DEFAULT),
            // Several names would be allowed, but whoever asks for the name of an address wants one.
            pointer: names.iter().find(|name| settings.dns.ptr && !name.starts_with('*')).cloned(),
            dns: settings.dns,
        };
        if !peer.secret.is_empty() && peer.secret_octets().is_none() {
            let mend = "write the secret as in the server's configuration: base64, with its final '='";
            errors.push(AccountError::Invalid { option: "password", mend });
        }
        if errors.is_empty() { Ok(peer) } else { Err(errors) }
    }

    /// Who is spoken to, for a person.
    pub(super) fn endpoint(&self, names: &[String]) -> String {
        match (&self.server, &self.zone, names.first()) {
            (Some(server), _, _) => authority(server),
            (None, Some(zone), _) => format!("primary of {zone}"),
            (None, None, name) => format!("primary of {}", name.map_or("the zone", String::as_str)),
        }
    }

    /// What an update says, in the language of nsupdate(1). Without a zone, nsupdate looks for it as this does.
    pub(super) fn script(&self, update: &Update) -> String {
        let changes = Changes::of_names(update.names.clone(), update);
        let mut text = message::script(self, self.server.as_ref(), self.zone.as_deref(), &changes);
        for ip in self.pointers(update) {
            let changes = Changes::of_address(ip, self.pointer.clone().unwrap_or_default());
            text.push_str("\n\n; the PTR record, for another call of nsupdate:\n");
            text.push_str(&message::script(self, self.server.as_ref(), None, &changes));
        }
        text
    }

    /// The addresses whose PTR records are to show the name, if the update tells it.
    fn pointers(&self, update: &Update) -> Vec<IpAddr> {
        let name = self.pointer(update).and_then(|at| update.names.get(at));
        let of = |family| name.map(|name| update.addresses_of(name, family)).unwrap_or_default();
        [Family::V4, Family::V6].into_iter().flat_map(of).collect()
    }

    /// The place of the name that the PTR records show, if the update tells it.
    fn pointer(&self, update: &Update) -> Option<usize> {
        let pointer = self.pointer.as_ref()?;
        update.names.iter().position(|name| name == pointer)
    }

    fn secret_octets(&self) -> Option<Zeroizing<Vec<u8>>> {
        let octets = STANDARD.decode(self.secret.expose().trim()).ok().filter(|octets| !octets.is_empty());
        octets.map(Zeroizing::new)
    }
}

/// A name in its wire form.
pub(super) type WireName = Name<Array<255>>;

/// A name without or with its final dot; `None` if it is none.
pub(super) fn name(text: &str) -> Option<WireName> {
    text.parse().ok()
}

/// `host`, `host:port`, an IPv6 address, or one in brackets with a port.
fn server(text: &str) -> Result<NameServer, &'static str> {
    const MEND: &str = "write the name server's name or address, such as ns1.example.org or 192.0.2.1:5353";
    let port = |text: &str| text.parse().ok().filter(|port: &u16| *port > 0);
    let is_address = |host: &str| host.parse::<IpAddr>().is_ok();
    let is_name = |host: &str| {
        let letter = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        !host.is_empty() && host.bytes().all(letter)
    };
    let bracketed = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    let (host, port, fits) = match (bracketed, text.rsplit_once(':')) {
        (Some((host, "")), _) => (host, Some(DNS_PORT), is_address(host)),
        (Some((host, rest)), _) => (host, rest.strip_prefix(':').and_then(port), is_address(host)),
        (None, None) => (text, Some(DNS_PORT), is_name(text)),
        (None, Some(_)) if is_address(text) => (text, Some(DNS_PORT), true),
        (None, Some((host, digits))) => (host, port(digits), is_name(host)),
    };
    let host = host.strip_suffix('.').unwrap_or(host).to_owned();
    port.filter(|_| fits).map(|port| NameServer::Host { host, port }).ok_or(MEND)
}

/// A server for a person: without the port if it is the usual one.
fn authority(server: &NameServer) -> String {
    match server {
        NameServer::Resolver => "the resolver".to_owned(),
        NameServer::Host { host, port: DNS_PORT } => host.clone(),
        NameServer::Host { host, port } if host.contains(':') => format!("[{host}]:{port}"),
        NameServer::Host { host, port } => format!("{host}:{port}"),
    }
}

#[cfg(test)]
mod tests;
