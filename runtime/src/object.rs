//! The object layout that compilers and C programs rely on: header, tags, payloads.
//! Never change a number here: the header's `_Static_assert`s and the compilers'
//! IR hold the same ones.

use core::sync::atomic::AtomicU32;

/// Bytes between the start of an object and the pointer that programs hold.
pub const HEADER: usize = 8;

/// What stands before the pointer that programs hold.
#[repr(C)]
#[derive(Debug)]
pub struct Header {
    /// See [`crate::count`] for its states.
    pub refcount: AtomicU32,
    /// One of [`tag`], possibly with a flag bit.
    pub type_tag: u32,
}

/// Type tags (`reml_type_tag_t`).
pub mod tag {
    /// `i64`.
    pub const INT: u32 = 1;
    /// `f64`.
    pub const FLOAT: u32 = 2;
    /// `u8`, 0 or 1.
    pub const BOOL: u32 = 3;
    /// [`super::Text`].
    pub const STRING: u32 = 4;
    /// [`super::Items`].
    pub const TUPLE: u32 = 5;
    /// [`super::Items`].
    pub const RECORD: u32 = 6;
    /// [`super::Closure`].
    pub const CLOSURE: u32 = 7;
    /// [`super::Adt`].
    pub const ADT: u32 = 8;
    /// [`super::Set`].
    pub const SET: u32 = 9;
    /// A Unicode scalar value in a `u32`.
    pub const CHAR: u32 = 10;
    /// [`super::Items`].
    pub const ARRAY: u32 = 11;

    /// Flag on [`ADT`]: the payload is an immediate, never followed.
    pub const IMMEDIATE: u32 = 1 << 31;
    /// Flag on [`STRING`]: the data pointer is an object, released with the string.
    pub const OWNED: u32 = 1 << 30;
    /// Set by the release loop on objects that are being taken apart.
    pub(crate) const RESUMED: u32 = 1 << 29;
}

/// Payload of a string (`reml_string_t`), also passed by value as `{ptr, i64}`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// UTF-8, not NUL-terminated.
    pub data: *const u8,
    /// Bytes.
    pub length: i64,
}

/// Payload of a tuple, record or array.
#[repr(C)]
#[derive(Debug)]
pub struct Items {
    /// Number of slots.
    pub len: i64,
    /// `len` slots from libc's `malloc`, or null.
    pub items: *mut *mut u8,
}

/// Payload of a closure (`reml_closure_t`).
#[repr(C)]
#[derive(Debug)]
pub struct Closure {
    /// An object, or null.
    pub env: *mut u8,
    /// Code, never released.
    pub code_ptr: *mut u8,
}

/// Payload of an algebraic data type.
#[repr(C)]
#[derive(Debug)]
pub struct Adt {
    /// Number of the constructor.
    pub tag: i32,
    /// An object, an immediate, or null; at offset 8.
    pub payload: *mut u8,
}

/// Payload of a set.
#[repr(C)]
#[derive(Debug)]
pub struct Set {
    /// Number of items.
    pub len: i64,
    /// Slots allocated.
    pub capacity: i64,
    /// `capacity` slots from libc's `malloc`, or null.
    pub items: *mut *mut u8,
}

const _: () = {
    assert!(size_of::<Header>() == HEADER && size_of::<Text>() == 16);
    assert!(size_of::<Items>() == 16 && size_of::<Closure>() == 16 && size_of::<Adt>() == 16);
    assert!(size_of::<Set>() == 24 && core::mem::offset_of!(Set, items) == 16);
    assert!(core::mem::offset_of!(Adt, payload) == 8);
};

/// The header of an object.
///
/// # Safety
/// `object` points to a payload made by `mem_alloc` or laid out like one.
#[inline(always)]
pub unsafe fn header<'a>(object: *mut u8) -> &'a Header {
    // SAFETY: the caller's promise; the count inside is atomic, the tag belongs to the owner.
    unsafe { &*object.sub(HEADER).cast::<Header>() }
}

/// Reads a type tag.
///
/// # Safety
/// As [`header`].
#[inline(always)]
pub unsafe fn tag_of(object: *mut u8) -> u32 {
    // SAFETY: the caller's promise.
    unsafe { object.sub(4).cast::<u32>().read() }
}

/// Writes a type tag.
///
/// # Safety
/// As [`header`], and no other thread may use the object yet.
#[inline(always)]
pub unsafe fn set_tag(object: *mut u8, tag: u32) {
    // SAFETY: the caller's promise.
    unsafe { object.sub(4).cast::<u32>().write(tag) }
}

/// Whether a child slot can hold an object at all.
///
/// Null, misaligned values, the lowest 64 KiB (which Linux never maps) and addresses
/// beyond 48 bits are immediates of compilers that do not set [`tag::IMMEDIATE`].
#[inline(always)]
pub fn is_followed(child: *mut u8) -> bool {
    let bits = child as usize;
    bits.is_multiple_of(8) && bits.wrapping_sub(0x1_0000) < (1 << 48) - 0x1_0000
}
