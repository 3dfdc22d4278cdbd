//! What `readelf -h -l -d -V` would say about a file, and the two small edits that let
//! Debian's programs start from any folder. It works on bytes alone and must never
//! panic on hostile ones: every offset is checked before it is followed.

mod details;
mod facts;
mod patch;
#[cfg(test)]
mod sample;
mod symbols;
mod version;
mod view;

pub use details::{Details, Relro, Want, details};
pub use facts::{Class, Facts, Needs, read, read_in};
pub use patch::{runpath_to_rpath, set_interpreter};
pub use symbols::defined;
pub use version::{GlibcVersion, glibc_defined, glibc_needed, release};

use crate::host::fault::{Diagnostic, Kind};

/// Why bytes could not be read or edited as an ELF file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// The magic number is missing or the class is unknown.
    #[error("not an ELF file: expected 7f 45 4c 46 and class 1 or 2 at its start, got {got}")]
    NotElf {
        /// The first bytes, in hexadecimal.
        got: String,
    },
    /// A header, table or string lies outside the file or makes no sense.
    #[error("broken ELF file: {what}")]
    Broken {
        /// What was being read.
        what: &'static str,
    },
    /// The file has no `PT_INTERP`: it is a library or statically linked.
    #[error("ELF file without an interpreter: nothing to repoint")]
    NoInterpreter,
    /// The wanted interpreter cannot stand in `PT_INTERP`.
    #[error("interpreter path {path:?} is not absolute, or holds a NUL byte")]
    BadInterpreter {
        /// The path that was wanted.
        path: String,
    },
}

impl Diagnostic for ElfError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotElf { .. } | Self::Broken { .. } | Self::NoInterpreter => Kind::Failed,
            Self::BadInterpreter { .. } => Kind::Usage,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotElf { .. } => "elf-not-elf",
            Self::Broken { .. } => "elf-broken",
            Self::NoInterpreter => "elf-no-interpreter",
            Self::BadInterpreter { .. } => "elf-bad-interpreter",
        }
    }
}
