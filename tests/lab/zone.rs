//! Names and their addresses, shared by the provider that writes them and the name server that reads them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wanbeacon::provider::Family;

/// One zone's content. Clones are the same zone.
#[derive(Clone)]
pub struct Zone {
    shared: Arc<Shared>,
    ttl: u32,
}

/// Addresses by name (lower case, no final dot) and family.
pub type Records = BTreeMap<(String, Family), IpAddr>;

struct Shared {
    records: Mutex<Records>,
    changed: Condvar,
}

impl Zone {
    /// An empty zone whose records live for `ttl` seconds (1 to 60 are what dynamic DNS uses).
    pub fn new(ttl: u32) -> Self {
        Self { shared: Arc::new(Shared { records: Mutex::default(), changed: Condvar::new() }), ttl }
    }

    /// The records' time to live in seconds.
    pub fn ttl(&self) -> u32 {
        self.ttl
    }

    /// Sets the A or AAAA record of a name; says whether that changed anything.
    pub fn set(&self, name: &str, ip: IpAddr) -> bool {
        let changed = self.lock().insert((key(name), Family::of(ip)), ip) != Some(ip);
        self.shared.changed.notify_all();
        changed
    }

    /// The address of a name in one family.
    pub fn address(&self, name: &str, family: Family) -> Option<IpAddr> {
        self.lock().get(&(key(name), family)).copied()
    }

    /// Whether the name has a record of any family.
    pub fn knows(&self, name: &str) -> bool {
        [Family::V4, Family::V6].into_iter().any(|family| self.address(name, family).is_some())
    }

    /// Waits until the records are as wanted; false when the limit runs out.
    pub fn wait_for(&self, limit: Duration, mut wanted: impl FnMut(&Records) -> bool) -> bool {
        let waited = self.shared.changed.wait_timeout_while(self.lock(), limit, |records| !wanted(records));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// A test that panicked elsewhere must not hide its message behind a second panic here.
    fn lock(&self) -> MutexGuard<'_, Records> {
        self.shared.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
