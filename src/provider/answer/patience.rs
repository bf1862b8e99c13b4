//! How long a reply asks to be left alone.

use std::time::Duration;

use super::super::Reply;

/// A longer wish is not believed; our judgement.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date. A date is counted from the reply's own `Date`, so that
/// no clock of ours takes part.
pub(super) fn retry_after(reply: &Reply) -> Option<Duration> {
    let field = |name| reply.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    let (_, wish) = field("retry-after")?;
    let wish = wish.trim();
    let seconds = if !wish.is_empty() && wish.bytes().all(|b| b.is_ascii_digit()) {
        wish.parse().unwrap_or(u64::MAX)
    } else {
        let (_, now) = field("date")?;
        date(wish)?.saturating_sub(date(now)?)
    };
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// Seconds since 1970 of an IMF-fixdate (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
fn date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.trim().split_once(", ")?;
    let mut words = rest.split_ascii_whitespace();
    let day: u64 = words.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let month = words.next()?;
    let month = MONTHS.iter().zip(1_u64..).find(|(name, _)| **name == month)?.1;
    let year: u64 = words.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let mut clock = words.next()?.split(':').map(|n| n.parse::<u64>().ok().filter(|n| *n <= 60));
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if words.next() != Some("GMT") || clock.next().is_some() {
        return None;
    }
    // Days from 1 March of year 0, so that the leap day is the last of its year.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    const EPOCH_DAYS: u64 = 719_468;
    Some(((days - EPOCH_DAYS) * 24 + hour) * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(fields: &[(&str, &str)]) -> Option<u64> {
        let headers = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        retry_after(&Reply { headers, ..Reply::default() }).map(|wish| wish.as_secs())
    }

    #[test]
    fn seconds_are_taken_as_they_are() {
        assert_eq!(asked(&[("retry-after", " 120 ")]), Some(120));
    }

    #[test]
    fn a_date_is_counted_from_the_date_of_the_reply() {
        let fields =
            [("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 09:00:00 GMT")];
        assert_eq!(asked(&fields), Some(623));
        assert_eq!(asked(&fields[1..]), None);
    }

    #[test]
    fn dates_count_from_1970() {
        assert_eq!(date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(date("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        assert_eq!(date("tomorrow"), None);
    }

    #[test]
    fn an_endless_wish_ends_after_a_week() {
        assert_eq!(asked(&[("retry-after", "99999999999999999999999")]), Some(604_800));
        assert_eq!(asked(&[("retry-after", "-1")]), None);
    }
}
