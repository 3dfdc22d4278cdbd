//! Several unpacked packages become one tree: the plan is made from the manifests
//! alone, and any conflict is found before the first file is linked. It follows no
//! dpkg diversion, and leaves the packages' own folders as they are.

mod plan;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

pub use plan::{Dangling, DanglingLink, Placed, Plan, plan};

use super::manifest::{Entry, EntryKind};
use super::rules::parent;
use crate::host::fault::{Diagnostic, Kind};
use crate::host::threads;
use crate::host::tree::{Tree, TreeError, Walker};

/// Why packages did not merge.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error("{path}: {first} has {first_kind} there, {second} has {second_kind}")]
    Conflict {
        path: String,
        first: String,
        first_kind: String,
        second: String,
        second_kind: String,
    },
    #[error("{path} of {package}: expected a link that stays in the tree, got target {target}")]
    Leaves { path: String, target: String, package: String },
    #[error("{path} of {package}: the link leads in a circle through {target}")]
    Loop { path: String, target: String, package: String },
    #[error("{} links lead to nothing, first {} of {} to {}", links.len(), links[0].path, links[0].package, links[0].target)]
    Dangling { links: Vec<DanglingLink> },
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl Diagnostic for MergeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Tree(error) => error.kind(),
            _ => Kind::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "package-conflict",
            Self::Leaves { .. } => "link-leaves-root",
            Self::Loop { .. } => "link-loop",
            Self::Dangling { .. } => "link-dangling",
            Self::Tree(error) => error.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Tree(error) => error.hints(),
            Self::Dangling { .. } => {
                vec!["add the packages they point into to `versions.toml`".to_owned()]
            }
            Self::Conflict { .. } => {
                vec!["remove one of the two packages from `versions.toml`".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// An unpacked package: its folder and what lies in it.
#[derive(Debug, Clone, Copy)]
pub struct Package<'a> {
    /// For messages.
    pub name: &'a str,
    pub folder: &'a Tree,
    pub entries: &'a [Entry],
}

/// How a tree is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub case_sensitive: bool,
    pub dangling: Dangling,
    /// Threads to link files with; at least 1.
    pub threads: usize,
    /// The time of all directories and links, seconds since 1970.
    pub time: i64,
}

/// A merged tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// What lies in it, sorted by path, and which package it is from.
    pub placed: Vec<Placed>,
    /// The links left out because they lead to nothing.
    pub dropped: Vec<DanglingLink>,
}

impl Merged {
    /// Path and place of the files that an overlay must show.
    pub fn moved(&self) -> impl Iterator<Item = (&str, &str)> {
        self.placed.iter().filter_map(|Placed { entry, .. }| match (&entry.kind, &entry.place) {
            (EntryKind::Directory, _) | (_, None) => None,
            (_, Some(place)) => Some((entry.path.as_str(), place.as_str())),
        })
    }
}

/// Makes the tree of all packages in `root`, which must be empty. Files become
/// hard links, or copies where the disk has none.
///
/// # Errors
/// [`MergeError`]; nothing was made unless it is [`MergeError::Tree`].
pub fn merge(
    packages: &[Package<'_>],
    options: &Options,
    root: &Tree,
) -> Result<Merged, MergeError> {
    let plan = plan(packages, options.case_sensitive, options.dangling)?;
    make(&plan, packages, options, root)?;
    let Plan { placed, dropped } = plan;
    Ok(Merged { placed, dropped })
}

fn make(
    plan: &Plan,
    packages: &[Package<'_>],
    options: &Options,
    root: &Tree,
) -> Result<(), TreeError> {
    let mut walker = root.walk();
    let (mut directories, mut files, mut links) = (Vec::new(), Vec::new(), Vec::new());
    for placed in &plan.placed {
        let path = placed.entry.on_disk();
        match &placed.entry.kind {
            EntryKind::Directory => directories.push(path),
            EntryKind::File { executable, .. } => files.push((placed, *executable)),
            EntryKind::Symlink { target } => links.push((path, target)),
        }
        if placed.entry.place.is_some() {
            directories.push(parent(path));
        }
    }
    for path in &directories {
        walker.directory(path)?;
    }
    link_files(&files, packages, options.threads.max(1), root)?;
    for (path, target) in links {
        walker.symlink(path, target)?;
        walker.set_time(path, options.time)?;
    }
    walker.set_directory_times(options.time)
}

/// Links files in runs of neighbours, one run a thread.
fn link_files(
    files: &[(&Placed, bool)],
    packages: &[Package<'_>],
    threads: usize,
    root: &Tree,
) -> Result<(), TreeError> {
    let linkable = AtomicBool::new(true);
    let run = |files: &[(&Placed, bool)]| {
        let mut walker = root.walk();
        let mut sources: Vec<Walker<'_>> =
            packages.iter().map(|package| package.folder.walk()).collect();
        // A system may grant as few as 256 open files (macOS does).
        let mut recent: VecDeque<usize> = VecDeque::new();
        for (placed, executable) in files {
            let Some(package) = placed.package else {
                continue;
            };
            if recent.back() != Some(&package) {
                recent.retain(|other| *other != package);
                recent.push_back(package);
                if recent.len() > Walker::OPEN
                    && let Some(oldest) = recent.pop_front()
                {
                    sources[oldest].leave();
                }
            }
            let (from, path) = (placed.from.as_str(), placed.entry.on_disk());
            let source = &mut sources[package];
            if linkable.load(Ordering::Relaxed) {
                if walker.hard_link(source, from, path)? {
                    continue;
                }
                linkable.store(false, Ordering::Relaxed);
            }
            walker.copy(source, from, path, *executable)?;
        }
        Ok(())
    };
    let size = files.len().div_ceil(threads).max(1);
    let runs: Vec<_> = files.chunks(size).collect();
    threads::map(threads, &runs, |files| run(files)).into_iter().collect()
}
