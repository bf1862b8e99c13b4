use super::*;
use crate::engine::address::{Address, Link, Scope};
use crate::engine::lan::Way;
use crate::engine::nat::Nat;
use crate::engine::network::Network;
use crate::engine::pacing::Dice;

const WAN: (&str, &str) = ("wan", "81.2.0.1");
const SECOND: (&str, &str) = ("wanb", "82.3.0.1");

fn at(secs: u64) -> Instant {
    Instant::since_boot(Duration::from_secs(secs))
}

/// Networks on devices of the same name, with an address and a way to the world each.
fn lines(lines: &[(&str, &str)]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for (at, (name, ip)) in lines.iter().enumerate() {
        let ifindex = u32::try_from(at).unwrap() + 3;
        let ip: IpAddr = ip.parse().unwrap();
        snapshot.links.push(Link { ifindex, name: (*name).to_owned(), up: true });
        snapshot.addresses.push(Address {
            ifindex,
            ip,
            prefix_len: 32,
            scope: Scope::Universe,
            tentative: false,
            dad_failed: false,
            deprecated: false,
            temporary: false,
            secondary: false,
            created: 1,
        });
        snapshot.ways.push(Way { ifindex, family: Family::of(ip), is_default: at == 0 });
        let (name, device) = ((*name).to_owned(), Some((*name).to_owned()));
        snapshot.networks.push(Network { name, up: true, device, ..Network::default() });
    }
    snapshot
}

struct Bench {
    settings: RecordSettings,
    source: Source,
    lookouts: Lookouts,
    dice: Dice,
}

impl Bench {
    fn new(origins: &[&str]) -> Self {
        let origins: Vec<Origin> = origins.iter().map(|text| Origin::read(text).unwrap()).collect();
        let settings = RecordSettings { hold_down: Duration::from_secs(60), ..RecordSettings::default() };
        let source = Source::new(Family::V4, &origins, None, vec!["a.example".to_owned()], at(1));
        Self { settings, source, lookouts: Lookouts::default(), dice: Dice::new(1) }
    }

    /// What is chosen at this second.
    fn look(&mut self, snapshot: &Snapshot, secs: u64) -> Option<String> {
        self.restarted(snapshot, secs, None)
    }

    fn restarted(&mut self, snapshot: &Snapshot, secs: u64, published: Option<&str>) -> Option<String> {
        let mut probes = Vec::new();
        let world = World { snapshot, lookouts: &self.lookouts, now: at(secs) };
        let published = published.map(|ip| ip.parse().unwrap());
        self.source.look(&self.settings, &world, published, &mut probes);
        self.lookouts.need(&probes, at(secs));
        self.source.choice.address.map(|ip| ip.to_string())
    }

    /// Answers the only question that is due.
    fn answer(&mut self, means: Means, sighting: Result<&str, &str>, secs: u64) {
        let due = self.lookouts.due(at(secs));
        assert_eq!(due.iter().map(|(probe, _)| probe.means).collect::<Vec<_>>(), [means]);
        let sighting = sighting.map(|ip| ip.parse().unwrap()).map_err(str::to_owned);
        self.lookouts.saw(&due[0].0, sighting, at(secs), &mut self.dice);
    }

    fn why_none(&self) -> String {
        self.source.choice.why_none()
    }
}

#[test]
fn the_first_usable_line_is_published_and_returned_to_after_the_hold_down() {
    let mut bench = Bench::new(&["wan", "wanb"]);
    let (both, second) = (lines(&[WAN, SECOND]), lines(&[SECOND]));
    assert_eq!(bench.look(&both, 10).as_deref(), Some(WAN.1));
    assert_eq!(bench.look(&second, 20).as_deref(), Some(SECOND.1), "at once");
    assert_eq!(bench.look(&both, 30).as_deref(), Some(SECOND.1), "it might go again");
    assert_eq!(bench.source.back_at, Some(at(90)));
    assert_eq!(bench.look(&second, 40).as_deref(), Some(SECOND.1));
    assert_eq!(bench.source.back_at, None);
    assert_eq!(bench.look(&both, 50).as_deref(), Some(SECOND.1), "the time begins anew");
    assert_eq!(bench.look(&both, 109).as_deref(), Some(SECOND.1));
    assert_eq!(bench.look(&both, 110).as_deref(), Some(WAN.1));
    assert_eq!(bench.source.back_at, None);
}

#[test]
fn a_restart_during_the_hold_down_changes_nothing() {
    let mut bench = Bench::new(&["wan", "wanb"]);
    let both = lines(&[WAN, SECOND]);
    assert_eq!(bench.restarted(&both, 10, Some(SECOND.1)).as_deref(), Some(SECOND.1));
    assert_eq!(bench.restarted(&both, 70, Some(SECOND.1)).as_deref(), Some(WAN.1));
}

#[test]
fn a_line_without_a_route_or_that_mwan3_calls_offline_is_not_usable() {
    let mut bench = Bench::new(&["wan", "wanb"]);
    let mut both = lines(&[WAN, SECOND]);
    both.ways.remove(0);
    assert_eq!(bench.look(&both, 10).as_deref(), Some(SECOND.1));
    let mut both = lines(&[WAN, SECOND]);
    both.verdicts.insert("wan".to_owned(), false);
    assert_eq!(Bench::new(&["wan", "wanb"]).look(&both, 10).as_deref(), Some(SECOND.1));
    both.verdicts.insert("wanb".to_owned(), false);
    let mut bench = Bench::new(&["wan", "wanb"]);
    assert_eq!(bench.look(&both, 10), None);
    assert!(bench.why_none().contains("mwan3 says that wan is offline"), "{}", bench.why_none());
    assert!(bench.why_none().contains("mwan3 says that wanb is offline"));
    // The only line of a record is used whatever mwan3 thinks: there is no other to choose.
    assert_eq!(Bench::new(&["wan"]).look(&both, 10).as_deref(), Some(WAN.1));
}

#[test]
fn where_all_are_published_a_line_that_goes_is_left_out_at_once_and_joins_after_the_hold_down() {
    let mut bench = Bench::new(&["wan", "wanb"]);
    bench.settings.all = true;
    let further = |bench: &Bench| {
        bench.source.choice.further.iter().flatten().map(IpAddr::to_string).collect::<Vec<_>>()
    };
    let (both, second) = (lines(&[WAN, SECOND]), lines(&[SECOND]));
    assert_eq!((bench.look(&both, 10).as_deref(), further(&bench)), (Some(WAN.1), vec![SECOND.1.to_owned()]));
    assert_eq!((bench.look(&second, 20).as_deref(), further(&bench)), (Some(SECOND.1), vec![]));
    assert_eq!((bench.look(&both, 30).as_deref(), further(&bench)), (Some(SECOND.1), vec![]));
    assert_eq!(bench.source.back_at, Some(at(90)));
    assert_eq!((bench.look(&both, 90).as_deref(), further(&bench)), (Some(WAN.1), vec![SECOND.1.to_owned()]));
    assert_eq!(bench.source.back_at, None);
    // The second line goes and comes back.
    let first = lines(&[WAN]);
    assert_eq!((bench.look(&first, 100).as_deref(), further(&bench)), (Some(WAN.1), vec![]));
    assert_eq!((bench.look(&both, 110).as_deref(), further(&bench)), (Some(WAN.1), vec![]));
    assert_eq!(bench.source.back_at, Some(at(170)));
    assert_eq!(
        (bench.look(&both, 170).as_deref(), further(&bench)),
        (Some(WAN.1), vec![SECOND.1.to_owned()])
    );
}

#[test]
fn automatic_is_the_public_address_of_the_way_out_and_nobody_is_asked() {
    let mut bench = Bench::new(&["auto"]);
    assert_eq!(bench.look(&lines(&[WAN, SECOND]), 10).as_deref(), Some(WAN.1));
    assert_eq!(bench.lookouts.next(), None);
    assert_eq!(bench.look(&Snapshot::default(), 11), None);
    assert!(bench.why_none().contains("no IPv4 route to the world"));
}

#[test]
fn behind_nat_automatic_asks_stun_then_the_router_then_the_web() {
    let mut bench = Bench::new(&["auto"]);
    let nat = lines(&[("wan", "100.64.3.4")]);
    assert_eq!(bench.look(&nat, 10), None);
    assert!(bench.why_none().contains("100.64.3.4 is carrier NAT"), "{}", bench.why_none());
    assert_eq!(bench.source.choice.nat, Some(Nat::Carrier));
    bench.answer(Means::Stun, Err("no answer"), 10);
    assert_eq!(bench.look(&nat, 11), None);
    bench.answer(Means::Router, Ok("192.168.1.1"), 11);
    assert_eq!(bench.look(&nat, 11), None, "a private address is not believed");
    bench.answer(Means::Web, Ok("81.2.0.9"), 11);
    assert_eq!(bench.look(&nat, 12).as_deref(), Some("81.2.0.9"));
    // The line has a public address again: the questions are forgotten.
    assert_eq!(bench.look(&lines(&[WAN]), 13).as_deref(), Some(WAN.1));
    assert_eq!((bench.source.choice.nat, bench.lookouts.next()), (None, None));
}

#[test]
fn what_was_seen_from_outside_goes_through_the_device_that_was_named() {
    let mut bench = Bench::new(&["stun:wanb"]);
    let both = lines(&[WAN, ("wanb", "192.168.1.7")]);
    assert_eq!(bench.look(&both, 10), None);
    let due = bench.lookouts.due(at(10));
    assert_eq!(due[0].0.device.as_deref(), Some("wanb"));
    bench.lookouts.saw(&due[0].0, Ok("81.2.0.9".parse().unwrap()), at(10), &mut bench.dice);
    assert_eq!(bench.look(&both, 11).as_deref(), Some("81.2.0.9"));
    assert_eq!(bench.source.choice.nat, Some(Nat::Router));
}

#[test]
fn a_file_holds_an_address_or_says_why_not() {
    let mut bench = Bench::new(&["file:/tmp/ip"]);
    let mut snapshot = Snapshot::default();
    let mut read = |text: Result<&str, &str>| {
        let text = text.map(str::to_owned).map_err(str::to_owned);
        snapshot.files.insert("/tmp/ip".into(), text);
        bench.look(&snapshot, 10).ok_or_else(|| bench.why_none())
    };
    assert_eq!(read(Ok("81.2.0.9")).as_deref(), Ok("81.2.0.9"));
    for (text, why) in [
        (Ok("soon"), "holds no address"),
        (Ok("10.0.0.1"), "private"),
        (Ok("2a00::1"), "other family"),
        (Err("there is no such file"), "no such file"),
    ] {
        let said = read(text).unwrap_err();
        assert!(said.contains("file:/tmp/ip: ") && said.contains(why), "{said}");
    }
}

#[test]
fn a_name_falls_after_the_time_that_the_record_gives_it_and_rises_at_once() {
    let mut bench = Bench::new(&["wan"]);
    let on_down = OnDown::Remove(Duration::from_secs(600));
    bench.settings.on_down = on_down;
    bench.look(&lines(&[WAN]), 10);
    bench.look(&lines(&[]), 20);
    assert_eq!((bench.source.fallen, bench.source.falls_at(on_down)), (false, Some(at(620))));
    bench.look(&lines(&[]), 620);
    assert_eq!((bench.source.fallen, bench.source.falls_at(on_down)), (true, None));
    bench.look(&lines(&[WAN]), 630);
    assert!(!bench.source.fallen);
}
