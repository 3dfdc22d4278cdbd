//! Persistent sets by pointer equality. Never changes a set that exists: insertion
//! copies it and takes references.

use super::{aggregate, expect_tag};
use crate::object::{Set, set_tag, tag};
use crate::{heap, refs};

/// An empty set.
#[unsafe(no_mangle)]
pub extern "C" fn reml_set_new() -> *mut u8 {
    let set = heap::alloc(size_of::<Set>());
    // SAFETY: fresh; a zero payload is the empty set.
    unsafe { set_tag(set, tag::SET) };
    set
}

/// The items of a set.
unsafe fn items<'a>(set: *mut u8, function: &'static str) -> &'a [*mut u8] {
    // SAFETY: the caller passes NULL or an object; the tag names the payload.
    unsafe {
        expect_tag(set, tag::SET, function);
        let Set { len, items, .. } = set.cast::<Set>().read();
        match usize::try_from(len) {
            Ok(len) if !items.is_null() => core::slice::from_raw_parts(items, len),
            _ => &[],
        }
    }
}

/// A new set with all items of `set` and `value`; takes a reference on each item. The
/// caller keeps its reference to `set`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_set_insert(set: *mut u8, value: *mut u8) -> *mut u8 {
    // SAFETY: the caller passes a set (or the tag check ends the program) and NULL or an
    // object; the new set and its slots are ours alone.
    unsafe {
        let old = items(set, "reml_set_insert");
        let len = old.len() + usize::from(!old.contains(&value));
        let slots = aggregate::slots(len);
        for (index, &item) in old.iter().chain(&[value]).take(len).enumerate() {
            refs::inc_ref(item);
            slots.add(index).write(item);
        }
        let new = reml_set_new();
        let len = len as i64;
        new.cast::<Set>().write(Set { len, capacity: len, items: slots });
        new
    }
}

/// 1 when the set holds this very pointer, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_set_contains(set: *mut u8, value: *mut u8) -> i32 {
    // SAFETY: the caller's promise, passed on.
    i32::from(unsafe { items(set, "reml_set_contains") }.contains(&value))
}

/// Number of items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_set_len(set: *mut u8) -> i64 {
    // SAFETY: the caller's promise, passed on.
    unsafe { items(set, "reml_set_len") }.len() as i64
}
