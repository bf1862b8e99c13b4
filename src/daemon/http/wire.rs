//! A TCP connection that waits no longer than told, and no longer than its job lives.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags};

use super::Clock;
use super::fault::{self, Fault};
use super::ticket::{Ticket, Woke};
use crate::engine::{FailureKind, Instant};

/// Until when something may take, and what to say afterwards.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    limit: Duration,
    what: &'static str,
}

impl Deadline {
    /// `what` is completed by "within 5 s".
    pub(super) fn new(now: Instant, limit: Duration, what: &'static str) -> Self {
        Self { at: now + limit, limit, what }
    }

    pub(super) fn or_sooner(self, other: Self) -> Self {
        if other.at < self.at { other } else { self }
    }

    pub(super) fn fault(&self) -> Fault {
        let tenths = self.limit.as_millis() / 100;
        let tenth = if tenths % 10 == 0 { String::new() } else { format!(".{}", tenths % 10) };
        let words = format!("{} within {}{tenth} s", self.what, tenths / 10);
        Fault::new(FailureKind::TimedOut, words)
    }
}

/// A non-blocking stream that looks like a blocking one.
pub(super) struct Wire {
    stream: TcpStream,
    clock: Clock,
    pub(super) ticket: Arc<Ticket>,
    pub(super) deadline: Deadline,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, clock: Clock, ticket: Arc<Ticket>, deadline: Deadline) -> Self {
        Self { stream, clock, ticket, deadline }
    }

    pub(super) fn now(&self) -> Instant {
        (self.clock)()
    }

    fn until_ready<T>(
        &self,
        flags: PollFlags,
        mut attempt: impl FnMut(&TcpStream) -> io::Result<T>,
    ) -> io::Result<T> {
        loop {
            // Looked at each time, not only before waiting: a peer that always has one more byte never makes us wait.
            if self.now() >= self.deadline.at {
                return Err(self.deadline.fault().into());
            }
            match attempt(&self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                // ureq takes a reset in a body without length for its end; behind a `Fault` it cannot see it.
                Err(error) => return Err(Fault::new(fault::kind(&error), fault::words(&error)).into()),
                Ok(done) => return Ok(done),
            }
            let woke = self.ticket.poll(
                &mut vec![PollFd::new(self.stream.as_fd(), flags)],
                self.deadline.at,
                self.clock,
            )?;
            if woke == Woke::Bell && self.ticket.ended() {
                return Err(Fault::ended().into());
            }
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.until_ready(PollFlags::POLLIN, |mut stream| stream.read(buffer))
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.until_ready(PollFlags::POLLOUT, |mut stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
