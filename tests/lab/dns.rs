//! The name server behind the provider: authoritative for the zone, and a bad resolver on demand.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use socket2::SockRef;
use wanbeacon::provider::Family;

use super::zone::Zone;

/// How the server answers from the next question on.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Answers {
    /// From the zone.
    #[default]
    Good,
    /// Never: questions are dropped.
    Dead,
    /// NXDOMAIN, whatever the question.
    NxDomain,
    /// SERVFAIL, whatever the question.
    ServFail,
}

/// One question that arrived.
#[derive(Clone, Debug)]
pub struct Question {
    /// When.
    pub at: Instant,
    /// The name, lower case, no final dot.
    pub name: String,
    /// The record type.
    pub kind: RecordType,
}

/// A running name server, UDP and TCP.
pub struct Dns {
    shared: Arc<Shared>,
    udp: UdpSocket,
    tcp: TcpListener,
}

struct Shared {
    zone: Zone,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    answers: Answers,
    questions: Vec<Question>,
    stopped: bool,
}

impl Dns {
    /// Starts a server; port 0 takes a free one.
    pub fn start(address: SocketAddr, zone: &Zone) -> io::Result<Self> {
        let udp = UdpSocket::bind(address)?;
        let tcp = TcpListener::bind(udp.local_addr()?)?;
        let shared = Arc::new(Shared { zone: zone.clone(), state: Mutex::default() });
        let (for_udp, for_tcp) = (Arc::clone(&shared), Arc::clone(&shared));
        let (udp_socket, tcp_socket) = (udp.try_clone()?, tcp.try_clone()?);
        thread::spawn(move || serve_udp(&for_udp, &udp_socket));
        thread::spawn(move || serve_tcp(&for_tcp, &tcp_socket));
        Ok(Self { shared, udp, tcp })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.udp.local_addr().expect("the address of a bound socket")
    }

    /// Changes how it answers.
    pub fn set(&self, answers: Answers) {
        self.shared.lock().answers = answers;
    }

    /// All questions so far.
    pub fn questions(&self) -> Vec<Question> {
        self.shared.lock().questions.clone()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        // Wakes both threads. On an unconnected UDP socket Linux reports ENOTCONN and wakes the reader all the same.
        let _ = SockRef::from(&self.udp).shutdown(std::net::Shutdown::Both);
        let _ = SockRef::from(&self.tcp).shutdown(std::net::Shutdown::Both);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.lock().stopped
    }

    /// The answer to one message; none if the server plays dead or the message is no question.
    fn answer(&self, message: &[u8]) -> Option<Vec<u8>> {
        let question = Message::from_vec(message).ok()?;
        let query = question.query()?.clone();
        let name = query.name().to_ascii().trim_end_matches('.').to_ascii_lowercase();
        let answers = {
            let mut state = self.lock();
            state.questions.push(Question {
                at: Instant::now(),
                name: name.clone(),
                kind: query.query_type(),
            });
            state.answers
        };
        let mut answer = Message::new();
        answer.set_id(question.id()).set_message_type(MessageType::Response).set_op_code(OpCode::Query);
        answer.set_recursion_desired(question.recursion_desired()).set_recursion_available(true);
        answer.set_authoritative(true).add_query(query.clone());
        match answers {
            Answers::Dead => return None,
            Answers::NxDomain => _ = answer.set_response_code(ResponseCode::NXDomain),
            Answers::ServFail => _ = answer.set_response_code(ResponseCode::ServFail),
            Answers::Good if !self.zone.knows(&name) => _ = answer.set_response_code(ResponseCode::NXDomain),
            Answers::Good => {
                let families = [(RecordType::A, Family::V4), (RecordType::AAAA, Family::V6)];
                let family = families.into_iter().find(|(kind, _)| *kind == query.query_type());
                if let Some(ip) = family.and_then(|(_, family)| self.zone.address(&name, family)) {
                    let record = Record::from_rdata(query.name().clone(), self.zone.ttl(), RData::from(ip));
                    answer.add_answer(record);
                }
            }
        }
        answer.to_vec().ok()
    }
}

fn serve_udp(shared: &Shared, socket: &UdpSocket) {
    let mut buffer = [0; 4096];
    // peek: shutdown ends a wait with neither bytes nor a sender, and recv_from panics without a sender.
    while socket.peek(&mut buffer).is_ok() && !shared.stopped() {
        let Ok((length, peer)) = socket.recv_from(&mut buffer) else { return };
        if let Some(answer) = shared.answer(&buffer[..length]) {
            // The asker may be gone.
            let _ = socket.send_to(&answer, peer);
        }
    }
}

fn serve_tcp(shared: &Arc<Shared>, listener: &TcpListener) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.stopped() {
            return;
        }
        let shared = Arc::clone(shared);
        thread::spawn(move || converse(&shared, stream));
    }
}

/// Messages with a length of two octets before them (RFC 1035 section 4.2.2), until the peer has no more.
fn converse(shared: &Shared, mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    loop {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut message)?;
        if let Some(answer) = shared.answer(&message) {
            let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
            stream.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
        }
    }
}
