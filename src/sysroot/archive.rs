//! The packed archive: unpacked packages one after another in one tar, each package in a
//! zstd frame of its own so that they decode side by side, a list of everything first. It
//! never decides which bytes may be trusted: the hash of the whole file is the caller's.

mod list;
mod write;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _};
use std::ops::Range;

use zstd::zstd_safe;

pub use list::{Head, Part};
pub use write::{PackError, pack};

use crate::debian::decode::{Compression, Decoder};
use crate::debian::tar::{Content, Limits, Reader};
use crate::host::fault::{Diagnostic, Kind};

/// The format this program writes and reads.
pub const FORMAT: u32 = 1;

/// The name of the list inside the archive.
pub const LIST: &str = "archive.tsv";

/// The most bytes of the list, and of a whole archive that is not in frames of ours.
const LIST_LIMIT: u64 = 64 << 20;
const PLAIN_LIMIT: u64 = 2 << 30;

/// What is decoded at a time, in bytes: as much as a block of zstd holds, so that what is
/// hashed and written is still in the processor's cache.
const PIECE: usize = 128 << 10;

/// Two blocks of zeros: the end of a tar archive.
const END: [u8; 1024] = [0; 1024];

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Compressed data or a tar that breaks the rules.
    #[error("the archive is broken: {what}")]
    Broken {
        /// What was found, and where.
        what: String,
    },
    /// Made by a later version of this program.
    #[error("the archive has format {got}, this program reads {FORMAT}")]
    Format {
        /// Its number.
        got: String,
    },
}

impl Diagnostic for ArchiveError {
    fn kind(&self) -> Kind {
        match self {
            Self::Broken { .. } => Kind::Integrity,
            Self::Format { .. } => Kind::Usage,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Broken { .. } => "archive-broken",
            Self::Format { .. } => "archive-format",
        }
    }

    fn hints(&self) -> Vec<String> {
        vec!["make it anew where there is a network: `reml-toolchain pack`".to_owned()]
    }
}

#[allow(clippy::needless_pass_by_value, reason = "an error goes straight into it")]
fn broken(what: impl ToString) -> ArchiveError {
    ArchiveError::Broken { what: what.to_string() }
}

/// An archive in memory, its list read.
#[derive(Debug)]
pub struct Archive {
    head: Head,
    parts: BTreeMap<String, (Part, Range<usize>)>,
    bytes: Vec<u8>,
    /// Whether each part is compressed for itself.
    framed: bool,
}

impl Archive {
    /// Reads the list of an archive of any of the kinds `.tar`, `.tar.gz`, `.tar.xz` and
    /// `.tar.zst`, told by its first bytes.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(bytes: Vec<u8>) -> Result<Self, ArchiveError> {
        if Compression::of_content(&bytes) == Compression::Zstd {
            let frames = frames(&bytes)?;
            let first = decode(&bytes[frames[0].clone()], Compression::Zstd, PLAIN_LIMIT)?;
            if let Some((text, end)) = list_of(&first)? {
                let (head, parts) = list::parse(&text)?;
                if end == first.len() && frames.len() == parts.len() + 2 {
                    let last = &bytes[frames[parts.len() + 1].clone()];
                    if decode(last, Compression::Zstd, PLAIN_LIMIT)? != END {
                        return Err(broken("no end mark behind the last package"));
                    }
                    let ranges = frames[1..].iter().cloned();
                    let parts = parts.into_iter().zip(ranges);
                    let parts = parts.map(|(part, range)| (part.key.clone(), (part, range)));
                    return Ok(Self { head, parts: parts.collect(), bytes, framed: true });
                }
            }
            let mut plain = Vec::new();
            for frame in frames {
                let left = PLAIN_LIMIT - plain.len() as u64;
                plain.extend(decode(&bytes[frame], Compression::Zstd, left)?);
            }
            return Self::plain(plain);
        }
        let compression = Compression::of_content(&bytes);
        if compression == Compression::None {
            return Self::plain(bytes);
        }
        Self::plain(decode(&bytes, compression, PLAIN_LIMIT)?)
    }

    /// One tar, without frames: the list tells where each package lies.
    fn plain(bytes: Vec<u8>) -> Result<Self, ArchiveError> {
        let Some((text, mut at)) = list_of(&bytes)? else {
            return Err(broken(format!("expected {LIST} as its first member")));
        };
        let (head, list) = list::parse(&text)?;
        let mut parts = BTreeMap::new();
        for part in list {
            let length = usize::try_from(part.bytes).unwrap_or(usize::MAX);
            let end = at.checked_add(length).filter(|end| *end <= bytes.len());
            let end = end.ok_or_else(|| broken(format!("it ends inside {}", part.package)))?;
            parts.insert(part.key.clone(), (part, at..end));
            at = end;
        }
        if bytes.len() - at < END.len() || bytes[at..].iter().any(|byte| *byte != 0) {
            return Err(broken("expected the end marks and nothing else behind the packages"));
        }
        Ok(Self { head, parts, bytes, framed: false })
    }

    /// What it was made for.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The package that was unpacked under this key.
    #[must_use]
    pub fn part(&self, key: &str) -> Option<&Part> {
        self.parts.get(key).map(|(part, _)| part)
    }

    /// Whether any package lies in this folder of the tree.
    #[must_use]
    pub fn carries(&self, folder: &str) -> bool {
        self.parts.values().any(|(part, _)| part.folder == folder)
    }

    /// The tar of one package, ended as a whole tar is, decoded as it is read: what does not
    /// decode to the size that the list tells cannot be read.
    ///
    /// # Errors
    /// [`ArchiveError::Broken`] when it is no frame.
    pub fn tar(&self, key: &str) -> Result<impl BufRead, ArchiveError> {
        let (part, range) = &self.parts[key];
        let compression = if self.framed { Compression::Zstd } else { Compression::None };
        let bytes = &self.bytes[range.clone()];
        let decoder =
            Decoder::new(&part.package, compression, bytes, part.bytes).map_err(broken)?.whole();
        Ok(BufReader::with_capacity(PIECE, decoder.chain(&END[..])))
    }
}

/// The zstd frames; nothing may lie between them or behind.
fn frames(bytes: &[u8]) -> Result<Vec<Range<usize>>, ArchiveError> {
    let mut list = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if Compression::of_content(&bytes[at..]) != Compression::Zstd {
            return Err(broken(format!("expected a zstd frame at byte {at}")));
        }
        let size = zstd_safe::find_frame_compressed_size(&bytes[at..])
            .map_err(|code| broken(format!("byte {at}: {}", zstd_safe::get_error_name(code))))?;
        list.push(at..at + size);
        at += size;
    }
    Ok(list)
}

fn decode(bytes: &[u8], compression: Compression, limit: u64) -> Result<Vec<u8>, ArchiveError> {
    let told = zstd_safe::get_frame_content_size(bytes).ok().flatten().unwrap_or_default();
    let mut plain =
        Vec::with_capacity(usize::try_from(told.min(limit)).unwrap_or_default() + END.len());
    Decoder::new("the archive", compression, bytes, limit)
        .and_then(|mut decoder| decoder.read_to_end(&mut plain))
        .map_err(broken)?;
    Ok(plain)
}

/// The text of the list and the byte behind it; `None` when the first member is another.
fn list_of(tar: &[u8]) -> Result<Option<(String, usize)>, ArchiveError> {
    let mut reader = Reader::new(tar, Limits { members: 1, bytes: LIST_LIMIT });
    let Some(member) = reader.advance().map_err(broken)? else { return Ok(None) };
    let Content::File { size } = member.content else { return Ok(None) };
    if member.path != LIST {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    reader
        .copy(&mut |piece| {
            bytes.extend_from_slice(piece);
            Ok::<(), crate::debian::tar::TarError>(())
        })
        .map_err(broken)?;
    let text = String::from_utf8(bytes).map_err(broken)?;
    let size = usize::try_from(size).map_err(broken)?;
    Ok(Some((text, 512 + size.next_multiple_of(512))))
}
