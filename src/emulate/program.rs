//! The program to run: what its file says, and what it loads out of the sysroot. It only
//! reads.

use std::path::{Path, PathBuf};

use super::error::RunError;
use crate::elf::{self, Class, Facts};
use crate::host::{fs, process};
use crate::pins::{TARGETS, Target};
use crate::sysroot::needed::{self, Closure, Place, Root};

/// The largest program that is read, in bytes.
const LARGEST: u64 = 2 << 30;

/// Libraries that glibc loads by itself when threads end or C++ throws through it.
const LATER: &[&str] = &["libgcc_s.so.1"];

/// A program.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its file, absolute.
    pub path: PathBuf,
    /// Its name for itself.
    pub name: PathBuf,
    /// What the file says.
    pub facts: Facts,
    /// Its machine.
    pub target: &'static Target,
}

impl Program {
    /// Looks at the file `name`, seen from the folder `cwd`.
    ///
    /// # Errors
    /// There is none, it is no program, or one for another machine than `wanted`.
    pub fn open(name: &Path, cwd: &Path, wanted: Option<&Target>) -> Result<Self, RunError> {
        let path = cwd.join(name);
        let cannot =
            |what: &str| RunError::NotAProgram { path: path.clone(), what: what.to_owned() };
        // Through links, as the system starts it.
        let Ok(real) = fs::resolve(&path) else { return Err(RunError::Missing(path)) };
        let Some(meta) = fs::stat(&real)? else { return Err(RunError::Missing(path)) };
        if !meta.is_file() {
            return Err(cannot("not a file"));
        }
        if !process::is_executable(&real) {
            return Err(cannot("its mode says that nobody may execute it"));
        }
        let bytes = fs::read_at_most(&real, LARGEST)?;
        let facts = elf::read(&bytes).map_err(|error| cannot(&error.to_string()))?;
        let is_ours = |target: &&Target| {
            target.machine == facts.machine && facts.class == Class::Elf64 && facts.little_endian
        };
        let target = TARGETS.iter().find(is_ours);
        let other = |expected: &str, got: String| RunError::OtherMachine {
            path: path.clone(),
            expected: expected.to_owned(),
            got,
        };
        let target = match (target, wanted) {
            (Some(target), Some(wanted)) if target != wanted => {
                return Err(other(wanted.triple, target.triple.to_owned()));
            }
            (Some(target), _) => target,
            (None, wanted) => {
                let expected = wanted.map_or("one of the known targets", |target| target.triple);
                return Err(other(expected, format!("ELF machine {}", facts.machine)));
            }
        };
        match facts.file_type {
            2 => {}
            // A shared object that can be entered: a position-independent program.
            3 if facts.entry != 0 => {}
            3 => return Err(cannot("it is a shared library")),
            1 => return Err(cannot("it is an object file, not linked yet")),
            _ => return Err(cannot("it is no executable ELF file")),
        }
        // Without a slash a loader would search it among its libraries.
        let is_plain = name.components().count() == 1 && name.is_relative();
        let name = if is_plain { Path::new(".").join(name) } else { name.to_path_buf() };
        Ok(Self { path, name, facts, target })
    }

    /// Whether it brings all that it needs with it.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.facts.interpreter.is_none() && self.facts.needed.is_empty()
    }

    /// What it loads, all of it found.
    ///
    /// # Errors
    /// Something is missing from the sysroot.
    pub fn libraries(&self, root: &Root) -> Result<Closure, RunError> {
        let place = Place::Outside(self.path.clone());
        let asked = needed::Program {
            facts: &self.facts,
            place: &place,
            multiarch: self.target.multiarch,
            later: LATER,
        };
        let unusable = |what: String| RunError::NotAProgram { path: self.path.clone(), what };
        let closure = needed::closure(asked, &mut |place| root.facts(place))
            .map_err(|error| unusable(error.to_string()))?;
        let missing: Vec<String> = closure
            .missing()
            .map(|library| format!("{} (needed by {})", library.name, library.needed_by))
            .collect();
        if missing.is_empty() {
            return Ok(closure);
        }
        Err(RunError::LibraryMissing {
            path: self.path.clone(),
            missing: missing.join(", "),
            sysroot: root.folder().to_path_buf(),
            target: self.target.triple,
        })
    }
}

/// The glibc of a sysroot, such as `2.36`; `None` when it has none that tells.
#[must_use]
pub fn glibc(root: &Root, target: &Target) -> Option<String> {
    let names = ["lib", "usr/lib"];
    let place = |folder: &&str| Place::Inside(format!("/{folder}/{}/libc.so.6", target.multiarch));
    let file = names.iter().find_map(|folder| root.file(&place(folder)))?;
    elf::glibc_defined(fs::open_regular(&file).ok()?)
        .ok()
        .flatten()
        .map(|version| version.to_string())
}
