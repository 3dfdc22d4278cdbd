//! The changelogs inside a .deb, and whether the package holds anything that is linked into
//! programs. Reads once through the archive and keeps only what it is asked for.

use std::io::Read;

use super::super::deb::{Deb, DebError, data_limit};
use super::super::decode::{Compression, Decoder};
use super::super::tar::{self, Content, TarError};

/// The largest changelog, compressed, in bytes: ten times that of the kernel.
const PACKED_LIMIT: u64 = 16 << 20;

/// The largest changelog, decompressed, in bytes.
const TEXT_LIMIT: u64 = 64 << 20;

/// Where packages keep their documents.
const DOCUMENTS: &str = "usr/share/doc/";

/// What a package tells of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Papers {
    /// The text of its changelogs, that of a rebuild without changes first.
    pub changelog: Option<String>,
    /// The package whose documents stand for its own, such as gcc-12-base for libgcc-12-dev.
    pub documents_of: Option<String>,
    /// Whether it has a library or an object file: something of it gets into programs, or
    /// is loaded by them.
    pub linked: bool,
}

/// Reads the papers of `package`; `installed_kib` is the `Installed-Size` of its index.
///
/// # Errors
/// [`DebError`] when it is no package, or not as deb(5) says.
pub fn read(deb: impl Read, package: &str, installed_kib: u64) -> Result<Papers, DebError> {
    let mut deb = Deb::open(deb)?;
    let member = deb.data_name().to_owned();
    let broken = |error| DebError::in_tar(&member, error);
    let mut data = deb.data(data_limit(Some(installed_kib)), tar::Limits::default())?;
    let mut papers = Papers::default();
    let mut texts: Vec<(bool, String)> = Vec::new();
    let folder = format!("{DOCUMENTS}{package}");
    while let Some(entry) = data.advance().map_err(broken)? {
        match &entry.content {
            Content::File { size } => {
                papers.linked |= is_linked(&entry.path);
                let name = entry.path.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/'));
                let Some(rebuild) = name.and_then(changelog).filter(|_| *size <= PACKED_LIMIT)
                else {
                    continue;
                };
                let mut bytes = Vec::new();
                data.copy(&mut |piece| {
                    bytes.extend_from_slice(piece);
                    Ok::<(), TarError>(())
                })
                .map_err(broken)?;
                // A changelog that cannot be read says nothing; the package may be good.
                texts.extend(text(&bytes).map(|text| (rebuild, text)));
            }
            Content::Symlink { target } if entry.path == folder => {
                let name = target.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
                papers.documents_of = Some(name.to_owned());
            }
            _ => {}
        }
    }
    texts.sort_by_key(|(rebuild, _)| !rebuild);
    if !texts.is_empty() {
        papers.changelog = Some(texts.into_iter().map(|(_, text)| text + "\n").collect());
    }
    Ok(papers)
}

/// Whether `name` is Debian's changelog, and if so, whether that of a rebuild
/// (`changelog.Debian.amd64.gz`). `changelog.gz` is Debian's in native packages, else the
/// authors' own, which has no headings of Debian's form.
fn changelog(name: &str) -> Option<bool> {
    let plain = name.strip_suffix(".gz").unwrap_or(name);
    match plain.strip_prefix("changelog")? {
        "" | ".Debian" => Some(false),
        rest => {
            let architecture = rest.strip_prefix(".Debian.")?;
            architecture.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(true)
        }
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    let compression = Compression::of_content(bytes);
    let mut text = Vec::new();
    let decoder = Decoder::new("changelog", compression, bytes, TEXT_LIMIT);
    decoder.and_then(|mut decoder| decoder.read_to_end(&mut text)).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Libraries and object files, by their names.
fn is_linked(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let has_suffix = |suffix: &str| name.ends_with(suffix) && name.len() > suffix.len();
    [".a", ".o", ".so"].into_iter().any(has_suffix) || name.contains(".so.")
}
