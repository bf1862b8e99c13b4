//! What must survive, in two files: one in memory that survives the process, one on flash that survives a power loss.
//!
//! Both are replaced whole or not at all. Flash is written only when the provider has confirmed or refused something.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::http::Endpoints;
use super::replace::{Manner, replace};
use crate::engine::{STATE_VERSION, State};

const FILE: &str = "state.json";

/// Everything that is kept.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Kept {
    /// The engine's memory.
    pub(super) engine: State,
    /// Addresses at which providers were reached.
    #[serde(default)]
    pub(super) endpoints: Endpoints,
}

/// The two files.
#[derive(Debug)]
pub(super) struct Store {
    volatile: PathBuf,
    durable: PathBuf,
}

impl Store {
    /// `runtime_dir` is a memory file system as a rule.
    #[must_use]
    pub(super) fn new(state_dir: &Path, runtime_dir: &Path) -> Self {
        Self { volatile: runtime_dir.join(FILE), durable: state_dir.join(FILE) }
    }

    /// What an earlier process has left: from memory if it is of this boot, else from flash. A file that cannot be
    /// used is put aside, and the words say so.
    #[must_use]
    pub(super) fn load(&self, boot: Option<&str>) -> (Kept, Vec<String>) {
        let mut complaints = Vec::new();
        let mut read = |path: &Path| match read(path) {
            Ok(kept) => kept.filter(|kept| kept.engine.version == STATE_VERSION),
            Err(error) => {
                let aside = path.with_extension("json.bad");
                let moved = match fs::rename(path, &aside) {
                    Ok(()) => format!("it is kept as {}", aside.display()),
                    Err(error) => format!("it cannot be put aside: {error}"),
                };
                complaints
                    .push(format!("{}: {error}; {moved}; what is published is asked anew", path.display()));
                None
            }
        };
        let volatile =
            read(&self.volatile).filter(|kept| boot.is_some() && kept.engine.boot.as_deref() == boot);
        let kept = volatile.or_else(|| read(&self.durable)).unwrap_or_default();
        (kept, complaints)
    }

    /// Whether both files can be written; the words say what keeps the first from it.
    #[must_use]
    pub(super) fn complaint(&self) -> Option<String> {
        [&self.durable, &self.volatile].into_iter().find_map(|path| {
            let parent = path.parent().unwrap_or(path);
            let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(parent);
            let open = made.and_then(|()| Ok(rustix::fs::access(parent, rustix::fs::Access::WRITE_OK)?));
            open.err().map(|error| format!("{}: {error}", parent.display()))
        })
    }

    /// Keeps it; `durable`: on flash too.
    ///
    /// # Errors
    ///
    /// The system's, with the path. The older file is intact then.
    pub(super) fn save(&self, kept: &Kept, durable: bool) -> io::Result<()> {
        let text = serde_json::to_vec(kept).map_err(io::Error::other)?;
        let flash = if durable { replace(&self.durable, &text, Manner::Durable) } else { Ok(()) };
        flash.and(replace(&self.volatile, &text, Manner::Volatile))
    }
}

fn read(path: &Path) -> io::Result<Option<Kept>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(boot: &str) -> Kept {
        let mut kept = Kept::default();
        (kept.engine.version, kept.engine.boot) = (STATE_VERSION, Some(boot.to_owned()));
        kept
    }

    #[test]
    fn memory_of_another_boot_gives_way_to_flash() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(&dir.path().join("flash"), &dir.path().join("run"));
        store.save(&kept("one"), true).unwrap();
        store.save(&kept("two"), false).unwrap();
        assert_eq!(store.load(Some("two")), (kept("two"), vec![]));
        assert_eq!(store.load(Some("three")), (kept("one"), vec![]));
    }

    #[test]
    fn a_file_that_is_no_state_is_put_aside_and_said() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path(), &dir.path().join("run"));
        fs::write(dir.path().join(FILE), "{\"engine\":").unwrap();
        let (kept, complaints) = store.load(None);
        assert_eq!(kept, Kept::default());
        assert_eq!(complaints.len(), 1);
        assert!(dir.path().join("state.json.bad").exists());
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_named_and_the_other_file_is_written_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("flash"), "a file where a directory should be").unwrap();
        let store = Store::new(&dir.path().join("flash"), &dir.path().join("run"));
        assert!(store.complaint().unwrap().contains("flash"), "said at the start already");
        let error = store.save(&kept("one"), true).unwrap_err();
        assert!(error.to_string().contains("flash"), "{error}");
        assert_eq!(store.load(Some("one")).0, kept("one"));
    }
}
