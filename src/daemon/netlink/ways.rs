//! Which devices lead to the world, asked of the kernel for one destination each; no packet leaves.

use std::io;

use netlink_packet_core::NlasIterator;
use netlink_sys::Socket;

use super::dump::open;
use super::gateway::{HEADER_BYTES, ROOM_BYTES, ROUTE_BYTES, RTA_OIF, question};
use crate::engine::address::Link;
use crate::engine::lan::Way;
use crate::provider::Family;

/// So many devices are asked about; a router has fewer lines. Our judgement.
const DEVICES_MAX: usize = 16;

/// The ways out through each device that is up, and those that the kernel takes of itself.
///
/// # Errors
///
/// The kernel gives no socket.
pub(super) fn ways(links: &[Link]) -> io::Result<Vec<Way>> {
    let socket = open()?;
    let mut ways = Vec::new();
    for family in [Family::V4, Family::V6] {
        let default = way(&socket, family, 0);
        for link in links.iter().filter(|link| link.up && link.name != "lo").take(DEVICES_MAX) {
            if way(&socket, family, link.ifindex) == Some(link.ifindex) {
                let is_default = default == Some(link.ifindex);
                ways.push(Way { ifindex: link.ifindex, family, is_default });
            }
        }
    }
    Ok(ways)
}

/// The device of the route to the world, through this one unless it is 0; `None`: there is none.
fn way(socket: &Socket, family: Family, ifindex: u32) -> Option<u32> {
    // Without it the kernel takes everything for on-link where a device is named (`ip_route_output_key_hash_rcu`,
    // net/ipv4/route.c).
    const RTM_F_FIB_MATCH: u32 = 0x2000;
    socket.send(&question(family, ifindex, RTM_F_FIB_MATCH), 0).ok()?;
    let mut room = vec![0; ROOM_BYTES];
    let length = socket.recv(&mut room.as_mut_slice(), 0).ok()?;
    device(room.get(..length)?)
}

/// Reads the answer: an RTM_NEWROUTE of a route that leads somewhere.
fn device(message: &[u8]) -> Option<u32> {
    // linux/rtnetlink.h
    const RTM_NEWROUTE: u16 = 24;
    const RTM_TYPE: usize = 7;
    const RTN_UNICAST: u8 = 1;
    const RTA_MULTIPATH: u16 = 9;
    // `struct rtnexthop`: the index of its device.
    const NEXT_HOP_IFINDEX: usize = 4;
    let (header, body) = message.split_at_checked(HEADER_BYTES)?;
    if header.get(4..6) != Some(&RTM_NEWROUTE.to_ne_bytes()) || body.get(RTM_TYPE) != Some(&RTN_UNICAST) {
        return None;
    }
    let number = |value: &[u8], at: usize| {
        let octets = value.get(at..at + 4)?;
        Some(u32::from_ne_bytes(octets.try_into().ok()?))
    };
    let attributes = NlasIterator::new(body.get(ROUTE_BYTES..)?).flatten();
    attributes
        .filter_map(|attribute| match attribute.kind() {
            RTA_OIF => number(attribute.value(), 0),
            RTA_MULTIPATH => number(attribute.value(), NEXT_HOP_IFINDEX),
            _ => None,
        })
        .next()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_message_makes_it_panic(message in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = device(&message);
        }
    }
}
