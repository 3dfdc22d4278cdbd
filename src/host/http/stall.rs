//! The watchdog over slow transfers: a floor on the rate, never a limit on the whole time. Pure:
//! the time spent comes in as a value.

use std::time::Duration;

/// What counts as standing still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// The least rate, in bytes a second.
    pub floor: u64,
    /// Over which time the rate is taken; silence of this length is a stall too.
    pub window: Duration,
}

impl Default for Stall {
    /// Under 1 KiB/s for 30 s.
    fn default() -> Self {
        Self { floor: 1024, window: Duration::from_secs(30) }
    }
}

/// The running measurement of one transfer.
#[derive(Debug)]
pub(super) struct Watchdog {
    rule: Stall,
    spent: Duration,
    bytes: u64,
}

impl Watchdog {
    pub(super) const fn new(rule: Stall) -> Self {
        Self { rule, spent: Duration::ZERO, bytes: 0 }
    }

    /// Notes that waiting `spent` on the network brought `bytes`; false when that is a stall.
    pub(super) fn note(&mut self, spent: Duration, bytes: u64) -> bool {
        self.spent += spent;
        self.bytes += bytes;
        if self.spent < self.rule.window {
            return true;
        }
        // In thousandths, so that windows under a second count too.
        let least = u128::from(self.rule.floor) * self.spent.as_millis() / 1000;
        let alive = u128::from(self.bytes) >= least;
        (self.spent, self.bytes) = (Duration::ZERO, 0);
        alive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g10_a_drip_is_a_stall_and_a_slow_line_is_not() {
        let second = Duration::from_secs(1);
        let mut drip = Watchdog::new(Stall::default());
        let alive = (0..30).take_while(|_| drip.note(second, 1)).count();
        assert_eq!(alive, 29);
        let mut slow = Watchdog::new(Stall::default());
        assert!((0..10_000).all(|_| slow.note(second, 1024)));
    }

    #[test]
    fn g10_silence_after_a_fast_start_is_a_stall_in_the_next_window() {
        let mut dog = Watchdog::new(Stall::default());
        assert!(dog.note(Duration::from_secs(30), 10_000_000));
        assert!(!dog.note(Duration::from_secs(30), 10));
    }
}
