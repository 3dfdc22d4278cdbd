//! Further packages: what `--with` gave a toolchain stays with it, remembered by its stamp,
//! until `--without` takes it away. Those of `[sysroot] extra` are the pins' affair.

use std::collections::BTreeSet;

use super::stamp_of;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::pins::{Pins, Target};
use crate::toolchain::layout::{Project, folder_name};
use crate::toolchain::stamp::{Inputs, Stamp, WITH};

/// `--without` asks for what cannot be.
#[derive(Debug, thiserror::Error)]
pub enum WithoutError {
    /// A package of versions.toml.
    #[error("--without {package}: it stands in [sysroot] extra of versions.toml")]
    Pinned {
        /// The package.
        package: String,
    },
    /// A package that `--with` asks for.
    #[error("{package}: both --with and --without name it")]
    Both {
        /// The package.
        package: String,
    },
}

impl Diagnostic for WithoutError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        "without-impossible"
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Pinned { .. } => vec!["take it out there, then run `reml-toolchain lock`".into()],
            Self::Both { .. } => vec!["leave one of the two options out".into()],
        }
    }
}

/// The further packages of a toolchain: those asked for now, and those that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Further {
    /// All of them, each once, in order.
    pub packages: Vec<String>,
    /// Those that only an earlier run asked for.
    pub remembered: Vec<String>,
}

impl Further {
    /// What a run with these options is about.
    ///
    /// # Errors
    /// [`WithoutError`], or the stamp cannot be looked at.
    pub fn of(
        project: &Project,
        pins: &Pins,
        (target, release): (&Target, &str),
        with: &[String],
        without: &[String],
    ) -> Result<Self, Fault> {
        let pinned = &pins.sysroot.extra;
        for package in without.iter().cloned() {
            if pinned.contains(&package) {
                return Err(WithoutError::Pinned { package }.into());
            }
            if with.contains(&package) {
                return Err(WithoutError::Both { package }.into());
            }
        }
        let tree = project.toolchain(&folder_name(target, release, &pins.release));
        let (stamp, _) = stamp_of(&tree)?;
        // Another release in this folder makes way, with what it had.
        let stamp = stamp.filter(|stamp| stamp.release == release);
        let is_open = |package: &String| !pinned.contains(package) && !without.contains(package);
        let asked: BTreeSet<String> = with.iter().filter(|it| is_open(it)).cloned().collect();
        let mut remembered = stamp.as_ref().map(of_stamp).unwrap_or_default();
        remembered.retain(|package| is_open(package) && !asked.contains(package));
        let all: BTreeSet<String> = asked.into_iter().chain(remembered.iter().cloned()).collect();
        Ok(Self { packages: all.into_iter().collect(), remembered })
    }
}

/// The packages that a toolchain has beyond those of the pins.
#[must_use]
pub fn of_stamp(stamp: &Stamp) -> Vec<String> {
    let list = stamp.inputs.value(WITH).unwrap_or_default();
    list.split_whitespace().map(str::to_owned).collect()
}

/// What the stamp remembers of them. Nothing where there are none.
pub(super) fn add_input(inputs: &mut Inputs, packages: &[String]) {
    if !packages.is_empty() {
        inputs.add(WITH, packages.join(" "));
    }
}
