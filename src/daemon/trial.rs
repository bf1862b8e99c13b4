//! `test`: what would be sent now, without sending it. Secrets are shown as `***`.

use std::sync::mpsc;

use serde::Serialize;

use super::clock;
use super::http::{self, Http, Task};
use super::perform::leaving;
use super::settings::Loaded;
use crate::config::{Bind, nearest};
use crate::engine::address::Snapshot;
use crate::engine::journal::SourceStatus;
use crate::engine::{JobId, Outcome, Preview, RecordId};
use crate::provider::{Account, Family, Reply, Request, Step, Update, Verdict};

/// What the networks and devices of a record have, and the requests for it.
#[derive(Debug, Serialize)]
pub struct Trial<'a> {
    /// The record.
    pub record: RecordId,
    /// What they have to offer, one for each family that the record publishes.
    pub sources: Vec<SourceStatus>,
    /// What would be sent; none without an address.
    pub requests: Vec<Sketch>,
    /// The network or device that requests leave through, where one is named.
    pub through: Option<&'a str>,
    /// With whom, and as whom.
    #[serde(skip)]
    pub account: &'a Account,
    /// What they say.
    #[serde(skip)]
    updates: Vec<Update>,
}

/// One request as a person may see it.
#[derive(Debug, Eq, PartialEq, Serialize)]
pub struct Sketch {
    /// The names that it is for.
    pub names: Vec<String>,
    /// The request; `None`: the provider's entry has none for it.
    pub request: Option<Shown>,
}

/// A request without its secrets.
#[derive(Debug, Eq, PartialEq, Serialize)]
pub struct Shown {
    /// GET, POST …, or UPDATE (RFC 2136).
    pub method: String,
    /// The URL, or the name server.
    pub url: String,
    /// Names and values of header fields, in order.
    pub headers: Vec<(String, String)>,
    /// The body, if it has one.
    pub body: Option<String>,
    /// The family that it must be sent over, if it matters.
    pub over: Option<Family>,
}

/// Tries a record on what the kernel and netifd say. `None`: no such record is enabled; [`unknown`] says it in words.
#[must_use]
pub fn trial<'a>(record: &RecordId, loaded: &'a Loaded, snapshot: &Snapshot) -> Option<Trial<'a>> {
    let compiled = &loaded.compiled;
    let settings = compiled.settings.records.get(record)?;
    let account = compiled.accounts.get(record)?;
    let now = clock::monotonic();
    let mut preview = Preview::new(settings, now);
    let sources = preview.look(snapshot, now);
    let updates = preview.updates(now);
    let requests = updates.iter().map(|update| sketch(account, update)).collect();
    let through = compiled.binds.get(record).map(Bind::word);
    Some(Trial { record: record.clone(), sources, requests, through, account, updates })
}

impl Trial<'_> {
    /// Asks the provider what it asks before each update, the zone, the record or a session, and nothing that changes
    /// anything. `None`: it is asked nothing before, or there is no address yet.
    ///
    /// # Errors
    ///
    /// In words, why it would refuse the update, or why it cannot be asked.
    #[must_use]
    pub fn ask(&self, loaded: &Loaded, snapshot: &Snapshot) -> Option<Result<(), String>> {
        let account = self.account;
        let (mut dialogue, step) = account.dialogue(self.updates.first()?, clock::unix());
        let Step::Send(first) = step else { return None };
        if !dialogue.asks_only() {
            return None;
        }
        let source = self.sources.iter().find(|source| source.candidate.is_some());
        let device = source.map(|source| source.device.as_str()).filter(|device| !device.is_empty());
        let bind = loaded.compiled.binds.get(&self.record);
        let bind = leaving(bind, device, account.uses_source_address(), &snapshot.networks);
        let advance = move |reply: &Reply| match dialogue.advance(reply) {
            Step::Send(next) if dialogue.asks_only() => Step::Send(next),
            // Whatever comes now would change something: the provider knows us and the name.
            Step::Send(_) | Step::Ask(_) => Step::Done(Vec::new()),
            Step::Done(verdicts) => Step::Done(verdicts),
        };
        let (tell, told) = mpsc::channel();
        let mut http = Http::new(http::Settings::new(clock::monotonic), move |_, outcome, _| {
            // Who asked waits for the answer, or has gone.
            let _ = tell.send(outcome);
        });
        http.send(Task {
            job: JobId(1),
            first,
            advance: Box::new(advance),
            bind,
            ca_file: loaded.config.global.ca_file.clone(),
            secrets: account.secrets().to_vec(),
        });
        Some(told.recv().map_or_else(|_| Err("the agent made a mistake".to_owned()), judged))
    }
}

fn judged(outcome: Outcome) -> Result<(), String> {
    let verdicts = match outcome {
        Outcome::Answered(verdicts) => verdicts,
        Outcome::Failed(failure) => return Err(failure.detail),
        Outcome::Withdrawn => return Err("the question was withdrawn".to_owned()),
    };
    verdicts
        .into_iter()
        .find_map(|verdict| match verdict {
            Verdict::Good | Verdict::Unchanged => None,
            Verdict::Busy { words, .. }
            | Verdict::NotUnderstood { words }
            | Verdict::Refused { words, .. } => Some(words),
        })
        .map_or(Ok(()), Err)
}

fn sketch(account: &Account, update: &Update) -> Sketch {
    let names = update.names.clone();
    if let Some(script) = account.script(update) {
        let shown = Shown {
            method: "UPDATE".to_owned(),
            url: account.endpoint().to_owned(),
            headers: Vec::new(),
            body: Some(account.redact(&script)),
            over: None,
        };
        return Sketch { names, request: Some(shown) };
    }
    let (_, step) = account.dialogue(update, clock::unix());
    let Step::Send(request) = step else { return Sketch { names, request: None } };
    let Request { method, shown, headers, body, family, .. } = &request;
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| (name.clone(), hidden(account, name, value.expose())));
    let shown = Shown {
        method: method.name().to_owned(),
        url: account.redact(shown),
        headers: headers.collect(),
        body: body.as_ref().map(|body| account.redact(body.expose())),
        over: *family,
    };
    Sketch { names, request: Some(shown) }
}

/// A header field by allow-list: what is not known to be harmless is not shown.
fn hidden(account: &Account, name: &str, value: &str) -> String {
    const HARMLESS: [&str; 3] = ["accept", "content-type", "user-agent"];
    if HARMLESS.contains(&name.to_ascii_lowercase().as_str()) {
        account.redact(value)
    } else {
        "***".to_owned()
    }
}

/// Why a record cannot be tried.
#[must_use]
pub fn unknown(record: &RecordId, loaded: &Loaded) -> String {
    let name = record.0.escape_debug();
    let written = loaded.config.records.get(record);
    if let Some(file) = written.and_then(|record| loaded.config.own.broken(&record.provider)) {
        return format!(
            "record '{name}' is left out: its provider's entry {} is broken; mend it",
            file.display()
        );
    }
    if written.is_some() {
        return format!("record '{name}' is not enabled");
    }
    let names = loaded.config.records.keys().map(|id| id.0.as_str());
    let mend = nearest(&record.0, names.clone()).map_or_else(
        || format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
        |name| format!("did you mean '{name}'?"),
    );
    format!("there is no record '{name}'; {mend}")
}

#[cfg(test)]
mod tests {
    use litemap::LiteMap;

    use super::*;
    use crate::config;
    use crate::engine::address::{Address, Link, Scope};

    #[test]
    fn requests_are_shown_without_secrets() {
        let text = "[record.home]\nprovider = \"dyndns2\"\nserver = \"https://dyn.example.org\"\n\
                    hostname = \"a.example.org\"\nuser = \"alice\"\npassword = \"hunter2\"\nipv4 = \"ppp0\"\n";
        let compiled = config::toml::read(text).unwrap().config.compile(&LiteMap::new()).unwrap();
        let home = RecordId("home".to_owned());
        let settings = &compiled.settings.records[&home];
        let updates = |addresses: &[&str]| {
            let mut preview = Preview::new(settings, clock::monotonic());
            preview.look(&line(addresses), clock::monotonic());
            preview.updates(clock::monotonic())
        };
        let shown = Shown {
            method: "GET".to_owned(),
            url: "https://dyn.example.org/nic/update?hostname=a.example.org&myip=81.2.69.142".to_owned(),
            headers: vec![("Authorization".to_owned(), "***".to_owned())],
            body: None,
            over: None,
        };
        let names = vec!["a.example.org".to_owned()];
        let sketch = sketch(&compiled.accounts[&home], &updates(&["81.2.69.142"])[0]);
        assert_eq!(sketch, Sketch { names, request: Some(shown) });
        assert_eq!(updates(&[]), []);
    }

    fn line(addresses: &[&str]) -> Snapshot {
        let address = |ip: &&str| Address {
            ifindex: 3,
            ip: ip.parse().unwrap(),
            prefix_len: 32,
            scope: Scope::Universe,
            tentative: false,
            dad_failed: false,
            deprecated: false,
            temporary: false,
            secondary: false,
            created: 1,
        };
        let links = vec![Link { ifindex: 3, name: "ppp0".to_owned(), up: true }];
        Snapshot { links, addresses: addresses.iter().map(address).collect(), ..Snapshot::default() }
    }
}
