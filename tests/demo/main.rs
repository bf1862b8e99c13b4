//! `cargo run --release --example demo`: the agent, a WAN line and a provider in a box, with a timeline.
//!
//! ```text
//!   router namespace                            ISP namespace
//!   agent ── wan0 203.0.113.x ──── veth ──── 100.64.0.1 isp0
//!            2001:db8:x::/64                 198.51.100.53:8443 provider (TLS) ─▶ zone ◀─ name server :53
//! ```
//!
//! Needs cargo and Linux: no root where unprivileged user namespaces are allowed, no `ip`, no network. Everything but
//! the line is real: the kernel's notifications, the agent (this program executes itself a second time for it), its
//! HTTP client and TLS, the name server's answers. Exits 0 only if each name has the right address at the end.
//!
//! Options: `--agent PROGRAM` runs that program in place of the built-in agent; `--verbose` shows the agent's log.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "measures real time, runs a child process, and has nobody to report an impossible failure to"
)]

mod agent;
#[path = "../lab/mod.rs"]
mod lab;
mod line;
mod timeline;

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use agent::Agent;
use lab::certificates::Certificates;
use lab::dns::Dns;
use lab::namespace;
use lab::provider::{Provider, Request, Transport};
use lab::query::resolve;
use lab::zone::Zone;
use line::Line;
use timeline::{Row, Timeline};
use wanbeacon::provider::Family;

/// The provider's address, outside every network of the line.
const PROVIDER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 53);
/// How long anything may take before it counts as missed.
const LIMIT: Duration = Duration::from_secs(3);
/// How long the provider is watched when nothing must be sent.
const QUIET: Duration = Duration::from_secs(1);
/// How long the line is away: what pppd needs (measured: 0.4 to 2 s), and more than the 1.25 s in which the provider's
/// catalogue entry allows five requests. Nights that are closer together would show the pacing and not the reaction.
const REDIAL: Duration = Duration::from_millis(1300);
/// Has both families.
const HOME: &str = "home.example.test";
/// Has IPv6 only, as a machine behind the router does.
const NAS: &str = "nas.example.test";

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    if let Some((first, rest)) = arguments.split_first() {
        if first == "agent" {
            return agent::main(rest);
        }
    }
    match demonstrate(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // A closed pipe: nobody is listening.
            let _ = writeln!(std::io::stderr(), "demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demonstrate(arguments: &[String]) -> Result<bool, Box<dyn Error>> {
    let option = |name: &str| arguments.iter().position(|argument| argument == name);
    let program = option("--agent").and_then(|at| arguments.get(at + 1)).map(String::as_str);
    namespace::become_root()?;
    let mut demo = Demo::new(program, option("--verbose").is_some())?;
    let lived = demo.nights();
    if lived.is_err() || !demo.timeline.all_right() || demo.verbose {
        demo.timeline.quote("the agent's log", &demo.log())?;
    }
    lived?;
    let right = demo.right_at_the_end()?;
    demo.timeline.table()?;
    Ok(right && demo.timeline.all_right())
}

struct Demo {
    line: Line,
    provider: Provider,
    dns: Dns,
    zone: Zone,
    ca_pem: String,
    program: Option<String>,
    agent: Option<Agent>,
    timeline: Timeline,
    verbose: bool,
}

impl Demo {
    fn new(program: Option<&str>, verbose: bool) -> Result<Self, Box<dyn Error>> {
        let line = Line::new(PROVIDER)?;
        let zone = Zone::new(1);
        let certificates = Certificates::new(&[&PROVIDER.to_string()]);
        let ca_pem = certificates.ca_pem().to_owned();
        let (provider, dns) = line.isp().within(|| -> std::io::Result<_> {
            let provider =
                Provider::start(SocketAddr::from((PROVIDER, 8443)), Transport::Tls(certificates), &zone)?;
            Ok((provider, Dns::start(SocketAddr::from((PROVIDER, 53)), &zone)?))
        })??;
        provider.require_login(agent::USER, agent::PASSWORD);
        let (timeline, program) = (Timeline::new(), program.map(str::to_owned));
        Ok(Self { line, provider, dns, zone, ca_pem, program, agent: None, timeline, verbose })
    }

    /// The story: a start, reconnects, one that changes nothing, a prefix that is replaced.
    fn nights(&mut self) -> Result<(), Box<dyn Error>> {
        self.timeline.title("The agent starts on a line that is up")?;
        let (mut ipv4, mut ipv6) = addresses(10);
        self.line.dial(ipv4, ipv6)?;
        let begin = Instant::now();
        let program = self.program.as_deref();
        self.agent = Some(Agent::start(program, self.line.router(), &self.provider.url(), &self.ca_pem)?);
        self.timeline.event(begin, "line", &self.line.describe(ipv4, ipv6)?)?;
        self.expect(
            "start",
            &[(HOME, ipv4.into(), begin), (HOME, ipv6.into(), begin), (NAS, ipv6.into(), begin)],
        )?;

        for night in 11..=14 {
            self.timeline.title(&format!(
                "Night {}: the provider of the line disconnects, pppd dials in",
                night - 10
            ))?;
            (ipv4, ipv6) = addresses(night);
            let (at4, at6) = self.reconnect(ipv4, ipv6)?;
            let step = format!("reconnect {}", night - 10);
            self.expect(
                &step,
                &[(HOME, ipv4.into(), at4), (HOME, ipv6.into(), at6), (NAS, ipv6.into(), at6)],
            )?;
        }

        self.timeline.title("Night 5: the same addresses come back, so nothing may be sent")?;
        let before = self.provider.requests().len();
        self.reconnect(ipv4, ipv6)?;
        let sent = self.provider.wait_for(QUIET, |requests| requests.len() > before);
        let seen = if sent { "a request that changes nothing" } else { "no request" };
        self.timeline.event(Instant::now(), "quiet", &format!("{seen} in {} s", QUIET.as_secs()))?;
        self.timeline.row(Row {
            step: "same again".to_owned(),
            what: seen.to_owned(),
            right: !sent,
            ..Row::default()
        });

        self.timeline.title("The ISP announces a new IPv6 prefix; the old one is deprecated, but stays")?;
        let (_, new) = addresses(15);
        let at = self.line.renumber(ipv6, new)?;
        self.timeline.event(at, "line", &format!("wan0: {new} is new, {ipv6} deprecated"))?;
        self.expect("new prefix", &[(HOME, new.into(), at), (NAS, new.into(), at)])
    }

    fn reconnect(&mut self, ipv4: Ipv4Addr, ipv6: Ipv6Addr) -> Result<(Instant, Instant), Box<dyn Error>> {
        self.line.hang_up()?;
        self.timeline.event(Instant::now(), "line", "wan0 is gone")?;
        std::thread::sleep(REDIAL);
        let usable = self.line.dial(ipv4, ipv6)?;
        self.timeline.event(usable.0, "line", &self.line.describe(ipv4, ipv6)?)?;
        Ok(usable)
    }

    /// Waits until each name has its address, and shows the way there; the instants say since when it was usable.
    fn expect(&mut self, step: &str, wanted: &[(&str, IpAddr, Instant)]) -> Result<(), Box<dyn Error>> {
        let mut shown: Vec<Instant> = Vec::new();
        for &(name, ip, usable) in wanted {
            let family = Family::of(ip);
            let arrived =
                self.zone.wait_for(LIMIT, |records| records.get(&(name.to_owned(), family)) == Some(&ip));
            let answers = self.ask(name, ip)?;
            let now = Instant::now();
            let right = arrived && answers == [ip];
            let request = self.request(name, ip);
            if let Some(request) = request.filter(|request| !shown.contains(&request.arrived)) {
                shown.push(request.arrived);
                self.show(&request, usable)?;
            }
            let kind = if ip.is_ipv4() { "A   " } else { "AAAA" };
            let what =
                if right { format!("{name} {kind} {ip}") } else { format!("{name} {kind} is NOT {ip}") };
            self.timeline.after(now, usable, "name", &what)?;
            self.timeline.row(Row {
                step: step.to_owned(),
                what: format!("{name} {kind} {ip}"),
                request: self
                    .request(name, ip)
                    .map(|request| request.arrived.saturating_duration_since(usable)),
                name: right.then(|| now.duration_since(usable)),
                right,
            });
            if !right {
                let agent = self.agent.as_mut().expect("an agent that was started");
                if let Some(status) = agent.ended() {
                    return Err(format!("the agent has ended: {status}").into());
                }
            }
        }
        Ok(())
    }

    fn show(&mut self, request: &Request, usable: Instant) -> std::io::Result<()> {
        let told = request.target.split_once('?').map_or("", |(_, query)| query);
        self.timeline.after(request.arrived, usable, "request", told)?;
        let answered = request.finished.unwrap_or(request.arrived);
        self.timeline.after(answered, usable, "answer", &request.answer)
    }

    /// The first request that told this name's new address, once it is answered; every night has addresses of its own.
    fn request(&self, name: &str, ip: IpAddr) -> Option<Request> {
        let tells = |request: &&Request| {
            request.finished.is_some()
                && request.update.addresses.contains(&ip)
                && request.update.names.iter().any(|told| told == name)
        };
        // The zone is written a moment before the answer leaves.
        self.provider
            .wait_for(Duration::from_millis(100), |requests| requests.iter().any(|request| tells(&request)));
        self.provider.requests().iter().find(tells).cloned()
    }

    /// Asks for every name once more, long after the last update.
    fn right_at_the_end(&mut self) -> Result<bool, Box<dyn Error>> {
        let (ipv4, _) = addresses(14);
        let (_, ipv6) = addresses(15);
        let mut right = true;
        for (name, ip) in [(HOME, IpAddr::from(ipv4)), (HOME, ipv6.into()), (NAS, ipv6.into())] {
            right &= self.ask(name, ip)? == [ip];
        }
        Ok(right)
    }

    /// Asks the name server, where it lives, for the record that should hold this address.
    fn ask(&self, name: &str, ip: IpAddr) -> std::io::Result<Vec<IpAddr>> {
        self.line.isp().within(|| resolve(self.dns.address(), name, Family::of(ip), LIMIT))?
    }

    fn log(&self) -> String {
        self.agent.as_ref().map(Agent::log).unwrap_or_default()
    }
}

/// The addresses of one night: documentation ranges (RFC 5737, RFC 3849).
fn addresses(night: u8) -> (Ipv4Addr, Ipv6Addr) {
    (Ipv4Addr::new(203, 0, 113, night), Ipv6Addr::new(0x2001, 0xdb8, u16::from(night), 0, 0, 0, 0, 1))
}
