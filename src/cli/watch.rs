//! `watch`: live address events as the agent sees and judges them, with or without a running agent.

use std::collections::BTreeMap;
use std::io::Write;

use super::{Failure, report, trial};
use crate::daemon::netlink;
use crate::daemon::settings::Loaded;
use crate::engine::RecordId;
use crate::engine::journal::SourceStatus;

/// Prints what changes until it is interrupted or nobody reads any more.
pub(super) fn watch(loaded: &Loaded, out: &mut dyn Write) -> Result<(), Failure> {
    let records = &loaded.compiled.settings.records;
    let mut last: BTreeMap<&RecordId, Vec<SourceStatus>> = BTreeMap::new();
    let mut deaf = None;
    let ended = netlink::watch(|look| {
        for (id, settings) in records {
            let before = last.get(id).map_or(&[][..], Vec::as_slice);
            let sources = trial::look(settings, &look.snapshot, before);
            let old = |new: &SourceStatus| before.iter().find(|old| old.family == new.family);
            let text: String = sources.iter().filter_map(|new| report::look(id, old(new), new)).collect();
            last.insert(id, sources);
            deaf = out.write_all(text.as_bytes()).and_then(|()| out.flush()).err();
            if deaf.is_some() {
                return false;
            }
        }
        true
    });
    match (deaf, ended) {
        (Some(error), _) => Err(Failure::Unwritable(error)),
        (None, Err(error)) => Err(Failure::Failed(format!("the kernel's notifications: {error}"))),
        (None, Ok(())) => Ok(()),
    }
}
