//! The fields of an entry, as they are written.

use litemap::LiteMap;

use super::super::answer::{Class, Lines, Profile};
use super::super::form::{BodyType, Purpose};
use super::super::lookup::What;
use super::super::recorded::{Example, Recorded};
use super::super::{Family, Method, Omitted};
use super::holds::Holds;
use super::table::{Fields, Table, Value};

const STATUSES: &[(&str, RawStatus)] =
    &[("alive", RawStatus::Alive), ("dead", RawStatus::Dead), ("unclear", RawStatus::Unclear)];
pub(super) const METHODS: &[(&str, Method)] = &[
    ("GET", Method::Get),
    ("POST", Method::Post),
    ("PUT", Method::Put),
    ("PATCH", Method::Patch),
    ("DELETE", Method::Delete),
];
pub(super) const FAMILIES: &[(&str, Family)] = &[("v4", Family::V4), ("v6", Family::V6)];
/// The requests of an entry, each with what it is for.
pub(super) const REQUESTS: &[(&str, &[Purpose])] = &[
    ("any", &[Purpose::V4, Purpose::V6]),
    ("v4", &[Purpose::V4]),
    ("v6", &[Purpose::V6]),
    ("dual", &[Purpose::Dual]),
    ("prefix", &[Purpose::Prefix]),
    ("dual_prefix", &[Purpose::DualPrefix]),
    ("create", &[Purpose::Create]),
    ("after", &[Purpose::After]),
    ("remove", &[Purpose::RemoveV4, Purpose::RemoveV6]),
    ("remove_v4", &[Purpose::RemoveV4]),
    ("remove_v6", &[Purpose::RemoveV6]),
];
const BODY_TYPES: &[(&str, BodyType)] =
    &[("form", BodyType::Form), ("json", BodyType::Json), ("text", BodyType::Text), ("xml", BodyType::Xml)];
const LOOKUPS: &[(&str, What)] = &[("login", What::Login), ("record", What::Record), ("zone", What::Zone)];
const OMITTED: &[(&str, Omitted)] = &[("keeps", Omitted::Keeps), ("resets", Omitted::Resets)];
const PROFILES: &[(&str, Profile)] =
    &[("dyndns2", Profile::Dyndns2), ("goodnochg", Profile::GoodNochg), ("none", Profile::None)];
const LINES: &[(&str, Lines)] = &[("per-name", Lines::PerName), ("whole", Lines::Whole)];
const HOLDS: &[(&str, Holds)] = &[
    ("label", Holds::Label),
    ("name", Holds::Name),
    ("param", Holds::Param),
    ("param_opt", Holds::ParamOpt),
    ("password", Holds::Password),
    ("record_id", Holds::RecordId),
    ("server", Holds::Server),
    ("ttl", Holds::Ttl),
    ("unused", Holds::Unused),
    ("user", Holds::User),
    ("zone", Holds::Zone),
];

pub(super) struct RawEntry {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) homepage: String,
    pub(super) docs: Vec<String>,
    pub(super) status: RawStatus,
    pub(super) notes: String,
    pub(super) zones: Vec<String>,
    pub(super) label_depth: usize,
    pub(super) path: String,
    pub(super) record_types: Option<[String; 2]>,
    pub(super) custom: bool,
    pub(super) dns: bool,
    pub(super) optional: Vec<String>,
    pub(super) credentials: LiteMap<String, String>,
    pub(super) sample: LiteMap<String, String>,
    pub(super) request: RawRequest,
    pub(super) lookup: Vec<RawLookup>,
    pub(super) manners: RawManners,
    pub(super) answers: RawAnswers,
    pub(super) aliases: LiteMap<String, Vec<String>>,
    pub(super) import: LiteMap<String, LiteMap<String, Holds>>,
    pub(super) example: Example,
    pub(super) dialogue: Vec<Recorded>,
}

impl Fields for RawEntry {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            id: table.text("id"),
            name: table.text("name"),
            homepage: table.text("homepage"),
            docs: table.texts("docs"),
            status: table.word("status", STATUSES).unwrap_or_default(),
            notes: table.maybe_text("notes").unwrap_or_default(),
            zones: table.texts("zones"),
            label_depth: table.whole("label_depth").unwrap_or_default(),
            path: table.maybe_text("path").unwrap_or_default(),
            record_types: table.pair("record_types"),
            custom: table.flag("custom"),
            dns: table.flag("dns"),
            optional: table.texts("optional"),
            credentials: table.map("credentials", Table::as_text),
            sample: table.map("sample", Table::as_text),
            request: table.table("request").unwrap_or_default(),
            lookup: table.tables("lookup"),
            manners: table.table("manners").unwrap_or_default(),
            answers: table.table("answers").unwrap_or_default(),
            aliases: table.map("aliases", Table::as_texts),
            import: table.map("import", import),
            example: table.table("example").unwrap_or_default(),
            dialogue: table.tables("dialogue"),
        }
    }
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub(super) enum RawStatus {
    #[default]
    Alive,
    Dead,
    Unclear,
}

/// What all requests have in common, and what each has of its own.
#[derive(Default)]
pub(super) struct RawRequest {
    pub(super) method: Option<Method>,
    pub(super) auth: Option<String>,
    pub(super) headers: LiteMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) body_type: Option<BodyType>,
    pub(super) keep: Option<String>,
    pub(super) follow_redirects: bool,
    /// Those that there are, by their names.
    pub(super) forms: Vec<(&'static str, RawForm)>,
    pub(super) replaces: bool,
    pub(super) batch: Option<RawBatch>,
    pub(super) sign: Option<String>,
}

/// What the fields of another client hold.
fn import<'a>(table: &mut Table<'a>, value: &'a Value<'a>) -> LiteMap<String, Holds> {
    table.as_map(value, |table, value| table.as_word(value, HOLDS).unwrap_or(Holds::Unused))
}

impl RawRequest {
    /// Whether there is a request of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.forms.iter().any(|(known, _)| *known == name)
    }
}

impl Fields for RawRequest {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            method: table.word("method", METHODS),
            auth: table.maybe_text("auth"),
            headers: table.map("headers", Table::as_text),
            body: table.maybe_text("body"),
            body_type: table.word("body_type", BODY_TYPES),
            keep: table.maybe_text("keep"),
            follow_redirects: table.flag("follow_redirects"),
            forms: REQUESTS.iter().filter_map(|(name, _)| Some((*name, table.table(name)?))).collect(),
            replaces: table.flag("replaces"),
            batch: table.table("batch"),
            sign: table.maybe_text("sign"),
        }
    }
}

#[derive(Default)]
pub(super) struct RawForm {
    pub(super) url: String,
    pub(super) method: Option<Method>,
    pub(super) auth: Option<String>,
    pub(super) headers: LiteMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) body_type: Option<BodyType>,
    pub(super) family: Option<Family>,
    pub(super) sign: Option<String>,
    /// It is asked before the update, whose method and body are not its own.
    pub(super) is_lookup: bool,
}

impl RawForm {
    /// A request that tells no address, so that its family is nobody's concern.
    fn question(table: &mut Table<'_>) -> Self {
        Self {
            url: table.text("url"),
            method: table.word("method", METHODS),
            auth: table.maybe_text("auth"),
            headers: table.map("headers", Table::as_text),
            body: table.maybe_text("body"),
            body_type: table.word("body_type", BODY_TYPES),
            family: None,
            sign: table.maybe_text("sign"),
            is_lookup: true,
        }
    }
}

impl Fields for RawForm {
    fn read(table: &mut Table<'_>) -> Self {
        let form = Self::question(table);
        Self { family: table.word("family", FAMILIES), is_lookup: false, ..form }
    }
}

pub(super) struct RawBatch {
    pub(super) url: String,
    pub(super) method: Option<Method>,
    pub(super) body: String,
    pub(super) create: Option<String>,
    pub(super) update: String,
    pub(super) record: Option<String>,
    pub(super) remove: Option<String>,
}

impl Fields for RawBatch {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            url: table.text("url"),
            method: table.word("method", METHODS),
            body: table.text("body"),
            create: table.maybe_text("create"),
            update: table.text("update"),
            record: table.maybe_text("record"),
            remove: table.maybe_text("remove"),
        }
    }
}

pub(super) struct RawLookup {
    pub(super) what: What,
    pub(super) form: RawForm,
    pub(super) list: Option<String>,
    pub(super) fits: LiteMap<String, String>,
    pub(super) zone: Option<String>,
    pub(super) walk: bool,
    pub(super) take: LiteMap<String, String>,
    pub(super) same: Option<String>,
    pub(super) ok: Vec<String>,
    pub(super) missing: Vec<String>,
}

impl Fields for RawLookup {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            what: table.word("what", LOOKUPS).unwrap_or_default(),
            form: RawForm::question(table),
            list: table.maybe_text("list"),
            fits: table.map("where", Table::as_text),
            zone: table.maybe_text("zone"),
            walk: table.flag("walk"),
            take: table.map("take", Table::as_text),
            same: table.maybe_text("same"),
            ok: table.texts("ok"),
            missing: table.texts("missing"),
        }
    }
}

pub(super) struct RawManners {
    pub(super) max_names: usize,
    pub(super) omitted: Omitted,
    pub(super) removes_all: bool,
    pub(super) limits: Vec<RawLimit>,
    pub(super) refresh_days: Option<f64>,
    pub(super) busy_pause_s: f64,
    pub(super) gather_ms: u32,
    pub(super) proxies: Vec<String>,
}

impl Fields for RawManners {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            max_names: table.whole("max_names").unwrap_or(1),
            omitted: table.word("omitted", OMITTED).unwrap_or_default(),
            removes_all: table.flag("removes_all"),
            limits: table.tables("limits"),
            refresh_days: table.decimal("refresh_days"),
            busy_pause_s: table.decimal("busy_pause_s").unwrap_or_default(),
            gather_ms: table.whole("gather_ms").unwrap_or_default(),
            proxies: table.texts("proxies"),
        }
    }
}

impl Default for RawManners {
    fn default() -> Self {
        let limits = Vec::new();
        Self {
            max_names: 1,
            omitted: Omitted::Keeps,
            removes_all: false,
            limits,
            refresh_days: None,
            busy_pause_s: 0.0,
            gather_ms: 0,
            proxies: Vec::new(),
        }
    }
}

pub(super) struct RawLimit {
    pub(super) count: u32,
    pub(super) window_s: f64,
}

impl Fields for RawLimit {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            count: table.whole("count").unwrap_or_default(),
            window_s: table.decimal("window_s").unwrap_or_default(),
        }
    }
}

#[derive(Default)]
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

impl Fields for RawAnswers {
    fn read(table: &mut Table<'_>) -> Self {
        Self {
            profile: table.word("profile", PROFILES).unwrap_or_default(),
            lines: table.word("lines", LINES).unwrap_or_default(),
            html: table.flag("html"),
            nochg: table.texts("nochg"),
            ok: table.texts("ok"),
            auth: table.texts("auth"),
            nohost: table.texts("nohost"),
            abuse: table.texts("abuse"),
            fault: table.texts("fault"),
            config: table.texts("config"),
        }
    }
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
