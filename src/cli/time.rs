//! Times for people, whatever the locale.

use std::time::{Duration, SystemTime};

use crate::daemon::clock;

/// Seconds of Unix time as `2026-11-22 23:10:05 UTC`.
pub(super) fn utc(unix_secs: u64) -> String {
    let (days, rest) = (unix_secs / DAY, unix_secs % DAY);
    let (year, month, day) = clock::date(days);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// How long ago `unix_secs` was; `None` if the clock is not set or stands before it.
pub(super) fn age(unix_secs: u64, wall: Option<SystemTime>) -> Option<String> {
    let then = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(unix_secs))?;
    wall?.duration_since(then).ok().map(span)
}

/// A length of time in its two greatest units.
pub(super) fn span(length: Duration) -> String {
    let secs = length.as_secs();
    match secs {
        0 => format!("{} ms", length.as_millis()),
        1..60 => format!("{secs} s"),
        60..3_600 => two(secs, 60, "min", 1, "s"),
        3_600..DAY => two(secs, 3_600, "h", 60, "min"),
        _ => two(secs, DAY, "d", 3_600, "h"),
    }
}

/// Milliseconds with one decimal. By way of whole microseconds: code that writes any number of type f64 is nine kilobytes.
pub(super) fn tenths(ms: f64) -> String {
    let micros = Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default().as_micros() + 50;
    format!("{}.{}", micros / 1_000, micros / 100 % 10)
}

fn two(secs: u64, great: u64, great_name: &str, small: u64, small_name: &str) -> String {
    match secs % great / small {
        0 => format!("{} {great_name}", secs / great),
        rest => format!("{} {great_name} {rest} {small_name}", secs / great),
    }
}

const DAY: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_399), "2000-02-28 23:59:59 UTC");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_767_225_599), "2025-12-31 23:59:59 UTC");
        assert_eq!(utc(4_107_542_400), "2100-03-01 00:00:00 UTC");
        let _ = utc(u64::MAX);
    }

    #[test]
    fn lengths_have_two_units() {
        let shown = [0, 59, 60, 61, 3_600, 3_661, 90_000].map(|secs| span(Duration::from_secs(secs)));
        assert_eq!(shown, ["0 ms", "59 s", "1 min", "1 min 1 s", "1 h", "1 h 1 min", "1 d 1 h"]);
        let wall = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(100));
        assert_eq!(age(40, wall).as_deref(), Some("1 min"));
        assert_eq!(age(140, wall), None);
    }
}
