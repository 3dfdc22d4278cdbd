//! What `verify` repairs with: a tree is laid out anew from the kept packages, a damaged file
//! of the cache is moved aside and fetched again.

use super::components::sources;
use super::{ArchiveChoice, LlvmChoice, Outcome, Prepared, Request, World, of_stamp, prepare};
use crate::debian::mirrors::MirrorList;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::http::Reach;
use crate::pins::{Lock, Pins};
use crate::store::{Blob, CONNECTIONS, Damage, Store};

/// Lays out anew what a stamp describes, with the same choices. Kept packages are read whole,
/// so that damage in them does not come back.
///
/// # Errors
/// As [`prepare`]; the tree is as it was.
pub fn repair(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    prepared: &Prepared,
) -> Result<Outcome, Fault> {
    let request = Request {
        target: prepared.target,
        release: prepared.stamp.release.clone(),
        with: of_stamp(&prepared.stamp),
        llvm: LlvmChoice::Auto,
        archive: ArchiveChoice::Auto,
        force: true,
        jobs: CONNECTIONS,
    };
    prepare(world, pins, lock, &request, None)
}

/// Every file of the lock that the cache can hold, and where it can come from. The packed
/// archives come from `pack` alone.
#[must_use]
pub fn cacheable(pins: &Pins, lock: &Lock, mirrors: &MirrorList) -> Vec<Blob> {
    let packages = lock.packages.iter().map(|(path, package)| Blob {
        path: path.clone(),
        sha256: package.sha256.0,
        size: package.size,
        urls: sources(mirrors, pins, lock, path, package),
    });
    let archives = lock.archives.iter().map(|(name, archive)| Blob {
        path: name.clone(),
        sha256: archive.sha256.0,
        size: archive.size,
        urls: Vec::new(),
    });
    packages.chain(archives).collect()
}

/// Moves damaged files aside and fetches them again, where there is a network and somebody
/// has them. Returns the paths that are missing now.
///
/// # Errors
/// The disk or the network refuses.
pub fn repair_cache(
    world: &World<'_>,
    blobs: &[Blob],
    damage: &[Damage],
) -> Result<Vec<String>, Fault> {
    let store = Store::open(&world.project.cache())?;
    for damage in damage {
        // Another process may have moved it aside by now.
        if fs::stat(&store.place(&damage.path)?)?.is_some() {
            store.reject(&damage.path)?;
        }
    }
    let is_online = world.client.reach() == Reach::Online;
    let damaged = damage.iter().filter_map(|damage| blobs.get(damage.blob));
    let (wanted, missing): (Vec<&Blob>, Vec<&Blob>) =
        damaged.partition(|blob| is_online && !blob.urls.is_empty());
    let wanted: Vec<Blob> = wanted.into_iter().cloned().collect();
    store.obtain(&wanted, CONNECTIONS, world.client, world.progress)?;
    Ok(missing.into_iter().map(|blob| blob.path.clone()).collect())
}
