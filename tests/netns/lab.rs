//! A network of our own for each test: `wan0` here, `isp0` in a second namespace, nothing else.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

/// Set in the process that runs inside the namespace: the name of its test.
const INSIDE: &str = "WANBEACON_NETNS";
/// Longest life of that process.
const LIMIT_SECS: &str = "120";

/// Runs `test` as root of a user, network and mount namespace of its own. Namespaces are for processes of one thread,
/// so this very test is executed anew under unshare(1). `name` is the test's path, as the harness prints it.
pub(crate) fn in_namespace(name: &str, test: impl FnOnce()) {
    if variable(INSIDE).as_deref() == Some(name) {
        sh("mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up");
        return test();
    }
    if let Err(refusal) = namespaces() {
        let loud = format!("NO NAMESPACES HERE, {name} PROVES NOTHING: {refusal}");
        assert!(variable("WANBEACON_SKIP_NETNS").as_deref() == Some("1"), "{loud}");
        // Past the harness, which keeps the words of tests that pass to itself.
        return std::io::stderr().write_all(format!("SKIPPED: {loud}\n").as_bytes()).unwrap();
    }
    let me = std::env::current_exe().unwrap();
    let outcome = Command::new("timeout")
        .args(["--kill-after=5", LIMIT_SECS, "unshare", "-Urnm"])
        .arg(me)
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .output()
        .unwrap();
    let said = [outcome.stdout, outcome.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    tell(&said.concat());
    assert!(
        said[0].contains("1 passed"),
        "{name} is not the name of this test, or failed: {}",
        outcome.status
    );
    assert!(outcome.status.success(), "{name}: {}", outcome.status);
}

fn namespaces() -> Result<(), String> {
    let probe =
        Command::new("unshare").args(["-Urnm", "true"]).output().map_err(|error| error.to_string())?;
    if probe.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&probe.stderr).trim().to_owned())
    }
}

/// Makes `wan0` here and `isp0` in the namespace `isp`, both up, without link-local addresses of their own.
pub(crate) fn wan() {
    if !std::path::Path::new("/run/netns/isp").exists() {
        ip("netns add isp");
    }
    ip("link add wan0 type veth peer name isp0 netns isp");
    sh("echo 1 > /proc/sys/net/ipv6/conf/wan0/addr_gen_mode");
    sh("ip netns exec isp sh -c 'echo 1 > /proc/sys/net/ipv6/conf/isp0/addr_gen_mode'");
    ip("-n isp link set isp0 up");
    ip("link set wan0 up");
}

/// Waits until the kernel has said all about the new line: it announces the operational state up to a second late.
pub(crate) fn settled() {
    wait_until("wan0 has settled", Duration::from_secs(5), || {
        ip_json("-j link show wan0")[0]["operstate"] == "UP"
    });
}

/// Does this on the other end of the line. Sockets made there stay there, whoever uses them.
pub(crate) fn at_isp<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    within("isp", work)
}

/// The same in another namespace.
pub(crate) fn within<T: Send + 'static>(namespace: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let namespace = std::fs::File::open(format!("/run/netns/{namespace}")).unwrap();
    let there = std::thread::spawn(move || {
        let network = Some(rustix::thread::LinkNameSpaceType::Network);
        rustix::thread::move_into_link_name_space(namespace.as_fd(), network).unwrap();
        work()
    });
    there.join().unwrap()
}

/// Adds (`on`) or removes an IPv4 address of `wan0` without a process in between, and gives the instant before.
pub(crate) fn switch_address(ip: Ipv4Addr, on: bool) -> Instant {
    let mut message = AddressMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.prefix_len = 32;
    message.header.index = ip_json("-j link show wan0")[0]["ifindex"].as_u64().unwrap().try_into().unwrap();
    message.attributes = [AddressAttribute::Local(ip.into()), AddressAttribute::Address(ip.into())].into();
    let (message, flags) = if on {
        (RouteNetlinkMessage::NewAddress(message), NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL)
    } else {
        (RouteNetlinkMessage::DelAddress(message), NLM_F_REQUEST)
    };
    let mut request = NetlinkMessage::from(message);
    request.header.flags = flags;
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    let socket = Socket::new(NETLINK_ROUTE).unwrap();
    let before = now();
    socket.send_to(&bytes, &SocketAddr::new(0, 0), 0).unwrap();
    before
}

/// Runs `ip` with these words, and gives what it prints.
pub(crate) fn ip(words: &str) -> String {
    sh(&format!("ip {words}"))
}

fn ip_json(words: &str) -> serde_json::Value {
    serde_json::from_str(&ip(words)).unwrap()
}

/// Runs one `ip` for many commands, as fast as it can.
pub(crate) fn ip_batch(commands: &str) {
    let mut child = Command::new("ip").args(["-batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Commands that add and remove an address, so often.
pub(crate) fn flaps(count: u32) -> String {
    let flap = "addr add 198.51.100.77/32 dev wan0\naddr del 198.51.100.77/32 dev wan0\n";
    flap.repeat(count.try_into().unwrap())
}

/// Runs a shell command that must succeed, and gives what it prints.
pub(crate) fn sh(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// Device and address of all that iproute2 shows.
pub(crate) fn kernel_addresses() -> BTreeSet<(String, IpAddr)> {
    let links = ip_json("-j addr show");
    let mut found = BTreeSet::new();
    for link in links.as_array().unwrap() {
        for address in link["addr_info"].as_array().unwrap() {
            let device = link["ifname"].as_str().unwrap().to_owned();
            found.insert((device, address["local"].as_str().unwrap().parse().unwrap()));
        }
    }
    found
}

/// Asks every 5 ms until it is so, and gives how long that took.
pub(crate) fn wait_until(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) -> Duration {
    let start = now();
    while !is_so() {
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    start.elapsed()
}

#[expect(clippy::disallowed_methods, reason = "a test on the real kernel runs in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "the harness shows it when the test fails, or with --nocapture")]
pub(crate) fn tell(text: &str) {
    println!("{text}");
}

#[expect(clippy::disallowed_methods, reason = "the test's way to know where and with what it runs")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
