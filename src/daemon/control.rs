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
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::question::{self, Answer, Line, Query};

/// A query on its way to the loop, and where its answer is waited for.
pub type Asked = (Query, oneshot::Sender<Answer>);

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
    /// Listens on `runtime_dir`/[`SOCKET`], for the owner and root. Creates the directory if it is missing, and
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
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).map_err(named)?;
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
                // Whoever it is hears nothing but the end.
                Ok((stream, _)) if !is_ours(&stream) => drop(stream),
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

/// Only root and the agent's own user may ask. The file's mode says the same, and says it to those who connect: an
/// administrator who changes it opens nothing.
fn is_ours(client: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    client.peer_cred().is_ok_and(|peer| may_ask(peer.uid(), own))
}

fn may_ask(peer: u32, own: u32) -> bool {
    peer == 0 || peer == own
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
    let query = match question::query(line) {
        Ok(query) => query,
        Err(why) => return refusal(why.words()),
    };
    let (sender, answer) = oneshot::channel();
    if queries.send((query, sender)).await.is_err() {
        return refusal("wanbeacon is ending".to_owned());
    }
    match answer.await {
        Ok(Ok(result)) => Reply { ok: true, result: Some(result), error: None },
        Ok(Err(why)) => refusal(why.words()),
        Err(_) => refusal("wanbeacon is ending".to_owned()),
    }
}

fn refusal(error: String) -> Reply {
    Reply { ok: false, result: None, error: Some(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::RecordId;
    use serde_json::json;
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
        let known = [RecordId("home".to_owned()), RecordId("nas".to_owned())];
        match query {
            Query::Status(only) => Ok(json!({ "only": only })),
            Query::Update { records, .. } => Ok(json!({ "records": records })),
            Query::Why(record) | Query::Test(record) => Err(question::unknown_record(record, known.iter())),
            Query::History(_) => Ok(serde_json::json!({ "changes": [] })),
            Query::Providers(id) => question::providers(id.as_deref(), Path::new("/nonexistent")),
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
        let status = say(&mut client, "{\"command\":\"status\",\"record\":\"nas\"}\n");
        assert_eq!(status, "{\"ok\":true,\"result\":{\"only\":\"nas\"}}\n");
        let provider = say(&mut client, "{\"command\":\"providers\",\"id\":\"duckdns.org\"}\n");
        assert!(provider.contains("\"id\":\"duckdns.org\""), "{provider}");
        let provider = say(&mut client, "{\"command\":\"providers\",\"id\":\"duckdns.og\"}\n");
        assert!(provider.contains("did you mean 'duckdns.org'?"), "{provider}");
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
    fn root_and_the_agents_own_user_may_ask_and_nobody_else() {
        let own = 1000;
        assert_eq!([0, own, 1001, u32::MAX].map(|peer| may_ask(peer, own)), [true, true, false, false]);
        assert_eq!([0, 1000].map(|peer| may_ask(peer, 0)), [true, false]);
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
        assert_eq!(mode & 0o777, 0o600);
        stop.send(()).unwrap();
        thread.join().unwrap().unwrap();
        drop(std::os::unix::net::UnixListener::bind(dir.path().join(SOCKET)).unwrap());
        let (thread, stop) = server(dir.path());
        stop.send(()).unwrap();
        thread.join().unwrap().unwrap();
    }
}
