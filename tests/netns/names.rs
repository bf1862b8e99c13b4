//! Families and names that share a request, and those that must not.

use std::net::IpAddr;

use crate::lab::{in_namespace, ip_batch};
use crate::world::{HOME, World, published};

const V4: &str = "203.0.113.10";
const V6: &str = "2001:db8:1::7";
const BOTH: &str = "addr add 203.0.113.10/32 dev wan0\naddr add 2001:db8:1::7/64 dev wan0 nodad\n\
                    route replace default dev wan0\n";

#[test]
fn a_record_with_ipv6_only_never_mentions_ipv4() {
    in_namespace("names::a_record_with_ipv6_only_never_mentions_ipv4", || {
        let world = World::new();
        ip_batch(BOTH);
        let agent = world.agent("ipv6 = 'wan0'");
        let request = world.published(HOME, V6);
        assert_eq!(request.update.addresses, [V6.parse::<IpAddr>().unwrap()]);
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn both_families_travel_in_one_request() {
    in_namespace("names::both_families_travel_in_one_request", || {
        let world = World::new();
        ip_batch(BOTH);
        let agent = world.agent("ipv4 = 'wan0'\nipv6 = 'wan0'");
        let request = world.published(HOME, V6);
        assert_eq!(request.update.addresses, [V4, V6].map(|ip| ip.parse::<IpAddr>().unwrap()));
        world.nothing_is_sent_after(1, &agent);
        assert_eq!(agent.record("home").names.len(), 2);
        // One of them changes: the other one is not repeated.
        ip_batch("addr add 2001:db8:2::7/64 dev wan0 nodad\n");
        let request = world.published(HOME, "2001:db8:2::7");
        assert_eq!(request.update.addresses, ["2001:db8:2::7".parse::<IpAddr>().unwrap()]);
        world.nothing_is_sent_after(2, &agent);
    });
}

#[test]
fn several_names_travel_in_one_request() {
    in_namespace("names::several_names_travel_in_one_request", || {
        let world = World::new();
        ip_batch(BOTH);
        let names = ["home.example.test", "nas.example.test", "cam.example.test"];
        let record = world.record("home", &names.join(", "), "ipv4 = 'wan0'");
        let agent = crate::agent::Agent::start(&record);
        let request = world.published(names[2], V4);
        assert_eq!(request.update.names, names);
        names.iter().for_each(|name| published(&world.zone, name, V4));
        world.nothing_is_sent_after(1, &agent);
    });
}
