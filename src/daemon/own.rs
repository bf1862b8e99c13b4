//! The user's own entries as they lie on disk: `<id>.toml` in `providers_dir`, one file for each provider.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::settings::{out_of_reach, read_text};
use crate::config::{Mistake, Own, Wanted};

/// Largest entry in bytes, with its dialogues; our judgement, the built-in ones have a tenth of it.
const ENTRY_MAX: u64 = 128 * 1024;

/// The file of an entry.
pub(super) fn file(directory: &Path, id: &str) -> PathBuf {
    directory.join(format!("{id}.toml"))
}

/// The text of an entry, or in words why it cannot be read; `None`: there is no such file.
pub(super) fn text(file: &Path) -> Option<Result<String, String>> {
    match read_text(file, ENTRY_MAX) {
        Ok((text, _)) => Some(Ok(text.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(format!("it cannot be read: {error}"))),
    }
}

/// The names of all files that should be entries, without `.toml`; none if there is no such directory.
///
/// # Errors
///
/// It cannot be listed.
pub(super) fn ids(directory: &Path) -> io::Result<BTreeSet<String>> {
    let files = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        files => files?,
    };
    let mut ids = BTreeSet::new();
    for file in files {
        let name = file?.file_name();
        let name = name.to_string_lossy();
        // What an editor leaves is hidden as a rule.
        ids.extend(name.strip_suffix(".toml").filter(|id| !id.starts_with('.')).map(str::to_owned));
    }
    Ok(ids)
}

/// Reads what a configuration wants, and looks at the other files one after the other, so that their mistakes are known.
pub(super) fn read(wanted: &Wanted, within: &dyn Fn(&Path) -> bool) -> Own {
    let mut own = Own::default();
    let directory = &wanted.providers_dir;
    if !within(directory) {
        own.object(out_of_reach(None, "providers_dir", directory));
        return own;
    }
    let listed = ids(directory).unwrap_or_else(|error| {
        let what = format!("providers_dir '{}' cannot be listed: {error}", directory.display());
        let mend = if error.kind() == io::ErrorKind::NotADirectory {
            "name a directory"
        } else {
            "the agent's user must be able to read it; if it is new, restart the agent"
        };
        own.object(Mistake::warning(None, what, mend));
        BTreeSet::new()
    });
    // Those that are used are asked for by name: a directory that cannot be listed hides none of them.
    for id in listed.union(&wanted.ids) {
        let file = file(directory, id);
        if let Some(text) = text(&file) {
            let text = text.as_deref().map_err(String::as_str);
            own.add(&file, id, text, wanted.ids.contains(id));
        }
    }
    own
}
