//! What a merged tree will hold, from the manifests of its packages. Pure: it
//! finds conflicts, links that leave the tree and links to nothing, and makes none
//! of it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use super::{MergeError, Package};
use crate::sysroot::case::Places;
use crate::sysroot::links::{Node, Outcome, follow};
use crate::sysroot::manifest::{Entry, EntryKind};
use crate::sysroot::rules::merged_links;

/// What becomes of links that lead to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dangling {
    /// They are left out and listed.
    Drop,
    /// Nothing is made.
    Refuse,
}

/// A link to nothing, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DanglingLink {
    pub path: String,
    pub target: String,
    pub package: String,
}

/// An entry of the tree to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub entry: Entry,
    /// The index of the package it is from; `None` for the links made by rule.
    pub package: Option<usize>,
    /// For a file: where it lies in its package's folder; else empty.
    pub from: String,
}

/// What is to be made, sorted by path, so directories come before what they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub placed: Vec<Placed>,
    pub dropped: Vec<DanglingLink>,
}

/// Who has what at a path; the package is `None` for the links made by rule.
struct Owned {
    package: Option<usize>,
    kind: EntryKind,
    seconds: i64,
    /// Where it lies in the package's folder.
    from: String,
}

type Union = BTreeMap<String, Owned>;

/// Plans the tree of all packages.
///
/// # Errors
/// [`MergeError`] when two packages disagree about a path, or a link leaves the
/// tree, leads in a circle or, when those are refused, to nothing.
pub fn plan(
    packages: &[Package<'_>],
    case_sensitive: bool,
    dangling: Dangling,
) -> Result<Plan, MergeError> {
    let mut union = unite(packages)?;
    let dropped = drop_dangling(&mut union, packages)?;
    if dangling == Dangling::Refuse && !dropped.is_empty() {
        return Err(MergeError::Dangling { links: dropped });
    }
    Ok(Plan { placed: place(union, case_sensitive), dropped })
}

fn unite(packages: &[Package<'_>]) -> Result<Union, MergeError> {
    let mut union = Union::new();
    for (index, package) in packages.iter().enumerate() {
        for entry in package.entries {
            match union.entry(entry.path.clone()) {
                Slot::Vacant(slot) => {
                    let (kind, from) = (entry.kind.clone(), entry.on_disk().to_owned());
                    let seconds = entry.seconds;
                    slot.insert(Owned { package: Some(index), kind, seconds, from });
                }
                Slot::Occupied(slot) if slot.get().kind == entry.kind => {}
                Slot::Occupied(slot) => {
                    let first = slot.get();
                    return Err(MergeError::Conflict {
                        path: entry.path.clone(),
                        first: name(packages, first.package),
                        first_kind: describe(&first.kind),
                        second: package.name.to_owned(),
                        second_kind: describe(&entry.kind),
                    });
                }
            }
        }
    }
    let has = |path: &str| union.get(path).is_some_and(|owned| owned.kind == EntryKind::Directory);
    for (path, target) in merged_links(has).collect::<Vec<_>>() {
        let kind = EntryKind::Symlink { target };
        union.insert(
            path.to_owned(),
            Owned { package: None, kind, seconds: 0, from: String::new() },
        );
    }
    Ok(union)
}

/// Takes out the links that lead to nothing. Taking one out may leave another
/// without its end, but then that one leads to nothing too and is found with it.
fn drop_dangling(
    union: &mut Union,
    packages: &[Package<'_>],
) -> Result<Vec<DanglingLink>, MergeError> {
    let node = |path: &str| match &union.get(path)?.kind {
        EntryKind::Directory => Some(Node::Directory),
        EntryKind::File { .. } => Some(Node::File),
        EntryKind::Symlink { target } => Some(Node::Symlink(target)),
    };
    let mut dangling = Vec::new();
    for (path, owned) in &*union {
        let EntryKind::Symlink { target } = &owned.kind else {
            continue;
        };
        let outcome = follow(path, target, node);
        if let Outcome::Found(_) = outcome {
            continue;
        }
        let (path, target) = (path.clone(), target.clone());
        let package = name(packages, owned.package);
        match outcome {
            Outcome::Leaves => {
                return Err(MergeError::Leaves { path, target, package });
            }
            Outcome::Loop => {
                return Err(MergeError::Loop { path, target, package });
            }
            _ => dangling.push(DanglingLink { path, target, package }),
        }
    }
    for link in &dangling {
        union.remove(&link.path);
    }
    Ok(dangling)
}

/// Finds each entry its place; on a disk that folds names links may need new targets.
fn place(union: Union, case_sensitive: bool) -> Vec<Placed> {
    let mut places = (!case_sensitive).then(Places::default);
    let mut entries = Vec::with_capacity(union.len());
    for (path, owned) in union {
        let place = places.as_mut().and_then(|places| places.assign(&path));
        let entry = Entry { path, place, kind: owned.kind, seconds: owned.seconds };
        entries.push(Placed { entry, package: owned.package, from: owned.from });
    }
    if let Some(places) = places {
        for Placed { entry, .. } in &mut entries {
            if let EntryKind::Symlink { target } = &mut entry.kind {
                *target = places.retarget(&entry.path, target);
            }
        }
    }
    entries
}

fn name(packages: &[Package<'_>], package: Option<usize>) -> String {
    package.map_or_else(|| "the merged /usr".to_owned(), |index| packages[index].name.to_owned())
}

fn describe(kind: &EntryKind) -> String {
    match kind {
        EntryKind::Directory => "a directory".to_owned(),
        EntryKind::File { size, sha256, executable } => {
            let kind = if *executable { "an executable file" } else { "a file" };
            format!("{kind} of {size} bytes with sha256 {sha256}")
        }
        EntryKind::Symlink { target } => format!("a link to {target}"),
    }
}
