//! Asks how we are seen from outside: web services, STUN servers, the router before us.
//!
//! What is said and what is believed is [`crate::daemon::outside`]'s; when to ask again is the engine's. A question ends
//! after [`TOTAL`] at the latest, and nothing is kept of it but what the next one may be compared with.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use litemap::LiteMap;
use nix::poll::{PollFd, PollFlags};
use ring::rand::{SecureRandom, SystemRandom};

use super::datagram::open;
use super::endpoints::{Lookup, candidates};
use super::fault;
use super::mask::Mask;
use super::request::Sender;
use super::ticket::Ticket;
use super::wire::Deadline;
use super::worker::Shell;
use crate::daemon::outside::{Sounding, stun, web};
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
    /// Whose turn it is among the web services: no two questions in a row begin with the same.
    web: AtomicUsize,
    /// The STUN server that answered last.
    stun: AtomicUsize,
    /// What web services were believed to say.
    believed: Mutex<LiteMap<Probe, IpAddr>>,
}

pub(super) fn perform(shell: &Shell, mut pending: Pending) {
    let sighting = Ticket::new(JobId(0), Arc::new(|_, _, _| {}), String::new())
        .map_err(|error| format!("no descriptor left for a question: {}", fault::words(&error)))
        .and_then(|ticket| {
            let observer = Observer {
                shell,
                ticket: &Arc::new(ticket),
                sounding: &pending.sounding,
                total: Deadline::new((shell.clock)(), TOTAL, "no answer"),
            };
            match observer.sounding.probe.means {
                Means::Router => observer.router(),
                Means::Stun => observer.stun(),
                Means::Web => observer.web(),
            }
        });
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
    /// Two of the web services have to agree.
    fn web(&self) -> Sighting {
        let services = &self.sounding.services.web;
        let first = self.shell.memory.web.fetch_add(1, Ordering::Relaxed);
        let mut votes = web::Votes::default();
        for turn in 0..services.len().min(ASKED_MAX) {
            let service = &services[(first % services.len() + turn) % services.len()];
            let agreed = votes.count(service, self.web_service(service));
            if let Some(ip) = agreed {
                let mut believed = self.believed();
                if believed.len() >= BELIEVED_MAX {
                    believed.clear();
                }
                believed.insert(self.sounding.probe.clone(), ip);
                return Ok(ip);
            }
            if votes.are_lost() || self.is_late() {
                break;
            }
        }
        let before = self.believed().get(&self.sounding.probe).copied();
        votes.verdict(before)
    }

    fn believed(&self) -> MutexGuard<'_, LiteMap<Probe, IpAddr>> {
        self.shell.memory.believed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn web_service(&self, url: &str) -> Result<IpAddr, String> {
        let reply = self.request(Method::Get, url, Vec::new(), None)?;
        if reply.status != 200 {
            return Err(format!("{url} answers with HTTP {}", reply.status));
        }
        let family = self.family();
        let ip = web::address(&reply.body, family);
        let ip = ip.ok_or_else(|| format!("there is no {family} address in the answer of {url}"))?;
        self.fit(ip).map_err(|reason| format!("{url} says {ip}, which is {reason}"))
    }

    /// The first STUN server that knows an address; next time it is asked first.
    fn stun(&self) -> Sighting {
        let (servers, memory) = (&self.sounding.services.stun, &self.shell.memory);
        let first = memory.stun.load(Ordering::Relaxed);
        let mut reasons = Vec::new();
        for turn in 0..servers.len().min(ASKED_MAX) {
            let at = (first + turn) % servers.len();
            let said = self.stun_server(&servers[at]);
            match said {
                Ok(ip) => {
                    memory.stun.store(at, Ordering::Relaxed);
                    return Ok(ip);
                }
                Err(words) => reasons.push(format!("{}: {words}", servers[at])),
            }
            if self.is_late() {
                break;
            }
        }
        Err(reasons.join("; "))
    }

    fn stun_server(&self, server: &str) -> Result<IpAddr, String> {
        let address = self.resolve(server)?;
        let socket = open(address, self.device()).map_err(|fault| fault.words)?;
        let id = random()?;
        let mut said = None;
        self.ask(&socket, &[address], &stun::request(&id), &STUN_PAUSES, &mut |message, _| {
            said = stun::answer(message, &id);
            said.is_some()
        })?;
        let ip = said.unwrap_or(Err("no answer"))?;
        if Family::of(ip) != self.family() {
            return Err(format!("it says {ip}, which is of the other family"));
        }
        self.fit(ip).map_err(|reason| format!("it says {ip}, which is {reason}"))
    }

    /// The first address of the family that a server has; without a port, that of STUN.
    fn resolve(&self, server: &str) -> Result<SocketAddr, String> {
        let family = self.family();
        let (addresses, port) = match (server.parse::<SocketAddr>(), server.parse()) {
            (Ok(address), _) => (vec![address.ip()], address.port()),
            (_, Ok(ip)) => (vec![ip], stun::PORT),
            _ => {
                let (host, port) = server.rsplit_once(':').unwrap_or((server, ""));
                (self.look_up(host)?, port.parse().unwrap_or(stun::PORT))
            }
        };
        let found = candidates(&addresses, port, Some(family)).first().copied();
        found.ok_or_else(|| format!("it has no {family} address"))
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

    /// Sends a datagram to all of these, again after each pause but the last (in milliseconds), until `hear` takes an
    /// answer.
    pub(super) fn ask(
        &self,
        socket: &UdpSocket,
        to: &[SocketAddr],
        message: &[u8],
        pauses: &[u64],
        hear: &mut dyn FnMut(&[u8], SocketAddr) -> bool,
    ) -> Result<(), String> {
        for pause in pauses {
            let until = (self.now() + Duration::from_millis(*pause)).min(self.total.at);
            send(socket, to, message)?;
            if self.listen(socket, until, hear)? {
                return Ok(());
            }
        }
        Err("no answer".to_owned())
    }

    /// Whether `hear` has taken an answer in time.
    fn listen(
        &self,
        socket: &UdpSocket,
        until: Instant,
        hear: &mut dyn FnMut(&[u8], SocketAddr) -> bool,
    ) -> Result<bool, String> {
        let mut buffer = [0; DATAGRAM_BYTES];
        // Looked at each time: a peer that always has one more datagram never makes us wait.
        while self.now() < until {
            match socket.recv_from(&mut buffer) {
                Ok((length, from)) if hear(buffer.get(..length).unwrap_or_default(), from) => {
                    return Ok(true);
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let mut fds = vec![PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
                    let woke = self.ticket.poll(&mut fds, until, self.shell.clock);
                    woke.map_err(|error| fault::words(&error))?;
                }
                Err(error) => return Err(fault::words(&error)),
            }
        }
        Ok(false)
    }

    /// The address, if it may be believed.
    pub(super) fn fit(&self, ip: IpAddr) -> Result<IpAddr, &'static str> {
        fit(ip, self.sounding.allow).map(|()| ip)
    }

    pub(super) fn device(&self) -> Option<&str> {
        self.sounding.probe.device.as_deref()
    }

    pub(super) fn family(&self) -> Family {
        self.sounding.probe.family
    }

    fn is_late(&self) -> bool {
        self.now() >= self.total.at
    }

    fn now(&self) -> Instant {
        (self.shell.clock)()
    }
}

/// Fails only if nothing has left. No room in the queue is a lost datagram.
fn send(socket: &UdpSocket, to: &[SocketAddr], message: &[u8]) -> Result<(), String> {
    let (mut left, mut words) = (false, String::new());
    for to in to {
        match socket.send_to(message, to) {
            Ok(_) => left = true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => left = true,
            Err(error) => words = fault::words(&error),
        }
    }
    if left { Ok(()) } else { Err(words) }
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
/// Probes whose answer is remembered.
const BELIEVED_MAX: usize = 16;
/// Longer than any answer that a router or a STUN server has reason to give.
const DATAGRAM_BYTES: usize = 1500;
