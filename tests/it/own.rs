//! The catalogue as users meet it, and entries of their own beside the program.

use std::fs;
use std::path::Path;

use litemap::LiteMap;

use wanbeacon::config::{self, sample};
use wanbeacon::daemon::settings;
use wanbeacon::engine::RecordId;
use wanbeacon::provider::{Family, Secret, catalogue};

use crate::cli::{text, wanbeacon, write};

/// A provider that the catalogue does not have.
const ENTRY: &str = "id = 'mine.example'\nname = 'Mine'\nhomepage = 'https://mine.example/'\n\
                     [credentials]\ntoken = 'the key'\n\
                     [request.v4]\nurl = 'https://mine.example/?name={host}&ip={ip4}&key={token}'\n\
                     [answers]\nok = ['word:OK']\n";

/// Two records, and a directory for entries.
struct Lab {
    files: tempfile::TempDir,
    config: String,
}

impl Lab {
    fn new(provider: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        fs::create_dir(files.path().join("entries")).unwrap();
        let record = |name: &str, provider: &str| {
            format!(
                "[record.{name}]\nprovider = \"{provider}\"\nhostname = \"{name}.duckdns.org\"\n\
                 password = \"hunter2-hunter2\"\nipv4 = \"ppp0\"\n"
            )
        };
        let directory = files.path().join("entries");
        let global = format!("[global]\nproviders_dir = \"{}\"\n", directory.display());
        let records = record("mine", provider) + &record("other", "dynv6.com");
        let config = write(files.path(), "w.toml", &(global + &records), 0o600);
        Self { files, config }
    }

    fn entry(&self, id: &str, text: &str) -> String {
        write(&self.files.path().join("entries"), &format!("{id}.toml"), text, 0o644)
    }

    /// Exit status, standard output and standard error of a command with this configuration.
    fn says(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let output = wanbeacon(&[words, &["--config", &self.config]].concat());
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

#[test]
fn an_entry_of_your_own_adds_a_provider() {
    let lab = Lab::new("mine.example");
    let (status, _, said) = lab.says(&["check"]);
    assert_eq!(status, Some(2));
    assert!(said.contains("provider 'mine.example' is not in the catalogue"), "{said}");
    lab.entry("mine.example", ENTRY);
    let valid = format!("{}: valid, 2 records\n", lab.config);
    assert_eq!(lab.says(&["check"]), (Some(0), valid, String::new()));
    let (_, list, _) = lab.says(&["providers"]);
    assert!(list.lines().any(|line| line.starts_with("mine.example ") && line.contains("(yours)")), "{list}");
    assert!(list.lines().any(|line| line.starts_with("duckdns.org ") && !line.contains("(yours)")), "{list}");
    assert!(lab.says(&["providers", "mine.example"]).1.starts_with("mine.example: Mine (yours)\n"));
    let json: serde_json::Value =
        serde_json::from_str(&lab.says(&["providers", "--json", "mine.example"]).1).unwrap();
    assert_eq!(json["source"], "yours");
    assert!(lab.says(&["test", "mine"]).1.contains("\nmine.example: Mine (yours)\n"));
}

#[test]
fn an_entry_of_your_own_may_speak_dns() {
    let lab = Lab::new("mine.example");
    let credentials =
        "[credentials]\nuser = 'name of the key'\npassword = 'its secret'\nserver = 'name server'\n";
    let head = "id = 'mine.example'\nname = 'Mine'\nhomepage = 'https://mine.example/'\ndns = true\n";
    lab.entry("mine.example", &format!("{head}{credentials}"));
    let config = fs::read_to_string(&lab.config).unwrap();
    let options = "provider = \"mine.example\"\nuser = \"key\"\nserver = \"ns1.example.org\"\n";
    let config = config.replace("provider = \"mine.example\"\n", options);
    fs::write(&lab.config, config.replacen("hunter2-hunter2", "c2VjcmV0", 1)).unwrap();
    let valid = format!("{}: valid, 2 records\n", lab.config);
    assert_eq!(lab.says(&["check"]), (Some(0), valid, String::new()));
}

#[test]
fn an_entry_of_your_own_goes_before_the_built_in_one() {
    let lab = Lab::new("duckdns.org");
    lab.entry("duckdns.org", &ENTRY.replace("'mine.example'", "'duckdns.org'"));
    let loaded = settings::load(Path::new(&lab.config)).unwrap();
    let account = &loaded.compiled.accounts[&RecordId("mine".to_owned())];
    assert_eq!((account.endpoint(), account.provider().name.as_str()), ("mine.example", "Mine"));
    let (_, list, _) = lab.says(&["providers"]);
    assert_eq!(list.lines().filter(|line| line.starts_with("duckdns.org ")).count(), 1, "{list}");
}

#[test]
fn a_broken_entry_that_a_record_uses_leaves_only_that_record_out() {
    let lab = Lab::new("duckdns.org");
    let entry = ENTRY.replace("'mine.example'", "'duckdns.org'").replace("word:OK", "wrod:OK");
    let file = lab.entry("duckdns.org", &entry);
    let (status, valid, said) = lab.says(&["check"]);
    assert_eq!((status, valid.as_str()), (Some(2), ""), "{said}");
    let mistake = format!("{file}:9:6: error: answers.ok: 'wrod:OK': begin with one of word: ");
    assert!(said.contains(&mistake), "{said}");
    let record = format!(
        "{}:4:12: error: record 'mine' is left out: your own entry of provider 'duckdns.org' is broken, and the \
         built-in one does not stand in for it\n 4 | provider = \"duckdns.org\"\n   |            ^\n  help: mend {file}; \
         without {file}, the built-in entry counts, if there is one\n",
        lab.config
    );
    assert!(said.contains(&record), "{said}");
    // What the daemon does with it: the other record is served, and this one by nobody.
    let loaded = settings::load(Path::new(&lab.config)).unwrap();
    let served: Vec<&str> = loaded.compiled.accounts.keys().map(|record| record.0.as_str()).collect();
    assert_eq!(served, ["other"]);
    let (status, _, said) = lab.says(&["test", "mine"]);
    assert_eq!(status, Some(2));
    assert!(
        said.contains(&format!("record 'mine' is left out: its provider's entry {file} is broken")),
        "{said}"
    );
    let (status, list, said) = lab.says(&["providers"]);
    assert!(status == Some(0) && !list.contains("\nduckdns.org ") && said.contains(&file), "{said}");
    let (status, _, said) = lab.says(&["providers", "duckdns.org"]);
    assert!(status == Some(2) && said.contains(&format!("{file}:9:6: ")), "{said}");
}

#[test]
fn a_broken_entry_that_no_record_uses_is_a_warning() {
    let lab = Lab::new("duckdns.org");
    let file = lab.entry("mine.example", &ENTRY.replace("https://mine", "ftp://mine"));
    let (status, valid, said) = lab.says(&["check"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(valid.ends_with(": valid, 2 records\n"));
    assert!(said.starts_with(&format!("{file}:7:7: warning: request.v4.url")), "{said}");
    assert!(said.ends_with("  help: no record uses this entry; mend the file or remove it\n"), "{said}");
}

#[test]
fn a_file_says_the_id_of_its_entry_and_no_more_of_a_line_than_its_field_is_quoted() {
    let lab = Lab::new("duckdns.org");
    let file = lab.entry("duckdns.org", ENTRY);
    let (status, _, said) = lab.says(&["check"]);
    assert_eq!(status, Some(2));
    let mistake = format!(
        "{file}:1:6: error: id: the file of this entry must be called mine.example.toml\n 1 | id = ***\n   |      ^\n"
    );
    assert!(said.contains(&mistake), "{said}");
    for (name, why) in
        [("Mine", "cannot be the id of a provider"), ("mine_too", "cannot be the id of a provider")]
    {
        let file = lab.entry(name, ENTRY);
        let (_, _, said) = lab.says(&["check"]);
        assert!(said.contains(&format!("{file}: warning: '{name}' {why}")), "{said}");
    }
}

#[test]
fn a_directory_that_does_not_exist_holds_no_entries_and_one_that_is_none_is_told() {
    let lab = Lab::new("duckdns.org");
    let entries = lab.files.path().join("entries");
    fs::remove_dir(&entries).unwrap();
    assert_eq!(lab.says(&["check"]).0, Some(0));
    fs::write(&entries, "").unwrap();
    let (status, _, said) = lab.says(&["check"]);
    assert_eq!(status, Some(2));
    assert!(said.contains("it cannot be read: "), "{said}");
}

#[test]
fn uci_knows_them_too_and_is_rendered_although_one_is_broken() {
    let lab = Lab::new("duckdns.org");
    let directory = lab.files.path().join("entries");
    let uci = format!(
        "config global\n\toption providers_dir '{}'\n\nconfig record 'mine'\n\toption provider 'mine.example'\n\
         \tlist hostname 'a.example.org'\n\toption password 'hunter2-hunter2'\n\toption ipv4 'wan'\n",
        directory.display()
    );
    let uci = write(lab.files.path(), "uci", &uci, 0o600);
    lab.entry("mine.example", ENTRY);
    assert_eq!(text(&wanbeacon(&["check", "--uci", &uci]).stdout), format!("{uci}: valid, 1 record\n"));
    let file = lab.entry("mine.example", "id = ");
    let output = wanbeacon(&["check", "--uci", &uci]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains(&format!("{file}:1:")) && said.contains(&format!("{uci}:5:")), "{said}");
    let output = wanbeacon(&["render", "--uci", &uci]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("\nprovider = \"mine.example\"\n"));
    assert!(text(&output.stderr).contains("record 'mine' is left out"));
}

/// A command that only looks for the agent's socket must know them as well.
#[test]
fn the_socket_is_found_although_a_record_has_an_entry_of_your_own() {
    let lab = Lab::new("mine.example");
    lab.entry("mine.example", ENTRY);
    let (status, _, said) = lab.says(&["status"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("nobody answers on /run/wanbeacon/control.sock"), "{said}");
}

#[test]
fn the_examples_of_every_provider_are_valid_in_both_languages() {
    for entry in catalogue::providers().unwrap().iter().filter(|entry| !entry.is_gone()) {
        let toml = sample::toml(entry);
        let read = config::toml::read(&toml).unwrap_or_else(|mistakes| panic!("{toml}\n{mistakes:#?}"));
        assert_eq!(read.warnings, [], "{toml}");
        let uci = sample::uci(entry);
        let parsed =
            config::uci::read(uci.as_bytes()).unwrap_or_else(|mistakes| panic!("{uci}\n{mistakes:#?}"));
        assert_eq!(parsed.read.warnings, [], "{uci}");
        for config in [read.config, parsed.read.config] {
            let record = &config.records[&RecordId("home".to_owned())];
            let families = [(Family::V4, &record.ipv4), (Family::V6, &record.ipv6)];
            assert!(
                families.iter().all(|(family, source)| source.is_empty() != entry.sets(*family)),
                "{toml}"
            );
            // A made-up key of RFC 7515, for those that ask for a file with one.
            let key = Secret::new(include_str!("../data/keys/rfc7515-a2.pem").trim_end());
            let files = LiteMap::from_iter([(RecordId("home".to_owned()), key)]);
            assert_eq!(config.compile(&files).unwrap().accounts.len(), 1);
        }
    }
}

#[test]
fn what_is_shown_of_a_provider_ends_with_records_that_check_accepts() {
    let files = tempfile::tempdir().unwrap();
    let shown = text(&wanbeacon(&["providers", "ddo.jp"]).stdout);
    let (_, rest) = shown.split_once("\nIn TOML:\n\n").unwrap();
    let (toml, uci) = rest.split_once("\nIn UCI:\n\n").unwrap();
    assert_eq!(
        uci,
        "config record 'home'\n\toption provider 'ddo.jp'\n\tlist hostname 'home.ddo.jp'\n\toption password 'correct horse'\n\
         \toption ipv4 'wan'\n\toption insecure '1'\n"
    );
    for (flag, sample) in [("--config", toml), ("--uci", uci)] {
        let file = write(files.path(), "sample", sample, 0o600);
        let output = wanbeacon(&["check", flag, &file]);
        let valid = format!("{file}: valid, 1 record\n");
        assert_eq!((text(&output.stderr), text(&output.stdout)), (String::new(), valid));
    }
    // Without the consent it is said what to set: 'server' would change nothing.
    let file = write(files.path(), "sample", &toml.replace("insecure = true", ""), 0o600);
    let said = text(&wanbeacon(&["check", "--config", &file]).stderr);
    assert!(
        said.contains(":2:12: error: ") && said.contains("set 'insecure'") && !said.contains("'server'"),
        "{said}"
    );
}

#[test]
fn every_field_of_a_provider_s_json_is_documented() {
    let json: serde_json::Value =
        serde_json::from_slice(&wanbeacon(&["providers", "--json", "cloudns.net"]).stdout).unwrap();
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/status.md")).unwrap();
    let (_, page) = page.split_once("\n## `providers`\n").unwrap();
    for (name, value) in json.as_object().unwrap() {
        assert!(page.contains(&format!("`{name}`")), "docs/status.md does not explain {name}");
        for name in value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_object())
            .flat_map(|value| value.keys())
        {
            assert!(page.contains(&format!("`{name}`")), "docs/status.md does not explain {name}");
        }
    }
    assert_eq!((&json["source"], &json["kind"]), (&"built in".into(), &"one request".into()));
    let options: Vec<(&str, bool, bool)> = json["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| {
            (
                option["option"].as_str().unwrap(),
                option["secret"].as_bool().unwrap(),
                option["required"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(options, [("password", true, true), ("token6", true, true)], "{json}");
}
