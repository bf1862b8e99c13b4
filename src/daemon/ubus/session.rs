//! One connection to ubusd without its socket: messages in, messages and happenings out. Pure, time passed in.
//!
//! ```text
//! HELLO ─▶ our ears (an object without a name), our object `wanbeacon`
//!          ears ─▶ events about objects ─▶ look up netifd ─▶ subscribe ─▶ dump ─▶ Heard::Networks
//!                         netifd comes back ─▶ subscribe ──────────────▶ ▲
//!                         a notification of netifd (a doorbell, never data)┘
//! ```
//!
//! At most one dump is under way and one more is wanted. What cannot be had, and what nobody would announce, is tried
//! again when the shell says so: see [`Session::lacks`].

mod speech;

use std::collections::VecDeque;
use std::time::Duration;

use litemap::LiteMap;
use serde_json::{Map, Value};

use super::message::{Body, Kind, Message, Status};
use crate::config::LogLevel;
use crate::engine::Instant;

/// The object of netifd that knows all networks.
const NETIFD: &str = "network.interface";
/// The object of procd that runs the scripts in `/etc/hotplug.d/wanbeacon/` (openwrt/procd `hotplug-dispatch.c`).
const HOOKS: &str = "hotplug.wanbeacon";
/// ubusd's own object for events (`UBUS_SYSTEM_OBJECT_EVENT`).
const EVENTS: u32 = 1;
/// Events of ubusd: an object came, an object went (`ubusd_send_obj_event`).
const CAME: &str = "ubus.object.add";
const WENT: &str = "ubus.object.remove";
/// An answer that takes longer will not come any more: our judgement; netifd answers from memory.
const PATIENCE: Duration = Duration::from_secs(5);
/// Hooks that wait for ubusd's answer; more than that and ubusd does not answer at all.
const HOOKS_MAX: usize = 32;

/// Something that the shell has to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Heard {
    /// Somebody calls our object.
    Call(Call),
    /// What netifd answered to a dump.
    Networks(Map<String, Value>),
    /// Something for the log.
    Told(LogLevel, String),
}

/// A call of one of our methods; it wants exactly one [`Session::reply`].
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    sequence: u16,
    peer: u32,
}

/// What we have told ubusd to do and not heard of yet.
#[derive(Clone, Debug)]
enum Asked {
    Dump,
    Ears,
    Hook(Value),
    Listen(&'static str),
    Netifd,
    Own,
    Subscription,
}

/// Something at ubusd that we want.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Thing {
    /// It is not there; an event tells when it comes.
    Absent,
    /// Refused.
    Denied,
    Have(u32),
    Wanted,
}

/// Whether netifd is being asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Dump {
    Idle,
    /// Since when, and whether it rang again meanwhile.
    Asked {
        since: Instant,
        again: bool,
    },
}

/// The connection.
#[derive(Debug)]
pub(super) struct Session {
    /// The methods of our object, if we have one.
    signature: Option<Map<String, Value>>,
    sequence: u16,
    asked: LiteMap<u16, (Asked, Body)>,
    ears: Thing,
    own: Thing,
    netifd: Thing,
    /// Whether ubusd tells when objects come.
    listening: bool,
    /// Somebody subscribes to our object.
    watched: bool,
    dump: Dump,
    settled: bool,
    /// What was complained about already.
    complaints: Vec<&'static str>,
    sending: VecDeque<Message>,
    heard: VecDeque<Heard>,
}

impl Session {
    /// A connection that was just made. With a `signature`, our object is published.
    pub(super) fn new(signature: Option<Map<String, Value>>) -> Self {
        Self {
            signature,
            sequence: 0,
            asked: LiteMap::new(),
            ears: Thing::Wanted,
            own: Thing::Wanted,
            netifd: Thing::Wanted,
            listening: false,
            watched: false,
            dump: Dump::Idle,
            settled: false,
            complaints: Vec::new(),
            sending: VecDeque::new(),
            heard: VecDeque::new(),
        }
    }

    /// The next message to send.
    pub(super) fn poll_send(&mut self) -> Option<Message> {
        self.sending.pop_front()
    }

    /// The next thing to do.
    pub(super) fn poll_heard(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    /// Whether it is known what networks there are, or that nobody can tell.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Whether something is missing that nobody will announce.
    pub(super) fn lacks(&self) -> bool {
        let own = self.own == Thing::Denied;
        let netifd = self.netifd == Thing::Denied || (self.netifd == Thing::Absent && !self.listening);
        own || netifd || self.ears == Thing::Denied
    }

    /// Tries again to get what it lacks.
    pub(super) fn retry(&mut self) {
        if self.own == Thing::Denied {
            self.publish();
        }
        match self.ears {
            Thing::Have(ears) if self.netifd == Thing::Denied || self.netifd == Thing::Absent => {
                if !self.listening {
                    self.listen(ears);
                }
                self.seek();
            }
            Thing::Denied => self.grow_ears(),
            Thing::Absent | Thing::Have(_) | Thing::Wanted => {}
        }
    }

    /// Asks netifd, unless it is being asked: then once more afterwards.
    pub(super) fn look(&mut self, now: Instant) {
        let Thing::Have(netifd) = self.netifd else { return };
        match &mut self.dump {
            Dump::Asked { since, again } if now.since(*since) < PATIENCE => *again = true,
            Dump::Asked { .. } | Dump::Idle => {
                self.asked.retain(|_, (asked, _)| !matches!(asked, Asked::Dump));
                self.dump = Dump::Asked { since: now, again: false };
                self.call(Asked::Dump, netifd, "dump", Map::new());
            }
        }
    }

    /// Takes one message.
    pub(super) fn handle(&mut self, message: Message, now: Instant) {
        match message.kind {
            Kind::Hello => {
                self.grow_ears();
                self.publish();
            }
            Kind::Data => {
                if let Some((_, data)) = self.asked.get_mut(&message.sequence) {
                    *data = message.body;
                }
            }
            Kind::Status => {
                if let Some((asked, data)) = self.asked.remove(&message.sequence) {
                    let status = message.body.status.unwrap_or(Status::UnknownError as u32);
                    self.done(asked, status == Status::Ok as u32, status, data, now);
                }
            }
            Kind::Invoke => self.invoked(message, now),
            Kind::Notify if message.body.object.map(Thing::Have) == Some(self.own) => {
                self.watched = message.body.active.unwrap_or(false);
            }
            Kind::Unsubscribe if message.body.target.map(Thing::Have) == Some(self.netifd) => {
                self.netifd = Thing::Absent;
                self.dump = Dump::Idle;
                // It may still be answered, as one to an object that is gone.
                self.asked.retain(|_, (asked, _)| !matches!(asked, Asked::Dump));
            }
            Kind::AddObject | Kind::Lookup | Kind::Notify | Kind::Subscribe | Kind::Unsubscribe => {}
        }
    }

    /// ubusd, or who it asked for us, has answered.
    fn done(&mut self, asked: Asked, ok: bool, status: u32, data: Body, now: Instant) {
        let have = if ok { data.object.map_or(Thing::Denied, Thing::Have) } else { Thing::Denied };
        match asked {
            Asked::Dump => self.dumped(status, data, now),
            Asked::Ears => {
                self.ears = have;
                match have {
                    Thing::Have(ears) => {
                        self.listen(ears);
                        self.seek();
                    }
                    Thing::Absent | Thing::Denied | Thing::Wanted => self.settled = true,
                }
            }
            Asked::Hook(variables) => {
                if let Thing::Have(hooks) = have {
                    let table = Map::from_iter([("env".to_owned(), variables)]);
                    // Whether a script succeeds is nobody's business here.
                    self.invoke(hooks, "call", table);
                }
            }
            Asked::Listen(event) => self.listening |= ok && event == CAME,
            Asked::Netifd => match have {
                Thing::Have(netifd) => self.subscribe(netifd, now),
                _ if status == Status::NotFound as u32 => (self.netifd, self.settled) = (Thing::Absent, true),
                Thing::Absent | Thing::Denied | Thing::Wanted => self.deny("netifd's networks are not shown"),
            },
            Asked::Own => {
                self.own = have;
                if have == Thing::Denied {
                    self.complain("the object 'wanbeacon' is refused");
                }
            }
            Asked::Subscription if !ok => self.deny("netifd's notifications are refused"),
            Asked::Subscription => {}
        }
    }

    fn dumped(&mut self, status: u32, data: Body, now: Instant) {
        let again = matches!(self.dump, Dump::Asked { again: true, .. });
        self.dump = Dump::Idle;
        self.settled = true;
        if status == Status::PermissionDenied as u32 {
            self.deny("netifd's networks are not told");
        }
        // Any other trouble is netifd's end, which is announced.
        self.heard.extend(data.data.filter(|_| status == Status::Ok as u32).map(Heard::Networks));
        if again {
            self.look(now);
        }
    }

    fn deny(&mut self, what: &'static str) {
        self.netifd = Thing::Denied;
        self.settled = true;
        self.complain(what);
    }

    /// Once for each: a retry has nothing new to say.
    fn complain(&mut self, what: &'static str) {
        if !self.complaints.contains(&what) {
            self.complaints.push(what);
            let words = format!("ubus: {what}; is /usr/share/acl.d/wanbeacon.json there, and read by ubusd?");
            self.heard.push_back(Heard::Told(LogLevel::Warning, words));
        }
    }

    /// A call of our object, an event or a notification.
    fn invoked(&mut self, message: Message, now: Instant) {
        let Message { sequence, peer, body, .. } = message;
        let Body { object: Some(object), method: Some(method), data, no_reply, .. } = body else { return };
        let call = Call { method, arguments: data.unwrap_or_default(), sequence, peer };
        if Thing::Have(object) == self.own {
            let known = self.signature.as_ref().is_some_and(|methods| methods.contains_key(&call.method));
            if known {
                self.heard.push_back(Heard::Call(call));
            } else {
                self.answer(&call, object, Status::MethodNotFound);
            }
            return;
        }
        let status = if Thing::Have(object) == self.ears {
            self.rung(&call, now);
            Status::Ok
        } else {
            Status::NotFound
        };
        // Events come from ubusd itself, which has no number and wants no answer.
        if !no_reply && peer != 0 {
            self.answer(&call, object, status);
        }
    }

    fn rung(&mut self, call: &Call, now: Instant) {
        let path = call.arguments.get("path").and_then(Value::as_str).unwrap_or_default();
        let id = call.arguments.get("id").and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok());
        let is_network = path.strip_prefix(NETIFD).is_some_and(|rest| rest.starts_with('.'));
        match (call.method.as_str(), id) {
            // A `u32` that travels as an `i32`.
            (CAME, Some(id)) if path == NETIFD => self.subscribe(u32::from_be_bytes(id.to_be_bytes()), now),
            (CAME | WENT, _) if !is_network => {}
            _ => self.look(now),
        }
    }
}

#[cfg(test)]
mod tests;
