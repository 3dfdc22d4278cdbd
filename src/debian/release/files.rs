//! Where a suite's `Packages` indices lie and what their bytes must be. Never names a
//! file that the release does not vouch for.

use super::{FileEntry, Release, ReleaseError};
use crate::debian::decode::Compression;
use crate::host::hash::Digest;

/// The compressions of an index, best first, and the suffixes of their files.
const COMPRESSIONS: [(Compression, &str); 3] =
    [(Compression::Xz, ".xz"), (Compression::Gzip, ".gz"), (Compression::None, "")];

/// One file to fetch: paths are relative to the suite's folder (`dists/<suite>/`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Its plain path.
    pub path: String,
    /// Its path by hash, when the suite has those; to be tried first.
    pub by_hash: Option<String>,
    /// How to decompress it.
    pub compression: Compression,
    /// Bytes to fetch.
    pub size: u64,
    /// The hash of those bytes.
    pub sha256: Digest,
}

/// The `Packages` index of one component and architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFiles {
    /// What the decompressed text must be, when the release says so.
    pub plain: Option<FileEntry>,
    /// What can be fetched, best first; never empty.
    pub choices: Vec<IndexFile>,
}

impl Release {
    /// The `Packages` index of `component` for `architecture`.
    ///
    /// # Errors
    /// [`ReleaseError::NoComponent`], [`ReleaseError::NoArchitecture`], or
    /// [`ReleaseError::NoIndex`] when the hash table lacks it in every compression.
    pub fn packages(
        &self,
        component: &str,
        architecture: &str,
    ) -> Result<IndexFiles, ReleaseError> {
        self.check_component(component)?;
        self.check_architecture(architecture)?;
        let folder = format!("{component}/binary-{architecture}");
        let path = format!("{folder}/Packages");
        let choices: Vec<IndexFile> = COMPRESSIONS
            .into_iter()
            .filter_map(|(compression, suffix)| {
                let path = format!("{path}{suffix}");
                let FileEntry { size, sha256 } = *self.files.get(&path)?;
                let by_hash = format!("{folder}/by-hash/SHA256/{sha256}");
                let by_hash = self.acquire_by_hash.then_some(by_hash);
                Some(IndexFile { path, by_hash, compression, size, sha256 })
            })
            .collect();
        if choices.is_empty() {
            let file = self.file.clone();
            return Err(ReleaseError::NoIndex { file, path });
        }
        let plain = self.files.get(&path).copied();
        Ok(IndexFiles { plain, choices })
    }
}
