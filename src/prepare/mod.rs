//! The main job: a request and the lock become a plan, blobs, folders, a staged tree,
//! and, by one rename, the toolchain. Until that rename nothing the user had is touched;
//! killed at any moment, the old tree is whole or the new one is.

use std::path::{Path, PathBuf};

use crate::debian::mirrors::MirrorList;
use crate::host::Env;
use crate::host::fault::Fault;
use crate::host::fs::{self, Hold, Patience};
use crate::host::http::{Client, Reach};
use crate::host::progress::{Event, Progress};
use crate::pins::{Lock, Pins, Target};
use crate::store::{Blob, Store};
use crate::toolchain::check::Look;
use crate::toolchain::layout::{Project, Tree, folder_name};
use crate::toolchain::runtime;
use crate::toolchain::stamp::{Freshness, Inputs, LAYOUT, Reason, Stamp};

mod archive;
mod brew;
pub mod components;
mod cure;
mod forecast;
mod gc;
mod host_tools;
mod install;
mod kernel;
mod layouts;
mod pack;
mod prepared;
mod program;
mod publish;
mod repair;
mod shelf;
mod unpack;
mod with;

pub use archive::{ArchiveChoice, SourceError, archive_name};
pub use brew::{BrewError, brew_call};
pub use forecast::{Forecast, Origin, Wanting, forecast};
pub use gc::{Garbage, gc};
pub use host_tools::{HostToolError, LlvmChoice};
pub use kernel::{Kernel, KernelError, kernel};
pub use pack::{PackRequest, Packed, pack, repack};
pub use prepared::{Found, NotPrepared, Prepared, all_prepared, prepared, reread};
pub use publish::PublishError;
pub use repair::{cacheable, repair, repair_cache};
pub use with::{Further, WithoutError, of_stamp};

use archive::Opened;
use brew::{Homebrew, Install};
use components::{Component, Wanted, components, sources};
use host_tools::Llvm;
use shelf::Care;

/// What a run works with.
pub struct World<'w> {
    /// The process's environment.
    pub env: &'w Env,
    /// The project's paths.
    pub project: &'w Project,
    /// The network.
    pub client: &'w Client,
    /// Who is asked.
    pub mirrors: &'w MirrorList,
    /// Who is told.
    pub progress: &'w dyn Progress,
    /// What to do when another process holds a lock.
    pub patience: Patience,
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Request {
    /// The target.
    pub target: &'static Target,
    /// The Debian release of the sysroot.
    pub release: String,
    /// Further packages in the sysroot, see [`Further`].
    pub with: Vec<String>,
    /// Where LLVM is to come from.
    pub llvm: LlvmChoice,
    /// Whether packages come out of a packed archive.
    pub archive: ArchiveChoice,
    /// Lay the tree out anew even when it is fresh.
    pub force: bool,
    /// Downloads side by side.
    pub jobs: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The toolchain's folder.
    pub root: PathBuf,
    /// Why it was laid out; `None` when it was up to date.
    pub reason: Option<Reason>,
    /// Where LLVM comes from, for people.
    pub llvm: String,
    /// Files and links in the tree; 0 when it was up to date.
    pub files: usize,
}

/// Begins to look at a toolchain's files, for [`prepare`]: other threads do so while the
/// caller reads what decides whether it is up to date.
#[must_use]
pub fn begin(project: &Project, pins: &Pins, target: &Target, release: &str) -> Look {
    Look::begin(&project.toolchain(&folder_name(target, release, &pins.release)))
}

/// Makes the toolchain what the pins, the lock and the request say. `begun` is a look at it
/// that is under way already, see [`begin`].
///
/// # Errors
/// Anything that keeps it from that; the old tree is as it was.
pub fn prepare(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    request: &Request,
    begun: Option<Look>,
) -> Result<Outcome, Fault> {
    let name = request.folder(pins);
    let tree = world.project.toolchain(&name);
    let (stamp, missing) = stamp_of(&tree)?;
    let brew = Homebrew::wanted(world, pins, request, Install::Now)?;
    let kept = stamp.as_ref().and_then(|it| host_tools::kept(it, request.llvm, brew.as_ref()));
    // An archive that only the user vouches for is an input of its own.
    let trusts = matches!(request.archive, ArchiveChoice::File { trust: true, .. });
    let mut opened = None;
    if trusts || kept.is_none() {
        opened = archive::open_named(world, lock, request)?;
    }
    let llvm = match (kept, &opened) {
        (Some(llvm), _) => llvm,
        (None, Some(opened)) if request.llvm == LlvmChoice::Auto && opened.carries_llvm() => {
            host_tools::choose(world, pins, LlvmChoice::Debian, None, None)?
        }
        (None, _) => host_tools::choose(world, pins, request.llvm, stamp.as_ref(), brew.as_ref())?,
    };
    let mut plan = plan(world, stamp.as_ref(), pins, lock, request, &llvm)?;
    if let Some(digest) = opened.as_ref().and_then(|opened| opened.unlocked) {
        plan.inputs.add("unlocked archive", digest);
    }
    let plan = plan;
    let outcome = |reason, files| {
        let root = tree.root().to_path_buf();
        Outcome { root, reason, llvm: llvm.to_string(), files }
    };
    let found = judge(&tree, request, &plan.inputs, stamp.as_ref(), missing, begun)?;
    let Freshness::Stale(reason) = found else {
        return Ok(outcome(None, 0));
    };
    world.progress.event(Event::Detail { text: format!("stale: {reason}") });
    publish::check_name(&tree)?;
    // Said before anything is downloaded.
    host_tools::own_file(world)?;
    fs::create_dir_all(&world.project.generations())?;
    let path = world.project.prepare_lock(&name);
    let _alone = fs::lock(&path, Hold::Exclusive, world.patience, "prepare", world.progress)?;
    // Whoever held the lock may have done the work.
    let (stamp, missing) = stamp_of(&tree)?;
    let found = judge(&tree, request, &plan.inputs, stamp.as_ref(), missing, None)?;
    let Freshness::Stale(reason) = found else {
        return Ok(outcome(None, 0));
    };
    publish::check_disk(&tree, &name)?;
    if let Some(owner) = fs::Owner::to_inherit(world.project.root()) {
        let user = owner.user();
        let text =
            format!("running as root in a folder of user {user}: what is made becomes theirs");
        world.progress.event(Event::Warning { text });
    }
    let store = Store::open(&world.project.cache())?;
    if opened.is_none() {
        opened = archive::open_named(world, lock, request)?;
    }
    if opened.is_none() && lacks(&store, &blobs(world, pins, lock, &plan.components, None))? {
        opened = archive::open_auto(world, lock, request);
    }
    if let Some(opened) = &opened {
        let text = format!("packages come out of {}", opened.path().display());
        world.progress.event(Event::Note { text });
    }
    let blobs = blobs(world, pins, lock, &plan.components, opened.as_ref());
    let packages = packages(world, &store, &blobs, &plan, opened.as_ref())?;
    if plan.pkg_config.is_none() && !(request.with.is_empty() && pins.sysroot.extra.is_empty()) {
        let triple = request.target.triple;
        let text = format!(
            "this machine has no pkg-config, so there is no {triple}-pkg-config for the further \
             packages: install pkgconf, then run `reml-toolchain prepare` again"
        );
        world.progress.event(Event::Warning { text });
    }
    let text = "  install laying out the tree …".to_owned();
    world.progress.event(Event::Note { text });
    let staging = publish::Staging::begin(world.project, &name, world.progress)?;
    let files = install::install(world, &staging, &tree, &plan, &packages)?;
    carry_runtime(world, &tree, staging.folder())?;
    staging.make_durable()?;
    packages.shelf.keep()?;
    staging.publish(&tree, &plan.inputs.fingerprint(), world.progress)?;
    Ok(outcome(Some(reason), files))
}

/// The runtime that `build-runtime` installed goes with the toolchain's name, if all of it
/// is as its stamps say.
fn carry_runtime(world: &World<'_>, from: &Tree, to: &Path) -> Result<(), Fault> {
    if runtime::carry(from.root(), to)? == Some(false) {
        let text = "the installed runtime is not as its stamp says, and was left behind: \
                    `reml-toolchain build-runtime --cross` builds it again";
        world.progress.event(Event::Warning { text: text.to_owned() });
    }
    Ok(())
}

impl Request {
    /// The name of the toolchain's folder.
    fn folder(&self, pins: &Pins) -> String {
        folder_name(self.target, &self.release, &pins.release)
    }
}

/// Whether the tree is what is wanted.
fn judge(
    tree: &Tree,
    request: &Request,
    inputs: &Inputs,
    stamp: Option<&Stamp>,
    missing: Reason,
    begun: Option<Look>,
) -> Result<Freshness, Fault> {
    match stamp {
        _ if request.force => Ok(Freshness::Stale(Reason::Forced)),
        None => Ok(Freshness::Stale(missing)),
        Some(stamp) => match stamp.freshness(inputs) {
            Freshness::Fresh => begun.unwrap_or_else(|| Look::begin(tree)).finish(stamp),
            Freshness::Stale(reason) => Ok(Freshness::Stale(reason)),
        },
    }
}

/// Everything decided before anything is done.
struct Plan<'p> {
    pins: &'p Pins,
    request: &'p Request,
    llvm: &'p Llvm,
    /// The host's pkg-config.
    pkg_config: Option<PathBuf>,
    components: Vec<Component<'p>>,
    inputs: Inputs,
    /// The time of everything the tool writes, in Unix seconds: the lock's own.
    epoch: i64,
}

fn plan<'p>(
    world: &World<'_>,
    stamp: Option<&Stamp>,
    pins: &'p Pins,
    lock: &'p Lock,
    request: &'p Request,
    llvm: &'p Llvm,
) -> Result<Plan<'p>, Fault> {
    let wanted = Wanted {
        target: request.target,
        release: &request.release,
        host: Target::host(),
        own_llvm: llvm.is_own(),
        own_libc: llvm.needs_libc(),
        with: &request.with,
    };
    let components = components(pins, lock, wanted)?;
    let mut inputs = Inputs::default();
    inputs.add("layout", LAYOUT);
    inputs.add("tool", env!("CARGO_PKG_VERSION"));
    inputs.add("place", world.project.root().display());
    inputs.add("target", request.target);
    inputs.add("release", &request.release);
    inputs.add("llvm major", pins.llvm.major);
    llvm.add_inputs(&mut inputs);
    let pkg_config = host_tools::pkg_config(world.env, stamp);
    inputs.add("pkg-config", pkg_config.as_deref().unwrap_or(Path::new("none")).display());
    with::add_input(&mut inputs, &request.with);
    for component in &components {
        component.add_inputs(&mut inputs);
    }
    let epoch = epoch(pins, lock, &request.release);
    Ok(Plan { pins, request, llvm, pkg_config, components, inputs, epoch })
}

/// The time of everything the tool writes, in Unix seconds.
fn epoch(pins: &Pins, lock: &Lock, release: &str) -> i64 {
    let release = pins.release(release);
    let durable = release.and_then(|release| lock.suites.get(&release.durable));
    durable.map_or(0, |suite| suite.date)
}

/// Whether the cache lacks any of these.
fn lacks(store: &Store, blobs: &[Blob]) -> Result<bool, Fault> {
    for blob in blobs {
        if !store.has(blob)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Fetches and unpacks. A file that was damaged in the cache is fetched again, where
/// there is a network.
fn packages(
    world: &World<'_>,
    store: &Store,
    blobs: &[Blob],
    plan: &Plan<'_>,
    archive: Option<&Opened>,
) -> Result<unpack::Packages, Fault> {
    loop {
        store.obtain(blobs, plan.request.jobs, world.client, world.progress)?;
        store.sweep(blobs)?;
        // Who forces it says that something is wrong.
        let care = if plan.request.force { Care::Whole } else { Care::Quick };
        let unpacked = unpack::unpack_all(world, store, &plan.components, care, archive);
        let Err(damage) = &unpacked else { return unpacked };
        // Each round moves a damaged file aside, so that the loop ends.
        let mut was_rejected = false;
        for blob in blobs {
            was_rejected |= !store.has(blob)?;
        }
        if !was_rejected || world.client.reach() == Reach::Offline {
            return unpacked;
        }
        let text = format!("damaged in the cache, fetched again: {damage}");
        world.progress.event(Event::Warning { text });
    }
}

/// The stamp of the tree, or why there is none.
fn stamp_of(tree: &Tree) -> Result<(Option<Stamp>, Reason), Fault> {
    Ok(match prepared::read_stamp(tree)? {
        Ok(stamp) => (Some(stamp), Reason::Absent),
        Err(reason) => (None, reason),
    })
}

/// The .debs that are needed: those of all packages that the archive does not have.
fn blobs(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    components: &[Component<'_>],
    archive: Option<&Opened>,
) -> Vec<Blob> {
    let in_archive = |package, component| archive.is_some_and(|it| it.has(package, component));
    let mut blobs: Vec<Blob> = components
        .iter()
        .flat_map(|component| component.packages.iter().map(move |entry| (component, entry)))
        .filter(|(component, (_, package))| !in_archive(package, component))
        .map(|(_, (path, package))| Blob {
            path: (*path).to_owned(),
            sha256: package.sha256.0,
            size: package.size,
            urls: sources(world.mirrors, pins, lock, path, package),
        })
        .collect();
    blobs.sort_by(|a, b| a.path.cmp(&b.path));
    blobs.dedup_by(|a, b| a.path == b.path);
    blobs
}
