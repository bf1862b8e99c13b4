//! What a person may see of a URL that a user has written.

use super::MASK;

/// Hides what a user may have pasted into a URL: values of parameters, and long segments.
#[derive(Default)]
pub(super) struct Masker {
    in_query: bool,
    in_value: bool,
    hidden: bool,
}

impl Masker {
    /// Our judgement: keys in paths are longer than this, words are shorter.
    const LONG: usize = 16;

    pub(super) fn mask(&mut self, text: &str) -> String {
        let mut shown = String::new();
        let mut word = String::new();
        for c in text.chars() {
            match c {
                '/' | '?' if !self.in_query => {
                    Self::push_word(&mut word, &mut shown);
                    shown.push(c);
                    self.in_query = c == '?';
                }
                '&' if self.in_query => {
                    Self::push_word(&mut word, &mut shown);
                    shown.push(c);
                    *self = Self { in_query: true, ..Self::default() };
                }
                '=' if self.in_query && !self.in_value => {
                    Self::push_word(&mut word, &mut shown);
                    shown.push(c);
                    self.in_value = true;
                }
                _ if self.in_value => {
                    // Lists between two addresses are no secret.
                    let separator = matches!(c, ',' | ':');
                    if separator {
                        shown.push(c);
                    } else if !self.hidden {
                        shown.push_str(MASK);
                        self.hidden = true;
                    }
                }
                _ => word.push(c),
            }
        }
        Self::push_word(&mut word, &mut shown);
        shown
    }

    /// A placeholder interrupts what was hidden.
    pub(super) fn value_follows(&mut self) {
        self.hidden = false;
    }

    fn push_word(word: &mut String, shown: &mut String) {
        let authority = !shown.contains("://") || shown.ends_with("://");
        shown.push_str(if !authority && word.len() >= Self::LONG { MASK } else { word });
        word.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_long_segments_of_a_users_url_are_hidden() {
        let shown = |url| Masker::default().mask(url);
        assert_eq!(shown("https://h.example/u?key=abc&ip="), "https://h.example/u?key=***&ip=");
        assert_eq!(shown("https://h.example/0123456789abcdef0/x"), "https://h.example/***/x");
        assert_eq!(shown("https://h.example/u.php?0123456789abcdef0&ip="), "https://h.example/u.php?***&ip=");
        assert_eq!(
            shown("https://a-long-host-name.example/nic/update"),
            "https://a-long-host-name.example/nic/update"
        );
    }

    #[test]
    fn text_on_both_sides_of_a_placeholder_is_hidden() {
        let mut masker = Masker::default();
        assert_eq!(masker.mask("https://h.example/?a=x"), "https://h.example/?a=***");
        masker.value_follows();
        assert_eq!(masker.mask("y&b=z"), "***&b=***");
    }
}
