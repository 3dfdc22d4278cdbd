//! What can go wrong between the cache and its sources. It must never hide one failure behind
//! another: many failures are told as a list.

use std::path::PathBuf;

use crate::host::fault::{Diagnostic, Kind};
use crate::host::fs::FsError;
use crate::host::http::{HttpError, gravest};

/// A failed operation of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{path:?}: not a path inside the cache: {reason}")]
    BadPath { path: String, reason: &'static str },
    #[error("{path}: wrong SHA-256 in the cache: expected {expected}, got {got}; moved to {}", moved.display())]
    Damaged { path: String, expected: String, got: String, moved: PathBuf },
    #[error("{path}: wrong size: expected {expected} bytes, got {got}")]
    WrongSize { path: String, expected: u64, got: u64 },
    #[error("{path}: wrong SHA-256: expected {expected}, got {got}")]
    WrongHash { path: String, expected: String, got: String },
    #[error("{} of {wanted} files are not in the cache: {}", missing.len(), list_missing(missing))]
    Missing {
        /// Path and size in bytes.
        missing: Vec<(String, u64)>,
        wanted: usize,
    },
    #[error("{path}: {cause}")]
    Fetch {
        path: String,
        // Part of the message, so that a list of failures tells it too; hence no `source`.
        cause: HttpError,
    },
    #[error("{} of {wanted} files could not be fetched: {}", failures.len(), list_failures(failures))]
    Many { failures: Vec<StoreError>, wanted: usize },
    #[error(transparent)]
    Disk(#[from] FsError),
}

fn list_missing(missing: &[(String, u64)]) -> String {
    let line = |(path, size): &(String, u64)| format!("{path} ({size} bytes)");
    missing.iter().map(line).collect::<Vec<_>>().join(", ")
}

fn list_failures(failures: &[StoreError]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Diagnostic for StoreError {
    fn kind(&self) -> Kind {
        match self {
            Self::BadPath { .. } => Kind::Usage,
            Self::Damaged { .. } | Self::WrongSize { .. } | Self::WrongHash { .. } => {
                Kind::Integrity
            }
            Self::Missing { .. } => Kind::Network,
            Self::Fetch { cause, .. } => cause.kind(),
            Self::Many { failures, .. } => gravest(failures.iter().map(Self::kind)),
            Self::Disk(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadPath { .. } => "bad-cache-path",
            Self::Damaged { .. } => "cache-damaged",
            Self::WrongSize { .. } => "wrong-size",
            Self::WrongHash { .. } => "wrong-hash",
            Self::Missing { .. } => "not-in-cache",
            Self::Fetch { cause, .. } => cause.code(),
            Self::Many { .. } => "fetch-failed",
            Self::Disk(error) => error.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::BadPath { .. } => {
                vec!["correct the line in checksums.txt, or run `reml-toolchain lock`".into()]
            }
            Self::Damaged { .. } => {
                vec!["run the same command again with a network: the file is fetched anew".into()]
            }
            Self::WrongSize { .. } | Self::WrongHash { .. } => {
                vec![
                    "the file is not the one that checksums.txt names: take it from elsewhere"
                        .into(),
                ]
            }
            Self::Missing { .. } => {
                vec!["run `reml-toolchain prepare` once with a network to fill the cache".into()]
            }
            Self::Fetch { cause, .. } => cause.hints(),
            Self::Many { failures, .. } => {
                let mut hints: Vec<String> = Vec::new();
                for hint in failures.iter().flat_map(Self::hints) {
                    if !hints.contains(&hint) {
                        hints.push(hint);
                    }
                }
                hints
            }
            Self::Disk(error) => error.hints(),
        }
    }
}
