//! Promises about accounts, their requests and their secrets.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::template::{Kind, Rules, Syntax, Template, query};
use super::*;
use crate::provider::{DnsSettings, Prefix, Reply, Request, Verdict, catalogue};

const V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 2, 3, 4, 5);

fn secret(text: &str) -> Option<Secret> {
    Some(Secret::new(text))
}

fn full(password: &str) -> AccountSettings {
    AccountSettings {
        user: Some("alice".to_owned()),
        password: secret(password),
        server: Some("ddns.example.net".to_owned()),
        url: secret("https://ddns.example.net/u?h={host}&p={password}&a={ip}"),
        ..AccountSettings::default()
    }
}

fn account(
    id: &str,
    settings: AccountSettings,
    name: &str,
    families: &[Family],
) -> Result<Account, Vec<AccountError>> {
    let provider = ALL.iter().find(|provider| provider.id == id).unwrap();
    Account::new(Arc::clone(provider), settings, &[name.to_owned()], families)
}

static ALL: LazyLock<Vec<Arc<Provider>>> =
    LazyLock::new(|| catalogue::providers().unwrap().into_iter().map(Arc::new).collect());

fn custom(url: &str) -> AccountSettings {
    AccountSettings { url: secret(url), ..AccountSettings::default() }
}

fn sent(account: &Account, name: &str, ipv4: Option<Ipv4Addr>, ipv6: Option<Ipv6Addr>) -> Request {
    match account.dialogue(&Update { names: vec![name.to_owned()], ipv4, ipv6, ..Update::default() }, 0).1 {
        Step::Send(request) => request,
        other @ (Step::Ask(_) | Step::Done(_)) => panic!("no request: {other:?}"),
    }
}

#[test]
fn an_account_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Account>();
    shared::<Dialogue>();
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let errors = account("dyndns2", AccountSettings::default(), "a.example.net", &[Family::V4]).unwrap_err();
    let options: Vec<&str> = errors.iter().map(AccountError::option).collect();
    assert_eq!(options, ["password", "server", "user"]);
    assert!(errors[1].to_string().contains("host of the server"), "{}", errors[1]);
}

#[test]
fn a_password_stands_in_for_a_token() {
    let settings = AccountSettings { password: secret("t0ken"), ..AccountSettings::default() };
    let account = account("duckdns.org", settings, "homexyz.duckdns.org", &[Family::V4]).unwrap();
    let request = sent(&account, "homexyz.duckdns.org", Some(V4), None);
    assert_eq!(
        request.shown,
        "https://www.duckdns.org/update?domains=homexyz&token=***&ip=203.0.113.7&verbose=true"
    );
    assert!(request.url.expose().contains("token=t0ken&"));
}

#[test]
fn a_name_must_lie_in_the_zone_of_its_provider() {
    for name in ["homexyz", "homexyz.duckdns.com", "duckdns.org", "xduckdns.org"] {
        let errors = account("duckdns.org", full("t0ken"), name, &[Family::V4]).unwrap_err();
        assert!(matches!(&errors[..], [AccountError::OutsideZone { .. }]), "{name}: {errors:?}");
    }
    assert!(account("duckdns.org", full("t0ken"), "Homexyz.DuckDNS.org", &[Family::V4]).is_ok());
}

#[test]
fn plain_http_needs_a_word_of_consent() {
    let plain = AccountSettings { server: Some("http://192.0.2.1:8080".to_owned()), ..full("open-sesame") };
    let errors = account("dyndns2", plain.clone(), "a.example.net", &[Family::V4]).unwrap_err();
    assert!(matches!(&errors[..], [AccountError::Insecure { option: "server", .. }]), "{errors:?}");
    let agreed = AccountSettings { insecure: true, ..plain };
    assert_eq!(
        account("dyndns2", agreed, "a.example.net", &[Family::V4]).unwrap().endpoint(),
        "192.0.2.1:8080"
    );
    let errors = account("custom", custom("http://x.example/?a=<ipaddr>"), "a.example.net", &[Family::V4]);
    assert!(matches!(&errors.unwrap_err()[..], [AccountError::Insecure { option: "url", .. }]));
}

/// A key of an RSA scheme; no other entry minds it.
const KEY: &str = include_str!("../../../tests/data/keys/rfc7515-a2.pem");

#[test]
fn a_private_key_may_have_lines_and_must_be_able_to_sign() {
    let names = ["a.example.net"];
    assert!(account("transip.nl", full(KEY), names[0], &[Family::V4]).is_ok());
    let errors = account("transip.nl", full("open-sesame"), names[0], &[Family::V4]).unwrap_err();
    assert!(matches!(errors[..], [AccountError::Invalid { option: "password", .. }]), "{errors:?}");
    let errors = account("transip.nl", full(&KEY.replace('\n', "\t")), names[0], &[Family::V4]).unwrap_err();
    assert!(errors[0].to_string().contains("control character"), "{errors:?}");
}

#[test]
fn a_path_is_needed_where_the_entry_says_what_to_write_there() {
    let settings = AccountSettings { param: secret("tenant"), ..full("open-sesame") };
    let errors = account("azure.com", settings, "a.example.net", &[Family::V4]).unwrap_err();
    assert!(matches!(errors[..], [AccountError::Missing { option: "path", .. }]), "{errors:?}");
    assert!(account("dyndns2", full("open-sesame"), "a.example.net", &[Family::V4]).is_ok());
}

#[test]
fn a_line_break_after_a_password_is_a_mistake_of_that_option() {
    let errors = account("dyn.com", full("open-sesame\n"), "a.example.net", &[Family::V4]).unwrap_err();
    assert!(matches!(&errors[..], [AccountError::Invalid { option: "password", .. }]), "{errors:?}");
}

#[test]
fn a_family_that_a_url_cannot_state_is_a_mistake() {
    let errors = account("custom", custom("https://x.example/?a=<ipaddr>"), "a.example.net", &[Family::V6]);
    assert!(matches!(&errors.unwrap_err()[..], [AccountError::NoForm { family: Family::V6, .. }]));
}

#[test]
fn a_mistake_in_a_url_comes_with_column_and_mend() {
    let errors = account("custom", custom("https://x.example/?a=<ipadr>"), "a.example.net", &[Family::V4]);
    let error = errors.unwrap_err().remove(0).to_string();
    assert_eq!(error, "url, column 22: unknown placeholder '<ipadr>'; did you mean 'ipaddr'?");
    let errors = account("custom", custom("https://x.example/?a={ip5}"), "a.example.net", &[Family::V4]);
    assert!(errors.unwrap_err()[0].to_string().ends_with("unknown placeholder '{ip5}'; did you mean 'ip4'?"));
}

#[test]
fn the_fingerprint_changes_with_every_setting_and_the_key_only_with_who_is_asked() {
    let of = |settings| account("dyndns2", settings, "a.example.net", &[Family::V4]).unwrap();
    let base = of(full("open-sesame"));
    let changed = of(full("open-barley"));
    assert_ne!(base.fingerprint(), changed.fingerprint());
    assert_eq!(base.fingerprint(), of(full("open-sesame")).fingerprint());
    assert_eq!(base.key(), changed.key());
    assert_eq!(base.key(), "dyndns2/ddns.example.net/alice");
    let path = of(AccountSettings { path: Some("/x".to_owned()), ..full("open-sesame") });
    assert_ne!(base.fingerprint(), path.fingerprint());
}

#[test]
fn one_request_states_both_families_only_where_one_can() {
    let both = account(
        "custom",
        custom("https://x.example/?a=<ipaddr>&b=<ip6addr>"),
        "a.example.net",
        &[Family::V4],
    );
    assert!(both.unwrap().manners().dual);
    let two = custom("https://x.example/4?a=<ipaddr> https://x.example/6?a=<ip6addr>");
    assert!(!account("custom", two, "a.example.net", &[Family::V4, Family::V6]).unwrap().manners().dual);
    let either = custom("https://x.example/?a={ip}");
    assert!(!account("custom", either, "a.example.net", &[Family::V4, Family::V6]).unwrap().manners().dual);
}

#[test]
fn two_families_without_a_common_request_become_two_requests() {
    let two = custom("https://x.example/4?a=<ipaddr> https://x.example/6?a=<ip6addr>");
    let account = account("custom", two, "a.example.net", &[Family::V4, Family::V6]).unwrap();
    let update = Update {
        names: vec!["a.example.net".to_owned()],
        ipv4: Some(V4),
        ipv6: Some(V6),
        ..Update::default()
    };
    let good = Reply { status: 200, headers: Vec::new(), body: "good".to_owned() };
    let (mut dialogue, _) = account.dialogue(&update, 0);
    let Step::Send(second) = dialogue.advance(&good) else { panic!("the second family is told too") };
    assert_eq!(second.url.expose(), "https://x.example/6?a=2001:db8:0:1:2:3:4:5");
    assert_eq!(dialogue.advance(&good), Step::Done(vec![Verdict::Good]));
    let (mut dialogue, _) = account.dialogue(&update, 0);
    let Step::Done(verdicts) = dialogue.advance(&Reply { status: 500, ..good }) else { panic!("it is over") };
    assert!(matches!(verdicts[..], [Verdict::Busy { .. }]));
}

/// Who is told an address by the connection alone: a request to one of them leaves by the device that has it.
#[test]
fn these_entries_use_the_address_that_a_request_comes_from() {
    let using = |family| {
        let takes =
            |provider: &&Arc<Provider>| provider.forms.of(family).is_some_and(|form| !form.carries(family));
        ALL.iter().filter(takes).map(|provider| provider.id.as_str()).collect::<Vec<_>>()
    };
    let only_v4 = ["dy.fi", "dynup.de", "ipnodns.ru", "no-ip.pl", "staticcling.org"];
    let both = ["cloudns.net", "mythic-beasts.com"];
    let mut v4 = [&only_v4[..], &both].concat();
    v4.sort_unstable();
    assert_eq!(using(Family::V4), v4);
    assert_eq!(using(Family::V6), both);
    for (id, expected) in [("mythic-beasts.com", true), ("dyn.com", false)] {
        let account = account(id, full("open-sesame"), "a.example.net", &[Family::V6]).unwrap();
        assert_eq!(account.uses_source_address(), expected, "{id}");
    }
}

#[test]
fn a_url_without_an_address_uses_the_one_that_the_request_comes_from() {
    let uses = |url, family| {
        account("custom", custom(url), "a.example.net", &[family]).unwrap().uses_source_address()
    };
    assert!(uses("https://x.example/?h={host}", Family::V6));
    assert!(!uses("https://x.example/?p=<ip6lanprefix>", Family::V6));
    assert!(!uses("https://x.example/?a=<ipaddr>", Family::V4));
}

#[test]
fn a_url_states_the_prefix_that_is_known_and_else_the_64_bits_of_the_address() {
    let url = custom("https://x.example/?a=<ip6addr>&p=<ip6lanprefix>");
    let account = account("custom", url, "a.example.net", &[Family::V6]).unwrap();
    assert!(account.manners().takes_prefix);
    let asked = |prefix| {
        let names = vec!["a.example.net".to_owned()];
        let update = Update { names, ipv6: Some(V6), prefix, ..Update::default() };
        let Step::Send(request) = account.dialogue(&update, 0).1 else { panic!("no request") };
        request.url.expose().to_owned()
    };
    assert_eq!(asked(None), "https://x.example/?a=2001:db8:0:1:2:3:4:5&p=2001:db8:0:1::/64");
    let prefix = Some(Prefix::of(V6, 56));
    assert_eq!(asked(prefix), "https://x.example/?a=2001:db8:0:1:2:3:4:5&p=2001:db8::/56");
}

#[test]
fn a_record_is_not_removed_where_only_names_that_exist_are_updated() {
    let removes = |prerequisite| {
        let dns = DnsSettings { prerequisite, ..DnsSettings::default() };
        let settings = AccountSettings { dns, ..full("c2VjcmV0IHNlY3JldA==") };
        let account = account("rfc2136", settings, "a.example.net", &[Family::V4]).unwrap();
        account.manners().removes
    };
    assert!(removes(Prerequisite::None));
    assert!(!removes(Prerequisite::NameExists));
}

#[test]
fn a_secret_that_the_provider_repeats_is_hidden() {
    let account = account("dyn.com", full("open&sesame"), "a.example.net", &[Family::V4]).unwrap();
    assert_eq!(account.redact("bad password open&sesame or open%26sesame"), "bad password *** or ***");
}

proptest! {
    #[test]
    fn no_secret_is_ever_shown(password in "[!-~]{8,40}") {
        for provider in ALL.iter().filter(|provider| provider.sets(Family::V4) && !provider.speaks_dns()) {
            let id = &provider.id;
            let name = format!("homexyz.{}", provider.zones.first().map_or("example.net", String::as_str));
            let settings = AccountSettings {
                param: secret("parameter"),
                record_id: Some("17".to_owned()),
                path: Some("/x".to_owned()),
                insecure: true,
                ..full(&password)
            };
            let account = match account(id, settings, &name, &[Family::V4]) {
                Ok(account) => account,
                Err(errors) => {
                    // It is gone, or its password is a private key.
                    let dead = provider.is_gone();
                    let key = matches!(errors[..], [AccountError::Invalid { option: "password" | "user", .. }]);
                    prop_assert!(dead || key, "{}: {:?}", id, errors);
                    continue;
                }
            };
            let request = sent(&account, &name, Some(V4), None);
            let update = Update { names: vec![name], ipv4: Some(V4), ipv6: None, ..Update::default() };
            let (mut dialogue, step) = account.dialogue(&update, 0);
            let reply = Reply { status: 200, headers: Vec::new(), body: format!("unknown {password} given") };
            let open = [
                request.shown.clone(), format!("{request:?}"), format!("{account:?}"), account.key().to_owned(),
                format!("{dialogue:?}"), format!("{step:?}"), format!("{:?}", dialogue.advance(&reply)),
                format!("{:?}", full(&password)), format!("{:?}", account.0.forms()),
            ];
            for text in open {
                prop_assert!(!text.contains(&password), "{}: {}", id, text);
                prop_assert!(!text.contains(&query(&password)), "{}: {}", id, text);
            }
        }
    }

    #[test]
    fn no_secret_is_quoted_in_an_error(password in "[A-Za-z0-9]{30,40}", before in "[<>{}%\\[\\]]{1,3}", after in "[<>{}%#\\[\\]]{0,3}") {
        let settings = AccountSettings { url: secret(&format!("https://x.example/?a={before}{password}{after}")), ..full(&password) };
        if let Err(errors) = account("custom", settings, "a.example.net", &[Family::V4, Family::V6]) {
            for error in errors {
                prop_assert!(!error.to_string().contains(&password), "{}", error);
                prop_assert!(!format!("{error:?}").contains(&password), "{:?}", error);
            }
        }
    }

    #[test]
    fn what_a_value_was_can_be_read_back_from_the_url(password in "\\PC{1,30}") {
        let settings = AccountSettings { token: secret(&password), ..custom("https://x.example/{token}/?t={token}&a={ip4}") };
        let account = account("custom", settings, "a.example.net", &[Family::V4]).unwrap();
        let request = sent(&account, "a.example.net", Some(V4), None);
        let url = request.url.expose();
        prop_assert!(url.bytes().all(|b| b.is_ascii_graphic()));
        let rest = url.strip_prefix("https://x.example/").unwrap();
        let (segment, rest) = rest.split_once("/?t=").unwrap();
        let (value, rest) = rest.split_once("&a=").unwrap();
        prop_assert_eq!(rest, "203.0.113.7");
        prop_assert_eq!(decode(segment), password.as_str());
        prop_assert_eq!(decode(value), password.as_str());
    }

    #[test]
    fn what_a_value_was_can_be_read_back_from_json(password in any::<String>()) {
        let template = Template::parse("body", "{\"key\":\"{param}\"}", &Rules::entry(Kind::Json)).unwrap();
        let settings = AccountSettings { param: secret(&password), ..AccountSettings::default() };
        let values = Values {
            settings: &settings, zones: &[], label_depth: 0, path: "", names: &[], ipv4: None, ipv6: None, prefix: None, family: Family::V4,
            record_types: &[String::new(), String::new()], known: Known::default(), now: 0,
        };
        let json: serde_json::Value = serde_json::from_str(&template.render(&values).sent).unwrap();
        prop_assert_eq!(json["key"].as_str().unwrap(), password);
    }

    #[test]
    fn no_text_breaks_the_readers(text in "\\PC{0,60}|[<>{}\\[\\]%a-z/:?=&|]{0,60}") {
        for kind in [Kind::Form, Kind::Header, Kind::Json, Kind::Pattern, Kind::Text, Kind::Url, Kind::Xml] {
            for syntax in [Syntax::Entry, Syntax::User] {
                let _ = Template::parse("x", &text, &Rules { syntax, ..Rules::entry(kind) });
                let _ = Template::parse("x", &format!("https://x.example/{text}"), &Rules { syntax, ..Rules::entry(kind) });
            }
        }
        let _ = Provider::parse(&text);
        let _ = account("custom", custom(&text), "a.example.net", &[Family::V4]);
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
