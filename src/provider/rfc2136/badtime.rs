//! The server's time, from an answer that refuses ours (BADTIME, RFC 8945 section 5.2.3).
//!
//! The library (0.11.1, and 0.12.3 too) signs the time in such an answer as eight octets, where it is six: it takes
//! every one of them for a forgery. So its signature is checked here.

use domain::base::iana::{Class, TsigRcode};
use domain::base::{Message, ParsedName, Record, ToName};
use domain::rdata::tsig::Tsig;
use ring::hmac;

use super::{Algorithm, Peer, name};

/// A TSIG record in a message.
type Signature<'a> = Record<ParsedName<&'a [u8]>, Tsig<&'a [u8], ParsedName<&'a [u8]>>>;

/// The server's clock in seconds of Unix time, if the answer brings it, rightly signed, for this request.
pub(super) fn server_time(peer: &Peer, request: &[u8], answer: &[u8]) -> Option<u64> {
    let (_, asked) = signature(request)?;
    let (at, tsig) = signature(answer)?;
    let data = tsig.data();
    let time = data.other_time().filter(|_| data.error() == TsigRcode::BADTIME)?;
    let mut signed = length(asked.data().mac())?.to_vec();
    signed.extend(*asked.data().mac());
    // The message as it was before the record was added (section 4.3.2).
    signed.extend(data.original_id().to_be_bytes());
    let records = u16::from_be_bytes(answer.get(10..12)?.try_into().ok()?).checked_sub(1)?;
    signed.extend([answer.get(2..10)?, &records.to_be_bytes(), answer.get(12..at)?].concat());
    // Its variables (section 4.3.3); name and algorithm are ours, or it would not fit.
    name(&peer.key_name)?.compose_canonical(&mut signed).ok()?;
    signed.extend(Class::ANY.to_int().to_be_bytes());
    signed.extend([0; 4]);
    name(peer.dns.algorithm.name())?.compose_canonical(&mut signed).ok()?;
    signed.extend(data.time_signed().into_octets());
    signed.extend(data.fudge().to_be_bytes());
    signed.extend(data.error().to_int().to_be_bytes());
    signed.extend(length(data.other())?);
    signed.extend(*data.other());
    let key = hmac::Key::new(algorithm(peer.dns.algorithm), &peer.secret_octets()?);
    hmac::verify(&key, &signed, data.mac()).ok()?;
    Some(time.into_octets().into_iter().fold(0, |time, octet| time << 8 | u64::from(octet)))
}

/// The record that signs a message, its last one, and where it begins.
fn signature(message: &[u8]) -> Option<(usize, Signature<'_>)> {
    let message = Message::from_octets(message).ok()?;
    let count = message.header_counts().arcount().checked_sub(1)?;
    let mut records = message.additional().ok()?;
    for _ in 0..count {
        records.next()?.ok()?;
    }
    let at = records.pos();
    Some((at, message.get_last_additional()?))
}

fn length(octets: &[u8]) -> Option<[u8; 2]> {
    u16::try_from(octets.len()).ok().map(u16::to_be_bytes)
}

fn algorithm(algorithm: Algorithm) -> hmac::Algorithm {
    match algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha384 => hmac::HMAC_SHA384,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
    }
}
