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
            Self::Io { source, .. } | Self::Pair { source, .. } | Self::NoLocks { source, .. } => {
                Some(source.kind())
            }
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
            "disk-full" => "free some space there, or choose another place with --root",
            "file-size-limit" => "raise the file size limit: ulimit -f unlimited",
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
            "lock-unsupported" => "choose a local disk with --root",
            _ => return Vec::new(),
        };
        vec![hint.into()]
    }
}
