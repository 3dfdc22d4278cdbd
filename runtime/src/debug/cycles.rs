//! Objects that only cycles keep alive: references from live objects are subtracted from
//! each count; what is then counted from outside, and all it reaches, is in use; the rest
//! is not. Never frees anything.

use core::sync::atomic::Ordering;

use super::{Record, STATE, State, children, object_of, record_of};
use crate::count::IMMORTAL;
use crate::object;

/// Marks what is reachable from outside in `reached`; how many objects are not.
pub fn find(state: &State) -> u64 {
    for record in state.records() {
        // SAFETY: a live record; the caller holds the lock.
        unsafe {
            (*record).internal = 0;
            (*record).reached = false;
        }
    }
    for record in state.records() {
        each_child(state, record, |child| child.internal += 1);
    }
    for record in state.records() {
        // SAFETY: as above.
        unsafe {
            let count = object::header(object_of(record)).refcount.load(Ordering::Relaxed);
            (*record).reached = count >= IMMORTAL || u64::from(count) > (*record).internal;
        }
    }
    // Spread from the reached ones until nothing changes: quadratic in the depth at worst,
    // but without memory of its own.
    let mut changed = true;
    while changed {
        changed = false;
        for record in state.records() {
            // SAFETY: as above.
            if unsafe { (*record).reached } {
                each_child(state, record, |child| {
                    changed |= !child.reached;
                    child.reached = true;
                });
            }
        }
    }
    // SAFETY: as above.
    state.records().filter(|&record| !unsafe { (*record).reached }).count() as u64
}

/// Calls back for each child of a live object that is a live object itself.
fn each_child(state: &State, record: *mut Record, mut each: impl FnMut(&mut Record)) {
    // SAFETY: a live record; its payload is as its tag says.
    let (slots, count) = unsafe { children(object_of(record)) };
    for index in 0..count {
        // SAFETY: `children` says how many slots there are.
        let child = unsafe { *slots.add(index) };
        if !object::is_followed(child) || !is_live(state, child) {
            continue;
        }
        // SAFETY: it is in the list of live records.
        each(unsafe { &mut *record_of(child) });
    }
}

/// Whether a pointer is a live object of ours: its record must say so, in memory that the
/// kernel lets us read.
fn is_live(_: &State, child: *mut u8) -> bool {
    let mut state = [0; 8];
    let record = record_of(child).cast::<u8>();
    crate::sys::copy_foreign(record, &mut state) == 8 && u64::from_ne_bytes(state) == super::ALIVE
}

/// Counts them, for the report.
pub fn count() -> u64 {
    STATE.with(|state| find(state))
}
