//! What the process may or may not have: symbols that may be absent, watching tools,
//! environment variables. Never a strong reference: it would pull libraries in.

use core::arch::{asm, global_asm};
use core::ffi::{c_int, c_void};

use super::kernel::is_privileged;

// Symbols that may be absent: a weak reference resolves to null and, unlike a strong
// one, never makes the linker pull a library in. Rust has no stable syntax for them.
global_asm!(
    ".weak __libc_single_threaded",
    ".weak __asan_init",
    ".weak __msan_init",
    ".weak __tsan_init",
    ".weak __asan_loadN",
    ".weak backtrace",
    ".weak environ",
    // Defined by the linker script that packs the archive.
    ".weak reml_rt_text_start",
    ".weak reml_rt_text_end",
    ".hidden reml_rt_text_start",
    ".hidden reml_rt_text_end",
    ".section .data.rel.ro.reml_rt_weak,\"aw\",%progbits",
    ".balign 8",
    ".globl reml_rt_weak",
    ".hidden reml_rt_weak",
    ".type reml_rt_weak, %object",
    ".size reml_rt_weak, 72",
    "reml_rt_weak:",
    ".quad __libc_single_threaded",
    ".quad __asan_init",
    ".quad __msan_init",
    ".quad __tsan_init",
    ".quad __asan_loadN",
    ".quad backtrace",
    ".quad environ",
    ".quad reml_rt_text_start",
    ".quad reml_rt_text_end",
    ".text",
);

/// Addresses of the weak symbols; null where the process does not have them.
#[repr(C)]
struct WeakTable {
    single_threaded: *const u8,
    asan_init: *const c_void,
    msan_init: *const c_void,
    tsan_init: *const c_void,
    asan_load: Option<unsafe extern "C" fn(*const c_void, usize)>,
    backtrace: Option<unsafe extern "C" fn(*mut *mut c_void, c_int) -> c_int>,
    environ: *const *const *const u8,
    text_start: *const u8,
    text_end: *const u8,
}

// SAFETY: the linker fills the table before the program starts; nothing writes it after.
unsafe impl Sync for WeakTable {}

unsafe extern "C" {
    #[link_name = "reml_rt_weak"]
    static WEAK: WeakTable;
}

/// glibc's "this process has one thread" flag, from 2.32 on.
pub fn single_threaded_flag() -> Option<*const u8> {
    // SAFETY: the table is defined above and constant.
    let flag = unsafe { WEAK.single_threaded };
    (!flag.is_null()).then_some(flag)
}

/// Whether a compiler's sanitizer is linked into this process.
pub fn has_sanitizer() -> bool {
    // SAFETY: the table is defined above and constant.
    let (address, memory, thread) = unsafe { (WEAK.asan_init, WEAK.msan_init, WEAK.tsan_init) };
    !address.is_null() || !memory.is_null() || !thread.is_null()
}

/// Reports a bad read through `AddressSanitizer`, where it is present and agrees.
pub fn probe_with_asan(ptr: *const u8, len: usize) {
    // SAFETY: the table is defined above and constant; the callee only reads shadow memory.
    unsafe {
        if let Some(load) = WEAK.asan_load {
            load(ptr.cast(), len);
        }
    }
}

/// glibc's `backtrace`, which finds libgcc's unwinder when first called.
pub fn libc_backtrace(frames: &mut [usize]) -> usize {
    // SAFETY: the table is constant; glibc writes at most `len` pointers into the slice.
    unsafe {
        let Some(backtrace) = WEAK.backtrace else {
            return 0;
        };
        let room = frames.len().min(256) as c_int;
        usize::try_from(backtrace(frames.as_mut_ptr().cast(), room)).unwrap_or(0)
    }
}

/// The runtime's own code; empty where the archive was not packed, as in unit tests.
pub fn own_text() -> core::ops::Range<usize> {
    // SAFETY: the table is defined above and constant.
    unsafe { WEAK.text_start as usize..WEAK.text_end as usize }
}

/// The value of an environment variable, as the bytes before its NUL.
///
/// Reads `environ` as `getenv` does, so it shares its rule: no other thread may be
/// changing the environment. Set-user-id programs see no variable at all.
pub fn environment(name: &[u8]) -> Option<&'static [u8]> {
    if is_privileged() {
        return None;
    }
    // SAFETY: `environ`, where present, points to a null-terminated array of C strings.
    unsafe {
        if WEAK.environ.is_null() || (*WEAK.environ).is_null() {
            return None;
        }
        let mut entry = *WEAK.environ;
        while !(*entry).is_null() {
            let mut at = 0;
            while at < name.len() && *(*entry).add(at) == *name.as_ptr().add(at) {
                at += 1;
            }
            if at == name.len() && *(*entry).add(at) == b'=' {
                let value = (*entry).add(at + 1);
                let mut len = 0;
                // Volatile, or the loop becomes a call of `strlen`.
                while value.add(len).read_volatile() != 0 {
                    len += 1;
                }
                return Some(core::slice::from_raw_parts(value, len));
            }
            entry = entry.add(1);
        }
    }
    None
}

/// Whether two byte strings are the same, without calling `bcmp`.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().eq(b)
}

/// Whether an environment variable has a value.
pub fn environment_is(name: &[u8], value: &[u8]) -> bool {
    environment(name).is_some_and(|found| same(found, value))
}

/// Whether Valgrind runs this process, asked through its documented client request.
pub fn under_valgrind() -> bool {
    let request = [0x1001usize, 0, 0, 0, 0, 0];
    let answer: usize;
    // SAFETY: the sequence does nothing on a real processor; Valgrind answers in the result.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") &raw const request,
            inlateout("rdx") 0usize => answer,
            options(nostack),
        );
    }
    // SAFETY: the sequence does nothing on a real processor; Valgrind answers in the result.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "ror x12, x12, #3", "ror x12, x12, #13", "ror x12, x12, #51", "ror x12, x12, #61",
            "orr x10, x10, x10",
            in("x4") &raw const request,
            inlateout("x3") 0usize => answer,
            options(nostack),
        );
    }
    answer != 0
}
