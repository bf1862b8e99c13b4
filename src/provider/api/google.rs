//! The assertion of a Google service account: a JSON Web Token that is signed with RS256 (RFC 7523; RFC 7515;
//! developers.google.com/identity/protocols/oauth2/service-account, 2026).
//!
//! `user`: the account's mail address (`client_email`); `password`: its key (`private_key`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::json;

use super::super::{Request, Secret, settings::AccountSettings};
use super::key::{Key, Objection};
use super::{Signature, body, user};

pub(super) struct Google;

/// To read and write records of Cloud DNS.
const SCOPE: &str = "https://www.googleapis.com/auth/ndev.clouddns.readwrite";
/// Seconds that the assertion holds; an hour is the most. Our judgement: a token is asked for at once.
const VALID_SECS: u64 = 300;

impl Signature for Google {
    fn objection(&self, settings: &AccountSettings) -> Option<Objection> {
        Key::of(settings).err()
    }

    /// The entry's body ends where the assertion begins.
    fn sign(&self, request: &mut Request, settings: &AccountSettings, now: u64) {
        let Ok(key) = Key::of(settings) else { return };
        let claims = json!({
            "aud": request.url.expose(),
            "exp": now + VALID_SECS,
            "iat": now,
            "iss": user(settings),
            "scope": SCOPE,
        });
        let token = token(&key, r#"{"alg":"RS256","typ":"JWT"}"#, &claims.to_string());
        request.body = Some(Secret::new(format!("{}{token}", body(request))));
    }
}

/// Compact serialization (RFC 7515 section 7.1).
fn token(key: &Key, header: &str, claims: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(&RSA_PKCS1_SHA256, &text));
    format!("{text}.{signature}")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{KEY, settings};
    use super::*;

    #[test]
    fn the_example_of_rfc_7515_appendix_a_2_is_signed_as_published() {
        let key = Key::of(&settings("", KEY, "")).unwrap();
        let claims = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
        assert_eq!(
            token(&key, r#"{"alg":"RS256"}"#, claims),
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
            cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        );
    }
}
