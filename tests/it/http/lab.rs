//! A server on loopback that behaves as told, and a sender with short limits.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};
use wanbeacon::daemon::http::{Http, Limits, Settings, Task};
use wanbeacon::engine::{Exchange, Instant, JobId, Outcome};
use wanbeacon::provider::{Method, Reply, Request, Secret, Step, Verdict};

/// Longer than anything that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn clock() -> Instant {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).unwrap();
    Instant::since_boot(now.into())
}

/// Limits that a test for a time limit can wait for.
pub(crate) fn short() -> Limits {
    Limits {
        resolve: Duration::from_millis(300),
        patience: Duration::from_millis(40),
        connect: Duration::from_millis(300),
        stagger: Duration::from_millis(40),
        tls: Duration::from_millis(300),
        first_byte: Duration::from_millis(300),
        total: Duration::from_millis(600),
        ..Limits::default()
    }
}

/// A sender, and the results that it gave.
pub(crate) struct Lab {
    pub(crate) http: Http,
    pub(crate) results: mpsc::Receiver<(JobId, Outcome, Exchange)>,
}

impl Lab {
    /// Every name is this host.
    pub(crate) fn new(limits: Limits) -> Self {
        Self::resolving(limits, |_| Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]))
    }

    pub(crate) fn resolving(
        limits: Limits,
        resolver: impl Fn(&str) -> std::io::Result<Vec<IpAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self::with(Settings { limits, resolver: Arc::new(resolver), ..Settings::new(clock) })
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let (sender, results) = mpsc::channel();
        let results_to = move |job, outcome, exchange| sender.send((job, outcome, exchange)).unwrap();
        Self { http: Http::new(settings, results_to), results }
    }

    pub(crate) fn next(&self) -> (JobId, Outcome, Exchange) {
        self.results.recv_timeout(PATIENCE).expect("every job has a result")
    }

    /// Sends one request and waits for its result.
    pub(crate) fn ask(&mut self, task: Task) -> (Outcome, Exchange) {
        let job = task.job;
        self.http.send(task);
        let (ended, outcome, exchange) = self.next();
        assert_eq!(ended, job);
        (outcome, exchange)
    }

    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self.results.try_recv(), Err(mpsc::TryRecvError::Empty))
    }
}

pub(crate) fn get(url: impl Into<String>) -> Request {
    let url = url.into();
    Request {
        method: Method::Get,
        shown: url.clone(),
        url: Secret::new(url),
        headers: Vec::new(),
        body: None,
        family: None,
        follow_redirects: false,
    }
}

/// A dialogue of one request; its reply comes back as the words of a verdict.
pub(crate) fn task(job: u64, first: Request) -> Task {
    let advance = Box::new(|reply: &Reply| Step::Done(vec![told(reply)]));
    Task { job: JobId(job), first, advance, bind: None, ca_file: None, secrets: Vec::new() }
}

pub(crate) fn told(reply: &Reply) -> Verdict {
    let header = |wanted: &str| {
        let found = reply.headers.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| format!(" {wanted}={value}")).unwrap_or_default()
    };
    let (retry, location) = (header("retry-after"), header("location"));
    Verdict::NotUnderstood { words: format!("{}{retry}{location} {}", reply.status, reply.body.trim()) }
}

pub(crate) fn words(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Answered(verdicts) => match &verdicts[..] {
            [Verdict::NotUnderstood { words }] => words,
            other => panic!("{other:?}"),
        },
        other @ (Outcome::Failed(_) | Outcome::Withdrawn) => panic!("{other:?}"),
    }
}

/// Calls `behave` for each connection, one after the other, until the process ends.
pub(crate) fn serve(behave: impl FnMut(TcpStream) + Send + 'static) -> SocketAddr {
    serve_at("127.0.0.1:0".parse().unwrap(), behave)
}

pub(crate) fn serve_at(at: SocketAddr, mut behave: impl FnMut(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(at).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            behave(stream.unwrap());
        }
    });
    address
}

/// A server that reads each request, gives it to a channel, and answers.
pub(crate) fn answering(answer: impl Into<String>) -> (SocketAddr, mpsc::Receiver<String>) {
    let (sender, requests) = mpsc::channel();
    let answer = answer.into();
    let address = serve(move |mut stream| {
        let request = read_request(&mut stream);
        let _ = sender.send(request);
        let _ = stream.write_all(answer.as_bytes());
    });
    (address, requests)
}

pub(crate) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The request with its body; whatever came if the connection ends early.
pub(crate) fn read_request(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return text,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Closes with a reset instead of an end.
pub(crate) fn reset(stream: TcpStream) {
    let socket = socket2::Socket::from(stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

/// Blocks until the other side has gone.
pub(crate) fn linger(mut stream: TcpStream) {
    while matches!(stream.read(&mut [0; 4096]), Ok(1..)) {}
}

/// An authority of our own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) bundle: tempfile::NamedTempFile,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let name = format!("authority {:?}", params.key_identifier(&key));
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap();
        let mut bundle = tempfile::NamedTempFile::new().unwrap();
        bundle.write_all(certificate.pem().as_bytes()).unwrap();
        Self { issuer: Issuer::new(params, key), bundle }
    }

    /// A server's configuration with a certificate for `name`, changed as wished.
    pub(crate) fn certify(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Arc<ServerConfig> {
        self.certify_for(name, change, ring::default_provider(), rustls::DEFAULT_VERSIONS)
    }

    /// A server that speaks no more than `provider` and `versions`.
    pub(super) fn certify_for(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
        provider: CryptoProvider,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Arc::new(config)
    }

    pub(crate) fn task(&self, job: u64, first: Request) -> Task {
        Task { ca_file: Some(self.bundle.path().to_owned()), ..task(job, first) }
    }
}

pub(crate) fn accept_tls(
    config: &Arc<ServerConfig>,
    stream: TcpStream,
) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream)
}
