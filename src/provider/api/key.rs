//! RSA keys: PEM in the account's password.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RsaEncoding, RsaKeyPair};
use zeroize::Zeroizing;

use super::super::settings::AccountSettings;
use super::password;

/// A private key.
pub(super) struct Key(RsaKeyPair);

/// The option that holds the key, and what to do about it.
pub(super) type Objection = (&'static str, &'static str);

impl Key {
    /// Reads the key of PKCS#8 (RFC 5958) or PKCS#1 (RFC 8017 appendix A.1.2), in the armour of RFC 7468.
    ///
    /// # Errors
    /// Why it can sign nothing.
    pub(super) fn of(settings: &AccountSettings) -> Result<Self, Objection> {
        let object = |mend| ("password", mend);
        let Pem { label, der } = Pem::read(password(settings)).ok_or(object(
            "write the private key itself (PEM), from '-----BEGIN PRIVATE KEY-----' to '-----END PRIVATE KEY-----'",
        ))?;
        let key = match label {
            "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
            "ENCRYPTED PRIVATE KEY" => {
                return Err(object("take the passphrase off the key: openssl pkey -in KEY -out NEW"));
            }
            _ => {
                return Err(object(
                    "write the private RSA key, not a public key, a certificate or a key of another kind",
                ));
            }
        };
        key.map(Self).map_err(|_| {
            object("copy the key again, or make one of 2048 to 4096 bits: this is no whole RSA key")
        })
    }

    /// Signs with the padding of PKCS#1 v1.5, which throws no dice: the same text gives the same signature.
    pub(super) fn sign(&self, encoding: &'static dyn RsaEncoding, text: &str) -> Vec<u8> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        // It fails only if the signature is of another length than the modulus.
        let _ = self.0.sign(encoding, &SystemRandom::new(), text.as_bytes(), &mut signature);
        signature
    }

    /// `RSAPublicKey` of RFC 8017 appendix A.1.1.
    #[cfg(test)]
    pub(super) fn public(&self) -> Vec<u8> {
        self.0.public().as_ref().to_vec()
    }
}

struct Pem<'a> {
    label: &'a str,
    der: Zeroizing<Vec<u8>>,
}

impl<'a> Pem<'a> {
    /// Line breaks are real, or written `\n` as in the JSON files of Google.
    fn read(text: &'a str) -> Option<Self> {
        let (_, rest) = text.split_once("-----BEGIN ")?;
        let (label, rest) = rest.split_once("-----")?;
        let (body, _) = rest.split_once("-----END ")?;
        if body.contains(",ENCRYPTED") {
            // The older way: lines like those of a header before the key (RFC 1421 section 4.6.1.1).
            return Some(Self { label: "ENCRYPTED PRIVATE KEY", der: Zeroizing::default() });
        }
        let body = Zeroizing::new(body.replace("\\n", "").replace("\\r", ""));
        let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
        STANDARD.decode(body.as_bytes()).ok().map(|der| Self { label, der: Zeroizing::new(der) })
    }
}
