//! Every dialogue of every entry over loopback: ureq, rustls and a server that answers what was recorded.
//!
//! URLs get the port of a server of ours, so that the tests need no rights; all else is as it leaves a router.

use std::collections::{BTreeSet, VecDeque};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::SanType;
use rustls::ServerConfig;
use wanbeacon::daemon::http::{Task, USER_AGENT, WORKERS_MAX};
use wanbeacon::engine::{JobId, Outcome};
use wanbeacon::provider::{
    Family, Provider, RECORDED_AT, Recorded, RecordedAnswer, RecordedRequest, Request, Secret, Step,
};

use crate::dialogues::files;
use crate::http::lab::{Authority, Lab, accept_tls, read_request};

#[test]
fn every_dialogue_holds_over_real_connections() {
    let entries: Vec<Arc<Provider>> =
        files().iter().map(|(_, text)| Provider::parse(text).unwrap().into()).collect();
    let alive = entries.iter().filter(|entry| !entry.is_gone());
    let takes = alive.flat_map(|entry| {
        entry.dialogues.iter().flat_map(move |recorded| {
            recorded.answers.iter().map(move |answer| Take { entry, recorded, answer })
        })
    });
    let mut takes: VecDeque<Take<'_>> = takes.collect();
    let count = takes.len();
    assert!(count > 1000, "{count}");
    let mut stage = Stage::new(&takes);
    let mut wrong = Vec::new();
    let mut under_way = 0;
    let mut free: Vec<usize> = (0..WORKERS_MAX).collect();
    let mut playing: Vec<Option<Take<'_>>> = (0..WORKERS_MAX).map(|_| None).collect();
    while under_way > 0 || !takes.is_empty() {
        while let (Some(lane), false) = (free.last().copied(), takes.is_empty()) {
            free.pop();
            let take = takes.pop_front().unwrap();
            stage.play(lane, &take);
            playing[lane] = Some(take);
            under_way += 1;
        }
        let (JobId(job), outcome, _) = stage.lab.next();
        let lane = usize::try_from(job).unwrap() % WORKERS_MAX;
        let take = playing[lane].take().unwrap();
        wrong.extend(stage.judge(lane, &take, &outcome).iter().map(|words| format!("{take}: {words}")));
        free.push(lane);
        under_way -= 1;
    }
    assert!(wrong.is_empty(), "{} differences in {count} dialogues:\n{}", wrong.len(), wrong.join("\n"));
}

/// One dialogue that ends with one answer.
struct Take<'a> {
    entry: &'a Arc<Provider>,
    recorded: &'a Recorded,
    answer: &'a RecordedAnswer,
}

impl std::fmt::Display for Take<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} ({} {:?})",
            self.entry.id, self.recorded.request.url, self.answer.status, self.answer.body
        )
    }
}

impl<'a> Take<'a> {
    fn wanted(&self) -> Vec<&'a RecordedRequest> {
        let before = self.recorded.before.iter().map(|before| &before.request);
        before.chain([&self.recorded.request]).collect()
    }

    fn answers(&self) -> Vec<String> {
        let before = self.recorded.before.iter().map(|before| response(before.status, &[], &before.answer));
        let headers: Vec<(&str, &str)> =
            self.answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        before.chain([response(self.answer.status, &headers, &self.answer.body)]).collect()
    }
}

fn response(status: u16, headers: &[(&str, &str)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    // RFC 9110 section 8.6: no such field with 204.
    let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("HTTP/1.1 {status} Recorded\r\n{headers}{length}\r\n{body}")
}

/// A request as it arrived.
struct Arrived {
    text: String,
    tls: bool,
    family: Family,
}

/// One sender, and for each of its workers a server of its own: so it is known whose request arrives.
struct Stage {
    lab: Lab,
    authority: Authority,
    lanes: Vec<Lane>,
    jobs: u64,
}

struct Lane {
    address: SocketAddr,
    answers: Arc<Mutex<VecDeque<String>>>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Stage {
    fn new(takes: &VecDeque<Take<'_>>) -> Self {
        let urls = takes.iter().flat_map(|take| take.wanted().into_iter().map(|wanted| &*wanted.url));
        let hosts: BTreeSet<String> = urls.map(|url| reached(url).to_owned()).collect();
        let authority = Authority::new();
        let names = hosts.into_iter().map(|host| match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(ip) => SanType::IpAddress(ip),
            Err(_) => SanType::DnsName(host.try_into().unwrap()),
        });
        let config = authority.certify("localhost", |params| params.subject_alt_names = names.collect());
        let lanes = (0..WORKERS_MAX).map(|_| Lane::open(Arc::clone(&config))).collect();
        let both = || vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let lab = Lab::resolving(wanbeacon::daemon::http::Limits::default(), move |_| Ok(both()));
        Self { lab, authority, lanes, jobs: 0 }
    }

    fn play(&mut self, lane: usize, take: &Take<'_>) {
        let (account, update) = take.recorded.begin(take.entry).unwrap();
        let port = self.lanes[lane].address.port();
        *self.lanes[lane].answers.lock().unwrap() = take.answers().into();
        let (mut dialogue, step) = account.dialogue(&update, RECORDED_AT);
        let Step::Send(first) = step else { panic!("{take}: no request") };
        let workers = u64::try_from(WORKERS_MAX).unwrap();
        self.jobs += 1;
        let job = JobId(self.jobs * workers + u64::try_from(lane).unwrap());
        self.lab.http.send(Task {
            job,
            first: detoured(first, port),
            advance: Box::new(move |reply| match dialogue.advance(reply) {
                Step::Send(next) => Step::Send(detoured(next, port)),
                other @ (Step::Ask(_) | Step::Done(_)) => other,
            }),
            bind: None,
            ca_file: Some(self.authority.bundle.path().to_owned()),
            secrets: account.secrets().to_vec(),
        });
    }

    /// What differs between the recording and what happened.
    fn judge(&self, lane: usize, take: &Take<'_>, outcome: &Outcome) -> Vec<String> {
        let lane = &self.lanes[lane];
        let mut wrong = Vec::new();
        match outcome {
            Outcome::Answered(verdicts) => {
                let found: Vec<String> = verdicts.iter().map(|verdict| verdict.word()).collect();
                let recorded = take.answer.verdicts_of(found.len());
                if found != recorded {
                    wrong.push(format!("verdicts {found:?}, recorded {recorded:?}"));
                }
            }
            // An entry that lets redirects be followed never sees the one of a captive portal.
            Outcome::Failed(failure)
                if failure.detail.starts_with("redirect not followed")
                    && take.answer.verdicts == ["not understood"] => {}
            Outcome::Failed(failure) => wrong.push(failure.detail.clone()),
            Outcome::Withdrawn => wrong.push("withdrawn".to_owned()),
        }
        let arrived = std::mem::take(&mut *lane.arrived.lock().unwrap());
        let wanted = take.wanted();
        if arrived.len() != wanted.len() {
            wrong.push(format!("{} requests arrived, {} are recorded", arrived.len(), wanted.len()));
        }
        for (arrived, wanted) in arrived.iter().zip(&wanted) {
            wrong.extend(arrived.differences(wanted, lane.address.port()));
        }
        wrong
    }
}

impl Lane {
    fn open(config: Arc<ServerConfig>) -> Self {
        // Dual-stack: Rust leaves IPV6_V6ONLY as the kernel has it.
        let listener = TcpListener::bind("[::]:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (answers, arrived) =
            (Arc::<Mutex<VecDeque<String>>>::default(), Arc::<Mutex<Vec<Arrived>>>::default());
        let lane = Self { address, answers: Arc::clone(&answers), arrived: Arc::clone(&arrived) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &config, &answers, &arrived);
            }
        });
        lane
    }
}

/// One connection: TLS if it begins like TLS.
fn serve(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    answers: &Mutex<VecDeque<String>>,
    arrived: &Mutex<Vec<Arrived>>,
) {
    const HANDSHAKE: u8 = 22;
    let from = stream.peer_addr().unwrap().ip().to_canonical();
    let mut first = [0];
    let tls = matches!(stream.peek(&mut first), Ok(1)) && first[0] == HANDSHAKE;
    let mut arrive = |text| arrived.lock().unwrap().push(Arrived { text, tls, family: Family::of(from) });
    if tls {
        let mut stream = accept_tls(config, stream);
        converse(&mut stream, answers, &mut arrive);
        stream.conn.send_close_notify();
        let _ = stream.flush();
    } else {
        converse(&mut &stream, answers, &mut arrive);
    }
}

/// Reads a request, hands it over, and answers it: in this order, since whoever has the answer asks what arrived.
fn converse(
    stream: &mut (impl Read + Write),
    answers: &Mutex<VecDeque<String>>,
    arrive: &mut impl FnMut(String),
) {
    arrive(read_request(stream));
    let answer = answers.lock().unwrap().pop_front();
    let answer = answer.unwrap_or_else(|| response(500, &[], "a request that is not recorded"));
    let _ = stream.write_all(answer.as_bytes());
}

impl Arrived {
    fn differences(&self, wanted: &RecordedRequest, port: u16) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut compare = |what: &str, found: &str, recorded: &str| {
            if found != recorded {
                wrong.push(format!("{what}: {found:?} arrived, {recorded:?} is recorded"));
            }
        };
        let (head, body) = self.text.split_once("\r\n\r\n").unwrap_or((&self.text, ""));
        let (line, fields) = head.split_once("\r\n").unwrap_or((head, ""));
        let method = wanted.method.name();
        compare("request line", line, &format!("{method} {} HTTP/1.1", target(&wanted.url)));
        compare("TLS", &self.tls.to_string(), &wanted.url.starts_with("https://").to_string());
        let mut own = vec![
            ("host".to_owned(), format!("{}:{port}", reached(&wanted.url))),
            ("user-agent".to_owned(), USER_AGENT.to_owned()),
            ("accept".to_owned(), "*/*".to_owned()),
            ("accept-encoding".to_owned(), "identity".to_owned()),
            ("connection".to_owned(), "close".to_owned()),
        ];
        // RFC 9110 section 8.6: a method that has a body as a rule says also that it has none.
        if matches!(method, "PATCH" | "POST" | "PUT") || wanted.body.is_some() {
            own.push(("content-length".to_owned(), wanted.body.as_ref().map_or(0, String::len).to_string()));
        }
        let split = |field: &str| {
            let (name, value) = field.split_once(": ").unwrap_or((field, ""));
            (name.to_lowercase(), value.to_owned())
        };
        let (found_own, found): (Vec<_>, Vec<_>) =
            fields.lines().map(split).partition(|(name, _)| own.iter().any(|(own, _)| own == name));
        own.sort();
        let mut found_own = found_own;
        found_own.sort();
        compare("fields of the program", &format!("{found_own:?}"), &format!("{own:?}"));
        let recorded: Vec<_> = wanted.headers.iter().map(|field| split(field)).collect();
        compare("fields", &format!("{found:?}"), &format!("{recorded:?}"));
        compare("body", body, wanted.body.as_deref().unwrap_or_default());
        if let Some(family) = wanted.family {
            compare("family", &self.family.to_string(), &family.to_string());
        }
        wrong
    }
}

/// The same request, to a server of ours at this port; a recorded address becomes this machine's.
fn detoured(request: Request, port: u16) -> Request {
    let url = request.url.expose();
    let (scheme, rest) = url.split_once("://").unwrap();
    let authority = rest.split(['/', '?']).next().unwrap();
    let detour = format!("{scheme}://{}:{port}{}", reached(url), &rest[authority.len()..]);
    Request { url: Secret::new(detour), ..request }
}

/// Who is spoken to in the place of a URL's host.
fn reached(url: &str) -> &str {
    let host = host(url);
    if host.starts_with('[') {
        "[::1]"
    } else if host.parse::<Ipv4Addr>().is_ok() {
        "127.0.0.1"
    } else {
        host
    }
}

/// The host of a URL, an IPv6 address with its brackets.
fn host(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap();
    let authority = rest.split(['/', '?']).next().unwrap();
    match authority.rfind(':') {
        Some(at) if !authority.ends_with(']') => &authority[..at],
        Some(_) | None => authority,
    }
}

/// What stands behind the host: never empty (RFC 9112 section 3.2.1).
fn target(url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap();
    let authority = rest.split(['/', '?']).next().unwrap();
    match &rest[authority.len()..] {
        path if path.starts_with('/') => path.to_owned(),
        query => format!("/{query}"),
    }
}
