//! The rules that a `Release` must meet beside its signature: the right suite, neither
//! expired nor from the future nor rolled back. Never forgives unless told by name.

use std::fmt;

use super::super::date::Timestamp;
use super::super::version::Version;
use super::{Release, ReleaseError};
use crate::host::hash::Digest;

#[cfg(test)]
mod tests;

/// How far a release may be ahead of our clock: one day, in seconds.
const AHEAD: i64 = 86_400;

/// What the pins and the lock say of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation<'a> {
    /// The codename, e.g. `bookworm-security`. The suite's role is never pinned: it
    /// becomes `oldstable` one day.
    pub codename: &'a str,
    /// `Debian`.
    pub origin: &'a str,
    /// `Debian` or `Debian-Security`.
    pub label: &'a str,
    /// Whether this suite always has a `Valid-Until`, as security has.
    pub valid_until_required: bool,
    /// The architectures that will be asked for, in Debian's names.
    pub architectures: &'a [&'a str],
    /// The components that will be asked for.
    pub components: &'a [&'a str],
    /// The newest release seen so far.
    pub last_seen: Option<&'a LastSeen>,
    /// What the user allows by name.
    pub allow: Allowances,
}

/// What is remembered of the newest release of a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSeen {
    /// Its `Date`.
    pub date: Timestamp,
    /// The hash of its verified text.
    pub sha256: Digest,
    /// Its `Version`, if it had one.
    pub version: Option<String>,
    /// Its `Suite`.
    pub suite: String,
}

/// Dangers the user accepts for this run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowances {
    /// `--allow-expired`
    pub expired: bool,
    /// `--allow-rollback`
    pub rollback: bool,
}

/// Something true and not wrong, for the lock and the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The suite changed its role, e.g. from stable to oldstable.
    SuiteChanged { from: String, to: String },
    /// It has expired and was allowed to.
    Expired { until: Timestamp },
    /// It is older than, or differs from, what was seen before, and was allowed to.
    RolledBack { seen: Timestamp },
    /// Indices can be fetched by plain paths only, so a mirror in the middle of an
    /// update can serve a mix.
    NoByHash,
}

impl Note {
    /// The danger that was accepted by name, as the lock remembers it.
    #[must_use]
    pub fn allowed(&self) -> Option<&'static str> {
        match self {
            Self::Expired { .. } => Some("expired"),
            Self::RolledBack { .. } => Some("rollback"),
            Self::SuiteChanged { .. } | Self::NoByHash => None,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SuiteChanged { from, to } => write!(f, "its role is now {to}, it was {from}"),
            Self::Expired { until } => write!(f, "expired on {until}, accepted by --allow-expired"),
            Self::RolledBack { seen } => {
                write!(f, "not the newest, {seen}, accepted by --allow-rollback")
            }
            Self::NoByHash => {
                f.write_str("no files by hash: a mirror in an update may serve a mix")
            }
        }
    }
}

impl Release {
    /// Judges the release: `digest` is the SHA-256 of its verified text, `now` the time
    /// of this run.
    ///
    /// # Errors
    /// The first rule that is broken: codename, origin, label; `Date` more than a day
    /// ahead; `Valid-Until` past, missing where required, or before `Date`; older than
    /// the last one seen, or changed under the same date; an architecture or component
    /// that is not there.
    pub fn check(
        &self,
        digest: &Digest,
        expectation: &Expectation<'_>,
        now: Timestamp,
    ) -> Result<Vec<Note>, ReleaseError> {
        let mut notes = Vec::new();
        self.check_identity(expectation)?;
        self.check_time(expectation, now, &mut notes)?;
        if let Some(seen) = expectation.last_seen {
            match self.check_rollback(digest, seen) {
                Ok(()) => {}
                Err(_) if expectation.allow.rollback => {
                    notes.push(Note::RolledBack { seen: seen.date });
                }
                Err(error) => return Err(error),
            }
            if seen.suite != self.suite {
                let (from, to) = (seen.suite.clone(), self.suite.clone());
                notes.push(Note::SuiteChanged { from, to });
            }
        }
        for architecture in expectation.architectures {
            self.check_architecture(architecture)?;
        }
        for component in expectation.components {
            self.check_component(component)?;
        }
        if !self.acquire_by_hash {
            notes.push(Note::NoByHash);
        }
        Ok(notes)
    }

    /// What to remember of this release, once it was accepted.
    #[must_use]
    pub fn seen(&self, digest: Digest) -> LastSeen {
        LastSeen {
            date: self.date,
            sha256: digest,
            version: self.version.clone(),
            suite: self.suite.clone(),
        }
    }

    fn check_identity(&self, expectation: &Expectation<'_>) -> Result<(), ReleaseError> {
        let fields = [
            ("Codename", expectation.codename, &self.codename),
            ("Origin", expectation.origin, &self.origin),
            ("Label", expectation.label, &self.label),
        ];
        match fields.into_iter().find(|(_, expected, got)| expected != got) {
            None => Ok(()),
            Some((field, expected, got)) => Err(ReleaseError::Mismatch {
                file: self.file.clone(),
                field,
                expected: expected.to_owned(),
                got: got.clone(),
            }),
        }
    }

    fn check_time(
        &self,
        expectation: &Expectation<'_>,
        now: Timestamp,
        notes: &mut Vec<Note>,
    ) -> Result<(), ReleaseError> {
        let (file, date) = (self.file.clone(), self.date);
        if date.0 > now.0.saturating_add(AHEAD) {
            return Err(ReleaseError::Future { file, date, now });
        }
        match self.valid_until {
            None if expectation.valid_until_required => {
                let codename = self.codename.clone();
                Err(ReleaseError::NoValidUntil { file, codename })
            }
            Some(until) if until < date => Err(ReleaseError::Reversed { file, date, until }),
            Some(until) if until < now && expectation.allow.expired => {
                notes.push(Note::Expired { until });
                Ok(())
            }
            Some(until) if until < now => {
                let days = now.days_since(until);
                Err(ReleaseError::Expired { file, days, until, now })
            }
            _ => Ok(()),
        }
    }

    fn check_rollback(&self, digest: &Digest, seen: &LastSeen) -> Result<(), ReleaseError> {
        let (file, date) = (self.file.clone(), self.date);
        if date < seen.date {
            return Err(ReleaseError::Rollback { file, seen: seen.date, date });
        }
        if date == seen.date && *digest != seen.sha256 {
            let (seen, got) = (seen.sha256, *digest);
            return Err(ReleaseError::SameDate { file, date, seen, got });
        }
        match (&self.version, &seen.version) {
            (Some(version), Some(seen)) if goes_back(version, seen) => {
                let (version, seen) = (version.clone(), seen.clone());
                Err(ReleaseError::VersionBack { file, seen, version })
            }
            (None, Some(seen)) => {
                let (version, seen) = ("none".to_owned(), seen.clone());
                Err(ReleaseError::VersionBack { file, seen, version })
            }
            _ => Ok(()),
        }
    }

    /// Whether the suite has indices for `architecture`.
    ///
    /// # Errors
    /// [`ReleaseError::NoArchitecture`] lists those it has.
    pub fn check_architecture(&self, architecture: &str) -> Result<(), ReleaseError> {
        if self.architectures.iter().any(|has| has == architecture) {
            return Ok(());
        }
        Err(ReleaseError::NoArchitecture {
            file: self.file.clone(),
            codename: self.codename.clone(),
            architecture: architecture.to_owned(),
            has: self.architectures.join(" "),
        })
    }

    /// Whether the suite has `component`. The security archive lists its own as
    /// `updates/main` although its paths begin with `main/`.
    ///
    /// # Errors
    /// [`ReleaseError::NoComponent`] lists those it has.
    pub fn check_component(&self, component: &str) -> Result<(), ReleaseError> {
        let is = |has: &String| has.strip_prefix("updates/").unwrap_or(has) == component;
        if self.components.iter().any(is) {
            return Ok(());
        }
        Err(ReleaseError::NoComponent {
            file: self.file.clone(),
            codename: self.codename.clone(),
            component: component.to_owned(),
            has: self.components.join(" "),
        })
    }
}

/// Whether the point release goes back. `12-updates` and `12` order as versions do too.
fn goes_back(version: &str, seen: &str) -> bool {
    match (Version::parse(version), Version::parse(seen)) {
        (Ok(version), Ok(seen)) => version < seen,
        // A text that was a version and is one no more.
        (Err(_), Ok(_)) => true,
        _ => false,
    }
}
