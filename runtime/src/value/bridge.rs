//! Counting what happens at Reml's foreign-function bridge, by status. Never loses a
//! count between threads.

use core::sync::atomic::{AtomicU64, Ordering};

/// Statuses with a counter of their own; all others share the last one.
pub const STATUSES: usize = 16;

static COUNTS: [AtomicU64; STATUSES + 1] = [const { AtomicU64::new(0) }; STATUSES + 1];

/// Counts one crossing of the bridge.
#[unsafe(no_mangle)]
pub extern "C" fn reml_ffi_bridge_record_status(status: i32) {
    let index = usize::try_from(status).map_or(STATUSES, |status| status.min(STATUSES));
    if let Some(count) = COUNTS.get(index) {
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Crossings with a status; [`STATUSES`] asks for all others.
#[must_use]
pub fn recorded(status: usize) -> u64 {
    COUNTS.get(status).map_or(0, |count| count.load(Ordering::Relaxed))
}
