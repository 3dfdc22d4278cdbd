//! The content of the cache against the lock: each file that is there is read and hashed.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Blob, Store, StoreError};
use crate::host::fs::{self, FsError};
use crate::host::hash::Digest;
use crate::host::progress::{Event, Progress};

/// A cached file that is not what the lock says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Its number in the list of blobs.
    pub blob: usize,
    /// Its path in the lock.
    pub path: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

impl Store {
    /// Hashes those of `blobs` that are in the cache, several side by side. Returns how many
    /// there are, and the damaged ones. Nothing is changed.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn check(
        &self,
        blobs: &[Blob],
        progress: &dyn Progress,
    ) -> Result<(usize, Vec<Damage>), StoreError> {
        let mut there = Vec::new();
        for (index, blob) in blobs.iter().enumerate() {
            let place = self.place(&blob.path)?;
            if let Some(meta) = fs::stat(&place)? {
                there.push((meta.len(), index, place));
            }
        }
        // Large ones first, so that no thread is left with one at the end.
        there.sort_by_key(|(size, ..)| std::cmp::Reverse(*size));
        let bytes = there.iter().map(|(size, ..)| size).sum();
        progress.event(Event::Stage { name: "check", count: there.len() as u64, bytes });
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<Damage>, StoreError> {
            let mut found = Vec::new();
            while let Some((size, index, place)) = there.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (blob, expected) = (&blobs[*index], Digest(blobs[*index].sha256));
                let what = match fs::open_regular(place) {
                    Err(FsError::NotRegular { .. }) => Some("is no regular file".to_owned()),
                    Err(error) => return Err(error.into()),
                    Ok(_) if *size != blob.size => {
                        Some(format!("wrong size in bytes: expected {}, got {size}", blob.size))
                    }
                    Ok(file) => {
                        let read = Digest::of_reader(file);
                        let (got, _) = read.map_err(FsError::io("read", place))?;
                        let what = || format!("wrong SHA-256: expected {expected}, got {got}");
                        (got != expected).then(what)
                    }
                };
                found.extend(what.map(|what| Damage {
                    blob: *index,
                    path: blob.path.clone(),
                    what,
                }));
                let bytes = i64::try_from(*size).unwrap_or(i64::MAX);
                progress.event(Event::Advance { bytes });
                progress.event(Event::ItemDone { name: &blob.path });
            }
            Ok(found)
        };
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 8);
        let found = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads
                .into_iter()
                .map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let mut found: Vec<Damage> = found.into_iter().flatten().collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let summary =
            format!("{} of {} files are as they must be", there.len() - found.len(), there.len());
        progress.event(Event::StageDone { name: "check", summary });
        Ok((there.len(), found))
    }
}
