//! PCP: a port is asked for, because only so the router says its address; and given back (RFC 6887).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{NO_ADDRESS, Said};

/// For so long, in seconds, the router keeps the port if it is not given back: RFC 6887 section 15 recommends that routers
/// grant no less.
pub(in crate::daemon) const LIFETIME_SECS: u32 = 120;

/// A mapping of one of our UDP ports.
pub(in crate::daemon) struct Mapping {
    /// Our address, as the router must see it.
    pub(in crate::daemon) client: Ipv4Addr,
    /// Tells our mapping from those of others.
    pub(in crate::daemon) nonce: [u8; 12],
    /// Our port.
    pub(in crate::daemon) port: u16,
}

impl Mapping {
    /// A MAP request (RFC 6887 sections 7.1 and 11.1); a lifetime of zero gives the port back.
    pub(in crate::daemon) fn request(&self, lifetime_secs: u32) -> Vec<u8> {
        let client = self.client.to_ipv6_mapped().octets();
        // No wish for an external address, of IPv4 (section 11.1); the same when it is given back (section 15.1, errata 3621).
        let wish = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().octets();
        let lifetime = lifetime_secs.to_be_bytes();
        let port = self.port.to_be_bytes();
        [&[VERSION, MAP, 0, 0], &lifetime[..], &client, &self.nonce, &UDP, &port, &[0; 2], &wish].concat()
    }

    /// What a datagram says to the request; an address of zero: the router has none. `None`: it is no answer to it.
    pub(in crate::daemon) fn answer(&self, message: &[u8]) -> Option<Said> {
        let (head, map) = message.split_at_checked(HEADER_BYTES)?;
        if head[1] != MAP | ANSWER {
            return None;
        }
        // RFC 6887 section 7.4.
        match (head[0], head[3]) {
            (VERSION, 0) => {}
            (VERSION, 2) => return Some(Err("it refuses: not authorized")),
            (VERSION, 7) => return Some(Err(NO_ADDRESS)),
            (VERSION, 12) => return Some(Err("there is NAT between it and us")),
            (VERSION, 3..) => return Some(Err("it refuses")),
            _ => return Some(Err("it speaks another version")),
        }
        let (mapping, external) = map.split_at_checked(20)?;
        if mapping[..12] != self.nonce || mapping[12..16] != UDP || mapping[16..18] != self.port.to_be_bytes()
        {
            return None;
        }
        let octets = <[u8; 16]>::try_from(external.get(..16)?).ok()?;
        let address = Ipv6Addr::from(octets).to_ipv4_mapped();
        Some(address.map(IpAddr::V4).ok_or("it offers no IPv4 address"))
    }
}

const VERSION: u8 = 2;
/// The opcode (RFC 6887 section 19.2).
const MAP: u8 = 1;
const ANSWER: u8 = 0x80;
const HEADER_BYTES: usize = 24;
/// Protocol 17 of IANA's list, and three reserved octets.
const UDP: [u8; 4] = [17, 0, 0, 0];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAPPING: Mapping = Mapping { client: Ipv4Addr::new(192, 168, 1, 2), nonce: [7; 12], port: 0x9c41 };

    #[test]
    fn a_request_is_that_of_the_rfc() {
        let request = MAPPING.request(LIFETIME_SECS);
        assert_eq!(request.len(), 60);
        assert_eq!(request[..8], [2, 1, 0, 0, 0, 0, 0, 120]);
        assert_eq!(request[8..24], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 2]);
        assert_eq!(request[24..44], [&[7; 12][..], &[17, 0, 0, 0], &[0x9c, 0x41, 0, 0]].concat());
        assert_eq!(request[44..], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]);
        let given_back = MAPPING.request(0);
        assert_eq!((&given_back[4..8], &given_back[8..]), (&[0; 4][..], &request[8..]));
    }

    #[test]
    fn answers_of_all_kinds_are_told_apart() {
        let granted = answer(0, Ipv4Addr::new(203, 0, 113, 9).to_ipv6_mapped());
        assert_eq!(MAPPING.answer(&granted), Some(Ok([203, 0, 113, 9].into())));
        let others = Mapping { nonce: [8; 12], ..MAPPING };
        assert_eq!(others.answer(&granted), None, "somebody else's mapping");
        let other_port = Mapping { port: 9, ..MAPPING };
        assert_eq!(other_port.answer(&granted), None);
        let refused = answer(2, Ipv6Addr::UNSPECIFIED);
        assert_eq!(MAPPING.answer(&refused), Some(Err("it refuses: not authorized")));
        assert_eq!(MAPPING.answer(&refused[..24]), Some(Err("it refuses: not authorized")));
        assert_eq!(MAPPING.answer(&answer(7, Ipv6Addr::UNSPECIFIED)), Some(Err(NO_ADDRESS)));
        let version = Some(Err("it speaks another version"));
        assert_eq!(MAPPING.answer(&answer(1, Ipv6Addr::UNSPECIFIED)), version);
        let mut older = granted;
        older[0] = 1;
        assert_eq!(MAPPING.answer(&older), version);
        let of_ipv6 = answer(0, "2001:db8::1".parse().unwrap());
        assert_eq!(MAPPING.answer(&of_ipv6), Some(Err("it offers no IPv4 address")));
        assert_eq!(MAPPING.answer(&MAPPING.request(120)), None, "a request is no answer");
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic(message in proptest::collection::vec(any::<u8>(), 0..70), length in 0_usize..60) {
            let _ = MAPPING.answer(&message);
            let _ = MAPPING.answer(&answer(0, Ipv6Addr::UNSPECIFIED)[..length]);
        }
    }

    fn answer(code: u8, external: Ipv6Addr) -> Vec<u8> {
        let mut answer = MAPPING.request(120);
        answer[1] |= ANSWER;
        answer[3] = code;
        answer[44..].copy_from_slice(&external.octets());
        answer
    }
}
