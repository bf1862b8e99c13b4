//! Alibaba Cloud's RPC signature, HMAC-SHA1 (alibabacloud.com/help/doc-detail/29747.htm, "Signature method").
//!
//! `user`: AccessKey ID; `password`: AccessKey secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use zeroize::Zeroizing;

use super::super::template::query as encoded;
use super::super::{Request, Secret, settings::AccountSettings};
use super::canonical::query;
use super::utc::Utc;
use super::{Signature, Target, nonce, password, user};

pub(super) struct Aliyun;

impl Signature for Aliyun {
    /// The entry's URL has the action with its parameters, the version and the format.
    fn sign(&self, request: &mut Request, settings: &AccountSettings, now: u64) {
        let common = format!(
            "&AccessKeyId={}&SignatureMethod=HMAC-SHA1&SignatureNonce={}&SignatureVersion=1.0&Timestamp={}",
            encoded(user(settings)),
            nonce(request, settings, now),
            encoded(&Utc::at(now).to_string())
        );
        let all = format!("{}{common}", Target::of(request.url.expose()).query);
        let text = text_to_sign(request.method.name(), &all);
        let added = format!("{common}&Signature={}", encoded(&signature(password(settings), &text)));
        request.url = Secret::new(format!("{}{added}", request.url.expose()));
        request.shown.push_str(&added);
    }
}

fn text_to_sign(method: &str, parameters: &str) -> String {
    format!("{method}&%2F&{}", encoded(&query(parameters)))
}

/// In base64.
fn signature(secret: &str, text: &str) -> String {
    let key = Zeroizing::new(format!("{secret}&"));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// help.aliyun.com/document_detail/29747.html, example of DescribeDomainRecords.
    #[test]
    fn the_provider_s_example_is_signed_as_published() {
        let parameters = "Format=XML&AccessKeyId=testid&Action=DescribeDomainRecords\
            &SignatureMethod=HMAC-SHA1&DomainName=example.com\
            &SignatureNonce=f59ed6a9-83fc-473b-9cc6-99c95df3856e&SignatureVersion=1.0&Version=2015-01-09\
            &Timestamp=2016-03-24T16:41:54Z";
        let text = text_to_sign("GET", parameters);
        assert_eq!(
            text,
            "GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeDomainRecords%26DomainName%3Dexample.com\
            %26Format%3DXML%26SignatureMethod%3DHMAC-SHA1\
            %26SignatureNonce%3Df59ed6a9-83fc-473b-9cc6-99c95df3856e%26SignatureVersion%3D1.0\
            %26Timestamp%3D2016-03-24T16%253A41%253A54Z%26Version%3D2015-01-09"
        );
        assert_eq!(signature("testsecret", &text), "uRpHwaSEt3J+6KQD//svCh/x+pI=");
    }
}
