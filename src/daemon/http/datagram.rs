//! One question in datagrams to one of several servers, repeated while nobody answers.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};
use socket2::{Domain, Protocol, Socket, Type};

use super::Clock;
use super::connect::{Attempt, unbound};
use super::fault::{self, Fault};
use super::ticket::{Ticket, Woke};
use super::wire::Deadline;
use crate::engine::Instant;
use crate::provider::Question;

/// A socket for datagrams to one address, through one device if there is one named.
pub(super) fn open(address: SocketAddr, bind: Option<&str>) -> Result<UdpSocket, Fault> {
    let socket = unconnected(address, bind)?;
    // The kernel gives it a random port, and takes datagrams from this address only.
    socket.connect(&address.into()).map_err(Fault::of_io)?;
    Ok(socket.into())
}

/// The same, but for datagrams to and from any address of the family.
pub(super) fn unconnected(address: SocketAddr, bind: Option<&str>) -> Result<Socket, Fault> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking(), Some(Protocol::UDP))
        .map_err(Fault::of_io)?;
    if let Some(device) = bind {
        socket.bind_device(Some(device.as_bytes())).map_err(|error| unbound(device, &error))?;
    }
    Ok(socket)
}

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
    /// How often the question left for it.
    asked: usize,
}

/// What has become of the servers so far.
struct Round {
    servers: Vec<Server>,
    failed: Vec<Attempt>,
    /// Whether one that dropped out may have heard the question before.
    is_heard: bool,
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
        let mut round = Round { servers: Vec::new(), failed: Vec::new(), is_heard: false };
        for address in addresses.iter().copied() {
            match open(address) {
                Ok(socket) => round.servers.push(Server { address, socket, asked: 0 }),
                Err(fault) => round.failed.push(Attempt { address, fault }),
            }
        }
        let (count, mut pause) = (round.servers.len(), PAUSE);
        for turn in 0.. {
            if (self.clock)() >= self.deadline.at {
                break;
            }
            if round.send(question, turn) {
                left();
            }
            if round.servers.is_empty() {
                break;
            }
            let is_first_round = turn + 1 < count;
            let wait = if is_first_round { self.stagger } else { pause };
            pause *= if is_first_round { 1 } else { 2 };
            let until = ((self.clock)() + wait).min(self.deadline.at);
            match self.listen(question, &mut round, until) {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => {}
                Err(fault) => {
                    round
                        .failed
                        .extend(addresses.first().map(|address| Attempt { address: *address, fault }));
                    break;
                }
            }
        }
        let Round { servers, mut failed, is_heard } = round;
        let has_left = is_heard || servers.iter().any(|server| server.asked > 0);
        failed.extend(
            servers.iter().map(|server| Attempt { address: server.address, fault: self.deadline.fault() }),
        );
        Err((failed, has_left))
    }

    /// An answer; `None`: the time has come, or a server dropped out and the next one need not wait.
    fn listen(
        &self,
        question: &Question,
        round: &mut Round,
        until: Instant,
    ) -> Result<Option<(Vec<u8>, SocketAddr)>, Fault> {
        let mut buffer = vec![0; usize::from(u16::MAX)];
        loop {
            let sockets = round.servers.iter();
            let mut fds =
                sockets.map(|server| PollFd::new(server.socket.as_fd(), PollFlags::POLLIN)).collect();
            match self.ticket.poll(&mut fds, until, self.clock).map_err(Fault::of_io)? {
                Woke::Bell if self.ticket.ended() => return Err(Fault::ended()),
                Woke::Late => return Ok(None),
                Woke::Bell | Woke::Ready => {}
            }
            drop(fds);
            for at in 0..round.servers.len() {
                let Server { address, socket, .. } = &round.servers[at];
                match receive(socket, question, &mut buffer) {
                    Ok(Some(message)) => return Ok(Some((message, *address))),
                    Ok(None) => {}
                    Err(error) => {
                        round.drop_out(at, &error);
                        return Ok(None);
                    }
                }
            }
        }
    }
}

impl Round {
    /// Sends to the server whose turn it is; one that cannot be sent to drops out.
    fn send(&mut self, question: &Question, turn: usize) -> bool {
        while !self.servers.is_empty() {
            let at = turn % self.servers.len();
            let server = &mut self.servers[at];
            match server.socket.send(&question.message) {
                Ok(_) => {
                    server.asked += 1;
                    return true;
                }
                // No room in the queue is a lost datagram.
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) => self.drop_out(at, &error),
            }
        }
        false
    }

    /// ICMP says that nobody listens there, or that there is no way: the last datagram did not arrive, an earlier one may
    /// have.
    fn drop_out(&mut self, at: usize, error: &io::Error) {
        let Server { address, asked, .. } = self.servers.remove(at);
        self.is_heard |= asked > 1;
        let fault = Fault::new(fault::kind(error), fault::words(error));
        self.failed.push(Attempt { address, fault });
    }
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
