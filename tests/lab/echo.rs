//! A web service that answers with the address of who asks, unless it is told to answer something else.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::SockRef;

use super::wire::{self, Channel, End, Response};

/// What it answers.
#[derive(Clone, Debug)]
pub enum Says {
    /// The address of who asks, as plain text.
    Peer,
    /// A page of its own.
    Page(u16, String),
    /// Nothing, as long as the client waits.
    Nothing,
}

/// A running service.
pub struct Echo {
    listener: TcpListener,
    tls: bool,
    state: Arc<Mutex<State>>,
}

struct State {
    says: Says,
    peers: Vec<SocketAddr>,
}

impl Echo {
    /// Starts it, over TLS if there is a configuration for that.
    pub fn start(address: SocketAddr, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let state = Arc::new(Mutex::new(State { says: Says::Peer, peers: Vec::new() }));
        let (accepting, shared, is_tls) = (listener.try_clone()?, Arc::clone(&state), tls.is_some());
        thread::spawn(move || {
            while let Ok((stream, peer)) = accepting.accept() {
                let (shared, tls) = (Arc::clone(&shared), tls.clone());
                // An error is the client's going away.
                thread::spawn(move || serve(&shared, &stream, peer, tls));
            }
        });
        Ok(Self { listener, tls: is_tls, state })
    }

    /// Changes what it answers.
    pub fn set(&self, says: Says) {
        lock(&self.state).says = says;
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        let address = self.listener.local_addr().expect("the address of a bound socket");
        format!("{}://{address}/ip", if self.tls { "https" } else { "http" })
    }

    /// Who has asked, in order.
    pub fn peers(&self) -> Vec<SocketAddr> {
        lock(&self.state).peers.clone()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        // Wakes the thread in accept(). It may have ended already.
        let _ = SockRef::from(&self.listener).shutdown(Shutdown::Both);
    }
}

fn serve(
    state: &Mutex<State>,
    stream: &TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
) -> io::Result<End> {
    let mut channel: Box<dyn Channel> = match tls {
        None => Box::new(stream.try_clone()?),
        Some(config) => {
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            Box::new(StreamOwned::new(connection, stream.try_clone()?))
        }
    };
    if wire::read_head(&mut *channel)?.is_none() {
        return Ok(End::Close);
    }
    let says = {
        let mut state = lock(state);
        state.peers.push(peer);
        state.says.clone()
    };
    let response = match says {
        Says::Peer => Response::new(200, format!("{}\n", peer.ip())),
        Says::Page(status, body) => Response::new(status, body),
        Says::Nothing => return wire::hang(&mut *channel),
    };
    response.send(&mut *channel)?;
    Ok(End::Close)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
