//! Configurations that change, and those that are wrong.

use rustix::process::Signal;

use crate::agent::Agent;
use crate::lab::{in_namespace, ip_batch};
use crate::laboratory::fault::Mode;
use crate::world::{HOME, SOON, World, dial, published};

const A: &str = "203.0.113.10";
const NAS: &str = "nas.example.test";

#[test]
fn sighup_publishes_what_changed_and_forgets_nothing() {
    in_namespace("configuration::sighup_publishes_what_changed_and_forgets_nothing", || {
        let world = World::new();
        dial(A);
        let home = world.record("home", HOME, "ipv4 = 'wan0'");
        let agent = Agent::start(&(home.clone() + &world.record("nas", NAS, "ipv4 = 'wan0'")));
        published(&world.zone, HOME, A);
        published(&world.zone, NAS, A);
        world.nothing_is_sent_after(2, &agent);
        // A name more; the others are known.
        agent.configure(
            &(home.clone() + &world.record("nas", &format!("{NAS}, cam.example.test"), "ipv4 = 'wan0'")),
        );
        agent.signal(Signal::HUP);
        let request = world.published("cam.example.test", A);
        assert_eq!(request.update.names, ["cam.example.test"]);
        world.nothing_is_sent_after(3, &agent);
        // One record less, and back again: it is still known what was published.
        agent.configure(&home);
        agent.signal(Signal::HUP);
        crate::lab::wait_until("nas is gone", SOON, || agent.status().records.len() == 1);
        world.nothing_is_sent_after(3, &agent);
        agent.configure(&(home + &world.record("nas", NAS, "ipv4 = 'wan0'")));
        agent.signal(Signal::HUP);
        crate::lab::wait_until("nas is back", SOON, || agent.status().records.len() == 2);
        world.nothing_is_sent_after(3, &agent);
        assert_eq!(agent.name("nas").published, Some(A.parse().unwrap()));
    });
}

#[test]
fn without_an_enabled_record_it_runs_and_says_where_to_describe_one() {
    in_namespace("configuration::without_an_enabled_record_it_runs_and_says_where_to_describe_one", || {
        let world = World::new();
        dial(A);
        let agent = Agent::start(&world.record("home", HOME, "ipv4 = 'wan0'\nenabled = false"));
        agent.wait_for_log("no record is enabled, so nothing is published: describe yours in ");
        agent.configure(&world.record("home", HOME, "ipv4 = 'wan0'"));
        agent.signal(Signal::HUP);
        world.published(HOME, A);
    });
}

#[test]
fn sighup_with_an_unchanged_file_sends_nothing() {
    in_namespace("configuration::sighup_with_an_unchanged_file_sends_nothing", || {
        let world = World::new();
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        agent.signal(Signal::HUP);
        agent.wait_for_log("configuration read anew");
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn sighup_with_another_password_un_parks() {
    in_namespace("configuration::sighup_with_another_password_un_parks", || {
        let world = World::new();
        dial(A);
        let right = world.record("home", HOME, "ipv4 = 'wan0'");
        let agent = Agent::start(&right.replace(crate::agent::PASSWORD, "wrong"));
        agent.wait_for_state("home", "parked");
        agent.signal(Signal::HUP);
        agent.wait_for_log("configuration read anew");
        world.nothing_is_sent_after(1, &agent);
        agent.configure(&right);
        agent.signal(Signal::HUP);
        world.published(HOME, A);
        world.nothing_is_sent_after(2, &agent);
    });
}

#[test]
fn sighup_with_a_broken_file_keeps_the_old_settings_and_says_so() {
    in_namespace("configuration::sighup_with_a_broken_file_keeps_the_old_settings_and_says_so", || {
        let world = World::new();
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        agent.wait_for_state("home", "idle");
        agent.configure(&world.record("home", HOME, "ipv5 = 'wan0'"));
        agent.signal(Signal::HUP);
        agent.wait_for_log("the new configuration is wrong, the old one stays in force:");
        agent.wait_for_log("ipv5");
        assert!(!agent.log().contains(crate::agent::PASSWORD));
        ip_batch(
            "addr add 203.0.113.11/32 dev wan0\naddr del 203.0.113.10/32 dev wan0\nroute replace default dev wan0\n",
        );
        world.published(HOME, "203.0.113.11");
        world.nothing_is_sent_after(2, &agent);
    });
}

#[test]
fn sighup_while_a_request_hangs_sends_what_is_wanted_now() {
    in_namespace("configuration::sighup_while_a_request_hangs_sends_what_is_wanted_now", || {
        let world = World::new();
        world.provider.set(Mode::HangHeaders);
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        assert!(world.provider.wait_for(SOON, |requests| requests.len() == 1));
        world.provider.set(Mode::Good);
        agent.configure(&world.record("home", NAS, "ipv4 = 'wan0'"));
        agent.signal(Signal::HUP);
        let request = world.published(NAS, A);
        assert_eq!(request.update.names, [NAS]);
        world.nothing_is_sent_after(2, &agent);
    });
}

#[test]
fn with_a_wrong_configuration_the_agent_does_not_start_and_names_the_place() {
    in_namespace(
        "configuration::with_a_wrong_configuration_the_agent_does_not_start_and_names_the_place",
        || {
            let world = World::new();
            let mut agent = world.agent("ipv4 = 'wan0'");
            agent.kill();
            agent.configure(&world.record("home", HOME, "ipv5 = 'wan0'"));
            for words in ["run --allow-root", "check"] {
                let output = agent.command(words);
                let said = String::from_utf8_lossy(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{said}");
                let text = std::fs::read_to_string(agent.config()).unwrap();
                let line = text.lines().position(|line| line.starts_with("ipv5")).unwrap() + 1;
                assert!(said.contains(&format!("{}:{line}:1: ", agent.config().display())), "{said}");
                assert!(said.contains("ipv4"), "it names the nearest option: {said}");
            }
            world.provider.requests().is_empty().then_some(()).unwrap();
        },
    );
}
