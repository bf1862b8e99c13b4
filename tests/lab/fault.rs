//! The ways in which a provider behaves, one at a time, each with a name for command lines and tables.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How the provider behaves from the next connection on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mode {
    /// `abuse`: blocked for good.
    Abuse,
    /// The update is applied, but the connection is reset before the answer: the client cannot know.
    AppliedThenReset,
    /// `badauth` with status 200, as the dyndns2 protocol has it.
    BadAuth,
    /// `badauth` with status 401, as HTTP has it.
    BadAuth401,
    /// A body of 1 GiB that begins with `good`.
    Big,
    /// A captive portal: status 200 and a page that says "log in".
    Captive,
    /// A captive portal whose page contains the word "good".
    CaptiveGood,
    /// A certificate whose last day was in 2021.
    CertificateExpired,
    /// A certificate whose first day is in 2090: what a router sees whose clock has not been set.
    CertificateNotYetValid,
    /// A certificate of an authority that the client does not know.
    CertificateOtherAuthority,
    /// A certificate for another name.
    CertificateWrongName,
    /// The header, then a byte a second for ever.
    Drip,
    /// Status 200 and no body.
    Empty,
    /// Updates are accepted.
    Good,
    /// The connection is accepted, and then nothing.
    HangAfterAccept,
    /// Half a header, and then nothing.
    HangHeaders,
    /// Status 429 with `Retry-After` in seconds.
    Http429(Duration),
    /// Status 500.
    Http500,
    /// `911`: try again in 30 minutes.
    Http911,
    /// `nohost`: no such name in this account.
    NoHost,
    /// Status 302 to this URL.
    Redirect(String),
    /// The connection is reset as soon as it is there.
    ResetAccept,
    /// The request is read, then the connection is reset; nothing is applied.
    ResetAfterRequest,
    /// Accepted at once, answered after this time.
    Slow(Duration),
    /// A body shorter than its `Content-Length`: `go`, the first half of an answer.
    Truncated,
}

/// Modes that need no argument, by name.
const NAMES: [(&str, Mode); 22] = [
    ("911", Mode::Http911),
    ("abuse", Mode::Abuse),
    ("applied-then-reset", Mode::AppliedThenReset),
    ("badauth", Mode::BadAuth),
    ("badauth401", Mode::BadAuth401),
    ("big", Mode::Big),
    ("captive", Mode::Captive),
    ("captive-good", Mode::CaptiveGood),
    ("certificate-expired", Mode::CertificateExpired),
    ("certificate-not-yet-valid", Mode::CertificateNotYetValid),
    ("certificate-other-authority", Mode::CertificateOtherAuthority),
    ("certificate-wrong-name", Mode::CertificateWrongName),
    ("drip", Mode::Drip),
    ("empty", Mode::Empty),
    ("good", Mode::Good),
    ("hang-after-accept", Mode::HangAfterAccept),
    ("hang-headers", Mode::HangHeaders),
    ("http500", Mode::Http500),
    ("nohost", Mode::NoHost),
    ("reset-accept", Mode::ResetAccept),
    ("reset-after-request", Mode::ResetAfterRequest),
    ("truncated", Mode::Truncated),
];

impl Mode {
    /// Every mode once, those with an argument with a usual one.
    pub fn all() -> Vec<Self> {
        let usual = [Self::Http429(Duration::from_secs(600)), Self::Slow(Duration::from_millis(500))];
        let redirect = Self::Redirect("http://192.0.2.1/".to_owned());
        NAMES.into_iter().map(|(_, mode)| mode).chain(usual).chain([redirect]).collect()
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = NAMES.iter().find(|(_, mode)| mode == self) {
            return f.write_str(name);
        }
        if let Self::Http429(pause) = self {
            return write!(f, "http429:{}", pause.as_secs());
        }
        if let Self::Slow(delay) = self {
            return write!(f, "slow:{}", delay.as_millis());
        }
        if let Self::Redirect(url) = self {
            return write!(f, "redirect:{url}");
        }
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Mode {
    type Err = String;

    /// `http429:SECONDS`, `slow:MILLISECONDS`, `redirect:URL`, or a plain name.
    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("no such mode: {text}");
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| unknown());
        match text.split_once(':') {
            Some(("http429", secs)) => Ok(Self::Http429(Duration::from_secs(number(secs)?))),
            Some(("slow", ms)) => Ok(Self::Slow(Duration::from_millis(number(ms)?))),
            Some(("redirect", url)) => Ok(Self::Redirect(url.to_owned())),
            _ => NAMES.into_iter().find(|(name, _)| *name == text).map(|(_, mode)| mode).ok_or_else(unknown),
        }
    }
}
