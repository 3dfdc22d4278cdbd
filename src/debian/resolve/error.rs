//! Why there is no closure, with the chain of who needs what. Never blames a package
//! without saying which versions of it exist.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use super::super::index::Index;
use super::super::packages::PackageError;
use super::super::relation::{Qualifier, Relation};
use super::walk::Dead;
use crate::host::fault::{Diagnostic, Kind};

#[cfg(test)]
mod tests;

/// Why the closure cannot be drawn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// A stanza on the way is refused.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// No suite has the wanted package.
    #[error("no package {name} for {architecture} in any suite")]
    Unknown { name: String, architecture: String, similar: Vec<String> },
    /// The wanted package is only a name that others provide.
    #[error("{name} is a virtual package, provided by {}", .providers.join(", "))]
    Virtual { name: String, providers: Vec<String> },
    /// The suite asked for does not have the wanted package.
    #[error("no package {name} in {suite}: expected it there, got only {}", .available.join(", "))]
    NotInSuite { name: String, suite: String, available: Vec<String> },
    /// A package is tied to a suite that is not loaded.
    #[error("package {name} is tied to an unknown suite: expected one of {known}, got {suite}")]
    UnknownSuite { name: String, suite: String, known: String },
    /// A package is wanted and excluded.
    #[error("package {name} is wanted, but excluded by {by}")]
    WantedAndExcluded { name: String, by: String },
    /// A dependency that nothing meets.
    #[error("{} needs {need}: {}", .chain.join(" → "), .reasons.join("; "))]
    Unsatisfiable {
        /// From a wanted package down to the one whose need is not met.
        chain: Vec<String>,
        /// The alternatives of which none is met.
        need: String,
        /// One for each alternative.
        reasons: Vec<String>,
    },
}

impl ResolveError {
    /// Follows the chain from the wanted package `name` down to the first need that
    /// fails for a reason of its own.
    pub(super) fn unsatisfiable(name: &str, dead: &BTreeMap<String, Dead>) -> Self {
        let mut chain = vec![name.to_owned()];
        let mut last = dead.get(name);
        let mut at = last;
        while let Some(reason) = at {
            last = at;
            let next = reason.reasons.iter().find_map(|reason| match reason {
                // A name that is in the chain already would lead in a circle.
                Reason::Dead(name) if !chain.contains(name) => Some(name),
                _ => None,
            });
            at = next.and_then(|name| dead.get(name));
            chain.extend(next.filter(|_| at.is_some()).cloned());
        }
        Self::Unsatisfiable {
            chain,
            need: last.map(|dead| dead.need.to_string()).unwrap_or_default(),
            reasons: last.iter().flat_map(|dead| &dead.reasons).map(Reason::to_string).collect(),
        }
    }
}

/// Why one alternative is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// This package would meet it but cannot be installed.
    Dead(String),
    /// No candidate meets it.
    NotMet {
        relation: Relation,
        versions: Vec<String>,
        providers: Vec<String>,
        tied: Option<String>,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (relation, versions, providers, tied) = match self {
            Self::Dead(name) => return write!(f, "{name} cannot be installed"),
            Self::NotMet { relation, versions, providers, tied } => {
                (relation, versions, providers, tied)
            }
        };
        let name = &relation.name;
        match (&relation.qualifier, versions.is_empty(), providers.is_empty()) {
            (_, true, true) => return write!(f, "no package {name} exists"),
            (_, true, false) => write!(f, "{name} is provided by {}", providers.join(", "))?,
            (_, false, _) => write!(f, "{name} exists as {}", versions.join(", "))?,
        }
        if let Some(suite) = tied {
            write!(f, ", and is tied to {suite}")?;
        }
        match &relation.qualifier {
            Some(Qualifier::Any) if relation.constraint.is_none() => {
                write!(f, ", but not as `Multi-Arch: allowed`")
            }
            Some(Qualifier::Architecture(other)) => write!(f, ", but not looked for on {other}"),
            _ => match &relation.constraint {
                Some(constraint) => write!(f, ", but not as {constraint}"),
                None => Ok(()),
            },
        }
    }
}

/// The versions of a real package, highest first: `2.36-9 (bookworm)`.
pub(super) fn list_versions(index: &Index<'_>, name: &str) -> Vec<String> {
    let entries = index.versions(name).iter();
    entries.map(|entry| format!("{} ({})", entry.version(), entry.suite())).collect()
}

/// The names most like `name`, best first.
pub(super) fn similar_names(index: &Index<'_>, name: &str) -> Vec<String> {
    let limit = (name.len() / 3).clamp(1, 4);
    let mut similar: Vec<(usize, &str)> = index
        .names()
        .filter(|known| known.len().abs_diff(name.len()) <= limit)
        .map(|known| (strsim::osa_distance(known, name), known))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    similar.sort_unstable();
    similar.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

impl Diagnostic for ResolveError {
    fn kind(&self) -> Kind {
        match self {
            Self::Package(error) => error.kind(),
            Self::Unsatisfiable { .. } => Kind::Failed,
            _ => Kind::Usage,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Package(error) => error.code(),
            Self::Unknown { .. } => "unknown-package",
            Self::Virtual { .. } => "virtual-package",
            Self::NotInSuite { .. } => "package-not-in-suite",
            Self::UnknownSuite { .. } => "unknown-suite",
            Self::WantedAndExcluded { .. } => "package-wanted-and-excluded",
            Self::Unsatisfiable { .. } => "unsatisfiable-dependency",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Package(error) => error.hints(),
            Self::Unknown { similar, .. } if similar.is_empty() => Vec::new(),
            Self::Unknown { similar, .. } => {
                vec![format!("did you mean {}?", similar.join(" or "))]
            }
            Self::Virtual { .. } => vec!["name one of them instead".to_owned()],
            Self::NotInSuite { name, .. } => {
                vec![format!("take {name} out of `durable` in versions.toml")]
            }
            Self::UnknownSuite { .. } => {
                vec!["add the suite to `suites` in versions.toml".to_owned()]
            }
            Self::WantedAndExcluded { name, .. } => {
                vec![format!("remove {name} from one of the two lists")]
            }
            Self::Unsatisfiable { .. } => vec![
                "another suite may have it: add it to `suites` in versions.toml; or name the \
                 package in `without`"
                    .to_owned(),
            ],
        }
    }
}
