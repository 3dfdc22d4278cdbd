//! Making the packed archive from the locked .debs, never from a prepared tree, which
//! somebody may have changed.

use std::collections::BTreeSet;

use super::archive::archive_name;
use super::components::{Component, Wanted, components};
use super::shelf::Care;
use super::unpack;
use super::{World, blobs};
use crate::host::fault::Fault;
use crate::host::fs;
use crate::lock::set_name;
use crate::pins::lock::LockedArchive;
use crate::pins::{Lock, Pins, TARGETS, Target};
use crate::store::{CONNECTIONS, Store};
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
    let gathered = gather(world, pins, lock, request)?;
    let name = archive_name(request.target, &request.release, request.llvm);
    let path = request.output.clone().unwrap_or_else(|| world.project.cache().join(&name));
    if let Some(folder) = path.parent() {
        // What killed runs left of this very file, which one run at a time writes.
        fs::sweep_drafts(folder, |target| path.ends_with(target))?;
    }
    let mut draft = fs::Draft::new(&path)?;
    let locked = gathered.write(world, pins, lock, request, &mut draft)?;
    fs::settled(draft.commit(), world.progress)?;
    fs::sync_file_system(&world.project.unpacked())?;
    gathered.packages.shelf.keep()?;
    Ok(Packed { name, path, locked })
}

/// Makes the archive of a line of the lock anew and keeps nothing of it: what its line
/// must say. `None` when no request makes an archive of this name.
///
/// # Errors
/// As [`pack`].
pub fn repack(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    name: &str,
    locked: &LockedArchive,
) -> Result<Option<LockedArchive>, Fault> {
    let Some(target) = Target::by_triple(&locked.target) else { return Ok(None) };
    let mut hosts = TARGETS.iter().map(Some).chain([None]);
    let Some(llvm) = hosts.find(|host| archive_name(target, &locked.release, *host) == name) else {
        return Ok(None);
    };
    let release = locked.release.clone();
    let request = PackRequest { target, release, llvm, output: None, jobs: CONNECTIONS };
    let gathered = gather(world, pins, lock, &request)?;
    gathered.write(world, pins, lock, &request, &mut std::io::sink()).map(Some)
}

/// Everything that goes into an archive, unpacked anew.
struct Gathered<'l> {
    components: Vec<Component<'l>>,
    packages: unpack::Packages,
}

fn gather<'l>(
    world: &World<'_>,
    pins: &'l Pins,
    lock: &'l Lock,
    request: &PackRequest,
) -> Result<Gathered<'l>, Fault> {
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
    Ok(Gathered { components, packages })
}

impl Gathered<'_> {
    /// Writes the archive; gives its line in the lock.
    fn write(
        &self,
        world: &World<'_>,
        pins: &Pins,
        lock: &Lock,
        request: &PackRequest,
        output: &mut impl std::io::Write,
    ) -> Result<LockedArchive, Fault> {
        let epoch = super::epoch(pins, lock, &request.release);
        let mut parts = Vec::new();
        let mut known = BTreeSet::new();
        for (component, unpacked) in self.components.iter().zip(&self.packages.components) {
            for (_, package) in &component.packages {
                let label = unpack::label(package);
                let Some(unpacked) = unpacked.iter().find(|unpacked| unpacked.name == label) else {
                    continue;
                };
                let key = component.layout.archive_key(package);
                if !known.insert(key.clone()) {
                    continue;
                }
                let mut entries: Vec<Entry> = unpacked.entries.clone();
                entries.sort_by(|a, b| a.path.cmp(&b.path));
                let (folder, package) = (component.folder.to_owned(), unpacked.name.clone());
                parts.push((Part { key, folder, package, bytes: 0, entries }, &unpacked.folder));
            }
        }
        let (target, release) = (request.target.triple.to_owned(), request.release.clone());
        let head = Head { target: target.clone(), release: release.clone() };
        let (sha256, size) = write_archive(&head, &mut parts, epoch, output, world.progress)?;
        let sets = sets(pins, request);
        let packages = lock.sets_digest(&sets);
        Ok(LockedArchive { sha256, size, target, release, format: FORMAT, packages, sets })
    }
}

/// The sets of packages that an archive is made of.
fn sets(pins: &Pins, request: &PackRequest) -> BTreeSet<String> {
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
    sets
}
