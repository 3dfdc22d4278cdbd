//! Room on the disk, asked before it is needed. It must never refuse where the file system
//! does not tell.

use std::path::Path;

use super::FsError;

/// Bytes that an unprivileged user may still write where `path` is or will be; `None` when the
/// file system does not say (some FUSE report zero blocks in all).
///
/// # Errors
/// When no folder above `path` can be asked.
pub fn free_space(path: &Path) -> Result<Option<u64>, FsError> {
    let mut place = path;
    loop {
        let asked = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        match (rustix::fs::statvfs(asked), place.parent()) {
            (Ok(numbers), _) => {
                let known = numbers.f_blocks > 0;
                return Ok(known.then(|| numbers.f_bavail.saturating_mul(numbers.f_frsize)));
            }
            (Err(rustix::io::Errno::NOENT), Some(parent)) => place = parent,
            (Err(error), _) => {
                return Err(FsError::io("ask the free space of", asked)(error.into()));
            }
        }
    }
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
