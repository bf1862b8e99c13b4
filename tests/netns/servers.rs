//! Name servers of the distribution at the other end of the line: BIND and Knot DNS, each with addresses of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use wanbeacon::provider::Family;

use crate::lab::{at_isp, now, sh};
use crate::laboratory::query;
use crate::world::{ISP, ip_isp};

/// The key that may change `example.test` at BIND, and its secret.
pub(crate) const KEY: &str = "router";
pub(crate) const SECRET: &str = "d2FuYmVhY29uIHRlc3RzIG5lZWQgYSBzZWNyZXQuIQ==";

/// The second server of the zone, and the resolver of this machine, where they are not the first.
pub(crate) const SECOND_SERVER: &str = "198.51.100.54";
pub(crate) const RESOLVER: &str = "198.51.100.55";

/// A running server; ends when it is dropped.
pub(crate) struct Server(Child, TempDir);

impl Server {
    /// BIND at this address with this text for `example.test`, which the key may change, and who is at this address.
    pub(crate) fn bind(at: &str, zone: &str) -> Self {
        Self::bind_of("example.test", at, zone, "")
    }

    /// The same for another zone, and with more options.
    pub(crate) fn bind_of(name: &str, at: &str, zone: &str, options: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let path = files.path().display();
        fs::write(files.path().join("zone"), zone).unwrap();
        let text = format!(
            "options {{ directory \"{path}\"; pid-file \"{path}/pid\"; session-keyfile \"{path}/session.key\"; \
             listen-on {{ {at}; }}; listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; notify no; \
             {options} }};\ncontrols {{ }};\nkey \"{KEY}\" {{ algorithm hmac-sha256; secret \"{SECRET}\"; }};\n\
             zone \"{name}\" {{ type primary; file \"zone\"; \
             allow-update {{ key {KEY}; {at}; }}; }};\n"
        );
        fs::write(files.path().join("named.conf"), text).unwrap();
        let config = files.path().join("named.conf");
        Self::start(files, "named -g -n 1 -c", &config, at)
    }

    /// Knot DNS at this address with this text for `example.test`.
    pub(crate) fn knot(at: &str, zone: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let path = files.path().display();
        fs::write(files.path().join("example.test.zone"), zone).unwrap();
        let text = format!(
            "server:\n  listen: {at}@53\n  rundir: {path}\n  udp-workers: 1\n  tcp-workers: 1\n\
             database:\n  storage: {path}\ntemplate:\n  - id: default\n    storage: {path}\n\
             zone:\n  - domain: example.test\n"
        );
        fs::write(files.path().join("knot.conf"), text).unwrap();
        let config = files.path().join("knot.conf");
        Self::start(files, "knotd -c", &config, at)
    }

    fn start(files: TempDir, command: &str, config: &Path, at: &str) -> Self {
        ip_isp(&format!("addr replace {at}/32 dev lo\n"));
        let log = fs::File::create(files.path().join("log")).unwrap();
        let mut words = Command::new("ip");
        words.args(["netns", "exec", "isp"]).args(command.split(' ')).arg(config);
        words.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let server = Self(words.spawn().unwrap(), files);
        let address = SocketAddr::new(at.parse().unwrap(), 53);
        let ask = move || query::resolve(address, "ns1.example.test", Family::V4, Duration::from_millis(100));
        let start = now();
        // A server of another zone refuses.
        while !at_isp(ask).is_ok_and(|found| !found.is_empty())
            && !server.log().contains("other.test/IN: loaded")
        {
            assert!(start.elapsed() < PATIENCE, "the server at {at} does not answer:\n{}", server.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.1.path().join("log")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Longest start of a server.
const PATIENCE: Duration = Duration::from_secs(20);

/// The text of `example.test` with these servers as `ns1`, `ns2` …, and with these records.
pub(crate) fn zone(servers: &[&str], records: &str) -> String {
    let mut text = "$TTL 60\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n".to_owned();
    for (at, ip) in servers.iter().enumerate() {
        text += &format!("@ NS ns{0}\nns{0} A {ip}\n", at + 1);
    }
    text + records
}

/// Makes this server the one that names are resolved by, in this namespace only.
pub(crate) fn resolve_by(server: &str) {
    sh(&format!(
        "echo nameserver {server} > /run/resolv.conf && mount --bind /run/resolv.conf /etc/resolv.conf"
    ));
}

/// The zone's only server.
pub(crate) fn only(records: &str) -> Server {
    Server::bind(ISP, &zone(&[ISP], records))
}
