//! Makes directories, files and links inside a tree, one component at a time from
//! open directories. It never follows a link and never replaces anything.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::{DIRECTORY, EXECUTABLE, NewFile, PLAIN, Tree, TreeError, refused, times};

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const NEW_FILE: OFlags = OFlags::WRONLY
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const READ: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

/// A place in a [`Tree`]: it keeps the directories above its last path open, at
/// most [`Walker::OPEN`] of them. Paths are relative, components joined by `/`.
#[derive(Debug)]
pub struct Walker<'t> {
    tree: &'t Tree,
    stack: Vec<(String, Arc<OwnedFd>)>,
    made: HashSet<String>,
    /// Whether the disk keeps modes as asked, found out at the first directory
    /// or file: else each one takes a further system call.
    exact: Option<bool>,
}

impl<'t> Walker<'t> {
    /// Starts at the root.
    pub(super) fn new(tree: &'t Tree) -> Self {
        Self { tree, stack: Vec::new(), made: HashSet::new(), exact: None }
    }

    /// Most directories held open.
    pub const OPEN: usize = 8;

    /// Makes a directory and those above it. One that is there already is fine.
    ///
    /// # Errors
    /// [`TreeError`] when a file or link of that name is in the way.
    pub fn directory(&mut self, path: &str) -> Result<(), TreeError> {
        if path.is_empty() || self.made.contains(path) {
            return Ok(());
        }
        let (parent, name) = split(path);
        self.directory(parent)?;
        let above = self.enter(parent)?;
        let made = match rustix::fs::mkdirat(&above, name, DIRECTORY) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(self.refused("make the directory", path, errno)),
        };
        let directory = self.enter(path)?;
        if made {
            self.tree.adopt(&directory);
            let action = "set the mode";
            self.fix_mode(directory.as_fd(), DIRECTORY)
                .map_err(|errno| self.refused(action, path, errno))?;
        }
        self.made.insert(path.to_owned());
        Ok(())
    }

    /// Makes a file; its directory must be there.
    ///
    /// # Errors
    /// [`TreeError`] when anything of that name is there.
    pub fn file(&mut self, path: &str, executable: bool) -> Result<NewFile, TreeError> {
        let (parent, name) = split(path);
        let mode = if executable { EXECUTABLE } else { PLAIN };
        let directory = self.enter(parent)?;
        let fd = rustix::fs::openat(directory, name, NEW_FILE, mode)
            .map_err(|errno| self.refused("make the file", path, errno))?;
        self.tree.adopt(&fd);
        self.fix_mode(fd.as_fd(), mode)
            .map_err(|errno| self.refused("set the mode", path, errno))?;
        Ok(NewFile { file: fd.into(), path: self.tree.path.join(path) })
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`TreeError`] when it is not there or a link.
    pub fn open(&mut self, path: &str) -> Result<File, TreeError> {
        let (parent, name) = split(path);
        let directory = self.enter(parent)?;
        rustix::fs::openat(directory, name, READ, Mode::empty())
            .map(File::from)
            .map_err(|errno| self.refused("open the file", path, errno))
    }

    /// Makes a symbolic link; its directory must be there.
    ///
    /// # Errors
    /// [`TreeError`] when anything of that name is there.
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<(), TreeError> {
        let (parent, name) = split(path);
        let directory = self.enter(parent)?;
        rustix::fs::symlinkat(target, directory, name)
            .map_err(|errno| self.refused("make the symbolic link", path, errno))
    }

    /// Makes `path` another name of the file `from`, which lies where `source`
    /// walks. `false` when these disks cannot do that: then nothing was made.
    ///
    /// # Errors
    /// [`TreeError`] when anything of that name is there, or no such file.
    pub fn hard_link(
        &mut self,
        source: &mut Walker<'_>,
        from: &str,
        path: &str,
    ) -> Result<bool, TreeError> {
        let (from_parent, from_name) = split(from);
        let (parent, name) = split(path);
        let old = source.enter(from_parent)?;
        let new = self.enter(parent)?;
        match rustix::fs::linkat(old, from_name, new, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(
                Errno::XDEV
                | Errno::PERM
                | Errno::MLINK
                | Errno::OPNOTSUPP
                | Errno::NOSYS
                | Errno::ACCESS,
            ) => Ok(false),
            Err(errno) => Err(self.refused("make the hard link", path, errno)),
        }
    }

    /// Copies the file `from`, which lies where `source` walks: as a clone that
    /// shares its blocks where the disk can, else byte by byte.
    ///
    /// # Errors
    /// [`TreeError`] for either file.
    pub fn copy(
        &mut self,
        source: &mut Walker<'_>,
        from: &str,
        path: &str,
        executable: bool,
    ) -> Result<(), TreeError> {
        let mut old = source.open(from)?;
        let time = old.metadata().and_then(|metadata| metadata.modified());
        let mut new = self.file(path, executable)?;
        if !clone_blocks(&new.file, &old) {
            // On Linux this is copy_file_range(2).
            io::copy(&mut old, &mut new.file).map_err(|error| new.refused("copy to", error))?;
        }
        time.and_then(|time| new.file.set_modified(time))
            .map_err(|error| new.refused("set the time", error))
    }

    /// Sets the time of a directory or link, in seconds since 1970.
    ///
    /// # Errors
    /// [`TreeError`] when it is not there.
    pub fn set_time(&mut self, path: &str, seconds: i64) -> Result<(), TreeError> {
        let (parent, name) = split(path);
        let directory = self.enter(parent)?;
        rustix::fs::utimensat(directory, name, &times(seconds), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| self.refused("set the time", path, errno))
    }

    /// Sets the time of every directory made through this walker, last of all:
    /// whatever is made in a directory changes its time.
    ///
    /// # Errors
    /// [`TreeError`] when the disk refuses.
    pub fn set_directory_times(&mut self, seconds: i64) -> Result<(), TreeError> {
        let mut made: Vec<String> = self.made.iter().cloned().collect();
        made.sort_unstable();
        made.iter().try_for_each(|path| self.set_time(path, seconds))
    }

    /// Closes the directories it holds open; the next path opens what it needs.
    pub fn leave(&mut self) {
        self.stack.clear();
    }

    /// How many directories are held open now.
    #[cfg(test)]
    pub(super) fn open_count(&self) -> usize {
        self.stack.len()
    }

    /// The open directory at `path`, reached one component at a time from the
    /// nearest one still open.
    fn enter(&mut self, path: &str) -> Result<Arc<OwnedFd>, TreeError> {
        while self.stack.last().is_some_and(|(above, _)| !holds(above, path)) {
            self.stack.pop();
        }
        let mut start = self.stack.last().map_or(0, |(above, _)| above.len() + 1);
        while start < path.len() {
            let end = path[start..].find('/').map_or(path.len(), |slash| start + slash);
            let above = self.stack.last().map_or(&self.tree.fd, |(_, fd)| fd);
            let fd = rustix::fs::openat(above, &path[start..end], FOLDER, Mode::empty())
                .map_err(|errno| self.refused("enter the directory", &path[..end], errno))?;
            if self.stack.len() == Self::OPEN {
                self.stack.remove(0);
            }
            self.stack.push((path[..end].to_owned(), Arc::new(fd)));
            start = end + 1;
        }
        Ok(Arc::clone(self.stack.last().map_or(&self.tree.fd, |(_, fd)| fd)))
    }

    /// Sets the mode where the umask or the disk did not leave it as asked.
    fn fix_mode(&mut self, fd: BorrowedFd<'_>, mode: Mode) -> Result<(), Errno> {
        if self.exact == Some(true) {
            return Ok(());
        }
        let got = Mode::from_raw_mode(rustix::fs::fstat(fd)?.st_mode) & Mode::from_raw_mode(0o777);
        if mode == DIRECTORY {
            // What keeps 0755 keeps the modes of files too.
            self.exact = Some(got == mode);
        }
        if got == mode { Ok(()) } else { rustix::fs::fchmod(fd, mode) }
    }

    fn refused(&self, action: &'static str, path: &str, errno: Errno) -> TreeError {
        refused(action, self.tree.path.join(path), errno)
    }
}

/// Shares the blocks of `old` with `new` (btrfs, XFS); `false` where it cannot be done.
#[cfg(target_os = "linux")]
fn clone_blocks(new: &File, old: &File) -> bool {
    rustix::fs::ioctl_ficlone(new, old).is_ok()
}

/// Elsewhere a clone is a new name, not a new content: copying is what is left.
#[cfg(not(target_os = "linux"))]
fn clone_blocks(_: &File, _: &File) -> bool {
    false
}

/// The directory part, empty for the root, and the last component.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Whether `path` is `above` or lies in it.
fn holds(above: &str, path: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
