//! NAT-PMP: the one question that changes nothing at the router (RFC 6886 section 3.2).

use super::{NO_ADDRESS, Said};

/// Where routers listen, for PCP too (RFC 6886 section 3, RFC 6887 section 19.1).
pub(in crate::daemon) const PORT: u16 = 5351;

/// Version 0, opcode 0: which external address has it?
pub(in crate::daemon) const REQUEST: [u8; 2] = [0, 0];

/// What a datagram says to the request; an address of zero: it has none. `None`: it is no answer to it.
pub(in crate::daemon) fn answer(message: &[u8]) -> Option<Said> {
    match *message {
        [0, 128, 0, 0, _, _, _, _, a, b, c, d] => Some(Ok([a, b, c, d].into())),
        // RFC 6886 section 3.5.
        [0, 128, _, 2, ..] => Some(Err("it refuses: not authorized")),
        [0, 128, _, 3, ..] => Some(Err(NO_ADDRESS)),
        [0, 128, _, 1..=255, ..] => Some(Err("it refuses")),
        // Who speaks PCP only says so in a message of its own (RFC 6887 section 9).
        [1..=9, 128..=255, ..] => Some(Err("it speaks another version")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn answers_of_all_kinds_are_told_apart() {
        let address = [0, 128, 0, 0, 0, 0, 0, 9, 203, 0, 113, 9];
        assert_eq!(answer(&address), Some(Ok([203, 0, 113, 9].into())));
        assert_eq!(answer(&address[..10]), None, "cut short");
        assert_eq!(answer(&[0, 128, 0, 3, 0, 0, 0, 9, 0, 0, 0, 0]), Some(Err(NO_ADDRESS)));
        assert_eq!(answer(&[0, 128, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0]), Some(Err("it refuses: not authorized")));
        assert_eq!(answer(&[0, 128, 0, 1, 0, 0, 0, 9]), Some(Err("it refuses")));
        let pcp = [2, 128, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
        assert_eq!(answer(&pcp), Some(Err("it speaks another version")));
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
