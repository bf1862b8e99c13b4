//! Performs the questions of a provider that speaks DNS: over UDP, repeated while nobody answers, and over TCP.
//!
//! A question that changes nothing leaves without asking its ticket, so that its job can still be withdrawn; an update
//! leaves only if the ticket lets it, as a request does.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, PoisonError};

use socket2::{Domain, Protocol, Socket, Type};

use super::Inquiry;
use super::connect::{Attempt, Manner, connect, unbound};
use super::datagram::Datagrams;
use super::endpoints::{Lookup, candidates};
use super::fault::Fault;
use super::mask::Mask;
use super::ticket::{Ticket, millis};
use super::wire::{Deadline, Wire};
use super::worker::{STEPS_MAX, Shell, failed};
use crate::engine::{Failure, FailureKind, Instant, Outcome, Phase};
use crate::provider::{
    DATAGRAM_MAX, DNS_PORT, DnsTransport, NameServer, Question, Step, is_truncated, rcode,
};

/// Plays a dialogue to its end.
pub(super) fn perform(shell: &Shell, inquiry: Inquiry, ticket: &Arc<Ticket>) {
    let Inquiry { first, mut advance, bind, secrets, .. } = inquiry;
    let mask = Mask::new(&secrets);
    let mut next = first;
    for _ in 0..STEPS_MAX {
        if ticket.ended() {
            return;
        }
        ticket.begin(mask.text(&next.shown));
        let sender = Sender { shell, ticket, bind: bind.as_deref(), question: &next };
        let outcome = match sender.perform() {
            Ok(message) => match advance(&message) {
                Step::Ask(question) => {
                    next = question;
                    continue;
                }
                Step::Done(verdicts) => Outcome::Answered(verdicts),
                Step::Send(_) => return ticket.end(failed("a provider that speaks DNS sends a request")),
            },
            Err(failure) => Outcome::Failed(failure),
        };
        return ticket.end(mask.outcome(outcome));
    }
    ticket.end(failed("the dialogue with the name server does not come to an end"));
}

/// One question on its way.
struct Sender<'a> {
    shell: &'a Shell,
    ticket: &'a Arc<Ticket>,
    bind: Option<&'a str>,
    question: &'a Question,
}

impl Sender<'_> {
    /// The answer's message.
    fn perform(&self) -> Result<Vec<u8>, Failure> {
        let began = self.now();
        let total = Deadline::new(began, self.shell.limits.total, "no complete answer");
        let (host, addresses) = self.addresses(began, total)?;
        let servers = self.servers(&addresses);
        let resolved = self.now();
        self.ticket.enter(Phase::Connect);
        self.ticket.note(|exchange| {
            exchange.resolve_ms = millis(resolved.since(began));
            exchange.endpoint = servers.first().copied();
        });
        let fits = self.question.message.len() <= DATAGRAM_MAX;
        let (message, server) = match self.question.transport {
            DnsTransport::Udp if fits => match self.datagrams(&servers, total)? {
                // What it changed is changed; the whole answer is had by asking again (RFC 2181 section 9).
                (message, server) if is_truncated(&message) => self.stream(&[server], total)?,
                answered => answered,
            },
            DnsTransport::Tcp | DnsTransport::Udp => self.stream(&servers, total)?,
        };
        self.ticket.answered(self.now(), None, rcode(&message).to_owned());
        if let Some(host) = host {
            let mut endpoints = self.shell.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
            endpoints.remember(&host, server.ip(), &addresses);
        }
        Ok(message)
    }

    /// The addresses of the server, and its name if it has one.
    fn addresses(&self, began: Instant, total: Deadline) -> Result<(Option<String>, Vec<IpAddr>), Failure> {
        self.ticket.enter(Phase::Resolve);
        let host = match &self.question.server {
            NameServer::Resolver => return Ok((None, resolvers())),
            NameServer::Host { host, .. } => host,
        };
        if let Ok(ip) = host.parse() {
            return Ok((None, vec![ip]));
        }
        let limits = &self.shell.limits;
        let known = self.shell.endpoints.lock().unwrap_or_else(PoisonError::into_inner).of(host).to_vec();
        let patience = if known.is_empty() { limits.resolve } else { limits.patience };
        let deadline = Deadline::new(began, patience, "no answer from the resolver").or_sooner(total);
        let shell = self.shell;
        let lookup = Lookup::start(host, &shell.resolver, &shell.lookups, self.ticket, shell.clock);
        let found = match lookup.wait(deadline) {
            Ok(Some(addresses)) => Ok(addresses),
            // A router often has a line before it has a resolver.
            Ok(None) | Err(_) if !known.is_empty() && !self.ticket.ended() => Ok(known),
            Ok(None) => Err(deadline.fault()),
            Err(fault) => Err(fault),
        };
        found.map(|addresses| (Some(host.clone()), addresses)).map_err(|fault| Failure {
            phase: Phase::Resolve,
            kind: fault.kind,
            detail: format!("could not resolve {host}: {}", fault.words),
        })
    }

    fn servers(&self, addresses: &[IpAddr]) -> Vec<SocketAddr> {
        let port = match self.question.server {
            NameServer::Host { port, .. } => port,
            NameServer::Resolver => DNS_PORT,
        };
        candidates(addresses, port, None)
    }

    fn datagrams(&self, servers: &[SocketAddr], total: Deadline) -> Result<(Vec<u8>, SocketAddr), Failure> {
        let limits = &self.shell.limits;
        let deadline = Deadline::new(self.now(), limits.first_byte, "no answer").or_sooner(total);
        let datagrams =
            Datagrams { ticket: self.ticket, clock: self.shell.clock, stagger: limits.stagger, deadline };
        self.leave()?;
        let answered =
            datagrams.exchange(self.question, servers, |server| self.socket(server), || self.left());
        answered.map_err(|(attempts, has_left)| self.unanswered(attempts, has_left))
    }

    fn socket(&self, server: SocketAddr) -> Result<UdpSocket, Fault> {
        let socket = Socket::new(Domain::for_address(server), Type::DGRAM.nonblocking(), Some(Protocol::UDP))
            .map_err(Fault::of_io)?;
        if let Some(device) = self.bind {
            socket.bind_device(Some(device.as_bytes())).map_err(|error| unbound(device, &error))?;
        }
        // The kernel gives it a random port, and takes datagrams from this server only.
        socket.connect(&server.into()).map_err(Fault::of_io)?;
        Ok(socket.into())
    }

    /// Over one TCP connection: each message behind its length in two octets (RFC 1035 section 4.2.2).
    fn stream(&self, servers: &[SocketAddr], total: Deadline) -> Result<(Vec<u8>, SocketAddr), Failure> {
        let (shell, began) = (self.shell, self.now());
        let manner = Manner {
            clock: shell.clock,
            ticket: self.ticket,
            bind: self.bind,
            stagger: shell.limits.stagger,
            deadline: Deadline::new(began, shell.limits.connect, "no answer").or_sooner(total),
        };
        let connected = connect(servers, &manner);
        let (stream, server) = connected.map_err(|attempts| self.unanswered(attempts, false))?;
        let now = self.now();
        self.ticket.note(|exchange| {
            exchange.connect_ms = millis(now.since(began));
            exchange.endpoint = Some(server);
        });
        self.leave()?;
        let deadline = Deadline::new(now, shell.limits.first_byte, "no answer").or_sooner(total);
        let mut wire = Wire::new(stream, shell.clock, Arc::clone(self.ticket), deadline);
        let message = self.speak(&mut wire).map_err(|error| {
            let attempt = Attempt { address: server, fault: Fault::of_io(error) };
            self.unanswered(vec![attempt], self.question.is_update)
        })?;
        Ok((message, server))
    }

    fn speak(&self, wire: &mut Wire) -> io::Result<Vec<u8>> {
        let message = &self.question.message;
        let length = u16::try_from(message.len()).map_err(io::Error::other)?;
        wire.write_all(&[&length.to_be_bytes()[..], message].concat())?;
        self.left();
        let mut length = [0; 2];
        wire.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        wire.read_exact(&mut answer)?;
        if !self.question.is_answered_by(&answer) {
            return Err(Fault::new(FailureKind::Protocol, "the answer belongs to another question").into());
        }
        Ok(answer)
    }

    /// Asks for leave to write the first octet.
    fn leave(&self) -> Result<(), Failure> {
        if self.question.is_update && !self.ticket.commit(self.now()) {
            return Err(self.unanswered(Vec::new(), false));
        }
        Ok(())
    }

    /// The message's last octet was handed to the kernel.
    fn left(&self) {
        if self.question.is_update {
            self.ticket.flushed(self.now());
        }
    }

    /// `has_left`: an update may have arrived.
    fn unanswered(&self, attempts: Vec<Attempt>, has_left: bool) -> Failure {
        // A server that refuses, or is silent, tells more than an address family that this line does not have.
        let weight = |attempt: &&Attempt| attempt.fault.kind == FailureKind::Unreachable;
        let kind = attempts.iter().min_by_key(weight).map(|attempt| attempt.fault.kind);
        let reasons: Vec<String> =
            attempts.iter().map(|attempt| format!("{}: {}", attempt.address, attempt.fault.words)).collect();
        let through = self.bind.map(|device| format!(" through {device}")).unwrap_or_default();
        Failure {
            phase: if has_left && self.question.is_update { Phase::Receive } else { Phase::Connect },
            kind: kind.unwrap_or(FailureKind::Unreachable),
            detail: format!("no answer{through} from {}", reasons.join("; from ")),
        }
    }

    fn now(&self) -> Instant {
        (self.shell.clock)()
    }
}

/// The name servers of resolv.conf(5); without any, this machine.
fn resolvers() -> Vec<IpAddr> {
    let text = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        // An address of a link has its name behind '%', which a socket address of ours has no place for.
        (words.next() == Some("nameserver")).then(|| words.next()?.parse().ok()).flatten()
    });
    let servers: Vec<IpAddr> = servers.take(RESOLVERS_MAX).collect();
    if servers.is_empty() { vec![Ipv4Addr::LOCALHOST.into()] } else { servers }
}

/// MAXNS of resolv.h.
const RESOLVERS_MAX: usize = 3;
