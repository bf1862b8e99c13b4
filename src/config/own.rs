//! Entries of the user's own: the texts of files become providers, which go before those inside the program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use litemap::LiteMap;

use super::Global;
use super::mistake::{Mistake, Place, Severity, quoted};
use crate::provider::{EntryError, Provider, is_id};

/// What a configuration must be given before it can be judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wanted {
    /// Where the user's own entries lie, each in a file `<id>.toml`.
    pub providers_dir: PathBuf,
    /// The ids that records name, those that could be an entry's only.
    pub ids: BTreeSet<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { providers_dir: Global::default().providers_dir, ids: BTreeSet::new() }
    }
}

/// The user's own entries, as far as records use them, and what is wrong with all of them.
#[derive(Clone, Debug, Default)]
pub struct Own {
    entries: LiteMap<String, Entry>,
    /// Ids of all files, for suggestions.
    ids: BTreeSet<String>,
    mistakes: Vec<Mistake>,
}

#[derive(Clone, Debug)]
enum Entry {
    /// The file that must be mended.
    Broken(PathBuf),
    Good(Arc<Provider>),
}

impl Own {
    /// Takes the text of the file `<id>.toml`, or in words why there is none; keeps it only if a record uses it.
    pub fn add(&mut self, file: &Path, id: &str, text: Result<&str, &str>, used: bool) {
        self.ids.insert(id.to_owned());
        let severity = if used { Severity::LeftOut } else { Severity::Warning };
        match read(file, id, text, severity) {
            Ok(provider) if used => {
                self.entries.insert(id.to_owned(), Entry::Good(Arc::new(provider)));
            }
            Ok(_) => {}
            Err(mut mistakes) => {
                if used {
                    self.entries.insert(id.to_owned(), Entry::Broken(file.to_owned()));
                } else if let Some(last) = mistakes.last_mut() {
                    last.mend = "no record uses this entry; mend the file or remove it".to_owned();
                }
                self.mistakes.append(&mut mistakes);
            }
        }
    }

    /// Adds a mistake that concerns no single file.
    pub fn object(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// What is wrong with the files. Each names its own.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }

    /// The file of an entry that is used and broken: the one inside the program must not stand in for it.
    #[must_use]
    pub fn broken(&self, id: &str) -> Option<&Path> {
        match self.entries.get(id) {
            Some(Entry::Broken(file)) => Some(file),
            Some(Entry::Good(_)) | None => None,
        }
    }

    /// Whether this id means an entry of the user's own.
    #[must_use]
    pub fn is_own(&self, id: &str) -> bool {
        self.entries.contains_key(id)
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<Provider>> {
        match self.entries.get(id) {
            Some(Entry::Good(provider)) => Some(Arc::clone(provider)),
            Some(Entry::Broken(_)) | None => None,
        }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.ids.iter().map(String::as_str)
    }
}

/// The entry in the text of the file `<id>.toml`, without its dialogues.
///
/// # Errors
///
/// All mistakes, as grave as told.
pub fn read(
    file: &Path,
    id: &str,
    text: Result<&str, &str>,
    severity: Severity,
) -> Result<Provider, Vec<Mistake>> {
    let mistake = |place, what: String| Mistake {
        severity,
        file: Some(file.to_owned()),
        ..Mistake::error(place, what, "")
    };
    let text = text.map_err(|why| vec![mistake(None, why.to_owned())])?;
    if !is_id(id) {
        let what = format!(
            "{} cannot be the id of a provider: write lower-case letters, digits, dots and hyphens",
            quoted(id)
        );
        return Err(vec![mistake(None, what)]);
    }
    let mut entry = Provider::parse_file(text, id).map_err(|errors| {
        errors
            .iter()
            .map(|error| mistake(Some(place(text, error)), error.mistake.to_string()))
            .collect::<Vec<_>>()
    })?;
    entry.dialogues = Vec::new();
    Ok(entry)
}

/// The place of a mistake. Of the line only the field is shown: people paste keys into URLs.
fn place(text: &str, error: &EntryError) -> Place {
    let line = text.lines().nth(error.line - 1).unwrap_or_default();
    let shown = match line.split_once('=') {
        Some((field, _)) => format!("{} = ***", field.trim_end()),
        None if line.trim_start().starts_with('[') => line.trim_end().to_owned(),
        None => "***".to_owned(),
    };
    let shown =
        shown.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).take(80).collect();
    Place { line: error.line, column: error.column, shown }
}

/// What is said of a record whose entry cannot be used.
pub(super) fn left_out(record: &str, place: &Place, id: &str, file: &Path) -> Mistake {
    let what = format!(
        "record {} is left out: your own entry of provider {} is broken, and the built-in one does not stand in for it",
        quoted(record),
        quoted(id)
    );
    let mend = format!("mend {0}; without {0}, the built-in entry counts, if there is one", file.display());
    Mistake { severity: Severity::LeftOut, ..Mistake::error(Some(place.clone()), what, mend) }
}
