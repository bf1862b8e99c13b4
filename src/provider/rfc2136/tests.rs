//! Specifications of the dialogue, with a server's part played by the same library; tests/dns asks real servers.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use domain::base::iana::{Class, Opcode, Rcode, Rtype, TsigRcode};
use domain::base::{Message, MessageBuilder, Name, Ttl};
use domain::rdata::tsig::{Time48, Tsig};
use domain::rdata::{Cname, Soa};
use domain::tsig::{self as library, Key, ServerTransaction};
use proptest::prelude::*;

use super::*;
use crate::provider::{DnsTransport, Prerequisite, Question, Refusal, Step, Verdict};

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "c2VjcmV0IHNlY3JldCBzZWNyZXQ=";

fn settings() -> AccountSettings {
    AccountSettings {
        user: Some("router".to_owned()),
        password: Some(Secret::new(SECRET)),
        server: Some("192.0.2.53".to_owned()),
        zone: Some("example.org".to_owned()),
        ..AccountSettings::default()
    }
}

fn peer(settings: &AccountSettings) -> Arc<Peer> {
    Arc::new(Peer::read("rfc2136", settings, &["home.example.org".to_owned()]).unwrap())
}

fn update(names: &[&str]) -> Update {
    Update {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ipv4: Some(Ipv4Addr::new(198, 51, 100, 7)),
        ipv6: Some("2001:db8::7".parse::<Ipv6Addr>().unwrap()),
        ..Update::default()
    }
}

fn begin(settings: &AccountSettings, names: &[&str]) -> (Talk, Question) {
    let (talk, step) = Talk::begin(peer(settings), &update(names), NOW);
    (talk, asked(step))
}

fn asked(step: Step) -> Question {
    match step {
        Step::Ask(question) => question,
        other @ (Step::Send(_) | Step::Done(_)) => panic!("no question: {other:?}"),
    }
}

fn verdicts(step: Step) -> Vec<Verdict> {
    match step {
        Step::Done(verdicts) => verdicts,
        other @ (Step::Ask(_) | Step::Send(_)) => panic!("not done: {other:?}"),
    }
}

/// The library's key; it has not all algorithms.
fn key(settings: &AccountSettings) -> Option<Key> {
    let algorithm = match settings.dns.algorithm {
        Algorithm::Md5 | Algorithm::Sha224 => return None,
        Algorithm::Sha1 => library::Algorithm::Sha1,
        Algorithm::Sha256 => library::Algorithm::Sha256,
        Algorithm::Sha384 => library::Algorithm::Sha384,
        Algorithm::Sha512 => library::Algorithm::Sha512,
    };
    let secret = peer(settings).secret_octets().unwrap();
    Some(Key::new(algorithm, &secret, name("router").unwrap(), None, None).unwrap())
}

/// What a server with this key answers, signed at `now`.
fn signed(question: &Question, settings: &AccountSettings, code: Rcode, now: u64) -> Vec<u8> {
    let mut request = Message::from_octets(question.message.clone()).unwrap();
    let key = key(settings).unwrap();
    let time = Time48::from_u64(now);
    let transaction = ServerTransaction::request(&key, &mut request, time).unwrap().unwrap();
    let builder = MessageBuilder::new_vec().start_answer(request.for_slice(), code).unwrap();
    let mut builder = builder.additional();
    transaction.answer(&mut builder, time).unwrap();
    builder.finish()
}

/// An answer that nobody signed.
fn unsigned(question: &Question, code: Rcode) -> Vec<u8> {
    let request = Message::from_slice(&question.message).unwrap();
    MessageBuilder::new_vec().start_answer(request, code).unwrap().finish()
}

/// A negative answer with the SOA of a zone.
fn soa_of(question: &Question, zone: &str, primary: &str) -> Vec<u8> {
    let name = |text: &str| text.parse::<Name<Vec<u8>>>().unwrap();
    let request = Message::from_slice(&question.message).unwrap();
    let builder = MessageBuilder::new_vec().start_answer(request, Rcode::NXDOMAIN).unwrap();
    let mut builder = builder.authority();
    let second = Ttl::from_secs(1);
    let soa = Soa::new(name(primary), name("admin.example.org"), 1.into(), second, second, second, second);
    builder.push((name(zone), Class::IN, second, soa)).unwrap();
    builder.finish()
}

#[test]
fn an_update_has_the_wire_form_of_rfc_2136() {
    let (_, question) = begin(&settings(), &["home.example.org"]);
    assert!(question.is_update);
    let message = &question.message;
    // Opcode 5, one zone, no prerequisite, four changes, one TSIG record (section 2.2).
    assert_eq!(message[2..12], [0x28, 0, 0, 1, 0, 0, 0, 4, 0, 1]);
    let mut body = b"\x07example\x03org\0\0\x06\0\x01".to_vec();
    // Deletes of whole RRsets (section 2.5.2): class ANY, TTL 0, no data. Additions (section 2.5.1) with TTL 60.
    body.extend(b"\x04home\xc0\x0c\0\x01\0\xff\0\0\0\0\0\0");
    body.extend(b"\xc0\x1d\0\x01\0\x01\0\0\0\x3c\0\x04\xc6\x33\x64\x07");
    body.extend(b"\xc0\x1d\0\x1c\0\xff\0\0\0\0\0\0");
    body.extend(b"\xc0\x1d\0\x1c\0\x01\0\0\0\x3c\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07");
    assert_eq!(message[12..12 + body.len()], body);
    // Key name, type TSIG, class ANY, TTL 0 (RFC 8945 section 4.2).
    assert_eq!(message[12 + body.len()..][..16], *b"\x06router\0\0\xfa\0\xff\0\0\0\0");
    assert!(message.len() <= 512);
}

#[test]
fn all_names_of_a_zone_go_in_one_message_and_a_rightly_signed_answer_confirms_them() {
    let names: Vec<String> = (0..20).map(|at| format!("host-{at}.example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut talk, question) = begin(&settings(), &names);
    let counts = Message::from_slice(&question.message).unwrap().header_counts();
    assert_eq!((counts.nscount(), counts.arcount()), (80, 1));
    let done = talk.hear(&signed(&question, &settings(), Rcode::NOERROR, NOW));
    assert_eq!(verdicts(done), vec![Verdict::Good; 20]);
}

#[test]
fn what_is_shown_is_what_nsupdate_reads_without_the_secret() {
    let settings = AccountSettings {
        dns: DnsSettings { prerequisite: Prerequisite::NameExists, ..DnsSettings::default() },
        ..settings()
    };
    let (_, question) = begin(&settings, &["home.example.org"]);
    let wanted = "server 192.0.2.53 53\nzone example.org\nkey hmac-sha256:router ***\n\
                  prereq yxdomain home.example.org\n\
                  update delete home.example.org A\nupdate add home.example.org 60 A 198.51.100.7\n\
                  update delete home.example.org AAAA\nupdate add home.example.org 60 AAAA 2001:db8::7\nsend";
    assert_eq!(question.shown, wanted);
    let message = Message::from_slice(&question.message).unwrap();
    let prerequisites: Vec<_> = message.answer().unwrap().map(Result::unwrap).collect();
    assert_eq!((prerequisites[0].class(), prerequisites[0].rtype()), (Class::ANY, Rtype::ANY));
}

#[test]
fn each_algorithm_that_the_library_has_signs_what_it_accepts() {
    for algorithm in Algorithm::ALL {
        let settings =
            AccountSettings { dns: DnsSettings { algorithm, ..DnsSettings::default() }, ..settings() };
        if key(&settings).is_none() {
            continue;
        }
        let (mut talk, question) = begin(&settings, &["home.example.org"]);
        let done = talk.hear(&signed(&question, &settings, Rcode::NOERROR, NOW));
        assert_eq!(verdicts(done), [Verdict::Good], "{algorithm:?}");
    }
}

#[test]
fn a_success_that_is_not_rightly_signed_is_none() {
    let (mut talk, question) = begin(&settings(), &["home.example.org"]);
    let done = verdicts(talk.hear(&unsigned(&question, Rcode::NOERROR)));
    assert!(matches!(done[0], Verdict::NotUnderstood { .. }), "{done:?}");

    let (mut talk, question) = begin(&settings(), &["home.example.org"]);
    let mut forged = signed(&question, &settings(), Rcode::REFUSED, NOW);
    forged[3] &= 0xf0;
    let done = verdicts(talk.hear(&forged));
    assert!(matches!(done[0], Verdict::NotUnderstood { .. }), "{done:?}");

    // The right answer to another request.
    let (mut talk, _) = begin(&settings(), &["home.example.org"]);
    let (_, other) = begin(&settings(), &["nas.example.org"]);
    let done = verdicts(talk.hear(&signed(&other, &settings(), Rcode::NOERROR, NOW)));
    assert!(matches!(done[0], Verdict::NotUnderstood { .. }), "{done:?}");
}

#[test]
fn a_refusal_without_proof_parks_nothing() {
    for code in [Rcode::REFUSED, Rcode::NOTAUTH, Rcode::SERVFAIL, Rcode::NOTIMP, Rcode::FORMERR] {
        let (mut talk, question) = begin(&settings(), &["home.example.org"]);
        let done = verdicts(talk.hear(&unsigned(&question, code)));
        assert!(matches!(done[0], Verdict::Busy { .. }), "{code}: {done:?}");
    }
}

#[test]
fn each_response_code_has_its_verdict() {
    use Refusal::{Credentials, Malformed, Name};
    let cases = [
        (Rcode::FORMERR, Some(Malformed)),
        (Rcode::NOTAUTH, Some(Name)),
        (Rcode::NOTIMP, None),
        (Rcode::NOTZONE, Some(Name)),
        (Rcode::NXDOMAIN, Some(Name)),
        (Rcode::REFUSED, Some(Credentials)),
        (Rcode::SERVFAIL, None),
    ];
    for (code, wanted) in cases {
        let (mut talk, question) = begin(&settings(), &["home.example.org"]);
        let done = verdicts(talk.hear(&signed(&question, &settings(), code, NOW)));
        match (&done[0], wanted) {
            (Verdict::Refused { refusal, .. }, Some(wanted)) => assert_eq!(*refusal, wanted, "{code}"),
            (Verdict::Busy { .. }, None) => {}
            other => panic!("{code}: {other:?}"),
        }
    }
}

/// Errors about the key itself cannot be signed with it (RFC 8945 section 5.2.1).
#[test]
fn a_key_that_the_server_does_not_accept_names_the_option_to_mend() {
    for (error, option) in [(TsigRcode::BADKEY, "'user'"), (TsigRcode::BADSIG, "'password'")] {
        let (mut talk, question) = begin(&settings(), &["home.example.org"]);
        let request = Message::from_slice(&question.message).unwrap();
        let builder = MessageBuilder::new_vec().start_answer(request, Rcode::NOTAUTH).unwrap();
        let mut builder = builder.additional();
        let algorithm = library::Algorithm::Sha256.to_name();
        let data = Tsig::new(algorithm, Time48::from_u64(NOW), 300, b"", request.header().id(), error, b"");
        builder.push((name("router").unwrap(), Class::ANY, 0, data.unwrap())).unwrap();
        let done = verdicts(talk.hear(&builder.finish()));
        let Verdict::Refused { refusal: Refusal::Credentials, words } = &done[0] else { panic!("{done:?}") };
        assert!(words.contains(option), "{words}");
    }
}

/// BADTIME as RFC 8945 section 5.2.3 has it: the request's time once more, the server's as other data. The library cannot
/// make one, see the module `tsig`.
fn bad_time(question: &Question, server: u64, secret: &[u8]) -> Vec<u8> {
    let request = Message::from_slice(&question.message).unwrap();
    let asked = request.get_last_additional::<Tsig<_, _>>().unwrap();
    let (mac, time) = (*asked.data().mac(), asked.data().time_signed().into_octets());
    let mut answer = MessageBuilder::new_vec().start_answer(request, Rcode::NOTAUTH).unwrap().finish();
    let other = &server.to_be_bytes()[2..];
    let mut signed = [&[0, 32], mac, &answer, b"\x06router\0\0\xff\0\0\0\0\x0bhmac-sha256\0", &time].concat();
    signed.extend([&[1, 44, 0, 18, 0, 6], other].concat());
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    let mac = ring::hmac::sign(&key, &signed);
    answer[11] = 1;
    answer.extend(b"\x06router\0\0\xfa\0\xff\0\0\0\0\0\x43\x0bhmac-sha256\0");
    answer.extend(
        [&time[..], &[1, 44, 0, 32], mac.as_ref(), &question.message[..2], &[0, 18, 0, 6], other].concat(),
    );
    answer
}

#[test]
fn a_wrong_clock_is_put_right_by_the_server_once() {
    let (peer, update) = (peer(&settings()), update(&["home.example.org"]));
    let secret = peer.secret_octets().unwrap();
    let (mut talk, step) = Talk::begin(Arc::clone(&peer), &update, 0);
    let first = asked(step);
    let second = asked(talk.hear(&bad_time(&first, NOW, &secret)));
    assert_ne!(first.message[..2], second.message[..2]);
    let done = talk.hear(&signed(&second, &settings(), Rcode::NOERROR, NOW));
    assert_eq!(verdicts(done), [Verdict::Good]);

    let (mut talk, step) = Talk::begin(Arc::clone(&peer), &update, 0);
    let second = asked(talk.hear(&bad_time(&asked(step), NOW, &secret)));
    let done = verdicts(talk.hear(&bad_time(&second, NOW + 9000, &secret)));
    assert!(matches!(done[0], Verdict::Busy { .. }), "{done:?}");
}

#[test]
fn a_time_that_the_server_did_not_sign_for_this_request_is_not_believed() {
    let (peer, update) = (peer(&settings()), update(&["home.example.org"]));
    let secret = peer.secret_octets().unwrap();
    let begin = |now| {
        let (talk, step) = Talk::begin(Arc::clone(&peer), &update, now);
        (talk, asked(step))
    };
    let (mut talk, question) = begin(0);
    let done = verdicts(talk.hear(&bad_time(&question, NOW, b"another secret")));
    assert!(matches!(done[0], Verdict::NotUnderstood { .. }), "{done:?}");
    let (mut talk, _) = begin(0);
    let (_, other) = begin(1);
    let done = verdicts(talk.hear(&bad_time(&other, NOW, &secret)));
    assert!(matches!(done[0], Verdict::NotUnderstood { .. }), "{done:?}");
}

#[test]
fn zone_and_server_are_found_by_the_soa_and_names_of_two_zones_go_apart() {
    let settings = AccountSettings { server: None, zone: None, ..settings() };
    let names = ["a.example.org", "b.example.net", "c.example.org"];
    let (mut talk, first) = begin(&settings, &names);
    assert_eq!(first.server, NameServer::Resolver);
    assert!(!first.is_update && first.message[2] & 1 == 1, "the resolver is to ask others");
    let second = asked(talk.hear(&soa_of(&first, "example.org", "ns1.example.org")));
    let third = asked(talk.hear(&soa_of(&second, "example.net", "ns1.example.net")));
    let update = asked(talk.hear(&soa_of(&third, "Example.ORG", "ns1.example.org")));
    assert_eq!(update.server, NameServer::Host { host: "ns1.example.org".to_owned(), port: 53 });
    assert!(update.shown.contains("a.example.org") && update.shown.contains("c.example.org"));
    assert!(!update.shown.contains("b.example.net"));
    let last = asked(talk.hear(&signed(&update, &settings, Rcode::NOERROR, NOW)));
    assert_eq!(last.server, NameServer::Host { host: "ns1.example.net".to_owned(), port: 53 });
    let done = verdicts(talk.hear(&signed(&last, &settings, Rcode::REFUSED, NOW)));
    assert!(matches!(done[..], [Verdict::Good, Verdict::Refused { .. }, Verdict::Good]), "{done:?}");
}

#[test]
fn each_name_has_its_own_address_and_what_is_removed_is_not_added() {
    let mut update = update(&["home.example.org", "nas.example.org"]);
    (update.ipv4, update.removed) = (None, vec![Family::V4]);
    update.ipv6_of.insert("nas.example.org".to_owned(), "2001:db8::9".parse().unwrap());
    let (_, step) = Talk::begin(peer(&settings()), &update, NOW);
    let wanted = "server 192.0.2.53 53\nzone example.org\nkey hmac-sha256:router ***\n\
                  update delete home.example.org A\n\
                  update delete home.example.org AAAA\nupdate add home.example.org 60 AAAA 2001:db8::7\n\
                  update delete nas.example.org A\n\
                  update delete nas.example.org AAAA\nupdate add nas.example.org 60 AAAA 2001:db8::9\nsend";
    let question = asked(step);
    assert_eq!(question.shown, wanted);
    assert_eq!(peer(&settings()).script(&update), wanted);
    let message = Message::from_slice(&question.message).unwrap();
    assert_eq!(message.header_counts().nscount(), 6, "four RRsets deleted, two added");
}

#[test]
fn a_name_with_several_addresses_has_them_in_one_record_set() {
    let mut update = update(&["home.example.org"]);
    update.further = vec!["198.51.100.8".parse().unwrap()];
    let script = peer(&settings()).script(&update);
    let a = "update delete home.example.org A\nupdate add home.example.org 60 A 198.51.100.7\n\
             update add home.example.org 60 A 198.51.100.8\nupdate delete home.example.org AAAA\n";
    assert!(script.contains(a), "{script}");
}

#[test]
fn the_own_address_of_a_name_is_called_by_it_and_a_removed_one_by_nobody() {
    let settings = AccountSettings { dns: DnsSettings { ptr: true, ..DnsSettings::default() }, ..settings() };
    let mut update = update(&["home.example.org"]);
    (update.ipv4, update.removed) = (None, vec![Family::V4]);
    update.ipv6_of.insert("home.example.org".to_owned(), "2001:db8::9".parse().unwrap());
    assert_eq!(peer(&settings).pointers(&update), ["2001:db8::9".parse::<IpAddr>().unwrap()]);
}

#[test]
fn addresses_are_called_by_the_first_name_after_it_is_published() {
    let dns = DnsSettings { ptr: true, prerequisite: Prerequisite::NameExists, ..DnsSettings::default() };
    let settings = AccountSettings { dns, ..settings() };
    let (mut talk, forward) = begin(&settings, &["nas.example.org", "home.example.org"]);
    let mut step = talk.hear(&signed(&forward, &settings, Rcode::NOERROR, NOW));
    let reverse =
        ["7.100.51.198.in-addr.arpa", &("7.".to_owned() + &"0.".repeat(23) + "8.b.d.0.1.0.0.2.ip6.arpa")];
    for owner in reverse {
        let question = asked(step);
        assert_eq!(question.shown, format!("SOA of {owner} at 192.0.2.53"));
        let (_, zone) = owner.split_once('.').unwrap();
        let update = asked(talk.hear(&soa_of(&question, zone, "ns1.example.org")));
        let wanted = format!(
            "server 192.0.2.53 53\nzone {zone}\nkey hmac-sha256:router ***\n\
             update delete {owner} PTR\nupdate add {owner} 60 PTR home.example.org.\nsend"
        );
        assert_eq!(update.shown, wanted);
        step = talk.hear(&signed(&update, &settings, Rcode::NOERROR, NOW));
    }
    assert_eq!(verdicts(step), [Verdict::Good, Verdict::Good]);
}

#[test]
fn a_name_that_was_not_published_is_no_name_of_an_address() {
    let settings = AccountSettings { dns: DnsSettings { ptr: true, ..DnsSettings::default() }, ..settings() };
    let (mut talk, question) = begin(&settings, &["home.example.org"]);
    let done = verdicts(talk.hear(&signed(&question, &settings, Rcode::SERVFAIL, NOW)));
    assert!(matches!(done[..], [Verdict::Busy { .. }]), "{done:?}");
}

#[test]
fn without_a_soa_or_with_an_alias_the_parent_is_asked() {
    let settings = AccountSettings { zone: None, ..settings() };
    let (mut talk, first) = begin(&settings, &["a.b.example.org"]);
    assert_eq!(first.message[2] & 1, 0, "an authoritative server knows it by itself");
    let request = Message::from_slice(&first.message).unwrap();
    let mut builder = MessageBuilder::new_vec().start_answer(request, Rcode::NOERROR).unwrap();
    let target = Cname::new("elsewhere.example.net".parse::<Name<Vec<u8>>>().unwrap());
    builder.push((name("a.b.example.org").unwrap(), Class::IN, Ttl::from_secs(1), target)).unwrap();
    let second = asked(talk.hear(&builder.finish()));
    assert!(second.shown.contains("SOA of b.example.org"), "{}", second.shown);
    // Somebody else's zone is none of ours.
    let third = asked(talk.hear(&soa_of(&second, "example.net", "ns1.example.net")));
    assert!(third.shown.contains("SOA of example.org"), "{}", third.shown);
    let update = asked(talk.hear(&soa_of(&third, "example.org", "ns1.example.org")));
    assert_eq!(Message::from_slice(&update.message).unwrap().header().opcode(), Opcode::UPDATE);
    assert_eq!(update.server, NameServer::Host { host: "192.0.2.53".to_owned(), port: 53 });
}

#[test]
fn a_search_that_finds_nothing_ends_with_words() {
    let settings = AccountSettings { zone: None, ..settings() };
    let (mut talk, mut question) = begin(&settings, &["a.example.org"]);
    let done = loop {
        match talk.hear(&unsigned(&question, Rcode::NXDOMAIN)) {
            Step::Ask(next) => question = next,
            step @ (Step::Send(_) | Step::Done(_)) => break verdicts(step),
        }
    };
    let Verdict::NotUnderstood { words } = &done[0] else { panic!("{done:?}") };
    assert!(words.contains("'zone'"), "{words}");
}

#[test]
fn a_zone_that_is_none_is_told_with_the_one_that_is() {
    let settings = AccountSettings { server: None, zone: Some("home.example.org".to_owned()), ..settings() };
    let (mut talk, question) = begin(&settings, &["home.example.org"]);
    let done = verdicts(talk.hear(&soa_of(&question, "example.org", "ns1.example.org")));
    let Verdict::Busy { words, .. } = &done[0] else { panic!("{done:?}") };
    assert!(words.contains("example.org: set 'zone'"), "{words}");
}

#[test]
fn servers_are_names_and_addresses_with_and_without_port() {
    let host = |host: &str, port| Ok(NameServer::Host { host: host.to_owned(), port });
    assert_eq!(server("ns1.example.org"), host("ns1.example.org", 53));
    assert_eq!(server("ns1.example.org.:5353"), host("ns1.example.org", 5353));
    assert_eq!(server("192.0.2.1:5353"), host("192.0.2.1", 5353));
    assert_eq!(server("2001:db8::1"), host("2001:db8::1", 53));
    assert_eq!(server("[2001:db8::1]"), host("2001:db8::1", 53));
    assert_eq!(server("[2001:db8::1]:5353"), host("2001:db8::1", 5353));
    for bad in ["", "https://a.b", "a.b:", "a.b:0", "a.b:65536", "a b", "[a.b]:53", "[::1", "::1]", "a/b"] {
        assert!(server(bad).is_err(), "{bad}");
    }
}

#[test]
fn every_mistake_in_the_settings_names_its_option() {
    let empty = AccountSettings::default();
    let options = |settings: &AccountSettings| -> Vec<&str> {
        Peer::read("rfc2136", settings, &[]).err().unwrap().iter().map(AccountError::option).collect()
    };
    assert_eq!(options(&empty), ["user", "password"]);
    let wrong = AccountSettings {
        user: Some("a..b".to_owned()),
        password: Some(Secret::new("not base64!")),
        server: Some("https://ns1.example.org".to_owned()),
        ..empty
    };
    assert_eq!(options(&wrong), ["server", "user", "password"]);
}

#[test]
fn ids_differ_by_time_key_and_place_in_the_dialogue() {
    let id = |secret: &str, now, count| {
        let settings = AccountSettings { password: Some(Secret::new(secret)), ..settings() };
        message::id(&peer(&settings), &update(&["a.example.org"]), now, count)
    };
    let first = id(SECRET, NOW, 0);
    let others = [id("AAAA", NOW, 0), id(SECRET, NOW + 1, 0), id(SECRET, NOW, 1)];
    assert!(others.iter().all(|other| *other != first), "{first} {others:?}");
}

#[test]
fn an_answer_is_of_the_same_id_and_opcode() {
    let (_, question) = begin(&settings(), &["home.example.org"]);
    let answer = unsigned(&question, Rcode::NOERROR);
    assert!(question.is_answered_by(&answer));
    assert!(!question.is_answered_by(&question.message), "a question is no answer");
    assert!(!question.is_answered_by(&answer[..11]));
    for (at, bit) in [(0, 1), (1, 1), (2, 0x10)] {
        let mut other = answer.clone();
        other[at] ^= bit;
        assert!(!question.is_answered_by(&other), "{at}");
    }
    assert_eq!(question.transport, DnsTransport::Udp);
}

proptest! {
    /// Random octets, and valid answers with some octets changed, to each message of a dialogue.
    #[test]
    fn no_answer_makes_it_panic_or_succeed(
        noise in proptest::collection::vec(any::<u8>(), 0..600),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..4),
        kind in 0..3_u8,
    ) {
        let dns = DnsSettings { ptr: true, ..DnsSettings::default() };
        let settings = AccountSettings { zone: (kind > 0).then(|| "example.org".to_owned()), dns, ..settings() };
        let (mut talk, question) = begin(&settings, &["home.example.org"]);
        let mut answer = match kind {
            0 => soa_of(&question, "example.org", "ns1.example.org"),
            1 => signed(&question, &settings, Rcode::NOERROR, NOW),
            _ => bad_time(&question, NOW + 9000, &peer(&settings).secret_octets().unwrap()),
        };
        let intact = answer.clone();
        for (at, change) in changes {
            let at = at.index(answer.len());
            answer[at] ^= change;
        }
        // The original id puts the id right, and names are signed in lower case; each other octet counts.
        let is_changed = !answer[2..].eq_ignore_ascii_case(&intact[2..]);
        for message in [answer.clone(), noise, answer] {
            match talk.hear(&message) {
                Step::Done(verdicts) => prop_assert!(verdicts[0] != Verdict::Good || !is_changed),
                // Only what was published has PTR records.
                Step::Ask(next) => prop_assert!(!next.shown.contains(".arpa") || !is_changed),
                step => prop_assert!(false, "{step:?}"),
            }
        }
    }
}
