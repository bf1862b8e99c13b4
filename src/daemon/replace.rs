//! Files that are replaced whole or not at all, and that nobody but their owner may read.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// How a file is replaced.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Manner {
    /// It is on the medium before this returns. A directory that is missing is made.
    Durable,
    /// It belongs to whom its directory belongs to, if root replaces it. A directory that is missing is a failure: nobody
    /// could say whose it should be.
    HandedOver,
    /// It need not survive a power loss. A directory that is missing is made.
    Volatile,
}

/// Writes a file of mode 0600 beside `path`, then renames it.
///
/// # Errors
///
/// The system's, with the path. The older file is intact then.
pub(crate) fn replace(path: &Path, text: &[u8], manner: Manner) -> io::Result<()> {
    let fresh = beside(path);
    let replaced = write(path, &fresh, text, manner);
    if replaced.is_err() {
        // Half a file helps nobody; it is the failure before that is told.
        let _ = fs::remove_file(&fresh);
    }
    replaced.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".new");
    path.with_file_name(name)
}

fn write(path: &Path, fresh: &Path, text: &[u8], manner: Manner) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = match create(fresh) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && manner != Manner::HandedOver => {
            fs::DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
            create(fresh)?
        }
        created => created?,
    };
    if manner == Manner::HandedOver && rustix::process::geteuid().is_root() {
        let owner = fs::metadata(parent)?;
        fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    file.write_all(text)?;
    if manner != Manner::Volatile {
        file.sync_all()?;
    }
    fs::rename(fresh, path)?;
    if manner == Manner::Durable {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// A file that was not there: what somebody has left or laid there, a link perhaps, is removed and never written to.
fn create(fresh: &Path) -> io::Result<File> {
    let create = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(fresh);
    match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(fresh)?;
            create()
        }
        created => created,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    #[test]
    fn what_is_written_is_the_owners_alone_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        replace(&path, b"new", Manner::HandedOver).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// The directory belongs to the unprivileged daemon: it must not make root write elsewhere.
    #[test]
    fn a_link_that_lies_in_the_way_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (path, precious) = (dir.path().join("config.toml"), dir.path().join("precious"));
        fs::write(&precious, "precious").unwrap();
        symlink(&precious, beside(&path)).unwrap();
        symlink(&precious, &path).unwrap();
        replace(&path, b"new", Manner::HandedOver).unwrap();
        assert_eq!(fs::read(&precious).unwrap(), b"precious");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn what_cannot_be_replaced_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::create_dir(&path).unwrap();
        let error = replace(&path, b"new", Manner::HandedOver).unwrap_err();
        assert!(error.to_string().contains("config.toml"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let missing = dir.path().join("none").join("config.toml");
        assert_eq!(
            replace(&missing, b"new", Manner::HandedOver).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn root_hands_a_file_over_to_the_owner_of_its_directory() {
        const UID: u32 = 4711;
        const GID: u32 = 4712;
        let dir = tempfile::tempdir().unwrap();
        // Only root can try.
        if chown(dir.path(), Some(UID), Some(GID)).is_err() {
            return;
        }
        let path = dir.path().join("config.toml");
        replace(&path, b"new", Manner::HandedOver).unwrap();
        let written = fs::metadata(&path).unwrap();
        assert_eq!((written.uid(), written.gid()), (UID, GID));
        replace(&path, b"new", Manner::Volatile).unwrap();
        assert_ne!(fs::metadata(&path).unwrap().uid(), UID);
    }
}
