//! What stopped a phase: a kind for the engine and words for a person.

use std::fmt;
use std::io::{self, ErrorKind};

use rustix::io::Errno;

use super::tls;
use crate::engine::FailureKind;

/// Travels inside `io::Error` through rustls and ureq, which hand it on untouched.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) kind: FailureKind,
    pub(super) words: String,
}

impl Fault {
    pub(super) fn new(kind: FailureKind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into() }
    }

    /// The job was ended from outside: nobody will read this.
    pub(super) fn ended() -> Self {
        Self::new(FailureKind::TimedOut, "ended")
    }

    pub(super) fn of_io(error: io::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(fault) => return fault,
            Err(error) => error,
        };
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return tls::fault(tls);
        }
        let words = match error.kind() == ErrorKind::UnexpectedEof {
            true => "the connection was closed too early".to_owned(),
            false => words(&error),
        };
        Self::new(kind(&error), words)
    }

    pub(super) fn of_ureq(error: ureq::Error) -> Self {
        match error.into_io() {
            error if error.get_ref().is_some_and(|inner| inner.is::<ureq::Error>()) => {
                Self::new(FailureKind::Protocol, error.to_string())
            }
            error => Self::of_io(error),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::other(fault)
    }
}

/// The class of an error of the operating system.
pub(super) fn kind(error: &io::Error) -> FailureKind {
    // EAFNOSUPPORT: IPv6 is switched off. EACCES, EPERM: a `prohibit` route, or a filter that rejects.
    let unreachable = [Errno::NODEV, Errno::AFNOSUPPORT, Errno::ACCESS, Errno::PERM, Errno::NETDOWN];
    let raw = error.raw_os_error();
    if unreachable.iter().any(|errno| raw == Some(errno.raw_os_error())) {
        return FailureKind::Unreachable;
    }
    let is = |kinds: &[ErrorKind]| kinds.contains(&error.kind());
    if is(&[ErrorKind::NetworkUnreachable, ErrorKind::HostUnreachable, ErrorKind::AddrNotAvailable]) {
        FailureKind::Unreachable
    } else if is(&[ErrorKind::ConnectionRefused]) {
        FailureKind::Refused
    } else if is(&[ErrorKind::TimedOut]) {
        FailureKind::TimedOut
    } else if is(&[
        ErrorKind::BrokenPipe,
        ErrorKind::ConnectionAborted,
        ErrorKind::ConnectionReset,
        ErrorKind::NotConnected,
        ErrorKind::UnexpectedEof,
    ]) {
        FailureKind::Reset
    } else {
        FailureKind::Protocol
    }
}

/// The system's words for an error: `connection refused`.
pub(super) fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    // "No such device" begins a sentence in libc; here it ends one.
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if !letters.as_str().starts_with(|c: char| c.is_ascii_uppercase()) => {
            [first.to_ascii_lowercase()].into_iter().chain(letters).collect()
        }
        Some(_) | None => text.to_owned(),
    }
}
