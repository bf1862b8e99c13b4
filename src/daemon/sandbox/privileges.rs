//! What a process may do beyond its user's rights, and who may look into it.

use std::fs;

use rustix::fs::Mode;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit, umask};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

/// What is left of the privileges that the process was started with.
#[derive(Debug)]
pub struct Held {
    pub(super) no_new_privs: bool,
    pub(super) capabilities: Vec<String>,
}

impl Held {
    /// Gives up all capabilities, for good. Before files are opened: what can be read now can be read at a reload.
    #[must_use]
    pub fn give_up() -> Self {
        let no_new_privs = set_no_new_privs(true).is_ok();
        // Needs CAP_SETPCAP; without it no_new_privs alone has to keep the door shut.
        for capability in CapabilitySet::all().iter() {
            let _ = remove_capability_from_bounding_set(capability);
        }
        let _ = clear_ambient_capability_set();
        let none = CapabilitySet::empty();
        let _ =
            set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none });
        let left = capabilities(None).map_or(none, |sets| sets.effective | sets.permitted);
        Self { no_new_privs, capabilities: left.iter_names().map(|(name, _)| name.to_owned()).collect() }
    }
}

/// No other process of this user, and no file, may hold what is in this memory; new files are for the owner only.
pub(super) fn keep_memory_private() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    umask(Mode::RWXG | Mode::RWXO);
}

/// The user's name in /etc/passwd, else its number.
pub(super) fn user() -> String {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut lines = users.lines().map(|line| line.split(':'));
    let name = lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    name.unwrap_or(uid)
}
