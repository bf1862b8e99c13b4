//! Asks the router before us for its address: by NAT-PMP, PCP and UPnP, in this order.
//!
//! NAT-PMP goes first because its question changes nothing. PCP has no such question: a port of our own is asked for and
//! given back. UPnP takes longest.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use super::datagram::{open, unconnected};
use super::fault::{self, Fault};
use super::observe::{Observer, random};
use crate::daemon::netlink;
use crate::daemon::outside::{Answer, nat_pmp, pcp, upnp};
use crate::engine::outside::Sighting;
use crate::provider::{Family, Method, Secret};

type Said = Result<Ipv4Addr, String>;
type Ask<'a> = fn(&Observer<'a>, Ipv4Addr) -> Said;

impl<'a> Observer<'a> {
    pub(super) fn router(&self) -> Sighting {
        if self.family() == Family::V6 {
            return Err("a router tells its IPv4 address only".to_owned());
        }
        let gateway = netlink::gateway(self.device())
            .map_err(|error| format!("there is no way to a router: {}", fault::words(&error)))?
            .ok_or("there is no router before us: the route to the world has no gateway")?;
        let protocols: [(&str, Ask<'a>); 3] =
            [("NAT-PMP", Self::nat_pmp), ("PCP", Self::pcp), ("UPnP", Self::upnp)];
        let mut reasons = format!("the router {gateway} does not say its address");
        for (protocol, ask) in protocols {
            match ask(self, gateway) {
                Ok(ip) if ip.is_unspecified() => {
                    return Err(format!("the router {gateway} has no public address itself ({protocol})"));
                }
                Ok(ip) => {
                    return self.fit(ip.into()).map_err(|reason| {
                        format!("the router {gateway} has {ip} itself ({protocol}), which is {reason}")
                    });
                }
                Err(words) => reasons += &format!("; {protocol}: {words}"),
            }
        }
        Err(reasons)
    }

    fn nat_pmp(&self, gateway: Ipv4Addr) -> Said {
        let socket = self.open(gateway, nat_pmp::PORT)?;
        self.map(&socket, gateway, &nat_pmp::REQUEST, &nat_pmp::answer)
    }

    fn pcp(&self, gateway: Ipv4Addr) -> Said {
        let socket = self.open(gateway, nat_pmp::PORT)?;
        let here = local(&socket)?;
        // The port of this very socket, which takes datagrams from the router only: nothing is opened to anybody.
        let mapping = pcp::Mapping { client: here.0, nonce: random()?, port: here.1 };
        let read = |message: &[u8]| mapping.answer(message);
        let said = self.map(&socket, gateway, &mapping.request(pcp::LIFETIME_SECS), &read);
        if said.is_ok() {
            // Should this fail, the router takes the port back by itself.
            let _ = self.map(&socket, gateway, &mapping.request(0), &read);
        }
        said
    }

    fn map(
        &self,
        socket: &UdpSocket,
        gateway: Ipv4Addr,
        message: &[u8],
        read: &dyn Fn(&[u8]) -> Option<Answer>,
    ) -> Said {
        let server = SocketAddr::new(gateway.into(), nat_pmp::PORT);
        let mut said = None;
        self.ask(socket, &[server], message, &MAPPING_PAUSES, &mut |message, _| {
            said = read(message);
            said.is_some()
        })?;
        match said {
            Some(Answer::Address(ip)) => Ok(ip),
            Some(Answer::Refused(words)) => Err(words.to_owned()),
            Some(Answer::OtherVersion) | None => Err("it speaks another version".to_owned()),
        }
    }

    fn upnp(&self, gateway: Ipv4Addr) -> Said {
        let location = self.search(gateway)?;
        let description = self.request(Method::Get, &location, Vec::new(), None)?;
        let mut said = Err("it describes no service that knows its address".to_owned());
        for service in upnp::services(&description.body, &location, gateway) {
            let headers = vec![
                ("Content-Type".to_owned(), Secret::new("text/xml; charset=\"utf-8\"")),
                ("SOAPAction".to_owned(), Secret::new(service.action())),
            ];
            let body = Some(Secret::new(service.envelope()));
            let reply = self.request(Method::Post, &service.url, headers, body);
            said = reply.and_then(|reply| upnp::external(&reply.body));
            // Of two lines, or two kinds of one, the one that is not in use has no address.
            if matches!(said, Ok(ip) if !ip.is_unspecified()) {
                break;
            }
        }
        said
    }

    /// Searches with everybody and with the router alone: a firewall of ours lets only the answer to the latter in.
    fn search(&self, gateway: Ipv4Addr) -> Result<String, String> {
        let alone = SocketAddr::new(gateway.into(), upnp::PORT);
        let here = local(&self.open(gateway, upnp::PORT)?)?;
        let socket = unconnected(alone, self.device()).map_err(|fault| fault.words)?;
        socket
            .set_multicast_if_v4(&here.0)
            .and_then(|()| socket.set_multicast_ttl_v4(upnp::HOPS))
            .map_err(|error| fault::words(&error))?;
        let mut location = None;
        let search = upnp::SEARCH.as_bytes();
        self.ask(&socket.into(), &[alone, upnp::GROUP], search, &SEARCH_PAUSES, &mut |message, from| {
            location = if from.ip() == gateway { upnp::location(message, gateway) } else { None };
            location.is_some()
        })?;
        location.ok_or_else(|| "no answer".to_owned())
    }

    fn open(&self, gateway: Ipv4Addr, port: u16) -> Result<UdpSocket, String> {
        open(SocketAddr::new(gateway.into(), port), self.device()).map_err(|fault| fault.words)
    }
}

/// Our own end of a connected socket.
fn local(socket: &UdpSocket) -> Result<(Ipv4Addr, u16), String> {
    let here = socket.local_addr().map_err(|error| Fault::of_io(error).words)?;
    match here.ip() {
        IpAddr::V4(ip) => Ok((ip, here.port())),
        IpAddr::V6(_) => Err("the line has no IPv4 address".to_owned()),
    }
}

/// RFC 6886 section 3.1 begins like this and goes on for a minute, RFC 6887 section 8.1.1 is slower still: who has not
/// answered by then does not speak the protocol.
const MAPPING_PAUSES: [u64; 3] = [250, 500, 1000];
/// An answer may take MX, a second.
const SEARCH_PAUSES: [u64; 2] = [1000, 1500];
