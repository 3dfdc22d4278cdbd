//! What a bill of materials tells, gathered from the stamp, the lock, the tree's copyright
//! files and the cached packages. Never believes bytes that their hash does not cover.

use std::collections::BTreeMap;

use super::copyright::{Licences, licences};
use super::{Bill, Part};
use crate::debian::control::{Limits, single};
use crate::debian::deb::Deb;
use crate::debian::mirrors::MirrorList;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs;
use crate::host::hash::Digest;
use crate::pins::lock::LockedPackage;
use crate::pins::{Lock, Pins};
use crate::store::{Blob, Store};
use crate::toolchain::layout::Tree;
use crate::toolchain::manifest::{self, Node};
use crate::toolchain::stamp::Stamp;

/// The largest copyright file that is read, in bytes.
const COPYRIGHT_LIMIT: u64 = 4 << 20;

/// What a bill is made from.
#[derive(Debug)]
pub struct Sources<'a> {
    pub tree: &'a Tree,
    pub stamp: &'a Stamp,
    pub lock: &'a Lock,
    pub pins: &'a Pins,
    pub cache: &'a Store,
}

/// Why there is no bill.
#[derive(Debug, thiserror::Error)]
pub enum SbomError {
    /// The lock has moved on.
    #[error("{name} {version}: the toolchain was prepared with it, and the lock has it no more")]
    NotLocked { name: String, version: String },
    /// The manifest is not the one of the stamp.
    #[error("{path}: wrong SHA-256: expected {expected}, got {got}")]
    Changed { path: String, expected: String, got: String },
    /// The manifest cannot be read.
    #[error("share/manifest.tsv: line {0} is none")]
    Manifest(usize),
}

impl Diagnostic for SbomError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotLocked { .. } => Kind::Failed,
            _ => Kind::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotLocked { .. } => "sbom-not-locked",
            Self::Changed { .. } => "sbom-tree-changed",
            Self::Manifest(_) => "manifest-malformed",
        }
    }

    fn hints(&self) -> Vec<String> {
        vec!["prepare it anew: `reml-toolchain prepare`".to_owned()]
    }
}

/// Gathers the bill of a prepared toolchain.
///
/// # Errors
/// The lock has other packages by now, or the tree is not what its stamp says.
pub fn collect(sources: &Sources<'_>) -> Result<Bill, Fault> {
    let Sources { stamp, lock, pins, .. } = sources;
    let mut parts = Vec::new();
    for (component, name, version, proof) in stamp.packages() {
        let (name, architecture) = name.split_once(':').unwrap_or((name, ""));
        let fits = |package: &&LockedPackage| {
            package.name == name
                && package.version == version
                && package.architecture == architecture
                && package.sha256.short() == proof
        };
        let (path, package) =
            lock.packages.iter().find(|(_, package)| fits(package)).ok_or_else(|| {
                SbomError::NotLocked { name: name.to_owned(), version: version.to_owned() }
            })?;
        parts.push(part(sources, component, path, package)?);
    }
    add_licences(sources, &mut parts)?;
    let release = pins.release(&stamp.release);
    let durable = release.and_then(|release| lock.suites.get(&release.durable));
    Ok(Bill {
        target: stamp.target.clone(),
        release: stamp.release.clone(),
        epoch: durable.map_or(0, |suite| suite.date),
        tree: stamp.inputs.fingerprint().to_string(),
        parts,
    })
}

fn part(
    sources: &Sources<'_>,
    component: &str,
    path: &str,
    package: &LockedPackage,
) -> Result<Part, Fault> {
    // Policy of the archive: pool/COMPONENT/PREFIX/SOURCE/FILE.
    let source = path.rsplit('/').nth(1).unwrap_or(&package.name).to_owned();
    let mut part = Part {
        component: component.to_owned(),
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
        sha256: package.sha256.to_string(),
        path: path.to_owned(),
        // The pinned mirrors only: the host's own is no business of whoever reads this.
        url: MirrorList::of_host(&[], &[], &sources.pins.mirrors).pool(path).into_iter().next(),
        source,
        source_version: None,
        maintainer: None,
        licences: None,
    };
    let (sha256, size) = (package.sha256.0, package.size);
    let blob = Blob { path: path.to_owned(), sha256, size, urls: Vec::new() };
    if sources.cache.has(&blob)? {
        let bytes = sources.cache.read(&blob)?;
        let deb = Deb::open(&bytes[..])?;
        let text = String::from_utf8_lossy(deb.control());
        for field in single(path, &text, Limits::PACKAGES)?.distinct_fields()? {
            if field.is("Maintainer") {
                part.maintainer = Some(field.value().to_owned());
            } else if field.is("Source") {
                let (name, version) = field.value().split_once(' ').unwrap_or((field.value(), ""));
                name.clone_into(&mut part.source);
                let version = version.trim_matches(['(', ')']);
                part.source_version = (!version.is_empty()).then(|| version.to_owned());
            }
        }
        // deb-control(5): a source package of the same version is not named with it.
        part.source_version.get_or_insert_with(|| package.version.clone());
    }
    Ok(part)
}

/// Reads the copyright files. A package without its own has a link to that of another from
/// the same source (policy §12.5), which stands for it.
fn add_licences(sources: &Sources<'_>, parts: &mut [Part]) -> Result<(), Fault> {
    let bytes = fs::read(&sources.tree.manifest())?;
    check("share/manifest.tsv", &bytes, &sources.stamp.manifest)?;
    let lines = manifest::parse(&bytes).map_err(SbomError::Manifest)?;
    let mut own: BTreeMap<(String, String), Option<Licences>> = BTreeMap::new();
    for line in &lines {
        let Some((folder, name)) = line.path.split_once("usr/share/doc/") else { continue };
        let (Some(name), Node::File { sha256, .. }) = (name.strip_suffix("/copyright"), &line.node)
        else {
            continue;
        };
        let place = sources.tree.root().join(&line.path);
        let bytes = fs::read_at_most(&place, COPYRIGHT_LIMIT)?;
        check(&line.path, &bytes, &sha256.to_string())?;
        let component =
            if folder == "sysroot/" { "sysroot" } else { folder.trim_start_matches("lib/") };
        let key = (component.trim_end_matches('/').to_owned(), name.to_owned());
        own.insert(key, licences(&String::from_utf8_lossy(&bytes)));
    }
    let find = |part: &Part| own.get(&(part.component.clone(), part.name.clone()));
    let of_source: BTreeMap<(String, String), &Licences> = parts
        .iter()
        .filter_map(|part| {
            let found = find(part)?.as_ref()?;
            Some(((part.component.clone(), part.source.clone()), found))
        })
        .collect();
    for part in parts {
        part.licences = match find(part) {
            Some(found) => found.clone(),
            None => {
                of_source.get(&(part.component.clone(), part.source.clone())).map(|f| (*f).clone())
            }
        };
    }
    Ok(())
}

fn check(path: &str, bytes: &[u8], expected: &str) -> Result<(), SbomError> {
    let got = Digest::of(bytes).to_string();
    if got == expected {
        return Ok(());
    }
    Err(SbomError::Changed { path: path.to_owned(), expected: expected.to_owned(), got })
}
