//! The init script of OpenWrt, every way through it, under the shell that OpenWrt has. procd, rc.common and the program
//! are stand-ins (`tests/data/openwrt`); docs/openwrt.md says what the genuine ones were seen to do.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const MISTAKES: &str =
    "/etc/config/wanbeacon:4:9: unknown provider 'duckdns'\n  help: did you mean 'duckdns.org'?";

const RENDER: &str = "wanbeacon render --uci /etc/config/wanbeacon --output /var/run/wanbeacon/config.toml";

const OWN: &str = "chown -hR wanbeacon:wanbeacon /etc/wanbeacon/state /var/run/wanbeacon";

const INSTANCE: [&str; 9] = [
    "procd_open_instance",
    "procd_set_param command /usr/sbin/wanbeacon run --config /var/run/wanbeacon/config.toml",
    "procd_set_param file /usr/sbin/wanbeacon /var/run/wanbeacon/config.toml",
    "procd_set_param user wanbeacon",
    "procd_set_param group wanbeacon",
    "procd_set_param respawn 3600 5 0",
    "procd_set_param stderr 1",
    "procd_set_param term_timeout 5",
    "procd_set_param no_new_privs 1",
];

const CLOSE: [&str; 3] =
    ["procd_close_instance", "procd_add_reload_trigger wanbeacon", "procd_close_service set"];

#[test]
fn start_renders_as_root_and_runs_the_agent_as_its_own_user() {
    let router = Router::new();
    let seen = router.run(&["start"]);
    let begin = ["procd_open_service wanbeacon", OWN, RENDER];
    assert_eq!(seen.calls, [&begin[..], &INSTANCE, &CLOSE].concat());
    assert_eq!(router.mode("etc/wanbeacon/state"), 0o700);
    assert_eq!(router.mode("var/run/wanbeacon"), 0o755);
    assert!(router.path("etc/hotplug.d/wanbeacon").is_dir());
}

#[test]
fn the_agent_is_jailed_where_there_is_a_jail() {
    let router = Router::new().with_ujail();
    let jail = [
        "procd_add_jail wanbeacon log procfs",
        "procd_add_jail_mount /etc /tmp /var/run/ubus",
        "procd_add_jail_mount_rw /var/run/wanbeacon /etc/wanbeacon/state",
    ];
    let begin = ["procd_open_service wanbeacon", OWN, RENDER];
    assert_eq!(router.run(&["start"]).calls, [&begin[..], &INSTANCE, &jail, &CLOSE].concat());
}

/// But the directory's owner is not changed: it may be a disk with other things on it.
#[test]
fn the_jail_has_the_state_directory_that_the_user_has_chosen() {
    let seen = Router::new().with_ujail().with("STATE_OPTION", "/mnt/usb/wanbeacon").run(&["start"]);
    assert!(seen.has("procd_add_jail_mount_rw /mnt/usb/wanbeacon"), "{:?}", seen.calls);
    assert_eq!(seen.count("chown"), 1);
}

#[test]
fn start_with_a_wrong_file_runs_on_what_was_right_before() {
    let router = Router::new();
    router.run(&["start"]);
    let seen = router.with("MISTAKES", MISTAKES).run(&["start"]);
    let begin = [
        "procd_open_service wanbeacon",
        OWN,
        RENDER,
        "logger -t wanbeacon -p daemon.err -- /etc/config/wanbeacon:4:9: unknown provider 'duckdns'",
        "logger -t wanbeacon -p daemon.err --   help: did you mean 'duckdns.org'?",
        "logger -t wanbeacon -p daemon.warning -- /etc/config/wanbeacon is wrong; started with what it said when it was right",
    ];
    assert_eq!(seen.calls, [&begin[..], &INSTANCE, &CLOSE].concat());
}

#[test]
fn what_is_doubtful_is_logged_and_stops_nothing() {
    let seen = Router::new().with("WARNING", "/etc/config/wanbeacon:7:2: warning: cut off").run(&["start"]);
    let warning = "logger -t wanbeacon -p daemon.warning -- /etc/config/wanbeacon:7:2: warning: cut off";
    let begin = ["procd_open_service wanbeacon", OWN, RENDER, warning];
    assert_eq!(seen.calls, [&begin[..], &INSTANCE, &CLOSE].concat());
}

/// The service stays known to procd, so that the next change of the file tries again.
#[test]
fn start_with_a_wrong_file_and_nothing_to_fall_back_on_leaves_the_trigger() {
    let seen = Router::new().with("MISTAKES", MISTAKES).run(&["start"]);
    let all = [
        "procd_open_service wanbeacon",
        OWN,
        RENDER,
        "logger -t wanbeacon -p daemon.err -- /etc/config/wanbeacon:4:9: unknown provider 'duckdns'",
        "logger -t wanbeacon -p daemon.err --   help: did you mean 'duckdns.org'?",
        "logger -t wanbeacon -p daemon.err -- not started: /etc/config/wanbeacon is wrong; mend it and run: service wanbeacon reload",
        "procd_add_reload_trigger wanbeacon",
        "procd_close_service set",
    ];
    assert_eq!(seen.calls, all);
}

/// procd would start the agent as root.
#[test]
fn without_the_user_nothing_is_started_and_the_mend_is_logged() {
    for words in [["start"], ["reload"]] {
        let seen = Router::new().with("NO_USER", "1").run(&words);
        assert_eq!(seen.count("procd_open_instance") + seen.count("wanbeacon"), 0, "{:?}", seen.calls);
        let mend = "logger -t wanbeacon -p daemon.err -- the user or the group wanbeacon is missing; to add them: \
                    sh -c '. /lib/functions.sh; pkgname=wanbeacon; add_group_and_user'";
        assert!(seen.has(mend), "{:?}", seen.calls);
    }
}

#[test]
fn reload_renders_and_tells_the_running_agent() {
    let seen = Router::new().with("RUNNING", "1").run(&["reload"]);
    assert_eq!(seen.calls, [OWN, RENDER, "procd_send_signal wanbeacon"]);
    assert_eq!(seen.status, 0);
}

#[test]
fn reload_with_a_wrong_file_leaves_the_running_agent_alone() {
    let router = Router::new();
    router.run(&["start"]);
    fs::write(router.path("var/run/wanbeacon/config.toml"), "what was right").unwrap();
    let seen = router.with("RUNNING", "1").with("MISTAKES", MISTAKES).run(&["reload"]);
    assert_eq!((seen.count("procd_"), seen.count("logger"), seen.status), (0, 2, 1), "{:?}", seen.calls);
}

#[test]
fn reload_starts_what_does_not_run() {
    let seen = Router::new().run(&["reload"]);
    let begin = [OWN, RENDER, "procd_open_service wanbeacon", OWN, RENDER];
    assert_eq!(seen.calls, [&begin[..], &INSTANCE, &CLOSE].concat());
}

#[test]
fn status_is_procds_word_and_what_the_agent_says() {
    let seen = Router::new().with("RUNNING", "1").run(&["status"]);
    assert_eq!((seen.printed.as_str(), seen.status), ("running\nhome  published\n", 0));
    assert!(seen.has("wanbeacon status --socket /var/run/wanbeacon/control.sock"), "{:?}", seen.calls);

    let seen = Router::new().run(&["status"]);
    assert_eq!((seen.printed.as_str(), seen.status), ("inactive\n", 3));
}

#[test]
fn status_names_the_mistakes_of_the_file() {
    let seen = Router::new().with("RUNNING", "1").with("MISTAKES", MISTAKES).run(&["status"]);
    let printed =
        format!("running\n/etc/config/wanbeacon is wrong and not in use:\n{MISTAKES}\nhome  published\n");
    assert_eq!((seen.printed, seen.status), (printed, 0));
}

/// An image is built by sourcing the script on the builder's machine, for `enable`.
#[test]
fn to_source_the_script_does_nothing() {
    let seen = Router::new().run(&["echo", "sourced"]);
    assert_eq!((seen.printed.as_str(), seen.calls.len()), ("sourced\n", 0));
    let root = Router::new();
    let names = |root: &Router| fs::read_dir(root.root.path()).unwrap().count();
    let before = names(&root);
    root.run(&["true"]);
    assert_eq!(names(&root), before);
}

/// rpcd and LuCI read these lines without a shell, among the first ten.
#[test]
fn the_lines_that_others_read_are_near_the_top() {
    let script = fs::read_to_string(init()).unwrap();
    let top: Vec<&str> = script.lines().take(10).collect();
    assert_eq!(top[0], "#!/bin/sh /etc/rc.common");
    for line in ["START=95", "STOP=10", "USE_PROCD=1"] {
        assert!(top.contains(&line), "{line}");
    }
}

struct Router {
    root: TempDir,
    environment: Vec<(&'static str, &'static str)>,
}

/// What a command did and said.
struct Seen {
    calls: Vec<String>,
    printed: String,
    status: i32,
}

impl Router {
    fn new() -> Self {
        let router = Self { root: TempDir::new().unwrap(), environment: Vec::new() };
        fs::create_dir_all(router.path("usr/sbin")).unwrap();
        symlink(data("wanbeacon"), router.path("usr/sbin/wanbeacon")).unwrap();
        router
    }

    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    fn with_ujail(self) -> Self {
        fs::create_dir_all(self.path("sbin")).unwrap();
        symlink("/bin/true", self.path("sbin/ujail")).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o7777
    }

    fn run(&self, words: &[&str]) -> Seen {
        let _ = fs::remove_file(self.path("calls"));
        let Output { status, stdout, stderr } = Command::new("busybox")
            .arg("ash")
            .arg(data("rc.common"))
            .args(words)
            .env("ROOT", self.root.path())
            .env("INIT", init())
            .envs(self.environment.iter().copied())
            .output()
            .expect("busybox");
        // Standard error is no terminal here: mistakes go to syslog only.
        assert_eq!(String::from_utf8_lossy(&stderr), "", "{words:?}");
        let root = self.root.path().to_str().unwrap();
        let calls = fs::read_to_string(self.path("calls")).unwrap_or_default();
        Seen {
            calls: calls.lines().map(str::to_owned).collect(),
            printed: String::from_utf8(stdout).unwrap().replace(root, ""),
            status: status.code().unwrap(),
        }
    }
}

impl Seen {
    fn has(&self, call: &str) -> bool {
        self.calls.iter().any(|made| made == call)
    }

    fn count(&self, beginning: &str) -> usize {
        self.calls.iter().filter(|made| made.starts_with(beginning)).count()
    }
}

fn init() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openwrt/wanbeacon/files/wanbeacon.init")
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/openwrt").join(name)
}
