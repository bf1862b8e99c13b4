//! The agent: this program once more, in the router's namespace.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use tempfile::TempDir;

use crate::lab::namespace::Namespace;
use crate::{HOME, NAS};

/// The account at the provider.
pub(crate) const USER: &str = "demo";
/// Its password.
pub(crate) const PASSWORD: &str = "not a secret";

/// The second life of this program: the agent's own command line.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    // An agent must not outlive its demonstration, however that ends.
    let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let ending =
        wanbeacon::cli::perform(arguments.iter().map(OsString::from), &mut io::stdout(), &mut io::stderr());
    ExitCode::from(ending.code())
}

/// A running agent; ends when it is dropped.
pub(crate) struct Agent {
    child: Child,
    files: TempDir,
}

impl Agent {
    /// Starts `wanbeacon run` with a configuration for this provider, or the given program in its place.
    pub(crate) fn start(program: Option<&str>, at: &Namespace, url: &str, ca_pem: &str) -> io::Result<Self> {
        let files = tempfile::tempdir()?;
        let path = files.path();
        fs::write(path.join("ca.pem"), ca_pem)?;
        let config = path.join("wanbeacon.toml");
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&config)?;
        file.write_all(configuration(path, url).as_bytes())?;
        let mut command = match program {
            Some(program) => Command::new(program),
            None => Command::new(std::env::current_exe()?),
        };
        if program.is_none() {
            command.arg("agent");
        }
        command
            .args(["run", "--allow-root", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.stderr(fs::File::create(path.join("log"))?);
        Ok(Self { child: at.within(|| command.spawn())??, files })
    }

    /// What it has written to standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.files.path().join("log")).unwrap_or_default()
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(directory: &Path, url: &str) -> String {
    let directory = directory.display();
    let account = format!(
        "provider = \"dyndns2\"\nserver = \"{url}\"\nuser = \"{USER}\"\npassword = \"{PASSWORD}\"\n\
         allow = [\"documentation\"]\nverify = \"0s\"\n"
    );
    format!(
        "[global]\nstate_dir = \"{directory}/state\"\nruntime_dir = \"{directory}/run\"\n\
         ca_file = \"{directory}/ca.pem\"\n\n\
         [record.home]\n{account}hostname = [\"{HOME}\"]\nipv4 = \"wan0\"\nipv6 = \"wan0\"\n\n\
         [record.nas]\n{account}hostname = [\"{NAS}\"]\nipv6 = \"wan0\"\n"
    )
}
