//! Prefixes of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

/// An IPv6 prefix (RFC 4291 section 2.3).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Prefix {
    /// Its first address: the bits behind the length are zero.
    pub network: Ipv6Addr,
    /// Length in bits, 0 to 128.
    pub length: u8,
}

impl Prefix {
    /// The prefix of this length that an address is in; a length above 128 counts as 128.
    #[must_use]
    pub fn of(address: Ipv6Addr, length: u8) -> Self {
        let length = length.min(128);
        let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
        Self { network: Ipv6Addr::from_bits(address.to_bits() & mask), length }
    }

    /// A prefix as it is written, `2001:db8::/32`; one of IPv4, `192.0.2.0/24`, becomes that of the mapped addresses (RFC
    /// 4291 section 2.5.5.2). `None`: it is none, or has bits behind its length.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (network, length) = text.split_once('/')?;
        let (network, length) = (network.parse().ok()?, length.parse::<u8>().ok()?);
        let bits = if matches!(network, IpAddr::V4(_)) { 32 } else { 128 };
        let prefix = Self { network: mapped(network), length: length.checked_add(128 - bits)? };
        (length <= bits && Self::of(prefix.network, prefix.length) == prefix).then_some(prefix)
    }

    /// Whether an address is in it, one of IPv4 as above.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        Self::of(mapped(ip), self.length) == *self
    }
}

fn mapped(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}
