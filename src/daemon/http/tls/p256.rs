//! Key exchange and signatures on P-256 with the crate `p256` instead of ring, whose table of multiples of the base point
//! is 150 kB of random bytes on x86_64 and aarch64 (`docs/adr/0008-a-router-s-binary.md`).

use ecdsa::Signature;
use ecdsa::hazmat::{bits2field, verify_prehashed};
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use p256::{AffinePoint, EncodedPoint, FieldBytes, NistP256, NonZeroScalar, ProjectivePoint};
use ring::digest;
use rustls::crypto::{ActiveKeyExchange, GetRandomFailed, SecureRandom, SharedSecret, SupportedKxGroup};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use rustls::{Error, NamedGroup, PeerMisbehaved};
use zeroize::Zeroizing;

use super::provider::Random;

/// `secp256r1` (RFC 8446 §4.2.7), with an ephemeral key for each handshake.
pub(super) const KEY_EXCHANGE: &dyn SupportedKxGroup = &Group;

/// ECDSA with the usual hash of the curve.
pub(super) const ECDSA_SHA256: &dyn SignatureVerificationAlgorithm =
    &Ecdsa { identifier: alg_id::ECDSA_SHA256, hash: &digest::SHA256 };

/// ECDSA with the hash of P-384: TLS 1.2 and certificates may have it.
pub(super) const ECDSA_SHA384: &dyn SignatureVerificationAlgorithm =
    &Ecdsa { identifier: alg_id::ECDSA_SHA384, hash: &digest::SHA384 };

#[derive(Debug)]
struct Group;

impl SupportedKxGroup for Group {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let secret = secret()?;
        let public = (ProjectivePoint::GENERATOR * **secret).to_encoded_point(false);
        Ok(Box::new(Exchange { secret, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp256r1
    }
}

struct Exchange {
    secret: Zeroizing<NonZeroScalar>,
    public: EncodedPoint,
}

impl ActiveKeyExchange for Exchange {
    /// The x coordinate is the secret (RFC 8446 §7.4.2).
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer = point(peer).ok_or(PeerMisbehaved::InvalidKeyShare)?;
        let shared = (ProjectivePoint::from(peer) * **self.secret).to_affine();
        Ok(SharedSecret::from(&Zeroizing::new(shared.x())[..]))
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp256r1
    }
}

#[derive(Debug)]
struct Ecdsa {
    identifier: AlgorithmIdentifier,
    hash: &'static digest::Algorithm,
}

impl SignatureVerificationAlgorithm for Ecdsa {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = point(key).ok_or(InvalidSignature)?;
        let verified = || {
            let signature = Signature::<NistP256>::from_der(signature)?;
            let hash = bits2field::<NistP256>(digest::digest(self.hash, message).as_ref())?;
            verify_prehashed(&ProjectivePoint::from(key), &hash, &signature)
        };
        verified().map_err(|_: ecdsa::Error| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.identifier
    }
}

/// Evenly distributed over 1 to the order of the curve less one, by drawing again: one in 2³² does not fit.
fn secret() -> Result<Zeroizing<NonZeroScalar>, GetRandomFailed> {
    let mut bytes = Zeroizing::new(FieldBytes::default());
    for _ in 0..DRAWS_MAX {
        Random.fill(&mut bytes)?;
        if let Some(secret) = NonZeroScalar::from_repr(*bytes).into() {
            return Ok(Zeroizing::new(secret));
        }
    }
    Err(GetRandomFailed)
}

/// Reads an uncompressed point (SEC 1 §2.3.4), the only form that TLS has: `None` unless it is on the curve.
fn point(encoded: &[u8]) -> Option<AffinePoint> {
    let [UNCOMPRESSED, coordinates @ ..] = encoded else { return None };
    if coordinates.len() != 2 * COORDINATE_BYTES {
        return None;
    }
    let (x, y) = coordinates.split_at(COORDINATE_BYTES);
    let point = EncodedPoint::from_affine_coordinates(x.into(), y.into(), false);
    AffinePoint::from_encoded_point(&point).into()
}

const COORDINATE_BYTES: usize = 32;
/// SEC 1 §2.3.3.
const UNCOMPRESSED: u8 = 4;
const DRAWS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    #[test]
    fn both_sides_agree_on_a_secret_when_the_other_one_is_ring() {
        let ours = KEY_EXCHANGE.start().unwrap();
        let theirs = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
        let their_public = theirs.compute_public_key().unwrap();
        let our_public = UnparsedPublicKey::new(&ECDH_P256, ours.pub_key().to_vec());
        let their_secret = agree_ephemeral(theirs, &our_public, <[u8]>::to_vec).unwrap();
        assert_eq!(ours.complete(their_public.as_ref()).unwrap().secret_bytes(), their_secret);
    }

    #[test]
    fn each_exchange_has_a_key_of_its_own() {
        let [first, second] = [(); 2].map(|()| KEY_EXCHANGE.start().unwrap());
        assert_ne!(first.pub_key(), second.pub_key());
    }

    #[test]
    fn a_point_that_is_not_uncompressed_or_not_on_the_curve_is_refused() {
        let good = KEY_EXCHANGE.start().unwrap().pub_key().to_vec();
        let complete = |point: &[u8]| KEY_EXCHANGE.start().unwrap().complete(point).map(drop);
        assert_eq!(complete(&good), Ok(()));
        let mut off = good.clone();
        off[64] ^= 1;
        let compressed = [&[2 + (good[64] & 1)], &good[1..33]].concat();
        let too_large = [[4].as_slice(), &[0xff; 64]].concat();
        for bad in
            [off, compressed, too_large, [&good[..], &[0]].concat(), good[..64].to_vec(), vec![0], vec![]]
        {
            assert_eq!(complete(&bad), Err(PeerMisbehaved::InvalidKeyShare.into()), "{bad:?}");
        }
    }

    #[test]
    fn what_ring_signs_is_accepted_and_nothing_beside_it() {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).unwrap();
        let public = key.public_key().as_ref();
        let signature = key.sign(&random, b"words").unwrap();
        let verify =
            |message, signature: &[u8]| ECDSA_SHA256.verify_signature(public, message, signature).is_ok();
        assert!(verify(b"words", signature.as_ref()));
        assert!(!verify(b"sword", signature.as_ref()));
        assert!(!verify(b"words", &[signature.as_ref(), &[0]].concat()));
        for at in 0..signature.as_ref().len() {
            let mut altered = signature.as_ref().to_vec();
            altered[at] ^= 1;
            assert!(!verify(b"words", &altered), "byte {at}");
        }
        // r and s of zero, which a careless verifier divides by.
        assert!(!verify(b"words", &[0x30, 6, 2, 1, 0, 2, 1, 0]));
    }

    /// RFC 6979 §A.2.5, message "sample": a hash longer than the order of the curve is cut.
    #[test]
    fn signatures_of_the_rfc_are_accepted() {
        let public = "04 60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6
            7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
        let sha256 = "3046
            022100 efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716
            022100 f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
        let sha384 = "3044
            0220 0eafea039b20e9b42309fb1d89e213057cbf973dc0cfc8f129edddc800ef7719
            0220 4861f0491e6998b9455193e34e7b0d284ddd7149a74b95b9261f13abde940954";
        for (algorithm, signature) in [(ECDSA_SHA256, sha256), (ECDSA_SHA384, sha384)] {
            algorithm.verify_signature(&hex(public), b"sample", &hex(signature)).unwrap();
            algorithm.verify_signature(&hex(public), b"simple", &hex(signature)).unwrap_err();
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }
}
