//! Agents that die at the worst moment, and those that come after them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::lab::{in_namespace, ip, now, tell};
use crate::laboratory::fault::Mode;
use crate::world::{HOME, SOON, World, dial, published, renumber};

const A: &str = "203.0.113.10";
const B: &str = "203.0.113.11";

#[test]
fn a_restart_with_an_unchanged_address_sends_nothing() {
    in_namespace("restarts::a_restart_with_an_unchanged_address_sends_nothing", || {
        let world = World::new();
        dial(A);
        let mut agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        agent.wait_for_state("home", "idle");
        for _ in 0..3 {
            agent.kill();
            agent.start_again();
            world.nothing_is_sent_after(1, &agent);
            assert_eq!(agent.name("home").published, Some(A.parse().unwrap()));
        }
    });
}

#[test]
fn what_is_confirmed_survives_the_loss_of_all_that_is_in_memory() {
    in_namespace("restarts::what_is_confirmed_survives_the_loss_of_all_that_is_in_memory", || {
        let world = World::new();
        dial(A);
        let mut agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        agent.wait_for_state("home", "idle");
        agent.kill();
        // As after a reboot; and the device is made anew.
        fs::remove_dir_all(agent.path("run")).unwrap();
        ip("link del wan0");
        agent.start_again();
        crate::world::line();
        dial(A);
        world.nothing_is_sent_after(1, &agent);
        assert_eq!(agent.name("home").published, Some(A.parse().unwrap()));
    });
}

#[test]
fn a_state_file_that_was_destroyed_costs_one_request() {
    in_namespace("restarts::a_state_file_that_was_destroyed_costs_one_request", || {
        let world = World::new();
        dial(A);
        let mut agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        agent.wait_for_state("home", "idle");
        agent.kill();
        for file in ["state/state.json", "run/state.json"] {
            fs::write(agent.path(file), "{\"engine\":{\"ver").unwrap();
        }
        agent.start_again();
        agent.wait_for("home", |status| status.names[0].published.is_some());
        world.nothing_is_sent_after(2, &agent);
        assert!(world.requests()[1].answer.contains("nochg"));
        agent.wait_for_log("what is published is asked anew");
        assert!(agent.path("state/state.json.bad").exists());
    });
}

#[test]
fn an_address_that_changed_while_the_agent_was_dead_is_published_at_its_start() {
    in_namespace(
        "restarts::an_address_that_changed_while_the_agent_was_dead_is_published_at_its_start",
        || {
            let world = World::new();
            dial(A);
            let mut agent = world.agent("ipv4 = 'wan0'");
            world.published(HOME, A);
            agent.wait_for_state("home", "idle");
            agent.kill();
            renumber(A, B);
            agent.start_again();
            world.published(HOME, B);
            world.nothing_is_sent_after(2, &agent);
        },
    );
}

#[test]
fn an_update_that_was_away_when_the_agent_died_is_finished_by_the_next_one() {
    in_namespace("restarts::an_update_that_was_away_when_the_agent_died_is_finished_by_the_next_one", || {
        let world = World::new();
        world.provider.set(Mode::HangHeaders);
        dial(A);
        let mut agent = world.agent("ipv4 = 'wan0'");
        assert!(world.provider.wait_for(SOON, |requests| requests.len() == 1));
        agent.kill();
        world.provider.set(Mode::Good);
        agent.start_again();
        world.published(HOME, A);
        world.nothing_is_sent_after(2, &agent);
    });
}

#[test]
fn kill_minus_nine_at_any_moment_loses_nothing() {
    in_namespace("restarts::kill_minus_nine_at_any_moment_loses_nothing", || {
        let world = World::new();
        world.provider.set(Mode::Slow(Duration::from_millis(20)));
        let mut line = A.to_owned();
        dial(&line);
        let mut agent = world.agent("ipv4 = 'wan0'");
        let mut dice = Dice(20_261_123);
        for round in 0..14 {
            // From before the notification is read until after the answer is written down: about 60 ms.
            std::thread::sleep(Duration::from_millis(dice.below(400)));
            let next = format!("203.0.113.{}", 20 + round);
            let change = now();
            renumber(&line, &next);
            line = next;
            let moment = Duration::from_millis(dice.below(70));
            std::thread::sleep(moment.saturating_sub(change.elapsed()));
            agent.kill();
            tell(&format!(
                "killed {moment:?} after the change to {line}, {} requests",
                world.requests().len()
            ));
            agent.start_again();
        }
        published(&world.zone, HOME, &line);
        let last = line.parse().unwrap();
        agent.wait_for("home", |status| {
            status.names[0].published == Some(last) && status.names[0].state == "idle"
        });
        let sent = world.requests().len();
        assert!(sent <= 2 * 15, "{sent} requests for 15 addresses");
        agent.kill();
        agent.start_again();
        // 300 ms as in `nothing_is_sent_after`; but what may have been applied late is confirmed a minute later.
        std::thread::sleep(Duration::from_millis(300));
        let status = agent.record("home");
        assert_eq!((world.requests().len(), status.names[0].state.as_str()), (sent, "idle"), "{status:?}");
        assert_eq!(world.zone.address(HOME, wanbeacon::provider::Family::V4), Some(last));
    });
}

#[test]
fn what_the_agent_keeps_is_nobody_elses_to_read() {
    in_namespace("restarts::what_the_agent_keeps_is_nobody_elses_to_read", || {
        let world = World::new();
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        agent.wait_for_state("home", "idle");
        let mode = |file: &str| fs::metadata(agent.path(file)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("state/state.json"), mode("run/state.json")), (0o600, 0o600));
        assert_eq!(mode("run/control.sock"), 0o600);
    });
}

/// xorshift64 (Marsaglia 2003): moments that are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
