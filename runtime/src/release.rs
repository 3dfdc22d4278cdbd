//! Taking dead objects apart, however deep, with a stack and memory of constant size.
//! Never recurses and never allocates.
//!
//! The loop walks the structure as a tree of dying objects. To come back from a dying
//! child to its parent it needs, for each object on the way, the parent and the place
//! reached. Both stand in the parent itself, in words that have been used up:
//!
//! * the slot just consumed holds the link to the grandparent;
//! * while the first slot is the one consumed, `len` still stands; afterwards `len`
//!   holds the place reached, the first slot holds the original `len`, and a bit of the
//!   type tag says so.
//!
//! Objects with one child (closures, algebraic types, owned strings) need no way back:
//! their block is freed first and the loop goes on with the child.
//!
//! Order seen from outside: children in ascending order, then the side array, then the
//! block.

use core::ptr::null_mut;

use crate::count::{self, Given};
use crate::object::{self, Adt, Closure, Items, Set, Text, tag};
use crate::{heap, sys, threads};

/// What a type tag says about children.
enum Shape {
    /// No children.
    Leaf,
    /// At most one.
    One(*mut u8),
    /// Slots in a side array.
    Many,
}

/// Releases an object whose last reference was given back.
///
/// # Safety
/// The caller owns `dead` alone; its payload is laid out as its tag says.
#[inline(always)]
pub unsafe fn release(dead: *mut u8) {
    // SAFETY: the caller's promise, passed on.
    unsafe {
        if is_leaf(object::tag_of(dead)) {
            heap::free(dead);
        } else {
            take_apart(dead);
        }
    }
}

/// The loop over objects with children.
#[inline(never)]
unsafe fn take_apart(dead: *mut u8) {
    // SAFETY: the caller's promise covers `dead`; every other object the loop meets was
    // the child of one it owns, and was the last reference to it.
    unsafe {
        let mut node = dead;
        let mut parent = null_mut();
        loop {
            // From here on the object is dead for everyone: a cycle that leads back to
            // it, or a second release, is caught.
            object::header(node).refcount.store(0, core::sync::atomic::Ordering::Relaxed);
            match shape(node) {
                Shape::Leaf => heap::free(node),
                Shape::One(child) => {
                    heap::free(node);
                    if give(child) {
                        node = child;
                        continue;
                    }
                }
                Shape::Many => {
                    if let Some(child) = scan(node, 0, slots(node).len, parent) {
                        parent = node;
                        node = child;
                        continue;
                    }
                    finish(node);
                }
            }
            match ascend(parent) {
                Some((child, its_parent)) => (node, parent) = (child, its_parent),
                None => return,
            }
        }
    }
}

/// Goes up until an object has another dying child: that child and its parent.
unsafe fn ascend(mut node: *mut u8) -> Option<(*mut u8, *mut u8)> {
    while !node.is_null() {
        // SAFETY: `node` was suspended by `scan`.
        unsafe {
            let (next, len, parent) = resume(node);
            if let Some(child) = scan(node, next, len, parent) {
                return Some((child, node));
            }
            finish(node);
            node = parent;
        }
    }
    None
}

/// Gives up the references in the slots from `from` on. At the first child that dies,
/// writes the way back into the object and returns the child.
unsafe fn scan(node: *mut u8, from: i64, len: i64, parent: *mut u8) -> Option<*mut u8> {
    // SAFETY: `node` is dead and owned by the loop; its slots are as its tag says.
    unsafe {
        let items = *slots(node).items;
        if items.is_null() {
            return None;
        }
        let mut index = from;
        while index < len {
            let slot = items.offset(index as isize);
            let child = *slot;
            if give(child) {
                if index > 0 {
                    *items = len as usize as *mut u8;
                    *node.cast::<i64>() = index;
                    object::set_tag(node, object::tag_of(node) | tag::RESUMED);
                }
                *slot = parent;
                return Some(child);
            }
            index += 1;
        }
        None
    }
}

/// Reads back what `scan` wrote: the next place, the original length, the parent.
unsafe fn resume(node: *mut u8) -> (i64, i64, *mut u8) {
    // SAFETY: `scan` suspended `node`, so its side array has the slots read here.
    unsafe {
        let items = *slots(node).items;
        let word = *node.cast::<i64>();
        if object::tag_of(node) & tag::RESUMED == 0 {
            (1, word, *items)
        } else {
            (word + 1, *items as usize as i64, *items.offset(word as isize))
        }
    }
}

/// Frees what is left of an object with slots.
unsafe fn finish(node: *mut u8) {
    // SAFETY: side arrays come from libc's `malloc` by contract; the block is dead.
    unsafe {
        let items = *slots(node).items;
        if !items.is_null() {
            sys::free(items.cast());
        }
        heap::free(node);
    }
}

/// The length and side array of an object with slots.
pub struct Slots {
    /// Number of slots as the payload says, possibly negative.
    pub len: i64,
    /// Where the pointer to the side array stands.
    pub items: *mut *mut *mut u8,
}

/// Where the slots of a tuple, record, array or set are.
///
/// # Safety
/// `node` has one of these layouts.
#[inline(always)]
pub unsafe fn slots(node: *mut u8) -> Slots {
    // SAFETY: the caller's promise; `len` is the first word in each of them.
    unsafe {
        let items = if object::tag_of(node) & !tag::RESUMED == tag::SET {
            &raw mut (*node.cast::<Set>()).items
        } else {
            &raw mut (*node.cast::<Items>()).items
        };
        Slots { len: node.cast::<i64>().read(), items }
    }
}

/// Whether a tag surely has no children, in one comparison and one shift.
#[inline(always)]
fn is_leaf(tag: u32) -> bool {
    const PARENTS: u32 = 1 << tag::TUPLE
        | 1 << tag::RECORD
        | 1 << tag::CLOSURE
        | 1 << tag::ADT
        | 1 << tag::SET
        | 1 << tag::ARRAY;
    tag != tag::STRING | tag::OWNED && (tag > tag::ARRAY || PARENTS >> tag & 1 == 0)
}

/// What the tag of an object says about its children.
unsafe fn shape(node: *mut u8) -> Shape {
    // SAFETY: the payload is laid out as the tag says.
    unsafe {
        match object::tag_of(node) {
            tag::TUPLE | tag::RECORD | tag::ARRAY | tag::SET => Shape::Many,
            tag::CLOSURE => Shape::One((*node.cast::<Closure>()).env),
            tag::ADT => Shape::One((*node.cast::<Adt>()).payload),
            OWNED_STRING => Shape::One((*node.cast::<Text>()).data.cast_mut()),
            _ => Shape::Leaf,
        }
    }
}

/// A string that owns its data.
pub const OWNED_STRING: u32 = tag::STRING | tag::OWNED;

/// Gives up one reference to a child; true when the child dies of it.
#[inline(always)]
unsafe fn give(child: *mut u8) -> bool {
    if !object::is_followed(child) {
        return false;
    }
    // SAFETY: a followed child is an object.
    let given = count::give(&unsafe { object::header(child) }.refcount, threads::alone);
    #[cfg(feature = "debug")]
    crate::debug::note_given(given == Given::Last);
    if given == Given::Dead {
        // SAFETY: as above.
        unsafe { crate::refs::double_release(child) }
    }
    given == Given::Last
}
