//! Reports become words for a person, here and nowhere else.

use std::time::Duration;

use crate::config::LogLevel;
use crate::engine::RecordId;
use crate::engine::journal::Report;

/// The line of a report and its importance.
#[must_use]
pub(super) fn line(report: &Report) -> (LogLevel, String) {
    match report {
        Report::AddressChanged { record: RecordId(record), family, old, new } => {
            let text = match (old, new) {
                (Some(old), Ok(new)) => format!("{record}: {family} address changed from {old} to {new}"),
                (None, Ok(new)) => format!("{record}: {family} address is {new}"),
                (_, Err(why)) => format!("{record}: no {family} address to publish: {why}"),
            };
            (LogLevel::Info, text)
        }
        Report::Published { record: RecordId(record), names, changes, event_ms, recovered } => {
            let addresses = changes.iter().map(|change| change.address.to_string());
            let addresses = addresses.collect::<Vec<_>>().join(" and ");
            let after = after(*event_ms);
            let again = if *recovered { "recovered: " } else { "" };
            (
                LogLevel::Notice,
                format!("{record}: {again}{} published as {addresses}{after}", names.join(", ")),
            )
        }
        Report::Visible { record: RecordId(record), names, event_ms } => {
            let (names, after) = (names.join(", "), after(Some(*event_ms)));
            (LogLevel::Notice, format!("{record}: {names} visible at the name servers{after}"))
        }
        Report::Shown { record: RecordId(record), what, is_trouble } => {
            let level = if *is_trouble { LogLevel::Warning } else { LogLevel::Notice };
            (level, format!("{record}: {what}"))
        }
        Report::Failed { record: RecordId(record), what, unconfirmed, retry_in_ms, attempts } => {
            let verb = if *unconfirmed { "could not confirm the update" } else { "update failed" };
            let next = match retry_in_ms {
                Some(ms) => format!("next attempt in {}", span(*ms)),
                None => "waiting for the clock to be set".to_owned(),
            };
            let count = if *attempts > 1 { format!(", attempt {attempts}") } else { String::new() };
            (LogLevel::Warning, format!("{record}: {verb}{count}: {what}; {next}"))
        }
        Report::Parked { record: RecordId(record), names, words, advice } => {
            (LogLevel::Error, format!("{record}: {} refused: {words}; {advice}", names.join(", ")))
        }
    }
}

fn after(event_ms: Option<f64>) -> String {
    event_ms.map_or(String::new(), |ms| {
        let length = Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
        format!(", {} ms after the event", length.as_millis())
    })
}

fn span(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", ms / 1_000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000.. => format!("{} h", ms / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Family;

    #[test]
    fn a_line_names_the_record_what_happened_and_what_comes_next() {
        let record = RecordId("home".to_owned());
        let failed = Report::Failed {
            record: record.clone(),
            what: "connection refused".to_owned(),
            unconfirmed: false,
            retry_in_ms: Some(5_250),
            attempts: 2,
        };
        assert_eq!(
            line(&failed).1,
            "home: update failed, attempt 2: connection refused; next attempt in 5 s"
        );
        let none = Report::AddressChanged {
            record,
            family: Family::V4,
            old: None,
            new: Err("there is no device ppp0".to_owned()),
        };
        assert_eq!(line(&none).1, "home: no IPv4 address to publish: there is no device ppp0");
    }
}
