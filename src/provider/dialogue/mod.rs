//! One update on its way: which request comes next, and what all answers together mean.

mod plan;
mod search;
mod weight;

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::account::Inner;
use super::form::Purpose;
use super::lookup::{Found, What};
use super::rfc2136::Talk;
use super::template::{Known, Placeholder};
use super::{Family, Reply, Request, Step, Update, Verdict};
use plan::{Part, Told};
use search::Search;
use weight::{concerns_all, is_unknown, of_removal, rank, untold, with_patience};

/// An update on its way; see the module's picture.
pub struct Dialogue {
    account: Arc<Inner>,
    update: Update,
    /// Seconds since 1970, when it began.
    now: u64,
    /// What is not told yet; the first is being told.
    parts: VecDeque<Part>,
    /// What is known about the first.
    search: Search,
    /// Requests for single records that may go together; filled before the first of them leaves.
    writes: Vec<Write>,
    /// Requests that put into force what was written, each with the names that it is for.
    afters: Vec<(Request, Vec<usize>)>,
    asked: Asked,
    verdicts: Vec<Option<Verdict>>,
    /// Takes the place of all that, for a provider that speaks DNS.
    talk: Option<Talk>,
}

/// The question that the next reply answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Asked {
    /// The lookup of this number, for the first part.
    Lookup(usize),
    /// To take the first part's record away: for good, or before it is written anew.
    Remove,
    /// To write the first part's record.
    Update,
    /// To make it.
    Create,
    /// To write so many records, the first of `writes`.
    Together(usize),
    /// To put into force what was written: the first of `afters`.
    After,
}

/// A record that is written together with others, if there are any.
#[derive(Debug)]
struct Write {
    part: Part,
    /// The request for this record alone, if there is one.
    alone: Option<Request>,
    /// Where a request for several goes: only those with the same way go together.
    way: Request,
    item: String,
    /// The list that the item belongs to.
    list: Asked,
}

impl Dialogue {
    pub(super) fn begin(account: Arc<Inner>, update: &Update, now: u64) -> (Self, Step) {
        let talk = account.dns().map(|peer| Talk::begin(peer, update, now));
        let mut dialogue = Self {
            talk: None,
            verdicts: vec![None; update.names.len()],
            update: update.clone(),
            now,
            parts: VecDeque::new(),
            search: Search::default(),
            writes: Vec::new(),
            afters: Vec::new(),
            asked: Asked::Update,
            account,
        };
        if let Some((talk, step)) = talk {
            dialogue.talk = Some(talk);
            return (dialogue, step);
        }
        dialogue.parts = dialogue.plan();
        dialogue.turn();
        let step = dialogue.step();
        (dialogue, step)
    }

    /// Takes the reply to the last request and says what comes next.
    ///
    /// A success, and a refusal of single names, lead to the next request, if there is one. Anything else ends the
    /// dialogue: what was not asked shares the verdict.
    #[must_use = "the step must be performed"]
    pub fn advance(&mut self, reply: &Reply) -> Step {
        match self.asked {
            Asked::Lookup(number) => self.look(number, reply),
            Asked::Together(count) => {
                let written: Vec<Write> = self.writes.drain(..count.min(self.writes.len())).collect();
                for Part { names, told } in written.into_iter().map(|write| write.part) {
                    let verdicts = self.classify(reply, &names, told);
                    let is_removal = count == 1 && matches!(told, Told::Gone(_));
                    self.conclude(names, if is_removal { of_removal(verdicts, reply) } else { verdicts });
                }
            }
            Asked::After => self.settle(reply),
            asked @ (Asked::Create | Asked::Remove | Asked::Update) => self.hear(asked, reply),
        }
        self.step()
    }

    /// Whether the request that has to be performed now changes nothing at the provider.
    #[must_use]
    pub fn asks_only(&self) -> bool {
        matches!(self.asked, Asked::Lookup(_))
    }

    /// Takes the name server's answer to the last question and says what comes next.
    #[must_use = "the step must be performed"]
    pub fn receive(&mut self, message: &[u8]) -> Step {
        match &mut self.talk {
            Some(talk) => talk.hear(message),
            None => self.step(),
        }
    }

    /// The next request; those that were answered before are answered from memory.
    fn step(&mut self) -> Step {
        while let Some(request) = self.request() {
            let Asked::Lookup(number) = self.asked else { return Step::Send(request) };
            let Some(reply) = self.search.remembered(&request) else {
                self.search.asks(request.clone());
                return Step::Send(request);
            };
            self.look(number, &reply);
        }
        Step::Done(self.verdicts.iter().map(|verdict| verdict.clone().unwrap_or_else(untold)).collect())
    }

    fn request(&mut self) -> Option<Request> {
        let Some(part) = self.parts.front() else { return self.together().or_else(|| self.after()) };
        let names = self.update.names.get(part.names.clone())?;
        let form = match self.asked {
            Asked::Lookup(number) => &self.account.forms().lookups.get(number)?.form,
            Asked::Create => self.account.forms().get(Purpose::Create)?,
            Asked::Remove => self.account.forms().removal(part.told.family())?,
            Asked::After | Asked::Together(_) | Asked::Update => self.form(part.told)?,
        };
        Some(form.request(&self.values(names, part.told)))
    }

    /// Begins with the next part.
    fn turn(&mut self) {
        let lookups = &self.account.forms().lookups;
        let walks = self.account.searches_zones() && lookups.iter().any(|lookup| lookup.walk);
        let first = self.parts.front().and_then(|part| self.update.names.get(part.names.start));
        self.search.begin(first.map_or("", String::as_str), walks);
        if lookups.is_empty() {
            self.write(self.first_write());
        } else {
            self.asked = Asked::Lookup(0);
        }
    }

    /// What is asked once everything is known about the first part.
    fn first_write(&self) -> Asked {
        match self.parts.front() {
            Some(Part { told: Told::Gone(_), .. }) => Asked::Remove,
            Some(_) if self.account.forms().replaces => Asked::Remove,
            Some(_) | None => Asked::Update,
        }
    }

    /// Takes the answer to a lookup.
    fn look(&mut self, number: usize, reply: &Reply) {
        self.search.answered(reply);
        let account = Arc::clone(&self.account);
        let Some(lookup) = account.forms().lookups.get(number) else { return };
        let Some(Part { names, told }) = self.parts.front().cloned() else { return };
        let Some(name) = self.update.names.get(names.start).cloned() else { return };
        let is_last = number + 1 == account.forms().lookups.len();
        let found = {
            let values = self.values(std::slice::from_ref(&name), told);
            lookup.read(reply, &values, account.answers(), &|text| account.redact(text))
        };
        let can_create = lookup.what == What::Record && account.forms().get(Purpose::Create).is_some();
        let is_gone = lookup.what == What::Record && matches!(told, Told::Gone(_));
        match found {
            Found::Element { same: true, .. } => self.conclude(names, vec![Verdict::Unchanged]),
            Found::Element { taken, zone, .. } => {
                self.search.learn(&name, taken, zone);
                if is_last { self.write(self.first_write()) } else { self.asked = Asked::Lookup(number + 1) }
            }
            Found::Failed(verdict) => {
                let verdict = with_patience(verdict, reply, account.manners().busy_pause);
                self.conclude(names, vec![verdict]);
            }
            Found::Nothing if is_gone => self.conclude(names, vec![Verdict::Unchanged]),
            Found::Missing if is_gone && !lookup.walk => self.conclude(names, vec![Verdict::Unchanged]),
            Found::Nothing if can_create => self.write(Asked::Create),
            Found::Missing if can_create && !lookup.walk => self.write(Asked::Create),
            Found::Missing | Found::Nothing
                if lookup.walk && account.searches_zones() && self.search.walk(&name) => {}
            Found::Missing | Found::Nothing => self.conclude(names, vec![lookup.lack(&name)]),
        }
    }

    /// Everything is known for the first part: it is written now, or with the others.
    fn write(&mut self, asked: Asked) {
        self.asked = asked;
        let account = Arc::clone(&self.account);
        let Some(batch) = &account.forms().batch else { return };
        let item = match asked {
            Asked::Create => batch.create.as_ref(),
            Asked::Remove => batch.remove.as_ref(),
            Asked::After | Asked::Lookup(_) | Asked::Together(_) | Asked::Update => Some(&batch.update),
        };
        let (Some(item), Some(part)) = (item, self.parts.front().cloned()) else { return };
        let alone = self.request();
        let names = self.update.names.get(part.names.clone()).unwrap_or_default();
        let mut values = self.values(names, part.told);
        let addresses = self.addresses(&part);
        let records: Vec<String> =
            addresses.iter().filter_map(|ip| batch.record(&values.with(*ip))).collect();
        let records = records.join(batch.comma());
        values.known.records = &records;
        let lists = |placeholder| batch.form.placeholders().any(|found| found == placeholder);
        let write = Write {
            // Several addresses have no other way than a batch.
            alone: if addresses.len() > 1 { None } else { alone },
            way: batch.form.request(&values),
            item: item.render(&values).sent.to_string(),
            list: if asked == Asked::Remove && !lists(Placeholder::Removes) { Asked::Update } else { asked },
            part,
        };
        self.writes.push(write);
        self.parts.pop_front();
        self.turn();
    }

    /// The next request for records that may go together.
    fn together(&mut self) -> Option<Request> {
        let way = self.writes.first()?.way.clone();
        // Those that go the same way come first, in their order.
        self.writes.sort_by_key(|write| write.way != way);
        let count = self.writes.iter().take_while(|write| write.way == way).count();
        self.asked = Asked::Together(count);
        let together = self.writes.get(..count)?;
        if let [Write { alone: Some(alone), .. }] = together {
            return Some(alone.clone());
        }
        let batch = self.account.forms().batch.as_ref()?;
        let join = |list: Asked| {
            let items = together.iter().filter(|write| write.list == list);
            items.map(|write| write.item.as_str()).collect::<Vec<_>>().join(batch.comma())
        };
        let (creates, removes, updates) = (join(Asked::Create), join(Asked::Remove), join(Asked::Update));
        let names = self.update.names.get(together.first()?.part.names.clone())?;
        let mut values = self.values(names, Told::One(Family::V4));
        values.known = Known { creates: &creates, removes: &removes, updates: &updates, ..values.known };
        let filled = batch.form.request(&values);
        // What was found out since then is about other records.
        Some(Request { url: way.url, shown: way.shown, ..filled })
    }

    /// The next request that puts into force what was written.
    fn after(&mut self) -> Option<Request> {
        self.asked = Asked::After;
        self.afters.first().map(|(request, _)| request.clone())
    }

    /// Takes the answer to it: without it, nothing of what was written is true yet.
    fn settle(&mut self, reply: &Reply) {
        if self.afters.is_empty() {
            return;
        }
        let (_, names) = self.afters.remove(0);
        for index in names {
            for verdict in self.classify(reply, &(index..index + 1), Told::One(Family::V4)) {
                self.note(index, verdict);
            }
        }
    }

    /// Remembers that a success is to be put into force; also of what was right before: perhaps that never was.
    fn plan_after(&mut self, names: &Range<usize>, verdicts: &[Verdict]) {
        let Some(form) = self.account.forms().get(Purpose::After) else { return };
        let success = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Good | Verdict::Unchanged));
        let Some(told) = self.update.names.get(names.clone()).filter(|_| success) else { return };
        let request = form.request(&self.values(told, Told::One(Family::V4)));
        match self.afters.iter_mut().find(|(known, _)| *known == request) {
            Some((_, waiting)) => waiting.extend(names.clone()),
            None => self.afters.push((request, names.clone().collect())),
        }
    }

    /// Takes the answer to a write.
    fn hear(&mut self, asked: Asked, reply: &Reply) {
        let Some(Part { names, told }) = self.parts.front().cloned() else { return };
        let mut verdicts = self.classify(reply, &names, told);
        if asked == Asked::Remove {
            verdicts = of_removal(verdicts, reply);
        }
        let forms = self.account.forms();
        let can_create = forms.get(Purpose::Create).is_some() && !forms.looks_for_the_record();
        let unknown = matches!(verdicts.as_slice(), [verdict] if is_unknown(verdict));
        let done = matches!(verdicts.as_slice(), [Verdict::Good | Verdict::Unchanged]);
        match asked {
            Asked::Remove if done && !matches!(told, Told::Gone(_)) => self.asked = Asked::Update,
            // The record that is not there yet; after a lookup it was.
            Asked::Update if unknown && can_create => {
                self.asked = Asked::Create;
            }
            Asked::After
            | Asked::Create
            | Asked::Lookup(_)
            | Asked::Remove
            | Asked::Together(_)
            | Asked::Update => self.conclude(names, verdicts),
        }
    }

    fn classify(&self, reply: &Reply, names: &Range<usize>, told: Told) -> Vec<Verdict> {
        let told_names = self.update.names.get(names.clone()).unwrap_or_default();
        let redact = |text: &str| self.account.redact(text);
        let verdicts = self.account.answers().classify(reply, &self.values(told_names, told), &redact);
        let pause = self.account.manners().busy_pause;
        verdicts.into_iter().map(|verdict| with_patience(verdict, reply, pause)).collect()
    }

    /// Notes what was said about the first part, or about records that were written together, and goes on.
    fn conclude(&mut self, names: Range<usize>, verdicts: Vec<Verdict>) {
        let failure = verdicts.iter().find(|verdict| concerns_all(verdict)).cloned();
        self.plan_after(&names, &verdicts);
        for (index, verdict) in names.zip(verdicts) {
            self.note(index, verdict);
        }
        self.parts.pop_front();
        self.turn();
        if let Some(failure) = failure {
            let rest = self.parts.drain(..).map(|part| part.names);
            let rest: Vec<Range<usize>> =
                rest.chain(self.writes.drain(..).map(|write| write.part.names)).collect();
            for index in rest.into_iter().flatten() {
                self.note(index, failure.clone());
            }
        }
    }

    fn note(&mut self, index: usize, verdict: Verdict) {
        let Some(known) = self.verdicts.get_mut(index) else { return };
        match known {
            Some(worse) if rank(worse) >= rank(&verdict) => {}
            Some(_) | None => *known = Some(verdict),
        }
    }
}

impl fmt::Debug for Dialogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialogue")
            .field("update", &self.update)
            .field("parts", &self.parts)
            .field("asked", &self.asked)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
