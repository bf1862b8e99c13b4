//! The word that was probably meant.

/// The candidate nearest to `word`, if it is near enough to be worth a suggestion: a third of the letters may differ, or
/// the rest was left out.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const WORD_MAX: usize = 64;
    const BEGINNING_MIN: usize = 3;
    let word = word.to_ascii_lowercase();
    let letters = word.chars().count();
    if letters > WORD_MAX {
        return None;
    }
    let allowed = letters.div_ceil(3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed || (letters >= BEGINNING_MIN && candidate.starts_with(&word))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let words = ["hostname", "password", "ipv4", "ipv6", "url", "user"];
        assert_eq!(nearest("hostnam", words), Some("hostname"));
        assert_eq!(nearest("hsotname", words), Some("hostname"));
        assert_eq!(nearest("Pasword", words), Some("password"));
        assert_eq!(nearest("usr", words), Some("user"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest("", words), None);
    }

    #[test]
    fn a_beginning_is_enough() {
        let words = ["freedns.afraid.org", "freedns.afraid.org-v1", "duckdns.org"];
        assert_eq!(nearest("duckdns", words), Some("duckdns.org"));
        assert_eq!(nearest("FreeDNS", words), Some("freedns.afraid.org"));
        assert_eq!(nearest("du", words), None);
    }

    #[test]
    fn distances_count_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abcd", "abdc"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
