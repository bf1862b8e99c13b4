//! The kernel's messages become our links and addresses. Pure: no socket, never panics, whatever the bytes.

use netlink_packet_core::{DecodeError, NlasIterator, Parseable, parse_string};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressHeader, AddressMessage};
use netlink_packet_route::link::{LinkFlags, LinkHeader};

use crate::engine::address::{Address, Link, Scope};

/// `struct ifinfomsg`, linux/rtnetlink.h.
pub(super) const LINK_HEADER_BYTES: usize = 16;
/// `struct ifaddrmsg`, linux/if_addr.h.
pub(super) const ADDRESS_HEADER_BYTES: usize = 8;

/// IFLA_IFNAME, linux/if_link.h.
const NAME: u16 = 3;
/// IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO and IFA_FLAGS, linux/if_addr.h.
const WANTED: [u16; 4] = [1, 2, 6, 8];

/// What we keep of an RTM_NEWLINK; `None` if it has no name. The name alone is read: an attribute that this or another
/// kernel words differently must not hide the link. And the library's type for all attributes of a link is 0.2 MB of code.
///
/// # Errors
///
/// The message is cut short, or the name is not UTF-8.
pub(super) fn link(payload: &[u8]) -> Result<Option<Link>, DecodeError> {
    let header = LinkHeader::parse(payload)?;
    let up = header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp);
    for attribute in NlasIterator::new(payload.get(LINK_HEADER_BYTES..).unwrap_or_default()) {
        let attribute = attribute?;
        if attribute.kind() == NAME {
            let name = parse_string(attribute.value())?;
            return Ok(Some(Link { ifindex: header.index, name, up }));
        }
    }
    Ok(None)
}

/// What we keep of an RTM_NEWADDR; `None` if it is not about an IP address.
pub(super) fn address(message: &AddressMessage) -> Option<Address> {
    let header = &message.header;
    let (mut local, mut peer, mut cache) = (None, None, None);
    // The header has room for eight flags only; IFA_FLAGS has all of them.
    let mut flags = AddressFlags::from_bits_retain(header.flags.bits().into());
    for attribute in &message.attributes {
        if let AddressAttribute::Local(ip) = attribute {
            local = Some(*ip);
        } else if let AddressAttribute::Address(ip) = attribute {
            peer = Some(*ip);
        } else if let AddressAttribute::Flags(all) = attribute {
            flags = *all;
        } else if let AddressAttribute::CacheInfo(times) = attribute {
            cache = Some(*times);
        }
    }
    let ip = local.or(peer)?;
    // IFA_F_TEMPORARY and IFA_F_SECONDARY are the same bit.
    let first_bit = flags.contains(AddressFlags::Secondary);
    // At each router advertisement the kernel clears and sets the flag of a withdrawn address anew.
    let withdrawn = ip.is_ipv6() && cache.is_some_and(|times| times.ifa_preferred == 0);
    Some(Address {
        ifindex: header.index,
        ip,
        prefix_len: header.prefix_len,
        scope: scope(header.scope.into()),
        tentative: flags.contains(AddressFlags::Tentative),
        dad_failed: flags.contains(AddressFlags::Dadfailed),
        deprecated: withdrawn || flags.contains(AddressFlags::Deprecated),
        temporary: first_bit && ip.is_ipv6(),
        secondary: first_bit && ip.is_ipv4(),
        created: cache.map_or(0, |times| times.cstamp),
    })
}

/// `enum rt_scope_t`, linux/rtnetlink.h: values between the named ones are the user's; they count as the narrower.
fn scope(value: u8) -> Scope {
    match value {
        0 => Scope::Universe,
        1..=200 => Scope::Site,
        201..=253 => Scope::Link,
        254..=255 => Scope::Host,
    }
}

/// Reads an RTM_NEWADDR, only the attributes that [`address`] looks at.
///
/// # Errors
///
/// The message is cut short, or one of these attributes has the wrong length.
pub(super) fn decode_address(payload: &[u8]) -> Result<AddressMessage, DecodeError> {
    let mut message = AddressMessage::default();
    message.header = AddressHeader::parse(payload)?;
    for attribute in NlasIterator::new(payload.get(ADDRESS_HEADER_BYTES..).unwrap_or_default()) {
        let attribute = attribute?;
        if WANTED.contains(&attribute.kind()) {
            message.attributes.push(AddressAttribute::parse(&attribute)?);
        }
    }
    Ok(message)
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use std::net::IpAddr;

    use netlink_packet_core::Emitable;
    use netlink_packet_route::address::CacheInfo;
    use netlink_packet_route::link::{LinkAttribute, LinkMessage};
    use proptest::prelude::*;

    use super::*;

    // Recorded on Linux 6.18, x86-64: ip addr add 203.0.113.10 peer 100.64.0.1/32 dev wan0; and so on.
    const POINT_TO_POINT: &str = "0220800003000000080001006440000108000200cb00710a0900030077616e3000000000\
                                  080008008000000014000600ffffffffffffffff908f0300908f0300";
    const SECONDARY: &str = "021881000300000008000100c000020808000200c00002080900030077616e3000000000\
                             080008008100000014000600ffffffffffffffff908f0300908f0300";
    const TENTATIVE: &str = "0a40c000030000001400010020010db8000300000000000000000007\
                             14000600ffffffffffffffff928f0300928f030008000800c0000000";
    const PREFERRED_FOR_ZERO_SECONDS: &str = "0a402200030000001400010020010db8000200000000000000000007\
                                              140006000000000070170000918f0300918f03000800080022000000";
    const TEMPORARY: &str = "0a404100030000001400010020010db800010000ce535a1ee1eed428\
                             14000600b80b000070170000918f0300918f03000800080041000000";
    const MANAGING_TEMPORARY: &str = "0a400200030000001400010020010db8000100000000000000000007\
                                      14000600b80b000070170000918f0300918f03000800080002010000";
    const LOOPBACK: &str = "0a8080fe010000001400010000000000000000000000000000000001\
                            14000600ffffffffffffffff8e8f03008e8f0300080008008000000005000b0001000000";
    const LINK: &str = "000001000300000043100100000000000900030077616e300000000008000d00e8030000";

    #[test]
    fn of_a_point_to_point_link_our_own_end_is_kept() {
        let expected = Address {
            ifindex: 3,
            ip: ip("203.0.113.10"),
            prefix_len: 32,
            scope: Scope::Universe,
            tentative: false,
            dad_failed: false,
            deprecated: false,
            temporary: false,
            secondary: false,
            created: 0x0003_8f90,
        };
        assert_eq!(recorded(POINT_TO_POINT), expected);
    }

    #[test]
    fn without_a_local_address_the_address_is_ours() {
        let address = recorded(TENTATIVE);
        assert_eq!(address.ip, ip("2001:db8:3::7"));
        assert!(address.tentative && !address.deprecated && !address.temporary && !address.secondary);
    }

    #[test]
    fn one_bit_means_secondary_in_ipv4_and_temporary_in_ipv6() {
        let flags = |message| (recorded(message).secondary, recorded(message).temporary);
        assert_eq!(flags(SECONDARY), (true, false));
        assert_eq!(flags(TEMPORARY), (false, true));
        assert_eq!(flags(MANAGING_TEMPORARY), (false, false));
    }

    #[test]
    fn preferred_for_zero_seconds_is_deprecated_whatever_the_flag_says() {
        assert!(recorded(PREFERRED_FOR_ZERO_SECONDS).deprecated);
        let mut message = decode_address(&bytes(PREFERRED_FOR_ZERO_SECONDS)).unwrap();
        message.attributes.retain(|attribute| !matches!(attribute, AddressAttribute::Flags(_)));
        message.header.flags = Default::default();
        assert!(address(&message).unwrap().deprecated);
    }

    #[test]
    fn an_ipv4_address_is_deprecated_by_its_flag_alone() {
        let mut message = decode_address(&bytes(POINT_TO_POINT)).unwrap();
        let mut times = CacheInfo::default();
        times.cstamp = 7;
        message.attributes.push(AddressAttribute::CacheInfo(times));
        assert!(!address(&message).unwrap().deprecated);
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Deprecated));
        assert!(address(&message).unwrap().deprecated);
        assert_eq!(address(&message).unwrap().created, 7);
    }

    #[test]
    fn the_wide_flags_go_before_the_eight_bits_of_the_header() {
        let mut message = decode_address(&bytes(TENTATIVE)).unwrap();
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Dadfailed));
        let found = address(&message).unwrap();
        assert!(found.dad_failed && !found.tentative);
        message.attributes.retain(|attribute| !matches!(attribute, AddressAttribute::Flags(_)));
        assert!(address(&message).unwrap().tentative);
    }

    #[test]
    fn scopes_that_only_users_name_count_as_the_next_narrower() {
        assert_eq!(recorded(LOOPBACK).scope, Scope::Host);
        let scopes = [0, 1, 200, 201, 253, 254, 255].map(scope);
        let expected = [Scope::Universe, Scope::Site, Scope::Site, Scope::Link, Scope::Link, Scope::Host];
        assert_eq!(scopes[..6], expected);
        assert_eq!(scopes[6], Scope::Host);
    }

    #[test]
    fn an_address_of_another_family_is_none() {
        assert_eq!(address(&AddressMessage::default()), None);
    }

    #[test]
    fn a_link_is_up_if_it_is_switched_on_and_connected() {
        let mut message = bytes(LINK);
        let expected = Link { ifindex: 3, name: "wan0".to_owned(), up: true };
        assert_eq!(link(&message).unwrap(), Some(expected));
        for half in [LinkFlags::Up, LinkFlags::LowerUp] {
            // ifi_flags, linux/rtnetlink.h
            message[8..12].copy_from_slice(&(half | LinkFlags::Running).bits().to_ne_bytes());
            assert!(!link(&message).unwrap().unwrap().up);
        }
        assert_eq!(link(&message[..LINK_HEADER_BYTES]).unwrap(), None);
        assert!(link(&message[..LINK_HEADER_BYTES - 1]).is_err());
    }

    #[test]
    fn an_attribute_that_nobody_asked_for_cannot_hide_a_link_or_an_address() {
        // IFLA_MTU and IFA_PROTO, two bytes long: the library refuses both.
        let odd_link = [bytes(&LINK[..32]), vec![6, 0, 4, 0, 1, 1, 0, 0], bytes(&LINK[32..])].concat();
        assert!(LinkMessage::parse(&odd_link).is_err());
        assert_eq!(link(&odd_link).unwrap().unwrap().name, "wan0");
        let odd_address = [bytes(POINT_TO_POINT), vec![6, 0, 11, 0, 1, 1, 0, 0]].concat();
        assert!(AddressMessage::parse(&odd_address).is_err());
        assert_eq!(address(&decode_address(&odd_address).unwrap()), Some(recorded(POINT_TO_POINT)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = link(&payload);
            let _ = decode_address(&payload).ok().as_ref().and_then(address);
        }

        #[test]
        fn no_damage_to_a_real_message_makes_it_panic(
            damage in proptest::collection::vec((0_usize..64, any::<u8>()), 1..6), cut in 0_usize..64,
        ) {
            for message in [POINT_TO_POINT, TENTATIVE, LOOPBACK, LINK] {
                let mut payload = bytes(message);
                let length = payload.len();
                for (at, value) in &damage {
                    payload[at % length] = *value;
                }
                payload.truncate(length - cut % length);
                let _ = link(&payload);
                let _ = decode_address(&payload).ok().as_ref().and_then(address);
            }
        }

        #[test]
        fn what_the_library_reads_we_read_alike(local: [u8; 4], peer: [u8; 4], flags: u32, scope: u8) {
            let mut message = AddressMessage::default();
            message.header.family = 2.into();
            message.header.scope = scope.into();
            message.attributes.push(AddressAttribute::Address(IpAddr::from(peer)));
            message.attributes.push(AddressAttribute::Local(IpAddr::from(local)));
            message.attributes.push(AddressAttribute::Label("wan0".to_owned()));
            message.attributes.push(AddressAttribute::Flags(AddressFlags::from_bits_retain(flags)));
            let mut payload = vec![0; message.buffer_len()];
            message.emit(&mut payload);
            let whole = AddressMessage::parse(&payload).unwrap();
            prop_assert_eq!(address(&whole), address(&decode_address(&payload).unwrap()));
            prop_assert_eq!(address(&whole).unwrap().ip, IpAddr::from(local));
        }

        #[test]
        fn a_link_that_the_library_writes_we_read(index: u32, flags: u32, name in "[a-z0-9.-]{1,15}", mtu: u32) {
            let mut message = LinkMessage::default();
            message.header.index = index;
            message.header.flags = LinkFlags::from_bits_retain(flags);
            message.attributes.push(LinkAttribute::Mtu(mtu));
            message.attributes.push(LinkAttribute::IfName(name.clone()));
            let mut payload = vec![0; message.buffer_len()];
            message.emit(&mut payload);
            // IFF_UP and IFF_LOWER_UP, linux/if.h
            let up = flags & 0x1_0001 == 0x1_0001;
            prop_assert_eq!(link(&payload).unwrap(), Some(Link { ifindex: index, name, up }));
        }
    }

    fn recorded(message: &str) -> Address {
        address(&decode_address(&bytes(message)).unwrap()).unwrap()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }
}
