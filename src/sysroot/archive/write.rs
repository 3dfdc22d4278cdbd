//! Writing a packed archive: the same packages give the same bytes on every machine. What
//! is written are the files as listed; one that differs from its list ends the work.

use std::io::{Read as _, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest as _, Sha256};
use zstd::zstd_safe::CParameter;

use super::{END, Head, LIST, Part, list};
use crate::host::fault::{Diagnostic, Kind};
use crate::host::hash::Digest;
use crate::host::progress::{Event, Progress};
use crate::host::threads;
use crate::host::tree::{Tree, TreeError};
use crate::sysroot::manifest::{Entry, EntryKind};

/// The strongest level whose decoder needs no more memory than zstd's own programs give.
const LEVEL: i32 = 19;
/// The binary logarithm of the window: 64 MiB, within what plain `zstd -d` accepts.
const WINDOW_LOG: u32 = 26;

/// Why an archive was not written.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// An unpacked file is not what was unpacked.
    #[error("{path} of {package}: expected sha256 {expected}, got {got}")]
    Changed { path: String, package: String, expected: Digest, got: Digest },
    /// The disk refuses.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Reading, compressing or writing failed.
    #[error("cannot {action} the archive")]
    Io { action: &'static str, source: std::io::Error },
}

impl Diagnostic for PackError {
    fn kind(&self) -> Kind {
        match self {
            Self::Changed { .. } => Kind::Integrity,
            Self::Tree(error) => error.kind(),
            Self::Io { .. } => Kind::Failed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "unpacked-changed",
            Self::Tree(error) => error.code(),
            Self::Io { .. } => "disk",
        }
    }
}

/// Writes the archive of these packages: each with its folder on disk. `epoch` is the time
/// of all that has none of its own, in Unix seconds. Gives digest and size.
///
/// # Errors
/// [`PackError`].
pub fn pack(
    head: &Head,
    parts: &mut [(Part, &Tree)],
    epoch: i64,
    output: &mut impl Write,
    progress: &dyn Progress,
) -> Result<(Digest, u64), PackError> {
    let next = AtomicUsize::new(0);
    let frames = Mutex::new(vec![(0, Vec::new()); parts.len()]);
    let mut order: Vec<usize> = (0..parts.len()).collect();
    let weight = |part: &Part| {
        part.entries
            .iter()
            .map(|entry| match entry.kind {
                EntryKind::File { size, .. } => size,
                _ => 0,
            })
            .sum::<u64>()
    };
    order.sort_by_key(|index| std::cmp::Reverse(weight(&parts[*index].0)));
    let (name, count) = ("compress", parts.len() as u64);
    let bytes = parts.iter().map(|(part, _)| weight(part)).sum();
    progress.event(Event::Stage { name, count, bytes });
    let shared = &*parts;
    let work = || -> Result<(), PackError> {
        while let Some(index) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (part, tree) = &shared[*index];
            let tar = tar_of(part, tree, epoch)?;
            let frame = (tar.len() as u64, compress(&tar)?);
            frames.lock().unwrap_or_else(std::sync::PoisonError::into_inner)[*index] = frame;
            let bytes = i64::try_from(weight(part)).unwrap_or(i64::MAX);
            progress.event(Event::Advance { bytes });
            progress.event(Event::ItemDone { name: &part.package });
        }
        Ok(())
    };
    threads::together(threads::usual(), work).into_iter().collect::<Result<(), PackError>>()?;
    let frames = frames.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    for ((part, _), (bytes, _)) in parts.iter_mut().zip(&frames) {
        part.bytes = *bytes;
    }
    let list: Vec<&Part> = parts.iter().map(|(part, _)| part).collect();
    let text = list::render(head, &list);
    let mut tar = Vec::new();
    member(&mut tar, LIST, b'0', 0o644, epoch, text.len() as u64, "");
    content(&mut tar, text.as_bytes());
    let mut hasher = Sha256::new();
    let mut size = 0;
    let mut put = |bytes: &[u8]| {
        hasher.update(bytes);
        size += bytes.len() as u64;
        output.write_all(bytes).map_err(|source| PackError::Io { action: "write", source })
    };
    put(&compress(&tar)?)?;
    for (_, frame) in &frames {
        put(frame)?;
    }
    put(&compress(&END)?)?;
    progress.event(Event::StageDone { name, summary: format!("done: {count} packages") });
    Ok((Digest(hasher.finalize().into()), size))
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, PackError> {
    let failed = |source| PackError::Io { action: "compress", source };
    let mut compressor = zstd::bulk::Compressor::new(LEVEL).map_err(failed)?;
    for parameter in [
        CParameter::WindowLog(WINDOW_LOG),
        CParameter::ChecksumFlag(true),
        CParameter::ContentSizeFlag(true),
    ] {
        compressor.set_parameter(parameter).map_err(failed)?;
    }
    compressor.compress(bytes).map_err(failed)
}

fn tar_of(part: &Part, tree: &Tree, epoch: i64) -> Result<Vec<u8>, PackError> {
    let mut tar = Vec::new();
    let mut walker = tree.walk();
    for entry in &part.entries {
        let path = format!("{}/{}", part.folder, entry.path);
        match &entry.kind {
            EntryKind::Directory => {
                member(&mut tar, &format!("{path}/"), b'5', 0o755, epoch, 0, "");
            }
            EntryKind::Symlink { target } => member(&mut tar, &path, b'2', 0o777, epoch, 0, target),
            EntryKind::File { size, sha256, executable } => {
                let mut bytes = Vec::with_capacity(usize::try_from(*size).unwrap_or_default());
                walker
                    .open(entry.on_disk())?
                    .read_to_end(&mut bytes)
                    .map_err(|source| PackError::Io { action: "read a file of", source })?;
                check(entry, part, *sha256, &bytes)?;
                let mode = if *executable { 0o755 } else { 0o644 };
                member(&mut tar, &path, b'0', mode, entry.seconds, *size, "");
                content(&mut tar, &bytes);
            }
        }
    }
    Ok(tar)
}

fn check(entry: &Entry, part: &Part, expected: Digest, bytes: &[u8]) -> Result<(), PackError> {
    let got = Digest::of(bytes);
    if got == expected {
        return Ok(());
    }
    let (path, package) = (entry.path.clone(), part.package.clone());
    Err(PackError::Changed { path, package, expected, got })
}

fn content(tar: &mut Vec<u8>, bytes: &[u8]) {
    tar.extend_from_slice(bytes);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

/// A header in GNU's form; names too long for it go before, as members of their own.
fn member(tar: &mut Vec<u8>, path: &str, kind: u8, mode: u32, time: i64, size: u64, link: &str) {
    const FIELD: usize = 100;
    for (long, text) in [(b'K', link), (b'L', path)] {
        if text.len() > FIELD {
            header(tar, b"././@LongLink", long, 0o644, 0, text.len() as u64 + 1, b"");
            content(tar, &[text.as_bytes(), b"\0"].concat());
        }
    }
    let cut = |text: &str| text.as_bytes()[..text.len().min(FIELD)].to_vec();
    header(tar, &cut(path), kind, mode, time, size, &cut(link));
}

fn header(tar: &mut Vec<u8>, name: &[u8], kind: u8, mode: u32, time: i64, size: u64, link: &[u8]) {
    let mut header = tar::Header::new_gnu();
    let fields = header.as_old_mut();
    fields.name[..name.len()].copy_from_slice(name);
    fields.linkname[..link.len()].copy_from_slice(link);
    fields.linkflag = [kind];
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(u64::try_from(time).unwrap_or_default());
    header.set_cksum();
    tar.extend_from_slice(header.as_bytes());
}
