//! One update on its way: which request comes next, and what all answers together mean.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::account::Inner;
use super::form::Form;
use super::template::Values;
use super::{Family, Refusal, Reply, Step, Update, Verdict};

/// An update on its way; see the module's picture.
pub struct Dialogue {
    account: Arc<Inner>,
    update: Update,
    /// Requests that have not been answered; the first is on its way.
    parts: VecDeque<Part>,
    verdicts: Vec<Option<Verdict>>,
}

/// One request.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Part {
    names: Range<usize>,
    told: Told,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    Both,
    One(Family),
}

impl Dialogue {
    pub(super) fn begin(account: Arc<Inner>, update: &Update) -> (Self, Step) {
        let verdicts = vec![None; update.names.len()];
        let mut dialogue = Self { account, update: update.clone(), parts: VecDeque::new(), verdicts };
        dialogue.parts = dialogue.plan();
        let step = dialogue.step();
        (dialogue, step)
    }

    /// Takes the reply to the last request and says what comes next.
    ///
    /// A success, and a refusal of single names, lead to the next request, if there is one. Anything else ends the
    /// dialogue: what was not asked shares the verdict.
    #[must_use = "the step must be performed"]
    pub fn advance(&mut self, reply: &Reply) -> Step {
        let Some(part) = self.parts.pop_front() else { return self.step() };
        let names = self.update.names.get(part.names.clone()).unwrap_or_default();
        let redact = |text: &str| self.account.redact(text);
        let verdicts = self.account.answers().classify(reply, &self.values(names, part.told), &redact);
        let verdicts: Vec<Verdict> = verdicts.into_iter().map(|v| self.with_patience(v, reply)).collect();
        let failure = verdicts.iter().find(|verdict| concerns_all(verdict)).cloned();
        for (index, verdict) in part.names.zip(verdicts) {
            self.note(index, verdict);
        }
        if let Some(failure) = failure {
            let rest: Vec<Part> = self.parts.drain(..).collect();
            for index in rest.into_iter().flat_map(|part| part.names) {
                self.note(index, failure.clone());
            }
        }
        self.step()
    }

    /// A provider that says in its own words that it is unwell (`911`) is left alone for as long as its entry asks; a
    /// mere status 5xx may come from anything on the way.
    fn with_patience(&self, verdict: Verdict, reply: &Reply) -> Verdict {
        let pause = self.account.manners().busy_pause;
        let Verdict::Busy { words, retry_after } = verdict else { return verdict };
        let in_words = (200..300).contains(&reply.status) && !pause.is_zero();
        Verdict::Busy {
            words,
            retry_after: if in_words { retry_after.max(Some(pause)) } else { retry_after },
        }
    }

    fn note(&mut self, index: usize, verdict: Verdict) {
        let Some(known) = self.verdicts.get_mut(index) else { return };
        match known {
            Some(worse) if rank(worse) >= rank(&verdict) => {}
            Some(_) | None => *known = Some(verdict),
        }
    }

    fn step(&self) -> Step {
        let next = self.parts.front().and_then(|part| {
            let names = self.update.names.get(part.names.clone())?;
            Some(self.form(part.told)?.request(&self.values(names, part.told)))
        });
        match next {
            Some(request) => Step::Send(request),
            None => Step::Done(
                self.verdicts.iter().map(|verdict| verdict.clone().unwrap_or_else(untold)).collect(),
            ),
        }
    }

    /// The fewest requests that tell everything: one for each stretch of names, and for each family unless one request
    /// can carry both.
    fn plan(&self) -> VecDeque<Part> {
        let told: Vec<Told> = match (self.update.ipv4, self.update.ipv6) {
            (Some(_), Some(_)) if self.form(Told::Both).is_some() => vec![Told::Both],
            (ipv4, ipv6) => {
                let v4 = ipv4.map(|_| Told::One(Family::V4));
                v4.into_iter().chain(ipv6.map(|_| Told::One(Family::V6))).collect()
            }
        };
        let count = self.update.names.len();
        let size = self.account.manners().max_names.max(1);
        let mut parts = VecDeque::new();
        for from in (0..count).step_by(size) {
            for told in told.iter().filter(|told| self.form(**told).is_some()) {
                parts.push_back(Part { names: from..count.min(from + size), told: *told });
            }
        }
        parts
    }

    fn form(&self, told: Told) -> Option<&Form> {
        match told {
            Told::Both => self.account.forms().dual.as_ref(),
            Told::One(family) => self.account.forms().of(family),
        }
    }

    fn values<'a>(&'a self, names: &'a [String], told: Told) -> Values<'a> {
        let (ipv4, ipv6, family) = match told {
            Told::Both => (self.update.ipv4, self.update.ipv6, Family::V4),
            Told::One(Family::V4) => (self.update.ipv4, None, Family::V4),
            Told::One(Family::V6) => (None, self.update.ipv6, Family::V6),
        };
        Values { ipv4, ipv6, ..self.account.values(names, family) }
    }
}

impl fmt::Debug for Dialogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialogue")
            .field("update", &self.update)
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

fn concerns_all(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Good | Verdict::Unchanged | Verdict::Refused { refusal: Refusal::Name, .. } => false,
        Verdict::Busy { .. } | Verdict::NotUnderstood { .. } | Verdict::Refused { .. } => true,
    }
}

/// How much a verdict weighs when two requests speak of one name.
fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Unchanged => 0,
        Verdict::Good => 1,
        Verdict::Busy { .. } => 2,
        Verdict::NotUnderstood { .. } => 3,
        Verdict::Refused { .. } => 4,
    }
}

/// The configuration was checked, so only a caller's mistake leads here.
fn untold() -> Verdict {
    let words = "nothing to tell: no address of a family that this provider knows".to_owned();
    Verdict::Refused { refusal: Refusal::Malformed, words }
}
