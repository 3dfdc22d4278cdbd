//! The one door to files and folders: thin wrappers whose errors name the operation and the path.
//! They must never change anything outside the path given, follow a link at a lock's name, or
//! leave a half-written file under its final name.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use draft::{Draft, settled, sweep_drafts, with_cause, write_atomic};
pub use error::FsError;
pub(super) use error::{LARGER_FILES, MORE_FILES, is_out_of_files};
pub use facts::{
    Digests, Glance, Sight, digest, folder_and_name, has_attribute, is_case_sensitive,
    is_executable, may_be_started, metadata, modified_seconds, own_user, probe_links, read_head,
    set_modified, sync_file_system,
};
pub use lock::{
    Hold, Lock, Patience, Share, go_on_without_locks, is_in_use, lock, share, share_with_children,
};
pub use owner::Owner;
pub use read::{read, read_at_most, read_no_link, read_text, read_with_digest};
pub use volume::{Volume, free_space, require_space, volume};

mod draft;
mod error;
mod facts;
mod lock;
mod owner;
mod read;
mod volume;

/// The mode of data files, whatever the umask says.
pub const FILE_MODE: u32 = 0o644;
/// The mode of folders and programs, whatever the umask says.
pub const DIR_MODE: u32 = 0o755;

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: OsString,
    pub path: PathBuf,
    pub kind: EntryKind,
}

/// What a name stands for; links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Dir,
    Link,
    /// A device, FIFO or socket.
    Special,
}

/// Opens a file for reading.
///
/// # Errors
/// When it cannot be opened.
pub fn open(path: &Path) -> Result<File, FsError> {
    File::open(path).map_err(FsError::io("open", path))
}

/// Opens a regular file for reading, without ever waiting for the other end of a FIFO.
///
/// # Errors
/// When it cannot be opened or is not a regular file.
pub fn open_regular(path: &Path) -> Result<File, FsError> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags(rustix::fs::OFlags::NONBLOCK));
    regular(options.open(path).map_err(FsError::io("open", path))?, path)
}

/// Opens a file for reading and writing, making it (mode 0644) when it is not there. The name
/// itself must not be a link.
///
/// # Errors
/// When it cannot be opened or made, or is a link or not a regular file.
pub fn open_private(path: &Path) -> Result<File, FsError> {
    open_own(path, OpenOptions::new().write(true).create(true).truncate(false))
}

/// As [`open_private`], but every write goes to the file's end, wherever that is by then.
///
/// # Errors
/// As [`open_private`].
pub fn open_append(path: &Path) -> Result<File, FsError> {
    open_own(path, OpenOptions::new().append(true).create(true))
}

fn open_own(path: &Path, options: &mut OpenOptions) -> Result<File, FsError> {
    use rustix::fs::OFlags;
    options.read(true).mode(FILE_MODE).custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK));
    let opened = options.open(path).map_err(|error| {
        if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            FsError::NotRegular { path: path.to_path_buf() }
        } else {
            FsError::io("open", path)(error)
        }
    });
    let file = regular(opened?, path)?;
    if let Some(owner) = path.parent().and_then(Owner::to_inherit) {
        owner.adopt(&file);
    }
    // A hostile umask may have taken even the owner's rights away.
    let mode = file.metadata().map_err(FsError::io("look at", path))?.permissions().mode();
    if mode & 0o600 != 0o600 {
        file.set_permissions(Permissions::from_mode(FILE_MODE))
            .map_err(FsError::io("set the mode of", path))?;
    }
    Ok(file)
}

fn flags(flags: rustix::fs::OFlags) -> i32 {
    // The bits of open(2)'s flags are an int in C; the cast keeps them as they are.
    flags.bits().cast_signed()
}

fn regular(file: File, path: &Path) -> Result<File, FsError> {
    let metadata = file.metadata().map_err(FsError::io("look at", path))?;
    if metadata.is_file() {
        Ok(file)
    } else {
        Err(FsError::NotRegular { path: path.to_path_buf() })
    }
}

/// What lies at `path`, links not followed; `None` when nothing does, be it that a file
/// stands where a folder of the path would be.
///
/// # Errors
/// When that cannot be found out.
pub fn stat(path: &Path) -> Result<Option<Metadata>, FsError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(FsError::io("look at", path)(error)),
        },
    }
}

/// Makes a folder and those above it, each new one with mode 0755 under any umask.
///
/// # Errors
/// When a folder cannot be made, or something else has its name.
pub fn create_dir_all(path: &Path) -> Result<(), FsError> {
    let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    make_dirs(path)
}

/// Held while folders are made: under a umask such as 0777 one is closed until it has its
/// mode, and no other thread may take it for made before.
static MAKING: Mutex<()> = Mutex::new(());

fn make_dirs(path: &Path) -> Result<(), FsError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_dirs(parent)?;
    }
    match fs::create_dir(path) {
        Ok(()) => {
            owner::adopt(path);
            set_mode(path, DIR_MODE)
        }
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(FsError::io("create the folder", path)(error)),
    }
}

/// As [`create_dir_all`], but only below `base`, which must be there: a place that somebody
/// moved away meanwhile is not made anew.
///
/// # Errors
/// As [`create_dir_all`], and when `base` is gone.
pub fn create_dir_below(base: &Path, path: &Path) -> Result<(), FsError> {
    let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    make_dirs_below(base, path)
}

fn make_dirs_below(base: &Path, path: &Path) -> Result<(), FsError> {
    if path == base || path.is_dir() || !path.starts_with(base) {
        fs::metadata(base).map(drop).map_err(FsError::io("find", base))
    } else {
        path.parent().map_or(Ok(()), |parent| make_dirs_below(base, parent))?;
        make_dirs(path)
    }
}

/// Sets the permission bits.
///
/// # Errors
/// When the system refuses.
pub fn set_mode(path: &Path, mode: u32) -> Result<(), FsError> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(FsError::io("set the mode of", path))
}

/// Renames within one file system, replacing `to` if it is a file or an empty folder.
///
/// # Errors
/// When the system refuses, e.g. across devices.
pub fn rename(from: &Path, to: &Path) -> Result<(), FsError> {
    fs::rename(from, to).map_err(FsError::pair("rename", from, to))
}

/// Writes a new file or over an old one, for content that a later step makes durable
/// and gives its name; [`write_atomic`] does both at once.
///
/// # Errors
/// When it cannot be made or written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    fs::write(path, bytes).map_err(FsError::io("write", path))?;
    owner::adopt(path);
    Ok(())
}

/// Gives a file a second name.
///
/// # Errors
/// When the system refuses; file systems without hard links do, then [`copy`].
pub fn hard_link(from: &Path, to: &Path) -> Result<(), FsError> {
    fs::hard_link(from, to).map_err(FsError::pair("hard-link", from, to))
}

/// Makes the symbolic link `link`, which says `target`.
///
/// # Errors
/// When the system refuses, e.g. because `link` exists.
pub fn symlink(target: &Path, link: &Path) -> Result<(), FsError> {
    std::os::unix::fs::symlink(target, link).map_err(FsError::io("make the link", link))
}

/// What a symbolic link says.
///
/// # Errors
/// When it is not one, or cannot be read.
pub fn read_link(path: &Path) -> Result<PathBuf, FsError> {
    fs::read_link(path).map_err(FsError::io("read the link", path))
}

/// Copies content and mode of a file; returns the bytes copied.
///
/// # Errors
/// When reading or writing fails.
pub fn copy(from: &Path, to: &Path) -> Result<u64, FsError> {
    let bytes = fs::copy(from, to).map_err(FsError::pair("copy", from, to))?;
    owner::adopt(to);
    Ok(bytes)
}

/// The absolute path with all links resolved.
///
/// # Errors
/// When a part of it is missing, a loop, or unreadable.
pub fn resolve(path: &Path) -> Result<PathBuf, FsError> {
    fs::canonicalize(path).map_err(FsError::io("resolve", path))
}

/// Removes a file or link; a missing one is fine.
///
/// # Errors
/// When the system refuses.
pub fn remove_file(path: &Path) -> Result<(), FsError> {
    absent_is_fine(fs::remove_file(path)).map_err(FsError::io("remove", path))
}

/// Removes whatever lies at `path`; a link goes, never what it points at; nothing there is fine.
///
/// # Errors
/// When the system refuses.
pub fn remove_tree(path: &Path) -> Result<(), FsError> {
    match stat(path)? {
        None => Ok(()),
        Some(metadata) if metadata.is_dir() => {
            absent_is_fine(fs::remove_dir_all(path)).map_err(FsError::io("remove", path))
        }
        Some(_) => remove_file(path),
    }
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The names in a folder, in the order of their bytes: the same on every machine.
///
/// # Errors
/// When the folder cannot be listed.
pub fn read_dir_sorted(path: &Path) -> Result<Vec<Entry>, FsError> {
    let failed = || FsError::io("list", path);
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let kind = entry.file_type().map_err(failed())?;
        let kind = if kind.is_dir() {
            EntryKind::Dir
        } else if kind.is_file() {
            EntryKind::File
        } else if kind.is_symlink() {
            EntryKind::Link
        } else {
            EntryKind::Special
        };
        entries.push(Entry { name: entry.file_name(), path: entry.path(), kind });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Makes a file's content durable.
///
/// # Errors
/// When the system reports lost data.
pub fn sync_file(file: &File, path: &Path) -> Result<(), FsError> {
    file.sync_all().map_err(FsError::io("flush", path))
}

/// Makes the names in a folder durable, after a file was made or renamed there.
///
/// # Errors
/// When the system reports a failure other than not knowing the operation (some FUSE and SMB).
pub fn sync_dir(path: &Path) -> Result<(), FsError> {
    let folder = open(if path.as_os_str().is_empty() { Path::new(".") } else { path })?;
    match folder.sync_all() {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) =>
        {
            Ok(())
        }
        other => other.map_err(FsError::io("flush the folder", path)),
    }
}

#[cfg(test)]
mod tests;
