//! What a file is, beyond its content: mode, time, digest, and what its volume can tell
//! apart. It changes nothing but times, and leaves nothing behind.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::FsError;
use crate::host::hash::Digest;

/// What lies at `path`, links not followed; it must be there.
///
/// # Errors
/// When nothing is there or it cannot be looked at.
pub fn metadata(path: &Path) -> Result<Metadata, FsError> {
    std::fs::symlink_metadata(path).map_err(FsError::io("look at", path))
}

/// When it was written, in seconds since 1970 (UTC).
#[must_use]
pub fn modified_seconds(metadata: &Metadata) -> i64 {
    metadata.mtime()
}

/// Whether its owner may execute it.
#[must_use]
pub fn is_executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o100 != 0
}

/// Sets when a file was written, in seconds since 1970 (UTC).
///
/// # Errors
/// When the system refuses.
pub fn set_modified(path: &Path, seconds: i64) -> Result<(), FsError> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let time: SystemTime = if seconds < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance };
    let file = File::open(path).map_err(FsError::io("open", path))?;
    file.set_modified(time).map_err(FsError::io("set the time of", path))
}

/// The folder and the last name of a path whose names are joined by `/`; `.` for none.
#[must_use]
pub fn folder_and_name(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((".", path))
}

/// Looks at the files of one tree, one after the other. The folder of the last one stays
/// open, so that a neighbour costs its own name instead of its whole path.
#[derive(Debug)]
pub struct Glance {
    root: File,
    folder: Option<(String, File)>,
}

/// What a [`Glance`] sees; links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Whether it is a regular file.
    pub is_file: bool,
    /// In bytes.
    pub size: u64,
    /// When it was written, in seconds since 1970 (UTC).
    pub seconds: i64,
    /// Whether its owner may execute it.
    pub executable: bool,
    /// Whether anybody may write to it, by its mode.
    pub writable: bool,
}

impl Glance {
    /// Opens the tree's folder.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn new(root: &Path) -> Result<Self, FsError> {
        let root = File::open(root).map_err(FsError::io("open", root))?;
        Ok(Self { root, folder: None })
    }

    /// What lies in `folder` (relative, names joined by `/`; `.` for the root) under `name`;
    /// `None` when nothing does.
    ///
    /// # Errors
    /// The system's reason why that cannot be told.
    pub fn look(&mut self, folder: &str, name: &str) -> io::Result<Option<Sight>> {
        let folder = match self.enter(folder) {
            Ok(folder) => folder,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
            Ok(stat) => Ok(Some(Sight {
                is_file: FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile,
                size: u64::try_from(stat.st_size).unwrap_or_default(),
                seconds: stat.st_mtime,
                executable: Mode::from_raw_mode(stat.st_mode).contains(Mode::XUSR),
                writable: stat.st_mode & 0o222 != 0,
            })),
        }
    }

    /// What the link `name` in `folder` says; `None` when there is no link.
    #[must_use]
    pub fn link(&mut self, folder: &str, name: &str) -> Option<PathBuf> {
        let folder = self.enter(folder).ok()?;
        let target = rustix::fs::readlinkat(folder, name, Vec::new()).ok()?;
        Some(OsString::from_vec(target.into_bytes()).into())
    }

    /// Digest of the regular file `name` in `folder`; a link is not followed.
    ///
    /// # Errors
    /// The system's reason why it cannot be read.
    pub fn digest(&mut self, folder: &str, name: &str, known: &Digests) -> io::Result<Digest> {
        let folder = self.enter(folder)?;
        // A FIFO must not make it wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        known.of(File::from(rustix::fs::openat(folder, name, flags, Mode::empty())?))
    }

    /// The folder, open.
    fn enter(&mut self, folder: &str) -> Result<&File, Errno> {
        if self.folder.as_ref().is_none_or(|(open, _)| open != folder) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let opened = rustix::fs::openat(&self.root, folder, flags, Mode::empty())?;
            self.folder = Some((folder.to_owned(), opened.into()));
        }
        Ok(self.folder.as_ref().map_or(&self.root, |(_, open)| open))
    }
}

/// The digests of files that threads look at: a file is read once, however many names it has.
#[derive(Debug, Default)]
pub struct Digests(Mutex<BTreeMap<Identity, Digest>>);

/// Device, inode, size in bytes and time of writing: file systems that make up their inode
/// numbers may give one to two files.
type Identity = (u64, u64, u64, i64, i64);

impl Digests {
    fn of(&self, file: File) -> io::Result<Digest> {
        let it = file.metadata()?;
        let identity = (it.dev(), it.ino(), it.len(), it.mtime(), it.mtime_nsec());
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = known().get(&identity) {
            return Ok(*digest);
        }
        let (digest, _) = Digest::of_reader(file)?;
        known().insert(identity, digest);
        Ok(digest)
    }
}

/// Digest and size in bytes of a regular file.
///
/// # Errors
/// When it cannot be read or is not one.
pub fn digest(path: &Path) -> Result<(Digest, u64), FsError> {
    let file = super::open_regular(path)?;
    Digest::of_reader(file).map_err(FsError::io("read", path))
}

/// The first bytes of a regular file, at most `length`.
///
/// # Errors
/// When it cannot be read or is not one.
pub fn read_head(path: &Path, length: u64) -> Result<Vec<u8>, FsError> {
    let mut head = Vec::new();
    let mut bounded = super::open_regular(path)?.take(length);
    bounded.read_to_end(&mut head).map_err(FsError::io("read", path))?;
    Ok(head)
}

/// Whether names that differ in case only are two files in this folder: asked of the
/// volume itself, since systems have both kinds.
///
/// # Errors
/// When nothing can be made in the folder.
pub fn is_case_sensitive(folder: &Path) -> Result<bool, FsError> {
    let name = format!(".case-probe-{}-{:?}", std::process::id(), std::thread::current().id());
    let probe = folder.join(&name);
    super::write(&probe, b"")?;
    let other = folder.join(name.to_uppercase());
    let found = super::stat(&other);
    super::remove_file(&probe)?;
    Ok(found?.is_none())
}

/// The number of the user whose rights this process has.
#[must_use]
pub fn own_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether a file carries an extended attribute of this name, such as macOS's quarantine;
/// links are followed, and what cannot be asked has none.
#[must_use]
pub fn has_attribute(path: &Path, name: &str) -> bool {
    let mut nothing = [0_u8; 0];
    rustix::fs::getxattr(path, name, &mut nothing).is_ok()
}

/// Finds out whether the file system takes symbolic links, by making `probe` and removing it.
///
/// # Errors
/// [`FsError::NoLinks`], or the folder takes nothing at all.
pub fn probe_links(probe: &Path) -> Result<(), FsError> {
    super::remove_file(probe)?;
    match std::os::unix::fs::symlink("nowhere", probe) {
        Ok(()) => super::remove_file(probe),
        // vfat and exFAT say that it is not permitted.
        Err(source) if is_unable(&source) => {
            Err(FsError::NoLinks { path: probe.parent().unwrap_or(probe).to_path_buf(), source })
        }
        Err(source) => Err(FsError::io("make a link in the folder of", probe)(source)),
    }
}

fn is_unable(error: &io::Error) -> bool {
    let unable = [Errno::PERM, Errno::NOSYS, Errno::OPNOTSUPP].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| unable.contains(&code))
}

/// Whether the system lets us start the program `file`: its mode and its mount say so.
///
/// # Errors
/// [`FsError::NoExec`] when it does not; when there is no such file.
pub fn may_be_started(file: &Path) -> Result<(), FsError> {
    match rustix::fs::access(file, rustix::fs::Access::EXEC_OK) {
        Ok(()) => Ok(()),
        Err(Errno::ACCESS) => Err(FsError::NoExec { path: file.to_path_buf() }),
        Err(errno) => Err(FsError::io("look at", file)(errno.into())),
    }
}

/// Waits until everything written to the file system of `folder` is on disk.
///
/// # Errors
/// When the disk fails.
pub fn sync_file_system(folder: &Path) -> Result<(), FsError> {
    let file = File::open(folder).map_err(FsError::io("open", folder))?;
    #[cfg(target_os = "linux")]
    {
        rustix::fs::syncfs(&file)
            .map_err(|errno| FsError::io("write to the disk of", folder)(errno.into()))
    }
    #[cfg(not(target_os = "linux"))]
    {
        // sync(2) has no error to tell; the handle shows that the folder is there.
        drop(file);
        rustix::fs::sync();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(is_case_sensitive(folder.path()).unwrap(), cfg!(target_os = "linux"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_attribute_is_there_when_it_was_set_and_only_under_its_name() {
        // Folders in memory take no attributes of users on older kernels.
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let file = folder.path().join("f");
        std::fs::write(&file, b"").unwrap();
        assert!(!has_attribute(&file, "user.reml"));
        rustix::fs::setxattr(&file, "user.reml", b"0081", rustix::fs::XattrFlags::empty()).unwrap();
        assert!(has_attribute(&file, "user.reml"));
        assert!(!has_attribute(&file, "user.other"));
        assert!(!has_attribute(&folder.path().join("absent"), "user.reml"));
    }

    #[test]
    fn a_file_of_two_names_is_read_once_and_never_taken_for_another() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [("a", "abc"), ("c", "xyz")] {
            std::fs::write(folder.path().join(name), content).unwrap();
            set_modified(&folder.path().join(name), 1).unwrap();
        }
        std::fs::hard_link(folder.path().join("a"), folder.path().join("b")).unwrap();
        let known = Digests::default();
        let mut glance = Glance::new(folder.path()).unwrap();
        for (name, content) in [("a", b"abc"), ("b", b"abc"), ("c", b"xyz")] {
            assert_eq!(glance.digest(".", name, &known).unwrap(), Digest::of(content));
        }
        assert_eq!(known.0.lock().unwrap().len(), 2);
        std::fs::write(folder.path().join("b"), "abd").unwrap();
        assert_eq!(glance.digest(".", "a", &known).unwrap(), Digest::of(b"abd"));
    }

    #[test]
    fn a_time_is_kept_to_the_second() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        std::fs::write(&file, b"abc").unwrap();
        for seconds in [0, 1_783_764_997, 4_294_967_295] {
            set_modified(&file, seconds).unwrap();
            assert_eq!(modified_seconds(&metadata(&file).unwrap()), seconds);
        }
        assert_eq!(digest(&file).unwrap(), (Digest::of(b"abc"), 3));
    }
}
