//! What can be wrong between a mirror and the lock, beside what the rooms below say.

use crate::debian::openpgp::SignatureError;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs::FsError;
use crate::host::http::HttpError;

/// A failure of `lock`.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// No mirror of the list gave the file.
    #[error("{what}: none of {count} mirrors delivered it", count = failures.len())]
    AllMirrors {
        /// The suite and file.
        what: String,
        /// What each mirror answered.
        failures: Vec<String>,
        /// The gravest failure's class.
        kind: Kind,
        /// The last failure.
        #[source]
        last: Fault,
    },
    /// There is no mirror for an archive.
    #[error("{suite}: versions.toml names no mirror of its archive")]
    NoMirror {
        /// The suite.
        suite: String,
    },
    /// The signature is not good.
    #[error("{url}: {cause}")]
    Signature {
        /// Where the file came from.
        url: String,
        // Part of the message, so that a list of mirrors' failures tells it; hence no source.
        /// What is wrong with it.
        cause: SignatureError,
    },
    /// A date is refused, or the signature is not good; what the server's clock says stands beside ours.
    #[error("{url}: {clock}")]
    Clock {
        /// Where the file came from.
        url: String,
        /// Both clocks.
        clock: String,
        /// What the signature or its text lacks.
        #[source]
        cause: Fault,
    },
    /// Nobody may be asked, and no earlier run has kept the file.
    #[error("{suite}: no signed file of an earlier run is in the cache")]
    NotCached {
        /// The suite.
        suite: String,
        /// Why it cannot be read.
        #[source]
        cause: FsError,
    },
    /// A suite's signed file did not come.
    #[error(transparent)]
    Release(HttpError),
    /// An index did not come, or was larger than signed.
    #[error(transparent)]
    Fetch(HttpError),
    /// An index is not what the suite signed.
    #[error("{file}: wrong {what}: expected {expected}, got {got}")]
    Index {
        /// The index.
        file: String,
        /// `size` or `SHA-256`.
        what: &'static str,
        /// As signed.
        expected: String,
        /// As received.
        got: String,
    },
}

impl Diagnostic for LockError {
    fn kind(&self) -> Kind {
        match self {
            Self::AllMirrors { kind, .. } => *kind,
            Self::NoMirror { .. } => Kind::Usage,
            Self::NotCached { .. } => Kind::Network,
            Self::Signature { cause, .. } => cause.kind(),
            Self::Clock { cause, .. } => cause.kind(),
            Self::Release(cause) | Self::Fetch(cause) => cause.kind(),
            Self::Index { .. } => Kind::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::AllMirrors { .. } => "all-mirrors-failed",
            Self::NoMirror { .. } => "no-mirror",
            Self::NotCached { .. } => "suite-not-cached",
            Self::Signature { cause, .. } => cause.code(),
            Self::Clock { cause, .. } => cause.code(),
            Self::Release(cause) | Self::Fetch(cause) => cause.code(),
            Self::Index { .. } => "index-mismatch",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::AllMirrors { failures, last, .. } => {
                let mut hints: Vec<String> = last.hints();
                if failures.len() > 1 {
                    hints.extend(failures.iter().map(|failure| format!("asked: {failure}")));
                }
                hints.push("ask another mirror: add `--mirror URL`, e.g. one of https://www.debian.org/mirror/list".to_owned());
                hints
            }
            Self::NotCached { .. } => {
                vec!["run the same command once without --offline".to_owned()]
            }
            Self::NoMirror { .. } => vec!["add one to [mirrors] in versions.toml".to_owned()],
            Self::Signature { cause, .. } => cause.hints(),
            Self::Clock { cause, .. } => cause.hints(),
            Self::Release(HttpError::Status { status: 404 | 410, .. }) => vec![
                "a release past its end moves: name another mirror, or \
                 `--mirror http://archive.debian.org/debian`"
                    .to_owned(),
            ],
            Self::Release(cause) => cause.hints(),
            Self::Fetch(cause) if cause.kind() != Kind::Integrity => cause.hints(),
            Self::Fetch(_) | Self::Index { .. } => vec![
                "the mirror is probably being updated: run `reml-toolchain lock` again in some \
                 minutes"
                    .to_owned(),
            ],
        }
    }
}
