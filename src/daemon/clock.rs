//! The one place that reads clocks and arms timers.
//!
//! Everything is scheduled on `CLOCK_BOOTTIME`; the wall clock is only shown, and waited for while it is implausible.
//! A timer costs a system call when its instant changes and a wake-up when it rings, nothing in between.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{self, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time::{ClockId, clock_gettime};
use tokio::io::unix::AsyncFd;

use super::readiness::readable;
use crate::engine::{Instant, Now};

/// 2026-01-01T00:00:00Z: a wall clock that shows an earlier time was never set. Our judgement; advance it with a release.
pub const BUILD_NOT_BEFORE: Duration = Duration::from_secs(1_767_225_600);

/// 2038-01-19 on the wall clock, 68 years after the boot on the other: the latest that a 32-bit `timespec` can say.
const LATEST: Duration = Duration::from_secs(0x7fff_ffff);

/// Reads both clocks.
#[must_use]
pub fn now() -> Now {
    let wall = read(ClockId::CLOCK_REALTIME);
    Now { monotonic: monotonic(), wall: (wall >= BUILD_NOT_BEFORE).then(|| SystemTime::UNIX_EPOCH + wall) }
}

/// Reads `CLOCK_BOOTTIME` alone.
#[must_use]
pub fn monotonic() -> Instant {
    Instant::since_boot(read(ClockId::CLOCK_BOOTTIME))
}

/// Seconds of Unix time, also of a clock that was never set.
#[must_use]
pub fn unix() -> u64 {
    read(ClockId::CLOCK_REALTIME).as_secs()
}

/// The kernel's name for this boot (Documentation/admin-guide/sysctl/kernel.rst, `random`): instants of another boot
/// mean nothing.
#[must_use]
pub fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = id.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

/// Year, month and day of a day since 1970-01-01 in the Gregorian calendar: whole 400-year cycles first, then years
/// and months that are counted from March, so that the leap day is the last of its year.
#[must_use]
pub fn date(days: u64) -> (u64, u64, u64) {
    const CYCLE: u64 = 146_097;
    // 0000-03-01 is 719 468 days before 1970-01-01.
    let since_march = days.saturating_add(719_468);
    let (cycle, day) = (since_march / CYCLE, since_march % CYCLE);
    let year_of_cycle = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    (cycle * 400 + year_of_cycle + year, month, day_of_month)
}

/// One timer on the monotonic clock.
#[derive(Debug)]
pub struct Alarm {
    timer: AsyncFd<Timer>,
    armed: Option<Instant>,
}

impl Alarm {
    /// Makes an alarm that is not set.
    ///
    /// # Errors
    ///
    /// The kernel's, if it gives no timer.
    pub fn new() -> io::Result<Self> {
        Ok(Self { timer: timer(timerfd::ClockId::CLOCK_BOOTTIME)?, armed: None })
    }

    /// Sets the instant at which it rings (at once, if it has passed), or silences it. Free if nothing changes.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn set(&mut self, at: Option<Instant>) -> io::Result<()> {
        if self.armed == at {
            return Ok(());
        }
        // Zero would silence it: an instant before the first nanosecond rings at the first.
        let value = at.map_or(Duration::ZERO, |at| at.as_since_boot().max(Duration::from_nanos(1)));
        self.timer.get_ref().set(value, TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
        self.armed = at;
        Ok(())
    }

    /// Whether it will not ring.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.armed.is_none()
    }

    /// Waits for the instant; for ever, if none is set. It rings once. Cancel-safe.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub async fn rung(&mut self) -> io::Result<()> {
        ticked(&self.timer).await?;
        self.armed = None;
        Ok(())
    }
}

/// Notices that somebody (NTP, the user, the LuCI page) sets the wall clock; asleep for good once it is plausible.
#[derive(Debug)]
pub struct ClockWatch {
    timer: Option<AsyncFd<Timer>>,
}

impl ClockWatch {
    /// Starts to watch, unless the wall clock is plausible already.
    ///
    /// # Errors
    ///
    /// The kernel's, if it gives no timer.
    pub fn new() -> io::Result<Self> {
        if now().wall.is_some() {
            return Ok(Self { timer: None });
        }
        let timer = timer(timerfd::ClockId::CLOCK_REALTIME)?;
        watch(&timer)?;
        Ok(Self { timer: Some(timer) })
    }

    /// Resolves the instant that the wall clock becomes plausible; never, if it was at the start. Cancel-safe.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub async fn set(&mut self) -> io::Result<()> {
        while let Some(timer) = &self.timer {
            if now().wall.is_some() {
                self.timer = None;
                return Ok(());
            }
            match ticked(timer).await {
                Err(error) if error.raw_os_error() == Some(Errno::ECANCELED as i32) => watch(timer)?,
                outcome => outcome?,
            }
        }
        std::future::pending().await
    }
}

/// A timerfd for tokio, which asks for the number of the descriptor.
#[derive(Debug)]
struct Timer(TimerFd);

impl Timer {
    fn set(&self, at: Duration, flags: TimerSetTimeFlags) -> nix::Result<()> {
        self.0.set(Expiration::OneShot(TimeSpec::from_duration(at.min(LATEST))), flags)
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// TFD_TIMER_CANCEL_ON_SET (timerfd_create(2)): reading fails with ECANCELED once the clock has been set.
fn watch(timer: &AsyncFd<Timer>) -> io::Result<()> {
    let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
    match timer.get_ref().set(LATEST, flags) {
        // The clock was set since: the timer is armed all the same, and who waits looks at the clock next.
        Ok(()) | Err(Errno::ECANCELED) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn timer(clock: timerfd::ClockId) -> io::Result<AsyncFd<Timer>> {
    readable(Timer(TimerFd::new(clock, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?))
}

async fn ticked(timer: &AsyncFd<Timer>) -> io::Result<()> {
    loop {
        let mut ready = timer.readable().await?;
        let mut ticks = [0_u8; 8];
        match ready.try_io(|timer| Ok(rustix::io::read(&timer.get_ref().0, &mut ticks)?)) {
            Ok(read) => return read.map(drop),
            Err(_nothing_yet) => {}
        }
    }
}

/// Zero for a clock that shows a time before its epoch. Both clocks are older than any kernel that we run on.
fn read(clock: ClockId) -> Duration {
    let Ok(reading) = clock_gettime(clock) else { return Duration::ZERO };
    let nanos = u32::try_from(reading.tv_nsec()).unwrap_or(0);
    u64::try_from(reading.tv_sec()).map_or(Duration::ZERO, |secs| Duration::new(secs, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_runs_and_the_wall_clock_of_a_builder_is_plausible() {
        let first = now();
        let second = now();
        assert!(second.monotonic >= first.monotonic);
        assert!(first.wall.is_some());
    }

    #[test]
    fn an_alarm_rings_once_at_its_instant() {
        run(async {
            let mut alarm = Alarm::new().unwrap();
            let start = monotonic();
            let at = start + Duration::from_millis(20);
            alarm.set(Some(at)).unwrap();
            alarm.set(Some(at)).unwrap();
            alarm.rung().await.unwrap();
            assert!(monotonic() >= at);
            assert!(tokio::time::timeout(Duration::from_millis(30), alarm.rung()).await.is_err());
        });
    }

    #[test]
    fn an_alarm_that_is_silenced_after_it_was_due_does_not_ring() {
        run(async {
            let mut alarm = Alarm::new().unwrap();
            alarm.set(Some(Instant::default())).unwrap();
            alarm.set(None).unwrap();
            assert!(tokio::time::timeout(Duration::from_millis(30), alarm.rung()).await.is_err());
            alarm.set(Some(Instant::default())).unwrap();
            alarm.rung().await.unwrap();
        });
    }

    #[test]
    fn an_alarm_of_the_far_future_is_silent_until_then() {
        run(async {
            let mut alarm = Alarm::new().unwrap();
            alarm.set(Some(Instant::since_boot(Duration::MAX))).unwrap();
            assert!(tokio::time::timeout(Duration::from_millis(10), alarm.rung()).await.is_err());
        });
    }

    #[test]
    fn a_watch_over_a_plausible_clock_sleeps() {
        run(async {
            let mut watch = ClockWatch::new().unwrap();
            assert!(tokio::time::timeout(Duration::from_millis(10), watch.set()).await.is_err());
        });
    }

    #[test]
    fn a_boot_has_a_name() {
        assert_eq!(boot_id().map(|id| id.len()), Some(36));
    }

    fn run(future: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
    }
}
