//! Signatures of messages: TSIG (RFC 8945).
//!
//! The library's own knows neither `hmac-sha224` nor `hmac-md5`, and takes each BADTIME for a forgery: it signs the time
//! in it as eight octets, where it is six (0.11.1, and 0.12.3 too). The messages themselves it reads and writes here too.

use domain::base::iana::{Class, TsigRcode};
use domain::base::message_builder::AdditionalBuilder;
use domain::base::{Message, ParsedName, Record, StaticCompressor, ToName, Ttl};
use domain::rdata::tsig::{Time48, Tsig};
use md5::{Digest, Md5};
use ring::hmac;
use sha2::Sha224;

use super::{Algorithm, Peer, WireName, name};

/// A message, and what the signature of its answer covers too.
pub(super) struct Signed {
    pub(super) message: Vec<u8>,
    mac: Vec<u8>,
}

/// Why an answer's signature proves nothing, or what it proves instead of the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flaw {
    /// Unsigned, as it must be: the server does not know the key (BADKEY, section 5.2.1).
    BadKey,
    /// Unsigned, as it must be: the server has another secret (BADSIG, section 5.2.2).
    BadSig,
    /// Rightly signed: the server does not accept our time, and tells its own in seconds of Unix time (BADTIME, section
    /// 5.2.3).
    BadTime(u64),
    /// Not signed with the key, or not for this request.
    Forged,
    /// Rightly signed, but at another time.
    Stale,
    /// Not signed at all.
    Unsigned,
}

/// Seconds that clocks may differ (section 10).
const FUDGE: u16 = 300;

/// Finishes a message with its signature. `None`: the key's name or secret is none.
pub(super) fn sign(
    peer: &Peer,
    mut message: AdditionalBuilder<StaticCompressor<Vec<u8>>>,
    now: u64,
) -> Option<Signed> {
    let (key_name, algorithm) = (name(&peer.key_name)?, name(peer.dns.algorithm.wire_name())?);
    let (id, error) = (message.header().id(), TsigRcode::NOERROR);
    let unsigned = Tsig::new(&algorithm, time(now), FUDGE, &[][..], id, error, &[][..]).ok()?;
    let mac = mac(peer, &[message.as_slice(), &variables(&key_name, &unsigned)?].concat())?;
    let signed = Tsig::new(&algorithm, time(now), FUDGE, &mac[..], id, error, &[][..]).ok()?;
    message.push((key_name, Class::ANY, 0, signed)).ok()?;
    Some(Signed { message: message.finish().into_target(), mac })
}

/// Checks that an answer is signed with the key, for this request, and now (sections 5.3 and 5.4).
///
/// # Errors
/// What is wrong with it; nobody vouches for its response code then, except with `BadTime`.
pub(super) fn check(peer: &Peer, request: &Signed, answer: &[u8], now: u64) -> Result<(), Flaw> {
    let (at, record) = signature(answer).ok_or(Flaw::Unsigned)?;
    let tsig = record.data();
    match tsig.error() {
        TsigRcode::BADKEY => return Err(Flaw::BadKey),
        TsigRcode::BADSIG => return Err(Flaw::BadSig),
        _ => {}
    }
    if !is_signed(peer, request, answer, at, &record).unwrap_or(false) {
        return Err(Flaw::Forged);
    }
    match tsig.other_time() {
        Some(time) if tsig.error() == TsigRcode::BADTIME => Err(Flaw::BadTime(
            time.into_octets().into_iter().fold(0, |time, octet| time << 8 | u64::from(octet)),
        )),
        _ if tsig.is_valid_at(time(now)) => Ok(()),
        _ => Err(Flaw::Stale),
    }
}

type Signature<'a> = Record<ParsedName<&'a [u8]>, Tsig<&'a [u8], ParsedName<&'a [u8]>>>;

/// The record that signs a message, its last one, and where it begins.
fn signature(message: &[u8]) -> Option<(usize, Signature<'_>)> {
    let message = Message::from_octets(message).ok()?;
    let count = message.header_counts().arcount().checked_sub(1)?;
    let mut records = message.additional().ok()?;
    for _ in 0..count {
        records.next()?.ok()?;
    }
    let at = records.pos();
    Some((at, records.next()?.ok()?.into_record().ok()??))
}

fn is_signed(
    peer: &Peer,
    request: &Signed,
    answer: &[u8],
    at: usize,
    record: &Signature<'_>,
) -> Option<bool> {
    let (key_name, tsig) = (name(&peer.key_name)?, record.data());
    if record.class() != Class::ANY
        || record.ttl() != Ttl::ZERO
        || !record.owner().name_eq(&key_name)
        || !tsig.algorithm().name_eq(&name(peer.dns.algorithm.wire_name())?)
    {
        return Some(false);
    }
    // The message as it was before the record was added (section 4.3.2).
    let records = u16::from_be_bytes(answer.get(10..12)?.try_into().ok()?).checked_sub(1)?;
    let signed = [
        &length(&request.mac)?[..],
        &request.mac[..],
        &tsig.original_id().to_be_bytes(),
        answer.get(2..10)?,
        &records.to_be_bytes(),
        answer.get(12..at)?,
        &variables(&key_name, tsig)?,
    ];
    let wanted = mac(peer, &signed.concat())?;
    // Both are signed once more to be compared: how long that takes tells nobody how much of a guess was right.
    let key = hmac::Key::new(hmac::HMAC_SHA256, &request.mac);
    Some(hmac::verify(&key, tsig.mac(), hmac::sign(&key, &wanted).as_ref()).is_ok())
}

/// What is signed of the record itself (section 4.3.3).
fn variables<N: ToName>(key_name: &WireName, tsig: &Tsig<&[u8], N>) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    key_name.compose_canonical(&mut text).ok()?;
    text.extend(Class::ANY.to_int().to_be_bytes());
    text.extend([0; 4]);
    tsig.algorithm().compose_canonical(&mut text).ok()?;
    text.extend(tsig.time_signed().into_octets());
    text.extend(tsig.fudge().to_be_bytes());
    text.extend(tsig.error().to_int().to_be_bytes());
    text.extend(length(tsig.other())?);
    text.extend(*tsig.other());
    Some(text)
}

fn length(octets: &[u8]) -> Option<[u8; 2]> {
    u16::try_from(octets.len()).ok().map(u16::to_be_bytes)
}

/// Seconds of Unix time in the 48 bits that TSIG has for them.
fn time(seconds: u64) -> Time48 {
    const MAX: u64 = (1 << 48) - 1;
    Time48::from_u64(seconds.min(MAX))
}

fn mac(peer: &Peer, text: &[u8]) -> Option<Vec<u8>> {
    let secret = peer.secret_octets()?;
    let ring = |hash| hmac::sign(&hmac::Key::new(hash, &secret), text).as_ref().to_vec();
    Some(match peer.dns.algorithm {
        Algorithm::Md5 => hmac_with::<Md5>(&secret, text),
        Algorithm::Sha1 => ring(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        Algorithm::Sha224 => hmac_with::<Sha224>(&secret, text),
        Algorithm::Sha256 => ring(hmac::HMAC_SHA256),
        Algorithm::Sha384 => ring(hmac::HMAC_SHA384),
        Algorithm::Sha512 => ring(hmac::HMAC_SHA512),
    })
}

/// HMAC (RFC 2104 section 2) with a hash that ring has not; its blocks must be of 64 octets.
fn hmac_with<Hash: Digest>(secret: &[u8], text: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 64;
    let hashed = Hash::digest(secret);
    let secret = if secret.len() > BLOCK { &hashed[..] } else { secret };
    let padded = |octet: u8| -> [u8; BLOCK] {
        std::array::from_fn(|at| secret.get(at).copied().unwrap_or_default() ^ octet)
    };
    let inner = Hash::new_with_prefix(padded(0x36)).chain_update(text).finalize();
    Hash::new_with_prefix(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    /// RFC 2202 section 2, test cases 1, 2 and 6.
    #[test]
    fn hmac_md5_is_that_of_rfc_2202() {
        let mac = |secret: &[u8], text: &[u8]| hex(&hmac_with::<Md5>(secret, text));
        assert_eq!(mac(&[0x0b; 16], b"Hi There"), "9294727a3638bb1c13f48ef8158bfc9d");
        assert_eq!(mac(b"Jefe", b"what do ya want for nothing?"), "750c783e6ab0b503eaa86e310a5db738");
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(mac(&[0xaa; 80], long), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }

    /// RFC 4231 section 4, test cases 1, 2 and 6.
    #[test]
    fn hmac_sha224_is_that_of_rfc_4231() {
        let mac = |secret: &[u8], text: &[u8]| hex(&hmac_with::<Sha224>(secret, text));
        let first = "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22";
        assert_eq!(mac(&[0x0b; 20], b"Hi There"), first);
        let second = "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44";
        assert_eq!(mac(b"Jefe", b"what do ya want for nothing?"), second);
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(mac(&[0xaa; 131], long), "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e");
    }
}
