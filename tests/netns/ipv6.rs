//! IPv6 addresses live and die by stages; only some of these are published.

use std::time::Duration;

use crate::lab::{in_namespace, ip, ip_batch, now, sh, wait_until};
use crate::world::{HOME, ISP6, World, at_once, ip_isp, published, record, start};

const A: &str = "2001:db8:1::7";
const B: &str = "2001:db8:2::7";
const LIFETIMES: &str = "valid_lft 6000 preferred_lft 3000";

#[test]
fn a_tentative_address_is_published_when_it_is_preferred_and_not_before() {
    in_namespace("ipv6::a_tentative_address_is_published_when_it_is_preferred_and_not_before", || {
        let world = reachable();
        sh("echo 2 > /proc/sys/net/ipv6/conf/wan0/dad_transmits");
        let agent = world.agent("ipv6 = 'wan0'");
        ip(&format!("addr add {A}/64 dev wan0"));
        agent.wait_for_rejection("tentative: duplicate address detection has not finished");
        world.nothing_is_sent_after(0, &agent);
        assert!(ip("addr show dev wan0").contains("tentative"), "too late for this test");
        wait_until("it is preferred", Duration::from_secs(9), || {
            !ip("addr show dev wan0 tentative").contains(A)
        });
        let ready = now();
        published(&world.zone, HOME, A);
        let sent = world.requests()[0].connected;
        at_once(vec![sent.saturating_duration_since(ready)]);
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn an_address_that_another_machine_has_is_not_published() {
    in_namespace("ipv6::an_address_that_another_machine_has_is_not_published", || {
        let world = reachable();
        ip_isp(&format!("addr add {A}/64 dev isp0 nodad\n"));
        let agent = world.agent("ipv6 = 'wan0'");
        ip(&format!("addr add {A}/64 dev wan0"));
        agent.wait_for_rejection("duplicate address detection failed");
        world.nothing_is_sent_after(0, &agent);
        ip(&format!("addr add {B}/64 dev wan0 nodad"));
        world.published(HOME, B);
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn after_a_renumbering_the_newest_preferred_prefix_is_published() {
    in_namespace("ipv6::after_a_renumbering_the_newest_preferred_prefix_is_published", || {
        let world = reachable();
        ip(&format!("addr add {A}/64 dev wan0 nodad {LIFETIMES}"));
        let agent = world.agent("ipv6 = 'wan0'");
        world.published(HOME, A);
        // As after a reconnect: the old prefix is not deprecated yet, nobody has told the hosts.
        let ready = now();
        ip(&format!("addr add {B}/64 dev wan0 nodad {LIFETIMES}"));
        at_once(vec![world.published(HOME, B).connected - ready]);
        // Its end changes nothing.
        ip(&format!("addr change {A}/64 dev wan0 valid_lft 600 preferred_lft 0"));
        agent.wait_for_rejection("deprecated: its preferred lifetime is over");
        world.nothing_is_sent_after(2, &agent);
        // But when the new one is deprecated and the old one is not, the old one counts again.
        ip_batch(&format!(
            "addr change {A}/64 dev wan0 {LIFETIMES}\naddr change {B}/64 dev wan0 valid_lft 600 preferred_lft 0\n"
        ));
        world.published(HOME, A);
        world.nothing_is_sent_after(3, &agent);
    });
}

#[test]
fn without_a_successor_a_deprecated_address_stays_published() {
    in_namespace("ipv6::without_a_successor_a_deprecated_address_stays_published", || {
        let world = reachable();
        ip(&format!("addr add {A}/64 dev wan0 nodad {LIFETIMES}"));
        let agent = world.agent("ipv6 = 'wan0'");
        world.published(HOME, A);
        agent.wait_for_state("home", "idle");
        ip(&format!("addr change {A}/64 dev wan0 valid_lft 600 preferred_lft 0"));
        agent.wait_for_rejection("deprecated");
        world.nothing_is_sent_after(1, &agent);
        assert_eq!(agent.name("home").published, Some(A.parse().unwrap()));
    });
}

#[test]
fn a_temporary_address_is_ignored() {
    in_namespace("ipv6::a_temporary_address_is_ignored", || {
        let world = reachable();
        sh("echo 2 > /proc/sys/net/ipv6/conf/wan0/use_tempaddr");
        let agent = world.agent("ipv6 = 'wan0'");
        ip(&format!("addr add {A}/64 dev wan0 nodad mngtmpaddr {LIFETIMES}"));
        agent.wait_for_rejection("temporary (RFC 8981)");
        world.published(HOME, A);
        wait_until("the temporary one is preferred", Duration::from_secs(9), || {
            let shown = ip("addr show dev wan0 temporary");
            shown.contains("2001:db8:1:") && !shown.contains("tentative")
        });
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn unique_local_and_link_local_addresses_are_not_published() {
    in_namespace("ipv6::unique_local_and_link_local_addresses_are_not_published", || {
        let world = reachable();
        ip("addr add fd00:1::7/64 dev wan0 nodad");
        let agent = world.agent("ipv6 = 'wan0'");
        agent.wait_for_rejection("unique local (RFC 4193)");
        agent.wait_for_rejection("link-local");
        world.nothing_is_sent_after(0, &agent);
    });
}

#[test]
fn router_advertisements_that_say_the_same_again_send_nothing() {
    in_namespace("ipv6::router_advertisements_that_say_the_same_again_send_nothing", || {
        let world = reachable();
        ip(&format!("addr add {A}/64 dev wan0 nodad {LIFETIMES}"));
        let agent = world.agent("ipv6 = 'wan0'");
        world.published(HOME, A);
        // What the kernel announces for each of them: the same address with lifetimes that begin anew.
        let noise = (0..200u32).map(|n| {
            format!("addr change {A}/64 dev wan0 valid_lft {} preferred_lft {}\n", 7000 + n, 3000 + n)
        });
        ip_batch(&noise.collect::<String>());
        world.nothing_is_sent_after(1, &agent);
        ip(&format!("addr add {B}/64 dev wan0 nodad {LIFETIMES}"));
        world.published(HOME, B);
        world.nothing_is_sent_after(2, &agent);
    });
}

#[test]
fn a_router_with_ipv6_only_publishes_over_ipv6() {
    in_namespace("ipv6::a_router_with_ipv6_only_publishes_over_ipv6", || {
        let world = World::new();
        let provider = start(ISP6, 80, &world.zone, || crate::laboratory::provider::Transport::Plain);
        let agent = crate::agent::Agent::start(&record("home", &provider.url(), HOME, "ipv6 = 'wan0'"));
        ip(&format!("addr add {A}/64 dev wan0 nodad"));
        ip("-6 route add default via fe80::1 dev wan0");
        published(&world.zone, HOME, A);
        let requests = provider.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].peer.ip(), A.parse::<std::net::IpAddr>().unwrap());
        assert_eq!(requests[0].update.addresses, [A.parse::<std::net::IpAddr>().unwrap()]);
        world.nothing_is_sent_after(0, &agent);
    });
}

/// A line with a way to the provider over IPv4, whose address nobody publishes.
fn reachable() -> World {
    let world = World::new();
    crate::world::dial("203.0.113.10");
    world
}
