//! Web services that answer with the address of who asks: what they say, and when they are believed.

use std::net::IpAddr;

use crate::engine::outside::Sighting;
use crate::provider::Family;

/// The first address of the family in a text: alone, in JSON, or in a small page.
pub(in crate::daemon) fn address(text: &str, family: Family) -> Option<IpAddr> {
    let is_inside = |c: char| match family {
        Family::V4 => c.is_ascii_digit() || c == '.',
        Family::V6 => c.is_ascii_hexdigit() || c == ':' || c == '.',
    };
    text.split(|c| !is_inside(c)).find_map(|word| {
        // The end of a sentence, and the colon of "address:".
        let word = word.trim_matches('.');
        let behind_colon = word.strip_prefix(':').filter(|rest| !rest.starts_with(':'));
        let ip: IpAddr = behind_colon.unwrap_or(word).parse().ok()?;
        (Family::of(ip) == family).then_some(ip)
    })
}

/// What several services say to one question.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Votes<'a> {
    answers: Vec<(&'a str, IpAddr)>,
    refusals: Vec<String>,
}

impl<'a> Votes<'a> {
    /// Counts what one says; an address that another one has said before is believed.
    pub(in crate::daemon) fn count(
        &mut self,
        service: &'a str,
        said: Result<IpAddr, String>,
    ) -> Option<IpAddr> {
        match said {
            Ok(ip) if self.answers.iter().any(|(_, other)| *other == ip) => return Some(ip),
            Ok(ip) => self.answers.push((service, ip)),
            Err(words) => self.refusals.push(words),
        }
        None
    }

    /// Whether asking on is pointless: three say three different things.
    pub(in crate::daemon) fn are_lost(&self) -> bool {
        self.answers.len() >= 3
    }

    /// When no two agree: a single one is believed if it repeats what was believed `before`.
    pub(in crate::daemon) fn verdict(self, before: Option<IpAddr>) -> Sighting {
        let mut words = match self.answers[..] {
            [] => Vec::new(),
            [(_, ip)] if Some(ip) == before => return Ok(ip),
            [(service, ip)] => vec![format!("only {service} answers ({ip}), nobody confirms it")],
            _ => {
                let says: Vec<String> =
                    self.answers.iter().map(|(service, ip)| format!("{service} says {ip}")).collect();
                vec![format!("they disagree: {}", says.join(", "))]
            }
        };
        words.extend(self.refusals);
        Err(words.join("; "))
    }
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

    #[test]
    fn two_that_agree_are_believed_whatever_a_third_says() {
        let mut votes = Votes::default();
        assert_eq!(votes.count("a", Ok(ip("203.0.113.9"))), None);
        assert_eq!(votes.count("b", Ok(ip("203.0.113.66"))), None);
        assert!(!votes.are_lost());
        assert_eq!(votes.count("c", Ok(ip("203.0.113.9"))), Some(ip("203.0.113.9")));
    }

    #[test]
    fn a_single_one_is_believed_only_if_it_repeats_what_was_believed_before() {
        let alone = || {
            let mut votes = Votes::default();
            votes.count("a", Ok(ip("203.0.113.9")));
            votes.count("b", Err("b is silent".to_owned()));
            votes
        };
        assert_eq!(alone().verdict(Some(ip("203.0.113.9"))), Ok(ip("203.0.113.9")));
        let words = "only a answers (203.0.113.9), nobody confirms it; b is silent".to_owned();
        assert_eq!(alone().verdict(None), Err(words.clone()));
        assert_eq!(alone().verdict(Some(ip("203.0.113.8"))), Err(words));
    }

    #[test]
    fn who_disagrees_is_not_believed_even_with_what_was_believed_before() {
        let mut votes = Votes::default();
        for (service, said) in [("a", "203.0.113.9"), ("b", "203.0.113.8"), ("c", "203.0.113.7")] {
            assert_eq!(votes.count(service, Ok(ip(said))), None);
        }
        assert!(votes.are_lost());
        let words = "they disagree: a says 203.0.113.9, b says 203.0.113.8, c says 203.0.113.7";
        assert_eq!(votes.verdict(Some(ip("203.0.113.9"))), Err(words.to_owned()));
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
