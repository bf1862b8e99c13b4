//! The real program, in the namespace of its test.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use wanbeacon::daemon::control::client;
use wanbeacon::daemon::question::Query;
use wanbeacon::engine::journal::{NameStatus, RecordStatus, Status};

use crate::lab::{tell, variable, wait_until};
use crate::world::SOON;

/// The account at the providers.
pub(crate) const USER: &str = "alice";
/// Its password: nothing else may look like it.
pub(crate) const PASSWORD: &str = "s3cret-Pa55-9f1c";

/// A running agent and its files; ends when it is dropped.
pub(crate) struct Agent {
    child: Child,
    files: TempDir,
}

impl Agent {
    /// Starts it with these records, and waits until it answers.
    pub(crate) fn start(records: &str) -> Self {
        Self::start_with("", records)
    }

    /// The same, with options for `[global]`.
    pub(crate) fn start_with(global: &str, records: &str) -> Self {
        Self::start_through("", RUN, global, records)
    }

    /// The same, through a command (`env A=B`) and with other words for the agent than `run --allow-root`.
    pub(crate) fn start_through(wrapper: &str, words: &str, global: &str, records: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        configure(files.path(), global, records);
        let mut agent = Self { child: spawn(files.path(), wrapper, words), files };
        agent.answers();
        agent
    }

    /// Writes another configuration, without telling the agent.
    pub(crate) fn configure(&self, records: &str) {
        configure(self.files.path(), "", records);
    }

    /// kill -9, wherever it is.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the killed one again, in its own files, and waits until it answers.
    pub(crate) fn start_again(&mut self) {
        self.start_again_through("");
    }

    /// The same when so much time has passed: in a time namespace, where the machine has been up for longer.
    pub(crate) fn start_again_later(&mut self, time: Duration) {
        let seconds = time.as_secs();
        self.start_again_through(&format!("unshare --time --boottime {seconds} --fork --kill-child"));
    }

    fn start_again_through(&mut self, wrapper: &str) {
        self.child = spawn(self.files.path(), wrapper, RUN);
        self.answers();
    }

    fn answers(&mut self) {
        wait_until("the agent answers", SOON, || {
            assert!(self.ended().is_none(), "it ended at once:\n{}", self.log());
            client::ask(&self.socket(), Query::Status(None)).is_ok()
        });
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub(crate) fn status(&self) -> Status {
        let status = client::ask(&self.socket(), Query::Status(None)).unwrap();
        serde_json::from_value(status).unwrap()
    }

    /// The status of one record.
    pub(crate) fn record(&self, name: &str) -> RecordStatus {
        let records = self.status().records;
        records.into_iter().find(|record| record.record.0 == name).unwrap()
    }

    /// The status of the first name of a record.
    pub(crate) fn name(&self, record: &str) -> NameStatus {
        self.record(record).names.remove(0)
    }

    /// Waits until the status of a record is as wanted, and gives it.
    pub(crate) fn wait_for(&self, name: &str, mut wanted: impl FnMut(&RecordStatus) -> bool) -> RecordStatus {
        let mut last = self.record(name);
        let start = crate::lab::now();
        while !wanted(&last) {
            assert!(start.elapsed() < Duration::from_secs(45), "not as wanted: {last:#?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
            last = self.record(name);
        }
        last
    }

    /// Waits until the first name of a record is in this state.
    pub(crate) fn wait_for_state(&self, record: &str, state: &str) -> RecordStatus {
        self.wait_for(record, |status| status.names[0].state == state)
    }

    /// Waits until the reason why something is not published contains these words.
    pub(crate) fn wait_for_rejection(&self, words: &str) {
        self.wait_for("home", |status| {
            let mut rejected = status.sources.iter().flat_map(|source| &source.rejected);
            rejected.any(|rejected| rejected.reason.contains(words))
        });
    }

    /// Runs `wanbeacon` with these words and this agent's configuration.
    pub(crate) fn command(&self, words: &str) -> Output {
        let program = program();
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).args(words.split(' ')).arg("--config").arg(self.config());
        command.output().unwrap()
    }

    /// The same; it must succeed; gives what it prints.
    pub(crate) fn says(&self, words: &str) -> String {
        let output = self.command(words);
        assert!(output.status.success(), "{words}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it has written to standard error in all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// Waits until the log contains these words.
    pub(crate) fn wait_for_log(&self, words: &str) {
        wait_until(&format!("the log says \"{words}\""), SOON, || self.log().contains(words));
    }

    /// Most memory that it ever had, in MiB.
    pub(crate) fn memory_mib(&self) -> u64 {
        self.figure("VmHWM") / 1024
    }

    /// A line of its process's status in the kernel, as a number.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        figure(&self.proc("status"), name)
    }

    /// How often its threads have gone to sleep or were put aside.
    pub(crate) fn switches(&self) -> u64 {
        let threads =
            fs::read_dir(self.proc("task")).unwrap().map(|thread| thread.unwrap().path().join("status"));
        let kinds = ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"];
        threads.map(|status| kinds.map(|kind| figure(&status, kind)).iter().sum::<u64>()).sum()
    }

    /// A file of its process.
    pub(crate) fn proc(&self, name: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("wanbeacon.toml")
    }

    /// A file of its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    fn socket(&self) -> PathBuf {
        self.path("run/control.sock")
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap()).unwrap()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = self.command("why home");
            tell(&String::from_utf8_lossy(&why.stdout));
        }
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        tell(&format!("the agent's log:\n{}", self.log()));
    }
}

/// The agent of this build, or the one that the environment names: a release, also with the emulator before it.
fn program() -> Vec<String> {
    let named = variable("WANBEACON_AGENT").unwrap_or_default();
    let named: Vec<String> = named.split_whitespace().map(str::to_owned).collect();
    if named.is_empty() { vec![env!("CARGO_BIN_EXE_wanbeacon").to_owned()] } else { named }
}

/// Tests are root of their namespace.
const RUN: &str = "run --allow-root";

/// setpriv(1): an agent must not outlive its test, however that ends.
fn spawn(files: &Path, wrapper: &str, words: &str) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(files.join("log")).unwrap();
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL"])
        .args(wrapper.split_whitespace())
        .args(program())
        .args(words.split(' '))
        .arg("--config")
        .arg(files.join("wanbeacon.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// A number of a status file, proc_pid_status(5).
fn figure(status: &Path, name: &str) -> u64 {
    let status = fs::read_to_string(status).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn configure(files: &Path, global: &str, records: &str) {
    let directory = files.display();
    let text = format!(
        "[global]\nstate_dir = \"{directory}/state\"\nruntime_dir = \"{directory}/run\"\n{global}\n\n{records}"
    );
    let open = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).to_owned();
    open.open(files.join("wanbeacon.toml")).unwrap().write_all(text.as_bytes()).unwrap();
}
