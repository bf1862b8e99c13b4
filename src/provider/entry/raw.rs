//! The fields of an entry, as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::answer::{Class, Lines, Profile};
use super::super::form::BodyType;
use super::super::lookup::What;
use super::super::recorded::{Example, Recorded};
use super::super::{Family, Method, Omitted};
use super::holds::Holds;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEntry {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) homepage: String,
    #[serde(default)]
    pub(super) docs: Vec<String>,
    #[serde(default)]
    pub(super) status: RawStatus,
    #[serde(default)]
    pub(super) notes: String,
    #[serde(default)]
    pub(super) zones: Vec<String>,
    #[serde(default)]
    pub(super) label_depth: usize,
    #[serde(default)]
    pub(super) path: String,
    pub(super) record_types: Option<[String; 2]>,
    #[serde(default)]
    pub(super) custom: bool,
    #[serde(default)]
    pub(super) dns: bool,
    #[serde(default)]
    pub(super) optional: Vec<String>,
    #[serde(default)]
    pub(super) credentials: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) sample: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) request: RawRequest,
    #[serde(default)]
    pub(super) lookup: Vec<RawLookup>,
    #[serde(default)]
    pub(super) manners: RawManners,
    #[serde(default)]
    pub(super) answers: RawAnswers,
    #[serde(default)]
    pub(super) aliases: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) import: BTreeMap<String, BTreeMap<String, Holds>>,
    #[serde(default)]
    pub(super) example: Example,
    #[serde(default)]
    pub(super) dialogue: Vec<Recorded>,
}

#[derive(Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(super) enum RawStatus {
    #[default]
    Alive,
    Dead,
    Unclear,
}

/// What all requests have in common, and what each has of its own.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRequest {
    pub(super) method: Option<Method>,
    pub(super) auth: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) body_type: Option<BodyType>,
    pub(super) keep: Option<String>,
    #[serde(default)]
    pub(super) follow_redirects: bool,
    pub(super) any: Option<RawForm>,
    pub(super) v4: Option<RawForm>,
    pub(super) v6: Option<RawForm>,
    pub(super) dual: Option<RawForm>,
    pub(super) create: Option<RawForm>,
    pub(super) after: Option<RawForm>,
    pub(super) remove: Option<RawForm>,
    pub(super) batch: Option<RawBatch>,
    pub(super) sign: Option<String>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawForm {
    pub(super) url: String,
    pub(super) method: Option<Method>,
    pub(super) auth: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) body_type: Option<BodyType>,
    pub(super) family: Option<Family>,
    pub(super) sign: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBatch {
    pub(super) url: String,
    pub(super) method: Option<Method>,
    pub(super) body: String,
    pub(super) create: String,
    pub(super) update: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLookup {
    #[serde(default)]
    pub(super) what: What,
    pub(super) url: String,
    pub(super) method: Option<Method>,
    pub(super) auth: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) body_type: Option<BodyType>,
    pub(super) sign: Option<String>,
    pub(super) list: Option<String>,
    #[serde(default, rename = "where")]
    pub(super) fits: BTreeMap<String, String>,
    pub(super) zone: Option<String>,
    #[serde(default)]
    pub(super) walk: bool,
    #[serde(default)]
    pub(super) take: BTreeMap<String, String>,
    pub(super) same: Option<String>,
    #[serde(default)]
    pub(super) ok: Vec<String>,
    #[serde(default)]
    pub(super) missing: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawManners {
    pub(super) max_names: usize,
    pub(super) omitted: Omitted,
    pub(super) limits: Vec<RawLimit>,
    pub(super) refresh_days: Option<f64>,
    pub(super) busy_pause_s: f64,
    pub(super) gather_ms: u32,
}

impl Default for RawManners {
    fn default() -> Self {
        let limits = Vec::new();
        Self {
            max_names: 1,
            omitted: Omitted::Keeps,
            limits,
            refresh_days: None,
            busy_pause_s: 0.0,
            gather_ms: 0,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimit {
    pub(super) count: u32,
    pub(super) window_s: f64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAnswers {
    pub(super) profile: Profile,
    pub(super) lines: Lines,
    pub(super) html: bool,
    pub(super) nochg: Vec<String>,
    pub(super) ok: Vec<String>,
    pub(super) auth: Vec<String>,
    pub(super) nohost: Vec<String>,
    pub(super) abuse: Vec<String>,
    pub(super) fault: Vec<String>,
    pub(super) config: Vec<String>,
}

impl RawAnswers {
    pub(super) fn of(&self, class: Class) -> (&'static str, &[String]) {
        match class {
            Class::Abuse => ("answers.abuse", &self.abuse),
            Class::Auth => ("answers.auth", &self.auth),
            Class::Config => ("answers.config", &self.config),
            Class::Fault => ("answers.fault", &self.fault),
            Class::Nochg => ("answers.nochg", &self.nochg),
            Class::Nohost => ("answers.nohost", &self.nohost),
            Class::Ok => ("answers.ok", &self.ok),
        }
    }
}
