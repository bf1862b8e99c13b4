//! The provider's name servers: they show late what it has accepted, and strangers may change it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use wanbeacon::engine::visible::{Check, Seen};
use wanbeacon::engine::{Event, Instant};

use super::promises::Key;
use super::world::{Coming, Mood, World};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// What the world sees, and who disturbs it.
#[derive(Default)]
pub(super) struct Servers {
    shown: BTreeMap<Key, IpAddr>,
    /// Looks under way.
    pub(super) looks: usize,
    /// What the provider was told last.
    told: BTreeMap<Key, IpAddr>,
    /// When a stranger last changed a name.
    strangers: BTreeMap<Key, Instant>,
    /// Names that are changed so often that they may be left alone while they have this address.
    contested: BTreeMap<Key, IpAddr>,
}

impl World {
    /// The provider has applied an update.
    pub(super) fn landed(&mut self, key: Key, ip: IpAddr) {
        self.zone.insert(key.clone(), ip);
        self.servers.told.insert(key.clone(), ip);
        self.will_be_shown(key);
    }

    /// The zone has another content: the name servers follow, never backwards.
    fn will_be_shown(&mut self, key: Key) {
        self.plan_pause(Duration::from_millis(1), HOUR / 6, Coming::Shown(key));
    }

    pub(super) fn shown(&mut self, key: Key) {
        match self.zone.get(&key) {
            Some(ip) => _ = self.servers.shown.insert(key, *ip),
            None => _ = self.servers.shown.remove(&key),
        }
    }

    /// The engine wants to look.
    pub(super) fn look(&mut self, check: Check) {
        self.servers.looks += 1;
        assert!(self.servers.looks <= 2, "more than two looks at once");
        assert!(!self.settings.verify.is_zero(), "nobody wants to look");
        self.plan_pause(Duration::from_millis(1), Duration::from_secs(8), Coming::Seen(check));
    }

    /// What it sees. The servers of a provider that is not well may be silent, lame or behind.
    pub(super) fn seen(&mut self, check: &Check) {
        self.servers.looks -= 1;
        let key = (check.name.clone(), check.family);
        let shown: Vec<IpAddr> = self.servers.shown.get(&key).copied().into_iter().collect();
        let silent = || Err("no answer".to_owned());
        let said = match self.dice.below(4) {
            _ if !self.is_online() => vec![silent()],
            _ if self.mood == Mood::Good => vec![Ok(shown.clone()), Ok(shown.clone())],
            0 => Vec::new(),
            1 => vec![silent(), Ok(shown.clone())],
            2 => vec![Ok(shown.clone()), Ok(vec![[192, 0, 2, 1].into()])],
            _ => vec![silent(), silent()],
        };
        let answered = said.iter().any(Result::is_ok);
        self.promises.seen(&key, answered.then_some(&shown), self.now);
        let seen = said.into_iter().map(|said| Seen { server: "ns".to_owned(), said }).collect();
        self.tell(Event::Checked { id: check.id, seen });
    }

    /// A stranger changes or deletes a name at the provider, sometimes the same one again soon.
    pub(super) fn stranger(&mut self) {
        let keys: Vec<Key> = self.zone.keys().cloned().collect();
        if !keys.is_empty() {
            let key = self.dice.pick(&keys);
            let before = self.zone.remove(&key);
            if let Some(ip) = before.filter(|_| self.dice.one_in(2)) {
                let other = if ip.is_ipv4() { "198.51.100.66" } else { "2001:db8:66::66" };
                self.zone.insert(key.clone(), other.parse().expect("an address"));
            }
            let last = self.servers.strangers.insert(key.clone(), self.now);
            let told = self.servers.told.get(&key).copied();
            // A repair takes as long as the outages that are in its way.
            if let (Some(told), Some(_)) = (told, last.filter(|at| self.now.since(*at) < DAY * 10)) {
                self.servers.contested.insert(key.clone(), told);
            }
            self.disturbed = self.now;
            self.will_be_shown(key);
        }
        let most = if self.dice.one_in(4) { HOUR * 12 } else { DAY * 60 };
        self.plan_pause(HOUR, most, Coming::Stranger);
    }

    /// Whether a name with this address is left to whoever changes it.
    pub(super) fn is_contested(&self, key: &Key, wanted: IpAddr) -> bool {
        self.servers.contested.get(key).is_some_and(|address| *address == wanted)
    }
}
