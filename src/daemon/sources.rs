//! Everything that can wake the loop, and which goes first.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

use super::clock::{Alarm, ClockWatch};
use super::control::Asked;
use super::files::Files;
use super::netlink::{Look, Netlink};
use super::ubus::{Heard, Role, Ubus};
use crate::engine::Event;

/// Everything that can happen.
pub(super) struct Sources {
    pub(super) netlink: Netlink,
    pub(super) ubus: Ubus,
    pub(super) files: Files,
    /// What workers have come to.
    pub(super) reports: mpsc::UnboundedReceiver<Event>,
    pub(super) queries: mpsc::Receiver<Asked>,
    pub(super) control: JoinHandle<io::Result<()>>,
    pub(super) alarm: Alarm,
    pub(super) clock: ClockWatch,
    pub(super) terminate: Signal,
    pub(super) interrupt: Signal,
    pub(super) hang_up: Signal,
    pub(super) user: Signal,
}

/// One thing that happened.
pub(super) enum Happened {
    ClockSet,
    Ended(io::Error),
    Heard(Heard),
    Look(Look),
    Query(Asked),
    Reload,
    Report(Event),
    Stop,
    Time,
    Update,
    Written,
}

impl Sources {
    /// Subscribes to all of them; needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// The kernel gives no socket, no timer or no signal.
    pub(super) fn new(
        reports: mpsc::UnboundedReceiver<Event>,
        queries: mpsc::Receiver<Asked>,
        control: JoinHandle<io::Result<()>>,
    ) -> io::Result<Self> {
        Ok(Self {
            netlink: Netlink::new()?,
            ubus: Ubus::new(Role::Agent)?,
            files: Files::default(),
            reports,
            queries,
            control,
            alarm: Alarm::new()?,
            clock: ClockWatch::new()?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
        })
    }

    /// Waits for one thing. Cancel-safe, as all of its parts are.
    pub(super) async fn next(&mut self) -> io::Result<Happened> {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Ok(Happened::Stop),
            _ = self.interrupt.recv() => Ok(Happened::Stop),
            look = self.netlink.next() => look.map(Happened::Look),
            Some(event) = self.reports.recv() => Ok(Happened::Report(event)),
            rung = self.alarm.rung() => rung.map(|()| Happened::Time),
            set = self.clock.set() => set.map(|()| Happened::ClockSet),
            // After what keeps the promises: who calls our object without a pause delays nothing of it.
            written = self.files.changed() => written.map(|()| Happened::Written),
            heard = self.ubus.next() => heard.map(Happened::Heard),
            Some(asked) = self.queries.recv() => Ok(Happened::Query(asked)),
            _ = self.hang_up.recv() => Ok(Happened::Reload),
            _ = self.user.recv() => Ok(Happened::Update),
            ended = &mut self.control => Ok(Happened::Ended(why(ended))),
        }
    }
}

/// Why the control socket is no longer served.
fn why(ended: Result<io::Result<()>, JoinError>) -> io::Error {
    match ended {
        Ok(Err(error)) => io::Error::new(error.kind(), format!("control socket: {error}")),
        Ok(Ok(())) | Err(_) => io::Error::other("control socket: its server has ended"),
    }
}
