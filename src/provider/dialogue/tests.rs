//! Promises about dialogues of several requests, whatever a server answers.

mod removal;
mod several;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use crate::provider::{
    Account, AccountSettings, Family, Method, Provider, Refusal, Reply, Request, Secret, Step, Update,
    Verdict,
};

/// An entry with everything that there is.
const ENTRY: &str = r#"
id = "x"
name = "x"
homepage = "x"
[credentials]
user = "login"
password = "key"
[request.any]
method = "PUT"
url = "https://api.example.net/zones/{zone_id}/records/{id}?s={session}&n={label_at}"
body_type = "json"
body = '{"value":"{ip}","ttl":{old_ttl}}'
[request.create]
method = "POST"
url = "https://api.example.net/zones/{zone_id}/records?s={session}"
body_type = "json"
body = '{"name":"{label_at}","value":"{ip}"}'
[request.remove]
method = "DELETE"
url = "https://api.example.net/zones/{zone_id}/records/{id}?s={session}"
[request.batch]
method = "POST"
url = "https://api.example.net/zones/{zone_id}/batch?s={session}"
body = '[{updates}],[{creates}],[{removes}]'
update = '"{id}={ip}"'
create = '"{label_at}={ip}"'
remove = '"{id}"'
[[lookup]]
what = "login"
method = "POST"
url = "https://api.example.net/login"
auth = "basic"
take = { session = "/session" }
[[lookup]]
what = "zone"
url = "https://api.example.net/zones?s={session}"
list = "/zones"
zone = "/name"
take = { zone_id = "/id" }
[[lookup]]
what = "record"
url = "https://api.example.net/zones/{zone_id}/records?s={session}&name={host}"
list = "/records"
where = { "/name" = "{label_at}", "/type" = "{record_type}" }
take = { id = "/id", old_ttl = "/ttl" }
same = "/value"
missing = ["json:/error=none"]
[manners]
max_names = 9
[answers]
ok = ["equals:done"]
nohost = ["status:404"]
"#;

static PROVIDER: LazyLock<Arc<Provider>> = LazyLock::new(|| Arc::new(Provider::parse(ENTRY).unwrap()));

const V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
const OWN_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9);

fn account(names: &[String], zone: Option<&str>) -> Account {
    let settings = AccountSettings {
        user: Some("alice".to_owned()),
        password: Some(Secret::new("open-sesame")),
        zone: zone.map(str::to_owned),
        ..AccountSettings::default()
    };
    Account::new(Arc::clone(&PROVIDER), settings, names, &[Family::V4, Family::V6]).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// An account of an entry that needs no settings.
fn plain(entry: &str, families: &[Family]) -> Account {
    let provider = Arc::new(Provider::parse(entry).unwrap());
    let names = names(&["a.example.org", "b.example.org"]);
    Account::new(provider, AccountSettings::default(), &names, families).unwrap()
}

/// Plays a dialogue against a server; gives what was asked (method, path, body) and what came of it.
fn converse(
    account: &Account,
    update: &Update,
    mut server: impl FnMut(&Request) -> Reply,
) -> (Vec<String>, Vec<Verdict>) {
    let (mut dialogue, mut step) = account.dialogue(update, 0);
    let mut asked = Vec::new();
    loop {
        match step {
            Step::Ask(question) => panic!("a question: {question:?}"),
            Step::Done(verdicts) => return (asked, verdicts),
            Step::Send(request) => {
                assert!(asked.len() < 100, "a dialogue without end: {asked:#?}");
                let path = request.url.expose().strip_prefix("https://api.example.net").unwrap();
                let body = request.body.as_ref().map_or("", Secret::expose);
                asked.push(format!("{} {path} {body}", request.method.name()).trim_end().to_owned());
                step = dialogue.advance(&server(&request));
            }
        }
    }
}

fn json(body: &str) -> Reply {
    Reply { status: 200, headers: Vec::new(), body: body.to_owned() }
}

/// Two zones, one within the other, and one record in the inner one.
fn server(request: &Request) -> Reply {
    let url = request.url.expose();
    if url.ends_with("/login") {
        json(r#"{"session":"s1"}"#)
    } else if url.contains("/zones?") {
        json(
            r#"{"zones":[{"name":"example.org.","id":1},{"name":"home.example.org","id":2},{"name":"ple.org","id":3}]}"#,
        )
    } else if url.contains("/records?") && request.body.is_none() {
        json(r#"{"records":[{"id":"r1","name":"NAS","type":"A","ttl":300,"value":"203.0.113.6"}]}"#)
    } else {
        json("done")
    }
}

#[test]
fn a_record_is_looked_up_in_the_nearest_zone_and_keeps_what_it_had() {
    let names = names(&["nas.home.example.org"]);
    let update = Update { names: names.clone(), ipv4: Some(V4), ipv6: None, ..Update::default() };
    let (asked, verdicts) = converse(&account(&names, None), &update, server);
    assert_eq!(
        asked,
        [
            "POST /login",
            "GET /zones?s=s1",
            "GET /zones/2/records?s=s1&name=nas.home.example.org",
            r#"PUT /zones/2/records/r1?s=s1&n=nas {"value":"203.0.113.7","ttl":300}"#,
        ]
    );
    assert_eq!(verdicts, [Verdict::Good]);
}

#[test]
fn several_records_go_together_and_no_question_is_asked_twice() {
    let names = names(&["nas.home.example.org", "www.example.org"]);
    let update = Update { names: names.clone(), ipv4: Some(V4), ipv6: Some(V6), ..Update::default() };
    let (asked, verdicts) = converse(&account(&names, None), &update, server);
    assert_eq!(
        asked,
        [
            "POST /login",
            "GET /zones?s=s1",
            "GET /zones/2/records?s=s1&name=nas.home.example.org",
            "GET /zones/1/records?s=s1&name=www.example.org",
            r#"POST /zones/2/batch?s=s1 ["r1=203.0.113.7"],["nas=2001:db8::7"],[]"#,
            r#"POST /zones/1/batch?s=s1 [],["www=203.0.113.7","www=2001:db8::7"],[]"#,
        ]
    );
    assert_eq!(verdicts, [Verdict::Good, Verdict::Good]);
}

#[test]
fn a_record_that_has_the_address_is_left_alone() {
    let names = names(&["nas.home.example.org"]);
    let update = Update {
        names: names.clone(),
        ipv4: Some(Ipv4Addr::new(203, 0, 113, 6)),
        ipv6: None,
        ..Update::default()
    };
    let (asked, verdicts) = converse(&account(&names, None), &update, server);
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(verdicts, [Verdict::Unchanged]);
}

#[test]
fn the_zone_of_the_account_is_the_only_one_that_is_believed() {
    let names = names(&["nas.home.example.org"]);
    let update = Update { names: names.clone(), ipv4: Some(V4), ipv6: None, ..Update::default() };
    let (asked, _) = converse(&account(&names, Some("example.org")), &update, server);
    assert!(asked[2].starts_with("GET /zones/1/records"), "{asked:?}");
    let (_, verdicts) = converse(&account(&names, Some("org")), &update, server);
    assert!(
        matches!(&verdicts[..], [Verdict::Refused { refusal: Refusal::Name, words }] if words.contains("no zone")),
        "{verdicts:?}"
    );
}

#[test]
fn one_name_without_a_zone_does_not_stop_the_others() {
    let names = names(&["nas.example.com", "nas.home.example.org"]);
    let update = Update { names: names.clone(), ipv4: Some(V4), ipv6: None, ..Update::default() };
    let (_, verdicts) = converse(&account(&names, None), &update, server);
    assert!(
        matches!(&verdicts[..], [Verdict::Refused { refusal: Refusal::Name, .. }, Verdict::Good]),
        "{verdicts:?}"
    );
}

#[test]
fn what_a_login_gave_is_shown_nowhere() {
    let names = names(&["nas.home.example.org"]);
    let update = Update { names: names.clone(), ipv4: Some(V4), ipv6: None, ..Update::default() };
    converse(&account(&names, None), &update, |request| {
        assert!(!request.shown.contains("s1"), "{}", request.shown);
        server(request)
    });
}

/// One whose records count only once they are put into force.
const TRANSACTION: &str = r#"
id = "x"
name = "x"
homepage = "x"
[request]
method = "POST"
[request.v4]
url = "https://api.example.net/{zone}/a?n={label}&ip={ip4}"
[request.v6]
url = "https://api.example.net/{zone}/aaaa?n={label}&ip={ip6}"
[request.after]
url = "https://api.example.net/{zone}/commit"
[answers]
ok = ["equals:done"]
nochg = ["equals:same"]
nohost = ["status:404"]
[manners]
max_names = 1
"#;

fn commit(update: &Update, server: impl FnMut(&Request) -> Reply) -> (Vec<String>, Vec<Verdict>) {
    let provider = Arc::new(Provider::parse(TRANSACTION).unwrap());
    let settings = AccountSettings::default();
    let account = Account::new(provider, settings, &update.names, &[Family::V4, Family::V6]).unwrap();
    converse(&account, update, server)
}

#[test]
fn what_was_written_is_put_into_force_once_for_each_zone() {
    let names = names(&["a.example.org", "b.example.org", "a.example.com"]);
    let update = Update { names, ipv4: Some(V4), ipv6: Some(V6), ..Update::default() };
    let (asked, verdicts) = commit(&update, |_| json("done"));
    assert_eq!(asked.len(), 8, "{asked:#?}");
    assert_eq!(asked[6..], ["POST /example.org/commit", "POST /example.com/commit"]);
    assert_eq!(verdicts, [Verdict::Good, Verdict::Good, Verdict::Good]);
}

#[test]
fn nothing_is_published_before_it_is_in_force() {
    let names = names(&["a.example.org", "a.example.com"]);
    let update = Update { names, ipv4: Some(V4), ipv6: None, ..Update::default() };
    let (_, verdicts) = commit(&update, |request| {
        let fails = request.url.expose().ends_with("example.org/commit");
        Reply { status: if fails { 503 } else { 200 }, ..json("done") }
    });
    assert!(matches!(&verdicts[..], [Verdict::Busy { .. }, Verdict::Good]), "{verdicts:?}");
}

#[test]
fn only_a_success_is_put_into_force() {
    let names = names(&["a.example.org"]);
    let update = Update { names, ipv4: Some(V4), ipv6: None, ..Update::default() };
    let (asked, _) = commit(&update, |_| Reply { status: 404, ..json("") });
    assert_eq!(asked, ["POST /example.org/a?n=a&ip=203.0.113.7"]);
    // It is there already, but perhaps the agent was stopped before it was in force.
    let (asked, verdicts) = commit(&update, |request| {
        json(if request.url.expose().ends_with("commit") { "done" } else { "same" })
    });
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(verdicts, [Verdict::Good]);
}

proptest! {
    /// Whatever a server answers to any question: the dialogue ends, every name has its verdict, and nothing but the
    /// words of the entry is a success.
    #[test]
    fn every_dialogue_ends_and_nothing_foreign_is_a_success(
        answers in proptest::collection::vec((
            prop_oneof![Just(200_u16), Just(204), Just(301), Just(400), Just(401), Just(404), Just(429), Just(500)],
            prop_oneof![
                Just(r#"{"session":"s"}"#.to_owned()),
                Just(r#"{"session":null,"zones":{"a":{"name":"example.org","id":[1]}},"records":{}}"#.to_owned()),
                Just(r#"{"session":"s","zones":[{"name":"example.org","id":7}],"records":[{"id":1,"name":"nas","type":"A","ttl":1,"value":["203.0.113.9"]}]}"#.to_owned()),
                Just(r#"{"error":"none"}"#.to_owned()),
                "\\PC{0,40}",
            ],
        ), 1..12),
        ipv4 in proptest::option::of(Just(V4)),
        removed in proptest::sample::subsequence(vec![Family::V4, Family::V6], 0..=2),
    ) {
        let names = names(&["nas.example.org", "b.example.org", "c.example.com"]);
        let mut update = Update { names: names.clone(), ipv4, ipv6: Some(V6), removed, ..Update::default() };
        update.ipv6_of.insert(names[1].clone(), OWN_V6);
        update.further.push(OWN_V6.into());
        let mut turn = 0;
        let (_, verdicts) = converse(&account(&names, None), &update, |_| {
            turn += 1;
            let (status, body) = &answers[turn % answers.len()];
            Reply { status: *status, headers: Vec::new(), body: body.clone() }
        });
        prop_assert_eq!(verdicts.len(), 3);
        prop_assert!(!verdicts.contains(&Verdict::Good), "{:?}", verdicts);
    }
}
