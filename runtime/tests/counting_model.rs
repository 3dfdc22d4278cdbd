//! The counting code under a model checker: every interleaving of two and three threads,
//! with the memory model's freedom. The orderings are needed, each: weakened, the checker
//! must find the race.
#![cfg(target_os = "linux")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering, fence};
use loom::thread;
use reml_runtime::count::{self, Given, LIVE_MAX, SATURATED, Taken, Word};

/// The checker's atomic, with orderings to choose: 0 as shipped, 1 without release, 2
/// without acquire.
struct Count<const WEAKENED: u8>(AtomicU32);

impl<const WEAKENED: u8> Word for Count<WEAKENED> {
    const GIVE: Ordering = if WEAKENED == 1 { Ordering::Relaxed } else { Ordering::Release };

    fn load(&self, order: Ordering) -> u32 {
        self.0.load(order)
    }
    fn store(&self, value: u32, order: Ordering) {
        self.0.store(value, order);
    }
    fn fetch_add(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_add(value, order)
    }
    fn fetch_sub(&self, value: u32, order: Ordering) -> u32 {
        self.0.fetch_sub(value, order)
    }
    fn fence(order: Ordering) {
        if WEAKENED != 2 {
            fence(order);
        }
    }
}

struct Object<const WEAKENED: u8> {
    count: Count<WEAKENED>,
    payload: UnsafeCell<u32>,
}

impl<const WEAKENED: u8> Object<WEAKENED> {
    fn shared(references: u32) -> Arc<Self> {
        let count = Count(AtomicU32::new(references));
        Arc::new(Self { count, payload: UnsafeCell::new(0) })
    }

    /// Reads the payload, as an owner of a reference may, and gives the reference back;
    /// the last one writes, as taking the object apart does. Both are checked for races.
    fn give(&self) -> bool {
        // SAFETY: the checker reports an access that races.
        self.payload.with(|payload| unsafe { payload.read() });
        let last = count::give(&self.count, || false) == Given::Last;
        if last {
            // SAFETY: as above.
            self.payload.with_mut(|payload| unsafe { payload.write(1) });
        }
        last
    }
}

/// Two threads with a reference each, one of which takes another on the way.
fn two_owners<const WEAKENED: u8>() {
    loom::model(|| {
        let object = Object::<WEAKENED>::shared(2);
        let other = Arc::clone(&object);
        let thread = thread::spawn(move || {
            assert_eq!(count::take(&other.count, || false), Taken::Yes);
            u32::from(other.give()) + u32::from(other.give())
        });
        let mine = u32::from(object.give());
        assert_eq!(mine + thread.join().expect("the thread ends"), 1, "freed once");
    });
}

#[test]
fn the_last_of_two_owners_frees_once_and_without_a_race() {
    two_owners::<0>();
}

#[test]
fn the_last_of_three_owners_frees_once_and_without_a_race() {
    loom::model(|| {
        let object = Object::<0>::shared(3);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let object = Arc::clone(&object);
                thread::spawn(move || u32::from(object.give()))
            })
            .collect();
        let mut freed = u32::from(object.give());
        for thread in threads {
            freed += thread.join().expect("the thread ends");
        }
        assert_eq!(freed, 1);
    });
}

#[test]
fn giving_without_release_is_caught() {
    assert!(catch_unwind(AssertUnwindSafe(two_owners::<1>)).is_err());
}

#[test]
fn taking_apart_without_acquire_is_caught() {
    assert!(catch_unwind(AssertUnwindSafe(two_owners::<2>)).is_err());
}

#[test]
fn threads_racing_at_the_edge_leave_a_saturated_count() {
    loom::model(|| {
        let object = Object::<0>::shared(LIVE_MAX);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let object = Arc::clone(&object);
                thread::spawn(move || count::take(&object.count, || false))
            })
            .collect();
        assert_eq!(count::take(&object.count, || false), Taken::Yes);
        for thread in threads {
            assert_eq!(thread.join().expect("the thread ends"), Taken::Yes);
        }
        assert_eq!(object.count.load(Ordering::Relaxed), SATURATED);
        assert_eq!(count::give(&object.count, || false), Given::Kept);
    });
}
