//! An update over HTTPS, and what the agent costs when it has nothing more to do.

use std::time::Duration;

use crate::agent::Agent;
use crate::lab::{in_namespace, ip, now, tell, variable, wait_until};
use crate::laboratory::provider::Provider;
use crate::laboratory::zone::Zone;
use crate::world::{HOME, SOON, dial, line, published, record, tls_provider};

/// As many as a router has at most, only the first of which has an address.
const RECORDS: usize = 10;
const NAS: &str = "nas.example.test";

#[test]
fn an_update_over_https_is_confirmed_in_both_families() {
    in_namespace("rest::an_update_over_https_is_confirmed_in_both_families", || {
        let (zone, provider) = secure_line();
        let records = record("home", &provider.url(), HOME, "ipv4 = 'wan0'")
            + &record("nas", &provider.url(), NAS, "ipv6 = 'wan0'");
        let agent = Agent::start_with("ca_file = '/run/ca.pem'", &records);
        dial("203.0.113.10");
        ip("addr add 2001:db8:1::7/64 dev wan0 nodad");
        published(&zone, HOME, "203.0.113.10");
        published(&zone, NAS, "2001:db8:1::7");
        for name in ["home", "nas"] {
            agent.wait_for(name, |status| status.names[0].published.is_some() && status.next_in_ms.is_none());
        }
        assert_eq!(provider.requests().len(), 2);
    });
}

/// With `WANBEACON_MEMORY_KIB="RESIDENT PRIVATE"` the memory at rest has these limits. It is a promise of the release on
/// a router (docs/performance.md), so openwrt/check-binary sets it, and a debugging build may be larger.
#[test]
fn after_an_update_it_is_one_thread_that_sleeps() {
    in_namespace("rest::after_an_update_it_is_one_thread_that_sleeps", || {
        let (zone, provider) = secure_line();
        let other = |at| {
            record(&format!("other{at}"), &provider.url(), &format!("o{at}.example.test"), "ipv4 = 'wan1'")
        };
        let records = record("home", &provider.url(), HOME, "ipv4 = 'wan0'")
            + &(1..RECORDS).map(other).collect::<String>();
        let agent = Agent::start_with("ca_file = '/run/ca.pem'", &records);
        dial("203.0.113.10");
        published(&zone, HOME, "203.0.113.10");
        agent.wait_for("home", |status| status.names[0].published.is_some());
        wait_until("only one thread is left", SOON, || agent.figure("Threads") == 1);
        let still = quiet_since(&agent);
        std::thread::sleep(Duration::from_secs(60));
        assert_eq!(agent.switches(), still, "it woke up while there was nothing to do");
        assert_eq!(agent.figure("Threads"), 1);
        let (resident, private) = (agent.figure("VmRSS"), agent.figure("RssAnon"));
        tell(&format!(
            "at rest: {resident} KiB resident, {private} KiB of it private, {} KiB at most",
            agent.figure("VmHWM")
        ));
        let limits = variable("WANBEACON_MEMORY_KIB").unwrap_or_default();
        let limits: Vec<u64> = limits.split_whitespace().map(|limit| limit.parse().unwrap()).collect();
        assert!(limits.first().is_none_or(|limit| resident <= *limit), "{resident} KiB resident");
        assert!(limits.get(1).is_none_or(|limit| private <= *limit), "{private} KiB private");
    });
}

/// The system's CA bundle with one more authority in it, and its provider at the other end of the line.
fn secure_line() -> (Zone, Provider) {
    line();
    let zone = Zone::new(1);
    let (provider, authority) = tls_provider(443, &zone);
    let bundle =
        std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").expect("the package ca-certificates");
    std::fs::write("/run/ca.pem", bundle + &authority).unwrap();
    (zone, provider)
}

/// Waits for a second in which nothing happened, and gives the count of switches.
fn quiet_since(agent: &Agent) -> u64 {
    let start = now();
    loop {
        let before = agent.switches();
        std::thread::sleep(Duration::from_secs(1));
        if agent.switches() == before {
            return before;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it does not come to rest");
    }
}
