//! From a staged tree to the toolchain: everything is made beside the target, made
//! durable, renamed to a generation of its own, and the target's name, a link, is
//! swapped by one rename.

use std::path::{Path, PathBuf};

use super::gc::is_print;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs;
use crate::host::hash::Digest;
use crate::host::progress::{Event, Progress};
use crate::toolchain::layout::{Project, Tree};
use crate::toolchain::variables::shell_word;

/// The toolchain's name is taken.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// By something that is not ours.
    #[error("{}: expected a link made by reml-toolchain or nothing, got {what}", path.display())]
    Taken {
        /// The name.
        path: PathBuf,
        /// What has it.
        what: &'static str,
    },
}

impl Diagnostic for PublishError {
    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn code(&self) -> &'static str {
        "name-taken"
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Taken { path, .. } => {
                let word = |end| shell_word(&format!("{}{end}", path.display()));
                vec![format!("move it away: `mv {} {}`", word(""), word(".old"))]
            }
        }
    }
}

/// A tree in the making. Only one run per name makes one, under the name's lock. One that
/// is not published is removed: a full disk must not stay full.
#[derive(Debug)]
pub(super) struct Staging {
    folder: PathBuf,
    generations: PathBuf,
    name: String,
}

/// Refuses a name that something else has.
///
/// # Errors
/// [`PublishError::Taken`].
pub(super) fn check_name(tree: &Tree) -> Result<(), Fault> {
    let path = tree.root().to_path_buf();
    match fs::stat(&path)? {
        None => Ok(()),
        Some(meta) if meta.is_symlink() => Ok(()),
        Some(meta) => {
            let what = if meta.is_dir() { "a folder" } else { "a file" };
            Err(PublishError::Taken { path, what }.into())
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if matches!(fs::stat(&self.folder), Ok(Some(_))) {
            // What remains is swept by the next run; the failure to tell is another one.
            let _ = fs::remove_tree(&self.folder);
        }
    }
}

impl Staging {
    /// A fresh folder; what killed runs left goes first.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn begin(
        project: &Project,
        name: &str,
        progress: &dyn Progress,
    ) -> Result<Self, Fault> {
        let generations = project.generations();
        let prefix = format!("{name}.new-");
        let mut entries = fs::read_dir_sorted(&project.toolchains())?;
        entries.retain(|entry| entry.kind == fs::EntryKind::Link);
        entries.extend(fs::read_dir_sorted(&generations)?);
        for entry in entries {
            let name = entry.name.to_str().unwrap_or_default();
            if name.trim_start_matches('.').starts_with(&prefix) {
                let text =
                    format!("removing what an interrupted run left: {}", entry.path.display());
                progress.event(Event::Detail { text });
                fs::remove_tree(&entry.path)?;
            }
        }
        let folder = generations.join(format!("{prefix}{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, generations, name: name.to_owned() })
    }

    /// Where the tree is made.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until everything in it is on disk.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn make_durable(&self) -> Result<(), Fault> {
        Ok(fs::sync_file_system(&self.folder)?)
    }

    /// Makes the staged tree the toolchain. The generation before stays until the next
    /// run, for programs that still use it, and any that `exec` or a tool holds stays, too.
    ///
    /// # Errors
    /// The disk refuses; the toolchain is the old one then.
    pub(super) fn publish(self, tree: &Tree, fingerprint: &Digest) -> Result<(), Fault> {
        let before = fs::read_link(tree.root()).ok();
        let generation = self.free_name(fingerprint)?;
        fs::rename(&self.folder, &self.generations.join(&generation))?;
        fs::sync_dir(&self.generations)?;
        let target = Path::new(".gen").join(&generation);
        let link = tree.root().with_file_name(format!(".{}.new-{}", self.name, std::process::id()));
        if fs::stat(&link)?.is_some() {
            fs::remove_file(&link)?;
        }
        fs::symlink(&target, &link)?;
        fs::rename(&link, tree.root())?;
        if let Some(folder) = tree.root().parent() {
            fs::sync_dir(folder)?;
        }
        self.drop_old(&generation, before.as_deref())
    }

    fn free_name(&self, fingerprint: &Digest) -> Result<String, Fault> {
        let base = format!("{}-{}", self.name, fingerprint.short());
        let mut name = base.clone();
        let mut count = 1;
        while fs::stat(&self.generations.join(&name))?.is_some() {
            count += 1;
            name = format!("{base}.{count}");
        }
        Ok(name)
    }

    fn drop_old(&self, current: &str, before: Option<&Path>) -> Result<(), Fault> {
        let before = before.and_then(Path::file_name);
        for entry in fs::read_dir_sorted(&self.generations)? {
            let Some(name) = entry.name.to_str() else { continue };
            let is_ours = name.strip_prefix(&self.name).is_some_and(is_print);
            if is_ours
                && name != current
                && Some(entry.name.as_os_str()) != before
                && !fs::is_in_use(&Tree::new(entry.path.clone()).stamp())
            {
                fs::remove_tree(&entry.path)?;
            }
        }
        Ok(())
    }
}
