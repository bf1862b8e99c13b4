//! What has to be told, in how many requests, and by which.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::ops::Range;

use super::super::Family;
use super::super::form::{Form, Purpose};
use super::super::template::Values;
use super::Dialogue;

/// What one request tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Part {
    pub(super) names: Range<usize>,
    pub(super) told: Told,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Told {
    Both,
    /// That there is no address of this family.
    Gone(Family),
    One(Family),
}

impl Told {
    /// The family that `{ip}` and `{record_type}` speak of.
    pub(super) fn family(self) -> Family {
        match self {
            Self::Both => Family::V4,
            Self::Gone(family) | Self::One(family) => family,
        }
    }
}

impl Dialogue {
    /// The fewest requests that tell everything: one for each stretch of names with the same addresses, and for each
    /// family unless one request can carry both. With lookups or a batch, one for each record.
    pub(super) fn plan(&self) -> VecDeque<Part> {
        let forms = self.account.forms();
        let alone = !forms.lookups.is_empty() || forms.batch.is_some();
        let size = if alone { 1 } else { self.account.manners().max_names.max(1) };
        let names = &self.update.names;
        let mut parts = VecDeque::new();
        let mut from = 0;
        while let Some(first) = names.get(from) {
            let own = |name: &String| self.update.address_of(name, Family::V6);
            let alike = names.iter().skip(from).take(size).take_while(|name| own(name) == own(first));
            let to = from + alike.count();
            parts.extend(self.told(first).into_iter().map(|told| Part { names: from..to, told }));
            from = to;
        }
        parts
    }

    /// What is told of a name, in order: what takes a whole name away comes before what is written to it.
    fn told(&self, name: &str) -> Vec<Told> {
        let account = &self.account;
        let stated = |family| self.update.address_of(name, family).is_some();
        let removed = |family| self.update.removed.contains(&family);
        let mut told = Vec::new();
        // Nobody's address goes by the way.
        let all = account.families().iter().all(|family| removed(*family) || stated(*family));
        for family in [Family::V4, Family::V6] {
            let is_whole = account.manners().removes_all;
            let can_go = account.forms().removes(family) && (!is_whole || all && told.is_empty());
            if removed(family) && can_go {
                told.push(Told::Gone(family));
            }
        }
        let can_tell = |told| self.form(told).is_some();
        if stated(Family::V4) && stated(Family::V6) && can_tell(Told::Both) {
            told.push(Told::Both);
            return told;
        }
        for family in [Family::V4, Family::V6] {
            if stated(family) && can_tell(Told::One(family)) {
                told.push(Told::One(family));
            }
        }
        told
    }

    /// The addresses that a part tells of its first name and family.
    pub(super) fn addresses(&self, part: &Part) -> Vec<IpAddr> {
        match (self.update.names.get(part.names.start), part.told) {
            (None, _) | (_, Told::Gone(_)) => Vec::new(),
            (Some(name), told) => self.update.addresses_of(name, told.family()),
        }
    }

    pub(super) fn form(&self, told: Told) -> Option<&Form> {
        let forms = self.account.forms();
        // An address with a host part is told itself.
        let is_prefix = self.update.prefix.is_some_and(|prefix| self.update.ipv6 == Some(prefix.network));
        let by_prefix = is_prefix && forms.get(Purpose::Prefix).is_some();
        forms.get(match told {
            Told::Both if by_prefix => Purpose::DualPrefix,
            Told::Both => Purpose::Dual,
            Told::Gone(family) => Purpose::removal(family),
            Told::One(Family::V6) if by_prefix => Purpose::Prefix,
            Told::One(family) => Purpose::of(family),
        })
    }

    pub(super) fn values<'a>(&'a self, names: &'a [String], told: Told) -> Values<'a> {
        let first = names.first().map_or("", String::as_str);
        let (v4, v6) = match told {
            Told::Both => (true, true),
            Told::Gone(_) => (false, false),
            Told::One(family) => (family == Family::V4, family == Family::V6),
        };
        Values {
            ipv4: self.update.ipv4.filter(|_| v4),
            ipv6: self.update.ipv6_of.get(first).copied().or(self.update.ipv6).filter(|_| v6),
            prefix: self.update.prefix.filter(|_| v6),
            known: self.search.known(),
            now: self.now,
            ..self.account.values(names, told.family())
        }
    }
}
