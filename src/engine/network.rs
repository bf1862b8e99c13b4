//! Logical networks (netifd's interfaces): `wan` is what the user means, `pppoe-wan` is what it runs on today.

use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize};

use super::Instant;
use super::address::Snapshot;

/// One logical network, as netifd tells it (openwrt/netifd `ubus.c`, `netifd_dump_status`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Network {
    /// Name of the UCI section (`wan`, `wan6`, `lan`).
    pub name: String,
    /// Whether netifd has finished setting it up. Its addresses are in the kernel before that.
    pub up: bool,
    /// The kernel device that its addresses are on (`l3_device`). While it is down, netifd names none: the last known
    /// one stays, so that an address that comes back is seen without netifd.
    pub device: Option<String>,
    /// Prefixes that were delegated to it (RFC 8415).
    pub prefixes: Vec<Delegated>,
    /// Parts of delegated prefixes that were assigned to it.
    pub assignments: Vec<Assignment>,
}

/// A delegated prefix.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Delegated {
    /// Its first address.
    pub address: Ipv6Addr,
    /// Length in bits.
    pub length: u8,
    /// End of its preferred lifetime; `None`: it has none.
    pub preferred_until: Option<Instant>,
    /// End of its valid lifetime; `None`: it has none.
    pub valid_until: Option<Instant>,
}

/// What a network has of a prefix that was delegated to another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Assignment {
    /// Its first address.
    pub address: Ipv6Addr,
    /// Length in bits.
    pub length: u8,
    /// The router's own address in it, once it has one.
    pub local: Option<Ipv6Addr>,
}

/// What a configured name stands for at this moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Meaning<'a> {
    /// No network has this name: a kernel device, which may not exist.
    Device(&'a str),
    /// A network; it wins over a device of the same name (the port `wan` of a switch, under the network `wan`).
    Network(&'a Network),
}

impl Meaning<'_> {
    /// The kernel device, if one is known.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::Device(device) => Some(device),
            Self::Network(network) => network.device.as_deref(),
        }
    }
}

/// What `name` stands for among these networks.
#[must_use]
pub fn meaning<'a>(name: &'a str, networks: &'a [Network]) -> Meaning<'a> {
    networks.iter().find(|network| network.name == name).map_or(Meaning::Device(name), Meaning::Network)
}

/// `status` of one network.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct NetworkStatus {
    /// Name of the UCI section.
    pub network: String,
    /// Whether netifd says that it is up.
    pub up: bool,
    /// Its device; while it is down, the last known one.
    pub device: Option<String>,
    /// Prefixes that were delegated to it.
    pub prefixes: Vec<PrefixStatus>,
    /// Parts of delegated prefixes that were assigned to it.
    pub assignments: Vec<AssignmentStatus>,
}

/// `status` of a delegated prefix.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PrefixStatus {
    /// As in `2001:db8::/56`.
    pub prefix: String,
    /// Seconds of its preferred lifetime that are left; `None`: it has no end.
    pub preferred_secs: Option<u64>,
    /// Seconds of its valid lifetime that are left; `None`: it has no end.
    pub valid_secs: Option<u64>,
}

/// `status` of an assigned prefix.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AssignmentStatus {
    /// As in `2001:db8:0:1::/64`.
    pub prefix: String,
    /// The router's own address in it.
    pub address: Option<Ipv6Addr>,
}

/// The networks of a snapshot as a person reads them.
#[must_use]
pub fn status(snapshot: &Snapshot, now: Instant) -> Vec<NetworkStatus> {
    let left = |until: Option<Instant>| until.map(|until| until.since(now).as_secs());
    // netifd goes on naming what has run out.
    let is_valid = |prefix: &&Delegated| prefix.valid_until.is_none_or(|until| until > now);
    let prefix = |prefix: &Delegated| PrefixStatus {
        prefix: format!("{}/{}", prefix.address, prefix.length),
        preferred_secs: left(prefix.preferred_until),
        valid_secs: left(prefix.valid_until),
    };
    let assignment = |assignment: &Assignment| AssignmentStatus {
        prefix: format!("{}/{}", assignment.address, assignment.length),
        address: assignment.local,
    };
    let network = |network: &Network| NetworkStatus {
        network: network.name.clone(),
        up: network.up,
        device: network.device.clone(),
        prefixes: network.prefixes.iter().filter(is_valid).map(prefix).collect(),
        assignments: network.assignments.iter().map(assignment).collect(),
    };
    snapshot.networks.iter().map(network).collect()
}
