//! The sandbox from within: a process of our own closes it and then tries what an intruder would try.

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use nix::sys::ptrace;
use rustix::io::Errno;
use rustix::process::{getppid, test_kill_process};
use socket2::{Domain, Protocol, Socket, Type};
use wanbeacon::daemon::sandbox::{Held, Reach, Sandbox, close};

/// Set in the process that closes the sandbox: the name of its test.
const INSIDE: &str = "WANBEACON_SANDBOX";

/// Runs `test` in a process of its own, since there is no way back. `name` is the test's path.
fn apart(name: &str, test: impl FnOnce()) {
    if std::env::vars_os().any(|(name, _)| name == INSIDE) {
        return test();
    }
    let me = std::env::current_exe().unwrap();
    let output = Command::new(me).args([name, "--exact", "--nocapture"]).env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{name}: {}\n{said}", output.status);
}

#[test]
fn what_an_intruder_would_try_fails() {
    apart("sandbox::what_an_intruder_would_try_fails", || {
        closed(Path::new("/nonexistent"));
        calls_are_refused();
        // Threads that are started later are no way out.
        thread::spawn(calls_are_refused).join().unwrap();
    });
}

fn calls_are_refused() {
    assert_eq!(errno(&Command::new("/bin/true").exec()), Errno::NOSYS, "another program");
    assert!(Command::new("/bin/true").spawn().is_err(), "a process");
    for domain in [Domain::PACKET, Domain::VSOCK] {
        let socket = Socket::new(domain, Type::DGRAM, None);
        assert_eq!(errno(&socket.unwrap_err()), Errno::PERM, "{domain:?}");
    }
    let netfilter = Socket::new(Domain::from(libc::AF_NETLINK), Type::RAW, Some(Protocol::from(12)));
    assert_eq!(errno(&netfilter.unwrap_err()), Errno::PERM, "the firewall");
    assert_eq!(ptrace::traceme().unwrap_err() as i32, Errno::NOSYS.raw_os_error());
    assert_eq!(test_kill_process(getppid().unwrap()).unwrap_err(), Errno::NOSYS, "signals to others");
    assert_eq!(rustix::thread::capabilities(None).unwrap_err(), Errno::NOSYS, "capabilities");
}

#[test]
fn files_out_of_reach_stay_out_of_reach() {
    apart("sandbox::files_out_of_reach_stay_out_of_reach", || {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(outside.path().join("file"), "").unwrap();
        fs::write(inside.path().join("file"), "text").unwrap();
        let listener = UnixListener::bind(outside.path().join("socket")).unwrap();
        let sandbox = closed(inside.path());
        assert!(sandbox.landlock.starts_with("ABI "), "THIS KERNEL HAS NO LANDLOCK: {}", sandbox.landlock);
        for file in ["/etc/shadow", "/etc/passwd", "/proc/self/maps", "/usr/bin/env"] {
            assert_eq!(errno(&File::open(file).unwrap_err()), Errno::ACCESS, "{file}");
        }
        let outside = outside.path();
        assert_eq!(errno(&fs::read_dir(outside).unwrap_err()), Errno::ACCESS);
        assert_eq!(errno(&fs::write(outside.join("file"), "").unwrap_err()), Errno::ACCESS);
        assert_eq!(errno(&fs::write(outside.join("new"), "").unwrap_err()), Errno::ACCESS);
        assert_eq!(errno(&fs::remove_file(outside.join("file")).unwrap_err()), Errno::ACCESS);
        assert_eq!(errno(&fs::create_dir(inside.path().join("directory")).unwrap_err()), Errno::ACCESS);
        // What the agent does in its own directories, and with the sockets of others.
        fs::write(inside.path().join("new"), "text").unwrap();
        fs::rename(inside.path().join("new"), inside.path().join("file")).unwrap();
        assert_eq!(fs::read_to_string(inside.path().join("file")).unwrap(), "text");
        File::open(inside.path()).unwrap().sync_all().unwrap();
        UnixStream::connect(outside.join("socket")).unwrap();
        listener.accept().unwrap();
    });
}

#[test]
fn it_can_be_a_client_and_no_server() {
    apart("sandbox::it_can_be_a_client_and_no_server", || {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let sandbox = closed(Path::new("/nonexistent"));
        TcpStream::connect(server.local_addr().unwrap()).unwrap();
        UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(("127.0.0.1", 80).to_socket_addrs().unwrap().count(), 1);
        // Landlock ABI 4, Linux 6.7.
        let abi = sandbox.landlock.strip_prefix("ABI ").and_then(|abi| abi.parse::<u32>().ok());
        assert!(abi >= Some(4), "THIS KERNEL CANNOT KEEP FROM LISTENING: Landlock {}", sandbox.landlock);
        assert_eq!(errno(&TcpListener::bind("127.0.0.1:0").unwrap_err()), Errno::ACCESS);
    });
}

fn closed(directory: &Path) -> Sandbox {
    let mut reach = Reach::default();
    reach.may_write(directory.to_owned());
    let sandbox = close(Held::give_up(), &reach);
    assert_eq!(sandbox.seccomp, "on", "THIS KERNEL HAS NO SECCOMP");
    assert!(sandbox.no_new_privs && sandbox.capabilities.is_empty(), "{sandbox:?}");
    sandbox
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap()
}
