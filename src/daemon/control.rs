//! The control socket: one JSON object per line asks, one answers. The loop alone knows the answers.
//!
//! ```text
//! client ──line──▶ connection task ──(Query, Sender)──▶ loop ──Answer──▶ connection task ──line──▶ client
//! ```
//!
//! An idle client costs no timer: when a ninth client comes, the one that came first is let go.

pub mod client;

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::sandbox::Sandbox;
use crate::config::nearest;
use crate::engine::RecordId;
use crate::engine::journal::{Status, Why};

/// What a client may ask.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Query {
    /// All records as they stand.
    Status,
    /// Publish now what is due, un-park; the records exist or the answer is [`Answer::UnknownRecord`]. Empty: all.
    Update {
        /// Records that are meant.
        records: Vec<RecordId>,
        /// Repeat confirmed addresses too.
        force: bool,
    },
    /// The story of one record.
    Why(RecordId),
}

/// What the loop answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// To [`Query::Status`].
    Status {
        /// The engine's part.
        status: Status,
        /// Shown beside it, as `sandbox`.
        sandbox: Sandbox,
    },
    /// There is no such record; nothing was done.
    UnknownRecord {
        /// What was asked for.
        record: RecordId,
        /// All there are.
        known: Vec<RecordId>,
    },
    /// To [`Query::Update`]: the records that were told.
    Updated(Vec<RecordId>),
    /// To [`Query::Why`].
    Why(Box<Why>),
}

/// A query on its way to the loop, and where its answer is waited for.
pub type Asked = (Query, oneshot::Sender<Answer>);

/// One request line.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    command: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<RecordId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    records: Vec<RecordId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    force: bool,
}

/// One reply line.
#[derive(Debug, Deserialize, Serialize)]
struct Reply {
    ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Name of the socket in `runtime_dir`.
pub const SOCKET: &str = "control.sock";
/// Longest request line in bytes, line feed included.
const LINE_MAX: u64 = 4096;
/// Connections at a time.
const CLIENTS_MAX: usize = 8;

/// The listening socket; its file is removed on drop.
#[derive(Debug)]
pub struct Control {
    listener: std::os::unix::net::UnixListener,
    file: SocketFile,
}

/// Removed on drop.
#[derive(Debug)]
struct SocketFile(PathBuf);

impl Control {
    /// Listens on `runtime_dir`/[`SOCKET`], for the owner and the group. Creates the directory if it is missing, and
    /// replaces a socket file on which nobody answers.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AddrInUse`]: another wanbeacon is running; else what the system says about the directory or
    /// the socket, with the path.
    pub fn bind(runtime_dir: &Path) -> io::Result<Self> {
        let path = runtime_dir.join(SOCKET);
        let named = |error: io::Error| {
            let text =
                format!("cannot make the control socket {} (see runtime_dir): {error}", path.display());
            io::Error::new(error.kind(), text)
        };
        fs::DirBuilder::new().recursive(true).mode(0o755).create(runtime_dir).map_err(named)?;
        match client::connect(&path) {
            Ok(_) => {
                let text = format!("another wanbeacon is running: it answers on {}", path.display());
                return Err(io::Error::new(io::ErrorKind::AddrInUse, text));
            }
            Err(error)
                if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => {}
            Err(error) => return Err(named(error)),
        }
        // Bound under another name until the mode is right: nobody can connect who should not.
        let fresh = runtime_dir.join(".control.new");
        let _ = fs::remove_file(&fresh);
        let listener = std::os::unix::net::UnixListener::bind(&fresh).map_err(named)?;
        listener.set_nonblocking(true).map_err(named)?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o660)).map_err(named)?;
        fs::rename(&fresh, &path).map_err(named)?;
        Ok(Self { listener, file: SocketFile(path) })
    }

    /// Serves clients until the loop no longer takes queries (`Ok`).
    ///
    /// # Errors
    ///
    /// The listening socket is broken.
    pub async fn serve(self, queries: mpsc::Sender<Asked>) -> io::Result<()> {
        let Self { listener, file: _removed_at_the_end } = self;
        let listener = UnixListener::from_std(listener)?;
        let mut clients = Clients(VecDeque::new());
        loop {
            let accepted = tokio::select! {
                () = queries.closed() => return Ok(()),
                accepted = listener.accept() => accepted,
            };
            clients.0.retain(|client| !client.is_finished());
            match accepted {
                Ok((stream, _)) => {
                    if clients.0.len() >= CLIENTS_MAX {
                        clients.drop_first();
                    }
                    clients.0.push_back(tokio::spawn(converse(stream, queries.clone())));
                }
                // Out of descriptors, most likely: the clients hold some.
                Err(_) if !clients.0.is_empty() => clients.drop_first(),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Running conversations, the oldest first; they end with the server.
struct Clients(VecDeque<JoinHandle<()>>);

impl Clients {
    fn drop_first(&mut self) {
        if let Some(client) = self.0.pop_front() {
            client.abort();
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// One client, line after line; any trouble with it ends only this conversation.
async fn converse(mut stream: UnixStream, queries: mpsc::Sender<Asked>) {
    let (reading, mut writing) = stream.split();
    let mut reading = BufReader::new(reading);
    loop {
        let (reply, last) = match line(&mut reading).await {
            Ok(None) | Err(_) => return,
            Ok(Some(Ok(line))) => (reply(&line, &queries).await, false),
            Ok(Some(Err(TooLong))) => (refusal(format!("a request has at most {LINE_MAX} bytes")), true),
        };
        let Ok(mut text) = serde_json::to_vec(&reply) else { return };
        text.push(b'\n');
        if writing.write_all(&text).await.is_err() || last {
            return;
        }
    }
}

struct TooLong;

async fn line(reading: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Result<Vec<u8>, TooLong>>> {
    let mut line = Vec::new();
    let read = reading.take(LINE_MAX).read_until(b'\n', &mut line).await?;
    Ok(match (read, line.last()) {
        (0, _) => None,
        (_, Some(b'\n')) => Some(Ok(line)),
        // The client closed in the middle of a line: it gets the benefit of the doubt.
        (read, _) if (read as u64) < LINE_MAX => Some(Ok(line)),
        _ => Some(Err(TooLong)),
    })
}

async fn reply(line: &[u8], queries: &mpsc::Sender<Asked>) -> Reply {
    let line: Line = match serde_json::from_slice(line) {
        Ok(line) => line,
        Err(error) => return refusal(format!("not a request: {error}")),
    };
    let only = line.record.clone();
    let query = match query(line) {
        Ok(query) => query,
        Err(error) => return refusal(error),
    };
    let (sender, answer) = oneshot::channel();
    if queries.send((query, sender)).await.is_err() {
        return refusal("wanbeacon is ending".to_owned());
    }
    match answer.await {
        Ok(answer) => answered(answer, only.as_ref()),
        Err(_) => refusal("wanbeacon is ending".to_owned()),
    }
}

fn query(line: Line) -> Result<Query, String> {
    let Line { command, record, records, force } = line;
    match command.as_str() {
        "status" => Ok(Query::Status),
        "update" => Ok(Query::Update { records: record.into_iter().chain(records).collect(), force }),
        "why" => record.map(Query::Why).ok_or_else(|| "'why' needs a 'record'".to_owned()),
        other => Err(format!("unknown command '{}'; known are status, update, why", other.escape_debug())),
    }
}

fn answered(answer: Answer, only: Option<&RecordId>) -> Reply {
    let result = match answer {
        Answer::Status { mut status, sandbox } => {
            if let Some(only) = only {
                let known: Vec<RecordId> =
                    status.records.iter().map(|status| status.record.clone()).collect();
                if !known.contains(only) {
                    return unknown_record(only, &known);
                }
                status.records.retain(|status| status.record == *only);
            }
            told(&status, &sandbox)
        }
        Answer::UnknownRecord { record, known } => return unknown_record(&record, &known),
        Answer::Updated(records) => Ok(json!({ "records": records })),
        Answer::Why(why) => serde_json::to_value(why),
    };
    match result {
        Ok(result) => Reply { ok: true, result: Some(result), error: None },
        Err(error) => refusal(format!("the answer cannot be written as JSON: {error}")),
    }
}

fn told(status: &Status, sandbox: &Sandbox) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(status)?;
    value["sandbox"] = serde_json::to_value(sandbox)?;
    Ok(value)
}

fn unknown_record(record: &RecordId, known: &[RecordId]) -> Reply {
    let names = known.iter().map(|known| known.0.as_str());
    let mend = match nearest(&record.0, names.clone()) {
        Some(name) => format!("did you mean '{name}'?"),
        None if known.is_empty() => "there is none at all".to_owned(),
        None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
    };
    refusal(format!("there is no record '{}' that is enabled; {mend}", record.0.escape_debug()))
}

fn refusal(error: String) -> Reply {
    Reply { ok: false, result: None, error: Some(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixStream as Client;

    /// A server whose loop answers `status` with two records and knows nothing else; ends with the returned sender.
    fn server(dir: &Path) -> (std::thread::JoinHandle<io::Result<()>>, oneshot::Sender<()>) {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let dir = dir.to_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
            runtime.block_on(async {
                let control = Control::bind(&dir)?;
                ready.send(()).unwrap();
                let (sender, mut asked) = mpsc::channel(1);
                let serving = tokio::spawn(control.serve(sender));
                let looping = async {
                    while let Some((query, sender)) = asked.recv().await {
                        let _ = sender.send(answer(&query));
                    }
                };
                tokio::select! { () = looping => {}, _ = stopped => {} }
                drop(asked);
                serving.await.unwrap()
            })
        });
        let _ = is_ready.recv();
        (thread, stop)
    }

    fn answer(query: &Query) -> Answer {
        let id = |name: &str| RecordId(name.to_owned());
        let record = |name: &str| crate::engine::journal::RecordStatus {
            record: id(name),
            names: Vec::new(),
            sources: Vec::new(),
            last_answer: None,
            next: "nothing".to_owned(),
            next_in_ms: None,
            next_reason: None,
            event_to_answer_ms: None,
        };
        match query {
            Query::Status => {
                let status = Status { schema: 1, records: vec![record("home"), record("nas")] };
                Answer::Status { status, sandbox: Sandbox { jail: true, ..Sandbox::default() } }
            }
            Query::Update { records, .. } => Answer::Updated(records.clone()),
            Query::Why(record) => {
                Answer::UnknownRecord { record: record.clone(), known: vec![id("home"), id("nas")] }
            }
        }
    }

    fn say(client: &mut Client, line: &str) -> String {
        client.write_all(line.as_bytes()).unwrap();
        heard(client)
    }

    fn heard(client: &Client) -> String {
        let mut reply = String::new();
        BufReader::new(client).read_line(&mut reply).unwrap();
        reply
    }

    #[test]
    fn requests_are_answered_line_by_line() {
        let dir = tempfile::tempdir().unwrap();
        let (thread, stop) = server(dir.path());
        let mut client = Client::connect(dir.path().join(SOCKET)).unwrap();
        let ok = r#"{"ok":true,"result":{"records":["home"]}}"#.to_owned() + "\n";
        assert_eq!(say(&mut client, "{\"command\":\"update\",\"records\":[\"home\"],\"force\":true}\n"), ok);
        assert_eq!(say(&mut client, "{\"command\":\"update\",\"record\":\"home\"}\n"), ok);
        let reply = say(&mut client, "{\"command\":\"why\",\"record\":\"hme\"}\n");
        assert!(reply.contains("there is no record 'hme' that is enabled; did you mean 'home'?"), "{reply}");
        let status: Reply =
            serde_json::from_str(&say(&mut client, "{\"command\":\"status\",\"record\":\"nas\"}\n")).unwrap();
        let status = status.result.unwrap();
        assert_eq!(status["sandbox"]["jail"], true);
        let status: Status = serde_json::from_value(status).unwrap();
        assert_eq!(status.records.len(), 1);
        for bad in [
            "\n",
            "{}\n",
            "nonsense\n",
            "{\"command\":\"stop\"}\n",
            "{\"command\":\"why\"}\n",
            "\u{fffd}\n",
            "{\"command\":\"status\",\"x\":1}\n",
        ] {
            assert!(say(&mut client, bad).starts_with("{\"ok\":false,\"error\":"), "{bad}");
        }
        stop.send(()).unwrap();
        thread.join().unwrap().unwrap();
        assert!(!dir.path().join(SOCKET).exists());
    }

    #[test]
    fn a_request_that_is_too_long_ends_the_conversation() {
        let dir = tempfile::tempdir().unwrap();
        let (_thread, _stop) = server(dir.path());
        let mut client = Client::connect(dir.path().join(SOCKET)).unwrap();
        assert!(say(&mut client, &" ".repeat(4096)).contains("at most 4096 bytes"));
        assert_eq!(heard(&client), "");
    }

    #[test]
    fn the_ninth_client_takes_the_place_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let (_thread, _stop) = server(dir.path());
        let mut clients: Vec<Client> =
            (0..9).map(|_| Client::connect(dir.path().join(SOCKET)).unwrap()).collect();
        assert!(say(clients.last_mut().unwrap(), "{\"command\":\"status\"}\n").contains("\"ok\":true"));
        assert_eq!(heard(&clients[0]), "");
        assert!(say(&mut clients[1], "{\"command\":\"status\"}\n").contains("\"ok\":true"));
    }

    #[test]
    fn a_running_agent_is_not_pushed_aside_but_a_stale_socket_is() {
        let dir = tempfile::tempdir().unwrap();
        let (thread, stop) = server(dir.path());
        let (second, _) = server(dir.path());
        let error = second.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with("another wanbeacon is running"));
        let mode = fs::metadata(dir.path().join(SOCKET)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        stop.send(()).unwrap();
        thread.join().unwrap().unwrap();
        drop(std::os::unix::net::UnixListener::bind(dir.path().join(SOCKET)).unwrap());
        let (thread, stop) = server(dir.path());
        stop.send(()).unwrap();
        thread.join().unwrap().unwrap();
    }
}
