//! Packages become folders, side by side, largest first. An unpacked package is kept and
//! found again by its hash and the rules it was unpacked with, so that a second target
//! or a second try costs links instead of decompression.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::World;
use super::archive::Opened;
use super::components::Component;
use crate::debian::identity::Identity;
use crate::debian::tar::Limits;
use crate::host::fault::Fault;
use crate::host::fs::{self, Glance, Hold, Patience};
use crate::host::progress::Event;
use crate::host::threads;
use crate::host::tree::Tree;
use crate::pins::LockedPackage;
use crate::store::Store;
use crate::sysroot::archive::ArchiveError;
use crate::sysroot::listing;
use crate::sysroot::manifest::{Entry, EntryKind};
use crate::sysroot::rules::Rules;
use crate::sysroot::unpack::{Problem, Request, unpack, unpack_tar};

/// No file gets a later time than this (the end of 32-bit time stamps, in 2106).
const LATEST_SECONDS: i64 = 4_294_967_295;

/// A package's folder and what lies in it.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// `name_version_architecture`.
    pub(super) name: String,
    /// The folder.
    pub(super) folder: Tree,
    /// What lies in it.
    pub(super) entries: Vec<Entry>,
}

/// All packages of a run, and the folders that are new.
#[derive(Debug)]
pub(super) struct Packages {
    /// By component, in its order. A package of two components is one folder.
    pub(super) components: Vec<Vec<Arc<Unpacked>>>,
    new: New,
    /// Held while folders are in use, so that no other run sweeps them.
    _guard: fs::Lock,
}

/// New folders and the names they get once they are safe on disk. Those that get none
/// are removed: a full disk must not stay full.
#[derive(Debug, Default)]
struct New(Vec<(PathBuf, PathBuf)>);

impl Drop for New {
    fn drop(&mut self) {
        for (fresh, _) in &self.0 {
            // What remains is swept by the next run; the failure to tell is another one.
            let _ = fs::remove_tree(fresh);
        }
    }
}

/// How well a kept folder is looked at before a tree shares its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Kind, size, time and mode of every file.
    Quick,
    /// Every byte too.
    Whole,
    /// Nothing kept is used: all is unpacked again.
    Anew,
}

/// One package to unpack: who wants it, and how.
struct Job<'a> {
    /// By number.
    components: Vec<usize>,
    path: &'a str,
    package: &'a LockedPackage,
    rules: &'a Rules,
    /// The folder's name: no two jobs have the same.
    key: String,
    /// What a packed archive calls it.
    packed: String,
}

/// Unpacks what is not unpacked yet.
///
/// # Errors
/// The first package that is damaged or breaks a rule. A damaged one is no longer in the
/// cache then.
pub(super) fn unpack_all(
    world: &World<'_>,
    store: &Store,
    components: &[Component<'_>],
    care: Care,
    archive: Option<&Opened>,
) -> Result<Packages, Fault> {
    let root = world.project.unpacked();
    fs::create_dir_below(store.root(), &root)?;
    let guard = sweep(world, &root)?;
    let rules = components
        .iter()
        .map(|component| component.layout.rules())
        .collect::<Result<Vec<_>, _>>()?;
    let case_sensitive = fs::is_case_sensitive(&root)?;
    let mut by_key: BTreeMap<String, Job<'_>> = BTreeMap::new();
    for (component, (parts, rules)) in components.iter().zip(&rules).enumerate() {
        for (path, package) in &parts.packages {
            let mut key = parts.layout.key(package, case_sensitive);
            if let Some(digest) = archive.and_then(|opened| opened.unlocked) {
                // What nobody locked never lies where honest runs look.
                key = format!("{key}-{}", digest.short());
            }
            let packed = parts.layout.archive_key(package);
            let new = || {
                let key = key.clone();
                Job { components: Vec::new(), path, package, rules, key, packed }
            };
            by_key.entry(key.clone()).or_insert_with(new).components.push(component);
        }
    }
    let mut jobs: Vec<Job<'_>> = by_key.into_values().collect();
    jobs.sort_by_key(|job| std::cmp::Reverse(job.package.size));
    let bytes = jobs.iter().map(|job| job.package.size).sum();
    let name = "unpack";
    world.progress.event(Event::Stage { name, count: jobs.len() as u64, bytes });
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let new = Mutex::new(New::default());
    let work = || -> Result<(), Fault> {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let place = root.join(&job.key);
            let unpacked = if let Some(unpacked) = found(&place, job, care)? {
                unpacked
            } else {
                let fresh = root.join(format!(".new-{}-{}", std::process::id(), job.key));
                lock(&new).0.push((fresh.clone(), place));
                fill(store, job, &fresh, case_sensitive, archive)?
            };
            let bytes = i64::try_from(job.package.size).unwrap_or(i64::MAX);
            world.progress.event(Event::Advance { bytes });
            world.progress.event(Event::ItemDone { name: &job.package.name });
            let unpacked = Arc::new(unpacked);
            for component in &job.components {
                lock(&done).insert((*component, job.path), Arc::clone(&unpacked));
            }
        }
        Ok(())
    };
    threads::together(threads::usual(), work).into_iter().collect::<Result<(), Fault>>()?;
    let mut lists: Vec<Vec<Arc<Unpacked>>> = components.iter().map(|_| Vec::new()).collect();
    for ((component, _), unpacked) in
        done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    {
        lists[component].push(unpacked);
    }
    let new = new.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let summary = format!("done: {} anew, {} kept", new.0.len(), jobs.len() - new.0.len());
    world.progress.event(Event::StageDone { name, summary });
    Ok(Packages { components: lists, new, _guard: guard })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Held while the folders in `root` are used.
pub(super) fn lock_file(root: &Path) -> PathBuf {
    root.join(".lock")
}

/// Removes what killed runs left, if no other run is at work; then says that we are.
fn sweep(world: &World<'_>, root: &Path) -> Result<fs::Lock, Fault> {
    let path = lock_file(root);
    match fs::lock(&path, Hold::Exclusive, Patience::Refuse, "prepare", world.progress) {
        Ok(_alone) => {
            for entry in fs::read_dir_sorted(root)? {
                if entry.name.as_encoded_bytes().starts_with(b".") && entry.path != path {
                    fs::remove_tree(&entry.path)?;
                }
            }
        }
        Err(fs::FsError::Held { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(fs::lock(&path, Hold::Shared, world.patience, "prepare", world.progress)?)
}

/// `name_version_architecture`: what messages and the manifest call a package.
pub(super) fn label(package: &LockedPackage) -> String {
    format!("{}_{}_{}", package.name, package.version, package.architecture)
}

fn found(place: &Path, job: &Job<'_>, care: Care) -> Result<Option<Unpacked>, Fault> {
    if care == Care::Anew {
        return Ok(None);
    }
    let list = place.join("entries.tsv");
    if fs::stat(place)?.is_none() {
        return Ok(None);
    }
    if fs::stat(&list)?.is_none() {
        // What is kept comes with its list, so that this is half of a removed one.
        fs::remove_tree(place)?;
        return Ok(None);
    }
    let tree = place.join("tree");
    let entries = listing::parse(&fs::read_text(&list)?);
    let Some(entries) = entries.filter(|entries| is_whole(&tree, entries, care)) else {
        fs::remove_tree(place)?;
        return Ok(None);
    };
    Ok(Some(Unpacked { name: label(job.package), folder: Tree::open(tree)?, entries }))
}

/// Whether a kept folder still holds what was unpacked into it. Trees share its files by
/// hard links, so whoever wrote into a tree has written here. The manifest of a tree has
/// the digests of the time of unpacking, so a change that a quick look misses is found by
/// `verify`.
fn is_whole(folder: &Path, entries: &[Entry], care: Care) -> bool {
    let Ok(mut glance) = Glance::new(folder) else { return false };
    entries.iter().all(|entry| {
        let EntryKind::File { size, sha256, executable } = &entry.kind else { return true };
        let is_same = |seen: fs::Sight| {
            seen.is_file
                && !seen.writable
                && (seen.size, seen.seconds, seen.executable) == (*size, entry.seconds, *executable)
        };
        matches!(glance.look(entry.on_disk()), Ok(Some(seen)) if is_same(seen))
            && (care == Care::Quick
                || fs::digest(&folder.join(entry.on_disk())).is_ok_and(|(got, _)| got == *sha256))
    })
}

fn fill(
    store: &Store,
    job: &Job<'_>,
    fresh: &Path,
    case_sensitive: bool,
    archive: Option<&Opened>,
) -> Result<Unpacked, Fault> {
    let package = job.package;
    fs::create_dir_below(fresh.parent().unwrap_or(fresh), fresh)?;
    let folder = Tree::create(fresh.join("tree"))?;
    let request = Request {
        identity: Identity {
            package: package.name.clone(),
            version: package.version.clone(),
            architecture: package.architecture.clone(),
        },
        size: package.size,
        sha256: package.sha256,
        installed_size: Some(package.installed_kib),
        limits: Limits::default(),
        rules: job.rules,
        latest: LATEST_SECONDS,
        case_sensitive,
    };
    if let Some(archive) = archive.filter(|opened| opened.archive().part(&job.packed).is_some()) {
        let entries = from_archive(archive, job, &request, &folder)?;
        fs::write(&fresh.join("entries.tsv"), listing::render(&entries).as_bytes())?;
        return Ok(Unpacked { name: label(package), folder, entries });
    }
    let file = store.open_blob(job.path)?;
    let unpacked = match unpack(file, &request, &folder) {
        Ok(unpacked) => unpacked,
        Err(error) => {
            // A damaged file of the cache is moved aside, so that the next run fetches it.
            if matches!(error.problem, Problem::Hash { .. } | Problem::Size { .. }) {
                store.reject(job.path)?;
            }
            return Err(error.into());
        }
    };
    fs::write(&fresh.join("entries.tsv"), listing::render(&unpacked.entries).as_bytes())?;
    Ok(Unpacked { name: label(package), folder, entries: unpacked.entries })
}

/// Unpacks a package out of the archive, and compares it with the archive's own list.
fn from_archive(
    opened: &Opened,
    job: &Job<'_>,
    request: &Request<'_>,
    folder: &Tree,
) -> Result<Vec<Entry>, Fault> {
    let archive = opened.archive();
    let Some(part) = archive.part(&job.packed) else { return Ok(Vec::new()) };
    let tar = archive.tar(&job.packed)?;
    let unpacked = unpack_tar(tar, &part.folder, request, folder)?;
    let is_listed = |(got, listed): (&Entry, &Entry)| {
        (&got.path, &got.kind, got.seconds) == (&listed.path, &listed.kind, listed.seconds)
    };
    let same = unpacked.entries.len() == part.entries.len()
        && unpacked.entries.iter().zip(&part.entries).all(is_listed);
    if !same {
        let what = format!("{} is not what its list says", part.package);
        return Err(ArchiveError::Broken { what }.into());
    }
    Ok(unpacked.entries)
}

impl Packages {
    /// Gives the new folders their names. Called when their content is safe on disk.
    pub(super) fn keep(mut self) -> Result<(), Fault> {
        for (fresh, place) in &std::mem::take(&mut self.new.0) {
            // Another run may have kept the same package in the meantime.
            if fs::stat(place)?.is_some() || fs::rename(fresh, place).is_err() {
                fs::remove_tree(fresh)?;
            }
        }
        Ok(())
    }
}
