//! The commands as a table: what may be written, and what each does. The parser and the help text read it.

use std::fmt::Write;

use super::words::CONFIGS;
use crate::config::options;
use crate::config::uci;

/// A flag that commands share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Flag {
    AllowRoot,
    Config,
    Force,
    Json,
    Output,
    Socket,
    To,
    Uci,
}

impl Flag {
    pub(super) const ALL: [Self; 8] = [
        Self::AllowRoot,
        Self::Config,
        Self::Force,
        Self::Json,
        Self::Output,
        Self::Socket,
        Self::To,
        Self::Uci,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AllowRoot => "--allow-root",
            Self::Config => "--config",
            Self::Force => "--force",
            Self::Json => "--json",
            Self::Output => "--output",
            Self::Socket => "--socket",
            Self::To => "--to",
            Self::Uci => "--uci",
        }
    }

    /// What stands for its value; `None`: it has none.
    pub(super) fn value(self) -> Option<&'static str> {
        match self {
            Self::Config | Self::Output | Self::Uci => Some("FILE"),
            Self::Socket => Some("PATH"),
            Self::To => Some("uci|toml"),
            Self::AllowRoot | Self::Force | Self::Json => None,
        }
    }

    fn doc(self) -> String {
        match self {
            Self::AllowRoot => "run as root too; its capabilities are given up all the same".to_owned(),
            Self::Config => {
                format!("the configuration (default: the first there is of {})", CONFIGS.join(", "))
            }
            Self::Force => "also repeat what the provider has confirmed already".to_owned(),
            Self::Json => "print JSON instead of text".to_owned(),
            Self::Output => "write to this file, mode 0600, instead of standard output".to_owned(),
            Self::Socket => "the control socket (default: control.sock in runtime_dir)".to_owned(),
            Self::To => "the language (default: uci for ddns-scripts, else toml)".to_owned(),
            Self::Uci => format!("the configuration in UCI (default: {})", uci::FILE),
        }
    }
}

/// How one command is written.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) flags: &'static [Flag],
    /// What stands for its words, with brackets around those that may be left out.
    pub(super) words: &'static str,
    pub(super) least: usize,
    pub(super) most: usize,
    summary: &'static str,
    detail: &'static str,
}

impl Form {
    /// `wanbeacon status [--json] [RECORD]`
    pub(super) fn usage(&self) -> String {
        let mut text = format!("wanbeacon {}", self.name);
        for flag in self.flags {
            let value = flag.value().map_or_else(String::new, |value| format!(" {value}"));
            let _ = write!(text, " [{}{value}]", flag.name());
        }
        if !self.words.is_empty() {
            let _ = write!(text, " {}", self.words);
        }
        text
    }
}

/// A command's form by name.
pub(super) fn form(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.name == name)
}

/// The help of everything, of one command, or of the options of the configuration.
pub(super) fn text(topic: Option<&str>) -> Option<String> {
    match topic {
        None => Some(overview()),
        Some(OPTIONS_TOPIC) => Some(options::plain()),
        Some(name) => form(name).map(command),
    }
}

fn overview() -> String {
    let mut text = "wanbeacon: the kernel announces a new address, the name follows\n\n".to_owned();
    for form in FORMS {
        let _ = writeln!(text, "  {:<10} {}", form.name, form.summary);
    }
    text.push_str(
        "\nwanbeacon COMMAND --help says more about a command, wanbeacon help options about the configuration.\n\
         Exit status: 0 done, 1 failed, 2 wrong usage or configuration.\n",
    );
    text
}

fn command(form: &Form) -> String {
    let mut text = format!("{}\n\n{}\n", form.usage(), form.detail);
    if !form.flags.is_empty() {
        text.push('\n');
    }
    for flag in form.flags {
        let left =
            flag.value().map_or_else(|| flag.name().to_owned(), |value| format!("{} {value}", flag.name()));
        let _ = writeln!(text, "  {left:<14} {}", flag.doc());
    }
    text
}

/// The topic of `help` that is no command.
pub(super) const OPTIONS_TOPIC: &str = "options";

/// All commands, in the order in which a user meets them.
pub(super) const FORMS: &[Form] = &[
    Form {
        name: "run",
        flags: &[Flag::Config, Flag::AllowRoot],
        words: "",
        least: 0,
        most: 0,
        summary: "keep the names up to date, in the foreground",
        detail: "Follows the addresses of the devices and keeps the records up to date until it is told to stop.\n\
                 SIGHUP reads the configuration again; a configuration with mistakes is not taken over.\n\
                 It runs in a sandbox, which 'wanbeacon status' shows, and not as root unless that is wanted.",
    },
    Form {
        name: "check",
        flags: &[Flag::Config, Flag::Uci],
        words: "",
        least: 0,
        most: 0,
        summary: "name every mistake in the configuration",
        detail: "Reads the configuration and its password files, and prints every mistake with its place and its mend.\n\
                 Exit status 0: it is valid; 2: it is not. Without --config and --uci, the UCI file is read where it is the\n\
                 only one there is.",
    },
    Form {
        name: "render",
        flags: &[Flag::Uci, Flag::Output],
        words: "",
        least: 0,
        most: 0,
        summary: "UCI as TOML, as the agent reads it on OpenWrt",
        detail: "Reads a configuration in UCI and writes the same in TOML, with OpenWrt's directories and with the passwords\n\
                 of its password files. A file is replaced whole, and only by a valid configuration; if root writes it, it\n\
                 belongs to the owner of its directory.",
    },
    Form {
        name: "status",
        flags: &[Flag::Json, Flag::Config, Flag::Socket],
        words: "[RECORD]",
        least: 0,
        most: 1,
        summary: "what is published, since when, what is next",
        detail: "Asks the running agent what it has published.",
    },
    Form {
        name: "why",
        flags: &[Flag::Json, Flag::Config, Flag::Socket],
        words: "RECORD",
        least: 1,
        most: 1,
        summary: "which addresses were weighed, what was said to the provider",
        detail: "Asks the running agent for the story of the last change of a record. Secrets are shown as ***.",
    },
    Form {
        name: "watch",
        flags: &[Flag::Config],
        words: "",
        least: 0,
        most: 0,
        summary: "live address events as the agent sees and judges them",
        detail: "Prints each change of the address that a record would publish, and why the others are not.\n\
                 Needs no running agent and sends nothing.",
    },
    Form {
        name: "update",
        flags: &[Flag::Force, Flag::Config, Flag::Socket],
        words: "[RECORD…]",
        least: 0,
        most: usize::MAX,
        summary: "publish now what is due; also un-parks",
        detail: "Tells the running agent to publish now what is due, also after a refusal. Without RECORD: all records.",
    },
    Form {
        name: "test",
        flags: &[Flag::Config],
        words: "RECORD",
        least: 1,
        most: 1,
        summary: "the request it would send now, and what the provider expects",
        detail: "Prints the request for the addresses that the devices have now, with secrets as ***. Sends nothing.",
    },
    Form {
        name: "providers",
        flags: &[Flag::Json, Flag::Config],
        words: "[ID]",
        least: 0,
        most: 1,
        summary: "the catalogue of providers",
        detail: "Lists the providers and what each needs, those that are gone at the end; or all about one of them, with a record to\n\
                 copy. Entries of your own, in the directory that the configuration names, are marked (yours).",
    },
    Form {
        name: "import",
        flags: &[Flag::To],
        words: "ddns-scripts|inadyn|ddclient|fritzbox FILE",
        least: 2,
        most: 2,
        summary: "another client's configuration as one of wanbeacon's",
        detail: "Prints a configuration, and beside each record what could not be carried over and why. FILE may be - for\n\
                 standard input. It holds the same passwords: (umask 077; wanbeacon import inadyn FILE > wanbeacon.toml)\n\
                 For fritzbox, FILE is the update URL and lines domain = …, user = …, password = ….",
    },
    Form {
        name: "luci",
        flags: &[Flag::Uci],
        words: "config|check|providers|import|take-over",
        least: 1,
        most: 1,
        summary: "what LuCI's page asks: JSON in, JSON out",
        detail: "Reads one JSON object from standard input and answers with another. No answer holds a secret.",
    },
    Form {
        name: "version",
        flags: &[],
        words: "",
        least: 0,
        most: 0,
        summary: "name, version and target",
        detail: "Prints name, version and the target it was built for.",
    },
    Form {
        name: "help",
        flags: &[],
        words: "[COMMAND | options]",
        least: 0,
        most: 1,
        summary: "this text, or more about a command or the options",
        detail: "Explains the commands, one command, or the options of the configuration.",
    },
];
