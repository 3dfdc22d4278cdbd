//! The clock, and the one way to wait.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds since 1970 (UTC); 0 when the clock stands before that.
#[must_use]
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// A moment of the monotonic clock, for durations.
#[must_use]
pub fn instant() -> Instant {
    Instant::now()
}

/// How far this machine's clock is ahead of `time`, in seconds.
#[must_use]
pub fn ahead_of(time: SystemTime) -> Option<i64> {
    let theirs = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    i64::try_from(unix_now()).ok()?.checked_sub_unsigned(theirs)
}

/// Waits.
pub fn sleep(duration: Duration) {
    std::thread::sleep(duration);
}
