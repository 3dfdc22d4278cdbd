//! The counting code under a model checker: every interleaving of two and three threads,
//! with the memory model's freedom. The orderings are needed, each: weakened, the checker
//! must find the race.
#![cfg(target_os = "linux")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;

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
    fn swap(&self, value: u32, order: Ordering) -> u32 {
        self.0.swap(value, order)
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

/// Whether a thread was told that another one came between its look and its step.
static TOLD_OF_TAKING: AtomicBool = AtomicBool::new(false);
static TOLD_OF_GIVING: AtomicBool = AtomicBool::new(false);

/// How a count is changed; each thread chooses for itself.
#[derive(Debug, Clone, Copy)]
enum Step {
    AfterALook,
    First,
}

/// Every choice of two threads.
const STEPS: [(Step, Step); 4] = [
    (Step::AfterALook, Step::AfterALook),
    (Step::AfterALook, Step::First),
    (Step::First, Step::AfterALook),
    (Step::First, Step::First),
];

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
    fn give(&self, step: Step) -> bool {
        // SAFETY: the checker reports an access that races.
        self.payload.with(|payload| unsafe { payload.read() });
        let given = match step {
            Step::AfterALook => count::give(&self.count, || false),
            Step::First => count::give_contended(&self.count),
        };
        if given == Given::Contended {
            TOLD_OF_GIVING.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        let last = given == Given::Last;
        if last {
            // SAFETY: as above.
            self.payload.with_mut(|payload| unsafe { payload.write(1) });
        }
        last
    }

    fn take(&self, step: Step) {
        let taken = match step {
            Step::AfterALook => count::take(&self.count, || false),
            Step::First => count::take_contended(&self.count),
        };
        assert_ne!(taken, Taken::Dead);
        if taken == Taken::Contended {
            TOLD_OF_TAKING.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

/// Two threads with a reference each, one of which takes another on the way.
fn two_owners<const WEAKENED: u8>((one, two): (Step, Step)) {
    loom::model(move || {
        let object = Object::<WEAKENED>::shared(2);
        let other = Arc::clone(&object);
        let thread = thread::spawn(move || {
            other.take(one);
            u32::from(other.give(one)) + u32::from(other.give(one))
        });
        let mine = u32::from(object.give(two));
        assert_eq!(mine + thread.join().expect("the thread ends"), 1, "freed once");
    });
}

#[test]
fn the_last_of_two_owners_frees_once_and_without_a_race() {
    STEPS.into_iter().for_each(two_owners::<0>);
}

#[test]
fn a_count_that_changes_under_a_look_is_told_as_contended() {
    two_owners::<0>((Step::AfterALook, Step::AfterALook));
    assert!(TOLD_OF_TAKING.load(std::sync::atomic::Ordering::Relaxed));
    assert!(TOLD_OF_GIVING.load(std::sync::atomic::Ordering::Relaxed));
}

#[test]
fn the_last_of_three_owners_frees_once_and_without_a_race() {
    for (one, two) in STEPS {
        loom::model(move || {
            let object = Object::<0>::shared(3);
            let threads: Vec<_> = [one, two]
                .into_iter()
                .map(|step| {
                    let object = Arc::clone(&object);
                    thread::spawn(move || u32::from(object.give(step)))
                })
                .collect();
            let mut freed = u32::from(object.give(Step::AfterALook));
            for thread in threads {
                freed += thread.join().expect("the thread ends");
            }
            assert_eq!(freed, 1);
        });
    }
}

#[test]
fn giving_without_release_is_caught() {
    for steps in STEPS {
        let caught = catch_unwind(AssertUnwindSafe(|| two_owners::<1>(steps)));
        assert!(caught.is_err(), "{steps:?}");
    }
}

#[test]
fn taking_apart_without_acquire_is_caught() {
    for steps in STEPS {
        let caught = catch_unwind(AssertUnwindSafe(|| two_owners::<2>(steps)));
        assert!(caught.is_err(), "{steps:?}");
    }
}

/// One beyond the edge for each thread whose step found the saturated count and that
/// another thread's saturating store overtook before it put the step back.
#[test]
fn threads_racing_at_the_edge_leave_a_saturated_count() {
    for (one, two) in STEPS {
        loom::model(move || {
            let object = Object::<0>::shared(LIVE_MAX);
            let threads: Vec<_> = [one, two]
                .into_iter()
                .map(|step| {
                    let object = Arc::clone(&object);
                    thread::spawn(move || object.take(step))
                })
                .collect();
            object.take(Step::AfterALook);
            for thread in threads {
                thread.join().expect("the thread ends");
            }
            let count = object.count.load(Ordering::Relaxed);
            assert!(count.abs_diff(SATURATED) <= 2, "{count:#x}");
            assert_eq!(count::give(&object.count, || false), Given::Kept);
            assert_eq!(count::give_contended(&object.count), Given::Kept);
        });
    }
}
