//! Which addresses were published when, for the last month: one JSON object on each line of a file beside the state.
//!
//! A line is added with each confirmed change, when flash is written anyway.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::replace::{Manner, replace};
use crate::engine::RecordId;
use crate::engine::journal::Report;
use crate::provider::Family;

const FILE: &str = "history.jsonl";
/// Largest file in bytes; past that the older half is dropped. Ten names that change every night need half of it for a
/// month. Our judgement.
const FILE_MAX: u64 = 64 * 1024;
/// How far back an answer goes, in seconds: thirty days.
const DEPTH: u64 = 30 * 86_400;

/// One address that the provider confirmed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Published {
    /// Seconds of Unix time; `None`: the clock was not set.
    at: Option<u64>,
    record: RecordId,
    names: Vec<String>,
    family: Family,
    address: IpAddr,
    /// Confirmed before.
    previous: Option<IpAddr>,
    /// Milliseconds from the kernel's event to the provider's answer; `None`: no event came before it.
    event_ms: Option<f64>,
}

/// The file.
#[derive(Debug)]
pub(super) struct History(PathBuf);

impl History {
    pub(super) fn new(state_dir: &Path) -> Self {
        Self(state_dir.join(FILE))
    }

    /// Adds what a report says about new addresses, as of `at` in seconds of Unix time.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn add(&self, report: &Report, at: Option<u64>) -> io::Result<()> {
        let Report::Published { record, names, changes, event_ms, .. } = report else { return Ok(()) };
        let mut lines = Vec::new();
        for change in changes.iter().filter(|change| change.previous != Some(change.address)) {
            let published = Published {
                at,
                record: record.clone(),
                names: names.clone(),
                family: Family::of(change.address),
                address: change.address,
                previous: change.previous,
                event_ms: *event_ms,
            };
            // The line feed comes first: what a power loss has cut off stands alone then.
            lines.push(b'\n');
            serde_json::to_writer(&mut lines, &published)?;
        }
        if lines.is_empty() {
            return Ok(());
        }
        self.shorten()?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.0)?;
        file.write_all(&lines)
    }

    fn shorten(&self) -> io::Result<()> {
        match fs::metadata(&self.0) {
            Ok(metadata) if metadata.len() > FILE_MAX => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        }
        let text = fs::read(&self.0)?;
        let newer = text.get(text.len() / 2..).unwrap_or_default();
        let whole = newer.iter().position(|byte| *byte == b'\n').and_then(|at| newer.get(at..));
        replace(&self.0, whole.unwrap_or_default(), Manner::Durable)
    }

    /// The changes of the last thirty days before `now`, oldest first, and those without a time; of one record, or of all.
    ///
    /// # Errors
    ///
    /// The system's; that there is no file is none.
    pub(super) fn read(&self, record: Option<&RecordId>, now: Option<u64>) -> io::Result<Vec<Published>> {
        let text = match fs::read(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text?,
        };
        let since = now.map(|now| now.saturating_sub(DEPTH));
        let is_meant = |published: &Published| {
            record.is_none_or(|record| *record == published.record)
                && published.at.zip(since).is_none_or(|(at, since)| at >= since)
        };
        let lines = text.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).filter(is_meant).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::journal::Change;

    fn report(address: &str, previous: Option<&str>) -> Report {
        let ip = |text: &str| text.parse().unwrap();
        let changes = vec![Change { address: ip(address), previous: previous.map(ip) }];
        let (record, names) = (RecordId("home".to_owned()), vec!["home.example.org".to_owned()]);
        Report::Published { record, names, changes, event_ms: Some(7.5), recovered: false }
    }

    fn addresses(history: &History, now: u64) -> Vec<String> {
        history.read(None, Some(now)).unwrap().iter().map(|one| one.address.to_string()).collect()
    }

    #[test]
    fn changes_of_a_month_are_told_and_a_confirmation_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::new(dir.path());
        assert_eq!(addresses(&history, 0), [""; 0]);
        history.add(&report("81.2.0.1", None), None).unwrap();
        history.add(&report("81.2.0.2", Some("81.2.0.1")), Some(1_000_000)).unwrap();
        history.add(&report("81.2.0.2", Some("81.2.0.2")), Some(1_000_001)).unwrap();
        history.add(&report("81.2.0.3", Some("81.2.0.2")), Some(3_000_000)).unwrap();
        assert_eq!(addresses(&history, 3_000_000), ["81.2.0.1", "81.2.0.2", "81.2.0.3"]);
        assert_eq!(addresses(&history, 1_000_000 + DEPTH + 1), ["81.2.0.1", "81.2.0.3"]);
        assert_eq!(history.read(Some(&RecordId("nas".to_owned())), None).unwrap(), []);
    }

    #[test]
    fn a_line_that_a_power_loss_cut_off_costs_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::new(dir.path());
        history.add(&report("81.2.0.1", None), Some(1)).unwrap();
        let file = dir.path().join(FILE);
        let text = fs::read(&file).unwrap();
        fs::write(&file, [&text[..], &text[..20]].concat()).unwrap();
        history.add(&report("81.2.0.2", Some("81.2.0.1")), Some(2)).unwrap();
        assert_eq!(addresses(&history, 2), ["81.2.0.1", "81.2.0.2"]);
    }

    #[test]
    fn the_file_does_not_grow_without_end_and_the_newest_stay() {
        let dir = tempfile::tempdir().unwrap();
        let history = History::new(dir.path());
        for night in 0..1000_u64 {
            let address = format!("81.2.{}.{}", night / 250, night % 250);
            history.add(&report(&address, Some("81.9.0.1")), Some(night)).unwrap();
        }
        let size = fs::metadata(dir.path().join(FILE)).unwrap().len();
        assert!(size <= FILE_MAX + 300, "{size}");
        assert_eq!(addresses(&history, 1000).last().unwrap(), "81.2.3.249");
    }
}
