//! What LuCI's page asks of the program, and what it is made of.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::write;

const CONFIG: &str = "config global\n\toption log_level 'debug'\n\nconfig record 'home'\n\toption provider 'duckdns.org'\n\
                      \tlist hostname 'home.duckdns.org'\n\toption password 's3cret-token'\n\toption ipv4 'lo'\n\
                      \toption refresh '9d'\n";

struct Router(TempDir);

impl Router {
    fn new(config: &str) -> Self {
        let router = Self(tempfile::tempdir().unwrap());
        write(router.0.path(), "wanbeacon", config, 0o600);
        router
    }

    /// The answer, which holds no secret of the configuration.
    fn ask(&self, question: &str, asked: &Value) -> Value {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wanbeacon"))
            .args(["luci", question, "--uci"])
            .arg(self.0.path().join("wanbeacon"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{question}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("s3cret"), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.0.path().join("wanbeacon")).unwrap()
    }
}

#[test]
fn the_configuration_comes_without_its_secrets_but_with_their_names() {
    let unknown = "\toption pasword 's3cret-slip'\n";
    let answer = Router::new(&format!("{CONFIG}{unknown}")).ask("config", &json!({}));
    let home = &answer["sections"][1];
    assert_eq!(home["name"], "home");
    assert_eq!(home["options"]["hostname"], json!(["home.duckdns.org"]));
    assert_eq!(home["secrets"], json!(["password", "pasword"]));
    assert!(answer["mistakes"].to_string().contains("unknown option 'pasword'"), "{answer}");
    let options = answer["options"].as_array().unwrap();
    assert!(options.iter().any(|option| option["name"] == "on_down" && option["words"][0] == "keep"));
}

#[test]
fn a_file_that_is_missing_or_broken_is_told_and_nothing_fails() {
    let router = Router::new("config record 'home\n");
    let answer = router.ask("config", &json!({}));
    assert_eq!(answer["sections"], json!([]));
    assert_eq!(answer["mistakes"][0]["is_error"], true);
    fs::remove_file(router.0.path().join("wanbeacon")).unwrap();
    assert!(router.ask("config", &json!({}))["mistakes"].to_string().contains("there is no such file"));
    assert_eq!(router.ask("import", &json!({}))["entries"], json!([]));
}

#[test]
fn a_mistake_in_a_form_is_told_with_the_option_that_it_is_in() {
    let router = Router::new(CONFIG);
    let values = json!({ "provider": "duckdns.or", "hostname": ["home", "a.duckdns.org"], "ipv4": "lo" });
    let answer = router.ask("check", &json!({ "section": "home", "values": values }));
    let options: Vec<&Value> =
        answer["mistakes"].as_array().unwrap().iter().map(|mistake| &mistake["option"]).collect();
    assert!(options.contains(&&json!("provider")) && options.contains(&&json!("hostname")), "{answer}");
    let answer = router.ask("check", &json!({ "scope": "global", "values": { "log_level": "loud" } }));
    assert_eq!(answer["mistakes"][0]["option"], "log_level", "{answer}");
}

#[test]
fn a_form_without_the_secret_is_tried_with_the_saved_one_and_says_what_would_be_sent() {
    let router = Router::new(CONFIG);
    let values = json!({ "ipv4": "lo", "allow": ["private"] });
    let answer = router.ask("check", &json!({ "section": "home", "values": values, "ask": true }));
    assert_eq!(answer["mistakes"], json!([]), "{answer}");
    // Loopback is published by nobody, and this says why.
    assert!(answer["sources"][0]["rejected"].to_string().contains("loopback"), "{answer}");
    assert_eq!((&answer["requests"], &answer["asked"]), (&json!([]), &Value::Null));
    let answer = router.ask("check", &json!({ "section": "new", "values": { "provider": "duckdns.org", "hostname": "a.duckdns.org", "ipv4": "lo" } }));
    assert!(answer["mistakes"].to_string().contains("password"), "of another record there is none: {answer}");
}

#[test]
fn what_ddns_scripts_has_is_shown_and_added_once_and_the_file_stays_valid() {
    let router = Router::new(CONFIG);
    let service = |name: &str, host: &str| {
        format!(
            "config service '{name}'\n\toption enabled '1'\n\toption service_name 'duckdns.org'\n\
             \toption domain '{host}'\n\toption lookup_host '{host}'\n\toption password 's3cret-other'\n\
             \toption ip_source 'network'\n\toption ip_network 'wan'\n"
        )
    };
    let ddns = service("cabin", "cabin.duckdns.org") + &service("home", "other.duckdns.org");
    write(router.0.path(), "ddns", &ddns, 0o600);
    let answer = router.ask("import", &json!({}));
    let shown: Vec<(&Value, &Value)> = answer["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (&entry["name"], &entry["exists"]))
        .collect();
    assert_eq!(shown, [(&json!("cabin"), &json!(false)), (&json!("home"), &json!(true))]);
    assert_eq!(router.ask("take-over", &json!({}))["added"], json!(["cabin"]));
    let text = router.text();
    assert!(text.starts_with(CONFIG) && text.contains("'cabin'") && text.contains("s3cret-other"), "{text}");
    assert!(!text.contains("other.duckdns.org"), "{text}");
    assert_eq!(router.ask("take-over", &json!({}))["added"], json!([]));
}

#[test]
fn nothing_is_added_to_a_configuration_that_would_be_wrong_then() {
    let router = Router::new(CONFIG);
    write(
        router.0.path(),
        "ddns",
        "config service 'twin'\n\toption enabled '1'\n\toption service_name 'duckdns.org'\n\
         \toption domain 'home.duckdns.org'\n\toption lookup_host 'home.duckdns.org'\n\toption password 's3cret-other'\n\
         \toption ip_source 'network'\n\toption ip_network 'lo'\n",
        0o600,
    );
    let answer = router.ask("take-over", &json!({}));
    assert!(answer["error"].as_str().is_some_and(|words| words.contains("home.duckdns.org")), "{answer}");
    assert_eq!(router.text(), CONFIG);
}

#[test]
fn who_may_only_read_the_page_is_granted_nothing_that_runs_or_tells_secrets() {
    let app = Path::new(env!("CARGO_MANIFEST_DIR")).join("openwrt/luci-app-wanbeacon/root");
    let read = |file: &str| -> Value { serde_json::from_slice(&fs::read(app.join(file)).unwrap()).unwrap() };
    let grants = read("usr/share/rpcd/acl.d/luci-app-wanbeacon.json");
    let grants = &grants["luci-app-wanbeacon"];
    assert_eq!(grants["read"], json!({ "ubus": { "wanbeacon": ["status", "why", "history"] } }));
    // To read the package is to read the passwords: the page is told of the rest by the program.
    assert_eq!(grants["write"]["uci"]["wanbeacon"], json!(["write"]));
    // Every tab is behind them, and has its file.
    let menu = read("usr/share/luci/menu.d/luci-app-wanbeacon.json");
    for (path, node) in menu.as_object().unwrap() {
        if path == "admin/services/wanbeacon" {
            assert_eq!(node["depends"]["acl"], json!(["luci-app-wanbeacon"]));
        } else if let Some(view) = node["action"]["path"].as_str() {
            assert!(app.join(format!("../htdocs/luci-static/resources/view/{view}.js")).exists(), "{view}");
        }
    }
    let page = fs::read_to_string(app.join("../htdocs/luci-static/resources/wanbeacon.js")).unwrap();
    assert!(
        page.contains(concat!("const VERSION = '", env!("CARGO_PKG_VERSION"), "';")),
        "of another release"
    );
}
