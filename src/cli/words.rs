//! Words of the command line → one [`Command`].

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::help::{self, FORMS, Flag, Form, OPTIONS_TOPIC};
use crate::config::import::Client;
use crate::config::{Dialect, nearest, uci};
use crate::engine::RecordId;

/// Where the configuration is looked for without `--config`, the first that exists: on plain Linux, and where OpenWrt's
/// init script renders it to.
pub(super) const CONFIGS: [&str; 2] = ["/etc/wanbeacon.toml", uci::RENDERED];

/// What the user wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Command {
    /// Name every mistake in the configuration.
    Check {
        /// The configuration; at most one of both is given.
        config: Option<PathBuf>,
        /// The same in UCI.
        uci: Option<PathBuf>,
    },
    /// Explain.
    Help {
        /// A command or `options`; `None`: everything.
        topic: Option<String>,
    },
    /// Another client's configuration as ours.
    Import {
        /// Whose.
        client: Client,
        /// Where it is; `-`: standard input.
        file: PathBuf,
        /// The language of the result; `None`: that of the client.
        to: Option<Dialect>,
    },
    /// What LuCI's page asks.
    Luci {
        /// What.
        question: String,
        /// The configuration in UCI.
        uci: PathBuf,
    },
    /// The catalogue.
    Providers {
        /// One entry only.
        id: Option<String>,
        /// As JSON.
        json: bool,
        /// The configuration, which says where entries of the user's own are.
        config: Option<PathBuf>,
    },
    /// UCI as TOML.
    Render {
        /// The configuration in UCI.
        uci: PathBuf,
        /// Where to; `None`: standard output.
        output: Option<PathBuf>,
    },
    /// The daemon.
    Run {
        /// The configuration.
        config: Option<PathBuf>,
        /// Run even as root.
        allow_root: bool,
    },
    /// What is published.
    Status {
        /// One record only.
        record: Option<RecordId>,
        /// As JSON.
        json: bool,
        /// Where the agent listens.
        reach: Reach,
    },
    /// What would be sent.
    Test {
        /// The record.
        record: RecordId,
        /// The configuration.
        config: Option<PathBuf>,
    },
    /// Publish now.
    Update {
        /// Which records; none: all.
        records: Vec<RecordId>,
        /// Repeat confirmed addresses too.
        force: bool,
        /// Where the agent listens.
        reach: Reach,
    },
    /// Name, version, target.
    Version,
    /// Live address events.
    Watch {
        /// The configuration.
        config: Option<PathBuf>,
    },
    /// The story of the last change.
    Why {
        /// The record.
        record: RecordId,
        /// As JSON.
        json: bool,
        /// Where the agent listens.
        reach: Reach,
    },
}

/// Where the running agent is to be found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Reach {
    /// `--config`: its `runtime_dir` holds the socket.
    pub config: Option<PathBuf>,
    /// `--socket`.
    pub socket: Option<PathBuf>,
}

/// Words that make no command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Usage {
    what: String,
    mend: String,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  help: {}", self.what, self.mend)
    }
}

/// Reads the words behind the program's name.
///
/// # Errors
///
/// The first thing that cannot be understood, and what was probably meant.
pub(super) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, Usage> {
    let mut words = words.into_iter();
    let Some(first) = words.next() else {
        return Err(usage("there is no command", "wanbeacon help lists the commands"));
    };
    let first = text(first)?;
    let form = match first.as_str() {
        "--help" | "-h" => return Ok(Command::Help { topic: None }),
        "--version" | "-V" => return Ok(Command::Version),
        name => help::form(name).ok_or_else(|| unknown_command(name))?,
    };
    let mut given = Given::default();
    while let Some(word) = words.next() {
        given.take(form, word, &mut words)?;
    }
    if given.help {
        return Ok(Command::Help { topic: Some(form.name.to_owned()) });
    }
    let count = given.words.len();
    if count < form.least {
        return Err(usage(format!("{} needs {}", form.name, form.words), form.usage()));
    }
    if let Some(word) = given.words.get(form.most) {
        return Err(usage(format!("{} is one word too many for {}", quoted(word), form.name), form.usage()));
    }
    given.command(form)
}

#[derive(Default)]
struct Given {
    config: Option<PathBuf>,
    output: Option<PathBuf>,
    socket: Option<PathBuf>,
    to: Option<Dialect>,
    allow_root: bool,
    uci: Option<PathBuf>,
    json: bool,
    force: bool,
    help: bool,
    /// After `--`, everything is a word.
    words_only: bool,
    words: Vec<String>,
}

impl Given {
    fn take(
        &mut self,
        form: &Form,
        word: OsString,
        rest: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), Usage> {
        let word = text(word)?;
        if self.words_only || word == "-" || !word.starts_with('-') {
            self.words.push(word);
            return Ok(());
        }
        match word.as_str() {
            "--" => self.words_only = true,
            "--help" | "-h" => self.help = true,
            _ => return self.flag(form, &word, rest),
        }
        Ok(())
    }

    fn flag(
        &mut self,
        form: &Form,
        word: &str,
        rest: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), Usage> {
        let (name, attached) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let Some(flag) = form.flags.iter().copied().find(|flag| flag.name() == name) else {
            return Err(unknown_flag(form, name));
        };
        let value = match (flag.value(), attached) {
            (None, None) => PathBuf::new(),
            (None, Some(_)) => return Err(usage(format!("{name} takes no value"), form.usage())),
            (Some(_), Some(value)) => PathBuf::from(value),
            (Some(_), None) => PathBuf::from(rest.next().unwrap_or_default()),
        };
        if let (Some(wanted), true) = (flag.value(), value.as_os_str().is_empty()) {
            return Err(usage(format!("{name} needs {wanted}"), form.usage()));
        }
        match flag {
            Flag::AllowRoot => self.allow_root = true,
            Flag::Config => self.config = Some(value),
            Flag::Force => self.force = true,
            Flag::Json => self.json = true,
            Flag::Output => self.output = Some(value),
            Flag::Socket => self.socket = Some(value),
            Flag::To => self.to = Some(language(&value)?),
            Flag::Uci => self.uci = Some(value),
        }
        Ok(())
    }

    fn command(self, form: &Form) -> Result<Command, Usage> {
        if self.config.is_some() && self.uci.is_some() {
            return Err(usage("--config and --uci exclude each other", form.usage()));
        }
        let reach = Reach { config: self.config.clone(), socket: self.socket };
        let config = self.config;
        let mut words = self.words.into_iter();
        let json = self.json;
        Ok(match form.name {
            "run" => Command::Run { config, allow_root: self.allow_root },
            "check" => Command::Check { config, uci: self.uci },
            "render" => Command::Render {
                uci: self.uci.unwrap_or_else(|| PathBuf::from(uci::FILE)),
                output: self.output,
            },
            "status" => Command::Status { record: words.next().map(RecordId), json, reach },
            "why" => Command::Why { record: RecordId(words.next().unwrap_or_default()), json, reach },
            "watch" => Command::Watch { config },
            "update" => Command::Update { records: words.map(RecordId).collect(), force: self.force, reach },
            "test" => Command::Test { record: RecordId(words.next().unwrap_or_default()), config },
            "providers" => Command::Providers { id: words.next(), json, config },
            "import" => Command::Import {
                client: client(&words.next().unwrap_or_default())?,
                file: PathBuf::from(words.next().unwrap_or_default()),
                to: self.to,
            },
            "luci" => Command::Luci {
                question: words.next().unwrap_or_default(),
                uci: self.uci.unwrap_or_else(|| PathBuf::from(uci::FILE)),
            },
            "version" => Command::Version,
            _ => Command::Help { topic: words.next().map(topic).transpose()? },
        })
    }
}

fn language(word: &Path) -> Result<Dialect, Usage> {
    match word.to_str() {
        Some("toml") => Ok(Dialect::Toml),
        Some("uci") => Ok(Dialect::Uci),
        _ => {
            Err(usage(format!("--to does not know {}", quoted(&word.to_string_lossy())), "write uci or toml"))
        }
    }
}

fn client(word: &str) -> Result<Client, Usage> {
    let names = Client::ALL.map(Client::name);
    Client::ALL.into_iter().find(|client| client.name() == word).ok_or_else(|| {
        let mend = nearest(word, names).map_or_else(
            || format!("known are {}", names.join(", ")),
            |name| format!("did you mean '{name}'?"),
        );
        usage(format!("no configuration of {} can be read", quoted(word)), mend)
    })
}

fn topic(word: String) -> Result<String, Usage> {
    if word == OPTIONS_TOPIC || help::form(&word).is_some() { Ok(word) } else { Err(unknown_command(&word)) }
}

fn unknown_command(name: &str) -> Usage {
    let names = FORMS.iter().map(|form| form.name);
    let kind = if name.starts_with('-') { "option" } else { "command" };
    let mend = nearest(name, names).map_or_else(
        || "wanbeacon help lists the commands".to_owned(),
        |name| format!("did you mean '{name}'?"),
    );
    usage(format!("unknown {kind} {}", quoted(name)), mend)
}

fn unknown_flag(form: &Form, name: &str) -> Usage {
    if Flag::ALL.iter().any(|flag| flag.name() == name) {
        return usage(format!("{} has no option {name}", form.name), form.usage());
    }
    let names = form.flags.iter().map(|flag| flag.name()).chain(["--help"]);
    let mend = nearest(name, names).map_or_else(|| form.usage(), |name| format!("did you mean {name}?"));
    usage(format!("unknown option {}", quoted(name)), mend)
}

fn text(word: OsString) -> Result<String, Usage> {
    word.into_string().map_err(|word| {
        let what = format!("{} is not UTF-8", quoted(&word.to_string_lossy()));
        usage(what, "a file whose name is not UTF-8 can be named as a word behind --config or --socket")
    })
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.escape_debug())
}

fn usage(what: impl Into<String>, mend: impl Into<String>) -> Usage {
    Usage { what: what.into(), mend: mend.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Command, String> {
        parse(line.split(' ').filter(|word| !word.is_empty()).map(OsString::from))
            .map_err(|usage| usage.to_string())
    }

    #[test]
    fn every_command_of_the_table_is_understood() {
        for form in FORMS {
            let needed = match form.name {
                "import" => "import inadyn -".to_owned(),
                name => name.to_owned() + &" help".repeat(form.least),
            };
            words(&needed).unwrap_or_else(|usage| panic!("{needed}: {usage}"));
            for flag in form.flags {
                let value = flag.value().unwrap_or_default().split('|').next().unwrap();
                let line = format!("{needed} {} {value}", flag.name());
                words(&line).unwrap_or_else(|usage| panic!("{line}: {usage}"));
            }
            assert_eq!(
                words(&format!("{} --help", form.name)),
                Ok(Command::Help { topic: Some(form.name.to_owned()) })
            );
        }
    }

    #[test]
    fn values_are_attached_or_follow() {
        let wanted = Ok(Command::Check { config: Some(PathBuf::from("x")), uci: None });
        assert_eq!(words("check --config x"), wanted);
        assert_eq!(words("check --config=x"), wanted);
        assert_eq!(words("check"), Ok(Command::Check { config: None, uci: None }));
        assert_eq!(words("render"), Ok(Command::Render { uci: PathBuf::from(uci::FILE), output: None }));
        assert!(words("check --config").is_err());
        assert!(words("check --config=").is_err());
        assert!(words("status --json=yes").is_err());
    }

    #[test]
    fn words_behind_two_hyphens_are_no_options() {
        let records = vec![RecordId("a".to_owned()), RecordId("--force".to_owned())];
        let wanted = Command::Update { records, force: true, reach: Reach::default() };
        assert_eq!(words("update --force a -- --force"), Ok(wanted));
    }

    #[test]
    fn slips_get_a_suggestion() {
        assert_eq!(words("chekc").unwrap_err(), "unknown command 'chekc'\n  help: did you mean 'check'?");
        assert_eq!(
            words("status --jsn").unwrap_err(),
            "unknown option '--jsn'\n  help: did you mean --json?"
        );
        assert_eq!(
            words("help stats").unwrap_err(),
            "unknown command 'stats'\n  help: did you mean 'status'?"
        );
        assert_eq!(
            words("run --json").unwrap_err(),
            "run has no option --json\n  help: wanbeacon run [--config FILE] [--allow-root]"
        );
        assert!(
            words("check --config a --uci b")
                .unwrap_err()
                .starts_with("--config and --uci exclude each other\n")
        );
        assert_eq!(
            words("import indyn x").unwrap_err(),
            "no configuration of 'indyn' can be read\n  help: did you mean 'inadyn'?"
        );
        assert_eq!(
            words("import inadyn x --to=yaml").unwrap_err(),
            "--to does not know 'yaml'\n  help: write uci or toml"
        );
        assert!(words("why").unwrap_err().starts_with("why needs RECORD\n"));
        assert!(words("why a b").unwrap_err().starts_with("'b' is one word too many for why\n"));
        assert!(words("").unwrap_err().starts_with("there is no command\n"));
    }
}
