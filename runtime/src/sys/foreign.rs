//! Memory that may not exist, read through the kernel. Never dereferences it.

use core::ffi::c_int;

use super::kernel::{call, close, ids, number};

/// Copies memory that may not exist; returns how many bytes were readable.
///
/// Reads in pieces that never cross a page, so that a string which ends just before
/// unmapped memory is read whole.
pub fn copy_foreign(from: *const u8, to: &mut [u8]) -> usize {
    let mut done = 0;
    while let Some(rest) = to.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let at = (from as usize).wrapping_add(done);
        let piece = rest.len().min(4096 - at % 4096);
        let got = copy_piece(at, rest.as_mut_ptr(), piece);
        done += got;
        if got < piece {
            break;
        }
    }
    done
}

/// Copies within one page, first through the kernel's debugging call, then, where a
/// sandbox or an emulator lacks that, through a pipe: both fail instead of faulting.
fn copy_piece(at: usize, to: *mut u8, len: usize) -> usize {
    let local = [to as usize, len];
    let remote = [at, len];
    let local_at = (&raw const local) as usize;
    let remote_at = (&raw const remote) as usize;
    let pid = ids().0 as usize;
    // SAFETY: the kernel checks the source range; the target is the caller's slice.
    let got = unsafe { call(number::PROCESS_VM_READV, [pid, local_at, 1, remote_at, 1, 0]) };
    // EFAULT (14) is the answer we want; anything else negative means "cannot do this here".
    if got >= 0 || got == -14 {
        return usize::try_from(got).unwrap_or(0);
    }
    let mut ends = [0 as c_int; 2];
    // SAFETY: the kernel fills two descriptors; flags are O_CLOEXEC | O_NONBLOCK.
    let made = unsafe { call(number::PIPE2, [(&raw mut ends) as usize, 0o2_004_000, 0, 0, 0, 0]) };
    if made < 0 {
        return 0;
    }
    let [reader, writer] = ends;
    // SAFETY: the kernel checks the source range; at most a page goes in and comes out.
    let got = unsafe {
        let put = call(number::WRITE, [writer as usize, at, len, 0, 0, 0]);
        if put > 0 {
            call(number::READ, [reader as usize, to as usize, put as usize, 0, 0, 0])
        } else {
            0
        }
    };
    close(reader);
    close(writer);
    usize::try_from(got).unwrap_or(0)
}
