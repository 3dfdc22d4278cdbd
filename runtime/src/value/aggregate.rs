//! Arrays, records and tuples: objects with slots in a side array. Never leaves a slot
//! counted twice: what `reml_destroy_*` has released is gone from the object.

use core::arch::naked_asm;
use core::ptr::null_mut;

use crate::object::{Items, set_tag, tag, tag_of};
use crate::panic::{self, Code, Part};
use crate::{heap, refs, sys};

/// An array of `len` objects, which follow as variadic `void*` arguments; takes a
/// reference on each.
///
/// Defining a C-variadic function is unstable in Rust, so a few instructions lay the
/// arguments out for [`from_arguments`].
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn reml_array_from(len: i64) -> *mut u8 {
    variadic!(tag::ARRAY)
}

/// A record of `n` values, which follow as variadic `void*` arguments; takes a reference
/// on each.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn reml_record_from(n: i64) -> *mut u8 {
    variadic!(tag::RECORD)
}

/// Spills the argument registers after the first and calls `from_arguments(len,
/// registers, stack, tag)`. `System V` on `x86_64` passes five more in registers.
#[cfg(target_arch = "x86_64")]
macro_rules! variadic {
    ($tag:expr) => {
        naked_asm!(
            ".cfi_startproc",
            "lea rax, [rsp + 8]",
            "push r9", "push r8", "push rcx", "push rdx", "push rsi",
            ".cfi_adjust_cfa_offset 40",
            "mov rsi, rsp",
            "mov rdx, rax",
            "mov ecx, {tag}",
            "call {build}",
            "add rsp, 40",
            ".cfi_adjust_cfa_offset -40",
            "ret",
            ".cfi_endproc",
            tag = const $tag,
            build = sym from_arguments,
        )
    };
}

/// Spills the argument registers after the first and calls `from_arguments(len,
/// registers, stack, tag)`. AAPCS64 passes seven more in registers.
#[cfg(target_arch = "aarch64")]
macro_rules! variadic {
    ($tag:expr) => {
        naked_asm!(
            ".cfi_startproc",
            "stp x29, x30, [sp, #-80]!",
            ".cfi_def_cfa_offset 80",
            ".cfi_offset x29, -80",
            ".cfi_offset x30, -72",
            "mov x29, sp",
            "stp x1, x2, [sp, #16]",
            "stp x3, x4, [sp, #32]",
            "stp x5, x6, [sp, #48]",
            "str x7, [sp, #64]",
            "add x1, sp, #16",
            "add x2, sp, #80",
            "mov w3, #{tag}",
            "bl {build}",
            "ldp x29, x30, [sp], #80",
            ".cfi_def_cfa_offset 0",
            ".cfi_restore x29",
            ".cfi_restore x30",
            "ret",
            ".cfi_endproc",
            tag = const $tag,
            build = sym from_arguments,
        )
    };
}
use variadic;

/// Arguments after the first that arrive in registers.
const IN_REGISTERS: usize = if cfg!(target_arch = "x86_64") { 5 } else { 7 };

/// Builds an object from arguments that lie first in `registers`, then in `stack`.
unsafe extern "C" fn from_arguments(
    len: i64,
    registers: *const *mut u8,
    stack: *const *mut u8,
    tag: u32,
) -> *mut u8 {
    let count = usize::try_from(len).ok().filter(|&count| count < usize::MAX / 16);
    let Some(count) = count else {
        let name = if tag == tag::ARRAY { "reml_array_from" } else { "reml_record_from" };
        panic::fault(
            Code::NegativeLength,
            &[
                Part::Text(name),
                Part::Text(": a length of "),
                Part::Signed(len),
                Part::Text(" is not possible"),
            ],
        );
    };
    let items = slots(count);
    for index in 0..count {
        // SAFETY: the caller passed `count` pointers; the side array has `count` slots.
        unsafe {
            let value = if index < IN_REGISTERS {
                *registers.add(index)
            } else {
                *stack.add(index - IN_REGISTERS)
            };
            refs::inc_ref(value);
            items.add(index).write(value);
        }
    }
    let object = heap::alloc(size_of::<Items>());
    // SAFETY: fresh, ours alone, and large enough.
    unsafe {
        set_tag(object, tag);
        object.cast::<Items>().write(Items { len, items });
    }
    object
}

/// A side array from libc, as the contract demands; null for none.
pub(super) fn slots(count: usize) -> *mut *mut u8 {
    if count == 0 {
        return null_mut();
    }
    // SAFETY: plain C; the result is checked.
    let items = unsafe { sys::malloc(count.saturating_mul(size_of::<*mut u8>())) };
    if items.is_null() {
        panic::fault(
            Code::OutOfMemory,
            &[
                Part::Text("out of memory asking for "),
                Part::Number(count as u64),
                Part::Text(" slots"),
            ],
        );
    }
    items.cast()
}

/// Releases a tuple's items and side array; the object stays, empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_destroy_tuple(tuple: *mut u8) {
    // SAFETY: the caller's promise, passed on.
    unsafe { destroy(tuple, tag::TUPLE, "reml_destroy_tuple") }
}

/// Releases a record's values and side array; the object stays, empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_destroy_record(record: *mut u8) {
    // SAFETY: the caller's promise, passed on.
    unsafe { destroy(record, tag::RECORD, "reml_destroy_record") }
}

/// Releases an array's items and side array; the object stays, empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn reml_destroy_array(array: *mut u8) {
    // SAFETY: the caller's promise, passed on.
    unsafe { destroy(array, tag::ARRAY, "reml_destroy_array") }
}

/// Empties an object before its parts are released, so that nothing can reach them
/// through it again. Tag 0 passes: programs may destroy what they have not tagged yet.
unsafe fn destroy(object: *mut u8, tag: u32, function: &'static str) {
    if object.is_null() {
        return;
    }
    // SAFETY: the caller passes an object; the tag, or the caller, names the layout.
    unsafe {
        if tag_of(object) != 0 {
            super::expect_tag(object, tag, function);
        }
        let empty = Items { len: 0, items: null_mut() };
        let Items { len, items } = object.cast::<Items>().replace(empty);
        if items.is_null() {
            return;
        }
        for index in 0..usize::try_from(len).unwrap_or(0) {
            let child = *items.add(index);
            if crate::object::is_followed(child) {
                refs::dec_ref(child);
            }
        }
        sys::free(items.cast());
    }
}
