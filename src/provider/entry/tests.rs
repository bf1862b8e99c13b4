//! Mistakes in entries, and what is said about them.

use super::*;

const HEAD: &str = "id = 'x'\nname = 'x'\nhomepage = 'x'\n";

fn mistakes(rest: &str) -> Vec<String> {
    let errors = Provider::parse(&format!("{HEAD}{rest}")).unwrap_err();
    errors.iter().map(|error| error.mistake.to_string()).collect()
}

fn places(rest: &str) -> Vec<String> {
    let errors = Provider::parse(&format!("{HEAD}{rest}")).unwrap_err();
    errors.iter().map(|error| error.to_string().split(": ").next().unwrap().to_owned()).collect()
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let unknown = "[request.v4]\nurl = 'https://x.example/?{ip4}'\nmethods = 'GET'\n";
    assert_eq!(places(unknown), ["line 6, column 1"]);
    assert!(mistakes(unknown)[0].starts_with("unknown field `methods`, expected one of"));
    let form = "[request.v4]\nurl = 'https://x.example/{'\n[answers]\n  ok = ['perfix:good']\n";
    assert_eq!(places(form), ["line 5, column 7", "line 7, column 8"]);
    assert_eq!(places("[request\n"), ["line 4, column 9"]);
}

#[test]
fn all_mistakes_of_a_well_formed_entry_are_told_at_once() {
    let errors = mistakes(
        "[request.v4]\nurl = 'https://x.example/?a={ip4&b=1'\n[request.v6]\nurl = 'https://x.example/#{ip6}'\n\
         [answers]\nok = ['perfix:good', 'status:999']\n[manners]\nlimits = [{ count = 0, window_s = 1 }]\n",
    );
    assert_eq!(
        errors,
        [
            "request.v4.url, column 22: '}' is missing",
            "request.v6.url, column 19: a fragment is never sent; write %23 for '#'",
            "answers.ok: 'perfix:good': begin with one of word: prefix: equals: contains: regex: empty: status: header: \
             json: xml:",
            "answers.ok: 'status:999': write a code from 100 to 599, or a class such as 5xx",
            "manners.limits: count from 1, window_s above 0 and at most a year",
        ]
    );
}

#[test]
fn an_entry_says_what_its_secrets_are_and_asks_for_no_others() {
    let url =
        "[request.any]\nurl = 'https://x.example/?{ip}'\nauth = 'basic'\n[answers]\nok = ['word:good']\n";
    assert_eq!(
        mistakes(&format!("[credentials]\nuser = 'login'\n{url}")),
        ["credentials.password: is used by a request; say what the provider calls it"]
    );
    let more = format!("[credentials]\nuser = 'login'\npassword = 'secret'\ntoken = 'key'\n{url}");
    assert_eq!(mistakes(&more), ["credentials.token: no request uses it"]);
}

#[test]
fn several_names_need_a_list_and_a_common_request_needs_both_addresses() {
    let rest = "[request.dual]\nurl = 'https://x.example/?{ip4}'\n[answers]\nok = ['word:good']\n[manners]\nmax_names = 2\n";
    assert_eq!(
        mistakes(rest),
        [
            "request.dual: must state {ip4} and {ip6}",
            "manners.max_names: every request must then use {hosts_csv}, {label_csv} or {record_id_csv}, or there must be a batch",
        ]
    );
}

/// An entry with this under `[request]` and these requests.
fn requests(request: &str, more: &str) -> String {
    format!(
        "[request]\n{request}\n[request.any]\nurl = 'https://x.example/?{{ip}}'\n{more}[answers]\nok = ['word:good']\n"
    )
}

const REMOVE: &str = "[request.remove]\nmethod = 'DELETE'\nurl = 'https://x.example/'\n";

#[test]
fn what_is_taken_away_to_be_written_anew_was_looked_for() {
    let rest = requests("replaces = true", REMOVE);
    let mend = "request.replaces: needs 'remove' and a lookup of the record that it takes away, and cannot go with a batch";
    assert_eq!(mistakes(&rest), [mend]);
    let found = format!("{HEAD}{rest}[[lookup]]\nwhat = 'record'\nurl = 'https://x.example/?{{host}}'\n");
    assert!(Provider::parse(&found).is_ok());
}

#[test]
fn whoever_removes_records_removes_those_of_all_families_and_of_all_names() {
    let one = requests("", "[request.remove_v4]\nurl = 'https://x.example/'\n");
    assert_eq!(mistakes(&one), ["request.remove: removes no record of IPv6, which a request sets"]);
    let twice = requests("", &format!("{REMOVE}[request.remove_v4]\nurl = 'https://x.example/'\n"));
    assert_eq!(
        mistakes(&twice),
        ["request.remove: stands for remove_v4 and remove_v6; remove it, or both of them"]
    );
    let whole = format!("{}[manners]\nremoves_all = true\n", requests("", ""));
    assert_eq!(
        mistakes(&whole),
        ["manners.removes_all: needs 'remove', and no lookup, which is about one record"]
    );
    let list =
        format!("{}[manners]\nmax_names = 2\n", requests("", REMOVE).replace("?{ip}", "?{hosts_csv}{ip}"));
    assert!(mistakes(&list)[0].starts_with("manners.max_names: every request must then use"));
}

#[test]
fn a_request_for_a_prefix_states_it_and_goes_with_no_batch() {
    let prefix = "[request.prefix]\nurl = 'https://x.example/?{ip6}'\n";
    assert_eq!(mistakes(&requests("", prefix)), ["request.prefix: must state {prefix6}"]);
    let batch = "[request.prefix]\nurl = 'https://x.example/?{prefix6}'\n\
                 [request.batch]\nurl = 'https://x.example/'\nbody = '{updates}'\nupdate = '{ip}'\n";
    assert_eq!(
        mistakes(&requests("", batch)),
        ["request.prefix: cannot go with a lookup or a batch, which are about one record each"]
    );
}

#[test]
fn a_sample_is_of_what_the_account_needs() {
    let rest = "[sample]\nuser = 'alice'\n[request.any]\nurl = 'https://x.example/?{ip}'\n[answers]\nok = ['word:good']\n";
    assert_eq!(mistakes(rest), ["sample: 'user' is not among [credentials]"]);
}

#[test]
fn an_entry_without_success_is_a_mistake() {
    assert_eq!(
        mistakes("[request.v4]\nurl = 'https://x.example/?{ip4}'\n"),
        ["answers: nothing is a success; write 'ok' or a 'profile'"]
    );
}

#[test]
fn a_secret_cannot_be_part_of_a_condition() {
    let rest = "[request.v4]\nurl = 'https://x.example/?{ip4}'\n[answers]\nok = ['contains:{password}']\n";
    let errors = mistakes(rest);
    assert!(errors[0].contains("'password' is secret and cannot be part of a pattern"), "{errors:?}");
}

#[test]
fn a_dead_provider_only_says_what_to_use_instead() {
    let dead = Provider::parse(&format!("{HEAD}status = 'dead'\nnotes = 'closed in 2023; use y'")).unwrap();
    assert_eq!(dead.status, Status::Dead("closed in 2023; use y".to_owned()));
    assert_eq!(
        mistakes("status = 'dead'"),
        ["notes: say what became of the provider and what to use instead"]
    );
}

#[test]
fn record_types_are_called_what_the_provider_calls_them() {
    let provider = std::sync::Arc::new(
        Provider::parse(&format!(
            "{HEAD}record_types = ['1', '28']\n[request.any]\nurl = 'https://x.example/?{{ip}}&{{record_type}}'\n\
             [answers]\nok = ['word:good']\n[example]\nnames = ['a.example.net']\n\
             [[dialogue]]\nipv4 = '203.0.113.7'\nurl = 'https://x.example/?203.0.113.7&1'\n\
             answers = [{{ body = 'good', verdicts = ['good'] }}]\n\
             [[dialogue]]\nipv6 = '2001:db8::7'\nurl = 'https://x.example/?2001:db8::7&28'\n\
             answers = [{{ body = 'good', verdicts = ['good'] }}]\n"
        ))
        .unwrap(),
    );
    assert_eq!(provider.play(), []);
    assert!(mistakes("record_types = ['1']\n")[0].contains("length"));
}
