//! What each server does with an update, and what becomes of its answer.

use wanbeacon::daemon::clock;
use wanbeacon::daemon::http::Limits;
use wanbeacon::engine::Outcome;
use wanbeacon::provider::{
    AccountSettings, Algorithm, DnsSettings, DnsTransport, Family, Prerequisite, Refusal, Secret, Update,
    Verdict,
};

use crate::client::{
    is_called, is_good, is_published, publish, publish_with, refusal, settings, trouble, update,
};
use crate::servers::{Server, WRONG_SECRET};

const HOUR: u64 = 3600;

#[test]
fn bind_knot_and_powerdns_publish_what_they_are_told_and_can_be_told_again() {
    for server in [Server::bind(), Server::knot(), Server::powerdns()] {
        let settings = settings(server.address);
        let first = update(&["home.example.test", "old.example.test"], 7);
        is_good(&settings, &first);
        is_published(server.address, &first);
        is_good(&settings, &first);
        is_published(server.address, &first);
        let next = update(&["home.example.test"], 8);
        is_good(&settings, &next);
        is_published(server.address, &next);
    }
}

#[test]
fn a_family_that_is_not_told_stays() {
    let server = Server::bind();
    let both = update(&["home.example.test"], 7);
    is_good(&settings(server.address), &both);
    let mut one = update(&["home.example.test"], 8);
    one.ipv6 = None;
    is_good(&settings(server.address), &one);
    one.ipv6 = both.ipv6;
    is_published(server.address, &one);
}

#[test]
fn each_name_can_have_an_address_of_its_own_in_one_message() {
    for server in [Server::bind(), Server::knot(), Server::powerdns()] {
        let mut update = update(&["home.example.test", "nas.example.test", "old.example.test"], 7);
        update.ipv6_of.insert("nas.example.test".to_owned(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 9].into());
        let (outcome, exchange) = publish(&settings(server.address), &update);
        assert_eq!(outcome, Outcome::Answered(vec![Verdict::Good; 3]));
        assert_eq!(exchange.request.matches("\nsend").count(), 1, "{}", exchange.request);
        is_published(server.address, &update);
    }
}

#[test]
fn records_of_a_family_are_removed_and_the_others_stay_and_a_second_time_changes_nothing() {
    for server in [Server::bind(), Server::knot(), Server::powerdns()] {
        let settings = settings(server.address);
        let mut both = update(&["home.example.test", "nas.example.test"], 7);
        is_good(&settings, &both);
        let gone = Update { names: both.names.clone(), removed: vec![Family::V4], ..Update::default() };
        both.ipv4 = None;
        for _ in 0..2 {
            is_good(&settings, &gone);
            is_published(server.address, &both);
        }
        // The last record of a name goes, and the name comes back.
        let last = Update { removed: vec![Family::V4, Family::V6], ..gone };
        is_good(&settings, &last);
        is_published(server.address, &last);
        let again = update(&["home.example.test", "nas.example.test"], 8);
        is_good(&settings, &again);
        is_published(server.address, &again);
    }
}

#[test]
fn a_name_can_have_several_addresses_and_has_one_again() {
    for server in [Server::bind(), Server::knot(), Server::powerdns()] {
        let first = update(&["home.example.test"], 7);
        let both = Update { further: vec![[198, 51, 100, 9].into()], ..first.clone() };
        for update in [&both, &first] {
            is_good(&settings(server.address), update);
            is_published(server.address, update);
        }
    }
}

#[test]
fn one_family_is_removed_while_the_other_is_told() {
    let server = Server::bind();
    let first = update(&["home.example.test"], 7);
    is_good(&settings(server.address), &first);
    let next = Update { ipv4: None, removed: vec![Family::V4], ..update(&["home.example.test"], 8) };
    is_good(&settings(server.address), &next);
    is_published(server.address, &next);
}

#[test]
fn each_algorithm_is_accepted_over_udp_and_tcp() {
    let server = Server::bind();
    let mut octet = 0;
    for algorithm in Algorithm::ALL {
        for transport in [DnsTransport::Udp, DnsTransport::Tcp] {
            let dns = DnsSettings { algorithm, transport, ..DnsSettings::default() };
            let (user, zone) = (Some(algorithm.name().to_owned()), Some("sub.example.test".to_owned()));
            octet += 1;
            let update = update(&["home.sub.example.test"], octet);
            let (outcome, exchange) =
                publish(&AccountSettings { user, zone, dns, ..settings(server.address) }, &update);
            assert_eq!(outcome, Outcome::Answered(vec![Verdict::Good]), "{algorithm:?}");
            assert_eq!(exchange.connect_ms > 0.0, transport == DnsTransport::Tcp, "a connection was made");
            is_published(server.address, &update);
        }
    }
}

#[test]
fn a_wrong_key_secret_or_algorithm_parks_the_record_with_the_option_to_mend() {
    for server in [Server::bind(), Server::knot()] {
        for (settings, option) in wrong(&settings(server.address)) {
            let (class, words) = refusal(&settings, &update(&["home.example.test"], 7));
            assert_eq!(class, Refusal::Credentials);
            assert!(words.contains(option), "{words}");
        }
    }
}

/// PowerDNS says nothing about the key, and signs nothing: so might a stranger.
#[test]
fn a_wrong_key_that_is_refused_without_a_signature_parks_nothing() {
    let server = Server::powerdns();
    for (settings, option) in wrong(&settings(server.address)) {
        let words = trouble(&settings, &update(&["home.example.test"], 7));
        assert!(words.contains("without a signature"), "{option}: {words}");
    }
}

/// Settings with one mistake, and the option to mend.
fn wrong(right: &AccountSettings) -> [(AccountSettings, &'static str); 3] {
    let secret = AccountSettings { password: Some(Secret::new(WRONG_SECRET)), ..right.clone() };
    let name = AccountSettings { user: Some("rooter".to_owned()), ..right.clone() };
    let dns = DnsSettings { algorithm: Algorithm::Sha512, ..DnsSettings::default() };
    let algorithm = AccountSettings { dns, ..right.clone() };
    [(secret, "'password'"), (name, "'user'"), (algorithm, "'algorithm'")]
}

#[test]
fn a_zone_that_the_key_may_not_change_and_one_that_is_not_the_servers_are_told_apart() {
    let server = Server::bind();
    let zone = |zone: &str| AccountSettings { zone: Some(zone.to_owned()), ..settings(server.address) };
    let (class, words) = refusal(&zone("denied.test"), &update(&["home.denied.test"], 7));
    assert_eq!(class, Refusal::Credentials);
    assert!(words.contains("REFUSED"), "{words}");
    let (class, words) = refusal(&zone("foreign.test"), &update(&["home.foreign.test"], 7));
    assert_eq!(class, Refusal::Name);
    assert!(words.contains("'zone'"), "{words}");
}

#[test]
fn a_clock_that_is_wrong_or_was_never_set_is_put_right_by_the_server() {
    for server in [Server::bind(), Server::knot()] {
        for (octet, now) in [(7, 0), (8, clock::unix() + HOUR)] {
            let update = update(&["home.example.test"], octet);
            let (outcome, _) = publish_with(&settings(server.address), &update, now, Limits::default());
            assert_eq!(outcome, Outcome::Answered(vec![Verdict::Good]));
            is_published(server.address, &update);
        }
    }
}

/// Eighty changes do not fit into 512 octets: they go over TCP, in one message.
#[test]
fn all_names_of_a_zone_go_in_one_message() {
    let names: Vec<String> = (0..20).map(|at| format!("host-{at}.example.test")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for server in [Server::bind(), Server::knot(), Server::powerdns()] {
        let update = update(&names, 7);
        let (outcome, exchange) = publish(&settings(server.address), &update);
        assert_eq!(outcome, Outcome::Answered(vec![Verdict::Good; 20]));
        assert_eq!(exchange.request.matches("update add").count(), 40);
        assert!(exchange.connect_ms > 0.0, "a connection was made");
        is_published(server.address, &update);
    }
}

#[test]
fn without_a_zone_each_name_finds_its_own() {
    let server = Server::bind();
    let settings = AccountSettings { zone: None, ..settings(server.address) };
    let update = update(&["home.example.test", "a.b.sub.example.test", "old.example.test"], 7);
    is_good(&settings, &update);
    is_published(server.address, &update);
    for server in [Server::knot(), Server::powerdns()] {
        let settings = AccountSettings { server: Some(server.address.to_string()), ..settings.clone() };
        let update = crate::client::update(&["home.example.test", "a.b.example.test"], 7);
        is_good(&settings, &update);
        is_published(server.address, &update);
    }
}

#[test]
fn a_name_that_does_not_exist_is_not_created_where_that_is_the_prerequisite() {
    for server in [Server::bind(), Server::knot(), Server::powerdns()] {
        let dns = DnsSettings { prerequisite: Prerequisite::NameExists, ..DnsSettings::default() };
        let settings = AccountSettings { dns, ..settings(server.address) };
        let known = update(&["old.example.test"], 7);
        is_good(&settings, &known);
        is_published(server.address, &known);
        let (class, words) = refusal(&settings, &update(&["odl.example.test"], 7));
        assert_eq!(class, Refusal::Name);
        assert!(words.contains("'prerequisite'"), "{words}");
    }
}

#[test]
fn addresses_are_called_by_the_first_name_on_request() {
    let server = Server::bind();
    let dns = DnsSettings { ptr: true, ..DnsSettings::default() };
    let found = AccountSettings { zone: None, ..settings(server.address) };
    for (octet, settings) in [(7, settings(server.address)), (8, found)] {
        let update = update(&["home.example.test", "old.example.test"], octet);
        for _ in 0..2 {
            is_good(&AccountSettings { dns, ..settings.clone() }, &update);
            is_published(server.address, &update);
            for family in [Family::V4, Family::V6] {
                is_called(server.address, update.address(family).unwrap(), "home.example.test");
            }
        }
    }
}

/// Knot has no reverse zone here.
#[test]
fn a_reverse_zone_that_is_somebody_elses_leaves_the_name_published_and_parks_nothing() {
    let server = Server::knot();
    let dns = DnsSettings { ptr: true, ..DnsSettings::default() };
    let update = update(&["home.example.test"], 7);
    let words = trouble(&AccountSettings { dns, ..settings(server.address) }, &update);
    assert!(words.contains("PTR record of 198.51.100.7") && words.contains("'ptr'"), "{words}");
    is_published(server.address, &update);
}

#[test]
fn a_server_that_refuses_a_question_without_a_signature_is_asked_again_later() {
    let server = Server::bind();
    let settings = AccountSettings { zone: None, ..settings(server.address) };
    let words = trouble(&settings, &update(&["home.foreign.test"], 7));
    assert!(words.contains("REFUSED") && words.contains("'zone'"), "{words}");
}
