//! `lab-server`: provider, name server and referee in one process, for a laboratory without a Rust test around it.
//!
//! ```text
//! lab-server serve --address IP [--tls CA_FILE] [--watch NETNS_FILE DEVICE] --control SOCKET
//! lab-server ask --control SOCKET WORDS…         exit status 0: yes; 1: no; 2: not understood
//! ```
//!
//! Words of `ask` (times in milliseconds; `v4`, `v6` are families; `-` is no address):
//!
//! | words | does |
//! |---|---|
//! | `session` | prints how often an IPv4 address has become usable |
//! | `session COUNT LIMIT` | waits until that is more than COUNT; prints the address |
//! | `usable v4 OTHER LIMIT` | waits until the device has a usable address that is not OTHER; prints it |
//! | `expect STEP NAME IP LIMIT` | waits until NAME resolves to IP, at most LIMIT after IP became usable |
//! | `requests` | prints how many requests there were |
//! | `quiet STEP COUNT TIME` | waits, and says no if a request beyond COUNT comes |
//! | `mode MODE` | makes the provider behave so |
//! | `table` | prints all results; says no if one of them is a miss |
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program for the laboratory: measures real time and talks to a person"
)]

#[path = "mod.rs"]
mod lab;
#[path = "server/referee.rs"]
mod referee;
#[path = "server/watch.rs"]
mod watch;

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use lab::certificates::Certificates;
use lab::dns::Dns;
use lab::provider::{Provider, Transport};
use lab::zone::Zone;
use referee::Referee;
use watch::Watch;

/// The provider's port.
const HTTP_PORT: u16 = 8080;
/// The provider's port with TLS.
const HTTPS_PORT: u16 = 8443;

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let words = arguments.iter().map(String::as_str).collect::<Vec<_>>();
    let done = match words.as_slice() {
        ["serve", options @ ..] => serve(options),
        ["ask", "--control", control, question @ ..] => ask(control, &question.join(" ")),
        _ => Err("usage: lab-server serve|ask, see the top of tests/lab/server.rs".into()),
    };
    done.unwrap_or_else(|error| {
        println!("lab-server: {error}");
        ExitCode::from(2)
    })
}

fn serve(options: &[&str]) -> Result<ExitCode, Box<dyn Error>> {
    let after = |name: &str, count: usize| {
        options.iter().position(|option| *option == name).and_then(|at| options.get(at + count)).copied()
    };
    let ip: IpAddr = after("--address", 1).ok_or("--address is missing")?.parse()?;
    let control = after("--control", 1).ok_or("--control is missing")?;
    // On a single CPU the referee's clock must not wait for the agent that it measures. Refused without root: so be it.
    let _ = rustix::process::setpriority_process(None, -10);
    let (transport, port) = match after("--tls", 1) {
        None => (Transport::Plain, HTTP_PORT),
        Some(file) => {
            let certificates = Certificates::new(&[&ip.to_string()]);
            std::fs::write(file, certificates.ca_pem())?;
            (Transport::Tls(certificates), HTTPS_PORT)
        }
    };
    let zone = Zone::new(1);
    let provider = Provider::start(SocketAddr::from((ip, port)), transport, &zone)?;
    let dns = Dns::start(SocketAddr::from((ip, 53)), &zone)?;
    let watch = match (after("--watch", 1), after("--watch", 2)) {
        (Some(namespace), Some(device)) => Watch::start(namespace, device)?,
        _ => return Err("--watch NETNS_FILE DEVICE is missing".into()),
    };
    let referee = Arc::new(Referee::new(provider, dns, watch));
    let prover = Arc::clone(&referee);
    thread::spawn(move || prover.prove());
    for question in UnixListener::bind(control)?.incoming() {
        let (question, referee) = (question?, Arc::clone(&referee));
        // An asker who has gone away needs no answer.
        thread::spawn(move || converse(&referee, question));
    }
    Ok(ExitCode::SUCCESS)
}

/// One question, one answer: `yes` or `no` in the first line, words for a person in the others.
fn converse(referee: &Referee, mut stream: UnixStream) -> std::io::Result<()> {
    let mut line = String::new();
    BufReader::new(stream.try_clone()?).read_line(&mut line)?;
    let words = line.split_whitespace().collect::<Vec<_>>();
    let (right, text) = referee.answer(&words);
    writeln!(stream, "{}\n{text}", if right { "yes" } else { "no" })?;
    stream.shutdown(Shutdown::Both)
}

fn ask(control: &str, question: &str) -> Result<ExitCode, Box<dyn Error>> {
    let mut stream = UnixStream::connect(control)?;
    writeln!(stream, "{question}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (first, text) = answer.split_once('\n').ok_or("no answer")?;
    println!("{}", text.trim_end());
    Ok(if first == "yes" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
