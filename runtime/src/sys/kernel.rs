//! System calls without libc: what a panic needs must not be an import, and must not
//! touch `errno`. Never checks arguments; its safe functions take only safe ones.

use core::arch::asm;
use core::ffi::c_int;

use super::PROT_READ_WRITE;

/// Numbers of the system calls in use, per architecture.
#[cfg(target_arch = "x86_64")]
pub(super) mod number {
    pub const CLOCK_GETTIME: usize = 228;
    pub const CLOSE: usize = 3;
    pub const GETEGID: usize = 108;
    pub const GETEUID: usize = 107;
    pub const GETGID: usize = 104;
    pub const GETPID: usize = 39;
    pub const GETTID: usize = 186;
    pub const GETUID: usize = 102;
    pub const MPROTECT: usize = 10;
    pub const MUNMAP: usize = 11;
    pub const OPENAT: usize = 257;
    pub const PIPE2: usize = 293;
    pub const PPOLL: usize = 271;
    pub const PROCESS_VM_READV: usize = 310;
    pub const READ: usize = 0;
    pub const SCHED_YIELD: usize = 24;
    pub const WRITE: usize = 1;
}

/// Numbers of the system calls in use, per architecture.
#[cfg(target_arch = "aarch64")]
pub(super) mod number {
    pub const CLOCK_GETTIME: usize = 113;
    pub const CLOSE: usize = 57;
    pub const GETEGID: usize = 177;
    pub const GETEUID: usize = 175;
    pub const GETGID: usize = 176;
    pub const GETPID: usize = 172;
    pub const GETTID: usize = 178;
    pub const GETUID: usize = 174;
    pub const MPROTECT: usize = 226;
    pub const MUNMAP: usize = 215;
    pub const OPENAT: usize = 56;
    pub const PIPE2: usize = 59;
    pub const PPOLL: usize = 73;
    pub const PROCESS_VM_READV: usize = 270;
    pub const READ: usize = 63;
    pub const SCHED_YIELD: usize = 124;
    pub const WRITE: usize = 64;
}

/// One system call with up to six arguments; negative results are `-errno`.
pub(super) unsafe fn call(number: usize, args: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the kernel's calling convention; the caller answers for the arguments.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2], in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    // SAFETY: the kernel's calling convention; the caller answers for the arguments.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "svc #0",
            in("x8") number,
            inlateout("x0") args[0] => result,
            in("x1") args[1], in("x2") args[2], in("x3") args[3], in("x4") args[4], in("x5") args[5],
            options(nostack),
        );
    }
    result
}

/// Makes reserved memory usable; false when the kernel refuses (out of memory).
pub fn commit(start: usize, len: usize) -> bool {
    // SAFETY: callers pass ranges inside the reservation, which only the runtime uses.
    unsafe { call(number::MPROTECT, [start, len, PROT_READ_WRITE as usize, 0, 0, 0]) == 0 }
}

/// Gives address space back.
pub unsafe fn unmap(start: usize, len: usize) {
    // SAFETY: the caller owns the range.
    unsafe { call(number::MUNMAP, [start, len, 0, 0, 0, 0]) };
}

/// The process id and the kernel's id of the calling thread.
pub fn ids() -> (u32, u32) {
    // SAFETY: both calls take no argument and cannot fail.
    let (process, thread) = unsafe { (call(number::GETPID, [0; 6]), call(number::GETTID, [0; 6])) };
    (process as u32, thread as u32)
}

/// Whether the process runs with more rights than its user has.
pub(super) fn is_privileged() -> bool {
    // SAFETY: the calls take no argument and cannot fail.
    unsafe {
        call(number::GETUID, [0; 6]) != call(number::GETEUID, [0; 6])
            || call(number::GETGID, [0; 6]) != call(number::GETEGID, [0; 6])
    }
}

/// Seconds since 1970-01-01T00:00:00Z.
pub fn unix_time() -> i64 {
    let mut time = [0i64; 2];
    // SAFETY: clock 0 is CLOCK_REALTIME; the kernel fills two words.
    unsafe { call(number::CLOCK_GETTIME, [0, (&raw mut time) as usize, 0, 0, 0, 0]) };
    time[0]
}

/// Sleeps, to wait for another thread that ends the process.
pub fn sleep_seconds(seconds: i64) {
    let time = [seconds, 0i64];
    // SAFETY: polling no descriptor with a timeout is a sleep.
    unsafe { call(number::PPOLL, [0, 0, (&raw const time) as usize, 0, 0, 0]) };
}

/// Lets another thread run.
pub fn yield_now() {
    // SAFETY: takes no argument.
    unsafe { call(number::SCHED_YIELD, [0; 6]) };
}

/// Opens a file for appending, made with mode 0600 if absent; negative on failure.
pub unsafe fn open_append(path: *const u8) -> c_int {
    // O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, which both architectures number alike.
    let flags = 0o1 | 0o100 | 0o2000 | 0o2_000_000;
    // SAFETY: the caller passes a NUL-terminated path; -100 is AT_FDCWD.
    unsafe {
        call(number::OPENAT, [-100isize as usize, path as usize, flags, 0o600, 0, 0]) as c_int
    }
}

/// Opens a file for reading; negative on failure.
pub fn open_read(path: &core::ffi::CStr) -> c_int {
    let path = path.as_ptr() as usize;
    // SAFETY: the path is NUL-terminated; -100 is AT_FDCWD, 0o2000000 is O_CLOEXEC.
    unsafe { call(number::OPENAT, [-100isize as usize, path, 0o2_000_000, 0, 0, 0]) as c_int }
}

/// Reads into the buffer; 0 at the end or on failure.
pub fn read(fd: c_int, buffer: &mut [u8]) -> usize {
    // SAFETY: the kernel writes at most `len` bytes into the slice.
    let got = unsafe {
        call(number::READ, [fd as usize, buffer.as_mut_ptr() as usize, buffer.len(), 0, 0, 0])
    };
    usize::try_from(got).unwrap_or(0)
}

/// Closes a descriptor of ours.
pub fn close(fd: c_int) {
    // SAFETY: callers pass descriptors they opened.
    unsafe { call(number::CLOSE, [fd as usize, 0, 0, 0, 0, 0]) };
}
