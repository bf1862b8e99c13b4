//! What some worlds have beside the one line: a second one, and hosts behind a prefix.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use wanbeacon::engine::RecordSettings;
use wanbeacon::engine::address::{Address, Link, Snapshot};
use wanbeacon::engine::lan::Way;
use wanbeacon::engine::origin::{Host, Origin};
use wanbeacon::provider::Family;

use super::world::{Coming, World};

const HOUR: Duration = Duration::from_secs(3600);
const DEVICE: &str = "wwan0";
const IFINDEX: u32 = 3;

/// A second line, by radio: less often renumbered, more often away.
#[derive(Default)]
pub(super) struct Second {
    address: Option<Ipv4Addr>,
    serial: u32,
}

impl World {
    /// Gives every third world a second line, and every fifth hosts behind the prefix of the first.
    pub(super) fn furnish(&mut self, seed: u64) {
        if seed % 3 == 1 {
            self.second = Some(Second::default());
            self.settings.ipv4.push(Origin::Line(DEVICE.to_owned()));
            self.settings.hold_down = Duration::from_secs(60);
            self.plan(Duration::ZERO, Coming::Second);
        }
        if seed % 5 == 2 {
            behind(&mut self.settings);
            self.settings.manners.mixed = self.dice.one_in(2);
        }
    }

    /// The radio finds a network, or loses it.
    pub(super) fn second_changes(&mut self) {
        let Some(second) = &mut self.second else { return };
        if second.address.take().is_none() {
            second.serial += u32::from(!self.dice.one_in(3));
            let [_, a, b, c] = second.serial.to_be_bytes();
            second.address = Some(Ipv4Addr::new(82, a, b, c));
        }
        self.ring();
        // Now and then it comes and goes for a while.
        let most = if self.dice.one_in(3) { Duration::from_secs(200) } else { HOUR * 24 * 3 };
        self.plan_pause(Duration::from_millis(5), most, Coming::Second);
    }

    /// The second line stays as it is, and is there.
    pub(super) fn heal_second(&mut self) {
        if self.second.as_ref().is_some_and(|second| second.address.is_none()) {
            self.second_changes();
        }
        self.coming.retain(|_, coming| !matches!(coming, Coming::Second));
    }

    /// Adds to the kernel's table what is of this room.
    pub(super) fn with_lines(&self, mut table: Snapshot, like: &Address) -> Snapshot {
        let Some(second) = &self.second else { return table };
        let mut way = |ifindex, family, is_default| table.ways.push(Way { ifindex, family, is_default });
        if self.routed && self.up {
            way(self.ifindex, Family::V4, true);
            way(self.ifindex, Family::V6, true);
        }
        let is_up = second.address.is_some();
        if is_up {
            way(IFINDEX, Family::V4, !self.routed);
        }
        table.links.push(Link { ifindex: IFINDEX, name: DEVICE.to_owned(), up: is_up });
        let address = |ip: Ipv4Addr| Address { ifindex: IFINDEX, ip: ip.into(), ..like.clone() };
        table.addresses.extend(second.address.map(address));
        table
    }

    /// Whether anything can be sent.
    pub(super) fn is_online(&self) -> bool {
        self.routed || self.second.as_ref().is_some_and(|second| second.address.is_some())
    }

    /// What a name shall have in the end.
    pub(super) fn right(&self, name: &str, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => {
                let first = self.ipv4.filter(|_| self.second.is_none() || (self.up && self.routed));
                let second = self.second.as_ref().and_then(|second| second.address);
                first.or(second).map(IpAddr::V4)
            }
            Family::V6 => self.best_ipv6().map(|ip| match self.settings.hosts.get(name) {
                Some(Host::Literal(host)) => {
                    IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64 | host.to_bits()))
                }
                _ => IpAddr::V6(ip),
            }),
        }
    }
}

/// The names are hosts behind the prefix, each with a part of its own.
fn behind(settings: &mut RecordSettings) {
    let Some(Origin::Line(name)) = settings.ipv6.first().cloned() else { return };
    settings.ipv6 = vec![Origin::Prefix(name)];
    let hosts = settings.names.iter().zip(0x10_u128..);
    settings.hosts =
        hosts.map(|(name, part)| (name.clone(), Host::Literal(Ipv6Addr::from_bits(part)))).collect();
}
