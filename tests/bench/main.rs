//! `tests/bench/run`: from the kernel's new address to the first byte of the request, beside the floor of the same run.
//!
//! ```text
//!   this namespace                                                  another namespace
//!   agent, or floor ── HTTP ─▶ 127.0.0.1: kernel's receive time      isp0
//!   this program ── address, route ─▶ wan0 ─────────── veth ───────────┘
//! ```
//!
//! The floor is the least that a program can do: sleep in `recv` on a netlink socket, connect, write. Both are measured
//! in turns, so that whatever else the machine does hits both. The clock starts just before the request for the new
//! address and stops when the kernel has the first segment of the update (SO_TIMESTAMPNS): the server does not count.
//!
//! Options: `--agent PROGRAM`, `--events NUMBER` for each of the two (default 200).
#![expect(
    clippy::disallowed_methods,
    reason = "measures real time, in a program that is no part of the agent"
)]

mod client;
#[path = "../lab/mod.rs"]
mod lab;
mod server;

use std::error::Error;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use client::Client;
use lab::namespace::{self, Assignment, Namespace};
use server::Server;

/// Events before the other one has its turn.
const TURN: usize = 25;
/// Between two changes: more than the catalogue's spacing for dyndns2, so that the reaction is measured, not the pacing.
const GAP: Duration = Duration::from_millis(400);
/// A request later than this was missed.
const LIMIT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let outcome = match arguments.split_first() {
        Some((first, rest)) if first == "floor" => client::floor(rest).map_err(Into::into),
        _ => measure(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed pipe: nobody is listening.
            let _ = writeln!(io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let agent = option("--agent").ok_or("which agent? --agent target/release/wanbeacon")?;
    let agent = std::fs::canonicalize(agent)?;
    let events: usize = option("--events").map_or(Ok(200), |number| number.parse())?;
    namespace::become_root()?;
    let mut line = Line::new()?;
    let (mut floor, mut wanbeacon) = (Vec::new(), Vec::new());
    while wanbeacon.len() < events {
        let turn = TURN.min(events - wanbeacon.len());
        floor.extend(line.turn(turn, Client::floor)?);
        wanbeacon.extend(line.turn(turn, |url| Client::agent(&agent, url))?);
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{:10} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "ms", "events", "min", "p50", "p90", "p99", "max"
    )?;
    let half = row(&mut out, "floor", floor)?;
    let ours = row(&mut out, "wanbeacon", wanbeacon)?;
    writeln!(out, "median / floor's median: {:.2}", ours / half)?;
    Ok(())
}

/// Prints one line and gives the median.
fn row(out: &mut impl Write, name: &str, mut ms: Vec<f64>) -> io::Result<f64> {
    ms.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        ms.get((ms.len().saturating_sub(1) * percent + 50) / 100).copied().unwrap_or(f64::NAN)
    };
    let [min, p50, p90, p99, max] = [0, 50, 90, 99, 100].map(at);
    writeln!(out, "{name:10} {:6} {min:8.3} {p50:8.3} {p90:8.3} {p99:8.3} {max:8.3}", ms.len())?;
    Ok(p50)
}

/// The line, and who is called when it changes.
struct Line {
    here: Namespace,
    _isp: Namespace,
    server: Server,
    ip: Ipv4Addr,
}

impl Line {
    fn new() -> io::Result<Self> {
        let (here, isp) = (Namespace::of_this_thread()?, Namespace::new()?);
        here.set_up("lo", true)?;
        here.connect("wan0", &isp, "isp0")?;
        let ip = Ipv4Addr::new(203, 0, 113, 10);
        here.assign("wan0", Assignment::new(ip, 24))?;
        here.route(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0, "wan0")?;
        Ok(Self { here, _isp: isp, server: Server::start()?, ip })
    }

    /// One client, and how many milliseconds it took after each of so many changes.
    fn turn(
        &mut self,
        events: usize,
        start: impl Fn(&str) -> io::Result<Client>,
    ) -> Result<Vec<f64>, Box<dyn Error>> {
        let client = start(&self.server.address.to_string())?;
        let mut taken = Vec::new();
        // The first two only warm up: the agent publishes what it finds, the floor says nothing before a change.
        for event in 0..events + 2 {
            std::thread::sleep(GAP);
            let changed = self.change()?;
            let arrived = self.server.wait_for(self.ip, LIMIT);
            if event < 2 {
                continue;
            }
            let arrived = arrived.ok_or_else(|| format!("no update within {LIMIT:?}\n{}", client.log()))?;
            taken.push(arrived.duration_since(changed)?.as_secs_f64() * 1e3);
        }
        Ok(taken)
    }

    /// Gives `wan0` its next address, as a reconnect does, and says when.
    fn change(&mut self) -> io::Result<SystemTime> {
        let [a, b, c, host] = self.ip.octets();
        let next = Ipv4Addr::new(a, b, c, if host < 250 { host + 1 } else { 10 });
        self.here.unassign("wan0", Assignment::new(self.ip, 24))?;
        self.ip = next;
        let changed = SystemTime::now();
        self.here.assign("wan0", Assignment::new(next, 24))?;
        self.here.route(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0, "wan0")?;
        Ok(changed)
    }
}
