//! OVHcloud's `$1$` signature (docs.ovh.com, "First Steps with the OVHcloud APIs", 2023).
//!
//! `user`: application key; `password`: application secret; `param`: consumer key. The entry sends both keys.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use zeroize::Zeroizing;

use super::super::template::hex;
use super::super::{Request, settings::AccountSettings};
use super::{Signature, add_header, body, param, password};

pub(super) struct Ovh;

impl Signature for Ovh {
    fn settings(&self) -> &'static [&'static str] {
        &["user", "password", "param"]
    }

    fn sign(&self, request: &mut Request, settings: &AccountSettings, now: u64) {
        let (secret, consumer) = (password(settings), param(settings));
        let (method, url, body) = (request.method.name(), request.url.expose(), body(request));
        let text = Zeroizing::new(format!("{secret}+{consumer}+{method}+{url}+{body}+{now}"));
        let hash = hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref());
        add_header(request, "X-Ovh-Timestamp", now.to_string());
        add_header(request, "X-Ovh-Signature", format!("$1${hash}"));
    }
}
