use std::time::Duration;

use super::*;
use crate::engine::address::{Link, Scope};
use crate::engine::lan::Neighbour;

const LAN: u32 = 5;
const MAC: &str = "00:11:32:12:34:56";
const NOW: Instant = Instant::since_boot(Duration::from_secs(1000));

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn on_lan(addresses: &[&str]) -> Snapshot {
    let address = |text: &&str| {
        let (address, length) = text.split_once('/').unwrap();
        Address {
            ifindex: LAN,
            ip: address.parse().unwrap(),
            prefix_len: length.parse().unwrap(),
            scope: Scope::Universe,
            tentative: false,
            dad_failed: false,
            deprecated: false,
            temporary: false,
            secondary: false,
            created: 1,
        }
    };
    let links = vec![Link { ifindex: LAN, name: "br-lan".to_owned(), up: true }];
    Snapshot { links, addresses: addresses.iter().map(address).collect(), ..Snapshot::default() }
}

fn behind<'a>(name: &'a str, host: Option<&'a Host>) -> Behind<'a> {
    Behind { name, subnet: 0, host, allow: Allow::default(), now: NOW, current: None }
}

fn chosen(snapshot: &Snapshot, host: &str) -> Result<String, String> {
    let host = Host::read(host).unwrap();
    let choice = behind("br-lan", Some(&host)).choose(snapshot);
    choice.address.map(|ip| ip.to_string()).ok_or_else(|| choice.why_none())
}

#[test]
fn the_host_part_goes_behind_the_prefix_of_the_routers_own_address() {
    let lan = on_lan(&["fd00:1::1/64", "2a00:1:2:3::1/64"]);
    assert_eq!(chosen(&lan, "::1234").unwrap(), "2a00:1:2:3::1234");
    assert_eq!(chosen(&lan, &format!("eui64:{MAC}")).unwrap(), "2a00:1:2:3:211:32ff:fe12:3456");
    assert!(chosen(&lan, "1::1234").unwrap_err().contains("longer than 2a00:1:2:3::/64"));
    assert!(chosen(&on_lan(&["fd00:1::1/64"]), "::1").unwrap_err().contains("unique local"));
    assert!(chosen(&on_lan(&[]), "::1").unwrap_err().contains("br-lan has no IPv6 address"));
    assert!(chosen(&on_lan(&["2a00:1::1/128"]), "::1").unwrap_err().contains("has no prefix"));
}

#[test]
fn a_prefix_that_is_withdrawn_gives_way_to_the_new_one() {
    let mut lan = on_lan(&["2a00:1::1/64", "2a00:2::1/64"]);
    lan.addresses[0].deprecated = true;
    assert_eq!(chosen(&lan, "::7").unwrap(), "2a00:2::7");
    lan.addresses[1].deprecated = true;
    assert!(chosen(&lan, "::7").unwrap_err().contains("deprecated"));
    // Both are preferred for a moment: the one that was added later.
    let mut both = on_lan(&["2a00:1::1/64", "2a00:2::1/64"]);
    both.addresses[0].created = 9;
    assert_eq!(chosen(&both, "::7").unwrap(), "2a00:1::7");
}

fn delegated(prefixes: &[(&str, u8, Option<u64>, Option<u64>)]) -> Snapshot {
    let until = |secs: &Option<u64>| secs.map(|secs| NOW + Duration::from_secs(secs));
    let prefix = |(address, length, preferred, valid): &(&str, u8, Option<u64>, Option<u64>)| Delegated {
        address: ip(address),
        length: *length,
        preferred_until: until(preferred),
        valid_until: until(valid),
    };
    let network = Network {
        name: "wan6".to_owned(),
        up: true,
        device: Some("pppoe-wan".to_owned()),
        prefixes: prefixes.iter().map(prefix).collect(),
        assignments: Vec::new(),
    };
    Snapshot { networks: vec![network], ..Snapshot::default() }
}

#[test]
fn of_a_delegated_prefix_the_record_names_the_subnet() {
    let snapshot = delegated(&[("2a00:1:2:300::", 56, Some(100), Some(200))]);
    let host = Host::read("::7").unwrap();
    let choice = |subnet| Behind { subnet, ..behind("wan6", Some(&host)) }.choose(&snapshot);
    assert_eq!(choice(0).address, Some(ip("2a00:1:2:300::7").into()));
    assert_eq!(choice(255).address, Some(ip("2a00:1:2:3ff::7").into()));
    assert!(choice(256).why_none().contains("2a00:1:2:300::/56 has no subnet 256"));
    let lan = on_lan(&["2a00:1:2:3::1/64"]);
    assert!(
        Behind { subnet: 1, ..behind("br-lan", Some(&host)) }.choose(&lan).why_none().contains("no subnet 1")
    );
}

#[test]
fn of_several_delegated_prefixes_the_one_that_lasts_longest_is_taken() {
    let host = Host::read("::7").unwrap();
    let choose = |snapshot: &Snapshot| behind("wan6", Some(&host)).choose(snapshot);
    let old_and_new =
        delegated(&[("2a00:1::", 56, Some(0), Some(200)), ("2a00:2::", 56, Some(100), Some(150))]);
    assert_eq!(choose(&old_and_new).address, Some(ip("2a00:2::7").into()));
    let mut over = old_and_new;
    over.networks[0].prefixes.iter_mut().for_each(|prefix| prefix.valid_until = Some(NOW));
    assert!(choose(&over).why_none().contains("2a00:1:: is no longer valid"));
    let ula = delegated(&[("fd00:1::", 48, None, None)]);
    assert!(choose(&ula).why_none().contains("unique local"));
}

#[test]
fn without_a_host_part_the_prefix_itself_is_published() {
    let choice = behind("wan6", None).choose(&delegated(&[("2a00:1:2:300::", 56, None, None)]));
    assert_eq!(choice.address, Some(ip("2a00:1:2:300::").into()));
    assert_eq!(choice.prefix.unwrap().to_string(), "2a00:1:2:300::/56");
    let choice = behind("br-lan", None).choose(&on_lan(&["2a00:1:2:3::1/64"]));
    assert_eq!(choice.prefix.unwrap().to_string(), "2a00:1:2:3::/64");
}

#[test]
fn of_a_neighbours_addresses_the_lasting_one_is_published() {
    let mac = Mac::read(MAC).unwrap();
    let neighbour = |address: &str| Neighbour { ifindex: LAN, ip: ip(address), mac };
    let mut lan = on_lan(&["2a00:1:2:3::1/64"]);
    let host = format!("mac:{MAC}");
    assert!(chosen(&lan, &host).unwrap_err().contains(MAC));
    lan.neighbours = vec![neighbour("fe80::1"), neighbour("2a00:9::5"), neighbour("2a00:1:2:3:8c1f:1:2:3")];
    assert_eq!(chosen(&lan, &host).unwrap(), "2a00:1:2:3:8c1f:1:2:3");
    lan.neighbours.push(neighbour("2a00:1:2:3::17"));
    assert_eq!(chosen(&lan, &host).unwrap(), "2a00:1:2:3::17", "given by hand or by DHCPv6");
    lan.neighbours.push(neighbour("2a00:1:2:3:211:32ff:fe12:3456"));
    assert_eq!(chosen(&lan, &host).unwrap(), "2a00:1:2:3:211:32ff:fe12:3456", "made of the MAC");
}

#[test]
fn a_neighbour_keeps_its_address_when_the_kernel_forgets_it_but_not_over_a_new_prefix() {
    let host = Host::read(&format!("mac:{MAC}")).unwrap();
    let current = Some(ip("2a00:1:2:3::17").into());
    let at = |lan: &str| Behind { current, ..behind("br-lan", Some(&host)) }.choose(&on_lan(&[lan])).address;
    assert_eq!(at("2a00:1:2:3::1/64"), current);
    assert_eq!(at("2a00:1:2:4::1/64"), None);
}

#[test]
fn a_lease_gives_the_host_part_even_before_its_server_knows_the_new_prefix() {
    let mut lan = on_lan(&["2a00:2::1/64"]);
    let lease = |addresses: &[&str]| Lease {
        host: Some("nas".to_owned()),
        duid: "0001ab".to_owned(),
        addresses: addresses.iter().map(|address| ip(address)).collect(),
    };
    assert!(chosen(&lan, "host:nas").unwrap_err().contains("no lease of host:nas"));
    lan.leases = vec![lease(&["2a00:1::d3"])];
    assert_eq!(chosen(&lan, "host:NAS").unwrap(), "2a00:2::d3");
    lan.leases = vec![lease(&["2a00:1::d3", "2a00:2::d4"])];
    assert_eq!(chosen(&lan, "duid:00:01:ab").unwrap(), "2a00:2::d4");
    assert!(chosen(&lan, "host:camera").is_err());
}
