//! Since when a device has a usable address, from the kernel's own messages and independent of the agent.
//!
//! Usable is, for IPv4, the only address of the device while there is a default route through it; for IPv6, the only
//! global address that is preferred, not tentative, not temporary. The messages are applied one by one, which an agent
//! must not do (they can be lost): here a lost message ends the run.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage as Rt;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressScope};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netlink_packet_route::route::{RouteAttribute, RouteMessage};
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};
use rustix::thread::LinkNameSpaceType;
use wanbeacon::provider::Family;

/// RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_IFADDR (linux/rtnetlink.h).
const GROUPS: [u32; 4] = [1, 5, 7, 9];
/// Thirty reconnects are some thousand messages; the default buffer holds 250.
const BUFFER_BYTES: u32 = 4 * 1024 * 1024;

/// One device under observation. Clones are the same.
#[derive(Clone)]
pub(crate) struct Watch {
    shared: Arc<(Mutex<Device>, Condvar)>,
}

#[derive(Default)]
struct Device {
    name: String,
    index: Option<u32>,
    up: bool,
    default_route: bool,
    addresses: BTreeSet<IpAddr>,
    usable: [Option<(IpAddr, Instant)>; 2],
    sessions: u64,
    failed: bool,
}

impl Watch {
    /// Observes a device of a named network namespace; it need not exist yet.
    pub(crate) fn start(namespace: &str, device: &str) -> io::Result<Self> {
        let namespace = File::open(namespace)?;
        let state = Device { name: device.to_owned(), ..Device::default() };
        let watch = Self { shared: Arc::new((Mutex::new(state), Condvar::new())) };
        let observer = watch.clone();
        let (ready, started) = std::sync::mpsc::channel();
        thread::spawn(move || {
            let socket = subscribe(&namespace);
            let failed = socket.as_ref().err().map(|error| io::Error::new(error.kind(), error.to_string()));
            // Nobody waits any more if the program is ending.
            let _ = ready.send(failed.map_or(Ok(()), Err));
            if let Ok(socket) = socket {
                observer.observe(&socket);
            }
        });
        started.recv().map_err(io::Error::other)??;
        Ok(watch)
    }

    /// Waits until an address other than `other` is usable; gives it and since when.
    pub(crate) fn usable(
        &self,
        family: Family,
        limit: Duration,
        wanted: impl Fn(IpAddr) -> bool,
    ) -> Option<(IpAddr, Instant)> {
        let fits =
            |device: &Device| device.usable[slot(family)].filter(|(ip, _)| wanted(*ip) && !device.failed);
        let waited = self.shared.1.wait_timeout_while(self.lock(), limit, |device| fits(device).is_none());
        fits(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// How often an IPv4 address has become usable.
    pub(crate) fn sessions(&self) -> u64 {
        self.lock().sessions
    }

    /// Waits until an IPv4 address has become usable more often than `count` times; gives it.
    pub(crate) fn session_after(&self, count: u64, limit: Duration) -> Option<IpAddr> {
        let fits = |device: &Device| {
            device.usable[slot(Family::V4)]
                .map(|(ip, _)| ip)
                .filter(|_| device.sessions > count && !device.failed)
        };
        let waited = self.shared.1.wait_timeout_while(self.lock(), limit, |device| fits(device).is_none());
        fits(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    fn observe(&self, socket: &Socket) {
        loop {
            let mut bytes = Vec::with_capacity(64 * 1024);
            let received = socket.recv(&mut bytes, 0);
            let now = Instant::now();
            let mut device = self.lock();
            if received.is_err() {
                device.failed = true;
                device.usable = [None; 2];
                return;
            }
            let mut rest = &bytes[..];
            while let Ok(message) = NetlinkMessage::<Rt>::deserialize(rest) {
                // Messages are padded to four bytes.
                let length = (message.header.length as usize).next_multiple_of(4);
                rest = rest.get(length..).unwrap_or_default();
                if let NetlinkPayload::InnerMessage(message) = message.payload {
                    device.apply(&message, now);
                }
            }
            drop(device);
            self.shared.1.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Device> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Device {
    fn apply(&mut self, message: &Rt, now: Instant) {
        if let Rt::NewLink(link) = message {
            self.link(link);
        } else if let Rt::DelLink(link) = message {
            if Some(link.header.index) == self.index {
                let (name, sessions) = (std::mem::take(&mut self.name), self.sessions);
                *self = Self { name, sessions, ..Self::default() };
            }
        } else if let Rt::NewAddress(address) = message {
            self.address(address, true);
        } else if let Rt::DelAddress(address) = message {
            self.address(address, false);
        } else if let Rt::NewRoute(route) = message {
            self.default_route |= self.is_default(route);
        } else if let Rt::DelRoute(route) = message {
            self.default_route &= !self.is_default(route);
        }
        for family in [Family::V4, Family::V6] {
            let ready = self.up && (family == Family::V6 || self.default_route);
            let mut of_family = self.addresses.iter().filter(|ip| Family::of(**ip) == family);
            let only = of_family.next().copied().filter(|_| ready && of_family.next().is_none());
            let known = &mut self.usable[slot(family)];
            if known.map(|(ip, _)| ip) != only {
                *known = only.map(|ip| (ip, now));
                self.sessions += u64::from(family == Family::V4 && only.is_some());
            }
        }
    }

    fn link(&mut self, link: &LinkMessage) {
        let named =
            link.attributes.iter().any(|attribute| *attribute == LinkAttribute::IfName(self.name.clone()));
        if !named {
            return;
        }
        self.index = Some(link.header.index);
        self.up = link.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp);
        // The kernel takes routes away without a word when the device goes down.
        self.default_route &= self.up;
    }

    fn address(&mut self, message: &AddressMessage, present: bool) {
        if Some(message.header.index) != self.index || message.header.scope != AddressScope::Universe {
            return;
        }
        let (mut ours, mut other_end, mut preferred) = (None, None, true);
        let mut flags = AddressFlags::empty();
        for attribute in &message.attributes {
            if let AddressAttribute::Local(ip) = attribute {
                ours = Some(*ip);
            } else if let AddressAttribute::Address(ip) = attribute {
                other_end = Some(*ip);
            } else if let AddressAttribute::CacheInfo(times) = attribute {
                preferred = times.ifa_preferred > 0;
            } else if let AddressAttribute::Flags(all) = attribute {
                flags = *all;
            }
        }
        let Some(ip) = ours.or(other_end) else { return };
        let unusable = AddressFlags::Tentative | AddressFlags::Deprecated | AddressFlags::Secondary;
        let usable = ip.is_ipv4() || (preferred && !flags.intersects(unusable));
        if present && usable {
            self.addresses.insert(ip);
        } else {
            self.addresses.remove(&ip);
        }
        // With the last address the kernel takes the routes away, again without a word.
        self.default_route &= self.addresses.iter().any(IpAddr::is_ipv4);
    }

    fn is_default(&self, route: &RouteMessage) -> bool {
        let through = |attribute: &RouteAttribute| matches!(attribute, RouteAttribute::Oif(index) if Some(*index) == self.index);
        route.header.address_family == AddressFamily::Inet
            && route.header.destination_prefix_length == 0
            && route.attributes.iter().any(through)
    }
}

fn subscribe(namespace: &File) -> io::Result<Socket> {
    rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.set_rx_buf_sz(BUFFER_BYTES)?;
    GROUPS.into_iter().try_for_each(|group| socket.add_membership(group))?;
    Ok(socket)
}

fn slot(family: Family) -> usize {
    match family {
        Family::V4 => 0,
        Family::V6 => 1,
    }
}
