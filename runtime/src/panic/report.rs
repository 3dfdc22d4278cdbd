//! What a panic says, as text for people and as one line of JSON for machines. Never
//! decides anything.

use super::backtrace::Trace;
use super::text::Buffer;
use super::{Code, clock};
use crate::{VERSION_TEXT, sys};

/// What `REML_PANIC_FORMAT` asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lines for people; also for values that mean nothing.
    Text,
    /// One line of JSON.
    Json,
    /// Lines, then JSON.
    Both,
}

impl Format {
    /// Reads the environment.
    pub fn chosen() -> Self {
        let asked = |value: &[u8]| sys::environment_is(b"REML_PANIC_FORMAT", value);
        if asked(b"json") {
            Self::Json
        } else if asked(b"both") {
            Self::Both
        } else {
            Self::Text
        }
    }
}

/// All that is known about a panic.
#[derive(Debug)]
pub struct Report<'a> {
    pub code: Code,
    pub message: &'a [u8],
    pub file: &'a [u8],
    pub line: Option<i32>,
    pub time: i64,
    pub process: u32,
    pub thread: u32,
    pub trace: &'a Trace,
}

impl Report<'_> {
    /// Writes the report in a format.
    pub fn write<const N: usize>(&self, format: Format, out: &mut Buffer<N>) {
        if format != Format::Json {
            self.write_text(out);
        }
        if format != Format::Text {
            self.write_json(out);
        }
    }

    fn write_text<const N: usize>(&self, out: &mut Buffer<N>) {
        out.text("panic: ");
        out.escaped(self.message);
        out.text("\n  code: ");
        out.text(self.code.name());
        if let Some(line) = self.line {
            out.text("\n  at: ");
            out.escaped(self.file);
            out.byte(b':');
            out.signed(line.into());
        }
        out.text("\n  time: ");
        clock::rfc3339(out, self.time);
        out.text("\n  process: ");
        out.number(self.process.into());
        out.text(", thread: ");
        out.number(self.thread.into());
        out.text("\n  runtime: ");
        out.text(VERSION_TEXT);
        out.text("\n  backtrace:\n");
        for (index, (module, offset)) in self.trace.frames().enumerate() {
            out.text("    ");
            out.number(index as u64);
            out.text(": ");
            out.escaped(module);
            if !module.is_empty() {
                out.byte(b'+');
            }
            out.hex(offset as u64);
            out.byte(b'\n');
        }
    }

    fn write_json<const N: usize>(&self, out: &mut Buffer<N>) {
        out.text("{\"schema_version\":1,\"message\":\"");
        out.json(self.message);
        out.text("\",\"severity\":\"error\",\"domain\":\"Runtime\",\"code\":\"");
        out.text(self.code.name());
        out.text("\",\"location\":");
        if let Some(line) = self.line {
            out.text("{\"file\":\"");
            out.json(self.file);
            out.text("\",\"line\":");
            out.signed(line.into());
            out.byte(b'}');
        } else {
            out.text("null");
        }
        out.text(",\"notes\":[\"process ");
        out.number(self.process.into());
        out.text("\",\"thread ");
        out.number(self.thread.into());
        out.text("\",\"runtime ");
        out.text(VERSION_TEXT);
        out.text("\"],\"timestamp\":\"");
        clock::rfc3339(out, self.time);
        out.text("\",\"pid\":");
        out.number(self.process.into());
        out.text(",\"tid\":");
        out.number(self.thread.into());
        out.text(",\"runtime_version\":\"");
        out.text(VERSION_TEXT);
        out.text("\",\"backtrace\":[");
        for (index, (module, offset)) in self.trace.frames().enumerate() {
            out.text(if index == 0 { "\"" } else { ",\"" });
            out.json(module);
            if !module.is_empty() {
                out.byte(b'+');
            }
            out.hex(offset as u64);
            out.byte(b'"');
        }
        out.text("]}\n");
    }
}
