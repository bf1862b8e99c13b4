//! What a verdict means for the rest of an update.

use std::time::Duration;

use super::super::answer::is_page;
use super::super::{Refusal, Reply, Verdict};

/// Whether the provider knows no such name or record.
pub(super) fn is_unknown(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Refused { refusal: Refusal::Name, .. })
}

/// What the answer to a removal means: a record that the provider does not know is gone. A page may come from anybody.
pub(super) fn of_removal(mut verdicts: Vec<Verdict>, reply: &Reply) -> Vec<Verdict> {
    if !is_page(&reply.body) {
        let unknown = verdicts.iter_mut().filter(|verdict| is_unknown(verdict));
        unknown.for_each(|verdict| *verdict = Verdict::Unchanged);
    }
    verdicts
}

/// Whether what is left of the update would be answered alike.
pub(super) fn concerns_all(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Good | Verdict::Unchanged | Verdict::Refused { refusal: Refusal::Name, .. } => false,
        Verdict::Busy { .. } | Verdict::NotUnderstood { .. } | Verdict::Refused { .. } => true,
    }
}

/// How much a verdict weighs when two requests speak of one name.
pub(super) fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Unchanged => 0,
        Verdict::Good => 1,
        Verdict::Busy { .. } => 2,
        Verdict::NotUnderstood { .. } => 3,
        Verdict::Refused { .. } => 4,
    }
}

/// A provider that says in its own words that it is unwell (`911`) is left alone for as long as its entry asks; a mere
/// status 5xx may come from anything on the way.
pub(super) fn with_patience(verdict: Verdict, reply: &Reply, pause: Duration) -> Verdict {
    let Verdict::Busy { words, retry_after } = verdict else { return verdict };
    let in_words = (200..300).contains(&reply.status) && !pause.is_zero();
    Verdict::Busy { words, retry_after: if in_words { retry_after.max(Some(pause)) } else { retry_after } }
}

/// The configuration was checked, so only a caller's mistake leads here.
pub(super) fn untold() -> Verdict {
    let words = "nothing to tell: no address of a family that this provider knows".to_owned();
    Verdict::Refused { refusal: Refusal::Malformed, words }
}
