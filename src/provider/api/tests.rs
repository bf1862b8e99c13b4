//! What the providers publish, signed again.

use super::*;
use crate::provider::Method;

/// RFC 7515 appendix A.2, as PKCS#8.
pub(super) const KEY: &str = include_str!("../../../tests/data/keys/rfc7515-a2.pem");

pub(super) fn settings(user: &str, password: &str, param: &str) -> AccountSettings {
    AccountSettings {
        user: Some(user.to_owned()),
        password: Some(Secret::new(password)),
        param: Some(Secret::new(param)).filter(|param| !param.is_empty()),
        ..AccountSettings::default()
    }
}

pub(super) fn request(method: Method, url: &str, headers: &[(&str, &str)], body: Option<&str>) -> Request {
    Request {
        method,
        url: Secret::new(url),
        shown: url.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect(),
        body: body.map(Secret::new),
        family: None,
        follow_redirects: false,
    }
}

pub(super) fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.expose())
}

/// docs.ovh.com, "First Steps with the OVHcloud APIs".
#[test]
fn ovh_s_example_is_signed_as_published() {
    let settings =
        settings("7kbG7Bk7S9Nt7ZSV", "EXEgWIz07P0HYwtQDs7cNIqCiQaWSuHF", "MtSwSrPpNjqfVSmJhLbPyr2i45lSwPU1");
    let mut request = request(Method::Get, "https://eu.api.ovh.com/1.0/domains/", &[], None);
    ovh::Ovh.sign(&mut request, &settings, 1_366_560_945);
    assert_eq!(header(&request, "X-Ovh-Timestamp"), "1366560945");
    assert_eq!(header(&request, "X-Ovh-Signature"), "$1$d3705e8afb27a0d2970a322b96550abfc67bb798");
}

/// tencentcloud.com, "Signature v3": its keys are printed as asterisks, and signed with them.
#[test]
fn tencent_s_example_is_signed_as_published() {
    let settings = settings(&format!("AKID{}", "*".repeat(32)), &"*".repeat(32), "");
    let headers = [
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-TC-Action", "DescribeInstances"),
        ("X-TC-Region", "ap-guangzhou"),
        ("X-TC-Version", "2017-03-12"),
    ];
    let body = r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
    let mut request = request(Method::Post, "https://cvm.tencentcloudapi.com/", &headers, Some(body));
    tc3::Tc3.sign(&mut request, &settings, 1_551_113_065);
    assert_eq!(
        header(&request, "Authorization"),
        "TC3-HMAC-SHA256 Credential=AKID********************************/2019-02-25/cvm/tc3_request, \
        SignedHeaders=content-type;host;x-tc-action, \
        Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    );
}

/// support.huaweicloud.com/devg-apisign, "Adding the Signature to the Request Header".
#[test]
fn huawei_s_example_is_signed_as_published() {
    let settings = settings("QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc", "");
    let url = "https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs\
        ?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0";
    let mut request = request(Method::Get, url, &[("Content-Type", "application/json")], None);
    // 2019-11-15T03:36:55Z
    huawei::Huawei.sign(&mut request, &settings, 1_573_789_015);
    assert_eq!(
        header(&request, "Authorization"),
        "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, \
        Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
    );
}

#[test]
fn a_key_is_read_with_real_and_with_written_line_breaks_and_in_both_forms() {
    let pkcs1 = include_str!("../../../tests/data/keys/rfc7515-a2-pkcs1.pem");
    let sign = |pem: &str| {
        let key = key::Key::of(&settings("", pem, "")).unwrap_or_else(|objection| panic!("{objection:?}"));
        key.sign(&ring::signature::RSA_PKCS1_SHA256, "text")
    };
    let signature = sign(KEY);
    for pem in [&KEY.replace('\n', "\\n"), &KEY.replace('\n', "\r\n"), &KEY.replace('\n', " "), pkcs1] {
        assert_eq!(sign(pem), signature, "{pem}");
    }
}

#[test]
fn a_key_that_cannot_sign_is_refused_with_its_mend() {
    let encrypted = include_str!("../../../tests/data/keys/rfc7515-a2-encrypted.pem");
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----";
    let cut = KEY.replace("MIIE", "");
    let public = KEY.replace("PRIVATE", "PUBLIC");
    for (pem, mend) in [
        ("hunter22", "-----BEGIN PRIVATE KEY-----"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "-----END PRIVATE KEY-----"),
        (encrypted, "passphrase"),
        (older, "passphrase"),
        (&*cut, "copy the key again"),
        (&*public, "public key"),
    ] {
        for scheme in ["google", "transip"] {
            let scheme = Scheme::find(scheme).unwrap();
            let (option, words) = scheme.objection(&settings("me", pem, "")).unwrap();
            assert_eq!(option, "password");
            assert!(words.contains(mend), "{words}");
        }
    }
    assert!(Scheme::find("transip").unwrap().objection(&settings("me", KEY, "")).is_none());
}

#[test]
fn an_oracle_key_without_its_owner_is_refused() {
    let scheme = Scheme::find("oci").unwrap();
    assert_eq!(scheme.objection(&settings("ocid1.user", KEY, "")).unwrap().0, "user");
    assert!(scheme.objection(&settings("ocid1.tenancy/ocid1.user/20:3b", KEY, "")).is_none());
}

#[test]
fn a_nonce_is_another_one_for_another_request_second_or_account() {
    let base = request(Method::Get, "https://a.example/", &[], None);
    let other = request(Method::Get, "https://b.example/", &[], None);
    let (mine, yours) = (settings("u", "mine", ""), settings("u", "yours", ""));
    let nonces =
        [nonce(&base, &mine, 1), nonce(&other, &mine, 1), nonce(&base, &mine, 2), nonce(&base, &yours, 1)];
    assert_eq!(nonces[0], nonce(&base, &mine, 1));
    assert!(nonces.iter().all(|nonce| nonce.len() == 32));
    assert_eq!(nonces.iter().collect::<std::collections::BTreeSet<_>>().len(), nonces.len());
}
