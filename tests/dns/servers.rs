//! Name servers of the distribution, each with its files in a directory of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use wanbeacon::daemon::clock;
use wanbeacon::provider::{Algorithm, Family};

use crate::laboratory::query;

/// The key that may change `example.test`, and its secret.
pub(crate) const KEY: &str = "router";
pub(crate) const SECRET: &str = "d2FuYmVhY29uIHRlc3RzIG5lZWQgYSBzZWNyZXQuIQ==";
/// Another secret of the same length.
pub(crate) const WRONG_SECRET: &str = "d2FuYmVhY29uIHRlc3RzIG5lZWQgYSBzZWNyZXQuPw==";

/// Longest start of a server.
const PATIENCE: Duration = Duration::from_secs(30);

const ZONE: &str = "$TTL 60\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 127.0.0.1\nold A 192.0.2.1\n\
                    alias CNAME elsewhere.example.net.\n";

/// The reverse zones of the addresses for documentation that the tests publish.
const REVERSE_V4: &str = "100.51.198.in-addr.arpa";
const REVERSE_V6: &str = "8.b.d.0.1.0.0.2.ip6.arpa";

/// A running server; ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    files: TempDir,
}

impl Server {
    /// BIND with the zone `example.test`, which the key may change; `sub.example.test`, which a key for each
    /// algorithm may change as well, named after it; reverse zones; and `denied.test`, which nobody may
    /// change.
    pub(crate) fn bind() -> Self {
        let zone = |name: &str, policy: &str| {
            format!(
                "zone \"{name}\" {{ type primary; file \"{name}.zone\"; update-policy {{ {policy} }}; }};\n"
            )
        };
        let others = Algorithm::ALL.map(Algorithm::name);
        let key = |name: &&str| format!("key \"{name}\" {{ algorithm {name}; secret \"{SECRET}\"; }};\n");
        let grant = |name: &&str| format!("grant {name} zonesub A AAAA;");
        let grants: String = others.iter().chain([&KEY]).map(grant).collect();
        let more: String = others.iter().map(key).collect();
        let more = more
            + &zone(REVERSE_V6, "grant router zonesub PTR;")
            + &zone("sub.example.test", &grants)
            + &zone("denied.test", "grant nobody zonesub A;");
        Self::start(|directory, port| {
            for name in ["example.test", "sub.example.test", "denied.test", REVERSE_V4, REVERSE_V6] {
                write(directory, &format!("{name}.zone"), ZONE);
            }
            let path = directory.display();
            let options = format!(
                "options {{ directory \"{path}\"; pid-file \"{path}/pid\"; session-keyfile \"{path}/session.key\"; \
                 listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; \
                 dnssec-validation no; notify no; }};\ncontrols {{ }};\n"
            );
            write(directory, "named.conf", &(options + &documented("BIND")[0] + &more));
            let mut command = Command::new("named");
            command.args(["-g", "-n", "1", "-c"]).arg(directory.join("named.conf"));
            command
        })
    }

    /// Knot DNS with the zone `example.test`, which the key may change.
    pub(crate) fn knot() -> Self {
        Self::start(|directory, port| {
            write(directory, "example.test.zone", ZONE);
            let path = directory.display();
            let server = format!(
                "server:\n  listen: 127.0.0.1@{port}\n  rundir: {path}\n  udp-workers: 1\n  tcp-workers: 1\n\
                 database:\n  storage: {path}\ntemplate:\n  - id: default\n    storage: {path}\n"
            );
            write(directory, "knot.conf", &(server + &documented("Knot DNS")[0]));
            let mut command = Command::new("knotd");
            command.arg("-c").arg(directory.join("knot.conf"));
            command
        })
    }

    /// PowerDNS over SQLite with the zone `example.test`, which the key may change.
    pub(crate) fn powerdns() -> Self {
        Self::start(|directory, port| {
            let path = directory.display();
            let [settings, commands] = documented("PowerDNS").try_into().unwrap();
            let text = format!(
                "launch=gsqlite3\ngsqlite3-database={path}/zones.sqlite3\nlocal-address=127.0.0.1\nlocal-port={port}\n\
                 socket-dir={path}\nquery-cache-ttl=0\ncache-ttl=0\nzone-cache-refresh-interval=0\n{settings}"
            );
            write(directory, "pdns.conf", &text);
            write(directory, "example.test.zone", &ZONE.replace("$TTL", "$ORIGIN example.test.\n$TTL"));
            let schema = "/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql";
            sh(&format!("sqlite3 {path}/zones.sqlite3 < {schema}"));
            let load = format!("pdnsutil load-zone example.test {path}/example.test.zone\n");
            for command in (load + &commands).lines() {
                sh(&command.replace("pdnsutil", &format!("pdnsutil --config-dir={path}")));
            }
            let mut command = Command::new("pdns_server");
            command.arg(format!("--config-dir={path}")).args([
                "--guardian=no",
                "--daemon=no",
                "--write-pid=no",
            ]);
            command
        })
    }

    fn start(prepare: impl FnOnce(&Path, u16) -> Command) -> Self {
        let files = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = prepare(files.path(), port);
        let log = fs::File::create(files.path().join("log")).unwrap();
        #[expect(clippy::disallowed_methods, reason = "root's commands are not on the path of everybody")]
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        command.env("PATH", path).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child =
            command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}; tests/run installs it"));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut server = Self { address, child, files };
        server.wait();
        server
    }

    /// Until it answers for its zone.
    fn wait(&mut self) {
        let start = clock::monotonic();
        let ask =
            |address| query::resolve(address, "ns1.example.test", Family::V4, Duration::from_millis(100));
        while !ask(self.address).is_ok_and(|found| found == [Ipv4Addr::LOCALHOST]) {
            let log = || fs::read_to_string(self.files.path().join("log")).unwrap_or_default();
            assert!(self.child.try_wait().unwrap().is_none(), "the server ended:\n{}", log());
            assert!(clock::monotonic().since(start) < PATIENCE, "the server does not answer:\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody has, for UDP and for TCP.
pub(crate) fn free_port() -> u16 {
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = udp.local_addr().unwrap().port();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The examples of a server in docs/rfc2136.md.
fn documented(server: &str) -> Vec<String> {
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rfc2136.md")).unwrap();
    let (_, section) = document.split_once(&format!("\n### {server}\n")).unwrap();
    let section = section.split("\n#").next().unwrap();
    let blocks = section.split("\n```").skip(1).step_by(2);
    blocks.map(|block| block.split_once('\n').unwrap().1.to_owned() + "\n").collect()
}

fn write(directory: &Path, name: &str, text: &str) {
    fs::write(directory.join(name), text).unwrap();
}

fn sh(command: &str) {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}
