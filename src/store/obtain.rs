//! Bringing wanted files into the cache: what is there first, then the mirrors in order, several
//! files side by side. One failure must never stop the others, and none may go unreported.

use std::sync::{Mutex, PoisonError};

use super::{Blob, Store, StoreError};
use crate::host::fs;
use crate::host::http::{Client, Expect, HttpError, Reach};
use crate::host::progress::{Event, Progress};
use crate::host::threads;

/// Connections side by side, unless the user says otherwise.
pub const CONNECTIONS: usize = 8;

/// Where a file came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// It was in the cache.
    Cache,
    /// Another process, or an earlier run, had fetched it meanwhile.
    Neighbour,
    /// It was fetched from here (masked).
    Network { url: String },
}

/// What came of it, in the order of the blobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obtained {
    pub sources: Vec<Source>,
    /// Bytes that came over the network.
    pub fetched: u64,
}

impl Store {
    /// Brings all blobs into the cache, fetching at most `jobs` side by side, largest first. Blobs
    /// in the cache are not fetched (nor hashed, see [`Store::has`]); one of the wrong size is moved
    /// aside and fetched anew.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the client is offline and something is not there, before any
    /// socket is opened; a full disk, likewise beforehand; each failure of a blob, all of them when
    /// there are several. Blobs that did come stay in the cache.
    pub fn obtain(
        &self,
        blobs: &[Blob],
        jobs: usize,
        client: &Client,
        progress: &dyn Progress,
    ) -> Result<Obtained, StoreError> {
        let mut missing = Vec::new();
        for (index, blob) in blobs.iter().enumerate() {
            if !self.has(blob)? {
                missing.push(index);
            }
        }
        let mut obtained = Obtained { sources: vec![Source::Cache; blobs.len()], fetched: 0 };
        if missing.is_empty() {
            return Ok(obtained);
        }
        if client.reach() == Reach::Offline {
            let named = |&index: &usize| (blobs[index].path.clone(), blobs[index].size);
            let missing = missing.iter().map(named).collect();
            return Err(StoreError::Missing { missing, wanted: blobs.len() });
        }
        self.require_room(blobs, &missing)?;
        // Taken from the end: the largest first, so that the last to finish is a small one.
        missing.sort_by(|&a, &b| {
            (blobs[a].size, &blobs[b].path).cmp(&(blobs[b].size, &blobs[a].path))
        });
        let (count, bytes) = (missing.len(), missing.iter().map(|&index| blobs[index].size).sum());
        progress.event(Event::Stage { name: "fetch", count: count as u64, bytes });
        let workers = jobs.clamp(1, count);
        let queue = Mutex::new(missing);
        let results = Mutex::new(Vec::with_capacity(count));
        let work = || {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let Some(index) = next else { break };
                let result = self.obtain_one(&blobs[index], client, progress);
                results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
            }
        };
        threads::together(workers, work);
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(index, _)| *index);
        let mut failures = Vec::new();
        for (index, result) in results {
            match result {
                Ok((source, fetched)) => {
                    obtained.sources[index] = source;
                    obtained.fetched += fetched;
                }
                Err(error) => failures.push(error),
            }
        }
        let summary = format!("{} of {count} files", count - failures.len());
        progress.event(Event::StageDone { name: "fetch", summary });
        match failures.len() {
            0 => Ok(obtained),
            1 => Err(failures.remove(0)),
            _ => Err(StoreError::Many { failures, wanted: blobs.len() }),
        }
    }

    /// Refuses before the first byte when the rest would not fit on the disk.
    fn require_room(&self, blobs: &[Blob], missing: &[usize]) -> Result<(), StoreError> {
        let mut needed = 0_u64;
        for &index in missing {
            let blob = &blobs[index];
            let there = fs::stat(&self.part(blob))?.map_or(0, |part| part.len());
            needed = needed.saturating_add(blob.size.saturating_sub(there));
        }
        Ok(fs::require_space(&self.root, needed)?)
    }

    fn obtain_one(
        &self,
        blob: &Blob,
        client: &Client,
        progress: &dyn Progress,
    ) -> Result<(Source, u64), StoreError> {
        let place = self.place(&blob.path)?;
        let claim = self.claim(blob, progress)?;
        if self.has(blob)? {
            fs::remove_file(claim.lock.path())?;
            progress.event(Event::Advance { bytes: i64::try_from(blob.size).unwrap_or(i64::MAX) });
            progress.event(Event::ItemDone { name: &blob.path });
            return Ok((Source::Neighbour, 0));
        }
        if fs::stat(&place)?.is_some() {
            let moved = self.reject(&blob.path)?;
            let text = format!("{}: damaged in the cache, moved to {}", blob.path, moved.display());
            progress.event(Event::Warning { text });
        }
        let expect = Expect { sha256: blob.sha256, size: blob.size };
        let done = client.download(&blob.urls, &expect, claim.lock.path(), progress);
        let done = done.map_err(|cause| match cause {
            HttpError::Disk(error) => {
                // On a full disk the half file is in the way; failing to remove it changes nothing.
                let _ = fs::remove_file(claim.lock.path());
                StoreError::Disk(error)
            }
            HttpError::NoMirror { .. } => {
                let cause = HttpError::NoMirror { file: blob.path.clone() };
                StoreError::Fetch { path: blob.path.clone(), cause }
            }
            cause => StoreError::Fetch { path: blob.path.clone(), cause },
        })?;
        self.publish(&claim, &place)?;
        for failure in &done.failures {
            let text = format!("{failure}; the file came from {}", done.final_url);
            progress.event(Event::Warning { text });
        }
        progress.event(Event::ItemDone { name: &blob.path });
        let source = match done.mirror {
            Some(_) => Source::Network { url: done.final_url },
            None => Source::Neighbour,
        };
        Ok((source, done.fetched))
    }
}
