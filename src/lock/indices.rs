//! The `Packages` indices of verified suites: fetched by hash where the suite offers that,
//! kept in the cache by their hash, decompressed within the signed size.

use std::io::Read as _;

use super::suites::{Suite, Suites, from_mirrors};
use super::{LockError, World};
use crate::debian::decode::Decoder;
use crate::debian::index::{Index, Source};
use crate::debian::release::IndexFile;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::hash::Digest;
use crate::host::progress::Event;
use crate::host::threads;
use crate::pins::versions::Release as PinnedRelease;

/// The largest decompressed index when its suite signs no size for it, in bytes. sid's
/// for amd64, the largest there is, has 60 MB.
const PLAIN_LIMIT: u64 = 512 << 20;

/// The texts of one architecture's indices.
#[derive(Debug)]
pub(super) struct Texts(Vec<Text>);

#[derive(Debug)]
struct Text {
    suite: String,
    file: String,
    content: String,
}

/// One architecture's packages: over all suites, and over the durable one alone.
#[derive(Debug)]
pub(super) struct Indices<'t> {
    pub(super) all: Index<'t>,
    pub(super) durable: Index<'t>,
}

/// Fetches the indices of `architecture` from every suite.
pub(super) fn fetch(
    world: &World<'_>,
    suites: &Suites,
    architecture: &str,
) -> Result<Texts, Fault> {
    let mut files = Vec::new();
    for suite in suites.iter() {
        let index = suite.release.packages("main", architecture)?;
        files.push((suite, index));
    }
    let bytes = files.iter().map(|(_, index)| index.choices[0].size).sum();
    let name = "indices";
    world.progress.event(Event::Stage { name, count: files.len() as u64, bytes });
    let texts = threads::map(files.len(), &files, |(suite, index)| {
        let plain = index.plain.map(|entry| (entry.size, entry.sha256));
        text(world, suite, &index.choices[0], plain)
    });
    let texts = texts.into_iter().collect::<Result<Vec<_>, Fault>>()?;
    let summary = format!("verified: {} suites for {architecture}", texts.len());
    world.progress.event(Event::StageDone { name, summary });
    Ok(Texts(texts))
}

fn text(
    world: &World<'_>,
    suite: &Suite,
    file: &IndexFile,
    plain: Option<(u64, Digest)>,
) -> Result<Text, Fault> {
    let label = format!("dists/{}/{}", suite.name, file.path);
    let packed = packed(world, suite, file, &label)?;
    let limit = plain.map_or(PLAIN_LIMIT, |(size, _)| size);
    let broken = |error: std::io::Error| -> Fault {
        let file = label.clone();
        let (expected, got) = (format!("at most {limit} bytes that decompress"), error.to_string());
        LockError::Index { file, what: "content", expected, got }.into()
    };
    let mut bytes = Vec::with_capacity(usize::try_from(limit.min(PLAIN_LIMIT)).unwrap_or_default());
    Decoder::new(&label, file.compression, packed.as_slice(), limit)
        .and_then(|mut decoder| decoder.read_to_end(&mut bytes))
        .map_err(broken)?;
    world.progress.event(Event::Advance { bytes: i64::try_from(file.size).unwrap_or(i64::MAX) });
    if let Some((size, digest)) = plain {
        compare(&label, size, digest, &bytes)?;
    }
    let content = String::from_utf8(bytes).map_err(|error| {
        let got = format!("other bytes at {}", error.utf8_error().valid_up_to());
        LockError::Index {
            file: label.clone(),
            what: "encoding",
            expected: "UTF-8".to_owned(),
            got,
        }
    })?;
    Ok(Text { suite: suite.name.clone(), file: label, content })
}

/// The compressed index: out of the cache when it is the one signed, else fetched.
fn packed(
    world: &World<'_>,
    suite: &Suite,
    file: &IndexFile,
    label: &str,
) -> Result<Vec<u8>, Fault> {
    let expected = file.sha256;
    let folder = world.indices.join(&suite.name).join("by-hash");
    let path = folder.join(expected.to_string());
    if fs::stat(&path)?.is_some_and(|meta| meta.is_file() && meta.len() == file.size) {
        let bytes = fs::read(&path)?;
        if Digest::of(&bytes) == expected {
            return Ok(bytes);
        }
    }
    let by_hash = file.by_hash.iter().flat_map(|path| world.mirrors.dists(&suite.name, path));
    let urls: Vec<String> = by_hash.chain(world.mirrors.dists(&suite.name, &file.path)).collect();
    let bytes = from_mirrors(world, &suite.name, label, &urls, |url| {
        let bytes = world.client.fetch_bytes(url, file.size).map_err(LockError::Fetch)?.bytes;
        compare(url, file.size, expected, &bytes)?;
        Ok(bytes)
    })?;
    fs::create_dir_all(&folder)?;
    fs::write_atomic(&path, &bytes)?;
    Ok(bytes)
}

/// Whether the cache has the index of a suite.
pub(super) fn is_kept(world: &World<'_>, suite: &Suite, architecture: &str) -> bool {
    let Ok(files) = suite.release.packages("main", architecture) else { return false };
    files.choices.first().is_some_and(|file| {
        let place = world.indices.join(&suite.name).join("by-hash").join(file.sha256.to_string());
        // What cannot be looked at is as good as absent.
        matches!(fs::stat(&place), Ok(Some(meta)) if meta.is_file() && meta.len() == file.size)
    })
}

fn compare(file: &str, size: u64, digest: Digest, bytes: &[u8]) -> Result<(), LockError> {
    let file = crate::host::http::mask(file);
    if bytes.len() as u64 != size {
        let (expected, got) = (size.to_string(), bytes.len().to_string());
        return Err(LockError::Index { file, what: "size in bytes", expected, got });
    }
    let got = Digest::of(bytes);
    if got != digest {
        let (expected, got) = (digest.to_string(), got.to_string());
        return Err(LockError::Index { file, what: "SHA-256", expected, got });
    }
    Ok(())
}

impl Texts {
    /// The index over all of these texts.
    pub(super) fn index<'t>(&'t self, architecture: &'t str) -> Result<Index<'t>, Fault> {
        let source =
            |text: &'t Text| Source { suite: &text.suite, file: &text.file, text: &text.content };
        let all: Vec<Source<'t>> = self.0.iter().map(source).collect();
        Ok(Index::build(architecture, &all)?)
    }

    /// The indices over these texts.
    pub(super) fn open<'t>(
        &'t self,
        release: &PinnedRelease,
        architecture: &'t str,
    ) -> Result<Indices<'t>, Fault> {
        let source =
            |text: &'t Text| Source { suite: &text.suite, file: &text.file, text: &text.content };
        let all: Vec<Source<'t>> = self.0.iter().map(source).collect();
        let is_durable = |text: &&Text| text.suite == release.durable;
        let durable: Vec<Source<'t>> = self.0.iter().filter(is_durable).map(source).collect();
        Ok(Indices {
            all: Index::build(architecture, &all)?,
            durable: Index::build(architecture, &durable)?,
        })
    }
}
