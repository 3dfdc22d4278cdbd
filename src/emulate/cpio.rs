//! The kernel's first file system, as a cpio archive of the format newc (initramfs buffer
//! format, in the kernel's documentation). Pure: the same files give the same bytes, with
//! no time, owner or inode of this machine in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

/// The number of bytes that every part of an archive is filled up to.
const ALIGNMENT: usize = 4;

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Permission bits.
    pub mode: u32,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Files and folders, by absolute path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Archive {
    files: BTreeMap<Vec<u8>, File>,
    folders: BTreeSet<Vec<u8>>,
}

/// A path that an archive cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CpioError {
    /// It is relative, climbs, or is the root.
    #[error("{0}: not a path in the microVM: expected an absolute one without `..`")]
    Path(String),
    /// A file has the name of a folder.
    #[error("{0}: would be a file and a folder in the microVM")]
    Both(String),
    /// A file is larger than the format can say.
    #[error("{0}: larger than 4 GiB")]
    Large(String),
}

impl Archive {
    /// Adds a file, and the folders above it; one of the same path is replaced.
    ///
    /// # Errors
    /// The path is none, or is a folder's.
    pub fn file(&mut self, path: &Path, mode: u32, content: Vec<u8>) -> Result<(), CpioError> {
        let name = name(path)?;
        if name.is_empty() {
            return Err(CpioError::Path(path.display().to_string()));
        }
        if self.folders.contains(&name) {
            return Err(CpioError::Both(path.display().to_string()));
        }
        if u32::try_from(content.len()).is_err() {
            return Err(CpioError::Large(path.display().to_string()));
        }
        self.above(&name, path)?;
        self.files.insert(name, File { mode, content });
        Ok(())
    }

    /// Adds a folder, and those above it.
    ///
    /// # Errors
    /// The path is none, or is a file's.
    pub fn folder(&mut self, path: &Path) -> Result<(), CpioError> {
        let name = name(path)?;
        if self.files.contains_key(&name) {
            return Err(CpioError::Both(path.display().to_string()));
        }
        self.above(&name, path)?;
        if !name.is_empty() {
            self.folders.insert(name);
        }
        Ok(())
    }

    fn above(&mut self, name: &[u8], path: &Path) -> Result<(), CpioError> {
        for (at, _) in name.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            if self.files.contains_key(&name[..at]) {
                return Err(CpioError::Both(path.display().to_string()));
            }
            self.folders.insert(name[..at].to_vec());
        }
        Ok(())
    }

    /// The archive: folders before what lies in them, in the order of their bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut names: Vec<(&Vec<u8>, Option<&File>)> =
            self.folders.iter().map(|name| (name, None)).collect();
        names.extend(self.files.iter().map(|(name, file)| (name, Some(file))));
        names.sort_by(|a, b| a.0.cmp(b.0));
        let mut archive = Vec::new();
        for (index, (name, file)) in names.into_iter().enumerate() {
            // S_IFREG and S_IFDIR, inode(7).
            let (mode, links, content) = match file {
                Some(file) => (0o100_000 | file.mode, 1, file.content.as_slice()),
                None => (0o040_755, 2, &[][..]),
            };
            entry(&mut archive, name, index + 1, mode, links, content);
        }
        entry(&mut archive, b"TRAILER!!!", 0, 0, 1, &[]);
        // The kernel takes several archives behind each other.
        archive
    }
}

fn entry(archive: &mut Vec<u8>, name: &[u8], inode: usize, mode: u32, links: u32, content: &[u8]) {
    archive.extend_from_slice(b"070701");
    let size = content.len();
    let fields =
        [inode, mode as usize, 0, 0, links as usize, 0, size, 0, 0, 0, 0, name.len() + 1, 0];
    for field in fields {
        archive.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    archive.extend_from_slice(name);
    archive.push(0);
    fill(archive);
    archive.extend_from_slice(content);
    fill(archive);
}

fn fill(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(ALIGNMENT), 0);
}

/// The name of an absolute path in an archive: without its first slash.
fn name(path: &Path) -> Result<Vec<u8>, CpioError> {
    let refuse = || CpioError::Path(path.display().to_string());
    let mut name = Vec::new();
    let mut is_absolute = false;
    for part in path.components() {
        match part {
            Component::RootDir => is_absolute = true,
            Component::Normal(part) => {
                if !name.is_empty() {
                    name.push(b'/');
                }
                name.extend_from_slice(part.as_encoded_bytes());
            }
            _ => return Err(refuse()),
        }
    }
    if is_absolute && !name.contains(&0) { Ok(name) } else { Err(refuse()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Archive {
        let mut archive = Archive::default();
        archive.file(Path::new("/reml/init"), 0o755, b"init".to_vec()).unwrap();
        archive.folder(Path::new("/proc")).unwrap();
        archive.file(Path::new("/a b/ü\n"), 0o644, vec![0, 255, 7]).unwrap();
        archive
    }

    #[test]
    fn the_same_files_in_any_order_give_the_same_bytes() {
        let mut other = Archive::default();
        other.file(Path::new("/a b/ü\n"), 0o644, vec![0, 255, 7]).unwrap();
        other.folder(Path::new("/proc/")).unwrap();
        other.file(Path::new("/reml/init"), 0o644, b"old".to_vec()).unwrap();
        other.file(Path::new("/reml/init"), 0o755, b"init".to_vec()).unwrap();
        assert_eq!(other.bytes(), archive().bytes());
    }

    #[test]
    fn an_archive_starts_and_ends_as_the_format_says() {
        let bytes = archive().bytes();
        assert!(
            bytes.starts_with(b"07070100000001000041ED0000000000000000000000020000000000000000")
        );
        assert_eq!(&bytes[110..114], b"a b\0");
        assert!(bytes.ends_with(b"TRAILER!!!\0\0\0\0"));
        assert_eq!(bytes.len() % ALIGNMENT, 0);
    }

    #[test]
    fn paths_that_climb_or_are_two_things_are_refused() {
        let mut archive = archive();
        for path in ["relative", "/a/../b", "", "/"] {
            assert!(archive.file(Path::new(path), 0, Vec::new()).is_err(), "{path}");
        }
        for path in ["/reml", "/reml/init/x"] {
            let error = archive.file(Path::new(path), 0, Vec::new()).unwrap_err();
            assert!(matches!(error, CpioError::Both(_)), "{path}");
        }
        assert!(archive.folder(Path::new("/reml/init")).is_err());
        assert!(archive.folder(Path::new("/")).is_ok());
    }
}
