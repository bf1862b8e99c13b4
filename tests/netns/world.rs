//! What is around an agent: its WAN line, and at the other end of it providers, their zone and a name server.
//!
//! ```text
//! router (here)                        isp
//! agent ── wan0 ──────── veth ──────── isp0 ── lo: providers at 198.51.100.53 and 2001:db8:53::53
//! ```

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use wanbeacon::provider::Family;

use crate::agent::{Agent, PASSWORD, USER};
use crate::lab::{at_isp, ip, ip_batch, now, tell, wan};
use crate::laboratory::certificates::Certificates;
use crate::laboratory::provider::{Provider, Request, Transport};
use crate::laboratory::zone::Zone;

/// Where providers are, outside of every network of the line.
pub(crate) const ISP: &str = "198.51.100.53";
/// The same over IPv6.
pub(crate) const ISP6: &str = "2001:db8:53::53";
/// As a name, for those with a resolver.
pub(crate) const SERVER: &str = "dyn.example.test";

/// What `record.home` publishes, unless a test says otherwise.
pub(crate) const HOME: &str = "home.example.test";

/// The promise: a request leaves as soon as address and route are there. Measured are 2 to 5 ms; the rest is for the
/// other tests that run on the same cores.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(200);
/// Long enough for everything that is not scheduled.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// A line that is up, without addresses, and a provider behind it.
pub(crate) struct World {
    /// Speaks plain HTTP.
    pub(crate) provider: Provider,
    pub(crate) zone: Zone,
}

impl World {
    pub(crate) fn new() -> Self {
        line();
        let zone = Zone::new(1);
        Self { provider: provider(80, &zone), zone }
    }

    /// Starts an agent whose only record, `home`, has these options beside provider and names.
    pub(crate) fn agent(&self, options: &str) -> Agent {
        Agent::start(&self.record("home", HOME, options))
    }

    /// A record at the provider.
    pub(crate) fn record(&self, name: &str, host: &str, options: &str) -> String {
        record(name, &self.provider.url(), host, options)
    }

    /// Waits until the name has the address, then gives the last request.
    pub(crate) fn published(&self, name: &str, ip: &str) -> Request {
        published(&self.zone, name, ip);
        self.requests().pop().unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.provider.requests()
    }

    /// Asserts that the agent has seen all that happened, has nothing to send, and sends nothing.
    ///
    /// In a storm it looks every 100 ms: later than that it knows what the kernel said before. What it would send then
    /// is due (and at the provider within milliseconds) or scheduled (and told by its status).
    pub(crate) fn nothing_is_sent_after(&self, count: usize, agent: &Agent) {
        std::thread::sleep(Duration::from_millis(300));
        for record in agent.status().records {
            assert!(
                record.names.iter().all(|name| name.state == "idle" || name.state == "parked"),
                "{record:?}"
            );
            assert_eq!(record.next_in_ms, None, "{record:?}");
        }
        let sent = self.requests();
        assert_eq!(sent.len(), count, "{:?}", sent.iter().map(|request| &request.target).collect::<Vec<_>>());
    }
}

/// `wan0` up without addresses, and the isp's end of it.
pub(crate) fn line() {
    wan();
    ip("addr add fe80::2/64 dev wan0 nodad");
    ip("-n isp link set lo up");
    ip_isp(&format!(
        "addr replace {ISP}/32 dev lo\naddr replace {ISP6}/128 dev lo nodad\naddr replace fe80::1/64 dev isp0 nodad\n\
         route replace 203.0.113.0/24 dev isp0\nroute replace 192.0.2.0/24 dev isp0\n\
         route replace 100.64.0.0/10 dev isp0\nroute replace 10.0.0.0/8 dev isp0\n\
         route replace 2001:db8::/40 dev isp0\n"
    ));
}

/// A provider at [`ISP`] that speaks plain HTTP on this port.
pub(crate) fn provider(port: u16, zone: &Zone) -> Provider {
    start(ISP, port, zone, || Transport::Plain)
}

/// Providers at [`ISP`] that speak TLS on these ports, and the certificate of their authority.
pub(crate) fn tls_provider(port: u16, zone: &Zone) -> (Provider, String) {
    let certificates = Certificates::new(&[ISP, SERVER]);
    let pem = certificates.ca_pem().to_owned();
    (start(ISP, port, zone, move || Transport::Tls(certificates)), pem)
}

/// A provider at this address of the isp's.
pub(crate) fn start(
    at: &str,
    port: u16,
    zone: &Zone,
    transport: impl FnOnce() -> Transport + Send + 'static,
) -> Provider {
    let address = SocketAddr::new(at.parse().unwrap(), port);
    let zone = zone.clone();
    let provider = at_isp(move || Provider::start(address, transport(), &zone)).unwrap();
    provider.require_login(USER, PASSWORD);
    provider
}

/// A record at a provider with these names: `"a"` or `"a", "b"`.
pub(crate) fn record(name: &str, url: &str, host: &str, options: &str) -> String {
    let host = host.replace(", ", "\", \"");
    let insecure = if url.starts_with("http:") { "insecure = true\n" } else { "" };
    let allow = if options.contains("allow") { "" } else { "allow = ['documentation']\n" };
    // Where nobody could say who the zone's servers are.
    let verify = if options.contains("verify") { "" } else { "verify = '0s'\n" };
    format!(
        "[record.{name}]\nprovider = 'dyndns2'\nserver = '{url}'\n{insecure}{allow}{verify}user = '{USER}'\n\
         password = '{PASSWORD}'\nhostname = [\"{host}\"]\n{options}\n\n"
    )
}

/// Puts an IPv4 address on `wan0`, and the default route; gives the instant before.
pub(crate) fn dial(address: &str) -> Instant {
    let before = now();
    ip_batch(&format!("addr add {address}/32 dev wan0\nroute replace default dev wan0\n"));
    before
}

/// Replaces one IPv4 address of `wan0` by another one; gives the instant before.
pub(crate) fn renumber(old: &str, new: &str) -> Instant {
    let before = now();
    ip_batch(&format!("addr del {old}/32 dev wan0\naddr add {new}/32 dev wan0\n"));
    ip("route replace default dev wan0");
    before
}

/// Runs one `ip` for many commands at the isp.
pub(crate) fn ip_isp(commands: &str) {
    let commands = commands.to_owned();
    at_isp(move || ip_batch(&commands));
}

/// Waits until the name has the address.
pub(crate) fn published(zone: &Zone, name: &str, ip: &str) {
    let ip: IpAddr = ip.parse().unwrap();
    let key = (name.to_owned(), Family::of(ip));
    let there = zone.wait_for(SOON, |records| records.get(&key) == Some(&ip));
    assert!(there, "{name} has {:?} after {SOON:?}, not {ip}", zone.address(name, Family::of(ip)));
}

/// Asserts that requests left as soon as the line was ready: the median, since other tests run beside this one.
pub(crate) fn at_once(mut delays: Vec<Duration>) {
    delays.sort();
    tell(&format!("from readiness to the connection: {delays:?}"));
    assert!(delays[delays.len() / 2] < AT_ONCE, "{delays:?}");
}
