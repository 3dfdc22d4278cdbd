//! A file that appears whole or not at all: written beside its final name, made durable, renamed.
//! It must never be seen half-written, nor leave its temporary name behind.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{
    EntryKind, FILE_MODE, FsError, Owner, read_dir_sorted, remove_file, rename, stat, sync_dir,
    sync_file,
};
use crate::host::progress::{Event, Progress};

/// A file on its way; dropped without [`Draft::commit`] it vanishes.
#[derive(Debug)]
pub struct Draft {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    committed: bool,
}

impl Draft {
    /// Begins the new content of `target`, in the same folder, with mode 0644.
    ///
    /// # Errors
    /// When the folder does not take a new file.
    pub fn new(target: &Path) -> Result<Self, FsError> {
        Self::with_mode(target, FILE_MODE)
    }

    /// As [`Draft::new`], with other permission bits (programs: 0755).
    ///
    /// # Errors
    /// When the folder does not take a new file.
    pub fn with_mode(target: &Path, mode: u32) -> Result<Self, FsError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let mut name = OsString::from(".");
            name.push(target.file_name().unwrap_or_default());
            name.push(format!(".tmp-{}-{number}", std::process::id()));
            let temporary = target.with_file_name(name);
            let opened =
                OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary);
            let file = match opened {
                Ok(file) => file,
                // Left by an earlier process with our number: take the next name.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(FsError::io("create", &temporary)(error)),
            };
            if let Some(owner) = target.parent().and_then(Owner::to_inherit) {
                owner.adopt(&file);
            }
            let draft = Self { file, temporary, target: target.to_path_buf(), committed: false };
            // The umask has taken bits away; all machines shall have the same.
            let set = draft.file.set_permissions(Permissions::from_mode(mode));
            set.map_err(FsError::io("set the mode of", &draft.temporary))?;
            return Ok(draft);
        }
    }

    /// Makes the content durable and gives it its final name, replacing what was there.
    ///
    /// # Errors
    /// When flushing or renaming fails; the old content is then still in place. Only with
    /// [`FsError::Unsettled`] the new one is, see [`settled`].
    pub fn commit(mut self) -> Result<(), FsError> {
        sync_file(&self.file, &self.temporary)?;
        rename(&self.temporary, &self.target)?;
        self.committed = true;
        let flushed = sync_dir(self.target.parent().unwrap_or(Path::new(".")));
        flushed.map_err(|error| match error {
            FsError::Io { source, .. } => FsError::Unsettled { path: self.target.clone(), source },
            other => other,
        })
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing more can be done about a name that does not go away.
            let _ = remove_file(&self.temporary);
        }
    }
}

/// Removes from `folder` the drafts that killed processes left, of the files whose names are
/// `ours`. Called only where nobody else can be writing them. No such folder has none.
///
/// # Errors
/// When the folder cannot be read, or a draft not removed.
pub fn sweep_drafts(folder: &Path, ours: impl Fn(&str) -> bool) -> Result<(), FsError> {
    if stat(folder)?.is_none() {
        return Ok(());
    }
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    for entry in read_dir_sorted(folder)? {
        let name = entry.name.to_str().and_then(|name| name.strip_prefix('.'));
        let Some((target, numbers)) = name.and_then(|name| name.rsplit_once(".tmp-")) else {
            continue;
        };
        let is_draft = numbers.split_once('-').is_some_and(|(a, b)| is_number(a) && is_number(b));
        if is_draft && ours(target) && entry.kind == EntryKind::File {
            remove_file(&entry.path)?;
        }
    }
    Ok(())
}

/// For the file that a command is about: once it has its new content, the command has done
/// its work, and what comes to light afterwards is a warning.
///
/// # Errors
/// Those of `written` but [`FsError::Unsettled`].
pub fn settled(written: Result<(), FsError>, progress: &dyn Progress) -> Result<(), FsError> {
    match written {
        Err(error @ FsError::Unsettled { .. }) => {
            progress.event(Event::Warning { text: with_cause(&error) });
            Ok(())
        }
        other => other,
    }
}

/// An error and what caused it, in one line.
#[must_use]
pub fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_cause(source)),
        None => error.to_string(),
    }
}

/// Writes a whole file so that readers see the old content or the new, never a mixture, and the
/// new one survives a power cut (fsync, rename, fsync of the folder).
///
/// # Errors
/// When writing fails; the old content is then still in place.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    let mut draft = Draft::new(path)?;
    draft.write_all(bytes).map_err(FsError::io("write", path))?;
    draft.commit()
}
