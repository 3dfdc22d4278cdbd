//! What the microVM's first file system holds: the first process, the programs under their
//! own paths, all that they load out of the sysroot, and the files that the user names. The plan
//! names files; their bytes are read when no kept image has the same fingerprint.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::cpio::{Archive, CpioError};
use super::error::RunError;
use crate::host::fault::{Diagnostic, Kind};
use crate::host::fs;
use crate::host::hash::Digest;
use crate::sysroot::needed::{Closure, Place, Root};

/// The first process.
pub(super) const INIT: &str = "/reml/init";
/// The number of the layout: another one makes other images.
const LAYOUT: u32 = 1;
/// The most that the files of one image hold, in bytes: they lie in the microVM's memory.
const MOST: u64 = 1 << 30;
/// The deepest folder of `--with-file`.
const DEEPEST: usize = 32;
/// Where the kernel and the first process mount something.
const FOLDERS: [&str; 6] = ["/proc", "/sys", "/dev", "/tmp", "/reml", "/root"];

impl Diagnostic for CpioError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        "microvm-path"
    }
}

/// What will be in an image.
#[derive(Debug, Default)]
pub struct Plan {
    /// In the microVM; on this machine. Later ones replace earlier ones.
    files: Vec<(PathBuf, PathBuf)>,
    folders: Vec<PathBuf>,
}

impl Plan {
    /// The file `from` will be `at`.
    pub fn file(&mut self, at: impl Into<PathBuf>, from: impl Into<PathBuf>) {
        self.files.push((at.into(), from.into()));
    }

    /// There will be a folder.
    pub fn folder(&mut self, at: impl Into<PathBuf>) {
        self.folders.push(at.into());
    }

    /// All that a program loads, where it will look for it; what another one loads as well
    /// is there once.
    pub fn libraries(&mut self, closure: &Closure, root: &Root) {
        for place in closure.places() {
            if let Some(file) = root.file(place) {
                let at = match place {
                    Place::Inside(path) => PathBuf::from(path),
                    Place::Outside(path) => inside(path),
                };
                if !self.files.iter().any(|(known, from)| *known == at && *from == file) {
                    self.file(at, file);
                }
            }
        }
    }

    /// A file or folder of the user's, as `SRC` or `SRC:DEST`, seen from the folder `cwd`.
    ///
    /// # Errors
    /// There is none, or it is neither.
    pub fn with_file(&mut self, argument: &str, cwd: &Path) -> Result<(), RunError> {
        let refuse = |why: String| RunError::WithFile { argument: argument.to_owned(), why };
        let is_there = |name: &str| fs::resolve(&cwd.join(name)).is_ok();
        let (from, to) = match argument.rsplit_once(':') {
            // A name with a colon in it is a name.
            Some((from, to)) if !is_there(argument) && !to.is_empty() => (from, to),
            _ => (argument, argument),
        };
        self.copy(&cwd.join(from), &cwd.join(to), 0).map_err(refuse)
    }

    fn copy(&mut self, from: &Path, to: &Path, depth: usize) -> Result<(), String> {
        let real = fs::resolve(from).map_err(|error| error.to_string())?;
        let meta = fs::metadata(&real).map_err(|error| error.to_string())?;
        if meta.is_file() {
            self.file(inside(to), real);
            return Ok(());
        }
        if !meta.is_dir() {
            return Err(format!("{}: neither a file nor a folder", from.display()));
        }
        if depth > DEEPEST {
            return Err(format!("{}: more than {DEEPEST} folders deep", from.display()));
        }
        self.folder(inside(to));
        for entry in fs::read_dir_sorted(&real).map_err(|error| error.to_string())? {
            self.copy(&entry.path, &to.join(&entry.name), depth + 1)?;
        }
        Ok(())
    }

    /// A digest of all that decides the image: the paths, and of each file its size, time,
    /// place on the disk and mode. A file that is written again has another time.
    ///
    /// # Errors
    /// A file cannot be looked at.
    pub fn fingerprint(&self) -> Result<(Digest, u64), RunError> {
        let mut text = format!("layout {LAYOUT}\n");
        let mut size: u64 = 0;
        for folder in &self.folders {
            let _ = writeln!(text, "folder {}", word(folder));
        }
        for (at, from) in &self.files {
            let meta = fs::metadata(from)?;
            size = size.saturating_add(meta.len());
            let (seconds, nanos, inode) = (meta.mtime(), meta.mtime_nsec(), meta.ino());
            let _ = writeln!(
                text,
                "{} {} {} {seconds}.{nanos} {inode} {:o}",
                word(at),
                word(from),
                meta.len(),
                meta.mode()
            );
        }
        if size > MOST {
            let why = format!("the files are {size} bytes in all, more than {MOST}");
            return Err(RunError::Unfit { backend: "microvm", why });
        }
        Ok((Digest::of(text.as_bytes()), size))
    }

    /// The image.
    ///
    /// # Errors
    /// A file cannot be read, or two claim one path.
    pub fn archive(&self) -> Result<Archive, RunError> {
        let mut archive = Archive::default();
        for folder in FOLDERS {
            archive.folder(Path::new(folder))?;
        }
        for folder in &self.folders {
            archive.folder(folder)?;
        }
        for (at, from) in &self.files {
            let meta = fs::metadata(from)?;
            let is_program = meta.mode() & 0o111 != 0 || at == Path::new(INIT);
            let mode = if is_program { fs::DIR_MODE } else { fs::FILE_MODE };
            archive.file(at, mode, fs::read_at_most(from, MOST)?)?;
        }
        Ok(archive)
    }
}

/// A path as one word of a line, whatever is in it.
fn word(path: &Path) -> String {
    path.as_os_str().as_encoded_bytes().escape_ascii().to_string().replace(' ', "\\x20")
}

/// Where a path of this machine is found in the microVM: at the same one, without `.` and
/// `..`, unless something is mounted there; then below `/host`.
pub(super) fn inside(path: &Path) -> PathBuf {
    let mut out = PathBuf::from("/");
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                out.pop();
            }
            std::path::Component::CurDir => {}
            part => out.push(part),
        }
    }
    let is_mounted = ["/proc", "/sys", "/dev", "/reml"].iter().any(|place| out.starts_with(place));
    match out.strip_prefix("/") {
        Ok(below) if is_mounted => Path::new("/host").join(below),
        _ => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_of_the_user_keep_their_place_or_get_another() {
        let folder = tempfile::tempdir().unwrap();
        let cwd = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(cwd.join("d/e")).unwrap();
        std::fs::write(cwd.join("d/e/f"), "1").unwrap();
        std::fs::write(cwd.join("a:b"), "2").unwrap();
        let planned = |argument: &str| {
            let mut plan = Plan::default();
            plan.with_file(argument, &cwd).map(|()| plan.files)
        };
        assert_eq!(planned("a:b").unwrap(), [(cwd.join("a:b"), cwd.join("a:b"))]);
        assert_eq!(planned("a:b:/x/../y").unwrap(), [("/y".into(), cwd.join("a:b"))]);
        assert_eq!(planned("a:b:/dev/b").unwrap()[0].0, Path::new("/host/dev/b"));
        assert_eq!(planned("d:/data").unwrap(), [("/data/e/f".into(), cwd.join("d/e/f"))]);
        for bad in ["none", "none:/x", "/dev/null"] {
            assert!(matches!(planned(bad), Err(RunError::WithFile { .. })), "{bad}");
        }
    }

    #[test]
    fn another_content_or_path_is_another_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        std::fs::write(&file, "1").unwrap();
        let print = |at: &str| {
            let mut plan = Plan::default();
            plan.file(at, &file);
            plan.fingerprint().unwrap().0
        };
        let first = print("/a");
        assert_eq!(print("/a"), first);
        assert_ne!(print("/b"), first);
        std::fs::write(&file, "22").unwrap();
        assert_ne!(print("/a"), first);
    }
}
