//! ubus: netifd's view of the networks in; our object, its notifications and the user's hooks out.
//!
//! ```text
//!   socket ──▶ connection ──Message──▶ session (pure) ──▶ networks (pure) ──▶ Heard::Networks ──▶ loop
//!                                         │  ▲                                Heard::Call ─────▶ loop
//!                                         ▼  └── notify, hook, reply ◀────────────────────────── loop
//!                                       object (pure)
//! ```
//!
//! libubus is C and would have to be linked; the wire is simple (`blob`, `blobmsg`, `message`). Without ubusd nothing is
//! lost but the names of networks, and nothing is waited for. A connection that says nothing costs nothing.

mod blob;
mod blobmsg;
mod connection;
mod message;
mod networks;
mod object;
mod session;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use self::connection::Connection;
use super::clock::{self, Alarm};
use super::question::{Answer, Query};
use crate::config::LogLevel;
use crate::engine::network::Network;
pub use session::Call;

/// Where ubusd listens (`UBUS_UNIX_SOCKET` of openwrt/ubus, set by its `CMakeLists.txt`), and where it did before 2020.
const SOCKETS: [&str; 2] = ["/var/run/ubus/ubus.sock", "/var/run/ubus.sock"];
/// The pause after a first failure; each further one doubles it …
const PAUSE: Duration = Duration::from_secs(1);
/// … up to this.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Bytes that are no ubus message, or not one that may be received.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Malformed;

/// Who connects.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// The daemon, with its object.
    Agent,
    /// A command that only wants to know the networks.
    Watcher,
}

/// One thing that came over ubus.
#[derive(Debug)]
pub enum Heard {
    /// Somebody calls our object; wants one [`Ubus::reply`].
    Call(Call),
    /// The networks are others: see [`Ubus::networks`].
    Networks,
    /// Something for the log.
    Told(LogLevel, String),
}

/// The connection to ubusd, as long as there is one, and what is known of the networks, also after it.
#[derive(Debug)]
pub struct Ubus {
    sockets: Vec<PathBuf>,
    role: Role,
    line: Line,
    /// When to try again: to connect, or to get what was refused.
    alarm: Alarm,
    /// Failures in a row.
    failures: u32,
    networks: Vec<Network>,
}

#[derive(Debug)]
enum Line {
    Off,
    Open(Box<Connection>),
    Waiting,
}

impl Ubus {
    /// Connects as soon as [`Ubus::next`] is waited for, if this system has ubus; else stays off.
    ///
    /// # Errors
    ///
    /// The kernel gives no timer.
    pub fn new(role: Role) -> io::Result<Self> {
        Self::at(&SOCKETS.map(Path::new), role)
    }

    /// The same with other sockets; the first that answers is taken.
    ///
    /// # Errors
    ///
    /// As [`Ubus::new`].
    pub fn at(sockets: &[&Path], role: Role) -> io::Result<Self> {
        let sockets = sockets.iter().map(|socket| (*socket).to_owned()).collect();
        let alarm = Alarm::new()?;
        let mut ubus = Self { sockets, role, line: Line::Off, alarm, failures: 0, networks: Vec::new() };
        ubus.look_for()?;
        Ok(ubus)
    }

    /// Connects if this system has ubus meanwhile: after a reload.
    ///
    /// # Errors
    ///
    /// The kernel's, about the timer.
    pub fn look_for(&mut self) -> io::Result<()> {
        // A directory of its own, while ubusd restarts without a socket in it; not `/var/run`, which everybody has.
        let own_directory = |socket: &PathBuf| {
            let parent = socket.parent();
            parent.is_some_and(|parent| parent.ends_with("ubus") && parent.is_dir())
        };
        let is_there = self.sockets.iter().any(|socket| socket.exists() || own_directory(socket));
        if matches!(self.line, Line::Off) && is_there {
            self.line = Line::Waiting;
            self.alarm.set(Some(clock::monotonic()))?;
        }
        Ok(())
    }

    /// All networks, by name; what was known last, if ubusd or netifd is away.
    #[must_use]
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// Whether it is known what networks there are, or that nobody can tell.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match &self.line {
            Line::Off => true,
            Line::Open(connection) => connection.session.is_settled(),
            Line::Waiting => self.failures > 0,
        }
    }

    /// Waits for the next thing; for ever where there is no ubus. Cancel-safe.
    ///
    /// # Errors
    ///
    /// The kernel's, about the timer. Trouble with ubusd is none: it is connected to again.
    pub async fn next(&mut self) -> io::Result<Heard> {
        loop {
            let lost = match &mut self.line {
                Line::Off => std::future::pending().await,
                Line::Waiting => {
                    self.alarm.rung().await?;
                    self.connect().await
                }
                Line::Open(connection) => {
                    if let Some(heard) = connection.session.poll_heard() {
                        match self.heard(heard) {
                            Some(heard) => return Ok(heard),
                            None => continue,
                        }
                    }
                    if connection.session.lacks() {
                        if self.alarm.is_silent() {
                            self.failures = self.failures.saturating_add(1);
                            self.alarm.set(Some(clock::monotonic() + pause(self.failures)))?;
                        }
                    } else if connection.session.is_settled() {
                        self.failures = 0;
                        self.alarm.set(None)?;
                    }
                    tokio::select! {
                        biased;
                        exchanged = connection.exchange() => exchanged,
                        rung = self.alarm.rung() => {
                            rung?;
                            connection.session.retry();
                            Ok(())
                        }
                    }
                }
            };
            if let Err(error) = lost {
                return self.lost(&error);
            }
        }
    }

    async fn connect(&mut self) -> io::Result<()> {
        let mut outcome = Err(io::Error::from(io::ErrorKind::NotFound));
        for socket in &self.sockets {
            let signature = (self.role == Role::Agent).then(object::signature);
            match Connection::open(socket, signature).await {
                Ok(connection) => {
                    self.line = Line::Open(Box::new(connection));
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    fn lost(&mut self, error: &io::Error) -> io::Result<Heard> {
        self.failures = self.failures.saturating_add(1);
        self.line = Line::Waiting;
        self.alarm.set(Some(clock::monotonic() + pause(self.failures)))?;
        Ok(Heard::Told(LogLevel::Debug, format!("ubus: no connection: {error}")))
    }

    fn heard(&mut self, heard: session::Heard) -> Option<Heard> {
        match heard {
            session::Heard::Call(call) => Some(Heard::Call(call)),
            session::Heard::Networks(dump) => {
                let networks = networks::read(&dump, &self.networks, clock::monotonic())?;
                let are_new = networks != self.networks;
                self.networks = networks;
                are_new.then_some(Heard::Networks)
            }
            session::Heard::Told(level, words) => Some(Heard::Told(level, words)),
        }
    }

    /// Asks netifd although nothing rang: now and then, for what it never announces.
    pub fn look(&mut self) {
        self.with(|session| session.look(clock::monotonic()));
    }

    /// What a call asks; a call that asks nothing that can be answered is answered here.
    pub fn query(&mut self, call: &Call) -> Option<Query> {
        match object::query(call) {
            Ok(query) => Some(query),
            Err(refusal) => {
                self.with(|session| session.reply(call, Err(refusal)));
                None
            }
        }
    }

    /// Answers a call.
    pub fn reply(&mut self, call: &Call, answer: Answer) {
        self.with(|session| session.reply(call, object::result(answer)));
    }

    /// Tells those who subscribe to our object.
    pub fn notify(&mut self, what: &str, table: &Map<String, Value>) {
        self.with(|session| session.notify(what, table.clone()));
    }

    /// Has the user's scripts run with these variables (`NAME=value`).
    pub fn hook(&mut self, variables: &[String]) {
        self.with(|session| session.hook(variables));
    }

    /// Does something with the session, if there is one, and sends what can be sent at once.
    fn with(&mut self, act: impl FnOnce(&mut session::Session)) {
        if let Line::Open(connection) = &mut self.line {
            act(&mut connection.session);
            // A broken connection shows when it is waited for.
            let _ = connection.flush();
        }
    }
}

/// The pause after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(6);
    (PAUSE * (1 << doublings)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests;
