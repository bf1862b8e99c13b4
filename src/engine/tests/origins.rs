//! Several addresses and none: hosts behind a prefix in one request, removals, placeholders.

use super::super::OnDown;
use super::super::lan::Way;
use super::super::origin::Host;
use super::*;
use crate::provider::Family;

const NAS: &str = "nas.example.org";
const CAMERA: &str = "camera.example.org";

fn hosts(manners: Manners) -> RecordSettings {
    let host = |part: &str| Host::read(part).unwrap();
    RecordSettings {
        names: vec![NAS.to_owned(), CAMERA.to_owned()],
        ipv6: vec![Origin::Prefix("ppp0".to_owned())],
        hosts: LiteMap::from_iter([(NAS.to_owned(), host("::1")), (CAMERA.to_owned(), host("::2"))]),
        ..record(None, None, manners)
    }
}

/// The line with a /64.
fn prefix(ip: &str) -> Snapshot {
    let mut snapshot = table(&[ip]);
    snapshot.addresses[0].prefix_len = 64;
    snapshot
}

fn updates(actions: Vec<Action>) -> Vec<Update> {
    let update = |action| if let Action::Send(job) = action { Some(job.update) } else { None };
    actions.into_iter().filter_map(update).collect()
}

fn stated(update: &Update) -> Vec<(String, String)> {
    let pair = |name: &String| (name.clone(), update.address_of(name, Family::V6).unwrap().to_string());
    update.names.iter().map(pair).collect()
}

fn pair(name: &str, ip: &str) -> (String, String) {
    (name.to_owned(), ip.to_owned())
}

#[test]
fn when_a_prefix_changes_all_hosts_move_in_one_request_where_the_provider_can() {
    let manners = Manners { max_names: 20, mixed: true, ..Manners::default() };
    let mut bench = Bench::new(only(hosts(manners)));
    let see = |bench: &mut Bench, ip: &str| {
        updates(bench.tell(Event::Network { snapshot: prefix(ip), bell: bench.now }))
    };
    let first = see(&mut bench, "2a00:1::99");
    assert_eq!(
        first.iter().map(stated).collect::<Vec<_>>(),
        [[pair(NAS, "2a00:1::1"), pair(CAMERA, "2a00:1::2")]]
    );
    bench.reply(1, Outcome::Answered(vec![Verdict::Good, Verdict::Good]));
    let second = see(&mut bench, "2a00:2::99");
    assert_eq!(
        second.iter().map(stated).collect::<Vec<_>>(),
        [[pair(NAS, "2a00:2::1"), pair(CAMERA, "2a00:2::2")]]
    );
    bench.reply(2, Outcome::Answered(vec![Verdict::Good, Verdict::Good]));
    assert!(bench.sleeps_for_good());
}

#[test]
fn where_it_cannot_each_host_has_a_request_of_its_own() {
    let mut bench = Bench::new(only(hosts(Manners { max_names: 20, ..Manners::default() })));
    let sent = updates(bench.tell(Event::Network { snapshot: prefix("2a00:1::99"), bell: bench.now }));
    let sent: Vec<_> = sent.iter().flat_map(stated).collect();
    assert_eq!(sent, [pair(NAS, "2a00:1::1"), pair(CAMERA, "2a00:1::2")]);
}

#[test]
fn of_hosts_in_one_request_only_the_refused_one_is_parked() {
    let manners = Manners { max_names: 20, mixed: true, ..Manners::default() };
    let mut bench = Bench::new(only(hosts(manners)));
    bench.tell(Event::Network { snapshot: prefix("2a00:1::99"), bell: bench.now });
    let refused = Verdict::Refused { refusal: Refusal::Name, words: "nohost".to_owned() };
    bench.reply(1, Outcome::Answered(vec![Verdict::Good, refused]));
    let sent = updates(bench.tell(Event::Network { snapshot: prefix("2a00:2::99"), bell: bench.now }));
    assert_eq!(sent.iter().map(stated).collect::<Vec<_>>(), [[pair(NAS, "2a00:2::1")]]);
}

#[test]
fn all_lines_are_told_in_one_request_and_again_when_one_of_them_changes() {
    let line = |name: &str| Origin::Line(name.to_owned());
    let manners = Manners { several: true, ..Manners::default() };
    let settings = RecordSettings { all: true, ..record(None, None, manners) };
    let mut bench = Bench::new(only(RecordSettings { ipv4: vec![line("ppp0"), line("wwan0")], ..settings }));
    let see = |bench: &mut Bench, second: &str| {
        let mut snapshot = table(&[A]);
        snapshot.links.push(Link { ifindex: 4, name: "wwan0".to_owned(), up: true });
        let second = Address { ifindex: 4, ip: second.parse().unwrap(), ..snapshot.addresses[0].clone() };
        snapshot.addresses.push(second);
        let way = |ifindex| Way { ifindex, family: Family::V4, is_default: ifindex == 3 };
        snapshot.ways = vec![way(3), way(4)];
        updates(bench.tell(Event::Network { snapshot, bell: bench.now }))
    };
    let told = |updates: &[Update]| {
        updates.iter().map(|update| update.addresses_of("home.example.org", Family::V4)).collect::<Vec<_>>()
    };
    let ips = |second: &str| vec![A.parse::<std::net::IpAddr>().unwrap(), second.parse().unwrap()];
    assert_eq!(told(&see(&mut bench, "82.3.0.1")), [ips("82.3.0.1")]);
    bench.good(1);
    assert_eq!(see(&mut bench, "82.3.0.1"), []);
    let state = bench.engine.state(bench.now());
    assert_eq!(told(&see(&mut bench, "82.3.0.2")), [ips("82.3.0.2")]);
    bench.good(2);
    assert!(bench.sleeps_for_good());
    // What was published beside the first is remembered.
    let mut bench = Bench::restarted(bench.settings.clone(), state, bench.now);
    assert_eq!(see(&mut bench, "82.3.0.1"), []);
}

#[test]
fn a_record_is_removed_when_its_address_was_missing_for_long_enough_and_told_again_at_once() {
    let after = Duration::from_secs(600);
    let manners = Manners { removes: true, ..Manners::default() };
    let settings = RecordSettings { on_down: OnDown::Remove(after), ..record(Some("ppp0"), None, manners) };
    let mut bench = Bench::new(only(settings));
    bench.see(&[A]);
    bench.good(1);
    assert_eq!(bench.see(&[]), []);
    let (actions, slept, reason) = bench.wake();
    assert_eq!((slept, reason), (after, WakeReason::Down));
    let [update] = &updates(actions)[..] else { panic!("one update") };
    assert_eq!((update.ipv4, &update.removed[..]), (None, &[Family::V4][..]));
    bench.good(2);
    assert!(bench.sleeps_for_good());
    assert_eq!(bench.engine.status(bench.now()).records[0].names[0].published, None);
    // A restart knows that it is gone.
    let state = bench.engine.state(bench.now());
    let mut bench = Bench::restarted(bench.settings.clone(), state, bench.now);
    assert_eq!(bench.see(&[]), []);
    bench.pass(after * 2);
    assert_eq!(bench.tell(Event::Wake), []);
    assert_eq!(bench.see(&[A]).len(), 1);
}

#[test]
fn what_was_never_published_is_not_removed() {
    let on_down = OnDown::Remove(Duration::from_secs(1));
    let mut bench =
        Bench::new(only(RecordSettings { on_down, ..record(Some("ppp0"), None, Manners::default()) }));
    assert_eq!(bench.see(&[]), []);
    bench.wake();
    assert!(bench.sleeps_for_good());
}

#[test]
fn who_can_only_remove_both_families_is_told_what_stays() {
    let on_down = OnDown::Remove(Duration::from_secs(60));
    let manners = Manners { dual: true, removes: true, removes_all: true, ..Manners::default() };
    let settings = RecordSettings { on_down, ..record(Some("ppp0"), Some("ppp0"), manners) };
    let mut bench = Bench::new(only(settings));
    bench.see(&[A, A6]);
    bench.good(1);
    bench.see(&[A6]);
    let (actions, ..) = bench.wake();
    let [update] = &updates(actions)[..] else { panic!("one update") };
    assert_eq!(
        (update.ipv6.map(|ip| ip.to_string()).as_deref(), &update.removed[..]),
        (Some(A6), &[Family::V4][..])
    );
}

#[test]
fn a_prefix_that_goes_along_is_told_when_it_changes_although_the_address_stays() {
    let settings = RecordSettings {
        prefix: Some("br-lan".to_owned()),
        ..record(None, Some("ppp0"), Manners::default())
    };
    let mut bench = Bench::new(only(settings));
    let lan = |prefix: Option<&str>| {
        let mut snapshot = table(&[A6]);
        snapshot.links.push(Link { ifindex: 9, name: "br-lan".to_owned(), up: true });
        let address = prefix.map(|ip| Address {
            ifindex: 9,
            ip: ip.parse().unwrap(),
            prefix_len: 64,
            ..snapshot.addresses[0].clone()
        });
        snapshot.addresses.extend(address);
        snapshot
    };
    let see = |bench: &mut Bench, prefix| {
        let sent = updates(bench.tell(Event::Network { snapshot: lan(prefix), bell: bench.now }));
        sent.iter().map(|update| update.prefix.map(|prefix| prefix.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(see(&mut bench, None), [], "the URL would name a wrong one");
    assert_eq!(see(&mut bench, Some("2a00:7::1")), [Some("2a00:7::/64".to_owned())]);
    bench.good(1);
    assert_eq!(see(&mut bench, Some("2a00:8::1")), [Some("2a00:8::/64".to_owned())]);
    bench.good(2);
    assert!(bench.sleeps_for_good());
}
