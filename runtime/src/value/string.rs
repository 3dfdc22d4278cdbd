//! Comparing strings. Never reads beyond a string's length, and treats a negative
//! length as 0.

use core::cmp::Ordering;

use crate::object::Text;

/// The bytes of a string; empty where it has none.
unsafe fn bytes<'a>(text: Text) -> &'a [u8] {
    match usize::try_from(text.length) {
        // SAFETY: the caller passes strings whose data has the length they say.
        Ok(length) if !text.data.is_null() => unsafe {
            core::slice::from_raw_parts(text.data, length)
        },
        _ => &[],
    }
}

/// 1 when both are NULL or both hold the same bytes, else 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn string_eq(a: *const Text, b: *const Text) -> i32 {
    // SAFETY: the caller's promise, passed on.
    i32::from(unsafe { compare(a, b) } == Ordering::Equal)
}

/// −1, 0 or 1: NULL first, then by bytes, then by length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn string_compare(a: *const Text, b: *const Text) -> i32 {
    // SAFETY: the caller's promise, passed on.
    unsafe { compare(a, b) as i32 }
}

unsafe fn compare(a: *const Text, b: *const Text) -> Ordering {
    if a == b || a.is_null() || b.is_null() {
        return b.is_null().cmp(&a.is_null());
    }
    // SAFETY: neither is NULL; the caller passes strings.
    unsafe { bytes(*a).cmp(bytes(*b)) }
}

/// The data pointer of a string.
#[unsafe(no_mangle)]
pub extern "C" fn reml_str_data(text: Text) -> *const u8 {
    text.data
}
