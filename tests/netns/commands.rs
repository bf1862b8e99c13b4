//! Signals and commands to a running agent.

use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Signal;

use crate::agent::Agent;
use crate::lab::{in_namespace, now, wait_until};
use crate::laboratory::fault::Mode;
use crate::world::{HOME, SOON, World, dial};

const A: &str = "203.0.113.10";

#[test]
fn sigterm_ends_the_agent_at_once() {
    in_namespace("commands::sigterm_ends_the_agent_at_once", || {
        let world = World::new();
        dial(A);
        let mut agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        assert!(ends_on(Signal::TERM, &mut agent).success());
        assert!(!agent.path("run/control.sock").exists());
    });
}

#[test]
fn sigterm_and_sigint_end_the_agent_within_a_second_even_while_a_request_hangs() {
    in_namespace(
        "commands::sigterm_and_sigint_end_the_agent_within_a_second_even_while_a_request_hangs",
        || {
            for signal in [Signal::TERM, Signal::INT] {
                crate::lab::sh("ip link del wan0 2> /dev/null; true");
                let world = World::new();
                world.provider.set(Mode::HangHeaders);
                dial(A);
                let mut agent = world.agent("ipv4 = 'wan0'");
                assert!(world.provider.wait_for(SOON, |requests| requests.len() == 1));
                assert!(ends_on(signal, &mut agent).success());
            }
        },
    );
}

#[test]
fn update_sends_nothing_that_is_confirmed_unless_it_is_forced() {
    in_namespace("commands::update_sends_nothing_that_is_confirmed_unless_it_is_forced", || {
        let world = World::new();
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        agent.wait_for_state("home", "idle");
        agent.says("update");
        agent.says("update home");
        agent.signal(Signal::USR1);
        world.nothing_is_sent_after(1, &agent);
        assert!(agent.says("update --force home").contains("asked for an update of home"));
        assert!(world.provider.wait_for(SOON, |requests| requests.len() == 2));
        world.nothing_is_sent_after(2, &agent);
        assert!(world.requests()[1].answer.contains("nochg"));
    });
}

#[test]
fn a_record_that_does_not_exist_is_not_updated() {
    in_namespace("commands::a_record_that_does_not_exist_is_not_updated", || {
        let world = World::new();
        let agent = world.agent("ipv4 = 'wan0'");
        let output = agent.command("update --force hme");
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean 'home'?"));
    });
}

#[test]
fn sigusr1_tries_again_at_once_what_waits() {
    in_namespace("commands::sigusr1_tries_again_at_once_what_waits", || {
        let world = World::new();
        world.provider.set(Mode::Captive);
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        let status = agent.wait_for_state("home", "waiting");
        assert!(status.next_in_ms > Some(20_000));
        world.provider.set(Mode::Good);
        agent.signal(Signal::USR1);
        world.published(HOME, A);
        world.nothing_is_sent_after(2, &agent);
    });
}

#[test]
fn a_second_agent_refuses_to_start_and_the_first_one_does_not_notice() {
    in_namespace("commands::a_second_agent_refuses_to_start_and_the_first_one_does_not_notice", || {
        let world = World::new();
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        let second = agent.command("run --allow-root");
        assert_eq!(second.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&second.stderr).contains("another wanbeacon is running"));
        world.nothing_is_sent_after(1, &agent);
    });
}

#[test]
fn without_an_agent_the_commands_say_so() {
    in_namespace("commands::without_an_agent_the_commands_say_so", || {
        let world = World::new();
        let mut agent = world.agent("ipv4 = 'wan0'");
        agent.kill();
        for words in ["status", "why home", "update"] {
            let output = agent.command(words);
            assert_eq!(output.status.code(), Some(1));
            assert!(String::from_utf8_lossy(&output.stderr).contains("is wanbeacon running?"), "{output:?}");
        }
    });
}

#[test]
fn an_idle_agent_sleeps() {
    in_namespace("commands::an_idle_agent_sleeps", || {
        let world = World::new();
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        world.published(HOME, A);
        crate::lab::settled();
        world.nothing_is_sent_after(1, &agent);
        let switches = || {
            let mut count = 0;
            for task in std::fs::read_dir(agent.proc("task")).unwrap() {
                let status = std::fs::read_to_string(task.unwrap().path().join("status")).unwrap();
                let lines = status.lines().filter_map(|line| line.split_once("ctxt_switches:"));
                count += lines.map(|(_, value)| value.trim().parse::<u64>().unwrap()).sum::<u64>();
            }
            count
        };
        // The last question was asked a moment ago.
        wait_until("it has fallen asleep", SOON, || {
            let before = switches();
            std::thread::sleep(Duration::from_millis(100));
            before == switches()
        });
        let before = switches();
        // A fixed pause, because what is measured is that nothing happens in it.
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(before, switches());
    });
}

/// The promise is one second; what the kernel needs to end a process is in it.
fn ends_on(signal: Signal, agent: &mut Agent) -> ExitStatus {
    let start = now();
    agent.signal(signal);
    let mut status = None;
    wait_until("it has ended", SOON, || {
        status = agent.ended();
        status.is_some()
    });
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    status.unwrap()
}
