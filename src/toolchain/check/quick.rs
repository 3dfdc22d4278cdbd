//! The quick look at a tree: every file has the kind, size and time of the outline, which is
//! the one that the stamp names. Content that was changed with size and time kept is found
//! by [`super::whole`].

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{List, Problem, difference};
use crate::host::fault::Fault;
use crate::host::fs::Glance;
use crate::host::threads::{self, Begun};
use crate::toolchain::layout::Tree;
use crate::toolchain::outline;
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
    /// The outline's bytes; `None` when `fault` says why.
    outline: OnceLock<Option<Vec<u8>>>,
    fault: Mutex<Option<Fault>>,
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
            outline: OnceLock::new(),
            fault: Mutex::default(),
            next: AtomicUsize::new(0),
            found: AtomicBool::new(false),
        });
        let shared = Arc::clone(&work);
        // More threads cost more to start than they save: it takes some milliseconds.
        let begun = threads::begin(2, move || shared.search());
        Self { work, begun }
    }

    /// Looks at the rest and tells what was found.
    ///
    /// # Errors
    /// The tree cannot be looked at.
    pub fn finish(self, stamp: &Stamp) -> Result<Freshness, Fault> {
        let work = self.work;
        let wrong = work.outline().and_then(|outline| List::Outline.problem(outline, stamp));
        // What a wrong outline says of files is nothing to tell.
        let first = match wrong {
            Some(problem) => Some(problem),
            None => self.begun.join().into_iter().find_map(Result::transpose).transpose()?,
        };
        if let Some(fault) = work.fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(fault);
        }
        Ok(first.map_or(Freshness::Fresh, |problem| {
            Freshness::Stale(Reason::Damaged(problem.to_string()))
        }))
    }
}

impl Work {
    /// Takes pieces of the outline until none is left.
    fn search(&self) -> Result<Option<Problem>, Fault> {
        /// In bytes: some 60 files.
        const PIECE: usize = 2 << 10;
        let Some(outline) = self.outline() else { return Ok(None) };
        let pieces = match outline::pieces(outline, PIECE) {
            Ok(pieces) => pieces,
            Err(line) => return Ok(Some(List::Outline.malformed(line))),
        };
        let mut glance = Glance::new(self.tree.root())?;
        while !self.found.load(Ordering::Relaxed) {
            let Some(piece) = pieces.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
            let problem = piece
                .find(|folder, name, expected| difference(&mut glance, folder, name, expected))
                .unwrap_or_else(|line| Some(List::Outline.malformed(line)));
            if problem.is_some() {
                self.found.store(true, Ordering::Relaxed);
                return Ok(problem);
            }
        }
        Ok(None)
    }

    /// The outline's bytes; none when [`Work::fault`] says why.
    fn outline(&self) -> Option<&[u8]> {
        let read = || match List::Outline.read(&self.tree) {
            Ok(outline) => Some(outline),
            Err(fault) => {
                *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
                None
            }
        };
        self.outline.get_or_init(read).as_deref()
    }
}
