//! What may be asked of a running agent, whoever asks: the control socket or ubus. The loop alone knows the answers.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::catalogue::{self, Listed, NoEntry};
use crate::config::nearest;
use crate::engine::RecordId;

/// What a client may ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Query {
    /// What was published when: of one record, or of all.
    History(Option<RecordId>),
    /// The catalogue, or one entry of it.
    Providers(Option<String>),
    /// All records as they stand, or one of them.
    Status(Option<RecordId>),
    /// What would be sent now for a record.
    Test(RecordId),
    /// Publish now what is due, un-park; the records exist or the answer is [`Refusal::Unknown`]. Empty: all.
    Update {
        /// Records that are meant.
        records: Vec<RecordId>,
        /// Repeat confirmed addresses too.
        force: bool,
    },
    /// The story of one record.
    Why(RecordId),
}

/// What the loop answers: JSON, the same for everybody.
pub type Answer = Result<Value, Refusal>;

/// Why there is no answer, in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// The question makes no sense.
    Invalid(String),
    /// The answer cannot be given, by a mistake of ours.
    Trouble(String),
    /// It is about something that does not exist.
    Unknown(String),
}

impl Refusal {
    /// The words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Invalid(words) | Self::Trouble(words) | Self::Unknown(words) => words,
        }
    }
}

/// A question as it is written: one JSON object.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) command: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) record: Option<RecordId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) records: Vec<RecordId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) force: bool,
}

impl From<Query> for Line {
    fn from(query: Query) -> Self {
        let line = |command: &str| Self { command: command.to_owned(), ..Self::default() };
        match query {
            Query::History(record) => Self { record, ..line("history") },
            Query::Providers(id) => Self { id, ..line("providers") },
            Query::Status(record) => Self { record, ..line("status") },
            Query::Test(record) => Self { record: Some(record), ..line("test") },
            Query::Update { records, force } => Self { records, force, ..line("update") },
            Query::Why(record) => Self { record: Some(record), ..line("why") },
        }
    }
}

/// What a line asks.
///
/// # Errors
///
/// No such command, or one that needs a record has none.
pub(super) fn query(line: Line) -> Result<Query, Refusal> {
    let Line { command, id, record, records, force } = line;
    let needed = |record: Option<RecordId>| {
        record.ok_or_else(|| Refusal::Invalid(format!("'{command}' needs a 'record'")))
    };
    match command.as_str() {
        "history" => Ok(Query::History(record)),
        "providers" => Ok(Query::Providers(id)),
        "status" => Ok(Query::Status(record)),
        "test" => needed(record).map(Query::Test),
        "update" => Ok(Query::Update { records: record.into_iter().chain(records).collect(), force }),
        "why" => needed(record).map(Query::Why),
        other => {
            let known = "known are history, providers, status, test, update, why";
            Err(Refusal::Invalid(format!("unknown command '{}'; {known}", other.escape_debug())))
        }
    }
}

/// A value of JSON as a type of ours. Through its text: a second reader, of values, would be 30 kB of a router's program.
///
/// # Errors
///
/// It has another shape.
pub fn typed<T: DeserializeOwned>(value: &impl Serialize) -> serde_json::Result<T> {
    serde_json::to_vec(value).and_then(|text| serde_json::from_slice(&text))
}

/// The answer to [`Query::Providers`], with the user's own entries in this directory.
pub(super) fn providers(id: Option<&str>, own: &Path) -> Answer {
    let found = match id {
        Some(id) => catalogue::entry(id, own).map(|entry| entry.value()),
        None => catalogue::entries(own).map(|list| list.entries.iter().map(Listed::value).collect()),
    };
    found.map_err(|error| match error {
        NoEntry::Broken(words) => Refusal::Trouble(words),
        NoEntry::OwnBroken(mistakes) => {
            Refusal::Invalid(mistakes.iter().map(|mistake| mistake.line("")).collect::<Vec<_>>().join("\n"))
        }
        NoEntry::Unknown(words) => Refusal::Unknown(words),
    })
}

/// An answer as JSON.
pub(super) fn json(answer: &impl Serialize) -> Answer {
    serde_json::to_value(answer)
        .map_err(|error| Refusal::Trouble(format!("the answer cannot be written as JSON: {error}")))
}

/// There is no such record among those that are enabled.
pub(super) fn unknown_record<'a>(
    record: &RecordId,
    known: impl Iterator<Item = &'a RecordId> + Clone,
) -> Refusal {
    let names = known.map(|known| known.0.as_str());
    let mend = match nearest(&record.0, names.clone()) {
        Some(name) => format!("did you mean '{name}'?"),
        None if names.clone().next().is_none() => "there is none at all".to_owned(),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    Refusal::Unknown(format!("there is no record '{}' that is enabled; {mend}", record.0.escape_debug()))
}
