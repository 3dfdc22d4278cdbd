//! Locks between processes: flock(2) on a file, which dies with its process, so that no lock is
//! ever stale. The file's text is a note for people only; it must never decide anything.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{FsError, facts, open_private, open_regular};
use crate::host::clock;
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

/// Whether the user said that nobody else works here.
static WITHOUT: AtomicBool = AtomicBool::new(false);

/// From now on, where the file system has no locks, all goes on without: the user's word, for
/// the whole process.
pub fn go_on_without_locks() {
    WITHOUT.store(true, Ordering::Relaxed);
}

/// Whether this error says that there are no locks, and that is fine.
fn may_go_on(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let none = [Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOSYS].map(Errno::raw_os_error);
    WITHOUT.load(Ordering::Relaxed) && error.raw_os_error().is_some_and(|it| none.contains(&it))
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
            (Err(TryLockError::Error(source)), _) if may_go_on(&source) => {}
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

    /// Leaves the note that others read while they wait: this process's number, `label` and
    /// the time.
    fn sign(&mut self, label: &str) -> Result<(), FsError> {
        let minutes = clock::unix_now() / 60;
        let (hour, minute) = (minutes / 60 % 24, minutes % 60);
        let own = std::process::id();
        let note = format!("{own} ({label}, since {hour:02}:{minute:02} UTC)\n");
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(note.as_bytes()))
            .map_err(FsError::io("write", &self.path))
    }
}

/// Takes the lock whose file is `path`, making the file when needed. `label` tells those who wait
/// what is going on, e.g. `prepare`.
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

/// A shared lock on an existing file, which says that what it belongs to is in use.
#[derive(Debug)]
pub struct Share(#[allow(dead_code, reason = "held, not read")] OwnedFd);

/// Says that the file at `path` is in use until the share is dropped. `None` when that cannot
/// be said: the file is gone, or the file system has no locks, where nobody asks either.
#[must_use]
pub fn share(path: &Path) -> Option<Share> {
    loop {
        let file = open_regular(path).ok()?;
        file.lock_shared().ok()?;
        // Whoever removed or replaced it in between did not see this lock.
        let (locked, named) = (file.metadata().ok()?, facts::metadata(path).ok()?);
        if (locked.dev(), locked.ino()) == (named.dev(), named.ino()) {
            return Some(Share(file.into()));
        }
    }
}

/// As [`share`], and every program started or become from here on holds it as well, until the
/// last of them has ended.
#[must_use]
pub fn share_with_children(path: &Path) -> Option<Share> {
    /// Above what shells and jobservers use for themselves.
    const HIGH: i32 = 200;
    let Share(file) = share(path)?;
    let held = rustix::io::fcntl_dupfd_cloexec(&file, HIGH).unwrap_or(file);
    rustix::io::fcntl_setfd(&held, rustix::io::FdFlags::empty()).ok()?;
    Some(Share(held))
}

/// Whether somebody holds a [`Share`] of the file at `path`.
#[must_use]
pub fn is_in_use(path: &Path) -> bool {
    open_regular(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
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
