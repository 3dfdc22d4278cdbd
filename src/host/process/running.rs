//! A program that runs beside us: looked at from time to time, and ended when nobody wants
//! it any more. It must never outlive the value that stands for it.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};

use super::{Call, ProcessError, Watch, signals};

/// What one of its streams is.
#[derive(Debug)]
pub enum Stream {
    /// Ours.
    Ours,
    /// Nothing.
    Null,
    /// This file.
    File(File),
    /// A pipe to us.
    Pipe,
}

impl Stream {
    fn stdio(self) -> Stdio {
        match self {
            Self::Ours => Stdio::inherit(),
            Self::Null => Stdio::null(),
            Self::File(file) => file.into(),
            Self::Pipe => Stdio::piped(),
        }
    }
}

/// The program.
#[derive(Debug)]
pub struct Running {
    program: PathBuf,
    child: Child,
    ended: Option<ExitStatus>,
    _watch: Watch,
}

impl Call {
    /// Starts the program with these streams: stdin, stdout, stderr.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self, streams: [Stream; 3]) -> Result<Running, ProcessError> {
        let [stdin, stdout, stderr] = streams.map(Stream::stdio);
        let mut command = self.command();
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        let (child, watch) = signals::spawn(&mut command)
            .map_err(|source| ProcessError::Start { program: self.program.clone(), source })?;
        Ok(Running { program: self.program.clone(), child, ended: None, _watch: watch })
    }
}

impl Running {
    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    /// The system cannot tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, ProcessError> {
        if self.ended.is_none() {
            let lost = |source| ProcessError::Lost { program: self.program.clone(), source };
            self.ended = self.child.try_wait().map_err(lost)?;
        }
        Ok(self.ended)
    }

    /// The other end of its stdin, when that is a pipe; once.
    pub fn stdin(&mut self) -> Option<impl Write + use<>> {
        self.child.stdin.take()
    }

    /// The other end of its stdout, when that is a pipe; once.
    pub fn stdout(&mut self) -> Option<impl Read + use<>> {
        self.child.stdout.take()
    }

    /// Ends it, at once.
    pub fn end(&mut self) {
        if self.ended.is_none() {
            // One that has ended meanwhile needs no end.
            let _ = self.child.kill();
            self.ended = self.child.wait().ok();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Passes everything that `from` gives on to `to` as it comes. A `to` that refuses ends it:
/// whoever wrote to `from` is told by its closed pipe, as by any reader that goes away.
///
/// # Errors
/// `from` cannot be read, or `to` not written.
pub fn pass(mut from: impl Read, to: &mut dyn Write) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count])?;
        to.flush()?;
    }
}
