use serde_json::{Map, Value, json};

use super::super::message::tests::of;
use super::super::object;
use super::*;

const EARS: u32 = 0x095c_1485;
const OWN: u32 = 0xab47_885d;
const NETWORKS: u32 = 0xc011_c7fa;
const CALLER: u32 = 0xfb37_2792;

fn now(secs: u64) -> Instant {
    Instant::since_boot(Duration::from_secs(1_000 + secs))
}

fn table(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn status(sequence: u16, status: u32) -> Message {
    let body = Body { status: Some(status), ..Body::default() };
    Message { kind: Kind::Status, sequence, peer: 0, body }
}

fn data(sequence: u16, object: u32, data: Option<Value>) -> Message {
    let body = Body { object: Some(object), data: data.map(|data| table(&data)), ..Body::default() };
    Message { kind: Kind::Data, sequence, peer: 0, body }
}

fn invoke(object: u32, method: &str, data: &Value) -> Message {
    let (object, method, data) = (Some(object), Some(method.to_owned()), Some(table(data)));
    let body = Body { object, method, data, ..Body::default() };
    Message { kind: Kind::Invoke, sequence: 2, peer: CALLER, body }
}

/// ubusd as far as these tests need it: what it knows, and what it refuses.
struct Ubusd {
    session: Session,
    netifd: Option<u32>,
    hooks: Option<u32>,
    denies: Vec<&'static str>,
    dumps: Vec<u16>,
    /// Everything that was sent.
    sent: Vec<Message>,
}

impl Ubusd {
    fn new(publishes: bool) -> Self {
        let session = Session::new(publishes.then(object::signature));
        let (netifd, hooks) = (Some(NETWORKS), None);
        Self { session, netifd, hooks, denies: Vec::new(), dumps: Vec::new(), sent: Vec::new() }
    }

    fn hello(&mut self) {
        self.hears(Message { kind: Kind::Hello, sequence: 0, peer: 9, body: Body::default() }, now(0));
    }

    /// The session takes a message, and everything that it says then is answered, but for dumps.
    fn hears(&mut self, message: Message, now: Instant) {
        self.session.handle(message, now);
        self.serve(now);
    }

    fn serve(&mut self, now: Instant) {
        while let Some(message) = self.session.poll_send() {
            let sequence = message.sequence;
            let (code, object) = self.judge(&message);
            self.sent.push(message);
            object.into_iter().for_each(|object| self.session.handle(data(sequence, object, None), now));
            code.into_iter().for_each(|code| self.session.handle(status(sequence, code), now));
        }
    }

    /// Status and object of the answer.
    fn judge(&mut self, message: &Message) -> (Option<u32>, Option<u32>) {
        let method = message.body.method.as_deref();
        let denied = |what: &str| self.denies.contains(&what);
        let found = |object: Option<u32>| (Some(if object.is_some() { 0 } else { 4 }), object);
        match (message.kind, message.body.path.as_deref()) {
            (Kind::AddObject, None) => (Some(0), Some(EARS)),
            (Kind::AddObject, _) if denied("publish") => (Some(2), None),
            (Kind::AddObject, Some(_)) => (Some(0), Some(OWN)),
            (Kind::Lookup, _) if denied("access") => (Some(0), None),
            (Kind::Lookup, Some(NETIFD)) => found(self.netifd),
            (Kind::Lookup, Some(HOOKS)) => found(self.hooks),
            (Kind::Subscribe, _) if denied("subscribe") => (Some(4), None),
            (Kind::Subscribe, _) => (Some(0), None),
            (Kind::Invoke, _) if method == Some("register") => {
                (Some(if denied("listen") { 6 } else { 0 }), None)
            }
            (Kind::Invoke, _) if method == Some("dump") && denied("dump") => (Some(6), None),
            (Kind::Invoke, _) if method == Some("dump") => {
                self.dumps.push(message.sequence);
                (None, None)
            }
            _ => (None, None),
        }
    }

    fn answer_dump(&mut self, now: Instant) {
        let sequence = self.dumps.remove(0);
        self.hears(data(sequence, NETWORKS, Some(json!({ "interface": [] }))), now);
        self.hears(status(sequence, 0), now);
    }

    fn rings(&mut self, method: &str, table: &Value, now: Instant) {
        self.hears(invoke(EARS, method, table), now);
    }

    fn heard(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.session.poll_heard()).collect()
    }

    /// What was sent since the last question, without answers to notifications.
    fn said(&mut self) -> Vec<Kind> {
        std::mem::take(&mut self.sent)
            .iter()
            .map(|message| message.kind)
            .filter(|k| *k != Kind::Status)
            .collect()
    }
}

fn networks() -> Heard {
    Heard::Networks(table(&json!({ "interface": [] })))
}

/// The same message with another number.
fn numbered(frame: &[u8], sequence: u16) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[2..4].copy_from_slice(&sequence.to_be_bytes());
    frame
}

#[test]
fn what_it_says_to_subscribe_and_to_ask_is_what_libubus_says_byte_for_byte() {
    let mut ubusd = Ubusd::new(false);
    ubusd.hello();
    let said: Vec<Vec<u8>> = ubusd.sent.iter().map(|message| message.encode().unwrap()).collect();
    let recorded = of("sub", true);
    assert_eq!(said[0], recorded[0], "an object without a name");
    assert_eq!(said[3], numbered(&recorded[1], 4), "where is netifd");
    assert_eq!(said[4], numbered(&recorded[2], 5), "subscribe");
    assert_eq!(said[5], numbered(&of("dump", true)[1], 6), "dump");
    assert_eq!(said.len(), 6, "and two kinds of events in between");
}

#[test]
fn a_recorded_outage_of_the_wan_rings_for_each_notification_and_answers_none() {
    let mut ubusd = Ubusd::new(false);
    ubusd.hello();
    ubusd.answer_dump(now(0));
    ubusd.heard();
    ubusd.said();
    let notifications = of("sub", false).into_iter().map(|frame| Message::decode(&frame).unwrap());
    let notifications: Vec<Message> = notifications.filter(|message| message.kind == Kind::Invoke).collect();
    assert_eq!(notifications.len(), 3);
    for notification in notifications {
        ubusd.hears(notification, now(1));
        ubusd.answer_dump(now(1));
    }
    assert_eq!(ubusd.heard(), [networks(), networks(), networks()]);
    assert!(ubusd.sent.iter().all(|message| message.kind == Kind::Invoke), "{:?}", ubusd.sent);
}

#[test]
fn a_notification_is_a_doorbell_and_however_often_it_rings_one_dump_is_under_way_and_one_wanted() {
    let mut ubusd = Ubusd::new(false);
    ubusd.hello();
    assert!(!ubusd.session.is_settled());
    ubusd.answer_dump(now(0));
    assert_eq!((ubusd.heard(), ubusd.session.is_settled()), (vec![networks()], true));
    for _ in 0..100 {
        ubusd.rings("interface.update", &json!({ "interface": "wan" }), now(1));
    }
    assert_eq!(ubusd.dumps.len(), 1);
    ubusd.answer_dump(now(1));
    assert_eq!(ubusd.dumps.len(), 1, "it rang while netifd was answering");
    ubusd.answer_dump(now(1));
    assert_eq!((ubusd.dumps.len(), ubusd.heard()), (0, vec![networks(), networks()]));
}

#[test]
fn a_dump_that_is_never_answered_is_given_up_with_the_next_bell() {
    let mut ubusd = Ubusd::new(false);
    ubusd.hello();
    ubusd.rings("interface.update", &json!({}), now(4));
    assert_eq!(ubusd.dumps.len(), 1);
    ubusd.rings("interface.update", &json!({}), now(5));
    assert_eq!(ubusd.dumps.len(), 2);
    // The late answer to the first is nobody's.
    ubusd.answer_dump(now(5));
    assert_eq!(ubusd.heard(), []);
    ubusd.answer_dump(now(5));
    assert_eq!(ubusd.heard(), [networks()]);
}

#[test]
fn netifd_that_goes_and_comes_back_is_subscribed_to_and_asked_again_without_a_timer() {
    let mut ubusd = Ubusd::new(false);
    ubusd.hello();
    ubusd.answer_dump(now(0));
    // It went while it was asked: ubusd says that to the question, before or after it says it by itself.
    ubusd.rings("interface.down", &json!({ "interface": "wan" }), now(1));
    let dump = ubusd.dumps.remove(0);
    let body = Body { object: Some(EARS), target: Some(NETWORKS), ..Body::default() };
    ubusd.hears(Message { kind: Kind::Unsubscribe, sequence: 0, peer: 0, body }, now(1));
    ubusd.hears(status(dump, 4), now(1));
    assert_eq!((ubusd.session.lacks(), ubusd.heard().len()), (false, 1));
    ubusd.said();
    ubusd.session.look(now(2));
    ubusd.serve(now(2));
    assert_eq!(ubusd.said(), [], "nobody is there to be asked");
    // 0xc011c7fb travels as a negative number.
    ubusd.rings(CAME, &json!({ "id": -1_072_576_517, "path": "network.interface" }), now(3));
    let ids: Vec<_> = ubusd.sent.iter().map(|message| (message.kind, message.body.target)).collect();
    assert_eq!(ids[0], (Kind::Subscribe, Some(0xc011_c7fb)));
    assert_eq!(ubusd.said(), [Kind::Subscribe, Kind::Invoke]);
    ubusd.answer_dump(now(3));
    // Its networks come one by one; other objects are none of our business.
    ubusd.rings(CAME, &json!({ "id": 7, "path": "network.interface.wan" }), now(4));
    ubusd.rings(WENT, &json!({ "id": 7, "path": "network.interface.wan6" }), now(4));
    ubusd.rings(CAME, &json!({ "id": 8, "path": "network.interfaces" }), now(4));
    ubusd.rings(WENT, &json!({ "id": 8, "path": "dhcp" }), now(4));
    assert_eq!(ubusd.dumps.len(), 1);
}

#[test]
fn where_there_is_no_netifd_nothing_is_lacking_as_long_as_its_coming_is_announced() {
    let mut ubusd = Ubusd::new(true);
    ubusd.netifd = None;
    ubusd.hello();
    assert_eq!((ubusd.session.is_settled(), ubusd.session.lacks(), ubusd.heard()), (true, false, Vec::new()));
    let mut ubusd = Ubusd::new(true);
    ubusd.netifd = None;
    ubusd.denies = vec!["listen"];
    ubusd.hello();
    assert!(ubusd.session.lacks(), "nobody will tell");
    ubusd.netifd = Some(NETWORKS);
    ubusd.session.retry();
    ubusd.serve(now(1));
    assert_eq!((ubusd.session.lacks(), ubusd.dumps.len()), (false, 1));
}

#[test]
fn what_is_refused_is_complained_about_once_and_tried_again() {
    for denied in ["publish", "access", "subscribe", "dump"] {
        let mut ubusd = Ubusd::new(true);
        ubusd.denies = vec![denied];
        ubusd.hello();
        let told = |heard: Vec<Heard>| {
            heard.iter().filter(|h| matches!(h, Heard::Told(LogLevel::Warning, _))).count()
        };
        assert_eq!((told(ubusd.heard()), ubusd.session.lacks()), (1, true), "{denied}");
        ubusd.session.retry();
        ubusd.serve(now(1));
        assert_eq!((told(ubusd.heard()), ubusd.session.lacks()), (0, true), "{denied}");
        ubusd.denies.clear();
        ubusd.session.retry();
        ubusd.serve(now(2));
        assert!(!ubusd.session.lacks(), "{denied}");
    }
}

#[test]
fn our_object_is_published_called_and_answers_as_a_recorded_one() {
    let mut ubusd = Ubusd::new(true);
    ubusd.hello();
    let published = ubusd.sent.iter().find(|message| message.body.path.is_some()).unwrap();
    assert_eq!(published.body.path.as_deref(), Some("wanbeacon"));
    let methods: Vec<&String> = published.body.signature.as_ref().unwrap().keys().collect();
    assert_eq!(methods, ["history", "providers", "status", "test", "update", "why"]);
    let call = Message::decode(&of("publish", false)[3]).unwrap();
    ubusd.hears(call, now(1));
    let heard = ubusd.heard();
    let [Heard::Call(call)] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((call.method.as_str(), &call.arguments["record"]), ("status", &json!("home")));
    ubusd.said();
    ubusd.session.reply(call, Ok(table(&json!({ "name": "home" }))));
    ubusd.serve(now(1));
    let said: Vec<Vec<u8>> = ubusd.sent.iter().map(|message| message.encode().unwrap()).collect();
    let recorded = of("publish", true);
    assert_eq!(said[0][..8], recorded[1][..8], "number and caller of the answer");
    assert_eq!(said[1], recorded[2], "its status");
    assert_eq!(said.len(), 2);
}

#[test]
fn a_refusal_comes_with_its_words_and_its_status() {
    let mut ubusd = Ubusd::new(true);
    ubusd.hello();
    ubusd.hears(invoke(OWN, "why", &json!({ "record": "x" })), now(1));
    let heard = ubusd.heard();
    let [Heard::Call(call)] = &heard[..] else { panic!("{heard:?}") };
    ubusd.said();
    ubusd.session.reply(call, Err((Status::NotFound, "there is no record 'x'".to_owned())));
    ubusd.serve(now(1));
    assert_eq!(ubusd.sent[0].body.data, Some(table(&json!({ "error": "there is no record 'x'" }))));
    assert_eq!(ubusd.sent[1].body.status, Some(4));
    // What we do not have is answered at once.
    ubusd.sent.clear();
    ubusd.hears(invoke(OWN, "reboot", &json!({})), now(1));
    ubusd.hears(invoke(0x1234_5678, "status", &json!({})), now(1));
    let codes: Vec<_> = ubusd.sent.iter().map(|message| message.body.status).collect();
    assert_eq!((codes, ubusd.heard()), (vec![Some(3), Some(4)], Vec::new()));
}

#[test]
fn an_answer_that_is_too_long_for_ubus_ends_in_an_error_and_not_in_silence() {
    let mut ubusd = Ubusd::new(true);
    ubusd.hello();
    ubusd.hears(invoke(OWN, "status", &json!({})), now(1));
    let heard = ubusd.heard();
    let [Heard::Call(call)] = &heard[..] else { panic!("{heard:?}") };
    ubusd.sent.clear();
    ubusd.session.reply(call, Ok(table(&json!({ "text": "x".repeat(1 << 20) }))));
    ubusd.serve(now(1));
    assert_eq!(ubusd.sent.last().unwrap().body.status, Some(9));
}

#[test]
fn a_notification_is_sent_only_while_somebody_subscribes_as_libubus_sends_it() {
    let mut ubusd = Ubusd::new(true);
    ubusd.hello();
    let record = table(&json!({ "record": "home" }));
    ubusd.said();
    ubusd.session.notify("changed", record.clone());
    ubusd.serve(now(1));
    assert_eq!(ubusd.said(), []);
    ubusd.hears(Message::decode(&of("publish", false)[4]).unwrap(), now(1));
    ubusd.session.notify("changed", record.clone());
    ubusd.serve(now(1));
    let said = ubusd.sent[0].encode().unwrap();
    // `ubus_notify` adds that it wants no reply; the recorded publisher did want one.
    let recorded = numbered(&of("publish", true)[3], ubusd.sent[0].sequence);
    assert_eq!(said[12..recorded.len()], recorded[12..]);
    assert_eq!(said[recorded.len()..], [0x0a, 0, 0, 5, 1, 0, 0, 0]);
    ubusd.said();
    let body = Body { object: Some(OWN), active: Some(false), ..Body::default() };
    ubusd.hears(Message { kind: Kind::Notify, sequence: 2, peer: 0, body }, now(1));
    ubusd.session.notify("changed", record);
    ubusd.serve(now(1));
    assert_eq!(ubusd.said(), []);
}

#[test]
fn hooks_run_if_procd_has_some_and_else_nothing_happens() {
    let mut ubusd = Ubusd::new(true);
    ubusd.hello();
    ubusd.said();
    let variables = ["ACTION=changed".to_owned(), "RECORD=home".to_owned()];
    ubusd.session.hook(&variables);
    ubusd.serve(now(1));
    assert_eq!(ubusd.said(), [Kind::Lookup]);
    ubusd.hooks = Some(77);
    ubusd.session.hook(&variables);
    ubusd.serve(now(1));
    let call = ubusd.sent.last().unwrap();
    assert_eq!(
        (call.kind, call.body.object, call.body.method.as_deref()),
        (Kind::Invoke, Some(77), Some("call"))
    );
    assert_eq!(call.body.data, Some(table(&json!({ "env": variables }))));
    // ubusd that does not answer does not make us grow.
    for _ in 0..1_000 {
        ubusd.session.hook(&variables);
    }
    assert_eq!(std::iter::from_fn(|| ubusd.session.poll_send()).count(), HOOKS_MAX);
}
