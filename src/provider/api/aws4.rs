//! AWS signature version 4 (docs.aws.amazon.com, "Create a signed AWS API request", 2026).
//!
//! `user`: access key id; `password`: secret access key; `param`: session token of temporary keys.

use zeroize::Zeroizing;

use super::super::template::{hex, query};
use super::super::{Request, settings::AccountSettings};
use super::canonical::{Canonical, headers};
use super::utc::Utc;
use super::{Signature, Target, add_header, hmac_sha256, param, password, user};

/// The one service that sets DNS records; it lives in one region (AWS General Reference, "Route 53 endpoints").
pub(super) const ROUTE53: Aws4 = Aws4 { region: "us-east-1", service: "route53" };

pub(super) struct Aws4 {
    region: &'static str,
    service: &'static str,
}

impl Signature for Aws4 {
    fn settings(&self) -> &'static [&'static str] {
        &["user", "password", "param"]
    }

    fn sign(&self, request: &mut Request, settings: &AccountSettings, now: u64) {
        let stamp = Utc::at(now).basic();
        let (date, _) = stamp.split_once('T').unwrap_or_default();
        add_header(request, "X-Amz-Date", &*stamp);
        if !param(settings).is_empty() {
            add_header(request, "X-Amz-Security-Token", param(settings));
        }
        // Paths are encoded once more, for every service but S3.
        let path: Vec<String> = Target::of(request.url.expose()).path.split('/').map(query).collect();
        let canonical = Canonical::of(request, &path.join("/"), headers(request));
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let text = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", canonical.hash());
        let secret = Zeroizing::new(format!("AWS4{}", password(settings)));
        let signature = chain(&secret, &scope, &text);
        let credential = format!("{}/{scope}", user(settings));
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={}, Signature={signature}",
            canonical.signed
        );
        add_header(request, "Authorization", value);
    }
}

/// Signs with a key for one day and one service: each part of the scope makes the next key. Hexadecimal digits.
pub(super) fn chain(secret: &str, scope: &str, text: &str) -> String {
    let secret = Zeroizing::new(secret.as_bytes().to_vec());
    let step = |key: Zeroizing<Vec<u8>>, part| Zeroizing::new(hmac_sha256(&key, part).as_ref().to_vec());
    hex(&scope.split('/').chain([text]).fold(secret, step))
}

#[cfg(test)]
mod tests {
    use super::super::super::Method;
    use super::super::tests::{header, request, settings};
    use super::*;

    /// 2015-08-30T12:36:00Z
    const NOW: u64 = 1_440_938_160;

    fn authorization(method: Method, way: &str, headers: &[(&str, &str)], body: Option<&str>) -> String {
        let suite = Aws4 { region: "us-east-1", service: "service" };
        let settings = settings("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "");
        let mut request = request(method, &format!("https://example.amazonaws.com{way}"), headers, body);
        suite.sign(&mut request, &settings, NOW);
        assert_eq!(header(&request, "X-Amz-Date"), "20150830T123600Z");
        header(&request, "Authorization").to_owned()
    }

    fn signed(fields: &str, signature: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
            SignedHeaders={fields}, Signature={signature}"
        )
    }

    /// AWS Signature Version 4 test suite: get-vanilla, post-vanilla, get-vanilla-query-order-key-case,
    /// post-x-www-form-urlencoded.
    #[test]
    fn the_cases_of_the_test_suite_are_signed_as_published() {
        const PLAIN: &str = "host;x-amz-date";
        assert_eq!(
            authorization(Method::Get, "/", &[], None),
            signed(PLAIN, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
        );
        assert_eq!(
            authorization(Method::Post, "/", &[], None),
            signed(PLAIN, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")
        );
        assert_eq!(
            authorization(Method::Get, "/?Param2=value2&Param1=value1", &[], None),
            signed(PLAIN, "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")
        );
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        assert_eq!(
            authorization(Method::Post, "/", &form, Some("Param1=value1")),
            signed(
                "content-type;host;x-amz-date",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
            )
        );
    }

    #[test]
    fn a_session_token_is_sent_and_signed() {
        let mut request = request(Method::Get, "https://route53.amazonaws.com/", &[], None);
        ROUTE53.sign(&mut request, &settings("AKIDEXAMPLE", "secret", "session"), NOW);
        assert_eq!(header(&request, "X-Amz-Security-Token"), "session");
        assert!(
            header(&request, "Authorization").contains("SignedHeaders=host;x-amz-date;x-amz-security-token,")
        );
    }
}
