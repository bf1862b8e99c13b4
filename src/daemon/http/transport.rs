//! The transport that ureq speaks through: a connection that is made already, plain or TLS.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport as UreqTransport,
};
use zeroize::{Zeroize, Zeroizing};

use super::fault::Fault;
use super::wire::{Deadline, Wire};
use crate::engine::FailureKind;

/// A connection, its handshake done.
pub(super) enum Stream {
    Plain(Wire),
    Tls(Box<StreamOwned<ClientConnection, Wire>>),
}

impl Stream {
    fn wire(&mut self) -> &mut Wire {
        match self {
            Self::Plain(wire) => wire,
            Self::Tls(tls) => &mut tls.sock,
        }
    }
}

/// Gathers the request, asks for leave, writes it in one piece, and reads the answer.
pub(super) struct Transport {
    stream: Stream,
    buffers: Pair,
    first_byte: Duration,
    total: Deadline,
}

impl Transport {
    pub(super) fn new(stream: Stream, first_byte: Duration, total: Deadline) -> Self {
        Self { stream, buffers: Pair::new(), first_byte, total }
    }

    /// Writes what ureq has given so far: head and body together, as one segment and one TLS record if they fit.
    fn flush(&mut self) -> io::Result<()> {
        if self.buffers.gathered == 0 {
            return Ok(());
        }
        let wire = self.stream.wire();
        if !wire.ticket.commit(wire.now()) {
            return Err(Fault::ended().into());
        }
        wire.deadline = self.total;
        let request = &self.buffers.output[..self.buffers.gathered];
        match &mut self.stream {
            Stream::Plain(wire) => wire.write_all(request)?,
            Stream::Tls(tls) => tls.write_all(request)?,
        }
        self.buffers.output.zeroize();
        self.buffers.gathered = 0;
        let (total, first_byte) = (self.total, self.first_byte);
        let wire = self.stream.wire();
        let now = wire.now();
        wire.ticket.flushed(now);
        wire.deadline = Deadline::new(now, first_byte, "no answer").or_sooner(total);
        Ok(())
    }

    fn read(&mut self) -> io::Result<usize> {
        let room = self.buffers.input.input_append_buf();
        if room.is_empty() {
            return Err(Fault::new(FailureKind::Protocol, "the header of the answer is too long").into());
        }
        let count = match &mut self.stream {
            Stream::Plain(wire) => wire.read(room)?,
            Stream::Tls(tls) => tls.read(room)?,
        };
        self.buffers.input.input_appended(count);
        self.stream.wire().deadline = self.total;
        Ok(count)
    }
}

/// ureq's own time limits are not used: ours also cover what comes before it is called.
impl UreqTransport for Transport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        self.buffers.gathered += amount;
        if self.buffers.output.len() - self.buffers.gathered < OUTPUT_ROOM {
            self.flush()?;
        }
        Ok(())
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        self.flush()?;
        Ok(self.read()? > 0)
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

/// Input as ureq keeps it; output that is gathered and wiped, because it holds credentials.
struct Pair {
    input: LazyBuffers,
    output: Zeroizing<Vec<u8>>,
    gathered: usize,
}

impl Pair {
    fn new() -> Self {
        let output = Zeroizing::new(vec![0; OUTPUT_BYTES]);
        Self { input: LazyBuffers::new(INPUT_BYTES, 1), output, gathered: 0 }
    }
}

impl Buffers for Pair {
    fn output(&mut self) -> &mut [u8] {
        // `zeroize` empties a vector; its capacity stays, so this never allocates again.
        self.output.resize(OUTPUT_BYTES, 0);
        &mut self.output[self.gathered..]
    }

    fn input(&self) -> &[u8] {
        self.input.input()
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.input.input_append_buf()
    }

    fn input_appended(&mut self, amount: usize) {
        self.input.input_appended(amount);
    }

    fn input_consume(&mut self, amount: usize) {
        self.input.input_consume(amount);
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.output.resize(OUTPUT_BYTES, 0);
        (self.input.input_append_buf(), &mut self.output[self.gathered..])
    }

    fn can_use_input(&self) -> bool {
        self.input.can_use_input()
    }
}

/// Hands the one connection over.
#[derive(Debug)]
pub(super) struct Ready(Mutex<Option<Transport>>);

impl Ready {
    pub(super) fn new(transport: Transport) -> Self {
        Self(Mutex::new(Some(transport)))
    }
}

impl Connector for Ready {
    type Out = Transport;

    fn connect(&self, _: &ConnectionDetails, _: Option<()>) -> Result<Option<Transport>, ureq::Error> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

/// Names are resolved before ureq is called.
#[derive(Debug)]
pub(super) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(
        &self,
        _: &ureq::http::Uri,
        _: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        Ok(self.empty())
    }
}

/// Room for the answer's header and pieces of its body.
const INPUT_BYTES: usize = 32 * 1024;

/// Longest header of an answer; less than [`INPUT_BYTES`], which must hold all of it.
pub(super) const HEADER_BYTES: usize = 24 * 1024;

/// A request up to this size leaves in one piece.
const OUTPUT_BYTES: usize = 32 * 1024;

/// What ureq must always find free: its longest header field with margin, our judgement.
const OUTPUT_ROOM: usize = 16 * 1024;
