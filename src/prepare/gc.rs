//! Clearing away what no toolchain and no lock needs. What is unknown is left alone: only
//! names that the program itself gives are looked at, each below its own lock.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::layouts::Layout;
use super::{prepared, program, shelf};
use crate::host::fault::Fault;
use crate::host::fs::{self, Entry, EntryKind, Hold, Patience};
use crate::host::progress::Progress;
use crate::pins::{Lock, Pins};
use crate::store::{Blob, Store};
use crate::toolchain::layout::{Project, Tree};
use crate::toolchain::stamp::Stamp;

/// One thing that nobody needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is: a stable word.
    pub kind: &'static str,
    /// Where it lies.
    pub path: PathBuf,
}

/// What is cleared away, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Garbage {
    /// What nobody needs, by place.
    pub items: Vec<Item>,
    /// Generations that are not current and that a program still uses.
    pub in_use: Vec<PathBuf>,
    /// The space that comes free, in bytes: a file with further names elsewhere frees none.
    pub bytes: u64,
}

/// What is needed, by name.
struct Needed {
    /// Current generations.
    generations: BTreeSet<String>,
    /// Names of unpacked packages.
    unpacked: BTreeSet<String>,
    /// Beginnings of names of unpacked packages, from stamps.
    unpacked_of_trees: Vec<String>,
    /// File names of .debs, from stamps.
    debs_of_trees: BTreeSet<String>,
    /// Names of extracted kernels.
    kernels: BTreeSet<String>,
}

/// Finds what nobody needs and, unless `dry_run`, removes it. With `dry_run` nothing is
/// written and no lock is taken.
///
/// # Errors
/// A lock is held and `patience` is to refuse, or the disk refuses.
pub fn gc(
    project: &Project,
    pins: &Pins,
    lock: &Lock,
    dry_run: bool,
    patience: Patience,
    progress: &dyn Progress,
) -> Result<Garbage, Fault> {
    let take = |path: &Path| fs::lock(path, Hold::Exclusive, patience, "gc", progress);
    let mut held = Vec::new();
    let mut names = BTreeSet::new();
    for entry in list(&project.generations())? {
        let name = entry.name.to_str().and_then(|name| name.strip_suffix(".lock"));
        let Some(name) = name.filter(|_| entry.kind == EntryKind::File) else { continue };
        if !dry_run {
            held.push(take(&entry.path)?);
        }
        names.insert(name.to_owned());
    }
    if !dry_run && fs::stat(&project.unpacked())?.is_some() {
        held.push(take(&shelf::lock_file(&project.unpacked()))?);
    }
    let needed = needed(project, pins, lock)?;
    let mut garbage = Garbage::default();
    generations(project, &names, &needed, &mut garbage)?;
    garbage.of("unpacked-package", list(&project.unpacked())?, |entry, name| {
        let is_needed = needed.unpacked.contains(name)
            || needed.unpacked_of_trees.iter().any(|start| name.starts_with(start));
        entry.kind == EntryKind::Dir && !is_needed
    });
    let cache = project.cache();
    pool(&cache, &cache.join("pool"), lock, &needed, &mut garbage)?;
    garbage.of("archive", list(&cache)?, |entry, name| {
        let is_ours = name.starts_with("debian-") && name.ends_with(".tar.zst");
        entry.kind == EntryKind::File && is_ours && !lock.archives.contains_key(name)
    });
    garbage.of("leftover", list(&cache)?, |entry, name| {
        entry.kind == EntryKind::File
            && name.starts_with(".debian-")
            && name.contains(".tar.zst.tmp-")
    });
    garbage.of("image", list(&cache.join("images"))?, |_, name| name.contains(".cpio"));
    garbage.of("kernel", list(&cache.join("kernel"))?, |_, name| {
        !needed.kernels.contains(name.trim_end_matches(".sha256"))
    });
    let wanted: Vec<Blob> = lock
        .packages
        .iter()
        .map(|(path, package)| Blob {
            path: path.clone(),
            sha256: package.sha256.0,
            size: package.size,
            urls: Vec::new(),
        })
        .collect();
    let store = Store::at(&cache);
    for path in store.unwanted_parts(&wanted)? {
        garbage.items.push(Item { kind: "unfinished-download", path });
    }
    garbage.bytes = weight(&garbage.items)?;
    if dry_run {
        return Ok(garbage);
    }
    for item in &garbage.items {
        // Another process may have made an unfinished file its own by now.
        if item.kind != "unfinished-download" {
            fs::remove_tree(&item.path)?;
        }
    }
    if fs::stat(&cache)?.is_some() {
        store.sweep(&wanted)?;
        remove_empty(&cache.join("pool"))?;
    }
    Ok(garbage)
}

impl Garbage {
    fn of(
        &mut self,
        kind: &'static str,
        entries: Vec<Entry>,
        is_garbage: impl Fn(&Entry, &str) -> bool,
    ) {
        for entry in entries {
            let is_garbage = entry.name.to_str().is_some_and(|name| is_garbage(&entry, name));
            if is_garbage && entry.name != ".lock" {
                self.items.push(Item { kind, path: entry.path });
            }
        }
    }
}

/// The entries of a folder that need not be there.
fn list(folder: &Path) -> Result<Vec<Entry>, Fault> {
    if fs::stat(folder)?.is_none() {
        return Ok(Vec::new());
    }
    Ok(fs::read_dir_sorted(folder)?)
}

fn needed(project: &Project, pins: &Pins, lock: &Lock) -> Result<Needed, Fault> {
    let mut needed = Needed {
        generations: BTreeSet::new(),
        unpacked: BTreeSet::new(),
        unpacked_of_trees: Vec::new(),
        debs_of_trees: BTreeSet::new(),
        kernels: BTreeSet::new(),
    };
    let layouts = Layout::all(pins);
    let keys: Vec<_> = layouts
        .iter()
        .flat_map(|layout| [true, false].map(|case_sensitive| layout.keys(case_sensitive)))
        .collect();
    for package in lock.packages.values() {
        needed.unpacked.extend(keys.iter().map(|key_of| key_of(package)));
        needed.kernels.insert(format!("{}-{}", package.name, package.sha256.short()));
    }
    for entry in list(&project.toolchains())? {
        if entry.kind != EntryKind::Link {
            continue;
        }
        let target = fs::read_link(&entry.path)?;
        let Some(name) = target.strip_prefix(".gen").ok().and_then(Path::to_str) else { continue };
        needed.generations.insert(name.to_owned());
        // A tree without a stamp is made anew and needs nothing.
        let Ok(stamp) = prepared::read_stamp(&Tree::new(entry.path))? else { continue };
        needed.add_packages(&stamp);
        needed.unpacked_of_trees.push(program::key_start(&stamp.inputs.fingerprint()));
    }
    Ok(needed)
}

impl Needed {
    fn add_packages(&mut self, stamp: &Stamp) {
        for (_, package, version, digest) in stamp.packages() {
            let Some((name, architecture)) = package.rsplit_once(':') else { continue };
            self.unpacked_of_trees.push(format!("{name}-{digest}-"));
            let version = version.split_once(':').map_or(version, |(_epoch, version)| version);
            self.debs_of_trees.insert(format!("{name}_{version}_{architecture}.deb"));
        }
    }
}

/// Trees that are not current, and what killed runs left beside them.
fn generations(
    project: &Project,
    names: &BTreeSet<String>,
    needed: &Needed,
    garbage: &mut Garbage,
) -> Result<(), Fault> {
    let leftover = |entry: &str| {
        let entry = entry.trim_start_matches('.');
        names.iter().any(|name| entry.strip_prefix(name.as_str()).is_some_and(is_new))
    };
    let toolchains = list(&project.toolchains())?;
    garbage
        .of("leftover", toolchains, |entry, name| entry.kind == EntryKind::Link && leftover(name));
    for entry in list(&project.generations())? {
        let Some(name) = entry.name.to_str().filter(|_| entry.kind == EntryKind::Dir) else {
            continue;
        };
        let is_old = || names.iter().any(|of| name.strip_prefix(of.as_str()).is_some_and(is_print));
        if leftover(name) {
            garbage.items.push(Item { kind: "leftover", path: entry.path });
        } else if !needed.generations.contains(name) && is_old() {
            if fs::is_in_use(&Tree::new(entry.path.clone()).stamp()) {
                garbage.in_use.push(entry.path);
            } else {
                garbage.items.push(Item { kind: "generation", path: entry.path });
            }
        }
    }
    Ok(())
}

fn is_new(end: &str) -> bool {
    end.starts_with(".new-")
}

/// Whether this ends a generation's name: `-9c89c6f20cdb87b5`, `-9c89c6f20cdb87b5.2`.
pub(super) fn is_print(end: &str) -> bool {
    end.strip_prefix('-')
        .is_some_and(|print| print.bytes().all(|b| b.is_ascii_hexdigit() || b == b'.'))
}

/// .debs that neither the lock nor a tree names, and damaged ones.
fn pool(
    cache: &Path,
    folder: &Path,
    lock: &Lock,
    needed: &Needed,
    garbage: &mut Garbage,
) -> Result<(), Fault> {
    for entry in list(folder)? {
        let name = entry.name.to_str().unwrap_or_default();
        let locked = || {
            let path = entry.path.strip_prefix(cache).ok().and_then(Path::to_str);
            path.is_some_and(|path| lock.packages.contains_key(path))
        };
        let is_deb = entry.path.extension().is_some_and(|end| end == "deb");
        match entry.kind {
            EntryKind::Dir => pool(cache, &entry.path, lock, needed, garbage)?,
            EntryKind::File if name.ends_with(".deb.bad") => {
                garbage.items.push(Item { kind: "damaged", path: entry.path });
            }
            EntryKind::File if is_deb && !needed.debs_of_trees.contains(name) && !locked() => {
                garbage.items.push(Item { kind: "package", path: entry.path });
            }
            _ => {}
        }
    }
    Ok(())
}

/// The bytes on disk that come free: those of files of which every name goes.
fn weight(items: &[Item]) -> Result<u64, Fault> {
    fn weigh(path: &Path, files: &mut HashMap<(u64, u64), (u64, u64)>) -> Result<(), Fault> {
        let Some(meta) = fs::stat(path)? else { return Ok(()) };
        if meta.is_dir() {
            for entry in fs::read_dir_sorted(path)? {
                weigh(&entry.path, files)?;
            }
        } else {
            let file = files.entry((meta.dev(), meta.ino()));
            file.or_insert((meta.nlink(), meta.blocks() * 512)).0 -= 1;
        }
        Ok(())
    }
    let mut files = HashMap::new();
    for item in items {
        weigh(&item.path, &mut files)?;
    }
    Ok(files.values().filter(|(left, _)| *left == 0).map(|(_, bytes)| bytes).sum())
}

/// Removes folders in which nothing is.
fn remove_empty(folder: &Path) -> Result<(), Fault> {
    for entry in list(folder)? {
        if entry.kind == EntryKind::Dir {
            remove_empty(&entry.path)?;
            if fs::read_dir_sorted(&entry.path)?.is_empty() {
                fs::remove_tree(&entry.path)?;
            }
        }
    }
    Ok(())
}
