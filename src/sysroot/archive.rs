//! The packed archive: unpacked packages one after another in one tar, each package in a
//! zstd frame of its own so that they decode side by side, a list of everything first. It
//! never decides which bytes may be trusted: the hash of the whole file is the caller's.

mod list;
mod write;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _};
use std::ops::Range;

use bytes::Bytes;
use memmap2::MmapMut;
use zstd::bulk::Decompressor;
use zstd::zstd_safe::{self, DParameter};

pub use list::{Head, Part};
pub use write::{PackError, pack};

use crate::debian::decode::{Compression, Decoder};
use crate::debian::tar::{Content, Limits, Reader};
use crate::host::fault::{Diagnostic, Kind};
use crate::host::memory;

/// The format this program writes and reads.
pub const FORMAT: u32 = 1;

/// The name of the list inside the archive.
pub const LIST: &str = "archive.tsv";

/// The most bytes of the list, and of a whole archive that is not in frames of ours.
const LIST_LIMIT: u64 = 64 << 20;
const PLAIN_LIMIT: u64 = 2 << 30;

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
    /// The system has no memory for it.
    #[error("{package} needs {size} bytes of memory")]
    Memory {
        /// The package.
        package: String,
        /// In bytes.
        size: usize,
        source: io::Error,
    },
}

impl Diagnostic for ArchiveError {
    fn kind(&self) -> Kind {
        match self {
            Self::Broken { .. } => Kind::Integrity,
            Self::Format { .. } => Kind::Usage,
            Self::Memory { .. } => Kind::Failed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Broken { .. } => "archive-broken",
            Self::Format { .. } => "archive-format",
            Self::Memory { .. } => "archive-memory",
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
    bytes: Bytes,
    /// Whether each part is compressed for itself.
    framed: bool,
}

impl Archive {
    /// Reads the list of an archive of any of the kinds `.tar`, `.tar.gz`, `.tar.xz` and
    /// `.tar.zst`, told by its first bytes.
    ///
    /// # Errors
    /// [`ArchiveError`].
    pub fn open(bytes: impl Into<Bytes>) -> Result<Self, ArchiveError> {
        let bytes = bytes.into();
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
            return Self::plain(plain.into());
        }
        let compression = Compression::of_content(&bytes);
        if compression == Compression::None {
            return Self::plain(bytes);
        }
        Self::plain(decode(&bytes, compression, PLAIN_LIMIT)?.into())
    }

    /// One tar, without frames: the list tells where each package lies.
    fn plain(bytes: Bytes) -> Result<Self, ArchiveError> {
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

    /// The tar of one package, ended as a whole tar is. A frame is decoded into the room.
    ///
    /// # Errors
    /// [`ArchiveError::Broken`] when it does not decode to the size that the list tells,
    /// [`ArchiveError::Memory`] when there is none for it.
    pub fn tar<'a>(
        &'a self,
        key: &str,
        room: &'a mut Room,
    ) -> Result<impl BufRead + 'a, ArchiveError> {
        let (part, range) = &self.parts[key];
        let bytes = &self.bytes[range.clone()];
        let tar = if self.framed { room.decode(bytes, part)? } else { bytes };
        Ok(tar.chain(&END[..]))
    }
}

/// Where a thread decodes packages, one after another.
#[derive(Default)]
pub struct Room {
    decoder: Decompressor<'static>,
    memory: Option<MmapMut>,
}

impl Room {
    /// The whole frame at once: a decoder that is fed piece by piece keeps a window of its own,
    /// and copies out of it.
    fn decode(&mut self, frame: &[u8], part: &Part) -> Result<&[u8], ArchiveError> {
        let package = &part.package;
        let size = usize::try_from(part.bytes.min(PLAIN_LIMIT)).map_err(broken)?;
        let told = zstd_safe::get_frame_content_size(frame).ok().flatten();
        if told != Some(size as u64) {
            let told = told.map_or("no size".to_owned(), |told| format!("{told} bytes"));
            return Err(broken(format!(
                "{package}: expected a frame of {size} bytes, got one that tells {told}"
            )));
        }
        let large_enough = self.memory.take_if(|memory| memory.len() >= size);
        // One that is too small goes before another comes.
        self.memory = None;
        let failed = |source| ArchiveError::Memory { package: package.clone(), size, source };
        let memory = large_enough.map_or_else(|| memory::zeroed(size), Ok).map_err(failed)?;
        let room = &mut self.memory.insert(memory)[..size];
        // zstd's own sum of what it decoded says nothing more: each file is held against its
        // SHA-256, each name and mode against the list.
        let quick = DParameter::ForceIgnoreChecksum(true);
        self.decoder
            .set_parameter(quick)
            .and_then(|()| self.decoder.decompress_to_buffer(frame, room))
            .map_err(|error| broken(format!("{package}: {error}")))?;
        Ok(room)
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
