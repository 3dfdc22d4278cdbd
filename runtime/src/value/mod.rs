//! The functions that build and read values of Reml's types. Never interpret a payload
//! whose tag says otherwise: a wrong tag ends the program.

pub mod aggregate;
pub mod boxed;
pub mod bridge;
pub mod closure;
pub mod set;
pub mod string;

use crate::object::{self, tag};
use crate::panic::{self, Code, Part};

/// Ends the program unless `value` is an object with the tag.
///
/// # Safety
/// `value` is null or an object.
#[inline(always)]
unsafe fn expect_tag(value: *mut u8, expected: u32, function: &'static str) {
    // SAFETY: the caller's promise.
    if value.is_null() || unsafe { plain_tag(value, expected) } != expected {
        // SAFETY: as above.
        unsafe { mismatch(value, expected, function) }
    }
}

#[cold]
unsafe fn mismatch(value: *mut u8, expected: u32, function: &'static str) -> ! {
    let (text, number) = if value.is_null() {
        (", got NULL", Part::Text(""))
    } else {
        // SAFETY: the caller's promise: an object.
        (", got ", Part::Number(u64::from(unsafe { object::tag_of(value) })))
    };
    panic::fault(
        Code::TypeMismatch,
        &[
            Part::Text(function),
            Part::Text(": expected type tag "),
            Part::Number(u64::from(expected)),
            Part::Text(text),
            number,
        ],
    )
}

/// The tag to compare: strings may carry the flag of owned data.
#[inline(always)]
unsafe fn plain_tag(value: *mut u8, expected: u32) -> u32 {
    // SAFETY: the caller's promise: an object.
    let tag = unsafe { object::tag_of(value) };
    if expected == tag::STRING { tag & !tag::OWNED } else { tag }
}
