//! Connects to the first of several addresses that answers: RFC 8305 in small.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::Clock;
use super::fault::{self, Fault};
use super::ticket::{self, Ticket, Woke};
use super::wire::Deadline;
use crate::engine::{FailureKind, Instant};

/// How to connect.
pub(super) struct Manner<'a> {
    pub(super) clock: Clock,
    pub(super) ticket: &'a Ticket,
    pub(super) bind: Option<&'a str>,
    pub(super) stagger: Duration,
    pub(super) deadline: Deadline,
}

/// Starts one attempt after the other, each a little later or as soon as the last has failed; the first to succeed
/// wins, and the others are closed. An address that stays silent is tried once more on a socket of its own: a SYN that
/// is lost while the line comes up is repeated by the kernel after a second only (TCP_TIMEOUT_INIT, net/tcp.h).
pub(super) fn connect(
    candidates: &[SocketAddr],
    manner: &Manner<'_>,
) -> Result<(TcpStream, SocketAddr), Vec<Attempt>> {
    let mut waiting: VecDeque<SocketAddr> = candidates.iter().chain(candidates).copied().collect();
    let mut pending: Vec<(SocketAddr, Socket)> = Vec::new();
    let mut failed = Vec::new();
    let mut start_at = (manner.clock)();
    loop {
        if pending.is_empty() || (manner.clock)() >= start_at {
            if let Some(address) = waiting.pop_front() {
                match start(address, manner.bind) {
                    Ok((socket, true)) => return Ok((socket.into(), address)),
                    Ok((socket, false)) => pending.push((address, socket)),
                    Err(fault) => {
                        waiting.retain(|other| *other != address);
                        failed.push(Attempt { address, fault });
                    }
                }
                start_at = (manner.clock)() + manner.stagger;
                if pending.is_empty() {
                    continue;
                }
            } else if pending.is_empty() {
                return Err(failed);
            }
        }
        let until = match waiting.is_empty() {
            true => manner.deadline.at,
            false => start_at.min(manner.deadline.at),
        };
        let failures = failed.len();
        match settle(&mut pending, &mut failed, until, manner) {
            Ok(Some(won)) => return Ok(won),
            // The next one need not wait for a failed one.
            Ok(None) if failed.len() > failures => {
                waiting.retain(|other| failed.iter().all(|attempt| attempt.address != *other));
                start_at = (manner.clock)();
            }
            Ok(None) if (manner.clock)() < manner.deadline.at => {}
            Ok(None) => {
                for (address, _) in pending {
                    if failed.iter().all(|attempt| attempt.address != address) {
                        failed.push(Attempt { address, fault: manner.deadline.fault() });
                    }
                }
                return Err(failed);
            }
            Err(fault) => {
                let address = candidates[0];
                return Err(vec![Attempt { address, fault }]);
            }
        }
    }
}

/// One address, and why it was not to be had.
pub(super) struct Attempt {
    pub(super) address: SocketAddr,
    pub(super) fault: Fault,
}

/// Waits until an attempt succeeds (`Some`), at least one fails, or the time has come.
fn settle(
    pending: &mut Vec<(SocketAddr, Socket)>,
    failed: &mut Vec<Attempt>,
    until: Instant,
    manner: &Manner<'_>,
) -> Result<Option<(TcpStream, SocketAddr)>, Fault> {
    let sockets = std::mem::take(pending);
    let mut fds: Vec<_> =
        sockets.iter().map(|(_, socket)| PollFd::new(socket.as_fd(), PollFlags::POLLOUT)).collect();
    let woke = manner.ticket.poll(&mut fds, until, manner.clock).map_err(Fault::of_io)?;
    if woke == Woke::Bell && manner.ticket.ended() {
        return Err(Fault::ended());
    }
    let ready: Vec<bool> = fds.iter().map(ticket::woken).collect();
    drop(fds);
    for ((address, socket), ready) in sockets.into_iter().zip(ready) {
        if !ready {
            pending.push((address, socket));
            continue;
        }
        match socket.take_error() {
            Ok(None) => return Ok(Some((socket.into(), address))),
            Ok(Some(error)) | Err(error) => failed.push(Attempt { address, fault: Fault::of_io(error) }),
        }
    }
    Ok(None)
}

/// A socket on its way, and whether it is connected already.
fn start(address: SocketAddr, bind: Option<&str>) -> Result<(Socket, bool), Fault> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))
        .map_err(Fault::of_io)?;
    if let Some(device) = bind {
        socket.bind_device(Some(device.as_bytes())).map_err(|error| unbound(device, &error))?;
    }
    socket.set_tcp_nodelay(true).map_err(Fault::of_io)?;
    match socket.connect(&address.into()) {
        Ok(()) => Ok((socket, true)),
        Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => Ok((socket, false)),
        Err(error) => Err(Fault::of_io(error)),
    }
}

/// The line is not there yet, or we may not use it: either way nothing can be reached through it.
pub(super) fn unbound(device: &str, error: &io::Error) -> Fault {
    let words = fault::words(error);
    let hint = match error.raw_os_error() == Some(Errno::PERM.raw_os_error()) {
        true => " (before Linux 5.7 this needs CAP_NET_RAW)",
        false => "",
    };
    Fault::new(FailureKind::Unreachable, format!("device {device}: {words}{hint}"))
}
