//! Allocation: zero-filled objects out of thread-local free lists, larger ones out of
//! libc's `malloc`. Never hands out a block shorter than asked, and never gives pages
//! back to the system: they serve the next objects.
//!
//! A freed block has a count of 0 and its link in the payload, so a double free or a use
//! after free is caught until the block is handed out again.

mod class;
mod local;
mod mode;
mod slab;

use crate::object::HEADER;
use crate::panic::{self, Code, Part};
use crate::sys;
use mode::Mode;

/// Bytes between the start of a `malloc` block and the object in it. Wider than the
/// header: what glibc and `AddressSanitizer` write into the first 16 bytes of a freed
/// block then does not bring the object's count back to life.
const MALLOC_OFFSET: usize = 32;

/// Allocates a zero-filled object with count 1 and tag 0; panics when it cannot.
#[inline(always)]
#[must_use]
pub fn alloc(size: usize) -> *mut u8 {
    if size > class::FINE_MAX {
        return alloc_coarse(size);
    }
    let class = class::fine(size);
    let lists = local::lists();
    // SAFETY: the lists are this thread's; `class` is below CLASSES because of the
    // comparison above; a listed block is dead, of this class, and ours alone.
    unsafe {
        let object = (*lists).hot;
        if !object.is_null() && slab::class_of_block(object) == class {
            (*lists).hot = core::ptr::null_mut();
            init(object, class);
            return object;
        }
        let list = (&raw mut (*lists).list).cast::<local::List>().add(class);
        let object = (*list).head;
        if object.is_null() {
            return alloc_slow(size, class);
        }
        (*list).head = object.cast::<*mut u8>().read();
        (*list).room += 1;
        init(object, class);
        object
    }
}

/// Writes a fresh header and zeroes a payload of `class` words (one, for class 0).
#[inline(always)]
unsafe fn init(object: *mut u8, class: usize) {
    // SAFETY: the caller passes a block of the class: the header and `class` words (at
    // least one) are ours. Stores may overlap, none leaves the payload: each branch
    // covers it from both ends.
    unsafe {
        object.sub(HEADER).cast::<u64>().write(1);
        let words = object.cast::<u64>();
        let last = words.add(class.saturating_sub(1));
        // Volatile keeps the stores as they are: merged into vector stores, they would be
        // of another width than the load of a link from the same place soon after, which
        // costs twice the time (measured on Zen).
        if class <= 2 {
            words.write_volatile(0);
            last.write_volatile(0);
        } else if class <= 4 {
            words.write_volatile(0);
            words.add(1).write_volatile(0);
            last.sub(1).write_volatile(0);
            last.write_volatile(0);
        } else if class <= 8 {
            words.write_volatile(0);
            words.add(1).write_volatile(0);
            words.add(2).write_volatile(0);
            words.add(3).write_volatile(0);
            last.sub(3).write_volatile(0);
            last.sub(2).write_volatile(0);
            last.sub(1).write_volatile(0);
            last.write_volatile(0);
        } else {
            words.cast::<[u64; 8]>().write([0; 8]);
            last.sub(7).cast::<[u64; 8]>().write([0; 8]);
        }
    }
}

/// Sizes above the fine classes.
#[inline(never)]
fn alloc_coarse(size: usize) -> *mut u8 {
    if size > class::SMALL_MAX || mode::mode() == Mode::Malloc {
        return alloc_from_libc(size);
    }
    let class = class::of(size);
    let lists = local::lists();
    // SAFETY: as in `alloc`.
    unsafe {
        let list = (&raw mut (*lists).list).cast::<local::List>().add(class);
        if (*list).head.is_null() && !local::refill(lists, class) {
            return alloc_from_libc(size);
        }
        let object = (*list).head;
        (*list).head = object.cast::<*mut u8>().read();
        (*list).room += 1;
        object.sub(HEADER).cast::<u64>().write(1);
        object.write_bytes(0, class::payload(class));
        object
    }
}

/// The free list is empty: refill it, or go without.
#[cold]
#[inline(never)]
fn alloc_slow(size: usize, class: usize) -> *mut u8 {
    if mode::mode() == Mode::Malloc {
        return alloc_from_libc(size);
    }
    // SAFETY: the lists are this thread's, the class exists and its list is empty.
    if unsafe { local::refill(local::lists(), class) } {
        alloc(size)
    } else {
        alloc_from_libc(size)
    }
}

/// An object in a `malloc` block of its own.
#[inline(never)]
fn alloc_from_libc(size: usize) -> *mut u8 {
    // The mode may not be decided yet when the first object is a large one.
    mode::mode();
    let total = size.checked_next_multiple_of(8).and_then(|s| s.checked_add(MALLOC_OFFSET));
    let Some(total) = total.filter(|&total| isize::try_from(total).is_ok()) else {
        panic::fault(
            Code::SizeOverflow,
            &[
                Part::Text("mem_alloc: a size of "),
                Part::Number(size as u64),
                Part::Text(" bytes overflows"),
            ],
        );
    };
    // SAFETY: plain C; the result is checked.
    let block = unsafe { sys::calloc(1, total) }.cast::<u8>();
    if block.is_null() {
        panic::fault(
            Code::OutOfMemory,
            &[
                Part::Text("mem_alloc: out of memory asking for "),
                Part::Number(size as u64),
                Part::Text(" bytes"),
            ],
        );
    }
    // SAFETY: the block is at least MALLOC_OFFSET bytes long and ours alone.
    unsafe {
        let object = block.add(MALLOC_OFFSET);
        object.sub(HEADER).cast::<u64>().write(1);
        object
    }
}

/// Frees the block of an object that nothing refers to any more.
///
/// # Safety
/// `object` was made by [`alloc`] and is not free already; the caller owns it alone.
#[inline(always)]
pub unsafe fn free(object: *mut u8) {
    // SAFETY: the caller's promise; the lists are this thread's, and `hot` is a block of
    // the reservation.
    unsafe {
        object.sub(HEADER).cast::<u64>().write(0);
        if !slab::holds(object) {
            return free_to_libc(object);
        }
        let lists = local::lists();
        let before = core::mem::replace(&mut (*lists).hot, object);
        if !before.is_null() {
            free_to_list(lists, before);
        } else if (*lists).registered == 0 {
            local::first_free(lists);
        }
    }
}

/// Puts a dead block on the free list of its class.
#[inline(always)]
unsafe fn free_to_list(lists: *mut local::Lists, block: *mut u8) {
    // SAFETY: the caller passes this thread's lists and a dead block of the reservation,
    // whose class the table names.
    unsafe {
        let class = slab::class_of_block(block);
        let list = (&raw mut (*lists).list).cast::<local::List>().add(class);
        block.cast::<*mut u8>().write((*list).head);
        (*list).head = block;
        let room = (*list).room - 1;
        (*list).room = room;
        if room <= 0 {
            local::spill(lists, class);
        }
    }
}

/// Whether the object's count is best changed without a look, and may be: its memory is
/// writable for good.
#[inline(always)]
pub fn is_contended(object: *mut u8) -> bool {
    // SAFETY: the lists are this thread's.
    unsafe { (*local::lists()).contended == object }
}

/// Remembers that another thread changes the object's count, too. Not of objects outside
/// the reservation: their memory may be gone, or be read-only, when its address comes by
/// again.
#[cold]
pub fn note_contended(object: *mut u8) {
    if slab::holds(object) {
        // SAFETY: the lists are this thread's.
        unsafe { (*local::lists()).contended = object }
    }
}

/// The object is about to be released; the next one in its block may be this thread's own.
#[cold]
pub fn forget_contended() {
    // SAFETY: the lists are this thread's.
    unsafe { (*local::lists()).contended = core::ptr::null_mut() }
}

#[inline(never)]
unsafe fn free_to_libc(object: *mut u8) {
    // SAFETY: not in the reservation, so `alloc_from_libc` made it.
    unsafe { sys::free(object.sub(MALLOC_OFFSET).cast()) };
}

/// Lets a watching tool report the misuse of a dead object in its own words (who
/// allocated it, who freed it), before the caller panics.
///
/// # Safety
/// `object` points behind a readable header whose count is 0.
pub unsafe fn report_dead(object: *mut u8, freed_again: bool) {
    if slab::holds(object) || !(sys::has_sanitizer() || sys::under_valgrind()) {
        return;
    }
    if freed_again {
        // SAFETY: the tool's `free` recognises a block that is free already and reports it.
        unsafe { sys::free(object.sub(MALLOC_OFFSET).cast()) };
    } else {
        sys::probe_with_asan(object.wrapping_sub(HEADER), 4);
    }
}
