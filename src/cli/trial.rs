//! `test`: what would be sent now, without sending it.

use std::fmt::Write;
use std::io;
use std::net::IpAddr;

use super::{Failure, World, catalogue, report};
use crate::config::nearest;
use crate::daemon::settings::Loaded;
use crate::engine::journal::SourceStatus;
use crate::engine::{RecordId, RecordSettings};
use crate::provider::{Account, Family, Request, Step, Update};

/// What the devices have, the requests for it, and what the provider expects.
pub(super) fn trial(record: &RecordId, loaded: &Loaded, world: &World) -> Result<String, Failure> {
    let compiled = &loaded.compiled;
    let (Some(settings), Some(account)) =
        (compiled.settings.records.get(record), compiled.accounts.get(record))
    else {
        return Err(Failure::Wrong(unknown(record, loaded)));
    };
    let sources = (world.look)(settings).map_err(|error: io::Error| {
        Failure::Failed(format!("the kernel does not tell its addresses: {error}"))
    })?;
    let mut text: String = sources.iter().filter_map(|source| report::look(record, None, source)).collect();
    let updates = updates(settings, &sources);
    if updates.is_empty() {
        text.push_str("\nno request: there is no address to publish\n");
    }
    for update in &updates {
        text.push('\n');
        push_request(&mut text, account, update);
    }
    if let Some(device) = compiled.binds.get(record) {
        let _ = writeln!(text, "\nthrough {device}, whatever the routes say");
    }
    text.push('\n');
    text.push_str(&catalogue::detail(account.provider()));
    Ok(text)
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
    let method = format!("{method:?}").to_uppercase();
    let _ = writeln!(text, "{method} {}", account.redact(shown));
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
