//! The free lists of one thread, in thread-local memory that is valid when all zero.
//! Never reached from another thread: what a thread frees stays with it until a batch
//! is full or the thread ends.
//!
//! Stable Rust has no `#[thread_local]` and `no_std` no `thread_local!`, so the block is
//! declared in assembly. The initial-exec model costs one load and no call; the block is
//! small enough for the room glibc keeps for libraries opened later.

use core::arch::{asm, global_asm};
use core::ffi::c_void;
use core::ptr::null_mut;

use super::class::{BATCH, CLASSES, PAGE, PER_PAGE, STRIDE};
use super::slab;
use crate::object::HEADER;
use crate::sys;

/// Free blocks of one class: the active list, from which blocks are taken and to which
/// they return, and one spare batch, so that a program working at a batch's edge does
/// not go to the shared stacks each time. Sixteen bytes, so that one shifted index serves
/// all its fields.
#[repr(C)]
#[derive(Debug)]
pub struct List {
    /// First block of the active list.
    pub head: *mut u8,
    /// Blocks that the active list may still take before it is a batch; not above 0 in a
    /// list that was never used, so that the first block freed to it looks at the batch's
    /// size, and the fast path never does.
    pub room: i32,
    /// The spare batch, whole or absent, as [`slab::Block`].
    spare: slab::Block,
}

/// All lists of a thread.
#[repr(C)]
#[derive(Debug)]
pub struct Lists {
    /// The block freed last, of any class, or null. A program that frees and allocates in
    /// turn gets it back without waiting for the block's class, head, link and count to
    /// come through memory one after the other; the class is compared, not computed with.
    pub hot: *mut u8,
    /// Whether the thread's end will flush the lists; 0 if not. Next to `hot`, because
    /// each use of it asks.
    pub registered: usize,
    pub list: [List; CLASSES],
    /// The block, live or not, whose count another thread was last seen to change while
    /// this one changed it; of the reservation, or null.
    pub contended: *mut u8,
}

/// A cache line where a library that is opened late may ask for one. On ARM, glibc refuses
/// such a library when it asks for more than the program did, which is 16 bytes at least.
const ALIGN: usize = if cfg!(target_arch = "x86_64") { 64 } else { 16 };

global_asm!(
    ".section .tbss.reml_rt_lists,\"awT\",%nobits",
    ".balign {align}",
    ".globl reml_rt_lists",
    ".hidden reml_rt_lists",
    ".type reml_rt_lists, %tls_object",
    ".size reml_rt_lists, {size}",
    "reml_rt_lists:",
    ".zero {size}",
    ".text",
    size = const size_of::<Lists>(),
    align = const ALIGN,
);

/// The calling thread's lists.
#[inline(always)]
pub fn lists() -> *mut Lists {
    let lists: *mut Lists;
    // SAFETY: reads the thread pointer and a constant offset that the loader fixed.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "mov {0}, qword ptr fs:[0]",
            "add {0}, qword ptr [rip + reml_rt_lists@GOTTPOFF]",
            out(reg) lists,
            options(pure, nomem, nostack),
        );
    }
    // SAFETY: reads the thread pointer and a constant offset that the loader fixed.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "mrs {0}, tpidr_el0",
            "adrp {1}, :gottprel:reml_rt_lists",
            "ldr {1}, [{1}, :gottprel_lo12:reml_rt_lists]",
            "add {0}, {0}, {1}",
            out(reg) lists,
            out(reg) _,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    lists
}

/// Refills an empty list; false when there is no memory.
///
/// # Safety
/// `lists` is the calling thread's, `class` below [`CLASSES`], its active list empty, and
/// the reservation made.
#[cold]
pub unsafe fn refill(lists: *mut Lists, class: usize) -> bool {
    // SAFETY: the caller's promise; no other reference to the lists exists.
    let lists = unsafe { &mut *lists };
    register(lists);
    let Some(list) = lists.list.get_mut(class) else {
        return false;
    };
    let (head, blocks) = if list.spare == slab::NO_BLOCK {
        // SAFETY: the class exists.
        match unsafe { slab::pop(class) } {
            Some(batch) => batch,
            None => match slab::take_page(class) {
                Some(page) => (carve(page, class), of(&PER_PAGE, class)),
                None => return false,
            },
        }
    } else {
        (slab::at(list.spare), of(&BATCH, class))
    };
    *list = List { head, room: (of(&BATCH, class) - blocks) as i32, spare: slab::NO_BLOCK };
    true
}

/// An entry of a table of class sizes.
fn of(table: &[u32; CLASSES], class: usize) -> u32 {
    table.get(class).copied().unwrap_or(0)
}

/// Links all blocks of a fresh page; the first block.
fn carve(page: *mut u8, class: usize) -> *mut u8 {
    let stride = STRIDE.get(class).map_or(PAGE, |&stride| stride as usize);
    let first = page.wrapping_add(HEADER);
    let mut block = first;
    let mut end = block.wrapping_add(stride * 2 - HEADER);
    while end as usize <= page as usize + PAGE {
        let next = block.wrapping_add(stride);
        // SAFETY: `next` ends inside the page, so `block` does; the page is ours alone.
        unsafe { block.cast::<*mut u8>().write(next) };
        block = next;
        end = end.wrapping_add(stride);
    }
    // The last block's link is null: fresh pages are zero.
    first
}

/// Moves a full active list out of the way, or sets up one that was never used.
///
/// # Safety
/// `lists` is the calling thread's and `class` below [`CLASSES`]; its list has no room.
#[cold]
pub unsafe fn spill(lists: *mut Lists, class: usize) {
    // SAFETY: the caller's promise; no other reference to the lists exists.
    let lists = unsafe { &mut *lists };
    register(lists);
    let Some(list) = lists.list.get_mut(class) else {
        return;
    };
    let batch = of(&BATCH, class);
    if list.room < 0 {
        // The list's first block ever.
        list.room += batch as i32;
        return;
    }
    if list.spare != slab::NO_BLOCK {
        // SAFETY: the spare batch holds dead blocks of this class, owned by this thread.
        unsafe { slab::push(class, slab::at(list.spare), batch) };
    }
    *list = List { head: null_mut(), room: batch as i32, spare: slab::block(list.head) };
}

/// Arranges for the lists to be flushed at the end of a thread that frees its first block.
///
/// # Safety
/// `lists` is the calling thread's.
#[cold]
#[inline(never)]
pub unsafe fn first_free(lists: *mut Lists) {
    // SAFETY: the caller's promise; no other reference to the lists exists.
    register(unsafe { &mut *lists });
}

/// Arranges for the lists to be flushed at the thread's end.
fn register(lists: &mut Lists) {
    if lists.registered != 0 {
        return;
    }
    lists.registered = 1;
    let object: *mut Lists = lists;
    // glibc finds the module to keep loaded by any address inside it.
    let module = flush as *mut c_void;
    // SAFETY: glibc calls `flush` on this thread, before its thread-local memory goes. A
    // failure (no memory) only means that this thread's lists are lost at its end.
    unsafe { sys::__cxa_thread_atexit_impl(flush, object.cast(), module) };
}

/// Gives all lists of an ending thread to the others. The thread may allocate again in a
/// later destructor; it then registers again.
unsafe extern "C" fn flush(lists: *mut c_void) {
    // SAFETY: glibc passes what `register` gave it, on the thread that owns it.
    let lists = unsafe { &mut *lists.cast::<Lists>() };
    lists.registered = 0;
    let hot = core::mem::replace(&mut lists.hot, null_mut());
    let hot_class = slab::class_of(hot).filter(|_| !hot.is_null());
    for (class, list) in lists.list.iter_mut().enumerate() {
        let List { mut head, room, spare } =
            core::mem::replace(list, List { head: null_mut(), room: 0, spare: slab::NO_BLOCK });
        let batch = of(&BATCH, class);
        let mut blocks = if head.is_null() { 0 } else { (batch as i32 - room) as u32 };
        // What belongs together stays together: a batch of one block would make the next
        // thread share cache lines with whoever takes the others.
        if hot_class == Some(class) {
            // SAFETY: a dead block of this thread's and class, in no list.
            unsafe { hot.cast::<*mut u8>().write(head) };
            head = hot;
            blocks += 1;
        }
        if !head.is_null() {
            // SAFETY: the list holds that many dead blocks of its class, owned by this thread.
            unsafe { slab::push(class, head, blocks) };
        }
        if spare != slab::NO_BLOCK {
            // SAFETY: as above; a spare batch is whole.
            unsafe { slab::push(class, slab::at(spare), batch) };
        }
    }
}
