//! `watch`: live address events as the agent sees and judges them, with or without a running agent.

use std::io::{self, Write};

use super::{Failure, report};
use crate::daemon::settings::Loaded;
use crate::daemon::{clock, view};
use crate::engine::journal::SourceStatus;
use crate::engine::network::{self, Network};
use crate::engine::{Preview, RecordId};

/// Prints what changes until it is interrupted or nobody reads any more.
pub(super) fn watch(loaded: &Loaded, out: &mut dyn Write) -> Result<(), Failure> {
    let records = &loaded.compiled.settings.records;
    let preview = |(id, settings)| (id, Preview::new(settings, clock::monotonic()), Vec::new());
    let mut last: Vec<(&RecordId, Preview, Vec<SourceStatus>)> = records.iter().map(preview).collect();
    let mut networks: Vec<Network> = Vec::new();
    let mut deaf = None;
    let ended = view::watch(&loaded.compiled.settings.wanted(), &loaded.config.global, |look| {
        if networks != look.snapshot.networks {
            networks.clone_from(&look.snapshot.networks);
            let shown = network::status(&look.snapshot, clock::monotonic());
            deaf = write(out, &report::networks(&shown));
            if deaf.is_some() {
                return false;
            }
        }
        for (id, preview, before) in &mut last {
            let sources = preview.look(&look.snapshot, clock::monotonic());
            let text: String = sources
                .iter()
                .enumerate()
                .filter_map(|(at, new)| report::look(id, before.get(at), new))
                .collect();
            *before = sources;
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
