//! The shell: everything that touches the world, and the loop that joins it to the engine.
//!
//! ```text
//! netlink, ubus, reports, control, signals, timers ──▶ one event ──▶ engine ──▶ actions ──▶ http, store, log, ubus
//! ```

mod announce;
mod answers;
pub mod catalogue;
pub mod clock;
pub mod control;
mod files;
mod history;
pub mod http;
mod log;
pub mod netlink;
pub mod outside;
mod own;
mod perform;
pub mod question;
mod readiness;
pub(crate) mod replace;
pub mod sandbox;
pub mod settings;
mod sources;
mod store;
pub mod trial;
pub mod ubus;
pub mod view;
mod wording;

use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;

use crate::config::{LogLevel, Mistake, Severity, uci};
use crate::engine::address::Snapshot;
use crate::engine::{Action, Engine, Event, Instant};
use clock::Alarm;
use control::Control;
use files::Files;
use history::History;
use http::Http;
use log::Log;
use netlink::Look;
use sandbox::{Held, Reach, Sandbox};
use settings::{LoadError, Loaded};
use sources::{Happened, Sources};
use store::{Kept, Store};
use ubus::Heard;

/// Why the daemon does not run (any more).
#[derive(Debug)]
pub enum RunError {
    /// There is no valid configuration.
    Configuration(LoadError),
    /// It is root and was not told to be.
    Root(String),
    /// The kernel refused something that the daemon cannot do without.
    System(String),
}

/// Runs until SIGTERM or SIGINT, in a sandbox (see [`sandbox`]). Must be called before the first thread is started.
///
/// # Errors
///
/// [`RunError`]; also when a source of events ends, since an agent that hears nothing must not look alive.
pub fn run(config: &Path, allow_root: bool) -> Result<(), RunError> {
    sandbox::refuse_root(allow_root).map_err(RunError::Root)?;
    let held = Held::give_up();
    let loaded = settings::load(config).map_err(RunError::Configuration)?;
    let start = Start::new(config, loaded, held).map_err(|error| RunError::System(error.to_string()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.map_err(|error| RunError::System(format!("no event loop: {error}")))?;
    runtime.block_on(async {
        let mut daemon = Daemon::new(start).map_err(|error| RunError::System(error.to_string()))?;
        daemon.serve().await.map_err(|error| RunError::System(error.to_string()))
    })
}

/// What must be there before the sandbox is closed, and the closed sandbox.
struct Start {
    file: PathBuf,
    loaded: Loaded,
    control: Control,
    store: Store,
    /// What keeps the store from being written.
    unsaved: Option<String>,
    reach: Reach,
    sandbox: Sandbox,
}

impl Start {
    fn new(file: &Path, loaded: Loaded, held: Held) -> io::Result<Self> {
        let global = &loaded.config.global;
        let control = Control::bind(&global.runtime_dir)?;
        let store = Store::new(&global.state_dir, &global.runtime_dir);
        let unsaved = store.complaint();
        // The first reading asks the kernel in ways that the sandbox does not know.
        let _ = clock::now();
        let reach = Reach::of(file, &loaded.config);
        let sandbox = sandbox::close(held, &reach);
        Ok(Self { file: file.to_owned(), loaded, control, store, unsaved, reach, sandbox })
    }
}

struct Daemon {
    file: PathBuf,
    loaded: Loaded,
    log: Log,
    engine: Engine,
    http: Http,
    reach: Reach,
    sandbox: Sandbox,
    /// Where workers report the end of jobs and questions.
    reports: mpsc::UnboundedSender<Event>,
    store: Store,
    history: History,
    /// The last complaint about the store, so that it is not repeated.
    unsaved: Option<String>,
    sources: Sources,
    /// When to look for what the kernel never announces (pppd `demand`).
    slow_look_at: Instant,
}

impl Daemon {
    fn new(start: Start) -> io::Result<Self> {
        let Start { file, loaded, control, store, unsaved: unwritable, reach, sandbox } = start;
        let mut log = Log::new();
        log.set_level(loaded.config.global.log_level);
        tell_doubts(&mut log, &file, &loaded);
        log.write(LogLevel::Info, &format!("sandbox: {}", sandbox.line()));
        let (ask, queries) = mpsc::channel(8);
        let control = tokio::spawn(control.serve(ask));
        let (report, reports) = mpsc::unbounded_channel();
        let worker_report = report.clone();
        let boot = clock::boot_id();
        let (kept, complaints) = store.load(boot.as_deref());
        complaints.iter().for_each(|complaint| log.write(LogLevel::Warning, complaint));
        if let Some(words) = unwritable {
            log.write(LogLevel::Warning, &unsaved(&words));
        }
        let settings = http::Settings { endpoints: kept.endpoints, ..http::Settings::new(clock::monotonic) };
        let http = Http::new(settings, move |job, outcome, exchange| {
            // The loop is gone only when the process ends.
            let _ = worker_report.send(Event::Reply { job, outcome, exchange });
        });
        let now = clock::now();
        let history = History::new(&loaded.config.global.state_dir);
        let sources = Sources::new(reports, queries, control)?;
        let engine = Engine::new(seed(boot.as_deref(), now.monotonic), boot, kept.engine, now);
        Ok(Self {
            file,
            loaded,
            log,
            engine,
            http,
            reach,
            sandbox,
            reports: report,
            store,
            history,
            unsaved: None,
            sources,
            slow_look_at: Instant::default(),
        })
    }

    /// The loop: perform all actions; wait; hand over one event; ask when to wake.
    async fn serve(&mut self) -> io::Result<()> {
        self.http.prepare(self.loaded.config.global.ca_file.clone());
        self.want()?;
        self.tell(Event::Settings(self.loaded.compiled.settings.clone()));
        self.first_look().await?;
        loop {
            let wake = self.engine.next_wake(clock::now()).map(|(at, _)| at);
            self.sources.alarm.set(Some(wake.map_or(self.slow_look_at, |at| at.min(self.slow_look_at))))?;
            match self.sources.next().await? {
                Happened::ClockSet => self.tell(Event::ClockSet),
                Happened::Ended(error) => return Err(error),
                Happened::Heard(heard) => self.hear(heard),
                Happened::Look(look) => self.saw(look),
                Happened::Query((query, answer)) => {
                    // A client that has gone needs no answer.
                    let _ = answer.send(self.answer(query));
                }
                Happened::Reload => self.reload()?,
                Happened::Report(event) => self.tell(event),
                Happened::Stop => break,
                Happened::Time if clock::monotonic() >= self.slow_look_at => {
                    // A directory that did not exist may be watched by now.
                    self.sources.files.listen()?;
                    let look = self.sources.netlink.look()?;
                    self.saw(look);
                    self.sources.ubus.look();
                }
                Happened::Written => {
                    let snapshot = self.snapshot();
                    self.tell(Event::Network { snapshot, bell: clock::monotonic() });
                }
                Happened::Time => self.tell(Event::Wake),
                Happened::Update => self.tell(Event::Update { records: Vec::new(), force: false }),
            }
        }
        self.http.shutdown();
        Ok(())
    }

    /// netifd goes first, if there is one: until then the device `wan` might pass for the network `wan`.
    async fn first_look(&mut self) -> io::Result<()> {
        let mut alarm = Alarm::new()?;
        alarm.set(Some(clock::monotonic() + view::NETIFD_LIMIT))?;
        while !self.sources.ubus.is_settled() {
            tokio::select! {
                heard = self.sources.ubus.next() => {
                    let heard = heard?;
                    // Networks come with the look.
                    if !matches!(heard, Heard::Networks) {
                        self.hear(heard);
                    }
                }
                rung = alarm.rung() => {
                    rung?;
                    break;
                }
            }
        }
        let look = self.sources.netlink.look()?;
        self.saw(look);
        Ok(())
    }

    fn saw(&mut self, look: Look) {
        if look.overrun {
            self.log.write(LogLevel::Debug, "the kernel dropped notifications; its table was read anew");
        }
        self.slow_look_at = clock::monotonic() + self.loaded.config.global.slow_look;
        let snapshot = view::complete(look.snapshot, &self.sources.ubus, &self.sources.files);
        self.tell(Event::Network { snapshot, bell: look.bell });
    }

    /// The last table of the kernel, with what is known beside it.
    fn snapshot(&self) -> Snapshot {
        view::complete(self.sources.netlink.table().clone(), &self.sources.ubus, &self.sources.files)
    }

    /// What the records need to know: asked of the kernel and of files from now on.
    fn want(&mut self) -> io::Result<()> {
        let wanted = self.loaded.compiled.settings.wanted();
        self.sources.netlink.want(&wanted)?;
        self.sources.files = Files::new(&wanted, &self.loaded.config.global);
        self.sources.files.listen()
    }

    /// One event to the engine, and everything that follows from it.
    fn tell(&mut self, event: Event) {
        self.engine.handle(event, clock::now());
        let mut handed_over = false;
        // One event may ask for several: the state is the same for all, so it is written once.
        let mut save = None;
        while let Some(action) = self.engine.poll_action() {
            if handed_over && matches!(action, Action::Report(_) | Action::Save { .. }) {
                // On a router's single core the worker would otherwise wait for our log and our files.
                std::thread::yield_now();
                handed_over = false;
            }
            match action {
                Action::Abandon(job) => self.http.abandon(job),
                Action::Check(check) => self.check(check),
                Action::Observe { probe, allow } => self.observe(probe, allow),
                Action::Report(report) => self.announce(&report),
                Action::Restart(job) => self.http.restart(job),
                Action::Save { durable } => save = save.max(Some(durable)),
                Action::Send(job) => {
                    self.send(&job);
                    handed_over = true;
                }
                Action::Withdraw(job) => self.http.withdraw(job),
            }
        }
        if let Some(durable) = save {
            self.save(durable);
        }
    }

    fn save(&mut self, durable: bool) {
        let kept = Kept { engine: self.engine.state(clock::now()), endpoints: self.http.endpoints() };
        let complaint = self.store.save(&kept, durable).err().map(|error| error.to_string());
        if let Some(words) = complaint.as_ref().filter(|_| complaint != self.unsaved) {
            self.log.write(LogLevel::Warning, &unsaved(words));
        }
        if complaint.is_some() || durable {
            self.unsaved = complaint;
        }
    }

    /// SIGHUP: a broken file keeps the settings that work.
    fn reload(&mut self) -> io::Result<()> {
        self.sources.ubus.look_for()?;
        match settings::load_within(&self.file, &|file| self.reach.covers(file)) {
            Ok(loaded) => {
                let (old, new) = (&self.loaded.config.global, &loaded.config.global);
                if (&old.state_dir, &old.runtime_dir) != (&new.state_dir, &new.runtime_dir) {
                    self.log.write(
                        LogLevel::Warning,
                        "state_dir and runtime_dir change with the next start only",
                    );
                }
                self.log.set_level(new.log_level);
                self.loaded = loaded;
                self.log.write(LogLevel::Notice, "configuration read anew");
                tell_doubts(&mut self.log, &self.file, &self.loaded);
                self.want()?;
                self.tell(Event::Settings(self.loaded.compiled.settings.clone()));
                let look = self.sources.netlink.look()?;
                self.saw(look);
            }
            Err(error) => {
                self.log
                    .write(LogLevel::Error, "the new configuration is wrong, the old one stays in force:");
                error.to_string().lines().for_each(|line| self.log.write(LogLevel::Error, line));
            }
        }
        Ok(())
    }
}

/// What is doubtful in a configuration, and that it asks for nothing.
fn tell_doubts(log: &mut Log, file: &Path, loaded: &Loaded) {
    let rendered = file == Path::new(uci::RENDERED);
    // Of what it rendered, OpenWrt's init script has told them, with their places in the file that the user knows.
    // Entries may be changed without it.
    let is_news = |doubt: &Mistake| !rendered || doubt.file.is_some() || doubt.severity == Severity::LeftOut;
    let mut last = None;
    for doubt in loaded.warnings.iter().filter(|doubt| is_news(doubt)) {
        // Of a broken entry, its first mistake: 'check' tells them all.
        if doubt.file.is_none() || doubt.file != last {
            log.write(LogLevel::Warning, &doubt.line(&file.to_string_lossy()));
        }
        last.clone_from(&doubt.file);
    }
    // A file without any record has its warning.
    let rests = loaded.config.records.values().all(|record| !record.enabled);
    if rests && (rendered || !loaded.config.records.is_empty()) {
        let file = if rendered { Path::new(uci::FILE) } else { file };
        let line = format!(
            "no record is enabled, so nothing is published: describe yours in {}; 'wanbeacon help options' lists what \
             it may say",
            file.display()
        );
        log.write(LogLevel::Notice, &line);
    }
}

fn unsaved(words: &str) -> String {
    format!(
        "cannot keep what is published: {words}; a restart may repeat an update (see state_dir, runtime_dir)"
    )
}

/// Feeds the jitter: another one at each start, so that many routers do not march in step.
fn seed(boot: Option<&str>, now: Instant) -> u64 {
    let bytes = boot.unwrap_or_default().bytes();
    bytes.fold(u64::try_from(now.as_since_boot().as_nanos()).unwrap_or(0), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
