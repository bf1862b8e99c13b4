//! What other programs write for us to read: addresses, DHCPv6 leases, mwan3's verdicts. Watched, not polled.

mod leases;

use std::fs::{self, File};
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::unix::AsyncFd;

use super::readiness::readable;
use crate::config::Global;
use crate::engine::address::{Snapshot, Wanted};

/// The files that records want, and the ear for their changes.
#[derive(Debug, Default)]
pub(super) struct Files {
    wanted: Wanted,
    lease_files: Vec<PathBuf>,
    ear: Option<AsyncFd<OwnedFd>>,
}

impl Files {
    /// Those of the records that are wanted.
    pub(super) fn new(wanted: &Wanted, global: &Global) -> Self {
        Self { wanted: wanted.clone(), lease_files: lease_files(global), ear: None }
    }

    /// Listens from now on; needs a tokio runtime. Without any file wanted there is nothing to listen to.
    ///
    /// # Errors
    ///
    /// The kernel gives no inotify instance.
    pub(super) fn listen(&mut self) -> io::Result<()> {
        let directories = self.directories();
        self.ear = None;
        if directories.is_empty() {
            return Ok(());
        }
        let ear = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        // A file is replaced by rename as often as it is written.
        let changes = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM;
        let changes = changes | WatchFlags::CREATE | WatchFlags::DELETE;
        for directory in directories {
            // One that does not exist yet is looked for with the next slow look.
            let _ = inotify::add_watch(&ear, &directory, changes | WatchFlags::ONLYDIR);
        }
        self.ear = Some(readable(ear)?);
        Ok(())
    }

    /// Waits until something changed. Cancel-safe: nothing is taken before the last wait.
    pub(super) async fn changed(&self) -> io::Result<()> {
        let Some(ear) = &self.ear else { return std::future::pending().await };
        let mut ready = ear.readable().await?;
        let mut room = [MaybeUninit::uninit(); 1024];
        let mut events = inotify::Reader::new(ear.get_ref(), &mut room);
        // What changed is read anew anyway.
        while events.next().is_ok() {}
        ready.clear_ready();
        Ok(())
    }

    /// Reads all of them.
    pub(super) fn read(&self, snapshot: &mut Snapshot) {
        snapshot.files = self.wanted.files.iter().map(|path| (path.clone(), line(path))).collect();
        if self.wanted.leases {
            let texts = self.lease_files.iter().filter_map(|path| text(path, LEASES_MAX).ok());
            snapshot.leases = texts.flat_map(|text| leases::read(&text)).collect();
        }
        if self.wanted.verdicts {
            let networks = snapshot.networks.iter().filter_map(|network| {
                let files = MWAN3.iter().map(|place| Path::new(place).join(&network.name).join("STATUS"));
                let said = files.filter_map(|file| line(&file).ok()).next()?;
                verdict(&said).map(|online| (network.name.clone(), online))
            });
            snapshot.verdicts = networks.collect();
        }
    }

    fn directories(&self) -> Vec<PathBuf> {
        let leases = self.lease_files.iter().filter(|_| self.wanted.leases);
        let files = self.wanted.files.iter().chain(leases).filter_map(|path| path.parent());
        let mut directories: Vec<PathBuf> = files.map(Path::to_owned).collect();
        if self.wanted.verdicts {
            // One directory for each network, made when mwan3 begins to track it.
            for place in MWAN3 {
                directories.push(PathBuf::from(place));
                let networks = fs::read_dir(place).into_iter().flatten().flatten();
                directories.extend(networks.map(|entry| entry.path()));
            }
        }
        directories.sort();
        directories.dedup();
        directories
    }
}

/// Where mwan3's trackers write what they find (openwrt/packages, net/mwan3 `mwan3track`): on OpenWrt both are the same,
/// but procd's jail has only /tmp.
pub(super) const MWAN3: [&str; 2] = ["/var/run/mwan3track", "/tmp/run/mwan3track"];

/// Where OpenWrt's DHCP servers keep their leases.
const LEASE_FILES: [&str; 3] = ["/tmp/dhcp.leases", "/tmp/hosts/odhcpd", "/tmp/odhcpd.leases"];

/// Longest lease file, in bytes: some thousand leases. Our judgement.
const LEASES_MAX: u64 = 256 * 1024;

/// The files that leases are read from.
pub(super) fn lease_files(global: &Global) -> Vec<PathBuf> {
    if global.lease_files.is_empty() {
        return LEASE_FILES.iter().map(PathBuf::from).collect();
    }
    global.lease_files.clone()
}

/// What a tracker's word means; `None`: nothing is tracked. While it is connecting it counts as offline.
fn verdict(word: &str) -> Option<bool> {
    match word {
        "online" | "disconnecting" => Some(true),
        "offline" | "connecting" => Some(false),
        _ => None,
    }
}

/// The first line of a file, without what is around it.
fn line(path: &Path) -> Result<String, String> {
    const LINE_MAX: u64 = 256;
    let text = text(path, LINE_MAX)?;
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    if line.is_empty() { Err("it is empty".to_owned()) } else { Ok(line) }
}

/// A whole file of at most so many bytes.
fn text(path: &Path, most: u64) -> Result<String, String> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut text));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("there is no such file".to_owned()),
        Err(error) => Err(error.to_string()),
        Ok(_) if u64::try_from(text.len()).is_ok_and(|length| length > most) => {
            Err(format!("it is longer than {most} bytes"))
        }
        Ok(_) => Ok(String::from_utf8_lossy(&text).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_file_the_first_line_counts_or_why_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ip");
        assert_eq!(line(&path).unwrap_err(), "there is no such file");
        for (text, read) in [
            ("198.51.100.7\n", Ok("198.51.100.7")),
            ("  198.51.100.7 \r\nrest", Ok("198.51.100.7")),
            ("", Err("it is empty")),
            ("\n198.51.100.7", Err("it is empty")),
            (&"x".repeat(257), Err("it is longer than 256 bytes")),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(line(&path).as_deref().map_err(String::as_str), read);
        }
    }

    #[test]
    fn a_line_of_which_mwan3_is_not_sure_yet_counts_as_it_did_before() {
        let words = ["online", "disconnecting", "offline", "connecting", "disabled", ""];
        let verdicts = words.map(verdict);
        assert_eq!(verdicts, [Some(true), Some(true), Some(false), Some(false), None, None]);
    }
}
