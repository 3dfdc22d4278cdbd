//! Debian's LLVM made to run from any folder, without root, by the plan of
//! `llvm::rootless`: a link for each library beside LLVM's own, and `DT_RPATH`, which
//! libraries inherit, for `DT_RUNPATH`, which they do not. On a host whose glibc is older
//! than the release's, the carried loader is named as well.

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

/// Cures the LLVM of a staged tree, whose files and links are `paths`; returns what it
/// made: links, and programs that it changed. All relative to the tree.
///
/// # Errors
/// A program is no ELF file, or the disk refuses.
pub(super) fn cure<'p>(
    staged: &Tree,
    home: &Tree,
    paths: impl Iterator<Item = &'p str>,
    host: &Target,
    major: u32,
    libc: bool,
) -> Result<Vec<(String, Node)>, Fault> {
    let below: Vec<&Path> =
        paths.filter_map(|path| Path::new(path).strip_prefix(FOLDER).ok()).collect();
    let mut entries = Vec::new();
    for path in below {
        let meta = fs::metadata(&staged.llvm().join(path))?;
        entries.push((path, meta.is_symlink()));
    }
    let plan = rootless::cure(entries, major, host.multiarch);
    for link in &plan.links {
        fs::symlink(&link.target, &staged.llvm().join(&link.at))?;
    }
    let interpreter = libc.then(|| home.root().join(loader(host)));
    let mut made = Vec::new();
    for link in &plan.links {
        let target = link.target.to_string_lossy().into_owned();
        made.push((format!("{FOLDER}/{}", link.at.display()), Node::Link { target }));
    }
    for program in &plan.programs {
        let cured = cure_program(&staged.llvm().join(program), interpreter.as_deref())?;
        made.extend(cured.map(|node| (format!("{FOLDER}/{}", program.display()), node)));
    }
    Ok(made)
}

/// Changes one program, and tells what it is then. The file may have other names in the
/// cache, so it is written anew instead of in place.
fn cure_program(path: &Path, interpreter: Option<&Path>) -> Result<Option<Node>, Fault> {
    let mut bytes = fs::read(path)?;
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let mut changed = elf::runpath_to_rpath(&mut bytes)?;
    if let Some(interpreter) = interpreter {
        elf::set_interpreter(&mut bytes, &interpreter.to_string_lossy())?;
        changed = true;
    }
    if !changed {
        return Ok(None);
    }
    let seconds = fs::modified_seconds(&fs::metadata(path)?);
    fs::remove_file(path)?;
    fs::write(path, &bytes)?;
    fs::set_mode(path, fs::DIR_MODE)?;
    fs::set_modified(path, seconds)?;
    let (size, sha256) = (bytes.len() as u64, Digest::of(&bytes));
    Ok(Some(Node::File { executable: true, size, seconds, sha256 }))
}
