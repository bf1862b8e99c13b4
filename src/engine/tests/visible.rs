//! What the name servers show, and what follows from it.

use super::*;
use crate::engine::visible::{Check, Seen};
use crate::provider::{Family, Prefix};

pub(super) const SIX_HOURS: Duration = Duration::from_secs(6 * 3600);
pub(super) const HALF: Duration = Duration::from_millis(500);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn verified(manners: Manners) -> RecordSettings {
    RecordSettings { verify: SIX_HOURS, ..record(Some("ppp0"), None, manners) }
}

/// All servers answer, with these addresses.
pub(super) fn all(ips: &[&str]) -> Vec<Seen> {
    servers(&[Ok(ips), Ok(ips)])
}

pub(super) fn servers(said: &[Result<&[&str], &str>]) -> Vec<Seen> {
    let said = said.iter().enumerate().map(|(at, said)| Seen {
        server: format!("ns{}", at + 1),
        said: said.map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect()).map_err(str::to_owned),
    });
    said.collect()
}

pub(super) fn check(id: u64) -> Action {
    check_of(id, "home.example.org", Family::V4)
}

fn check_of(id: u64, name: &str, family: Family) -> Action {
    let (record, device) = (RecordId("home".to_owned()), Some("ppp0".to_owned()));
    Action::Check(Check { id: JobId(id), record, name: name.to_owned(), family, device })
}

impl Bench {
    pub(super) fn verified() -> Self {
        Self::new(only(verified(Manners::default())))
    }

    /// One whose first address was published, and is visible.
    pub(super) fn at_peace() -> Self {
        let mut bench = Self::verified();
        assert_eq!(bench.sees(&[A]), [check(1)]);
        assert_eq!(bench.checked(1, all(&[])), [send(2, A)]);
        bench.good(2);
        assert_eq!(bench.next_look(), (3, HALF));
        assert_eq!(bench.checked(3, all(&[A])), []);
        bench
    }

    /// What is sent and asked.
    pub(super) fn looks(&mut self, event: Event) -> Vec<Action> {
        let told = |action: &Action| matches!(action, Action::Report(_) | Action::Save { .. });
        self.all(event).into_iter().filter(|action| !told(action)).collect()
    }

    pub(super) fn sees(&mut self, addresses: &[&str]) -> Vec<Action> {
        self.looks(Event::Network { snapshot: table(addresses), bell: self.now })
    }

    pub(super) fn checked(&mut self, job: u64, seen: Vec<Seen>) -> Vec<Action> {
        self.looks(Event::Checked { id: JobId(job), seen })
    }

    /// Sleeps until the next look; its number, and how long that was.
    pub(super) fn next_look(&mut self) -> (u64, Duration) {
        let (at, reason) = self.engine.next_wake(self.now()).expect("a look is scheduled");
        assert_eq!(reason, WakeReason::Check);
        let slept = at.since(self.now);
        self.now = at;
        match self.looks(Event::Wake).as_slice() {
            [Action::Check(check)] => (check.id.0, slept),
            other => panic!("no look: {other:?}"),
        }
    }

    pub(super) fn shown(&self) -> Option<String> {
        self.engine.status(self.now()).records[0].names[0].shown.clone()
    }

    pub(super) fn reports(&mut self, job: u64, seen: Vec<Seen>) -> Vec<Report> {
        let actions = self.all(Event::Checked { id: JobId(job), seen });
        actions
            .into_iter()
            .filter_map(|a| if let Action::Report(report) = a { Some(report) } else { None })
            .collect()
    }

    /// The update that repairs what a look has found.
    pub(super) fn repaired(&mut self, job: u64, ips: &[&str]) -> u64 {
        let actions = self.checked(job, all(ips));
        assert_eq!(actions, [send(job + 1, A)]);
        self.good(job + 1);
        let (look, slept) = self.next_look();
        assert_eq!(slept, HALF, "a repair is looked for as well");
        look
    }
}

pub(super) fn is_slow(slept: Duration) -> bool {
    slept >= SIX_HOURS / 8 * 7 && slept <= SIX_HOURS / 8 * 9
}

#[test]
fn at_the_first_start_what_all_servers_show_already_needs_no_update() {
    let mut bench = Bench::verified();
    // What routers boot with.
    bench.clock_set = false;
    assert_eq!(bench.sees(&[A]), [check(1)], "nothing is sent before");
    bench.pass(HALF);
    let actions = bench.all(Event::Checked { id: JobId(1), seen: all(&[A]) });
    assert!(actions.contains(&Action::Save { durable: true }), "{actions:?}");
    assert!(actions.iter().all(|action| matches!(action, Action::Save { .. } | Action::Report(_))));
    let status = bench.engine.status(bench.now());
    assert_eq!(status.records[0].names[0].published, Some(A.parse().unwrap()));
    let (_, slept) = bench.next_look();
    assert!(is_slow(slept), "{slept:?}");
    assert_eq!(bench.sees(&[B]), [send(3, B)], "a new address is told at once");
}

#[test]
fn at_the_first_start_anything_else_is_updated_at_once() {
    let (right, wrong): (&[&str], &[&str]) = (&[A], &[B]);
    let both: &[&str] = &[A, B];
    for seen in [
        all(&[]),
        all(wrong),
        all(both),
        servers(&[Ok(right), Ok(wrong)]),
        servers(&[Err("silent"), Err("lame")]),
        Vec::new(),
    ] {
        let mut bench = Bench::verified();
        assert_eq!(bench.sees(&[A]), [check(1)]);
        assert_eq!(bench.checked(1, seen.clone()), [send(2, A)], "{seen:?}");
    }
    let mut bench = Bench::verified();
    bench.sees(&[A]);
    assert_eq!(bench.checked(1, servers(&[Err("silent"), Ok(right)])), [], "who is silent proves nothing");
}

#[test]
fn the_first_look_holds_an_update_back_for_three_seconds_at_most() {
    let mut bench = Bench::verified();
    bench.sees(&[A]);
    assert_eq!(bench.wake(), (vec![send(2, A)], Duration::from_secs(3), WakeReason::Check));
    assert_eq!(bench.checked(1, all(&[A])), [], "too late");
    bench.good(2);
    assert_eq!(bench.next_look(), (3, HALF));
}

#[test]
fn the_names_of_a_request_wait_for_one_another_and_then_share_it() {
    let mut settings = verified(Manners { max_names: 20, ..Manners::default() });
    settings.names.extend(["nas.example.org".to_owned(), "cam.example.org".to_owned()]);
    let mut bench = Bench::new(only(settings));
    let looks = [check(1), check_of(2, "nas.example.org", Family::V4)];
    assert_eq!(bench.sees(&[A]), looks, "two at a time");
    assert_eq!(bench.checked(1, all(&[B])), [check_of(3, "cam.example.org", Family::V4)]);
    assert_eq!(bench.checked(2, all(&[A])), []);
    let names = vec!["home.example.org".to_owned(), "cam.example.org".to_owned()];
    let sent = bench.checked(3, all(&[]));
    let [Action::Send(Job { update, .. })] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(update.names, names);
}

#[test]
fn what_is_known_refreshed_forced_or_not_to_be_looked_at_is_not_looked_at_first() {
    let mut bench = Bench::at_peace();
    bench.pass(Duration::from_secs(1));
    let mut second = Bench::restarted(bench.settings.clone(), bench.engine.state(bench.now()), bench.now);
    assert_eq!(second.sees(&[A]), []);
    assert_eq!(second.sees(&[B]), [send(1, B)]);

    let refresh = Some(DAY);
    let mut bench = Bench::new(only(verified(Manners { refresh, ..Manners::default() })));
    assert_eq!(bench.sees(&[A]), [send(1, A)], "nobody knows when it expires");

    let mut bench = Bench::verified();
    bench.looks(Event::Update { records: Vec::new(), force: true });
    assert_eq!(bench.sees(&[A]), [send(1, A)]);

    let mut bench = Bench::verified();
    bench.sees(&[A]);
    assert_eq!(
        bench.looks(Event::Update { records: Vec::new(), force: true }),
        [send(2, A)],
        "nor waited for"
    );

    let mut bench = Bench::simple();
    assert_eq!(bench.sees(&[A]), [send(1, A)]);
    bench.good(1);
    assert!(bench.sleeps_for_good());
}

#[test]
fn after_an_update_it_is_looked_for_ever_more_rarely_until_all_who_answer_show_it() {
    let mut bench = Bench::verified();
    bench.sees(&[A]);
    bench.checked(1, all(&[]));
    bench.pass(Duration::from_millis(100));
    bench.good(2);
    let confirmed = bench.now;
    let mut after = Vec::new();
    let mut job = 0;
    while after.last().is_none_or(|last| *last < 200_000) {
        job = bench.next_look().0;
        after.push(bench.now.since(confirmed).as_millis());
        let (old, new): (&[&str], &[&str]) = (&[B], &[A]);
        assert_eq!(bench.checked(job, servers(&[Ok(new), Ok(old)])), []);
    }
    assert_eq!(after, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 124_000, 184_000, 244_000]);
    assert_eq!(bench.shown().unwrap(), "ns2 shows 81.2.0.2, others do not");
    job += 1;
    assert_eq!(bench.next_look().0, job);
    let (new, silent): (&[&str], &str) = (&[A], "no answer");
    let reports = bench.reports(job, servers(&[Err(silent), Ok(new)]));
    let event_ms = 100.0 + 304_000.0;
    let names = vec!["home.example.org".to_owned()];
    assert_eq!(reports, [Report::Visible { record: RecordId("home".to_owned()), names, event_ms }]);
    let status = bench.engine.status(bench.now());
    assert_eq!((status.records[0].event_to_visible_ms, bench.shown()), (Some(event_ms), None));
    let (_, slept) = bench.next_look();
    assert!(is_slow(slept), "{slept:?}");
}

#[test]
fn what_is_accepted_and_not_shown_for_a_quarter_of_an_hour_is_told_once() {
    let mut bench = Bench::verified();
    bench.sees(&[A]);
    bench.checked(1, all(&[B]));
    bench.good(2);
    let mut told = Vec::new();
    let mut slept = Duration::ZERO;
    for _ in 0..24 {
        let (job, pause) = bench.next_look();
        slept = pause;
        told.extend(bench.reports(job, all(&[B])));
        if !told.is_empty() {
            break;
        }
    }
    let what = "home.example.org was accepted, but still ns1 shows 81.2.0.2".to_owned();
    assert_eq!(
        told,
        [Report::Shown { record: RecordId("home".to_owned()), what: what.clone(), is_trouble: true }]
    );
    assert_eq!((bench.shown(), slept), (Some(what), Duration::from_secs(60)));
    let (job, slept) = bench.next_look();
    assert!(is_slow(slept), "{slept:?}");
    assert_eq!(bench.checked(job, all(&[B])), [send(job + 1, A)], "then it counts as changed");
}

#[test]
fn a_zone_that_nobody_can_look_at_is_no_trouble_for_anybody() {
    let mut bench = Bench::verified();
    bench.sees(&[A]);
    bench.checked(1, Vec::new());
    bench.good(2);
    for _ in 0..40 {
        let (job, _) = bench.next_look();
        assert_eq!(bench.reports(job, servers(&[Err("it says REFUSED")])), []);
    }
    assert_eq!(bench.shown().unwrap(), "ns1 cannot be asked: it says REFUSED");
}

#[test]
fn a_newer_address_ends_the_look_for_the_older_one() {
    let mut bench = Bench::verified();
    bench.sees(&[A]);
    bench.checked(1, all(&[]));
    bench.good(2);
    assert_eq!(bench.next_look(), (3, HALF));
    assert_eq!(bench.sees(&[B]), [send(4, B)]);
    assert_eq!(bench.checked(3, all(&[])), [], "an answer about the older one");
    bench.good(4);
    assert_eq!(bench.next_look(), (5, HALF));
    assert_eq!(bench.checked(5, all(&[B])), []);
}

#[test]
fn an_address_that_goes_before_the_first_look_has_ended_begins_anew_when_it_comes_back() {
    let mut bench = Bench::verified();
    bench.sees(&[A]);
    bench.sees(&[]);
    assert_eq!(bench.checked(1, all(&[A])), []);
    assert!(bench.sleeps_for_good());
    assert_eq!(bench.sees(&[A]), [check(2)]);
    assert_eq!(bench.checked(2, all(&[A])), []);
}

#[test]
fn what_a_proxy_stands_for_is_visible_but_does_not_spare_the_first_update() {
    let proxies = vec![Prefix::read("104.16.0.0/13").unwrap()];
    let mut bench = Bench::new(only(verified(Manners { proxies, ..Manners::default() })));
    bench.sees(&[A]);
    assert_eq!(bench.checked(1, all(&["104.17.1.2"])), [send(2, A)]);
    bench.good(2);
    for _ in 0..2 {
        let (job, _) = bench.next_look();
        assert_eq!(bench.checked(job, all(&["104.17.1.2"])), []);
        assert_eq!(bench.shown(), None);
    }
    let (job, _) = bench.next_look();
    assert_eq!(bench.checked(job, all(&["104.24.0.1"])), [send(job + 1, A)], "no proxy of theirs");
}
