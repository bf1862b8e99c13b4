//! The laboratory does what it says: a fault that does not happen would prove nothing.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use wanbeacon::provider::Family;

use crate::laboratory::certificates::Certificates;
use crate::laboratory::dns::{Answers, Dns};
use crate::laboratory::fault::Mode;
use crate::laboratory::provider::{Provider, Transport};
use crate::laboratory::query::resolve;
use crate::laboratory::zone::Zone;

const LIMIT: Duration = Duration::from_secs(10);
const NAME: &str = "home.example.test";
const ADDRESS: &str = "203.0.113.7";

#[test]
fn what_the_provider_accepts_is_what_the_name_resolves_to() {
    let (provider, zone) = provider();
    let dns = Dns::start(loopback(), &zone).unwrap();
    let ask = |family| resolve(dns.address(), NAME, family, LIMIT).unwrap();
    assert_eq!(ask(Family::V4), Vec::<IpAddr>::new());

    let target = format!("/nic/update?hostname={NAME},b.example.test&myip={ADDRESS},2001%3Adb8::7");
    assert!(
        get(&provider, &target).ends_with("good 203.0.113.7,2001:db8::7\ngood 203.0.113.7,2001:db8::7\n")
    );

    assert_eq!(ask(Family::V4), [ADDRESS.parse::<IpAddr>().unwrap()]);
    assert_eq!(ask(Family::V6), ["2001:db8::7".parse::<IpAddr>().unwrap()]);
    assert!(get(&provider, &target).contains("nochg "));
    assert!(provider.wait_for(LIMIT, |requests| requests.len() == 2 && requests[1].finished.is_some()));
    assert!(!provider.requests()[0].authorized);
}

#[test]
fn a_resolver_can_be_dead_or_wrong() {
    let zone = Zone::new(1);
    zone.set(NAME, ADDRESS.parse().unwrap());
    let dns = Dns::start(loopback(), &zone).unwrap();
    let ask = |limit| resolve(dns.address(), NAME, Family::V4, limit);
    dns.set(Answers::NxDomain);
    assert_eq!(ask(LIMIT).unwrap(), Vec::<IpAddr>::new());
    dns.set(Answers::ServFail);
    assert!(ask(LIMIT).unwrap_err().to_string().contains("Server Failure"));
    dns.set(Answers::Dead);
    assert!(ask(Duration::from_millis(50)).is_err());
    assert_eq!(dns.questions().len(), 3);
}

#[test]
fn every_mode_has_a_name_that_reads_back() {
    for mode in Mode::all() {
        assert_eq!(mode.to_string().parse::<Mode>(), Ok(mode));
    }
    assert!("gud".parse::<Mode>().is_err());
}

#[test]
fn each_answer_is_as_its_mode_says() {
    let (provider, zone) = provider();
    for (mode, status, words) in [
        (Mode::Abuse, 200, "abuse"),
        (Mode::BadAuth, 200, "badauth"),
        (Mode::BadAuth401, 401, "badauth"),
        (Mode::Captive, 200, "log in"),
        (Mode::CaptiveGood, 200, "a good stay"),
        (Mode::Empty, 200, ""),
        (Mode::Http429(Duration::from_secs(7)), 429, "Retry-After: 7\r\n"),
        (Mode::Http500, 500, "internal"),
        (Mode::Http911, 200, "911"),
        (Mode::NoHost, 200, "nohost"),
        (Mode::Redirect("http://192.0.2.1/".to_owned()), 302, "Location: http://192.0.2.1/\r\n"),
        (Mode::Truncated, 200, "\r\n\r\ngo"),
    ] {
        provider.set(mode.clone());
        let answer = get(&provider, &update());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{mode}: {answer}");
        assert!(answer.contains(words), "{mode}: {answer}");
    }
    assert!(!zone.knows(NAME));
    provider.require_login("u", "p");
    provider.set(Mode::Good);
    assert!(get(&provider, &update()).contains("badauth"));
}

#[test]
fn connections_that_hang_hang_until_they_are_hung_up() {
    let (provider, zone) = provider();
    for mode in [Mode::HangAfterAccept, Mode::HangHeaders, Mode::Drip] {
        provider.set(mode.clone());
        let mut stream = TcpStream::connect(provider.address()).unwrap();
        write!(stream, "GET {} HTTP/1.1\r\n\r\n", update()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let mut heard = Vec::new();
        let error = stream.read_to_end(&mut heard).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{mode}: {heard:?}");
        provider.hang_up();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        assert!(stream.read_to_end(&mut heard).is_ok(), "{mode}");
    }
    assert!(!zone.knows(NAME));
}

#[test]
fn resets_come_where_they_should() {
    let (provider, zone) = provider();
    for (mode, requests, applied) in [
        (Mode::ResetAccept, 0, false),
        (Mode::ResetAfterRequest, 1, false),
        (Mode::AppliedThenReset, 2, true),
    ] {
        provider.set(mode.clone());
        let mut stream = TcpStream::connect(provider.address()).unwrap();
        // The reset may be faster than the writing.
        let _ = write!(stream, "GET {} HTTP/1.1\r\n\r\n", update());
        let error = stream.read(&mut [0; 10]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{mode}");
        assert_eq!((provider.requests().len(), zone.knows(NAME)), (requests, applied), "{mode}");
    }
}

#[test]
fn a_big_answer_is_as_big_as_it_says_until_the_client_has_enough() {
    let (provider, _zone) = provider();
    provider.set(Mode::Big);
    let mut stream = TcpStream::connect(provider.address()).unwrap();
    write!(stream, "GET {} HTTP/1.1\r\n\r\n", update()).unwrap();
    let mut start = vec![0; 1 << 20];
    stream.read_exact(&mut start).unwrap();
    assert!(String::from_utf8_lossy(&start).contains("Content-Length: 1073741824\r\n"));
    drop(stream);
    assert!(provider.wait_for(LIMIT, |requests| requests.iter().any(|request| request.finished.is_some())));
    assert!((1 << 20..1 << 30).contains(&provider.requests()[0].body_bytes));
}

#[test]
fn each_certificate_is_wrong_in_its_own_way() {
    let certificates = Certificates::new(&["127.0.0.1"]);
    let ca = CertificateDer::from_pem_slice(certificates.ca_pem().as_bytes()).unwrap();
    let zone = Zone::new(1);
    let provider = Provider::start(loopback(), Transport::Tls(certificates), &zone).unwrap();
    for (mode, complaint) in [
        (Mode::CertificateExpired, "expired"),
        (Mode::CertificateNotYetValid, "not valid yet"),
        (Mode::CertificateOtherAuthority, "UnknownIssuer"),
        (Mode::CertificateWrongName, "not valid for name"),
    ] {
        provider.set(mode.clone());
        let error = get_tls(&provider, &ca).unwrap_err().to_string();
        assert!(error.contains(complaint), "{mode}: {error}");
    }
    assert!(provider.requests().is_empty());
    provider.set(Mode::Good);
    assert!(get_tls(&provider, &ca).unwrap().contains("good 203.0.113.7"));
}

fn provider() -> (Provider, Zone) {
    let zone = Zone::new(1);
    (Provider::start(loopback(), Transport::Plain, &zone).unwrap(), zone)
}

fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn update() -> String {
    format!("/nic/update?hostname={NAME}&myip={ADDRESS}")
}

fn get(provider: &Provider, target: &str) -> String {
    exchange(TcpStream::connect(provider.address()).unwrap(), target).unwrap()
}

fn get_tls(provider: &Provider, ca: &CertificateDer<'static>) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    exchange(StreamOwned::new(connection, TcpStream::connect(provider.address()).unwrap()), &update())
}

fn exchange(mut stream: impl Read + Write, target: &str) -> std::io::Result<String> {
    write!(stream, "GET {target} HTTP/1.1\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        // The server says nothing more after Connection: close, TLS's farewell included.
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(answer),
    }
}
