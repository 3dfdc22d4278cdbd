//! Memory shared by all threads: one reservation of address space, its pages, and for
//! each class a stack of batches of free blocks. Never blocks and takes no lock, so a
//! fork in any thread leaves it usable.

use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::class::{CLASSES, PAGE, PAGE_SHIFT};
use crate::sys;

/// Address space the reservation may grow to; one class byte for each page of it.
const MAX: usize = 32 << 30;
/// Address space asked for first; each refusal asks for half. Small, because emulators
/// (qemu-user before 8.0) pay for every page of it.
const FIRST: usize = 256 << 20;
const FIRST_MIN: usize = 16 << 20;
/// Alignment of the reservation and unit of growth: a huge page.
const HUGE: usize = 2 << 20;
/// Bytes of the class table, at the start of the reservation.
const TABLE: usize = MAX >> PAGE_SHIFT;

/// What the first thread found: where the reservation begins, a huge page's multiple, and in
/// the low bits its first length in units of [`FIRST_MIN`]. Set once.
static FOUND: AtomicUsize = AtomicUsize::new(0);
const _: () = assert!(FIRST / FIRST_MIN < HUGE);
/// Where the reservation begins; told by [`publish`], always the same.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// Its length; 0 until there is one. Grows.
static LEN: AtomicUsize = AtomicUsize::new(0);
/// Offset of the next page to hand out, and of the first byte not yet usable.
static NEXT: AtomicUsize = AtomicUsize::new(TABLE);
static USABLE: AtomicUsize = AtomicUsize::new(TABLE);

/// One stack of batches: the offset of the top block in units of 8 in the low half, a
/// version in the high half, so that a top which left and came back is not mistaken for
/// one that stayed (ABA).
///
/// The next batch's offset stands in the top block's type-tag word, the batch's length in
/// that of the second block: freed blocks have no tag, and the word that catches double
/// frees, the count, stays 0.
#[repr(align(64))]
struct Stack(AtomicU64);

static CENTRAL: [Stack; CLASSES] = [const { Stack(AtomicU64::new(0)) }; CLASSES];

/// Whether a pointer lies in the reservation.
#[inline(always)]
pub fn holds(object: *mut u8) -> bool {
    let offset = (object as usize).wrapping_sub(BASE.load(Ordering::Relaxed));
    offset < LEN.load(Ordering::Relaxed)
}

/// The class of a block.
///
/// # Safety
/// The reservation [`holds`] it.
#[inline(always)]
pub unsafe fn class_of_block(block: *mut u8) -> usize {
    let base = BASE.load(Ordering::Relaxed);
    let page = (block as usize).wrapping_sub(base) >> PAGE_SHIFT;
    // SAFETY: the table was made usable before `LEN` was published, and has an entry for
    // every page the reservation can have.
    usize::from(unsafe { ((base + page) as *const u8).read() })
}

/// Reserves address space. False where the system grants none worth having.
pub fn reserve() -> bool {
    let mut len = FIRST;
    while len >= FIRST_MIN {
        if publish() {
            return true;
        }
        if let Some(start) = map(0, len + HUGE, 0) {
            return adopt(roomier(start, len), len);
        }
        len /= 2;
    }
    false
}

/// Maps address space without memory; at `at` if flags say so or the kernel likes it.
fn map(at: usize, len: usize, flags: core::ffi::c_int) -> Option<usize> {
    let flags = sys::MAP_PRIVATE_ANONYMOUS | sys::MAP_NORESERVE | flags;
    // SAFETY: never replaces a mapping: flags hold MAP_FIXED_NOREPLACE at most.
    let start = unsafe { sys::mmap(at as *mut _, len, sys::PROT_NONE, flags, -1, 0) };
    (start as usize != usize::MAX).then_some(start as usize)
}

/// Trades a mapping for one further down if there is room: the kernel stacks mappings
/// downwards, so that little is free above the one it chose.
fn roomier(start: usize, len: usize) -> usize {
    let Some(below) = start.checked_sub(MAX) else {
        return start;
    };
    match map(below, len + HUGE, sys::MAP_FIXED_NOREPLACE) {
        Some(lower) => {
            // SAFETY: both mappings are ours and unused; one goes.
            unsafe { sys::unmap(if lower == below { start } else { lower }, len + HUGE) };
            if lower == below { below } else { start }
        }
        None => start,
    }
}

/// Makes a mapping of `len + HUGE` bytes the reservation, unless another thread won.
fn adopt(start: usize, len: usize) -> bool {
    let base = start.next_multiple_of(HUGE);
    // What aligning left over on both sides goes back; the addresses above are where the
    // reservation grows.
    // SAFETY: parts of our mapping, of which nothing was published.
    unsafe {
        if base > start {
            sys::unmap(start, base - start);
        }
        if start + HUGE > base {
            sys::unmap(base + len, start + HUGE - base);
        }
    }
    let found = base | (len / FIRST_MIN);
    let won = sys::commit(base, TABLE)
        && FOUND.compare_exchange(0, found, Ordering::AcqRel, Ordering::Acquire).is_ok();
    if !won {
        // SAFETY: the rest of the mapping.
        unsafe { sys::unmap(base, len) };
    }
    publish()
}

/// Tells where the reservation is, once a thread has found it. Every thread may do so: the
/// one that found it may be another process's by now, on the far side of a fork.
fn publish() -> bool {
    let found = FOUND.load(Ordering::Acquire);
    if found == 0 {
        return false;
    }
    BASE.store(found & !(HUGE - 1), Ordering::Release);
    let len = (found & (HUGE - 1)) * FIRST_MIN;
    // It may have grown meanwhile.
    let _ = LEN.compare_exchange(0, len, Ordering::AcqRel, Ordering::Relaxed);
    true
}

/// Doubles the reservation. False when it has its full length or the addresses above it
/// are taken.
fn extend(len: usize) -> bool {
    if len >= MAX {
        return false;
    }
    let end = BASE.load(Ordering::Relaxed) + len;
    let step = len.min(MAX - len);
    if map(end, step, sys::MAP_FIXED_NOREPLACE).is_some_and(|got| {
        if got != end {
            // SAFETY: kernels before 4.17 put the mapping elsewhere; it is ours and unused.
            unsafe { sys::unmap(got, step) };
        }
        got == end
    }) {
        LEN.store(len + step, Ordering::Release);
        return true;
    }
    // Another thread may have mapped it and be about to say so.
    for _ in 0..100 {
        if LEN.load(Ordering::Acquire) != len {
            return true;
        }
        sys::yield_now();
    }
    false
}

/// The class of a pointer, if the reservation holds it.
pub fn class_of(object: *mut u8) -> Option<usize> {
    // SAFETY: just checked.
    holds(object).then(|| unsafe { class_of_block(object) })
}

/// A zero-filled page for a class; `None` when memory or the reservation is used up.
pub fn take_page(class: usize) -> Option<*mut u8> {
    let base = BASE.load(Ordering::Relaxed);
    loop {
        let next = NEXT.load(Ordering::Acquire);
        let len = LEN.load(Ordering::Acquire);
        if next + PAGE > len {
            if !extend(len) {
                return None;
            }
            continue;
        }
        if next + PAGE > USABLE.load(Ordering::Acquire) {
            if !grow(base, next) {
                return None;
            }
            continue;
        }
        let taken = NEXT.compare_exchange(next, next + PAGE, Ordering::AcqRel, Ordering::Relaxed);
        if taken.is_ok() {
            let entry = (base + (next >> PAGE_SHIFT)) as *mut u8;
            // SAFETY: the table has an entry for each page; this page is ours alone.
            unsafe { entry.write(class as u8) };
            return Some((base + next) as *mut u8);
        }
    }
}

/// Makes more of the reservation usable. Threads may do this at once: making memory
/// usable twice changes nothing.
fn grow(base: usize, from: usize) -> bool {
    let usable = USABLE.load(Ordering::Acquire).max(from);
    // The first arena ends at the next huge page and stays small; later ones grow.
    let first = usable < TABLE + HUGE;
    let step = if first { HUGE } else { (usable / 4).clamp(HUGE, HUGE * 16) };
    let end = ((usable + step) & !(HUGE - 1)).min(LEN.load(Ordering::Relaxed));
    if end <= usable || !sys::commit(base + usable, end - usable) {
        return false;
    }
    if !first {
        // SAFETY: advice on memory of ours; a refusal costs speed only.
        unsafe { sys::madvise((base + usable) as *mut _, end - usable, sys::MADV_HUGEPAGE) };
    }
    USABLE.fetch_max(end, Ordering::AcqRel);
    true
}

/// A block's place in units of 8 bytes, which fits half a word; 0 is none, for the class
/// table stands there.
pub type Block = u32;
/// No block.
pub const NO_BLOCK: Block = 0;

/// The place of a block of the reservation.
pub fn block(object: *mut u8) -> Block {
    ((object as usize - BASE.load(Ordering::Relaxed)) / 8) as Block
}

/// The block at a place.
pub fn at(block: Block) -> *mut u8 {
    (BASE.load(Ordering::Relaxed) + block as usize * 8) as *mut u8
}

/// Gives a batch of free blocks, linked through their payloads, to all threads.
///
/// # Safety
/// `top` is the first of a list of `blocks` dead blocks of `class`, owned by the caller.
pub unsafe fn push(class: usize, top: *mut u8, blocks: u32) {
    let Some(stack) = CENTRAL.get(class) else {
        return;
    };
    // SAFETY: the batch is ours until the exchange succeeds; the second block's word is
    // free, for only a top's links batches.
    unsafe {
        let second = top.cast::<*mut u8>().read();
        if !second.is_null() {
            word(second).store(blocks, Ordering::Relaxed);
        }
    }
    let mut seen = stack.0.load(Ordering::Relaxed);
    loop {
        // SAFETY: the block is ours until the exchange succeeds.
        unsafe { word(top) }.store(seen as u32, Ordering::Relaxed);
        let new = (seen >> 32).wrapping_add(1) << 32 | u64::from(block(top));
        match stack.0.compare_exchange_weak(seen, new, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => return,
            Err(now) => seen = now,
        }
    }
}

/// Takes one batch of a class and tells how many blocks it has.
///
/// # Safety
/// The reservation was made.
pub unsafe fn pop(class: usize) -> Option<(*mut u8, u32)> {
    let stack = CENTRAL.get(class)?;
    let mut seen = stack.0.load(Ordering::Acquire);
    loop {
        if seen as Block == NO_BLOCK {
            return None;
        }
        let top = at(seen as Block);
        // SAFETY: blocks stay mapped for good. If another thread takes this one now, the
        // word read may be anything, and the exchange fails because the version moved.
        let below = u64::from(unsafe { word(top) }.load(Ordering::Relaxed));
        let new = (seen >> 32).wrapping_add(1) << 32 | below;
        match stack.0.compare_exchange_weak(seen, new, Ordering::Acquire, Ordering::Acquire) {
            Ok(_) => {
                // SAFETY: the batch is ours now, as `push` left it.
                let blocks = unsafe {
                    let second = top.cast::<*mut u8>().read();
                    if second.is_null() { 1 } else { word(second).load(Ordering::Relaxed) }
                };
                return Some((top, blocks));
            }
            Err(now) => seen = now,
        }
    }
}

/// The word of a free block that nobody else needs, its type tag: the next batch in the
/// top block of a batch, the number of blocks in the second.
///
/// # Safety
/// `block` lies in the reservation.
unsafe fn word<'a>(block: *mut u8) -> &'a AtomicU32 {
    // SAFETY: the caller's promise; every block has a header.
    unsafe { &*block.sub(4).cast::<AtomicU32>() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::class::stride;

    #[test]
    fn a_batch_comes_back_whole_and_knows_its_length() {
        // A class that no other test of this program uses.
        let class = CLASSES - 1;
        assert!(reserve());
        let page = take_page(class).expect("a fresh reservation has pages");
        let blocks: std::vec::Vec<*mut u8> =
            (0..4).map(|index| page.wrapping_add(8 + index * stride(class))).collect();
        let link = |from: usize, to: usize| {
            // SAFETY: blocks of a page that is this test's alone.
            unsafe { blocks[from].cast::<*mut u8>().write(blocks[to]) };
        };
        link(0, 1);
        link(1, 2);
        // SAFETY: as above; the last links are null, for fresh pages are zero.
        unsafe {
            assert_eq!(pop(class), None);
            push(class, blocks[0], 3);
            push(class, blocks[3], 1);
            assert_eq!(pop(class), Some((blocks[3], 1)));
            assert_eq!(pop(class), Some((blocks[0], 3)));
            assert_eq!(pop(class), None);
        }
    }

    #[test]
    fn places_of_blocks_fit_half_a_word() {
        assert!(MAX / 8 <= Block::MAX as usize + 1);
    }
}
