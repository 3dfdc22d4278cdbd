//! Boxes: objects that hold one scalar or string. Never unboxes a value of another tag.

use super::expect_tag;
use crate::heap;
use crate::object::{Text, set_tag, tag};
use crate::panic::{self, Code, Part};

/// A fresh object of a type with its payload written.
fn make<T>(tag: u32, value: T) -> *mut u8 {
    let object = heap::alloc(size_of::<T>());
    // SAFETY: fresh, ours alone, and large enough.
    unsafe {
        set_tag(object, tag);
        object.cast::<T>().write(value);
    }
    object
}

/// Boxes an integer.
#[unsafe(no_mangle)]
pub extern "C" fn reml_box_i64(value: i64) -> *mut u8 {
    make(tag::INT, value)
}

/// Reads a boxed integer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_unbox_i64(object: *mut u8) -> i64 {
    // SAFETY: the caller passes NULL or an object; the tag names the payload.
    unsafe {
        expect_tag(object, tag::INT, "reml_unbox_i64");
        object.cast::<i64>().read()
    }
}

/// Boxes a boolean: every value but 0 is true.
#[unsafe(no_mangle)]
pub extern "C" fn reml_box_bool(value: u8) -> *mut u8 {
    make(tag::BOOL, u8::from(value != 0))
}

/// Reads a boxed boolean: 0 or 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_unbox_bool(object: *mut u8) -> u8 {
    // SAFETY: the caller passes NULL or an object; the tag names the payload.
    unsafe {
        expect_tag(object, tag::BOOL, "reml_unbox_bool");
        u8::from(object.read() != 0)
    }
}

/// Boxes a float.
#[unsafe(no_mangle)]
pub extern "C" fn reml_box_float(value: f64) -> *mut u8 {
    make(tag::FLOAT, value)
}

/// Reads a boxed float.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_unbox_float(object: *mut u8) -> f64 {
    // SAFETY: the caller passes NULL or an object; the tag names the payload.
    unsafe {
        expect_tag(object, tag::FLOAT, "reml_unbox_float");
        object.cast::<f64>().read()
    }
}

/// Boxes a character; panics unless it is a Unicode scalar value.
#[unsafe(no_mangle)]
pub extern "C" fn reml_box_char(value: u32) -> *mut u8 {
    make(tag::CHAR, scalar(value, "reml_box_char: "))
}

/// Reads a boxed character; panics unless it is a Unicode scalar value.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_unbox_char(object: *mut u8) -> u32 {
    // SAFETY: the caller passes NULL or an object; the tag names the payload.
    unsafe {
        expect_tag(object, tag::CHAR, "reml_unbox_char");
        scalar(object.cast::<u32>().read(), "reml_unbox_char: ")
    }
}

fn scalar(value: u32, function: &'static str) -> u32 {
    if char::from_u32(value).is_none() {
        panic::fault(
            Code::InvalidChar,
            &[
                Part::Text(function),
                Part::Number(u64::from(value)),
                Part::Text(" is not a Unicode scalar value"),
            ],
        );
    }
    value
}

/// Boxes a string; its data stays borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn reml_box_string(value: Text) -> *mut u8 {
    make(tag::STRING, value)
}

/// Reads a boxed string; its data stays borrowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_unbox_string(object: *mut u8) -> Text {
    // SAFETY: the caller passes NULL or an object; the tag names the payload.
    unsafe {
        expect_tag(object, tag::STRING, "reml_unbox_string");
        object.cast::<Text>().read()
    }
}
