//! A line, a provider, a clock, and a process that is killed now and then.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use wanbeacon::engine::address::{Address, Link, Scope, Snapshot};
use wanbeacon::engine::network::Network;
use wanbeacon::engine::origin::Origin;
use wanbeacon::engine::visible::Check;
use wanbeacon::engine::{
    Action, Engine, Event, Exchange, Failure, FailureKind, Instant, Job, JobId, Now, Outcome, Phase,
    RecordId, RecordSettings, Settings, State,
};
use wanbeacon::provider::{Family, Limit, Manners, Omitted, Refusal, Update, Verdict};

use super::dice::Dice;
use super::lines::Second;
use super::promises::{Key, Promises};
use super::servers::Servers;

const DEVICE: &str = "ppp0";
/// On a router with netifd: the record names this, and each session has another device. A switch port has the name too.
const NETWORK: &str = "wan";
const HOUR: Duration = Duration::from_secs(3600);
/// The kernel is looked at even without a notification this often (slower than in life: it is a costly step here).
const SLOW_LOOK: Duration = Duration::from_secs(7200);

/// What the provider is like today.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mood {
    Good,
    /// Each request is another throw: answered, lost, or lost and applied late.
    Flaky,
    Slow,
    Down,
    Hangs,
    Resets,
    Ill,
    TooMany,
    Maintenance,
    Portal,
    Refuses,
}

const MOODS: [Mood; 10] = [
    Mood::Flaky,
    Mood::Slow,
    Mood::Down,
    Mood::Hangs,
    Mood::Resets,
    Mood::Ill,
    Mood::TooMany,
    Mood::Maintenance,
    Mood::Portal,
    Mood::Refuses,
];

/// What will happen.
#[derive(Clone, Debug)]
pub(super) enum Coming {
    Reconnect,
    Connected {
        routed: bool,
    },
    Routed,
    /// netifd has noticed, and has been asked.
    Netifd,
    NewPrefix,
    /// The second line comes or goes.
    Second,
    Flap,
    Bell {
        torn: bool,
    },
    SlowLook,
    Inspection,
    MoodChange,
    Kill {
        reboot: bool,
    },
    ClockSet,
    UserUpdate,
    /// The request of a job leaves, unless it was withdrawn.
    Leaves(JobId),
    /// The provider applies what it received.
    Lands(Update),
    /// A job of the current process ends.
    Ends(JobId, Outcome, Option<Instant>),
    Wake(u64),
    /// The name servers show what the zone has.
    Shown(Key),
    /// A look has come to its end.
    Seen(Check),
    /// Somebody else changes the zone.
    Stranger,
}

/// One request on its way.
struct Flight {
    update: Update,
    withdrawn: bool,
    left: Option<Instant>,
}

pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) now: Instant,
    boot: u64,
    booted: Instant,
    clock_set: bool,
    pub(super) coming: BTreeMap<(Instant, u64), Coming>,
    serial: u64,
    // The line.
    pub(super) ifindex: u32,
    pub(super) up: bool,
    pub(super) routed: bool,
    pub(super) ipv4: Option<Ipv4Addr>,
    pub(super) second: Option<Second>,
    ipv6: Vec<(Ipv6Addr, bool, u32)>,
    address_serial: u32,
    before: Snapshot,
    /// What is known of netifd's network, if there is a netifd.
    network: Option<Network>,
    // The provider.
    pub(super) mood: Mood,
    pub(super) servers: Servers,
    pub(super) zone: BTreeMap<Key, IpAddr>,
    // The process.
    engine: Engine,
    pub(super) settings: RecordSettings,
    flights: BTreeMap<JobId, Flight>,
    tmpfs: State,
    flash: State,
    wake: u64,
    pub(super) promises: Promises,
    /// When something last happened that may keep the zone from being right.
    pub(super) disturbed: Instant,
    /// What happened last, shown when a promise is broken.
    diary: VecDeque<String>,
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.diary.iter().for_each(|line| eprintln!("{line}"));
            eprintln!("{:#?}", self.engine.status(self.now()));
        }
    }
}

fn settings(dice: &mut Dice) -> RecordSettings {
    let names = (0..=dice.below(3)).map(|n| format!("h{n}.example.test")).collect();
    let secs = Duration::from_secs;
    let limits = [
        vec![],
        vec![Limit { count: 5, window: Duration::from_millis(1250) }, Limit { count: 600, window: HOUR }],
        vec![Limit { count: 1, window: secs(60) }, Limit { count: 300, window: secs(86_400) }],
        vec![Limit { count: 3, window: secs(10) }, Limit { count: 48, window: secs(86_400) }],
    ];
    let manners = Manners {
        max_names: dice.pick(&[1, 20]),
        dual: dice.one_in(2),
        omitted: dice.pick(&[Omitted::Keeps, Omitted::Resets]),
        limits: dice.pick(&limits),
        refresh: dice.one_in(2).then(|| secs(25 * 86_400)),
        gather: if dice.one_in(4) { secs(2) } else { Duration::ZERO },
        ..Manners::default()
    };
    let device = DEVICE.to_owned();
    RecordSettings {
        names,
        ipv4: vec![Origin::Line(device.clone())],
        ipv6: if dice.one_in(3) { Vec::new() } else { vec![Origin::Line(device)] },
        account: "provider user".to_owned(),
        server: "provider".to_owned(),
        fingerprint: 1,
        verify: dice.pick(&[Duration::ZERO, HOUR * 6, HOUR * 12]),
        manners,
        ..RecordSettings::default()
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let settings = settings(&mut dice);
        let now = Instant::since_boot(Duration::from_secs(30));
        let engine = Engine::new(seed, None, State::default(), Now { monotonic: now, wall: None });
        let mut world = Self {
            dice,
            now,
            boot: 0,
            booted: Instant::default(),
            clock_set: false,
            coming: BTreeMap::new(),
            serial: 0,
            ifindex: 5,
            up: false,
            routed: false,
            ipv4: None,
            second: None,
            ipv6: Vec::new(),
            address_serial: 0,
            before: Snapshot::default(),
            network: None,
            mood: Mood::Good,
            servers: Servers::default(),
            zone: BTreeMap::new(),
            engine,
            settings,
            flights: BTreeMap::new(),
            tmpfs: State::default(),
            flash: State::default(),
            wake: 0,
            promises: Promises::new(),
            disturbed: Instant::default(),
            diary: VecDeque::new(),
        };
        if seed % 2 == 1 {
            let name = Origin::Line(NETWORK.to_owned());
            let origins = [&mut world.settings.ipv4, &mut world.settings.ipv6];
            origins.into_iter().flatten().for_each(|origin| *origin = name.clone());
            world.network = Some(Network { name: NETWORK.to_owned(), ..Network::default() });
        }
        world.furnish(seed);
        world.start_process();
        for coming in [Coming::Reconnect, Coming::MoodChange, Coming::SlowLook] {
            world.plan(Duration::ZERO, coming);
        }
        world.plan(HOUR, Coming::Inspection);
        world.plan_pause(Duration::from_secs(10), HOUR, Coming::ClockSet);
        world.plan_pause(HOUR, HOUR * 24 * 40, Coming::Kill { reboot: false });
        world.plan_pause(HOUR, HOUR * 24 * 90, Coming::Kill { reboot: true });
        world.plan_pause(HOUR, HOUR * 24 * 60, Coming::UserUpdate);
        if !world.settings.verify.is_zero() {
            world.plan_pause(HOUR, HOUR * 24 * 60, Coming::Stranger);
        }
        world
    }

    /// A line that has no quiet day.
    pub(super) fn flapping(mut self) -> Self {
        self.plan(HOUR, Coming::Flap);
        self
    }

    /// Lives for some days, then everything heals and the promises about the end are asked.
    pub(super) fn live(mut self, days: u64) {
        let end = self.now + HOUR * 24 * u32::try_from(days).expect("some years");
        while self.step(end) {}
        self.now = end;
        self.heal();
        let calm = end + HOUR * 26;
        while self.step(calm) {}
        self.check_zone();
    }

    fn check_zone(&self) {
        let status = self.engine.status(self.now());
        for name in &status.records[0].names {
            let wanted = self.right(&name.name, name.family);
            let key = (name.name.clone(), name.family);
            let Some(ip) = wanted else { continue };
            if name.state != "parked" && !self.is_contested(&key, ip) {
                assert_eq!(
                    self.zone.get(&key).copied(),
                    wanted,
                    "the last word about {key:?} is not the newest"
                );
            }
        }
    }

    /// The line is up and stays, the provider is well, nobody kills anybody.
    fn heal(&mut self) {
        let ends =
            |coming: &Coming| matches!(coming, Coming::Leaves(_) | Coming::Lands(_) | Coming::Ends(..));
        let sees = |coming: &Coming| matches!(coming, Coming::Seen(_) | Coming::Shown(_));
        self.coming.retain(|_, coming| {
            ends(coming) || sees(coming) || matches!(coming, Coming::Wake(_) | Coming::SlowLook)
        });
        self.mood = Mood::Good;
        self.clock_set = true;
        self.heal_second();
        self.connect(true);
        self.plan(Duration::from_millis(1), Coming::ClockSet);
        self.plan(Duration::from_millis(1), Coming::Bell { torn: false });
    }

    pub(super) fn plan(&mut self, after: Duration, coming: Coming) {
        self.serial += 1;
        self.coming.insert((self.now + after, self.serial), coming);
    }

    pub(super) fn plan_pause(&mut self, least: Duration, most: Duration, coming: Coming) {
        let after = self.dice.pause(least, most);
        self.plan(after, coming);
    }

    /// One thing happens; false: nothing more before `end`.
    fn step(&mut self, end: Instant) -> bool {
        let Some((&(at, serial), _)) = self.coming.iter().next() else { return false };
        if at > end {
            return false;
        }
        let coming = self.coming.remove(&(at, serial)).expect("just seen");
        self.now = at;
        self.happen(coming);
        true
    }

    fn note(&mut self, what: &str) {
        if self.diary.len() >= 60 {
            self.diary.pop_front();
        }
        self.diary.push_back(format!("{:>16.6} {what}", self.now.as_since_boot().as_secs_f64()));
    }

    fn happen(&mut self, coming: Coming) {
        if !matches!(coming, Coming::Inspection | Coming::SlowLook | Coming::Wake(_)) {
            self.note(&format!("{coming:?}"));
        }
        match coming {
            Coming::Reconnect => self.reconnect(),
            Coming::Connected { routed } => self.connect(routed),
            Coming::Routed => {
                self.routed = true;
                self.ring();
            }
            Coming::Netifd => {
                self.ask_netifd();
                self.bell(false);
            }
            Coming::NewPrefix => self.new_prefix(),
            Coming::Second => self.second_changes(),
            Coming::Flap => self.flap(),
            Coming::Bell { torn } => self.bell(torn),
            Coming::SlowLook => {
                self.promises.tidy(self.now);
                self.bell(false);
                self.plan(SLOW_LOOK, Coming::SlowLook);
            }
            Coming::Inspection => {
                self.inspect();
                self.plan(HOUR, Coming::Inspection);
            }
            Coming::MoodChange => {
                self.disturbed = self.now;
                let bad = self.mood == Mood::Good;
                self.mood = if bad { self.dice.pick(&MOODS) } else { Mood::Good };
                let most = if bad { HOUR * 10 } else { HOUR * 24 * 20 };
                self.plan_pause(Duration::from_secs(20), most, Coming::MoodChange);
            }
            Coming::Kill { reboot } => {
                self.kill(reboot, false);
                self.plan_pause(HOUR, HOUR * 24 * 40, Coming::Kill { reboot });
            }
            Coming::ClockSet => {
                self.disturbed = self.now;
                self.clock_set = true;
                self.tell(Event::ClockSet);
            }
            Coming::UserUpdate => {
                self.disturbed = self.now;
                let force = self.dice.one_in(2);
                self.promises.user_update(force);
                self.tell(Event::Update { records: Vec::new(), force });
                self.plan_pause(HOUR, HOUR * 24 * 60, Coming::UserUpdate);
            }
            Coming::Leaves(job) => self.leaves(job),
            Coming::Lands(update) => self.lands(&update),
            Coming::Ends(job, outcome, sent_at) => self.ends(job, outcome, sent_at),
            Coming::Wake(wake) if wake == self.wake => self.tell(Event::Wake),
            Coming::Wake(_) => {}
            Coming::Shown(key) => self.shown(key),
            Coming::Seen(check) => self.seen(&check),
            Coming::Stranger => self.stranger(),
        }
    }

    // ---- the line

    fn table(&self) -> Snapshot {
        let port = Link { ifindex: 2, name: NETWORK.to_owned(), up: true };
        let links = vec![port, Link { ifindex: self.ifindex, name: self.device(), up: self.up }];
        let address = |ip, deprecated, created| Address {
            ifindex: self.ifindex,
            ip,
            prefix_len: 64,
            scope: Scope::Universe,
            tentative: false,
            dad_failed: false,
            deprecated,
            temporary: false,
            secondary: false,
            created,
        };
        let like = address(IpAddr::V4(Ipv4Addr::UNSPECIFIED), false, 1);
        let ipv4 = self.ipv4.iter().map(|ip| address(IpAddr::V4(*ip), false, 1));
        let ipv6 = self.ipv6.iter().map(|(ip, old, created)| address(IpAddr::V6(*ip), *old, *created));
        let table = Snapshot {
            links,
            addresses: ipv4.chain(ipv6).collect(),
            networks: self.network.iter().cloned().collect(),
            ..Snapshot::default()
        };
        self.with_lines(table, &like)
    }

    fn device(&self) -> String {
        let unit = if self.network.is_some() { self.ifindex % 3 } else { 0 };
        format!("{}{unit}", DEVICE.trim_end_matches('0'))
    }

    /// As the agent reads a dump: of a network that is down, the device is remembered.
    fn ask_netifd(&mut self) {
        let device = self.up.then(|| self.device());
        if let Some(network) = &mut self.network {
            network.up = self.up;
            network.device = device.or(network.device.take());
        }
    }

    pub(super) fn best_ipv6(&self) -> Option<Ipv6Addr> {
        self.ipv6.iter().filter(|(_, deprecated, _)| !deprecated).map(|(ip, ..)| *ip).next_back()
    }

    /// After a quiet time, with a provider that is well, the zone is right: budgets had time to fill, the longest
    /// pause (911, half an hour) to pass, and what could land late has landed.
    fn inspect(&self) {
        let windows = self.settings.manners.limits.iter().map(|limit| limit.window);
        // What a stranger did is found by the next look.
        let calm = windows.max().unwrap_or_default() + HOUR * 2 + self.settings.verify * 9 / 8;
        if self.mood == Mood::Good && self.clock_set && self.now.since(self.disturbed) > calm {
            self.check_zone();
        }
    }

    /// Notifications come late, double, or are lost but for the one that says so; a dump may be torn.
    pub(super) fn ring(&mut self) {
        self.disturbed = self.now;
        let late = self.dice.pause(Duration::from_micros(50), Duration::from_millis(200));
        if self.dice.one_in(4) {
            let torn = self.dice.one_in(2);
            self.plan(late / 2, Coming::Bell { torn });
        }
        self.plan(late, Coming::Bell { torn: false });
        if self.network.is_some() {
            self.plan_pause(Duration::from_micros(50), Duration::from_secs(2), Coming::Netifd);
        }
    }

    fn bell(&mut self, torn: bool) {
        let table = self.table();
        let snapshot = if torn { self.before.clone() } else { table.clone() };
        self.before = table;
        self.tell(Event::Network { snapshot, bell: self.now });
    }

    fn reconnect(&mut self) {
        (self.up, self.routed, self.ipv4) = (false, false, None);
        self.ipv6.clear();
        self.ring();
        let routed = self.dice.one_in(2);
        self.plan_pause(Duration::from_millis(400), Duration::from_secs(120), Coming::Connected { routed });
        if self.dice.one_in(3) {
            // The first session of a night does not always last.
            self.plan_pause(
                Duration::from_secs(1),
                Duration::from_secs(160),
                Coming::Connected { routed: true },
            );
        }
        self.plan_pause(HOUR, HOUR * 24 * 2, Coming::Reconnect);
    }

    fn connect(&mut self, routed: bool) {
        (self.up, self.routed) = (true, routed);
        self.ifindex += 1;
        self.address_serial += u32::from(!self.dice.one_in(10));
        let [_, a, b, c] = self.address_serial.to_be_bytes();
        self.ipv4 = Some(Ipv4Addr::new(81, a, b, c));
        self.ipv6.clear();
        self.ring();
        self.new_prefix();
        if !routed {
            self.plan_pause(Duration::from_micros(400), Duration::from_secs(5), Coming::Routed);
        }
        if self.dice.one_in(5) {
            self.plan_pause(HOUR, HOUR * 20, Coming::NewPrefix);
        }
    }

    fn new_prefix(&mut self) {
        if !self.up {
            return;
        }
        self.ipv6.iter_mut().for_each(|(_, deprecated, _)| *deprecated = true);
        self.address_serial += 1;
        let created =
            u32::try_from(self.now.since(self.booted).as_millis() / 10 % (1 << 32)).expect("below 2^32");
        let ip = Ipv6Addr::from_bits((0x2a00 << 112) | (u128::from(self.address_serial) << 64) | 1);
        self.ipv6.push((ip, false, created));
        self.ring();
    }

    fn flap(&mut self) {
        for _ in 0..self.dice.below(40) {
            self.connect(true);
        }
        self.plan_pause(Duration::from_millis(300), HOUR, Coming::Flap);
    }

    // ---- the process

    fn now(&self) -> Now {
        let unix = Duration::from_secs(1_800_000_000) + self.now.as_since_boot();
        Now { monotonic: self.monotonic(), wall: self.clock_set.then(|| SystemTime::UNIX_EPOCH + unix) }
    }

    /// The process knows time since boot only.
    fn monotonic(&self) -> Instant {
        Instant::since_boot(self.now.since(self.booted))
    }

    fn start_process(&mut self) {
        // What an earlier process remembered of the network is forgotten.
        self.network.iter_mut().for_each(|network| network.device = None);
        self.ask_netifd();
        let state = if self.tmpfs.version > 0 { self.tmpfs.clone() } else { self.flash.clone() };
        self.engine = Engine::new(self.dice.roll(), Some(self.boot.to_string()), state, self.now());
        let records = [(RecordId("home".to_owned()), self.settings.clone())].into_iter().collect();
        self.tell(Event::Settings(Settings { records }));
        self.bell(false);
    }

    /// `forgot`: between an action and the writing down of it.
    fn kill(&mut self, reboot: bool, forgot: bool) {
        self.disturbed = self.now;
        self.note(&format!("killed, reboot {reboot}, forgot {forgot}"));
        // The next process counts its jobs from one again.
        self.coming
            .retain(|_, coming| !matches!(coming, Coming::Leaves(_) | Coming::Ends(..) | Coming::Seen(_)));
        self.servers.looks = 0;
        let flights = std::mem::take(&mut self.flights);
        for flight in flights.into_values().filter(|flight| flight.left.is_some()) {
            self.promises.in_doubt(&flight.update, self.now);
        }
        if reboot {
            self.tmpfs = State::default();
            self.boot += 1;
            self.now = self.now + Duration::from_secs(40);
            self.booted = self.now - Duration::from_secs(20);
            self.clock_set = false;
            self.plan_pause(Duration::from_secs(10), HOUR, Coming::ClockSet);
        }
        self.promises.killed(reboot, forgot, self.now);
        self.start_process();
    }

    pub(super) fn tell(&mut self, mut event: Event) {
        if let Event::Network { bell, .. } = &mut event {
            *bell = self.monotonic();
        }
        self.engine.handle(event, self.now());
        let mut actions = VecDeque::new();
        while let Some(action) = self.engine.poll_action() {
            actions.push_back(action);
        }
        let mortal = self.dice.one_in(400);
        while let Some(action) = actions.pop_front() {
            self.perform(action);
            if mortal && self.dice.one_in(3) {
                self.kill(false, true);
                return;
            }
        }
        self.wake += 1;
        // The shell asks a little later than it told.
        let late = self.dice.pause(Duration::from_micros(1), Duration::from_millis(20));
        let now = Now { monotonic: self.monotonic() + late, ..self.now() };
        if let Some((at, _)) = self.engine.next_wake(now) {
            let wake = self.wake;
            self.plan(at.since(self.monotonic()), Coming::Wake(wake));
        }
    }

    fn perform(&mut self, action: Action) {
        if !matches!(action, Action::Save { .. }) {
            self.note(&format!("  {action:?}"));
        }
        match action {
            Action::Send(job) => self.send(job),
            Action::Restart(job) | Action::Withdraw(job) => {
                let Some(flight) = self.flights.get_mut(&job).filter(|f| f.left.is_none()) else { return };
                flight.withdrawn = true;
                self.plan(Duration::ZERO, Coming::Ends(job, Outcome::Withdrawn, None));
            }
            Action::Abandon(job) => {
                if self.flights.get(&job).is_some_and(|flight| flight.left.is_some()) {
                    let outcome = failure(Phase::Receive, FailureKind::TimedOut);
                    self.plan(Duration::ZERO, Coming::Ends(job, outcome, None));
                }
            }
            Action::Save { durable } => {
                self.tmpfs = self.engine.state(self.now());
                self.promises.written(durable, self.now);
                if durable {
                    self.flash = self.tmpfs.clone();
                }
            }
            Action::Check(check) => self.look(check),
            Action::Observe { .. } | Action::Report(_) => {}
        }
    }

    fn send(&mut self, job: Job) {
        assert!(self.flights.len() < 4, "more than four requests in flight");
        self.promises.decided(&job.update, &self.settings, self.now);
        self.flights.insert(job.id, Flight { update: job.update, withdrawn: false, left: None });
        let connect = self.dice.pause(Duration::from_millis(1), Duration::from_secs(9));
        if !self.is_online() {
            let kind = if self.dice.one_in(2) { FailureKind::Unreachable } else { FailureKind::Unresolved };
            self.plan(connect / 10, Coming::Ends(job.id, failure(Phase::Connect, kind), None));
        } else if self.mood == Mood::Down {
            self.plan(connect, Coming::Ends(job.id, failure(Phase::Connect, FailureKind::Refused), None));
        } else if !self.clock_set && self.dice.one_in(2) {
            let outcome = failure(Phase::Tls, FailureKind::CertificateNotYetValid);
            self.plan(connect, Coming::Ends(job.id, outcome, None));
        } else {
            self.plan(connect, Coming::Leaves(job.id));
        }
    }

    // ---- the provider

    fn leaves(&mut self, job: JobId) {
        let Some(flight) = self.flights.get_mut(&job).filter(|f| !f.withdrawn) else { return };
        flight.left = Some(self.now);
        let update = flight.update.clone();
        self.promises.arrived(&self.settings, self.now);
        let sent_at = Some(self.monotonic());
        let throw = self.dice.pick(&[Mood::Good, Mood::Hangs, Mood::Resets]);
        let mood = if self.mood == Mood::Flaky { throw } else { self.mood };
        let (least, most) = if mood == Mood::Slow { (1_000, 14_000) } else { (1, 900) };
        let answer_in = self.dice.pause(Duration::from_millis(least), Duration::from_millis(most));
        let limit = Duration::from_secs(15);
        let outcome = match mood {
            Mood::Flaky | Mood::Good | Mood::Slow => {
                let lands = answer_in.mul_f64(self.dice.below(100) as f64 / 100.0);
                self.plan(lands, Coming::Lands(update.clone()));
                Outcome::Answered(update.names.iter().map(|_| Verdict::Good).collect())
            }
            Mood::Hangs | Mood::Resets | Mood::Down => {
                // The answer is lost, but the request may be applied, even after the client gave up.
                if self.dice.one_in(2) {
                    let lands = self.dice.pause(Duration::from_millis(1), Duration::from_secs(45));
                    self.plan(lands, Coming::Lands(update));
                }
                let hangs = mood == Mood::Hangs;
                let kind = if hangs { FailureKind::TimedOut } else { FailureKind::Reset };
                let after = if hangs { limit } else { answer_in };
                return self.plan(after, Coming::Ends(job, failure(Phase::Receive, kind), sent_at));
            }
            Mood::Ill => busy(&update, None),
            Mood::TooMany => busy(&update, Some(Duration::from_secs(self.dice.below(900)))),
            Mood::Maintenance => busy(&update, Some(Duration::from_secs(1800))),
            Mood::Portal => each(&update, &Verdict::NotUnderstood { words: "<html>".to_owned() }),
            Mood::Refuses => each(
                &update,
                &Verdict::Refused { refusal: Refusal::Credentials, words: "badauth".to_owned() },
            ),
        };
        self.plan(answer_in, Coming::Ends(job, outcome, sent_at));
    }

    fn lands(&mut self, update: &Update) {
        for name in &update.names {
            for family in [Family::V4, Family::V6] {
                if let Some(ip) = update.address_of(name, family) {
                    self.landed((name.clone(), family), ip);
                }
            }
        }
    }

    fn ends(&mut self, job: JobId, outcome: Outcome, sent_at: Option<Instant>) {
        let Some(flight) = self.flights.remove(&job) else { return };
        match &outcome {
            Outcome::Answered(verdicts) => match verdicts.first() {
                Some(Verdict::Good | Verdict::Unchanged) => self.promises.confirmed(&flight.update, self.now),
                Some(Verdict::Refused { .. }) => self.promises.refused(&flight.update),
                Some(Verdict::Busy { retry_after, .. }) => {
                    self.promises.asked_to_wait(self.now + retry_after.unwrap_or_default());
                }
                Some(Verdict::NotUnderstood { .. }) | None => {}
            },
            Outcome::Failed(failure) if failure.may_have_arrived() => {
                self.promises.in_doubt(&flight.update, self.now);
            }
            Outcome::Failed(_) | Outcome::Withdrawn => {}
        }
        self.tell(Event::Reply { job, outcome, exchange: Exchange { sent_at, ..Exchange::default() } });
    }
}

fn each(update: &Update, verdict: &Verdict) -> Outcome {
    Outcome::Answered(update.names.iter().map(|_| verdict.clone()).collect())
}

fn busy(update: &Update, retry_after: Option<Duration>) -> Outcome {
    each(update, &Verdict::Busy { words: "busy".to_owned(), retry_after })
}

fn failure(phase: Phase, kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure { phase, kind, detail: "simulated".to_owned() })
}
