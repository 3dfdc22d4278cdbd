//! What a tree is made of, in folders that are kept: a second target or a second try costs
//! links instead of decompression and copies. A folder holds the files, in `tree`, and their
//! list; whoever takes one says by its name what must be in it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::World;
use crate::host::fault::Fault;
use crate::host::fs::{self, Glance, Hold, Patience};
use crate::host::tree::Tree;
use crate::store::Store;
use crate::sysroot::listing;
use crate::sysroot::manifest::{Entry, EntryKind};

/// The list of a folder's files.
const LIST: &str = "entries.tsv";

/// A kept folder and what lies in it.
#[derive(Debug)]
pub(super) struct Unpacked {
    /// `name_version_architecture` of a package.
    pub(super) name: String,
    /// The folder.
    pub(super) folder: Tree,
    /// What lies in it.
    pub(super) entries: Vec<Entry>,
}

/// How well a kept folder is looked at before a tree shares its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Kind, size, time and mode of every file.
    Quick,
    /// Every byte too.
    Whole,
    /// Nothing kept is used: all is made again.
    Anew,
}

/// The kept folders, and those of this run, which are new.
#[derive(Debug)]
pub(super) struct Shelf {
    root: PathBuf,
    care: Care,
    new: Mutex<New>,
    /// Held while folders are in use, so that no other run sweeps them.
    _guard: fs::Lock,
}

/// New folders and the names they get once they are safe on disk. Those that get none
/// are removed: a full disk must not stay full.
#[derive(Debug, Default)]
struct New(Vec<(PathBuf, PathBuf)>);

impl Drop for New {
    fn drop(&mut self) {
        for (fresh, _) in &self.0 {
            // What remains is swept by the next run; the failure to tell is another one.
            let _ = fs::remove_tree(fresh);
        }
    }
}

impl Shelf {
    /// Removes what killed runs left, if no other run is at work; then says that we are.
    pub(super) fn open(world: &World<'_>, store: &Store, care: Care) -> Result<Self, Fault> {
        let root = world.project.unpacked();
        fs::create_dir_below(store.root(), &root)?;
        let path = lock_file(&root);
        match fs::lock(&path, Hold::Exclusive, Patience::Refuse, "prepare", world.progress) {
            Ok(_alone) => {
                for entry in fs::read_dir_sorted(&root)? {
                    if entry.name.as_encoded_bytes().starts_with(b".") && entry.path != path {
                        fs::remove_tree(&entry.path)?;
                    }
                }
            }
            Err(fs::FsError::Held { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let guard = fs::lock(&path, Hold::Shared, world.patience, "prepare", world.progress)?;
        Ok(Self { root, care, new: Mutex::default(), _guard: guard })
    }

    /// Where the folders lie.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// How many folders are new.
    pub(super) fn anew(&self) -> usize {
        self.lock().0.len()
    }

    /// The kept folder `key`; or a new one with what `fill` puts into it.
    pub(super) fn take(
        &self,
        key: &str,
        name: String,
        fill: impl FnOnce(&Tree) -> Result<Vec<Entry>, Fault>,
    ) -> Result<Unpacked, Fault> {
        let place = self.root.join(key);
        if let Some((folder, entries)) = self.found(&place)? {
            return Ok(Unpacked { name, folder, entries });
        }
        let fresh = self.root.join(format!(".new-{}-{key}", std::process::id()));
        self.lock().0.push((fresh.clone(), place));
        fs::create_dir_below(&self.root, &fresh)?;
        let folder = Tree::create(fresh.join("tree"))?;
        let entries = fill(&folder)?;
        fs::write(&fresh.join(LIST), listing::render(&entries).as_bytes())?;
        Ok(Unpacked { name, folder, entries })
    }

    fn found(&self, place: &Path) -> Result<Option<(Tree, Vec<Entry>)>, Fault> {
        let list = place.join(LIST);
        if self.care == Care::Anew || fs::stat(place)?.is_none() {
            return Ok(None);
        }
        if fs::stat(&list)?.is_none() {
            // What is kept comes with its list, so that this is half of a removed one.
            fs::remove_tree(place)?;
            return Ok(None);
        }
        let tree = place.join("tree");
        let entries = listing::parse(&fs::read_text(&list)?);
        let Some(entries) = entries.filter(|entries| is_whole(&tree, entries, self.care)) else {
            fs::remove_tree(place)?;
            return Ok(None);
        };
        Ok(Some((Tree::open(tree)?, entries)))
    }

    /// Gives the new folders their names. Called when their content is safe on disk.
    pub(super) fn keep(self) -> Result<(), Fault> {
        for (fresh, place) in &std::mem::take(&mut self.lock().0) {
            // Another run may have kept the same in the meantime.
            if fs::stat(place)?.is_some() || fs::rename(fresh, place).is_err() {
                fs::remove_tree(fresh)?;
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, New> {
        self.new.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held while the folders in `root` are used.
pub(super) fn lock_file(root: &Path) -> PathBuf {
    root.join(".lock")
}

/// Whether a kept folder still holds what was put into it. Trees share its files by hard
/// links, so whoever wrote into a tree has written here. The manifest of a tree has the
/// digests of the time of unpacking, so a change that a quick look misses is found by
/// `verify`.
fn is_whole(folder: &Path, entries: &[Entry], care: Care) -> bool {
    let Ok(mut glance) = Glance::new(folder) else { return false };
    entries.iter().all(|entry| {
        let EntryKind::File { size, sha256, executable } = &entry.kind else { return true };
        let is_same = |seen: fs::Sight| {
            seen.is_file
                && !seen.writable
                && (seen.size, seen.seconds, seen.executable) == (*size, entry.seconds, *executable)
        };
        let (folder_of, name) = fs::folder_and_name(entry.on_disk());
        matches!(glance.look(folder_of, name), Ok(Some(seen)) if is_same(seen))
            && (care == Care::Quick
                || fs::digest(&folder.join(entry.on_disk())).is_ok_and(|(got, _)| got == *sha256))
    })
}
