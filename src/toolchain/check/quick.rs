//! The quick look at a tree: every file has its kind, size and time, and the manifest is the
//! one that the stamp names. Content that was changed with size and time kept is found by
//! [`super::whole`].

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{Problem, difference, malformed, read, wrong_digest};
use crate::host::fault::Fault;
use crate::host::fs::Glance;
use crate::host::hash::Digest;
use crate::host::threads::{self, Begun};
use crate::toolchain::layout::Tree;
use crate::toolchain::manifest;
use crate::toolchain::stamp::{Freshness, Reason, Stamp};

/// A quick look under way: other threads have begun it while the caller finds out what it
/// is to be held against.
#[derive(Debug)]
pub struct Look {
    work: Arc<Work>,
    begun: Begun<Result<Option<Problem>, Fault>>,
}

/// What the threads share.
#[derive(Debug)]
struct Work {
    tree: Tree,
    /// The manifest's bytes, or what is wrong with them; `None` when `fault` says why.
    manifest: OnceLock<Option<Result<Vec<u8>, Problem>>>,
    fault: Mutex<Option<Fault>>,
    digest: OnceLock<Digest>,
    /// The piece of the work that nobody has taken yet.
    next: AtomicUsize,
    /// Whether a problem was found: one is enough.
    found: AtomicBool,
}

impl Look {
    /// Begins to look at a tree, which need not be there.
    #[must_use]
    pub fn begin(tree: &Tree) -> Self {
        let work = Arc::new(Work {
            tree: tree.clone(),
            manifest: OnceLock::new(),
            fault: Mutex::default(),
            digest: OnceLock::new(),
            next: AtomicUsize::new(0),
            found: AtomicBool::new(false),
        });
        let shared = Arc::clone(&work);
        let begun = threads::begin(threads::usual(), move || shared.search());
        Self { work, begun }
    }

    /// Looks at the rest and tells what was found.
    ///
    /// # Errors
    /// The tree cannot be looked at.
    pub fn finish(self, stamp: &Stamp) -> Result<Freshness, Fault> {
        let problems = self.begun.join().into_iter().collect::<Result<Vec<_>, Fault>>()?;
        if let Some(fault) = self.work.fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(fault);
        }
        // What a wrong manifest says of files is nothing to tell.
        let wrong = self.work.digest.get().and_then(|digest| wrong_digest(*digest, stamp));
        let first = wrong.or_else(|| problems.into_iter().flatten().next());
        Ok(first.map_or(Freshness::Fresh, |problem| {
            Freshness::Stale(Reason::Damaged(problem.to_string()))
        }))
    }
}

impl Work {
    /// Takes pieces of the work until none is left. The first is the digest; each of the
    /// others is some lines of the manifest and the files they are about.
    fn search(&self) -> Result<Option<Problem>, Fault> {
        /// In bytes of the manifest: some 60 files.
        const PIECE: usize = 8 << 10;
        let bytes = match self.manifest.get_or_init(|| self.read()) {
            Some(Ok(bytes)) => bytes,
            Some(Err(problem)) => return Ok(Some(problem.clone())),
            None => return Ok(None),
        };
        let pieces = manifest::pieces(bytes, PIECE);
        let mut glance = Glance::new(self.tree.root())?;
        while !self.found.load(Ordering::Relaxed) {
            let problem = match (self.next.fetch_add(1, Ordering::Relaxed), &pieces) {
                (0, _) => {
                    self.digest.get_or_init(|| Digest::of(bytes));
                    None
                }
                (1, Err(line)) => Some(malformed(*line)),
                (index, Ok(pieces)) if index <= pieces.len() => match pieces[index - 1].rows() {
                    Ok(rows) => rows.iter().find_map(|row| difference(&mut glance, row)),
                    Err(line) => Some(malformed(line)),
                },
                _ => break,
            };
            if problem.is_some() {
                self.found.store(true, Ordering::Relaxed);
                return Ok(problem);
            }
        }
        Ok(None)
    }

    fn read(&self) -> Option<Result<Vec<u8>, Problem>> {
        match read(&self.tree) {
            Ok(manifest) => Some(manifest),
            Err(fault) => {
                *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
                None
            }
        }
    }
}
