//! Names of hosts behind the router: a prefix on the LAN, and what tells each host's own part.

use std::fs;
use std::net::{Ipv6Addr, UdpSocket};
use std::path::Path;

use serde_json::{Value, json};

use crate::agent::Agent;
use crate::lab::{in_namespace, ip, ip_batch, sh, within};
use crate::laboratory::ubus::Ubusd;
use crate::world::{HOME, World, dial, published};

const NAS: &str = "nas.example.test";
const CAMERA: &str = "camera.example.test";
const WAN: &str = "203.0.113.10";
/// Of the host in the namespace `host`.
const MAC: &str = "02:00:00:12:34:56";

#[test]
fn when_the_prefix_changes_all_hosts_behind_it_move() {
    in_namespace("lan::when_the_prefix_changes_all_hosts_behind_it_move", || {
        let world = lan("2001:db8:1:2::1/64");
        let hosts = format!("ipv6_host = ['{NAS}=::1234', '{CAMERA}=eui64:{MAC}']");
        let options = format!("ipv6 = 'prefix:lan0'\n{hosts}");
        let agent = Agent::start(&world.record("home", &format!("{NAS}, {CAMERA}"), &options));
        published(&world.zone, NAS, "2001:db8:1:2::1234");
        published(&world.zone, CAMERA, "2001:db8:1:2:0:ff:fe12:3456");
        ip_batch(
            "addr add 2001:db8:7:8::1/64 dev lan0 nodad\naddr change 2001:db8:1:2::1/64 dev lan0 preferred_lft 0\n",
        );
        published(&world.zone, NAS, "2001:db8:7:8::1234");
        published(&world.zone, CAMERA, "2001:db8:7:8:0:ff:fe12:3456");
        ip("addr del 2001:db8:1:2::1/64 dev lan0");
        world.nothing_is_sent_after(4, &agent);
        // No prefix at all: the names keep what they have, and the status says why nothing is published.
        ip("addr del 2001:db8:7:8::1/64 dev lan0");
        agent.wait_for_rejection("lan0 has no IPv6 address");
        world.nothing_is_sent_after(4, &agent);
    });
}

#[test]
fn a_neighbour_is_found_by_its_mac_and_its_lasting_address_goes_before_a_temporary_one() {
    in_namespace(
        "lan::a_neighbour_is_found_by_its_mac_and_its_lasting_address_goes_before_a_temporary_one",
        || {
            let world = lan("2001:db8:1:2::1/64");
            host(&["2001:db8:1:2:8c1f:2:3:4"]);
            let options = format!("ipv6 = 'prefix:lan0'\nipv6_host = 'mac:{MAC}'");
            let agent = Agent::start(&world.record("home", NAS, &options));
            agent.wait_for_rejection("no neighbour");
            speak("2001:db8:1:2:8c1f:2:3:4");
            published(&world.zone, NAS, "2001:db8:1:2:8c1f:2:3:4");
            host(&["2001:db8:1:2:0:ff:fe12:3456"]);
            speak("2001:db8:1:2:0:ff:fe12:3456");
            published(&world.zone, NAS, "2001:db8:1:2:0:ff:fe12:3456");
            // The kernel forgets who is not spoken to.
            ip("neigh flush dev lan0");
            world.nothing_is_sent_after(2, &agent);
        },
    );
}

#[test]
fn a_lease_names_the_host_and_when_it_disappears_the_name_stays() {
    in_namespace("lan::a_lease_names_the_host_and_when_it_disappears_the_name_stays", || {
        let world = lan("2001:db8:1:2::1/64");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("dhcp.leases");
        // As dnsmasq writes it: a new file, renamed onto the old one or written in place.
        let lease =
            |address: &str| format!("duid 00:01\n1790000000 303174 {address} nas 00:01:00:01:2b:11\n");
        let record = world.record("home", NAS, "ipv6 = 'prefix:lan0'\nipv6_host = 'host:nas'");
        let agent = Agent::start_with(&format!("lease_files = ['{}']", file.display()), &record);
        agent.wait_for_rejection("no lease of host:nas");
        fs::write(&file, lease("2001:db8:1:2::d3")).unwrap();
        published(&world.zone, NAS, "2001:db8:1:2::d3");
        let fresh = dir.path().join("fresh");
        fs::write(&fresh, lease("2001:db8:1:2::d4")).unwrap();
        fs::rename(&fresh, &file).unwrap();
        published(&world.zone, NAS, "2001:db8:1:2::d4");
        // The prefix moves, its server has not noticed yet.
        ip_batch("addr del 2001:db8:1:2::1/64 dev lan0\naddr add 2001:db8:7:8::1/64 dev lan0 nodad\n");
        published(&world.zone, NAS, "2001:db8:7:8::d4");
        fs::remove_file(&file).unwrap();
        agent.wait_for_rejection("no lease of host:nas");
        world.nothing_is_sent_after(3, &agent);
    });
}

#[test]
fn an_address_in_a_file_is_published_whenever_the_file_is_replaced() {
    in_namespace("lan::an_address_in_a_file_is_published_whenever_the_file_is_replaced", || {
        let world = World::new();
        dial(WAN);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ip");
        let agent = Agent::start(&world.record("home", HOME, &format!("ipv4 = 'file:{}'", file.display())));
        agent.wait_for_rejection("there is no such file");
        fs::write(&file, "198.51.100.7\n").unwrap();
        published(&world.zone, HOME, "198.51.100.7");
        let fresh = dir.path().join("fresh");
        fs::write(&fresh, "198.51.100.8\n").unwrap();
        fs::rename(&fresh, &file).unwrap();
        published(&world.zone, HOME, "198.51.100.8");
        fs::write(&file, "10.1.2.3").unwrap();
        agent.wait_for_rejection("private");
        fs::remove_file(&file).unwrap();
        agent.wait_for_rejection("there is no such file");
        world.nothing_is_sent_after(2, &agent);
    });
}

#[test]
fn automatic_follows_the_way_to_the_world() {
    in_namespace("lan::automatic_follows_the_way_to_the_world", || {
        let world = lan("2001:db8:1:2::1/64");
        ip("addr add 192.0.2.77/24 dev lan0");
        let agent = world.agent("");
        published(&world.zone, HOME, WAN);
        let status = agent.record("home");
        assert_eq!(status.sources[0].device, "wan0");
        ip("route del default dev wan0");
        agent.wait_for_rejection("no IPv4 route to the world");
        ip("route add default dev wan0");
        agent.wait_for("home", |status| status.sources[0].candidate.is_some());
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn behind_carrier_grade_nat_the_status_says_what_to_do() {
    in_namespace("lan::behind_carrier_grade_nat_the_status_says_what_to_do", || {
        let world = World::new();
        dial("100.64.3.4");
        let agent = world.agent("ipv4 = 'wan0'");
        let status = agent.wait_for("home", |status| status.sources[0].nat.is_some());
        let words = status.sources[0].nat.clone().unwrap();
        assert!(words.contains("carrier-grade NAT") && words.contains("publish IPv6 only"), "{words}");
        assert_eq!(world.requests().len(), 0);
    });
}

/// A line, and a LAN with this address of ours and the namespace `host` in it.
fn lan(address: &str) -> World {
    let world = World::new();
    dial(WAN);
    ip("netns add host");
    ip("link add lan0 type veth peer name eth0 netns host");
    sh("echo 1 > /proc/sys/net/ipv6/conf/lan0/addr_gen_mode");
    ip(&format!("-n host link set eth0 address {MAC} up"));
    ip("link set lan0 up");
    ip(&format!("addr add {address} dev lan0 nodad"));
    world
}

/// Gives the host these addresses.
fn host(addresses: &[&str]) {
    for address in addresses {
        ip(&format!("-n host addr add {address}/64 dev eth0 nodad"));
    }
}

/// The host speaks from this address.
fn speak(from: &str) {
    let from: Ipv6Addr = from.parse().unwrap();
    within("host", move || {
        let socket = UdpSocket::bind((from, 0)).unwrap();
        socket.send_to(b"hello", "[2001:db8:1:2::1]:9").unwrap();
    });
}

#[test]
fn of_a_delegated_prefix_the_record_counts_the_subnet_and_a_withdrawn_one_is_not_published() {
    in_namespace(
        "lan::of_a_delegated_prefix_the_record_counts_the_subnet_and_a_withdrawn_one_is_not_published",
        || {
            let world = World::new();
            dial(WAN);
            let networks = |prefixes: Value| json!([{ "interface": "wan6", "up": true, "l3_device": "wan0", "ipv6-prefix": prefixes }]);
            let prefix = |address: &str, preferred: u32, valid: u32| json!({ "address": address, "mask": 56, "preferred": preferred, "valid": valid });
            let first = json!([prefix("2001:db8:1:200::", 1800, 3600)]);
            let ubusd = Ubusd::start(Path::new("/var/run/ubus/ubus.sock"), &networks(first));
            let options = "ipv6 = 'prefix:wan6'\nipv6_subnet = 3\nipv6_host = '::7'";
            let agent = Agent::start(&world.record("home", NAS, options));
            published(&world.zone, NAS, "2001:db8:1:203::7");
            // Renumbered: both are there for a while.
            let both = json!([prefix("2001:db8:1:200::", 0, 600), prefix("2001:db8:9:900::", 1800, 3600)]);
            ubusd.networks(&networks(both));
            published(&world.zone, NAS, "2001:db8:9:903::7");
            ubusd.networks(&networks(json!([])));
            agent.wait_for("home", |status| status.sources[0].candidate.is_none());
            world.nothing_is_sent_after(2, &agent);
        },
    );
}
