//! A tree against its manifest: quickly by size and time, or wholly by content. Links
//! are checked by what they say and by where they lead.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::layout::Tree;
use super::manifest::{self, Appearance, Row};
use super::outline;
use super::runtime::Installed;
use super::stamp::Stamp;
use crate::host::fault::Fault;
use crate::host::fs::{self, Digests, EntryKind, Glance};
use crate::host::hash::Digest;
use crate::host::threads;

mod quick;

pub use quick::Look;

/// What a whole check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Files and links that were checked.
    pub files: usize,
    /// What is not as it must be.
    pub problems: Vec<Problem>,
}

/// One thing that is not as the manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Relative to the tree.
    pub path: String,
    /// A stable code: API of `--json`.
    pub code: &'static str,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// The generated files that name the tree's own place; none is a library or a header.
const UNLISTED: [&str; 3] = [manifest::PATH, outline::PATH, "share/stamp.json"];

/// The whole truth: every byte, every link, nothing missing and nothing added. What
/// `build-runtime` installed is held against its own stamps.
///
/// # Errors
/// The tree cannot be read.
pub fn whole(tree: &Tree, stamp: &Stamp) -> Result<Report, Fault> {
    let bytes = List::Manifest.read(tree)?;
    let rows = match List::Manifest.problem(&bytes, stamp) {
        None => manifest::rows(&bytes).map_err(|line| List::Manifest.malformed(line)),
        Some(problem) => Err(problem),
    };
    let rows = match rows {
        Ok(rows) => rows,
        Err(problem) => return Ok(Report { files: 0, problems: vec![problem] }),
    };
    let mut problems = differences(tree, &rows)?;
    problems.extend(List::Outline.problem(&List::Outline.read(tree)?, stamp));
    let runtime = Installed::of(tree.root());
    problems.extend(runtime.problems);
    let mut known: BTreeSet<&str> = rows.iter().map(|row| row.path).chain(UNLISTED).collect();
    known.extend(runtime.files.iter().map(String::as_str));
    find_strangers(tree.root(), "", &known, &mut problems)?;
    problems.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Report { files: rows.len() + runtime.files.len(), problems })
}

/// What differs from the manifest, found by several threads. Lines are taken in runs of
/// neighbours; files so large that one keeps a thread busy come first, one by one.
fn differences(tree: &Tree, rows: &[Row<'_>]) -> Result<Vec<Problem>, Fault> {
    const RUN: usize = 64;
    const LARGE: u64 = 4 << 20;
    let is_large =
        |row: &Row<'_>| matches!(row.look, Appearance::File { size, .. } if size >= LARGE);
    let (large, small): (Vec<&Row<'_>>, Vec<&Row<'_>>) = rows.iter().partition(|row| is_large(row));
    let runs: Vec<&[&Row<'_>]> = large.chunks(1).chain(small.chunks(RUN)).collect();
    let root = fs::resolve(tree.root())?;
    let next = AtomicUsize::new(0);
    // The shims are one program of many names.
    let known = Digests::default();
    let search = || -> Result<Vec<Problem>, Fault> {
        let mut glance = Glance::new(tree.root())?;
        let mut problems = Vec::new();
        while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            problems.extend(run.iter().filter_map(|line| {
                let (folder, name) = fs::folder_and_name(line.path);
                difference(&mut glance, folder, name, line.look)
                    .or_else(|| deep_difference(&root, &mut glance, &known, line))
            }));
        }
        Ok(problems)
    };
    let found = threads::together(threads::usual(), search);
    Ok(found.into_iter().collect::<Result<Vec<_>, Fault>>()?.concat())
}

/// What the content tells.
fn deep_difference(
    root: &Path,
    glance: &mut Glance,
    known: &Digests,
    row: &Row<'_>,
) -> Option<Problem> {
    let problem = |code, what| Problem { path: row.path.to_owned(), code, what };
    let (folder, name) = fs::folder_and_name(row.path);
    match row.look {
        Appearance::File { .. } => match glance.digest(folder, name, known) {
            Ok(got) if row.sha256() == Some(&got.to_string()) => None,
            Ok(got) => {
                let expected = row.sha256().unwrap_or_default();
                let what = format!("wrong SHA-256: expected {expected}, got {got}");
                Some(problem("file-content", what))
            }
            Err(error) => Some(problem("file-unreadable", error.to_string())),
        },
        Appearance::Link { target } => leads_astray(root, &root.join(row.path))
            .map(|why| problem("link-astray", format!("its target {target} {why}"))),
    }
}

/// A list of the tree's files that lies in the tree; the stamp names it by its digest.
#[derive(Clone, Copy)]
enum List {
    Manifest,
    Outline,
}

impl List {
    const fn path(self) -> &'static str {
        match self {
            Self::Manifest => manifest::PATH,
            Self::Outline => outline::PATH,
        }
    }

    /// Its bytes; none when it is missing.
    fn read(self, tree: &Tree) -> Result<Vec<u8>, Fault> {
        let path = tree.root().join(self.path());
        if fs::stat(&path)?.is_none() {
            return Ok(Vec::new());
        }
        Ok(fs::read(&path)?)
    }

    /// What is wrong with it: it must be the one of the stamp.
    fn problem(self, bytes: &[u8], stamp: &Stamp) -> Option<Problem> {
        let (missing, content, expected) = match self {
            Self::Manifest => ("manifest-missing", "manifest-content", &stamp.manifest),
            Self::Outline => ("outline-missing", "outline-content", &stamp.outline),
        };
        let problem = |code, what| Problem { path: self.path().to_owned(), code, what };
        if bytes.is_empty() {
            return Some(problem(missing, "is missing or empty".to_owned()));
        }
        let got = Digest::of(bytes).to_string();
        let what = || format!("wrong SHA-256: expected {expected}, got {got}");
        (got != *expected).then(|| problem(content, what()))
    }

    fn malformed(self, line: usize) -> Problem {
        let code = match self {
            Self::Manifest => "manifest-malformed",
            Self::Outline => "outline-malformed",
        };
        Problem { path: self.path().to_owned(), code, what: format!("line {line} is none") }
    }
}

/// What the metadata alone tell.
fn difference(
    glance: &mut Glance,
    folder: &str,
    name: &str,
    expected: Appearance<'_>,
) -> Option<Problem> {
    let problem = |code, what| {
        let path = if folder == "." { name.to_owned() } else { format!("{folder}/{name}") };
        Some(Problem { path, code, what })
    };
    let got_link = match expected {
        Appearance::Link { target } => match glance.link(folder, name) {
            Some(got) if got == Path::new(target) => return None,
            got => got,
        },
        Appearance::File { .. } => None,
    };
    let got = match glance.look(folder, name) {
        Ok(Some(got)) => got,
        Ok(None) => return problem("file-missing", "is missing".to_owned()),
        Err(error) => return problem("file-unreadable", error.to_string()),
    };
    match expected {
        Appearance::Link { target } => {
            let said = got_link.map_or("no link".to_owned(), |got| got.display().to_string());
            problem("link-target", format!("expected a link to {target}, got {said}"))
        }
        Appearance::File { executable, size, seconds } => {
            if !got.is_file {
                problem("file-kind", "is no regular file".to_owned())
            } else if got.size != size {
                let what = format!("wrong size in bytes: expected {size}, got {}", got.size);
                problem("file-size", what)
            } else if seconds.is_some_and(|seconds| got.seconds != seconds) {
                problem("file-time", "was written to since it was installed".to_owned())
            } else if got.executable != executable {
                problem("file-mode", "its mode was changed".to_owned())
            } else {
                None
            }
        }
    }
}

/// The first of `links`, relative to the tree, that leads out of it or to nothing.
#[must_use]
pub fn stray_link(tree: &Tree, links: &[&str]) -> Option<Problem> {
    let root = fs::resolve(tree.root()).unwrap_or_else(|_| tree.root().to_path_buf());
    let problem = |path: &&str| {
        let why = leads_astray(&root, &root.join(path))?;
        Some(Problem { path: (*path).to_owned(), code: "link-astray", what: why.to_owned() })
    };
    threads::map(threads::usual(), links, problem).into_iter().flatten().next()
}

/// Why a link is no good, if it is none: it must lead to something inside the tree, whose
/// root is given without links in its path.
fn leads_astray(root: &Path, link: &Path) -> Option<&'static str> {
    match fs::resolve(link) {
        Ok(end) if end.starts_with(root) => None,
        Ok(_) => Some("leads out of the toolchain"),
        Err(_) => Some("leads to nothing"),
    }
}

/// Files that nobody installed. What macOS's Finder leaves is passed over.
fn find_strangers(
    root: &Path,
    folder: &str,
    known: &BTreeSet<&str>,
    problems: &mut Vec<Problem>,
) -> Result<(), Fault> {
    for entry in fs::read_dir_sorted(&root.join(folder))? {
        let Some(name) = entry.name.to_str() else { continue };
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        if entry.kind == EntryKind::Dir {
            find_strangers(root, &path, known, problems)?;
        } else if !known.contains(path.as_str()) && name != ".DS_Store" {
            let what = "nobody installed it".to_owned();
            problems.push(Problem { path, code: "file-unknown", what });
        }
    }
    Ok(())
}
