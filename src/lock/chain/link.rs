//! What a chain is made of, and why a link of it breaks. Pure.

use std::collections::BTreeMap;

use super::super::suites::Suite;
use crate::debian::packages::Package;
use crate::host::fault::Kind;
use crate::host::hash::Digest;
use crate::pins::LockedPackage;

/// What was shown, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// The signed states that were read.
    pub states: Vec<State>,
    /// Every package asked for, by pool path.
    pub packages: BTreeMap<String, Link>,
}

/// Where a signed state came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The cache.
    Cache,
    /// A mirror, now.
    Mirror,
    /// The snapshot service.
    Snapshot,
}

/// One verified state of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The suite's codename.
    pub suite: String,
    /// Its `Date`, in Unix seconds.
    pub date: i64,
    /// The digest of the signed text.
    pub release: Digest,
    /// Whether it is the very text that the lock was made from.
    pub is_locked: bool,
    /// Where it came from.
    pub origin: Origin,
    /// The keys whose signatures are good: fingerprint and name.
    pub signers: Vec<(String, String)>,
}

/// The chain of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// It holds.
    Holds(Vec<Shown>),
    /// It is broken, or cannot be shown.
    Breaks(Break),
}

/// An index that lists a package as it is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Which of [`Chain::states`].
    pub state: usize,
    /// The index, below the suite's folder.
    pub index: String,
    /// Its digest, as signed.
    pub sha256: Digest,
}

/// Why a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// Debian signed something else.
    #[error("{what}: {suite} of {date} signs {expected}, checksums.txt says {got}")]
    Differs {
        /// `SHA-256`, `size` or `path`.
        what: &'static str,
        /// The suite.
        suite: String,
        /// The state's date.
        date: String,
        /// As signed.
        expected: String,
        /// As locked.
        got: String,
    },
    /// No signed state that was looked into has the version.
    #[error("no signed index has this version: {}", asked.join("; "))]
    Absent {
        /// The states, for people.
        asked: Vec<String>,
    },
    /// The state that had it cannot be had.
    #[error("superseded, and the state that listed it cannot be had: {why}")]
    Unshown {
        /// What kept it away.
        why: String,
        /// Its class.
        kind: Kind,
    },
}

impl Break {
    /// The class of the failure.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Differs { .. } | Self::Absent { .. } => Kind::Integrity,
            Self::Unshown { kind, .. } => *kind,
        }
    }

    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Differs { .. } => "chain-differs",
            Self::Absent { .. } => "chain-absent",
            Self::Unshown { .. } => "chain-unshown",
        }
    }
}

/// What a signed stanza says otherwise than the lock.
pub(super) fn differs(
    suite: &Suite,
    path: &str,
    package: &LockedPackage,
    signed: &Package,
) -> Option<Break> {
    let pairs = [
        ("SHA-256", signed.sha256.to_string(), package.sha256.to_string()),
        ("size", signed.size.to_string(), package.size.to_string()),
        ("path", signed.filename.clone(), path.to_owned()),
    ];
    let (what, expected, got) = pairs.into_iter().find(|(_, expected, got)| expected != got)?;
    let (suite, date) = (suite.name.clone(), when(suite.release.date.0));
    Some(Break::Differs { what, suite, date, expected, got })
}

/// A time for people.
pub(super) fn when(seconds: i64) -> String {
    crate::debian::date::Timestamp(seconds).to_string()
}
