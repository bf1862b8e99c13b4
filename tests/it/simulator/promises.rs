//! The watcher: what the provider sees is held against what was promised.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use wanbeacon::engine::{Instant, RecordSettings};
use wanbeacon::provider::{Family, Update};

/// One name and family.
pub(super) type Key = (String, Family);

/// What the watcher knows of one name and family.
#[derive(Clone, Default)]
struct Known {
    /// When the last request was decided.
    decided: Instant,
    /// The last confirmation that the client has seen: what, when, and when its request was decided.
    confirmed: Option<(IpAddr, Instant, Instant)>,
    /// A request that was decided before may have been applied after the last confirmed one.
    doubt_until: Instant,
    /// Refused, and the client knows.
    parked: bool,
    /// The user said `--force`.
    forced: bool,
    /// No name server shows what is confirmed, though it had time to.
    changed: bool,
    /// A repair of that has begun, and is not confirmed.
    mending: bool,
    /// When that was last repaired.
    repaired: Option<Instant>,
}

impl Known {
    /// Whether it may be sent again because a stranger has changed it: once a day, until it is confirmed.
    fn repair(&mut self, now: Instant) -> bool {
        let is_first = self.repaired.is_none_or(|at| now.since(at) >= Duration::from_secs(86_400));
        self.mending |= self.changed && is_first;
        self.mending
    }
}

/// So long an update may stay invisible.
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// Watches one record.
pub(super) struct Promises {
    known: BTreeMap<Key, Known>,
    /// Requests that reached the provider.
    requests: Vec<Instant>,
    /// Kills that may have cost the client its memory of a request.
    amnesias: Vec<Instant>,
    /// The provider asked to be left alone until then, and the client knows.
    quiet_until: Instant,
    /// What the client has written down: in memory, and on flash.
    tmpfs: Written,
    flash: Written,
    flash_at: Instant,
}

/// What a client that is killed will know again.
type Written = (BTreeMap<Key, Known>, Instant);

impl Promises {
    pub(super) fn new() -> Self {
        let (requests, amnesias, quiet_until) = (Vec::new(), Vec::new(), Instant::default());
        let (tmpfs, flash) = (Written::default(), Written::default());
        Self {
            known: BTreeMap::new(),
            requests,
            amnesias,
            quiet_until,
            tmpfs,
            flash,
            flash_at: Instant::default(),
        }
    }

    fn stated(update: &Update) -> Vec<(Key, IpAddr)> {
        let families = [Family::V4, Family::V6];
        let pairs = update.names.iter().flat_map(|name| families.map(|family| (name.clone(), family)));
        pairs.filter_map(|key| update.address_of(&key.0, key.1).map(|ip| (key, ip))).collect()
    }

    /// The engine decided to send.
    pub(super) fn decided(&mut self, update: &Update, settings: &RecordSettings, now: Instant) {
        assert!(now >= self.quiet_until, "asked during Retry-After: {update:?} at {now:?}");
        let stated = Self::stated(update);
        assert!(!stated.is_empty(), "an update that states nothing");
        let reason = stated.iter().any(|(key, ip)| {
            let known = self.known.entry(key.clone()).or_default();
            let Some((address, at, decided)) = known.confirmed else { return true };
            let refresh = settings.manners.refresh.is_some_and(|every| now.since(at) >= every / 100 * 94);
            address != *ip || known.forced || decided < known.doubt_until || refresh || known.repair(now)
        });
        assert!(reason, "sent again without reason: {update:?} at {now:?}");
        for (key, _) in &stated {
            let known = self.known.entry(key.clone()).or_default();
            assert!(!known.parked, "a parked name was sent: {key:?} at {now:?}");
            known.decided = now;
        }
    }

    /// A request reached the provider: budgets are counted where the provider counts them.
    pub(super) fn arrived(&mut self, settings: &RecordSettings, now: Instant) {
        self.requests.push(now);
        for limit in &settings.manners.limits {
            let inside = |at: &&Instant| now.since(**at) < limit.window;
            let requests = self.requests.iter().rev().take_while(inside).count();
            let forgotten = self.amnesias.iter().rev().filter(inside).count();
            assert!(
                requests <= limit.count as usize + forgotten,
                "{requests} requests within {:?}, {} allowed, {forgotten} kills; at {now:?}",
                limit.window,
                limit.count
            );
        }
    }

    /// The client learned that these are confirmed.
    pub(super) fn confirmed(&mut self, update: &Update, now: Instant) {
        for (key, ip) in Self::stated(update) {
            let known = self.known.entry(key).or_default();
            if known.confirmed.is_none_or(|(before, ..)| before != ip) {
                // The news was told, whatever else was to be mended before a kill.
                (known.repaired, known.mending) = (None, false);
            }
            known.confirmed = Some((ip, now, known.decided));
            if std::mem::take(&mut known.mending) {
                known.repaired = Some(now);
            }
            known.changed = false;
            known.forced = false;
        }
    }

    /// The client learned that these are refused.
    pub(super) fn refused(&mut self, update: &Update) {
        for (key, _) in Self::stated(update) {
            let known = self.known.entry(key).or_default();
            known.parked = true;
            known.forced = false;
        }
    }

    /// The client learned that it shall wait.
    pub(super) fn asked_to_wait(&mut self, until: Instant) {
        self.quiet_until = self.quiet_until.max(until);
    }

    /// A request may have been applied without the client's knowing, or may still be.
    pub(super) fn in_doubt(&mut self, update: &Update, now: Instant) {
        for (key, _) in Self::stated(update) {
            self.known.entry(key).or_default().doubt_until = now + Duration::from_secs(60);
        }
    }

    /// The client sees what name servers show; `None`: none has answered.
    pub(super) fn seen(&mut self, key: &Key, shown: Option<&Vec<IpAddr>>, now: Instant) {
        let (Some(shown), Some(known)) = (shown, self.known.get_mut(key)) else { return };
        let Some((address, at, _)) = known.confirmed else { return };
        known.changed = !shown.contains(&address) && now.since(at) > QUARTER;
    }

    /// The user said `update`.
    pub(super) fn user_update(&mut self, force: bool) {
        for known in self.known.values_mut() {
            known.parked = false;
            known.forced |= force;
            known.repaired = None;
        }
    }

    /// The client wrote down what it knows.
    pub(super) fn written(&mut self, durable: bool, now: Instant) {
        self.tmpfs = (self.known.clone(), self.quiet_until);
        if durable {
            self.flash = self.tmpfs.clone();
            self.flash_at = now;
        }
    }

    /// The process was killed; `hurt`: it may have lost the memory of a request that it just sent.
    pub(super) fn killed(&mut self, reboot: bool, hurt: bool, now: Instant) {
        if reboot {
            // Flash is written on a confirmed change only: failed attempts after it are forgotten by a power loss.
            self.tmpfs = self.flash.clone();
            self.requests.retain(|at| *at <= self.flash_at);
        }
        if hurt {
            self.amnesias.push(now);
        }
        let doubts: Vec<(Key, Instant)> =
            self.known.iter().map(|(key, k)| (key.clone(), k.doubt_until)).collect();
        (self.known, self.quiet_until) = self.tmpfs.clone();
        for (key, doubt_until) in doubts {
            // A client that does not know what was in flight has to assume the worst.
            self.known.entry(key).or_default().doubt_until = doubt_until.max(now + Duration::from_secs(60));
        }
    }

    /// Old requests are forgotten, the longest window is a day.
    pub(super) fn tidy(&mut self, now: Instant) {
        self.requests.retain(|at| now.since(*at) < Duration::from_secs(2 * 86_400));
    }
}
