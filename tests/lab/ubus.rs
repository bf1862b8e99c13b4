//! A stand-in for ubusd with netifd and procd behind it, after the recordings of the genuine one in `tests/data/ubus`
//! and its sources (openwrt/ubus `ubusd_proto.c`, `ubusd_event.c`, `ubusd_obj.c`). CI has no package of the genuine one.

pub mod wire;

use std::collections::BTreeMap;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

use wire::{ADD_OBJECT, DATA, INVOKE, LOOKUP, Message, NOTIFY, STATUS, SUBSCRIBE, UNSUBSCRIBE};

const NETIFD: &str = "network.interface";
const HOOKS: &str = "hotplug.wanbeacon";
const LIMIT: Duration = Duration::from_secs(10);

/// An object; those of the stand-in itself have no client.
#[derive(Debug)]
struct Object {
    path: Option<String>,
    client: Option<u32>,
    /// Numbers of the subscribing objects.
    subscribers: Vec<u32>,
}

#[derive(Debug, Default)]
struct State {
    clients: BTreeMap<u32, UnixStream>,
    objects: BTreeMap<u32, Object>,
    /// Patterns and the objects that listen to them.
    listeners: Vec<(String, u32)>,
    last: u32,
    /// What netifd answers to a dump.
    networks: Value,
    dumps: usize,
    /// Environments of the calls of procd's hotplug object.
    hooks: Vec<Vec<String>>,
}

type Shared = Arc<(Mutex<State>, Condvar)>;

/// The stand-in; it ends, and its clients are hung up, when it is dropped.
#[derive(Debug)]
pub struct Ubusd {
    socket: PathBuf,
    shared: Shared,
}

impl Ubusd {
    /// Listens; netifd has these networks (`[{"interface": …}, …]`), procd has our hooks.
    pub fn start(socket: &Path, networks: &Value) -> Self {
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).unwrap();
        let shared = Shared::default();
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || serve(client, &shared));
            }
        });
        let ubusd = Self { socket: socket.to_owned(), shared };
        ubusd.lock().networks = networks.clone();
        ubusd.netifd_comes();
        ubusd.publish(HOOKS);
        ubusd
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }

    fn publish(&self, path: &str) {
        let mut state = self.lock();
        state.add(Some(path.to_owned()), None);
    }

    /// netifd changes something and says so.
    pub fn networks(&self, networks: &Value) {
        let mut state = self.lock();
        state.networks = networks.clone();
        let netifd = state.find(NETIFD).unwrap();
        state.notify(netifd, "interface.update", &json!({ "interface": "wan" }));
    }

    /// What netifd will say when it is asked next; nobody is told.
    pub fn networks_while_away(&self, networks: &Value) {
        self.lock().networks = networks.clone();
    }

    /// netifd ends.
    pub fn netifd_goes(&self) {
        let mut state = self.lock();
        let netifd = state.find(NETIFD).unwrap();
        let object = state.objects.remove(&netifd).unwrap();
        for subscriber in object.subscribers {
            let message = Message::new(UNSUBSCRIBE, 0, 0).number(3, subscriber).number(8, netifd);
            state.tell_object(subscriber, &message);
        }
        state.event("ubus.object.remove", netifd, NETIFD);
    }

    /// netifd starts.
    pub fn netifd_comes(&self) {
        self.publish(NETIFD);
    }

    /// Waits until something is so.
    fn wait<T>(&self, what: &str, mut found: impl FnMut(&State) -> Option<T>) -> T {
        let (mutex, changed) = &*self.shared;
        let mut state = mutex.lock().unwrap();
        loop {
            if let Some(found) = found(&state) {
                return found;
            }
            let (later, timeout) = changed.wait_timeout(state, LIMIT).unwrap();
            assert!(!timeout.timed_out(), "{what}: never");
            state = later;
        }
    }

    /// Waits until an object is there.
    pub fn wait_for_object(&self, path: &str) {
        self.wait(path, |state| state.find(path));
    }

    /// Waits until a hook was called with this variable, and gives its environment.
    pub fn wait_for_hook(&self, variable: &str) -> Vec<String> {
        self.wait(variable, |state| {
            state.hooks.iter().find(|env| env.iter().any(|found| found == variable)).cloned()
        })
    }

    /// How often netifd was asked for everything.
    pub fn dumps(&self) -> usize {
        self.lock().dumps
    }
}

impl Drop for Ubusd {
    fn drop(&mut self) {
        // The name first: nobody shall come back to what is ending.
        let _ = std::fs::remove_file(&self.socket);
        let clients = std::mem::take(&mut self.lock().clients);
        clients.values().for_each(|client| drop(client.shutdown(std::net::Shutdown::Both)));
    }
}

impl State {
    fn find(&self, path: &str) -> Option<u32> {
        self.objects.iter().find(|(_, object)| object.path.as_deref() == Some(path)).map(|(id, _)| *id)
    }

    fn add(&mut self, path: Option<String>, client: Option<u32>) -> u32 {
        // As large as the genuine ones, half of which are negative where they travel as `i32`.
        self.last += 1;
        let id = 0x9000_0000 | self.last;
        if let Some(path) = &path {
            self.event("ubus.object.add", id, path);
        }
        self.objects.insert(id, Object { path, client, subscribers: Vec::new() });
        id
    }

    fn event(&mut self, event: &str, id: u32, path: &str) {
        let listeners = self.listeners.iter().filter(|(pattern, _)| pattern == event);
        for listener in listeners.map(|(_, object)| *object).collect::<Vec<_>>() {
            let id = i32::from_be_bytes(id.to_be_bytes());
            let message = Message::new(INVOKE, 1, 0).number(3, listener).text(4, event);
            self.tell_object(listener, &message.data(&json!({ "id": id, "path": path })));
        }
    }

    fn notify(&mut self, object: u32, method: &str, data: &Value) {
        for subscriber in self.objects[&object].subscribers.clone() {
            let message =
                Message::new(INVOKE, 1, object).flag(10, true).number(3, subscriber).text(4, method);
            self.tell_object(subscriber, &message.data(data));
        }
    }

    fn tell_object(&mut self, object: u32, message: &Message) {
        let client = self.objects.get(&object).and_then(|object| object.client);
        client.into_iter().for_each(|client| self.tell(client, message));
    }

    /// A client that has gone is noticed where it is read.
    fn tell(&mut self, client: u32, message: &Message) {
        if let Some(stream) = self.clients.get_mut(&client) {
            let _ = message.send(stream);
        }
    }

    /// One message of a client; the status of the answer, if it is for us to give.
    fn take(&mut self, client: u32, message: &Message) -> Option<u32> {
        let reply = |kind| Message::new(kind, message.sequence, message.peer);
        match message.kind {
            LOOKUP => {
                let path = message.get_text(2).unwrap();
                let Some(id) = self.find(&path) else { return Some(4) };
                self.tell(client, &reply(DATA).text(2, &path).number(3, id).number(5, 1));
                Some(0)
            }
            ADD_OBJECT => {
                let path = message.get_text(2);
                if path.as_ref().is_some_and(|path| self.find(path).is_some()) {
                    return Some(2);
                }
                let id = self.add(path, Some(client));
                self.tell(client, &reply(DATA).number(3, id));
                Some(0)
            }
            SUBSCRIBE => {
                let (object, target) = (message.get_number(3).unwrap(), message.get_number(8).unwrap());
                let Some(found) = self.objects.get_mut(&target) else { return Some(4) };
                found.subscribers.push(object);
                if found.subscribers.len() == 1 {
                    let active = Message::new(NOTIFY, 1, 0).number(3, target).flag(9, true);
                    self.tell_object(target, &active);
                }
                Some(0)
            }
            NOTIFY => {
                assert!(message.get(10).is_some(), "the agent waits for no reply");
                let (object, method) = (message.get_number(3).unwrap(), message.get_text(4).unwrap());
                self.notify(object, &method, &message.get_data());
                None
            }
            INVOKE => self.invoke(client, message),
            // An answer of a publisher, on its way to who asked.
            STATUS | DATA => {
                let mut answer = message.clone();
                answer.peer = message.get_number(3).unwrap();
                self.tell(message.peer, &answer);
                None
            }
            _ => Some(1),
        }
    }

    fn invoke(&mut self, client: u32, message: &Message) -> Option<u32> {
        let (object, method) = (message.get_number(3).unwrap(), message.get_text(4).unwrap());
        let data = message.get_data();
        if object == 1 && method == "register" {
            let listener = i32::try_from(data["object"].as_i64().unwrap()).unwrap();
            let listener = u32::from_be_bytes(listener.to_be_bytes());
            self.listeners.push((data["pattern"].as_str().unwrap().to_owned(), listener));
            return Some(0);
        }
        let Some(found) = self.objects.get(&object) else { return Some(4) };
        match (found.client, found.path.as_deref()) {
            (Some(publisher), _) => {
                let mut call = Message::new(INVOKE, message.sequence, client);
                call = call.number(3, object).text(4, &method).text(12, "root").text(13, "root");
                self.tell(publisher, &call.data(&data));
                None
            }
            (None, Some(NETIFD)) if method == "dump" => {
                self.dumps += 1;
                let networks = json!({ "interface": self.networks });
                let answer = Message::new(DATA, message.sequence, object).number(3, object);
                self.tell(client, &answer.data(&networks));
                Some(0)
            }
            (None, Some(HOOKS)) if method == "call" => {
                let env = data["env"].as_array().unwrap().iter();
                self.hooks.push(env.map(|variable| variable.as_str().unwrap().to_owned()).collect());
                Some(0)
            }
            _ => Some(3),
        }
    }
}

/// One client until it hangs up.
fn serve(mut stream: UnixStream, shared: &Shared) {
    let (mutex, changed) = &**shared;
    let client = {
        let mut state = mutex.lock().unwrap();
        state.last += 1;
        let client = state.last;
        let mut writing = stream.try_clone().unwrap();
        let _ = Message::new(0, 0, client).send(&mut writing);
        state.clients.insert(client, writing);
        client
    };
    while let Ok(message) = Message::receive(&mut stream) {
        let mut state = mutex.lock().unwrap();
        if let Some(status) = state.take(client, &message) {
            let answer = Message::new(STATUS, message.sequence, message.peer).number(1, status);
            state.tell(client, &answer);
        }
        changed.notify_all();
    }
    let mut state = mutex.lock().unwrap();
    state.clients.remove(&client);
    state.objects.retain(|_, object| object.client != Some(client));
    changed.notify_all();
}

/// Another client of ubusd: a shell, LuCI.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    sequence: u16,
}

impl Client {
    pub fn connect(socket: &Path) -> Self {
        let mut stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Message::receive(&mut stream).unwrap();
        Self { stream, sequence: 0 }
    }

    fn ask(&mut self, message: impl FnOnce(u16) -> Message) -> (Option<Message>, u32) {
        self.sequence += 1;
        message(self.sequence).send(&mut self.stream).unwrap();
        let mut data = None;
        loop {
            let message = Message::receive(&mut self.stream).unwrap();
            match message.kind {
                STATUS => return (data, message.get_number(1).unwrap()),
                DATA => data = Some(message),
                other => panic!("nobody expects {other}"),
            }
        }
    }

    fn look_up(&mut self, path: &str) -> u32 {
        let (found, status) = self.ask(|sequence| Message::new(LOOKUP, sequence, 0).text(2, path));
        assert_eq!(status, 0, "{path}");
        found.unwrap().get_number(3).unwrap()
    }

    /// Calls a method: what it answers, and its status.
    pub fn call(&mut self, path: &str, method: &str, arguments: &Value) -> (Value, u32) {
        let object = self.look_up(path);
        let (answer, status) = self.ask(|sequence| {
            Message::new(INVOKE, sequence, object).number(3, object).text(4, method).data(arguments)
        });
        (answer.map_or(Value::Null, |answer| answer.get_data()), status)
    }

    /// Subscribes to an object: names and tables of its notifications, from now on.
    pub fn subscribe(mut self, path: &str) -> Receiver<(String, Value)> {
        let target = self.look_up(path);
        let (ears, _) = self.ask(|sequence| Message::new(ADD_OBJECT, sequence, 0));
        let ears = ears.unwrap().get_number(3).unwrap();
        let (_, status) =
            self.ask(|sequence| Message::new(SUBSCRIBE, sequence, 0).number(3, ears).number(8, target));
        assert_eq!(status, 0, "{path}");
        self.stream.set_read_timeout(None).unwrap();
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            while let Ok(message) = Message::receive(&mut self.stream) {
                if sender.send((message.get_text(4).unwrap(), message.get_data())).is_err() {
                    return;
                }
            }
        });
        heard
    }
}
