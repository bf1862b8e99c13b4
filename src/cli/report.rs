//! `status`, `why` and `watch` as text: aligned, plain, one thing per line.

use std::fmt::Write;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::time::{age, span, tenths, utc};
use crate::engine::journal::{NameStatus, NetworkStatus, RecordStatus, SourceStatus, Status, Why, WhyStep};
use crate::engine::{Exchange, RecordId};
use crate::provider::Family;

/// All records; `wall` is the present, if the clock is set.
pub(super) fn status(status: &Status, wall: Option<SystemTime>) -> String {
    if status.records.is_empty() {
        return "no record is enabled\n".to_owned();
    }
    let mut text = status.records.iter().map(|status| record(status, wall)).collect::<Vec<_>>().join("\n");
    // Those that no record is about are in the JSON form.
    let is_named = |network: &&NetworkStatus| {
        let mut sources = status.records.iter().flat_map(|record| &record.sources);
        !network.prefixes.is_empty()
            || sources.any(|source| source.network.as_deref() == Some(network.network.as_str()))
    };
    let named: Vec<NetworkStatus> = status.networks.iter().filter(is_named).cloned().collect();
    if !named.is_empty() {
        let _ = write!(text, "\nnetworks\n{}", networks(&named));
    }
    text
}

/// What netifd says about its networks.
pub(super) fn networks(networks: &[NetworkStatus]) -> String {
    let mut text = String::new();
    for network in networks {
        let state = if network.up { "up" } else { "down" };
        let device = network.device.as_deref().map_or_else(String::new, |device| format!(" on {device}"));
        let _ = writeln!(text, "  {} is {state}{}", plain(&network.network), plain(&device));
        for prefix in &network.prefixes {
            let left = |secs: Option<u64>| {
                secs.map_or_else(
                    || "for ever".to_owned(),
                    |secs| format!("for {}", span(Duration::from_secs(secs))),
                )
            };
            let (preferred, valid) = (left(prefix.preferred_secs), left(prefix.valid_secs));
            let _ = writeln!(text, "    has {}: preferred {preferred}, valid {valid}", prefix.prefix);
        }
        for assignment in &network.assignments {
            let own = assignment.address.map_or_else(String::new, |ip| format!(" as {ip}"));
            let _ = writeln!(text, "    uses {}{own}", assignment.prefix);
        }
    }
    text
}

/// One record and what happened to it.
pub(super) fn why(why: &Why, wall: Option<SystemTime>) -> String {
    let mut text = record(&why.record, wall);
    if why.steps.is_empty() {
        text.push_str("\nnothing has happened yet\n");
        return text;
    }
    text.push_str("\nsince the kernel's event:\n");
    for step in &why.steps {
        push_step(&mut text, step);
    }
    text
}

/// What changed between two looks at one source; `None`: nothing that a person would see.
pub(super) fn look(record: &RecordId, old: Option<&SourceStatus>, new: &SourceStatus) -> Option<String> {
    if old == Some(new) {
        return None;
    }
    let shown = |address: Option<IpAddr>| address.map_or_else(|| "none".to_owned(), |ip| ip.to_string());
    let mut text = format!("{} {} of {}: ", record.0, new.family, origin(new));
    match old.map(|old| old.candidate) {
        Some(before) if before != new.candidate => {
            let _ = write!(text, "{} -> {}", shown(before), shown(new.candidate));
        }
        Some(_) | None => text.push_str(&shown(new.candidate)),
    }
    text.push('\n');
    push_rejected(&mut text, new, "  ");
    Some(text)
}

fn record(status: &RecordStatus, wall: Option<SystemTime>) -> String {
    let mut text = format!("{}\n", status.record.0);
    let rows: Vec<[String; 5]> = status.names.iter().map(|name| row(name, wall)).collect();
    push_table(&mut text, &rows);
    for name in &status.names {
        if let Some(words) = &name.shown {
            let _ = writeln!(text, "  {} {}: {}", name.name, kind(name.family), plain(words));
        }
    }
    for source in &status.sources {
        let candidate = shown(source);
        let _ = writeln!(text, "  {} of {}: {candidate}", source.family, origin(source));
        if let Some(words) = &source.nat {
            let _ = writeln!(text, "    {words}");
        }
        push_rejected(&mut text, source, "    ");
    }
    if let Some(answer) = &status.last_answer {
        let _ = writeln!(text, "  last answer: {}", plain(answer));
    }
    if let Some(ms) = status.event_to_answer_ms {
        let _ = writeln!(text, "  from the kernel's event to the answer: {} ms", tenths(ms));
    }
    if let Some(ms) = status.event_to_visible_ms {
        let _ = writeln!(text, "  until all name servers showed it: {} ms", tenths(ms));
    }
    let pause =
        status.next_in_ms.map_or_else(String::new, |ms| format!(", in {}", span(Duration::from_millis(ms))));
    let _ = writeln!(text, "  next: {}{pause}", plain(&status.next));
    text
}

fn shown(source: &SourceStatus) -> String {
    let all: Vec<String> = source.candidate.iter().chain(&source.further).map(IpAddr::to_string).collect();
    if all.is_empty() { "no address to publish".to_owned() } else { all.join(" and ") }
}

/// Where the addresses come from, and the device that it is on.
fn origin(source: &SourceStatus) -> String {
    let name = match (&source.host, source.origin.as_str()) {
        (Some(host), origin) => format!("{origin} {host}"),
        (None, "") => source.network.clone().unwrap_or_default(),
        (None, origin) => origin.to_owned(),
    };
    match source.device.as_str() {
        "" => name,
        device if name == device || name.is_empty() => device.to_owned(),
        device => format!("{name} ({device})"),
    }
}

fn kind(family: Family) -> &'static str {
    match family {
        Family::V4 => "A",
        Family::V6 => "AAAA",
    }
}

fn row(name: &NameStatus, wall: Option<SystemTime>) -> [String; 5] {
    let address = name.published.map_or_else(|| "not published".to_owned(), |ip| ip.to_string());
    let since = match (name.published, name.since) {
        (Some(_), Some(since)) => {
            let age = age(since, wall).map_or_else(String::new, |age| format!(" ({age})"));
            format!("since {}{age}", utc(since))
        }
        (Some(_), None) => "since before the clock was set".to_owned(),
        (None, _) => String::new(),
    };
    let state = match &name.parked {
        Some(words) => format!("{}: {}", name.state, plain(words)),
        None => name.state.clone(),
    };
    [name.name.clone(), kind(name.family).to_owned(), address, since, state]
}

fn push_table(text: &mut String, rows: &[[String; 5]]) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(width);
    for row in rows {
        let cells = row.iter().zip(widths).filter(|(_, width)| *width > 0);
        let line: Vec<String> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "  {}", line.join("  ").trim_end());
    }
}

fn push_rejected(text: &mut String, source: &SourceStatus, indent: &str) {
    for rejected in &source.rejected {
        let reason = plain(&rejected.reason);
        let _ = match rejected.address {
            Some(address) => writeln!(text, "{indent}not {address}: {reason}"),
            None => writeln!(text, "{indent}because {reason}"),
        };
    }
}

fn push_step(text: &mut String, step: &WhyStep) {
    let _ = writeln!(text, "  {:>12}  {}", format!("+{} ms", tenths(step.at_ms)), plain(&step.what));
    if let Some(exchange) = &step.exchange {
        push_exchange(text, exchange);
    }
}

fn push_exchange(text: &mut String, exchange: &Exchange) {
    let indent = " ".repeat(16);
    let mut line = |what: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{indent}{what}: {value}");
        }
    };
    // A DNS update has several lines.
    let request: Vec<String> = exchange.request.lines().map(plain).collect();
    line("request", request.join(&format!("\n{indent}         ")));
    line("endpoint", exchange.endpoint.map_or_else(String::new, |endpoint| endpoint.to_string()));
    let status = exchange.status.map_or_else(String::new, |status| format!("{status} "));
    line("answer", format!("{status}{}", plain(&exchange.answer)).trim().to_owned());
    let Exchange { resolve_ms, connect_ms, tls_ms, answer_ms, .. } = exchange;
    line(
        "timing",
        format!(
            "name {}, connection {}, TLS {}, answer {} ms",
            tenths(*resolve_ms),
            tenths(*connect_ms),
            tenths(*tls_ms),
            tenths(*answer_ms)
        ),
    );
}

/// Without control characters: a provider's words must not steer a terminal.
fn plain(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::journal::Rejected;
    use crate::engine::network::PrefixStatus;

    fn source(candidate: Option<&str>, rejected: &[(Option<&str>, &str)]) -> SourceStatus {
        let rejected = rejected.iter().map(|(address, reason)| Rejected {
            address: address.map(|address| address.parse().unwrap()),
            reason: (*reason).to_owned(),
        });
        SourceStatus {
            family: Family::V4,
            origin: "ppp0".to_owned(),
            host: None,
            names: Vec::new(),
            further: Vec::new(),
            prefix: None,
            nat: None,
            network: None,
            device: "ppp0".to_owned(),
            candidate: candidate.map(|address| address.parse().unwrap()),
            rejected: rejected.collect(),
        }
    }

    fn name(family: Family, published: Option<&str>, parked: Option<&str>) -> NameStatus {
        NameStatus {
            name: "home.example.org".to_owned(),
            family,
            published: published.map(|address| address.parse().unwrap()),
            since: Some(1_767_225_599),
            state: if parked.is_some() { "parked" } else { "idle" }.to_owned(),
            parked: parked.map(str::to_owned),
            advice: None,
            shown: (family == Family::V4)
                .then(|| "ns1.example.org (192.0.2.53) shows nothing\u{1b}".to_owned()),
        }
    }

    fn home() -> RecordStatus {
        RecordStatus {
            record: RecordId("home".to_owned()),
            names: vec![
                name(Family::V4, Some("198.51.100.7"), None),
                name(Family::V6, None, Some("badauth\u{1b}[2J")),
            ],
            sources: vec![source(Some("198.51.100.7"), &[(Some("10.0.0.2"), "private (RFC 1918)")])],
            last_answer: Some("good 198.51.100.7".to_owned()),
            next: "the update is tried again".to_owned(),
            next_in_ms: Some(61_000),
            next_reason: None,
            event_to_answer_ms: Some(412.3),
            event_to_visible_ms: Some(1912.0),
        }
    }

    #[test]
    fn a_status_is_aligned_and_plain() {
        let wall = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(1_767_225_599 + 7_260));
        let shown = status(&Status { records: vec![home()], ..Status::default() }, wall);
        let wanted = "\
home
  home.example.org  A     198.51.100.7   since 2025-12-31 23:59:59 UTC (2 h 1 min)  idle
  home.example.org  AAAA  not published                                             parked: badauth [2J
  home.example.org A: ns1.example.org (192.0.2.53) shows nothing 
  IPv4 of ppp0: 198.51.100.7
    not 10.0.0.2: private (RFC 1918)
  last answer: good 198.51.100.7
  from the kernel's event to the answer: 412.3 ms
  until all name servers showed it: 1912.0 ms
  next: the update is tried again, in 1 min 1 s
";
        assert_eq!(shown, wanted);
        assert_eq!(status(&Status::default(), None), "no record is enabled\n");
    }

    #[test]
    fn a_network_is_shown_with_its_device_and_what_is_left_of_its_prefix() {
        let network = |name: &str, prefixes| NetworkStatus {
            network: name.to_owned(),
            up: true,
            device: Some("pppoe-wan".to_owned()),
            prefixes,
            assignments: Vec::new(),
        };
        let prefix = PrefixStatus {
            prefix: "2001:db8:1200::/56".to_owned(),
            preferred_secs: Some(1_800),
            valid_secs: None,
        };
        let mut home = home();
        home.sources[0].network = Some("wan".to_owned());
        home.sources[0].origin = "wan".to_owned();
        let networks =
            vec![network("wan", Vec::new()), network("wan6", vec![prefix]), network("x", Vec::new())];
        let shown = status(&Status { records: vec![home], networks, ..Status::default() }, None);
        assert!(shown.contains("  IPv4 of wan (ppp0): 198.51.100.7\n"), "{shown}");
        let end = "\nnetworks\n  wan is up on pppoe-wan\n  wan6 is up on pppoe-wan\n    \
                   has 2001:db8:1200::/56: preferred for 30 min, valid for ever\n";
        assert!(shown.ends_with(end), "{shown}");
    }

    #[test]
    fn a_story_shows_what_was_said() {
        let exchange = Exchange {
            request: "GET https://dyn.example.org/?token=***".to_owned(),
            endpoint: Some("192.0.2.1:443".parse().unwrap()),
            status: Some(200),
            answer: "good".to_owned(),
            resolve_ms: 1.0,
            connect_ms: 10.25,
            tls_ms: 20.0,
            answer_ms: 30.0,
            sent_at: None,
        };
        let steps = vec![
            WhyStep { at_ms: 0.0, what: "ppp0 has 198.51.100.7".to_owned(), exchange: None },
            WhyStep { at_ms: 412.25, what: "confirmed".to_owned(), exchange: Some(exchange) },
        ];
        let shown = why(&Why { record: home(), steps }, None);
        let wanted = "
since the kernel's event:
       +0.0 ms  ppp0 has 198.51.100.7
     +412.3 ms  confirmed
                request: GET https://dyn.example.org/?token=***
                endpoint: 192.0.2.1:443
                answer: 200 good
                timing: name 1.0, connection 10.3, TLS 20.0, answer 30.0 ms
";
        assert!(shown.ends_with(wanted), "{shown}");
    }

    #[test]
    fn a_look_says_what_changed() {
        let home = RecordId("home".to_owned());
        let none = source(None, &[(None, "there is no device ppp0")]);
        let some = source(Some("198.51.100.7"), &[]);
        assert_eq!(
            look(&home, None, &none).as_deref(),
            Some("home IPv4 of ppp0: none\n  because there is no device ppp0\n")
        );
        assert_eq!(
            look(&home, Some(&none), &some).as_deref(),
            Some("home IPv4 of ppp0: none -> 198.51.100.7\n")
        );
        assert_eq!(look(&home, Some(&some), &some), None);
    }
}
