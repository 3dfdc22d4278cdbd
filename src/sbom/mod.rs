//! What a prepared toolchain is made of, as a bill of materials: packages, versions,
//! sources, licences and hashes, in the two formats that scanners read. Never asks the
//! network, and never tells what the lock, the tree or a verified package does not.

mod copyright;
mod cyclonedx;
mod facts;
mod license;
mod spdx;

use std::collections::BTreeMap;
use std::fmt::Write as _;

pub use copyright::Licences;
pub use facts::{Sources, collect};

use crate::debian::date::{Civil, Timestamp};

/// The format of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// SPDX 2.3, JSON
    Spdx,
    /// `CycloneDX` 1.6, JSON
    Cyclonedx,
}

/// A bill of materials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// The target's triple.
    pub target: String,
    /// The Debian release.
    pub release: String,
    /// When the lock's durable suite was signed: the time of the document.
    pub epoch: i64,
    /// The digest of the inputs of the tree.
    pub tree: String,
    /// The packages, by component and name.
    pub parts: Vec<Part>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `sysroot`, `llvm`, …
    pub component: String,
    /// The package's name.
    pub name: String,
    /// Its version, with the epoch.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    /// The SHA-256 of the .deb, in hex.
    pub sha256: String,
    /// Its path on every mirror.
    pub path: String,
    /// Where it can be fetched.
    pub url: Option<String>,
    /// The name of its source package.
    pub source: String,
    /// The version of its source package; known where the .deb is in the cache.
    pub source_version: Option<String>,
    /// Who maintains it in Debian; known where the .deb is in the cache.
    pub maintainer: Option<String>,
    /// Its licences, where Debian tells them in a form for machines.
    pub licences: Option<Licences>,
}

impl Part {
    /// The package URL.
    ///
    /// Source: the purl specification, type `deb`.
    #[must_use]
    pub fn purl(&self, release: &str) -> String {
        format!(
            "pkg:deb/debian/{}@{}?arch={}&distro={}",
            escape(&self.name),
            escape(&self.version),
            escape(&self.architecture),
            escape(release)
        )
    }
}

/// Percent-encodes all but what a package URL leaves as it is.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

impl Bill {
    /// The document in a format; the same bill gives the same bytes.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        let document = match format {
            Format::Spdx => spdx::document(self),
            Format::Cyclonedx => cyclonedx::document(self),
        };
        format!("{document:#}\n")
    }

    /// `2026-07-11T10:16:37Z`.
    fn time(&self) -> String {
        let Civil { year, month, day, hour, minute, second } = Timestamp(self.epoch).civil();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Every licence that SPDX does not list, of all packages.
    fn extracted(&self) -> BTreeMap<&str, (&str, &str)> {
        let licences = self.parts.iter().filter_map(|part| part.licences.as_ref());
        let all = licences.flat_map(|found| &found.extracted);
        all.map(|(id, (name, text))| (id.as_str(), (name.as_str(), text.as_str()))).collect()
    }
}

#[cfg(test)]
mod tests;
