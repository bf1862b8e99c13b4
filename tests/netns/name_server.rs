//! One's own name server instead of a provider: BIND at the other end of the line.

use std::net::IpAddr;

use wanbeacon::provider::Family;

use crate::agent::Agent;
use crate::lab::{in_namespace, ip_batch};
use crate::laboratory::query;
use crate::servers::{SECRET, only, resolve_by};
use crate::two_lines::{SECOND, second_line};
use crate::world::{HOME, ISP, SOON, dial, line, renumber};

const A: &str = "203.0.113.10";
const B: &str = "203.0.113.11";
const V6: &str = "2001:db8:1::7";

#[test]
fn a_name_server_is_told_both_families_at_once_and_the_story_shows_what_was_said() {
    in_namespace(
        "name_server::a_name_server_is_told_both_families_at_once_and_the_story_shows_what_was_said",
        || {
            line();
            let _bind = only("");
            let agent = Agent::start(&record(&format!("server = '{ISP}'\nzone = 'example.test'\n")));
            dial(A);
            ip_batch(&format!("addr add {V6}/64 dev wan0 nodad\n"));
            is_published(&agent, &[A, V6]);
            let (why, test) = (agent.says("why home"), agent.says("test home"));
            for line in
                [&format!("server {ISP} 53"), "zone example.test", "key hmac-sha256:router ***", "send"]
            {
                assert!(why.contains(line) && test.contains(line), "{line}:\n{why}\n{test}");
            }
            assert!(why.contains("answer: NOERROR"), "{why}");
            let seen = [why, test, agent.says("why --json home"), agent.log()].concat();
            assert!(!seen.contains(SECRET), "{seen}");
            renumber(A, B);
            is_published(&agent, &[B, V6]);
        },
    );
}

/// The sandbox must let it read resolv.conf(5) and ask by itself.
#[test]
fn zone_and_server_are_found_through_the_resolver() {
    in_namespace("name_server::zone_and_server_are_found_through_the_resolver", || {
        line();
        let _bind = only("");
        resolve_by(ISP);
        let agent = Agent::start(&record(""));
        dial(A);
        is_published(&agent, &[A]);
        assert!(agent.says("why home").contains("server ns1.example.test 53"));
    });
}

#[test]
fn messages_leave_through_the_device_that_the_record_binds() {
    in_namespace("name_server::messages_leave_through_the_device_that_the_record_binds", || {
        line();
        let bind = only("");
        dial(A);
        second_line();
        for transport in ["udp", "tcp"] {
            let options = format!(
                "server = '{ISP}'\nzone = 'example.test'\nbind = 'wan1'\ntransport = '{transport}'\n"
            );
            is_published(&Agent::start(&record(&options)), &[A]);
        }
        let log = bind.log();
        let clients: Vec<&str> =
            log.lines().filter(|line| line.contains("adding an RR at 'home.example.test' A")).collect();
        assert_eq!(clients.len(), 2, "{log}");
        assert!(clients.iter().all(|line| line.contains(&format!(" {SECOND}#"))), "{clients:?}");
    });
}

fn record(options: &str) -> String {
    format!(
        "[record.home]\nprovider = 'rfc2136'\nhostname = '{HOME}'\nuser = 'router'\npassword = '{SECRET}'\n\
         allow = ['documentation']\nverify = '0s'\nipv4 = 'wan0'\nipv6 = 'wan0'\n{options}"
    )
}

fn is_published(agent: &Agent, addresses: &[&str]) {
    let wanted: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
    agent.wait_for("home", |status| {
        wanted
            .iter()
            .all(|ip| status.names.iter().any(|name| name.published == Some(*ip) && name.state == "idle"))
    });
    for ip in wanted {
        assert_eq!(resolve(HOME, Family::of(ip)), [ip]);
    }
}

fn resolve(name: &str, family: Family) -> Vec<IpAddr> {
    query::resolve((ISP.parse::<IpAddr>().unwrap(), 53).into(), name, family, SOON).unwrap()
}
