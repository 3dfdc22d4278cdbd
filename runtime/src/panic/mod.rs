//! Ending the program: one message, whole, then exit status 1. Never allocates, never
//! trusts a pointer it was given, and speaks once: the first thread wins.

mod backtrace;
mod clock;
#[cfg(feature = "debug")]
mod debug;
mod report;
mod text;

use core::arch::naked_asm;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::sys;
pub use backtrace::Caller;
#[cfg(feature = "debug")]
pub use debug::{Output, places, walk};
use report::{Format, Report};
use text::Buffer;

/// Bytes of a message that are read at most.
const MESSAGE_MAX: usize = 4096;
/// Bytes of a file name that are read at most.
const FILE_MAX: usize = 512;

/// Stable names of the reasons to panic, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The program called `panic` or `panic_at`.
    Panic,
    /// The system has no memory left.
    OutOfMemory,
    /// A size cannot be represented.
    SizeOverflow,
    /// `dec_ref` on a released object.
    DoubleRelease,
    /// `inc_ref` on a released object.
    UseAfterRelease,
    /// `mem_free` on a released object.
    DoubleFree,
    /// A value of another type.
    TypeMismatch,
    /// Not a Unicode scalar value.
    InvalidChar,
    /// A negative or impossible length.
    NegativeLength,
    /// The debug archive found a damaged object.
    Corrupt,
    /// A bug of the runtime.
    Internal,
}

impl Code {
    /// All codes, for the reference page's test.
    pub const ALL: [Self; 11] = [
        Self::Panic,
        Self::OutOfMemory,
        Self::SizeOverflow,
        Self::DoubleRelease,
        Self::UseAfterRelease,
        Self::DoubleFree,
        Self::TypeMismatch,
        Self::InvalidChar,
        Self::NegativeLength,
        Self::Corrupt,
        Self::Internal,
    ];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panic => "runtime.panic",
            Self::OutOfMemory => "runtime.out-of-memory",
            Self::SizeOverflow => "runtime.size-overflow",
            Self::DoubleRelease => "runtime.double-release",
            Self::UseAfterRelease => "runtime.use-after-release",
            Self::DoubleFree => "runtime.double-free",
            Self::TypeMismatch => "runtime.type-mismatch",
            Self::InvalidChar => "runtime.invalid-char",
            Self::NegativeLength => "runtime.negative-length",
            Self::Corrupt => "runtime.corrupt-object",
            Self::Internal => "runtime.internal",
        }
    }
}

/// A piece of a message of the runtime's own.
#[derive(Debug, Clone, Copy)]
pub enum Part {
    /// Words.
    Text(&'static str),
    /// A decimal number.
    Number(u64),
    /// A signed decimal number.
    Signed(i64),
    /// A hexadecimal number.
    Address(usize),
}

/// `panic(ptr, len)`: what IR calls. The string need not end in NUL. Also right for IR
/// that passes the pointer alone: whatever stands in the second register is only a bound.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn panic(message: *const u8, length: i64) -> ! {
    // Hands the caller's frame pointer and return address on.
    #[cfg(target_arch = "x86_64")]
    naked_asm!(".cfi_startproc", "mov rdx, rbp", "mov rcx, [rsp]", "jmp {}", ".cfi_endproc", sym panic_with_length);
    #[cfg(target_arch = "aarch64")]
    naked_asm!(".cfi_startproc", "mov x2, x29", "mov x3, x30", "b {}", ".cfi_endproc", sym panic_with_length);
}

/// `panic(message)`: what C programs call that include the header. NUL-terminated.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn reml_panic_cstr(message: *const u8) -> ! {
    #[cfg(target_arch = "x86_64")]
    naked_asm!(
        ".cfi_startproc", "mov esi, {max}", "mov rdx, rbp", "mov rcx, [rsp]", "jmp {}", ".cfi_endproc",
        sym panic_with_length, max = const MESSAGE_MAX,
    );
    #[cfg(target_arch = "aarch64")]
    naked_asm!(
        ".cfi_startproc", "mov x1, #{max}", "mov x2, x29", "mov x3, x30", "b {}", ".cfi_endproc",
        sym panic_with_length, max = const MESSAGE_MAX,
    );
}

/// `panic_at(message, file, line)`: both strings are NUL-terminated, either may be NULL.
#[unsafe(no_mangle)]
#[unsafe(naked)]
pub unsafe extern "C" fn panic_at(message: *const u8, file: *const u8, line: i32) -> ! {
    #[cfg(target_arch = "x86_64")]
    naked_asm!(".cfi_startproc", "mov rcx, rbp", "mov r8, [rsp]", "jmp {}", ".cfi_endproc", sym panic_with_place);
    #[cfg(target_arch = "aarch64")]
    naked_asm!(".cfi_startproc", "mov x3, x29", "mov x4, x30", "b {}", ".cfi_endproc", sym panic_with_place);
}

unsafe extern "C" fn panic_with_length(
    message: *const u8,
    length: i64,
    frame: usize,
    address: usize,
) -> ! {
    let stage = Stage::enter();
    let length = usize::try_from(length).unwrap_or(0);
    stage.message.read(message, length);
    stage.end(Code::Panic, None, Caller { frame, address })
}

unsafe extern "C" fn panic_with_place(
    message: *const u8,
    file: *const u8,
    line: i32,
    frame: usize,
    address: usize,
) -> ! {
    let stage = Stage::enter();
    stage.message.read(message, MESSAGE_MAX);
    stage.file.read(file, FILE_MAX);
    stage.end(Code::Panic, Some(line), Caller { frame, address })
}

/// Ends the program for a reason of the runtime's own.
#[cold]
#[inline(never)]
pub fn fault(code: Code, parts: &[Part]) -> ! {
    let caller = Caller::here();
    let stage = Stage::enter();
    let mut words = Buffer::<256>::new();
    for part in parts {
        match *part {
            Part::Text(text) => words.text(text),
            Part::Number(number) => words.number(number),
            Part::Signed(number) => words.signed(number),
            Part::Address(address) => words.hex(address as u64),
        }
    }
    stage.message.set(words.bytes());
    stage.end(code, None, caller)
}

/// Bytes that came from the program.
struct Foreign<const N: usize> {
    bytes: [u8; N],
    used: usize,
}

impl<const N: usize> Foreign<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], used: 0 }
    }

    /// Reads a string that may not be there, up to a NUL, a bound, or unmapped memory.
    fn read(&mut self, from: *const u8, bound: usize) {
        let room = self.bytes.get_mut(..bound.min(N)).unwrap_or_default();
        let got = if from.is_null() { 0 } else { copy_string(from, room) };
        self.used = got;
    }

    fn set(&mut self, bytes: &[u8]) {
        for (slot, &byte) in self.bytes.iter_mut().zip(bytes) {
            *slot = byte;
        }
        self.used = bytes.len().min(N);
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }
}

/// Copies up to a NUL; the length without it.
fn copy_string(from: *const u8, room: &mut [u8]) -> usize {
    let got = sys::copy_foreign(from, room);
    room.iter().take(got).position(|&byte| byte == 0).unwrap_or(got)
}

/// Everything a panic needs, set aside beforehand: 150 KB of address space that is never
/// touched until then.
struct Stage {
    message: Foreign<MESSAGE_MAX>,
    file: Foreign<FILE_MAX>,
    trace: backtrace::Trace,
    output: Buffer<{ 96 * 1024 }>,
}

struct Shared(UnsafeCell<Stage>);

// SAFETY: only the thread that `Stage::enter` let through touches the stage.
unsafe impl Sync for Shared {}

static STAGE: Shared = Shared(UnsafeCell::new(Stage {
    message: Foreign::new(),
    file: Foreign::new(),
    trace: backtrace::Trace::new(),
    output: Buffer::new(),
}));

/// The thread that panics, by its kernel id; 0 while none does.
static SPEAKER: AtomicU32 = AtomicU32::new(0);

/// Whether the program is ending in a panic.
pub fn is_panicking() -> bool {
    SPEAKER.load(Ordering::Relaxed) != 0
}

impl Stage {
    /// Lets the first thread through. A panic inside a panic ends the process at once;
    /// other threads wait for the end, but not for good: an exit handler may wait for
    /// them in turn.
    fn enter() -> &'static mut Self {
        let me = sys::ids().1;
        match SPEAKER.compare_exchange(0, me, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: the exchange succeeds once in the life of a process.
            Ok(_) => unsafe { &mut *STAGE.0.get() },
            Err(speaker) => {
                if speaker != me {
                    sys::sleep_seconds(10);
                }
                // SAFETY: plain C.
                unsafe { sys::_exit(1) }
            }
        }
    }

    /// Speaks and ends the process.
    fn end(&mut self, code: Code, line: Option<i32>, caller: Caller) -> ! {
        let mut frames = [0; backtrace::FRAMES];
        // glibc's unwinder allocates when first used; without memory, go without it.
        let found =
            if code == Code::OutOfMemory { 0 } else { backtrace::walk(caller, &mut frames) };
        self.trace.resolve(frames.get(..found).unwrap_or_default());
        let (process, thread) = sys::ids();
        let report = Report {
            code,
            message: self.message.bytes(),
            file: self.file.bytes(),
            line,
            time: sys::unix_time(),
            process,
            thread,
            trace: &self.trace,
        };
        report.write(Format::chosen(), &mut self.output);
        sys::write_all(2, self.output.bytes());
        log(self.output.bytes());
        // SAFETY: plain C; `exit` runs the program's exit handlers.
        unsafe {
            if sys::environment_is(b"REML_PANIC", b"abort") {
                sys::abort();
            }
            sys::exit(1)
        }
    }
}

/// Appends what was said to the file that `REML_PANIC_LOG` names. A file that cannot be
/// opened is passed over: the message has been shown.
fn log(bytes: &[u8]) {
    let Some(path) = sys::environment(b"REML_PANIC_LOG").filter(|path| !path.is_empty()) else {
        return;
    };
    // SAFETY: values of the environment are NUL-terminated where the slice ends.
    let fd = unsafe { sys::open_append(path.as_ptr()) };
    if fd >= 0 {
        sys::write_all(fd, bytes);
        sys::close(fd);
    }
}
