//! Events and instants in, whole action lists out. Rendering is not tested here.

mod networks;
mod origins;
mod repairs;
mod reports;
mod visible;

use std::time::{Duration, SystemTime};

use litemap::LiteMap;

use super::address::{Address, Link, Scope, Snapshot};
use super::journal::{Change, Report};
use super::network::{Delegated, Network};
use super::origin::Origin;
use super::{
    Action, Engine, Event, Exchange, Failure, FailureKind, Instant, Job, JobId, Now, Outcome, Phase,
    RecordId, RecordSettings, Settings, State, WakeReason,
};
use crate::provider::{Limit, Manners, Omitted, Refusal, Update, Verdict};

const A: &str = "81.2.0.1";
const B: &str = "81.2.0.2";
const A6: &str = "2a00:1::1";

/// An engine, a clock, and what it wants done.
struct Bench {
    engine: Engine,
    settings: Settings,
    now: Instant,
    clock_set: bool,
}

fn record(ipv4: Option<&str>, ipv6: Option<&str>, manners: Manners) -> RecordSettings {
    RecordSettings {
        names: vec!["home.example.org".to_owned()],
        ipv4: ipv4.map(|name| Origin::Line(name.to_owned())).into_iter().collect(),
        ipv6: ipv6.map(|name| Origin::Line(name.to_owned())).into_iter().collect(),
        account: "account".to_owned(),
        server: "server".to_owned(),
        fingerprint: 1,
        manners,
        ..RecordSettings::default()
    }
}

fn only(record: RecordSettings) -> Settings {
    Settings { records: LiteMap::from_iter([(RecordId("home".to_owned()), record)]) }
}

fn table(addresses: &[&str]) -> Snapshot {
    let address = |ip: &&str| Address {
        ifindex: 3,
        ip: ip.parse().unwrap(),
        prefix_len: 32,
        scope: Scope::Universe,
        tentative: false,
        dad_failed: false,
        deprecated: false,
        temporary: false,
        secondary: false,
        created: 1,
    };
    let links = vec![Link { ifindex: 3, name: "ppp0".to_owned(), up: true }];
    Snapshot { links, addresses: addresses.iter().map(address).collect(), ..Snapshot::default() }
}

impl Bench {
    fn new(settings: Settings) -> Self {
        Self::restarted(settings, State::default(), Instant::since_boot(Duration::from_secs(1000)))
    }

    fn restarted(settings: Settings, state: State, now: Instant) -> Self {
        let mut bench = Self {
            engine: Engine::new(1, Some("boot".to_owned()), state, Now { monotonic: now, wall: None }),
            settings: settings.clone(),
            now,
            clock_set: true,
        };
        bench.tell(Event::Settings(settings));
        bench
    }

    fn simple() -> Self {
        Self::new(only(record(Some("ppp0"), None, Manners::default())))
    }

    fn now(&self) -> Now {
        let unix = Duration::from_secs(1_800_000_000) + self.now.as_since_boot();
        Now { monotonic: self.now, wall: self.clock_set.then(|| SystemTime::UNIX_EPOCH + unix) }
    }

    /// What follows from an event, without reports and saves.
    fn tell(&mut self, event: Event) -> Vec<Action> {
        let requests = |a: &Action| {
            matches!(a, Action::Send(_) | Action::Withdraw(_) | Action::Restart(_) | Action::Abandon(_))
        };
        self.all(event).into_iter().filter(requests).collect()
    }

    fn all(&mut self, event: Event) -> Vec<Action> {
        self.engine.handle(event, self.now());
        std::iter::from_fn(|| self.engine.poll_action()).collect()
    }

    fn see(&mut self, addresses: &[&str]) -> Vec<Action> {
        self.tell(Event::Network { snapshot: table(addresses), bell: self.now })
    }

    fn reply(&mut self, job: u64, outcome: Outcome) -> Vec<Action> {
        self.tell(Event::Reply { job: JobId(job), outcome, exchange: Exchange::default() })
    }

    fn good(&mut self, job: u64) -> Vec<Action> {
        self.reply(job, Outcome::Answered(vec![Verdict::Good]))
    }

    fn pass(&mut self, duration: Duration) -> &mut Self {
        self.now = self.now + duration;
        self
    }

    /// Sleeps as long as the engine wants; what it does then, and why.
    fn wake(&mut self) -> (Vec<Action>, Duration, WakeReason) {
        let (at, reason) = self.engine.next_wake(self.now()).expect("something is scheduled");
        let slept = at.since(self.now);
        self.now = at;
        (self.tell(Event::Wake), slept, reason)
    }

    fn sleeps_for_good(&self) -> bool {
        self.engine.next_wake(self.now()).is_none()
    }
}

fn send_to(record: &str, job: u64, ipv4: Option<&str>, ipv6: Option<&str>) -> Action {
    let ipv4 = ipv4.map(|ip| ip.parse().unwrap());
    let ipv6 = ipv6.map(|ip| ip.parse().unwrap());
    let update = Update { names: vec!["home.example.org".to_owned()], ipv4, ipv6, ..Update::default() };
    Action::Send(Job {
        id: JobId(job),
        record: RecordId(record.to_owned()),
        update,
        device: Some("ppp0".to_owned()),
    })
}

fn send(job: u64, ipv4: &str) -> Action {
    send_to("home", job, Some(ipv4), None)
}

fn failed(phase: Phase, kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure { phase, kind, detail: "because".to_owned() })
}

fn unreachable() -> Outcome {
    failed(Phase::Connect, FailureKind::Unreachable)
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Answered(vec![Verdict::Refused { refusal, words: "badauth".to_owned() }])
}

fn busy(retry_after: Option<u64>) -> Outcome {
    let retry_after = retry_after.map(Duration::from_secs);
    Outcome::Answered(vec![Verdict::Busy { words: "busy".to_owned(), retry_after }])
}

#[test]
fn the_first_reaction_to_an_address_is_immediate_and_then_there_is_peace() {
    let mut bench = Bench::simple();
    assert_eq!(bench.see(&[]), []);
    assert_eq!(bench.see(&[A]), [send(1, A)]);
    assert_eq!(bench.good(1), []);
    assert_eq!(bench.see(&[A]), [], "the same address again");
    assert_eq!(bench.see(&[]), [], "an address that goes is not withdrawn at the provider");
    assert_eq!(bench.see(&[A]), [], "and when it comes back there is nothing to tell");
    assert!(bench.sleeps_for_good());
}

#[test]
fn a_newer_address_waits_for_the_answer_about_the_older_one() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    assert_eq!(bench.see(&[B]), [Action::Withdraw(JobId(1))]);
    assert_eq!(bench.good(1), [send(2, B)]);
}

#[test]
fn a_request_that_has_not_left_makes_room_for_the_newer_address_at_once() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    bench.see(&[B]);
    assert_eq!(bench.reply(1, Outcome::Withdrawn), [send(2, B)]);
}

#[test]
fn an_answer_that_does_not_come_is_given_up_for_a_newer_address_and_the_doubt_is_cleared_later() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    bench.see(&[B]);
    assert_eq!(bench.wake(), (vec![Action::Abandon(JobId(1))], Duration::from_secs(1), WakeReason::Abandon));
    assert_eq!(bench.reply(1, failed(Phase::Receive, FailureKind::Reset)), [send(2, B)]);
    assert_eq!(bench.good(2), []);
    let (actions, slept, reason) = bench.wake();
    assert_eq!((actions, reason), (vec![send(3, B)], WakeReason::Repeat));
    assert_eq!(slept, Duration::from_secs(60), "the provider may have applied the older one until now");
    bench.good(3);
    assert!(bench.sleeps_for_good());
}

#[test]
fn an_answer_that_was_lost_is_remembered_even_when_its_repetition_was_confirmed() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    bench.reply(1, failed(Phase::Receive, FailureKind::Reset));
    assert_eq!(bench.wake().0, [send(2, A)]);
    bench.good(2);
    assert!(bench.sleeps_for_good(), "the same address may land as often as it likes");
    assert_eq!(bench.see(&[B]), [send(3, B)]);
    bench.good(3);
    let (actions, _, reason) = bench.wake();
    assert_eq!(
        (actions, reason),
        (vec![send(4, B)], WakeReason::Repeat),
        "the first one may land over the new address"
    );
}

#[test]
fn a_line_without_a_route_is_tried_again_in_milliseconds_and_at_each_notification() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    assert_eq!(bench.reply(1, unreachable()), []);
    let (actions, slept, reason) = bench.wake();
    assert_eq!((actions, reason), (vec![send(2, A)], WakeReason::Retry));
    assert!(slept >= Duration::from_millis(10) && slept <= Duration::from_millis(30), "{slept:?}");
    bench.reply(2, unreachable());
    assert_eq!(bench.see(&[A]), [send(3, A)], "the same table: a route may have come");
}

#[test]
fn a_route_that_comes_while_an_attempt_fails_without_it_is_used_at_once() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    assert_eq!(bench.see(&[A]), []);
    assert_eq!(bench.reply(1, unreachable()), [send(2, A)]);
    assert_eq!(bench.reply(2, unreachable()), [], "but only once");
    let (actions, ..) = bench.wake();
    assert_eq!(actions, [send(3, A)]);
    assert_eq!(bench.see(&[A]), []);
    assert_eq!(bench.reply(3, unreachable()), [send(4, A)], "and at each notification");
}

#[test]
fn an_attempt_that_hangs_since_before_the_route_came_is_started_afresh_once() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    assert_eq!(bench.see(&[A]), [], "an ordinary handshake is left in peace");
    assert_eq!(bench.wake(), (vec![Action::Restart(JobId(1))], Duration::from_secs(1), WakeReason::Restart));
    assert_eq!(bench.reply(1, Outcome::Withdrawn), [send(2, A)]);
    bench.see(&[A]);
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.see(&[A]), [], "router advertisements must not starve a slow handshake");
    assert!(bench.sleeps_for_good());
}

#[test]
fn a_refusal_is_final_until_the_settings_change_or_the_user_says_update() {
    for refusal in [Refusal::Abuse, Refusal::Credentials, Refusal::Malformed, Refusal::Name] {
        let mut bench = Bench::simple();
        bench.see(&[A]);
        assert_eq!(bench.reply(1, refused(refusal)), []);
        assert_eq!(bench.see(&[B]), [], "{refusal:?}");
        assert!(bench.sleeps_for_good());
        assert_eq!(bench.tell(Event::Settings(bench.settings.clone())), [], "the same settings");
        assert_eq!(bench.tell(Event::Update { records: vec![], force: false }), [send(2, B)]);
        bench.reply(2, refused(refusal));
        let mut settings = bench.settings.clone();
        settings.records.iter_mut().for_each(|(_, record)| record.fingerprint = 2);
        assert_eq!(bench.tell(Event::Settings(settings)), [send(3, B)]);
    }
}

#[test]
fn parking_and_what_is_published_survive_the_process() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    bench.reply(1, refused(Refusal::Abuse));
    let mut second = Bench::restarted(bench.settings.clone(), bench.engine.state(bench.now()), bench.now);
    assert_eq!(second.see(&[B]), []);

    let mut bench = Bench::simple();
    bench.see(&[A]);
    bench.good(1);
    let mut second = Bench::restarted(bench.settings.clone(), bench.engine.state(bench.now()), bench.now);
    assert_eq!(second.see(&[A]), [], "nothing changed");
    assert_eq!(second.see(&[B]), [send(1, B)]);
}

#[test]
fn an_update_in_flight_when_the_process_ends_is_repeated_by_the_next_one() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    let mut second = Bench::restarted(bench.settings.clone(), bench.engine.state(bench.now()), bench.now);
    assert_eq!(second.see(&[A]), [send(1, A)]);
}

#[test]
fn retry_after_binds_the_whole_account_even_for_a_new_address() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    assert_eq!(bench.reply(1, busy(Some(600))), []);
    assert_eq!(bench.see(&[B]), []);
    assert_eq!(bench.tell(Event::Update { records: vec![], force: true }), []);
    let (actions, slept, _) = bench.wake();
    assert_eq!(actions, [send(2, B)]);
    assert!(slept >= Duration::from_secs(600) && slept <= Duration::from_secs(630), "{slept:?}");
}

#[test]
fn a_provider_that_is_ill_is_asked_ever_more_rarely_but_a_new_address_is_told_at_once() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    let mut job = 1;
    let mut longest = Duration::ZERO;
    for _ in 0..40 {
        assert_eq!(bench.reply(job, busy(None)), []);
        let (actions, slept, reason) = bench.wake();
        job += 1;
        assert_eq!((actions, reason), (vec![send(job, A)], WakeReason::Retry));
        longest = longest.max(slept);
        assert!(slept >= Duration::from_secs(2) && slept <= Duration::from_secs(300), "{slept:?}");
    }
    assert!(longest > Duration::from_secs(60), "{longest:?}");
    bench.reply(job, busy(None));
    assert_eq!(bench.see(&[B]), [send(job + 1, B)]);
}

#[test]
fn a_page_that_is_not_the_providers_is_no_success() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    bench.reply(1, Outcome::Answered(vec![Verdict::NotUnderstood { words: "an HTML page".to_owned() }]));
    let (actions, slept, _) = bench.wake();
    assert_eq!(actions, [send(2, A)]);
    assert!(slept >= Duration::from_secs(30), "{slept:?}");
}

#[test]
fn an_answer_without_a_line_for_a_name_is_no_success_for_it() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    assert_eq!(bench.reply(1, Outcome::Answered(vec![])), []);
    assert_eq!(bench.wake().0, [send(2, A)]);
}

#[test]
fn a_certificate_from_the_future_of_an_unset_clock_waits_for_the_clock() {
    let mut bench = Bench::simple();
    bench.clock_set = false;
    bench.see(&[A]);
    bench.reply(1, failed(Phase::Tls, FailureKind::CertificateNotYetValid));
    bench.clock_set = true;
    assert_eq!(bench.tell(Event::ClockSet), [send(2, A)]);
    bench.reply(2, failed(Phase::Tls, FailureKind::CertificateNotYetValid));
    assert_eq!(bench.wake().2, WakeReason::Retry, "with a clock that is set it is an ordinary failure");
}

#[test]
fn spacing_holds_the_second_update_back_and_the_newest_address_is_the_one_that_is_sent() {
    let limits = vec![Limit { count: 1, window: Duration::from_secs(60) }];
    let mut bench = Bench::new(only(record(Some("ppp0"), None, Manners { limits, ..Manners::default() })));
    bench.see(&[A]);
    bench.good(1);
    assert_eq!(bench.see(&[B]), []);
    assert_eq!(bench.see(&["81.2.0.3"]), []);
    assert_eq!(bench.wake(), (vec![send(2, "81.2.0.3")], Duration::from_secs(60), WakeReason::Pacing));
}

#[test]
fn an_instant_that_passes_between_an_event_and_the_question_for_the_next_one_is_not_missed() {
    let limits = vec![Limit { count: 1, window: Duration::from_secs(60) }];
    let mut bench = Bench::new(only(record(Some("ppp0"), None, Manners { limits, ..Manners::default() })));
    bench.see(&[A]);
    bench.good(1);
    bench.pass(Duration::from_micros(59_999_999));
    assert_eq!(bench.see(&[B]), []);
    bench.pass(Duration::from_micros(2));
    assert_eq!(bench.wake().0, [send(2, B)]);
}

#[test]
fn both_families_share_a_request_where_the_provider_allows_it() {
    let dual = Manners { dual: true, ..Manners::default() };
    let mut bench = Bench::new(only(record(Some("ppp0"), Some("ppp0"), dual.clone())));
    assert_eq!(bench.see(&[A, A6]), [send_to("home", 1, Some(A), Some(A6))]);
    bench.good(1);
    assert_eq!(bench.see(&[B, A6]), [send_to("home", 2, Some(B), None)], "the other family is not mentioned");

    let resets = Manners { omitted: Omitted::Resets, ..dual };
    let mut bench = Bench::new(only(record(Some("ppp0"), Some("ppp0"), resets)));
    bench.see(&[A, A6]);
    bench.good(1);
    assert_eq!(
        bench.see(&[B, A6]),
        [send_to("home", 2, Some(B), Some(A6))],
        "not mentioned would be deleted"
    );
}

#[test]
fn families_that_need_a_request_each_do_not_wait_for_one_another() {
    let mut bench = Bench::new(only(record(Some("ppp0"), Some("ppp0"), Manners::default())));
    let expected = [send_to("home", 1, Some(A), None), send_to("home", 2, None, Some(A6))];
    assert_eq!(bench.see(&[A, A6]), expected);
}

#[test]
fn the_second_family_is_gathered_only_where_the_provider_wants_it() {
    let manners = Manners { dual: true, gather: Duration::from_secs(2), ..Manners::default() };
    let mut bench = Bench::new(only(record(Some("ppp0"), Some("ppp0"), manners)));
    assert_eq!(bench.see(&[A]), []);
    bench.pass(Duration::from_millis(400));
    assert_eq!(bench.see(&[A, A6]), [send_to("home", 1, Some(A), Some(A6))]);

    bench.good(1);
    bench.see(&[]);
    assert_eq!(bench.see(&[B]), []);
    let (actions, slept, reason) = bench.wake();
    assert_eq!((actions, slept), (vec![send_to("home", 2, Some(B), None)], Duration::from_secs(2)));
    assert_eq!(reason, WakeReason::Gather);
}

#[test]
fn a_slow_server_keeps_two_places_and_the_others_are_served() {
    let mut records = LiteMap::new();
    for (id, server) in
        [("a", "slow"), ("b", "slow"), ("c", "slow"), ("d", "one"), ("e", "two"), ("f", "three")]
    {
        let account = format!("account {id}");
        let settings = record(Some("ppp0"), None, Manners::default());
        records.insert(
            RecordId(id.to_owned()),
            RecordSettings { account, server: server.to_owned(), ..settings },
        );
    }
    let mut bench = Bench::new(Settings { records });
    let sends = |list: &[(&str, u64)]| {
        list.iter().map(|(id, job)| send_to(id, *job, Some(A), None)).collect::<Vec<_>>()
    };
    assert_eq!(bench.see(&[A]), sends(&[("a", 1), ("b", 2), ("d", 3), ("e", 4)]), "four in flight");
    assert_eq!(bench.good(3), sends(&[("f", 5)]), "the third of the slow server waits");
    assert_eq!(bench.good(1), sends(&[("c", 6)]));
}

#[test]
fn what_the_provider_forgets_is_confirmed_in_time() {
    let refresh = Some(Duration::from_secs(25 * 86_400));
    let mut bench = Bench::new(only(record(Some("ppp0"), None, Manners { refresh, ..Manners::default() })));
    bench.see(&[A]);
    bench.good(1);
    let (actions, slept, reason) = bench.wake();
    assert_eq!((actions, reason), (vec![send(2, A)], WakeReason::Refresh));
    assert!(
        slept > Duration::from_secs(23 * 86_400) && slept <= Duration::from_secs(25 * 86_400),
        "{slept:?}"
    );
}

#[test]
fn force_repeats_what_is_confirmed_once() {
    let mut bench = Bench::simple();
    bench.see(&[A]);
    bench.good(1);
    assert_eq!(bench.tell(Event::Update { records: vec![], force: false }), []);
    assert_eq!(bench.tell(Event::Update { records: vec![], force: true }), [send(2, A)]);
    bench.good(2);
    assert!(bench.sleeps_for_good());
}

#[test]
fn flash_is_written_for_a_confirmation_or_a_refusal_only() {
    let durable = |actions: Vec<Action>| actions.contains(&Action::Save { durable: true });
    let reply = |job, outcome| Event::Reply { job: JobId(job), outcome, exchange: Exchange::default() };
    let mut bench = Bench::simple();
    let snapshot = table(&[A]);
    assert!(!durable(bench.all(Event::Network { snapshot, bell: bench.now })));
    assert!(!durable(bench.all(reply(1, failed(Phase::Receive, FailureKind::TimedOut)))));
    bench.wake();
    assert!(!durable(bench.all(reply(2, busy(None)))));
    bench.wake();
    assert!(durable(bench.all(reply(3, Outcome::Answered(vec![Verdict::Unchanged])))));
}
