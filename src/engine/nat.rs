//! What stands between an IPv4 line and the world, as far as its own address tells it.

use std::net::IpAddr;

/// What an address of the line says about the way to it.
pub(super) fn nat(ip: IpAddr) -> Option<Nat> {
    let IpAddr::V4(ip) = ip else { return None };
    match ip.octets() {
        [100, 64..=127, ..] => Some(Nat::Carrier),
        [192, 0, 0, 0..=7] => Some(Nat::DsLite),
        _ if ip.is_private() => Some(Nat::Router),
        _ => None,
    }
}

/// What stands between an IPv4 line and the world.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Nat {
    /// The provider's (100.64.0.0/10, RFC 6598).
    Carrier,
    /// The provider's, behind a tunnel through IPv6 (RFC 6333; 192.0.0.0/29).
    DsLite,
    /// Another router's (RFC 1918).
    Router,
}

impl Nat {
    /// For a person: what it means, and what to do.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Carrier => {
                "behind carrier-grade NAT: IPv4 cannot be reached from outside; publish IPv6 only (option ipv6, without \
                 option ipv4)"
            }
            Self::DsLite => {
                "behind DS-Lite: IPv4 cannot be reached from outside; publish IPv6 only (option ipv6, without option ipv4)"
            }
            Self::Router => {
                "behind another router: IPv4 is reached from outside only where that router forwards it"
            }
        }
    }
}
