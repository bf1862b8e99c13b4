use std::net::IpAddr;

use proptest::prelude::*;

use super::{Address, Allow, Choice, Family, Link, Network, Scope, Snapshot, choose};

const WAN: u32 = 7;

fn address(ip: &str) -> Address {
    Address {
        ifindex: WAN,
        ip: ip.parse().unwrap(),
        prefix_len: 64,
        scope: Scope::Universe,
        tentative: false,
        dad_failed: false,
        deprecated: false,
        temporary: false,
        secondary: false,
        created: 100,
    }
}

fn table(addresses: Vec<Address>) -> Snapshot {
    let link = |ifindex, name: &str, up| Link { ifindex, name: name.to_owned(), up };
    let links = vec![link(1, "lo", true), link(WAN, "wan0", true), link(9, "wan1", false)];
    Snapshot { links, addresses, ..Snapshot::default() }
}

fn choice(family: Family, addresses: Vec<Address>, current: Option<&str>) -> Choice {
    choose("wan0", family, Allow::default(), &table(addresses), current.map(|ip| ip.parse().unwrap()))
}

fn chosen(family: Family, addresses: Vec<Address>, current: Option<&str>) -> Option<String> {
    choice(family, addresses, current).address.map(|ip| ip.to_string())
}

fn reason(ip: &str) -> String {
    let family = Family::of(ip.parse().unwrap());
    let choice = choice(family, vec![address(ip)], None);
    choice.rejected.into_iter().map(|rejected| rejected.reason).collect()
}

#[test]
fn what_is_not_public_is_rejected_with_its_reason() {
    for (ip, word) in [
        ("10.64.64.64", "private"),
        ("172.31.255.1", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "carrier NAT"),
        ("100.127.255.254", "carrier NAT"),
        ("203.0.113.9", "documentation"),
        ("192.0.2.1", "documentation"),
        ("198.51.100.1", "documentation"),
        ("127.0.0.1", "loopback"),
        ("169.254.1.1", "link-local"),
        ("0.0.0.0", "unspecified"),
        ("192.0.0.8", "protocol assignment"),
        ("198.19.0.1", "benchmark"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "multicast"),
        ("fe80::1", "link-local"),
        ("fd00::1", "unique local"),
        ("2001:db8::1", "documentation"),
        ("3fff:fff::1", "documentation"),
        ("2001::1", "Teredo"),
        ("2002:5102:304::1", "6to4"),
        ("::1", "loopback"),
        ("ff02::1", "not global unicast"),
        ("64:ff9b::102:304", "not global unicast"),
    ] {
        assert!(reason(ip).contains(word), "{ip}: {}", reason(ip));
    }
    for ip in ["81.2.69.142", "100.63.255.255", "100.128.0.1", "2a00:1450::1", "2001:470::1", "3fff:1000::1"]
    {
        assert_eq!(reason(ip), "", "{ip} is public");
    }
}

#[test]
fn a_record_may_allow_what_is_not_public() {
    let allow = Allow { private: true, cgnat: true, documentation: true, ula: true, temporary: true };
    for ip in ["192.168.1.1", "100.64.0.1", "203.0.113.9", "fd00::1", "2001:db8::1"] {
        let family = Family::of(ip.parse().unwrap());
        let choice = choose("wan0", family, allow, &table(vec![address(ip)]), None);
        assert_eq!(choice.address, Some(ip.parse().unwrap()));
    }
    let temporary = Address { temporary: true, ..address("2a00::1") };
    assert!(choose("wan0", Family::V6, allow, &table(vec![temporary]), None).address.is_some());
}

#[test]
fn an_ipv6_address_in_the_making_or_on_its_way_out_is_not_published() {
    let good = address("2a00:1::1");
    for bad in [
        Address { tentative: true, ..address("2a00:2::1") },
        Address { dad_failed: true, ..address("2a00:2::1") },
        Address { deprecated: true, ..address("2a00:2::1") },
        Address { temporary: true, ..address("2a00:2::1") },
    ] {
        let bad = Address { created: 999, ..bad };
        assert_eq!(chosen(Family::V6, vec![bad.clone(), good.clone()], None).as_deref(), Some("2a00:1::1"));
        assert_eq!(chosen(Family::V6, vec![bad], None), None);
    }
}

#[test]
fn a_deprecated_ipv4_address_still_counts_but_a_fresh_one_is_preferred() {
    let old = Address { deprecated: true, ..address("81.2.0.1") };
    assert_eq!(chosen(Family::V4, vec![old.clone()], None).as_deref(), Some("81.2.0.1"));
    assert_eq!(
        chosen(Family::V4, vec![old, address("81.2.0.2")], Some("81.2.0.1")).as_deref(),
        Some("81.2.0.2")
    );
}

#[test]
fn of_two_ipv4_addresses_the_published_one_stays_and_a_secondary_one_waits_for_its_promotion() {
    let (one, two) = (address("81.2.0.1"), Address { created: 200, ..address("81.3.0.1") });
    assert_eq!(
        chosen(Family::V4, vec![one.clone(), two.clone()], Some("81.2.0.1")).as_deref(),
        Some("81.2.0.1")
    );
    assert_eq!(chosen(Family::V4, vec![one.clone(), two], None).as_deref(), Some("81.3.0.1"));
    let secondary = Address { secondary: true, created: 200, ..address("81.2.0.2") };
    assert_eq!(chosen(Family::V4, vec![one, secondary], Some("81.2.0.2")).as_deref(), Some("81.2.0.1"));
}

#[test]
fn the_newest_ipv6_prefix_wins_even_if_the_old_one_is_not_deprecated_and_a_sibling_does_not() {
    let old = address("2a00:1::1");
    let new = Address { created: 200, ..address("2a00:2::1") };
    assert_eq!(chosen(Family::V6, vec![old.clone(), new], Some("2a00:1::1")).as_deref(), Some("2a00:2::1"));
    let sibling = Address { created: 200, ..address("2a00:1::2") };
    assert_eq!(chosen(Family::V6, vec![old, sibling], Some("2a00:1::1")).as_deref(), Some("2a00:1::1"));
}

#[test]
fn the_age_of_an_address_is_right_when_the_kernels_stamp_has_wrapped() {
    let old = Address { created: u32::MAX - 50, ..address("2a00:1::1") };
    let new = Address { created: 50, ..address("2a00:2::1") };
    assert_eq!(chosen(Family::V6, vec![old, new], None).as_deref(), Some("2a00:2::1"));
}

#[test]
fn a_device_that_is_down_missing_or_bare_says_so() {
    let snapshot = table(vec![]);
    let why = |device| choose(device, Family::V4, Allow::default(), &snapshot, None).why_none();
    assert_eq!(why("wan0"), "wan0 has no IPv4 address");
    assert_eq!(why("wan1"), "wan1 is down");
    assert_eq!(why("ppp0"), "there is no device ppp0");
}

fn network(name: &str, up: bool, device: Option<&str>) -> Network {
    Network { name: name.to_owned(), up, device: device.map(str::to_owned), ..Network::default() }
}

/// What `name` offers among these networks, on `wan0` with an address and `wan1` without a line.
fn offered(name: &str, networks: Vec<Network>) -> Choice {
    let snapshot = Snapshot { networks, ..table(vec![address("81.2.0.1")]) };
    choose(name, Family::V4, Allow::default(), &snapshot, None)
}

#[test]
fn a_network_wins_over_a_device_of_its_name() {
    // The port `wan1` of a switch under the network `wan1`, which is on a PPPoE line.
    let choice = offered("wan1", vec![network("wan1", true, Some("wan0"))]);
    assert_eq!(choice.address, Some("81.2.0.1".parse().unwrap()));
    assert_eq!((choice.network.as_deref(), choice.device.as_deref()), (Some("wan1"), Some("wan0")));
    let choice = offered("wan0", vec![network("wan0", true, Some("wan1")), network("lan", true, None)]);
    assert_eq!((choice.address, choice.why_none().as_str()), (None, "wan1 is down"));
    // Without such a network it is the device.
    let choice = offered("wan0", vec![network("lan", true, None)]);
    assert_eq!((choice.address.is_some(), choice.network), (true, None));
}

#[test]
fn a_network_that_is_down_or_without_a_device_says_so() {
    let why = |name, networks| offered(name, networks).why_none();
    assert_eq!(why("wan", vec![network("wan", false, None)]), "network wan is down");
    assert_eq!(why("wan", vec![network("wan", false, Some("wan1"))]), "network wan is down");
    assert_eq!(why("wan", vec![network("wan", false, Some("ppp0"))]), "network wan is down");
    assert_eq!(why("wan", vec![network("wan", true, None)]), "network wan has no device");
    assert_eq!(why("wan", vec![network("wan", true, Some("ppp0"))]), "there is no device ppp0");
    let others = vec![network("lan", true, None), network("wan6", true, None)];
    assert_eq!(why("wan", others), "there is no network or device wan; networks are lan, wan6");
}

#[test]
fn an_address_counts_before_netifd_says_that_its_network_is_up() {
    let choice = offered("wan", vec![network("wan", false, Some("wan0"))]);
    assert_eq!(choice.address, Some("81.2.0.1".parse().unwrap()));
}

#[test]
fn an_address_of_narrow_scope_is_not_published() {
    let narrow = Address { scope: Scope::Host, ..address("81.2.0.1") };
    assert_eq!(chosen(Family::V4, vec![narrow], None), None);
}

fn any_address() -> impl Strategy<Value = Address> {
    let ip = prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
        (0x2000_u128..0x4000, any::<u8>())
            .prop_map(|(high, low)| IpAddr::V6(((high << 112) | u128::from(low)).into())),
    ];
    (ip, any::<[bool; 5]>(), any::<u32>()).prop_map(|(ip, flags, created)| {
        let [tentative, dad_failed, deprecated, temporary, secondary] = flags;
        let (temporary, secondary) = (temporary && ip.is_ipv6(), secondary && ip.is_ipv4());
        Address { ip, tentative, dad_failed, deprecated, temporary, secondary, created, ..address("::1") }
    })
}

proptest! {
    #[test]
    fn whatever_is_on_the_device_the_choice_is_one_of_it_and_every_other_has_a_reason(
        addresses in prop::collection::vec(any_address(), 0..6),
    ) {
        for family in [Family::V4, Family::V6] {
            let choice = choose("wan0", family, Allow::default(), &table(addresses.clone()), None);
            let mut told: Vec<IpAddr> = choice.rejected.iter().filter_map(|r| r.address).chain(choice.address).collect();
            let mut there: Vec<IpAddr> = addresses.iter().map(|a| a.ip).filter(|ip| Family::of(*ip) == family).collect();
            told.sort();
            told.dedup();
            there.sort();
            there.dedup();
            prop_assert_eq!(told, there);
            if let Some(ip) = choice.address {
                let good = addresses.iter().any(|a| a.ip == ip && !a.tentative && !a.dad_failed && !a.temporary);
                prop_assert!(good);
            }
        }
    }

    #[test]
    fn the_order_in_which_the_kernel_lists_addresses_does_not_matter(
        mut addresses in prop::collection::vec(any_address(), 2..4),
    ) {
        // Stamps within half the range of the counter: beyond it "newer" has no meaning.
        addresses.iter_mut().for_each(|a| a.created %= 1 << 30);
        for family in [Family::V4, Family::V6] {
            let first = choose("wan0", family, Allow::default(), &table(addresses.clone()), None).address;
            let mut reversed = addresses.clone();
            reversed.reverse();
            prop_assert_eq!(first, choose("wan0", family, Allow::default(), &table(reversed), None).address);
        }
    }

    #[test]
    fn a_choice_that_is_kept_is_chosen_again(addresses in prop::collection::vec(any_address(), 1..6)) {
        for family in [Family::V4, Family::V6] {
            let first = choose("wan0", family, Allow::default(), &table(addresses.clone()), None).address;
            prop_assert_eq!(first, choose("wan0", family, Allow::default(), &table(addresses.clone()), first).address);
        }
    }
}
