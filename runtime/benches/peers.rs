//! Rust's own reference counting, as peers for the benchmark's C driver.

use std::hint::black_box;
use std::sync::Arc;

type Payload = [u64; 2];

/// A shared object.
#[unsafe(no_mangle)]
pub extern "C" fn arc_new() -> *const Payload {
    Arc::into_raw(Arc::new([0; 2]))
}

/// Clones and drops, `rounds` times.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn arc_clone_drop(object: *const Payload, rounds: u64) {
    // SAFETY: made by `arc_new`, never freed.
    let arc = std::mem::ManuallyDrop::new(unsafe { Arc::from_raw(object) });
    for _ in 0..rounds {
        drop(black_box(Arc::clone(black_box(&arc))));
    }
}

/// Clones and drops 64 shared objects in turn, `rounds` times.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn arc_clone_drop_many(objects: *const *const Payload, rounds: u64) {
    // SAFETY: the caller passes 64 objects made by `arc_new`, never freed.
    let objects: [_; 64] = std::array::from_fn(|at| unsafe {
        std::mem::ManuallyDrop::new(Arc::from_raw(*objects.add(at)))
    });
    for (arc, _) in objects.iter().cycle().zip(0..rounds) {
        drop(black_box(Arc::clone(arc)));
    }
}

unsafe extern "C" {
    /// The driver's own.
    fn some_work();
}

/// Clones and drops with work in between, `rounds` times.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn arc_clone_drop_working(object: *const Payload, rounds: u64) {
    // SAFETY: made by `arc_new`, never freed; the driver's function takes nothing.
    unsafe {
        let arc = std::mem::ManuallyDrop::new(Arc::from_raw(object));
        for _ in 0..rounds {
            let clone = black_box(Arc::clone(black_box(&arc)));
            some_work();
            drop(clone);
            some_work();
        }
    }
}

/// Makes and drops, `rounds` times.
#[unsafe(no_mangle)]
pub extern "C" fn arc_new_drop(rounds: u64) {
    for _ in 0..rounds {
        drop(black_box(Arc::new([0u64; 2])));
    }
}

/// Boxes and drops, `rounds` times.
#[unsafe(no_mangle)]
pub extern "C" fn box_new_drop(rounds: u64) {
    for _ in 0..rounds {
        drop(black_box(Box::new([0u64; 2])));
    }
}
