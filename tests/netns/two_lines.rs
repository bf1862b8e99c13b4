//! Two WAN devices: each record follows its own.

use std::time::Duration;

use crate::agent::Agent;
use crate::lab::{in_namespace, ip, ip_batch, sh};
use crate::world::{HOME, World, dial, ip_isp, published};

const OFFICE: &str = "office.example.test";
const FIRST: &str = "203.0.113.10";
/// The address of the second line.
pub(crate) const SECOND: &str = "192.0.2.20";

#[test]
fn each_of_two_records_follows_its_own_device() {
    in_namespace("two_lines::each_of_two_records_follows_its_own_device", || {
        let world = two_lines();
        let home = world.record("home", HOME, "ipv4 = 'wan0'");
        let agent = Agent::start(&(home + &world.record("office", OFFICE, "ipv4 = 'wan1'")));
        published(&world.zone, HOME, FIRST);
        published(&world.zone, OFFICE, SECOND);
        world.nothing_is_sent_after(2, &agent);
        ip_batch("addr add 192.0.2.21/32 dev wan1\naddr del 192.0.2.20/32 dev wan1\n");
        let request = world.published(OFFICE, "192.0.2.21");
        assert_eq!(request.update.names, [OFFICE]);
        world.nothing_is_sent_after(3, &agent);
        // The other line dies: this one is published through what is left.
        ip("link del wan1");
        agent.wait_for("office", |status| status.sources[0].candidate.is_none());
        ip_batch("addr add 203.0.113.11/32 dev wan0\naddr del 203.0.113.10/32 dev wan0\n");
        ip("route replace default dev wan0");
        world.published(HOME, "203.0.113.11");
        world.nothing_is_sent_after(4, &agent);
    });
}

#[test]
fn the_families_of_one_record_may_come_from_different_devices() {
    in_namespace("two_lines::the_families_of_one_record_may_come_from_different_devices", || {
        let world = two_lines();
        ip("addr add 2001:db8:1::7/64 dev wan0 nodad");
        ip("addr add 2001:db8:2::7/64 dev wan1 nodad");
        let agent = world.agent("ipv4 = 'wan0'\nipv6 = 'wan1'");
        published(&world.zone, HOME, FIRST);
        published(&world.zone, HOME, "2001:db8:2::7");
        world.nothing_is_sent_after(1, &agent);
        ip("addr del 2001:db8:1::7/64 dev wan0");
        ip("addr del 192.0.2.20/32 dev wan1");
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn requests_leave_through_the_device_that_the_record_binds() {
    in_namespace("two_lines::requests_leave_through_the_device_that_the_record_binds", || {
        let world = two_lines();
        let agent = world.agent("ipv4 = 'wan0'\nbind = 'wan1'");
        let request = world.published(HOME, FIRST);
        assert_eq!(
            request.peer.ip().to_string(),
            SECOND,
            "the route leads through wan0, the record does not"
        );
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn a_bound_device_that_is_not_there_is_waited_for() {
    in_namespace("two_lines::a_bound_device_that_is_not_there_is_waited_for", || {
        let world = World::new();
        dial(FIRST);
        let agent = world.agent("ipv4 = 'wan0'\nbind = 'wan1'");
        let status = agent.wait_for("home", |status| status.next_in_ms > Some(100));
        assert!(status.last_answer.unwrap().contains("device wan1"));
        assert_eq!(world.requests().len(), 0);
        second_line();
        // While the device is up but has no address yet, Linux takes everything for on-link there and lends the other
        // device's address: an attempt that falls into this gap is lost, and gets a fresh start after a second.
        assert!(world.provider.wait_for(Duration::from_secs(5), |requests| !requests.is_empty()));
        let request = world.published(HOME, FIRST);
        assert_eq!(request.peer.ip().to_string(), SECOND);
        world.nothing_is_sent_after(1, &agent);
    });
}

fn two_lines() -> World {
    let world = World::new();
    dial(FIRST);
    second_line();
    world
}

/// `wan1` with an address, and a way out that the kernel would not choose.
pub(crate) fn second_line() {
    ip("link add wan1 type veth peer name isp1 netns isp");
    sh("echo 1 > /proc/sys/net/ipv6/conf/wan1/addr_gen_mode");
    ip_isp("link set isp1 up\nroute replace 192.0.2.0/24 dev isp1\n");
    ip_batch("link set wan1 up\naddr add 192.0.2.20/32 dev wan1\nroute add default dev wan1 metric 100\n");
}
