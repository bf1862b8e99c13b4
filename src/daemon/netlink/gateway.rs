//! The router before us: the next hop of the route to the world.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{NLM_F_REQUEST, NLMSG_ERROR, NlasIterator, parse_i32};

use super::dump::{Dumper, open};
use super::neighbour::AF_INET6;
use crate::provider::Family;

/// Asks the kernel for the way to the world, through a device if there is one named, and gives the next hop's IPv4
/// address; `None`: the line has no next hop, as point-to-point lines have none. No packet leaves.
///
/// # Errors
///
/// There is no such device or no route, or the kernel's answer.
pub(in crate::daemon) fn gateway(device: Option<&str>) -> io::Result<Option<Ipv4Addr>> {
    let ifindex = device.map_or(Ok(0), |device| {
        let links = Dumper::new()?.links()?;
        let link = links.iter().find(|link| link.name == device);
        let no_such = || io::Error::new(io::ErrorKind::NotFound, format!("there is no device {device}"));
        link.map(|link| link.ifindex).ok_or_else(no_such)
    })?;
    let socket = open()?;
    socket.send(&question(Family::V4, ifindex, 0), 0)?;
    let mut room = vec![0; ROOM_BYTES];
    let length = socket.recv(&mut room.as_mut_slice(), 0)?;
    next_hop(room.get(..length).unwrap_or_default())
}

/// `struct nlmsghdr`, `struct rtmsg` with these `rtm_flags`, RTA_DST, and RTA_OIF unless the device is 0
/// (linux/netlink.h, linux/rtnetlink.h).
pub(super) fn question(family: Family, ifindex: u32, flags: u32) -> Vec<u8> {
    const RTM_GETROUTE: u16 = 26;
    const AF_INET: u8 = 2;
    let (word, world) = match family {
        Family::V4 => (AF_INET, WORLD.to_vec()),
        Family::V6 => (AF_INET6, WORLD6.octets().to_vec()),
    };
    let mut question = vec![0; 4];
    question.extend(RTM_GETROUTE.to_ne_bytes());
    question.extend(NLM_F_REQUEST.to_ne_bytes());
    // Sequence number and sender: the socket carries this question only, and the kernel knows whose it is.
    question.extend([0; 8]);
    let bits = u8::try_from(world.len() * 8).unwrap_or_default();
    question.extend([word, bits, 0, 0, 0, 0, 0, 0]);
    question.extend(flags.to_ne_bytes());
    for (kind, value) in [(RTA_DST, &world[..]), (RTA_OIF, &ifindex.to_ne_bytes()[..])] {
        if kind == RTA_OIF && ifindex == 0 {
            continue;
        }
        let length = u16::try_from(4 + value.len()).unwrap_or_default();
        question.extend(length.to_ne_bytes());
        question.extend(kind.to_ne_bytes());
        question.extend(value);
    }
    let length = u32::try_from(question.len()).unwrap_or_default();
    question.splice(..4, length.to_ne_bytes());
    question
}

/// Reads the answer: an RTM_NEWROUTE, or why there is none.
fn next_hop(message: &[u8]) -> io::Result<Option<Ipv4Addr>> {
    let cut_short = || io::Error::from(io::ErrorKind::InvalidData);
    let (header, body) = message.split_at_checked(HEADER_BYTES).ok_or_else(cut_short)?;
    if header.get(4..6) == Some(&NLMSG_ERROR.to_ne_bytes()) {
        let errno = body.get(..4).and_then(|bytes| parse_i32(bytes).ok()).unwrap_or_default();
        return Err(io::Error::from_raw_os_error(errno.saturating_neg()));
    }
    let attributes = NlasIterator::new(body.get(ROUTE_BYTES..).ok_or_else(cut_short)?);
    let next_hop = attributes.flatten().find(|attribute| attribute.kind() == RTA_GATEWAY);
    Ok(next_hop.and_then(|attribute| <[u8; 4]>::try_from(attribute.value()).ok()).map(Ipv4Addr::from))
}

/// Any address of the world does: this is a.root-servers.net.
const WORLD: [u8; 4] = [198, 41, 0, 4];
const WORLD6: Ipv6Addr = Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30);
/// `struct nlmsghdr`, linux/netlink.h.
pub(super) const HEADER_BYTES: usize = 16;
/// `struct rtmsg`, linux/rtnetlink.h.
pub(super) const ROUTE_BYTES: usize = 12;
/// linux/rtnetlink.h.
const RTA_DST: u16 = 1;
pub(super) const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
/// One route; one with many next hops is answered with the chosen one only.
pub(super) const ROOM_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use netlink_packet_core::{Emitable, NetlinkMessage};
    use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
    use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_question_is_the_one_that_the_library_would_ask() {
        let mut route = RouteMessage::default();
        route.header.address_family = AddressFamily::Inet;
        route.header.destination_prefix_length = 32;
        route.attributes.push(RouteAttribute::Destination(RouteAddress::Inet(WORLD.into())));
        route.attributes.push(RouteAttribute::Oif(7));
        let mut message = NetlinkMessage::from(RouteNetlinkMessage::GetRoute(route));
        message.header.flags = NLM_F_REQUEST;
        message.finalize();
        let mut expected = vec![0; message.buffer_len()];
        message.emit(&mut expected);
        assert_eq!(question(Family::V4, 7, 0), expected);
    }

    #[test]
    fn the_next_hop_is_read_and_a_line_without_one_has_none() {
        let answer = |attributes: Vec<RouteAttribute>| {
            let mut route = RouteMessage::default();
            route.header.address_family = AddressFamily::Inet;
            route.attributes = attributes;
            let mut message = NetlinkMessage::from(RouteNetlinkMessage::NewRoute(route));
            message.finalize();
            let mut bytes = vec![0; message.buffer_len()];
            message.emit(&mut bytes);
            next_hop(&bytes).unwrap()
        };
        let to = RouteAttribute::Destination(RouteAddress::Inet(WORLD.into()));
        let via = RouteAttribute::Gateway(RouteAddress::Inet(Ipv4Addr::new(192, 168, 1, 1)));
        assert_eq!(answer(vec![to.clone(), via]), Some(Ipv4Addr::new(192, 168, 1, 1)));
        assert_eq!(answer(vec![to]), None);
    }

    #[test]
    fn a_refusal_is_the_kernels() {
        let mut refusal = vec![0; 36];
        refusal[4..6].copy_from_slice(&NLMSG_ERROR.to_ne_bytes());
        refusal[16..20].copy_from_slice(&(-101_i32).to_ne_bytes());
        assert_eq!(next_hop(&refusal).unwrap_err().kind(), io::ErrorKind::NetworkUnreachable);
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic(message in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = next_hop(&message);
        }
    }
}
