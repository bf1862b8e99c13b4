//! The sender against real sockets: every way in which a provider or a line can fail.

pub(crate) mod lab;
mod questions;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rcgen::{CertificateParams, date_time_ymd};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{self, kx_group};
use rustls::version::{TLS12, TLS13};
use wanbeacon::daemon::http::{Endpoints, Limits, Settings, Task, USER_AGENT};
use wanbeacon::engine::{Failure, FailureKind, JobId, Outcome, Phase};
use wanbeacon::provider::{Family, Method, Request, Secret, Step, Verdict};

use lab::{
    Authority, Lab, accept_tls, answering, clock, get, linger, ok, read_request, reset, serve, serve_at,
    short, task, told, words,
};

#[test]
fn a_request_arrives_as_written_and_its_reply_comes_back() {
    let (server, requests) = answering(ok("good 192.0.2.1\n"));
    let mut lab = Lab::new(Limits::default());
    let mut request = get(format!("http://members.test:{}/nic/update?myip=192.0.2.1", server.port()));
    request.headers = vec![("Authorization".to_owned(), Secret::new("Basic dTpw"))];
    let before = clock();
    let (outcome, exchange) = lab.ask(task(1, request));
    assert_eq!(words(&outcome), "200 good 192.0.2.1");

    let request = requests.recv().unwrap();
    let mut lines = request.lines();
    assert_eq!(lines.next(), Some("GET /nic/update?myip=192.0.2.1 HTTP/1.1"));
    for expected in [
        &format!("host: members.test:{}", server.port()),
        &format!("user-agent: {USER_AGENT}"),
        "authorization: Basic dTpw",
        "accept: */*",
        "accept-encoding: identity",
        "connection: close",
    ] {
        assert!(request.lines().any(|line| line == expected), "{expected} in {request}");
    }

    assert_eq!(
        exchange.request,
        format!("GET http://members.test:{}/nic/update?myip=192.0.2.1", server.port())
    );
    assert_eq!(exchange.endpoint, Some(server));
    assert_eq!(exchange.status, Some(200));
    assert_eq!(exchange.answer, "good 192.0.2.1");
    assert!(exchange.sent_at.unwrap() >= before && exchange.sent_at.unwrap() <= clock());
    assert!(exchange.answer_ms > 0.0 && exchange.connect_ms > 0.0 && exchange.tls_ms == 0.0);
}

#[test]
fn what_is_deleted_may_be_told_in_a_body() {
    for (body, end) in [(None, "\r\n\r\n"), (Some("[{\"name\":\"home\"}]"), "\r\n\r\n[{\"name\":\"home\"}]")]
    {
        let (server, requests) = answering("HTTP/1.1 204 Gone\r\n\r\n");
        let request = Request {
            method: Method::Delete,
            body: body.map(Secret::new),
            ..get(format!("http://{server}/records"))
        };
        let (outcome, _) = Lab::new(Limits::default()).ask(task(1, request));
        assert_eq!(words(&outcome), "204 ");
        let request = requests.recv().unwrap();
        assert!(request.starts_with("DELETE /records HTTP/1.1\r\n") && request.ends_with(end), "{request}");
    }
}

#[test]
fn a_body_leaves_in_one_segment_with_its_header() {
    let (sender, first_read) = mpsc::channel();
    let server = serve(move |mut stream| {
        let mut buffer = [0; 8192];
        let count = stream.read(&mut buffer).unwrap();
        sender.send(String::from_utf8_lossy(&buffer[..count]).into_owned()).unwrap();
        stream.write_all(ok("done").as_bytes()).unwrap();
    });
    let mut lab = Lab::new(Limits::default());
    let request = Request {
        method: Method::Put,
        body: Some(Secret::new("{\"content\":1}")),
        ..get(format!("http://{server}/"))
    };
    let (outcome, _) = lab.ask(task(1, request));
    assert_eq!(words(&outcome), "200 done");
    let request = first_read.recv().unwrap();
    assert!(
        request.starts_with("PUT / HTTP/1.1\r\n") && request.ends_with("\r\n\r\n{\"content\":1}"),
        "{request}"
    );
    assert!(request.contains("content-length: 13\r\n"));
}

#[test]
fn a_dialogue_is_followed_to_its_end() {
    let (server, requests) = answering(ok("[17]"));
    let mut lab = Lab::new(Limits::default());
    let write = get(format!("http://{server}/write/17"));
    let mut task = task(1, get(format!("http://{server}/list")));
    let mut answers = 0;
    task.advance = Box::new(move |reply| {
        answers += 1;
        assert_eq!(reply.body, "[17]");
        if answers == 1 { Step::Send(write.clone()) } else { Step::Done(vec![Verdict::Good]) }
    });
    let (outcome, exchange) = lab.ask(task);
    assert_eq!(outcome, Outcome::Answered(vec![Verdict::Good]));
    assert_eq!(exchange.request, format!("GET http://{server}/write/17"));
    assert!(requests.recv().unwrap().starts_with("GET /list "));
    assert!(requests.recv().unwrap().starts_with("GET /write/17 "));
}

#[test]
fn statuses_of_all_classes_are_replies() {
    for (answer, expected) in [
        ("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", "500 oops"),
        ("HTTP/1.1 429 Slow\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n", "429 retry-after=600 "),
        ("HTTP/1.1 401 No\r\nContent-Length: 7\r\n\r\nbadauth", "401 badauth"),
        (
            "HTTP/1.1 302 Away\r\nLocation: http://portal.test/\r\nContent-Length: 0\r\n\r\n",
            "302 location=http://portal.test/ ",
        ),
        ("HTTP/1.1 204 Done\r\n\r\n", "204 "),
        ("HTTP/1.1 200 Empty\r\nContent-Length: 0\r\n\r\n", "200 "),
        ("HTTP/1.0 200 OK\r\n\r\ngood", "200 good"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n", "200 good"),
    ] {
        let (server, _requests) = answering(answer);
        let (outcome, _) = Lab::new(Limits::default()).ask(task(1, get(format!("http://{server}/"))));
        assert_eq!(words(&outcome), expected);
    }
}

#[test]
fn a_silent_server_runs_into_the_limit_for_the_first_byte() {
    let server = serve(linger);
    let failure = fails(short(), server);
    assert_eq!((failure.phase, failure.kind), (Phase::Receive, FailureKind::TimedOut));
    assert_eq!(failure.detail, format!("no valid answer from {server}: no answer within 0.3 s"));
    assert!(failure.may_have_arrived());
}

#[test]
fn a_header_without_end_runs_into_the_total_limit() {
    let server = serve(|mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-").unwrap();
        linger(stream);
    });
    let failure = fails(short(), server);
    assert_eq!((failure.phase, failure.kind), (Phase::Receive, FailureKind::TimedOut));
    assert!(failure.detail.ends_with("no complete answer within 0.6 s"), "{}", failure.detail);
}

#[test]
fn a_drip_ends_at_the_total_limit() {
    let (sender, drops) = mpsc::channel();
    let server = serve(move |mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let mut count = 0;
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        while stream.write_all(b"x").is_ok() && !matches!(stream.read(&mut [0]), Ok(0)) {
            count += 1;
        }
        sender.send(count).unwrap();
    });
    let began = clock();
    let failure = fails(short(), server);
    assert!(clock().since(began) < Duration::from_secs(5));
    assert_eq!((failure.phase, failure.kind), (Phase::Receive, FailureKind::TimedOut));
    assert!(drops.recv().unwrap() > 3, "the limit must not be one for each byte");
}

#[test]
fn endless_interim_replies_end_at_the_total_limit() {
    let server = serve(|mut stream| {
        read_request(&mut stream);
        while stream.write_all(&b"HTTP/1.1 102 Wait\r\n\r\n".repeat(100)).is_ok() {}
    });
    let failure = fails(short(), server);
    assert_eq!(failure.phase, Phase::Receive);
}

#[test]
fn connections_that_break_are_told_apart() {
    let on_accept = serve(reset);
    let after_request = serve(|mut stream| {
        read_request(&mut stream);
        reset(stream);
    });
    let in_the_body = serve(|mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\ngoo").unwrap();
        // A reset overtakes what was not read yet, so wait until it was.
        std::thread::sleep(Duration::from_millis(100));
        reset(stream);
    });
    let (truncated, _requests) = answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ngood");
    let (nothing, _requests) = answering("");
    for (server, phases) in [
        (on_accept, &[Phase::Connect, Phase::Send, Phase::Receive][..]),
        (after_request, &[Phase::Receive]),
        (in_the_body, &[Phase::Receive]),
        (truncated, &[Phase::Receive]),
        (nothing, &[Phase::Receive]),
    ] {
        let failure = fails(Limits::default(), server);
        assert_eq!(failure.kind, FailureKind::Reset, "{failure:?}");
        assert!(phases.contains(&failure.phase), "{failure:?}");
    }
}

#[test]
fn what_is_not_http_is_a_protocol_failure() {
    let (server, _requests) = answering("220 mail.test ESMTP\r\n\r\n");
    assert_eq!(fails(Limits::default(), server).kind, FailureKind::Protocol);
    let (server, _requests) = answering(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(40_000)));
    assert_eq!(fails(Limits::default(), server).kind, FailureKind::Protocol);
}

#[test]
fn a_gigabyte_is_not_read() {
    let (sender, written) = mpsc::channel();
    let server = serve(move |mut stream| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\ngood\n").unwrap();
        let mut count = 0_u64;
        while count < 1 << 30 && stream.write_all(&[b'x'; 65536]).is_ok() {
            count += 65536;
        }
        sender.send(count).unwrap();
    });
    let failure = fails(Limits::default(), server);
    assert_eq!((failure.phase, failure.kind), (Phase::Receive, FailureKind::TooLong));
    assert!(written.recv().unwrap() < 32 << 20, "what the kernel buffers, and no more");
}

#[test]
fn a_port_without_server_refuses() {
    let failure = fails(Limits::default(), closed_port());
    assert_eq!((failure.phase, failure.kind), (Phase::Connect, FailureKind::Refused));
    assert!(failure.detail.ends_with(": connection refused"), "{}", failure.detail);
    assert!(!failure.may_have_arrived());
}

#[test]
fn a_device_that_does_not_exist_is_named() {
    let (server, _requests) = answering(ok("good"));
    let bound = Task { bind: Some("pppoe-gone".to_owned()), ..task(1, get(format!("http://{server}/"))) };
    let failure = failure(Lab::new(Limits::default()).ask(bound).0);
    assert_eq!((failure.phase, failure.kind), (Phase::Connect, FailureKind::Unreachable));
    assert!(failure.detail.contains("through pppoe-gone"), "{}", failure.detail);
}

#[test]
fn an_address_without_route_is_unreachable_at_once() {
    let failure = fails(Limits::default(), "255.255.255.255:80".parse().unwrap());
    assert_eq!((failure.phase, failure.kind), (Phase::Connect, FailureKind::Unreachable));
}

#[test]
fn a_host_that_swallows_everything_runs_into_the_limit_for_connecting() {
    let hole = BlackHole::new();
    let failure = fails(short(), hole.address);
    assert_eq!((failure.phase, failure.kind), (Phase::Connect, FailureKind::TimedOut));
    assert_eq!(failure.detail, format!("could not connect to {}: no answer within 0.3 s", hole.address));
}

#[test]
fn a_first_syn_that_is_lost_is_repeated_before_the_kernel_does_it() {
    let hole = BlackHole::new();
    let listener = hole.kept.0.try_clone().unwrap();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        let _filler = listener.accept().unwrap();
        let mut stream = TcpStream::from(listener.accept().unwrap().0);
        read_request(&mut stream);
        stream.write_all(ok("good").as_bytes()).unwrap();
    });
    let mut lab = Lab::new(Limits::default());
    let (outcome, exchange) = lab.ask(task(1, get(format!("http://{}/", hole.address))));
    assert_eq!(words(&outcome), "200 good");
    // The kernel repeats a SYN after 1 s.
    assert!((250.0..900.0).contains(&exchange.connect_ms), "{}", exchange.connect_ms);
}

#[test]
fn the_next_address_is_tried_while_the_first_is_silent_or_refuses() {
    let hole = BlackHole::new();
    let port = hole.address.port();
    serve_at(SocketAddr::from(([127, 0, 0, 1], port)), |mut stream| {
        read_request(&mut stream);
        stream.write_all(ok("good").as_bytes()).unwrap();
    });
    for others in
        [vec![hole.address.ip()], vec![[127, 0, 0, 3].into()], vec![[127, 0, 0, 3].into(), hole.address.ip()]]
    {
        let addresses = [others, vec![Ipv4Addr::LOCALHOST.into()]].concat();
        let mut lab = Lab::resolving(Limits::default(), move |_| Ok(addresses.clone()));
        let (outcome, exchange) = lab.ask(task(1, get(format!("http://provider.test:{port}/"))));
        assert_eq!(words(&outcome), "200 good");
        assert_eq!(exchange.endpoint, Some(SocketAddr::from(([127, 0, 0, 1], port))));
        assert_eq!(lab.http.endpoints().of("provider.test")[0], Ipv4Addr::LOCALHOST);
    }
}

#[test]
fn the_wish_for_a_family_is_obeyed() {
    let (server, _requests) = answering(ok("good"));
    let url = format!("http://provider.test:{}/", server.port());
    let mut lab = Lab::resolving(short(), |_| Ok(vec!["::1".parse().unwrap(), Ipv4Addr::LOCALHOST.into()]));
    let (outcome, _) = lab.ask(task(1, Request { family: Some(Family::V4), ..get(&url) }));
    assert_eq!(words(&outcome), "200 good");
    let failure = failure(lab.ask(task(2, Request { family: Some(Family::V6), ..get(&url) })).0);
    assert_eq!(failure.phase, Phase::Connect);
    assert!(failure.detail.contains("[::1]"), "{}", failure.detail);
}

#[test]
fn a_dead_resolver_without_memory_is_a_failure() {
    let (asleep, silence) = mpsc::channel::<()>();
    let silence = std::sync::Mutex::new(silence);
    let mut lab = Lab::resolving(short(), move |host| match host {
        "refused.test" => Err(std::io::Error::other("failed to lookup address information: Try again")),
        "empty.test" => Ok(Vec::new()),
        _ => {
            let _ = silence.lock().unwrap().recv();
            Err(std::io::Error::other("awoken"))
        }
    });
    for (host, reason) in [
        ("refused.test", "try again"),
        ("empty.test", "the name has no address"),
        ("silent.test", "no answer from the resolver within 0.3 s"),
    ] {
        let failure = failure(lab.ask(task(1, get(format!("http://{host}/")))).0);
        assert_eq!((failure.phase, failure.kind), (Phase::Resolve, FailureKind::Unresolved));
        assert_eq!(failure.detail, format!("could not resolve {host}: {reason}"));
    }
    drop(asleep);
}

#[test]
fn a_dead_resolver_does_not_matter_when_the_endpoint_is_remembered() {
    let (server, _requests) = answering(ok("good"));
    let mut endpoints = Endpoints::default();
    endpoints.remember("provider.test", Ipv4Addr::LOCALHOST.into(), &[]);
    let stored = serde_json::to_string(&endpoints).unwrap();
    assert_eq!(stored, r#"{"provider.test":["127.0.0.1"]}"#);
    let endpoints: Endpoints = serde_json::from_str(&stored).unwrap();
    for silent in [true, false] {
        let (awake, asleep) = mpsc::channel::<()>();
        let asleep = std::sync::Mutex::new(asleep);
        let resolver = move |_: &str| {
            if silent {
                let _ = asleep.lock().unwrap().recv();
            }
            Err(std::io::Error::other("dead"))
        };
        let settings = Settings {
            limits: Limits { patience: Duration::from_millis(40), ..Limits::default() },
            endpoints: endpoints.clone(),
            resolver: Arc::new(resolver),
            ..Settings::new(clock)
        };
        let (outcome, exchange) =
            Lab::with(settings).ask(task(1, get(format!("http://provider.test:{}/", server.port()))));
        assert_eq!(words(&outcome), "200 good");
        assert!(exchange.resolve_ms < 4000.0);
        drop(awake);
    }
}

#[test]
fn an_outdated_memory_gives_way_to_the_resolver() {
    let (server, _requests) = answering(ok("good"));
    let mut endpoints = Endpoints::default();
    endpoints.remember("provider.test", [127, 0, 0, 3].into(), &[]);
    let (answer, question) = mpsc::channel::<()>();
    let question = std::sync::Mutex::new(question);
    let resolver = move |_: &str| {
        let _ = question.lock().unwrap().recv();
        Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    };
    let settings = Settings {
        limits: Limits { patience: Duration::from_millis(1), ..Limits::default() },
        endpoints,
        resolver: Arc::new(resolver),
        ..Settings::new(clock)
    };
    let mut lab = Lab::with(settings);
    lab.http.send(task(1, get(format!("http://provider.test:{}/", server.port()))));
    // Long enough for the remembered address to refuse; too short would make the test weaker, not wrong.
    std::thread::sleep(Duration::from_millis(50));
    answer.send(()).unwrap();
    assert_eq!(words(&lab.next().1), "200 good");
    assert_eq!(lab.http.endpoints().of("provider.test"), [IpAddr::V4(Ipv4Addr::LOCALHOST)]);
}

#[test]
fn stuck_lookups_do_not_take_the_workers_away() {
    let (server, _requests) = answering(ok("good"));
    let (asleep, silence) = mpsc::channel::<()>();
    let silence = std::sync::Mutex::new(silence);
    let stuck = Arc::new(AtomicUsize::new(0));
    let lookups = Arc::clone(&stuck);
    let mut lab = Lab::resolving(Limits::default(), move |_| {
        lookups.fetch_add(1, Ordering::Relaxed);
        let _ = silence.lock().unwrap().recv();
        Err(std::io::Error::other("awoken"))
    });
    for job in 0..30 {
        lab.http.send(task(job, get("http://silent.test/")));
        while stuck.load(Ordering::Relaxed) as u64 <= job.min(11) {
            std::thread::yield_now();
        }
        lab.http.withdraw(JobId(job));
        let (_, outcome, _) = lab.next();
        // When no lookup can be started any more the job may fail before it is withdrawn.
        assert!(job >= 12 || outcome == Outcome::Withdrawn, "{outcome:?}");
    }
    assert_eq!(words(&lab.ask(task(100, get(format!("http://{server}/")))).0), "200 good");
    assert_eq!(stuck.load(Ordering::Relaxed), 12);
    drop(asleep);
}

#[test]
fn tls_is_verified_and_its_sessions_are_resumed() {
    let authority = Authority::new();
    let config = authority.certify("provider.test", |_| {});
    let (sender, kinds) = mpsc::channel();
    let server = serve(move |stream| {
        let mut tls = accept_tls(&config, stream);
        read_request(&mut tls);
        sender.send(tls.conn.handshake_kind().unwrap()).unwrap();
        tls.write_all(ok("good").as_bytes()).unwrap();
        tls.conn.send_close_notify();
        let _ = tls.flush();
    });
    let mut lab = Lab::new(Limits::default());
    for job in 0..2 {
        let request = get(format!("https://provider.test:{}/", server.port()));
        let (outcome, exchange) = lab.ask(authority.task(job, request));
        assert_eq!(words(&outcome), "200 good");
        assert!(exchange.tls_ms > 0.0);
    }
    assert_eq!(kinds.recv().unwrap(), rustls::HandshakeKind::Full);
    assert_eq!(kinds.recv().unwrap(), rustls::HandshakeKind::Resumed);
}

#[test]
fn each_group_of_a_key_exchange_serves_in_tls_1_2_and_1_3() {
    let authority = Authority::new();
    for group in [kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1] {
        for version in [&TLS12, &TLS13] {
            let provider = CryptoProvider { kx_groups: vec![group], ..ring::default_provider() };
            let config = authority.certify_for("provider.test", |_| {}, provider, &[version]);
            let server = serve(move |stream| {
                let mut tls = accept_tls(&config, stream);
                read_request(&mut tls);
                tls.write_all(ok("good").as_bytes()).unwrap();
                tls.conn.send_close_notify();
                let _ = tls.flush();
            });
            let request = get(format!("https://provider.test:{}/", server.port()));
            let (outcome, _) = Lab::new(Limits::default()).ask(authority.task(1, request));
            assert_eq!(words(&outcome), "200 good", "{group:?} {version:?}");
        }
    }
}

#[test]
fn certificates_that_are_not_to_be_trusted_are_explained() {
    let authority = Authority::new();
    let other = Authority::new();
    let expired = |params: &mut CertificateParams| params.not_after = date_time_ymd(2020, 2, 29);
    let early = |params: &mut CertificateParams| params.not_before = date_time_ymd(2090, 1, 1);
    for (config, kind, reason) in [
        (
            other.certify("provider.test", |_| {}),
            FailureKind::CertificateRejected,
            "by no authority of the CA bundle",
        ),
        (authority.certify("other.test", |_| {}), FailureKind::CertificateRejected, "for other names"),
        (
            authority.certify("provider.test", expired),
            FailureKind::CertificateRejected,
            "expired on 2020-02-29 00:00 UTC",
        ),
        (
            authority.certify("provider.test", early),
            FailureKind::CertificateNotYetValid,
            "valid from 2090-01-01 00:00 UTC",
        ),
    ] {
        let server = serve(move |stream| drop(read_request(&mut accept_tls(&config, stream))));
        let request = get(format!("https://provider.test:{}/", server.port()));
        let failure = failure(Lab::new(Limits::default()).ask(authority.task(1, request)).0);
        assert_eq!((failure.phase, failure.kind), (Phase::Tls, kind), "{failure:?}");
        assert!(failure.detail.contains(reason), "{}", failure.detail);
        assert!(failure.detail.contains("provider.test (127.0.0.1:"), "{}", failure.detail);
    }
}

#[test]
fn handshakes_that_do_not_end_well_fail_in_their_phase() {
    let authority = Authority::new();
    let ask = |server: SocketAddr| {
        let request = get(format!("https://provider.test:{}/", server.port()));
        failure(Lab::new(short()).ask(authority.task(1, request)).0)
    };
    let silent = ask(serve(linger));
    assert_eq!((silent.phase, silent.kind), (Phase::Tls, FailureKind::TimedOut));
    assert!(silent.detail.ends_with("the handshake was not finished within 0.3 s"), "{}", silent.detail);
    let plain = ask(serve(|mut stream| drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"))));
    assert_eq!((plain.phase, plain.kind), (Phase::Tls, FailureKind::Protocol));
    let closed = ask(serve(|mut stream| drop(stream.read(&mut [0; 4096]))));
    assert_eq!((closed.phase, closed.kind), (Phase::Tls, FailureKind::Reset));
}

#[test]
fn a_missing_bundle_is_named_and_found_later() {
    let authority = Authority::new();
    let config = authority.certify("provider.test", |_| {});
    let server = serve(move |stream| {
        let mut tls = accept_tls(&config, stream);
        read_request(&mut tls);
        tls.write_all(ok("good").as_bytes()).unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let mut lab = Lab::new(Limits::default());
    let request = get(format!("https://provider.test:{}/", server.port()));
    let missing = Task { ca_file: Some(path.clone()), ..task(1, request.clone()) };
    let failure = failure(lab.ask(missing).0);
    assert_eq!((failure.phase, failure.kind), (Phase::Tls, FailureKind::CertificateRejected));
    assert!(failure.detail.contains(&*path.to_string_lossy()), "{}", failure.detail);
    std::fs::copy(authority.bundle.path(), &path).unwrap();
    let found = Task { ca_file: Some(path), ..task(2, request) };
    assert_eq!(words(&lab.ask(found).0), "200 good");
}

#[test]
fn redirects_are_followed_on_the_same_server_only() {
    let target = Arc::new(std::sync::Mutex::new(String::new()));
    let (sender, requests) = mpsc::channel();
    let location = Arc::clone(&target);
    let server = serve(move |mut stream| {
        let request = read_request(&mut stream);
        let line = request.lines().next().unwrap_or_default().to_owned();
        let answer = match line.contains("/start") || line.contains("/loop") {
            true => format!(
                "HTTP/1.1 307 Moved\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
                location.lock().unwrap()
            ),
            false => ok("good"),
        };
        sender.send(request).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let (stranger, strangers) = answering(ok("good"));
    let mut lab = Lab::new(Limits::default());
    let mut ask = |path: &str, to: String, secret: bool| {
        *target.lock().unwrap() = to;
        let mut request = Request { follow_redirects: true, ..get(format!("http://{server}{path}")) };
        if secret {
            request.headers = vec![("Authorization".to_owned(), Secret::new("Bearer t0psecret"))];
        }
        lab.ask(task(1, request)).0
    };
    for to in ["/end", "end", &format!("//{server}/end"), &format!("http://{server}/end")] {
        assert_eq!(words(&ask("/start", to.to_owned(), true)), "200 good");
        assert!(requests.recv().unwrap().starts_with("GET /start "));
        let second = requests.recv().unwrap();
        assert!(
            second.starts_with("GET /end ") && second.contains("authorization: Bearer t0psecret"),
            "{second}"
        );
    }
    assert_eq!(words(&ask("/start", format!("http://{stranger}/end"), false)), "200 good");
    strangers.recv().unwrap();

    let elsewhere = failure(ask("/start", format!("http://{stranger}/end?t0psecret"), true));
    assert_eq!((elsewhere.phase, elsewhere.kind), (Phase::Receive, FailureKind::Protocol));
    assert!(elsewhere.detail.contains(&format!("redirected to {stranger}")), "{}", elsewhere.detail);
    assert!(!elsewhere.detail.contains("t0psecret"));
    let endless = failure(ask("/loop", "/loop".to_owned(), true));
    assert!(endless.detail.contains("more than 3 redirects"), "{}", endless.detail);
    assert!(strangers.try_recv().is_err(), "the stranger was spoken to");
}

#[test]
fn no_redirect_leads_from_https_to_http() {
    let authority = Authority::new();
    let config = authority.certify("provider.test", |_| {});
    let server = serve(move |stream| {
        let mut tls = accept_tls(&config, stream);
        read_request(&mut tls);
        let answer = "HTTP/1.1 302 Moved\r\nLocation: http://provider.test/\r\nContent-Length: 0\r\n\r\n";
        tls.write_all(answer.as_bytes()).unwrap();
    });
    let request =
        Request { follow_redirects: true, ..get(format!("https://provider.test:{}/", server.port())) };
    let failure = failure(Lab::new(Limits::default()).ask(authority.task(1, request)).0);
    assert_eq!((failure.phase, failure.kind), (Phase::Receive, FailureKind::Protocol));
    assert!(failure.detail.contains("from https to plain http (provider.test)"), "{}", failure.detail);
}

#[test]
fn a_request_withdrawn_while_the_handshake_hangs_is_never_written() {
    let authority = Authority::new();
    let config = authority.certify("provider.test", |_| {});
    let (accepted, arrival) = mpsc::channel();
    let (go_on, gate) = mpsc::channel::<()>();
    let (sender, requests) = mpsc::channel();
    let server = serve(move |stream| {
        accepted.send(()).unwrap();
        gate.recv().unwrap();
        sender.send(read_request(&mut accept_tls(&config, stream))).unwrap();
    });
    let mut lab = Lab::new(Limits::default());
    lab.http.send(authority.task(1, get(format!("https://provider.test:{}/", server.port()))));
    arrival.recv().unwrap();
    lab.http.withdraw(JobId(1));
    let (_, outcome, exchange) = lab.results.try_recv().expect("withdrawn at once");
    assert_eq!(outcome, Outcome::Withdrawn);
    assert_eq!(exchange.sent_at, None);
    go_on.send(()).unwrap();
    assert_eq!(requests.recv().unwrap(), "");
}

#[test]
fn a_race_between_withdrawing_and_sending_has_one_winner() {
    let (server, requests) = answering(ok("good"));
    let mut lab = Lab::new(Limits::default());
    let (mut withdrawn, mut answered) = (Vec::new(), Vec::new());
    for job in 0..600 {
        lab.http.send(task(job, get(format!("http://{server}/{job}/"))));
        let until = clock() + Duration::from_micros(job % 300 * 2);
        while clock() < until {
            std::hint::spin_loop();
        }
        lab.http.withdraw(JobId(job));
        match lab.next() {
            (_, Outcome::Withdrawn, _) => withdrawn.push(job),
            (_, outcome, _) => {
                assert_eq!(words(&outcome), "200 good");
                answered.push(job);
            }
        }
    }
    // The server takes connections in order: when it has answered this one it has seen all others.
    assert_eq!(words(&lab.ask(task(600, get(format!("http://{server}/600/")))).0), "200 good");
    answered.push(600);
    let arrived: Vec<u64> = requests
        .try_iter()
        .filter(|request| !request.is_empty())
        .map(|request| request.split('/').nth(1).unwrap().parse().unwrap())
        .collect();
    assert_eq!(arrived, answered);
    assert!(!withdrawn.is_empty());
    assert!(lab.is_quiet());
}

#[test]
fn a_committed_request_cannot_be_withdrawn_but_abandoned() {
    let (sender, requests) = mpsc::channel();
    let (gone, end) = mpsc::channel();
    let server = serve(move |mut stream| {
        sender.send(read_request(&mut stream)).unwrap();
        linger(stream);
        gone.send(()).unwrap();
    });
    let mut lab = Lab::new(Limits::default());
    lab.http.send(task(1, get(format!("http://{server}/"))));
    requests.recv().unwrap();
    lab.http.withdraw(JobId(1));
    assert!(lab.is_quiet());
    lab.http.abandon(JobId(1));
    let (_, outcome, exchange) = lab.results.try_recv().expect("abandoned at once");
    let failure = failure(outcome);
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert!(failure.may_have_arrived());
    assert!(exchange.sent_at.is_some());
    end.recv().expect("the connection is closed");
    lab.http.abandon(JobId(1));
    assert!(lab.is_quiet());
}

#[test]
fn four_hanging_jobs_keep_the_fifth_waiting_no_longer_than_they_live() {
    let (hanging, (good, _requests)) = (serve_in_threads(linger), answering(ok("good")));
    let mut lab = Lab::new(Limits::default());
    for job in 0..4 {
        lab.http.send(task(job, get(format!("http://{hanging}/"))));
    }
    lab.http.send(task(4, get(format!("http://{good}/"))));
    lab.http.send(task(5, get(format!("http://{good}/"))));
    lab.http.withdraw(JobId(5));
    assert_eq!(lab.next().0, JobId(5));
    for job in 0..4 {
        lab.http.abandon(JobId(job));
        assert_eq!(lab.next().0, JobId(job));
    }
    let (job, outcome, _) = lab.next();
    assert_eq!((job, words(&outcome)), (JobId(4), "200 good"));

    let mut lab = Lab::new(short());
    for job in 0..4 {
        lab.http.send(task(job, get(format!("http://{hanging}/"))));
    }
    lab.http.send(task(4, get(format!("http://{good}/"))));
    let outcomes: Vec<_> = (0..5).map(|_| lab.next()).collect();
    let fifth = outcomes.iter().find(|(job, ..)| *job == JobId(4)).unwrap();
    assert_eq!(words(&fifth.1), "200 good");
}

#[test]
fn every_job_has_one_result_when_the_sender_shuts_down() {
    let hanging = serve_in_threads(linger);
    let mut lab = Lab::new(Limits::default());
    for job in 0..10 {
        lab.http.send(task(job, get(format!("http://{hanging}/"))));
    }
    lab.http.shutdown();
    lab.http.send(task(10, get(format!("http://{hanging}/"))));
    let mut ended: Vec<_> = (0..=10).map(|_| lab.next().0.0).collect();
    ended.sort_unstable();
    assert_eq!(ended, (0..=10).collect::<Vec<_>>());
    drop(lab.http);
    assert!(lab.results.recv_timeout(lab::PATIENCE).is_err(), "no second result, and the workers have gone");
}

#[test]
fn a_mistake_in_a_dialogue_costs_one_job() {
    let (server, _requests) = answering(ok("good"));
    let mut lab = Lab::new(Limits::default());
    for job in 0..6 {
        let mut faulty = task(job, get(format!("http://{server}/")));
        faulty.advance = Box::new(|_| panic!("a mistake"));
        assert_eq!(failure(lab.ask(faulty).0).kind, FailureKind::Protocol);
    }
    assert_eq!(words(&lab.ask(task(6, get(format!("http://{server}/")))).0), "200 good");
}

#[test]
fn secrets_that_a_server_echoes_are_not_shown() {
    let echo = serve(|mut stream| {
        let request = read_request(&mut stream);
        stream.write_all(ok(&request).as_bytes()).unwrap();
    });
    let mut lab = Lab::new(Limits::default());
    let request = Request {
        shown: format!("http://{echo}/?token=***"),
        headers: vec![("Authorization".to_owned(), Secret::new("Basic aHVudGVyMg=="))],
        ..get(format!("http://{echo}/?token=hun%20ter%2F2"))
    };
    let mut task = task(1, request);
    task.secrets = vec![Secret::new("hun ter/2"), Secret::new("x")];
    task.advance = Box::new(|reply| {
        assert!(reply.body.contains("hun%20ter%2F2"), "the dialogue sees what was said");
        Step::Done(vec![told(reply)])
    });
    let (outcome, exchange) = lab.ask(task);
    let seen = format!("{outcome:?} {exchange:?}");
    assert!(seen.contains("GET /?token=*** HTTP/1.1"), "{seen}");
    assert!(seen.contains("authorization: ***"), "{seen}");
    for secret in ["hun%20ter", "hun ter", "aHVudGVyMg"] {
        assert!(!seen.contains(secret), "{secret} in {seen}");
    }
}

#[test]
fn urls_that_cannot_be_requested_do_not_show_themselves() {
    for url in [
        "ftp://hunter2@host/",
        "http://user:hunter2@host/",
        "http://ho st/hunter2",
        "hunter2",
        "http:///hunter2",
    ] {
        let request = Request { shown: "***".to_owned(), ..get(url) };
        let failure = failure(Lab::new(short()).ask(task(1, request)).0);
        assert_eq!((failure.phase, failure.kind), (Phase::Resolve, FailureKind::Protocol), "{url}");
        assert!(!failure.detail.contains("hunter2"), "{}", failure.detail);
    }
}

#[test]
fn a_mild_storm_gives_each_job_its_own_result() {
    let served = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&served);
    let server = serve(move |mut stream| {
        let request = read_request(&mut stream);
        counter.fetch_add(1, Ordering::Relaxed);
        let _ = stream.write_all(ok(request.split(' ').nth(1).unwrap_or_default()).as_bytes());
    });
    let mut lab = Lab::new(Limits::default());
    let next = AtomicU64::new(0);
    for _ in 0..50 {
        for _ in 0..7 {
            let job = next.fetch_add(1, Ordering::Relaxed);
            lab.http.send(task(job, get(format!("http://{server}/{job}"))));
        }
        for _ in 0..7 {
            let (job, outcome, _) = lab.next();
            assert_eq!(words(&outcome), format!("200 /{}", job.0));
        }
    }
    assert_eq!(served.load(Ordering::Relaxed), 350);
}

fn fails(limits: Limits, server: SocketAddr) -> Failure {
    failure(Lab::new(limits).ask(task(1, get(format!("http://{server}/")))).0)
}

fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failed(failure) => failure,
        other @ (Outcome::Answered(_) | Outcome::Withdrawn) => panic!("{other:?}"),
    }
}

fn closed_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn serve_in_threads(behave: impl Fn(TcpStream) + Copy + Send + 'static) -> SocketAddr {
    serve(move |stream| drop(std::thread::spawn(move || behave(stream))))
}

/// A port whose queue is full: the kernel drops every further SYN.
struct BlackHole {
    address: SocketAddr,
    kept: (socket2::Socket, Vec<socket2::Socket>),
}

impl BlackHole {
    fn new() -> Self {
        let socket = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let listener = socket();
        listener.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let full: Vec<_> = (0..4)
            .map(|_| {
                let filler = socket();
                filler.set_nonblocking(true).unwrap();
                let _ = filler.connect(&address.into());
                filler
            })
            .collect();
        Self { address, kept: (listener, full) }
    }
}
