//! From a host to a connection that may be spoken through: resolve, connect, TLS.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, MutexGuard, PoisonError};

use rustls::ClientConfig;

use super::connect::{Attempt, Manner, connect};
use super::endpoints::{Endpoints, Lookup, candidates};
use super::fault::Fault;
use super::ticket::{Ticket, millis};
use super::tls;
use super::transport::Stream;
use super::wire::{Deadline, Wire};
use super::worker::Shell;
use crate::engine::{Failure, FailureKind, Instant, Phase};
use crate::provider::Family;

/// Whom to call, and how.
pub(super) struct Call<'a> {
    pub(super) shell: &'a Shell,
    pub(super) ticket: &'a Arc<Ticket>,
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) family: Option<Family>,
    pub(super) bind: Option<&'a str>,
    pub(super) ca_file: Option<&'a Path>,
    /// For the whole request.
    pub(super) total: Deadline,
}

type Connected = (TcpStream, SocketAddr);

impl Call<'_> {
    /// Comes back with a stream on which nothing of HTTP has been written.
    pub(super) fn dial(&self) -> Result<Stream, Failure> {
        self.ticket.enter(Phase::Resolve);
        let began = self.now();
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            let trust = self.trust()?;
            let connected = self.connect(&[ip], began)?;
            return self.secure(connected, trust);
        }
        let shell = self.shell;
        let lookup = Lookup::start(self.host, &shell.resolver, &shell.lookups, self.ticket, shell.clock);
        // The first time the bundle is read, and the resolver has work too.
        let trust = self.trust()?;
        let (addresses, connected) = self.reach(&lookup, began)?;
        let good = connected.1.ip();
        let stream = self.secure(connected, trust)?;
        self.endpoints().remember(self.host, good, &addresses);
        Ok(stream)
    }

    /// The resolver's addresses, or remembered ones if it fails or thinks for long; and the connection to one.
    fn reach(&self, lookup: &Lookup, began: Instant) -> Result<(Vec<IpAddr>, Connected), Failure> {
        let limits = &self.shell.limits;
        let limit = Deadline::new(began, limits.resolve, "no answer from the resolver").or_sooner(self.total);
        let known = self.endpoints().of(self.host).to_vec();
        let patience = match known.is_empty() {
            true => limit,
            false => Deadline::new(began, limits.patience, "no answer from the resolver").or_sooner(limit),
        };
        let silent = match lookup.wait(patience) {
            Ok(Some(addresses)) => {
                let connected = self.connect(&addresses, began)?;
                return Ok((addresses, connected));
            }
            Ok(None) if known.is_empty() => return Err(self.unresolved(&limit.fault())),
            Err(fault) if known.is_empty() || self.ticket.ended() => return Err(self.unresolved(&fault)),
            Ok(None) => true,
            Err(_) => false,
        };
        let failure = match self.connect(&known, began) {
            Ok(connected) => return Ok((known, connected)),
            Err(failure) => failure,
        };
        // A resolver that has failed says nothing more: waiting for it would cost the time in which the route comes.
        if !silent {
            return Err(failure);
        }
        // What was remembered is outdated; perhaps the resolver knows better by now.
        self.ticket.enter(Phase::Resolve);
        match lookup.wait(limit) {
            Ok(Some(addresses)) if addresses.iter().any(|ip| !known.contains(ip)) => {
                let connected = self.connect(&addresses, began)?;
                Ok((addresses, connected))
            }
            Ok(_) | Err(_) => Err(failure),
        }
    }

    fn connect(&self, addresses: &[IpAddr], began: Instant) -> Result<Connected, Failure> {
        let candidates = candidates(addresses, self.port, self.family);
        if candidates.is_empty() {
            let family = self.family.map(|family| format!("{family} ")).unwrap_or_default();
            return Err(self.unresolved(&Fault::new(
                FailureKind::Unresolved,
                format!("the name has no {family}address"),
            )));
        }
        self.ticket.enter(Phase::Connect);
        let resolved = self.now();
        self.ticket.note(|exchange| {
            exchange.resolve_ms = millis(resolved.since(began));
            exchange.endpoint = candidates.first().copied();
        });
        let limits = &self.shell.limits;
        let manner = Manner {
            clock: self.shell.clock,
            ticket: self.ticket,
            bind: self.bind,
            stagger: limits.stagger,
            deadline: Deadline::new(resolved, limits.connect, "no answer").or_sooner(self.total),
        };
        let connected = connect(&candidates, &manner).map_err(|attempts| self.unconnected(attempts))?;
        let now = self.now();
        self.ticket.note(|exchange| {
            exchange.connect_ms = millis(now.since(resolved));
            exchange.endpoint = Some(connected.1);
        });
        Ok(connected)
    }

    fn secure(
        &self,
        (stream, address): Connected,
        trust: Option<Arc<ClientConfig>>,
    ) -> Result<Stream, Failure> {
        let began = self.now();
        let deadline = Deadline::new(began, self.shell.limits.tls, "the handshake was not finished")
            .or_sooner(self.total);
        let wire = Wire::new(stream, self.shell.clock, Arc::clone(self.ticket), deadline);
        let Some(trust) = trust else {
            return Ok(Stream::Plain(wire));
        };
        self.ticket.enter(Phase::Tls);
        let stream = tls::handshake(trust, self.host, wire).map_err(|fault| {
            let detail =
                format!("could not secure the connection to {}: {}", self.shown(address), fault.words);
            Failure { phase: Phase::Tls, kind: fault.kind, detail }
        })?;
        let now = self.now();
        self.ticket.note(|exchange| exchange.tls_ms = millis(now.since(began)));
        Ok(Stream::Tls(Box::new(stream)))
    }

    /// The configuration for TLS, `None` for plain HTTP.
    fn trust(&self) -> Result<Option<Arc<ClientConfig>>, Failure> {
        if !self.tls {
            return Ok(None);
        }
        let config = self.shell.trust.config(self.ca_file).map_err(|words| {
            let detail = format!("could not verify {}: {words}", self.host);
            Failure { phase: Phase::Tls, kind: FailureKind::CertificateRejected, detail }
        })?;
        Ok(Some(config))
    }

    fn unresolved(&self, fault: &Fault) -> Failure {
        let detail = format!("could not resolve {}: {}", self.host, fault.words);
        Failure { phase: Phase::Resolve, kind: FailureKind::Unresolved, detail }
    }

    fn unconnected(&self, attempts: Vec<Attempt>) -> Failure {
        // A host that refuses, or is silent, tells more than an address family that this line does not have.
        let weight = |attempt: &Attempt| attempt.fault.kind == FailureKind::Unreachable;
        let kind = attempts.iter().min_by_key(|attempt| weight(attempt)).map(|attempt| attempt.fault.kind);
        let reasons: Vec<_> = attempts
            .into_iter()
            .map(|attempt| format!("{}: {}", self.shown(attempt.address), attempt.fault.words))
            .collect();
        let through = self.bind.map(|device| format!(" through {device}")).unwrap_or_default();
        let detail = format!("could not connect{through} to {}", reasons.join("; to "));
        Failure { phase: Phase::Connect, kind: kind.unwrap_or(FailureKind::Unreachable), detail }
    }

    pub(super) fn shown(&self, address: SocketAddr) -> String {
        match self.host.parse::<IpAddr>() {
            Ok(_) => address.to_string(),
            Err(_) => format!("{} ({address})", self.host),
        }
    }

    fn endpoints(&self) -> MutexGuard<'_, Endpoints> {
        self.shell.endpoints.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        (self.shell.clock)()
    }
}
