//! Configurations in UCI, and what their writers are told about them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use litemap::LiteMap;
use proptest::prelude::*;
use rustix::time::{ClockId, clock_gettime};
use wanbeacon::config::uci::{self, Parsed};
use wanbeacon::config::{self, Config, Mistake, Password};
use wanbeacon::engine::RecordId;
use wanbeacon::provider::Secret;

#[test]
fn good_files_are_read_without_a_word() {
    for file in files("good") {
        let words = render(&file, &read(&file).read.warnings);
        if file.ends_with("empty") {
            assert_eq!(
                words,
                "empty: warning: there is no record: nothing will be published\n  help: add config record 'home' with provider, hostname and ipv4 or ipv6\n"
            );
        } else {
            assert_eq!(words, "");
        }
    }
}

/// What is printed lies beside each file as `.txt`; a new answer is left in target/tmp to be read and copied.
#[test]
fn bad_files_get_their_mistakes_named() {
    let mut differing = Vec::new();
    for file in files("bad") {
        let mistakes = uci::read(&fs::read(&file).unwrap()).expect_err("a bad file");
        let found = render(&file, &mistakes);
        assert!(!found.contains("hunter2"), "a secret is shown:\n{found}");
        let name = file.with_extension("txt");
        if fs::read_to_string(&name).ok().as_deref() != Some(found.as_str()) {
            fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.file_name().unwrap()), &found)
                .unwrap();
            differing.push(found);
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn the_same_options_mean_the_same_in_both_languages() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config/good");
    let toml = ["full.toml", "custom.toml"].map(|name| fs::read_to_string(data.join(name)).unwrap()).concat();
    let toml = config::toml::read(&toml).unwrap().config;
    assert_same(&read(&data.join("../../uci/good/full")).read.config, &toml);
}

#[test]
fn quotes_joins_and_several_commands_on_a_line_are_understood() {
    let config = read(&data().join("good/odd")).read.config;
    assert_eq!(config.global.slow_look, Duration::from_secs(600));
    let a = &config.records[&RecordId("a".to_owned())];
    assert_eq!(a.names, ["a.example.org", "b.example.org"]);
    assert_eq!(a.account.user.as_deref(), Some("\"alice\""));
    assert!(matches!(&a.password, Some(Password::Text(s)) if s.expose() == "with 'quotes' # and ; and \\"));
    assert_eq!((a.account.ttl, a.ipv4[0].to_string().as_str()), (Some(300), "eth0"));
}

#[test]
fn openwrts_directories_hold_where_the_file_names_no_others() {
    let global = uci::read(b"config global\n\toption runtime_dir '/tmp/x'\n").unwrap().read.config.global;
    assert_eq!(global.state_dir, Path::new("/etc/wanbeacon/state"));
    assert_eq!(global.runtime_dir, Path::new("/tmp/x"));
    let global = uci::read(b"").unwrap().read.config.global;
    assert_eq!(global.runtime_dir, Path::new("/var/run/wanbeacon"));
}

#[test]
fn flags_are_the_words_that_openwrt_takes() {
    for (words, enabled) in
        [(["1", "on", "true", "yes", "enabled"], true), (["0", "off", "false", "no", "disabled"], false)]
    {
        for word in words {
            let config = uci::read(record(&format!("option enabled {word}")).as_bytes()).unwrap().read.config;
            assert_eq!(config.records[&RecordId("home".to_owned())].enabled, enabled, "{word}");
        }
    }
    for word in ["2", "True", "y", "enable", "''", "' 1'"] {
        let is_unset = word == "''";
        assert_eq!(
            uci::read(record(&format!("option enabled {word}")).as_bytes()).is_ok(),
            is_unset,
            "{word}"
        );
    }
}

/// Otherwise `p#w` as a password would be `p`, and nobody would know why it is wrong.
#[test]
fn what_is_cut_off_by_a_comment_is_warned_about() {
    let warned = |line: &str| {
        let warnings = uci::read(record(line).as_bytes()).unwrap().read.warnings;
        render(Path::new("x"), &warnings)
    };
    assert_eq!(
        warned("option password p#w"),
        "x:7:18: warning: this '#' begins a comment\n 7 | option password ***\n   |                  ^\n  help: put the value in quotes if the '#' belongs to it\n"
    );
    assert!(
        warned("option user al;ice").starts_with("x:7:15: warning: what is behind this ';' does not count\n")
    );
    for line in [
        "option user a # b",
        "option user 'a#b'",
        "option user 'a'#b",
        "option user a\\#b",
        "# a#b",
        "option user a;",
    ] {
        assert_eq!(warned(line), "", "{line}");
    }
}

#[test]
fn passwords_of_files_are_written_in_their_place() {
    let parsed = read(&data().join("good/design"));
    let nas = RecordId("nas".to_owned());
    let secrets = LiteMap::from_iter([(nas.clone(), Secret::new("hunter2 \\ \"x\""))]);
    let text = parsed.sections.to_toml(&secrets);
    let config = config::toml::read(&text).unwrap().config;
    assert!(
        matches!(&config.records[&nas].password, Some(Password::Text(s)) if s.expose() == "hunter2 \\ \"x\"")
    );
    assert!(!text.contains("password_file") && text.contains("\nstate_dir = \"/etc/wanbeacon/state\"\n"));
    assert!(
        parsed
            .sections
            .to_toml(&LiteMap::new())
            .contains("\npassword_file = \"/etc/wanbeacon/desec.token\"\n")
    );
}

#[test]
fn the_example_of_the_documentation_is_valid() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let document = fs::read_to_string(document).unwrap();
    let (_, rest) = document.split_once("<!-- uci -->\n```\n").unwrap();
    let (example, _) = rest.split_once("```\n<!-- /uci -->").unwrap();
    let parsed = uci::read(example.as_bytes())
        .unwrap_or_else(|mistakes| panic!("{}", render(Path::new("x"), &mistakes)));
    assert!(parsed.read.warnings.is_empty() && parsed.read.config.records.len() == 3);
    assert_survives(&parsed);
}

#[test]
fn good_files_are_the_same_configuration_when_rendered() {
    for file in files("good") {
        assert_survives(&read(&file));
    }
}

/// How long this thread has worked; what others do beside it does not count.
fn worked() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// Neither the stack nor the time that it takes may grow out of hand with what somebody puts into the file.
#[test]
fn monstrous_texts_are_answered_soon() {
    const SIZE: usize = 1 << 20;
    let many = |unit: &str| unit.repeat(SIZE / unit.len());
    let keys = |end: &str| (0..60_000).map(|n| format!("option k{n} v{end}")).collect::<String>();
    let monsters = [
        many("'"),
        many("\\\n"),
        many("\"\\\n\""),
        format!("config record 'a'\n\toption user '{}'\n", many("\n")),
        format!("config record 'a'\n\toption user {}\n", many("x\\\n")),
        many("config record\n"),
        many("config record 'a'\n"),
        (0..60_000).map(|n| format!("config record 'r{n}'\n")).collect(),
        (0..60_000).map(|n| format!("config t{n}\n")).collect(),
        format!("config global\n{}", keys("\n")),
        format!("config global 'g' ; {}", keys(" ; ")),
        format!("config record 'a'\n{}", many("list hostname a\n")),
        format!("config record 'a'\n{}", many("option hostname a\n")),
        (0..50_000)
            .fold("config record 'a'\n".to_owned(), |text, n| text + &format!("list hostname a{n}.b\n")),
        many("o a x#\n"),
        format!("c a\n{}", many("o a x#\n")),
        many("\0"),
        many("a\0\n"),
    ];
    for monster in monsters {
        let begun = worked();
        let _ = uci::read(monster.as_bytes());
        let took = worked() - begun;
        // Far more than it takes, and far less than anything that is not linear would.
        assert!(took < Duration::from_secs(10), "{took:?} for {:?}…", &monster[..40]);
    }
}

/// One wrong character anywhere must not lead to a quotation of the password.
#[test]
fn a_slip_shows_no_password() {
    const TEXT: &str = "config record 'home'\n\toption provider 'duckdns.org'\n\toption password 'TopSecret'\n\tlist hostname 'a.duckdns.org'\n\toption user x\n\toption ipv4 ppp0\nconfig record\n\toption password \"TopSecret\"\n\toption ipv6 'a b'\nconfig record b\noption password TopSecret\noption ttl 5\noption password TopSecret\noption user 'x'; option password 'TopSecret'\n";
    let mut refused = 0;
    for at in 0..=TEXT.len() {
        for slip in ["", "[", "\"", "'", "#", ";", "\\", "\n", " ", "\t", "=", "a", "-"] {
            for dropped in [0, 1] {
                let text = format!("{}{slip}{}", &TEXT[..at], &TEXT[(at + dropped).min(TEXT.len())..]);
                let Err(mistakes) = uci::read(text.as_bytes()) else { continue };
                refused += 1;
                let shown = render(Path::new("x"), &mistakes);
                // A slip within it makes another password of it.
                let is_shown =
                    ["TopSecret", "opSecret", "TopSecre"].iter().any(|secret| shown.contains(secret));
                assert!(!is_shown, "{text}\n----\n{shown}");
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}

proptest! {
    // A case that fails becomes a test of its own, not an opaque seed in a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = uci::read(&bytes);
    }

    #[test]
    fn no_text_like_a_configuration_panics_the_reader(
        lines in proptest::collection::vec(
            "((config|c) (global|record)|(option|list|o) (hostname|ipv4|password|refresh|allow|ttl|enabled)) {0,2}['\"]?[a-z0-9.µ=, #;\\\\]{0,9}['\"]?;?",
            0..12,
        )
    ) {
        for mistake in uci::read(lines.join("\n").as_bytes()).err().unwrap_or_default() {
            let _ = mistake.render("x");
        }
    }

    #[test]
    fn any_values_are_the_same_configuration_when_rendered(
        user in "[ -~µ☃]{1,20}",
        password in "['\"\\\\#;{}\\[\\]= a-z\u{feff}\u{2028}]{1,20}",
        is_single in any::<bool>(),
        enabled in proptest::sample::select(vec!["1", "off", "true", "no"]),
        ttl in "[+0]?[1-9][0-9]{0,4}",
        allow in proptest::sample::subsequence(vec!["private", "cgnat", "ula"], 0..3),
    ) {
        let quoted = |text: &str| if is_single {
            format!("'{}'", text.replace('\'', "'\\''"))
        } else {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        };
        let allow: String = allow.iter().map(|word| format!("\tlist allow {word}\n")).collect();
        let more = format!(
            "option user {}\n\toption password {}\n\toption enabled {enabled}\n\toption ttl {ttl}\n{allow}",
            quoted(&user), quoted(&password),
        );
        let text = record(&more);
        let parsed = uci::read(text.as_bytes());
        let parsed = parsed.unwrap_or_else(|mistakes| panic!("{text}\n{}", render(Path::new("x"), &mistakes)));
        let home = &parsed.read.config.records[&RecordId("home".to_owned())];
        prop_assert_eq!(home.account.user.as_deref(), Some(user.as_str()));
        prop_assert!(matches!(&home.password, Some(Password::Text(s)) if s.expose() == password));
        assert_survives(&parsed);
    }
}

/// A record that lacks nothing but what is to be tried; it begins in line 7.
fn record(more: &str) -> String {
    format!(
        "config record 'home'\n\toption provider 'dyndns2'\n\toption server 'https://dyn.example.org'\n\tlist hostname 'a.example.org'\n\toption ipv4 'wan'\n\toption user 'x'; option password 'y'\n{more}\n"
    )
}

fn assert_survives(parsed: &Parsed) {
    let text = parsed.sections.to_toml(&LiteMap::new());
    let again = config::toml::read(&text)
        .unwrap_or_else(|mistakes| panic!("{}\n{}", *text, render(Path::new("x"), &mistakes)));
    assert_same(&again.config, &parsed.read.config);
}

/// The same but for the places where it was written.
fn assert_same(one: &Config, other: &Config) {
    assert_eq!(one.global, other.global);
    assert_eq!(one.records.keys().collect::<Vec<_>>(), other.records.keys().collect::<Vec<_>>());
    for (one, other) in one.records.values().zip(other.records.values()) {
        let places = |text: String| text.split(", home: Place").next().unwrap().to_owned();
        assert_eq!(places(format!("{one:?}")), places(format!("{other:?}")));
        // What no formatter prints.
        assert!(one.account == other.account, "{:?} and {:?}", one.account, other.account);
        match (&one.password, &other.password) {
            (Some(Password::Text(one)), Some(Password::Text(other))) => assert!(one == other, "the password"),
            (one, other) => assert_eq!(format!("{one:?}"), format!("{other:?}")),
        }
    }
}

fn read(file: &Path) -> Parsed {
    uci::read(&fs::read(file).unwrap()).unwrap_or_else(|mistakes| panic!("{}", render(file, &mistakes)))
}

fn render(file: &Path, mistakes: &[Mistake]) -> String {
    let name = file.file_name().unwrap().to_string_lossy();
    mistakes.iter().map(|mistake| mistake.render(&name)).collect()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(data().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/uci")
}
