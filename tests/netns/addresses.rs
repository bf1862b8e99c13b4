//! From an IPv4 address on a device to a request: the whole agent.

use std::time::Duration;

use crate::lab::{in_namespace, ip, ip_batch, now};
use crate::laboratory::fault::Mode;
use crate::world::{HOME, SOON, World, at_once, dial, ip_isp, line, published, renumber};

const A: &str = "203.0.113.10";
const B: &str = "203.0.113.11";

#[test]
fn an_address_that_is_there_before_the_agent_is_published_at_its_start() {
    in_namespace("addresses::an_address_that_is_there_before_the_agent_is_published_at_its_start", || {
        let world = World::new();
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        let request = world.published(HOME, A);
        assert_eq!(request.target, format!("/nic/update?hostname={HOME}&myip={A}"));
        assert!(request.user_agent.starts_with("wanbeacon/"), "{}", request.user_agent);
        let status = agent.wait_for_state("home", "idle");
        assert_eq!(status.names[0].published, Some(A.parse().unwrap()));
        assert!(status.names[0].since.is_some() && status.event_to_answer_ms.is_some());
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn a_device_may_come_long_after_the_agent() {
    in_namespace("addresses::a_device_may_come_long_after_the_agent", || {
        let world = World::new();
        ip("link del wan0");
        let agent = world.agent("ipv4 = 'wan0'");
        agent.wait_for_rejection("there is no device wan0");
        line();
        dial(A);
        world.published(HOME, A);
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn a_renumbering_in_place_is_published_at_once() {
    in_namespace("addresses::a_renumbering_in_place_is_published_at_once", || {
        let world = World::new();
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        let mut delays = Vec::new();
        for (old, new) in [(A, B), (B, A), (A, B)] {
            agent.wait_for_state("home", "idle");
            let ready = renumber(old, new);
            delays.push(world.published(HOME, new).connected - ready);
        }
        at_once(delays);
        world.nothing_is_sent_after(4, &agent);
        assert!(agent.log().contains("home: home.example.test published as 203.0.113.11, "));
    });
}

#[test]
fn a_device_that_is_made_anew_with_another_ifindex_is_followed_by_name() {
    in_namespace("addresses::a_device_that_is_made_anew_with_another_ifindex_is_followed_by_name", || {
        let world = World::new();
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        ip("link del wan0");
        agent.wait_for_rejection("there is no device wan0");
        line();
        let ready = dial(B);
        at_once(vec![world.published(HOME, B).connected - ready]);
        // The same address again on yet another device: nothing to say.
        agent.wait_for_state("home", "idle");
        ip("link del wan0");
        agent.wait_for_rejection("there is no device wan0");
        line();
        dial(B);
        world.nothing_is_sent_after(2, &agent);
        assert_eq!(agent.record("home").sources[0].candidate, Some(B.parse().unwrap()));
    });
}

#[test]
fn an_address_before_its_route_is_published_the_moment_the_route_comes() {
    in_namespace("addresses::an_address_before_its_route_is_published_the_moment_the_route_comes", || {
        let world = World::new();
        let agent = world.agent("ipv4 = 'wan0'");
        ip("addr add 203.0.113.10/32 dev wan0");
        // So patient already that the request below can only be the route's doing.
        let status = agent.wait_for("home", |status| status.next_in_ms > Some(1500));
        assert_eq!(status.names[0].state, "waiting");
        assert!(status.last_answer.unwrap().contains("unreachable"));
        assert_eq!(world.provider.connections(), 0);
        let ready = now();
        ip("route add default dev wan0");
        at_once(vec![world.published(HOME, A).connected - ready]);
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn a_route_before_its_address_is_published_the_moment_the_address_comes() {
    in_namespace("addresses::a_route_before_its_address_is_published_the_moment_the_address_comes", || {
        let world = World::new();
        ip("route add default dev wan0");
        let agent = world.agent("ipv4 = 'wan0'");
        agent.wait_for_rejection("wan0 has no IPv4 address");
        let ready = now();
        ip("addr add 203.0.113.10/32 dev wan0");
        at_once(vec![world.published(HOME, A).connected - ready]);
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn of_two_addresses_one_is_published_and_the_other_when_it_goes() {
    in_namespace("addresses::of_two_addresses_one_is_published_and_the_other_when_it_goes", || {
        let world = World::new();
        let agent = world.agent("ipv4 = 'wan0'");
        ip_batch("addr add 203.0.113.10/32 dev wan0\naddr add 203.0.113.11/32 dev wan0\n");
        ip("route add default dev wan0");
        let first = agent.wait_for_state("home", "idle").sources.remove(0).candidate;
        let status = agent.wait_for("home", |status| status.names[0].published.is_some());
        assert_eq!(status.names[0].published, first, "no wavering between equals");
        let (first, second) = if first == Some(A.parse().unwrap()) { (A, B) } else { (B, A) };
        assert!(status.sources[0].rejected[0].reason.contains(&format!("{first} is preferred")));
        let before = world.requests().len();
        ip("addr add 203.0.113.12/32 dev wan0");
        ip("addr del 203.0.113.12/32 dev wan0");
        world.nothing_is_sent_after(before, &agent);
        ip(&format!("addr del {first}/32 dev wan0"));
        ip("route replace default dev wan0");
        world.published(HOME, second);
        world.nothing_is_sent_after(before + 1, &agent);
    });
}

#[test]
fn of_a_point_to_point_link_our_end_is_published_never_the_peer() {
    in_namespace("addresses::of_a_point_to_point_link_our_end_is_published_never_the_peer", || {
        let world = World::new();
        ip_isp("addr add 192.0.2.1/32 dev isp0\n");
        let agent = world.agent("ipv4 = 'wan0'");
        ip("addr add 203.0.113.10 peer 192.0.2.1/32 dev wan0");
        ip("route add default dev wan0");
        let request = world.published(HOME, A);
        assert_eq!(request.update.addresses, [A.parse::<std::net::IpAddr>().unwrap()]);
        world.nothing_is_sent_after(1, &agent);
        // Another peer is no other address.
        ip_batch(
            "addr add 203.0.113.10 peer 192.0.2.9/32 dev wan0\naddr del 203.0.113.10 peer 192.0.2.1/32 dev wan0\n",
        );
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn behind_carrier_nat_or_another_router_nothing_is_sent_and_the_status_says_why() {
    in_namespace(
        "addresses::behind_carrier_nat_or_another_router_nothing_is_sent_and_the_status_says_why",
        || {
            let world = World::new();
            let agent = world.agent("ipv4 = 'wan0'\nallow = []");
            for (address, why) in [
                ("100.64.7.7", "carrier NAT (100.64.0.0/10, RFC 6598): allow \"cgnat\" would publish it"),
                ("10.1.2.3", "private (RFC 1918): allow \"private\" would publish it"),
                ("203.0.113.10", "documentation range (RFC 5737)"),
            ] {
                dial(address);
                agent.wait_for_rejection(why);
                world.nothing_is_sent_after(0, &agent);
                assert_eq!(agent.record("home").next, "an address that may be published is waited for");
                assert!(agent.says("status").contains(why));
                ip(&format!("addr del {address}/32 dev wan0"));
            }
        },
    );
}

#[test]
fn a_carrier_nat_address_is_published_where_the_record_allows_it() {
    in_namespace("addresses::a_carrier_nat_address_is_published_where_the_record_allows_it", || {
        let world = World::new();
        let agent = world.agent("ipv4 = 'wan0'\nallow = ['cgnat']");
        dial("100.64.7.7");
        world.published(HOME, "100.64.7.7");
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn a_line_that_goes_down_and_comes_back_with_the_same_address_sends_nothing() {
    in_namespace(
        "addresses::a_line_that_goes_down_and_comes_back_with_the_same_address_sends_nothing",
        || {
            let world = World::new();
            dial(A);
            let agent = world.agent("ipv4 = 'wan0'");
            world.published(HOME, A);
            for _ in 0..5 {
                ip("link set wan0 down");
                agent.wait_for_rejection("wan0 is down");
                ip("link set wan0 up");
                ip("route replace default dev wan0");
                agent.wait_for("home", |status| status.sources[0].candidate.is_some());
            }
            world.nothing_is_sent_after(1, &agent);
        },
    );
}

#[test]
fn an_address_that_changes_while_the_request_is_away_is_sent_after_it() {
    in_namespace("addresses::an_address_that_changes_while_the_request_is_away_is_sent_after_it", || {
        const SLOW: Duration = Duration::from_millis(300);
        let world = World::new();
        world.provider.set(Mode::Slow(SLOW));
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        assert!(world.provider.wait_for(SOON, |requests| requests.len() == 1));
        // The old address stays, so that the answer can come.
        ip_batch(
            "addr add 203.0.113.11/32 dev wan0\naddr change 203.0.113.10/32 dev wan0 preferred_lft 0 valid_lft 600\n",
        );
        published(&world.zone, HOME, B);
        agent.wait_for("home", |status| status.names[0].published == Some(B.parse().unwrap()));
        let requests = world.requests();
        // Not when the provider has noted its end: by then the agent may have come again.
        assert!(requests[1].connected - requests[0].connected >= SLOW, "{requests:?}");
        world.nothing_is_sent_after(2, &agent);
    });
}

#[test]
fn a_request_whose_address_has_gone_holds_up_the_next_one_for_a_second_at_most() {
    in_namespace(
        "addresses::a_request_whose_address_has_gone_holds_up_the_next_one_for_a_second_at_most",
        || {
            let world = World::new();
            world.provider.set(Mode::HangHeaders);
            dial(A);
            let agent = world.agent("ipv4 = 'wan0'");
            assert!(world.provider.wait_for(SOON, |requests| requests.len() == 1));
            world.provider.set(Mode::Good);
            let ready = renumber(A, B);
            let waited = world.published(HOME, B).connected - ready;
            assert!(waited < Duration::from_millis(1_300), "{waited:?}");
            // Should the first one be applied after all, a minute later the second is repeated.
            let status = agent.wait_for("home", |status| status.names[0].published.is_some());
            assert_eq!(status.next_reason, Some(wanbeacon::engine::WakeReason::Repeat));
            assert!(status.next_in_ms > Some(50_000) && status.next_in_ms <= Some(60_000));
        },
    );
}
