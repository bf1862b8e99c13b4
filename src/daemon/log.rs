//! One line per thing that a user cares about: to syslog as a service, to standard error elsewhere.

use std::io::{IsTerminal, Write, stderr};

use syslog::{Facility, LogFormat, Logger, LoggerBackend, Severity};

use super::{clock, sandbox};
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
    Syslog(Option<Box<Logger<LoggerBackend, Rfc3164>>>),
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

/// RFC 3164 without a host name: logd would show it as part of the text. The library's own formatter would bring a
/// calendar library into the program.
#[derive(Clone, Copy)]
struct Rfc3164;

impl LogFormat<&str> for Rfc3164 {
    fn format<W: Write>(&self, to: &mut W, severity: Severity, text: &str) -> syslog::Result<()> {
        let priority = Facility::LOG_DAEMON as u8 | severity as u8;
        let (name, process) = (env!("CARGO_PKG_NAME"), std::process::id());
        let line = format!("<{priority}>{} {name}[{process}]: {text}", timestamp(clock::unix()));
        // In one piece: each write is a datagram.
        to.write_all(line.as_bytes()).map_err(syslog::Error::Write)
    }
}

/// `Nov  9 07:05:03`, RFC 3164 section 4.1.2, in UTC: daemons that keep the log put their own in its place. logd takes 16
/// characters away when the last of them is a blank, so it has to be there and this long.
fn timestamp(unix: u64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, month, day) = clock::date(unix / 86_400);
    let month = MONTHS.iter().zip(1..).find_map(|(name, number)| (number == month).then_some(*name));
    let (hour, minute, second) = (unix / 3_600 % 24, unix / 60 % 60, unix % 60);
    format!("{} {day:2} {hour:02}:{minute:02}:{second:02}", month.unwrap_or("Jan"))
}

fn connect() -> Option<Logger<LoggerBackend, Rfc3164>> {
    syslog::unix(Rfc3164).ok()
}

fn send(log: &mut Logger<LoggerBackend, Rfc3164>, level: LogLevel, text: &str) -> syslog::Result<()> {
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
    fn a_message_has_priority_time_of_fifteen_characters_and_tag() {
        let mut message = Vec::new();
        Rfc3164.format(&mut message, Severity::LOG_NOTICE, "published").unwrap();
        let message = String::from_utf8(message).unwrap();
        // Facility 3 and severity 5, RFC 3164 section 4.1.1.
        assert!(message.starts_with("<29>"), "{message}");
        let tag = format!(" wanbeacon[{}]: published", std::process::id());
        assert_eq!(&message[4 + 15..], tag);
        assert_eq!(timestamp(0), "Jan  1 00:00:00");
        assert_eq!(timestamp(951_782_399), "Feb 28 23:59:59");
        assert_eq!(timestamp(4_107_542_399), "Feb 28 23:59:59");
        assert_eq!(timestamp(1_798_761_599), "Dec 31 23:59:59");
    }

    #[test]
    fn a_line_stays_one_line_and_short_enough_for_logd() {
        assert_eq!(one_line("badauth\n\u{1b}[31mred"), "badauth  [31mred");
        let long = one_line(&"ü".repeat(1000));
        assert!(long.len() <= LINE_MAX + '…'.len_utf8(), "{}", long.len());
        assert!(long.ends_with("ü…"));
    }
}
