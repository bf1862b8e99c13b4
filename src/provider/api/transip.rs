//! TransIP's login: the exact body is signed with RSA-SHA512 (api.transip.nl/rest/docs.html, "Authentication", 2026).
//!
//! `user`: login name, which the entry's body has; `password`: private key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::RSA_PKCS1_SHA512;

use super::super::{Request, Secret, settings::AccountSettings};
use super::key::{Key, Objection};
use super::{Signature, add_header, body, nonce};

pub(super) struct Transip;

/// Where the entry's body wants the nonce. Neither it nor the label of a session may be used twice.
const NONCE: &str = "$nonce";

impl Signature for Transip {
    fn objection(&self, settings: &AccountSettings) -> Option<Objection> {
        Key::of(settings).err()
    }

    fn sign(&self, request: &mut Request, settings: &AccountSettings, now: u64) {
        let Ok(key) = Key::of(settings) else { return };
        let body = body(request).replace(NONCE, &nonce(request, settings, now));
        let signature = STANDARD.encode(key.sign(&RSA_PKCS1_SHA512, &body));
        request.body = Some(Secret::new(body));
        add_header(request, "Signature", signature);
    }
}
