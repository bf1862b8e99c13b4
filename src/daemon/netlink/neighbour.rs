//! One entry of the neighbour table, read by hand: of each only three fields matter.

use std::net::Ipv6Addr;

use netlink_packet_core::NlasIterator;

use crate::engine::lan::{Mac, Neighbour};

/// `struct ndmsg`, linux/neighbour.h: family, padding, ifindex, state, flags, type.
pub(super) const HEADER_BYTES: usize = 12;

/// The question for all IPv6 neighbours.
pub(super) fn question() -> [u8; HEADER_BYTES] {
    let mut question = [0; HEADER_BYTES];
    question[0] = AF_INET6;
    question
}

/// linux/socket.h
pub(super) const AF_INET6: u8 = 10;

/// Reads an RTM_NEWNEIGH; `None`: it has no address of the other end that was ever heard.
pub(super) fn neighbour(payload: &[u8]) -> Option<Neighbour> {
    // linux/neighbour.h: NUD_REACHABLE, NUD_STALE, NUD_DELAY, NUD_PROBE.
    const HEARD: u16 = 0x02 | 0x04 | 0x08 | 0x10;
    const NDA_DST: u16 = 1;
    const NDA_LLADDR: u16 = 2;
    let (header, rest) = payload.split_at_checked(HEADER_BYTES)?;
    let state = u16::from_ne_bytes(header.get(8..10)?.try_into().ok()?);
    if header.first() != Some(&AF_INET6) || state & HEARD == 0 {
        return None;
    }
    let ifindex = u32::from_ne_bytes(header.get(4..8)?.try_into().ok()?);
    let (mut ip, mut mac) = (None, None);
    for attribute in NlasIterator::new(rest).flatten() {
        match attribute.kind() {
            NDA_DST => ip = <[u8; 16]>::try_from(attribute.value()).ok().map(Ipv6Addr::from),
            NDA_LLADDR => mac = <[u8; 6]>::try_from(attribute.value()).ok().map(Mac),
            _ => {}
        }
    }
    Some(Neighbour { ifindex, ip: ip?, mac: mac? })
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;
    use netlink_packet_route::AddressFamily;
    use netlink_packet_route::neighbour::{
        NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
    };
    use proptest::prelude::*;

    use super::*;

    fn written(state: NeighbourState) -> Vec<u8> {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::Inet6;
        message.header.ifindex = 7;
        message.header.state = state;
        let ip = "2001:db8::5".parse().unwrap();
        message.attributes.push(NeighbourAttribute::Destination(NeighbourAddress::Inet6(ip)));
        message.attributes.push(NeighbourAttribute::LinkLayerAddress(vec![2, 0, 0, 0, 0, 5]));
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        bytes
    }

    #[test]
    fn a_neighbour_that_was_heard_is_read_as_the_library_writes_it() {
        let expected =
            Neighbour { ifindex: 7, ip: "2001:db8::5".parse().unwrap(), mac: Mac([2, 0, 0, 0, 0, 5]) };
        for state in [NeighbourState::Reachable, NeighbourState::Stale, NeighbourState::Probe] {
            assert_eq!(neighbour(&written(state)), Some(expected.clone()));
        }
        for state in [NeighbourState::Failed, NeighbourState::Incomplete, NeighbourState::Permanent] {
            assert_eq!(neighbour(&written(state)), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(payload in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = neighbour(&payload);
        }
    }
}
