//! What the engine wants done over the network becomes work for [`super::http`].

use std::sync::Arc;

use super::http::{Inquiry, Task};
use super::outside::Sounding;
use super::{Daemon, clock};
use crate::config::Bind;
use crate::engine::network::{Network, meaning};
use crate::engine::outside::Probe;
use crate::engine::visible::Check;
use crate::engine::{Allow, Event, Exchange, Job, Outcome, RecordId};
use crate::provider::{Look, Step};

impl Daemon {
    pub(super) fn send(&mut self, job: &Job) {
        let Some(account) = self.loaded.compiled.accounts.get(&job.record).map(Arc::clone) else { return };
        let (mut dialogue, step) = account.dialogue(&job.update, clock::unix());
        // Who looks at nothing but the source address must see the right one.
        let bind = self.bind(&job.record, job.device.as_deref(), account.uses_source_address());
        let secrets = account.secrets().to_vec();
        let first = match step {
            Step::Ask(first) => {
                let advance = Box::new(move |message: &[u8]| dialogue.receive(message));
                return self.http.ask(Inquiry { job: job.id, first, advance, bind, secrets });
            }
            Step::Send(first) => first,
            // A dialogue that needed no request at all.
            Step::Done(verdicts) => {
                let (outcome, exchange) = (Outcome::Answered(verdicts), Exchange::default());
                let _ = self.reports.send(Event::Reply { job: job.id, outcome, exchange });
                return;
            }
        };
        self.http.send(Task {
            job: job.id,
            first,
            advance: Box::new(move |reply| dialogue.advance(reply)),
            bind,
            ca_file: self.loaded.config.global.ca_file.clone(),
            secrets,
        });
    }

    /// The device that a record's requests leave through: that of the addresses, or that of a network at this moment.
    fn bind(&self, record: &RecordId, device: Option<&str>, by_source: bool) -> Option<String> {
        leaving(self.loaded.compiled.binds.get(record), device, by_source, self.sources.ubus.networks())
    }

    pub(super) fn observe(&self, probe: Probe, allow: Allow) {
        let (reports, asked) = (self.reports.clone(), probe.clone());
        let sounding = Sounding::new(probe, allow, &self.loaded.config.global);
        self.http.observe(sounding, move |sighting| {
            // The loop is gone only when the process ends.
            let _ = reports.send(Event::Observed { probe: asked, sighting });
        });
    }

    pub(super) fn check(&self, check: Check) {
        let Check { id, record, name, family, device } = check;
        let zone = self.loaded.config.records.get(&record).and_then(|record| record.account.zone.as_deref());
        let look = Look::new(&name, family, zone);
        let reports = self.reports.clone();
        self.http.look(look, self.bind(&record, device.as_deref(), false), move |seen| {
            // The loop is gone only when the process ends.
            let _ = reports.send(Event::Checked { id, seen });
        });
    }
}

/// The device that requests leave through: that of the addresses, or that of a network among these. `None`: as the routes say.
pub(super) fn leaving(
    bind: Option<&Bind>,
    device: Option<&str>,
    by_source: bool,
    networks: &[Network],
) -> Option<String> {
    match bind {
        None if !by_source => None,
        None | Some(Bind::Source) => device.map(str::to_owned),
        Some(Bind::Through(name)) => {
            let device = meaning(name, networks).device().map(str::to_owned);
            // Without one the request fails as on a device that does not exist, rather than leave on another way.
            Some(device.unwrap_or_else(|| name.clone()))
        }
    }
}
