//! The text of a provider's entry becomes a [`Provider`]; `docs/providers.md` describes the format.

mod error;
mod facts;
mod forms;
mod holds;
mod played;
mod raw;
mod table;

use std::time::Duration;

use litemap::LiteMap;
use ring::digest::{Digest, SHA256, digest};
use toml::de::DeTable;

use super::answer::{Answers, Class, Matcher, Profile};
use super::form::{Form, Forms, Purpose};
use super::recorded::{Example, Recorded};
use super::template::{Placeholder, Syntax};
use super::{Family, Limit, Manners, Prefix};
pub use error::{EntryError, EntryMistake};
pub use facts::{Need, ProviderKind};
pub use holds::Holds;
use raw::{RawAnswers, RawEntry, RawManners, RawStatus};

/// One way of telling one provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Stable key, in the manner of a domain name.
    pub id: String,
    /// For people.
    pub name: String,
    /// The provider's front door.
    pub homepage: String,
    /// Pages that describe the interface.
    pub docs: Vec<String>,
    /// Whether it still works.
    pub status: Status,
    /// Settings that an account needs, with what the provider calls them.
    pub credentials: LiteMap<String, String>,
    /// Those of `credentials` that may be left out.
    pub optional: Vec<String>,
    /// Values for a record to copy, by option, where the option's usual example would not do.
    pub sample: LiteMap<String, String>,
    /// Names of this provider in other clients' configurations, by client.
    pub aliases: LiteMap<String, Vec<String>>,
    /// What fields of other clients hold where their names mean something else, by client and field.
    pub import: LiteMap<String, LiteMap<String, Holds>>,
    /// What a user should know.
    pub notes: String,
    /// Zones that the provider's names lie in; empty: any zone.
    pub zones: Vec<String>,
    /// Recorded requests and answers; absent from the entries inside the program.
    pub dialogues: Vec<Recorded>,
    pub(super) example: Example,
    pub(super) label_depth: usize,
    pub(super) path: String,
    /// What the provider calls A and AAAA.
    pub(super) record_types: [String; 2],
    pub(super) is_custom: bool,
    pub(super) is_dns: bool,
    pub(super) forms: Forms,
    pub(super) answers: Answers,
    pub(super) manners: Manners,
    pub(super) digest: Digest,
}

/// Whether a provider still works.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Status {
    /// Known to work, or nothing to the contrary.
    Alive,
    /// Gone; the words say what became of it and what to use instead.
    Dead(String),
    /// Nobody knows.
    Unclear,
}

impl Provider {
    /// Reads an entry.
    ///
    /// # Errors
    /// Every mistake; a mistake of TOML itself, or of a key, comes alone.
    pub fn parse(text: &str) -> Result<Self, Vec<EntryError>> {
        let toml = |at, words: &str| vec![EntryError::at(text, at, EntryMistake::Toml(words.to_owned()))];
        let document = DeTable::parse(text)
            .map_err(|error| toml(error.span().map(|span| span.start), error.message()))?;
        let raw: RawEntry = table::read(&document).map_err(|unfit| toml(Some(unfit.at), &unfit.words))?;
        let mut mistakes = Mistakes(Vec::new());
        let forms = mistakes.forms(&raw);
        let answers = mistakes.answers(&raw.answers);
        let mut manners = mistakes.manners(&raw.manners, &forms);
        if raw.dns {
            (manners.dual, manners.mixed, manners.several, manners.removes) = (true, true, true, true);
        }
        mistakes.check(&raw, &forms, &answers);
        if !mistakes.0.is_empty() {
            let place = |mistake: EntryMistake| {
                let at = table::place(document.get_ref(), mistake.field());
                EntryError::at(text, at, mistake)
            };
            return Err(mistakes.0.into_iter().map(place).collect());
        }
        Ok(Self {
            id: raw.id,
            name: raw.name,
            homepage: raw.homepage,
            docs: raw.docs,
            status: match raw.status {
                RawStatus::Alive => Status::Alive,
                RawStatus::Dead => Status::Dead(raw.notes.clone()),
                RawStatus::Unclear => Status::Unclear,
            },
            credentials: raw.credentials,
            optional: raw.optional,
            sample: raw.sample,
            aliases: raw.aliases,
            import: raw.import,
            notes: raw.notes,
            zones: raw.zones,
            dialogues: raw.dialogue,
            example: raw.example,
            label_depth: raw.label_depth,
            path: raw.path,
            record_types: raw.record_types.unwrap_or_else(|| ["A", "AAAA"].map(str::to_owned)),
            is_custom: raw.custom,
            is_dns: raw.dns,
            forms,
            answers,
            manners,
            digest: digest(&SHA256, text.as_bytes()),
        })
    }

    /// Reads the entry of a file that is called `<id>.toml`.
    ///
    /// # Errors
    /// As [`Provider::parse`]; also if the entry has another id.
    pub fn parse_file(text: &str, id: &str) -> Result<Self, Vec<EntryError>> {
        let entry = Self::parse(text)?;
        if entry.id == id {
            return Ok(entry);
        }
        let mend = format!("the file of this entry must be called {}.toml", entry.id);
        let mistake = EntryMistake::Rule { field: "id".to_owned(), mend };
        let at = DeTable::parse(text).ok().and_then(|document| table::place(document.get_ref(), "id"));
        Err(vec![EntryError::at(text, at, mistake)])
    }

    /// How an account of this provider wants to be treated; `custom` decides with the account.
    #[must_use]
    pub fn manners(&self) -> &Manners {
        &self.manners
    }

    /// Whether the provider is told by DNS messages instead of HTTP requests.
    #[must_use]
    pub fn speaks_dns(&self) -> bool {
        self.is_dns
    }

    /// Whether the provider can set records of this family.
    #[must_use]
    pub fn sets(&self, family: Family) -> bool {
        self.is_custom || self.is_dns || self.forms.of(family).is_some()
    }
}

/// Whether this could be the id of a provider.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b);
    !text.is_empty() && text.bytes().all(fits)
}

/// Collects mistakes, so that all can be shown at once.
struct Mistakes(Vec<EntryMistake>);

impl Mistakes {
    fn rule(&mut self, field: impl Into<String>, mend: impl Into<String>) {
        self.0.push(EntryMistake::Rule { field: field.into(), mend: mend.into() });
    }

    fn answers(&mut self, raw: &RawAnswers) -> Answers {
        let mut conditions = Vec::new();
        for class in Class::ORDER {
            let (name, texts) = raw.of(class);
            conditions.extend(self.matchers(name, texts).into_iter().map(|matcher| (class, matcher)));
        }
        // A success that only the status tells is asked last of all.
        let (last, first) =
            conditions.into_iter().partition::<Vec<_>, _>(|(class, matcher): &(Class, Matcher)| {
                *class == Class::Ok && matcher.is_status_only()
            });
        let conditions = first.into_iter().chain(last).collect();
        Answers { profile: raw.profile, lines: raw.lines, html: raw.html, conditions }
    }

    fn matchers(&mut self, name: &str, texts: &[String]) -> Vec<Matcher> {
        let mut matchers = Vec::new();
        for text in texts {
            match Matcher::parse(name, text, Syntax::Entry) {
                Ok(matcher) => matchers.push(matcher),
                Err(error) => self.0.push(EntryMistake::Matcher(error)),
            }
        }
        matchers
    }

    fn manners(&mut self, raw: &RawManners, forms: &Forms) -> Manners {
        const DAY_S: f64 = 86_400.0;
        let mut limits = Vec::new();
        for limit in &raw.limits {
            match duration(limit.window_s) {
                Some(window) if limit.count > 0 && !window.is_zero() => {
                    limits.push(Limit { count: limit.count, window });
                }
                Some(_) | None => {
                    self.rule("manners.limits", "count from 1, window_s above 0 and at most a year");
                }
            }
        }
        let mut days = |field: &str, seconds: Option<f64>| {
            let period = seconds.and_then(duration);
            if seconds.is_some() && period.is_none() {
                self.rule(field, "from 0 to a year");
            }
            period
        };
        let refresh = days("manners.refresh_days", raw.refresh_days.map(|days| days * DAY_S));
        let busy_pause = days("manners.busy_pause_s", Some(raw.busy_pause_s)).unwrap_or_default();
        let proxies: Vec<Prefix> = raw.proxies.iter().filter_map(|text| Prefix::read(text)).collect();
        if proxies.len() < raw.proxies.len() {
            self.rule("manners.proxies", "write prefixes such as 192.0.2.0/24 or 2001:db8::/32");
        }
        Manners {
            max_names: raw.max_names,
            dual: forms.get(Purpose::Dual).is_some() || forms.batch.is_some(),
            omitted: raw.omitted,
            limits,
            refresh,
            busy_pause,
            gather: Duration::from_millis(raw.gather_ms.into()),
            mixed: forms.batch.is_some(),
            several: forms.batch.as_ref().is_some_and(|batch| batch.record.is_some()),
            takes_prefix: forms.takes_prefix(),
            removes: forms.updates().next().is_some() && unremovable(forms).is_none(),
            removes_all: raw.removes_all,
            proxies,
        }
    }

    fn check(&mut self, raw: &RawEntry, forms: &Forms, answers: &Answers) {
        if !is_id(&raw.id) {
            self.rule("id", "write lower-case letters, digits, dots and hyphens");
        }
        if raw.status == RawStatus::Dead {
            if raw.notes.is_empty() {
                self.rule("notes", "say what became of the provider and what to use instead");
            }
            return;
        }
        let written = |option: &str| option == "password_file" || raw.credentials.contains_key(option);
        if let Some(option) = raw.sample.keys().find(|option| !written(option)) {
            self.rule("sample", format!("'{option}' is not among [credentials]"));
        }
        if raw.manners.max_names == 0 {
            self.rule("manners.max_names", "at least 1");
        }
        let whole_list = forms.of_names().all(|form| form.placeholders().any(Placeholder::is_list));
        if raw.manners.max_names > 1 && !whole_list && forms.batch.is_none() {
            self.rule(
                "manners.max_names",
                "every request must then use {hosts_csv}, {label_csv} or {record_id_csv}, or there must be a batch",
            );
        }
        if raw.dns {
            if forms.updates().next().is_some() || !answers.conditions.is_empty() {
                self.rule("dns", "a provider that speaks DNS has neither 'request' nor 'answers'");
            }
            return;
        }
        if !raw.custom && forms.updates().next().is_none() && self.0.is_empty() {
            self.rule("request", "write at least one of v4, v6 and any");
        }
        let success = answers.profile != Profile::None
            || answers.conditions.iter().any(|(class, _)| *class == Class::Ok);
        if !success && self.0.is_empty() {
            self.rule("answers", "nothing is a success; write 'ok' or a 'profile'");
        }
        if !raw.custom {
            self.check_credentials(raw, forms);
        }
    }

    /// What a request uses must be described, and what is described must be used.
    fn check_credentials(&mut self, raw: &RawEntry, forms: &Forms) {
        if !self.0.is_empty() {
            return;
        }
        let used: Vec<&str> = forms.all().flat_map(Form::settings).collect();
        for option in used.iter().filter(|option| **option != "path") {
            if !raw.credentials.contains_key(*option) {
                self.rule(
                    format!("credentials.{option}"),
                    "is used by a request; say what the provider calls it",
                );
                return;
            }
        }
        for option in raw.credentials.keys().filter(|option| !used.contains(&option.as_str())) {
            self.rule(format!("credentials.{option}"), "no request uses it");
        }
        for option in raw.optional.iter().filter(|option| !raw.credentials.contains_key(*option)) {
            self.rule("optional", format!("'{option}' is not one of the credentials"));
        }
    }
}

/// A family that the provider sets and whose records cannot be taken away.
fn unremovable(forms: &Forms) -> Option<Family> {
    let unremovable = |family: &Family| forms.of(*family).is_some() && !forms.removes(*family);
    [Family::V4, Family::V6].into_iter().find(unremovable)
}

fn duration(seconds: f64) -> Option<Duration> {
    const YEAR: Duration = Duration::from_secs(366 * 86_400);
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| *duration <= YEAR)
}

#[cfg(test)]
mod tests;
