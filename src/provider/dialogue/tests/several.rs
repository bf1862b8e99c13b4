//! Promises about what differs from name to name, and about prefixes.

use std::net::IpAddr;

use super::*;
use crate::provider::Prefix;

const BOTH: [Family; 2] = [Family::V4, Family::V6];

#[test]
fn each_name_has_its_own_address_in_a_batch() {
    let names = names(&["nas.home.example.org", "www.home.example.org"]);
    let mut update = Update { names: names.clone(), ipv6: Some(V6), ..Update::default() };
    update.ipv6_of.insert(names[1].clone(), OWN_V6);
    let (asked, verdicts) = converse(&account(&names, None), &update, server);
    assert_eq!(
        asked.last().unwrap(),
        r#"POST /zones/2/batch?s=s1 [],["nas=2001:db8::7","www=2001:db8::9"],[]"#
    );
    assert_eq!(verdicts, [Verdict::Good, Verdict::Good]);
    assert!(account(&names, None).manners().mixed);
}

/// One whose batch is of record sets.
const SETS: &str = r#"
id = "x"
name = "x"
homepage = "x"
[request.any]
url = "https://api.example.net/{label}?{ip}"
[request.batch]
method = "PUT"
url = "https://api.example.net/"
body = '[{updates}]'
update = '"{label} {records}"'
record = '{ip}'
[answers]
ok = ["equals:done"]
[manners]
max_names = 20
"#;

#[test]
fn a_name_has_all_its_addresses_in_one_record_set_and_its_own_one_alone() {
    let account = plain(SETS, &BOTH);
    let more = |octet: u8| IpAddr::from([203, 0, 113, octet]);
    let further = vec![more(8), more(7), more(8), IpAddr::V6(OWN_V6)];
    let names = names(&["a.example.org", "b.example.org"]);
    let mut update = Update { names, ipv4: Some(V4), ipv6: Some(V6), further, ..Update::default() };
    update.ipv6_of.insert("b.example.org".to_owned(), V6);
    let (asked, _) = converse(&account, &update, |_| json("done"));
    let v4 = "203.0.113.7,203.0.113.8";
    assert_eq!(asked, [format!(r#"PUT / ["a {v4}","a 2001:db8::7,2001:db8::9","b {v4}","b 2001:db8::7"]"#)]);
    update.names.truncate(1);
    update.ipv6 = None;
    update.further.truncate(1);
    let (asked, verdicts) = converse(&account, &update, |_| json("done"));
    assert_eq!(asked, [format!(r#"PUT / ["a {v4}"]"#)]);
    assert_eq!(verdicts, [Verdict::Good]);
    assert!(account.manners().several);
}

/// One that states the names of a request in a list, and can be told a prefix.
const LIST: &str = r#"
id = "x"
name = "x"
homepage = "x"
[request.v4]
url = "https://api.example.net/u?n={hosts_csv}&ip={ip4}"
[request.v6]
url = "https://api.example.net/u?n={hosts_csv}&ip6={ip6}"
[request.dual]
url = "https://api.example.net/u?n={hosts_csv}&ip={ip4}&ip6={ip6}"
[request.prefix]
url = "https://api.example.net/u?n={hosts_csv}&prefix={prefix6}"
[answers]
ok = ["equals:done"]
[manners]
max_names = 20
"#;

#[test]
fn names_with_different_addresses_never_share_a_list() {
    let account = plain(LIST, &BOTH);
    let mut update =
        Update { names: names(&["a.example.org", "b.example.org", "c.example.org"]), ..Update::default() };
    (update.ipv4, update.ipv6) = (Some(V4), Some(V6));
    update.ipv6_of.insert("a.example.org".to_owned(), OWN_V6);
    let (asked, verdicts) = converse(&account, &update, |_| json("done"));
    assert_eq!(
        asked,
        [
            "GET /u?n=a.example.org&ip=203.0.113.7&ip6=2001:db8::9",
            "GET /u?n=b.example.org,c.example.org&ip=203.0.113.7&ip6=2001:db8::7",
        ]
    );
    assert_eq!(verdicts, [Verdict::Good, Verdict::Good, Verdict::Good]);
    assert!(!account.manners().mixed);
}

/// What is asked of an entry that is told a prefix of 56 bits, alone and beside an address.
fn told_a_prefix(entry: &str) -> [Vec<String>; 2] {
    let account = plain(entry, &BOTH);
    assert!(account.manners().takes_prefix);
    let prefix = Prefix::of(V6, 56);
    [None, Some(V4)].map(|ipv4| {
        let names = names(&["a.example.org"]);
        let (ipv6, prefix) = (Some(prefix.network), Some(prefix));
        let update = Update { names, ipv4, ipv6, prefix, ..Update::default() };
        converse(&account, &update, |_| json("done")).0
    })
}

#[test]
fn a_prefix_goes_by_its_own_request_and_an_address_beside_it_by_another() {
    let [alone, both] = told_a_prefix(LIST);
    assert_eq!(alone, ["GET /u?n=a.example.org&prefix=2001:db8::%2F56"]);
    assert_eq!(
        both,
        ["GET /u?n=a.example.org&ip=203.0.113.7", "GET /u?n=a.example.org&prefix=2001:db8::%2F56"]
    );
}

#[test]
fn a_request_for_a_prefix_and_an_address_tells_both() {
    let both = "[request.dual_prefix]\nurl = \"https://api.example.net/u?n={hosts_csv}&ip={ip4}&prefix={prefix6}\"\n";
    let [alone, both] = told_a_prefix(&LIST.replace("[answers]", &format!("{both}[answers]")));
    assert_eq!(alone, ["GET /u?n=a.example.org&prefix=2001:db8::%2F56"]);
    assert_eq!(both, ["GET /u?n=a.example.org&ip=203.0.113.7&prefix=2001:db8::%2F56"]);
}

#[test]
fn an_address_with_a_host_part_is_told_whether_its_prefix_is_known_or_not() {
    for prefix in [None, Some(Prefix::of(V6, 56))] {
        let names = names(&["a.example.org"]);
        let update = Update { names, ipv6: Some(V6), prefix, ..Update::default() };
        let (asked, _) = converse(&plain(LIST, &BOTH), &update, |_| json("done"));
        assert_eq!(asked, ["GET /u?n=a.example.org&ip6=2001:db8::7"]);
    }
}
