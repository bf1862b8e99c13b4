//! Finds the addresses of a host: by itself, from the resolver, or from memory.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use super::fault::{self, Fault};
use super::ticket::{Ticket, Woke};
use super::wire::Deadline;
use super::{Clock, LOOKUPS_MAX, Resolver, STACK_BYTES};
use crate::engine::FailureKind;
use crate::provider::Family;

/// Addresses that were good last: a router often has a line before it has a resolver.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Endpoints(LiteMap<String, Vec<IpAddr>>);

impl Endpoints {
    /// The addresses of a host, the one that worked last first; empty if it is not known.
    #[must_use]
    pub fn of(&self, host: &str) -> &[IpAddr] {
        self.0.get(host).map_or(&[], Vec::as_slice)
    }

    /// Keeps that `good` was connected to, and that the others were offered with it.
    pub fn remember(&mut self, host: &str, good: IpAddr, others: &[IpAddr]) {
        let mut addresses = vec![good];
        addresses.extend(others.iter().copied().filter(|other| *other != good).take(ADDRESSES_MAX - 1));
        if !self.0.contains_key(host) && self.0.len() >= HOSTS_MAX {
            // Which one goes does not matter: nobody has so many providers.
            let _ = self.0.first().map(|(host, _)| host.clone()).and_then(|host| self.0.remove(&host));
        }
        self.0.insert(host.to_owned(), addresses);
    }
}

/// `getaddrinfo`: `/etc/hosts`, then the servers of `/etc/resolv.conf`, in the order of RFC 6724.
#[must_use]
pub fn system_resolver() -> Resolver {
    Arc::new(|host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
}

/// A question to the resolver, asked in a thread of its own because it cannot be taken back.
pub(super) struct Lookup {
    answer: mpsc::Receiver<io::Result<Vec<IpAddr>>>,
    ticket: Arc<Ticket>,
    clock: Clock,
}

impl Lookup {
    /// Whatever keeps it from being asked is found by [`Lookup::wait`].
    pub(super) fn start(
        host: &str,
        resolver: &Resolver,
        running: &Arc<AtomicUsize>,
        ticket: &Arc<Ticket>,
        clock: Clock,
    ) -> Self {
        let (sender, answer) = mpsc::channel();
        let this = Self { answer, ticket: Arc::clone(ticket), clock };
        let Some(place) = Place::take(running) else {
            let _ = sender.send(Err(io::Error::other("the resolver has not answered for a long time")));
            return this;
        };
        let (host, resolver, bell) = (host.to_owned(), Arc::clone(resolver), Arc::clone(ticket));
        let asking = sender.clone();
        let ask = move || {
            let answer = resolver(&host);
            drop(place);
            // Nobody listens any more when the job has ended meanwhile.
            let _ = asking.send(answer);
            bell.ring();
        };
        let thread = thread::Builder::new().name("resolve".to_owned()).stack_size(STACK_BYTES);
        if let Err(error) = thread.spawn(ask) {
            let _ = sender.send(Err(error));
        }
        this
    }

    /// `None`: no answer yet.
    pub(super) fn wait(&self, deadline: Deadline) -> Result<Option<Vec<IpAddr>>, Fault> {
        loop {
            match self.answer.try_recv() {
                Ok(Ok(addresses)) if addresses.is_empty() => {
                    return Err(Fault::new(FailureKind::Unresolved, "the name has no address"));
                }
                Ok(Ok(addresses)) => return Ok(Some(addresses)),
                Ok(Err(error)) => return Err(Fault::new(FailureKind::Unresolved, unresolved(&error))),
                Err(mpsc::TryRecvError::Disconnected) => {
                    return Err(Fault::new(FailureKind::Unresolved, "the resolver failed"));
                }
                Err(mpsc::TryRecvError::Empty) => {}
            }
            match self.ticket.poll(&mut Vec::new(), deadline.at, self.clock).map_err(Fault::of_io)? {
                Woke::Bell if self.ticket.ended() => return Err(Fault::ended()),
                Woke::Bell | Woke::Ready => {}
                Woke::Late => return Ok(None),
            }
        }
    }
}

/// The wish for a family, applied; families alternate, the resolver's favourite first (RFC 8305 section 4).
pub(super) fn candidates(addresses: &[IpAddr], port: u16, family: Option<Family>) -> Vec<SocketAddr> {
    let wanted = addresses.iter().copied().filter(|ip| family.is_none_or(|family| family == Family::of(*ip)));
    let favourite = wanted.clone().next().map(Family::of);
    let (first, second): (Vec<_>, Vec<_>) = wanted.partition(|ip| Some(Family::of(*ip)) == favourite);
    let mut mixed = Vec::new();
    let mut second = second.into_iter();
    for ip in first {
        mixed.push(ip);
        mixed.extend(second.next());
    }
    mixed.extend(second);
    mixed.dedup();
    mixed.into_iter().take(CANDIDATES_MAX).map(|ip| SocketAddr::new(ip, port)).collect()
}

/// One of [`LOOKUPS_MAX`] places for threads that may be stuck; free again when the thread comes back.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(running: &Arc<AtomicUsize>) -> Option<Self> {
        let more = |running: usize| (running < LOOKUPS_MAX).then_some(running + 1);
        running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Self(Arc::clone(running)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// std puts a heading before what `gai_strerror` says.
fn unresolved(error: &io::Error) -> String {
    let words = fault::words(error);
    words
        .strip_prefix("failed to lookup address information: ")
        .map_or_else(|| words.clone(), str::to_ascii_lowercase)
}

/// Hosts that are remembered.
const HOSTS_MAX: usize = 64;

/// Addresses that are remembered of each.
const ADDRESSES_MAX: usize = 8;

/// Addresses that are tried.
const CANDIDATES_MAX: usize = 16;
