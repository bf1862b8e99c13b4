//! The commands: words → [`Command`](words::Command) → text and an exit status. Nothing here ends the process.

mod ask;
mod catalogue;
mod help;
mod report;
mod time;
mod trial;
mod watch;
mod words;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use crate::daemon::settings::{self, LoadError, Loaded};
use crate::daemon::{self, RunError};
use words::Command;

/// How the process ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// Exit status 0.
    Done,
    /// Exit status 1.
    Failed,
    /// Exit status 2: wrong usage or configuration.
    Wrong,
}

impl Ending {
    /// The exit status.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Wrong => 2,
        }
    }
}

/// Why a command was not done.
#[derive(Debug)]
pub enum Failure {
    /// Exit status 1.
    Failed(String),
    /// Standard output does not take what is written.
    Unwritable(io::Error),
    /// Exit status 2.
    Wrong(String),
}

/// Does what the words behind the program's name say.
pub fn perform(
    words: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Ending {
    let done = match words::parse(words) {
        Ok(command) => obey(command, out, err),
        Err(usage) => Err(Failure::Wrong(usage.to_string())),
    };
    let (words, ending) = match done.and_then(|()| out.flush().map_err(Failure::Unwritable)) {
        Ok(()) => return Ending::Done,
        // `wanbeacon status | head -1`: who reads has seen enough.
        Err(Failure::Unwritable(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ending::Done,
        Err(Failure::Unwritable(error)) => (format!("standard output: {error}"), Ending::Failed),
        Err(Failure::Failed(words)) => (words, Ending::Failed),
        Err(Failure::Wrong(words)) => (words, Ending::Wrong),
    };
    // Nobody is left to be told if this fails too.
    let _ = writeln!(err, "wanbeacon: {words}");
    ending
}

fn obey(command: Command, out: &mut dyn Write, err: &mut dyn Write) -> Result<(), Failure> {
    let text = match command {
        Command::Check { config } => check(&config, err)?,
        Command::Help { topic } => help::text(topic.as_deref()).unwrap_or_default(),
        Command::Run { config } => return run(&config, err),
        Command::Status { record, json, reach } => ask::status(record, json, &reach)?,
        Command::Update { records, force, reach } => ask::update(records, force, &reach)?,
        Command::Version => version(),
        Command::Watch { config } => return watch::watch(&load(&config, err)?, out),
        Command::Why { record, json, reach } => ask::why(record, json, &reach)?,
        Command::Providers { id, json } => catalogue::providers(id.as_deref(), json)?,
        Command::Test { record, config } => trial::text(&record, &load(&config, err)?)?,
    };
    out.write_all(text.as_bytes()).map_err(Failure::Unwritable)
}

/// The daemon, until it is told to stop.
fn run(config: &Path, err: &mut dyn Write) -> Result<(), Failure> {
    daemon::run(config).map_err(|error| match error {
        RunError::Configuration(error) => wrong(config, &error, err),
        RunError::System(words) => Failure::Failed(words),
    })
}

fn check(config: &Path, err: &mut dyn Write) -> Result<String, Failure> {
    let loaded = load(config, err)?;
    let enabled = loaded.compiled.settings.records.len();
    let resting = loaded.config.records.len() - enabled;
    let count = |count: usize| if count == 1 { "1 record".to_owned() } else { format!("{count} records") };
    let rest = if resting == 0 { String::new() } else { format!(", {resting} not enabled") };
    Ok(format!("{}: valid, {}{rest}\n", config.display(), count(enabled + resting)))
}

/// The configuration; warnings go to the diagnostics.
fn load(config: &Path, err: &mut dyn Write) -> Result<Loaded, Failure> {
    let loaded = settings::load(config).map_err(|error| wrong(config, &error, err))?;
    for warning in &loaded.warnings {
        let _ = write!(err, "{}", warning.render(&config.to_string_lossy()));
    }
    Ok(loaded)
}

/// Names every mistake; the last word is how many there are.
fn wrong(config: &Path, error: &LoadError, err: &mut dyn Write) -> Failure {
    match error {
        LoadError::Mistakes { mistakes, .. } => {
            let count = mistakes.len();
            let noun = if count == 1 { "mistake" } else { "mistakes" };
            let _ = writeln!(err, "{error}");
            Failure::Wrong(format!("{}: {count} {noun}", config.display()))
        }
        LoadError::Unreadable { .. } => Failure::Wrong(error.to_string()),
    }
}

fn version() -> String {
    let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
    format!("{} {} ({arch}-{os}-{libc})\n", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}
