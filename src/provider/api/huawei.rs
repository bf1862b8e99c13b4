//! Huawei Cloud's SDK-HMAC-SHA256 (support.huaweicloud.com, "API Request Signing Guide", issue 01 of 2021-07-27).
//!
//! `user`: access key id; `password`: secret access key.

use super::super::template::hex;
use super::super::{Request, settings::AccountSettings};
use super::canonical::{Canonical, headers};
use super::utc::Utc;
use super::{Signature, Target, add_header, hmac_sha256, password, user};

pub(super) struct Huawei;

impl Signature for Huawei {
    fn sign(&self, request: &mut Request, settings: &AccountSettings, now: u64) {
        let stamp = Utc::at(now).basic();
        add_header(request, "X-Sdk-Date", &*stamp);
        // A final slash belongs to the path that is signed, although it is not sent.
        let path = Target::of(request.url.expose()).path.trim_end_matches('/');
        let canonical = Canonical::of(request, &format!("{path}/"), headers(request));
        let text = format!("SDK-HMAC-SHA256\n{stamp}\n{}", canonical.hash());
        let value = format!(
            "SDK-HMAC-SHA256 Access={}, SignedHeaders={}, Signature={}",
            user(settings),
            canonical.signed,
            hex(hmac_sha256(password(settings).as_bytes(), &text).as_ref())
        );
        add_header(request, "Authorization", value);
    }
}
