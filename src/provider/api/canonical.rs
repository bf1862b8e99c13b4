//! The canonical request of Amazon's signature version 4, which Tencent and Huawei took over.

use ring::digest::{SHA256, digest};

use super::super::Request;
use super::super::template::hex;
use super::{Target, body};

/// A request in the one spelling that both sides compute, and the names of the header fields in it.
pub(super) struct Canonical {
    pub(super) text: String,
    /// Lower case, joined by semicolons.
    pub(super) signed: String,
}

impl Canonical {
    /// `path`: as the scheme spells it. `headers`: names in lower case with their values, in any order.
    pub(super) fn of(request: &Request, path: &str, mut headers: Vec<(String, String)>) -> Self {
        headers.sort();
        let method = request.method.name();
        let query = query(Target::of(request.url.expose()).query);
        let fields: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let signed = names.join(";");
        let body = sha256(body(request));
        Self { text: format!("{method}\n{path}\n{query}\n{fields}\n{signed}\n{body}"), signed }
    }

    /// Lower-case hexadecimal digits.
    pub(super) fn hash(&self) -> String {
        sha256(&self.text)
    }
}

/// All header fields of a request and its host, as they are signed: names in lower case, blanks of values single.
pub(super) fn headers(request: &Request) -> Vec<(String, String)> {
    let host = Target::of(request.url.expose()).host.to_owned();
    let fields = request.headers.iter().map(|(name, value)| {
        let words: Vec<&str> = value.expose().split_whitespace().collect();
        (name.to_ascii_lowercase(), words.join(" "))
    });
    std::iter::once(("host".to_owned(), host)).chain(fields).collect()
}

/// Parameters sorted by name, names and values percent-encoded but for the unreserved characters of RFC 3986.
pub(super) fn query(written: &str) -> String {
    let mut pairs: Vec<(String, String)> = written
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// What may be partly encoded becomes wholly so: our URLs leave colons and commas as they are.
fn encoded(written: &str) -> String {
    let (mut decoded, mut rest) = (Vec::new(), written.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let escaped = if *first == b'%' { behind.get(..2) } else { None };
        let escaped = escaped.and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*first);
                rest = behind;
            }
        }
    }
    super::super::template::query(&String::from_utf8_lossy(&decoded))
}

/// Lower-case hexadecimal digits of the SHA-256.
pub(super) fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_sorted_and_encoded_once() {
        assert_eq!(query("b=2001:db8::1&a=%3A%20x&c"), "a=%3A%20x&b=2001%3Adb8%3A%3A1&c=");
        assert_eq!(query(""), "");
        assert_eq!(query("a=100%&b=%zz"), "a=100%25&b=%25zz");
    }
}
