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

/// Refuses a disk without symbolic links: nothing could be published there.
///
/// # Errors
/// There are none, or the folder takes nothing.
pub(super) fn check_disk(tree: &Tree, name: &str) -> Result<(), Fault> {
    Ok(fs::probe_links(&link_in_the_making(tree, name))?)
}

/// The toolchain's link before it has its name. What a killed run left of it is swept.
fn link_in_the_making(tree: &Tree, name: &str) -> PathBuf {
    tree.root().with_file_name(format!(".{name}.new-{}", std::process::id()))
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
        fs::create_dir_below(&generations, &folder)?;
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
    pub(super) fn publish(
        self,
        tree: &Tree,
        fingerprint: &Digest,
        progress: &dyn Progress,
    ) -> Result<(), Fault> {
        let before = fs::read_link(tree.root()).ok();
        let generation = self.free_name(fingerprint)?;
        let place = self.generations.join(&generation);
        fs::rename(&self.folder, &place)?;
        if let Err(error) = self.swap(tree, &generation) {
            // Nobody will ever use it, and a full disk must not stay full; failing to remove
            // it is not the failure to tell.
            let _ = fs::remove_tree(&place);
            let _ = fs::remove_file(&link_in_the_making(tree, &self.name));
            return Err(error);
        }
        // From here on the new tree is the toolchain, and what fails is no failure of the run.
        let folder = tree.root().parent().unwrap_or(tree.root());
        let flushed = fs::sync_dir(folder).map_err(Fault::from);
        for late in [flushed, self.drop_old(&generation, before.as_deref())] {
            if let Err(error) = late {
                let text = format!("the toolchain is ready, but: {}", fs::with_cause(&error));
                progress.event(Event::Warning { text });
            }
        }
        Ok(())
    }

    /// Gives the toolchain's name to a generation.
    fn swap(&self, tree: &Tree, generation: &str) -> Result<(), Fault> {
        fs::sync_dir(&self.generations)?;
        let link = link_in_the_making(tree, &self.name);
        fs::remove_file(&link)?;
        fs::symlink(&Path::new(".gen").join(generation), &link)?;
        Ok(fs::rename(&link, tree.root())?)
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
