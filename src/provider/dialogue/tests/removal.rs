//! Promises about records that are removed.

use super::*;

fn removal(names: &[String], removed: &[Family]) -> Update {
    Update { names: names.to_vec(), removed: removed.to_vec(), ..Update::default() }
}

#[test]
fn a_record_that_is_there_is_taken_away_and_one_that_is_not_is_gone_already() {
    let names = names(&["nas.home.example.org"]);
    let account = account(&names, None);
    assert!(account.manners().removes);
    let (asked, verdicts) = converse(&account, &removal(&names, &[Family::V4]), server);
    assert_eq!(asked.last().unwrap(), "DELETE /zones/2/records/r1?s=s1");
    assert_eq!(verdicts, [Verdict::Good]);
    let (asked, verdicts) = converse(&account, &removal(&names, &[Family::V6]), server);
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(verdicts, [Verdict::Unchanged]);
}

#[test]
fn records_that_are_written_and_records_that_are_taken_away_go_together() {
    let names = names(&["nas.home.example.org"]);
    let update = Update { ipv6: Some(V6), ..removal(&names, &[Family::V4]) };
    let (asked, verdicts) = converse(&account(&names, None), &update, server);
    assert_eq!(asked.last().unwrap(), r#"POST /zones/2/batch?s=s1 [],["nas=2001:db8::7"],["r1"]"#);
    assert_eq!(verdicts, [Verdict::Good]);
}

#[test]
fn a_name_that_has_no_zone_has_no_record_but_is_refused() {
    let names = names(&["nas.example.com"]);
    let (_, verdicts) = converse(&account(&names, None), &removal(&names, &[Family::V4]), server);
    assert!(matches!(verdicts[..], [Verdict::Refused { refusal: Refusal::Name, .. }]), "{verdicts:?}");
}

#[test]
fn a_record_that_vanished_before_it_was_taken_away_is_gone_unless_a_page_says_so() {
    let names = names(&["nas.home.example.org"]);
    let said = |body: &'static str| {
        let (_, verdicts) = converse(&account(&names, None), &removal(&names, &[Family::V4]), |request| {
            match request.method {
                Method::Delete => Reply { status: 404, ..json(body) },
                Method::Get | Method::Patch | Method::Post | Method::Put => server(request),
            }
        });
        verdicts
    };
    assert_eq!(said("no such record"), [Verdict::Unchanged]);
    assert!(matches!(said("<html>Not found</html>")[..], [Verdict::Refused { .. }]));
}

/// One that takes whole names away.
const WHOLE: &str = r#"
id = "x"
name = "x"
homepage = "x"
[request.v4]
url = "https://api.example.net/u?n={hosts_csv}&ip={ip4}"
[request.v6]
url = "https://api.example.net/u?n={hosts_csv}&ip6={ip6}"
[request.remove]
url = "https://api.example.net/u?n={hosts_csv}&clear"
[answers]
ok = ["equals:done"]
[manners]
max_names = 20
removes_all = true
"#;

#[test]
fn what_takes_whole_names_away_comes_before_the_address_that_stays() {
    let names = names(&["a.example.org", "b.example.org"]);
    let account = plain(WHOLE, &[Family::V4, Family::V6]);
    let (asked, verdicts) = converse(&account, &removal(&names, &[Family::V4, Family::V6]), |_| json("done"));
    assert_eq!(asked, ["GET /u?n=a.example.org,b.example.org&clear"]);
    assert_eq!(verdicts, [Verdict::Good, Verdict::Good]);
    let update = Update { ipv6: Some(V6), ..removal(&names, &[Family::V4]) };
    let (asked, _) = converse(&account, &update, |_| json("done"));
    assert_eq!(asked[0], "GET /u?n=a.example.org,b.example.org&clear");
    assert_eq!(asked[1], "GET /u?n=a.example.org,b.example.org&ip6=2001:db8::7");
}

#[test]
fn an_address_that_nobody_speaks_of_is_not_taken_away_by_the_way() {
    let update = removal(&names(&["a.example.org"]), &[Family::V4]);
    let (asked, verdicts) = converse(&plain(WHOLE, &[Family::V4, Family::V6]), &update, |_| json("done"));
    assert_eq!(asked, [""; 0]);
    assert!(matches!(verdicts[..], [Verdict::Refused { .. }]), "{verdicts:?}");
    let (asked, _) = converse(&plain(WHOLE, &[Family::V4]), &update, |_| json("done"));
    assert_eq!(asked, ["GET /u?n=a.example.org&clear"]);
}

/// One without questions, whose records go in batches.
const BATCH: &str = r#"
id = "x"
name = "x"
homepage = "x"
[request.any]
url = "https://api.example.net/{zone}?n={label}&t={record_type}&ip={ip}"
[request.batch]
method = "PUT"
url = "https://api.example.net/{zone}"
body = '[{updates}]'
update = '"{label}={ip}"'
remove = '"{label} has no {record_type}"'
[answers]
ok = ["equals:done"]
nohost = ["status:404"]
[manners]
max_names = 20
"#;

#[test]
fn a_batch_without_a_list_of_removals_has_them_among_the_updates() {
    let account = plain(BATCH, &[Family::V4, Family::V6]);
    assert!(account.manners().removes);
    let names = names(&["a.example.org", "b.example.org"]);
    let update = Update { ipv6: Some(V6), ..removal(&names, &[Family::V4]) };
    let (asked, verdicts) = converse(&account, &update, |_| json("done"));
    assert_eq!(asked, [r#"PUT /example.org ["a has no A","a=2001:db8::7","b has no A","b=2001:db8::7"]"#]);
    assert_eq!(verdicts, [Verdict::Good, Verdict::Good]);
    let (asked, _) = converse(&account, &removal(&names[..1], &[Family::V4]), |_| json("done"));
    assert_eq!(asked, [r#"PUT /example.org ["a has no A"]"#]);
}
