//! The commands: words → [`Command`](words::Command) → text and an exit status. Nothing here ends the process.

mod ask;
mod catalogue;
mod help;
mod import;
mod luci;
mod report;
mod time;
mod trial;
mod watch;
mod words;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::config::{Global, Mistake, Severity, uci};
use crate::daemon::replace::{Manner, replace};
use crate::daemon::settings::{self, LoadError, Loaded};
use crate::daemon::{self, RunError};
use words::{CONFIGS, Command};

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
        Command::Check { config, uci } => check(config.as_deref(), uci.as_deref(), err)?,
        Command::Help { topic } => help::text(topic.as_deref()).unwrap_or_default(),
        Command::Import { client, file, to } => return import::import(client, &file, to, out, err),
        Command::Luci { question, uci } => luci::answer(&question, &uci)?,
        Command::Render { uci, output } => render(&uci, output.as_deref(), err)?,
        Command::Run { config, allow_root } => return run(&place(config), allow_root, err),
        Command::Status { record, json, reach } => ask::status(record, json, &reach)?,
        Command::Update { records, force, reach } => ask::update(records, force, &reach)?,
        Command::Version => version(),
        Command::Watch { config } => return watch::watch(&load(&place(config), err)?, out),
        Command::Why { record, json, reach } => ask::why(record, json, &reach)?,
        Command::Providers { id, json, config } => {
            catalogue::providers(id.as_deref(), json, &providers_dir(config)?, err)?
        }
        Command::Test { record, config } => trial::text(&record, &load(&place(config), err)?)?,
    };
    out.write_all(text.as_bytes()).map_err(Failure::Unwritable)
}

/// The daemon, until it is told to stop.
fn run(config: &Path, allow_root: bool, err: &mut dyn Write) -> Result<(), Failure> {
    daemon::run(config, allow_root).map_err(|error| match error {
        RunError::Configuration(error) => wrong(config, &error, err),
        RunError::Root(words) => Failure::Wrong(words),
        RunError::System(words) => Failure::Failed(words),
    })
}

/// The configuration that was named, else the first that is at one of the usual places, else where it should be.
fn place(named: Option<PathBuf>) -> PathBuf {
    named.unwrap_or_else(|| first_of(CONFIGS))
}

/// Where the user's own entries are: as the configuration says, if there is one that can be read.
fn providers_dir(named: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let wrong = |error: LoadError| Failure::Wrong(error.to_string());
    match named {
        Some(config) => settings::providers_dir(&config).map_err(wrong),
        None => Ok(settings::providers_dir(&place(None)).unwrap_or_else(|_| Global::default().providers_dir)),
    }
}

fn first_of<const COUNT: usize>(places: [&str; COUNT]) -> PathBuf {
    let there = places.iter().find(|place| Path::new(place).exists());
    PathBuf::from(there.or(places.first()).copied().unwrap_or_default())
}

fn check(config: Option<&Path>, uci: Option<&Path>, err: &mut dyn Write) -> Result<String, Failure> {
    let [usual, _] = CONFIGS;
    let file = uci.or(config).map_or_else(|| first_of([usual, uci::FILE]), Path::to_owned);
    let is_uci = uci.is_some() || config.is_none() && file == Path::new(uci::FILE);
    let loaded = if is_uci { settings::load_uci(&file) } else { settings::load(&file) };
    let loaded = loaded.map_err(|error| wrong(&file, &error, err))?;
    warn(&file, &loaded.warnings, err);
    let left_out = loaded.warnings.iter().filter(|mistake| mistake.severity == Severity::LeftOut).count();
    if left_out > 0 {
        return Err(mistakes(&file, left_out));
    }
    let enabled = loaded.compiled.settings.records.len();
    let resting = loaded.config.records.len() - enabled;
    let count = |count: usize| if count == 1 { "1 record".to_owned() } else { format!("{count} records") };
    let rest = if resting == 0 { String::new() } else { format!(", {resting} not enabled") };
    Ok(format!("{}: valid, {}{rest}\n", file.display(), count(enabled + resting)))
}

/// The configuration as TOML, or nothing where it went to a file.
fn render(uci: &Path, output: Option<&Path>, err: &mut dyn Write) -> Result<String, Failure> {
    let (text, warnings) = settings::render(uci).map_err(|error| wrong(uci, &error, err))?;
    warn(uci, &warnings, err);
    let Some(output) = output else { return Ok(text.to_string()) };
    replace(output, text.as_bytes(), Manner::HandedOver)
        .map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(String::new())
}

/// The configuration; warnings go to the diagnostics.
fn load(config: &Path, err: &mut dyn Write) -> Result<Loaded, Failure> {
    let loaded = settings::load(config).map_err(|error| wrong(config, &error, err))?;
    warn(config, &loaded.warnings, err);
    Ok(loaded)
}

fn warn(file: &Path, warnings: &[Mistake], err: &mut dyn Write) {
    for warning in warnings {
        let _ = write!(err, "{}", warning.render(&file.to_string_lossy()));
    }
}

/// Names every mistake; the last word is how many there are.
fn wrong(config: &Path, error: &LoadError, err: &mut dyn Write) -> Failure {
    match error {
        LoadError::Mistakes { mistakes, .. } => {
            let _ = writeln!(err, "{error}");
            self::mistakes(config, mistakes.len())
        }
        LoadError::Unreadable { .. } => Failure::Wrong(error.to_string()),
    }
}

fn mistakes(config: &Path, count: usize) -> Failure {
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    Failure::Wrong(format!("{}: {count} {noun}", config.display()))
}

fn version() -> String {
    let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
    format!("{} {} ({arch}-{os}-{libc})\n", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_that_exists_is_taken_and_else_the_first() {
        assert_eq!(first_of(["/nonexistent", "/dev/null", "/dev/zero"]), Path::new("/dev/null"));
        assert_eq!(first_of(["/nonexistent", "/nonexistent/too"]), Path::new("/nonexistent"));
        assert_eq!(place(Some(PathBuf::from("named"))), Path::new("named"));
    }
}
