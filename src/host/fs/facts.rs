//! What a file is, beyond its content: mode, time, digest, and what its volume can tell
//! apart. It changes nothing but times, and leaves nothing behind.

use std::fs::{File, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::FsError;
use crate::host::hash::Digest;

/// What lies at `path`, links not followed; it must be there.
///
/// # Errors
/// When nothing is there or it cannot be looked at.
pub fn metadata(path: &Path) -> Result<Metadata, FsError> {
    std::fs::symlink_metadata(path).map_err(FsError::io("look at", path))
}

/// When it was written, in seconds since 1970 (UTC).
#[must_use]
pub fn modified_seconds(metadata: &Metadata) -> i64 {
    metadata.mtime()
}

/// Whether its owner may execute it.
#[must_use]
pub fn is_executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o100 != 0
}

/// Sets when a file was written, in seconds since 1970 (UTC).
///
/// # Errors
/// When the system refuses.
pub fn set_modified(path: &Path, seconds: i64) -> Result<(), FsError> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let time: SystemTime = if seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance };
    let file = File::open(path).map_err(FsError::io("open", path))?;
    file.set_modified(time).map_err(FsError::io("set the time of", path))
}

/// Digest and size in bytes of a regular file.
///
/// # Errors
/// When it cannot be read or is not one.
pub fn digest(path: &Path) -> Result<(Digest, u64), FsError> {
    let file = super::open_regular(path)?;
    Digest::of_reader(file).map_err(FsError::io("read", path))
}

/// Whether names that differ in case only are two files in this folder: asked of the
/// volume itself, since systems have both kinds.
///
/// # Errors
/// When nothing can be made in the folder.
pub fn is_case_sensitive(folder: &Path) -> Result<bool, FsError> {
    let name = format!(".case-probe-{}-{:?}", std::process::id(), std::thread::current().id());
    let probe = folder.join(&name);
    super::write(&probe, b"")?;
    let other = folder.join(name.to_uppercase());
    let found = super::stat(&other);
    super::remove_file(&probe)?;
    Ok(found?.is_none())
}

/// Waits until everything written to the file system of `folder` is on disk.
///
/// # Errors
/// When the disk fails.
pub fn sync_file_system(folder: &Path) -> Result<(), FsError> {
    let file = File::open(folder).map_err(FsError::io("open", folder))?;
    #[cfg(target_os = "linux")]
    {
        rustix::fs::syncfs(&file)
            .map_err(|errno| FsError::io("write to the disk of", folder)(errno.into()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        // sync(2) has no error to tell; the handle shows that the folder is there.
        drop(file);
        rustix::fs::sync();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(is_case_sensitive(folder.path()).unwrap(), cfg!(target_os = "linux"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_time_is_kept_to_the_second() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        std::fs::write(&file, b"abc").unwrap();
        for seconds in [0, 1_783_764_997, 4_294_967_295] {
            set_modified(&file, seconds).unwrap();
            assert_eq!(modified_seconds(&metadata(&file).unwrap()), seconds);
        }
        assert_eq!(digest(&file).unwrap(), (Digest::of(b"abc"), 3));
    }
}
