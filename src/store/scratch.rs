//! Folders for the unfinished work of one run: made new, removed at its end. What killed runs
//! left is swept by later ones.

use std::path::{Path, PathBuf};

use crate::host::fs::FsError;
use crate::host::{clock, fs};

/// Runs whose folder is older than this were killed, in seconds.
const STALE: u64 = 24 * 3600;

/// The folder of one run, removed with the value.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A new one below `parent`; what runs left that were killed goes first.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn new(parent: &Path) -> Result<Self, FsError> {
        fs::create_dir_all(parent)?;
        for entry in fs::read_dir_sorted(parent)? {
            let Ok(meta) = fs::metadata(&entry.path) else { continue };
            let age = i64::try_from(clock::unix_now()).unwrap_or(i64::MAX);
            let age = age.saturating_sub(fs::modified_seconds(&meta));
            if u64::try_from(age).is_ok_and(|age| age > STALE) {
                fs::remove_tree(&entry.path)?;
            }
        }
        let path = parent.join(std::process::id().to_string());
        fs::remove_tree(&path)?;
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What remains is swept by a later run.
        let _ = fs::remove_tree(&self.path);
    }
}
