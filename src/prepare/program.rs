//! The copy of this program that all tools of a tree are: it finds its tree from its own
//! place, and the name it is called by says what to start.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::World;
use super::host_tools::{self, HostToolError};
use super::shelf::Shelf;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::hash::Digest;
use crate::host::tree::Tree;
use crate::sysroot::manifest::{Entry, EntryKind};
use crate::toolchain::manifest::Node;

/// The copy's name on the shelf.
const FILE: &str = "program";

/// Where the copy lies, and what it is.
pub(super) struct Copied {
    pub(super) file: PathBuf,
    pub(super) node: Node,
}

/// How the name of a copy's folder begins, for a tree of these inputs.
pub(super) fn key_start(inputs: &Digest) -> String {
    format!("program-{}-", inputs.short())
}

/// The copy for a tree of these `inputs`, made at the time `seconds`, if it is not kept.
///
/// # Errors
/// This program's own file cannot be found or read, or the disk refuses.
pub(super) fn obtain(
    world: &World<'_>,
    shelf: &Shelf,
    inputs: &Digest,
    seconds: i64,
) -> Result<Copied, Fault> {
    let own = host_tools::own_file(world)?;
    let facts = fs::stat(own)?.ok_or(HostToolError::NoOwnFile)?;
    let key =
        format!("{}{}-{}.{}", key_start(inputs), facts.len(), facts.mtime(), facts.mtime_nsec());
    let kept = shelf.take(&key, FILE.to_owned(), |folder| copy(own, inputs, folder, seconds))?;
    let is_copy = |entry: &&Entry| entry.path == FILE;
    match kept.entries.iter().find(is_copy).map(|entry| (&entry.kind, entry.seconds)) {
        Some((&EntryKind::File { executable, size, sha256 }, seconds)) => {
            let node = Node::File { executable, size, seconds, sha256 };
            Ok(Copied { file: kept.folder.path().join(FILE), node })
        }
        // Somebody wrote another list.
        _ => Err(HostToolError::NoOwnFile.into()),
    }
}

fn copy(own: &Path, inputs: &Digest, folder: &Tree, seconds: i64) -> Result<Vec<Entry>, Fault> {
    // Compiler caches take the tool's bytes for the compiler's: they change when what it
    // starts changes. An ELF file may have anything behind its end.
    let tail = if cfg!(target_os = "linux") { inputs.to_string() } else { String::new() };
    let mut file = folder.walk().file(FILE, true)?;
    let (size, sha256) = file.copy(fs::open_regular(own)?.chain(tail.as_bytes()))?;
    file.finish(seconds)?;
    let kind = EntryKind::File { size, sha256, executable: true };
    Ok(vec![Entry { path: FILE.to_owned(), place: None, kind, seconds }])
}
