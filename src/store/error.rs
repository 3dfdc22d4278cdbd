//! What can go wrong between the cache and its sources. It must never hide one failure behind
//! another: many failures are told as a list, those of one cause together.

use std::path::PathBuf;

use crate::host::fault::{Diagnostic, Kind};
use crate::host::fs::FsError;
use crate::host::http::{HttpError, gravest};

/// How many files with one and the same cause are named, beside the first.
const NAMES: usize = 10;

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
    #[error("{} of {wanted} files are not in the cache:{}", missing.len(), list_missing(missing))]
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

/// A line for each.
fn list_missing(missing: &[(String, u64)]) -> String {
    let line = |(path, size): &(String, u64)| format!("\n  {path} ({size} bytes)");
    missing.iter().map(line).collect::<Vec<_>>().concat()
}

/// Each cause once, as the first file met it, with the names of the others.
fn list_failures(failures: &[StoreError]) -> String {
    let mut causes: Vec<(String, &StoreError, Vec<&str>)> = Vec::new();
    for failure in failures {
        let path = failure.path();
        let cause =
            path.map_or_else(|| failure.to_string(), |it| failure.to_string().replace(it, ""));
        match causes.iter_mut().find(|(known, ..)| *known == cause) {
            Some((.., others)) => others.extend(path.and_then(|path| path.rsplit('/').next())),
            None => causes.push((cause, failure, Vec::new())),
        }
    }
    let tell = |(_, first, others): &(String, &StoreError, Vec<&str>)| {
        let names = others.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
        match (others.len(), others.len().saturating_sub(NAMES)) {
            (0, _) => first.to_string(),
            (_, 0) => format!("{first}; the same with {names}"),
            (_, more) => format!("{first}; the same with {names} and {more} more"),
        }
    };
    causes.iter().map(tell).collect::<Vec<_>>().join("; ")
}

impl StoreError {
    fn path(&self) -> Option<&str> {
        match self {
            Self::BadPath { path, .. }
            | Self::Damaged { path, .. }
            | Self::WrongSize { path, .. }
            | Self::WrongHash { path, .. }
            | Self::Fetch { path, .. } => Some(path),
            Self::Missing { .. } | Self::Many { .. } | Self::Disk(_) => None,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable(path: &str) -> StoreError {
        let failure = |host: &str| HttpError::Connect {
            url: format!("http://{host}/debian/{path}"),
            host: host.to_owned(),
            cause: "no route".to_owned(),
        };
        let failures = vec![failure("one.example"), failure("two.example")];
        StoreError::Fetch { path: path.to_owned(), cause: HttpError::AllMirrors { failures } }
    }

    #[test]
    fn a_cause_of_many_files_is_told_once_and_every_other_cause_too() {
        let mut failures: Vec<StoreError> =
            (0..15).map(|number| unreachable(&format!("pool/a/file{number}.deb"))).collect();
        let hash = |path: &str, got: &str| StoreError::WrongHash {
            path: path.to_owned(),
            expected: "aa".to_owned(),
            got: got.to_owned(),
        };
        failures.insert(3, hash("pool/b/b.deb", "bb"));
        failures.push(hash("pool/c/c.deb", "cc"));
        let text = StoreError::Many { failures, wanted: 20 }.to_string();
        let names: Vec<String> = (1..11).map(|number| format!("file{number}.deb")).collect();
        assert_eq!(
            text,
            format!(
                "17 of 20 files could not be fetched: {}; the same with {} and 4 more; {}; {}",
                unreachable("pool/a/file0.deb"),
                names.join(", "),
                "pool/b/b.deb: wrong SHA-256: expected aa, got bb",
                "pool/c/c.deb: wrong SHA-256: expected aa, got cc",
            )
        );
    }
}
