//! The stamp: what went into a tree, key by key, so that staleness has a reason. A hint,
//! never a proof: a check against the manifest goes with it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use crate::host::hash::Digest;

mod reason;

pub use reason::Reason;

/// The schema number this program reads and writes.
pub const SCHEMA: u32 = 1;

/// Raised whenever the same inputs give another tree than before.
pub const LAYOUT: u32 = 5;

/// The input that holds the further packages.
pub const WITH: &str = "with";

/// Everything that decides what a tree holds, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inputs(BTreeMap<String, String>);

impl Inputs {
    /// Adds an input.
    pub fn add(&mut self, name: impl Into<String>, value: impl fmt::Display) {
        self.0.insert(name.into(), value.to_string());
    }

    /// The value of an input.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The packages among them: component, `name:architecture`, version, and the short
    /// form of the digest.
    pub fn packages(&self) -> impl Iterator<Item = (&str, &str, &str, &str)> {
        self.0.iter().filter_map(|(name, value)| {
            let (component, package) = name.split_once(' ')?;
            let (version, proof) = value.split_once(' ')?;
            (is_package(name) && !proof.contains(' '))
                .then_some((component, package, version, proof))
        })
    }

    /// Compares with what is wanted now.
    #[must_use]
    pub fn freshness(&self, wanted: &Self) -> Freshness {
        let mut names: Vec<&String> = self.0.keys().chain(wanted.0.keys()).collect();
        names.sort();
        names.dedup();
        let changes: Vec<_> = names
            .into_iter()
            .map(|name| (name, self.0.get(name), wanted.0.get(name)))
            .filter(|(_, before, now)| before != now)
            .map(|(name, before, now)| (name.clone(), before.cloned(), now.cloned()))
            .collect();
        if changes.is_empty() {
            Freshness::Fresh
        } else {
            Freshness::Stale(Reason::Changed(changes))
        }
    }

    /// One digest for all of them.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        let mut text = String::new();
        for (name, value) in &self.0 {
            // Lengths keep `a=b` + `c` and `a` + `b=c` apart.
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {name} {} {value}", name.len(), value.len());
        }
        Digest::of(text.as_bytes())
    }
}

/// Whether an input is a package: component, then `name:architecture`.
fn is_package(input: &str) -> bool {
    input.split_once(' ').is_some_and(|(_, package)| package.contains(':'))
}

/// What a prepared tree says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The format's number.
    pub schema: u32,
    /// The target's triple.
    pub target: String,
    /// The Debian release.
    pub release: String,
    /// The folder that holds LLVM's `bin`: relative to the tree, or absolute.
    pub llvm: String,
    /// The digest of the manifest.
    pub manifest: String,
    /// The digest of the outline; none in trees of layouts before the fifth.
    #[serde(default)]
    pub outline: String,
    /// What went in.
    pub inputs: Inputs,
}

/// Whether a tree is what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// It is.
    Fresh,
    /// It is not, for this reason.
    Stale(Reason),
}

impl Stamp {
    /// The text of the file.
    #[must_use]
    pub fn render(&self) -> String {
        format!("{:#}\n", serde_json::json!(self))
    }

    /// Reads a stamp.
    ///
    /// # Errors
    /// Why it cannot be one, as text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let stamp: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if stamp.schema == SCHEMA {
            Ok(stamp)
        } else {
            Err(format!("schema is not supported: expected {SCHEMA}, got {}", stamp.schema))
        }
    }

    /// The packages that went in, see [`Inputs::packages`].
    pub fn packages(&self) -> impl Iterator<Item = (&str, &str, &str, &str)> {
        self.inputs.packages()
    }

    /// The version of the sysroot's C library, as its package has it: `2.36-9+deb12u14`.
    #[must_use]
    pub fn glibc(&self) -> Option<&str> {
        let mut packages = self.packages();
        packages.find_map(|(component, name, version, _)| {
            let is_it = component == "sysroot" && name.split(':').next() == Some("libc6");
            is_it.then_some(version)
        })
    }

    /// Compares with what is wanted now.
    #[must_use]
    pub fn freshness(&self, wanted: &Inputs) -> Freshness {
        self.inputs.freshness(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(pairs: &[(&str, &str)]) -> Inputs {
        let mut inputs = Inputs::default();
        for (name, value) in pairs {
            inputs.add(*name, value);
        }
        inputs
    }

    fn stamp(pairs: &[(&str, &str)]) -> Stamp {
        Stamp {
            schema: SCHEMA,
            target: "x86_64-unknown-linux-gnu".to_owned(),
            release: "bookworm".to_owned(),
            llvm: "lib/llvm".to_owned(),
            manifest: String::new(),
            outline: String::new(),
            inputs: inputs(pairs),
        }
    }

    #[test]
    fn a_stamp_is_read_back_as_it_was_written() {
        let stamp = stamp(&[("libc6", "u13")]);
        assert_eq!(Stamp::parse(&stamp.render()).unwrap(), stamp);
    }

    #[test]
    fn staleness_names_what_changed_and_how() {
        let stamp = stamp(&[("libc6", "u13"), ("same", "1")]);
        let wanted = inputs(&[("libc6", "u14"), ("same", "1"), ("with", "zlib1g-dev")]);
        let Freshness::Stale(reason) = stamp.freshness(&wanted) else { panic!("it is stale") };
        assert_eq!(reason.to_string(), "libc6 changed (u13 → u14), --with changed (+zlib1g-dev)");
        assert_eq!(stamp.freshness(&stamp.inputs), Freshness::Fresh);
    }

    #[test]
    fn the_c_library_is_the_sysroots() {
        let digest = "0123456789abcdef";
        let of = |component: &str, version: &str| {
            (format!("{component} libc6:arm64"), format!("{version} {digest}"))
        };
        let (other, own) = (of("llvm", "2.41-12"), of("sysroot", "2.36-9+deb12u14"));
        let dev = ("sysroot libc6-dev:arm64", format!("2.36-9 {digest}"));
        let pairs = [(&*other.0, &*other.1), (dev.0, &*dev.1), (&*own.0, &*own.1)];
        assert_eq!(stamp(&pairs).glibc(), Some("2.36-9+deb12u14"));
        assert_eq!(stamp(&pairs[..2]).glibc(), None);
    }

    #[test]
    fn k04_a_cut_or_newer_stamp_is_refused() {
        let text = stamp(&[]).render();
        assert!(Stamp::parse(&text[..text.len() / 2]).is_err());
        assert!(Stamp::parse("").is_err());
        assert!(Stamp::parse(&text.replace("\"schema\": 1", "\"schema\": 2")).is_err());
    }

    #[test]
    fn names_and_values_cannot_be_moved_into_each_other_under_one_fingerprint() {
        assert_ne!(inputs(&[("a", "b c")]).fingerprint(), inputs(&[("a b", "c")]).fingerprint());
    }
}
