//! Asks a DNS server one question over UDP.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use wanbeacon::provider::Family;

/// The addresses of a name in one family, as the server answers within the limit; none if there is no such record.
pub fn resolve(server: SocketAddr, name: &str, family: Family, limit: Duration) -> io::Result<Vec<IpAddr>> {
    let kind = match family {
        Family::V4 => RecordType::A,
        Family::V6 => RecordType::AAAA,
    };
    let records = ask(server, Name::from_ascii(name).map_err(io::Error::other)?, kind, limit)?;
    Ok(records.into_iter().filter_map(|data| data.ip_addr()).collect())
}

/// The data of a name's records, as the server answers within the limit.
pub fn ask(server: SocketAddr, name: Name, kind: RecordType, limit: Duration) -> io::Result<Vec<RData>> {
    let from: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((from, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(limit))?;
    let started = Instant::now();
    // Connected to a random port of ours: the identity has no work to do.
    let mut question = Message::new();
    question.set_id(1).set_recursion_desired(true);
    question.add_query(Query::query(name, kind));
    socket.send(&question.to_vec().map_err(io::Error::other)?)?;
    let mut buffer = [0; 4096];
    let answer = loop {
        let length = socket.recv(&mut buffer)?;
        match Message::from_vec(&buffer[..length]) {
            Ok(answer) if answer.id() == 1 => break answer,
            _ if started.elapsed() >= limit => return Err(io::ErrorKind::TimedOut.into()),
            _ => {}
        }
    };
    let code = answer.response_code();
    if code != ResponseCode::NoError && code != ResponseCode::NXDomain {
        return Err(io::Error::other(format!("the server says {code}")));
    }
    Ok(answer.answers().iter().map(|record| record.data().clone()).collect())
}
