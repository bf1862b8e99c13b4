//! `watch`: live address events as the agent sees and judges them, with or without a running agent.

use std::io::{self, Write};

use litemap::LiteMap;

use super::{Failure, report};
use crate::daemon::settings::Loaded;
use crate::daemon::{clock, trial, view};
use crate::engine::RecordId;
use crate::engine::journal::SourceStatus;
use crate::engine::network::{self, Network};

/// Prints what changes until it is interrupted or nobody reads any more.
pub(super) fn watch(loaded: &Loaded, out: &mut dyn Write) -> Result<(), Failure> {
    let records = &loaded.compiled.settings.records;
    let mut last: LiteMap<&RecordId, Vec<SourceStatus>> = LiteMap::new();
    let mut networks: Vec<Network> = Vec::new();
    let mut deaf = None;
    let ended = view::watch(|look| {
        if networks != look.snapshot.networks {
            networks.clone_from(&look.snapshot.networks);
            let shown = network::status(&look.snapshot, clock::monotonic());
            deaf = write(out, &report::networks(&shown));
            if deaf.is_some() {
                return false;
            }
        }
        for (id, settings) in records {
            let before = last.get(id).map_or(&[][..], Vec::as_slice);
            let sources = trial::look(settings, &look.snapshot, before);
            let old = |new: &SourceStatus| before.iter().find(|old| old.family == new.family);
            let text: String = sources.iter().filter_map(|new| report::look(id, old(new), new)).collect();
            last.insert(id, sources);
            deaf = write(out, &text);
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

fn write(out: &mut dyn Write, text: &str) -> Option<io::Error> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).err()
}
