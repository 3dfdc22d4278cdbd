//! Whether the process has one thread, as glibc (2.32 on) tells it. Never guesses: where
//! nothing tells, the answer is no and counting is atomic.

use core::sync::atomic::{AtomicPtr, Ordering};

use crate::sys;

static UNKNOWN: u8 = 0;

/// glibc's flag once [`init`] has run. Until then no object exists that could be counted
/// but static ones, whose counts are only read.
static FLAG: AtomicPtr<u8> = AtomicPtr::new((&raw const UNKNOWN).cast_mut());

/// Finds glibc's flag.
pub fn init() {
    if let Some(flag) = sys::single_threaded_flag() {
        FLAG.store(flag.cast_mut(), Ordering::Release);
    }
}

/// Whether this is the only thread. glibc clears its flag before it starts a second one,
/// so a true answer holds until this thread itself starts another.
#[inline(always)]
pub fn alone() -> bool {
    // SAFETY: points to `UNKNOWN` or to glibc's flag, both readable for good.
    unsafe { FLAG.load(Ordering::Relaxed).read_volatile() != 0 }
}
