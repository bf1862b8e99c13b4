//! What must survive: confirmed addresses, parking, doubts, and what the accounts were sent.

use std::net::IpAddr;
use std::time::Duration;

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use super::address::Further;
use super::pacing::Pacing;
use super::plan::stated;
use super::record::{Doubt, LATE, Parked, Published, Record, Target};
use super::{Engine, Instant, Now, RecordId};
use crate::provider::{Family, Prefix, Refusal};

/// Version of [`State`]'s form; another one is not read.
pub const STATE_VERSION: u32 = 1;

/// Names of removed records that are remembered; a bound, not a target.
const MEMORY_MAX: usize = 512;

/// The engine's memory, to be kept by the shell. Instants are in the time of the boot named by `boot`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct State {
    /// [`STATE_VERSION`].
    pub version: u32,
    /// Identity of the boot that wrote it.
    pub boot: Option<String>,
    /// When it was written.
    pub saved: Instant,
    /// The same in seconds of Unix time, if the clock was set.
    pub saved_unix: Option<u64>,
    /// One for each name and family.
    pub entries: Vec<Entry>,
    /// What each account was sent.
    pub(super) accounts: LiteMap<String, Pacing>,
}

/// One name and family.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Entry {
    /// The record.
    pub record: RecordId,
    /// Fully qualified name.
    pub name: String,
    /// A or AAAA.
    pub family: Family,
    /// Provider, server and user that confirmed it.
    pub account: String,
    /// Settings that were refused, if it is parked.
    pub fingerprint: u64,
    /// What is published.
    pub published: Option<EntryPublished>,
    /// Why it is parked.
    pub parked: Option<(Refusal, String)>,
    /// Addresses that the provider may have been told without our seeing the answer.
    pub doubt: Vec<IpAddr>,
}

/// A confirmed address.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct EntryPublished {
    /// The address; unspecified: its record was removed.
    pub address: IpAddr,
    /// Addresses of other lines beside it.
    #[serde(default, skip_serializing_if = "is_alone")]
    pub further: Further,
    /// The prefix that went along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Prefix>,
    /// How old the last confirmation was when the state was written.
    pub age: Duration,
    /// Since when it is published, in seconds of Unix time, if known.
    pub since: Option<u64>,
}

fn is_alone(further: &Further) -> bool {
    *further == Further::default()
}

/// A name and family of a record: the key of the memory.
pub(super) type Key = (RecordId, String, Family);

impl Engine {
    /// What has to be kept; see [`super::Action::Save`].
    #[must_use]
    pub fn state(&self, now: Now) -> State {
        let live = self.records.iter().flat_map(|(id, record)| entries(id, record, now.monotonic));
        let removed = |e: &&Entry| !self.records.contains_key(&e.record);
        let gone = self.memory.values().filter(removed).take(MEMORY_MAX).cloned();
        State {
            version: STATE_VERSION,
            boot: self.boot.clone(),
            saved: now.monotonic,
            saved_unix: now.unix(),
            entries: live.chain(gone).collect(),
            accounts: self.accounts.clone(),
        }
    }

    /// Takes over what an earlier process, perhaps of an earlier boot, has left.
    pub(super) fn restore(&mut self, state: State, now: Now) {
        if state.version != STATE_VERSION {
            return;
        }
        let same_boot = state.boot.is_some() && state.boot == self.boot && state.saved <= now.monotonic;
        let slept = if same_boot {
            Some(now.monotonic.since(state.saved))
        } else {
            now.unix()
                .zip(state.saved_unix)
                .map(|(now, saved)| Duration::from_secs(now.saturating_sub(saved)))
        };
        for (account, pacing) in state.accounts {
            let pacing = if same_boot {
                pacing.after_restart(now.monotonic)
            } else {
                pacing.after_reboot(state.saved, slept, now.monotonic)
            };
            self.accounts.insert(account, pacing);
        }
        for mut entry in state.entries {
            if let Some(published) = &mut entry.published {
                published.age += slept.unwrap_or_default();
            }
            self.memory.insert((entry.record.clone(), entry.name.clone(), entry.family), entry);
        }
    }

    /// Puts what is remembered of a record's names into the record.
    pub(super) fn remember(&mut self, id: &RecordId, record: &mut Record, now: Instant) {
        let settings = &record.settings;
        for target in record.lanes.iter_mut().flat_map(|lane| &mut lane.targets) {
            let key = (id.clone(), target.name.clone(), target.family);
            let Some(entry) = self.memory.remove(&key).filter(|e| e.account == settings.account) else {
                continue;
            };
            recall(target, &entry, settings.fingerprint, now);
            if let Some(published) = &mut target.published {
                published.early = self.dice.byte();
            }
        }
    }

    /// Moves a record that is removed or replaced into the memory.
    pub(super) fn forget(&mut self, id: &RecordId, record: &Record, now: Instant) {
        for entry in entries(id, record, now) {
            self.memory.insert((id.clone(), entry.name.clone(), entry.family), entry);
        }
    }
}

fn recall(target: &mut Target, entry: &Entry, fingerprint: u64, now: Instant) {
    target.published = entry.published.map(|p| Published {
        address: p.address,
        further: p.further,
        prefix: p.prefix,
        at: now,
        carried: p.age,
        since: p.since,
        early: 0,
    });
    if !entry.doubt.is_empty() {
        let doubt = Doubt { addresses: entry.doubt.clone(), until: now + LATE };
        // Something else may still be applied over what is confirmed: confirm that once more.
        let published = target.published.filter(|published| doubt.is_about_another(published.address));
        target.repeat_at = published.map(|_| doubt.until);
        target.doubt = Some(doubt);
    }
    if entry.fingerprint == fingerprint {
        target.parked = entry.parked.clone().map(|(refusal, words)| Parked { refusal, words });
    }
}

fn entries(id: &RecordId, record: &Record, now: Instant) -> Vec<Entry> {
    let all = record.lanes.iter().flat_map(|lane| lane.targets.iter().map(move |target| (lane, target)));
    let entry = |(lane, target): (&super::record::Lane, &Target)| {
        let flying = lane.flight.as_ref().and_then(|f| stated(&f.update, &target.name, target.family));
        let published = target.published.map(|p| EntryPublished {
            address: p.address,
            further: p.further,
            prefix: p.prefix,
            age: p.age(now),
            since: p.since,
        });
        let mut doubt = target.doubt.as_ref().map_or(Vec::new(), |d| d.addresses.clone());
        doubt.extend(flying);
        Entry {
            record: id.clone(),
            name: target.name.clone(),
            family: target.family,
            account: record.settings.account.clone(),
            fingerprint: record.settings.fingerprint,
            published,
            parked: target.parked.as_ref().map(|p| (p.refusal, p.words.clone())),
            doubt,
        }
    };
    all.map(entry).collect()
}
