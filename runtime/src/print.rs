//! `print_i64`. Never buffers: it and C's `stdio` share the descriptor, not a buffer.

use crate::sys;

/// Writes a number in decimal and a newline to standard output, in one write.
#[unsafe(no_mangle)]
pub extern "C" fn print_i64(value: i64) {
    let mut line = [b'\n'; 21];
    let mut rest = value.unsigned_abs();
    // The longest line is "-9223372036854775808\n": 21 bytes.
    let mut used = 1;
    for slot in line.iter_mut().rev().skip(1) {
        *slot = b'0' + (rest % 10) as u8;
        used += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0
        && let Some(slot) = line.iter_mut().rev().nth(used)
    {
        *slot = b'-';
        used += 1;
    }
    sys::write_all(1, line.get(21 - used..).unwrap_or_default());
}
