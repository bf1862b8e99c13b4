//! The program as users meet it: what is typed, what is printed, and the exit status.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

const VALID: &str = "[record.home]\nprovider = \"duckdns.org\"\nhostname = \"homexyz.duckdns.org\"\n\
                     password = \"hunter2-hunter2\"\nipv4 = \"ppp0\"\n";

#[test]
fn wrong_usage_is_status_2_with_a_suggestion() {
    for (words, said) in [
        (&[][..], "wanbeacon: there is no command\n  help: wanbeacon help lists the commands\n"),
        (&["stauts"], "wanbeacon: unknown command 'stauts'\n  help: did you mean 'status'?\n"),
        (&["check", "--confg"], "wanbeacon: unknown option '--confg'\n  help: did you mean --config?\n"),
        (
            &["why"],
            "wanbeacon: why needs RECORD\n  help: wanbeacon why [--json] [--config FILE] [--socket PATH] RECORD\n",
        ),
        (
            &["frobnicate"],
            "wanbeacon: unknown command 'frobnicate'\n  help: wanbeacon help lists the commands\n",
        ),
        (
            &["import", "inadyn"],
            "wanbeacon: import needs ddns-scripts|inadyn|ddclient|fritzbox FILE\n  help: wanbeacon import [--to uci|toml] ddns-scripts|inadyn|ddclient|fritzbox FILE\n",
        ),
        (
            &["check", "--config", "a", "--uci", "b"],
            "wanbeacon: --config and --uci exclude each other\n  help: wanbeacon check [--config FILE] [--uci FILE]\n",
        ),
    ] {
        let output = wanbeacon(words);
        assert_eq!((text(&output.stderr), output.status.code()), (said.to_owned(), Some(2)), "{words:?}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    for words in [
        &["help"][..],
        &["--help"],
        &["help", "status"],
        &["status", "-h"],
        &["help", "options"],
        &["version"],
    ] {
        let output = wanbeacon(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(output.stderr.is_empty() && !output.stdout.is_empty(), "{words:?}");
    }
    assert_eq!(wanbeacon(&["help", "status"]).stdout, wanbeacon(&["status", "--help"]).stdout);
    let version = text(&wanbeacon(&["--version"]).stdout);
    assert!(version.starts_with(concat!("wanbeacon ", env!("CARGO_PKG_VERSION"), " (")), "{version}");
    assert!(text(&wanbeacon(&["help", "options"]).stdout).contains("  slow_look = \"5m\"\n"));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child =
        program(&["help", "options"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((text(&output.stderr), output.status.code()), (String::new(), Some(0)));
}

#[test]
fn a_full_disk_is_a_failure() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = program(&["help"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("wanbeacon: standard output: "));
}

#[test]
fn a_valid_configuration_is_summed_up_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "w.toml", VALID, 0o600);
    let output = wanbeacon(&["check", "--config", &file]);
    assert_eq!(text(&output.stderr), "");
    assert_eq!((text(&output.stdout), output.status.code()), (format!("{file}: valid, 1 record\n"), Some(0)));
}

#[test]
fn every_mistake_is_printed_and_no_password() {
    let dir = tempfile::tempdir().unwrap();
    let file =
        write(dir.path(), "w.toml", &VALID.replace("ipv4 =", "ip4 =").replace("password", "pasword"), 0o600);
    let output = wanbeacon(&["check", "--config", &file]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(said.contains(&format!("{file}:4:1: error: unknown option 'pasword'\n 4 | pasword = ***\n   | ^\n  help: did you mean 'password'?\n")), "{said}");
    assert!(said.contains(&format!("{file}:5:1: error: unknown option 'ip4'\n")), "{said}");
    assert!(said.ends_with(&format!("wanbeacon: {file}: 2 mistakes\n")), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn what_is_imported_can_be_checked_and_the_rest_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let old = "protocol=duckdns, usev4=ifv4, ifv4=ppp0, password=hunter2 homexyz\nprotocol=x, password=hunter2 b.example.org\n";
    let file = write(dir.path(), "ddclient.conf", old, 0o600);
    for (language, flag) in [("toml", "--config"), ("uci", "--uci")] {
        let output = wanbeacon(&["import", "ddclient", &file, "--to", language]);
        let said = text(&output.stderr);
        assert!(said.starts_with(&format!("{file}: the host in line 2: not carried over: ")), "{said}");
        assert_eq!((said.contains("hunter2"), output.status.code()), (false, Some(0)));
        let new = write(dir.path(), language, &text(&output.stdout), 0o600);
        let output = wanbeacon(&["check", flag, &new]);
        assert_eq!(text(&output.stdout), format!("{new}: valid, 1 record\n"));
    }
    let input = program(&["import", "ddclient", "-"]).stdin(fs::File::open(&file).unwrap()).output().unwrap();
    assert!(text(&input.stdout).contains("password = \"hunter2\"\n"));
    let broken = write(dir.path(), "broken", "\nlogin='hunter2\n", 0o600);
    let output = wanbeacon(&["import", "ddclient", &broken]);
    let said = format!(
        "{broken}:2:1: the quote of 'login' is not closed; add the second one at the end of the value\nwanbeacon: {broken}: 1 mistake\n"
    );
    assert_eq!((text(&output.stderr), output.status.code()), (said, Some(2)));
    assert!(output.stdout.is_empty());
    let output = wanbeacon(&["import", "inadyn", "/nonexistent"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_password_that_everybody_may_read_is_warned_about() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "w.toml", VALID, 0o644);
    let output = wanbeacon(&["check", "--config", &file]);
    assert_eq!(output.status.code(), Some(0));
    let said = format!(
        "{file}: warning: it holds a password and everybody on this machine may read it\n  help: chmod 600 {file}\n"
    );
    assert_eq!(text(&output.stderr), said);
    let token = write(dir.path(), "token", "hunter2-hunter2\n", 0o604);
    let file = write(
        dir.path(),
        "f.toml",
        &VALID.replace("password = \"hunter2-hunter2\"", &format!("password_file = \"{token}\"")),
        0o644,
    );
    let output = wanbeacon(&["check", "--config", &file]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output.stderr)
            .contains(&format!("warning: everybody on this machine may read the password file '{token}'"))
    );
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("latin1"), b"# gr\xfc\xdfe\n").unwrap();
    let cases = [
        (path("none"), "there is no such file; name another with --config"),
        (path("."), "this is a directory; name the file in it with --config"),
        (path("latin1"), "it is not UTF-8 text in line 1"),
        ("/dev/zero".to_owned(), "it has more than 1048576 bytes"),
    ];
    for (file, why) in cases {
        let output = wanbeacon(&["check", "--config", &file]);
        assert_eq!(text(&output.stderr), format!("wanbeacon: {file}: {why}\n"));
        assert_eq!(output.status.code(), Some(2));
    }
    let odd = std::ffi::OsStr::from_bytes(b"/nonexistent/\xff");
    let output = program(&["check"]).arg("--config").arg(odd).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn password_files_are_judged_without_being_shown() {
    let dir = tempfile::tempdir().unwrap();
    for (content, why) in [
        ("", "is empty"),
        ("hunter2\nhunter2\n", "has more than one line"),
        ("hunter2\t", "has control characters"),
    ] {
        let token = write(dir.path(), "token", content, 0o600);
        let file = write(
            dir.path(),
            "w.toml",
            &VALID.replace("password = \"hunter2-hunter2\"", &format!("password_file = \"{token}\"")),
            0o600,
        );
        let output = wanbeacon(&["check", "--config", &file]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(&format!("w.toml:4:17: error: password file '{token}' {why}")), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

const KEY: &str = include_str!("../data/keys/rfc7515-a2.pem");

#[test]
fn a_private_key_is_taken_from_a_file_from_toml_and_from_uci() {
    let dir = tempfile::tempdir().unwrap();
    let record = |key: &str| {
        let transip = VALID.replace("duckdns.org", "transip.nl").replace("homexyz.", "home.");
        transip.replace("password = \"hunter2-hunter2\"", &format!("user = \"jane\"\n{key}"))
    };
    let key = write(dir.path(), "key", KEY, 0o600);
    // As Google hands it out.
    let json =
        format!("{{\n  \"client_email\": \"x\",\n  \"private_key\": \"{}\"\n}}\n", KEY.replace('\n', "\\n"));
    let json = write(dir.path(), "key.json", &json, 0o600);
    for key in [
        &format!("password_file = \"{key}\""),
        &format!("password_file = \"{json}\""),
        &format!("password = \"\"\"{KEY}\"\"\""),
        &format!("password = '{}'", KEY.replace('\n', "\\n")),
    ] {
        let file = write(dir.path(), "w.toml", &record(key), 0o600);
        let output = wanbeacon(&["check", "--config", &file]);
        assert_eq!((text(&output.stderr), output.status.code()), (String::new(), Some(0)), "{key}");
    }
    let uci = VALID_UCI.replace("duckdns.org", "transip.nl").replace("homexyz.", "home.");
    let uci = uci
        .replace("option password_file 'TOKEN'", &format!("option user 'jane'\n\toption password '{KEY}'"));
    let file = write(dir.path(), "wanbeacon", &uci, 0o600);
    let output = wanbeacon(&["check", "--uci", &file]);
    assert_eq!((text(&output.stderr), output.status.code()), (String::new(), Some(0)));
    let shown = write(dir.path(), "w.toml", &text(&wanbeacon(&["render", "--uci", &file]).stdout), 0o600);
    assert_eq!(text(&wanbeacon(&["check", "--config", &shown]).stderr), "");
}

#[test]
fn a_key_that_cannot_sign_is_a_mistake_at_its_option_and_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let encrypted = include_str!("../data/keys/rfc7515-a2-encrypted.pem");
    for (key, mend) in
        [("hunter2-hunter2\n", "write the private key itself (PEM)"), (encrypted, "take the passphrase off")]
    {
        let path = write(dir.path(), "key", key, 0o600);
        for (option, value) in
            [("password", format!("\"\"\"{}\"\"\"", key.trim())), ("password_file", format!("\"{path}\""))]
        {
            let transip = VALID.replace("duckdns.org", "transip.nl").replace("homexyz.", "home.");
            let record = transip
                .replace("password = \"hunter2-hunter2\"", &format!("user = \"jane\"\n{option} = {value}"));
            let file = write(dir.path(), "w.toml", &record, 0o600);
            let output = wanbeacon(&["check", "--config", &file]);
            let said = text(&output.stderr);
            let column = option.len() + 4;
            assert!(said.contains(&format!("w.toml:5:{column}: error: '{option}': {mend}")), "{said}");
            assert!(!said.contains("hunter2") && !said.contains("MII"), "{said}");
        }
    }
}

const VALID_UCI: &str = "config record 'home'\n\toption provider 'duckdns.org'\n\tlist hostname 'homexyz.duckdns.org'\n\t\
                         option password_file 'TOKEN'\n\toption ipv4 'wan'\n";

#[test]
fn a_configuration_in_uci_is_checked_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let token = write(dir.path(), "token", "hunter2-hunter2\n", 0o600);
    let file = write(dir.path(), "wanbeacon", &VALID_UCI.replace("TOKEN", &token), 0o600);
    let output = wanbeacon(&["check", "--uci", &file]);
    assert_eq!(text(&output.stderr), "");
    assert_eq!((text(&output.stdout), output.status.code()), (format!("{file}: valid, 1 record\n"), Some(0)));
    let file = write(
        dir.path(),
        "wanbeacon",
        &VALID_UCI.replace("TOKEN", &token).replace("option ipv4", "option ip4"),
        0o600,
    );
    let output = wanbeacon(&["check", "--uci", &file]);
    let said = format!(
        "{file}:5:9: error: unknown option 'ip4'\n 5 | \toption ip4 ***\n   | \t       ^\n  help: did you mean 'ipv4'?\nwanbeacon: {file}: 1 mistake\n"
    );
    assert_eq!((text(&output.stderr), output.status.code()), (said, Some(2)));
    let none = dir.path().join("none").to_str().unwrap().to_owned();
    let output = wanbeacon(&["check", "--uci", &none]);
    let said = format!("wanbeacon: {none}: there is no such file; name another with --uci\n");
    assert_eq!((text(&output.stderr), output.status.code()), (said, Some(2)));
}

#[test]
fn uci_is_rendered_with_the_passwords_of_its_files_into_a_file_that_only_its_owner_reads() {
    let dir = tempfile::tempdir().unwrap();
    let token = write(dir.path(), "token", "hunter2-hunter2\n", 0o600);
    let file = write(dir.path(), "wanbeacon", &VALID_UCI.replace("TOKEN", &token), 0o600);
    let shown = wanbeacon(&["render", "--uci", &file]);
    assert_eq!((text(&shown.stderr), shown.status.code()), (String::new(), Some(0)));
    assert!(text(&shown.stdout).contains("\npassword = \"hunter2-hunter2\"\n"));
    let toml = write(dir.path(), "config.toml", "old", 0o644);
    let output = wanbeacon(&["render", "--uci", &file, "--output", &toml]);
    assert_eq!((text(&output.stderr), text(&output.stdout)), (String::new(), String::new()));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(fs::read(&toml).unwrap(), shown.stdout);
    assert_eq!(fs::metadata(&toml).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(text(&wanbeacon(&["check", "--config", &toml]).stdout), format!("{toml}: valid, 1 record\n"));
}

#[test]
fn nothing_is_rendered_from_a_file_with_mistakes() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let toml = write(dir.path(), "config.toml", "old", 0o600);
    let missing = VALID_UCI.replace("TOKEN", &path("none"));
    for (content, said) in [
        (missing.as_str(), "wanbeacon:4:23: error: password file '"),
        ("config record home\n\toption x 'y\n", "wanbeacon:2:11: error: not valid UCI: "),
        ("config record home\n", "wanbeacon:1:15: error: record 'home' has no 'provider'\n"),
    ] {
        let file = write(dir.path(), "wanbeacon", content, 0o600);
        for words in [&["render", "--uci", &file][..], &["render", "--uci", &file, "--output", &toml]] {
            let output = wanbeacon(words);
            assert_eq!((text(&output.stdout), output.status.code()), (String::new(), Some(2)));
            assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        }
    }
    assert_eq!(fs::read(&toml).unwrap(), b"old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside it");
    let file = write(dir.path(), "wanbeacon", "", 0o600);
    let output = wanbeacon(&["render", "--uci", &file, "--output", &path("none/config.toml")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).ends_with("none/config.toml: No such file or directory (os error 2)\n"));
}

#[test]
fn the_usual_places_are_told() {
    let help = text(&wanbeacon(&["help", "status"]).stdout);
    assert!(
        help.contains("the first there is of /etc/wanbeacon.toml, /var/run/wanbeacon/config.toml)"),
        "{help}"
    );
    assert!(text(&wanbeacon(&["help", "render"]).stdout).contains("(default: /etc/config/wanbeacon)"));
}

#[test]
fn the_catalogue_is_listed_and_explained() {
    let list = wanbeacon(&["providers"]);
    assert_eq!(list.status.code(), Some(0));
    assert!(text(&list.stdout).lines().any(|line| line.starts_with("duckdns.org ")));
    let json: serde_json::Value =
        serde_json::from_slice(&wanbeacon(&["providers", "--json"]).stdout).unwrap();
    assert!(json.as_array().unwrap().iter().any(|entry| entry["id"] == "duckdns.org"));
    let one: serde_json::Value =
        serde_json::from_slice(&wanbeacon(&["providers", "--json", "duckdns.org"]).stdout).unwrap();
    assert_eq!(one["id"], "duckdns.org");
    assert!(text(&wanbeacon(&["providers", "duckdns.org"]).stdout).starts_with("duckdns.org: "));
    // Those that are gone stand apart, at the end.
    let (there, gone) =
        text(&list.stdout).split_once("\nGone; ").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert!(
        there.lines().any(|line| line.starts_with("dyndns2 ") && line.contains(" password server user ")),
        "{there}"
    );
    assert!(gone.contains("\nable.or.kr ") && !there.contains("\nable.or.kr "), "{gone}");
    let alive = json.as_array().unwrap().iter().filter(|entry| entry["status"] != "dead").count();
    assert_eq!(there.lines().count(), alive);
    let unknown = wanbeacon(&["providers", "duckdns.com"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("did you mean 'duckdns.org'?"));
}

#[test]
fn without_an_agent_the_user_is_told_how_to_start_it() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    let socket = socket.to_str().unwrap();
    for words in [&["status"][..], &["why", "home"], &["update"]] {
        let output = wanbeacon(&[words, &["--socket", socket]].concat());
        let said = format!(
            "wanbeacon: nobody answers on {socket}: is wanbeacon running? start it with 'service wanbeacon start' or 'wanbeacon run'\n"
        );
        assert_eq!((text(&output.stderr), output.status.code()), (said, Some(1)));
    }
}

#[test]
fn the_socket_is_found_through_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = dir.path().to_str().unwrap();
    let file = write(dir.path(), "w.toml", &format!("[global]\nruntime_dir = \"{runtime}\"\n{VALID}"), 0o600);
    let asked = agent(dir.path(), r#"{"ok":true,"result":{"records":["home"]}}"#);
    let output = wanbeacon(&["update", "--config", &file, "--force", "home"]);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(
        text(&output.stdout),
        "asked for an update of home; 'wanbeacon status' shows what came of it\n"
    );
    assert_eq!(asked.join().unwrap(), "{\"command\":\"update\",\"records\":[\"home\"],\"force\":true}\n");
}

#[test]
fn a_status_is_shown_as_text_and_as_json() {
    let reply = format!(r#"{{"ok":true,"result":{STATUS}}}"#);
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    let socket = socket.to_str().unwrap();
    let asked = agent(dir.path(), &reply);
    let output = wanbeacon(&["status", "--socket", socket, "home"]);
    assert_eq!(asked.join().unwrap(), "{\"command\":\"status\",\"record\":\"home\"}\n");
    let shown = text(&output.stdout);
    assert!(
        shown.starts_with("home\n  a.example.org  A  198.51.100.7  since 2026-01-01 00:00:00 UTC"),
        "{shown}"
    );
    assert!(shown.ends_with("\n  next: nothing, until the address changes\n"), "{shown}");
    fs::remove_file(socket).unwrap();
    let asked = agent(dir.path(), &reply);
    let output = wanbeacon(&["status", "--json", "--socket", socket]);
    asked.join().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json, serde_json::from_str::<serde_json::Value>(STATUS).unwrap());
}

#[test]
fn every_field_of_the_json_is_documented() {
    let exchange = wanbeacon::engine::Exchange::default();
    let json = serde_json::json!({
        "status": serde_json::from_str::<serde_json::Value>(STATUS).unwrap(),
        "exchange": serde_json::to_value(exchange).unwrap(),
    });
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/status.md")).unwrap();
    let mut open = vec![json];
    while let Some(value) = open.pop() {
        for (name, value) in value.as_object().into_iter().flatten() {
            assert!(document.contains(&format!("{name}`")), "docs/status.md does not explain {name}");
            open.push(value.clone());
        }
        open.extend(value.as_array().into_iter().flatten().cloned());
    }
}

#[test]
fn a_refusal_is_passed_on() {
    let dir = tempfile::tempdir().unwrap();
    let asked = agent(dir.path(), r#"{"ok":false,"error":"there is no record 'x'"}"#);
    let output = wanbeacon(&["why", "x", "--socket", dir.path().join("control.sock").to_str().unwrap()]);
    asked.join().unwrap();
    assert_eq!(
        (text(&output.stderr), output.status.code()),
        ("wanbeacon: there is no record 'x'\n".to_owned(), Some(1))
    );
}

#[test]
fn a_test_shows_why_there_is_no_address_and_what_the_provider_expects() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "w.toml", &VALID.replace("ppp0", "no-such-device"), 0o600);
    let output = wanbeacon(&["test", "home", "--config", &file]);
    let shown = text(&output.stdout);
    assert_eq!((text(&output.stderr), output.status.code()), (String::new(), Some(0)));
    let begin = "home IPv4 of no-such-device: none\n  because there is no device no-such-device\n\n\
                 no request: there is no address to publish\n\nduckdns.org: ";
    assert!(shown.starts_with(begin), "{shown}");
    let output = wanbeacon(&["test", "hom", "--config", &file]);
    assert_eq!(text(&output.stderr), "wanbeacon: there is no record 'hom'; did you mean 'home'?\n");
    assert_eq!(output.status.code(), Some(2));
}

const STATUS: &str = r#"{"records":[{"event_to_answer_ms":null,"last_answer":null,"names":[{"family":"v4","name":"a.example.org","parked":null,"published":"198.51.100.7","since":1767225600,"state":"idle"}],"next":"nothing, until the address changes","next_in_ms":null,"next_reason":null,"record":"home","sources":[]}],"schema":1}"#;

/// An agent that hears one line, says one, and hands over what it heard.
fn agent(dir: &Path, reply: &str) -> thread::JoinHandle<String> {
    let listener = UnixListener::bind(dir.join("control.sock")).unwrap();
    let reply = format!("{reply}\n");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        stream.write_all(reply.as_bytes()).unwrap();
        line
    })
}

pub(crate) fn write(dir: &Path, name: &str, content: &str, mode: u32) -> String {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

pub(crate) fn wanbeacon(words: &[&str]) -> Output {
    program(words).output().unwrap()
}

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wanbeacon"));
    command.args(words).stdin(Stdio::null());
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_owned()).unwrap()
}
