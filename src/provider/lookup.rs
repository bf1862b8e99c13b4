//! What must be known before a provider can be told anything: a session, the zone, the record.
//!
//! ```text
//! request ──▶ answer ──▶ elements of a list ──▶ the one that fits ──▶ values for the requests that follow
//! ```

use std::net::IpAddr;

use serde_json::Value;

use super::Reply;
use super::answer::{Answers, Matcher, Redact};
use super::form::Form;
use super::template::{Template, Values, labels_below};
use super::{Refusal, Verdict};

/// A question before the update.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) what: What,
    pub(super) form: Form,
    /// JSON pointer (RFC 6901) of the array or object whose elements are searched; `None`: the answer is the element.
    pub(super) list: Option<String>,
    /// What an element must have: pointers, with the text that stands there.
    pub(super) fits: Vec<(String, Template)>,
    /// Where an element has the name of its zone.
    pub(super) zone: Option<String>,
    /// The name of the zone is part of the question: asked for the host itself, then for each of its parents.
    pub(super) walk: bool,
    /// Where the values are that later requests use, by their number.
    pub(super) take: Vec<(usize, String)>,
    /// Where the record's address is: with the wanted one there is nothing to write. `*` is the only member of a list.
    pub(super) same: Option<String>,
    /// At least one must hold, if there is any.
    pub(super) ok: Vec<Matcher>,
    /// Answers that say that there is no such thing.
    pub(super) missing: Vec<Matcher>,
}

/// What a lookup looks for, which decides what follows if it is not there.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum What {
    /// A session or token: nothing works without.
    Login,
    /// The record: it is created.
    Record,
    /// The zone: the name is not the account's.
    #[default]
    Zone,
}

/// What an answer to a lookup says.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Found {
    Element {
        /// Values with their numbers.
        taken: Vec<(usize, String)>,
        /// The name of the zone, if the element has one.
        zone: Option<String>,
        /// The record has the wanted address already.
        same: bool,
    },
    Failed(Verdict),
    /// The answer says that what was asked for does not exist.
    Missing,
    /// No element fits.
    Nothing,
}

impl Lookup {
    /// Reads an answer. It is a failure unless it has the shape that the entry describes.
    pub(super) fn read(
        &self,
        reply: &Reply,
        values: &Values<'_>,
        answers: &Answers,
        redact: Redact<'_>,
    ) -> Found {
        let holds = |matcher: &Matcher| matcher.judges(reply, values);
        if self.missing.iter().any(holds) {
            return Found::Missing;
        }
        let failed = || Found::Failed(answers.failure(reply, values, redact));
        let fine = (200..300).contains(&reply.status) && (self.ok.is_empty() || self.ok.iter().any(holds));
        let document = if fine { serde_json::from_slice(reply.body.as_bytes()).ok() } else { None };
        let Some(document): Option<Value> = document else { return failed() };
        let elements: Vec<&Value> = match &self.list {
            None => vec![&document],
            Some(list) => match document.pointer(list) {
                Some(Value::Array(elements)) => elements.iter().collect(),
                Some(Value::Object(elements)) => elements.values().collect(),
                Some(_) | None => return failed(),
            },
        };
        let fitting = elements.into_iter().filter(|element| self.fits(element, values));
        let Some(element) = self.best(fitting, values) else { return Found::Nothing };
        let mut taken = Vec::new();
        for (number, pointer) in &self.take {
            let Some(value) = element.pointer(pointer).and_then(text) else { return failed() };
            taken.push((*number, value));
        }
        let zone = self.zone.as_ref().and_then(|pointer| element.pointer(pointer)).and_then(text);
        let same = self.same.as_ref().and_then(|pointer| only(element, pointer));
        Found::Element {
            taken,
            zone: zone.map(|zone| zone.trim_end_matches('.').to_owned()),
            same: same.is_some_and(|value| is_address(value, values)),
        }
    }

    fn fits(&self, element: &Value, values: &Values<'_>) -> bool {
        self.fits.iter().all(|(pointer, wanted)| {
            let wanted = wanted.render(values).sent;
            let found = element.pointer(pointer).and_then(text).unwrap_or_default();
            let bare = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
            bare(&found) == bare(&wanted)
        })
    }

    /// The first element; of zones the one that is nearest to the name.
    fn best<'a>(
        &self,
        mut elements: impl Iterator<Item = &'a Value>,
        values: &Values<'_>,
    ) -> Option<&'a Value> {
        let Some(pointer) = &self.zone else { return elements.next() };
        let near = |element: &Value| {
            let zone = element.pointer(pointer).and_then(text)?;
            let zone = zone.trim_end_matches('.');
            let wanted = values.settings.zone.as_deref();
            let fits = wanted.map_or_else(
                || values.names.first().is_some_and(|name| labels_below(name, zone).is_some()),
                |wanted| wanted.eq_ignore_ascii_case(zone),
            );
            fits.then_some(zone.len())
        };
        elements
            .filter_map(|element| Some((near(element)?, element)))
            .max_by_key(|(near, _)| *near)
            .map(|(_, e)| e)
    }

    /// What is said if there is no such thing.
    pub(super) fn lack(&self, name: &str) -> Verdict {
        let words = match self.what {
            What::Login => "no session in the answer".to_owned(),
            What::Record if !self.walk => {
                format!("{name} has no such record, and this provider creates none")
            }
            What::Record | What::Zone => format!("no zone of this account contains {name}"),
        };
        match self.what {
            What::Login => Verdict::NotUnderstood { words },
            What::Record | What::Zone => Verdict::Refused { refusal: Refusal::Name, words },
        }
    }
}

/// The zones that may contain a name, the nearest first: itself and its parents of at least two labels.
pub(super) fn zones(name: &str) -> Vec<String> {
    let labels: Vec<&str> = name.split('.').collect();
    (0..labels.len().saturating_sub(1)).map(|from| labels[from..].join(".")).collect()
}

/// A text without quotes, a number, `true`; nothing for `null`.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// What a pointer leads to in which `*` stands for the only member of a list; nothing if it has several.
fn only<'a>(element: &'a Value, pointer: &str) -> Option<&'a Value> {
    let mut parts = pointer.split("/*");
    let first = element.pointer(parts.next()?)?;
    parts.try_fold(first, |list, part| match list.as_array()?.as_slice() {
        [only] => only.pointer(part),
        [] | [..] => None,
    })
}

/// Whether this is the wanted address, in whatever spelling; in a list, it alone.
fn is_address(value: &Value, values: &Values<'_>) -> bool {
    let value = match value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        Some(_) => return false,
        None => value,
    };
    let found: Option<IpAddr> = value.as_str().and_then(|text| text.trim().parse().ok());
    found.is_some() && found == values.address()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zones_of_a_name_are_itself_and_its_parents() {
        assert_eq!(zones("a.home.example.org"), ["a.home.example.org", "home.example.org", "example.org"]);
        assert_eq!(zones("example.org"), ["example.org"]);
        assert!(zones("org").is_empty());
    }

    #[test]
    fn a_star_finds_the_only_member_of_a_list() {
        let element = serde_json::json!({
            "one": [{ "answer": ["192.0.2.1"] }],
            "two": [{ "answer": ["192.0.2.1"] }, { "answer": ["192.0.2.2"] }],
        });
        let found = |pointer: &str| only(&element, pointer).and_then(text);
        assert_eq!(found("/one/*/answer/*").as_deref(), Some("192.0.2.1"));
        assert_eq!(found("/one/0/answer/0").as_deref(), Some("192.0.2.1"));
        assert_eq!(found("/two/*/answer/*"), None);
        assert_eq!(found("/none/*/answer"), None);
        assert_eq!(found("/one/*/answer/*/further"), None);
    }
}
