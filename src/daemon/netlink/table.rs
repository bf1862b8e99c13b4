//! The kernel's messages become our links and addresses. Pure: no socket, never panics, whatever the bytes.

use netlink_packet_core::{DecodeError, NlasIterator, Parseable, ParseableParametrized};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressHeader, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkHeader, LinkMessage};

use crate::engine::address::{Address, Link, Scope};

/// `struct ifinfomsg`, linux/rtnetlink.h.
pub(super) const LINK_HEADER_BYTES: usize = 16;
/// `struct ifaddrmsg`, linux/if_addr.h.
pub(super) const ADDRESS_HEADER_BYTES: usize = 8;

/// IFLA_IFNAME, linux/if_link.h.
const NAME: u16 = 3;
/// IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO and IFA_FLAGS, linux/if_addr.h.
const WANTED: [u16; 4] = [1, 2, 6, 8];

/// What we keep of an RTM_NEWLINK; `None` if it has no name.
pub(super) fn link(message: &LinkMessage) -> Option<Link> {
    let name = message.attributes.iter().find_map(|attribute| {
        if let LinkAttribute::IfName(name) = attribute { Some(name.clone()) } else { None }
    })?;
    let up = message.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp);
    Some(Link { ifindex: message.header.index, name, up })
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

/// Reads an RTM_NEWLINK, the name alone: an attribute that this or another kernel words differently must not hide the
/// link, and the statistics are not worth their time.
///
/// # Errors
///
/// The message is cut short, or the name is not UTF-8.
pub(super) fn decode_link(payload: &[u8]) -> Result<LinkMessage, DecodeError> {
    let mut message = LinkMessage::default();
    message.header = LinkHeader::parse(payload)?;
    for attribute in NlasIterator::new(payload.get(LINK_HEADER_BYTES..).unwrap_or_default()) {
        let attribute = attribute?;
        if attribute.kind() == NAME {
            let family = message.header.interface_family;
            message.attributes.push(LinkAttribute::parse_with_param(&attribute, family)?);
            break;
        }
    }
    Ok(message)
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
