//! The whole agent with a ubusd, netifd and procd beside it: networks, its own object, hooks.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::agent::{Agent, PASSWORD};
use crate::lab::{in_namespace, ip, ip_batch, now, wait_until};
use crate::laboratory::fault::Mode;
use crate::laboratory::ubus::{Client, Ubusd};
use crate::world::{HOME, SOON, World, dial, published, renumber};

const A: &str = "203.0.113.10";
const B: &str = "203.0.113.11";
/// The agent's own default; `/run` is this test's alone.
const SOCKET: &str = "/var/run/ubus/ubus.sock";
const LIMIT: Duration = Duration::from_secs(10);

fn ubusd(networks: &Value) -> Ubusd {
    Ubusd::start(Path::new(SOCKET), networks)
}

/// The network `wan`, up on this device.
fn wan_on(device: &str) -> Value {
    json!([
        { "interface": "loopback", "up": true, "l3_device": "lo" },
        { "interface": "wan", "up": true, "l3_device": device },
    ])
}

fn wan_down() -> Value {
    json!([{ "interface": "loopback", "up": true, "l3_device": "lo" }, { "interface": "wan", "up": false }])
}

fn client() -> Client {
    Client::connect(Path::new(SOCKET))
}

/// An agent whose record `home` is about the network `wan`.
fn agent(world: &World) -> Agent {
    world.agent("ipv4 = 'wan'")
}

fn source(agent: &Agent) -> (Option<String>, String) {
    let source = agent.record("home").sources.remove(0);
    (source.network, source.device)
}

#[test]
fn a_record_follows_its_network_to_another_device() {
    in_namespace("ubus::a_record_follows_its_network_to_another_device", || {
        let world = World::new();
        dial(A);
        // A switch port with the network's name and an address of its own: not what is meant.
        ip_batch(
            "link add wan type veth peer name lan1\nlink set lan1 up\naddr add 192.0.2.77/32 dev wan\n\
             link set wan up\n",
        );
        let ubusd = ubusd(&wan_on("wan0"));
        let agent = agent(&world);
        world.published(HOME, A);
        assert_eq!(source(&agent), (Some("wan".to_owned()), "wan0".to_owned()));
        assert_eq!(agent.status().networks.len(), 2);
        // Dialled in anew, as another device.
        ubusd.networks(&wan_down());
        ip_batch(
            "addr del 203.0.113.10/32 dev wan0\nlink add ppp9 type veth peer name ppp8\nlink set ppp8 up\n\
             link set ppp9 up\n",
        );
        agent.wait_for_rejection("network wan is down");
        ip("addr add 203.0.113.11/32 dev ppp9");
        // The frames of this session still travel over the one line that there is.
        ip("route replace default dev wan0");
        world.nothing_is_sent_after(1, &agent);
        ubusd.networks(&wan_on("ppp9"));
        world.published(HOME, B);
        assert_eq!(source(&agent), (Some("wan".to_owned()), "ppp9".to_owned()));
        let shown = agent.says("status");
        assert!(shown.contains("IPv4 of wan (ppp9): 203.0.113.11"), "{shown}");
    });
}

#[test]
fn an_address_is_published_before_netifd_says_that_the_network_is_up() {
    in_namespace("ubus::an_address_is_published_before_netifd_says_that_the_network_is_up", || {
        let world = World::new();
        dial(A);
        let ubusd = ubusd(&wan_on("wan0"));
        let agent = agent(&world);
        world.published(HOME, A);
        ubusd.networks(&wan_down());
        ip("addr del 203.0.113.10/32 dev wan0");
        agent.wait_for_rejection("network wan is down");
        dial(B);
        world.published(HOME, B);
        assert!(agent.status().networks.iter().any(|network| network.network == "wan" && !network.up));
        drop(ubusd);
    });
}

#[test]
fn ubusd_and_netifd_may_start_again_and_everything_is_as_before() {
    in_namespace("ubus::ubusd_and_netifd_may_start_again_and_everything_is_as_before", || {
        let world = World::new();
        dial(A);
        let first = ubusd(&wan_on("wan0"));
        let agent = agent(&world);
        world.published(HOME, A);
        first.wait_for_object("wanbeacon");
        drop(first);
        // Without ubusd the last known device counts.
        renumber(A, B);
        world.published(HOME, B);
        let second = ubusd(&wan_on("wan0"));
        second.wait_for_object("wanbeacon");
        assert_eq!(client().call("wanbeacon", "why", &json!({ "record": "home" })).1, 0);
        second.netifd_goes();
        second.networks_while_away(&wan_on("lo"));
        second.netifd_comes();
        wait_until("netifd's word counts again", SOON, || source(&agent).1 == "lo");
        second.networks(&wan_on("wan0"));
        wait_until("and its notifications", SOON, || source(&agent).1 == "wan0");
        world.nothing_is_sent_after(2, &agent);
    });
}

#[test]
fn others_ask_our_object_and_hear_what_happens_and_hooks_run() {
    in_namespace("ubus::others_ask_our_object_and_hear_what_happens_and_hooks_run", || {
        let world = World::new();
        dial(A);
        let ubusd = ubusd(&wan_on("wan0"));
        let agent = agent(&world);
        world.published(HOME, A);
        ubusd.wait_for_object("wanbeacon");
        let mut shell = client();
        let mut ask = |method: &str, arguments: Value| shell.call("wanbeacon", method, &arguments);
        let (status, code) = ask("status", json!({ "record": "home", "ubus_rpc_session": "0" }));
        assert_eq!((code, &status["records"][0]["sources"][0]["network"]), (0, &json!("wan")));
        let (unknown, code) = ask("why", json!({ "record": "hme" }));
        assert_eq!(
            (code, &unknown["error"]),
            (4, &json!("there is no record 'hme' that is enabled; did you mean 'home'?"))
        );
        assert_eq!(ask("why", json!({})).1, 2);
        assert_eq!(ask("why", json!({ "recrod": "home" })).1, 2);
        assert_eq!(ask("reboot", json!({})).1, 3);
        assert_eq!(ask("providers", json!({ "id": "duckdns.org" })).0["id"], "duckdns.org");
        assert!(ask("providers", json!({})).0["providers"].as_array().unwrap().len() > 5);
        let (trial, code) = ask("test", json!({ "record": "home" }));
        assert_eq!(code, 0);
        assert!(!trial.to_string().contains(PASSWORD) && trial.to_string().contains(A), "{trial}");

        let heard = client().subscribe("wanbeacon");
        let next = |wanted: &str| loop {
            let (what, table) = heard.recv_timeout(LIMIT).unwrap();
            if what == wanted {
                return table;
            }
        };
        renumber(A, B);
        let wanted = json!({
            "record": "home", "names": [HOME], "family": "ipv4", "address": B, "previous": A,
        });
        assert_eq!(next("changed"), wanted);
        let env = ubusd.wait_for_hook("PREVIOUS=203.0.113.10");
        let provider = env.iter().find(|variable| variable.starts_with("PROVIDER=")).unwrap();
        assert_eq!((env[0].as_str(), provider.as_str()), ("ACTION=changed", "PROVIDER=dyndns2"));

        world.provider.set(Mode::BadAuth);
        renumber(B, A);
        assert!(next("parked")["detail"].as_str().unwrap().contains("badauth"));
        let env = ubusd.wait_for_hook("ACTION=parked");
        assert!(env.contains(&format!("NAMES={HOME}")) && !env.concat().contains(PASSWORD), "{env:?}");
        world.provider.set(Mode::Good);
        assert_eq!(ask("update", json!({ "record": "home" })), (json!({ "records": ["home"] }), 0));
        assert_eq!(next("recovered")["record"], "home");
        assert_eq!(next("changed")["address"], A);
        published(&world.zone, HOME, A);

        world.provider.set(Mode::Http500);
        renumber(A, B);
        assert!(next("failed")["detail"].as_str().is_some());
        world.provider.set(Mode::Good);
        ask("update", json!({ "records": ["home"] }));
        assert_eq!(next("recovered")["record"], "home");
        assert!(!agent.log().contains(PASSWORD));
    });
}

#[test]
fn a_storm_of_notifications_is_a_few_questions_and_silence_is_none() {
    in_namespace("ubus::a_storm_of_notifications_is_a_few_questions_and_silence_is_none", || {
        let world = World::new();
        dial(A);
        let ubusd = ubusd(&wan_on("wan0"));
        let agent = agent(&world);
        world.published(HOME, A);
        agent.wait_for_state("home", "idle");
        ubusd.wait_for_object("wanbeacon");
        let sleeps = || {
            let status = std::fs::read_to_string(agent.proc("status")).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
            line.trim().parse::<u64>().unwrap()
        };
        // The worker's thread ends, the kernel says its last word about the line.
        std::thread::sleep(Duration::from_secs(2));
        let (before, start) = (sleeps(), now());
        std::thread::sleep(Duration::from_secs(3));
        assert_eq!(sleeps() - before, 0, "it woke within {:?}", start.elapsed());
        let asked = ubusd.dumps();
        for _ in 0..1_000 {
            ubusd.networks(&wan_on("wan0"));
        }
        ubusd.networks(&wan_on("lo"));
        wait_until("the last word is heard", SOON, || source(&agent).1 == "lo");
        assert!(ubusd.dumps() - asked <= 1_002, "{}", ubusd.dumps() - asked);
    });
}

#[test]
fn commands_know_the_networks_without_a_running_agent() {
    in_namespace("ubus::commands_know_the_networks_without_a_running_agent", || {
        let world = World::new();
        dial(A);
        let mut agent = agent(&world);
        agent.kill();
        let _ubusd = ubusd(&wan_on("wan0"));
        let shown = agent.says("test home");
        assert!(shown.starts_with("home IPv4 of wan (wan0): 203.0.113.10\n"), "{shown}");
    });
}
