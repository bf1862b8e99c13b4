//! One request and its reply, redirects included, through ureq.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::http::{self, HeaderValue, Uri};
use zeroize::Zeroizing;

use super::USER_AGENT;
use super::dial::Call;
use super::fault::Fault;
use super::mask::{self, Mask};
use super::ticket::Ticket;
use super::transport::{HEADER_BYTES, NoResolver, Ready, Transport};
use super::wire::Deadline;
use super::worker::Shell;
use crate::engine::{Failure, FailureKind, Phase};
use crate::provider::{Method, Reply, Request, Secret};

/// Performs the requests of one job.
pub(super) struct Sender<'a> {
    pub(super) shell: &'a Shell,
    pub(super) ticket: &'a Arc<Ticket>,
    pub(super) bind: Option<&'a str>,
    pub(super) ca_file: Option<&'a Path>,
    pub(super) secrets: &'a [Secret],
    pub(super) mask: &'a Mask,
    /// How long one request may take.
    pub(super) limit: Duration,
}

impl Sender<'_> {
    /// Any HTTP status is a reply; a redirect too, unless the request wants it followed.
    pub(super) fn perform(&self, request: &Request) -> Result<Reply, Failure> {
        let total = Deadline::new((self.shell.clock)(), self.limit, "no complete answer");
        let mut target = Target::parse(request.url.expose()).map_err(|words| {
            let detail = format!("{} cannot be requested: {words}", request.shown);
            Failure { phase: Phase::Resolve, kind: FailureKind::Protocol, detail }
        })?;
        for _ in 0..=REDIRECTS_MAX {
            let reply = self.send(request, &target, total)?;
            match self.redirect(request, &target, &reply)? {
                Some(next) => target = next,
                None => return Ok(reply),
            }
        }
        Err(self.not_followed(&format!("more than {REDIRECTS_MAX} redirects in a row")))
    }

    fn send(&self, request: &Request, target: &Target, total: Deadline) -> Result<Reply, Failure> {
        let call = Call {
            shell: self.shell,
            ticket: self.ticket,
            host: &target.host,
            port: target.port,
            tls: target.tls,
            family: request.family,
            bind: self.bind,
            ca_file: self.ca_file,
            total,
        };
        let head = head(request, target).map_err(|words| {
            let detail = format!("{} cannot be requested: {words}", request.shown);
            Failure { phase: Phase::Resolve, kind: FailureKind::Protocol, detail }
        })?;
        let stream = call.dial()?;
        let agent = agent(Transport::new(stream, self.shell.limits.first_byte, total));
        let result = match (request.method, &request.body) {
            (Method::Get, _) | (Method::Delete, None) => agent.run(head.map(|()| ())),
            (Method::Post | Method::Put | Method::Patch, None) => agent.run(head.map(|()| "")),
            (Method::Delete | Method::Post | Method::Put | Method::Patch, Some(body)) => {
                agent.run(head.map(|()| body.expose()))
            }
        };
        result.map_err(Fault::of_ureq).and_then(|response| self.read(response)).map_err(|fault| {
            let phase = self.ticket.phase();
            let mut whom = target.host.clone();
            self.ticket.note(|exchange| whom = exchange.endpoint.map_or(whom.clone(), |at| call.shown(at)));
            let detail = match phase {
                Phase::Receive => format!("no valid answer from {whom}: {}", fault.words),
                Phase::Connect | Phase::Resolve | Phase::Send | Phase::Tls => {
                    format!("could not send the request to {whom}: {}", fault.words)
                }
            };
            Failure { phase, kind: fault.kind, detail }
        })
    }

    fn read(&self, response: http::Response<ureq::Body>) -> Result<Reply, Fault> {
        let (parts, body) = response.into_parts();
        let status = parts.status.as_u16();
        self.ticket.note(|exchange| exchange.status = Some(status));
        let limit = self.shell.limits.body_bytes;
        let mut bytes = Vec::new();
        let room = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        body.into_reader().take(room).read_to_end(&mut bytes).map_err(Fault::of_io)?;
        let body = String::from_utf8_lossy(&bytes);
        self.ticket.answered((self.shell.clock)(), status, self.mask.words(&body));
        if bytes.len() > limit {
            return Err(Fault::new(
                FailureKind::TooLong,
                format!("the answer is longer than {} KiB", limit / 1024),
            ));
        }
        let field = |(name, value): (&http::HeaderName, &HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok(Reply { status, headers: parts.headers.iter().map(field).collect(), body: body.into_owned() })
    }

    /// Where to go on; `None`: this reply is the answer.
    fn redirect(&self, request: &Request, from: &Target, reply: &Reply) -> Result<Option<Target>, Failure> {
        let repeatable = match reply.status {
            // Browsers would make a GET of these; an update that silently becomes a GET is none.
            301..=303 => request.method == Method::Get,
            307 | 308 => true,
            _ => false,
        };
        let location = reply.headers.iter().find(|(name, _)| name == "location").map(|(_, value)| value);
        let Some(location) = location.filter(|_| request.follow_redirects && repeatable) else {
            return Ok(None);
        };
        let to = from.resolve(location).map_err(|words| self.not_followed(&words))?;
        if from.tls && !to.tls {
            return Err(self.not_followed(&format!("redirected from https to plain http ({})", to.host)));
        }
        if !from.same_server(&to) && self.has_credentials(request) {
            let words = format!("redirected to {}:{}, which must not see the credentials", to.host, to.port);
            return Err(self.not_followed(&words));
        }
        Ok(Some(to))
    }

    fn has_credentials(&self, request: &Request) -> bool {
        let holds = |text: &Secret| {
            self.secrets.iter().any(|secret| !secret.is_empty() && text.expose().contains(secret.expose()))
        };
        mask::credentials(request).next().is_some()
            || request.shown != request.url.expose()
            || holds(&request.url)
            || request.body.as_ref().is_some_and(|body| !body.is_empty())
    }

    fn not_followed(&self, words: &str) -> Failure {
        let detail = format!("redirect not followed: {words}");
        Failure { phase: Phase::Receive, kind: FailureKind::Protocol, detail }
    }
}

/// A URL, taken apart.
struct Target {
    uri: Uri,
    tls: bool,
    host: String,
    port: u16,
}

impl Target {
    fn parse(url: &str) -> Result<Self, String> {
        let url = url.split('#').next().unwrap_or_default();
        let uri: Uri = url.parse().map_err(|_| "not a valid URL".to_owned())?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) | None => return Err("not an http or https URL".to_owned()),
        };
        let authority = uri.authority().ok_or("no host in the URL")?;
        if authority.as_str().contains('@') {
            return Err("user and password do not belong into the URL".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err("no host in the URL".to_owned());
        }
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port, uri })
    }

    /// RFC 3986 section 5.2, without dot segments: a server understands them as well as we do.
    fn resolve(&self, location: &str) -> Result<Self, String> {
        let (scheme, authority) = (self.uri.scheme_str(), self.uri.authority());
        let (scheme, authority) =
            (scheme.unwrap_or_default(), authority.map_or("", |authority| authority.as_str()));
        let path = self.uri.path();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        // A colon in the first segment can only end a scheme.
        let absolute = location.split(['/', '?']).next().is_some_and(|segment| segment.contains(':'));
        let url = Zeroizing::new(if absolute {
            location.to_owned()
        } else if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if location.starts_with('/') {
            format!("{scheme}://{authority}{location}")
        } else if location.starts_with('?') {
            format!("{scheme}://{authority}{path}{location}")
        } else {
            format!("{scheme}://{authority}{folder}/{location}")
        });
        Self::parse(&url).map_err(|words| format!("the redirect's target is {words}"))
    }

    /// The same name and port; from http to https the ports are those of the schemes.
    fn same_server(&self, other: &Self) -> bool {
        let upgraded = !self.tls && other.tls && (self.port, other.port) == (80, 443);
        self.host == other.host && (self.port == other.port && self.tls == other.tls || upgraded)
    }
}

fn head(request: &Request, target: &Target) -> Result<http::Request<()>, String> {
    let mut head = http::Request::builder().method(request.method.name()).uri(target.uri.clone());
    for (name, value) in &request.headers {
        let mut value =
            HeaderValue::from_str(value.expose()).map_err(|_| format!("header {name} is not valid"))?;
        value.set_sensitive(true);
        head = head.header(name.as_str(), value);
    }
    head.header(http::header::CONNECTION, "close").body(()).map_err(|_| "a header is not valid".to_owned())
}

/// An agent for one request over one connection: whatever ureq could decide by itself is switched off.
fn agent(transport: Transport) -> Agent {
    let config = Agent::config_builder()
        .accept("*/*")
        .accept_encoding("identity")
        .http_status_as_error(false)
        .max_idle_connections(0)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_response_header_size(HEADER_BYTES)
        .proxy(None)
        .user_agent(USER_AGENT)
        .build();
    Agent::with_parts(config, Ready::new(transport), NoResolver)
}

/// Redirects in a row that are followed.
const REDIRECTS_MAX: usize = 3;
