//! Asks how we are seen from outside: web services, STUN servers, the router before us.
//!
//! What is said and what is believed is [`crate::daemon::outside`]'s; when to ask again is the engine's. A question ends
//! after [`TOTAL`] at the latest, and nothing is kept of it but what the next one may be compared with.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use ring::rand::{SecureRandom, SystemRandom};

use super::datagram::open;
use super::endpoints::{Lookup, candidates};
use super::fault;
use super::mask::Mask;
use super::request::Sender;
use super::ticket::{Ticket, Woke};
use super::wire::Deadline;
use super::worker::Shell;
use crate::daemon::outside::votes::Votes;
use crate::daemon::outside::{Said, Sounding, stun, web};
use crate::engine::address::fit;
use crate::engine::outside::{Means, Probe, Sighting};
use crate::engine::{Instant, JobId};
use crate::provider::{Family, Method, Reply, Request, Secret};

/// A question and the way back of its answer: one answer for each, whatever becomes of the question.
pub(super) struct Pending {
    sounding: Box<Sounding>,
    tell: Option<Box<dyn FnOnce(Sighting) + Send>>,
}

impl Pending {
    pub(super) fn new(sounding: Sounding, tell: Box<dyn FnOnce(Sighting) + Send>) -> Self {
        Self { sounding: Box::new(sounding), tell: Some(tell) }
    }

    fn tell(&mut self, sighting: Sighting) {
        if let Some(tell) = self.tell.take() {
            tell(sighting);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.tell(Err("nobody could be asked: the agent has no thread left, or ends".to_owned()));
    }
}

/// What one question leaves for the next.
#[derive(Default)]
pub(super) struct Memory {
    /// By [`Means`], whose answer was the last one that was needed: who knew an address goes first the next time, and of
    /// several that have to agree, each in turn.
    first: [AtomicUsize; 3],
    /// What was believed; as many as there are devices that records name.
    believed: Mutex<Vec<(Probe, IpAddr)>>,
}

pub(super) fn perform(shell: &Shell, mut pending: Pending) {
    let sighting = match Ticket::new(JobId(0), Arc::new(|_, _, _| {}), String::new()) {
        Err(error) => Err(["no descriptor left for a question: ", &fault::words(&error)].concat()),
        Ok(ticket) => {
            let (ticket, sounding) = (&Arc::new(ticket), &*pending.sounding);
            let total = Deadline::new((shell.clock)(), TOTAL, "no answer");
            let observer = Observer { shell, ticket, sounding, total };
            match sounding.probe.means {
                Means::Router => observer.router(),
                Means::Stun => observer.observe(1, &|server| observer.stun(server)),
                // They are strangers: two have to agree.
                Means::Web => observer.observe(2, &|url| observer.web(url)),
            }
        }
    };
    pending.tell(sighting);
}

/// One question on its way.
pub(super) struct Observer<'a> {
    pub(super) shell: &'a Shell,
    pub(super) ticket: &'a Arc<Ticket>,
    pub(super) sounding: &'a Sounding,
    pub(super) total: Deadline,
}

impl Observer<'_> {
    /// Asks one after the other, until as many as needed say the same.
    pub(super) fn observe(&self, needed: usize, ask: &dyn Fn(&str) -> Sighting) -> Sighting {
        let (probe, services) = (&self.sounding.probe, &self.sounding.services);
        let memory = &self.shell.memory;
        let (start, count) = (&memory.first[probe.means as usize], services.len().min(ASKED_MAX));
        let first = start.load(Ordering::Relaxed);
        let mut votes = Votes::new(needed);
        for step in 0..count {
            let at = (first + step) % services.len();
            let service = &services[at];
            let agreed = votes.count(service, ask(service).and_then(|ip| self.fit(ip)));
            if let Some(ip) = agreed {
                start.store(at, Ordering::Relaxed);
                let mut believed = memory.believed.lock().unwrap_or_else(PoisonError::into_inner);
                match believed.iter_mut().find(|(other, _)| other == probe) {
                    Some((_, before)) => *before = ip,
                    None => believed.push((probe.clone(), ip)),
                }
                return Ok(ip);
            }
            if votes.are_lost() || self.now() >= self.total.at {
                break;
            }
        }
        start.store((first + count) % services.len().max(1), Ordering::Relaxed);
        let believed = memory.believed.lock().unwrap_or_else(PoisonError::into_inner);
        let before = believed.iter().find(|(other, _)| other == probe);
        votes.verdict(before.map(|(_, ip)| *ip))
    }

    /// The address, if it may be believed.
    fn fit(&self, ip: IpAddr) -> Sighting {
        let unfit = match Family::of(ip) == self.family() {
            true => fit(ip, self.sounding.allow).err(),
            false => Some("of the other family"),
        };
        unfit.map_or(Ok(ip), |reason| Err(format!("it says {ip}, which is {reason}")))
    }

    fn web(&self, url: &str) -> Sighting {
        let reply = self.request(Method::Get, url, Vec::new(), None)?;
        if reply.status != 200 {
            return Err(format!("it answers with HTTP {}", reply.status));
        }
        let ip = web::address(&reply.body, self.family());
        ip.ok_or_else(|| format!("there is no {} address in its answer", self.family()))
    }

    fn stun(&self, server: &str) -> Sighting {
        let address = self.resolve(server)?;
        let socket = open(address, self.device()).map_err(|fault| fault.words)?;
        let id = random()?;
        self.ask(&socket, &[address], &stun::request(&id), &STUN_PAUSES, &mut |message, _| {
            stun::answer(message, &id)
        })
    }

    /// The first address of the family that a server has; without a port, that of STUN.
    fn resolve(&self, server: &str) -> Result<SocketAddr, String> {
        // An IPv6 address with a port is in brackets.
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
            Some(_) | None => (server, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = host.parse().map_or_else(|_| self.look_up(host), |ip| Ok(vec![ip]))?;
        let found = candidates(&addresses, port.unwrap_or(stun::PORT), Some(self.family()));
        found.first().copied().ok_or_else(|| format!("it has no {} address", self.family()))
    }

    fn look_up(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        let shell = self.shell;
        let limit = Deadline::new(self.now(), shell.limits.resolve, "no answer from the resolver");
        let limit = limit.or_sooner(self.total);
        let lookup = Lookup::start(host, &shell.resolver, &shell.lookups, self.ticket, shell.clock);
        let addresses = lookup.wait(limit).map_err(|fault| fault.words)?;
        addresses.ok_or_else(|| limit.fault().words)
    }

    /// One request over the family and device of the question.
    pub(super) fn request(
        &self,
        method: Method,
        url: &str,
        headers: Vec<(String, Secret)>,
        body: Option<Secret>,
    ) -> Result<Reply, String> {
        let sender = Sender {
            shell: self.shell,
            ticket: self.ticket,
            bind: self.device(),
            ca_file: self.sounding.ca_file.as_deref(),
            secrets: &[],
            mask: &Mask::new(&[]),
            limit: REQUEST.min(self.total.at.since(self.now())),
        };
        let request = Request {
            method,
            url: Secret::new(url),
            shown: url.to_owned(),
            headers,
            body,
            family: Some(self.family()),
            follow_redirects: false,
        };
        sender.perform(&request).map_err(|failure| failure.detail)
    }

    /// Sends a datagram to all of these (it has to leave for the last one), again after each pause but the last (in milliseconds), until `hear` makes
    /// something of what comes.
    pub(super) fn ask(
        &self,
        socket: &UdpSocket,
        to: &[SocketAddr],
        message: &[u8],
        pauses: &[u64],
        hear: &mut dyn FnMut(&[u8], SocketAddr) -> Option<Said>,
    ) -> Sighting {
        let words = |error| fault::words(&error);
        for pause in pauses {
            let until = (self.now() + Duration::from_millis(*pause)).min(self.total.at);
            let mut sent = Ok(0);
            for to in to {
                sent = socket.send_to(message, to);
            }
            sent.map_err(words)?;
            if let Some(said) = self.listen(socket, until, hear).map_err(words)? {
                return said.map_err(str::to_owned);
            }
        }
        Err("no answer".to_owned())
    }

    /// What `hear` makes of what comes in time.
    fn listen(
        &self,
        socket: &UdpSocket,
        until: Instant,
        hear: &mut dyn FnMut(&[u8], SocketAddr) -> Option<Said>,
    ) -> io::Result<Option<Said>> {
        let mut buffer = [0; DATAGRAM_BYTES];
        loop {
            let mut fds = vec![PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
            if self.ticket.poll(&mut fds, until, self.shell.clock)? == Woke::Late {
                return Ok(None);
            }
            match socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let said = hear(buffer.get(..length).unwrap_or_default(), from);
                    if said.is_some() {
                        return Ok(said);
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn device(&self) -> Option<&str> {
        self.sounding.probe.device.as_deref()
    }

    pub(super) fn family(&self) -> Family {
        self.sounding.probe.family
    }

    fn now(&self) -> Instant {
        (self.shell.clock)()
    }
}

/// Twelve octets that nobody can guess.
pub(super) fn random() -> Result<[u8; 12], String> {
    let mut octets = [0; 12];
    let filled = SystemRandom::new().fill(&mut octets);
    filled.map(|()| octets).map_err(|_| "the kernel gives no random numbers".to_owned())
}

/// Longest time of one question; like the following, our judgement.
const TOTAL: Duration = Duration::from_secs(20);
/// The same of one of its requests.
const REQUEST: Duration = Duration::from_secs(8);
/// Most services or servers that one question goes to.
const ASKED_MAX: usize = 4;
/// RFC 8489 section 6.2.1 begins like this and goes on for 39.5 seconds; the next server may answer sooner.
const STUN_PAUSES: [u64; 3] = [500, 1000, 500];
/// Longer than any answer that a router or a STUN server has reason to give.
const DATAGRAM_BYTES: usize = 1500;
