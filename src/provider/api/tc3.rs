//! Tencent Cloud's TC3-HMAC-SHA256 (tencentcloud.com/document/api/1131/45290, "Signature v3", 2022-02-23).
//!
//! `user`: SecretId; `password`: SecretKey.

use zeroize::Zeroizing;

use super::super::{Request, settings::AccountSettings};
use super::aws4::chain;
use super::canonical::{Canonical, headers};
use super::utc::Utc;
use super::{Signature, Target, add_header, password, user};

pub(super) struct Tc3;

/// The fields that the provider's own examples sign.
const SIGNED: [&str; 3] = ["content-type", "host", "x-tc-action"];

impl Signature for Tc3 {
    fn sign(&self, request: &mut Request, settings: &AccountSettings, now: u64) {
        let fields = headers(request)
            .into_iter()
            .filter(|(name, _)| SIGNED.contains(&name.as_str()))
            .map(|(name, value)| (name, value.to_ascii_lowercase()))
            .collect();
        let target = Target::of(request.url.expose());
        let canonical = Canonical::of(request, target.path, fields);
        // Each service has a host that is called like it.
        let service = target.host.split('.').next().unwrap_or_default();
        let scope = format!("{}/{service}/tc3_request", Utc::at(now).date());
        let text = format!("TC3-HMAC-SHA256\n{now}\n{scope}\n{}", canonical.hash());
        let secret = Zeroizing::new(format!("TC3{}", password(settings)));
        let value = format!(
            "TC3-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={}, Signature={}",
            user(settings),
            canonical.signed,
            chain(&secret, &scope, &text)
        );
        add_header(request, "X-TC-Timestamp", now.to_string());
        add_header(request, "Authorization", value);
    }
}
