//! Sections of written values → [`Config`], through the option table. Both front ends end here.

use litemap::LiteMap;

use super::compile;
use super::dialect::Dialect;
use super::mistake::{Mistake, Place, Quote, Severity, Source, quoted};
use super::nearest::nearest;
use super::options::{self, OPTIONS, Opt, Scope};
use super::own::{Own, Wanted, left_out};
use super::value::{self, Fault, Raw};
use super::values::{Values, global, record};
use super::{Config, Hosts, Record};
use crate::engine::origin::Origin;
use crate::engine::{OnDown, RecordId};
use crate::provider::{Family, is_id};

/// A configuration without errors, and what is doubtful in it.
#[derive(Debug)]
pub struct Read {
    /// The configuration.
    pub config: Config,
    /// Warnings only, in the order of the text.
    pub warnings: Vec<Mistake>,
}

/// A file as its front end understood it.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) global: Section,
    pub(super) records: Vec<Section>,
    /// What stands at the top and is none of ours.
    pub(super) unknown: Vec<Unknown>,
    /// Whether lines could not be understood: what seems to be missing may stand in one of them.
    pub(super) broken: bool,
}

/// A name at the top that is none of ours.
#[derive(Debug)]
pub(super) struct Unknown {
    pub(super) name: String,
    pub(super) at: usize,
    pub(super) table: bool,
}

#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) at: usize,
    pub(super) entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: usize,
    pub(super) value: Raw,
    pub(super) value_at: usize,
}

/// What must be read before the rest can be judged, as far as the text can be understood.
pub(super) fn wanted(source: &Source<'_>, written: &Written) -> Wanted {
    let mut reader = Reader { source, own: &Own::default(), broken: true, mistakes: Vec::new() };
    let mut only = |key: &str, section: &Section, scope| {
        let entries = section.entries.iter().filter(|entry| entry.key == key).cloned().collect();
        reader.section(&Section { entries, name: section.name.clone(), at: section.at }, scope)
    };
    let providers_dir = global(&only("providers_dir", &written.global, Scope::Global)).providers_dir;
    let ids = written.records.iter().filter_map(|section| {
        let id = only("provider", section, Scope::Record).text("provider");
        id.filter(|id| is_id(id))
    });
    Wanted { ids: ids.collect(), providers_dir }
}

/// The configuration, or all mistakes.
pub(super) fn read(
    source: &Source<'_>,
    written: &Written,
    faults: Vec<Fault>,
    own: &Own,
) -> Result<Read, Vec<Mistake>> {
    let (config, mistakes) = judge(source, written, faults, own);
    if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
        return Err(mistakes);
    }
    Ok(Read { config, warnings: mistakes })
}

/// Only the mistakes, of a text that cannot be used anyway.
pub(super) fn mistakes(
    source: &Source<'_>,
    written: &Written,
    faults: Vec<Fault>,
    own: &Own,
) -> Vec<Mistake> {
    judge(source, written, faults, own).1
}

fn judge(source: &Source<'_>, written: &Written, faults: Vec<Fault>, own: &Own) -> (Config, Vec<Mistake>) {
    let mut reader = Reader { source, own, broken: written.broken, mistakes: Vec::new() };
    for fault in faults {
        reader.fault(fault, Quote::Cautious);
    }
    for unknown in &written.unknown {
        reader.unknown_table(unknown);
    }
    let values = reader.section(&written.global, Scope::Global);
    let global = global(&values);
    let mut records = LiteMap::new();
    for section in &written.records {
        if let Some(record) = reader.record(section) {
            records.insert(RecordId(section.name.clone()), record);
        }
    }
    let config = Config { global, records, own: own.clone() };
    reader.mistakes.extend(compile::clashes(&config).into_iter().map(|(_, mistake)| mistake));
    if written.records.is_empty() && reader.mistakes.is_empty() && !written.broken {
        let mend = match source.dialect {
            Dialect::Toml => "add [record.home] with provider, hostname and ipv4 or ipv6",
            Dialect::Uci => "add config record 'home' with provider, hostname and ipv4 or ipv6",
        };
        reader.mistakes.push(Mistake::warning(None, "there is no record: nothing will be published", mend));
    }
    let mut mistakes = reader.mistakes;
    mistakes.sort_by_key(|mistake| mistake.place.as_ref().map(|place| (place.line, place.column)));
    (config, mistakes)
}

struct Reader<'a> {
    source: &'a Source<'a>,
    own: &'a Own,
    broken: bool,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn fault(&mut self, fault: Fault, quote: Quote) {
        let place = self.source.place(fault.at, quote);
        self.mistakes.push(Mistake::error(Some(place), fault.what, fault.mend));
    }

    fn unknown_table(&mut self, unknown: &Unknown) {
        let name = unknown.name.as_str();
        let dialect = self.source.dialect;
        let section = |scope| dialect.section(scope);
        let (global, record) = (section(Scope::Global), section(Scope::Record));
        let (what, mend) = if unknown.table {
            let mend = match nearest(name, ["global", "record"]) {
                Some("record") => format!("did you mean {record}?"),
                Some(_) => format!("did you mean {global}?"),
                None => format!("known are {global} and {record}"),
            };
            (dialect.unknown_section(name), mend)
        } else {
            let is_known = |scope| options::find(scope, name).is_some();
            let mend = if is_known(Scope::Global) {
                format!("write it below {global}")
            } else if is_known(Scope::Record) {
                format!("write it below {record}")
            } else {
                format!("known are {global} and {record}")
            };
            (format!("{} stands outside of a table", quoted(name)), mend)
        };
        self.fault(Fault::new(unknown.at, what, mend), Quote::Cautious);
    }

    fn section(&mut self, section: &Section, scope: Scope) -> Values {
        let before = self.mistakes.len();
        let mut values = Values { values: LiteMap::new(), places: LiteMap::new(), whole: false };
        for entry in &section.entries {
            let Some(option) = options::find(scope, &entry.key) else {
                if let Some(meant) = self.unknown_option(entry, scope) {
                    // Not missing any more, only misspelt.
                    let place = self.source.place(entry.key_at, Quote::Cautious);
                    values.places.entry(meant).or_insert(place);
                }
                continue;
            };
            let quote = if option.secret() { Quote::Cautious } else { Quote::Public };
            values.places.insert(option.name, self.source.place(entry.value_at, quote));
            match value::read(self.source.dialect, option, &entry.value, entry.value_at) {
                Ok(value) => {
                    values.values.insert(option.name, value);
                }
                Err(faults) => faults.into_iter().for_each(|fault| self.fault(fault, quote)),
            }
        }
        values.whole = self.mistakes.len() == before;
        values
    }

    /// Reports an option that the table does not know; the option that was probably meant.
    fn unknown_option(&mut self, entry: &Entry, scope: Scope) -> Option<&'static str> {
        let names = OPTIONS.iter().filter(|option: &&Opt| option.scope == scope).map(|option| option.name);
        let elsewhere = options::known_elsewhere(&entry.key.to_ascii_lowercase());
        let meant = elsewhere.or_else(|| nearest(&entry.key, names.clone()));
        let misplaced = OPTIONS.iter().any(|option| option.name == entry.key);
        let mend = match (meant, elsewhere) {
            _ if misplaced => {
                let other = if scope == Scope::Global { Scope::Record } else { Scope::Global };
                format!("it belongs into {}", self.source.dialect.section(other))
            }
            (_, Some("insecure")) => {
                format!("https is used anyway; remove it, or write {} to permit http", self.insecure())
            }
            (_, Some(ours)) => format!("it is called '{ours}' here"),
            (Some(name), None) => format!("did you mean '{name}'?"),
            (None, None) => format!("known are {}", names.collect::<Vec<_>>().join(", ")),
        };
        let what = format!("unknown option {}", quoted(&entry.key));
        self.fault(Fault::new(entry.key_at, what, mend), Quote::Key);
        meant.filter(|_| !misplaced)
    }

    fn record(&mut self, section: &Section) -> Option<Record> {
        let before = self.mistakes.len();
        let home = self.source.place(section.at, Quote::Cautious);
        self.record_name(section);
        let values = self.section(section, Scope::Record);
        for name in ["provider", "hostname"] {
            if !values.written(name) && !self.broken {
                self.missing(&home, section, name);
            }
        }
        self.password(&values);
        self.schemes(&values);
        if let (Some(id), Some(place)) = (values.text("provider"), values.places.get("provider")) {
            if let Some(file) = self.own.broken(&id) {
                self.mistakes.push(left_out(&section.name, place, &id, file));
                return record(&values, home);
            }
        }
        let is_right = values.whole && self.mistakes[before..].iter().all(|m| m.severity != Severity::Error);
        if let Some(mut record) = record(&values, home).filter(|_| is_right) {
            self.automatic(&mut record, &section.name);
            self.behind(&record);
            self.mistakes.extend(compile::account_mistakes(&record, self.own));
            return Some(record);
        }
        // The rest of what its provider objects to can only be seen once the record is whole.
        if let (Some(id), Some(place)) = (values.text("provider"), values.places.get("provider")) {
            self.mistakes.extend(compile::entry(&id, place, self.own).err());
        }
        None
    }

    /// Without a word about it, each family that the provider has follows the way to the world.
    fn automatic(&mut self, record: &mut Record, name: &str) {
        if record.families().next().is_some() {
            return;
        }
        let Ok(entry) = compile::entry(&record.provider, record.place("provider"), self.own) else { return };
        if entry.is_custom() {
            let what = format!("record {} publishes nothing: it has neither 'ipv4' nor 'ipv6'", quoted(name));
            let mend = format!(
                "name the network or device whose address is published, for example: {}",
                self.example("ipv4")
            );
            return self.mistakes.push(Mistake::error(Some(record.home.clone()), what, mend));
        }
        for (family, origins) in [(Family::V4, &mut record.ipv4), (Family::V6, &mut record.ipv6)] {
            origins.extend(entry.sets(family).then_some(Origin::Auto(None)));
        }
    }

    /// Options that hang in the air.
    fn behind(&mut self, record: &Record) {
        let mut mistake = |option: &str, what: String, mend: &str| {
            self.mistakes.push(Mistake::error(Some(record.place(option).clone()), what, mend));
        };
        let has_prefix = record.ipv6.iter().any(|origin| matches!(origin, Origin::Prefix(_)));
        if !has_prefix && record.hosts != Hosts::default() {
            let what = "'ipv6_host' is the part behind a prefix, but 'ipv6' names none".to_owned();
            mistake("ipv6_host", what, "write ipv6 = prefix: and the network or device of the host");
        }
        if let Some(name) = record.hosts.named.keys().find(|name| !record.names.contains(name)) {
            let what = format!("'ipv6_host' is about {}, which is no hostname of this record", quoted(name));
            mistake("ipv6_host", what, "add it to hostname, or correct it");
        }
        if record.all && record.hosts != Hosts::default() {
            let what = "'publish' is 'all', but a host behind a prefix has one address".to_owned();
            mistake("publish", what, "leave it out, or move these names to a record of their own");
        }
        if matches!(record.on_down, OnDown::Placeholder { ipv4: None, ipv6: None, .. }) {
            let what = "'on_down' is 'placeholder', but there is no 'placeholder'".to_owned();
            mistake("on_down", what, "add placeholder with the address to show meanwhile");
        }
    }

    fn record_name(&mut self, section: &Section) {
        const NAME_MAX: usize = 64;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let name = &section.name;
        // A leading hyphen would be taken for an option on the command line.
        if name.is_empty() || name.len() > NAME_MAX || name.starts_with('-') || !name.chars().all(fits) {
            let what = format!("{} cannot be the name of a record", quoted(name));
            let mend = format!("use up to {NAME_MAX} letters, digits, '_' and '-'");
            self.fault(Fault::new(section.at, what, mend), Quote::Cautious);
        }
    }

    fn missing(&mut self, home: &Place, section: &Section, name: &'static str) {
        let what = format!("record {} has no '{name}'", quoted(&section.name));
        let mend = format!("add for example: {}", self.example(name));
        self.mistakes.push(Mistake::error(Some(home.clone()), what, mend));
    }

    fn password(&mut self, values: &Values) {
        if let (true, Some(place)) = (values.written("password"), values.places.get("password_file")) {
            let what = "there is a 'password' and a 'password_file'";
            self.mistakes.push(Mistake::error(Some(place.clone()), what, "remove one of them"));
        }
    }

    fn example(&self, name: &str) -> String {
        options::find(Scope::Record, name)
            .map_or_else(String::new, |option| self.source.dialect.example(option))
    }

    fn insecure(&self) -> String {
        let option = options::find(Scope::Record, "insecure");
        option.map_or_else(String::new, |option| self.source.dialect.line(option, "true"))
    }

    /// A name server has no scheme, any other server must say how it is spoken to.
    fn bare_server(&mut self, values: &Values) {
        let Some(server) = values.text("server") else { return };
        let id = values.text("provider").unwrap_or_default();
        let place = values.places.get("provider");
        let entry = place.and_then(|place| compile::entry(&id, place, self.own).ok());
        let speaks_dns = entry.is_some_and(|entry| entry.speaks_dns());
        let (what, mend) = match (speaks_dns, server.contains("://")) {
            (true, true) => (
                format!("'server' is {}, but provider {} speaks DNS", quoted(&server), quoted(&id)),
                "write only the name server and, if it is not 53, its port".to_owned(),
            ),
            (false, false) => (
                format!(
                    "'server' is {}, which begins neither with https:// nor with http://",
                    quoted(&server)
                ),
                format!("write https:// and the host, for example: {}", self.example("server")),
            ),
            (true, false) | (false, true) => return,
        };
        self.mistakes.push(Mistake::error(values.places.get("server").cloned(), what, mend));
    }

    fn schemes(&mut self, values: &Values) {
        self.bare_server(values);
        for name in ["server", "url"] {
            let plain = values.text(name).is_some_and(|url| url.starts_with("http://"));
            if plain && values.flag("insecure") != Some(true) {
                let what =
                    format!("'{name}' begins with http://: everyone on the way could read the password");
                let mend = format!("write https://, or permit it with {}", self.insecure());
                self.mistakes.push(Mistake::error(values.places.get(name).cloned(), what, mend));
            }
        }
    }
}
