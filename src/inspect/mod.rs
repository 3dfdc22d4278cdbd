//! What an ELF file is, needs and runs on: its own words joined with the sysroot's files and
//! a table of distributions. It only reads, starts nothing, and takes any file's word for
//! nothing: hostile ones end in an error.

use std::path::{Path, PathBuf};

use crate::elf::{self, Class, Details, ElfError, Facts, GlibcVersion, Want, release};
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs;
use crate::pins::{TARGETS, Target};
use crate::sysroot::needed::{self, Closure, Place, Root, TooMany};

mod releases;
mod render;

pub use releases::{DISTRIBUTIONS, Floor, RELEASES, Release};

/// The largest file that is read, in bytes.
const LARGEST: u64 = 2 << 30;

/// A file that cannot be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It is no ELF file, or a damaged one.
    #[error("{}: cannot be inspected", path.display())]
    Elf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ElfError,
    },
    /// It would load more than any real program.
    #[error("{}: cannot be inspected", path.display())]
    TooMany {
        /// The file.
        path: PathBuf,
        /// The limit.
        source: TooMany,
    },
}

impl Diagnostic for InspectError {
    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Elf { source, .. } => source.code(),
            Self::TooMany { .. } => "elf-broken",
        }
    }
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// The file, as it was named.
    pub file: PathBuf,
    /// In bytes.
    pub size: u64,
    /// Headers and dynamic table.
    pub facts: Facts,
    /// Versions, hardening, notes.
    pub details: Details,
    /// The target it is for; `None` when it is for none of the table.
    pub target: Option<&'static Target>,
    /// Where what it loads lies; `None` without a sysroot.
    pub libraries: Option<Closure>,
}

/// Inspects the file `name`, seen from the folder `cwd`. `sysroot` gives the sysroot of a
/// target, where one is prepared.
///
/// # Errors
/// The file cannot be read, is no ELF file, or is damaged.
pub fn inspect(
    name: &Path,
    cwd: &Path,
    sysroot: impl FnOnce(&'static Target) -> Option<PathBuf>,
) -> Result<Report, Fault> {
    let path = cwd.join(name);
    let bytes = fs::read_at_most(&path, LARGEST)?;
    let broken = |source| InspectError::Elf { path: name.to_path_buf(), source };
    let facts = elf::read(&bytes).map_err(broken)?;
    let details = elf::details(&bytes).map_err(broken)?;
    let target = target(&facts);
    let libraries = match target.and_then(|target| Some((target, sysroot(target)?))) {
        None => None,
        Some((target, folder)) => {
            let root = Root::new(folder);
            let place = Place::Outside(path);
            let multiarch = target.multiarch;
            let program = needed::Program { facts: &facts, place: &place, multiarch, later: &[] };
            let found = needed::closure(program, &mut |place| root.facts(place));
            let found = found
                .map_err(|source| InspectError::TooMany { path: name.to_path_buf(), source })?;
            Some(found)
        }
    };
    let size = bytes.len() as u64;
    Ok(Report { file: name.to_path_buf(), size, facts, details, target, libraries })
}

/// The row of the machine that a file is for.
#[must_use]
pub fn target(facts: &Facts) -> Option<&'static Target> {
    let is_ours = facts.class == Class::Elf64 && facts.little_endian;
    TARGETS.iter().find(|target| is_ours && target.machine == facts.machine)
}

impl Report {
    /// What it asks of the C and C++ libraries.
    #[must_use]
    pub fn floor(&self) -> Floor {
        Floor::of(&self.details.wants)
    }

    /// The versions that a glibc of `limit` does not have.
    #[must_use]
    pub fn newer_than(&self, limit: GlibcVersion) -> Vec<&Want> {
        let wants = self.details.wants.iter().filter(|want| !want.is_weak);
        wants.filter(|want| release(&want.version).is_some_and(|needed| needed > limit)).collect()
    }

    /// Whether it needs neither a loader nor a library.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.facts.interpreter.is_none() && self.facts.needed.is_empty()
    }

    /// Whether its C library is glibc, as far as the file tells.
    #[must_use]
    pub fn is_glibc(&self) -> bool {
        let names = self.facts.needed.iter().chain(&self.facts.interpreter);
        names.into_iter().all(|name| !name.contains("musl"))
    }
}
