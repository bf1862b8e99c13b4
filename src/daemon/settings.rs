//! The configuration as it lies on disk: the file, its mode, the user's own entries, and the password files.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use litemap::LiteMap;
use zeroize::Zeroizing;

use super::own;
use crate::config::{self, Compiled, Config, Global, Mistake, Own, Password, Place, Severity};
use crate::engine::RecordId;
use crate::provider::Secret;

/// A configuration ready for use.
#[derive(Debug)]
pub struct Loaded {
    /// As it was written.
    pub config: Config,
    /// What the engine and the provider make of it.
    pub compiled: Compiled,
    /// What is doubtful.
    pub warnings: Vec<Mistake>,
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum LoadError {
    /// Everything that is wrong with it, warnings included.
    Mistakes {
        /// The file.
        file: PathBuf,
        /// In the order of the text.
        mistakes: Vec<Mistake>,
    },
    /// The file cannot be read at all.
    Unreadable {
        /// The option of the command line that names another.
        flag: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistakes { file, mistakes } => {
                let file = file.to_string_lossy();
                let text: String = mistakes.iter().map(|mistake| mistake.render(&file)).collect();
                f.write_str(text.trim_end())
            }
            Self::Unreadable { flag, file, source } => {
                let missing = format!("there is no such file; name another with {flag}");
                let directory = format!("this is a directory; name the file in it with {flag}");
                let mends = [
                    (io::ErrorKind::NotFound, missing),
                    (io::ErrorKind::IsADirectory, directory),
                    (
                        io::ErrorKind::PermissionDenied,
                        "this user may not read it, and run gives up root's rights before it reads"
                            .to_owned(),
                    ),
                ];
                let Some((_, mend)) = mends.iter().find(|(kind, _)| *kind == source.kind()) else {
                    return write!(f, "{}: {source}", file.display());
                };
                write!(f, "{}: {mend}", file.display())
            }
        }
    }
}

impl std::error::Error for LoadError {}

/// Largest configuration in bytes; thousands of records fit.
pub(crate) const CONFIG_MAX: u64 = 1 << 20;
/// Largest password file in bytes: more than a password can have, so that too long is told from cut off.
const PASSWORD_FILE_MAX: u64 = 4096;

/// Reads a configuration in TOML and all that it names.
///
/// # Errors
///
/// The file cannot be read, or is wrong; then nothing of it is used.
pub fn load(file: &Path) -> Result<Loaded, LoadError> {
    load_within(file, &ANYWHERE)
}

/// The same for an agent that can come to some files only: naming another one is a mistake.
///
/// # Errors
///
/// As [`load`].
pub fn load_within(file: &Path, within: &dyn Fn(&Path) -> bool) -> Result<Loaded, LoadError> {
    let (read, mode) = read_toml(file, within)?;
    complete(file, mode, read, within).map(|(loaded, _)| loaded)
}

/// Reads a configuration in UCI and all that it names.
///
/// # Errors
///
/// As [`load`].
pub fn load_uci(file: &Path) -> Result<Loaded, LoadError> {
    let (parsed, mode) = read_uci(file)?;
    complete(file, mode, parsed.read, &ANYWHERE).map(|(loaded, _)| loaded)
}

/// A configuration in UCI as TOML, with the passwords of the files that it names; and what is doubtful in it.
///
/// # Errors
///
/// As [`load`].
pub fn render(file: &Path) -> Result<(Zeroizing<String>, Vec<Mistake>), LoadError> {
    let (parsed, mode) = read_uci(file)?;
    let (loaded, passwords) = complete(file, mode, parsed.read, &ANYWHERE)?;
    Ok((parsed.sections.to_toml(&passwords), loaded.warnings))
}

/// Reads only what holds for the whole agent; password files are left alone.
///
/// # Errors
///
/// As [`load`], without what only the password files could tell.
pub fn read_global(file: &Path) -> Result<Global, LoadError> {
    read_toml(file, &ANYWHERE).map(|(read, _)| read.config.global)
}

/// Where a configuration says that the user's own entries are, as far as it can be understood.
///
/// # Errors
///
/// The file cannot be read.
pub fn providers_dir(file: &Path) -> Result<PathBuf, LoadError> {
    text_of(file).map(|(text, _)| config::toml::wanted(&text).providers_dir)
}

fn text_of(file: &Path) -> Result<(Zeroizing<String>, u32), LoadError> {
    read_text(file, CONFIG_MAX).map_err(|source| LoadError::Unreadable {
        flag: "--config",
        file: file.to_owned(),
        source,
    })
}

fn read_toml(file: &Path, within: &dyn Fn(&Path) -> bool) -> Result<(config::Read, u32), LoadError> {
    let (text, mode) = text_of(file)?;
    let own = own::read(&config::toml::wanted(&text), within);
    match config::toml::read_with(&text, &own) {
        Ok(read) => Ok((with_own(file, read)?, mode)),
        Err(mistakes) => Err(wrong(file, mistakes, &own)),
    }
}

/// A configuration in UCI that is not written yet to `file`, and all that it names.
///
/// # Errors
///
/// As [`load`].
pub fn load_draft(text: &[u8], file: &Path) -> Result<Loaded, LoadError> {
    complete(file, 0o600, parse_uci(text, file)?.read, &ANYWHERE).map(|(loaded, _)| loaded)
}

fn read_uci(file: &Path) -> Result<(config::uci::Parsed, u32), LoadError> {
    let (text, mode) = read(file, CONFIG_MAX).map_err(|source| LoadError::Unreadable {
        flag: "--uci",
        file: file.to_owned(),
        source,
    })?;
    parse_uci(&text, file).map(|parsed| (parsed, mode))
}

fn parse_uci(text: &[u8], file: &Path) -> Result<config::uci::Parsed, LoadError> {
    let own = own::read(&config::uci::wanted(text), &ANYWHERE);
    match config::uci::read_with(text, &own) {
        Ok(parsed) => {
            let read = with_own(file, parsed.read)?;
            Ok(config::uci::Parsed { read, ..parsed })
        }
        Err(mistakes) => Err(wrong(file, mistakes, &own)),
    }
}

/// What was read, with what is wrong with the user's own entries.
fn with_own(file: &Path, mut read: config::Read) -> Result<config::Read, LoadError> {
    let own = &read.config.own;
    if own.mistakes().iter().any(|mistake| mistake.severity == Severity::Error) {
        return Err(wrong(file, read.warnings, own));
    }
    read.warnings.splice(..0, own.mistakes().iter().cloned());
    Ok(read)
}

fn wrong(file: &Path, mistakes: Vec<Mistake>, own: &Own) -> LoadError {
    let mistakes = own.mistakes().iter().cloned().chain(mistakes).collect();
    LoadError::Mistakes { file: file.to_owned(), mistakes }
}

/// For whom no file is out of reach.
const ANYWHERE: fn(&Path) -> bool = |_| true;

/// A configuration with the texts of its password files, which come beside it.
fn complete(
    file: &Path,
    mode: u32,
    read: config::Read,
    within: &dyn Fn(&Path) -> bool,
) -> Result<(Loaded, LiteMap<RecordId, Secret>), LoadError> {
    let mut warnings = read.warnings;
    if read.config.holds_password() && mode & 0o004 != 0 {
        warnings.push(Mistake::warning(
            None,
            "it holds a password and everybody on this machine may read it",
            format!("chmod 600 {}", file.display()),
        ));
    }
    let (secrets, mut mistakes) = secrets(&read.config, within, &mut warnings);
    mistakes.extend(
        read.config
            .global
            .ca_file
            .as_deref()
            .filter(|path| !within(path))
            .map(|path| out_of_reach(None, "ca_file", path)),
    );
    // Without the passwords compiling would only report them once more: the rest was seen while reading.
    let compiled = if mistakes.is_empty() { read.config.compile(&secrets) } else { Err(mistakes) };
    match compiled {
        Ok(compiled) => Ok((Loaded { config: read.config, compiled, warnings }, secrets)),
        Err(mistakes) => {
            let mistakes = warnings.into_iter().chain(mistakes).collect();
            Err(LoadError::Mistakes { file: file.to_owned(), mistakes })
        }
    }
}

/// The texts of the password files, and what is wrong with them.
fn secrets(
    config: &Config,
    within: &dyn Fn(&Path) -> bool,
    warnings: &mut Vec<Mistake>,
) -> (LiteMap<RecordId, Secret>, Vec<Mistake>) {
    let mut secrets = LiteMap::new();
    let mut mistakes = Vec::new();
    for (id, record) in config.records.iter().filter(|(_, record)| record.enabled) {
        let Some(Password::File(path)) = &record.password else { continue };
        let place = Some(record.place("password_file").clone());
        if !within(path) {
            mistakes.push(out_of_reach(place, "password file", path));
            continue;
        }
        let shown = path.display();
        match read_text(path, PASSWORD_FILE_MAX) {
            Err(error) => {
                let mend = "write the password, and nothing else, into this file";
                mistakes.push(Mistake::error(
                    place,
                    format!("password file '{shown}' cannot be read: {error}"),
                    mend,
                ));
            }
            Ok((text, mode)) => match config::password_from_file(&text) {
                Ok(secret) => {
                    if mode & 0o004 != 0 {
                        let what = format!("everybody on this machine may read the password file '{shown}'");
                        warnings.push(Mistake::warning(place, what, format!("chmod 600 {shown}")));
                    }
                    secrets.insert(id.clone(), secret);
                }
                Err(why) => {
                    let what = format!("password file '{shown}' {why}");
                    mistakes.push(Mistake::error(
                        place,
                        what,
                        "write the password as its only line, or a private key (PEM)",
                    ));
                }
            },
        }
    }
    (secrets, mistakes)
}

/// The sandbox has no door that could be opened later.
pub(super) fn out_of_reach(place: Option<Place>, what: &str, path: &Path) -> Mistake {
    let what =
        format!("{what} '{}' is out of the agent's reach, which was closed at its start", path.display());
    Mistake::error(place, what, "restart the agent")
}

/// A text file of limited size, and its mode.
pub(super) fn read_text(path: &Path, limit: u64) -> io::Result<(Zeroizing<String>, u32)> {
    let (bytes, mode) = read(path, limit)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, format!("it is not UTF-8 text in line {line}"))
    })?;
    Ok((Zeroizing::new(text.to_owned()), mode))
}

/// A file of limited size, and its mode.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<(Zeroizing<Vec<u8>>, u32)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {limit} bytes")));
    }
    Ok((bytes, metadata.permissions().mode()))
}
