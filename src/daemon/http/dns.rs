//! Performs the questions of a provider that speaks DNS: over UDP, repeated while nobody answers, and over TCP.
//!
//! A question that changes nothing leaves without asking its ticket, so that its job can still be withdrawn; an update
//! leaves only if the ticket lets it, as a request does.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, MutexGuard, PoisonError};

use super::connect::{Attempt, Manner, connect};
use super::datagram::{Datagrams, open};
use super::endpoints::{Endpoints, Lookup, candidates};
use super::fault::Fault;
use super::mask::Mask;
use super::ticket::{Ticket, millis};
use super::wire::{Deadline, Wire};
use super::worker::{STEPS_MAX, Shell, failed};
use super::{Inquiry, Limits};
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
        let (bind, limits) = (bind.as_deref(), &shell.limits);
        let sender = Sender { shell, ticket, bind, question: &next, limits, keeps: true };
        let outcome = match sender.perform() {
            Ok((message, _)) => match advance(&message) {
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
pub(super) struct Sender<'a> {
    pub(super) shell: &'a Shell,
    pub(super) ticket: &'a Arc<Ticket>,
    pub(super) bind: Option<&'a str>,
    pub(super) question: &'a Question,
    pub(super) limits: &'a Limits,
    /// Whether the addresses of the server are remembered for the next time.
    pub(super) keeps: bool,
}

impl Sender<'_> {
    /// The answer's message, and who sent it.
    pub(super) fn perform(&self) -> Result<(Vec<u8>, SocketAddr), Failure> {
        self.ticket.enter(Phase::Resolve);
        let began = self.now();
        let total = Deadline::new(began, self.limits.total, "no complete answer");
        match &self.question.server {
            NameServer::Host { host, .. } => match host.parse() {
                Ok(ip) => self.exchange(&[ip], began, total),
                Err(_) => self.exchange_by_name(host, began, total),
            },
            NameServer::Resolver => self.exchange(&resolvers(), began, total),
        }
    }

    /// With the resolver's addresses, or with remembered ones if it fails or thinks for long.
    fn exchange_by_name(
        &self,
        host: &str,
        began: Instant,
        total: Deadline,
    ) -> Result<(Vec<u8>, SocketAddr), Failure> {
        let shell = self.shell;
        let within = |limit| Deadline::new(began, limit, "no answer from the resolver").or_sooner(total);
        let limit = within(self.limits.resolve);
        let known = if self.keeps { self.endpoints().of(host).to_vec() } else { Vec::new() };
        let patience = match known.is_empty() {
            true => limit,
            false => within(self.limits.patience).or_sooner(limit),
        };
        let lookup = Lookup::start(host, &shell.resolver, &shell.lookups, self.ticket, shell.clock);
        let (addresses, is_silent) = match lookup.wait(patience) {
            Ok(Some(addresses)) => (addresses, false),
            Ok(None) if known.is_empty() => return Err(unresolved(host, &limit.fault())),
            Err(fault) if known.is_empty() || self.ticket.ended() => return Err(unresolved(host, &fault)),
            Ok(None) => (known, true),
            Err(_) => (known, false),
        };
        let remember = |server: IpAddr, addresses: &[IpAddr]| {
            if self.keeps {
                self.endpoints().remember(host, server, addresses);
            }
        };
        let failure = match self.exchange(&addresses, began, total) {
            Ok((message, server)) => {
                remember(server.ip(), &addresses);
                return Ok((message, server));
            }
            Err(failure) if !is_silent => return Err(failure),
            Err(failure) => failure,
        };
        // What was remembered may be outdated; perhaps the resolver knows better by now.
        match lookup.wait(limit) {
            Ok(Some(fresh)) if fresh.iter().any(|ip| !addresses.contains(ip)) => {
                let (message, server) = self.exchange(&fresh, began, total)?;
                remember(server.ip(), &fresh);
                Ok((message, server))
            }
            Ok(_) | Err(_) => Err(failure),
        }
    }

    fn exchange(
        &self,
        addresses: &[IpAddr],
        began: Instant,
        total: Deadline,
    ) -> Result<(Vec<u8>, SocketAddr), Failure> {
        let port = match self.question.server {
            NameServer::Host { port, .. } => port,
            NameServer::Resolver => DNS_PORT,
        };
        let servers = candidates(addresses, port, None);
        let resolved = self.now();
        self.ticket.enter(Phase::Connect);
        self.ticket.note(|exchange| {
            exchange.resolve_ms = millis(resolved.since(began));
            exchange.endpoint = servers.first().copied();
        });
        let fits = self.question.message.len() <= DATAGRAM_MAX;
        let (message, server) = match self.question.transport {
            DnsTransport::Udp if fits => match self.datagrams(&servers, total)? {
                // The whole answer is had by asking again (RFC 2181 section 9). What an update changes it has changed.
                (message, server) if is_truncated(&message) => {
                    let phase = |phase| if self.question.is_update { Phase::Receive } else { phase };
                    let again = self.stream(&[server], total);
                    again.map_err(|failure| Failure { phase: phase(failure.phase), ..failure })?
                }
                answered => answered,
            },
            DnsTransport::Tcp | DnsTransport::Udp => self.stream(&servers, total)?,
        };
        self.ticket.note(|exchange| exchange.endpoint = Some(server));
        self.ticket.answered(self.now(), None, rcode(&message).to_owned());
        Ok((message, server))
    }

    fn datagrams(&self, servers: &[SocketAddr], total: Deadline) -> Result<(Vec<u8>, SocketAddr), Failure> {
        let limits = self.limits;
        let deadline = Deadline::new(self.now(), limits.first_byte, "no answer").or_sooner(total);
        let datagrams =
            Datagrams { ticket: self.ticket, clock: self.shell.clock, stagger: limits.stagger, deadline };
        self.leave()?;
        let answered =
            datagrams.exchange(self.question, servers, |server| open(server, self.bind()), || self.left());
        answered.map_err(|(attempts, has_left)| self.unanswered(&attempts, has_left))
    }

    /// Over one TCP connection: each message behind its length in two octets (RFC 1035 section 4.2.2).
    fn stream(&self, servers: &[SocketAddr], total: Deadline) -> Result<(Vec<u8>, SocketAddr), Failure> {
        let (shell, began) = (self.shell, self.now());
        let manner = Manner {
            clock: shell.clock,
            ticket: self.ticket,
            bind: self.bind(),
            stagger: self.limits.stagger,
            deadline: Deadline::new(began, self.limits.connect, "no answer").or_sooner(total),
        };
        let connected = connect(servers, &manner);
        let (stream, server) = connected.map_err(|attempts| self.unanswered(&attempts, false))?;
        let now = self.now();
        self.ticket.note(|exchange| exchange.connect_ms = millis(now.since(began)));
        self.leave()?;
        let deadline = Deadline::new(now, self.limits.first_byte, "no answer").or_sooner(total);
        let mut wire = Wire::new(stream, shell.clock, Arc::clone(self.ticket), deadline);
        let message = self.speak(&mut wire).map_err(|error| {
            let attempt = Attempt { address: server, fault: Fault::of_io(error) };
            self.unanswered(&[attempt], self.question.is_update)
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
            return Err(self.unanswered(&[], false));
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
    fn unanswered(&self, attempts: &[Attempt], has_left: bool) -> Failure {
        // A server that refuses, or is silent, tells more than an address family that this line does not have.
        let weight = |attempt: &&Attempt| attempt.fault.kind == FailureKind::Unreachable;
        let kind = attempts.iter().min_by_key(weight).map(|attempt| attempt.fault.kind);
        let reasons: Vec<String> =
            attempts.iter().map(|attempt| format!("{}: {}", attempt.address, attempt.fault.words)).collect();
        let through = self.bind().map(|device| format!(" through {device}")).unwrap_or_default();
        Failure {
            phase: if has_left && self.question.is_update { Phase::Receive } else { Phase::Connect },
            kind: kind.unwrap_or(FailureKind::Unreachable),
            detail: format!("no answer{through} from {}", reasons.join("; from ")),
        }
    }

    /// The resolver is often on this machine, where no device leads.
    fn bind(&self) -> Option<&str> {
        self.bind.filter(|_| self.question.server != NameServer::Resolver)
    }

    fn endpoints(&self) -> MutexGuard<'_, Endpoints> {
        self.shell.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        (self.shell.clock)()
    }
}

fn unresolved(host: &str, fault: &Fault) -> Failure {
    let detail = format!("could not resolve {host}: {}", fault.words);
    Failure { phase: Phase::Resolve, kind: fault.kind, detail }
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
