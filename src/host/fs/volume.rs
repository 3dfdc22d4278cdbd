//! What the file system below a path can take, asked before anything is written. It changes
//! nothing.

use std::path::Path;

use rustix::fs::{StatVfs, StatVfsMountFlags};
use rustix::io::Errno;

use super::FsError;

/// A file system, as far as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Bytes that an unprivileged user may still write; `None` when it does not say (some FUSE
    /// report zero blocks in all).
    pub free: Option<u64>,
    /// Files that may still be made; `None` where their number has no limit.
    pub free_files: Option<u64>,
    /// Whether it is mounted so that nothing can be written.
    pub is_read_only: bool,
    /// Whether it is mounted so that no program can be started.
    pub is_without_programs: bool,
}

/// The file system where `path` is or will be.
///
/// # Errors
/// When no folder above `path` can be asked.
pub fn volume(path: &Path) -> Result<Volume, FsError> {
    let mut place = path;
    loop {
        let asked = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        match (rustix::fs::statvfs(asked), place.parent()) {
            (Ok(numbers), _) => return Ok(of(&numbers)),
            (Err(Errno::NOENT), Some(parent)) => place = parent,
            (Err(error), _) => {
                return Err(FsError::io("ask the free space of", asked)(error.into()));
            }
        }
    }
}

fn of(numbers: &StatVfs) -> Volume {
    let is_mounted = |flag| numbers.f_flag.contains(flag);
    Volume {
        free: (numbers.f_blocks > 0).then(|| numbers.f_bavail.saturating_mul(numbers.f_frsize)),
        free_files: (numbers.f_files > 0).then_some(numbers.f_favail),
        is_read_only: is_mounted(StatVfsMountFlags::RDONLY),
        // macOS has the mount option, and does not tell it here.
        #[cfg(target_os = "linux")]
        is_without_programs: is_mounted(StatVfsMountFlags::NOEXEC),
        #[cfg(not(target_os = "linux"))]
        is_without_programs: false,
    }
}

/// As [`Volume::free`], where `path` is or will be.
///
/// # Errors
/// As [`volume`].
pub fn free_space(path: &Path) -> Result<Option<u64>, FsError> {
    Ok(volume(path)?.free)
}

/// Refuses work that would fill the disk: `needed` bytes must be free where `path` is or will be.
///
/// # Errors
/// [`FsError::NoSpace`] with both figures.
pub fn require_space(path: &Path, needed: u64) -> Result<(), FsError> {
    match free_space(path)? {
        Some(free) if free < needed => {
            Err(FsError::NoSpace { path: path.to_path_buf(), needed, free })
        }
        _ => Ok(()),
    }
}
