//! Packages become folders on the [`Shelf`], side by side, largest first. An unpacked
//! package is found again by its hash and the rules it was unpacked with.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::World;
use super::archive::Opened;
use super::components::Component;
use super::shelf::{Care, Shelf, Unpacked};
use crate::debian::identity::Identity;
use crate::debian::tar::Limits;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::progress::Event;
use crate::host::threads;
use crate::host::tree::Tree;
use crate::pins::LockedPackage;
use crate::store::Store;
use crate::sysroot::archive::{ArchiveError, Room};
use crate::sysroot::manifest::Entry;
use crate::sysroot::rules::Rules;
use crate::sysroot::unpack::{Problem, Request, unpack, unpack_tar};

/// No file gets a later time than this (the end of 32-bit time stamps, in 2106).
const LATEST_SECONDS: i64 = 4_294_967_295;

/// All packages of a run, and the shelf that they stand on.
#[derive(Debug)]
pub(super) struct Packages {
    /// By component, in its order. A package of two components is one folder.
    pub(super) components: Vec<Vec<Arc<Unpacked>>>,
    pub(super) shelf: Shelf,
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
    let shelf = Shelf::open(world, store, care)?;
    let rules = components
        .iter()
        .map(|component| component.layout.rules())
        .collect::<Result<Vec<_>, _>>()?;
    let case_sensitive = fs::is_case_sensitive(shelf.root())?;
    let mut by_key: BTreeMap<String, Job<'_>> = BTreeMap::new();
    for (component, (parts, rules)) in components.iter().zip(&rules).enumerate() {
        let (key_of, packed_of) = (parts.layout.keys(case_sensitive), parts.layout.keys(true));
        for (path, package) in &parts.packages {
            let mut key = key_of(package);
            if let Some(digest) = archive.and_then(|opened| opened.unlocked) {
                // What nobody locked never lies where honest runs look.
                key = format!("{key}-{}", digest.short());
            }
            let packed = packed_of(package);
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
    let work = || -> Result<(), Fault> {
        let mut room = Room::default();
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let anew = |folder: &Tree| fill(store, job, folder, case_sensitive, archive, &mut room);
            let unpacked = shelf.take(&job.key, label(job.package), anew)?;
            let bytes = i64::try_from(job.package.size).unwrap_or(i64::MAX);
            world.progress.event(Event::Advance { bytes });
            world.progress.event(Event::ItemDone { name: &job.package.name });
            let unpacked = Arc::new(unpacked);
            for component in &job.components {
                let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                done.insert((*component, job.path), Arc::clone(&unpacked));
            }
        }
        Ok(())
    };
    threads::together(threads::usual(), work).into_iter().collect::<Result<(), Fault>>()?;
    let mut lists: Vec<Vec<Arc<Unpacked>>> = components.iter().map(|_| Vec::new()).collect();
    for ((component, _), unpacked) in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
        lists[component].push(unpacked);
    }
    let anew = shelf.anew();
    let summary = format!("done: {anew} anew, {} kept", jobs.len() - anew);
    world.progress.event(Event::StageDone { name, summary });
    Ok(Packages { components: lists, shelf })
}

/// `name_version_architecture`: what messages and the manifest call a package.
pub(super) fn label(package: &LockedPackage) -> String {
    format!("{}_{}_{}", package.name, package.version, package.architecture)
}

fn fill(
    store: &Store,
    job: &Job<'_>,
    folder: &Tree,
    case_sensitive: bool,
    archive: Option<&Opened>,
    room: &mut Room,
) -> Result<Vec<Entry>, Fault> {
    let package = job.package;
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
        return from_archive(archive, job, &request, folder, room);
    }
    let file = store.open_blob(job.path)?;
    match unpack(file, &request, folder) {
        Ok(unpacked) => Ok(unpacked.entries),
        Err(error) => {
            // A damaged file of the cache is moved aside, so that the next run fetches it.
            if matches!(error.problem, Problem::Hash { .. } | Problem::Size { .. }) {
                store.reject(job.path)?;
            }
            Err(error.into())
        }
    }
}

/// Unpacks a package out of the archive, and compares it with the archive's own list.
fn from_archive(
    opened: &Opened,
    job: &Job<'_>,
    request: &Request<'_>,
    folder: &Tree,
    room: &mut Room,
) -> Result<Vec<Entry>, Fault> {
    let archive = opened.archive();
    let Some(part) = archive.part(&job.packed) else { return Ok(Vec::new()) };
    let tar = archive.tar(&job.packed, room)?;
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
