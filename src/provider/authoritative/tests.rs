//! Specifications of the look, with the servers' parts played by the same library; tests/dns asks real servers.

use domain::base::iana::{Class, Rcode};
use domain::base::{MessageBuilder, Name, Ttl};
use domain::rdata::Soa;
use proptest::prelude::*;

use super::*;

const NAME: &str = "home.example.org";
const NS1: &str = "192.0.2.53";
const WANTED: &str = "198.51.100.7";

/// Records of an answer, in presentation form.
type Lines<'a> = &'a [(&'a str, &'a str, &'a str)];

/// The answer to a question: code, whether it is authoritative, answer section, authority section.
fn answer(question: &Question, code: Rcode, aa: bool, answers: Lines<'_>, authority: Lines<'_>) -> Vec<u8> {
    let request = Message::from_octets(question.message.clone()).unwrap();
    let mut builder = MessageBuilder::new_vec().start_answer(request.for_slice(), code).unwrap();
    builder.header_mut().set_aa(aa);
    let owned = |(owner, kind, data): &(&str, &str, &str)| {
        ((*owner).to_owned(), (*kind).to_owned(), (*data).to_owned())
    };
    for (owner, kind, data) in answers.iter().map(owned) {
        let owner = wire(&owner);
        match kind.as_str() {
            "A" => builder.push((&owner, Class::IN, Ttl::ZERO, A::new(data.parse().unwrap()))),
            "AAAA" => builder.push((&owner, Class::IN, Ttl::ZERO, Aaaa::new(data.parse().unwrap()))),
            "CNAME" => builder.push((&owner, Class::IN, Ttl::ZERO, Cname::new(wire(&data)))),
            "NS" => builder.push((&owner, Class::IN, Ttl::ZERO, Ns::new(wire(&data)))),
            other => panic!("{other}"),
        }
        .unwrap();
    }
    let mut builder = builder.authority();
    for (owner, _, data) in authority {
        let soa = Soa::new(wire(data), wire(data), 1.into(), Ttl::ZERO, Ttl::ZERO, Ttl::ZERO, Ttl::ZERO);
        builder.push((wire(owner), Class::IN, Ttl::ZERO, soa)).unwrap();
    }
    builder.finish()
}

fn wire(text: &str) -> Name<Vec<u8>> {
    text.parse().unwrap()
}

/// The next question: who gets it, and what is asked.
fn asked(look: &Look) -> (String, String) {
    let question = look.question(7).unwrap();
    let message = Message::from_octets(question.message).unwrap();
    let asked = message.first_question().unwrap();
    let server = match question.server {
        NameServer::Resolver => "resolver".to_owned(),
        NameServer::Host { host, .. } => host,
    };
    (server, format!("{} {}", asked.qname(), asked.qtype()))
}

fn is_asked(look: &Look, server: &str, what: &str) {
    assert_eq!(asked(look), (server.to_owned(), what.to_owned()));
}

fn hear(look: &mut Look, code: Rcode, aa: bool, answers: Lines<'_>, authority: Lines<'_>) {
    let message = answer(&look.question(7).unwrap(), code, aa, answers, authority);
    look.hear(Ok((&message, NS1.parse().unwrap())));
}

/// A look that has found `ns1.example.org` and, if there are two, `ns2.example.net`.
fn found(servers: usize) -> Look {
    let mut look = Look::new(NAME, Family::V4, None);
    hear(&mut look, Rcode::NOERROR, false, &[], &[("example.org", "SOA", "ns1.example.org")]);
    let both = [("example.org", "NS", "NS2.example.net"), ("example.org", "NS", "ns1.example.org")];
    hear(&mut look, Rcode::NOERROR, false, &both[2 - servers..], &[]);
    look
}

/// What the only server that is found has said.
fn said(code: Rcode, aa: bool, answers: Lines<'_>) -> Result<Vec<IpAddr>, String> {
    let mut look = found(1);
    hear(&mut look, code, aa, answers, &[]);
    assert_eq!(look.question(7), None);
    let mut seen = look.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].server, "ns1.example.org (192.0.2.53)");
    seen.remove(0).said
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|ip| ip.parse().unwrap()).collect()
}

#[test]
fn the_resolver_says_who_the_servers_are_and_they_say_what_they_show() {
    let mut look = Look::new("Home.Example.org", Family::V4, None);
    is_asked(&look, "resolver", "home.example.org NS");
    hear(&mut look, Rcode::NOERROR, false, &[], &[("example.org", "SOA", "ns1.example.org")]);
    is_asked(&look, "resolver", "example.org NS");
    let both = [("example.org", "NS", "NS2.example.net"), ("Example.org", "NS", "ns1.example.org")];
    hear(&mut look, Rcode::NOERROR, false, &both, &[]);
    is_asked(&look, "ns1.example.org", "home.example.org A");
    hear(&mut look, Rcode::NOERROR, true, &[(NAME, "A", WANTED)], &[]);
    is_asked(&look, "ns2.example.net", "home.example.org A");
    look.hear(Err("no answer within 2 s".to_owned()));
    assert_eq!(look.question(7), None);
    let seen = look.seen();
    assert_eq!(seen[0].said, Ok(ips(&[WANTED])));
    assert_eq!(
        seen[1],
        Seen { server: "ns2.example.net".to_owned(), said: Err("no answer within 2 s".to_owned()) }
    );
}

#[test]
fn only_the_resolver_shall_ask_others_and_every_question_takes_1232_octets() {
    let mut look = Look::new(NAME, Family::V6, None);
    for is_recursive in [true, true, false] {
        let message = Message::from_octets(look.question(0xabcd).unwrap().message).unwrap();
        assert_eq!((message.header().id(), message.header().rd()), (0xabcd, is_recursive));
        assert_eq!(message.opt().unwrap().udp_payload_size(), 1232);
        match is_recursive {
            true if look.hops == 0 => {
                hear(&mut look, Rcode::NXDOMAIN, false, &[], &[("example.org", "SOA", "ns1")]);
            }
            _ => hear(&mut look, Rcode::NOERROR, false, &[("example.org", "NS", "ns1.example.org")], &[]),
        }
    }
}

#[test]
fn a_zone_that_is_given_is_where_the_search_begins_if_the_name_is_in_it() {
    is_asked(&Look::new(NAME, Family::V4, Some("example.org")), "resolver", "example.org NS");
    for other in ["ample.org", "example.net", "023e105f4ecef8ad9ca31a8372d0c353", NAME] {
        is_asked(&Look::new(NAME, Family::V4, Some(other)), "resolver", "home.example.org NS");
    }
}

#[test]
fn where_the_resolver_shows_no_zone_the_parents_are_asked_but_never_the_root() {
    let mut look = Look::new(NAME, Family::V4, None);
    hear(
        &mut look,
        Rcode::NOERROR,
        false,
        &[(NAME, "CNAME", "x.example.net")],
        &[("example.net", "SOA", "ns1.example.net")],
    );
    is_asked(&look, "resolver", "example.org NS");
    hear(&mut look, Rcode::NOERROR, false, &[], &[]);
    is_asked(&look, "resolver", "org NS");
    hear(&mut look, Rcode::NXDOMAIN, false, &[], &[(".", "SOA", "a.root-servers.net")]);
    assert_eq!(look.question(7), None);
    let seen = look.seen();
    let words = "it does not say which zone home.example.org is in".to_owned();
    assert_eq!(seen, [Seen { server: "the resolver".to_owned(), said: Err(words) }]);
}

#[test]
fn a_resolver_that_fails_ends_the_look() {
    let mut look = Look::new(NAME, Family::V4, None);
    hear(&mut look, Rcode::SERVFAIL, false, &[], &[]);
    assert_eq!(look.question(7), None);
    assert_eq!(look.seen()[0].said, Err("it says SERVFAIL".to_owned()));
}

#[test]
fn of_many_servers_four_are_asked() {
    let mut look = Look::new(NAME, Family::V4, Some("example.org"));
    let names: Vec<String> = (0..9).map(|at| format!("ns{at}.example.org")).collect();
    let lines: Vec<_> = names.iter().map(|name| ("example.org", "NS", name.as_str())).collect();
    hear(&mut look, Rcode::NOERROR, false, &lines, &[]);
    for at in 0..4 {
        is_asked(&look, &format!("ns{at}.example.org"), "home.example.org A");
        look.hear(Err(String::new()));
    }
    assert_eq!((look.question(7), look.seen().len()), (None, 4));
}

#[test]
fn instead_of_a_wildcard_a_name_below_it_is_asked_for() {
    let look = Look::new("*.dyn.example.org", Family::V6, Some("example.org"));
    assert_eq!(look.asked().0, "example.org");
    assert_eq!(look.name, "wanbeacon-check.dyn.example.org");
}

#[test]
fn an_authoritative_answer_counts_be_it_that_there_is_nothing() {
    let two = [(NAME, "A", "203.0.113.9"), ("HOME.example.org", "A", WANTED)];
    assert_eq!(said(Rcode::NOERROR, true, &two), Ok(ips(&[WANTED, "203.0.113.9"])));
    assert_eq!(said(Rcode::NOERROR, true, &[]), Ok(Vec::new()));
    assert_eq!(said(Rcode::NXDOMAIN, true, &[]), Ok(Vec::new()));
    // Nobody asked for these.
    assert_eq!(
        said(Rcode::NOERROR, true, &[("x.example.org", "A", WANTED), (NAME, "AAAA", "::1")]),
        Ok(Vec::new())
    );
}

#[test]
fn a_server_that_is_lame_or_refuses_proves_nothing() {
    let right = [(NAME, "A", WANTED)];
    assert_eq!(said(Rcode::NOERROR, false, &right), Err("it does not speak for the zone".to_owned()));
    assert_eq!(said(Rcode::NXDOMAIN, false, &[]), Err("it does not speak for the zone".to_owned()));
    for code in [Rcode::REFUSED, Rcode::SERVFAIL] {
        assert_eq!(said(code, true, &right), Err(format!("it says {code}")));
    }
}

#[test]
fn an_alias_is_followed_inside_of_the_answer_only() {
    let inside = [(NAME, "CNAME", "A.example.org"), ("a.example.org", "A", WANTED)];
    assert_eq!(said(Rcode::NOERROR, true, &inside), Ok(ips(&[WANTED])));
    let elsewhere = said(Rcode::NOERROR, true, &[(NAME, "CNAME", "x.example.net")]);
    assert_eq!(elsewhere, Err("home.example.org is an alias of x.example.net".to_owned()));
    let circle = [(NAME, "CNAME", "a.example.org"), ("a.example.org", "CNAME", NAME)];
    assert!(said(Rcode::NOERROR, true, &circle).unwrap_err().contains("alias"));
}

#[test]
fn an_answer_to_another_question_or_a_broken_or_truncated_one_proves_nothing() {
    let right = [(NAME, "A", WANTED)];
    let mut other = found(1);
    let mut question = other.question(7).unwrap();
    question.message[13] ^= 1;
    let message = answer(&question, Rcode::NOERROR, true, &right, &[]);
    other.hear(Ok((&message, NS1.parse().unwrap())));
    assert_eq!(other.seen()[0].said, Err("the answer cannot be understood".to_owned()));
    let whole = answer(&found(1).question(7).unwrap(), Rcode::NOERROR, true, &right, &[]);
    for length in 0..whole.len() {
        let mut look = found(1);
        look.hear(Ok((&whole[..length], NS1.parse().unwrap())));
        assert!(look.seen()[0].said.is_err(), "{length} octets");
    }
    let mut cut = whole;
    cut[2] |= 0x02;
    let mut look = found(1);
    look.hear(Ok((&cut, NS1.parse().unwrap())));
    assert_eq!(look.seen()[0].said, Err("the answer is cut off".to_owned()));
}

#[test]
fn what_one_server_says_does_not_keep_the_next_from_being_asked() {
    for first in [Err("silent".to_owned()), Ok((&[0_u8; 3][..], NS1.parse().unwrap()))] {
        let mut look = found(2);
        look.hear(first);
        is_asked(&look, "ns2.example.net", "home.example.org A");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_or_ask_for_ever(
        answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..40),
    ) {
        let mut look = Look::new(NAME, Family::V4, None);
        for noise in &answers {
            if look.question(7).is_none() {
                break;
            }
            look.hear(Ok((noise, NS1.parse().unwrap())));
        }
    }

    /// Closer to the truth: one octet of a right answer is another.
    #[test]
    fn no_damage_to_an_answer_makes_it_panic(at in 0..120_usize, octet: u8, is_last: bool) {
        let mut look = if is_last { found(2) } else { Look::new(NAME, Family::V4, None) };
        let inside = [(NAME, "CNAME", "a.example.org"), ("a.example.org", "A", WANTED)];
        let mut message = answer(&look.question(7).unwrap(), Rcode::NOERROR, true, &inside, &[]);
        let at = at % message.len();
        message[at] = octet;
        look.hear(Ok((&message, NS1.parse().unwrap())));
        prop_assert!(look.seen().len() <= 1);
    }
}
