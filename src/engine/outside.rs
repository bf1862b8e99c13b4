//! What is seen of us from outside, where the interface itself has no public address.

use std::net::IpAddr;

use crate::provider::Family;

/// Who is asked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Means {
    /// The router before us: NAT-PMP (RFC 6886), PCP (RFC 6887), UPnP IGD.
    Router,
    /// STUN servers (RFC 8489).
    Stun,
    /// Web services that answer with the address of who asks.
    Web,
}

/// One question to the outside; equal ones are asked once for all records.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Probe {
    /// Who is asked.
    pub means: Means,
    /// Which family's address.
    pub family: Family,
    /// The kernel device that the question leaves through (`SO_BINDTODEVICE`); `None`: as routed.
    pub device: Option<String>,
}

/// The answer: an address that may be believed, or in words why there is none.
pub type Sighting = Result<IpAddr, String>;
