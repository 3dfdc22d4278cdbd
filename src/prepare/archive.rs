//! The packed archive as a source: found, read once, its hash compared with the lock
//! before a byte of it is looked into. What it has needs neither cache nor network.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::components::Component;
use super::{Request, World};
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs::{self, FsError};
use crate::host::hash::Digest;
use crate::host::progress::Event;
use crate::pins::{Lock, LockedPackage, Target};
use crate::sysroot::archive::Archive;

/// The most bytes of an archive that nobody locked.
const UNLOCKED_LIMIT: u64 = 1 << 30;

/// Whether and which archive is used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ArchiveChoice {
    /// The one in the cache, when packages are missing there.
    #[default]
    Auto,
    /// None.
    Never,
    /// The one in the cache, and never the network.
    Cached,
    /// This file, and never the network.
    File {
        /// Where it lies.
        path: PathBuf,
        /// Whether a hash that nobody locked is accepted.
        trust: bool,
    },
}

/// Why an archive is not used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is not there.
    #[error("{}: there is no such archive", path.display())]
    Missing { path: PathBuf },
    /// It is no regular file, or cannot be read.
    #[error("{}: cannot be used as an archive", path.display())]
    Unusable { path: PathBuf, source: FsError },
    /// Its hash stands nowhere.
    #[error("{}: sha256 {got} stands in no archive line of checksums.txt", path.display())]
    Unknown { path: PathBuf, got: Digest },
    /// It is damaged or another one.
    #[error("{}: wrong SHA-256: expected {expected}, got {got}", path.display())]
    Hash { path: PathBuf, expected: Digest, got: Digest },
    /// The lock has no line for it.
    #[error("checksums.txt has no line for {name}")]
    NotLocked { name: String },
    /// The lock has moved on.
    #[error("{name} is made of other packages than checksums.txt locks now")]
    Stale { name: String },
    /// It is for something else.
    #[error("{}: made for {got}, wanted is {wanted}", path.display())]
    Other { path: PathBuf, got: String, wanted: String },
}

impl Diagnostic for SourceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown { .. } | Self::Hash { .. } => Kind::Integrity,
            _ => Kind::Usage,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "archive-missing",
            Self::Unusable { .. } => "archive-unusable",
            Self::Unknown { .. } => "archive-unknown",
            Self::Hash { .. } => "archive-hash-mismatch",
            Self::NotLocked { .. } => "archive-not-locked",
            Self::Stale { .. } => "archive-stale",
            Self::Other { .. } => "archive-other",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Other { .. } => {
                vec!["name the target and release that it is for: `reml-toolchain prepare --archive FILE --target TRIPLE`".to_owned()]
            }
            Self::Unknown { .. } => vec![
                "only if you know who made it: `reml-toolchain prepare --archive FILE --dangerously-trust-archive`".to_owned(),
            ],
            Self::NotLocked { name } | Self::Stale { name } if name.contains(LLVM) => {
                vec!["make it where there is a network: `reml-toolchain pack --with-llvm`".to_owned()]
            }
            _ => vec!["make it where there is a network: `reml-toolchain pack`".to_owned()],
        }
    }
}

/// In the names of archives that carry LLVM, before its host.
const LLVM: &str = "-llvm-";

/// The name of the archive of a target and release; with LLVM for this host.
#[must_use]
pub fn archive_name(target: &Target, release: &str, llvm: Option<&Target>) -> String {
    let llvm = llvm.map_or(String::new(), |host| format!("{LLVM}{}", host.processor));
    format!("debian-{release}-{}{llvm}.tar.zst", target.processor)
}

/// An archive whose bytes are trusted.
#[derive(Debug)]
pub(super) struct Opened {
    archive: Archive,
    path: PathBuf,
    /// The hash that only the user vouches for.
    pub(super) unlocked: Option<Digest>,
}

/// Opens the archive that the request names; `None` when it names none.
///
/// # Errors
/// [`SourceError`], or the archive is broken.
pub(super) fn open_named(
    world: &World<'_>,
    lock: &Lock,
    request: &Request,
) -> Result<Option<Opened>, Fault> {
    match &request.archive {
        ArchiveChoice::Auto | ArchiveChoice::Never => Ok(None),
        ArchiveChoice::Cached => {
            let name = cached_name(world, lock, request)?;
            open_cached(world, lock, request, &name).map(Some)
        }
        ArchiveChoice::File { path, trust } => {
            let (bytes, got) = read(path, UNLOCKED_LIMIT)?;
            let known = lock.archives.iter().find(|(_, archive)| archive.sha256 == got);
            if let Some((name, archive)) = known
                && !lock.is_current(archive)
            {
                return Err(SourceError::Stale { name: name.clone() }.into());
            }
            if known.is_none() && !trust {
                return Err(unknown(lock, path, got).into());
            }
            let unlocked = known.is_none().then_some(got);
            if unlocked.is_some() {
                let text = format!(
                    "{}: nobody but you vouches for this archive (sha256 {got})",
                    path.display()
                );
                world.progress.event(Event::Warning { text });
            }
            open(path, bytes, unlocked, request).map(Some)
        }
    }
}

/// A file under a locked name has a hash to be compared with, any other has none.
fn unknown(lock: &Lock, path: &Path, got: Digest) -> SourceError {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let path = path.to_path_buf();
    match lock.archives.get(name) {
        Some(archive) => SourceError::Hash { path, expected: archive.sha256, got },
        None => SourceError::Unknown { path, got },
    }
}

/// The archive in the cache for a run that names none: `None` when there is none that
/// serves.
pub(super) fn open_auto(world: &World<'_>, lock: &Lock, request: &Request) -> Option<Opened> {
    if request.archive != ArchiveChoice::Auto {
        return None;
    }
    let name = cached_name(world, lock, request).ok()?;
    match open_cached(world, lock, request, &name) {
        Ok(opened) => Some(opened),
        Err(error) => {
            let text = format!("the packed archive is not used: {error}");
            world.progress.event(Event::Warning { text });
            None
        }
    }
}

/// The name of the archive in the cache: the one with LLVM where that is wanted and there.
fn cached_name(world: &World<'_>, lock: &Lock, request: &Request) -> Result<String, Fault> {
    let plain = archive_name(request.target, &request.release, None);
    let host = Target::host().filter(|_| request.llvm != super::LlvmChoice::System);
    let with_llvm = host.map(|host| archive_name(request.target, &request.release, Some(host)));
    let mut unlocked = None;
    for name in with_llvm.into_iter().chain([plain.clone()]) {
        if fs::stat(&world.project.cache().join(&name))?.is_some() {
            if lock.archives.contains_key(&name) {
                return Ok(name);
            }
            unlocked.get_or_insert(name);
        }
    }
    match unlocked {
        None => Err(SourceError::Missing { path: world.project.cache().join(&plain) }.into()),
        Some(name) => Err(SourceError::NotLocked { name }.into()),
    }
}

fn open_cached(
    world: &World<'_>,
    lock: &Lock,
    request: &Request,
    name: &str,
) -> Result<Opened, Fault> {
    let Some(locked) = lock.archives.get(name) else {
        return Err(SourceError::NotLocked { name: name.to_owned() }.into());
    };
    if !lock.is_current(locked) {
        return Err(SourceError::Stale { name: name.to_owned() }.into());
    }
    let path = world.project.cache().join(name);
    let (bytes, got) = read(&path, UNLOCKED_LIMIT)?;
    if got != locked.sha256 {
        return Err(SourceError::Hash { path, expected: locked.sha256, got }.into());
    }
    open(&path, bytes, None, request)
}

/// The bytes and their hash. They are read once: what is hashed is what is unpacked,
/// whatever becomes of the file.
fn read(path: &Path, limit: u64) -> Result<(Bytes, Digest), SourceError> {
    if let Ok(None) = fs::stat(path) {
        return Err(SourceError::Missing { path: path.to_path_buf() });
    }
    fs::read_with_digest(path, limit)
        .map_err(|source| SourceError::Unusable { path: path.to_path_buf(), source })
}

fn open(
    path: &Path,
    bytes: Bytes,
    unlocked: Option<Digest>,
    request: &Request,
) -> Result<Opened, Fault> {
    let archive = Archive::open(bytes)?;
    let head = archive.head();
    let got = format!("{} of {}", head.target, head.release);
    let wanted = format!("{} of {}", request.target.triple, request.release);
    if got != wanted {
        return Err(SourceError::Other { path: path.to_path_buf(), got, wanted }.into());
    }
    Ok(Opened { archive, path: path.to_path_buf(), unlocked })
}

impl Opened {
    /// Whether it holds this package, unpacked by the same rules.
    pub(super) fn has(&self, package: &LockedPackage, component: &Component<'_>) -> bool {
        self.archive.part(&component.layout.archive_key(package)).is_some()
    }

    /// Whether it brings LLVM.
    pub(super) fn carries_llvm(&self) -> bool {
        self.archive.carries("lib/llvm")
    }

    /// Its content.
    pub(super) fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
