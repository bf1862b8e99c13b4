//! What the loop answers when it is asked, over the control socket or ubus.

use serde_json::json;

use super::question::{self, Answer, Query, Refusal};
use super::trial::{trial, unknown};
use super::ubus::{Call, Heard};
use super::{Daemon, clock};
use crate::engine::{Event, RecordId};

impl Daemon {
    /// Something came over ubus.
    pub(super) fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Call(call) => self.called(&call),
            Heard::Networks => {
                let snapshot = self.snapshot();
                self.tell(Event::Network { snapshot, bell: clock::monotonic() });
            }
            Heard::Told(level, words) => self.log.write(level, &words),
        }
    }

    fn called(&mut self, call: &Call) {
        if let Some(query) = self.sources.ubus.query(call) {
            let answer = self.answer(query);
            self.sources.ubus.reply(call, answer);
        }
    }

    pub(super) fn answer(&mut self, query: Query) -> Answer {
        let now = clock::now();
        let records = &self.loaded.compiled.settings.records;
        let unknown_record = |record: &RecordId| question::unknown_record(record, records.keys());
        match query {
            Query::History(only) => {
                let changes = self.history.read(only.as_ref(), now.unix());
                let changes = changes.map_err(|error| Refusal::Trouble(format!("the history: {error}")))?;
                Ok(json!({ "changes": question::json(&changes)? }))
            }
            Query::Providers(id) => {
                question::providers(id.as_deref(), &self.loaded.config.global.providers_dir)
            }
            Query::Status(only) => {
                let mut status = self.engine.status(now);
                if let Some(only) = only {
                    if !records.contains_key(&only) {
                        return Err(unknown_record(&only));
                    }
                    status.records.retain(|status| status.record == only);
                }
                let mut status = question::json(&status)?;
                status["sandbox"] = question::json(&self.sandbox)?;
                status["version"] = json!(env!("CARGO_PKG_VERSION"));
                for record in status["records"].as_array_mut().into_iter().flatten() {
                    let id = RecordId(record["record"].as_str().unwrap_or_default().to_owned());
                    let account = self.loaded.compiled.accounts.get(&id);
                    record["provider"] = json!(account.map(|account| &account.provider().id));
                }
                Ok(status)
            }
            Query::Test(record) => {
                let snapshot = self.snapshot();
                match trial(&record, &self.loaded, &snapshot) {
                    Some(trial) => question::json(&trial),
                    None => Err(Refusal::Unknown(unknown(&record, &self.loaded))),
                }
            }
            Query::Update { records: named, force } => {
                if let Some(record) = named.iter().find(|record| !records.contains_key(record)) {
                    return Err(unknown_record(record));
                }
                let told: Vec<RecordId> =
                    if named.is_empty() { records.keys().cloned().collect() } else { named.clone() };
                self.tell(Event::Update { records: named, force });
                Ok(json!({ "records": told }))
            }
            Query::Why(record) => self
                .engine
                .why(&record, now)
                .map_or_else(|| Err(unknown_record(&record)), |why| question::json(&why)),
        }
    }
}
