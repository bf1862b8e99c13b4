//! How messages travel when the way is bad.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::Duration;

use wanbeacon::daemon::clock;
use wanbeacon::daemon::http::Limits;
use wanbeacon::engine::{FailureKind, Outcome, Phase};
use wanbeacon::provider::AccountSettings;

use crate::client::{JOB, begin, is_good, is_published, publish, publish_with, settings, update};
use crate::servers::{Server, free_port};

const LOCAL: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

#[test]
fn a_server_that_is_down_is_a_failure_of_which_nothing_can_have_arrived() {
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let (outcome, _) = publish(&settings(nobody), &update(&["home.example.test"], 7));
    let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!((failure.kind, failure.phase), (FailureKind::Refused, Phase::Connect));
    assert!(failure.detail.contains(&nobody.to_string()), "{}", failure.detail);
}

#[test]
fn a_silent_server_is_asked_again_after_one_and_three_seconds_with_the_same_message() {
    let silent = UdpSocket::bind(LOCAL).unwrap();
    let limits = Limits { first_byte: Duration::from_millis(3500), ..Limits::default() };
    let server = silent.local_addr().unwrap();
    let (outcome, exchange) =
        publish_with(&settings(server), &update(&["home.example.test"], 7), clock::unix(), limits);
    let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!((failure.kind, failure.phase), (FailureKind::TimedOut, Phase::Receive));
    assert!(exchange.sent_at.is_some());
    silent.set_nonblocking(true).unwrap();
    let mut buffer = [0; 1024];
    let mut heard = Vec::new();
    while let Ok(length) = silent.recv(&mut buffer) {
        heard.push(buffer[..length].to_vec());
    }
    assert_eq!(heard.len(), 3);
    assert!(heard.iter().all(|message| *message == heard[0]));
}

/// It may have applied the update and then ended.
#[test]
fn a_server_that_ends_after_a_message_may_have_heard_it() {
    let ending = UdpSocket::bind(LOCAL).unwrap();
    let server = ending.local_addr().unwrap();
    let end = thread::spawn(move || ending.recv(&mut [0; 1024]).map(drop));
    let (outcome, _) = publish(&settings(server), &update(&["home.example.test"], 7));
    end.join().unwrap().unwrap();
    let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!((failure.kind, failure.phase), (FailureKind::Refused, Phase::Receive));
}

#[test]
fn a_question_can_be_withdrawn_an_update_only_abandoned() {
    let silent = UdpSocket::bind(LOCAL).unwrap();
    let mut settings = settings(silent.local_addr().unwrap());
    let began = clock::monotonic();
    let ended = ended_early(&settings, &silent);
    let Outcome::Failed(failure) = ended else { panic!("{ended:?}") };
    assert_eq!(failure.kind, FailureKind::TimedOut);
    // The server may know of it before the sender does.
    assert!(failure.phase >= Phase::Send, "it has left: {failure:?}");
    settings.zone = None;
    assert_eq!(ended_early(&settings, &silent), Outcome::Withdrawn);
    assert!(clock::monotonic().since(began) < Duration::from_secs(5), "nobody waited for an answer");
}

/// Withdraws and then abandons a job whose first message has arrived.
fn ended_early(settings: &AccountSettings, server: &UdpSocket) -> Outcome {
    let (mut http, results) =
        begin(settings, &update(&["home.example.test"], 7), clock::unix(), Limits::default());
    server.recv(&mut [0; 1024]).unwrap();
    http.withdraw(JOB);
    http.abandon(JOB);
    results.recv_timeout(Duration::from_secs(10)).unwrap().0
}

/// The first datagram gets lost, and a stranger and the server itself send what is no answer.
#[test]
fn a_lost_datagram_and_wrong_answers_do_not_disturb() {
    let server = Server::bind();
    let front = UdpSocket::bind(LOCAL).unwrap();
    let address = front.local_addr().unwrap();
    let behind = server.address;
    let bad = thread::spawn(move || {
        let mut buffer = [0; 1024];
        front.recv_from(&mut buffer).unwrap();
        let (length, client) = front.recv_from(&mut buffer).unwrap();
        let mut wrong_id = buffer[..length].to_vec();
        wrong_id[0] ^= 1;
        wrong_id[2] |= 0x80;
        front.send_to(&wrong_id, client).unwrap();
        let mut from_elsewhere = buffer[..length].to_vec();
        from_elsewhere[2] |= 0x80;
        UdpSocket::bind(LOCAL).unwrap().send_to(&from_elsewhere, client).unwrap();
        let relay = UdpSocket::bind(LOCAL).unwrap();
        relay.send_to(&buffer[..length], behind).unwrap();
        let length = relay.recv(&mut buffer).unwrap();
        front.send_to(&buffer[..length], client).unwrap();
    });
    let update = update(&["home.example.test"], 7);
    is_good(&settings(address), &update);
    bad.join().unwrap();
    is_published(server.address, &update);
}

/// UDP answers with the header alone, TC set; TCP on the same port leads to the real server.
#[test]
fn a_truncated_answer_is_had_again_over_tcp() {
    let server = Server::bind();
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind(LOCAL).unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            break (udp, tcp);
        }
    };
    let address = udp.local_addr().unwrap();
    let behind = server.address;
    let cut = thread::spawn(move || {
        let mut buffer = [0; 1024];
        let (_, client) = udp.recv_from(&mut buffer).unwrap();
        let header = [buffer[0], buffer[1], buffer[2] | 0x82, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        udp.send_to(&header, client).unwrap();
        let (mut client, _) = tcp.accept().unwrap();
        let mut server = TcpStream::connect(behind).unwrap();
        hand_over(&mut client, &mut server);
        hand_over(&mut server, &mut client);
    });
    let update = update(&["home.example.test"], 7);
    is_good(&settings(address), &update);
    cut.join().unwrap();
    is_published(server.address, &update);
}

/// One message behind its length.
fn hand_over(from: &mut TcpStream, to: &mut TcpStream) {
    let mut length = [0; 2];
    from.read_exact(&mut length).unwrap();
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    from.read_exact(&mut message).unwrap();
    to.write_all(&[&length[..], &message].concat()).unwrap();
}
