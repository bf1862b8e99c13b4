//! What the kernel says about links and addresses, as whole tables; never as single changes.
//!
//! ```text
//! wait for a bell ──▶ take all that rang ──▶ dump ──▶ anything new meanwhile? ──no──▶ one Look
//!                                             ▲────────────── yes, at most three times ──┘
//! ```
//!
//! After an overrun the kernel delivers messages that are older than those it lost, so a program that applies them
//! keeps addresses that no longer exist. Here a notification is a doorbell: start, change and recovery are one path.
//! Routes are never dumped, a router may hold a million; a route's bell brings the same table once more.

mod doorbell;
mod dump;
mod gateway;
mod neighbour;
mod table;
mod ways;

use std::io;
use std::time::Duration;

pub(super) use self::gateway::gateway;

use self::doorbell::{Doorbell, Rings};
use self::dump::Dumper;
use crate::daemon::clock::{self, Alarm};
use crate::engine::Instant;
use crate::engine::address::{Snapshot, Wanted};

/// Rounds of dumping before a table that keeps changing is handed over as it is; its next bell is already ringing.
const ROUNDS: usize = 3;
/// So many looks may follow one another at once …
const BURST: u32 = 20;
/// … then one comes each so often: ten per second. A box with hundreds of dial-in sessions must not drown.
const INTERVAL: Duration = Duration::from_millis(100);

/// The kernel's table, and what made us look.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Look {
    /// Links and addresses.
    pub snapshot: Snapshot,
    /// When the first notification behind this look was read; without one, when we looked.
    pub bell: Instant,
    /// How many notifications are behind it.
    pub notifications: u64,
    /// Some were lost; the table is whole all the same.
    pub overrun: bool,
}

/// The subscription and the last table.
#[derive(Debug)]
pub struct Netlink {
    doorbell: Doorbell,
    dumper: Dumper,
    pace: Pace,
    alarm: Alarm,
    table: Snapshot,
    wanted: Wanted,
}

impl Netlink {
    /// Subscribes. What changes from here on rings, so that a [`Netlink::look`] afterwards misses nothing.
    ///
    /// # Errors
    ///
    /// The kernel gives no socket or no timer, or there is no tokio runtime.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            doorbell: Doorbell::new()?,
            dumper: Dumper::new()?,
            pace: Pace::default(),
            alarm: Alarm::new()?,
            table: Snapshot::default(),
            wanted: Wanted::default(),
        })
    }

    /// From the next look on, ways out and neighbours are in the table if they are wanted.
    ///
    /// # Errors
    ///
    /// The kernel does not take the subscription.
    pub fn want(&mut self, wanted: &Wanted) -> io::Result<()> {
        self.wanted = wanted.clone();
        self.doorbell.hear_neighbours(wanted.neighbours)
    }

    /// Waits for the kernel to ring. Cancel-safe: nothing is read before the last wait.
    ///
    /// # Errors
    ///
    /// The subscription is broken and cannot be trusted any longer.
    pub async fn next(&mut self) -> io::Result<Look> {
        let from = self.pace.allowed_from();
        if clock::monotonic() < from {
            self.doorbell.rest();
            self.alarm.set(Some(from))?;
            self.alarm.rung().await?;
        }
        let rings = self.doorbell.rung().await?;
        let bell = rings.first.unwrap_or_else(clock::monotonic);
        self.pace.took(bell);
        self.settle(rings, bell)
    }

    /// Looks at everything, rung or not: at the start, and now and then for what the kernel never announces.
    ///
    /// # Errors
    ///
    /// As [`Netlink::next`].
    pub fn look(&mut self) -> io::Result<Look> {
        let mut rings = self.doorbell.drain()?;
        rings.links = true;
        rings.addresses = true;
        self.settle(rings, rings.first.unwrap_or_else(clock::monotonic))
    }

    /// The last table; without networks, which the kernel does not know.
    #[must_use]
    pub fn table(&self) -> &Snapshot {
        &self.table
    }

    /// Dumps what may have changed until nothing rings meanwhile. Two bells, two dumps: the one of the links is by far
    /// the heavier. A route's bell asks for a first look at the addresses, but for no second one.
    fn settle(&mut self, mut pending: Rings, bell: Instant) -> io::Result<Look> {
        let mut all = Rings::default();
        for round in 0..ROUNDS {
            all.add(pending);
            if pending.links || pending.overrun {
                self.table.links = self.dumper.links()?;
            }
            self.table.addresses = self.dumper.addresses()?;
            if round + 1 == ROUNDS {
                break;
            }
            pending = self.doorbell.drain()?;
            if !(pending.links || pending.addresses || pending.overrun) {
                all.add(pending);
                break;
            }
        }
        complete(&mut self.table, &mut self.dumper, &self.wanted)?;
        let (notifications, overrun) = (all.count, all.overrun);
        Ok(Look { snapshot: self.table.clone(), bell, notifications, overrun })
    }
}

/// The kernel's table at this moment, for the commands that run without the daemon.
///
/// # Errors
///
/// The kernel's answer.
pub fn snapshot(wanted: &Wanted) -> io::Result<Snapshot> {
    let mut dumper = Dumper::new()?;
    let (links, addresses) = (dumper.links()?, dumper.addresses()?);
    let mut table = Snapshot { links, addresses, ..Snapshot::default() };
    complete(&mut table, &mut dumper, wanted)?;
    Ok(table)
}

fn complete(table: &mut Snapshot, dumper: &mut Dumper, wanted: &Wanted) -> io::Result<()> {
    table.ways = if wanted.ways { ways::ways(&table.links)? } else { Vec::new() };
    table.neighbours = if wanted.neighbours { dumper.neighbours()? } else { Vec::new() };
    Ok(())
}

/// A token bucket as one instant: when the bucket would be full again (the generic cell rate algorithm).
#[derive(Debug, Default)]
struct Pace {
    full_at: Instant,
}

impl Pace {
    fn allowed_from(&self) -> Instant {
        self.full_at - INTERVAL * (BURST - 1)
    }

    fn took(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now) + INTERVAL;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_looks_at_once_then_ten_per_second() {
        let start = Instant::since_boot(Duration::from_secs(1_000));
        let (mut pace, mut now, mut looks) = (Pace::default(), start, Vec::new());
        while now < start + Duration::from_secs(10) {
            now = now.max(pace.allowed_from());
            pace.took(now);
            looks.push(now);
        }
        assert_eq!(looks.iter().filter(|at| **at == start).count(), 20);
        let later = start + Duration::from_secs(5);
        let in_one_second = looks.iter().filter(|at| **at >= later && **at < later + Duration::from_secs(1));
        assert_eq!(in_one_second.count(), 10);
    }

    #[test]
    fn a_quiet_time_fills_the_bucket_but_not_beyond_its_size() {
        let start = Instant::since_boot(Duration::from_secs(1_000));
        let mut pace = Pace::default();
        for _ in 0..20 {
            pace.took(start);
        }
        assert_eq!(pace.allowed_from(), start + INTERVAL);
        let later = start + Duration::from_secs(3_600);
        for _ in 0..20 {
            assert!(pace.allowed_from() <= later);
            pace.took(later);
        }
        assert_eq!(pace.allowed_from(), later + INTERVAL);
    }
}
