//! A report goes out in three ways: a line in the log, a notification on our ubus object, and the user's hooks.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::{Daemon, clock, wording};
use crate::engine::RecordId;
use crate::engine::journal::{Change, Report};
use crate::provider::Family;

/// Longest value of a hook's variable in bytes: our judgement, what a provider says may be a whole page.
const VALUE_MAX: usize = 512;

/// What subscribers and hooks are told: one thing that happened to one record.
#[derive(Debug, Eq, PartialEq)]
struct News<'a> {
    /// changed, failed, parked, recovered.
    action: &'static str,
    record: &'a RecordId,
    names: &'a [String],
    family: Option<Family>,
    address: Option<IpAddr>,
    previous: Option<IpAddr>,
    /// In words: what failed, why it was refused.
    detail: Option<&'a str>,
}

impl Daemon {
    /// Tells everybody who wants to know. No secret is in a report.
    pub(super) fn announce(&mut self, report: &Report) {
        let (level, line) = wording::line(report);
        self.log.write(level, &line);
        // What keeps this file from being written keeps the state from it too, and is told there.
        let _ = self.history.add(report, clock::now().unix());
        for news in news(report) {
            let records = &self.loaded.config.records;
            let record = records.get(news.record);
            let names = match (news.names, record) {
                ([], Some(record)) => &record.names,
                (names, _) => names,
            };
            let provider = record.map_or("", |record| record.provider.as_str());
            let ubus = &mut self.sources.ubus;
            ubus.notify(news.action, &table(&news, names));
            ubus.hook(&variables(&news, names, provider));
        }
    }
}

/// What is worth telling in a report: an address that was confirmed once more is not.
fn news(report: &Report) -> Vec<News<'_>> {
    let one = |action, record, names, detail| News {
        action,
        record,
        names,
        family: None,
        address: None,
        previous: None,
        detail,
    };
    match report {
        Report::AddressChanged { .. } | Report::Shown { .. } | Report::Visible { .. } => Vec::new(),
        Report::Failed { record, what, .. } => vec![one("failed", record, &[], Some(what.as_str()))],
        Report::Parked { record, names, words, .. } => {
            vec![one("parked", record, names, Some(words.as_str()))]
        }
        Report::Published { record, names, changes, recovered, .. } => {
            let new = |change: &&Change| change.previous != Some(change.address);
            let changed = changes.iter().filter(new).map(|change| News {
                family: Some(Family::of(change.address)),
                address: Some(change.address),
                previous: change.previous,
                ..one("changed", record, names, None)
            });
            recovered.then(|| one("recovered", record, names, None)).into_iter().chain(changed).collect()
        }
    }
}

/// For subscribers; what is not known is left out.
fn table(news: &News<'_>, names: &[String]) -> Map<String, Value> {
    let address = |address: IpAddr| Value::from(address.to_string());
    let entries = [
        ("record", Some(Value::from(news.record.0.as_str()))),
        ("names", Some(Value::from(names))),
        ("family", news.family.map(|family| Value::from(word(family)))),
        ("address", news.address.map(address)),
        ("previous", news.previous.map(address)),
        ("detail", news.detail.map(Value::from)),
    ];
    entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// For scripts; what is not known is left out.
fn variables(news: &News<'_>, names: &[String], provider: &str) -> Vec<String> {
    let entries = [
        ("ACTION", Some(news.action.to_owned())),
        ("RECORD", Some(news.record.0.clone())),
        ("NAMES", Some(names.join(" "))),
        ("PROVIDER", Some(provider.to_owned())),
        ("FAMILY", news.family.map(|family| word(family).to_owned())),
        ("ADDRESS", news.address.map(|address| address.to_string())),
        ("PREVIOUS", news.previous.map(|address| address.to_string())),
        ("REASON", news.detail.map(str::to_owned)),
    ];
    entries.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", harmless(&value?)))).collect()
}

fn word(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

/// One line of limited length: a provider's words reach a shell.
fn harmless(value: &str) -> String {
    let mut line: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let cut = (0..=VALUE_MAX.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    line.truncate(cut);
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn home() -> RecordId {
        RecordId("home".to_owned())
    }

    fn published(changes: &[(&str, Option<&str>)], recovered: bool) -> Report {
        let change = |(address, previous): &(&str, Option<&str>)| Change {
            address: address.parse().unwrap(),
            previous: previous.map(|previous| previous.parse().unwrap()),
        };
        let names = vec!["home.example.org".to_owned()];
        let changes = changes.iter().map(change).collect();
        Report::Published { record: home(), names, changes, event_ms: None, recovered }
    }

    fn actions(report: &Report) -> Vec<&'static str> {
        news(report).iter().map(|news| news.action).collect()
    }

    #[test]
    fn each_new_address_is_told_and_one_that_was_only_confirmed_again_is_not() {
        let (a, b, six) = ("81.2.0.1", "81.2.0.2", "2a00:1::1");
        assert_eq!(actions(&published(&[(a, None)], false)), ["changed"]);
        assert_eq!(actions(&published(&[(a, Some(a))], false)), [""; 0]);
        assert_eq!(
            actions(&published(&[(a, Some(b)), (six, None)], true)),
            ["recovered", "changed", "changed"]
        );
        assert_eq!(actions(&published(&[(a, Some(a))], true)), ["recovered"]);
    }

    #[test]
    fn a_change_names_the_record_the_family_and_both_addresses() {
        let report = published(&[("2a00:1::2", Some("2a00:1::1"))], false);
        let news = news(&report);
        let names = ["home.example.org".to_owned()];
        let wanted = json!({
            "record": "home", "names": ["home.example.org"], "family": "ipv6",
            "address": "2a00:1::2", "previous": "2a00:1::1",
        });
        assert_eq!(Value::Object(table(&news[0], &names)), wanted);
        let wanted = [
            "ACTION=changed",
            "RECORD=home",
            "NAMES=home.example.org",
            "PROVIDER=duckdns.org",
            "FAMILY=ipv6",
            "ADDRESS=2a00:1::2",
            "PREVIOUS=2a00:1::1",
        ];
        assert_eq!(variables(&news[0], &names, "duckdns.org"), wanted);
    }

    #[test]
    fn what_a_provider_says_is_one_short_line_for_a_script() {
        let words = format!("bad\nauth\u{1b}[2J\0{}", "ü".repeat(400));
        let report = Report::Parked { record: home(), names: Vec::new(), words, advice: String::new() };
        let variables = variables(&news(&report)[0], &[], "dyndns2");
        let reason = variables.last().unwrap();
        assert!(reason.starts_with("REASON=bad auth [2J ü"), "{reason}");
        assert!(reason.len() <= "REASON=".len() + VALUE_MAX && reason.ends_with('ü'), "{reason}");
    }

    #[test]
    fn a_failure_is_told_with_its_reason() {
        let (what, retry_in_ms) = ("connection refused".to_owned(), Some(5));
        let report = Report::Failed { record: home(), what, unconfirmed: false, retry_in_ms, attempts: 1 };
        let news = news(&report);
        assert_eq!((news[0].action, news[0].detail), ("failed", Some("connection refused")));
    }
}
