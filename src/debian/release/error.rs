//! Why a `Release` is refused, as values. Never decides what may be overridden: that
//! is [`super::Allowances`]' business.

use thiserror::Error;

use super::super::control::ControlError;
use super::super::date::{DateError, Timestamp};
use super::super::value::ValueError;
use crate::host::fault::{Diagnostic, Kind};
use crate::host::hash::Digest;

/// A `Release` that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReleaseError {
    /// The text is not one plain paragraph.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A line of it is wrong.
    #[error("{file}:{line}: {problem}")]
    Text { file: String, line: usize, problem: ReleaseProblem },
    /// A field says something else than the pins.
    #[error("{file}: wrong {field}: expected {expected}, got {got}")]
    Mismatch { file: String, field: &'static str, expected: String, got: String },
    /// Its time is over.
    #[error("{file}: expired {days} days ago: expected a time before {until}, got {now}")]
    Expired { file: String, days: i64, until: Timestamp, now: Timestamp },
    /// A suite that always has a `Valid-Until` comes without.
    #[error("{file}: the field Valid-Until is missing, which {codename} always has")]
    NoValidUntil { file: String, codename: String },
    /// It was made in the future.
    #[error("{file}: dated in the future: expected at most one day after {now}, got {date}")]
    Future { file: String, date: Timestamp, now: Timestamp },
    /// `Valid-Until` lies before `Date`.
    #[error("{file}: Valid-Until lies before Date: expected a time after {date}, got {until}")]
    Reversed { file: String, date: Timestamp, until: Timestamp },
    /// It is older than one seen before.
    #[error("{file}: older than the one seen before: expected {seen} or later, got {date}")]
    Rollback { file: String, seen: Timestamp, date: Timestamp },
    /// It carries the date of one seen before, but says something else.
    #[error("{file}: changed without a new date ({date}): expected the SHA-256 {seen}, got {got}")]
    SameDate { file: String, date: Timestamp, seen: Digest, got: Digest },
    /// Its point release goes back.
    #[error("{file}: the version goes back: expected {seen} or later, got {version}")]
    VersionBack { file: String, seen: String, version: String },
    /// It has no index for an architecture.
    #[error("{file}: {codename} has no {architecture}: expected one of {has}")]
    NoArchitecture { file: String, codename: String, architecture: String, has: String },
    /// It has no such component.
    #[error("{file}: {codename} has no component {component}: expected one of {has}")]
    NoComponent { file: String, codename: String, component: String, has: String },
    /// The hash table lacks the index.
    #[error("{file}: no hash for {path}, in any compression")]
    NoIndex { file: String, path: String },
}

/// What can be wrong with a line of a `Release`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReleaseProblem {
    /// A required field is absent or empty.
    #[error("the field {0} is missing")]
    Missing(&'static str),
    /// A field that must be one line is continued.
    #[error("the field {0} is folded: expected one line")]
    Folded(String),
    /// A date in another form.
    #[error(transparent)]
    Date(#[from] DateError),
    /// Neither yes nor no.
    #[error("Acquire-By-Hash: expected yes or no, got {0:?}")]
    ByHash(String),
    /// No table with the one hash we accept.
    #[error("the SHA256 table is missing: expected SHA256, got {}", list(.others))]
    NoSha256 { others: Vec<&'static str> },
    /// A table row that is not three columns.
    #[error("bad row {0:?}: expected a hash, a size and a path")]
    Row(String),
    /// A hash, size or path that is refused.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Two rows for one file.
    #[error("the path {0} stands twice in the SHA256 table")]
    DuplicatePath(String),
}

fn list(names: &[&'static str]) -> String {
    if names.is_empty() { "no hashes at all".to_owned() } else { names.join(", ") }
}

impl Diagnostic for ReleaseError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoArchitecture { .. } | Self::NoComponent { .. } => Kind::Usage,
            _ => Kind::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Control(error) => error.code(),
            Self::Text { problem, .. } => match problem {
                ReleaseProblem::NoSha256 { .. } => "release-no-sha256",
                ReleaseProblem::Date(_) => "release-bad-date",
                _ => "release-syntax",
            },
            Self::Mismatch { .. } => "release-mismatch",
            Self::Expired { .. } => "release-expired",
            Self::NoValidUntil { .. } => "release-no-valid-until",
            Self::Future { .. } => "release-in-future",
            Self::Reversed { .. } => "release-bad-validity",
            Self::Rollback { .. } | Self::VersionBack { .. } => "release-rollback",
            Self::SameDate { .. } => "release-changed-same-date",
            Self::NoArchitecture { .. } => "release-no-architecture",
            Self::NoComponent { .. } => "release-no-component",
            Self::NoIndex { .. } => "release-no-index",
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Expired { .. } => {
                "the mirror may have stopped following Debian: try another one with --mirror; \
                 `reml-toolchain lock --allow-expired` accepts it"
            }
            Self::Future { .. } => "check the clock of this machine: date -u",
            Self::Rollback { .. } | Self::VersionBack { .. } | Self::SameDate { .. } => {
                "the mirror may be behind: try another one with --mirror; \
                 `reml-toolchain lock --allow-rollback` accepts the older state"
            }
            Self::Mismatch { .. } => {
                "the mirror serves another suite here: try another one with --mirror"
            }
            Self::NoArchitecture { .. } => {
                "the mirror lacks that architecture: try another one with --mirror"
            }
            Self::NoComponent { .. } => {
                "the mirror lacks that component: try another one with --mirror"
            }
            _ => "try another mirror with --mirror",
        };
        vec![hint.to_owned()]
    }
}
