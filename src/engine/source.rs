//! Where a record's addresses come from: the first of its origins that is usable, and which one is to be returned to.

use std::net::IpAddr;
use std::time::Duration;

use super::address::{Choice, Rejected, Snapshot, choose, fit, none};
use super::journal::SourceStatus;
use super::nat::nat;
use super::network::{Meaning, meaning};
use super::origin::{Host, Origin};
use super::outside::{Lookouts, Means, Probe};
use super::prefix::Behind;
use super::{Allow, Instant, OnDown, RecordSettings};
use crate::provider::Family;

/// Everything that a choice is made of.
pub(super) struct World<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) lookouts: &'a Lookouts,
    pub(super) now: Instant,
}

/// The addresses of some names, for one family.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) family: Family,
    /// In order of preference; at least one.
    pub(super) origins: Vec<Origin>,
    /// The host part behind a prefix; `None`: the prefix itself.
    pub(super) host: Option<Host>,
    /// Whose address it is.
    pub(super) names: Vec<String>,
    pub(super) choice: Choice,
    /// The notification that brought the choice.
    pub(super) bell: Instant,
    /// The place of the origin that the choice comes from.
    in_use: Option<usize>,
    /// For each origin, since when it has been usable without a break.
    usable_since: Vec<Option<Instant>>,
    /// When a better origin than the one in use has been usable for long enough.
    pub(super) back_at: Option<Instant>,
    /// Since when there has been no address at all.
    none_since: Option<Instant>,
    /// That long that the name shall not keep the last one.
    pub(super) fallen: bool,
}

impl Source {
    pub(super) fn serves(&self, name: &str) -> bool {
        self.names.iter().any(|served| served == name)
    }

    /// As a person sees it.
    pub(super) fn status(&self) -> SourceStatus {
        let origin = self.in_use.and_then(|at| self.origins.get(at)).or(self.origins.first());
        let Choice { device, network, address, further, prefix, nat, rejected } = self.choice.clone();
        // Before the first look nothing is known of it.
        let named = match origin {
            Some(Origin::Line(name)) if network.is_none() => name.clone(),
            _ => String::new(),
        };
        SourceStatus {
            family: self.family,
            origin: origin.map(Origin::to_string).unwrap_or_default(),
            host: self.host.as_ref().map(Host::to_string),
            names: if self.host.is_some() { self.names.clone() } else { Vec::new() },
            network,
            device: device.unwrap_or(named),
            candidate: address,
            further: further.into_iter().flatten().collect(),
            prefix: prefix.map(|prefix| prefix.to_string()),
            nat: nat.map(|nat| nat.words().to_owned()),
            rejected,
        }
    }

    /// When it will have fallen; `None`: never, or it has.
    pub(super) fn falls_at(&self, on_down: OnDown) -> Option<Instant> {
        let since = self.none_since.filter(|_| !self.fallen)?;
        on_down.after().map(|after| since + after)
    }

    pub(super) fn new(
        family: Family,
        origins: &[Origin],
        host: Option<Host>,
        names: Vec<String>,
        now: Instant,
    ) -> Self {
        Self {
            family,
            origins: origins.to_vec(),
            host,
            names,
            choice: Choice::default(),
            bell: now,
            in_use: None,
            usable_since: vec![None; origins.len()],
            back_at: None,
            none_since: None,
            fallen: false,
        }
    }

    /// Chooses anew; `published` is what the provider has, so that a restart is no reason to change. The questions to
    /// the outside that it takes are added to `probes`.
    pub(super) fn look(
        &mut self,
        settings: &RecordSettings,
        world: &World<'_>,
        published: Option<IpAddr>,
        probes: &mut Vec<(Probe, Allow)>,
    ) {
        let mut offers = Vec::new();
        for origin in &self.origins {
            let mut view = View { family: self.family, allow: settings.allow, world, probes };
            let current = self.choice.address.or(published);
            offers.push(view.offer(origin, self.host.as_ref(), settings.subnet, current));
        }
        if self.origins.len() > 1 {
            for (origin, offer) in self.origins.iter().zip(&mut offers) {
                if let Some(reason) = closed(origin, offer, self.family, world.snapshot) {
                    let address = offer.address.take();
                    offer.rejected.insert(0, Rejected { address, reason });
                }
            }
        }
        self.take(offers, settings, world.now, published);
        if let Some(name) = &settings.prefix {
            self.with_prefix(name, settings, world);
        }
        self.none_since = match self.choice.address {
            Some(_) => None,
            None => self.none_since.or(Some(world.now)),
        };
        let after = settings.on_down.after();
        self.fallen = self.none_since.zip(after).is_some_and(|(since, after)| since + after <= world.now);
    }

    /// Of these offers: the one in use while it is usable, unless a better one has been for long enough.
    fn take(
        &mut self,
        mut offers: Vec<Choice>,
        settings: &RecordSettings,
        now: Instant,
        published: Option<IpAddr>,
    ) {
        let hold_down = settings.hold_down;
        for (since, offer) in self.usable_since.iter_mut().zip(&offers) {
            *since = offer.address.map(|_| since.unwrap_or(now));
        }
        let usable = |at: &usize| offers.get(*at).is_some_and(|offer| offer.address.is_some());
        let known = || offers.iter().position(|offer| offer.address.is_some() && offer.address == published);
        let current = self.in_use.or_else(known).filter(usable);
        let before = current.unwrap_or(offers.len());
        let returns = self.usable_since.iter().take(before).map(|since| since.map(|since| since + hold_down));
        let returns: Vec<Option<Instant>> = returns.collect();
        let is_over = |at: &Option<Instant>| at.is_some_and(|at| current.is_none() || at <= now);
        self.in_use = returns.iter().position(is_over).or(current);
        let held = returns.iter().take(self.in_use.unwrap_or_default());
        self.back_at = held.flatten().copied().filter(|_| self.in_use.is_some()).min();
        let at = self.in_use.unwrap_or_default();
        if offers.is_empty() {
            return;
        }
        let joined = if settings.all { self.joining(&offers, at, hold_down, now) } else { Vec::new() };
        let mut choice = offers.remove(at.min(offers.len() - 1));
        for (place, ip) in choice.further.iter_mut().zip(&joined) {
            *place = Some(*ip);
        }
        for (offer, other) in offers.into_iter().enumerate() {
            let better = offer < at && self.in_use.is_some();
            let reason = match (other.address, better) {
                (Some(ip), _) if joined.contains(&ip) => continue,
                (Some(_), true) => {
                    format!("returned to when it has been usable for {} s", hold_down.as_secs())
                }
                (Some(_), false) if settings.all => {
                    format!("published too when it has been usable for {} s", hold_down.as_secs())
                }
                (Some(_), false) => "another line goes first".to_owned(),
                (None, _) => {
                    choice.rejected.extend(other.rejected);
                    continue;
                }
            };
            choice.rejected.push(Rejected { address: other.address, reason });
        }
        self.choice = choice;
    }

    /// The addresses beside the one at `at`: at the first look all, later those that were published or have been usable
    /// for long enough; when the next one will have been is noted.
    fn joining(&mut self, offers: &[Choice], at: usize, hold_down: Duration, now: Instant) -> Vec<IpAddr> {
        let before = &self.choice;
        let mut joined = Vec::new();
        for (place, (offer, since)) in offers.iter().zip(&self.usable_since).enumerate() {
            let (Some(ip), Some(since), true) = (offer.address, since, place != at) else { continue };
            let was_there = before.address == Some(ip) || before.further.contains(&Some(ip));
            let joins_at = *since + hold_down;
            if offers.get(at).and_then(|first| first.address) == Some(ip) || joined.contains(&ip) {
                continue;
            }
            if was_there || before.address.is_none() || joins_at <= now {
                joined.push(ip);
            } else {
                self.back_at = Some(self.back_at.map_or(joins_at, |at| at.min(joins_at)));
            }
        }
        joined
    }

    /// The prefix that goes along; without it there is nothing to say yet.
    fn with_prefix(&mut self, name: &str, settings: &RecordSettings, world: &World<'_>) {
        if self.family != Family::V6 || self.choice.address.is_none() {
            return;
        }
        let behind = Behind {
            name,
            subnet: 0,
            host: None,
            allow: settings.allow,
            now: world.now,
            current: self.choice.prefix.map(|prefix| prefix.network.into()),
        };
        let (prefix, why) = behind.prefix(world.snapshot);
        self.choice.prefix = prefix;
        if prefix.is_none() {
            self.choice.address = None;
            let reason = format!("the prefix of {name} is not known: {}", why.why_none());
            self.choice.rejected = vec![Rejected { address: None, reason }];
        }
    }
}

/// Why an offer with an address cannot be used: the kernel has no way out there, or mwan3 says that it leads nowhere.
fn closed(origin: &Origin, offer: &Choice, family: Family, snapshot: &Snapshot) -> Option<String> {
    offer.address?;
    let has_way = |device: &String| {
        let link = snapshot.links.iter().find(|link| link.name == *device);
        let leads = |link: &super::address::Link| {
            snapshot.ways.iter().any(|way| way.ifindex == link.ifindex && way.family == family)
        };
        link.is_some_and(leads)
    };
    let offline = offer.network.as_ref().filter(|network| snapshot.verdicts.get(*network) == Some(&false));
    if let Some(network) = offline {
        return Some(format!("mwan3 says that {network} is offline"));
    }
    match origin {
        // A LAN leads nowhere, and what was seen from outside has found its way.
        Origin::File(_) | Origin::Outside(..) | Origin::Prefix(_) => None,
        Origin::Auto(_) | Origin::Line(_) => {
            let device = offer.device.as_ref().filter(|device| !has_way(device))?;
            Some(format!("{device} has no {family} route to the world"))
        }
    }
}

/// One look at one origin.
struct View<'a, 'b> {
    family: Family,
    allow: Allow,
    world: &'a World<'a>,
    probes: &'b mut Vec<(Probe, Allow)>,
}

impl View<'_, '_> {
    fn offer(
        &mut self,
        origin: &Origin,
        host: Option<&Host>,
        subnet: u32,
        current: Option<IpAddr>,
    ) -> Choice {
        let snapshot = self.world.snapshot;
        match origin {
            Origin::Auto(name) => self.auto(name.as_deref(), current),
            Origin::File(path) => {
                let text = snapshot.files.get(path);
                let read = text.map_or_else(|| Err("it was not read yet".to_owned()), Clone::clone);
                let ip = read.and_then(|text| text.parse().map_err(|_| "it holds no address".to_owned()));
                match ip.and_then(|ip| self.believed(ip).map(|()| ip)) {
                    Ok(ip) => Choice { address: Some(ip), ..Choice::default() },
                    Err(reason) => none(None, format!("{origin}: {reason}")),
                }
            }
            Origin::Line(name) => {
                let choice = choose(name, self.family, self.allow, snapshot, current);
                self.with_nat(choice)
            }
            Origin::Outside(means, name) => {
                let choice = match name.as_deref().map(|name| (name, meaning(name, &snapshot.networks))) {
                    None => Choice::default(),
                    Some((_, Meaning::Device(device))) => {
                        Choice { device: Some(device.to_owned()), ..Choice::default() }
                    }
                    Some((name, Meaning::Network(network))) => {
                        let Some(device) = &network.device else {
                            return none(None, format!("network {name} has no device"));
                        };
                        let network = Some(network.name.clone());
                        Choice { device: Some(device.clone()), network, ..Choice::default() }
                    }
                };
                let choice = self.outside(*means, choice);
                self.with_nat(choice)
            }
            Origin::Prefix(name) => {
                let (allow, now) = (self.allow, self.world.now);
                Behind { name, subnet, host, allow, now, current }.choose(snapshot)
            }
        }
    }

    /// The interface's address if it is public, else what is seen of it from outside.
    fn auto(&mut self, name: Option<&str>, current: Option<IpAddr>) -> Choice {
        let snapshot = self.world.snapshot;
        let default = || {
            let way = snapshot.ways.iter().find(|way| way.is_default && way.family == self.family)?;
            snapshot.links.iter().find(|link| link.ifindex == way.ifindex).map(|link| link.name.as_str())
        };
        let Some(name) = name.or_else(default) else {
            return none(None, format!("there is no {} route to the world", self.family));
        };
        let mut choice = choose(name, self.family, self.allow, snapshot, current);
        let has_address = choice.rejected.iter().any(|rejected| rejected.address.is_some());
        if choice.address.is_none() && has_address {
            // The quickest first; the next one is asked when the one before knows nothing.
            for means in [Means::Stun, Means::Router, Means::Web] {
                if means == Means::Router && self.family == Family::V6 {
                    continue;
                }
                choice = self.outside(means, choice);
                let probe = self.probe(means, choice.device.as_ref());
                if choice.address.is_some() || self.world.lookouts.sighting(&probe).is_none() {
                    break;
                }
            }
        }
        self.with_nat(choice)
    }

    fn probe(&self, means: Means, device: Option<&String>) -> Probe {
        Probe { means, family: self.family, device: device.cloned() }
    }

    /// What is seen from outside, put into a choice.
    fn outside(&mut self, means: Means, mut choice: Choice) -> Choice {
        let probe = self.probe(means, choice.device.as_ref());
        let seen = match self.world.lookouts.sighting(&probe) {
            None => Err("has been asked".to_owned()),
            Some(Err(reason)) => Err(reason.clone()),
            Some(Ok(ip)) => self.believed(*ip).map(|()| *ip),
        };
        match seen {
            Ok(ip) => choice.address = Some(ip),
            Err(reason) => {
                let reason = format!("{}: {reason}", means.word());
                choice.rejected.push(Rejected { address: None, reason });
            }
        }
        self.probes.push((probe, self.allow));
        choice
    }

    fn believed(&self, ip: IpAddr) -> Result<(), String> {
        if Family::of(ip) != self.family {
            return Err(format!("{ip} is of the other family"));
        }
        fit(ip, self.allow).map_err(|reason| format!("{ip} is {reason}"))
    }

    /// Says what stands between the line and the world, as far as its IPv4 addresses tell it.
    fn with_nat(&self, mut choice: Choice) -> Choice {
        let links = &self.world.snapshot.links;
        let link = links.iter().find(|link| Some(&link.name) == choice.device.as_ref());
        let on_link =
            self.world.snapshot.addresses.iter().filter(|a| link.is_some_and(|l| l.ifindex == a.ifindex));
        choice.nat =
            on_link.filter_map(|address| nat(address.ip)).next().filter(|_| self.family == Family::V4);
        choice
    }
}

#[cfg(test)]
mod tests;
