//! The sandbox of the running agent: that it is there, and that what a router does around it is still seen.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::agent::Agent;
use crate::lab::{at_isp, in_namespace, sh, tell};
use crate::laboratory::certificates::Certificates;
use crate::laboratory::dns::Dns;
use crate::laboratory::fault::Mode;
use crate::laboratory::zone::Zone;
use crate::world::{HOME, ISP, SERVER, SOON, World, dial, line, published, record, tls_provider};

const A: &str = "203.0.113.10";

#[test]
fn the_running_agent_has_no_privileges_and_few_system_calls() {
    in_namespace("sandbox::the_running_agent_has_no_privileges_and_few_system_calls", || {
        let world = World::new();
        world.provider.set(Mode::HangHeaders);
        dial(A);
        let agent = world.agent("ipv4 = 'wan0'");
        assert!(world.provider.wait_for(SOON, |requests| requests.len() == 1));
        is_closed(&agent);
        // For the thread that waits for the answer, too.
        let threads = fs::read_dir(agent.proc("task")).unwrap().map(|thread| thread.unwrap().path());
        let closed: Vec<bool> = threads
            .map(|thread| fs::read_to_string(thread.join("status")).unwrap().contains("\nSeccomp:\t2\n"))
            .collect();
        assert!(closed.len() >= 2 && closed.iter().all(|closed| *closed), "{closed:?}");
        agent.wait_for_log("sandbox: user ");
        assert!(agent.says("status").contains("\nsandbox: user "));
        assert!(!agent.says("status home").contains("sandbox: "));
    });
}

/// environ stands for all that /proc shows of the memory.
#[test]
fn another_process_of_the_same_user_cannot_look_into_the_agent() {
    in_namespace("sandbox::another_process_of_the_same_user_cannot_look_into_the_agent", || {
        let world = World::new();
        let agent = world.agent("ipv4 = 'wan0'");
        let look = |file: &Path| {
            let mut look = Command::new("setpriv");
            look.args(["--inh-caps=-all", "--bounding-set=-all", "cat"]).arg(file).stderr(Stdio::null());
            look.output().unwrap().status.success()
        };
        let mut other = Command::new("setpriv");
        other.args(["--pdeathsig", "KILL", "--inh-caps=-all", "--bounding-set=-all", "sleep", "60"]);
        let mut other = other.spawn().unwrap();
        let environ = format!("/proc/{}/environ", other.id());
        crate::lab::wait_until("an ordinary process can be looked into", SOON, || look(environ.as_ref()));
        assert!(!look(&agent.proc("environ")));
        other.kill().unwrap();
        other.wait().unwrap();
    });
}

#[test]
fn root_is_refused_with_words_that_help_unless_it_is_wanted() {
    in_namespace("sandbox::root_is_refused_with_words_that_help_unless_it_is_wanted", || {
        let world = World::new();
        let mut agent = world.agent("ipv4 = 'wan0'");
        agent.kill();
        let output = agent.command("run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--allow-root") && said.contains("/etc/passwd"), "{said}");
    });
}

#[test]
fn a_user_without_privileges_needs_no_flag() {
    in_namespace("sandbox::a_user_without_privileges_needs_no_flag", || {
        let world = World::new();
        dial(A);
        let user = "unshare --user --map-user=4711 --map-group=4711 setpriv --pdeathsig KILL";
        let agent = Agent::start_through(user, "run", "", &world.record("home", HOME, "ipv4 = 'wan0'"));
        world.published(HOME, A);
        is_closed(&agent);
        assert_eq!(sandbox(&agent)["user"], "4711");
    });
}

/// As netifd and dnsmasq do it: /etc/resolv.conf leads to a file that is replaced, in a directory of its own.
#[test]
fn a_resolver_configuration_that_is_replaced_is_seen() {
    in_namespace("sandbox::a_resolver_configuration_that_is_replaced_is_seen", || {
        private("/etc");
        let place = Path::new("/run/tmp");
        fs::create_dir_all(place.join("resolv.conf.d")).unwrap();
        fs::remove_file("/etc/resolv.conf").unwrap();
        symlink("/run/tmp/resolv.conf", "/etc/resolv.conf").unwrap();
        let auto = place.join("resolv.conf.d/resolv.conf.auto");
        symlink(&auto, place.join("resolv.conf")).unwrap();
        // A name server that does not exist, and answers so at once.
        fs::write(&auto, "nameserver 127.0.0.9\n").unwrap();
        let world = World::new();
        let zone = world.zone.clone();
        zone.set(SERVER, ISP.parse().unwrap());
        let _dns = at_isp(move || Dns::start((ISP.parse::<IpAddr>().unwrap(), 53).into(), &zone)).unwrap();
        let agent = Agent::start(&record("home", &format!("http://{SERVER}"), HOME, "ipv4 = 'wan0'"));
        has_landlock(&agent);
        dial(A);
        agent.wait_for("home", |status| status.last_answer.is_some());
        replace(&auto, &format!("nameserver {ISP}\n"));
        agent.wait_for_state("home", "idle");
        published(&world.zone, HOME, A);
        // dnsmasq writes a file where the link was.
        replace(&auto, "nameserver 127.0.0.9\n");
        replace(&place.join("resolv.conf"), &format!("nameserver {ISP}\n"));
        // Under a name that was not asked for before, so that no endpoint is remembered.
        world.zone.set("other.example.test", ISP.parse().unwrap());
        agent.configure(&record("home", "http://other.example.test", HOME, "ipv4 = 'wan0'"));
        agent.signal(Signal::HUP);
        assert!(world.provider.wait_for(SOON, |requests| requests.len() == 2));
        agent.wait_for_state("home", "idle");
    });
}

#[test]
fn a_ca_bundle_that_is_replaced_is_seen() {
    in_namespace("sandbox::a_ca_bundle_that_is_replaced_is_seen", || {
        line();
        let zone = Zone::new(1);
        let (provider, good) = tls_provider(443, &zone);
        let bundle = Path::new("/run/certificates/ca.pem");
        fs::create_dir("/run/certificates").unwrap();
        fs::write(bundle, Certificates::new(&[ISP]).ca_pem()).unwrap();
        dial(A);
        let agent = Agent::start_with(
            &format!("ca_file = '{}'", bundle.display()),
            &record("home", &provider.url(), HOME, "ipv4 = 'wan0'"),
        );
        has_landlock(&agent);
        let status = agent.wait_for("home", |status| status.last_answer.is_some());
        assert!(status.last_answer.unwrap().contains("could not secure"));
        replace(bundle, &good);
        agent.says("update");
        published(&zone, HOME, A);
        // And again: it is not only read when it failed.
        replace(bundle, Certificates::new(&[ISP]).ca_pem());
        agent.says("update --force");
        agent.wait_for("home", |status| {
            status.last_answer.as_ref().is_some_and(|answer| answer.contains("could not secure"))
        });
    });
}

#[test]
fn a_file_that_a_reload_names_outside_of_the_sandbox_is_refused_with_the_reason() {
    in_namespace(
        "sandbox::a_file_that_a_reload_names_outside_of_the_sandbox_is_refused_with_the_reason",
        || {
            let world = World::new();
            dial(A);
            let record = world.record("home", HOME, "ipv4 = 'wan0'");
            let agent = Agent::start(&record);
            has_landlock(&agent);
            world.published(HOME, A);
            fs::create_dir("/run/elsewhere").unwrap();
            for file in ["ca.pem", "password"] {
                fs::write(Path::new("/run/elsewhere").join(file), "secret\n").unwrap();
            }
            let named = record.lines().filter(|line| !line.starts_with("password")).collect::<Vec<_>>();
            agent.configure(&(named.join("\n") + "\npassword_file = '/run/elsewhere/password'\n"));
            agent.signal(Signal::HUP);
            agent.wait_for_log("password file '/run/elsewhere/password' is out of the agent's reach");
            let text = fs::read_to_string(agent.config()).unwrap();
            fs::write(
                agent.config(),
                text.replace("[global]", "[global]\nca_file = '/run/elsewhere/ca.pem'"),
            )
            .unwrap();
            agent.signal(Signal::HUP);
            agent.wait_for_log("ca_file '/run/elsewhere/ca.pem' is out of the agent's reach");
            agent.wait_for_log("the old one stays in force");
            agent.wait_for_log("help: restart the agent");
            world.nothing_is_sent_after(1, &agent);
        },
    );
}

/// The sandbox must let the directory be listed, and files in it be replaced, after it is closed.
#[test]
fn entries_of_your_own_are_read_anew_in_the_sandbox_and_a_broken_one_stops_its_record_only() {
    in_namespace(
        "sandbox::entries_of_your_own_are_read_anew_in_the_sandbox_and_a_broken_one_stops_its_record_only",
        || {
            let world = World::new();
            dial(A);
            let entry = format!(
                "id = 'isp.example'\nname = 'The ISP'\nhomepage = 'http://isp.example/'\n\
                 [credentials]\nuser = 'login'\npassword = 'password'\n\
                 [request.v4]\nurl = '{}/nic/update?hostname={{host}}&myip={{ip4}}'\nauth = 'basic'\n\
                 [answers]\nprofile = 'dyndns2'\n",
                world.provider.url()
            );
            let entries = Path::new("/run/entries");
            fs::create_dir(entries).unwrap();
            let file = entries.join("isp.example.toml");
            fs::write(&file, &entry).unwrap();
            let own = world.record("home", HOME, "ipv4 = 'wan0'").replace("'dyndns2'", "'isp.example'");
            let own: String =
                own.lines().filter(|line| !line.starts_with("server")).collect::<Vec<_>>().join("\n");
            let other = world.record("nas", "nas.example.test", "ipv4 = 'wan0'");
            let agent = Agent::start_with("providers_dir = '/run/entries'", &format!("{own}\n\n{other}"));
            has_landlock(&agent);
            published(&world.zone, HOME, A);
            published(&world.zone, "nas.example.test", A);
            world.nothing_is_sent_after(2, &agent);
            replace(&file, &entry.replace("profile", "profil"));
            fs::write(entries.join("unused.example.toml"), "id").unwrap();
            agent.signal(Signal::HUP);
            agent.wait_for_log("/run/entries/isp.example.toml:11:1: ");
            agent.wait_for_log(
                "record 'home' is left out: your own entry of provider 'isp.example' is broken",
            );
            agent.wait_for_log("/run/entries/unused.example.toml:1:");
            crate::lab::wait_until("home is left out", SOON, || agent.status().records.len() == 1);
            agent.says("update --force nas");
            assert!(world.provider.wait_for(SOON, |requests| requests.len() == 3));
            replace(&file, &entry);
            agent.signal(Signal::HUP);
            crate::lab::wait_until("home is back", SOON, || agent.status().records.len() == 2);
            world.nothing_is_sent_after(3, &agent);
        },
    );
}

/// In a jail of procd, where the socket may be a mount of one that is dead; procd hands standard error to logd.
#[test]
fn a_logd_that_restarts_is_found_again_and_what_it_misses_goes_to_standard_error() {
    in_namespace(
        "sandbox::a_logd_that_restarts_is_found_again_and_what_it_misses_goes_to_standard_error",
        || {
            private("/dev");
            let logd = listen();
            let world = World::new();
            let records = world.record("home", HOME, "ipv4 = 'wan0'");
            let agent = Agent::start_through("env container=ujail", "run --allow-root", "", &records);
            assert_eq!(sandbox(&agent)["jail"], true);
            heard(&logd, "sandbox: user ");
            assert_eq!(agent.log(), "");
            drop(logd);
            fs::remove_file("/dev/log").unwrap();
            agent.signal(Signal::HUP);
            agent.wait_for_log("notice: configuration read anew");
            let logd = listen();
            let before = agent.log();
            agent.signal(Signal::HUP);
            heard(&logd, "configuration read anew");
            assert_eq!(agent.log(), before);
        },
    );
}

fn listen() -> UnixDatagram {
    let logd = UnixDatagram::bind("/dev/log").unwrap();
    logd.set_read_timeout(Some(SOON)).unwrap();
    logd
}

fn heard(logd: &UnixDatagram, words: &str) {
    let mut line = [0; 1024];
    loop {
        let length = logd.recv(&mut line).expect(words);
        let line = String::from_utf8_lossy(&line[..length]);
        tell(&line);
        if line.contains(words) {
            return;
        }
    }
}

/// A copy of a directory over the directory, for this namespace only.
fn private(directory: &str) {
    let copy = format!("/run/copy{directory}");
    fs::create_dir_all(&copy).unwrap();
    if directory == "/dev" {
        for device in ["null", "urandom", "random"] {
            sh(&format!("touch {copy}/{device} && mount --bind /dev/{device} {copy}/{device}"));
        }
    } else {
        sh(&format!("cp -a {directory}/. {copy} 2> /dev/null || true"));
    }
    sh(&format!("mount --rbind {copy} {directory}"));
}

fn replace(file: &Path, text: &str) {
    let fresh = file.with_extension("fresh");
    fs::write(&fresh, text).unwrap();
    fs::rename(&fresh, file).unwrap();
}

fn sandbox(agent: &Agent) -> serde_json::Value {
    serde_json::from_str::<serde_json::Value>(&agent.says("status --json")).unwrap()["sandbox"].take()
}

/// Without it these tests would prove nothing.
fn has_landlock(agent: &Agent) {
    let landlock = sandbox(agent)["landlock"].take();
    assert!(landlock.as_str().unwrap().starts_with("ABI "), "THIS KERNEL HAS NO LANDLOCK: {landlock}");
}

fn is_closed(agent: &Agent) {
    let status = fs::read_to_string(agent.proc("status")).unwrap();
    for line in [
        "NoNewPrivs:\t1",
        "CapInh:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "Seccomp:\t2",
        "Umask:\t0077",
    ] {
        assert!(status.lines().any(|found| found == line), "{line}:\n{status}");
    }
    let limits = fs::read_to_string(agent.proc("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(
        core.split_whitespace().collect::<Vec<_>>(),
        ["Max", "core", "file", "size", "0", "0", "bytes"]
    );
    let told = sandbox(agent);
    assert_eq!((&told["no_new_privs"], &told["seccomp"]), (&true.into(), &"on".into()), "{told}");
    assert_eq!((&told["capabilities"], &told["jail"]), (&serde_json::json!([]), &false.into()), "{told}");
    has_landlock(agent);
}
