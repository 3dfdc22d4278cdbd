//! The plan's counting and memory functions: `mem_alloc`, `mem_free`, `inc_ref`,
//! `dec_ref`. Never trusts a count: a dead object ends the program, an immortal one is
//! left alone.

use crate::count::{self, Given, LIVE_MAX, Taken};
use crate::panic::{self, Code, Part};
use crate::{heap, object, release, threads};

/// Allocates a zero-filled object: count 1, tag 0. See the header.
#[unsafe(no_mangle)]
pub extern "C" fn mem_alloc(size: usize) -> *mut u8 {
    heap::alloc(size)
}

/// Frees an object's block whatever its count, leaving its children alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mem_free(object: *mut u8) {
    if object.is_null() {
        return;
    }
    // SAFETY: the caller passes an object; a dead one is caught before it is touched.
    unsafe {
        let count = count_of(object);
        if count.wrapping_sub(1) < LIVE_MAX {
            heap::free(object);
        } else if count == 0 {
            double_free(object);
        }
    }
}

/// Takes one more reference.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inc_ref(object: *mut u8) {
    if object.is_null() {
        return;
    }
    #[cfg(feature = "debug")]
    crate::debug::note_taken();
    // SAFETY: the caller passes an object.
    unsafe {
        let count = &object::header(object).refcount;
        let taken = if heap::is_contended(object) {
            count::take_contended(count)
        } else {
            count::take(count, threads::alone)
        };
        match taken {
            Taken::Yes => {}
            Taken::Contended => heap::note_contended(object),
            Taken::Dead => use_after_release(object),
        }
    }
}

/// Gives a reference back; the last one takes the object apart.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dec_ref(object: *mut u8) {
    if object.is_null() {
        return;
    }
    // SAFETY: the caller passes an object and one reference to it.
    unsafe {
        let count = &object::header(object).refcount;
        let given = if heap::is_contended(object) {
            let given = count::give_contended(count);
            if given == Given::Last {
                heap::forget_contended();
            }
            given
        } else {
            count::give(count, threads::alone)
        };
        #[cfg(feature = "debug")]
        crate::debug::note_given(given == Given::Last);
        match given {
            Given::Kept => {}
            Given::Contended => heap::note_contended(object),
            Given::Last => release::release(object),
            Given::Dead => double_release(object),
        }
    }
}

/// The count as it is now.
#[inline(always)]
unsafe fn count_of(object: *mut u8) -> u32 {
    // SAFETY: the caller passes an object.
    unsafe { object::header(object) }.refcount.load(core::sync::atomic::Ordering::Relaxed)
}

/// Where inlined `inc_ref` goes when its fast path does not apply.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_inc_ref_slow(object: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { inc_ref(object) }
}

/// Where inlined `dec_ref` goes when its fast path does not apply.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_dec_ref_slow(object: *mut u8) {
    // SAFETY: the caller's promise.
    unsafe { dec_ref(object) }
}

/// Reads a type tag; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_get_type_tag(object: *mut u8) -> u32 {
    if object.is_null() {
        return 0;
    }
    // SAFETY: the caller passes an object.
    unsafe { object::tag_of(object) }
}

/// Writes a type tag; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_set_type_tag(object: *mut u8, tag: u32) {
    if !object.is_null() {
        // SAFETY: the caller passes an object that no other thread uses yet.
        unsafe { object::set_tag(object, tag) }
    }
}

/// Ends the program: a reference was given back that was not there.
#[cold]
#[inline(never)]
pub unsafe fn double_release(object: *mut u8) -> ! {
    // SAFETY: the caller has just read the header.
    unsafe { heap::report_dead(object, false) };
    dead(Code::DoubleRelease, "dec_ref: double release of object ", object)
}

#[cold]
#[inline(never)]
unsafe fn use_after_release(object: *mut u8) -> ! {
    // SAFETY: the caller has just read the header.
    unsafe { heap::report_dead(object, false) };
    dead(Code::UseAfterRelease, "inc_ref: use after release of object ", object)
}

#[cold]
#[inline(never)]
unsafe fn double_free(object: *mut u8) -> ! {
    // SAFETY: the caller has just read the header.
    unsafe { heap::report_dead(object, true) };
    dead(Code::DoubleFree, "mem_free: double free of object ", object)
}

fn dead(code: Code, text: &'static str, object: *mut u8) -> ! {
    panic::fault(code, &[Part::Text(text), Part::Address(object as usize)])
}
