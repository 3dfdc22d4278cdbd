//! What can be wrong with a tar archive, in words. It finds nothing itself.

use std::error::Error;
use std::fmt;
use std::io;

use crate::host::fault::{Diagnostic, Kind};

/// Why a tar archive was refused, and where: `at` is the byte offset of the
/// member's header in the uncompressed archive.
#[derive(Debug)]
pub struct TarError {
    pub at: u64,
    pub problem: Problem,
}

impl fmt::Display for TarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tar archive, byte {}: {}", self.at, self.problem)
    }
}

impl Error for TarError {
    /// The problem stands in the message already: what comes next is its cause.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}

/// What is wrong with a tar archive.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("header checksum: expected {expected}, got {got}")]
    Checksum { expected: u64, got: u64 },
    #[error("header field {field}: expected {expected}, got \"{}\"", got.escape_ascii())]
    Field { field: &'static str, expected: &'static str, got: Vec<u8> },
    #[error("deb(5) does not allow PAX: expected a ustar or GNU member, got type {}", char(*kind))]
    Pax { kind: u8 },
    #[error("expected a file, directory, link or long name, got member type {}", char(*kind))]
    MemberType { kind: u8 },
    #[error("path \"{}\": {reason}", path.escape_ascii())]
    Path { path: Vec<u8>, reason: &'static str },
    #[error("link target \"{}\": {reason}", target.escape_ascii())]
    Target { target: Vec<u8>, reason: &'static str },
    #[error("{path}: expected size 0 for {what}, got {size}")]
    SizeWithoutContent { path: String, what: &'static str, size: u64 },
    #[error("long name: {reason}")]
    LongName { reason: &'static str },
    #[error("archive ends inside {what}")]
    Truncated { what: &'static str },
    #[error("expected two blocks of zeros and nothing but zeros after them, got {got}")]
    End { got: &'static str },
    #[error("archive has more than {limit} {what}")]
    Limit { limit: u64, what: &'static str },
    #[error("cannot read the archive")]
    Read(#[source] io::Error),
}

impl Diagnostic for TarError {
    fn kind(&self) -> Kind {
        match self.problem {
            Problem::Read(_) => Kind::Failed,
            _ => Kind::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self.problem {
            Problem::Read(_) => "tar-read",
            Problem::Pax { .. } => "tar-pax",
            Problem::Path { .. } | Problem::Target { .. } => "tar-unsafe-path",
            Problem::MemberType { .. } => "tar-member-type",
            Problem::Limit { .. } => "tar-limit",
            Problem::Truncated { .. } | Problem::End { .. } => "tar-end",
            _ => "tar-malformed",
        }
    }
}

/// The type of a member as a character, or `\x..` when it is not one.
fn char(kind: u8) -> String {
    format!("'{}'", kind.escape_ascii())
}
