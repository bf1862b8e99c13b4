//! The other end of the control socket, for the commands; blocks for at most five seconds.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, SockAddr, Socket, Type};

use super::Reply;
use crate::daemon::question::{Line, Query};

/// How long a running agent may take to answer: our judgement, it answers from memory.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Longest reply in bytes; hundreds of records fit.
const REPLY_MAX: u64 = 4 << 20;

/// What kept us from an answer.
#[derive(Debug)]
pub enum AskError {
    /// Nobody listens: the agent does not run, or has another `runtime_dir`.
    NotRunning {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The agent refused, in its own words.
    Refused(String),
    /// What the system said while we spoke.
    Transport {
        /// The socket.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning { path } => write!(
                f,
                "nobody answers on {}: is wanbeacon running? start it with 'service wanbeacon start' or 'wanbeacon run'",
                path.display()
            ),
            Self::Refused(words) => f.write_str(words),
            Self::Transport { path, source } if source.kind() == io::ErrorKind::PermissionDenied => {
                write!(f, "no permission to use {}: ask as root", path.display())
            }
            Self::Transport { path, source }
                if matches!(source.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) =>
            {
                write!(f, "wanbeacon did not answer on {} within {} s", path.display(), TIME_LIMIT.as_secs())
            }
            Self::Transport { path, source }
                if matches!(
                    source.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof
                ) =>
            {
                let path = path.display();
                write!(f, "wanbeacon hung up on {path}: only root and the user that it runs as may ask")
            }
            Self::Transport { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

impl std::error::Error for AskError {}

/// Asks the agent that listens on `path`.
///
/// # Errors
///
/// Nobody listens, the agent refuses, or the socket fails.
pub fn ask(path: &Path, query: Query) -> Result<Value, AskError> {
    let line = Line::from(query);
    let reply = exchange(path, &line).map_err(|source| {
        let path = path.to_owned();
        if matches!(source.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) {
            AskError::NotRunning { path }
        } else {
            AskError::Transport { path, source }
        }
    })?;
    match reply {
        Reply { ok: true, result: Some(result), .. } => Ok(result),
        Reply { error, .. } => {
            Err(AskError::Refused(error.unwrap_or_else(|| "refused without a reason".to_owned())))
        }
    }
}

/// Connects, within the time limit even if the other side accepts nobody.
pub(super) fn connect(path: &Path) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // On a Unix socket the limit for writing limits connecting too (unix(7), SO_SNDTIMEO).
    socket.set_write_timeout(Some(TIME_LIMIT))?;
    socket.set_read_timeout(Some(TIME_LIMIT))?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(UnixStream::from(OwnedFd::from(socket)))
}

fn exchange(path: &Path, line: &Line) -> io::Result<Reply> {
    let mut stream = connect(path)?;
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    let mut reply = Vec::new();
    BufReader::new(stream.take(REPLY_MAX)).read_until(b'\n', &mut reply)?;
    if reply.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "wanbeacon closed the connection without an answer",
        ));
    }
    Ok(serde_json::from_slice(&reply)?)
}
