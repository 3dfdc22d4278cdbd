//! What a run would do: the plan, where each package would come from, and nothing done.
//! Nothing is written, not even a folder, and nobody is asked.

use std::path::PathBuf;

use super::archive::{self, Opened};
use super::brew::{Homebrew, Install};
use super::{ArchiveChoice, LlvmChoice, Request, World};
use super::{blobs, host_tools, judge, plan, stamp_of, unpack, with};
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::http::Reach;
use crate::lock::{set_name, with_part};
use crate::pins::{Lock, Pins};
use crate::toolchain::stamp::{Freshness, Reason};

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// The toolchain's folder.
    pub root: PathBuf,
    /// Why it would be laid out; `None` when it is up to date.
    pub reason: Option<Reason>,
    /// Where LLVM would come from, for people.
    pub llvm: String,
    /// The packed archive that would be used.
    pub archive: Option<PathBuf>,
    /// Packages of `--with` that would be locked first; what they bring is known then.
    pub to_lock: Vec<String>,
    /// Each part: its name and its packages.
    pub parts: Vec<(&'static str, Vec<Wanting>)>,
}

/// Where a package would come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The packed archive.
    Archive,
    /// The cache.
    Cache,
    /// A mirror.
    Network,
    /// Nowhere: the network is forbidden.
    Nowhere,
}

impl Origin {
    /// Its name in `--json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Archive => "archive",
            Self::Cache => "cache",
            Self::Network => "network",
            Self::Nowhere => "nowhere",
        }
    }
}

/// One package of a [`Forecast`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanting {
    /// `name_version_architecture`.
    pub package: String,
    /// The size of the .deb in bytes.
    pub size: u64,
    /// Where it would come from.
    pub origin: Origin,
}

/// Tells what [`super::prepare`] would do, and does none of it.
///
/// # Errors
/// The plan cannot be made.
pub fn forecast(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    request: &Request,
) -> Result<Forecast, Fault> {
    let tree = world.project.toolchain(&request.folder(pins));
    let (stamp, missing) = stamp_of(&tree)?;
    let brew = Homebrew::wanted(world, pins, request, Install::Foretell)?;
    let opened = archive::open_named(world, lock, request)?;
    let kept = stamp.as_ref().and_then(|it| host_tools::kept(it, request.llvm, brew.as_ref()));
    let llvm = match (kept, &opened) {
        (Some(llvm), _) => llvm,
        (None, Some(opened)) if request.llvm == LlvmChoice::Auto && opened.carries_llvm() => {
            host_tools::choose(world, pins, LlvmChoice::Debian, None, None)?
        }
        (None, _) => host_tools::choose(world, pins, request.llvm, stamp.as_ref(), brew.as_ref())?,
    };
    let (known, to_lock) = split(world, lock, request);
    let mut plan = plan(world, stamp.as_ref(), pins, lock, &known, &llvm)?;
    with::add_input(&mut plan.inputs, &request.with);
    if let Some(digest) = opened.as_ref().and_then(|opened| opened.unlocked) {
        plan.inputs.add("unlocked archive", digest);
    }
    let reason = match judge(&tree, request, &plan.inputs, stamp.as_ref(), missing, None)? {
        Freshness::Fresh => None,
        Freshness::Stale(reason) => Some(reason),
    };
    let is_cached = |path: &str, size: u64| -> Result<bool, Fault> {
        let found = fs::stat(&world.project.cache().join(path))?;
        Ok(found.is_some_and(|found| found.len() == size))
    };
    let mut lacks = false;
    for blob in blobs(world, pins, lock, &plan.components, None) {
        lacks |= !is_cached(&blob.path, blob.size)?;
    }
    let opened = match opened {
        None if lacks && reason.is_some() => archive::open_auto(world, lock, request),
        named => named,
    };
    let mut parts = Vec::new();
    for component in &plan.components {
        let mut list = Vec::new();
        for (path, package) in &component.packages {
            let in_archive = opened.as_ref().is_some_and(|it| it.has(package, component));
            let origin = match world.client.reach() {
                _ if in_archive => Origin::Archive,
                _ if is_cached(path, package.size)? => Origin::Cache,
                Reach::Online => Origin::Network,
                Reach::Offline => Origin::Nowhere,
            };
            list.push(Wanting { package: unpack::label(package), size: package.size, origin });
        }
        parts.push((component.name, list));
    }
    let archive = opened.as_ref().map(Opened::path).map(std::path::Path::to_path_buf);
    let (root, llvm) = (tree.root().to_path_buf(), llvm.to_string());
    Ok(Forecast { root, reason, llvm, archive, to_lock, parts })
}

/// The request without the packages that a real run would lock first, and those packages.
fn split(world: &World<'_>, lock: &Lock, request: &Request) -> (Request, Vec<String>) {
    let may_lock = world.client.reach() == Reach::Online && request.archive == ArchiveChoice::Auto;
    let is_known = |package: &String| {
        let set = set_name(&request.release, &with_part(package), request.target);
        !may_lock || lock.set(&set).next().is_some()
    };
    let (known, to_lock) = request.with.iter().cloned().partition(is_known);
    (Request { with: known, ..request.clone() }, to_lock)
}
