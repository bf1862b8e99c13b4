//! Addresses of hosts behind the router: a prefix that is announced to the LAN, and the host's own part.

use std::net::{IpAddr, Ipv6Addr};

use super::address::{Address, Choice, Rejected, Snapshot, choose, unfit_v6};
use super::lan::{Lease, Mac};
use super::network::{Delegated, Meaning, Network, meaning};
use super::origin::Host;
use super::{Allow, Instant};
use crate::provider::{Family, Prefix};

/// What is asked of a prefix.
pub(super) struct Behind<'a> {
    /// A network or device.
    pub(super) name: &'a str,
    /// Of a prefix shorter than /64, which /64 the host is in.
    pub(super) subnet: u32,
    /// `None`: the prefix itself is published.
    pub(super) host: Option<&'a Host>,
    pub(super) allow: Allow,
    pub(super) now: Instant,
    /// What was chosen before.
    pub(super) current: Option<IpAddr>,
}

impl Behind<'_> {
    /// The address of the host, or of the prefix itself.
    pub(super) fn choose(&self, snapshot: &Snapshot) -> Choice {
        let (prefix, base) = self.prefix(snapshot);
        let Some(prefix) = prefix else { return base };
        let fail =
            |reason: String| Choice { rejected: vec![Rejected { address: None, reason }], ..base.clone() };
        let Some(prefix) = self.in_subnet(prefix) else {
            return fail(format!("{prefix} has no subnet {}", self.subnet));
        };
        let address = match self.host {
            None => Ok(prefix.network),
            Some(host) => self.host(host, prefix, snapshot),
        };
        match address {
            Ok(ip) => {
                let prefix = self.host.is_none().then_some(prefix);
                Choice { address: Some(IpAddr::V6(ip)), prefix, ..base }
            }
            Err(reason) => fail(reason),
        }
    }

    /// The prefix, and the choice that is still without an address; without a prefix it says why there is none.
    pub(super) fn prefix(&self, snapshot: &Snapshot) -> (Option<Prefix>, Choice) {
        if let Meaning::Network(network) = meaning(self.name, &snapshot.networks) {
            if !network.prefixes.is_empty() {
                return self.delegated(network);
            }
        }
        let choice = choose(self.name, Family::V6, self.allow, snapshot, None);
        let Some(IpAddr::V6(ip)) = choice.address else { return (None, choice) };
        let link = snapshot.links.iter().find(|link| Some(&link.name) == choice.device.as_ref());
        let on_link = |address: &&Address| {
            address.ip == IpAddr::V6(ip) && link.is_some_and(|link| link.ifindex == address.ifindex)
        };
        let length = snapshot.addresses.iter().find(on_link).map_or(128, |address| address.prefix_len);
        let base = Choice { address: None, rejected: Vec::new(), ..choice };
        if length > PREFIX_MAX {
            let reason = format!("{ip} has no prefix: its length is {length} bits");
            return (None, Choice { rejected: vec![Rejected { address: None, reason }], ..base });
        }
        (Some(Prefix::of(ip, length)), base)
    }

    /// Of what was delegated: valid, of a kind that may be published, preferred, and lasting longest.
    fn delegated(&self, network: &Network) -> (Option<Prefix>, Choice) {
        let lasts = |until: Option<Instant>| until.is_none_or(|until| until > self.now);
        let mut rejected = Vec::new();
        let mut best: Option<&Delegated> = None;
        for prefix in &network.prefixes {
            let reason = if lasts(prefix.valid_until) {
                unfit_v6(prefix.address, self.allow).map(str::to_owned)
            } else {
                Some("no longer valid".to_owned())
            };
            if let Some(reason) = reason {
                rejected.push(Rejected { address: Some(prefix.address.into()), reason });
                continue;
            }
            let rank = |prefix: &Delegated| {
                let end = prefix.preferred_until;
                (lasts(end), end.is_none(), end, self.is_current(prefix))
            };
            if best.is_none_or(|best| rank(prefix) > rank(best)) {
                best = Some(prefix);
            }
        }
        let (device, network) = (network.device.clone(), Some(network.name.clone()));
        let base = Choice { device, network, ..Choice::default() };
        (best.map(|best| Prefix::of(best.address, best.length)), Choice { rejected, ..base })
    }

    fn is_current(&self, prefix: &Delegated) -> bool {
        let Some(IpAddr::V6(ip)) = self.current else { return false };
        Prefix::of(ip, prefix.length).network == prefix.address
    }

    /// The /64 with the number of the record, where the prefix has several.
    fn in_subnet(&self, prefix: Prefix) -> Option<Prefix> {
        if self.host.is_none() && self.subnet == 0 {
            return Some(prefix);
        }
        if prefix.length > 64 {
            return (self.subnet == 0).then_some(prefix);
        }
        let subnet = u128::from(self.subnet);
        let has_room = subnet >> (64 - u32::from(prefix.length)) == 0;
        let network = Ipv6Addr::from_bits(prefix.network.to_bits() | subnet << 64);
        has_room.then_some(Prefix { network, length: 64 })
    }

    fn host(&self, host: &Host, prefix: Prefix, snapshot: &Snapshot) -> Result<Ipv6Addr, String> {
        let joined = |bits: u128| Ipv6Addr::from_bits(prefix.network.to_bits() | bits);
        let rest = u128::MAX.checked_shr(prefix.length.into()).unwrap_or(0);
        match host {
            Host::Literal(bits) if bits.to_bits() & !rest != 0 => {
                Err(format!("the host part {bits} is longer than {prefix} leaves room for"))
            }
            Host::Literal(bits) => Ok(joined(bits.to_bits())),
            Host::Eui64(_) | Host::Neighbour(_) if prefix.length != 64 => {
                Err(format!("{prefix} is no /64, which alone has interface identifiers"))
            }
            Host::Eui64(mac) => Ok(joined(mac.eui64().into())),
            Host::Neighbour(mac) => self.neighbour(*mac, prefix, snapshot),
            Host::Lease(_) | Host::Duid(_) => {
                let leased = leased(host, snapshot);
                let inside = leased.iter().find(|ip| Prefix::of(**ip, prefix.length) == prefix);
                // A server that has not yet heard of a new prefix still knows the host's own part.
                let known = inside.or(leased.first()).map(|ip| joined(ip.to_bits() & rest));
                known.ok_or_else(|| format!("there is no lease of {host}"))
            }
        }
    }

    /// Of the addresses of a neighbour: made of its MAC, given by hand or by DHCPv6, the one that was chosen before,
    /// the first. Which of the others are temporary (RFC 8981) only the host knows.
    fn neighbour(&self, mac: Mac, prefix: Prefix, snapshot: &Snapshot) -> Result<Ipv6Addr, String> {
        let known = snapshot.neighbours.iter().filter(|neighbour| neighbour.mac == mac);
        let mut inside: Vec<Ipv6Addr> = known.map(|neighbour| neighbour.ip).collect();
        if let Some(IpAddr::V6(current)) = self.current {
            // The kernel forgets a neighbour that nobody speaks to; its address stays what it was.
            inside.push(current);
        }
        let inside = inside.into_iter().filter(|ip| Prefix::of(*ip, prefix.length) == prefix);
        let rank = |ip: &Ipv6Addr| {
            let [.., a, b, c, d] = ip.segments();
            let identifier = [a, b, c, d].into_iter().fold(0, |bits, part| bits << 16 | u64::from(part));
            let by_hand = identifier >> 32 == 0;
            (identifier != mac.eui64(), !by_hand, Some(IpAddr::V6(*ip)) != self.current, *ip)
        };
        inside.min_by_key(rank).ok_or_else(|| format!("no neighbour {mac} has an address in {prefix}"))
    }
}

/// The addresses of a host's leases.
fn leased(host: &Host, snapshot: &Snapshot) -> Vec<Ipv6Addr> {
    let is_meant = |lease: &&Lease| match host {
        Host::Duid(duid) => lease.duid == *duid,
        Host::Lease(name) => lease.host.as_ref() == Some(name),
        Host::Eui64(_) | Host::Literal(_) | Host::Neighbour(_) => false,
    };
    snapshot.leases.iter().filter(is_meant).flat_map(|lease| lease.addresses.iter().copied()).collect()
}

/// Longest prefix that has room for a host.
const PREFIX_MAX: u8 = 127;

#[cfg(test)]
mod tests;
