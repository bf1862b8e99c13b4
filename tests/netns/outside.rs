//! How we are seen from outside: real NAT, miniupnpd and coturn, and services that lie.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use wanbeacon::engine::Allow;
use wanbeacon::engine::outside::Means::{Router, Stun, Web};
use wanbeacon::provider::Family;

use crate::agent::Agent;
use crate::lab::{in_namespace, ip, now, sh, within};
use crate::laboratory::certificates::Certificates;
use crate::laboratory::echo::Says;
use crate::laboratory::zone::Zone;
use crate::two_lines::{SECOND, second_line};
use crate::upstream::{
    Asker, ROUTER, SEEN, SEEN6, STUN_NAME, behind_router, coturn, echoes, miniupnpd, router_drops,
    silent_miniupnpd,
};
use crate::world::{ISP, ISP6, provider, published, record};

const DOCUMENTATION: Allow =
    Allow { private: false, cgnat: false, documentation: true, ula: false, temporary: false };
/// Drops NAT-PMP and nothing else: its question has two octets, and a UDP header eight.
const NO_NAT_PMP: &str = "udp dport 5351 udp length 10";

#[test]
fn two_web_services_that_agree_are_believed() {
    in_namespace("outside::two_web_services_that_agree_are_believed", || {
        behind_router(SEEN);
        let certificates = Certificates::new(&[ISP]);
        let services = echoes(ISP, 3, Some(&certificates));
        let mut asker = Asker::new(&services, &[]);
        fs::write("/run/ca.pem", certificates.ca_pem()).unwrap();
        asker.ca_file = Some("/run/ca.pem".into());
        asker.sees(Web, SEEN);
        let asked = || services.iter().map(|service| service.peers().len()).collect::<Vec<_>>();
        assert_eq!(asked(), [1, 1, 0]);
        asker.sees(Web, SEEN);
        assert_eq!(asked(), [1, 2, 1], "another one begins each time");
        asker.ca_file = None;
        asker.sees_nothing(Web, &["certificate"]);
    });
}

#[test]
fn a_service_that_lies_is_outvoted_and_a_disagreement_is_not_believed() {
    in_namespace("outside::a_service_that_lies_is_outvoted_and_a_disagreement_is_not_believed", || {
        behind_router(SEEN);
        let services = echoes(ISP, 3, None);
        let asker = Asker::new(&services, &[]);
        services[1].set(says("81.2.69.99"));
        for _ in 0..3 {
            asker.sees(Web, SEEN);
        }
        services[2].set(says("81.2.69.98"));
        asker.sees_nothing(Web, &["they disagree", "81.2.69.99", "81.2.69.98", SEEN]);
    });
}

#[test]
fn private_answers_portals_and_errors_are_no_answers() {
    in_namespace("outside::private_answers_portals_and_errors_are_no_answers", || {
        behind_router(SEEN);
        let services = echoes(ISP, 2, None);
        let asker = Asker::new(&services, &[]);
        let bad = [
            (says("10.0.0.9"), "10.0.0.9, which is private (RFC 1918)"),
            (says("100.64.0.9"), "100.64.0.9, which is carrier NAT"),
            (says("203.0.113.9"), "203.0.113.9, which is documentation range"),
            (says("<a href='http://192.168.1.1/login'>log in</a>"), "192.168.1.1, which is private"),
            (says("<html>please log in</html>"), "there is no IPv4 address in its answer"),
            (Says::Page(302, SEEN.to_owned()), "it answers with HTTP 302"),
            (Says::Page(500, SEEN.to_owned()), "it answers with HTTP 500"),
            (says(&"x".repeat(70_000)), "longer than 64 KiB"),
        ];
        for (says, words) in bad {
            services[0].set(says);
            asker.sees_nothing(Web, &[words, "nobody confirms it"]);
        }
    });
}

#[test]
fn a_single_service_is_believed_only_if_it_repeats_what_was_believed_before() {
    in_namespace("outside::a_single_service_is_believed_only_if_it_repeats_what_was_believed_before", || {
        behind_router(SEEN);
        let services = echoes(ISP, 2, None);
        let asker = Asker::new(&services, &[]);
        services[1].set(Says::Page(500, String::new()));
        asker.sees_nothing(Web, &["nobody confirms it"]);
        services[1].set(Says::Peer);
        asker.sees(Web, SEEN);
        services[1].set(Says::Page(500, String::new()));
        asker.sees(Web, SEEN);
        services[0].set(says("81.2.69.99"));
        asker.sees_nothing(Web, &["nobody confirms it", "81.2.69.99"]);
    });
}

#[test]
fn stun_sees_the_address_behind_the_nat_in_each_family() {
    in_namespace("outside::stun_sees_the_address_behind_the_nat_in_each_family", || {
        behind_router(SEEN);
        let _coturn = coturn();
        let mut asker = Asker::new(&[], &[STUN_NAME]);
        asker.sees(Stun, SEEN);
        asker.allow = DOCUMENTATION;
        asker.sees(Stun, SEEN6);
        asker.stun = vec![ISP.to_owned()];
        asker.sees(Stun, SEEN);
        asker.stun = vec![format!("{ISP}:3478")];
        asker.sees(Stun, SEEN);
    });
}

#[test]
fn where_stun_is_blocked_the_next_server_is_asked_and_in_the_end_it_is_said() {
    in_namespace("outside::where_stun_is_blocked_the_next_server_is_asked_and_in_the_end_it_is_said", || {
        behind_router(SEEN);
        let _coturn = coturn();
        router_drops(&format!("ip daddr {ISP} udp dport 3479"));
        let (blocked, refused) = (format!("{ISP}:3479"), format!("{ISP}:3480"));
        let mut asker = Asker::new(&[], &[&blocked, &refused, "nowhere.example.test:3478", STUN_NAME]);
        asker.sees(Stun, SEEN);
        let begun = now();
        asker.sees(Stun, SEEN);
        assert!(begun.elapsed() < Duration::from_secs(1), "the one that answered last is asked first");
        asker.stun.pop();
        let begun = now();
        asker.sees_nothing(
            Stun,
            &[&format!("{blocked}: no answer"), &format!("{refused}: connection refused"), "no such name"],
        );
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    });
}

#[test]
fn questions_leave_through_the_device_that_is_named() {
    in_namespace("outside::questions_leave_through_the_device_that_is_named", || {
        behind_router(SEEN);
        second_line();
        let _coturn = coturn();
        let services = echoes(ISP, 2, None);
        let mut asker = Asker::new(&services, &[ISP]);
        asker.allow = DOCUMENTATION;
        for (device, address) in [(Some("wan1"), SECOND), (Some("wan0"), SEEN), (None, SEEN)] {
            asker.device = device.map(str::to_owned);
            asker.sees(Stun, address);
            asker.sees(Web, address);
        }
        asker.device = Some("wan1".to_owned());
        asker.sees_nothing(Router, &["no router before us"]);
        asker.device = Some("wan9".to_owned());
        asker.sees_nothing(Router, &["there is no device wan9"]);
        asker.sees_nothing(Stun, &["device wan9"]);
        asker.sees_nothing(Web, &["device wan9"]);
    });
}

#[test]
fn the_router_says_its_address_by_nat_pmp() {
    in_namespace("outside::the_router_says_its_address_by_nat_pmp", || {
        behind_router(SEEN);
        let router = miniupnpd("enable_natpmp=yes");
        let mut asker = Asker::new(&[], &[]);
        asker.sees(Router, SEEN);
        asker.device = None;
        asker.sees(Router, SEEN);
        let log = router.log();
        assert!(log.contains("NAT-PMP public address request") && !log.contains("PCP request"), "{log}");
        let why = asker.ask(Router, Family::V6).unwrap_err();
        assert!(why.contains("IPv4 address only"), "{why}");
    });
}

#[test]
fn the_router_says_its_address_by_pcp_and_gets_its_port_back() {
    in_namespace("outside::the_router_says_its_address_by_pcp_and_gets_its_port_back", || {
        behind_router(SEEN);
        let router = miniupnpd("enable_natpmp=yes");
        router_drops(NO_NAT_PMP);
        Asker::new(&[], &[]).sees(Router, SEEN);
        let log = router.log();
        assert!(log.contains("PCP") && !log.contains("SSDP M-SEARCH"), "{log}");
        let rules = sh("ip netns exec router nft list ruleset");
        assert!(!rules.contains("dnat"), "{rules}\n{log}");
    });
}

#[test]
fn the_router_says_its_address_by_upnp() {
    in_namespace("outside::the_router_says_its_address_by_upnp", || {
        behind_router(SEEN);
        let router = miniupnpd("enable_natpmp=no");
        Asker::new(&[], &[]).sees(Router, SEEN);
        assert!(router.log().contains("GetExternalIPAddress"), "{}", router.log());
    });
}

/// A firewall of ours takes the answer to a search with everybody for an intrusion.
#[test]
fn the_router_is_found_through_a_firewall_that_lets_only_answers_in() {
    in_namespace("outside::the_router_is_found_through_a_firewall_that_lets_only_answers_in", || {
        behind_router(SEEN);
        let _router = miniupnpd("enable_natpmp=no");
        fs::write(
            "/run/firewall.nft",
            "table inet firewall {\n chain input {\n type filter hook input priority 0;\n policy drop;\n \
             ct state established,related accept\n iifname lo accept\n }\n}\n",
        )
        .unwrap();
        sh("nft -f /run/firewall.nft");
        Asker::new(&[], &[]).sees(Router, SEEN);
    });
}

#[test]
fn a_router_that_refuses_or_is_silent_is_named_with_what_it_said() {
    in_namespace("outside::a_router_that_refuses_or_is_silent_is_named_with_what_it_said", || {
        behind_router(SEEN);
        let asker = Asker::new(&[], &[]);
        let begun = now();
        asker.sees_nothing(
            Router,
            &[ROUTER, "NAT-PMP: connection refused", "PCP: connection refused", "UPnP: no answer"],
        );
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        router_drops(NO_NAT_PMP);
        router_drops("udp dport 1900");
        let _router = silent_miniupnpd("enable_natpmp=yes\ndeny 0-65535 0.0.0.0/0 0-65535");
        asker.sees_nothing(Router, &["NAT-PMP: no answer", "PCP: it refuses: not authorized"]);
        ip("route del default via 192.168.1.1");
        asker.sees_nothing(Router, &["no router before us"]);
    });
}

#[test]
fn a_router_behind_another_one_has_no_address_that_is_believed() {
    in_namespace("outside::a_router_behind_another_one_has_no_address_that_is_believed", || {
        behind_router("10.0.0.5");
        let asker = Asker::new(&[], &[]);
        let router = miniupnpd("enable_natpmp=yes");
        asker.sees_nothing(Router, &[ROUTER, "NAT-PMP: it has no public address itself"]);
        drop(router);
        let router = miniupnpd("enable_natpmp=no");
        asker.sees_nothing(Router, &[ROUTER, "UPnP: it has no public address itself"]);
        drop(router);
        // Others say it.
        for (says, words) in [([10, 0, 0, 5], "private (RFC 1918)"), ([100, 64, 0, 5], "carrier NAT")] {
            let router = within("router", || UdpSocket::bind((ROUTER, 5351)).unwrap());
            let answering = std::thread::spawn(move || {
                let (_, from) = router.recv_from(&mut [0; 2]).unwrap();
                router.send_to(&[&[0, 128, 0, 0, 0, 0, 0, 1], &says[..]].concat(), from).unwrap();
            });
            asker.sees_nothing(Router, &[ROUTER, &Ipv4Addr::from(says).to_string(), words]);
            answering.join().unwrap();
        }
    });
}

/// New sockets, multicast and rtnetlink from a worker: all of it in the agent's sandbox.
#[test]
fn the_agent_publishes_what_it_is_told_by_each_of_them() {
    in_namespace("outside::the_agent_publishes_what_it_is_told_by_each_of_them", || {
        behind_router(SEEN);
        let _coturn = coturn();
        let _router = miniupnpd("enable_natpmp=no");
        let certificates = Certificates::new(&[ISP]);
        let services = echoes(ISP, 2, Some(&certificates));
        let zone = Zone::new(1);
        let provider = provider(80, &zone);
        fs::write("/run/ca.pem", certificates.ca_pem()).unwrap();
        let global = format!(
            "ca_file = '/run/ca.pem'\nweb_services = ['{}', '{}']\nstun_servers = ['{ISP}', '{ISP6}']",
            services[0].url(),
            services[1].url()
        );
        let names = ["stun", "router", "web"].map(|means| (means, format!("{means}.example.test")));
        let records = names
            .iter()
            .map(|(means, name)| record(means, &provider.url(), name, &format!("ipv4 = '{means}:wan0'")));
        let _agent = Agent::start_with(&global, &records.collect::<String>());
        for (_, name) in &names {
            published(&zone, name, SEEN);
        }
    });
}

fn says(body: &str) -> Says {
    Says::Page(200, body.to_owned())
}
