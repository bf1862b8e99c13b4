//! Who is measured: the agent, and the least that a program can do.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressAttribute;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rtnetlink::MulticastGroup;
use tempfile::TempDir;

/// A running client; ends when it is dropped.
pub(crate) struct Client {
    child: Child,
    files: TempDir,
}

impl Client {
    pub(crate) fn agent(program: &Path, server: &str) -> io::Result<Self> {
        let files = tempfile::tempdir()?;
        let directory = files.path().display();
        let config = files.path().join("wanbeacon.toml");
        let text = format!(
            "[global]\nstate_dir = \"{directory}/state\"\nruntime_dir = \"{directory}/run\"\n\n[record.bench]\n\
             provider = \"dyndns2\"\nserver = \"http://{server}\"\ninsecure = true\nuser = \"user\"\n\
             password = \"password\"\nhostname = [\"bench.example.test\"]\nipv4 = \"wan0\"\n\
             allow = [\"documentation\"]\nverify = \"0s\"\n"
        );
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&config)?
            .write_all(text.as_bytes())?;
        let mut command = Command::new(program);
        command.args(["run", "--allow-root", "--config"]).arg(config);
        Self::start(command, files)
    }

    /// This program once more.
    pub(crate) fn floor(server: &str) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["floor", server]);
        Self::start(command, tempfile::tempdir()?)
    }

    fn start(mut command: Command, files: TempDir) -> io::Result<Self> {
        let log = fs::File::create(files.path().join("log"))?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        Ok(Self { child, files })
    }

    /// What it has written to standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.files.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sleeps until an address comes, connects, writes; no more than that.
pub(crate) fn floor(arguments: &[String]) -> io::Result<()> {
    let server = arguments.first().ok_or(io::ErrorKind::InvalidInput)?;
    // It must not outlive the bench, however that ends.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    socket.add_membership(MulticastGroup::Ipv4Ifaddr as u32)?;
    loop {
        let mut message = Vec::with_capacity(8192);
        socket.recv(&mut message, 0)?;
        let Some(ip) = added(&message) else { continue };
        let mut stream = TcpStream::connect(server)?;
        let request = format!(
            "GET /nic/update?hostname=bench.example.test&myip={ip} HTTP/1.1\r\nHost: {server}\r\n\
             Authorization: Basic dXNlcjpwYXNzd29yZA==\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        stream.read_to_end(&mut Vec::new())?;
    }
}

fn added(message: &[u8]) -> Option<Ipv4Addr> {
    let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(message).ok()?;
    let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(address)) = message.payload else {
        return None;
    };
    address.attributes.iter().find_map(|attribute| {
        if let AddressAttribute::Local(IpAddr::V4(ip)) = attribute { Some(*ip) } else { None }
    })
}
