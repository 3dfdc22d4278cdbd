//! stdout carries data only, stderr talks. Writing never panics: a closed pipe ends the
//! output quietly, as it does for other tools, and a full disk is an error.

use std::io::{self, Write};

use crate::host::fault::{Diagnostic, Kind};

/// stdout could not take the data.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to stdout")]
pub struct OutputError(#[source] io::Error);

impl Diagnostic for OutputError {
    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn code(&self) -> &'static str {
        "stdout-failed"
    }
}

/// Where the data goes, and in which form.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Whether `--json` was given.
    pub json: bool,
}

impl Output {
    /// Writes data to stdout.
    ///
    /// # Errors
    /// stdout is there but cannot take it, e.g. a full disk.
    pub fn data(self, text: &str) -> Result<(), OutputError> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(OutputError(error)),
            _ => Ok(()),
        }
    }

    /// Writes one JSON document and a newline to stdout when `--json` was given.
    ///
    /// # Errors
    /// As [`Output::data`].
    pub fn document(self, document: &serde_json::Value) -> Result<(), OutputError> {
        if self.json { self.data(&format!("{document:#}\n")) } else { Ok(()) }
    }
}

/// Writes a line to stderr; whoever closed it does not want to hear it.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Foreign text as a terminal may see it: control characters become visible, so that a
/// file name or a server's answer cannot move the cursor or change a title.
#[must_use]
pub fn sanitise(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}
