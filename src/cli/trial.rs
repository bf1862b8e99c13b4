//! `test`: what would be sent now, without sending it.

use std::fmt::Write;
use std::net::IpAddr;

use super::{Failure, catalogue, report};
use crate::config::nearest;
use crate::daemon::netlink;
use crate::daemon::settings::Loaded;
use crate::engine::address::{Snapshot, choose};
use crate::engine::journal::SourceStatus;
use crate::engine::{RecordId, RecordSettings};
use crate::provider::{Account, Family, Request, Step, Update};

/// What the devices have, the requests for it, and what the provider expects.
pub(super) fn trial(record: &RecordId, loaded: &Loaded) -> Result<String, Failure> {
    let compiled = &loaded.compiled;
    let (Some(settings), Some(account)) =
        (compiled.settings.records.get(record), compiled.accounts.get(record))
    else {
        return Err(Failure::Wrong(unknown(record, loaded)));
    };
    let snapshot = netlink::snapshot()
        .map_err(|error| Failure::Failed(format!("the kernel does not tell its addresses: {error}")))?;
    let sources = look(settings, &snapshot, &[]);
    let mut text: String = sources.iter().filter_map(|source| report::look(record, None, source)).collect();
    push_requests(&mut text, settings, account, &sources);
    if let Some(device) = compiled.binds.get(record) {
        let _ = writeln!(text, "\nthrough {device}, whatever the routes say");
    }
    text.push('\n');
    text.push_str(&catalogue::detail(account.provider()));
    Ok(text)
}

/// What the devices of a record have to offer, as `watch` and `test` show it: one for each family it publishes.
/// `before` is the last look, if there was one.
pub(super) fn look(
    settings: &RecordSettings,
    snapshot: &Snapshot,
    before: &[SourceStatus],
) -> Vec<SourceStatus> {
    let families = [(Family::V4, &settings.ipv4), (Family::V6, &settings.ipv6)];
    let mut sources = Vec::new();
    for (family, device) in families {
        let Some(device) = device else { continue };
        let current =
            before.iter().find(|source| source.family == family).and_then(|source| source.candidate);
        let choice = choose(device, family, settings.allow, snapshot, current);
        let (candidate, rejected) = (choice.address, choice.rejected);
        sources.push(SourceStatus { family, device: device.clone(), candidate, rejected });
    }
    sources
}

fn push_requests(text: &mut String, settings: &RecordSettings, account: &Account, sources: &[SourceStatus]) {
    let updates = updates(settings, sources);
    if updates.is_empty() {
        text.push_str("\nno request: there is no address to publish\n");
    }
    for update in &updates {
        text.push('\n');
        push_request(text, account, update);
    }
}

/// The updates that tell the provider everything, split as its entry wants.
fn updates(settings: &RecordSettings, sources: &[SourceStatus]) -> Vec<Update> {
    let address =
        |family| sources.iter().find(|source| source.family == family).and_then(|source| source.candidate);
    let (mut v4, mut v6) = (None, None);
    for candidate in [address(Family::V4), address(Family::V6)].into_iter().flatten() {
        match candidate {
            IpAddr::V4(ip) => v4 = Some(ip),
            IpAddr::V6(ip) => v6 = Some(ip),
        }
    }
    let whole = [(v4, v6)];
    let split = [(v4, None), (None, v6)];
    let pairs = if settings.manners.dual { &whole[..] } else { &split[..] };
    let mut updates = Vec::new();
    for (ipv4, ipv6) in pairs.iter().copied().filter(|(v4, v6)| v4.is_some() || v6.is_some()) {
        for names in settings.names.chunks(settings.manners.max_names.max(1)) {
            updates.push(Update { names: names.to_vec(), ipv4, ipv6 });
        }
    }
    updates
}

fn push_request(text: &mut String, account: &Account, update: &Update) {
    let (_, step) = account.dialogue(update);
    let Step::Send(request) = step else {
        let _ = writeln!(
            text,
            "no request for {}: the provider's entry has none for it",
            update.names.join(", ")
        );
        return;
    };
    let Request { method, shown, headers, body, family, .. } = &request;
    let _ = writeln!(text, "{} {}", method.name(), account.redact(shown));
    for (name, value) in headers {
        let _ = writeln!(text, "{name}: {}", hidden(account, name, value.expose()));
    }
    if let Some(body) = body {
        let _ = writeln!(text, "\n{}", account.redact(body.expose()));
    }
    if let Some(family) = family {
        let _ = writeln!(text, "over {family}");
    }
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

fn unknown(record: &RecordId, loaded: &Loaded) -> String {
    let name = record.0.escape_debug();
    if loaded.config.records.contains_key(record) {
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::config;

    #[test]
    fn requests_are_shown_without_secrets() {
        let text = "[record.home]\nprovider = \"dyndns2\"\nserver = \"https://dyn.example.org\"\n\
                    hostname = \"a.example.org\"\nuser = \"alice\"\npassword = \"hunter2\"\nipv4 = \"ppp0\"\n";
        let compiled = config::toml::read(text).unwrap().config.compile(&BTreeMap::new()).unwrap();
        let home = RecordId("home".to_owned());
        let source = |candidate: Option<IpAddr>| SourceStatus {
            family: Family::V4,
            device: "ppp0".to_owned(),
            candidate,
            rejected: Vec::new(),
        };
        let mut shown = String::new();
        let settings = &compiled.settings.records[&home];
        let sources = [source("198.51.100.7".parse().ok())];
        push_requests(&mut shown, settings, &compiled.accounts[&home], &sources);
        assert_eq!(
            shown,
            "\nGET https://dyn.example.org/nic/update?hostname=a.example.org&myip=198.51.100.7\nAuthorization: ***\n"
        );
        shown.clear();
        push_requests(&mut shown, settings, &compiled.accounts[&home], &[source(None)]);
        assert_eq!(shown, "\nno request: there is no address to publish\n");
    }
}
