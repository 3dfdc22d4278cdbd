//! Locks between processes: flock(2) on a file, which dies with its process, so that no lock is
//! ever stale. The file's text is a note for people only; it must never decide anything.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::{FsError, open_private};
use crate::host::progress::{Event, Progress};

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// By one process alone.
    Exclusive,
    /// By any number of readers.
    Shared,
}

/// What to do when another process holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Say who holds it, and wait.
    Wait,
    /// Fail with [`FsError::Held`].
    Refuse,
}

/// A held lock; dropping it lets go.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes an already open file's lock; see [`lock`].
    ///
    /// # Errors
    /// As [`lock`].
    pub fn on(
        file: File,
        path: &Path,
        hold: Hold,
        patience: Patience,
        progress: &dyn Progress,
    ) -> Result<Self, FsError> {
        let first = match hold {
            Hold::Exclusive => file.try_lock(),
            Hold::Shared => file.try_lock_shared(),
        };
        match (first, patience) {
            (Ok(()), _) => {}
            (Err(TryLockError::Error(source)), _) => {
                return Err(FsError::NoLocks { path: path.to_path_buf(), source });
            }
            (Err(TryLockError::WouldBlock), Patience::Refuse) => {
                return Err(FsError::Held { path: path.to_path_buf(), holder: holder(&file) });
            }
            (Err(TryLockError::WouldBlock), Patience::Wait) => {
                let text = format!("waiting for the lock held by {}", holder(&file));
                progress.event(Event::Note { text });
                let second = match hold {
                    Hold::Exclusive => file.lock(),
                    Hold::Shared => file.lock_shared(),
                };
                second.map_err(|source| FsError::NoLocks { path: path.to_path_buf(), source })?;
            }
        }
        Ok(Self { file, path: path.to_path_buf() })
    }

    /// The locked file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The locked file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Leaves the note that others read while they wait: this process's number and `label`.
    fn sign(&mut self, label: &str) -> Result<(), FsError> {
        let note = format!("{} ({label})\n", std::process::id());
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(note.as_bytes()))
            .map_err(FsError::io("write", &self.path))
    }
}

/// Takes the lock whose file is `path`, making the file when needed. `label` tells those who wait
/// what is going on, e.g. `prepare, since 12:03`.
///
/// # Errors
/// When the file cannot be opened (a link, a FIFO, no permission), the file system has no locks,
/// or another process holds it and `patience` is [`Patience::Refuse`].
pub fn lock(
    path: &Path,
    hold: Hold,
    patience: Patience,
    label: &str,
    progress: &dyn Progress,
) -> Result<Lock, FsError> {
    let mut lock = Lock::on(open_private(path)?, path, hold, patience, progress)?;
    if hold == Hold::Exclusive {
        lock.sign(label)?;
    }
    Ok(lock)
}

/// Who holds the lock, as far as the file's note tells: `process 4711 (prepare, since 12:03)`.
fn holder(mut file: &File) -> String {
    let mut note = [0; 200];
    let length = file.rewind().and_then(|()| file.read(&mut note)).unwrap_or(0);
    let note = String::from_utf8_lossy(&note[..length]);
    let line = note.lines().next().unwrap_or_default();
    // Foreign bytes: only what a note of ours can look like is shown.
    if line.starts_with(|first: char| first.is_ascii_digit()) && !line.contains(char::is_control) {
        format!("process {line}")
    } else {
        "another process".into()
    }
}
