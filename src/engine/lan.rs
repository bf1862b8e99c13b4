//! What is known of the hosts behind the router, and of its ways out.

use std::net::Ipv6Addr;

use crate::provider::Family;

/// An IEEE 802 address of 48 bits.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mac(pub [u8; 6]);

/// One entry of the kernel's IPv6 neighbour table (RTM_NEWNEIGH) that has a link-layer address; failed and incomplete
/// ones are none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Neighbour {
    /// The link that it is on.
    pub ifindex: u32,
    /// NDA_DST.
    pub ip: Ipv6Addr,
    /// NDA_LLADDR.
    pub mac: Mac,
}

/// One DHCPv6 lease of a server on this machine.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lease {
    /// The host's name, lower case, without domain; `None`: it told none.
    pub host: Option<String>,
    /// The host's DUID (RFC 8415 section 11), hexadecimal in lower case without separators.
    pub duid: String,
    /// Its addresses.
    pub addresses: Vec<Ipv6Addr>,
}

/// A device that the kernel would send to the world through.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Way {
    /// The link.
    pub ifindex: u32,
    /// The family that there is a route for.
    pub family: Family,
    /// Whether this is the way that the kernel takes when nobody names a device.
    pub is_default: bool,
}
