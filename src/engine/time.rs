//! Time as the engine sees it: an argument, never a call.

use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

/// A reading of `CLOCK_BOOTTIME`: time since boot, suspend included. Comparable within one boot only.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Instant(Duration);

impl Instant {
    /// The instant this long after boot.
    #[must_use]
    pub const fn since_boot(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after boot this is.
    #[must_use]
    pub const fn as_since_boot(self) -> Duration {
        self.0
    }

    /// Time that has passed since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(rhs))
    }
}

/// The present: a monotonic instant, and the wall clock once it is plausible.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Now {
    /// Everything is scheduled by this one.
    pub monotonic: Instant,
    /// `None` while the clock is before the build date: routers boot in 1970.
    pub wall: Option<SystemTime>,
}

impl Now {
    /// Seconds of Unix time, once the clock is plausible.
    #[must_use]
    pub fn unix(&self) -> Option<u64> {
        self.wall?.duration_since(SystemTime::UNIX_EPOCH).ok().map(|d| d.as_secs())
    }
}
