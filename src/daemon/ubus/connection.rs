//! The socket under a session: whole messages in both directions, never more in memory than a fixed amount.

use std::io;
use std::path::Path;

use serde_json::{Map, Value};
use tokio::io::Interest;
use tokio::net::UnixStream;

use super::message::{LENGTH_MAX, Message, START, length};
use super::session::Session;
use crate::daemon::clock;

/// Read at a time, in bytes.
const CHUNK: usize = 16 << 10;
/// Waiting to be sent at most: who lets more pile up is not there any more.
const OUTBOX_MAX: usize = 2 * LENGTH_MAX;

/// A connection to ubusd.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    pub(super) session: Session,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(path: &Path, signature: Option<Map<String, Value>>) -> io::Result<Self> {
        let stream = UnixStream::connect(path).await?;
        Ok(Self { stream, session: Session::new(signature), inbox: Vec::new(), outbox: Vec::new() })
    }

    /// Waits until the socket can give or take something, and does it once. Cancel-safe.
    ///
    /// # Errors
    ///
    /// The connection is over, or what comes is not ubus.
    pub(super) async fn exchange(&mut self) -> io::Result<()> {
        self.flush()?;
        let write = if self.outbox.is_empty() { Interest::READABLE } else { Interest::WRITABLE };
        let ready = self.stream.ready(Interest::READABLE | write).await?;
        if ready.is_readable() {
            self.read()?;
            self.flush()?;
            // A chatterbox must not keep the others waiting.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Sends what can be sent without waiting.
    ///
    /// # Errors
    ///
    /// The connection is over, or the other side has stopped to read.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while let Some(message) = self.session.poll_send() {
            // What is too long for ubus is left out: `Session::reply` has said so.
            self.outbox.extend(message.encode().unwrap_or_default());
        }
        while !self.outbox.is_empty() {
            match self.stream.try_write(&self.outbox) {
                Ok(written) => drop(self.outbox.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if self.outbox.len() > OUTBOX_MAX {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "ubusd does not read"));
        }
        spare(&mut self.outbox);
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        let mut chunk = [0; CHUNK];
        match self.stream.try_read(&mut chunk) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            Ok(read) => self.inbox.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        let mut taken = 0;
        while let Some(start) = self.inbox.get(taken..).and_then(<[u8]>::first_chunk::<START>) {
            let length =
                length(*start).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not ubus"))?;
            let Some(frame) = self.inbox.get(taken..taken + length) else { break };
            // A message that we do not know is somebody else's business.
            if let Ok(message) = Message::decode(frame) {
                self.session.handle(message, clock::monotonic());
            }
            taken += length;
        }
        self.inbox.drain(..taken);
        spare(&mut self.inbox);
        Ok(())
    }
}

/// Gives back what one long message has taken.
fn spare(buffer: &mut Vec<u8>) {
    if buffer.is_empty() && buffer.capacity() > CHUNK {
        *buffer = Vec::new();
    }
}

#[cfg(test)]
impl Connection {
    /// Bytes that wait to be sent.
    pub(super) fn backlog(&self) -> usize {
        self.outbox.len()
    }
}
