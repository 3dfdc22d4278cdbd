//! A directory on disk and what is made inside it, always relative to open
//! directories and never through a link, so that nothing can leave it. It
//! overwrites nothing and decides nothing: names are the caller's.
//!
//! Source: openat(2), mkdirat(2), linkat(2), symlinkat(2), utimensat(2).

mod walker;

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::Errno;

use super::fault::{Diagnostic, Kind};
use super::fs::Owner;
use super::hash::Digest;
pub use walker::Walker;

/// The mode of directories, whatever the umask says.
const DIRECTORY: Mode = Mode::from_raw_mode(0o755);
/// Modes of executable and of other files. Nobody may write: trees share files with the
/// cache by hard links, so what is written into one would change them all.
const EXECUTABLE: Mode = Mode::from_raw_mode(0o555);
const PLAIN: Mode = Mode::from_raw_mode(0o444);

/// A disk that refused something, with what was asked and of which path.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {action}", path.display())]
pub struct TreeError {
    pub action: &'static str,
    pub path: PathBuf,
    pub source: io::Error,
}

impl Diagnostic for TreeError {
    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn code(&self) -> &'static str {
        if super::fs::is_out_of_files(&self.source) {
            return "too-many-open-files";
        }
        match self.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "disk-full",
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "disk-permission"
            }
            io::ErrorKind::StaleNetworkFileHandle => "stale-nfs-handle",
            io::ErrorKind::FileTooLarge => "file-size-limit",
            _ => "disk",
        }
    }

    fn hints(&self) -> Vec<String> {
        let parent = self.path.parent().unwrap_or(&self.path).display();
        match self.code() {
            "disk-full" => vec![format!("free space: df -h {parent}")],
            "disk-permission" => vec![format!("look at the owner and mode: ls -ld {parent}")],
            "too-many-open-files" => vec![super::fs::MORE_FILES.to_owned()],
            "file-size-limit" => vec![super::fs::LARGER_FILES.to_owned()],
            "stale-nfs-handle" => {
                vec![
                    "the NFS server lost the file: mount it again, then run the same command"
                        .to_owned(),
                ]
            }
            _ => Vec::new(),
        }
    }
}

/// An open directory, the root of all that is made through it.
#[derive(Debug)]
pub struct Tree {
    fd: Arc<OwnedFd>,
    path: PathBuf,
    /// Who gets what is made in it.
    owner: Option<Owner>,
}

impl Tree {
    /// Opens a directory that is there. Its own path may lead through links.
    ///
    /// # Errors
    /// [`TreeError`] when there is none or it may not be read.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, TreeError> {
        let path = path.into();
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(fd) => {
                let owner = Owner::to_inherit(&path);
                Ok(Self { fd: Arc::new(fd), path, owner })
            }
            Err(errno) => Err(refused("open the directory", path, errno)),
        }
    }

    /// Makes a directory that is not there yet, and opens it.
    ///
    /// # Errors
    /// [`TreeError`] when anything of that name is there, or no parent.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, TreeError> {
        let path = path.into();
        match rustix::fs::mkdir(&path, DIRECTORY) {
            Ok(()) => {}
            Err(errno) => return Err(refused("make the directory", path, errno)),
        }
        let above = path.parent().and_then(Owner::to_inherit);
        let mut tree = Self::open(path)?;
        tree.owner = above;
        tree.adopt(&tree.fd);
        match rustix::fs::fchmod(&tree.fd, DIRECTORY) {
            Ok(()) => Ok(tree),
            Err(errno) => Err(refused("set the mode", tree.path, errno)),
        }
    }

    /// Gives what was made in it to the owner of the whole.
    fn adopt(&self, made: &impl AsFd) {
        let Some(owner) = self.owner else { return };
        if let Ok(made) = made.as_fd().try_clone_to_owned() {
            owner.adopt(&File::from(made));
        }
    }

    /// Where it lies, as it was opened: for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Goes about inside this tree. Each thread has its own walker.
    #[must_use]
    pub fn walk(&self) -> Walker<'_> {
        Walker::new(self)
    }
}

/// A file in the making.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    path: PathBuf,
}

impl NewFile {
    /// Appends bytes.
    ///
    /// # Errors
    /// [`TreeError`], e.g. when the disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), TreeError> {
        self.file.write_all(bytes).map_err(|error| self.refused("write", error))
    }

    /// Appends all of `source`; tells how many bytes that is, and their digest.
    ///
    /// # Errors
    /// As [`NewFile::write`], and when `source` cannot be read.
    pub fn copy(&mut self, source: impl io::Read) -> Result<(u64, Digest), TreeError> {
        let copied = Digest::of_copied(source, &mut self.file);
        copied.map_err(|error| self.refused("write", error))
    }

    /// Sets its time, in seconds since 1970, and closes it.
    ///
    /// # Errors
    /// [`TreeError`] when the disk refuses.
    pub fn finish(self, seconds: i64) -> Result<(), TreeError> {
        rustix::fs::futimens(&self.file, &times(seconds))
            .map_err(|errno| self.refused("set the time", errno.into()))
    }

    fn refused(&self, action: &'static str, source: io::Error) -> TreeError {
        TreeError { action, path: self.path.clone(), source }
    }
}

fn refused(action: &'static str, path: PathBuf, errno: Errno) -> TreeError {
    TreeError { action, path, source: errno.into() }
}

fn times(seconds: i64) -> Timestamps {
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec { tv_sec: seconds, tv_nsec: 0 },
    }
}

#[cfg(test)]
mod tests;
