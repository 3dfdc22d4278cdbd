//! What can go wrong with a file, with its operation and path. It must never lose the system's own
//! error, which decides code and hint.

use std::io;
use std::path::{Path, PathBuf};

use crate::host::fault::{Diagnostic, Kind};

/// A failed operation on files or folders.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    #[error("{}: cannot {operation} it", path.display())]
    Io { operation: &'static str, path: PathBuf, source: io::Error },
    #[error("{}: cannot {operation} it to {}", from.display(), to.display())]
    Pair { operation: &'static str, from: PathBuf, to: PathBuf, source: io::Error },
    #[error("{}: not enough free space: expected at least {needed} bytes, got {free}", path.display())]
    NoSpace { path: PathBuf, needed: u64, free: u64 },
    #[error("{}: expected at most {limit} bytes, got more", path.display())]
    TooLong { path: PathBuf, limit: u64 },
    #[error("{}: expected a regular file, got something else", path.display())]
    NotRegular { path: PathBuf },
    #[error("{}: the lock is held by {holder}", path.display())]
    Held { path: PathBuf, holder: String },
    #[error("{}: this file system cannot lock files", path.display())]
    NoLocks { path: PathBuf, source: io::Error },
    #[error("{}: this file system cannot hold symbolic links", path.display())]
    NoLinks { path: PathBuf, source: io::Error },
    #[error("{}: the system starts no program from here", path.display())]
    NoExec { path: PathBuf },
    /// The new content is in place; whether it survives a power cut is not known.
    #[error("{}: written, but its folder could not be flushed", path.display())]
    Unsettled { path: PathBuf, source: io::Error },
}

/// What helps when no file may become so large.
pub(in crate::host) const LARGER_FILES: &str = "raise the file size limit: ulimit -f unlimited";
/// What helps when no more files may be open.
pub(in crate::host) const MORE_FILES: &str = "raise the limit of open files: ulimit -n 1024";

/// Whether the process or the system has no room for one more open file.
pub(in crate::host) fn is_out_of_files(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let codes = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

impl FsError {
    /// Turns a system error into ours: `.map_err(FsError::io("read", path))`. The operation
    /// completes the sentence "cannot … it".
    pub fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { operation, path: path.to_path_buf(), source }
    }

    pub(super) fn pair(
        operation: &'static str,
        from: &Path,
        to: &Path,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Pair {
            operation,
            from: from.to_path_buf(),
            to: to.to_path_buf(),
            source,
        }
    }

    /// The system's own verdict, where there is one.
    #[must_use]
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Self::Io { source, .. }
            | Self::Pair { source, .. }
            | Self::NoLocks { source, .. }
            | Self::NoLinks { source, .. }
            | Self::Unsettled { source, .. } => Some(source.kind()),
            _ => None,
        }
    }
}

impl Diagnostic for FsError {
    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoSpace { .. } => "disk-full",
            Self::TooLong { .. } => "file-too-long",
            Self::NotRegular { .. } => "not-a-regular-file",
            Self::Held { .. } => "lock-held",
            Self::NoLocks { .. } => "lock-unsupported",
            Self::NoLinks { .. } => "links-unsupported",
            Self::NoExec { .. } => "programs-not-startable",
            Self::Unsettled { .. } => "not-flushed",
            Self::Io { source, .. } | Self::Pair { source, .. } if is_out_of_files(source) => {
                "too-many-open-files"
            }
            Self::Io { source, .. } | Self::Pair { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "disk-full",
                io::ErrorKind::FileTooLarge => "file-size-limit",
                io::ErrorKind::PermissionDenied => "permission-denied",
                io::ErrorKind::ReadOnlyFilesystem => "read-only-file-system",
                io::ErrorKind::NotFound => "file-not-found",
                io::ErrorKind::CrossesDevices => "crosses-devices",
                io::ErrorKind::StaleNetworkFileHandle => "stale-nfs-handle",
                _ => "file-operation-failed",
            },
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self.code() {
            "disk-full" => {
                "free some space there (df -h, and df -i for the number of files), or choose another place with --root"
            }
            "too-many-open-files" => MORE_FILES,
            "file-size-limit" => LARGER_FILES,
            "permission-denied" => {
                "check who owns the path (ls -ld), or choose another with --root"
            }
            "read-only-file-system" => "choose a writable place with --root",
            "crosses-devices" => {
                "the place lies on two file systems; choose one without a mount inside"
            }
            "stale-nfs-handle" => {
                "the NFS server lost the file: mount it again, then run the same command"
            }
            "lock-held" => {
                "wait for that process to end, or let this command wait: leave --no-wait out"
            }
            "lock-unsupported" => {
                "choose a local disk with --root, or go on with --no-lock if nobody else works there"
            }
            "links-unsupported" => "choose a local disk with --root",
            "programs-not-startable" => {
                "mount it without `noexec`, or choose another place with --root"
            }
            _ => return Vec::new(),
        };
        vec![hint.into()]
    }
}
