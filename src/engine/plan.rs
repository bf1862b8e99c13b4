//! How what is due becomes requests: which names and families share one, and what it states.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::address::Further;
use super::record::{Lane, Record, Target};
use super::source::Source;
use super::{Instant, OnDown, RecordSettings};
use crate::provider::{Family, Omitted, Update};

impl Record {
    /// What a lane has to tell the provider now; `None`: nothing.
    pub(super) fn plan(&self, lane: &Lane, now: Instant) -> Option<Update> {
        let is_due = |t: &&Target| self.due_at(t, now).is_some_and(|at| at <= now);
        let (mut names, mut families): (Vec<&str>, Vec<Family>) = (Vec::new(), Vec::new());
        for target in lane.targets.iter().filter(is_due) {
            if !names.contains(&target.name.as_str()) {
                names.push(&target.name);
            }
            if !families.contains(&target.family) {
                families.push(target.family);
            }
        }
        let first = names.first()?;
        if self.settings.manners.omitted == Omitted::Resets {
            let others = lane.targets.iter().filter(|t| t.parked.is_none()).map(|target| target.family);
            families.extend(others);
        }
        // A removal and an address do not share a request, whatever the provider; the other has its own afterwards.
        let removes = |family| self.wanted(first, family).is_some_and(|ip| ip.is_unspecified());
        let removal = families.first().copied().is_some_and(removes);
        if removal && self.settings.manners.removes_all {
            // Who removes both states what shall stay, and what is missing anyway.
            families = lane.targets.iter().map(|target| target.family).collect();
        } else {
            families.retain(|family| removes(*family) == removal);
        }
        Some(self.update(&names, &families))
    }

    /// The wanted addresses of these families. A name that does not go with the first has its own request afterwards.
    fn update(&self, names: &[&str], families: &[Family]) -> Update {
        let mut update = Update::default();
        for name in names {
            let wanted = |family| self.wanted(name, family).filter(|_| families.contains(&family));
            let ipv6 = wanted(Family::V6);
            let before = update.names.first().map(|first| stated(&update, first, Family::V6));
            match (before, ipv6) {
                (None, _) => {
                    for (family, ip) in [(Family::V4, wanted(Family::V4)), (Family::V6, ipv6)] {
                        match ip {
                            Some(ip) if ip.is_unspecified() => update.removed.push(family),
                            Some(IpAddr::V4(ip)) => update.ipv4 = Some(ip),
                            Some(IpAddr::V6(ip)) => update.ipv6 = Some(ip),
                            None => {}
                        }
                    }
                    update.prefix = self.prefix(name, Family::V6).filter(|_| update.ipv6.is_some());
                }
                (Some(first), ipv6) if first == ipv6 => {}
                (Some(Some(first)), Some(IpAddr::V6(ip)))
                    if !first.is_unspecified() && !ip.is_unspecified() =>
                {
                    update.ipv6_of.insert((*name).to_owned(), ip);
                }
                (Some(_), _) => continue,
            }
            update.names.push((*name).to_owned());
        }
        for family in families {
            let first = names.first().filter(|_| update.address(*family).is_some());
            let further = first.map(|name| self.further(name, *family)).unwrap_or_default();
            update.further.extend(further.into_iter().flatten());
        }
        update
    }
}

/// What an update states for one name; unspecified: its record shall be removed.
pub(super) fn stated(update: &Update, name: &str, family: Family) -> Option<IpAddr> {
    if !update.names.iter().any(|named| named == name) {
        return None;
    }
    let removed = || update.removed.contains(&family).then_some(unspecified(family));
    update.address_of(name, family).or_else(removed)
}

/// The addresses that an update states beside the first.
pub(super) fn told_beside(update: &Update, family: Family) -> Further {
    let mut further = Further::default();
    let ours = update.further.iter().filter(|ip| Family::of(**ip) == family);
    further.iter_mut().zip(ours).for_each(|(place, ip)| *place = Some(*ip));
    further
}

fn unspecified(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
        Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    }
}

impl OnDown {
    /// How long there must have been no address; `None`: it does not matter.
    pub(super) fn after(self) -> Option<Duration> {
        match self {
            Self::Keep => None,
            Self::Remove(after) | Self::Placeholder { after, .. } => Some(after),
        }
    }

    /// What stands for the missing address.
    pub(super) fn address(self, family: Family) -> Option<IpAddr> {
        match (self, family) {
            (Self::Keep, _) => None,
            (Self::Remove(_), family) => Some(unspecified(family)),
            (Self::Placeholder { ipv4, .. }, Family::V4) => ipv4.map(IpAddr::V4),
            (Self::Placeholder { ipv6, .. }, Family::V6) => ipv6.map(IpAddr::V6),
        }
    }
}

/// One source for each family, and of IPv6 one for each host part.
pub(super) fn sources(settings: &RecordSettings, now: Instant) -> Vec<Source> {
    let mut sources = Vec::new();
    if !settings.ipv4.is_empty() {
        sources.push(Source::new(Family::V4, &settings.ipv4, None, settings.names.clone(), now));
    }
    for name in settings.names.iter().filter(|_| !settings.ipv6.is_empty()) {
        let host = settings.hosts.get(name).or(settings.host.as_ref());
        let shared = |source: &&mut Source| source.family == Family::V6 && source.host.as_ref() == host;
        match sources.iter_mut().find(shared) {
            Some(source) => source.names.push(name.clone()),
            None => {
                let names = vec![name.clone()];
                sources.push(Source::new(Family::V6, &settings.ipv6, host.cloned(), names, now));
            }
        }
    }
    sources
}

/// Distributes names and families over requests, as the provider's manners allow.
pub(super) fn lanes(settings: &RecordSettings, sources: &[Source]) -> Vec<Lane> {
    let mut families: Vec<Family> = sources.iter().map(|s| s.family).collect();
    families.dedup();
    let groups: Vec<&[Family]> = if settings.manners.dual {
        vec![&families]
    } else {
        families.iter().map(std::slice::from_ref).collect()
    };
    let hosts = sources.iter().filter(|source| source.family == Family::V6 && !settings.manners.mixed);
    let mut alike: Vec<&[String]> = hosts.map(|source| source.names.as_slice()).collect();
    if alike.is_empty() {
        alike.push(&settings.names);
    }
    let mut lanes = Vec::new();
    for names in alike.into_iter().flat_map(|names| names.chunks(settings.manners.max_names.max(1))) {
        for group in &groups {
            let targets = names.iter().flat_map(|name| group.iter().map(|family| Target::new(name, *family)));
            let targets: Vec<Target> = targets.collect();
            if !targets.is_empty() {
                lanes.push(Lane::new(targets));
            }
        }
    }
    lanes
}
