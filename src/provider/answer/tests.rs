//! Promises about answers, whatever a server sends.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::template::Known;
use super::*;
use crate::provider::{AccountSettings, Family, Provider, catalogue};

const PAGE: &str =
    "<html><head><title>Log in</title></head><body>good OK Updated addresses updated</body></html>";

fn classify(answers: &Answers, reply: &Reply, names: usize) -> Vec<Verdict> {
    let settings = AccountSettings::default();
    let names: Vec<String> = (0..names).map(|n| format!("n{n}.example.net")).collect();
    let values = Values {
        settings: &settings,
        zones: &[],
        label_depth: 0,
        path: "",
        record_types: &["A", "AAAA"].map(str::to_owned),
        names: &names,
        ipv4: Some(std::net::Ipv4Addr::new(203, 0, 113, 7)),
        ipv6: None,
        prefix: None,
        family: Family::V4,
        known: Known::default(),
        now: 0,
    };
    answers.classify(reply, &values, &|text| text.replace("hunter22", "***"))
}

fn read(answers: &str) -> Answers {
    let text = format!(
        "id = 'x'\nname = 'x'\nhomepage = 'x'\n[request.any]\nurl = 'https://x.example/?{{ip}}'\n[answers]\n{answers}"
    );
    Provider::parse(&text).unwrap().answers
}

fn reply(status: u16, body: &str) -> Reply {
    Reply { status, headers: Vec::new(), body: body.to_owned() }
}

fn one(answers: &Answers, status: u16, body: &str) -> Verdict {
    classify(answers, &reply(status, body), 1).remove(0)
}

static ALL: LazyLock<Vec<Answers>> =
    LazyLock::new(|| catalogue::ids().map(|id| catalogue::provider(id).unwrap().unwrap().answers).collect());

#[test]
fn a_word_counts_only_at_the_beginning_of_the_line_and_whole() {
    let answers = read("profile = 'dyndns2'");
    assert_eq!(one(&answers, 200, " good 203.0.113.7\n"), Verdict::Good);
    assert_eq!(one(&answers, 200, "good,203.0.113.7"), Verdict::Good);
    for body in ["goodbye", "all good", "not good", "good-natured", "nochgood"] {
        assert!(matches!(one(&answers, 200, body), Verdict::NotUnderstood { .. }), "{body}");
    }
}

#[test]
fn a_success_needs_a_status_of_success() {
    let answers = read("profile = 'dyndns2'\nok = ['contains:done']");
    assert!(matches!(one(&answers, 500, "good"), Verdict::Busy { .. }));
    assert!(matches!(one(&answers, 404, "done"), Verdict::NotUnderstood { .. }));
}

#[test]
fn a_body_says_more_than_a_status() {
    let answers = read("profile = 'dyndns2'\nauth = ['status:400']");
    assert!(matches!(one(&answers, 400, "nohost"), Verdict::Refused { refusal: Refusal::Name, .. }));
    assert!(matches!(one(&answers, 400, "?"), Verdict::Refused { refusal: Refusal::Credentials, .. }));
    assert!(matches!(one(&answers, 403, "abuse"), Verdict::Refused { refusal: Refusal::Abuse, .. }));
}

#[test]
fn every_kind_of_condition_can_be_asked() {
    let cases = [
        ("prefix:Up", "updated it", "not up", 200),
        ("equals:done", " Done\n", "done it", 200),
        ("contains:in order", "all In Order", "in disorder", 200),
        ("case && contains:OK", "it is OK", "it is ok", 200),
        ("regex:(?m)^code = 1000$", "x\ncode = 1000\ny", "code = 10001", 200),
        ("empty:", " \n", "x", 200),
        ("status:2xx && contains:x", "x", "y", 204),
        ("json:/a/b=1", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2}}", 200),
        ("json:/a!=1", "text {\"a\":2} text", "{\"a\":1}", 200),
        ("json:/m~unaltered", "{\"m\":\"was Unaltered.\"}", "{\"m\":\"x\"}", 200),
        ("json:/ok?", "{\"ok\":null}", "{\"ko\":1}", 200),
        ("xml:ErrCount=0", "<?xml?><r><ErrCount>0</ErrCount></r>", "<ErrCounts>0</ErrCounts>", 200),
        ("contains:{ip4}", "set 203.0.113.7", "set 203.0.113.8", 200),
        ("word:{host}", "N0.example.net (203.0.113.7)", "n1.example.net", 200),
    ];
    for (condition, yes, no, status) in cases {
        let answers = read(&format!("ok = ['{condition}']"));
        assert_eq!(one(&answers, status, yes), Verdict::Good, "{condition}");
        assert!(matches!(one(&answers, status, no), Verdict::NotUnderstood { .. }), "{condition}");
    }
}

#[test]
fn a_header_field_can_be_the_answer() {
    let answers = read("html = true\nok = ['header:ddnss-response=good']");
    let headers = vec![("ddnss-response".to_owned(), "Good".to_owned())];
    let page = Reply { status: 200, headers, body: PAGE.to_owned() };
    assert_eq!(classify(&answers, &page, 1), [Verdict::Good]);
}

#[test]
fn a_status_alone_is_asked_last_of_all() {
    let answers = read("ok = ['status:200']\nconfig = ['equals:Invalid request.']");
    assert!(matches!(
        one(&answers, 200, "Invalid request."),
        Verdict::Refused { refusal: Refusal::Malformed, .. }
    ));
    assert_eq!(one(&answers, 200, "whatever"), Verdict::Good);
}

#[test]
fn a_page_is_no_success_even_if_the_status_or_its_text_would_do() {
    for condition in ["status:200", "contains:good", "regex:good"] {
        let answers = read(&format!("ok = ['{condition}']"));
        let Verdict::NotUnderstood { words } = one(&answers, 200, PAGE) else {
            panic!("{condition} took a page")
        };
        assert_eq!(words, "an HTML page, \"Log in\"");
    }
}

#[test]
fn a_redirect_is_quoted_with_the_host_it_leads_to_and_nothing_more() {
    let headers = vec![("location".to_owned(), "http://u@portal.example/login?token=hunter22".to_owned())];
    let Verdict::NotUnderstood { words } =
        classify(&read("profile = 'dyndns2'"), &Reply { status: 302, headers, body: String::new() }, 1)
            .remove(0)
    else {
        panic!("a redirect is not understood");
    };
    assert_eq!(words, "HTTP 302 leads to portal.example");
}

#[test]
fn words_are_one_line_without_control_characters_and_secrets() {
    let Verdict::NotUnderstood { words } =
        one(&read("profile = 'dyndns2'"), 200, "what\r\n\u{1b}[31mhunter22\u{202e}x")
    else {
        panic!("nobody knows this answer");
    };
    assert_eq!(words, "what [31m*** x");
    let long = one(&read("profile = 'dyndns2'"), 200, &"é ".repeat(40_000));
    assert!(matches!(long, Verdict::NotUnderstood { words } if words.chars().count() <= WORDS_MAX));
}

#[test]
fn names_without_a_line_are_not_confirmed() {
    let answers = read("profile = 'dyndns2'\nlines = 'per-name'");
    let verdicts = classify(&answers, &reply(200, "good\nnochg"), 3);
    assert_eq!(verdicts[..2], [Verdict::Good, Verdict::Unchanged]);
    assert!(matches!(verdicts[2], Verdict::NotUnderstood { .. }));
    let busy = classify(&answers, &reply(200, "good\n911"), 3);
    assert_eq!(busy[0], Verdict::Good);
    assert!(matches!(busy[2], Verdict::Busy { .. }));
}

proptest! {
    #[test]
    fn no_answer_breaks_the_classifier_and_every_name_gets_a_verdict(
        status: u16,
        body in "\\PC*|[ -~\\n]{0,80}|(good|nochg|OK|KO|911|\\{|\"|<)*",
        field in "\\PC*",
        names in 1_usize..5,
    ) {
        let headers = vec![("retry-after".to_owned(), field.clone()), ("location".to_owned(), field)];
        for answers in ALL.iter() {
            let verdicts = classify(answers, &Reply { status, headers: headers.clone(), body: body.clone() }, names);
            prop_assert_eq!(verdicts.len(), names);
        }
    }

    #[test]
    fn an_html_page_is_never_a_success(before in "((good|nochg|OK|Updated|addresses updated)[ \n])?[a-zA-Z <>\n]{0,20}", after in "\\PC{0,60}", status in 200_u16..600) {
        let mixed = format!("{before}{PAGE}{after}");
        for answers in ALL.iter() {
            // Whose answers are pages knows its own words in them, but not this page.
            let body = if answers.html { PAGE } else { &mixed };
            for verdict in classify(answers, &reply(status, body), 2) {
                prop_assert!(!matches!(verdict, Verdict::Good | Verdict::Unchanged), "{:?}", body);
            }
        }
    }
}
