//! What went wrong, as a value: a kind that decides the exit status, a stable
//! code for machines, and hints that say what to type next. Never printed here:
//! `ui` is the one renderer.

use std::error::Error;
use std::fmt;

/// The class of a failure. Each has one documented exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The work failed on this machine: disk, permissions, locks, a child's error.
    Failed,
    /// What was asked for makes no sense: arguments, `versions.toml`, `checksums.txt`.
    Usage,
    /// The check ran and found something.
    Findings,
    /// A byte, a signature or a size was not what it must be. Never retried.
    Integrity,
    /// The network did not deliver. Worth retrying later.
    Network,
    /// A tool of the host is missing or unusable.
    HostTool,
    /// A bug of ours.
    Bug,
    /// The user interrupted us.
    Interrupted,
}

impl Kind {
    /// The process exit status for this kind (documented in `docs/`).
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Findings => 3,
            Self::Integrity => 4,
            Self::Network => 5,
            Self::HostTool => 6,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

/// What every error of a room tells beside its message.
///
/// The message (`Display`) is a lowercase fragment that names the thing (path, URL,
/// pin) and, for a mismatch, both values: `expected …, got …`.
pub trait Diagnostic: Error + Send + Sync + 'static {
    /// The class, which decides the exit status.
    fn kind(&self) -> Kind;
    /// A stable kebab-case code: API of `--json`.
    fn code(&self) -> &'static str;
    /// What to do next, each a sentence or a command to type.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Any room's error on its way up.
#[derive(Debug)]
pub struct Fault(Box<dyn Diagnostic>);

impl Fault {
    /// The class, which decides the exit status.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind()
    }

    /// The stable code, see [`Diagnostic::code`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code()
    }

    /// What to do next.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        self.0.hints()
    }
}

impl<E: Diagnostic> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
