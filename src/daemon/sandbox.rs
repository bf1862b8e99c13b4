//! The daemon makes itself safe: no root, no capabilities, only the files and the system calls that it needs.
//!
//! ```text
//! refuse_root ─▶ Held::give_up ─▶ read the configuration, make directories and sockets ─▶ close ─▶ threads
//! ```
//!
//! Always on, and best effort: what a kernel does not have is missing from the [`Sandbox`] that `status` shows. It
//! holds for this thread and for all that are started later, so it must be closed before there are any.

mod calls;
mod files;
mod filter;
mod privileges;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{MWAN3, lease_files};
use super::http::BUNDLES;
use crate::config::{Config, Password};

pub use privileges::Held;

/// What the sandbox gave.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Sandbox {
    /// Name of the user, or its number if it has none.
    pub user: String,
    /// Whether no program that it could start has more rights than it has itself (`PR_SET_NO_NEW_PRIVS`).
    pub no_new_privs: bool,
    /// Capabilities that are left, without `CAP_`; none as a rule.
    pub capabilities: Vec<String>,
    /// `ABI 3` and the like, or why files are not restricted.
    pub landlock: String,
    /// `on`, or why system calls are not restricted.
    pub seccomp: String,
    /// Whether procd has put it into a jail.
    pub jail: bool,
}

impl Sandbox {
    /// The whole in a line.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { user, no_new_privs, capabilities, landlock, seccomp, jail } = self;
        let privileges = if *no_new_privs { "no new privileges" } else { "new privileges are possible" };
        let capabilities = match capabilities.join(", ") {
            none if none.is_empty() => "no capabilities".to_owned(),
            some => format!("capabilities {some}"),
        };
        let jail = if *jail { ", in a jail" } else { "" };
        format!("user {user}, {privileges}, {capabilities}, Landlock {landlock}, seccomp {seccomp}{jail}")
    }
}

/// The files that the agent may come to, now and after a reload.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    read: BTreeSet<PathBuf>,
    list: BTreeSet<PathBuf>,
    write: BTreeSet<PathBuf>,
}

impl Reach {
    /// What this configuration needs. Directories, not files, wherever a file may be replaced by another one.
    #[must_use]
    pub fn of(file: &Path, config: &Config) -> Self {
        let mut reach = Self::default();
        let bundles = BUNDLES.iter().map(Path::new);
        let named = config.global.ca_file.as_deref().into_iter().chain(password_files(config));
        let resolver = RESOLVER_FILES.iter().map(Path::new);
        [file].into_iter().chain(bundles).chain(named).chain(resolver).for_each(|file| reach.may_read(file));
        reach.read.extend(ALWAYS.iter().chain(LIBRARIES).map(PathBuf::from));
        let own = &config.global.providers_dir;
        let entries = config.records.values().map(|record| own.join(format!("{}.toml", record.provider)));
        entries.for_each(|entry| reach.may_read(&entry));
        reach.list.insert(own.clone());
        let wanted = config.wanted();
        let leases = if wanted.leases { lease_files(&config.global) } else { Vec::new() };
        wanted.files.iter().chain(&leases).for_each(|file| reach.may_read(file));
        reach.list.extend(MWAN3.iter().filter(|_| wanted.verdicts).map(PathBuf::from));
        reach.write.extend([config.global.state_dir.clone(), config.global.runtime_dir.clone()]);
        reach
    }

    /// Adds the directory of a file and, where it is a symbolic link, those of all that it leads to.
    pub fn may_read(&mut self, file: &Path) {
        let mut file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        // As many as the kernel follows (MAXSYMLINKS, linux/namei.h).
        for _ in 0..40 {
            let Some(directory) = file.parent() else { return };
            // The root directory is everything: a file in it cannot be replaced, then.
            let place = if directory.parent().is_some() { directory } else { file.as_path() };
            self.read.insert(place.to_owned());
            let Ok(target) = fs::read_link(&file) else { return };
            file = directory.join(target);
        }
    }

    /// Adds a directory whose files may be written and replaced.
    pub fn may_write(&mut self, directory: PathBuf) {
        self.write.insert(directory);
    }

    /// Whether a file is within reach. One that does not exist is: whoever opens it hears that.
    #[must_use]
    pub fn covers(&self, file: &Path) -> bool {
        let Ok(file) = fs::canonicalize(file) else { return true };
        let mut roots = self
            .read
            .iter()
            .chain(&self.list)
            .chain(&self.write)
            .filter_map(|root| fs::canonicalize(root).ok());
        roots.any(|root| file.starts_with(root))
    }
}

/// Refuses to run as root unless that is wanted; the words are for the person at the keyboard.
///
/// # Errors
///
/// This is root.
pub fn refuse_root(allow_root: bool) -> Result<(), String> {
    let is_root = rustix::process::getuid().is_root() || rustix::process::geteuid().is_root();
    if allow_root || !is_root {
        return Ok(());
    }
    Err("run needs no root and refuses it\n  help: start it as a user of its own; if procd was to do so, the user \
         'wanbeacon' is missing from /etc/passwd: install the package again; --allow-root permits root all the same"
        .to_owned())
}

/// Closes the sandbox around the calling thread and all that it starts later. There is no way back.
#[must_use]
pub fn close(held: Held, reach: &Reach) -> Sandbox {
    let user = privileges::user();
    let landlock = files::confine(reach);
    privileges::keep_memory_private();
    // Last: it knows none of the calls that the steps before need.
    let seccomp = filter::install();
    let Held { no_new_privs, capabilities } = held;
    Sandbox { user, no_new_privs, capabilities, landlock, seccomp, jail: in_jail() }
}

/// Whether this is a jail of procd (jail/jail.c: `container=ujail` in an otherwise empty environment).
#[must_use]
#[expect(clippy::disallowed_methods, reason = "not a setting: who has started us says so in this way only")]
pub fn in_jail() -> bool {
    std::env::var_os("container").is_some_and(|name| name == "ujail")
}

/// The password files of the records that are enabled.
fn password_files(config: &Config) -> impl Iterator<Item = &Path> {
    let enabled = config.records.values().filter(|record| record.enabled);
    enabled.filter_map(|record| match &record.password {
        Some(Password::File(file)) => Some(file.as_path()),
        Some(Password::Text(_)) | None => None,
    })
}

/// What getaddrinfo(3) reads. On OpenWrt the first leads to /tmp/resolv.conf and on to /tmp/resolv.conf.d; netifd and
/// dnsmasq replace both by rename.
const RESOLVER_FILES: [&str; 4] = ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf"];

/// What is read beside that: other resolvers' directories, to which /etc/resolv.conf may lead later; single
/// certificates; the name of the boot; the random numbers of kernels without getrandom(2).
const ALWAYS: [&str; 6] = [
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/usr/share/ca-certificates",
    "/proc/sys/kernel/random/boot_id",
    "/dev/urandom",
];

/// The libraries from which glibc loads its name services.
const LIBRARIES: &[&str] =
    if cfg!(target_env = "gnu") { &["/lib", "/lib64", "/usr/lib", "/usr/lib64"] } else { &[] };

#[cfg(test)]
mod tests;
