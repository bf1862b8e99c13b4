//! Records that name a network of netifd instead of a device.

use super::*;

/// The line as netifd and the kernel see it: the network `wan`, and the device with the address, if there is one.
fn line(up: bool, l3_device: Option<&str>, device: Option<(&str, &str)>) -> Snapshot {
    let mut snapshot = table(&device.map(|(_, ip)| ip).into_iter().collect::<Vec<_>>());
    match device {
        Some((name, _)) => snapshot.links[0].name = name.to_owned(),
        None => snapshot.links.clear(),
    }
    // A switch port has the network's name.
    snapshot.links.push(Link { ifindex: 9, name: "wan".to_owned(), up: true });
    let device = l3_device.map(str::to_owned);
    snapshot.networks = vec![Network { name: "wan".to_owned(), up, device, ..Network::default() }];
    snapshot
}

/// What is sent is about an address of this device.
fn on(device: &str, mut action: Action) -> Action {
    if let Action::Send(job) = &mut action {
        job.device = Some(device.to_owned());
    }
    action
}

impl Bench {
    fn of_network() -> Self {
        Self::new(only(record(Some("wan"), None, Manners::default())))
    }

    fn look(&mut self, snapshot: Snapshot) -> Vec<Action> {
        self.tell(Event::Network { snapshot, bell: self.now })
    }

    fn source(&self) -> (Option<String>, String, String) {
        let mut status = self.engine.status(self.now());
        let source = status.records[0].sources.remove(0);
        let reasons = source.rejected.into_iter().map(|rejected| rejected.reason);
        (source.network, source.device, reasons.collect())
    }
}

#[test]
fn a_reconnect_under_a_new_device_name_is_published_as_soon_as_netifd_names_the_device() {
    let mut bench = Bench::of_network();
    assert_eq!(
        bench.look(line(true, Some("pppoe-wan"), Some(("pppoe-wan", A)))),
        [on("pppoe-wan", send(1, A))]
    );
    bench.good(1);
    assert_eq!(bench.look(line(false, Some("pppoe-wan"), None)), []);
    assert_eq!(
        bench.look(line(false, Some("pppoe-wan"), Some(("ppp7", B)))),
        [],
        "nobody said that this is wan"
    );
    let (network, _, reason) = bench.source();
    assert_eq!((network.as_deref(), reason.as_str()), (Some("wan"), "network wan is down"));
    assert_eq!(bench.look(line(true, Some("ppp7"), Some(("ppp7", B)))), [on("ppp7", send(2, B))]);
    assert_eq!(bench.source(), (Some("wan".to_owned()), "ppp7".to_owned(), String::new()));
}

#[test]
fn a_reconnect_under_the_same_name_is_published_before_netifd_has_noticed() {
    let mut bench = Bench::of_network();
    bench.look(line(true, Some("pppoe-wan"), Some(("pppoe-wan", A))));
    bench.good(1);
    bench.look(line(false, Some("pppoe-wan"), None));
    assert_eq!(
        bench.look(line(false, Some("pppoe-wan"), Some(("pppoe-wan", B)))),
        [on("pppoe-wan", send(2, B))]
    );
    bench.good(2);
    assert_eq!(bench.look(line(true, Some("pppoe-wan"), Some(("pppoe-wan", B)))), []);
    assert!(bench.sleeps_for_good());
}

#[test]
fn a_network_that_moves_to_another_device_takes_the_record_with_it() {
    let mut bench = Bench::of_network();
    let both = |l3_device: &str| {
        let mut snapshot = line(true, Some(l3_device), Some(("eth1", A)));
        snapshot.links.push(Link { ifindex: 5, name: "wwan0".to_owned(), up: true });
        snapshot.addresses.push(Address {
            ifindex: 5,
            ip: B.parse().unwrap(),
            ..snapshot.addresses[0].clone()
        });
        snapshot
    };
    assert_eq!(bench.look(both("eth1")), [on("eth1", send(1, A))]);
    bench.good(1);
    assert_eq!(bench.look(both("wwan0")), [on("wwan0", send(2, B))]);
}

#[test]
fn a_network_without_a_device_publishes_nothing_and_waits() {
    let mut bench = Bench::of_network();
    assert_eq!(bench.look(line(false, None, Some(("eth1", A)))), []);
    assert_eq!(bench.source(), (Some("wan".to_owned()), String::new(), "network wan is down".to_owned()));
    assert_eq!(bench.look(line(true, Some("eth1"), Some(("eth1", A)))), [on("eth1", send(1, A))]);
}

#[test]
fn networks_are_in_the_status_with_what_is_left_of_their_prefixes() {
    let mut bench = Bench::of_network();
    let mut snapshot = line(true, Some("eth1"), Some(("eth1", A)));
    let until = |secs| Some(bench.now + Duration::from_secs(secs));
    let (address, length) = ("2001:db8:12::".parse().unwrap(), 56);
    let prefix = Delegated { address, length, preferred_until: until(60), valid_until: None };
    // netifd keeps the old one of a renumbering for ever.
    let expired = Delegated { preferred_until: until(0), valid_until: until(45), ..prefix };
    snapshot.networks[0].prefixes.extend([expired, prefix]);
    bench.look(snapshot);
    assert_eq!(bench.engine.status(bench.now()).networks[0].prefixes.len(), 2);
    bench.pass(Duration::from_secs(45));
    let network = bench.engine.status(bench.now()).networks.remove(0);
    assert_eq!(
        (network.network.as_str(), network.up, network.device.as_deref()),
        ("wan", true, Some("eth1"))
    );
    let [prefix] = &network.prefixes[..] else { panic!("{network:?}") };
    assert_eq!((prefix.prefix.as_str(), prefix.preferred_secs), ("2001:db8:12::/56", Some(15)));
    assert_eq!(prefix.valid_secs, None);
}
