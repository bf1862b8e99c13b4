//! NAT-PMP: the one question that changes nothing at the router (RFC 6886 section 3.2).

use std::net::Ipv4Addr;

use super::Answer;

/// Where routers listen, for PCP too (RFC 6886 section 3, RFC 6887 section 19.1).
pub(in crate::daemon) const PORT: u16 = 5351;

/// Version 0, opcode 0: which external address has it?
pub(in crate::daemon) const REQUEST: [u8; 2] = [0, 0];

/// What a datagram says to the request. `None`: it is no answer to it.
pub(in crate::daemon) fn answer(message: &[u8]) -> Option<Answer> {
    let (head, rest) = message.split_at_checked(4)?;
    match head {
        [0, 128, 0, 0] => {
            let octets = <[u8; 4]>::try_from(rest.get(4..8)?).ok()?;
            Some(Answer::Address(Ipv4Addr::from(octets)))
        }
        [0, 128, 0, 1] => Some(Answer::OtherVersion),
        // It has none, and will have no other one for those who ask in another way (section 3.5: network failure).
        [0, 128, 0, 3] => Some(Answer::Address(Ipv4Addr::UNSPECIFIED)),
        [0, 128, _, code] => Some(Answer::Refused(words(*code))),
        // Who speaks PCP only says so in a message of its own (RFC 6887 section 9).
        [1..=9, ..] => Some(Answer::OtherVersion),
        _ => None,
    }
}

/// RFC 6886 section 3.5.
fn words(code: u8) -> &'static str {
    match code {
        2 => "it refuses: not authorized",
        4 => "it is out of resources",
        5 => "it does not know the question",
        _ => "it refuses",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers_of_all_kinds_are_told_apart() {
        let address = [0, 128, 0, 0, 0, 0, 0, 9, 203, 0, 113, 9];
        assert_eq!(answer(&address), Some(Answer::Address(Ipv4Addr::new(203, 0, 113, 9))));
        assert_eq!(answer(&address[..10]), None, "cut short");
        let no_address = [0, 128, 0, 3, 0, 0, 0, 9, 0, 0, 0, 0];
        assert_eq!(answer(&no_address), Some(Answer::Address(Ipv4Addr::UNSPECIFIED)));
        let refused = [0, 128, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0];
        assert_eq!(answer(&refused), Some(Answer::Refused("it refuses: not authorized")));
        let old = [0, 128, 0, 1, 0, 0, 0, 9];
        assert_eq!(answer(&old), Some(Answer::OtherVersion));
        let pcp = [2, 128, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
        assert_eq!(answer(&pcp), Some(Answer::OtherVersion));
        let mapping = [0, 129, 0, 0, 0, 0, 0, 9, 203, 0, 113, 9];
        assert_eq!(answer(&mapping), None, "the answer to another question");
    }

    proptest! {
        #[test]
        fn no_datagram_makes_it_panic(message in proptest::collection::vec(any::<u8>(), 0..20)) {
            let _ = answer(&message);
        }
    }
}
