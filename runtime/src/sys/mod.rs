//! The world below the runtime: the few C functions it imports. Never import a C function
//! that is not in [`crate::abi::IMPORTS`]: programs link with nothing but `-lc`.

mod foreign;
mod kernel;
mod weak;

use core::ffi::{c_int, c_void};

pub use foreign::copy_foreign;
pub use kernel::{
    close, commit, ids, open_append, open_read, read, sleep_seconds, unix_time, unmap, yield_now,
};
pub use weak::{
    environment, environment_is, has_sanitizer, libc_backtrace, own_text, probe_with_asan, same,
    single_threaded_flag, under_valgrind,
};

unsafe extern "C" {
    pub fn calloc(count: usize, size: usize) -> *mut c_void;
    pub fn malloc(size: usize) -> *mut c_void;
    pub fn free(ptr: *mut c_void);
    pub fn mmap(
        addr: *mut c_void,
        len: usize,
        prot: c_int,
        flags: c_int,
        fd: c_int,
        off: i64,
    ) -> *mut c_void;
    pub fn madvise(addr: *mut c_void, len: usize, advice: c_int) -> c_int;
    pub fn write(fd: c_int, buf: *const c_void, len: usize) -> isize;
    pub fn exit(status: c_int) -> !;
    pub fn _exit(status: c_int) -> !;
    pub fn abort() -> !;
    pub fn __cxa_thread_atexit_impl(
        destructor: unsafe extern "C" fn(*mut c_void),
        object: *mut c_void,
        dso: *mut c_void,
    ) -> c_int;
}

pub const PROT_NONE: c_int = 0;
pub const PROT_READ_WRITE: c_int = 3;
pub const MAP_PRIVATE_ANONYMOUS: c_int = 0x22;
pub const MAP_NORESERVE: c_int = 0x4000;
pub const MAP_FIXED_NOREPLACE: c_int = 0x10_0000;
pub const MADV_HUGEPAGE: c_int = 14;

/// Writes everything, in one `write` where the kernel takes it whole.
///
/// Goes through libc so that a program's own `write` (tests, sandboxes) sees it.
pub fn write_all(fd: c_int, mut bytes: &[u8]) -> bool {
    let mut interrupted = 0;
    while !bytes.is_empty() {
        // SAFETY: the slice is readable.
        let done = unsafe { write(fd, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(done) {
            Ok(0) => return false,
            Ok(done) => bytes = bytes.get(done..).unwrap_or_default(),
            // A signal, most likely; errno is not ours to read. Other errors stay and end it.
            Err(_) if interrupted < 16 => interrupted += 1,
            Err(_) => return false,
        }
    }
    true
}
