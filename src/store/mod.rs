//! The cache of fetched files: each lies under its path in the lock, so that
//! `sha256sum --check --ignore-missing` works from the cache folder. It must never hand out bytes
//! as verified that were not hashed, overwrite a damaged file silently, or leave the cache folder.

use std::fs::{File, Permissions};
use std::io::{Read, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

pub use check::Damage;
pub use error::StoreError;
pub use obtain::{CONNECTIONS, Obtained, Source};

use crate::host::fs::{self, FsError, Hold, Lock, Patience};
use crate::host::http::hex;
use crate::host::progress::{Event, Progress, Silent};

mod check;
mod error;
pub mod kept;
mod obtain;
pub mod scratch;

/// Where unfinished files lie, inside the cache.
const TEMPORARY: &str = "tmp";

/// A file that the lock accepts, and where it can come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its path in the lock, e.g. `pool/main/g/glibc/libc6_2.36-9_amd64.deb`.
    pub path: String,
    pub sha256: [u8; 32],
    /// In bytes.
    pub size: u64,
    /// Where it can be fetched, best first.
    pub urls: Vec<String>,
}

/// The cache folder.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// The right to write one unfinished file; others wait for it.
#[derive(Debug)]
struct Claim {
    lock: Lock,
}

/// What a sweep took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    pub files: u64,
    pub bytes: u64,
}

impl Store {
    /// Opens the cache, making its folder when it is not there. A cache that cannot be written
    /// still serves what it has.
    ///
    /// # Errors
    /// When the folder can neither be found nor made.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(root)?;
        Ok(Self { root: root.to_path_buf() })
    }

    /// The cache in this folder, which need not be there.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    /// The cache folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the file with this lock path lies or would lie.
    ///
    /// # Errors
    /// [`StoreError::BadPath`] unless the path stays inside the cache and apart from its temporary
    /// folder.
    pub fn place(&self, path: &str) -> Result<PathBuf, StoreError> {
        let bad = |reason| StoreError::BadPath { path: path.into(), reason };
        if path.chars().any(char::is_control) {
            return Err(bad("it holds control characters"));
        }
        // Compared as text too: `components` silently drops `.` and doubled slashes.
        let plain = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        let below = Path::new(path);
        if !plain || !below.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(bad("expected a relative path without `.`, `..` and empty parts"));
        }
        if below.starts_with(TEMPORARY) {
            return Err(bad("this folder is for unfinished files"));
        }
        Ok(self.root.join(below))
    }

    /// Whether a file of the right size lies in the cache. That is cheap and proves nothing: whoever
    /// uses the bytes hashes them, as [`Store::read`] does.
    ///
    /// # Errors
    /// When the path is bad or cannot be looked at.
    pub fn has(&self, blob: &Blob) -> Result<bool, StoreError> {
        let found = fs::stat(&self.place(&blob.path)?)?;
        Ok(found.is_some_and(|found| found.is_file() && found.len() == blob.size))
    }

    /// Opens a cached file; the reader hashes what it reads, and calls [`Store::reject`] on damage.
    ///
    /// # Errors
    /// When it is not there or not a regular file.
    pub fn open_blob(&self, path: &str) -> Result<File, StoreError> {
        Ok(fs::open_regular(&self.place(path)?)?)
    }

    /// The verified content of a cached file. A damaged one is moved aside.
    ///
    /// # Errors
    /// When it is not there, or [`StoreError::Damaged`] when its bytes are not the expected ones.
    pub fn read(&self, blob: &Blob) -> Result<Vec<u8>, StoreError> {
        let place = self.place(&blob.path)?;
        let bytes = match fs::read_at_most(&place, blob.size) {
            Err(FsError::TooLong { .. }) => None,
            other => Some(other?),
        };
        let sum = |bytes: &Vec<u8>| <[u8; 32]>::from(Sha256::digest(bytes));
        match bytes.as_ref().map(sum) {
            Some(got) if got == blob.sha256 => Ok(bytes.unwrap_or_default()),
            got => Err(StoreError::Damaged {
                path: blob.path.clone(),
                expected: hex(&blob.sha256),
                got: got.map_or_else(|| "a longer file".into(), |got| hex(&got)),
                moved: self.reject(&blob.path)?,
            }),
        }
    }

    /// Moves a damaged file to its name with `.bad` behind it, and returns that name.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn reject(&self, path: &str) -> Result<PathBuf, StoreError> {
        let place = self.place(path)?;
        let mut name = place.clone().into_os_string();
        name.push(".bad");
        let bad = PathBuf::from(name);
        fs::rename(&place, &bad)?;
        Ok(bad)
    }

    /// Takes a file into the cache from somewhere else, checking size and hash on the way. When
    /// another process puts the same file, one waits for the other.
    ///
    /// # Errors
    /// [`StoreError::WrongSize`] or [`StoreError::WrongHash`] when it is not the expected file;
    /// when reading or writing fails. Nothing is then left in the cache.
    pub fn put(&self, blob: &Blob, source: &mut dyn Read) -> Result<(), StoreError> {
        let place = self.place(&blob.path)?;
        let claim = self.claim(blob, &Silent)?;
        let part = claim.lock.path();
        let filled = fill(claim.lock.file(), part, blob, source);
        if filled.is_err() {
            fs::remove_file(part)?;
        }
        filled.and_then(|()| self.publish(&claim, &place))
    }

    /// Unfinished files of earlier runs that `wanted` does not need.
    ///
    /// # Errors
    /// When the temporary folder cannot be listed.
    pub fn unwanted_parts(&self, wanted: &[Blob]) -> Result<Vec<PathBuf>, StoreError> {
        let folder = self.root.join(TEMPORARY);
        if fs::stat(&folder)?.is_none() {
            return Ok(Vec::new());
        }
        let needed: Vec<PathBuf> = wanted
            .iter()
            .filter(|blob| !matches!(self.has(blob), Ok(true)))
            .map(|blob| self.part(blob))
            .collect();
        let entries = fs::read_dir_sorted(&folder)?.into_iter();
        Ok(entries
            .filter(|entry| entry.kind == fs::EntryKind::File && !needed.contains(&entry.path))
            .map(|entry| entry.path)
            .collect())
    }

    /// Removes the [`Store::unwanted_parts`] that nobody writes.
    ///
    /// # Errors
    /// When the temporary folder cannot be listed or changed.
    pub fn sweep(&self, wanted: &[Blob]) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        for path in self.unwanted_parts(wanted)? {
            let file = fs::open_private(&path)?;
            let bytes = file.metadata().map_or(0, |metadata| metadata.len());
            match Lock::on(file, &path, Hold::Exclusive, Patience::Refuse, &Silent) {
                Ok(_lock) => fs::remove_file(&path)?,
                Err(FsError::Held { .. }) => continue,
                Err(error) => return Err(error.into()),
            }
            swept.files += 1;
            swept.bytes += bytes;
        }
        Ok(swept)
    }

    /// The unfinished file of a blob: named by hash, so that all who want the bytes meet there.
    fn part(&self, blob: &Blob) -> PathBuf {
        self.root.join(TEMPORARY).join(format!("{}.part", hex(&blob.sha256)))
    }

    /// Waits for the right to write a blob's unfinished file.
    fn claim(&self, blob: &Blob, progress: &dyn Progress) -> Result<Claim, StoreError> {
        let part = self.part(blob);
        fs::create_dir_below(&self.root, &self.root.join(TEMPORARY))?;
        loop {
            let take = |patience| {
                Lock::on(fs::open_private(&part)?, &part, Hold::Exclusive, patience, &Silent)
            };
            let lock = match take(Patience::Refuse) {
                Err(FsError::Held { .. }) => {
                    let text =
                        format!("{}: waiting for another process that fetches it", blob.path);
                    progress.event(Event::Note { text });
                    take(Patience::Wait)?
                }
                other => other?,
            };
            // Whoever held it may have renamed or removed the file: then this lock is on a file
            // without that name, and the turn comes again on the new one.
            let locked = lock.file().metadata().map_err(FsError::io("look at", &part))?;
            let named = fs::stat(&part)?;
            if named.is_some_and(|named| (named.dev(), named.ino()) == (locked.dev(), locked.ino()))
            {
                return Ok(Claim { lock });
            }
        }
    }

    /// Makes a finished and checked file durable and gives it its name.
    fn publish(&self, claim: &Claim, place: &Path) -> Result<(), StoreError> {
        let (file, part) = (claim.lock.file(), claim.lock.path());
        let mode = Permissions::from_mode(fs::FILE_MODE);
        file.set_permissions(mode).map_err(FsError::io("set the mode of", part))?;
        fs::sync_file(file, part)?;
        let folder = place.parent().unwrap_or(&self.root);
        fs::create_dir_below(&self.root, folder)?;
        fs::rename(part, place)?;
        fs::sync_dir(folder)?;
        Ok(())
    }
}

/// Copies `source` into the file `part`, no more than the blob's size, and checks it.
fn fill(
    mut file: &File,
    part: &Path,
    blob: &Blob,
    source: &mut dyn Read,
) -> Result<(), StoreError> {
    file.set_len(0).map_err(FsError::io("empty", part))?;
    let mut hasher = Sha256::new();
    let mut got = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = source.read(&mut buffer).map_err(FsError::io("read the source of", part))?;
        got += count as u64;
        if got > blob.size || (count == 0 && got < blob.size) {
            let (path, expected) = (blob.path.clone(), blob.size);
            return Err(StoreError::WrongSize { path, expected, got });
        }
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        file.write_all(&buffer[..count]).map_err(FsError::io("write", part))?;
    }
    let sum: [u8; 32] = hasher.finalize().into();
    if sum == blob.sha256 {
        return Ok(());
    }
    let (path, expected, got) = (blob.path.clone(), hex(&blob.sha256), hex(&sum));
    Err(StoreError::WrongHash { path, expected, got })
}
