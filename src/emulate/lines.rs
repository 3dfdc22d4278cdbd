//! The serial lines of the microVM on our side: what programs write, cut where each one's
//! output ends; what the first process says; and the way of stdin.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write};
use std::path::{Path, PathBuf};

use super::error::RunError;
use super::guest::{self, Talk};
use crate::host::fs;
use crate::host::input::Pieces;
use crate::host::process::Running;

/// What the first process says, read behind the emulator, which writes it.
pub struct End {
    file: File,
    /// Where the emulator writes it.
    pub path: PathBuf,
    /// What it said.
    pub talk: Talk,
}

impl End {
    /// Of so many programs.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn open(path: PathBuf, programs: usize) -> Result<Self, RunError> {
        fs::write(&path, b"")?;
        Ok(Self { file: fs::open(&path)?, path, talk: Talk::new(programs) })
    }

    /// Hears what is new.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn hear(&mut self) -> Result<(), RunError> {
        let mut new = Vec::new();
        self.file.read_to_end(&mut new).map_err(fs::FsError::io("read", &self.path))?;
        self.talk.hear(&new);
        Ok(())
    }
}

/// The way of stdin into the microVM: a piece for each that it asks for, so that nothing is
/// sent that nobody has room for.
pub struct Feed {
    pieces: Pieces,
    to: Option<Box<dyn Write>>,
    sent: u64,
}

impl Feed {
    /// From `pieces` to the emulator's stdin.
    pub fn new(pieces: Pieces, running: &mut Running) -> Self {
        let to = running.stdin().map(|to| Box::new(to) as Box<dyn Write>);
        Self { pieces, to, sent: 0 }
    }

    /// Sends what is there, if something is asked for; tells whether it did.
    ///
    /// # Errors
    /// stdin cannot be read, or not be passed on.
    pub fn pass(&mut self, asked: u64) -> Result<bool, RunError> {
        let Some(to) = self.to.as_mut().filter(|_| asked > self.sent) else { return Ok(false) };
        let read = self.pieces.poll().map_err(fs::FsError::io("read", Path::new("stdin")))?;
        let Some(piece) = read else { return Ok(false) };
        self.sent += 1;
        match to.write_all(&guest::piece(&piece)).and_then(|()| to.flush()) {
            Ok(()) => Ok(true),
            // The emulator's end is told elsewhere.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(fs::FsError::io("pass on", Path::new("stdin"))(error).into()),
        }
    }
}

/// A serial line, read behind the emulator, which writes it.
pub struct Line {
    file: File,
    path: PathBuf,
    /// What was read and not yet passed on.
    pending: Vec<u8>,
    passed: u64,
}

impl Line {
    /// In the file `path`.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn open(path: PathBuf) -> Result<Self, RunError> {
        fs::write(&path, b"")?;
        Ok(Self { file: fs::open(&path)?, path, pending: Vec::new(), passed: 0 })
    }

    /// Another program writes from here on.
    pub fn begin(&mut self) {
        self.passed = 0;
    }

    /// Reads what is new; tells whether there was something.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&mut self) -> Result<bool, RunError> {
        let read = self.file.read_to_end(&mut self.pending);
        Ok(read.map_err(fs::FsError::io("read", &self.path))? > 0)
    }

    /// Passes on what was read: all of it, or up to `count` bytes of the running program,
    /// when it is known that it wrote so many. Tells whether there is somebody to take it.
    ///
    /// # Errors
    /// It cannot be passed on.
    pub fn pass(&mut self, to: &mut dyn Write, count: Option<u64>) -> Result<bool, RunError> {
        let rest = count.map_or(u64::MAX, |count| count.saturating_sub(self.passed));
        let length = self.pending.len().min(usize::try_from(rest).unwrap_or(usize::MAX));
        if length == 0 {
            return Ok(true);
        }
        let written = to.write_all(&self.pending[..length]).and_then(|()| to.flush());
        self.pending.drain(..length);
        self.passed += length as u64;
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(fs::FsError::io("pass on", &self.path)(error).into()),
        }
    }

    /// How much of the running program has been passed on, in bytes.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.passed
    }

    /// How much there is beyond that, in bytes.
    #[must_use]
    pub fn beyond(&self) -> u64 {
        self.pending.len() as u64
    }
}
