//! Escaping by position: a value can never become structure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};

use super::placeholder::Filter;

/// Where in a request a value stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Position {
    /// An `application/x-www-form-urlencoded` body.
    Form,
    /// Inside a string of a JSON document (RFC 8259 section 7).
    Json,
    /// One segment of a URL's path (RFC 3986 section 3.3).
    Path,
    /// A value in a URL's query (RFC 3986 section 3.4).
    Query,
    /// Nothing is escaped: a basic-auth slot, a pattern, plain text.
    Text,
    /// A field value of the header: control characters are dropped.
    Header,
    /// Character data of an XML document.
    Xml,
}

/// Characters that stay as they are besides the unreserved ones of RFC 3986 section 2.3.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::provider) struct Keep(String);

impl Keep {
    /// Characters that a keep-set may name: none of them separates parameters.
    pub(in crate::provider) const ALLOWED: &'static str = ":,/@!$'()*;";

    /// Takes a keep-set, or gives back the first character that may not be in it.
    pub(in crate::provider) fn new(characters: &str) -> Result<Self, char> {
        match characters.chars().find(|c| !Self::ALLOWED.contains(*c)) {
            Some(c) => Err(c),
            None => Ok(Self(characters.to_owned())),
        }
    }
}

impl Default for Keep {
    /// Lists keep their commas and IPv6 addresses their colons; some servers do not decode them.
    fn default() -> Self {
        Self(":,".to_owned())
    }
}

/// Escapes a value for its position.
pub(super) fn escape(value: &str, position: Position, keep: &Keep, into: &mut String) {
    match position {
        Position::Path => percent(value, |c| c != '/' && keep.0.contains(c), into),
        Position::Form | Position::Query => percent(value, |c| keep.0.contains(c), into),
        Position::Json => json(value, into),
        Position::Xml => xml(value, into),
        Position::Header => into.extend(value.chars().filter(|c| !c.is_control())),
        Position::Text => into.push_str(value),
    }
}

/// As [`escape`], where the user asked for values as they are: only what would break the request line or a header
/// field is still escaped or dropped.
pub(super) fn raw(value: &str, position: Position, into: &mut String) {
    match position {
        Position::Path | Position::Query => {
            percent(value, |c| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '#'), into);
        }
        Position::Header => escape(value, position, &Keep::default(), into),
        Position::Form | Position::Json | Position::Text | Position::Xml => into.push_str(value),
    }
}

pub(super) fn apply(filter: Filter, value: String) -> String {
    match filter {
        Filter::Base64 => base64(&value),
        Filter::Lower => value.to_ascii_lowercase(),
        Filter::Md5 => hex(&Md5::digest(value.as_bytes())),
        Filter::Raw => value,
        Filter::Sha1 => hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, value.as_bytes()).as_ref()),
        Filter::Sha256 => hex(digest(&SHA256, value.as_bytes()).as_ref()),
        Filter::XmlEscape => {
            let mut escaped = String::new();
            xml(&value, &mut escaped);
            escaped
        }
    }
}

/// RFC 4648 section 4, with padding.
pub(in crate::provider) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

pub(in crate::provider) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        push_hex(*byte, b"0123456789abcdef", &mut text);
    }
    text
}

/// Percent-encodes everything but the unreserved characters.
pub(in crate::provider) fn query(value: &str) -> String {
    let mut text = String::new();
    percent(value, |_| false, &mut text);
    text
}

fn percent(value: &str, keep: impl Fn(char) -> bool, into: &mut String) {
    for c in value.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') || keep(c) {
            into.push(c);
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            into.push('%');
            push_hex(byte, b"0123456789ABCDEF", into);
        }
    }
}

fn push_hex(byte: u8, digits: &[u8; 16], into: &mut String) {
    into.push(char::from(digits[usize::from(byte >> 4)]));
    into.push(char::from(digits[usize::from(byte & 15)]));
}

fn json(value: &str, into: &mut String) {
    for c in value.chars() {
        match c {
            '"' | '\\' => into.extend(['\\', c]),
            c if u32::from(c) < 0x20 => {
                into.push_str("\\u00");
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    push_hex(byte, b"0123456789abcdef", into);
                }
            }
            c => into.push(c),
        }
    }
}

fn xml(value: &str, into: &mut String) {
    for c in value.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&apos;"),
            c => into.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(value: &str, position: Position) -> String {
        let mut text = String::new();
        escape(value, position, &Keep::default(), &mut text);
        text
    }

    #[test]
    fn a_query_value_cannot_add_a_parameter() {
        assert_eq!(escaped("a&b=c#d?+ %é", Position::Query), "a%26b%3Dc%23d%3F%2B%20%25%C3%A9");
    }

    #[test]
    fn commas_of_lists_and_colons_of_addresses_stay() {
        assert_eq!(escaped("2001:db8::1,192.0.2.1", Position::Query), "2001:db8::1,192.0.2.1");
    }

    #[test]
    fn a_path_segment_cannot_climb() {
        let mut text = String::new();
        let keep = Keep::new("/:").unwrap();
        escape("../x", Position::Path, &keep, &mut text);
        assert_eq!(text, "..%2Fx");
    }

    #[test]
    fn a_keep_set_cannot_name_a_separator() {
        assert_eq!(Keep::new(":&"), Err('&'));
    }

    #[test]
    fn a_json_string_stays_a_string() {
        assert_eq!(escaped("a\"b\\c\n", Position::Json), "a\\\"b\\\\c\\u000a");
    }

    #[test]
    fn a_header_value_cannot_start_a_new_line() {
        assert_eq!(escaped("a\r\nX: y", Position::Header), "aX: y");
        let mut text = String::new();
        raw("a\r\nX: y", Position::Header, &mut text);
        assert_eq!(text, "aX: y");
    }

    #[test]
    fn raw_values_still_make_one_request_line() {
        let mut text = String::new();
        raw("a b\r\n/é&c=%20", Position::Query, &mut text);
        assert_eq!(text, "a%20b%0D%0A/%C3%A9&c=%20");
    }

    #[test]
    fn digests_are_lower_case_hexadecimal() {
        assert_eq!(apply(Filter::Md5, "abc".into()), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(apply(Filter::Sha1, "abc".into()), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(apply(Filter::Sha256, "abc".into()).starts_with("ba7816bf8f01cfea"));
    }
}
