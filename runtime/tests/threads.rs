//! Many threads and much memory: what one thread frees serves others, what an ended
//! thread leaves is not lost, and nothing is handed out twice.
#![cfg(all(target_os = "linux", not(feature = "debug")))]

use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use reml_runtime::refs::{dec_ref, inc_ref, mem_alloc, mem_free};

/// One test at a time: they measure the memory of the whole process. Each measures sizes
/// of its own, because free blocks of one serve the next.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Resident memory in bytes (proc(5), `statm`).
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has /proc");
    let pages = statm.split(' ').nth(1).expect("statm has fields");
    pages.parse::<usize>().expect("a number") * 4096
}

#[test]
fn eight_threads_do_a_million_operations_each() {
    let _turn = alone();
    let shared = mem_alloc(64) as usize;
    let threads: Vec<_> = (0..8u64)
        .map(|seed| {
            thread::spawn(move || {
                let mut state = seed + 1;
                let mut kept: Vec<(*mut u64, u64)> = Vec::new();
                for _ in 0..1_000_000 {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let size = 8 + (state >> 33) as usize % 200;
                    // SAFETY: objects are this thread's, `shared` lives until the end.
                    unsafe {
                        inc_ref(shared as *mut u8);
                        if state >> 63 == 0 || kept.is_empty() {
                            let object = mem_alloc(size).cast::<u64>();
                            assert_eq!(object.read(), 0, "fresh memory is zero");
                            object.write(state);
                            kept.push((object, state));
                        } else {
                            let at = (state >> 20) as usize % kept.len();
                            let (object, stamp) = kept.swap_remove(at);
                            assert_eq!(object.read(), stamp, "nobody else wrote here");
                            dec_ref(object.cast());
                        }
                        dec_ref(shared as *mut u8);
                    }
                }
                for (object, stamp) in kept {
                    // SAFETY: as above.
                    unsafe {
                        assert_eq!(object.read(), stamp, "nobody else wrote here");
                        mem_free(object.cast());
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no assertion failed");
    }
    // SAFETY: one reference is left, and it is ours.
    unsafe {
        let header = reml_runtime::object::header(shared as *mut u8);
        assert_eq!(header.refcount.load(std::sync::atomic::Ordering::Relaxed), 1);
        dec_ref(shared as *mut u8);
    }
}

#[test]
fn what_a_consumer_frees_comes_back_to_the_producer() {
    let _turn = alone();
    let (send, receive) = mpsc::sync_channel::<Vec<usize>>(4);
    let consumer = thread::spawn(move || {
        for batch in receive {
            for object in batch {
                // SAFETY: the producer gave the reference away.
                unsafe { dec_ref(object as *mut u8) };
            }
        }
    });
    let before = resident();
    for _ in 0..1000 {
        send.send((0..5000).map(|_| mem_alloc(48) as usize).collect()).expect("it listens");
    }
    drop(send);
    consumer.join().expect("no panic");
    let grown = resident().saturating_sub(before);
    assert!(grown < 20 << 20, "280 MB went through, {grown} bytes stayed");
}

#[test]
fn what_threads_free_that_never_allocate_is_used_again() {
    let _turn = alone();
    let before = resident();
    for _ in 0..3000 {
        let objects: Vec<_> = (0..200).map(|_| mem_alloc(64) as usize).collect();
        thread::spawn(move || {
            for object in objects {
                // SAFETY: the reference moved here.
                unsafe { dec_ref(object as *mut u8) };
            }
        })
        .join()
        .expect("no panic");
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 10 << 20, "43 MB went through, {grown} bytes stayed");
}

/// 384 MB of 24-byte blocks; the first reservation is 256 MiB.
const OBJECTS: usize = 16_000_000;

#[test]
fn more_objects_than_the_first_reservation_holds_stay_as_small() {
    let _turn = alone();
    let before = resident();
    let mut list: *mut u8 = std::ptr::null_mut();
    for _ in 0..OBJECTS {
        let object = mem_alloc(16);
        // SAFETY: fresh, 16 bytes, ours.
        unsafe { object.cast::<*mut u8>().write(list) };
        list = object;
    }
    let each = (resident() - before) / OBJECTS;
    assert!(each <= 25, "expected 24 bytes an object, got {each}");
    while !list.is_null() {
        // SAFETY: as above; the link is read before the object goes.
        unsafe {
            let next = list.cast::<*mut u8>().read();
            dec_ref(list);
            list = next;
        }
    }
}

#[test]
fn what_ended_threads_leave_is_used_again() {
    let _turn = alone();
    let before = resident();
    for _ in 0..1000 {
        thread::spawn(|| {
            let objects: Vec<_> = (0..2000).map(|n| mem_alloc(72 + n % 48)).collect();
            for object in objects {
                // SAFETY: ours.
                unsafe { dec_ref(object) };
            }
        })
        .join()
        .expect("no panic");
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 30 << 20, "200 MB went through, {grown} bytes stayed");
}
