//! A router before the agent's line, as at home behind another one: real NAT, a real miniupnpd on it, real STUN behind it.
//!
//! ```text
//! here                       router                                      isp
//! 192.168.1.2 wan0 ───────── lan0 192.168.1.1   out0 81.2.69.142 ─────── isp0 ── lo: services at 198.51.100.53
//! ```

use std::fs;
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;
use wanbeacon::daemon::clock;
use wanbeacon::daemon::http::{Http, Settings};
use wanbeacon::daemon::outside::{PROTOCOLS, Sounding};
use wanbeacon::engine::Allow;
use wanbeacon::engine::outside::{Means, Probe, Sighting};
use wanbeacon::provider::Family;

use crate::lab::{ip, ip_batch, sh, wait_until};
use crate::laboratory::certificates::Certificates;
use crate::laboratory::echo::Echo;
use crate::laboratory::fault::Mode;
use crate::world::{ISP, ISP6, ip_isp};

/// What the world sees of us over IPv4. miniupnpd does not take a documentation range for a public address; nothing of
/// this leaves the namespaces.
pub(crate) const SEEN: &str = "81.2.69.142";
/// Over IPv6 there is no NAT.
pub(crate) const SEEN6: &str = "2001:db8:1::7";
/// The router, from here.
pub(crate) const ROUTER: &str = "192.168.1.1";
/// The name of [`ISP`] and [`ISP6`], for those who ask the resolver.
pub(crate) const STUN_NAME: &str = "stun.example.test";

/// A line behind a router that has this address outside.
pub(crate) fn behind_router(outside: &str) {
    ip("netns add isp");
    ip("netns add router");
    ip("link add wan0 type veth peer name lan0 netns router");
    ip("-n router link add out0 type veth peer name isp0 netns isp");
    sh("ip netns exec router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; \
        echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'");
    ip_isp(&format!(
        "link set lo up\nlink set isp0 up\naddr add {ISP}/32 dev lo\naddr add {ISP6}/128 dev lo nodad\n\
         addr add fe80::1/64 dev isp0 nodad\nroute add {outside}/32 dev isp0\n\
         route add 2001:db8:1::/64 via fe80::2 dev isp0\n"
    ));
    let router = format!(
        "link set out0 up\nlink set lan0 up\naddr add {outside}/32 dev out0\naddr add fe80::2/64 dev out0 nodad\n\
         addr add {ROUTER}/24 dev lan0\naddr add 2001:db8:1::1/64 dev lan0 nodad\nroute add default dev out0\n\
         route add default via fe80::1 dev out0\n"
    );
    fs::write("/run/router.ip", router).unwrap();
    ip("-n router -batch /run/router.ip");
    ip_batch(&format!(
        "link set wan0 up\naddr add 192.168.1.2/24 dev wan0\naddr add {SEEN6}/64 dev wan0 nodad\n\
         route add default via {ROUTER}\nroute add default via 2001:db8:1::1\n"
    ));
    nft(
        "table inet filter {\n chain forward {\n type filter hook forward priority 0;\n jump UPNP\n }\n chain UPNP {\n }\n}\n\
         table inet nat {\n chain prerouting {\n type nat hook prerouting priority -100;\n jump PRE\n }\n chain PRE {\n }\n \
         chain postrouting {\n type nat hook postrouting priority 100;\n jump POST\n meta nfproto ipv4 oifname out0 masquerade\n }\n \
         chain POST {\n }\n}\n",
    );
}

/// Lets the router drop what matches (nftables' words), in what it forwards and in what is for itself.
pub(crate) fn router_drops(matching: &str) {
    nft(&format!(
        "table inet drops {{\n chain forward {{\n type filter hook forward priority -10;\n {matching} drop\n }}\n \
         chain input {{\n type filter hook input priority -10;\n {matching} drop\n }}\n}}\n"
    ));
}

fn nft(rules: &str) {
    fs::write("/run/rules.nft", rules).unwrap();
    sh("ip netns exec router nft -f /run/rules.nft");
}

/// A process of a test; ends with it.
pub(crate) struct Server {
    child: Child,
    log: std::path::PathBuf,
    _files: TempDir,
}

impl Server {
    /// `FILES` in the command is a directory of its own.
    fn start(namespace: &str, command: &str, files: TempDir, ready: &str) -> Self {
        let log = files.path().join("log");
        let output = fs::File::create(&log).unwrap();
        let command = command.replace("FILES", files.path().to_str().unwrap());
        let mut started = Command::new("ip");
        started.args(["netns", "exec", namespace, "setpriv", "--pdeathsig", "KILL"]).args(command.split(' '));
        started.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        let server = Self { child: started.spawn().unwrap(), log, _files: files };
        wait_until(&format!("{command}: {ready}"), Duration::from_secs(20), || server.log().contains(ready));
        server
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            crate::lab::tell(&self.log());
        }
    }
}

/// miniupnpd on the router, with these lines in its configuration; mappings of our own ports are allowed behind them.
pub(crate) fn miniupnpd(options: &str) -> Server {
    // Without a syslog it writes each line to the console, slowly.
    sh("[ ! -e /dev/console ] || mount --bind /dev/null /dev/console");
    let files = upnp_files(options);
    let ready = if options.contains("enable_natpmp=yes") { "NAT-PMP/PCP traffic" } else { "HTTP listening" };
    Server::start("router", "miniupnpd -d -f FILES/conf -P FILES/pid", files, ready)
}

/// The same, but it says nothing: with tens of thousands of lines about one request, it is too slow to be believed.
pub(crate) fn silent_miniupnpd(options: &str) -> Server {
    let files = upnp_files(options);
    // It puts itself into the background; what is in a namespace of processes ends with the first of them.
    let path = files.path().display();
    let script = format!("miniupnpd -f {path}/conf -P {path}/pid && echo started && sleep 120");
    fs::write(files.path().join("start"), script).unwrap();
    let server =
        Server::start("router", "unshare --pid --fork --kill-child sh FILES/start", files, "started");
    listens("router", 5351);
    server
}

fn upnp_files(options: &str) -> TempDir {
    let files = tempfile::tempdir().unwrap();
    let text = format!(
        "ext_ifname=out0\nlistening_ip=lan0\nhttp_port=5000\nsecure_mode=yes\n\
         uuid=00000000-0000-0000-0000-000000000001\nupnp_table_name=filter\nupnp_nat_table_name=nat\n\
         upnp_forward_chain=UPNP\nupnp_nat_chain=PRE\nupnp_nat_postrouting_chain=POST\n{options}\n\
         allow 1024-65535 192.168.1.0/24 1024-65535\ndeny 0-65535 0.0.0.0/0 0-65535\n"
    );
    fs::write(files.path().join("conf"), text).unwrap();
    files
}

/// Waits until somebody there listens on this UDP port.
fn listens(namespace: &str, port: u16) {
    let shown = format!(":{port:04X} ");
    wait_until(&format!("port {port} is open"), Duration::from_secs(20), || {
        sh(&format!("ip netns exec {namespace} cat /proc/net/udp /proc/net/udp6")).contains(&shown)
    });
}

/// coturn at [`ISP`] and [`ISP6`], port 3478.
pub(crate) fn coturn() -> Server {
    let files = tempfile::tempdir().unwrap();
    let command = format!(
        "turnserver -n --stun-only --no-cli --no-tls --no-dtls --no-tcp -L {ISP} -L {ISP6} -p 3478 \
         --log-file stdout --simple-log --pidfile FILES/pid --userdb FILES/db"
    );
    let server = Server::start("isp", &command, files, "Total General servers");
    listens("isp", 3478);
    server
}

/// So many web services at this address, from port 8001 on, over TLS if there are certificates.
pub(crate) fn echoes(at: &str, count: u16, certificates: Option<&Certificates>) -> Vec<Echo> {
    let (at, tls): (IpAddr, _) = (at.parse().unwrap(), certificates.map(|all| all.config(&Mode::Good)));
    crate::lab::at_isp(move || {
        (1..=count).map(|number| Echo::start((at, 8000 + number).into(), tls.clone()).unwrap()).collect()
    })
}

/// Asks how we are seen, without an agent around it.
pub(crate) struct Asker {
    http: Http,
    pub(crate) web: Vec<String>,
    pub(crate) stun: Vec<String>,
    pub(crate) allow: Allow,
    pub(crate) device: Option<String>,
    pub(crate) ca_file: Option<std::path::PathBuf>,
}

impl Asker {
    /// Through `wan0`.
    pub(crate) fn new(web: &[Echo], stun: &[&str]) -> Self {
        let resolver = |host: &str| match host {
            STUN_NAME => Ok(vec![ISP6.parse().unwrap(), ISP.parse().unwrap()]),
            _ => Err(std::io::Error::other("no such name")),
        };
        let settings =
            Settings { resolver: std::sync::Arc::new(resolver), ..Settings::new(clock::monotonic) };
        Self {
            http: Http::new(settings, |_, _, _| {}),
            web: web.iter().map(Echo::url).collect(),
            stun: stun.iter().map(|server| (*server).to_owned()).collect(),
            allow: Allow::default(),
            device: Some("wan0".to_owned()),
            ca_file: None,
        }
    }

    pub(crate) fn ask(&self, means: Means, family: Family) -> Sighting {
        let (tell, told) = mpsc::channel();
        let probe = Probe { means, family, device: self.device.clone() };
        let services = match means {
            Means::Router => PROTOCOLS.map(str::to_owned).to_vec(),
            Means::Stun => self.stun.clone(),
            Means::Web => self.web.clone(),
        };
        let ca_file = self.ca_file.clone();
        self.http.observe(Sounding { probe, allow: self.allow, services, ca_file }, move |sighting| {
            tell.send(sighting).unwrap();
        });
        let sighting = told.recv_timeout(Duration::from_secs(25)).expect("an answer in time");
        assert!(told.recv().is_err(), "exactly one answer");
        sighting
    }

    /// Asserts that this address is seen.
    pub(crate) fn sees(&self, means: Means, ip: &str) {
        let ip: IpAddr = ip.parse().unwrap();
        assert_eq!(self.ask(means, Family::of(ip)), Ok(ip));
    }

    /// Asserts that no IPv4 address is believed, and that the words why contain these.
    pub(crate) fn sees_nothing(&self, means: Means, words: &[&str]) {
        let why = self.ask(means, Family::V4).unwrap_err();
        crate::lab::tell(&why);
        assert!(words.iter().all(|word| why.contains(word)), "{words:?} in {why}");
    }
}
