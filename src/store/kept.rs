//! Files that the program makes for itself and finds again: each with its digest beside it,
//! so that a damaged one is made anew instead of used.

use std::path::{Path, PathBuf};

use crate::host::fs::{self, FsError};
use crate::host::hash::Digest;

fn sum_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

/// Whether `file` is there and whole.
#[must_use]
pub fn is_whole(file: &Path) -> bool {
    let Ok(sum) = fs::read_at_most(&sum_of(file), 64) else { return false };
    fs::digest(file).is_ok_and(|(got, _)| sum == got.to_string().into_bytes())
}

/// Writes `file`, with the folders above it.
///
/// # Errors
/// The disk refuses.
pub fn write(file: &Path, bytes: &[u8]) -> Result<(), FsError> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write_atomic(file, bytes)?;
    fs::write_atomic(&sum_of(file), Digest::of(bytes).to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_changed_is_not_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("new/kernel");
        assert!(!is_whole(&file));
        write(&file, b"kernel").unwrap();
        assert!(is_whole(&file));
        std::fs::write(&file, b"kernal").unwrap();
        assert!(!is_whole(&file));
        write(&file, b"kernel").unwrap();
        std::fs::remove_file(sum_of(&file)).unwrap();
        assert!(!is_whole(&file));
    }
}
