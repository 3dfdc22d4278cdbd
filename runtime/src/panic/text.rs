//! A buffer of fixed size that swallows what does not fit, and the two ways to make
//! foreign bytes harmless in it. Never lets a control byte through.

/// A growing text in a fixed array. Its methods are not inlined: panics are rare, and
/// their size is every program's.
#[derive(Debug)]
pub struct Buffer<const N: usize> {
    bytes: [u8; N],
    used: usize,
}

impl<const N: usize> Buffer<N> {
    /// An empty buffer.
    pub const fn new() -> Self {
        Self { bytes: [0; N], used: 0 }
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// Appends a byte.
    pub fn byte(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.used) {
            *slot = byte;
            self.used += 1;
        }
    }

    /// Appends bytes as they are.
    #[inline(never)]
    pub fn raw(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.byte(byte);
        }
    }

    /// Appends a text as it is.
    #[inline(never)]
    pub fn text(&mut self, text: &str) {
        self.raw(text.as_bytes());
    }

    /// Appends a decimal number.
    #[inline(never)]
    pub fn number(&mut self, value: u64) {
        self.padded(value, 1);
    }

    /// Appends a decimal number with leading zeros up to `width` digits.
    #[inline(never)]
    pub fn padded(&mut self, value: u64, width: usize) {
        let mut digits = [b'0'; 20];
        let mut rest = value;
        let mut used = 0;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' + (rest % 10) as u8;
            rest /= 10;
            used += 1;
            if rest == 0 && used >= width {
                break;
            }
        }
        self.raw(digits.get(20 - used..).unwrap_or_default());
    }

    /// Appends a signed decimal number.
    pub fn signed(&mut self, value: i64) {
        if value < 0 {
            self.byte(b'-');
        }
        self.number(value.unsigned_abs());
    }

    /// Appends `0x` and a number in hexadecimal.
    #[inline(never)]
    pub fn hex(&mut self, value: u64) {
        self.text("0x");
        let digits = (64 - value.leading_zeros()).div_ceil(4).max(1);
        for digit in (0..digits).rev() {
            self.digit((value >> (digit * 4)) as u8);
        }
    }

    /// Appends the lowest four bits as one hexadecimal digit.
    fn digit(&mut self, value: u8) {
        let value = value & 15;
        self.byte(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    }

    /// Appends foreign bytes for a terminal: control characters (C0, DEL, C1) and bytes
    /// that are not UTF-8 as `\n`, `\t` or `\xNN`.
    #[inline(never)]
    pub fn escaped(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            for ch in chunk.valid().chars() {
                match ch {
                    '\n' => self.text("\\n"),
                    '\t' => self.text("\\t"),
                    '\\' => self.text("\\\\"),
                    _ if ch.is_control() => self.escape_byte(ch as u8),
                    _ => self.character(ch),
                }
            }
            for &byte in chunk.invalid() {
                self.escape_byte(byte);
            }
        }
    }

    /// Appends foreign bytes as the inside of a JSON string; what is not UTF-8 becomes
    /// U+FFFD.
    #[inline(never)]
    pub fn json(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            for ch in chunk.valid().chars() {
                match ch {
                    '"' => self.text("\\\""),
                    '\\' => self.text("\\\\"),
                    '\n' => self.text("\\n"),
                    '\t' => self.text("\\t"),
                    _ if ch.is_control() => {
                        self.text("\\u00");
                        self.digit(ch as u8 >> 4);
                        self.digit(ch as u8);
                    }
                    _ => self.character(ch),
                }
            }
            if !chunk.invalid().is_empty() {
                self.text("\u{fffd}");
            }
        }
    }

    fn escape_byte(&mut self, byte: u8) {
        self.text("\\x");
        self.digit(byte >> 4);
        self.digit(byte);
    }

    /// Appends a character; whole or not at all.
    fn character(&mut self, ch: char) {
        let mut utf8 = [0; 4];
        let encoded = ch.encode_utf8(&mut utf8);
        if self.used + encoded.len() <= N {
            self.text(encoded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Buffer<64>)) -> std::string::String {
        let mut buffer = Buffer::new();
        write(&mut buffer);
        std::string::String::from_utf8(buffer.bytes().to_vec()).expect("buffers hold UTF-8")
    }

    #[test]
    fn numbers_are_written_whole() {
        assert_eq!(written(|b| b.number(0)), "0");
        assert_eq!(written(|b| b.number(u64::MAX)), "18446744073709551615");
        assert_eq!(written(|b| b.signed(i64::MIN)), "-9223372036854775808");
        assert_eq!(written(|b| b.padded(7, 4)), "0007");
        assert_eq!(written(|b| b.hex(0)), "0x0");
        assert_eq!(written(|b| b.hex(0xdead_beef)), "0xdeadbeef");
        assert_eq!(written(|b| b.hex(u64::MAX)), "0xffffffffffffffff");
    }

    #[test]
    fn control_bytes_never_reach_a_terminal() {
        let hostile = b"a\x1b[2J\n\x7f\xc2\x9b\xff\\";
        assert_eq!(written(|b| b.escaped(hostile)), r"a\x1b[2J\n\x7f\x9b\xff\\");
    }

    #[test]
    fn json_strings_are_well_formed() {
        let hostile = b"\"\\\x00\n\xe6\x97\xa5\xff";
        assert_eq!(written(|b| b.json(hostile)), "\\\"\\\\\\u0000\\n\u{65e5}\u{fffd}");
    }

    #[test]
    fn what_does_not_fit_is_dropped() {
        assert_eq!(written(|b| b.raw(&[b'x'; 100])).len(), 64);
    }
}
