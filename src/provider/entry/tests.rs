//! Mistakes in entries, and what is said about them.

use super::*;

const HEAD: &str = "id = 'x'\nname = 'x'\nhomepage = 'x'\n";

fn mistakes(rest: &str) -> Vec<String> {
    let errors = Provider::parse(&format!("{HEAD}{rest}")).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn an_unknown_key_is_named_with_line_and_column() {
    let errors = mistakes("[request.v4]\nurl = 'https://x.example/?{ip4}'\nmethods = 'GET'\n");
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].starts_with("line 6, column 1: unknown field `methods`, expected one of"),
        "{errors:?}"
    );
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
            "request.dual: must state both addresses: {ip4} and {ip6}",
            "manners.max_names: every request must then use {hosts_csv}, {label_csv} or {record_id_csv}",
        ]
    );
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
