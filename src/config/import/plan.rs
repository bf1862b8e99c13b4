//! All drafts of one file: pairs become one record, each gets its name, and our own reader judges them.

use std::collections::BTreeSet;

use super::super::Config;
use super::super::compile;
use super::super::dialect::Dialect;
use super::super::mistake::{Mistake, Quote, Severity, Source};
use super::super::own::Own;
use super::super::read::{self, Entry, Section, Written};
use super::super::value::Raw;
use super::draft::{Draft, Remarks};
use crate::engine::RecordId;
use crate::provider::Family;

/// What a file of another client becomes.
#[derive(Default)]
pub(super) struct Plan {
    /// Options of ours for the whole agent.
    pub(super) global: Vec<(&'static str, Raw)>,
    /// What could not be carried over and concerns no single record.
    pub(super) remarks: Remarks,
    pub(super) drafts: Vec<Draft>,
}

impl Plan {
    /// Makes records of the drafts; says which of them are not in use as they were.
    pub(super) fn settle(&mut self, to: Dialect) -> Vec<String> {
        self.join_families();
        self.name();
        let mut config = Config::default();
        for draft in self.drafts.iter_mut().filter(|draft| draft.failure.is_none()) {
            match judged(draft, to) {
                Ok(read) => config.records.extend(read.records),
                Err(words) => draft.failure = Some(words),
            }
        }
        let mut left: Vec<String> = self.drafts.iter().filter_map(not_carried).collect();
        for (RecordId(name), mistake) in compile::clashes(&config) {
            let words = format!("not enabled: {}", sentence(&mistake));
            let draft = self.drafts.iter_mut().find(|draft| draft.failure.is_none() && draft.name == name);
            if let Some(draft) = draft {
                draft.flag("enabled", false);
                left.push(format!("{}: {words}", draft.origin));
                draft.remarks.say(&words);
            }
        }
        left
    }

    /// Two drafts that differ in the family alone are one record of ours.
    fn join_families(&mut self) {
        let mut joined: Vec<Draft> = Vec::new();
        for draft in std::mem::take(&mut self.drafts) {
            match joined.iter_mut().find(|first| are_halves(first, &draft)) {
                Some(first) => {
                    first.name = common_name(&first.name, &draft.name);
                    first.origin = format!("{} and {}", first.origin, draft.origin);
                    first.options.extend(draft.options);
                    first.permits_http |= draft.permits_http;
                    first.remarks.join(draft.remarks);
                }
                None => joined.push(draft),
            }
        }
        self.drafts = joined;
    }

    /// Names that both languages take, none twice.
    fn name(&mut self) {
        const LONGEST: usize = 56;
        let mut taken = BTreeSet::new();
        for draft in &mut self.drafts {
            let fits = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
            let name: String = draft.name.chars().take(LONGEST).map(fits).collect();
            let name = if name.is_empty() { "record".to_owned() } else { name };
            let numbered = (2_u32..).map(|number| format!("{name}_{number}"));
            let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
            draft.name = free.unwrap_or(name);
            taken.insert(draft.name.clone());
        }
    }
}

fn are_halves(first: &Draft, second: &Draft) -> bool {
    let family = |draft: &Draft| {
        let has = |option| draft.options.contains_key(option);
        match (has("ipv4"), has("ipv6")) {
            (true, false) => Some(Family::V4),
            (false, true) => Some(Family::V6),
            _ => None,
        }
    };
    let rest = |draft: &Draft| {
        let options = draft.options.clone().into_iter();
        options.filter(|(name, _)| !matches!(*name, "ipv4" | "ipv6")).collect::<Vec<_>>()
    };
    let whole = |draft: &Draft| draft.failure.is_none() && draft.options.contains_key("hostname");
    let both = |draft: &Draft| {
        draft.provider.as_ref().is_some_and(|entry| entry.sets(Family::V4) && entry.sets(Family::V6))
    };
    let opposite = matches!(
        (family(first), family(second)),
        (Some(Family::V4), Some(Family::V6)) | (Some(Family::V6), Some(Family::V4))
    );
    opposite && both(first) && whole(first) && whole(second) && rest(first) == rest(second)
}

/// `home` for `home_ipv4` and `home_ipv6`, else the first.
fn common_name(first: &str, second: &str) -> String {
    let bare = |name: &str| {
        let name = name.trim_end_matches(['4', '6']);
        let name = name.strip_suffix("ipv").or_else(|| name.strip_suffix('v')).unwrap_or(name);
        name.trim_end_matches(['_', '-']).to_owned()
    };
    let common = bare(first);
    if common == bare(second) && !common.is_empty() { common } else { first.to_owned() }
}

/// What our own reader makes of the draft; permits plain HTTP where the other client did and it is needed.
fn judged(draft: &mut Draft, to: Dialect) -> Result<Config, String> {
    let first = match read(draft, to) {
        Ok(config) => return Ok(config),
        Err(words) => words,
    };
    if draft.permits_http && !draft.options.contains_key("insecure") {
        draft.flag("insecure", true);
        if let Ok(config) = read(draft, to) {
            draft
                .remarks
                .say("insecure: the request is not encrypted, as before; use https if the server has it");
            return Ok(config);
        }
        draft.options.remove("insecure");
    }
    Err(first)
}

fn read(draft: &Draft, to: Dialect) -> Result<Config, String> {
    let entry = |(key, value): (&&str, &Raw)| Entry {
        key: (*key).to_owned(),
        key_at: 0,
        value: value.clone(),
        value_at: 0,
    };
    let entries = draft.options.iter().map(entry).collect();
    let section = Section { name: draft.name.clone(), at: 0, entries };
    let written = Written { records: vec![section], ..Written::default() };
    read::read(&Source::new(to, ""), &written, Vec::new(), &Own::default()).map(|read| read.config).map_err(
        |mistakes| {
            let errors = mistakes.iter().filter(|mistake| mistake.severity == Severity::Error);
            errors.map(sentence).collect::<Vec<_>>().join("; ")
        },
    )
}

fn sentence(mistake: &Mistake) -> String {
    let Mistake { what, mend, .. } = mistake;
    if mend.is_empty() { what.clone() } else { format!("{what}; {mend}") }
}

fn not_carried(draft: &Draft) -> Option<String> {
    draft.failure.as_ref().map(|words| format!("{}: not carried over: {words}", draft.origin))
}

/// The line of an offset, from 1.
pub(super) fn line(source: &Source<'_>, at: usize) -> usize {
    source.place(at, Quote::Cautious).line
}

/// The device whose address is published where the other client did not look at one: a guess.
pub(super) fn guess(draft: &mut Draft, to: Dialect, family: Family, why: &str) {
    let (option, device) = match (family, to) {
        (Family::V4, _) => ("ipv4", "wan"),
        (Family::V6, Dialect::Toml) => ("ipv6", "wan"),
        (Family::V6, Dialect::Uci) => ("ipv6", "wan6"),
    };
    draft.text(option, device);
    let reason = format!("{why}; name the network or device that has the public address");
    draft.remarks.add(option, Some(device), &reason);
}

/// A record's name from what it publishes.
pub(super) fn name_of(draft: &Draft) -> String {
    let first = match draft.options.get("hostname") {
        Some(Raw::List(names)) => names.first().map(|(name, _)| name),
        _ => None,
    };
    let Some(Raw::Text(name)) = first else { return String::new() };
    let name = name.trim_start_matches("*.");
    name.split('.').next().unwrap_or_default().to_owned()
}
