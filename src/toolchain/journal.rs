//! Journals: files of JSON lines that only grow, such as `audit.log` and `metrics.jsonl`. A
//! line is one write under a lock; lines that cannot be read are told by number. It must never
//! change or remove a line that is there, write through a link, or load a whole large file.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::host::fault::{Diagnostic, Kind};
use crate::host::fs::{self, FsError, Hold, Lock, Patience};
use crate::host::hash::Digest;
use crate::host::progress::Silent;

/// The longest line that is written or read, in bytes.
pub const LINE_LIMIT: u64 = 1 << 20;

/// How much of a journal's end is read, in bytes: thousands of lines.
pub const TAIL: u64 = 8 << 20;

/// The key with the digest of the line before, in a chained journal.
const PREVIOUS: &str = "previous";

/// A journal's file, which the first line makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    path: PathBuf,
    chained: bool,
}

/// What a journal holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Each good line with its number, from 1 and from the file's beginning.
    pub lines: Vec<(usize, Value)>,
    /// The numbers of lines that are no JSON object with a schema number.
    pub damaged: Vec<usize>,
    /// The numbers of lines that do not follow the one before: something was changed,
    /// removed or put in there. Of a chained journal only.
    pub broken: Vec<usize>,
    /// The bytes at the beginning that were passed over, because there is more than [`TAIL`].
    pub skipped: u64,
}

/// A line that could not be added, or a journal that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be used.
    #[error(transparent)]
    Disk(#[from] FsError),
    /// A line of unreasonable length.
    #[error("{}: a line of {got} bytes: expected at most {LINE_LIMIT}", path.display())]
    LineTooLong {
        /// The journal.
        path: PathBuf,
        /// Its length in bytes.
        got: u64,
    },
    /// Not what a line must be.
    #[error("{}: not a line of a journal: expected an object with a schema number", .0.display())]
    NotALine(PathBuf),
}

impl Diagnostic for JournalError {
    fn kind(&self) -> Kind {
        match self {
            Self::Disk(error) => error.kind(),
            Self::LineTooLong { .. } => Kind::Failed,
            Self::NotALine(_) => Kind::Bug,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Disk(error) => error.code(),
            Self::LineTooLong { .. } => "journal-line-too-long",
            Self::NotALine(_) => "journal-line-malformed",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Disk(FsError::NotRegular { path }) => {
                vec![format!("move it away: mv {0} {0}.aside", path.display())]
            }
            Self::Disk(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}

impl Journal {
    /// The journal in the file `path`, for example [`Project::metrics`].
    ///
    /// [`Project::metrics`]: super::layout::Project::metrics
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, chained: false }
    }

    /// A journal each of whose lines carries, as `previous`, the SHA-256 of the line before
    /// (without its newline; `null` in the first): what is changed, removed or put in later
    /// shows. Only lines cut off at the end do not.
    #[must_use]
    pub fn chained(path: PathBuf) -> Self {
        Self { path, chained: true }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds one line: an object with a number as its `schema`. What a killed run left
    /// without a newline becomes a line of its own first.
    ///
    /// # Errors
    /// The file is a link or no regular file, cannot be written or locked, or the line is
    /// longer than [`LINE_LIMIT`]. The journal is as it was then.
    pub fn append(&self, value: &Value) -> Result<(), JournalError> {
        let object = object(value).ok_or_else(|| JournalError::NotALine(self.path.clone()))?;
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent)?;
        }
        let file = fs::open_append(&self.path)?;
        let lock = Lock::on(file, &self.path, Hold::Exclusive, Patience::Wait, &Silent)?;
        let length = length(lock.file(), &self.path)?;
        let end = End::of(lock.file(), length).map_err(FsError::io("read", &self.path))?;
        let mut object = object.clone();
        if self.chained {
            let previous = end.last.map_or(Value::Null, |digest| digest.to_string().into());
            object.insert(PREVIOUS.to_owned(), previous);
        }
        let line = Value::Object(object).to_string();
        if line.len() as u64 > LINE_LIMIT {
            let got = line.len() as u64;
            return Err(JournalError::LineTooLong { path: self.path.clone(), got });
        }
        let text = format!("{}{line}\n", if end.is_open { "\n" } else { "" });
        lock.file().write_all(text.as_bytes()).map_err(|error| {
            // Half a line would only puzzle people; failing that, readers tell it as damaged.
            let _ = lock.file().set_len(length);
            FsError::io("add a line to", &self.path)(error)
        })?;
        fs::sync_file(lock.file(), &self.path)?;
        Ok(())
    }

    /// Reads the journal, or its last [`TAIL`] bytes. One that is not there is empty.
    ///
    /// # Errors
    /// The file is a link or no regular file, or cannot be read or locked.
    pub fn read(&self) -> Result<Reading, JournalError> {
        match fs::stat(&self.path)? {
            None => return Ok(Reading::default()),
            Some(metadata) if !metadata.is_file() => {
                return Err(FsError::NotRegular { path: self.path.clone() }.into());
            }
            Some(_) => {}
        }
        let file = fs::open_regular(&self.path)?;
        let lock = Lock::on(file, &self.path, Hold::Shared, Patience::Wait, &Silent)?;
        let skipped = length(lock.file(), &self.path)?.saturating_sub(TAIL);
        read(lock.file(), skipped, self.chained)
            .map_err(FsError::io("read", &self.path))
            .map_err(Into::into)
    }
}

/// A line's object, if it is one with a schema number.
fn object(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object().filter(|object| object.get("schema").is_some_and(Value::is_u64))
}

fn length(file: &File, path: &Path) -> Result<u64, FsError> {
    Ok(file.metadata().map_err(FsError::io("look at", path))?.len())
}

/// How a journal ends.
struct End {
    /// The digest of the last line; none when there is no line.
    last: Option<Digest>,
    /// Whether that line lacks its newline.
    is_open: bool,
}

impl End {
    fn of(mut file: &File, length: u64) -> std::io::Result<Self> {
        // One byte more than a line with both newlines tells that a line has no beginning.
        let from = length.saturating_sub(LINE_LIMIT + 2);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.take(length - from).read_to_end(&mut bytes)?;
        let is_open = bytes.last().is_some_and(|byte| *byte != b'\n');
        let whole = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let start = memchr::memrchr(b'\n', whole).map_or(0, |at| at + 1);
        // Of an overlong line, which is none of ours, the end stands for all: a reader that
        // passes over such lines does the same.
        let last = (!bytes.is_empty()).then(|| digest(&whole[start..]));
        Ok(Self { last, is_open })
    }
}

/// The digest of a line, or of the end of one that is too long to be held.
fn digest(line: &[u8]) -> Digest {
    let most = usize::try_from(LINE_LIMIT).unwrap_or(usize::MAX);
    Digest::of(&line[line.len().saturating_sub(most)..])
}

fn read(mut file: &File, skipped: u64, chained: bool) -> std::io::Result<Reading> {
    let mut reading = Reading { skipped, ..Reading::default() };
    file.seek(SeekFrom::Start(0))?;
    // The number of the first line that is read: one that began before is left out.
    let mut number = 1 + count_lines(file.take(skipped))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let mut rest = bytes.as_slice();
    let mut before: Option<Digest> = None;
    if skipped > 0 {
        let cut = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        rest = &rest[cut..];
        number += 1;
    }
    let (mut is_first, start) = (true, number);
    for line in rest.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let value = Some(line)
            .filter(|line| line.len() as u64 <= LINE_LIMIT)
            .and_then(|line| serde_json::from_slice::<Value>(line).ok())
            .filter(|value| object(value).is_some());
        match value {
            None => reading.damaged.push(number),
            Some(value) => {
                let is_known = !is_first || start == 1;
                if chained && is_known && !follows(&value, before) {
                    reading.broken.push(number);
                }
                reading.lines.push((number, value));
            }
        }
        (before, is_first) = (Some(digest(line)), false);
        number += 1;
    }
    Ok(reading)
}

fn follows(value: &Value, before: Option<Digest>) -> bool {
    let said = value.get(PREVIOUS);
    match before {
        None => said.is_some_and(Value::is_null),
        Some(digest) => said.and_then(Value::as_str) == Some(digest.to_string().as_str()),
    }
}

fn count_lines(mut reader: impl std::io::Read) -> std::io::Result<usize> {
    let mut buffer = vec![0; 1 << 17];
    let mut lines = 0;
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(lines),
            count => lines += memchr::memchr_iter(b'\n', &buffer[..count]).count(),
        }
    }
}

#[cfg(test)]
mod tests;
