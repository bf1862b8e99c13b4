//! Lines that flap: the end is right, and the provider hardly notices.

use std::time::Duration;

use rustix::process::Signal;

use crate::lab::{flaps, in_namespace, ip, ip_batch, now, tell};
use crate::world::{HOME, World, published};

/// 10,000 flaps take the kernel a second or two, in which the provider's own limit allows some ten requests.
const FEW: usize = 30;

#[test]
fn ten_thousand_flaps_end_right_and_cost_few_requests() {
    in_namespace("storms::ten_thousand_flaps_end_right_and_cost_few_requests", || {
        let world = World::new();
        let agent = world.agent("ipv4 = 'wan0'");
        ip("route add default dev wan0");
        ip_batch(&flaps(10_000));
        ended_right(&world, &agent);
    });
}

#[test]
fn a_storm_that_overruns_the_agent_ends_right_too() {
    in_namespace("storms::a_storm_that_overruns_the_agent_ends_right_too", || {
        let world = World::new();
        let record = world.record("home", HOME, "ipv4 = 'wan0'");
        let agent = crate::agent::Agent::start_with("log_level = 'debug'", &record);
        ip("route add default dev wan0");
        // Asleep for all of the storm: its socket overflows for sure.
        agent.signal(Signal::STOP);
        ip_batch("addr add 203.0.113.99/32 dev wan0\n");
        ip_batch(&flaps(10_000));
        ip_batch("addr del 203.0.113.99/32 dev wan0\n");
        agent.signal(Signal::CONT);
        ended_right(&world, &agent);
        assert!(agent.log().contains("the kernel dropped notifications; its table was read anew"));
        let phantom = "203.0.113.99".parse().unwrap();
        assert!(world.requests().iter().all(|request| !request.update.addresses.contains(&phantom)));
    });
}

#[test]
fn a_device_that_is_made_anew_a_hundred_times_ends_right() {
    in_namespace("storms::a_device_that_is_made_anew_a_hundred_times_ends_right", || {
        let world = World::new();
        let agent = world.agent("ipv4 = 'wan0'");
        ip("route add default dev wan0");
        let session = "link add ppp0 type veth peer name ppp1\nlink set ppp1 up\nlink set ppp0 up\n\
                       addr add 203.0.113.66/32 dev ppp0\nlink del ppp0\n";
        ip_batch(&session.repeat(100));
        ended_right(&world, &agent);
        assert!(world.requests().len() < 3, "devices that no record names cost nothing");
    });
}

/// The last address is published within two seconds of the storm's end; then there is silence.
fn ended_right(world: &World, agent: &crate::agent::Agent) {
    let end = now();
    ip("addr add 203.0.113.10/32 dev wan0");
    ip("route replace default dev wan0");
    published(&world.zone, HOME, "203.0.113.10");
    let late = end.elapsed();
    agent.wait_for("home", |status| status.next_in_ms.is_none() && status.names[0].state == "idle");
    assert!(late < Duration::from_secs(2), "{late:?}");
    let requests = world.requests();
    tell(&format!("{} requests, the last one right after {late:?}", requests.len()));
    assert!(requests.len() <= FEW, "{}", requests.len());
    assert_eq!(requests.last().unwrap().update.addresses[0].to_string(), "203.0.113.10");
    world.nothing_is_sent_after(requests.len(), agent);
}
