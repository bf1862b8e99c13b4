//! Asks the router before us for its address.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use super::datagram::{open, unconnected};
use super::fault;
use super::observe::{Observer, random};
use crate::daemon::netlink;
use crate::daemon::outside::{NO_ADDRESS, PROTOCOLS, nat_pmp, pcp, upnp};
use crate::engine::outside::Sighting;
use crate::provider::{Family, Method, Secret};

impl Observer<'_> {
    pub(super) fn router(&self) -> Sighting {
        if self.family() == Family::V6 {
            return Err("a router tells its IPv4 address only".to_owned());
        }
        let gateway = netlink::gateway(self.device())
            .map_err(|error| ["there is no way to a router: ", &fault::words(&error)].concat())?
            .ok_or("there is no router before us: the route to the world has no gateway")?;
        let said = self.observe(1, &|protocol| {
            let said = match PROTOCOLS.iter().position(|other| *other == protocol) {
                Some(0) => self.nat_pmp(gateway),
                Some(1) => self.pcp(gateway),
                Some(_) | None => self.upnp(gateway),
            };
            said.and_then(|ip| if ip.is_unspecified() { Err(NO_ADDRESS.to_owned()) } else { Ok(ip) })
        });
        said.map_err(|words| format!("the router {gateway} tells no address: {words}"))
    }

    fn nat_pmp(&self, gateway: Ipv4Addr) -> Sighting {
        let (server, socket) = self.connected(gateway, nat_pmp::PORT)?;
        self.ask(&socket, &[server], &nat_pmp::REQUEST, &MAPPING_PAUSES, &mut |message, _| {
            nat_pmp::answer(message)
        })
    }

    fn pcp(&self, gateway: Ipv4Addr) -> Sighting {
        let (server, socket) = self.connected(gateway, nat_pmp::PORT)?;
        let Ok(SocketAddr::V4(here)) = socket.local_addr() else { return Err("no address".to_owned()) };
        // The port of this very socket, which takes datagrams from the router only: nothing is opened to anybody.
        let mapping = pcp::Mapping { client: *here.ip(), nonce: random()?, port: here.port() };
        let mut said = Err(String::new());
        for lifetime_secs in [pcp::LIFETIME_SECS, 0] {
            let request = mapping.request(lifetime_secs);
            let heard = self.ask(&socket, &[server], &request, &MAPPING_PAUSES, &mut |message, _| {
                mapping.answer(message)
            });
            // Should it not be given back, the router takes it back by itself.
            if lifetime_secs > 0 {
                said = heard;
            }
            if said.is_err() {
                break;
            }
        }
        said
    }

    fn upnp(&self, gateway: Ipv4Addr) -> Sighting {
        let location = self.search(gateway)?;
        let description = self.request(Method::Get, &location, Vec::new(), None)?;
        let mut said = Err("it describes no service that knows its address".to_owned());
        for service in description.body.split("<service>") {
            let Some((kind, url)) = upnp::service(service, &location, gateway) else { continue };
            let headers = vec![
                ("Content-Type".to_owned(), Secret::new("text/xml; charset=\"utf-8\"")),
                ("SOAPAction".to_owned(), Secret::new(upnp::action(kind))),
            ];
            let reply = self.request(Method::Post, &url, headers, Some(Secret::new(upnp::envelope(kind))))?;
            said = upnp::external(&reply.body).map_err(str::to_owned);
            // Of two lines, or two kinds of one, the one that is not in use has no address.
            if said.as_ref().is_ok_and(|ip| !ip.is_unspecified()) {
                break;
            }
        }
        said
    }

    /// Searches with everybody and with the router alone: a firewall of ours lets only the answer to the latter in.
    fn search(&self, gateway: Ipv4Addr) -> Result<String, String> {
        let alone = SocketAddr::new(gateway.into(), upnp::PORT);
        // Unbound to a device, it leaves through that of the default route, as all else here does.
        let socket = unconnected(alone, self.device()).map_err(|fault| fault.words)?;
        let (to, search) = ([upnp::GROUP, alone], upnp::SEARCH.as_bytes());
        let mut location = None;
        self.ask(&socket.into(), &to, search, &SEARCH_PAUSES, &mut |message, from| {
            location = if from.ip() == gateway { upnp::location(message, gateway) } else { None };
            location.as_ref().map(|_| Ok(from.ip()))
        })?;
        Ok(location.unwrap_or_default())
    }

    fn connected(&self, gateway: Ipv4Addr, port: u16) -> Result<(SocketAddr, UdpSocket), String> {
        let server = SocketAddr::new(gateway.into(), port);
        let socket = open(server, self.device()).map_err(|fault| fault.words)?;
        Ok((server, socket))
    }
}

/// RFC 6886 section 3.1 begins like this and goes on for a minute, RFC 6887 section 8.1.1 is slower still: who has not
/// answered by then does not speak the protocol.
const MAPPING_PAUSES: [u64; 3] = [250, 500, 1000];
/// An answer may take MX, a second.
const SEARCH_PAUSES: [u64; 2] = [1000, 1500];
