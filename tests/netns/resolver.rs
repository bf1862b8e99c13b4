//! A line without name resolution: what was reached before is reached again.

use std::time::Duration;

use crate::agent::Agent;
use crate::lab::{at_isp, in_namespace, sh, wait_until};
use crate::laboratory::dns::{Answers, Dns};
use crate::world::{HOME, ISP, SERVER, World, dial, published, record, renumber};

const A: &str = "203.0.113.10";
const B: &str = "203.0.113.11";

#[test]
fn with_a_dead_resolver_the_endpoint_that_was_good_last_is_used() {
    in_namespace("resolver::with_a_dead_resolver_the_endpoint_that_was_good_last_is_used", || {
        let (world, dns, mut agent) = by_name();
        dial(A);
        world.published(HOME, A);
        agent.wait_for_state("home", "idle");
        dns.set(Answers::Dead);
        let ready = renumber(A, B);
        // The resolver has 100 ms to answer before the memory is asked.
        let waited = world.published(HOME, B).connected - ready;
        assert!(waited < Duration::from_millis(280), "{waited:?}");
        agent.wait_for_state("home", "idle");
        // Nor does a restart forget it.
        agent.kill();
        renumber(B, A);
        agent.start_again();
        published(&world.zone, HOME, A);
        world.nothing_is_sent_after(3, &agent);
    });
}

#[test]
fn with_a_resolver_that_denies_everything_the_endpoint_that_was_good_last_is_used() {
    in_namespace(
        "resolver::with_a_resolver_that_denies_everything_the_endpoint_that_was_good_last_is_used",
        || {
            let (world, dns, agent) = by_name();
            dial(A);
            world.published(HOME, A);
            for (answers, old, new) in [(Answers::ServFail, A, B), (Answers::NxDomain, B, A)] {
                agent.wait_for_state("home", "idle");
                dns.set(answers);
                renumber(old, new);
                world.published(HOME, new);
            }
            world.nothing_is_sent_after(3, &agent);
        },
    );
}

#[test]
fn a_first_lookup_that_finds_the_resolver_dead_is_repeated_until_it_answers() {
    in_namespace(
        "resolver::a_first_lookup_that_finds_the_resolver_dead_is_repeated_until_it_answers",
        || {
            let (world, dns, agent) = by_name();
            dns.set(Answers::Dead);
            dial(A);
            let status = agent.wait_for("home", |status| status.last_answer.is_some());
            let answer = status.last_answer.unwrap();
            assert!(answer.starts_with("failed: ") && answer.contains(SERVER), "{answer}");
            assert_eq!(world.provider.connections(), 0);
            dns.set(Answers::Good);
            wait_until("it is published", Duration::from_secs(15), || !world.requests().is_empty());
            published(&world.zone, HOME, A);
            world.nothing_is_sent_after(1, &agent);
        },
    );
}

/// A provider that is known by name, and the name server on the other end of the line that knows it.
fn by_name() -> (World, Dns, Agent) {
    let world = World::new();
    world.zone.set(SERVER, ISP.parse().unwrap());
    let zone = world.zone.clone();
    let dns =
        at_isp(move || Dns::start((ISP.parse::<std::net::IpAddr>().unwrap(), 53).into(), &zone)).unwrap();
    // In this namespace only. The limits are glibc's own: five seconds, two attempts.
    sh(&format!(
        "echo nameserver {ISP} > /run/resolv.conf && mount --bind /run/resolv.conf /etc/resolv.conf"
    ));
    let agent = Agent::start(&record("home", &format!("http://{SERVER}"), HOME, "ipv4 = 'wan0'"));
    (world, dns, agent)
}
