//! What root makes in another user's folder becomes that user's, so that the next run without
//! root's power can go on. It never gives away what was there before under another name.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A user and a group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// Who shall own what is made in `folder`; `None` when that is whoever makes it.
    #[must_use]
    pub fn to_inherit(folder: &Path) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self::of(&std::fs::metadata(folder).ok()?)
    }

    fn of(folder: &std::fs::Metadata) -> Option<Self> {
        (folder.uid() != 0).then(|| Self { user: folder.uid(), group: folder.gid() })
    }

    /// The user's number.
    #[must_use]
    pub fn user(self) -> u32 {
        self.user
    }

    /// Gives them a file or folder just made. A failure changes nothing for this run, and a
    /// user namespace may not know the owner.
    pub fn adopt(self, made: &File) {
        // A second name could be that of somebody else's file.
        let is_new = |about: std::fs::Metadata| {
            about.uid() == 0 && (about.is_dir() || (about.is_file() && about.nlink() == 1))
        };
        if made.metadata().is_ok_and(is_new) {
            let _ = std::os::unix::fs::fchown(made, Some(self.user), Some(self.group));
        }
    }
}

/// Gives the file or folder just made at `path` to the owner of its folder.
pub(super) fn adopt(path: &Path) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let Some(owner) = path.parent().and_then(Owner::to_inherit) else { return };
    let mut options = std::fs::OpenOptions::new();
    options.read(true).custom_flags(super::flags(OFlags::NOFOLLOW | OFlags::NONBLOCK));
    if let Ok(made) = options.open(path) {
        owner.adopt(&made);
    }
}
