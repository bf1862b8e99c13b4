//! One line per thing that a user cares about: to syslog as a service, to standard error elsewhere.

use std::io::{IsTerminal, Write, stderr};

use syslog::{Facility, Formatter3164, Logger, LoggerBackend};

use super::sandbox;
use crate::config::LogLevel;

/// Longest text of one line in bytes. OpenWrt's logd cuts a datagram at 1023, headers included.
const LINE_MAX: usize = 900;

/// Where lines go, and which.
pub(super) struct Log {
    sink: Sink,
    level: LogLevel,
}

enum Sink {
    Stderr,
    /// `None`: nobody took the last line.
    Syslog(Option<Box<Logger<LoggerBackend, Formatter3164>>>),
}

impl Log {
    /// A service is what the init process or a jail of procd has started without a terminal: it logs to syslog.
    #[must_use]
    pub(super) fn new() -> Self {
        let is_service =
            sandbox::in_jail() || rustix::process::getppid().is_some_and(rustix::process::Pid::is_init);
        let sink = if is_service && !stderr().is_terminal() { Sink::Syslog(None) } else { Sink::Stderr };
        Self { sink, level: LogLevel::Info }
    }

    /// What is less important than `level` is not written.
    pub(super) fn set_level(&mut self, level: LogLevel) {
        self.level = level;
    }

    /// Writes one line, if it is important enough. Nothing can be done about a line that cannot be written.
    pub(super) fn write(&mut self, level: LogLevel, text: &str) {
        if level > self.level {
            return;
        }
        let text = one_line(text);
        if let Sink::Syslog(log) = &mut self.sink {
            let takes = |log: &mut Logger<_, _>| send(log, level, &text).is_ok();
            if log.as_deref_mut().is_some_and(takes) {
                return;
            }
            // logd was restarted and has made its socket anew; one that was mounted into a jail is dead for good.
            *log = connect().map(Box::new);
            if log.as_deref_mut().is_some_and(takes) {
                return;
            }
        }
        // In one piece: standard error is not buffered, and others may write there too. procd hands it to logd.
        let _ = stderr().write_all(format!("{}: {text}\n", word(level)).as_bytes());
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

/// RFC 3164 without a host name: logd would show it as part of the text.
fn connect() -> Option<Logger<LoggerBackend, Formatter3164>> {
    let process = env!("CARGO_PKG_NAME").to_owned();
    let formatter =
        Formatter3164 { facility: Facility::LOG_DAEMON, hostname: None, process, pid: std::process::id() };
    syslog::unix(formatter).ok()
}

fn send(log: &mut Logger<LoggerBackend, Formatter3164>, level: LogLevel, text: &str) -> syslog::Result<()> {
    match level {
        LogLevel::Error => log.err(text),
        LogLevel::Warning => log.warning(text),
        LogLevel::Notice => log.notice(text),
        LogLevel::Info => log.info(text),
        LogLevel::Debug => log.debug(text),
    }
}

fn word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warning => "warning",
        LogLevel::Notice => "notice",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
    }
}

/// Nothing that a provider says may break a line or a terminal.
fn one_line(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() > LINE_MAX {
        let cut = (0..=LINE_MAX).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        line.truncate(cut);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_and_short_enough_for_logd() {
        assert_eq!(one_line("badauth\n\u{1b}[31mred"), "badauth  [31mred");
        let long = one_line(&"ü".repeat(1000));
        assert!(long.len() <= LINE_MAX + '…'.len_utf8(), "{}", long.len());
        assert!(long.ends_with("ü…"));
    }
}
