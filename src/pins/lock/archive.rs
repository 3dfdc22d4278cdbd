//! The packed archives of the lock: each is tied to the packages it is made of, so that a
//! line whose packages have changed is never taken for a good one. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Lock;
use crate::host::hash::Digest;

/// A packed archive, and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedArchive {
    /// The digest of the file.
    pub sha256: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The target's triple.
    pub target: String,
    /// The Debian release.
    pub release: String,
    /// The number of its format.
    pub format: u32,
    /// The sets whose packages are in it.
    pub sets: BTreeSet<String>,
    /// The digest of those packages, see [`Lock::sets_digest`].
    pub packages: Digest,
}

impl LockedArchive {
    /// A line without facts: accepted as `sha256sum` accepts it, and never current, because
    /// nobody knows what it is made of.
    pub(super) fn unknown(sha256: Digest) -> Self {
        Self {
            sha256,
            size: 0,
            target: String::new(),
            release: String::new(),
            format: 0,
            sets: BTreeSet::new(),
            packages: Digest([0; 32]),
        }
    }
}

impl Lock {
    /// One digest for all packages of these sets.
    #[must_use]
    pub fn sets_digest(&self, sets: &BTreeSet<String>) -> Digest {
        let mut text = String::new();
        for (path, package) in &self.packages {
            if !package.sets.is_disjoint(sets) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{}  {path}", package.sha256);
            }
        }
        Digest::of(text.as_bytes())
    }

    /// Whether an archive is made of the very packages that are locked.
    #[must_use]
    pub fn is_current(&self, archive: &LockedArchive) -> bool {
        self.sets_digest(&archive.sets) == archive.packages
    }

    /// Takes out the archives whose packages are no longer those locked; gives their names.
    pub fn drop_stale_archives(&mut self) -> Vec<String> {
        let is_stale = |(_, archive): &(&String, &LockedArchive)| !self.is_current(archive);
        let stale: Vec<String> =
            self.archives.iter().filter(is_stale).map(|(name, _)| name.clone()).collect();
        for name in &stale {
            self.archives.remove(name);
        }
        stale
    }
}
