//! Debian's LLVM made to run from any folder, without root, by the plan of
//! `llvm::rootless`: a link for each library beside LLVM's own. Its programs were changed
//! when they were unpacked; on a host whose glibc is older than the release's, the carried
//! loader is named in them as well.

use std::path::{Path, PathBuf};

use crate::elf;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::hash::Digest;
use crate::llvm::rootless;
use crate::pins::Target;
use crate::toolchain::layout::Tree;
use crate::toolchain::manifest::Node;

/// Where LLVM lies in a tree.
const FOLDER: &str = "lib/llvm";

/// The carried loader, relative to the tree.
pub(super) fn loader(host: &Target) -> PathBuf {
    let name = Path::new(host.interpreter).file_name().unwrap_or_default();
    Path::new(FOLDER).join("usr/lib").join(host.multiarch).join(name)
}

/// Cures the LLVM of a staged tree, whose files and links are `nodes`; returns what it
/// made: links, and programs that it changed. All relative to the tree.
///
/// # Errors
/// A program is no ELF file, or the disk refuses.
pub(super) fn cure<'p>(
    staged: &Tree,
    home: &Tree,
    nodes: impl Iterator<Item = (&'p str, &'p Node)>,
    host: &Target,
    major: u32,
    libc: bool,
) -> Result<Vec<(String, Node)>, Fault> {
    let entries = nodes.filter_map(|(path, node)| {
        let below = path.strip_prefix(FOLDER)?.strip_prefix('/')?;
        Some((Path::new(below), matches!(node, Node::Link { .. })))
    });
    let plan = rootless::cure(entries, major, host.multiarch);
    for link in &plan.links {
        fs::symlink(&link.target, &staged.llvm().join(&link.at))?;
    }
    let mut made = Vec::new();
    for link in &plan.links {
        let target = link.target.to_string_lossy().into_owned();
        made.push((format!("{FOLDER}/{}", link.at.display()), Node::Link { target }));
    }
    if libc {
        let interpreter = home.root().join(loader(host));
        for program in &plan.programs {
            let cured = name_loader(&staged.llvm().join(program), &interpreter)?;
            made.extend(cured.map(|node| (format!("{FOLDER}/{}", program.display()), node)));
        }
    }
    Ok(made)
}

/// Changes one program, and tells what it is then. The file may have other names in the
/// cache, so it is written anew instead of in place.
fn name_loader(path: &Path, loader: &Path) -> Result<Option<Node>, Fault> {
    let mut bytes = fs::read(path)?;
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    elf::set_interpreter(&mut bytes, &loader.to_string_lossy())?;
    let seconds = fs::modified_seconds(&fs::metadata(path)?);
    fs::remove_file(path)?;
    fs::write(path, &bytes)?;
    fs::set_mode(path, fs::DIR_MODE)?;
    fs::set_modified(path, seconds)?;
    let (size, sha256) = (bytes.len() as u64, Digest::of(&bytes));
    Ok(Some(Node::File { executable: true, size, seconds, sha256 }))
}
