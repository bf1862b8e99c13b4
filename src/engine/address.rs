//! Which address of a device may be published, and why the others may not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use super::lan::{Lease, Neighbour, Way};
use super::network::{Meaning, Network, meaning};
use super::origin::{Host, Origin};
use super::{Allow, Nat};
use crate::provider::{Family, Prefix};

/// The kernel's links and addresses at one moment, whole, and the networks that are on them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Snapshot {
    /// All links of the network namespace, by ifindex.
    pub links: Vec<Link>,
    /// All addresses, in the kernel's order.
    pub addresses: Vec<Address>,
    /// All networks, by name; none where there is no netifd.
    pub networks: Vec<Network>,
    /// The kernel's ways out, for each device that was asked about ([`Wanted::ways`]).
    pub ways: Vec<Way>,
    /// The IPv6 neighbour table, if it is wanted.
    pub neighbours: Vec<Neighbour>,
    /// DHCPv6 leases, if they are wanted; a host that has several has one for each.
    pub leases: Vec<Lease>,
    /// The texts of wanted files, or in words why there is none.
    pub files: LiteMap<PathBuf, Result<String, String>>,
    /// What mwan3 says of its networks: whether they are online. A network that it does not know is not in here.
    pub verdicts: LiteMap<String, bool>,
}

/// What of a [`Snapshot`] has to be looked up, beside links, addresses and networks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wanted {
    /// [`Snapshot::ways`].
    pub ways: bool,
    /// [`Snapshot::neighbours`].
    pub neighbours: bool,
    /// [`Snapshot::leases`].
    pub leases: bool,
    /// [`Snapshot::files`]: absolute paths.
    pub files: Vec<PathBuf>,
    /// [`Snapshot::verdicts`].
    pub verdicts: bool,
}

impl Wanted {
    /// Adds what a record with these origins and host parts needs.
    pub fn add<'a>(&mut self, origins: [&'a [Origin]; 2], hosts: impl Iterator<Item = &'a Host>) {
        for origins in origins {
            self.ways |= origins.len() > 1;
            self.verdicts |= origins.len() > 1;
            for origin in origins {
                match origin {
                    Origin::Auto(None) => self.ways = true,
                    Origin::File(path) if !self.files.contains(path) => self.files.push(path.clone()),
                    Origin::Auto(Some(_)) | Origin::File(_) | Origin::Line(_) => {}
                    Origin::Outside(..) | Origin::Prefix(_) => {}
                }
            }
        }
        for host in hosts {
            match host {
                Host::Duid(_) | Host::Lease(_) => self.leases = true,
                Host::Neighbour(_) => self.neighbours = true,
                Host::Eui64(_) | Host::Literal(_) => {}
            }
        }
    }
}

/// One link (RTM_NEWLINK).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Link {
    /// Kernel index; a device that is made anew gets a new one.
    pub ifindex: u32,
    /// Device name (`pppoe-wan`).
    pub name: String,
    /// IFF_UP and IFF_LOWER_UP. The operational state is not asked: ppp's is "unknown" when it is up.
    pub up: bool,
}

/// `ifa_scope` of linux/rtnetlink.h.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Scope {
    /// RT_SCOPE_UNIVERSE.
    Universe,
    /// RT_SCOPE_SITE.
    Site,
    /// RT_SCOPE_LINK.
    Link,
    /// RT_SCOPE_HOST and anything narrower.
    Host,
}

/// One address (RTM_NEWADDR).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// The link that it is on.
    pub ifindex: u32,
    /// IFA_LOCAL, else IFA_ADDRESS: our end of a point-to-point link, never the peer's.
    pub ip: IpAddr,
    /// Prefix length in bits.
    pub prefix_len: u8,
    /// Scope.
    pub scope: Scope,
    /// IFA_F_TENTATIVE: duplicate address detection has not finished (RFC 4862).
    pub tentative: bool,
    /// IFA_F_DADFAILED.
    pub dad_failed: bool,
    /// IFA_F_DEPRECATED, or a preferred lifetime of zero whatever the flag says.
    pub deprecated: bool,
    /// IFA_F_TEMPORARY on IPv6 (RFC 8981).
    pub temporary: bool,
    /// IFA_F_SECONDARY on IPv4 (the same bit).
    pub secondary: bool,
    /// IFA_CACHEINFO `cstamp`: when it was added, in hundredths of a second; wraps. Refreshes do not change it.
    pub created: u32,
}

/// Addresses of a family beside the first, in order of preference: three lines more than one. Our judgement.
pub type Further = [Option<IpAddr>; 3];

/// What a network or a device offers for one family.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Choice {
    /// The device that was looked at; `None`: the network has none (yet).
    pub device: Option<String>,
    /// The network that it belongs to, if one was asked for.
    pub network: Option<String>,
    /// The address that may be published.
    pub address: Option<IpAddr>,
    /// Addresses of other lines that are published beside it.
    pub further: Further,
    /// The prefix that goes along.
    pub prefix: Option<Prefix>,
    /// What stands between the device and the world.
    pub nat: Option<Nat>,
    /// The others, and why not; or (without address) why there is none at all.
    pub rejected: Vec<Rejected>,
}

impl Choice {
    /// The reasons why there is no address, in words.
    #[must_use]
    pub fn why_none(&self) -> String {
        let reason = |r: &Rejected| match r.address {
            Some(address) => format!("{address} is {}", r.reason),
            None => r.reason.clone(),
        };
        self.rejected.iter().map(reason).collect::<Vec<_>>().join("; ")
    }
}

/// An address that is not published, or (without address) why there is none.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Rejected {
    /// The address.
    pub address: Option<IpAddr>,
    /// Why not, in words.
    pub reason: String,
}

/// Chooses the address of a network or device, `name`, that may be published for `family`.
///
/// `current` is what was chosen before: it is kept where the rules leave a choice, so that two equals do not alternate.
#[must_use]
pub fn choose(
    name: &str,
    family: Family,
    allow: Allow,
    snapshot: &Snapshot,
    current: Option<IpAddr>,
) -> Choice {
    let offer = |device| on_device(device, family, allow, snapshot, current);
    match meaning(name, &snapshot.networks) {
        Meaning::Device(device) => offer(device),
        Meaning::Network(network) => {
            let choice = match network.device.as_deref().map(offer) {
                // An address is believed before netifd is: the kernel has it first, netifd's "up" comes later.
                Some(choice) if network.up || choice.address.is_some() => choice,
                None if network.up => none(None, format!("network {name} has no device")),
                Some(_) | None => none(network.device.as_deref(), format!("network {name} is down")),
            };
            Choice { network: Some(network.name.clone()), ..choice }
        }
    }
}

/// Nothing to publish, for this reason.
pub(super) fn none(device: Option<&str>, reason: String) -> Choice {
    let rejected = vec![Rejected { address: None, reason }];
    Choice { device: device.map(str::to_owned), rejected, ..Choice::default() }
}

/// What a kernel device offers.
fn on_device(
    device: &str,
    family: Family,
    allow: Allow,
    snapshot: &Snapshot,
    current: Option<IpAddr>,
) -> Choice {
    let none = |reason| none(Some(device), reason);
    let Some(link) = snapshot.links.iter().find(|link| link.name == device) else {
        return none(no_such(device, &snapshot.networks));
    };
    if !link.up {
        return none(format!("{device} is down"));
    }
    let on_device =
        snapshot.addresses.iter().filter(|a| a.ifindex == link.ifindex && Family::of(a.ip) == family);
    let mut usable: Vec<&Address> = Vec::new();
    let mut rejected = Vec::new();
    for address in on_device {
        match unfit(address, allow) {
            Some(reason) => rejected.push(Rejected { address: Some(address.ip), reason: reason.to_owned() }),
            None => usable.push(address),
        }
    }
    let Some(best) = usable.iter().copied().reduce(|a, b| if better(b, a, current) { b } else { a }) else {
        if rejected.is_empty() {
            return none(format!("{device} has no {family} address"));
        }
        return Choice { device: Some(device.to_owned()), rejected, ..Choice::default() };
    };
    for other in usable.into_iter().filter(|other| other.ip != best.ip) {
        rejected.push(Rejected { address: Some(other.ip), reason: format!("{} is preferred", best.ip) });
    }
    Choice { device: Some(device.to_owned()), address: Some(best.ip), rejected, ..Choice::default() }
}

/// What there is instead of a device that does not exist. The device of a network comes and goes: no list then.
fn no_such(device: &str, networks: &[Network]) -> String {
    if networks.is_empty() || networks.iter().any(|network| network.device.as_deref() == Some(device)) {
        return format!("there is no device {device}");
    }
    let known: Vec<&str> = networks.iter().map(|network| network.name.as_str()).collect();
    format!("there is no network or device {device}; networks are {}", known.join(", "))
}

/// Whether `a` is to be chosen before `b`.
fn better(a: &Address, b: &Address, current: Option<IpAddr>) -> bool {
    // The kernel's own order of source addresses: primary before secondary, preferred before deprecated.
    let rank = |x: &Address| (x.secondary, x.deprecated);
    if rank(a) != rank(b) {
        return rank(a) < rank(b);
    }
    let is_current = |x: &Address| Some(x.ip) == current;
    let same_subnet = match (a.ip, b.ip) {
        // A new IPv6 prefix replaces the old one even while the old one is not deprecated yet (pppd `demand`).
        (IpAddr::V6(a), IpAddr::V6(b)) => a.segments()[..4] == b.segments()[..4],
        _ => true,
    };
    if same_subnet && is_current(a) != is_current(b) {
        return is_current(a);
    }
    // The stamp wraps after 497 days: compare the distance, not the number.
    match a.created.wrapping_sub(b.created) {
        0 if is_current(a) != is_current(b) => is_current(a),
        0 => a.ip < b.ip,
        newer_by => newer_by < u32::MAX / 2,
    }
}

/// Why an address may not be published, if so.
fn unfit(address: &Address, allow: Allow) -> Option<&'static str> {
    if address.dad_failed {
        return Some("duplicate address detection failed: another machine has it");
    }
    if address.tentative {
        return Some("tentative: duplicate address detection has not finished");
    }
    match address.ip {
        IpAddr::V4(ip) => unfit_v4(ip, allow),
        IpAddr::V6(ip) => {
            // A deprecated IPv4 address still counts: dhcpcd lets it become so at 7/8 of the lease.
            if address.deprecated {
                return Some("deprecated: its preferred lifetime is over");
            }
            if address.temporary && !allow.temporary {
                return Some("temporary (RFC 8981): allow \"temporary\" would publish it");
            }
            unfit_v6(ip, allow)
        }
    }
    .or_else(|| (address.scope != Scope::Universe && !allow.private).then_some("its scope is not global"))
}

/// Whether an address may be published that is on none of our devices.
///
/// # Errors
///
/// The reason why not.
pub fn fit(ip: IpAddr, allow: Allow) -> Result<(), &'static str> {
    let reason = match ip {
        IpAddr::V4(ip) => unfit_v4(ip, allow),
        IpAddr::V6(ip) => unfit_v6(ip, allow),
    };
    reason.map_or(Ok(()), Err)
}

/// Reasons of RFC 6890 and its registry, for IPv4.
fn unfit_v4(ip: Ipv4Addr, allow: Allow) -> Option<&'static str> {
    match ip.octets() {
        _ if ip.is_private() && !allow.private => {
            Some("private (RFC 1918): allow \"private\" would publish it")
        }
        [100, b, ..] if b & 0xc0 == 64 && !allow.cgnat => {
            Some("carrier NAT (100.64.0.0/10, RFC 6598): allow \"cgnat\" would publish it")
        }
        _ if ip.is_documentation() && !allow.documentation => {
            Some("documentation range (RFC 5737): allow \"documentation\" would publish it")
        }
        _ if ip.is_loopback() => Some("loopback"),
        _ if ip.is_link_local() => Some("link-local (RFC 3927)"),
        [0, ..] => Some("unspecified"),
        [192, 0, 0, _] => Some("protocol assignment (192.0.0.0/24, RFC 6890)"),
        [198, 18 | 19, ..] => Some("benchmark range (RFC 2544)"),
        [224..=255, ..] => Some("multicast or reserved"),
        _ => None,
    }
}

/// Reasons of RFC 6890 and its registry, for IPv6.
pub(super) fn unfit_v6(ip: Ipv6Addr, allow: Allow) -> Option<&'static str> {
    match ip.segments() {
        [0xfc00..=0xfdff, ..] if !allow.ula => {
            Some("unique local (RFC 4193): allow \"ula\" would publish it")
        }
        [0xfc00..=0xfdff, ..] => None,
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] if !allow.documentation => {
            Some("documentation range (RFC 3849, RFC 9637): allow \"documentation\" would publish it")
        }
        [0x2001, 0, ..] => Some("Teredo (RFC 4380)"),
        [0x2002, ..] => Some("6to4 (RFC 3056)"),
        [0x2000..=0x3fff, ..] => None,
        _ if ip.is_loopback() => Some("loopback"),
        _ => Some("not global unicast (2000::/3)"),
    }
}

#[cfg(test)]
mod tests;
