//! Our object at ubusd: its methods, and what a call of them becomes. Pure.

use serde_json::{Map, Value, json};

use super::blobmsg::{ARRAY, BOOL, STRING};
use super::message::Status;
use super::session::Call;
use crate::daemon::question::{self, Line, Query, Refusal};

/// Its name.
pub(super) const PATH: &str = "wanbeacon";
/// What rpcd adds to the arguments of a call that comes from a browser.
const SESSION: &str = "ubus_rpc_session";

/// The methods, and the types of their arguments, as ubusd shows them.
pub(super) fn signature() -> Map<String, Value> {
    let methods = json!({
        "history": { "record": STRING },
        "providers": { "id": STRING },
        "status": { "record": STRING },
        "test": { "record": STRING },
        "update": { "record": STRING, "records": ARRAY, "force": BOOL },
        "why": { "record": STRING },
    });
    methods.as_object().cloned().unwrap_or_default()
}

/// What a call asks, and the one record that a `status` is about.
///
/// # Errors
///
/// The arguments are not those of the method.
pub(super) fn query(call: &Call) -> Result<Query, (Status, String)> {
    let mut line = call.arguments.clone();
    line.remove(SESSION);
    line.insert("command".to_owned(), Value::from(call.method.as_str()));
    let line: Line = question::typed(&line)
        .map_err(|error| (Status::InvalidArgument, format!("'{}': {error}", call.method)))?;
    question::query(line).map_err(status)
}

/// The result of a call: a table, always.
pub(super) fn result(answer: Result<Value, Refusal>) -> Result<Map<String, Value>, (Status, String)> {
    let answer = answer.map_err(status)?;
    if let Value::Object(table) = answer {
        return Ok(table);
    }
    Ok(Map::from_iter([("providers".to_owned(), answer)]))
}

fn status(refusal: Refusal) -> (Status, String) {
    match refusal {
        Refusal::Invalid(words) => (Status::InvalidArgument, words),
        Refusal::Trouble(words) => (Status::UnknownError, words),
        Refusal::Unknown(words) => (Status::NotFound, words),
    }
}
