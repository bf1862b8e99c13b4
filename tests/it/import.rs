//! Other clients' configurations, and what becomes of them.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use wanbeacon::config::import::{Client, Imported, import};
use wanbeacon::config::{self, Config, Dialect, Password};
use wanbeacon::engine::RecordId;
use wanbeacon::engine::origin::Origin;
use wanbeacon::provider::{Holds, Provider, catalogue};

const LANGUAGES: [(Dialect, &str); 2] = [(Dialect::Uci, "uci"), (Dialect::Toml, "toml")];

/// What is printed lies beside each file; a new answer is left in target/tmp to be read and copied.
#[test]
fn files_of_other_clients_become_ours_with_a_remark_for_the_rest() {
    let mut differing = Vec::new();
    for (client, file) in samples() {
        for (to, extension) in LANGUAGES {
            let found = imported(client, &file, to).text.to_string();
            let wanted = file.with_extension(extension);
            if fs::read_to_string(&wanted).ok().as_deref() != Some(found.as_str()) {
                let name = format!("{}-{}", client.name(), wanted.file_name().unwrap().display());
                fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name), &found).unwrap();
                differing.push(format!("{}:\n{found}", wanted.display()));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn what_is_printed_is_valid_and_means_the_same_in_both_languages() {
    for (client, file) in samples() {
        let [uci, toml] = LANGUAGES.map(|(to, _)| read(&imported(client, &file, to).text, to));
        assert!(uci.records.keys().eq(toml.records.keys()), "{}", file.display());
        for (uci, toml) in uci.records.values().zip(toml.records.values()) {
            assert_eq!((&uci.account, &uci.names, uci.enabled), (&toml.account, &toml.names, toml.enabled));
            assert_eq!(
                (uci.refresh, uci.min_interval, uci.allow),
                (toml.refresh, toml.min_interval, toml.allow)
            );
            assert_eq!((&uci.ipv4, uci.ipv6.is_empty()), (&toml.ipv4, toml.ipv6.is_empty()));
        }
    }
}

#[test]
fn secrets_arrive_in_records_and_nowhere_else() {
    for (client, file, record, password) in [
        (Client::DdnsScripts, "home", "home", "hunter2-duck"),
        (Client::DdnsScripts, "home", "office", "hunter2-o'clock"),
        (Client::Inadyn, "home", "a", "hunter2 \"quoted\" \\ #1"),
        (Client::Inadyn, "home", "homexyz", "hunter2-duck-token"),
        (Client::Inadyn, "home", "own", "hunter2-it's"),
        (Client::Ddclient, "home", "a", "hunter2 # 1"),
        (Client::Ddclient, "home", "homexyz", "hunter2-duck,x"),
        (Client::Ddclient, "home", "d", "hunter2-desec"),
        // ddclient takes double quotes and a comma behind them for parts of a password.
        (Client::Ddclient, "hard", "d", "\"hunter2\\\"d\","),
        (Client::Fritzbox, "dual", "home", "hunter2 = \"two\""),
    ] {
        for (to, _) in LANGUAGES {
            let config = read(&imported(client, &data().join(client.name()).join(file), to).text, to);
            let record = &config.records[&RecordId(record.to_owned())];
            assert!(
                matches!(&record.password, Some(Password::Text(text)) if text.expose() == password),
                "{file}"
            );
        }
    }
    for (client, file) in samples() {
        for (to, _) in LANGUAGES {
            assert_discreet(&imported(client, &file, to), "hunter2");
        }
    }
}

#[test]
fn two_sections_of_a_name_are_one_record_unless_more_than_the_family_differs() {
    let section = |name: &str, more: &str| {
        format!(
            "config service '{name}'\noption service_name 'no-ip.com'\noption domain 'a.example.org'\noption username 'u'\noption password 'p'\n{more}\n"
        )
    };
    let records = |second: &str| {
        let text = section("x_v4", "option enabled '1'") + &section("x_v6", second);
        read(&import(Client::DdnsScripts, text.as_bytes(), None).unwrap().text, Dialect::Uci).records
    };
    let one = records("option enabled '1'\noption use_ipv6 '1'");
    let only = &one[&RecordId("x".to_owned())];
    let line = |name: &str| vec![Origin::Line(name.to_owned())];
    assert_eq!((one.len(), &only.ipv4, &only.ipv6), (1, &line("wan"), &line("wan6")));
    for second in [
        "option enabled '0'\noption use_ipv6 '1'",
        "option enabled '1'\noption use_ipv6 '1'\noption username 'other'",
        "option enabled '1'\noption use_ipv6 '1'\noption bind_network 'wanb'",
    ] {
        assert_eq!(records(second).len(), 2, "{second}");
    }
}

#[test]
fn a_section_that_was_not_enabled_stays_so() {
    for (written, enabled) in [("option enabled '1'", true), ("option enabled '0'", false), ("", false)] {
        let text = format!(
            "config service 'x'\n{written}\noption service_name 'dynv6.com'\noption domain 'x.dynv6.net'\noption password 'p'\n"
        );
        let config = read(&import(Client::DdnsScripts, text.as_bytes(), None).unwrap().text, Dialect::Uci);
        assert_eq!(config.records[&RecordId("x".to_owned())].enabled, enabled, "{written}");
    }
}

/// The names of the services that ddns-scripts ships as of 2026-08.
#[test]
fn every_service_of_ddns_scripts_is_mapped_or_explained() {
    let names = fs::read_to_string(data().join("ddns-scripts.names")).unwrap();
    assert_eq!(names.lines().count(), 101);
    for name in names.lines() {
        let section = |more: &str| {
            format!("config service 'x'\noption service_name '{name}'\noption domain 'x.example.org'\n{more}")
        };
        let plain = import(Client::DdnsScripts, section("").as_bytes(), None).unwrap();
        let with_url = section("option update_url 'https://x.example/?h=[DOMAIN]&a=[IP]'\n");
        let with_url = import(Client::DdnsScripts, with_url.as_bytes(), None).unwrap();
        if catalogue::alias("ddns-scripts", name).is_some() || name == "custom" {
            continue;
        }
        let said = format!("the catalogue has no provider for '{name}'");
        assert!(plain.left.iter().any(|line| line.contains(&said)), "{name}: {:?}", plain.left);
        assert_eq!(read(&with_url.text, Dialect::Uci).records.len(), 1, "{name}:\n{}", *with_url.text);
    }
}

/// Where this fails, the entry needs an `[import.ddns-scripts]` that says what the fields hold: docs/providers.md.
#[test]
fn a_section_of_each_mapped_service_becomes_a_valid_record() {
    for id in catalogue::ids().filter(|id| *id != "custom") {
        let entry = catalogue::provider(id).unwrap().unwrap();
        for service in entry.aliases.get("ddns-scripts").into_iter().flatten() {
            let text = section_of(&entry, service);
            let imported = import(Client::DdnsScripts, text.as_bytes(), None).unwrap();
            if entry.is_gone() {
                assert!(imported.left[0].contains("is gone: "), "{id}: {:?}", imported.left);
            } else if id == "cloud.google.com" {
                // Project and zone stand together in one field there, in a form of their own.
                assert!(imported.left[0].contains("needs 'path'"), "{id}: {:?}", imported.left);
            } else {
                assert!(imported.left.is_empty(), "{id}: {:?}", imported.left);
            }
        }
    }
}

/// A section as its user fills it in.
fn section_of(entry: &Provider, service: &str) -> String {
    let zone = entry.zones.first().map_or("example.org", String::as_str);
    let name = format!("home.{zone}");
    let usual = [
        ("domain", Holds::Name),
        ("username", Holds::User),
        ("password", Holds::Password),
        ("param_enc", Holds::Param),
        ("param_opt", Holds::ParamOpt),
    ];
    let table = entry.import.get("ddns-scripts");
    let others = table.into_iter().flatten().map(|(field, holds)| (field.as_str(), *holds));
    let fields: std::collections::BTreeMap<&str, Holds> = usual.into_iter().chain(others).collect();
    // A made-up key of RFC 7515, on one line as UCI wants it.
    let key = include_str!("../data/keys/rfc7515-a2.pem").trim_end().replace('\n', "\\n");
    let has_id = fields.values().any(|holds| *holds == Holds::RecordId);
    let mut text = format!(
        "config service 'x'\noption enabled '1'\noption service_name '{service}'\noption lookup_host '{name}'\n"
    );
    for (field, holds) in fields {
        let value = match holds {
            Holds::Label => "home",
            Holds::Name if entry.credentials.contains_key("record_id") && !has_id => "12345",
            Holds::Name => &name,
            Holds::RecordId | Holds::Ttl => "12345",
            Holds::Server => "https://ns.example.org",
            Holds::Zone => zone,
            Holds::Password if ["cloud.google.com", "transip.nl"].contains(&entry.id.as_str()) => &key,
            // Base64, which the secret of a TSIG key must be.
            Holds::Password => "c2VjcmV0",
            Holds::Param | Holds::ParamOpt | Holds::Unused | Holds::User => "secret",
        };
        text.push_str(&format!("option {field} '{value}'\n"));
    }
    let is_v6_only = !entry.sets(wanbeacon::provider::Family::V4);
    text + if is_v6_only { "option use_ipv6 '1'\n" } else { "" }
}

#[test]
fn what_cannot_be_read_is_named_with_place_and_mend() {
    for (client, text, said) in UNREADABLE {
        let mistakes = import(*client, text.as_bytes(), None).unwrap_err();
        assert_eq!(mistakes[0].line("f"), *said, "{text}");
        let all: String = mistakes.iter().map(|mistake| mistake.render("f") + &mistake.line("f")).collect();
        assert!(!all.contains("hunter2"), "{all}");
    }
    let mistakes = import(Client::Inadyn, b"username = \"\xe4\"", None).unwrap_err();
    assert_eq!(mistakes[0].line("f"), "f:1:13: this is not UTF-8; save the file as UTF-8");
}

/// Whose, the text, and what is said first.
const UNREADABLE: &[(Client, &str, &str)] = &[
    (
        Client::DdnsScripts,
        "config service 'a'\n\toptoin x 'hunter2'\n",
        "f:2:2: not valid UCI: a line begins with config, option or list; did you mean 'option'?",
    ),
    (
        Client::DdnsScripts,
        "config service\n\toption password 'hunter2\n",
        "f:2:18: not valid UCI: this \"'\" is not closed; add the second one at the end of the value",
    ),
    (
        Client::Inadyn,
        "period = 1\nprovider x {\n  password hunter2\n}\n",
        "f:3:12: a '=' is missing here; write: name = value",
    ),
    (
        Client::Inadyn,
        "provider x {\n  password = \"hunter2\n",
        "f:2:14: this quote is not closed; add the second \" at the end of the value",
    ),
    (Client::Inadyn, "provider x {\n", "f:2:1: a '}' is missing here; close the section with '}'"),
    (
        Client::Inadyn,
        "provider x\n",
        "f:2:1: a '=' or '{' is missing here; write: name = value, or provider NAME { … }",
    ),
    (Client::Inadyn, "/* hunter2", "f:1:1: this comment is not closed; end it with */"),
    (
        Client::Inadyn,
        "x = { a b }",
        "f:1:9: a ',' or '}' is missing here; write: name = value, or name = { value, value }",
    ),
    (Client::Inadyn, "include(\"hunter2\"", "f:1:18: a ')' is missing here; write: include(\"/path\")"),
    (
        Client::Ddclient,
        "daemon=1\nlogin='hunter2 a.example.org\n",
        "f:2:1: the quote of 'login' is not closed; add the second one at the end of the value",
    ),
    (
        Client::Ddclient,
        "login = hunter2\n",
        "f:1:1: there is a blank beside a '='; write name=value without blanks",
    ),
    (
        Client::Ddclient,
        "a.example.org b hunter2 d\n",
        "f:1:1: there are too many words behind the names; write the names of hosts with commas between them, then login and password at most",
    ),
    (
        Client::Ddclient,
        "login=a password'hunter2' a.example.org",
        "f:1:1: this is the name of no host; write name=value, and names with commas between them",
    ),
    (
        Client::Fritzbox,
        "https://x.example/hunter2\n",
        "f:2:1: there is no domain; add the name that is published: domain = home.example.org",
    ),
    (
        Client::Fritzbox,
        "hunter2\ndomain=a.example.org",
        "f:1:1: this line is not understood; write the URL, or domain, user or password, an '=' and the value",
    ),
    (Client::Fritzbox, "user=a\nuser=hunter2", "f:2:1: there is a second 'user'; remove one of them"),
    (Client::Ddclient, "a\0b", "f:1:2: there is a zero byte; the file is damaged: take an older copy of it"),
];

/// Quotes that a slip set off by one make a public option swallow the next line.
#[test]
fn a_value_of_several_lines_is_not_shown() {
    for name in ["service_name", "username", "domain", "ip_network", "interface", "cacert"] {
        let rest = if name == "service_name" { "" } else { "option service_name 'no-ip.com'\n" };
        let text = format!("config service 'x'\n{rest}option {name} 'u\n\toption password hunter2'\n");
        for (to, _) in LANGUAGES {
            let imported = import(Client::DdnsScripts, text.as_bytes(), Some(to)).unwrap();
            assert!(!imported.left.is_empty());
            assert_discreet(&imported, "hunter2");
        }
    }
}

/// A blank makes ddclient's old notation of an option: a name, its login, its password.
#[test]
fn an_option_that_a_slip_made_a_login_is_not_shown() {
    let text = "protocol=noip, p assword='TopSecret' a.example.org\n";
    for (to, _) in LANGUAGES {
        let imported = import(Client::Ddclient, text.as_bytes(), Some(to)).unwrap();
        assert!(imported.text.contains("# - the whole record: "), "{}", *imported.text);
        assert_discreet(&imported, "TopSecret");
    }
}

proptest! {
    // A case that fails becomes a test of its own, not an opaque seed in a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_a_reader(text in "\\PC{0,200}", at in 0_usize..4) {
        let _ = import(Client::ALL[at], text.as_bytes(), None);
    }

    #[test]
    fn no_text_like_such_a_file_panics_a_reader(
        words in proptest::collection::vec(
            "(config service 'a'\\n|option [a-z_]{0,9} '[a-z.@]{0,9}'\\n|provider [a-z.@]{0,9} ?[{]\\n|hostname = |password ?= ?|\\$\\{X\\}|[{}()=,+#\"'\\\\/*\\n ]|[a-z.µ]{1,5}|\\\\\\n)",
            0..40,
        ),
        at in 0_usize..4,
    ) {
        for (to, _) in LANGUAGES {
            if let Ok(imported) = import(Client::ALL[at], words.concat().as_bytes(), Some(to)) {
                read(&imported.text, to);
            }
        }
    }

    /// Whatever else is in a section, a secret is in no comment and in no diagnostic.
    #[test]
    fn no_secret_is_in_a_remark(
        service in "(duckdns\\.org|dyndns\\.org|custom|no-ip\\.com|desec\\.io|nowhere)",
        options in proptest::collection::btree_map(
            "(enabled|domain|username|ip_source|interface|use_ipv6|use_https|force_interval|cacert|colour|lookup_host)",
            "(0|1|web|a\\.example\\.org|label|x@example\\.org)",
            0..8,
        ),
        secrets in proptest::collection::btree_set("(password|param_enc|param_opt|proxy|update_url|ip_url|update_script)", 0..5),
    ) {
        let mut text = format!("config service 'x'\noption service_name '{service}'\n");
        for (name, value) in &options {
            text.push_str(&format!("option {name} '{value}'\n"));
        }
        for name in &secrets {
            text.push_str(&format!("option {name} 'http://TopSecret:[PASSWORD]@x.example/TopSecret?[IP]'\n"));
        }
        for (to, _) in LANGUAGES {
            let imported = import(Client::DdnsScripts, text.as_bytes(), Some(to)).unwrap();
            read(&imported.text, to);
            assert_discreet(&imported, "TopSecret");
        }
    }

    /// One wrong character anywhere in a file must not bring its password into a comment or a diagnostic.
    #[test]
    fn a_slip_shows_no_secret(at in 0_usize..200, slip in "[\"'=(){}#\\\\\n, a]?", drop in any::<bool>(), which in 0_usize..3) {
        let (client, text) = [
            (Client::DdnsScripts, "config service 'x'\n\toption service_name 'no-ip.com'\n\toption domain 'a.example.org'\n\toption username 'u'\n\toption password 'TopSecret'\n"),
            (Client::Inadyn, "period = 300\nprovider default@no-ip.com {\n  username = u\n  password = \"TopSecret\"\n  hostname = a.example.org\n}\n"),
            (Client::Ddclient, "daemon=300\nusev4=ifv4, ifv4=eth0\nprotocol=noip, \\\n login=u, \\\n password='TopSecret' \\\n a.example.org\n"),
        ][which];
        let at = at.min(text.len());
        let rest = &text[(at + usize::from(drop)).min(text.len())..];
        let text = format!("{}{slip}{rest}", &text[..at]);
        prop_assume!(text.contains("TopSecret"));
        match import(client, text.as_bytes(), None) {
            Ok(imported) => assert_discreet(&imported, "TopSecret"),
            Err(mistakes) => {
                let shown: String = mistakes.iter().map(|mistake| mistake.line("f")).collect();
                prop_assert!(!shown.contains("TopSecret"), "{}\n----\n{}", text, shown);
            }
        }
    }
}

fn assert_discreet(imported: &Imported, secret: &str) {
    let comments = imported.text.lines().filter(|line| line.starts_with('#'));
    for line in comments.chain(imported.left.iter().map(String::as_str)) {
        assert!(!line.contains(secret), "{line}\n----\n{}", *imported.text);
    }
}

fn imported(client: Client, file: &Path, to: Dialect) -> Imported {
    import(client, &fs::read(file).unwrap(), Some(to))
        .unwrap_or_else(|mistakes| panic!("{}: {}", file.display(), mistakes[0].line("")))
}

/// What our own reader says; it has nothing to object to.
fn read(text: &str, to: Dialect) -> Config {
    let read = match to {
        Dialect::Toml => config::toml::read(text),
        Dialect::Uci => config::uci::read(text.as_bytes()).map(|parsed| parsed.read),
    };
    let words =
        |mistakes: &[config::Mistake]| mistakes.iter().map(|mistake| mistake.render("x")).collect::<String>();
    let read = read.unwrap_or_else(|mistakes| panic!("{}\n{text}", words(&mistakes)));
    assert!(read.warnings.is_empty() || read.config.records.is_empty(), "{}\n{text}", words(&read.warnings));
    read.config
}

fn samples() -> Vec<(Client, PathBuf)> {
    let files = |client: Client| {
        let folder = fs::read_dir(data().join(client.name())).unwrap();
        let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_none());
        files.sort();
        files.into_iter().map(move |file| (client, file))
    };
    Client::ALL.into_iter().flat_map(files).collect()
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import")
}
