//! Commands that ask the running agent.

use std::fmt::Write;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::words::{CONFIGS, Reach};
use super::{Failure, first_of, report};
use crate::config::Global;
use crate::daemon::clock;
use crate::daemon::control::SOCKET;
use crate::daemon::control::client::{AskError, ask};
use crate::daemon::question::{self, Query};
use crate::daemon::sandbox::Sandbox;
use crate::daemon::settings::{self, LoadError};
use crate::engine::RecordId;
use crate::engine::journal::{Status, Why};

/// The text of `status`.
pub(super) fn status(record: Option<RecordId>, json: bool, reach: &Reach) -> Result<String, Failure> {
    let is_whole = record.is_none();
    let result = ask(&socket(reach)?, Query::Status(record)).map_err(failed)?;
    if json {
        return Ok(pretty(&result));
    }
    let sandbox = read::<Option<Sandbox>>(&result["sandbox"])?.filter(|_| is_whole);
    let mut text = report::status(&read::<Status>(&result)?, clock::now().wall);
    if let Some(sandbox) = sandbox {
        let _ = write!(text, "\nsandbox: {}\n", sandbox.line());
    }
    Ok(text)
}

/// The text of `why`.
pub(super) fn why(record: RecordId, json: bool, reach: &Reach) -> Result<String, Failure> {
    let result = ask(&socket(reach)?, Query::Why(record)).map_err(failed)?;
    if json {
        return Ok(pretty(&result));
    }
    Ok(report::why(&read::<Why>(&result)?, clock::now().wall))
}

/// The text of `update`.
pub(super) fn update(records: Vec<RecordId>, force: bool, reach: &Reach) -> Result<String, Failure> {
    let result = ask(&socket(reach)?, Query::Update { records, force }).map_err(failed)?;
    let told: Vec<&str> =
        result["records"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    Ok(format!("asked for an update of {}; 'wanbeacon status' shows what came of it\n", told.join(", ")))
}

/// `--socket`, else in the `runtime_dir` of the configuration, else in the default one.
fn socket(reach: &Reach) -> Result<PathBuf, Failure> {
    if let Some(socket) = &reach.socket {
        return Ok(socket.clone());
    }
    let dir = match &reach.config {
        Some(config) => {
            settings::read_global(config).map_err(|error| Failure::Wrong(error.to_string()))?.runtime_dir
        }
        // Only root may read it as a rule; everybody else finds the agent at the usual place.
        None => match settings::read_global(&first_of(CONFIGS)) {
            Ok(global) => global.runtime_dir,
            Err(LoadError::Mistakes { .. } | LoadError::Unreadable { .. }) => Global::default().runtime_dir,
        },
    };
    Ok(dir.join(SOCKET))
}

fn read<T: DeserializeOwned>(result: &Value) -> Result<T, Failure> {
    question::typed(result).map_err(|error| {
        Failure::Failed(format!("the running wanbeacon is of another version: {error}; try --json"))
    })
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn failed(error: AskError) -> Failure {
    Failure::Failed(error.to_string())
}
