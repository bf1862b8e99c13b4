//! Keeps out of sight what a server echoes.

use crate::engine::Outcome;
use crate::provider::{Request, Secret, Verdict, WORDS_MAX};
use zeroize::Zeroizing;

/// Every spelling of a job's secrets, the longest first.
pub(super) struct Mask(Vec<Zeroizing<String>>);

impl Mask {
    pub(super) fn new(secrets: &[Secret]) -> Self {
        let mut mask = Self(Vec::new());
        for secret in secrets {
            mask.add(secret.expose());
        }
        mask.sort();
        mask
    }

    /// Adds what a request carries: the URL if it is not shown as it is, and header fields that may be credentials.
    pub(super) fn learn(&mut self, request: &Request) {
        if request.shown != request.url.expose() {
            self.add(request.url.expose());
        }
        for (_, value) in credentials(request) {
            self.add(value.expose());
            // `Basic …`, `Bearer …`: also without the scheme.
            if let Some((_, token)) = value.expose().split_once(' ') {
                self.add(token);
            }
        }
        self.sort();
    }

    /// The text with `***` for each secret.
    pub(super) fn text(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in &self.0 {
            if masked.contains(secret.as_str()) {
                masked = masked.replace(secret.as_str(), "***");
            }
        }
        masked
    }

    /// The same for what somebody else has cut: there a secret may have lost its end.
    fn quotation(&self, words: &str) -> String {
        let end = words.trim_end_matches(['…', '.']).len();
        if end == words.len() && words.chars().count() < WORDS_MAX {
            return self.text(words);
        }
        for secret in &self.0 {
            let starts = secret.char_indices().map(|(at, _)| at).filter(|at| *at >= SECRET_MIN);
            if let Some(cut) = starts.rev().find(|at| words[..end].ends_with(&secret[..*at])) {
                return format!("{}***{}", self.text(&words[..end - cut]), &words[end..]);
            }
        }
        self.text(words)
    }

    /// The first words of an answer, in one line.
    pub(super) fn words(&self, body: &str) -> String {
        let masked = self.text(body);
        let mut words = String::new();
        for word in
            masked.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty())
        {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(word);
            if words.len() > 4 * WORDS_MAX {
                break;
            }
        }
        words.chars().take(WORDS_MAX).collect()
    }

    pub(super) fn outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Answered(verdicts) => {
                Outcome::Answered(verdicts.into_iter().map(|verdict| self.verdict(verdict)).collect())
            }
            Outcome::Failed(mut failure) => {
                failure.detail = self.text(&failure.detail);
                Outcome::Failed(failure)
            }
            Outcome::Withdrawn => Outcome::Withdrawn,
        }
    }

    fn verdict(&self, mut verdict: Verdict) -> Verdict {
        match &mut verdict {
            Verdict::Busy { words, .. }
            | Verdict::Refused { words, .. }
            | Verdict::NotUnderstood { words } => {
                *words = self.quotation(words);
            }
            Verdict::Good | Verdict::Unchanged => {}
        }
        verdict
    }

    fn add(&mut self, secret: &str) {
        if secret.len() < SECRET_MIN {
            return;
        }
        let escaped = percent_encoded(secret);
        for spelling in [secret, &escaped] {
            if !self.0.iter().any(|known| known.as_str() == spelling) {
                self.0.push(Zeroizing::new(spelling.to_owned()));
            }
        }
    }

    fn sort(&mut self) {
        // One secret may be part of another.
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    }
}

/// Header fields whose values are nobody's business.
pub(super) fn credentials(request: &Request) -> impl Iterator<Item = &(String, Secret)> {
    request.headers.iter().filter(|(name, _)| {
        !["accept", "content-type", "user-agent"].iter().any(|harmless| name.eq_ignore_ascii_case(harmless))
    })
}

/// Everything but RFC 3986's unreserved characters.
fn percent_encoded(text: &str) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Shorter texts are not looked for: they would be found in ordinary words.
const SECRET_MIN: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_in_every_spelling_and_where_a_quotation_cuts_it() {
        let mask = Mask::new(&[Secret::new("pa ss"), Secret::new("pa ss word"), Secret::new("abc")]);
        assert_eq!(mask.text("pa ss word, pa%20ss; abc"), "***, ***; abc");
        assert_eq!(mask.quotation("bad token pa ss wo…"), "bad token ***…");
        assert_eq!(mask.quotation("bad token pa s"), "bad token pa s");
        let cut: String = "x".repeat(WORDS_MAX - 5) + "pa ss";
        assert_eq!(mask.quotation(&cut), "x".repeat(WORDS_MAX - 5) + "***");
        assert_eq!(mask.quotation(&cut[4..]), cut[4..].replace("pa ss", "***"));
    }

    #[test]
    fn words_are_one_short_line_without_control_characters() {
        let mask = Mask::new(&[]);
        assert_eq!(mask.words("good\r\n\t1.2.3.4\u{1b}[31m\0"), "good 1.2.3.4 [31m");
        assert_eq!(mask.words(&"ä".repeat(1000)).chars().count(), WORDS_MAX);
    }
}
