//! STUN, as much as a Binding request needs (RFC 8489).

use std::net::IpAddr;

use super::Said;

/// Where servers listen (RFC 8489 section 18.6).
pub(in crate::daemon) const PORT: u16 = 3478;

/// Tells an answer from all others.
pub(in crate::daemon) type TransactionId = [u8; 12];

/// A Binding request without attributes (RFC 8489 section 5).
pub(in crate::daemon) fn request(id: &TransactionId) -> [u8; HEADER_BYTES] {
    let mut message = [0; HEADER_BYTES];
    message[1] = 1;
    message[4..8].copy_from_slice(&COOKIE);
    message[8..].copy_from_slice(id);
    message
}

/// What a datagram says to the request: the address that it came from, or in words why there is none. `None`: it is no
/// answer to this request.
pub(in crate::daemon) fn answer(message: &[u8], id: &TransactionId) -> Option<Said> {
    let (header, attributes) = message.split_at_checked(HEADER_BYTES)?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if header[4..8] != COOKIE || header[8..] != id[..] || length != attributes.len() {
        return None;
    }
    match (header[0], header[1]) {
        (1, 1) => Some(mapped(attributes, id).ok_or("its answer holds no address")),
        (1, 0x11) => Some(Err("it refuses")),
        _ => None,
    }
}

/// XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS, which a NAT may have changed on its way (RFC 8489 sections 14.1 and 14.2).
/// Attributes that we do not know are skipped, also those that we should: servers of RFC 3489 send some.
fn mapped(mut attributes: &[u8], id: &TransactionId) -> Option<IpAddr> {
    let mut plain = None;
    while let Some((head, rest)) = attributes.split_at_checked(4) {
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = rest.get(..length)?;
        match u16::from_be_bytes([head[0], head[1]]) {
            XOR_MAPPED_ADDRESS => {
                let mut mask = [0; 16];
                mask[..4].copy_from_slice(&COOKIE);
                mask[4..].copy_from_slice(id);
                return address(value, &mask);
            }
            MAPPED_ADDRESS => plain = address(value, &[0; 16]),
            _ => {}
        }
        attributes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    plain
}

fn address(value: &[u8], mask: &[u8; 16]) -> Option<IpAddr> {
    let (head, address) = value.split_at_checked(4)?;
    let mut octets = [0; 16];
    for ((octet, byte), mask) in octets.iter_mut().zip(address).zip(mask) {
        *octet = byte ^ mask;
    }
    match (head[1], address.len()) {
        (1, 4) => Some([octets[0], octets[1], octets[2], octets[3]].into()),
        (2, 16) => Some(octets.into()),
        _ => None,
    }
}

const HEADER_BYTES: usize = 20;
/// RFC 8489 section 5: 0x2112A442.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const MAPPED_ADDRESS: u16 = 0x0001;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // RFC 5769 sections 2.2 and 2.3: sample responses, SOFTWARE, XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT.
    const OVER_IPV4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f722000200008\
                             0001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
    const OVER_IPV6: &str = "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220\
                             002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c\
                             8292c275bfe3ed4180280004c8fb0b4c";
    const ID: TransactionId = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

    #[test]
    fn the_addresses_of_the_sample_responses_are_read() {
        assert_eq!(answer(&bytes(OVER_IPV4), &ID), Some(Ok("192.0.2.1".parse().unwrap())));
        assert_eq!(
            answer(&bytes(OVER_IPV6), &ID),
            Some(Ok("2001:db8:1234:5678:11:2233:4455:6677".parse().unwrap()))
        );
    }

    #[test]
    fn an_answer_to_another_request_is_none() {
        assert_eq!(answer(&bytes(OVER_IPV4), &[7; 12]), None);
        assert_eq!(answer(&request(&ID), &ID), None, "nor is a request");
    }

    #[test]
    fn the_plain_address_counts_only_where_there_is_no_other() {
        let plain = attribute(MAPPED_ADDRESS, &[0, 1, 0, 9, 203, 0, 113, 9]);
        let masked = attribute(XOR_MAPPED_ADDRESS, &[0, 1, 0, 9, 0xe1, 0x12, 0xa6, 0x43]);
        let said = |attributes: &[u8]| answer(&message([1, 1], attributes), &ID).unwrap();
        assert_eq!(said(&plain), Ok("203.0.113.9".parse().unwrap()));
        assert_eq!(said(&[plain, masked].concat()), Ok("192.0.2.1".parse().unwrap()));
        assert_eq!(said(&attribute(0x8022, b"name")), Err("its answer holds no address"));
    }

    #[test]
    fn a_refusal_is_told_from_silence() {
        let refusal = attribute(9, b"\0\0\x04\x14Busy");
        assert_eq!(answer(&message([1, 0x11], &refusal), &ID), Some(Err("it refuses")));
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic(attributes in proptest::collection::vec(any::<u8>(), 0..80), any in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = answer(&any, &ID);
            let _ = answer(&message([1, 1], &attributes), &ID);
        }

        #[test]
        fn every_address_is_read_back(octets: [u8; 4], wide: [u8; 16]) {
            let mask = [&COOKIE, &ID[..]].concat();
            let xor = |octets: &[u8]| octets.iter().zip(&mask).map(|(a, b)| a ^ b).collect::<Vec<u8>>();
            let v4 = attribute(XOR_MAPPED_ADDRESS, &[&[0, 1, 0, 9], &xor(&octets)[..]].concat());
            prop_assert_eq!(answer(&message([1, 1], &v4), &ID), Some(Ok(IpAddr::from(octets))));
            let v6 = attribute(XOR_MAPPED_ADDRESS, &[&[0, 2, 0, 9], &xor(&wide)[..]].concat());
            prop_assert_eq!(answer(&message([1, 1], &v6), &ID), Some(Ok(IpAddr::from(wide))));
        }
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap();
        let mut bytes = [&kind.to_be_bytes()[..], &length.to_be_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn message(kind: [u8; 2], attributes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(attributes.len()).unwrap().to_be_bytes();
        [&kind[..], &length, &COOKIE, &ID, attributes].concat()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }
}
