//! The dyndns2 provider: one thread a connection, every request recorded, every fault on demand.

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::{ServerConnection, StreamOwned};
use socket2::SockRef;

use super::certificates::Certificates;
use super::dyndns2::Update;
use super::fault::Mode;
use super::wire::{self, Channel, End, Head};
use super::zone::Zone;

mod respond;

/// One request as the server saw it.
#[derive(Clone, Debug)]
pub struct Request {
    /// When its connection was accepted.
    pub connected: Instant,
    /// When its last header line had been read.
    pub arrived: Instant,
    /// When the answer's last byte was handed to the kernel, or the connection given up; `None`: still at it.
    pub finished: Option<Instant>,
    /// The client.
    pub peer: SocketAddr,
    /// `GET`.
    pub method: String,
    /// Path and query as they were sent.
    pub target: String,
    /// What was asked for.
    pub update: Update,
    /// Whether it carried an `Authorization`.
    pub authorized: bool,
    /// `User-Agent`.
    pub user_agent: String,
    /// How the server behaved.
    pub mode: Mode,
    /// Status and body's first line, empty when there was no answer.
    pub answer: String,
    /// Bytes of body that were sent.
    pub body_bytes: u64,
}

/// What lies under HTTP.
pub enum Transport {
    /// TCP.
    Plain,
    /// TLS with these certificates.
    Tls(Certificates),
}

/// A running provider.
pub struct Provider {
    shared: Arc<Shared>,
    listener: TcpListener,
}

impl Provider {
    /// Starts a server that writes accepted updates into the zone; port 0 takes a free one.
    pub fn start(address: SocketAddr, transport: Transport, zone: &Zone) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let shared = Arc::new(Shared {
            transport,
            zone: zone.clone(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let (for_accept, accepting) = (Arc::clone(&shared), listener.try_clone()?);
        thread::spawn(move || accept(&for_accept, &accepting));
        Ok(Self { shared, listener })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("the address of a bound socket")
    }

    /// The base URL, with the IP address for a host.
    pub fn url(&self) -> String {
        let scheme = match self.shared.transport {
            Transport::Plain => "http",
            Transport::Tls(_) => "https",
        };
        format!("{scheme}://{}", self.address())
    }

    /// Changes how it behaves: faults of the connection from the next connection on, others from the next request.
    pub fn set(&self, mode: Mode) {
        self.shared.lock().mode = mode;
    }

    /// Answers `badauth` to everyone but this user.
    pub fn require_login(&self, user: &str, password: &str) {
        use base64::Engine as _;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.shared.lock().authorization = Some(format!("Basic {pair}"));
    }

    /// All requests so far, in order of arrival.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// Connections accepted so far, those included that never brought a request.
    pub fn connections(&self) -> u64 {
        self.shared.lock().connections
    }

    /// Waits until the requests are as wanted (asked again at each arrival and each answer); false when the limit
    /// runs out.
    pub fn wait_for(&self, limit: Duration, mut wanted: impl FnMut(&[Request]) -> bool) -> bool {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, limit, |state| !wanted(&state.requests));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits until so many connections were accepted; false when the limit runs out.
    pub fn wait_for_connections(&self, limit: Duration, count: u64) -> bool {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, limit, |state| state.connections < count);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Closes every open connection: what hangs, ends.
    pub fn hang_up(&self) {
        self.shared.lock().hang_up();
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.stopped = true;
        state.hang_up();
        drop(state);
        self.shared.changed.notify_all();
        // Wakes the thread in accept(). It may have ended already.
        let _ = SockRef::from(&self.listener).shutdown(Shutdown::Both);
    }
}

struct Shared {
    transport: Transport,
    zone: Zone,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    mode: Mode,
    authorization: Option<String>,
    requests: Vec<Request>,
    connections: u64,
    /// Open connections, so that they can be closed from outside.
    open: BTreeMap<u64, TcpStream>,
    stopped: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            mode: Mode::Good,
            authorization: None,
            requests: Vec::new(),
            connections: 0,
            open: BTreeMap::new(),
            stopped: false,
        }
    }
}

impl State {
    fn hang_up(&self) {
        for stream in self.open.values() {
            // It may be closed by the other side.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets time pass; true when the server was stopped meanwhile.
    fn pause(&self, time: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |state| !state.stopped);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn record(&self, request: Request) -> usize {
        let mut state = self.lock();
        state.requests.push(request);
        self.changed.notify_all();
        state.requests.len() - 1
    }

    fn finish(&self, index: usize, answer: String, body_bytes: u64) {
        let mut state = self.lock();
        if let Some(request) = state.requests.get_mut(index) {
            request.answer = answer;
            request.body_bytes = body_bytes;
            request.finished = Some(Instant::now());
        }
        self.changed.notify_all();
    }
}

fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    while let Ok((stream, peer)) = listener.accept() {
        let connected = Instant::now();
        let mut state = shared.lock();
        if state.stopped {
            return;
        }
        state.connections += 1;
        let number = state.connections;
        let Ok(handle) = stream.try_clone() else { return };
        state.open.insert(number, handle);
        drop(state);
        shared.changed.notify_all();
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // An error is the client's going away: what it asked for is recorded.
            let end = serve(&shared, &stream, peer, connected).unwrap_or(End::Close);
            // No other handle may outlive `stream`: the last one to be closed sends FIN or RST.
            shared.lock().open.remove(&number);
            if end == End::Reset {
                let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            }
        });
    }
}

fn serve(shared: &Shared, stream: &TcpStream, peer: SocketAddr, connected: Instant) -> io::Result<End> {
    let mode = shared.lock().mode.clone();
    if mode == Mode::ResetAccept {
        return Ok(End::Reset);
    }
    if mode == Mode::HangAfterAccept {
        return wire::hang(&mut stream.try_clone()?);
    }
    stream.set_nodelay(true)?;
    let mut channel: Box<dyn Channel> = match &shared.transport {
        Transport::Plain => Box::new(stream.try_clone()?),
        Transport::Tls(certificates) => {
            let connection = ServerConnection::new(certificates.config(&mode)).map_err(io::Error::other)?;
            Box::new(StreamOwned::new(connection, stream.try_clone()?))
        }
    };
    while let Some(head) = wire::read_head(&mut *channel)? {
        let keep = head.header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close"));
        let end = answer(shared, &mut *channel, &head, peer, connected)?;
        if end != End::Next || !keep {
            return Ok(if end == End::Next { End::Close } else { end });
        }
    }
    Ok(End::Close)
}

fn answer(
    shared: &Shared,
    to: &mut dyn Channel,
    head: &Head,
    peer: SocketAddr,
    connected: Instant,
) -> io::Result<End> {
    let (mode, login) = {
        let state = shared.lock();
        (state.mode.clone(), state.authorization.clone())
    };
    let authorization = head.header("authorization");
    let update = Update::parse(&head.target);
    let index = shared.record(Request {
        connected,
        arrived: Instant::now(),
        finished: None,
        peer,
        method: head.method.clone(),
        target: head.target.clone(),
        update: update.clone(),
        authorized: authorization.is_some(),
        user_agent: head.header("user-agent").unwrap_or_default().to_owned(),
        mode: mode.clone(),
        answer: String::new(),
        body_bytes: 0,
    });
    let mode = if login.is_some_and(|login| Some(&*login) != authorization) { Mode::BadAuth } else { mode };
    let (end, said, body_bytes) = respond::respond(shared, to, &mode, &update, peer.ip());
    shared.finish(index, said, body_bytes);
    end
}
