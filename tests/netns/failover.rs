//! Several lines for one name: the first usable one, and back to it.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::agent::Agent;
use crate::lab::{in_namespace, ip, ip_batch, tell};
use crate::laboratory::ubus::Ubusd;
use crate::two_lines::{SECOND, second_line};
use crate::world::{HOME, World, dial, published};

const FIRST: &str = "203.0.113.10";

#[test]
fn when_the_first_line_fails_the_second_is_published_at_once_and_the_first_again_after_the_hold_down() {
    in_namespace(
        "failover::when_the_first_line_fails_the_second_is_published_at_once_and_the_first_again_after_the_hold_down",
        || {
            let (world, agent) = world("1s");
            // Its address stays: only the way out is gone.
            ip("route del default dev wan0 metric 10");
            let request = world.published(HOME, SECOND);
            assert_eq!(request.peer.ip().to_string(), SECOND);
            agent.wait_for_rejection("wan0 has no IPv4 route to the world");
            ip("route add default dev wan0 metric 10");
            agent.wait_for_rejection("returned to when it has been usable for 1 s");
            world.published(HOME, FIRST);
            // The whole device goes, as at the end of a PPPoE session.
            ip("link del wan0");
            published(&world.zone, HOME, SECOND);
        },
    );
}

#[test]
fn a_first_line_that_fails_and_returns_1000_times_costs_two_updates() {
    in_namespace("failover::a_first_line_that_fails_and_returns_1000_times_costs_two_updates", || {
        let (world, agent) = world("30s");
        let flap = "route del default dev wan0 metric 10\nroute add default dev wan0 metric 10\n";
        ip("route del default dev wan0 metric 10");
        published(&world.zone, HOME, SECOND);
        ip("route add default dev wan0 metric 10");
        for _ in 0..10 {
            ip_batch(&flap.repeat(100));
            published(&world.zone, HOME, SECOND);
        }
        agent.wait_for_rejection("returned to when it has been usable");
        let sent = world.requests().len();
        tell(&format!("requests after 1,001 failures: {sent}"));
        assert_eq!(sent, 2);
    });
}

#[test]
fn failing_over_and_back_each_time_is_published_each_time() {
    in_namespace("failover::failing_over_and_back_each_time_is_published_each_time", || {
        let (world, _agent) = world("0s");
        for round in 1..=20 {
            ip("route del default dev wan0 metric 10");
            published(&world.zone, HOME, SECOND);
            ip("route add default dev wan0 metric 10");
            published(&world.zone, HOME, FIRST);
            assert_eq!(world.requests().len(), 1 + 2 * round, "no needless update");
        }
    });
}

#[test]
fn a_name_gets_its_placeholder_when_both_lines_are_down_for_long_enough() {
    in_namespace("failover::a_name_gets_its_placeholder_when_both_lines_are_down_for_long_enough", || {
        let world = World::new();
        dial(FIRST);
        second_line();
        let down = "on_down = 'placeholder'\non_down_after = '1s'\nplaceholder = ['198.51.100.99']";
        let agent = world.agent(&format!("ipv4 = 'wan0'\n{down}"));
        published(&world.zone, HOME, FIRST);
        ip("addr del 203.0.113.10/32 dev wan0");
        agent.wait_for("home", |status| status.sources[0].candidate.is_none());
        assert_eq!(world.requests().len(), 1, "it may come back");
        // What is left of the ways out tells the provider.
        ip("route replace default dev wan1");
        published(&world.zone, HOME, "198.51.100.99");
        dial(FIRST);
        published(&world.zone, HOME, FIRST);
        world.nothing_is_sent_after(3, &agent);
    });
}

/// Two lines with a way out each, the first preferred by the kernel too.
fn world(hold_down: &str) -> (World, Agent) {
    let world = World::new();
    ip_batch("addr add 203.0.113.10/32 dev wan0\nroute add default dev wan0 metric 10\n");
    second_line();
    let options = format!("ipv4 = ['wan0', 'wan1']\nhold_down = '{hold_down}'");
    let agent = world.agent(&options);
    published(&world.zone, HOME, FIRST);
    (world, agent)
}

#[test]
fn a_line_that_mwan3_calls_offline_gives_way_although_it_has_address_and_route() {
    in_namespace(
        "failover::a_line_that_mwan3_calls_offline_gives_way_although_it_has_address_and_route",
        || {
            let world = World::new();
            ip_batch("addr add 203.0.113.10/32 dev wan0\nroute add default dev wan0 metric 10\n");
            second_line();
            let network =
                |name: &str, device: &str| json!({ "interface": name, "up": true, "l3_device": device });
            let _ubusd = Ubusd::start(
                Path::new("/var/run/ubus/ubus.sock"),
                &json!([network("wan", "wan0"), network("wanb", "wan1")]),
            );
            // As its trackers write it.
            let say = |network: &str, word: &str| {
                let dir = Path::new("/var/run/mwan3track").join(network);
                fs::create_dir_all(&dir).unwrap();
                fs::write(dir.join("STATUS"), format!("{word}\n")).unwrap();
            };
            say("wan", "online");
            say("wanb", "online");
            let agent = world.agent("ipv4 = ['wan', 'wanb']\nhold_down = '1s'");
            published(&world.zone, HOME, FIRST);
            say("wan", "disconnecting");
            say("wan", "offline");
            published(&world.zone, HOME, SECOND);
            agent.wait_for_rejection("mwan3 says that wan is offline");
            say("wan", "connecting");
            say("wan", "online");
            published(&world.zone, HOME, FIRST);
            world.nothing_is_sent_after(3, &agent);
        },
    );
}
