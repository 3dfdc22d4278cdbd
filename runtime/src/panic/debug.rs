//! The panic's tools, lent to the reports of the debug archive. Never in the release
//! archive.

use super::backtrace::{self, Caller, Trace};
use super::text::Buffer;
use crate::sys;

/// Return addresses, innermost first; how many.
pub fn walk(caller: Caller, frames: &mut [usize]) -> usize {
    backtrace::walk(caller, frames)
}

/// Calls back with the module and offset of each address.
pub fn places(frames: &[usize], mut each: impl FnMut(&[u8], usize)) {
    let mut trace = Trace::new();
    trace.resolve(frames);
    for (module, offset) in trace.frames() {
        each(module, offset);
    }
}

/// Text on its way to standard error, written in pieces as large as the buffer.
#[derive(Debug)]
pub struct Output(Buffer<2048>);

impl Output {
    /// Nothing yet.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Buffer::new())
    }

    /// Makes room for `len` more bytes.
    fn reserve(&mut self, len: usize) {
        if self.0.bytes().len() + len > 2048 {
            self.flush();
        }
    }

    /// Appends a text.
    pub fn text(&mut self, text: &str) {
        self.reserve(text.len());
        self.0.text(text);
    }

    /// Appends a number.
    pub fn number(&mut self, value: u64) {
        self.reserve(20);
        self.0.number(value);
    }

    /// Appends a number in hexadecimal.
    pub fn hex(&mut self, value: u64) {
        self.reserve(18);
        self.0.hex(value);
    }

    /// Appends foreign bytes for a terminal; at most 300 of them.
    pub fn escaped(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(..300).unwrap_or(bytes);
        self.reserve(bytes.len() * 4);
        self.0.escaped(bytes);
    }

    /// Appends foreign bytes as the inside of a JSON string; at most 300 of them.
    pub fn json(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(..300).unwrap_or(bytes);
        self.reserve(bytes.len() * 6);
        self.0.json(bytes);
    }

    /// Writes what there is.
    pub fn flush(&mut self) {
        sys::write_all(2, self.0.bytes());
        self.0.clear();
    }
}
