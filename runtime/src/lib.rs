//! The runtime that Reml programs link as `libreml_runtime.a`: objects with reference
//! counts, panics, and the small values of the language, behind the C interface of
//! `include/reml_runtime.h`. Never uses `std`, never unwinds, never recurses over a
//! program's data, and imports nothing but a handful of C functions.
//!
//! Pointers given to these functions are, unless the header says otherwise, NULL or
//! objects that the caller holds a reference to.

#![no_std]
// The casts of a runtime between pointers, sizes and C's integers are its daily bread;
// each is on a value whose range the line before it checked or the ABI fixes.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss)]
// Fast paths are one function each because their cost was measured that way.
#![allow(clippy::inline_always)]

// Other systems only check the workspace: there, the crate is its interface table.
#[cfg(all(
    target_os = "linux",
    not(all(target_pointer_width = "64", any(target_arch = "x86_64", target_arch = "aarch64")))
))]
compile_error!("the runtime supports 64-bit x86 and ARM");

#[cfg(test)]
extern crate std;

pub mod abi;

/// The version as text, in panics; [`abi::VERSION`] is the same in one number.
pub const VERSION_TEXT: &str = env!("CARGO_PKG_VERSION");

#[cfg(target_os = "linux")]
pub mod count;
#[cfg(all(target_os = "linux", feature = "debug"))]
pub mod debug;
#[cfg(all(target_os = "linux", not(feature = "debug")))]
pub mod heap;
#[cfg(all(target_os = "linux", feature = "debug"))]
pub use debug as heap;
#[cfg(target_os = "linux")]
pub mod object;
#[cfg(target_os = "linux")]
pub mod panic;
#[cfg(target_os = "linux")]
pub mod print;
#[cfg(target_os = "linux")]
pub mod refs;
#[cfg(target_os = "linux")]
pub mod release;
#[cfg(target_os = "linux")]
pub mod value;

#[cfg(target_os = "linux")]
#[cfg_attr(
    feature = "debug",
    allow(dead_code, unused_imports, reason = "the debug allocator needs less")
)]
mod sys;
#[cfg(target_os = "linux")]
mod threads;

/// Where the archive's panic handler ends up.
#[cfg(target_os = "linux")]
pub fn internal_bug() -> ! {
    panic::fault(
        panic::Code::Internal,
        &[panic::Part::Text("the runtime reached a state it excludes")],
    )
}
