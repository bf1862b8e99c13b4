//! Configurations that users write, and what they are told about them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use wanbeacon::config::{self, Bind, Config, LogLevel, Mistake, Password, options};
use wanbeacon::engine::RecordId;
use wanbeacon::engine::origin::Origin;

#[test]
fn good_configurations_are_read_without_a_word() {
    for file in files("good") {
        let read = config::toml::read(&text(&file))
            .unwrap_or_else(|mistakes| panic!("{}", render(&file, &mistakes)));
        let words = render(&file, &read.warnings);
        if file.ends_with("empty.toml") {
            assert_eq!(
                words,
                "empty.toml: warning: there is no record: nothing will be published\n  help: add [record.home] with provider, hostname and ipv4 or ipv6\n"
            );
        } else {
            assert_eq!(words, "");
        }
    }
}

/// What is printed lies beside each file as `.txt`; a new answer is left in target/tmp to be read and copied.
#[test]
fn bad_configurations_get_every_mistake_named() {
    let mut differing = Vec::new();
    for file in files("bad") {
        let mistakes = config::toml::read(&text(&file)).expect_err("a bad configuration");
        let found = render(&file, &mistakes);
        assert!(!found.contains("hunter2"), "a secret is shown:\n{found}");
        if fs::read_to_string(file.with_extension("txt")).ok().as_deref() != Some(found.as_str()) {
            let name = file.with_extension("txt");
            fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.file_name().unwrap()), &found)
                .unwrap();
            differing.push(found);
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_option_arrives() {
    let config = good("full.toml");
    assert_eq!(config.global.log_level, LogLevel::Notice);
    assert_eq!(config.global.ca_file, Some(PathBuf::from("/etc/ssl/cert.pem")));
    assert_eq!(config.global.state_dir, PathBuf::from("/data/wanbeacon"));
    assert_eq!(config.global.runtime_dir, PathBuf::from("/tmp/wanbeacon"));
    assert_eq!(config.global.providers_dir, PathBuf::from("/data/providers"));
    assert_eq!(config.global.slow_look, Duration::from_secs(90));
    let home = &config.records[&RecordId("home".to_owned())];
    assert!(home.enabled && !home.account.insecure);
    assert_eq!(home.provider, "duckdns.org");
    assert_eq!(home.names, ["homexyz.duckdns.org"]);
    assert!(
        matches!(&home.password, Some(Password::Text(secret)) if secret.expose().starts_with("4a7d1ed4"))
    );
    let ppp0 = [Origin::Line("ppp0".to_owned())];
    assert_eq!((&home.ipv4[..], &home.ipv6[..]), (&ppp0[..], &ppp0[..]));
    let allow = home.allow;
    assert!(allow.private && allow.cgnat && allow.documentation && allow.ula && allow.temporary);
    assert_eq!(home.bind, Some(Bind::Through("ppp0".to_owned())));
    assert_eq!(home.refresh, Some(Duration::from_secs(25 * 86_400)));
    assert_eq!(home.min_interval, Some(Duration::from_secs(600)));
    let nas = &config.records[&RecordId("nas".to_owned())];
    assert!(!nas.enabled && nas.names.len() == 2 && nas.ipv4.is_empty() && nas.allow == Default::default());
    assert!(
        matches!(&nas.password, Some(Password::File(path)) if path == Path::new("/etc/wanbeacon/nas.token"))
    );
}

#[test]
fn names_are_lower_case_and_have_no_final_dot() {
    let config = good("inline.toml");
    assert_eq!(config.records[&RecordId("b".to_owned())].names, ["b.duckdns.org"]);
}

#[test]
fn no_formatter_prints_a_password() {
    assert!(!format!("{:?}", good("full.toml")).contains("4a7d1ed4"));
}

#[test]
fn a_name_server_has_no_scheme_and_any_other_server_has_one() {
    let read = |provider: &str, server: &str, password: &str| {
        let text = format!(
            "[record.a]\nprovider = '{provider}'\nhostname = 'a.example.org'\nuser = 'router'\n\
             password = '{password}'\nserver = '{server}'\nipv4 = 'ppp0'\n"
        );
        let mistakes = config::toml::read(&text).err().unwrap_or_default();
        mistakes.into_iter().map(|mistake| mistake.what + "; " + &mistake.mend).collect::<Vec<_>>()
    };
    assert_eq!(read("rfc2136", "ns1.example.org:5353", "c2VjcmV0"), [""; 0]);
    assert_eq!(read("dyndns2", "https://dyn.example.org", "secret"), [""; 0]);
    let words = read("rfc2136", "https://ns1.example.org", "c2VjcmV0").join("\n");
    assert!(words.contains("speaks DNS") && words.lines().count() == 1, "{words}");
    let words = read("dyndns2", "dyn.example.org", "secret").join("\n");
    assert!(words.contains("neither with https://") && words.lines().count() == 1, "{words}");
    let words = read("rfc2136", "ns1.example.org", "not base64").join("\n");
    assert!(words.contains("base64") && words.lines().count() == 1, "{words}");
}

#[test]
fn the_documents_hold_the_option_table() {
    let table = options::markdown();
    for name in ["README.md", "docs/configuration.md"] {
        let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
        let (_, rest) = document.split_once("<!-- options -->\n").expect(name);
        let (found, _) = rest.split_once("<!-- /options -->").expect(name);
        assert!(found.trim() == table.trim(), "the options of {name} are out of date; write:\n{table}");
    }
}

#[test]
fn the_sample_is_valid() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/wanbeacon.toml");
    let read = config::toml::read(&text(&sample))
        .unwrap_or_else(|mistakes| panic!("{}", render(&sample, &mistakes)));
    assert_eq!(render(&sample, &read.warnings), "");
}

/// Neither the stack nor the time that it takes may grow out of hand with what somebody puts into the file.
#[test]
fn monstrous_texts_are_answered_soon() {
    let monsters = [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        "a.".repeat(100_000),
        "[record.x]\n".repeat(20_000),
        "x\n".repeat(50_000),
        (0..20_000).map(|n| format!("key{n} = 1\n")).collect(),
    ];
    for monster in monsters {
        assert!(config::toml::read(&monster).is_err());
    }
}

proptest! {
    // A case that fails becomes a test of its own, not an opaque seed in a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_the_reader(text in "\\PC{0,200}") {
        let _ = config::toml::read(&text);
    }

    #[test]
    fn no_text_like_a_configuration_panics_the_reader(
        lines in proptest::collection::vec(
            "(\\[{1,2}(global|record|record\\.[a-z\"]{0,3})\\]{0,2}|(hostname|ipv4|password|refresh|allow|record\\.a) ?=? ?[\"\\[{]{0,2}[a-z0-9.µ=, ]{0,9}[\"\\]}]{0,2})",
            0..12,
        )
    ) {
        for mistake in config::toml::read(&lines.join("\n")).err().unwrap_or_default() {
            let _ = mistake.render("x");
        }
    }

    /// One wrong character anywhere must not lead to a quotation of the password.
    #[test]
    fn a_slip_shows_no_password(at in 0_usize..180, slip in "[\"'=\\[\\]{}#\\n., a]?", drop in any::<bool>()) {
        const TEXT: &str = "[record.home]\nprovider = \"duckdns.org\"\npassword = \"TopSecret\"\nhostname = \"a.duckdns.org\"\nuser = \"x\"\nipv4 = \"ppp0\"\n[record.b]\npassword = \"\"\"\nTopSecret\"\"\"\nipv4 = 5\n";
        let at = at.min(TEXT.len());
        let rest = &TEXT[(at + usize::from(drop)).min(TEXT.len())..];
        let text = format!("{}{slip}{rest}", &TEXT[..at]);
        prop_assume!(text.matches("TopSecret").count() == 2);
        if let Err(mistakes) = config::toml::read(&text) {
            let shown = render(Path::new("x"), &mistakes);
            prop_assert!(!shown.contains("TopSecret"), "{}\n----\n{}", text, shown);
        }
    }
}

fn good(name: &str) -> Config {
    config::toml::read(&text(&data().join("good").join(name))).expect(name).config
}

fn render(file: &Path, mistakes: &[Mistake]) -> String {
    let name = file.file_name().unwrap().to_string_lossy();
    mistakes.iter().map(|mistake| mistake.render(&name)).collect()
}

fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(data().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config")
}
