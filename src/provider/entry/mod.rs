//! The text of a provider's entry becomes a [`Provider`]; `docs/providers.md` describes the format.

mod node;
mod raw;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ring::digest::{Digest, SHA256, digest};
use toml::de::DeTable;

use super::answer::{Answers, Class, Matcher, MatcherError, Profile};
use super::form::{Auth, Form, Forms, is_field_name, url_rules};
use super::recorded::{Example, Recorded};
use super::template::{Keep, Kind, Placeholder, Rules, Syntax, Template, TemplateError};
use super::{Family, Limit, Manners, Method};
use raw::{RawAnswers, RawEntry, RawForm, RawManners, RawRequest, RawStatus};

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
    pub credentials: BTreeMap<String, String>,
    /// Those of `credentials` that may be left out.
    pub optional: Vec<String>,
    /// Names of this provider in other clients' configurations, by client.
    pub aliases: BTreeMap<String, Vec<String>>,
    /// What a user should know.
    pub notes: String,
    /// Zones that the provider's names lie in; empty: any zone.
    pub zones: Vec<String>,
    /// Recorded requests and answers; absent from the entries inside the program.
    pub dialogues: Vec<Recorded>,
    pub(super) example: Example,
    pub(super) label_depth: usize,
    pub(super) path: String,
    pub(super) is_custom: bool,
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
        let document = DeTable::parse(text).map_err(|error| {
            vec![EntryError::toml(text, error.span().map(|span| span.start), error.message())]
        })?;
        let raw: RawEntry =
            node::read(&document).map_err(|unfit| vec![EntryError::toml(text, unfit.at, &unfit.words)])?;
        let mut mistakes = Mistakes(Vec::new());
        let forms = mistakes.forms(&raw.request);
        let answers = mistakes.answers(&raw.answers);
        let manners = mistakes.manners(&raw.manners, &forms);
        mistakes.check(&raw, &forms, &answers);
        if !mistakes.0.is_empty() {
            return Err(mistakes.0);
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
            aliases: raw.aliases,
            notes: raw.notes,
            zones: raw.zones,
            dialogues: raw.dialogue,
            example: raw.example,
            label_depth: raw.label_depth,
            path: raw.path,
            is_custom: raw.custom,
            forms,
            answers,
            manners,
            digest: digest(&SHA256, text.as_bytes()),
        })
    }

    /// How an account of this provider wants to be treated; `custom` decides with the account.
    #[must_use]
    pub fn manners(&self) -> &Manners {
        &self.manners
    }

    /// Whether the provider can set records of this family.
    #[must_use]
    pub fn sets(&self, family: Family) -> bool {
        self.is_custom || self.forms.of(family).is_some()
    }
}

/// Collects mistakes, so that all can be shown at once.
struct Mistakes(Vec<EntryError>);

impl Mistakes {
    fn rule(&mut self, field: impl Into<String>, mend: impl Into<String>) {
        self.0.push(EntryError::Rule { field: field.into(), mend: mend.into() });
    }

    fn template(&mut self, name: &str, text: &str, rules: &Rules) -> Option<Template> {
        Template::parse(name, text, rules).map_err(|error| self.0.push(EntryError::Template(error))).ok()
    }

    fn forms(&mut self, raw: &RawRequest) -> Forms {
        let (v4, v6) = if let Some(any) = &raw.any {
            if raw.v4.is_some() || raw.v6.is_some() {
                self.rule("request.any", "stands for v4 and v6; remove it, or both of them");
            }
            (Some(("request.any", any)), Some(("request.any", any)))
        } else {
            (
                raw.v4.as_ref().map(|form| ("request.v4", form)),
                raw.v6.as_ref().map(|form| ("request.v6", form)),
            )
        };
        let before = self.0.len();
        let v4 = v4.and_then(|(name, form)| self.form(name, form, raw));
        // The mistakes of `any` are not told twice.
        let told = self.0.len() > before && raw.any.is_some();
        let v6 = if told { None } else { v6.and_then(|(name, form)| self.form(name, form, raw)) };
        let dual = raw.dual.as_ref().and_then(|form| self.form("request.dual", form, raw));
        let forms = Forms { v4, v6, dual };
        if forms.dual.as_ref().is_some_and(|form| !form.carries(Family::V4) || !form.carries(Family::V6)) {
            self.rule("request.dual", "must state both addresses: {ip4} and {ip6}");
        }
        for (name, form, other) in
            [("request.v4", &forms.v4, Family::V6), ("request.v6", &forms.v6, Family::V4)]
        {
            let own = if other == Family::V6 { Family::V4 } else { Family::V6 };
            if form.as_ref().is_some_and(|form| form.carries(other) && !form.carries(own)) {
                self.rule(name, format!("states an address of {other} only"));
            }
        }
        forms
    }

    fn form(&mut self, name: &str, raw: &RawForm, shared: &RawRequest) -> Option<Form> {
        let keep = match Keep::new(shared.keep.as_deref().unwrap_or(":,")) {
            Ok(keep) => keep,
            Err(c) => {
                self.rule("request.keep", format!("cannot hold {c:?}; only {}", Keep::ALLOWED));
                Keep::default()
            }
        };
        let url = self.template(&format!("{name}.url"), &raw.url, &url_rules(keep.clone()));
        let auth = self.auth(&format!("{name}.auth"), raw.auth.as_deref().or(shared.auth.as_deref()));
        let mut headers = Vec::new();
        for (field, value) in shared.headers.iter().chain(&raw.headers) {
            let path = format!("{name}.headers.{field}");
            if !is_field_name(field) {
                self.rule(&path, "not a field name, or one that the program sets itself");
            }
            let value = self.template(&path, value, &Rules::entry(Kind::Header))?;
            headers.push((field.clone(), value));
        }
        let body = raw.body.as_deref().or(shared.body.as_deref());
        let kind = raw.body_type.or(shared.body_type).unwrap_or_default();
        let rules = Rules { keep, ..Rules::entry(kind.kind()) };
        let body = match body {
            Some(body) => Some((kind, self.template(&format!("{name}.body"), body, &rules)?)),
            None => None,
        };
        let method = raw.method.or(shared.method).unwrap_or(Method::Get);
        let follow_redirects = shared.follow_redirects;
        Some(Form { method, url: url?, auth: auth?, headers, body, family: raw.family, follow_redirects })
    }

    fn auth(&mut self, name: &str, text: Option<&str>) -> Option<Auth> {
        let Some(text) = text else { return Some(Auth::None) };
        match Auth::parse(name, text) {
            Some(Ok(auth)) => Some(auth),
            Some(Err(error)) => {
                self.0.push(EntryError::Template(error));
                None
            }
            None => {
                let mend =
                    "write none, basic, basic:USER:PASSWORD, bearer, bearer:TOKEN or header:NAME: VALUE";
                self.rule(name, mend);
                None
            }
        }
    }

    fn answers(&mut self, raw: &RawAnswers) -> Answers {
        let mut conditions = Vec::new();
        for class in Class::ORDER {
            let (name, texts) = raw.of(class);
            for text in texts {
                match Matcher::parse(name, text, Syntax::Entry) {
                    Ok(matcher) => conditions.push((class, matcher)),
                    Err(error) => self.0.push(EntryError::Matcher(error)),
                }
            }
        }
        // A success that only the status tells is asked last of all.
        let (last, first) =
            conditions.into_iter().partition::<Vec<_>, _>(|(class, matcher): &(Class, Matcher)| {
                *class == Class::Ok && matcher.is_status_only()
            });
        let conditions = first.into_iter().chain(last).collect();
        Answers { profile: raw.profile, lines: raw.lines, html: raw.html, conditions }
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
        Manners {
            max_names: raw.max_names,
            dual: forms.dual.is_some(),
            omitted: raw.omitted,
            limits,
            refresh,
            busy_pause,
            gather: Duration::from_millis(raw.gather_ms.into()),
        }
    }

    fn check(&mut self, raw: &RawEntry, forms: &Forms, answers: &Answers) {
        let id = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b);
        if raw.id.is_empty() || !raw.id.bytes().all(id) {
            self.rule("id", "write lower-case letters, digits, dots and hyphens");
        }
        if raw.status == RawStatus::Dead {
            if raw.notes.is_empty() {
                self.rule("notes", "say what became of the provider and what to use instead");
            }
            return;
        }
        if raw.manners.max_names == 0 {
            self.rule("manners.max_names", "at least 1");
        }
        let whole_list = forms.all().all(|form| form.placeholders().any(Placeholder::is_list));
        if raw.manners.max_names > 1 && !whole_list {
            self.rule(
                "manners.max_names",
                "every request must then use {hosts_csv}, {label_csv} or {record_id_csv}",
            );
        }
        if !raw.custom && forms.all().next().is_none() && self.0.is_empty() {
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
        let used: Vec<&str> =
            forms.all().flat_map(Form::placeholders).filter_map(Placeholder::setting).collect();
        for option in &used {
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

fn duration(seconds: f64) -> Option<Duration> {
    const YEAR: Duration = Duration::from_secs(366 * 86_400);
    Duration::try_from_secs_f64(seconds).ok().filter(|duration| *duration <= YEAR)
}

/// A mistake in an entry. Whoever wrote the entry can mend it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EntryError {
    /// A condition on the answer.
    Matcher(MatcherError),
    /// Two fields that do not fit together, or a value out of range.
    Rule {
        /// The field.
        field: String,
        /// What to do about it.
        mend: String,
    },
    /// A URL, a header field or a body.
    Template(TemplateError),
    /// Not TOML, or a key that does not exist.
    Toml {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// The parser's words.
        words: String,
    },
}

impl EntryError {
    fn toml(text: &str, at: Option<usize>, words: &str) -> Self {
        let before = at.and_then(|at| text.get(..at)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        Self::Toml { line, column, words: words.to_owned() }
    }
}

impl fmt::Display for EntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matcher(error) => write!(f, "{error}"),
            Self::Rule { field, mend } => write!(f, "{field}: {mend}"),
            Self::Template(error) => write!(f, "{error}"),
            Self::Toml { line, column, words } => write!(f, "line {line}, column {column}: {words}"),
        }
    }
}

impl std::error::Error for EntryError {}

#[cfg(test)]
mod tests;
