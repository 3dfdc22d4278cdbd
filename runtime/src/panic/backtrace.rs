//! Where the program was: return addresses, and the module and offset of each, which
//! `addr2line -e MODULE OFFSET` turns into a line. Never reads memory that may be gone
//! without asking the kernel first, and links no unwinder.

use core::arch::asm;

use super::text::Buffer;
use crate::sys;

/// Frames kept at most.
pub const FRAMES: usize = 48;

/// The machine registers a panic entry saw, for the walk without an unwinder.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// Frame pointer of the caller, if it keeps one.
    pub frame: usize,
    /// Where the caller goes on.
    pub address: usize,
}

impl Caller {
    /// For faults raised inside the runtime: whatever the frame-pointer register holds.
    #[inline(always)]
    #[must_use]
    pub fn here() -> Self {
        let frame: usize;
        // SAFETY: copies a register.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack, preserves_flags));
        }
        // SAFETY: copies a register.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            asm!("mov {}, x29", out(reg) frame, options(nomem, nostack, preserves_flags));
        }
        Self { frame, address: 0 }
    }
}

/// Fills the array with the addresses of calls, innermost first, without those in the
/// runtime itself; how many. One less than a return address lies in the call; a call that
/// does not return may be its function's last instruction.
///
/// glibc's `backtrace` reads unwind tables and sees through code without frame pointers;
/// static programs do not have it.
pub fn walk(caller: Caller, frames: &mut [usize]) -> usize {
    let found = sys::libc_backtrace(frames);
    let found = if found > 1 { found } else { walk_frame_pointers(caller, frames) };
    let own = sys::own_text();
    let mut kept = 0;
    for index in 0..found {
        let address = frames.get(index).copied().unwrap_or(0);
        if own.contains(&address) {
            continue;
        }
        if let Some(slot) = frames.get_mut(kept) {
            *slot = address.wrapping_sub(1);
            kept += 1;
        }
    }
    kept
}

fn walk_frame_pointers(caller: Caller, frames: &mut [usize]) -> usize {
    let first = (caller.frame, caller.address);
    let chain = core::iter::successors(Some(first), |&(frame, _)| {
        // The stack grows downwards: each caller's frame lies above.
        frame_record(frame).filter(|&(next, address)| address != 0 && (next > frame || next == 0))
    });
    // Faults raised inside the runtime know no return address of their own.
    let addresses = chain.map(|(_, address)| address).filter(|&address| address != 0);
    let mut used = 0;
    for (slot, address) in frames.iter_mut().zip(addresses) {
        *slot = address;
        used += 1;
    }
    used
}

/// The two words a frame pointer points at: the caller's frame pointer and the return
/// address.
fn frame_record(frame: usize) -> Option<(usize, usize)> {
    let mut bytes = [0; 16];
    if frame == 0
        || !frame.is_multiple_of(8)
        || sys::copy_foreign(frame as *const u8, &mut bytes) < 16
    {
        return None;
    }
    let (next, address) = bytes.split_at(8);
    Some((
        usize::from_ne_bytes(next.try_into().ok()?),
        usize::from_ne_bytes(address.try_into().ok()?),
    ))
}

/// The module of a frame.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Address, before it is known to lie in a module.
    pub address: usize,
    /// Offset as `addr2line` wants it.
    pub offset: usize,
    name_start: usize,
    name_end: usize,
}

/// Frames with their modules.
#[derive(Debug)]
pub struct Trace {
    places: [Place; FRAMES],
    used: usize,
    names: Buffer<4096>,
}

impl Trace {
    /// No frames.
    pub const fn new() -> Self {
        let nowhere = Place { address: 0, offset: 0, name_start: 0, name_end: 0 };
        Self { places: [nowhere; FRAMES], used: 0, names: Buffer::new() }
    }

    /// Looks the addresses up in the process's memory map.
    pub fn resolve(&mut self, frames: &[usize]) {
        self.used = 0;
        self.names.clear();
        for (place, &address) in self.places.iter_mut().zip(frames) {
            *place = Place { address, offset: address, name_start: 0, name_end: 0 };
            self.used += 1;
        }
        read_map(|module| self.claim(module));
    }

    /// Gives every frame inside a mapping its module and offset.
    fn claim(&mut self, module: &Module<'_>) {
        let mut name: Option<(usize, usize)> = None;
        for place in self.places.iter_mut().take(self.used) {
            if place.address < module.start || place.address >= module.end {
                continue;
            }
            let (start, end) = *name.get_or_insert_with(|| {
                let start = self.names.bytes().len();
                self.names.raw(module.name);
                (start, self.names.bytes().len())
            });
            place.offset = place.address - module.bias;
            (place.name_start, place.name_end) = (start, end);
        }
    }

    /// The frames: module (empty if unknown) and offset.
    pub fn frames(&self) -> impl Iterator<Item = (&[u8], usize)> {
        self.places.iter().take(self.used).map(|place| {
            let name = self.names.bytes().get(place.name_start..place.name_end);
            (name.unwrap_or_default(), place.offset)
        })
    }
}

/// One mapped piece of a file.
struct Module<'a> {
    start: usize,
    end: usize,
    /// What to subtract from an address to get the address `addr2line` knows.
    bias: usize,
    name: &'a [u8],
}

/// Calls back for each mapping of a file, read from the kernel in small pieces.
fn read_map(mut each: impl FnMut(&Module<'_>)) {
    let fd = sys::open_read(c"/proc/self/maps");
    if fd < 0 {
        return;
    }
    let mut piece = [0; 1024];
    let mut line = Buffer::<512>::new();
    let mut last = Buffer::<512>::new();
    let mut bias = 0;
    loop {
        let got = sys::read(fd, &mut piece);
        for &byte in piece.iter().take(got) {
            if byte != b'\n' {
                line.byte(byte);
                continue;
            }
            if let Some((start, end, name)) = parse(line.bytes()) {
                if !sys::same(name, last.bytes()) {
                    last.clear();
                    last.raw(name);
                    bias = load_bias(start);
                }
                each(&Module { start, end, bias, name });
            }
            line.clear();
        }
        if got == 0 {
            break;
        }
    }
    sys::close(fd);
}

/// Start, end and path of a line of `/proc/self/maps` that maps a file (proc(5)).
fn parse(line: &[u8]) -> Option<(usize, usize, &[u8])> {
    let slash = line.iter().position(|&byte| byte == b'/')?;
    let mut numbers = line.splitn(3, |&byte| byte == b'-' || byte == b' ');
    let start = hex(numbers.next()?)?;
    let end = hex(numbers.next()?)?;
    Some((start, end, line.get(slash..)?))
}

fn hex(digits: &[u8]) -> Option<usize> {
    digits.iter().try_fold(0usize, |value, &digit| {
        let digit = (digit as char).to_digit(16)?;
        Some(value << 4 | digit as usize)
    })
}

/// Where a module was moved to: its first mapping, or 0 for a program linked to a fixed
/// address (`ET_EXEC`), whose addresses are its own.
fn load_bias(start: usize) -> usize {
    let mut head = [0; 18];
    let read = sys::copy_foreign(start as *const u8, &mut head);
    let fixed = read == 18 && head.starts_with(b"\x7fELF") && head.last_chunk() == Some(&[2, 0]);
    if fixed { 0 } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_memory_map_are_understood() {
        let line = b"7f00a000-7f00b000 r-xp 00001000 08:01 42    /usr/lib/a b.so";
        assert_eq!(parse(line), Some((0x7f00_a000, 0x7f00_b000, &b"/usr/lib/a b.so"[..])));
        assert_eq!(parse(b"7f00a000-7f00b000 rw-p 00000000 00:00 0  [heap]"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn a_function_of_this_program_is_found_in_its_module() {
        let mut trace = Trace::new();
        trace.resolve(&[a_function_of_this_program_is_found_in_its_module as fn() as usize]);
        let (name, offset) = trace.frames().next().expect("one frame was resolved");
        assert!(name.starts_with(b"/") && offset != 0);
    }

    #[test]
    fn a_wild_frame_pointer_ends_the_walk() {
        for frame in [0, 8, 3, usize::MAX - 7, 0x1000] {
            let mut frames = [0; 4];
            let caller = Caller { frame, address: 0x1234 };
            assert_eq!(walk_frame_pointers(caller, &mut frames), 1);
            assert_eq!(frames[0], 0x1234);
        }
    }
}
