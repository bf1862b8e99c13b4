//! Oracle Cloud's signature of a request, version 1, by draft-cavage-http-signatures-08
//! (docs.oracle.com/iaas/Content/API/Concepts/signingrequests.htm, 2026).
//!
//! `user`: the key's id, `TENANCY/USER/FINGERPRINT`; `password`: the private key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::RSA_PKCS1_SHA256;

use super::super::{Request, settings::AccountSettings};
use super::key::{Key, Objection};
use super::utc::Utc;
use super::{Signature, Target, add_header, body, user};

pub(super) struct Oci;

impl Signature for Oci {
    fn objection(&self, settings: &AccountSettings) -> Option<Objection> {
        if user(settings).split('/').count() != 3 {
            return Some((
                "user",
                "write the OCIDs of tenancy and user and the key's fingerprint, with '/' between",
            ));
        }
        Key::of(settings).err()
    }

    fn sign(&self, request: &mut Request, settings: &AccountSettings, now: u64) {
        let Ok(key) = Key::of(settings) else { return };
        let (date, hash) = (Utc::at(now).http(), STANDARD.encode(digest(&SHA256, body(request).as_bytes())));
        let text = text_to_sign(request, &date, &hash);
        let names: Vec<&str> =
            text.lines().filter_map(|line| line.split_once(": ")).map(|(name, _)| name).collect();
        let value = format!(
            "Signature version=\"1\",keyId=\"{}\",algorithm=\"rsa-sha256\",headers=\"{}\",signature=\"{}\"",
            user(settings),
            names.join(" "),
            STANDARD.encode(key.sign(&RSA_PKCS1_SHA256, &text))
        );
        add_header(request, "Date", date);
        if request.body.is_some() {
            add_header(request, "X-Content-SHA256", hash);
        }
        add_header(request, "Authorization", value);
    }
}

/// One line for each field that is signed, `name: value`. `hash`: of the body, in base64.
fn text_to_sign(request: &Request, date: &str, hash: &str) -> String {
    let Target { host, path, query } = Target::of(request.url.expose());
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let method = request.method.name().to_ascii_lowercase();
    let mut text = format!("date: {date}\n(request-target): {method} {path}{query}\nhost: {host}");
    if request.body.is_some() {
        let kind = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let kind = kind.map_or("", |(_, value)| value.expose());
        let length = body(request).len();
        text.push_str(&format!("\ncontent-length: {length}\ncontent-type: {kind}\nx-content-sha256: {hash}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::super::super::Method;
    use super::super::tests::{KEY, header, request, settings};
    use super::*;

    /// 2014-01-05T21:31:40Z, a Sunday; the page says Thursday.
    const NOW: u64 = 1_388_957_500;

    /// The page's "Test Values". Their key has 1024 bits, too few for us, so that only the texts can be compared.
    #[test]
    fn the_texts_of_the_provider_s_examples_are_made_as_published() {
        let url = "https://iaas.us-phoenix-1.oraclecloud.com/20160918/instances?availabilityDomain=Pjwf%3A%20PHX-AD-1";
        let get = request(Method::Get, url, &[], None);
        assert_eq!(
            text_to_sign(&get, "Thu, 05 Jan 2014 21:31:40 GMT", ""),
            "date: Thu, 05 Jan 2014 21:31:40 GMT\n\
            (request-target): get /20160918/instances?availabilityDomain=Pjwf%3A%20PHX-AD-1\n\
            host: iaas.us-phoenix-1.oraclecloud.com"
        );
        let url = "https://iaas.us-phoenix-1.oraclecloud.com/20160918/volumeAttachments";
        let body = "x".repeat(316);
        let post = request(Method::Post, url, &[("Content-Type", "application/json")], Some(&body));
        assert_eq!(
            text_to_sign(
                &post,
                "Thu, 05 Jan 2014 21:31:40 GMT",
                "V9Z20UJTvkvpJ50flBzKE32+6m2zJjweHpDMX/U4Uy0="
            ),
            "date: Thu, 05 Jan 2014 21:31:40 GMT\n\
            (request-target): post /20160918/volumeAttachments\n\
            host: iaas.us-phoenix-1.oraclecloud.com\n\
            content-length: 316\n\
            content-type: application/json\n\
            x-content-sha256: V9Z20UJTvkvpJ50flBzKE32+6m2zJjweHpDMX/U4Uy0="
        );
    }

    #[test]
    fn what_is_sent_can_be_verified_with_the_public_key() {
        let settings = settings("t/u/f", KEY, "");
        let mut put =
            request(Method::Put, "https://dns.example/", &[("Content-Type", "application/json")], Some("{}"));
        Oci.sign(&mut put, &settings, NOW);
        let sent = header(&put, "Authorization");
        let (head, rest) = sent.split_once(",signature=\"").unwrap();
        assert_eq!(
            head,
            "Signature version=\"1\",keyId=\"t/u/f\",algorithm=\"rsa-sha256\",\
            headers=\"date (request-target) host content-length content-type x-content-sha256\""
        );
        let text = text_to_sign(&put, header(&put, "Date"), header(&put, "X-Content-SHA256"));
        let signature = STANDARD.decode(rest.trim_end_matches('"')).unwrap();
        let public = Key::of(&settings).unwrap().public();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(text.as_bytes(), &signature)
            .unwrap();
    }
}
