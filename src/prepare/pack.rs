//! Making the packed archive from the locked .debs, never from a prepared tree, which
//! somebody may have changed.

use std::collections::BTreeSet;

use super::archive::archive_name;
use super::components::{Wanted, components};
use super::unpack::{self, Care};
use super::{World, blobs};
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::progress::Event;
use crate::lock::set_name;
use crate::pins::lock::LockedArchive;
use crate::pins::{Lock, Pins, Target};
use crate::store::Store;
use crate::sysroot::archive::{FORMAT, Head, Part, pack as write_archive};
use crate::sysroot::manifest::Entry;

/// What is to be packed.
#[derive(Debug, Clone)]
pub struct PackRequest {
    /// The target.
    pub target: &'static Target,
    /// The Debian release.
    pub release: String,
    /// The host whose LLVM (and emulator) come along.
    pub llvm: Option<&'static Target>,
    /// Where to write it; in the cache unless named.
    pub output: Option<std::path::PathBuf>,
    /// Downloads side by side.
    pub jobs: usize,
}

/// What was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Its name in the lock.
    pub name: String,
    /// Where it lies.
    pub path: std::path::PathBuf,
    /// Its line in the lock.
    pub locked: LockedArchive,
}

/// Packs.
///
/// # Errors
/// The .debs cannot be had, are damaged, or the disk refuses.
pub fn pack(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    request: &PackRequest,
) -> Result<Packed, Fault> {
    let wanted = Wanted {
        target: request.target,
        release: &request.release,
        host: request.llvm,
        own_llvm: request.llvm.is_some(),
        own_libc: request.llvm.is_some(),
        with: &[],
    };
    let components = components(pins, lock, wanted)?;
    let store = Store::open(&world.project.cache())?;
    let blobs = blobs(world, pins, lock, &components, None);
    store.obtain(&blobs, request.jobs, world.client, world.progress)?;
    let packages = unpack::unpack_all(world, &store, &components, Care::Anew, None)?;
    let epoch = super::epoch(pins, lock, &request.release);
    let mut parts = Vec::new();
    let mut known = BTreeSet::new();
    for (component, unpacked) in components.iter().zip(&packages.components) {
        for (_, package) in &component.packages {
            let label = unpack::label(package);
            let Some(unpacked) = unpacked.iter().find(|unpacked| unpacked.name == label) else {
                continue;
            };
            let key = unpack::archive_key(package, component);
            if !known.insert(key.clone()) {
                continue;
            }
            let mut entries: Vec<Entry> = unpacked.entries.clone();
            entries.sort_by(|a, b| a.path.cmp(&b.path));
            let (folder, package) = (component.folder.to_owned(), unpacked.name.clone());
            parts.push((Part { key, folder, package, bytes: 0, entries }, &unpacked.folder));
        }
    }
    let name = archive_name(request.target, &request.release, request.llvm);
    let path = request.output.clone().unwrap_or_else(|| world.project.cache().join(&name));
    let text = format!("  pack   compressing {} packages …", parts.len());
    world.progress.event(Event::Note { text });
    let head = Head { target: request.target.triple.to_owned(), release: request.release.clone() };
    let mut draft = fs::Draft::new(&path)?;
    let (sha256, size) = write_archive(&head, &mut parts, epoch, &mut draft)?;
    fs::settled(draft.commit(), world.progress)?;
    drop(parts);
    fs::sync_file_system(&world.project.unpacked())?;
    packages.keep()?;
    let mut sets: BTreeSet<String> = [set_name(&request.release, "sysroot", request.target)].into();
    for package in &pins.sysroot.extra {
        sets.insert(set_name(&request.release, &crate::lock::with_part(package), request.target));
    }
    if let Some(host) = request.llvm {
        sets.insert(set_name(&pins.release, "llvm", host));
        sets.insert(set_name(&pins.release, "sysroot", host));
        if host.debian != request.target.debian {
            sets.insert(set_name(&pins.release, "qemu", host));
        }
    }
    let locked = LockedArchive {
        sha256,
        size,
        target: request.target.triple.to_owned(),
        release: request.release.clone(),
        format: FORMAT,
        packages: lock.sets_digest(&sets),
        sets,
    };
    Ok(Packed { name, path, locked })
}
