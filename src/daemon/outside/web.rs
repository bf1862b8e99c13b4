//! Web services that answer with the address of who asks: what they say.

use std::net::IpAddr;

use crate::provider::Family;

/// The first address of the family in a text: alone, in JSON, or in a small page.
pub(in crate::daemon) fn address(text: &str, family: Family) -> Option<IpAddr> {
    for word in text.split(|c: char| !c.is_ascii_hexdigit() && c != ':' && c != '.') {
        // The end of a sentence, and the colon of "address:".
        let word = word.strip_suffix('.').unwrap_or(word);
        let behind_colon = word.strip_prefix(':').filter(|rest| !rest.starts_with(':'));
        match behind_colon.unwrap_or(word).parse() {
            Ok(ip) if Family::of(ip) == family => return Some(ip),
            Ok(_) | Err(_) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_found_in_plain_text_in_json_and_in_a_page() {
        let page = "<html><head><title>Current IP Check</title></head><body>Current IP Address: 203.0.113.9</body></html>";
        for text in ["203.0.113.9", "203.0.113.9\n", r#"{"ip":"203.0.113.9"}"#, page, "You are 203.0.113.9."]
        {
            assert_eq!(address(text, Family::V4), Some(ip("203.0.113.9")), "{text}");
        }
        let trace = "fl=1f2\nh=www.example.net\nip=2001:db8::9\nts=1764.5\nvisit_scheme=https\n";
        for text in
            ["2001:db8::9", r#"{"ip":"2001:db8::9"}"#, "address:2001:db8::9", "<b>2001:db8::9</b>", trace]
        {
            assert_eq!(address(text, Family::V6), Some(ip("2001:db8::9")), "{text}");
        }
        assert_eq!(address("::1", Family::V6), Some(ip("::1")));
    }

    #[test]
    fn the_first_of_the_family_counts_and_what_is_none_does_not() {
        assert_eq!(address("2001:db8::9, 203.0.113.9, 203.0.113.10", Family::V4), Some(ip("203.0.113.9")));
        assert_eq!(address("203.0.113.9, 2001:db8::9", Family::V6), Some(ip("2001:db8::9")));
        for text in ["", "no address", "version 1.2.3", "1.2.3.4.5", "300.1.2.3", "12:30:45"] {
            assert_eq!((address(text, Family::V4), address(text, Family::V6)), (None, None), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_found_behind_any_words(octets: [u8; 4], wide: [u8; 16], words in "[ g-z<>=\"{}]{0,20}") {
            let (v4, v6) = (IpAddr::from(octets), IpAddr::from(wide));
            prop_assert_eq!(address(&format!("{words}{v4}{words}"), Family::V4), Some(v4));
            prop_assert_eq!(address(&format!("{words}{v6}{words}"), Family::V6), Some(v6));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = (address(&text, Family::V4), address(&text, Family::V6));
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }
}
