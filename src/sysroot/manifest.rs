//! What lies in a tree: path, kind, size, hash. Only data; how it came to be is
//! told by `unpack` and `merge`.

use crate::host::hash::Digest;

/// One file, directory or link of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path from the root, as programs name it.
    pub path: String,
    /// Where it lies instead, on a disk that cannot tell `path` from another one.
    pub place: Option<String>,
    pub kind: EntryKind,
    /// When a file was written, in seconds since 1970; 0 for directories and links.
    pub seconds: i64,
}

impl Entry {
    /// Where it lies on disk.
    #[must_use]
    pub fn on_disk(&self) -> &str {
        self.place.as_deref().unwrap_or(&self.path)
    }
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    Directory,
    /// A regular file; size in bytes.
    File {
        size: u64,
        sha256: Digest,
        executable: bool,
    },
    /// A symbolic link; the target is relative, as on disk.
    Symlink {
        target: String,
    },
}
