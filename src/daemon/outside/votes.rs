//! What several say to one question, and when they are believed.

use std::fmt::Write;
use std::net::IpAddr;

use crate::engine::outside::Sighting;

/// What has been said so far.
pub(in crate::daemon) struct Votes<'a> {
    /// How many have to say the same.
    needed: usize,
    answers: Vec<(&'a str, IpAddr)>,
    refusals: String,
}

impl<'a> Votes<'a> {
    pub(in crate::daemon) fn new(needed: usize) -> Self {
        Self { needed, answers: Vec::new(), refusals: String::new() }
    }

    /// Counts what one says; an address that as many as needed have said is believed.
    pub(in crate::daemon) fn count(
        &mut self,
        service: &'a str,
        said: Result<IpAddr, String>,
    ) -> Option<IpAddr> {
        match said {
            Ok(ip) => {
                self.answers.push((service, ip));
                let same = self.answers.iter().filter(|(_, other)| *other == ip).count();
                (same >= self.needed).then_some(ip)
            }
            Err(words) => {
                for part in ["; ", service, ": ", &words] {
                    self.refusals.push_str(part);
                }
                None
            }
        }
    }

    /// Whether asking on is pointless: three say three different things.
    pub(in crate::daemon) fn are_lost(&self) -> bool {
        self.answers.len() >= 3
    }

    /// When too few agree: a single one is believed if it repeats what was believed `before`.
    pub(in crate::daemon) fn verdict(self, before: Option<IpAddr>) -> Sighting {
        let mut words = String::new();
        for (service, ip) in &self.answers {
            if self.answers.len() == 1 && before == Some(*ip) {
                return Ok(*ip);
            }
            // A `String` takes everything.
            let _ = write!(words, "; {service} says {ip}");
        }
        match self.answers.len() {
            0 => {}
            1 => words += ", nobody confirms it",
            _ => words += ", they disagree",
        }
        words += &self.refusals;
        Err(words.split_off("; ".len().min(words.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_agree_are_believed_whatever_a_third_says() {
        let mut votes = Votes::new(2);
        assert_eq!(votes.count("a", Ok(ip("203.0.113.9"))), None);
        assert_eq!(votes.count("b", Ok(ip("203.0.113.66"))), None);
        assert!(!votes.are_lost());
        assert_eq!(votes.count("c", Ok(ip("203.0.113.9"))), Some(ip("203.0.113.9")));
    }

    #[test]
    fn where_one_is_enough_the_first_is_believed() {
        let mut votes = Votes::new(1);
        assert_eq!(votes.count("a", Err("no answer".to_owned())), None);
        assert_eq!(votes.count("b", Ok(ip("203.0.113.9"))), Some(ip("203.0.113.9")));
    }

    #[test]
    fn a_single_one_is_believed_only_if_it_repeats_what_was_believed_before() {
        let alone = || {
            let mut votes = Votes::new(2);
            votes.count("a", Ok(ip("203.0.113.9")));
            votes.count("b", Err("no answer".to_owned()));
            votes
        };
        assert_eq!(alone().verdict(Some(ip("203.0.113.9"))), Ok(ip("203.0.113.9")));
        let words = "a says 203.0.113.9, nobody confirms it; b: no answer".to_owned();
        assert_eq!(alone().verdict(None), Err(words.clone()));
        assert_eq!(alone().verdict(Some(ip("203.0.113.8"))), Err(words));
    }

    #[test]
    fn who_disagrees_is_not_believed_even_with_what_was_believed_before() {
        let mut votes = Votes::new(2);
        for (service, said) in [("a", "203.0.113.9"), ("b", "203.0.113.8"), ("c", "203.0.113.7")] {
            assert_eq!(votes.count(service, Ok(ip(said))), None);
        }
        assert!(votes.are_lost());
        let words = "a says 203.0.113.9; b says 203.0.113.8; c says 203.0.113.7, they disagree";
        assert_eq!(votes.verdict(Some(ip("203.0.113.9"))), Err(words.to_owned()));
    }

    #[test]
    fn where_nobody_answers_each_has_its_reason() {
        let mut votes = Votes::new(1);
        votes.count("a", Err("no answer".to_owned()));
        votes.count("b", Err("it refuses".to_owned()));
        assert_eq!(votes.verdict(None), Err("a: no answer; b: it refuses".to_owned()));
        assert_eq!(Votes::new(1).verdict(None), Err(String::new()));
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }
}
