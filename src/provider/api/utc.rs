//! An instant as the calendar writes it, in UTC.

use std::fmt;

/// Date and time of day.
pub(super) struct Utc {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    /// From Thursday, which 1 January 1970 was.
    weekday: u64,
}

impl Utc {
    /// `now`: seconds since 1970.
    pub(super) fn at(now: u64) -> Self {
        const DAY: u64 = 86_400;
        /// From 1 March of year 0 to 1970.
        const EPOCH_DAYS: u64 = 719_468;
        /// 400 years.
        const ERA_DAYS: u64 = 146_097;
        // Years begin in March here, so that the leap day is the last of its year.
        let days = now / DAY + EPOCH_DAYS;
        let (era, day) = (days / ERA_DAYS, days % ERA_DAYS);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let time = now % DAY;
        Self {
            year: era * 400 + year + u64::from(month >= 10),
            month: if month < 10 { month + 3 } else { month - 9 },
            day: day - (153 * month + 2) / 5 + 1,
            hour: time / 3_600,
            minute: time / 60 % 60,
            second: time % 60,
            weekday: now / DAY % 7,
        }
    }

    /// `2026-01-01`.
    pub(super) fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// `20260101T000000Z` (ISO 8601, basic format).
    pub(super) fn basic(&self) -> String {
        self.to_string().replace(['-', ':'], "")
    }

    /// `Thu, 01 Jan 2026 00:00:00 GMT` (RFC 9110 section 5.6.7).
    pub(super) fn http(&self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let (weekday, month) = (nth(&DAYS, self.weekday), nth(&MONTHS, self.month.saturating_sub(1)));
        let Self { year, day, hour, minute, second, .. } = self;
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

/// `2026-01-01T00:00:00Z` (ISO 8601, extended format).
impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{:02}:{:02}:{:02}Z", self.date(), self.hour, self.minute, self.second)
    }
}

fn nth(names: &[&'static str], number: u64) -> &'static str {
    usize::try_from(number).ok().and_then(|number| names.get(number)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_days_and_the_ends_of_years_are_where_the_calendar_has_them() {
        // `date -u -d @…`
        for (now, written) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (1_767_225_600, "2026-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(Utc::at(now).to_string(), written);
        }
    }

    #[test]
    fn each_scheme_finds_its_spelling() {
        let utc = Utc::at(784_111_777);
        assert_eq!(utc.date(), "1994-11-06");
        assert_eq!(utc.basic(), "19941106T084937Z");
        // The example of RFC 9110 section 5.6.7.
        assert_eq!(utc.http(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
