//! One question in datagrams to one of several servers, repeated while nobody answers.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};

use super::Clock;
use super::connect::Attempt;
use super::fault::{self, Fault};
use super::ticket::{Ticket, Woke};
use super::wire::Deadline;
use crate::engine::Instant;
use crate::provider::Question;

/// How the datagrams of one question go.
///
/// Each server has a short head start over the next. When all have been asked, they are asked again, one by one, after
/// pauses that double. Whoever answers first is believed, and until the deadline no answer comes too late.
pub(super) struct Datagrams<'a> {
    pub(super) ticket: &'a Ticket,
    pub(super) clock: Clock,
    pub(super) stagger: Duration,
    pub(super) deadline: Deadline,
}

/// One second, then two, four, eight: with one server, 1, 3 and 7 seconds after the first. Our judgement.
const PAUSE: Duration = Duration::from_secs(1);

/// A server that may answer.
struct Server {
    address: SocketAddr,
    /// Connected to the address: the kernel lets no other one answer.
    socket: UdpSocket,
    /// Whether the question left for it.
    is_asked: bool,
}

/// What became of each server, and whether one may have heard the question.
pub(super) type Unanswered = (Vec<Attempt>, bool);

impl Datagrams<'_> {
    /// The first answer, and whose it is. `open` gives a socket that is connected to an address; `left` is told of each
    /// datagram.
    pub(super) fn exchange(
        &self,
        question: &Question,
        addresses: &[SocketAddr],
        open: impl Fn(SocketAddr) -> Result<UdpSocket, Fault>,
        left: impl Fn(),
    ) -> Result<(Vec<u8>, SocketAddr), Unanswered> {
        let (mut servers, mut failed) = (Vec::new(), Vec::new());
        for address in addresses.iter().copied() {
            match open(address) {
                Ok(socket) => servers.push(Server { address, socket, is_asked: false }),
                Err(fault) => failed.push(Attempt { address, fault }),
            }
        }
        let (count, mut pause) = (servers.len(), PAUSE);
        for turn in 0.. {
            if (self.clock)() >= self.deadline.at {
                break;
            }
            if send(question, turn, &mut servers, &mut failed) {
                left();
            }
            if servers.is_empty() {
                break;
            }
            let is_first_round = turn + 1 < count;
            let wait = if is_first_round { self.stagger } else { pause };
            pause *= if is_first_round { 1 } else { 2 };
            let until = ((self.clock)() + wait).min(self.deadline.at);
            match self.listen(question, &mut servers, &mut failed, until) {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(fault) => {
                    failed.extend(addresses.first().map(|address| Attempt { address: *address, fault }));
                    break;
                }
            }
        }
        let has_left = servers.iter().any(|server| server.is_asked);
        failed.extend(
            servers.iter().map(|server| Attempt { address: server.address, fault: self.deadline.fault() }),
        );
        Err((failed, has_left))
    }

    /// An answer; `None`: the time has come, or a server dropped out and the next one need not wait.
    fn listen(
        &self,
        question: &Question,
        servers: &mut Vec<Server>,
        failed: &mut Vec<Attempt>,
        until: Instant,
    ) -> Result<Option<(Vec<u8>, SocketAddr)>, Fault> {
        let mut buffer = vec![0; usize::from(u16::MAX)];
        loop {
            let sockets = servers.iter();
            let mut fds =
                sockets.map(|server| PollFd::new(server.socket.as_fd(), PollFlags::POLLIN)).collect();
            match self.ticket.poll(&mut fds, until, self.clock).map_err(Fault::of_io)? {
                Woke::Bell if self.ticket.ended() => return Err(Fault::ended()),
                Woke::Late => return Ok(None),
                Woke::Bell | Woke::Ready => {}
            }
            drop(fds);
            for at in 0..servers.len() {
                match receive(&servers[at].socket, question, &mut buffer) {
                    Ok(Some(message)) => return Ok(Some((message, servers[at].address))),
                    Ok(None) => {}
                    Err(error) => {
                        drop_out(at, &error, servers, failed);
                        return Ok(None);
                    }
                }
            }
        }
    }
}

/// Sends to the server whose turn it is; one that cannot be sent to drops out.
fn send(question: &Question, turn: usize, servers: &mut Vec<Server>, failed: &mut Vec<Attempt>) -> bool {
    while !servers.is_empty() {
        let at = turn % servers.len();
        match servers[at].socket.send(&question.message) {
            Ok(_) => {
                servers[at].is_asked = true;
                return true;
            }
            // No room in the queue is a lost datagram.
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) => drop_out(at, &error, servers, failed),
        }
    }
    false
}

/// The answer, if it is among what has arrived.
fn receive(socket: &UdpSocket, question: &Question, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
    loop {
        match socket.recv(buffer) {
            Ok(length) => {
                let message = buffer.get(..length).unwrap_or_default();
                if question.is_answered_by(message) {
                    return Ok(Some(message.to_vec()));
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// ICMP says that nobody listens there, or that there is no way: what was sent did not arrive.
fn drop_out(at: usize, error: &io::Error, servers: &mut Vec<Server>, failed: &mut Vec<Attempt>) {
    let server = servers.remove(at);
    let fault = Fault::new(fault::kind(error), fault::words(error));
    failed.push(Attempt { address: server.address, fault });
}
