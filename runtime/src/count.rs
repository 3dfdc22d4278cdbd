//! The reference count as a state machine, written once for the real atomics and for
//! the model checker. Never touches the object behind the count.
//!
//! | value | state |
//! |---|---|
//! | 0 | dead: released, or never an object |
//! | 1 … `0x7fff_fffe` | live, that many references |
//! | `0x7fff_ffff` | overflowing: the thread that wrote it is about to saturate it |
//! | `0x8000_0000` … | immortal (static data) or saturated (`0xc000_0000`) |
//!
//! **Orderings.** Taking a reference needs none: the taker already has one. Giving one
//! back releases the giver's writes; the thread that gives the last one acquires them
//! all before it takes the object apart. A count of 1 seen by an owner can be trusted
//! without a read-modify-write: no one else holds a reference that could change it.
//!
//! **Bands.** Saturation is written at `0xc000_0000`, 2³⁰ steps away from both the live
//! band and wrap-around, so threads racing at the edge cannot bring it back to life.
//! Immortal counts are only ever read: they may lie in read-only memory.
//!
//! **Contention.** Looking first fetches the count's cache line twice when another
//! processor wants it, too: to read, then to write. So [`take`] and [`give`] tell when
//! another thread changed the count between their look and their step, and for an object
//! that is known to lie in writable memory the caller may use [`take_contended`] and
//! [`give_contended`] from then on, which step first. What they find above the live band
//! they put back: each thread may have one such step under way, far from any edge.

use core::sync::atomic::{AtomicU32, Ordering};

/// The highest live count.
pub const LIVE_MAX: u32 = 0x7fff_fffe;
/// Up to here an increment need not look at what it found: between a thread's load and its
/// increment, others would have to add 2³⁰ to reach the edge, and each adds one at a time.
const CALM: u32 = 0x4000_0000;
/// The lowest immortal count; compilers use it for static objects.
pub const IMMORTAL: u32 = 0x8000_0000;
/// Where an overflowing count goes, to stay.
pub const SATURATED: u32 = 0xc000_0000;

/// A 32-bit atomic, the processor's or the model checker's.
pub trait Word {
    /// Ordering of the decrement.
    const GIVE: Ordering = Ordering::Release;
    /// Ordering of the fence before an object is taken apart.
    const TAKE_APART: Ordering = Ordering::Acquire;
    /// Atomic load.
    fn load(&self, order: Ordering) -> u32;
    /// Atomic store.
    fn store(&self, value: u32, order: Ordering);
    /// Atomic exchange; the old value.
    fn swap(&self, value: u32, order: Ordering) -> u32;
    /// Atomic addition; the old value.
    fn fetch_add(&self, value: u32, order: Ordering) -> u32;
    /// Atomic subtraction; the old value.
    fn fetch_sub(&self, value: u32, order: Ordering) -> u32;
    /// Memory fence.
    fn fence(order: Ordering);
}

impl Word for AtomicU32 {
    #[inline(always)]
    fn load(&self, order: Ordering) -> u32 {
        Self::load(self, order)
    }
    #[inline(always)]
    fn store(&self, value: u32, order: Ordering) {
        Self::store(self, value, order);
    }
    #[inline(always)]
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        Self::swap(self, value, order)
    }
    #[inline(always)]
    fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
        Self::fetch_add(self, value, order)
    }
    #[inline(always)]
    fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
        Self::fetch_sub(self, value, order)
    }
    #[inline(always)]
    fn fence(order: Ordering) {
        core::sync::atomic::fence(order);
    }
}

/// What became of a reference that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Counted, or the object is immortal.
    Yes,
    /// Counted, and another thread changed the count meanwhile.
    Contended,
    /// The object is dead: use after release.
    Dead,
}

/// What became of a reference that was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// Others remain, or the object is immortal.
    Kept,
    /// Others remain, and another thread changed the count meanwhile.
    Contended,
    /// It was the last: the caller owns the object alone, the count still says 1 or 0.
    Last,
    /// The object is dead already: double release.
    Dead,
}

/// Takes one more reference. `alone` tells whether the process has one thread.
#[inline(always)]
pub fn take<W: Word>(count: &W, alone: impl FnOnce() -> bool) -> Taken {
    let seen = count.load(Ordering::Relaxed);
    if seen.wrapping_sub(1) < CALM {
        if alone() {
            count.store(seen + 1, Ordering::Relaxed);
        } else if count.fetch_add(1, Ordering::Relaxed) != seen {
            return Taken::Contended;
        }
        return Taken::Yes;
    }
    take_at_the_edge(count, seen)
}

/// [`take`] for a count in writable memory that other threads keep changing: steps first.
#[inline(always)]
pub fn take_contended<W: Word>(count: &W) -> Taken {
    let found = count.fetch_add(1, Ordering::Relaxed);
    if found.wrapping_sub(1) < LIVE_MAX - 1 { Taken::Yes } else { taken_from(count, found) }
}

/// The rare counts (dead, overflowing, immortal), when they have been added to already.
#[cold]
fn taken_from<W: Word>(count: &W, found: u32) -> Taken {
    if found.wrapping_sub(LIVE_MAX) < IMMORTAL - LIVE_MAX {
        count.swap(SATURATED, Ordering::Relaxed);
        return Taken::Yes;
    }
    count.fetch_sub(1, Ordering::Relaxed);
    if found == 0 { Taken::Dead } else { Taken::Yes }
}

/// The rare counts: dead, high, overflowing, immortal.
#[cold]
fn take_at_the_edge<W: Word>(count: &W, seen: u32) -> Taken {
    match seen {
        0 => Taken::Dead,
        1..LIVE_MAX => {
            if count.fetch_add(1, Ordering::Relaxed) >= LIVE_MAX {
                count.swap(SATURATED, Ordering::Relaxed);
            }
            Taken::Yes
        }
        LIVE_MAX..IMMORTAL => {
            count.swap(SATURATED, Ordering::Relaxed);
            Taken::Yes
        }
        _ => Taken::Yes,
    }
}

/// Gives one reference back. `alone` tells whether the process has one thread.
#[inline(always)]
pub fn give<W: Word>(count: &W, alone: impl FnOnce() -> bool) -> Given {
    let seen = count.load(Ordering::Relaxed);
    if seen == 1 {
        W::fence(W::TAKE_APART);
        return Given::Last;
    }
    if seen.wrapping_sub(2) < LIVE_MAX - 1 {
        if alone() {
            count.store(seen - 1, Ordering::Relaxed);
        } else {
            let found = count.fetch_sub(1, W::GIVE);
            if found != seen {
                if found == 1 {
                    W::fence(W::TAKE_APART);
                    return Given::Last;
                }
                return Given::Contended;
            }
        }
        return Given::Kept;
    }
    if seen == 0 { Given::Dead } else { Given::Kept }
}

/// [`give`] for a count in writable memory that other threads keep changing: steps first.
#[inline(always)]
pub fn give_contended<W: Word>(count: &W) -> Given {
    let found = count.fetch_sub(1, W::GIVE);
    if found.wrapping_sub(2) < LIVE_MAX - 1 { Given::Kept } else { given_from(count, found) }
}

/// The rare counts (all but live ones of 2 and more), when they have been subtracted from
/// already.
#[cold]
fn given_from<W: Word>(count: &W, found: u32) -> Given {
    if found == 1 {
        W::fence(W::TAKE_APART);
        return Given::Last;
    }
    count.fetch_add(1, Ordering::Relaxed);
    if found == 0 { Given::Dead } else { Given::Kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_take(start: u32, alone: bool) -> (Taken, u32) {
        let count = AtomicU32::new(start);
        (take(&count, || alone), count.into_inner())
    }

    fn after_give(start: u32, alone: bool) -> (Given, u32) {
        let count = AtomicU32::new(start);
        (give(&count, || alone), count.into_inner())
    }

    #[test]
    fn stepping_first_comes_to_the_same_as_looking_first() {
        let edges = [0, 1, 2, CALM, CALM + 1, LIVE_MAX - 1, LIVE_MAX, LIVE_MAX + 1];
        for start in edges.into_iter().chain([IMMORTAL, IMMORTAL + 1, SATURATED, u32::MAX]) {
            let count = AtomicU32::new(start);
            let taken = take_contended(&count);
            assert_eq!((taken, count.into_inner()), after_take(start, false), "{start:#x}");
            let count = AtomicU32::new(start);
            let given = give_contended(&count);
            let (expected, mut left) = after_give(start, false);
            if expected == Given::Last {
                // The count of an object about to be released may say 1 or 0.
                left = 0;
            }
            assert_eq!((given, count.into_inner()), (expected, left), "{start:#x}");
        }
    }

    #[test]
    fn live_counts_go_up_and_down_by_one() {
        for alone in [true, false] {
            assert_eq!(after_take(1, alone), (Taken::Yes, 2));
            for start in [CALM - 1, CALM, CALM + 1, LIVE_MAX - 1] {
                assert_eq!(after_take(start, alone), (Taken::Yes, start + 1));
            }
            assert_eq!(after_give(2, alone), (Given::Kept, 1));
            assert_eq!(after_give(LIVE_MAX, alone), (Given::Kept, LIVE_MAX - 1));
            assert_eq!(after_give(1, alone).0, Given::Last);
        }
    }

    #[test]
    fn an_overflowing_count_saturates_and_stays() {
        for alone in [true, false] {
            assert_eq!(after_take(LIVE_MAX, alone), (Taken::Yes, SATURATED));
            assert_eq!(after_take(SATURATED, alone), (Taken::Yes, SATURATED));
            assert_eq!(after_give(SATURATED, alone), (Given::Kept, SATURATED));
            assert_eq!(after_give(LIVE_MAX + 1, alone), (Given::Kept, LIVE_MAX + 1));
        }
    }

    #[test]
    fn immortal_counts_are_only_read() {
        for start in [IMMORTAL, IMMORTAL + 1, u32::MAX] {
            assert_eq!(after_take(start, false), (Taken::Yes, start));
            assert_eq!(after_give(start, false), (Given::Kept, start));
        }
    }

    #[test]
    fn a_dead_count_is_reported_and_stays_dead() {
        for alone in [true, false] {
            assert_eq!(after_take(0, alone), (Taken::Dead, 0));
            assert_eq!(after_give(0, alone), (Given::Dead, 0));
        }
    }

    /// Miri watches this one for races, with orders of its own choice (step `miri` of
    /// `tests/matrix.sh`).
    #[test]
    fn threads_that_share_a_count_free_what_it_guards_once() {
        struct Guarded(AtomicU32, core::cell::UnsafeCell<u32>);
        // SAFETY: the payload is read by owners and written by the last one: the rule tested.
        unsafe impl Sync for Guarded {}
        impl Guarded {
            fn parts(&self) -> (&AtomicU32, *mut u32) {
                (&self.0, self.1.get())
            }
        }
        let object = Guarded(AtomicU32::new(3), core::cell::UnsafeCell::new(7));
        let freed = AtomicU32::new(0);
        // One thread steps first, the others look first.
        let own = |first: bool| {
            let (count, payload) = object.parts();
            let taken = if first { take_contended(count) } else { take(count, || false) };
            assert_ne!(taken, Taken::Dead);
            for _ in 0..2 {
                // SAFETY: this thread owns a reference.
                assert_eq!(unsafe { payload.read() }, 7);
                let given = if first { give_contended(count) } else { give(count, || false) };
                if given == Given::Last {
                    // SAFETY: the last owner is alone.
                    unsafe { payload.write(0) };
                    freed.fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for first in [true, false, false] {
                scope.spawn(move || own(first));
            }
        });
        assert_eq!(freed.into_inner(), 1);
    }
}
