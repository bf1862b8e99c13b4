//! What a session says, and how it is written.

use serde_json::{Map, Value, json};

use super::{Asked, CAME, Call, EVENTS, HOOKS, HOOKS_MAX, NETIFD, Session, Thing, WENT};
use crate::daemon::ubus::message::{Body, Kind, Message, Status};
use crate::daemon::ubus::object;
use crate::engine::Instant;

impl Session {
    /// Tells the subscribers of our object; nothing is sent if there are none.
    pub(in crate::daemon::ubus) fn notify(&mut self, what: &str, table: Map<String, Value>) {
        let Thing::Have(own) = self.own else { return };
        if self.watched {
            let method = Some(what.to_owned());
            let body =
                Body { object: Some(own), method, data: Some(table), no_reply: true, ..Body::default() };
            self.send(Kind::Notify, own, body);
        }
    }

    /// Has procd run the user's scripts with these variables (`NAME=value`), if it has any.
    pub(in crate::daemon::ubus) fn hook(&mut self, variables: &[String]) {
        let waiting = self.asked.values().filter(|(asked, _)| matches!(asked, Asked::Hook(_)));
        if waiting.count() < HOOKS_MAX {
            self.look_up(Asked::Hook(json!(variables)), HOOKS);
        }
    }

    /// Answers a call: with its result, or with a status and what is wrong in words.
    pub(in crate::daemon::ubus) fn reply(
        &mut self,
        call: &Call,
        outcome: Result<Map<String, Value>, (Status, String)>,
    ) {
        let Thing::Have(own) = self.own else { return };
        let (status, data) = match outcome {
            Ok(result) => (Status::Ok, result),
            Err((status, words)) => (status, Map::from_iter([("error".to_owned(), Value::from(words))])),
        };
        let data = self.message(Kind::Data, call, own, Body { data: Some(data), ..Body::default() });
        // What is too long to be sent must not be missing without a word.
        let status = if data.encode().is_some() { status } else { Status::UnknownError };
        self.sending.push_back(data);
        self.answer(call, own, status);
    }

    pub(super) fn answer(&mut self, call: &Call, object: u32, status: Status) {
        let body = Body { status: Some(status as u32), ..Body::default() };
        let message = self.message(Kind::Status, call, object, body);
        self.sending.push_back(message);
    }

    fn message(&self, kind: Kind, call: &Call, object: u32, body: Body) -> Message {
        let Call { sequence, peer, .. } = *call;
        Message { kind, sequence, peer, body: Body { object: Some(object), ..body } }
    }

    pub(super) fn grow_ears(&mut self) {
        self.ears = Thing::Wanted;
        self.ask(Asked::Ears, Kind::AddObject, 0, Body::default());
    }

    pub(super) fn publish(&mut self) {
        if let Some(signature) = self.signature.clone() {
            self.own = Thing::Wanted;
            let path = Some(object::PATH.to_owned());
            let body = Body { path, signature: Some(signature), ..Body::default() };
            self.ask(Asked::Own, Kind::AddObject, 0, body);
        }
    }

    pub(super) fn listen(&mut self, ears: u32) {
        for event in [CAME, WENT] {
            // As above: an `i32` on the wire.
            let object = i32::from_be_bytes(ears.to_be_bytes());
            let pattern = json!({ "object": object, "pattern": event });
            let table = pattern.as_object().cloned().unwrap_or_default();
            self.call(Asked::Listen(event), EVENTS, "register", table);
        }
    }

    pub(super) fn seek(&mut self) {
        self.look_up(Asked::Netifd, NETIFD);
    }

    /// Subscribes, and asks: in this order, so that nothing is missed.
    pub(super) fn subscribe(&mut self, netifd: u32, now: Instant) {
        let Thing::Have(ears) = self.ears else { return };
        self.netifd = Thing::Have(netifd);
        self.dump = super::Dump::Idle;
        let body = Body { object: Some(ears), target: Some(netifd), ..Body::default() };
        self.ask(Asked::Subscription, Kind::Subscribe, 0, body);
        self.look(now);
    }

    fn look_up(&mut self, asked: Asked, path: &str) {
        let path = Some(path.to_owned());
        self.ask(asked, Kind::Lookup, 0, Body { path, ..Body::default() });
    }

    pub(super) fn call(&mut self, asked: Asked, object: u32, method: &str, table: Map<String, Value>) {
        let sequence = self.invoke(object, method, table);
        self.asked.insert(sequence, (asked, Body::default()));
    }

    pub(super) fn invoke(&mut self, object: u32, method: &str, table: Map<String, Value>) -> u16 {
        let method = Some(method.to_owned());
        let body = Body { object: Some(object), method, data: Some(table), ..Body::default() };
        self.send(Kind::Invoke, object, body)
    }

    fn ask(&mut self, asked: Asked, kind: Kind, peer: u32, body: Body) {
        let sequence = self.send(kind, peer, body);
        self.asked.insert(sequence, (asked, Body::default()));
    }

    fn send(&mut self, kind: Kind, peer: u32, body: Body) -> u16 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sending.push_back(Message { kind, sequence: self.sequence, peer, body });
        self.sequence
    }
}
