//! What every command works with: the project, its two files, and who is told.

use std::path::{Path, PathBuf};

use crate::debian::mirrors::MirrorList;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs::Patience;
use crate::host::http::Client;
use crate::host::progress::Event;
use crate::host::progress::Progress as _;
use crate::host::{Env, fs};
use crate::pins::{self, Lock, Pins, Target};
use crate::prepare::World;
use crate::toolchain::layout::Project;
use crate::ui::{Output, Reporter};

/// The pins that an installed program carries, for folders without their own.
const BUILT_IN_PINS: &str = include_str!("../../versions.toml");

/// The lock that goes with them.
const BUILT_IN_LOCK: &str = include_str!("../../checksums.txt");

/// The longest root, in bytes: the system's limit for a path less room for what lies in a
/// toolchain.
const LONGEST_ROOT: usize = if cfg!(target_os = "macos") { 1024 } else { 4096 } - 512;

/// The surroundings of a command.
#[derive(Debug)]
pub struct Context<'r> {
    /// The process's environment.
    pub env: Env,
    /// The project's paths.
    pub project: Project,
    /// Who is told.
    pub reporter: &'r Reporter,
    /// Where data goes.
    pub output: Output,
    /// What to do when another process holds a lock.
    pub patience: Patience,
}

/// The root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The current folder is gone.
    #[error("the current folder does not exist any more")]
    NoCurrentFolder,
    /// The named folder is none.
    #[error("{}: not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// An option without a value.
    #[error("--root: expected a folder, got nothing")]
    NoName,
    /// It cannot be found out which folder that is: a link to nothing, a loop.
    #[error("{}: not a folder that can be used", path.display())]
    Unresolved {
        /// As it was named.
        path: PathBuf,
        /// The system's reason.
        #[source]
        cause: fs::FsError,
    },
    /// `..` below a folder that is not there.
    #[error("{}: there is no such folder, and none can be made under this name", .0.display())]
    NotThere(PathBuf),
    /// No room is left for the names in a toolchain.
    #[error("{}: expected at most {LONGEST_ROOT} bytes, got {}", .0.display(), .0.as_os_str().len())]
    TooLong(PathBuf),
    /// A name that `PATH` cannot carry.
    #[error("{}: a folder with `:` or a line break in its name cannot stand in PATH", .0.display())]
    NotForPath(PathBuf),
}

impl Diagnostic for RootError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        "root-unusable"
    }

    fn hints(&self) -> Vec<String> {
        vec!["name another folder: `reml-toolchain --root DIR …`".to_owned()]
    }
}

/// A target or release that the pins do not know.
#[derive(Debug, thiserror::Error)]
#[error("unknown {what} `{got}`: known are {known}")]
pub struct UnknownName {
    what: &'static str,
    got: String,
    known: String,
}

impl Diagnostic for UnknownName {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        "unknown-name"
    }
}

impl<'r> Context<'r> {
    /// Finds the project.
    ///
    /// # Errors
    /// There is no usable folder.
    pub fn open(
        env: Env,
        root: Option<&Path>,
        output: Output,
        reporter: &'r Reporter,
        patience: Patience,
    ) -> anyhow::Result<Self> {
        let root = find_root(&env, root)?;
        Ok(Self { env, project: Project::new(root), reporter, output, patience })
    }

    /// What `prepare` and its kin work with.
    #[must_use]
    pub fn world<'w>(&'w self, client: &'w Client, mirrors: &'w MirrorList) -> World<'w> {
        World {
            env: &self.env,
            project: &self.project,
            client,
            mirrors,
            progress: self.reporter,
            patience: self.patience,
        }
    }

    /// The pins: the project's, else those built in.
    ///
    /// # Errors
    /// The file cannot be read or is not valid.
    pub fn pins(&self) -> anyhow::Result<Pins> {
        let path = self.project.pins();
        let text = file(&path, pins::versions::SIZE_LIMIT, pins::versions::INVALID)?;
        if text.is_none() {
            let text =
                format!("no {} here: using the pins built into this program", path.display());
            self.reporter.event(Event::Detail { text });
        }
        let name = path.display().to_string();
        let text = text.as_deref().unwrap_or(BUILT_IN_PINS);
        Pins::parse(&name, text).map_err(Fault::from).map_err(Into::into)
    }

    /// The lock: the project's, else the one built in where the pins are, too.
    ///
    /// # Errors
    /// The file cannot be read or is not valid.
    pub fn lock(&self) -> anyhow::Result<Lock> {
        let path = self.project.lock();
        let text = match file(&path, pins::lock::SIZE_LIMIT, pins::lock::INVALID)? {
            Some(text) => text,
            None if fs::stat(&self.project.pins()).map_err(Fault::from)?.is_none() => {
                BUILT_IN_LOCK.to_owned()
            }
            None => return Ok(Lock::default()),
        };
        Lock::parse(&path.display().to_string(), &text).map_err(Fault::from).map_err(Into::into)
    }
}

/// One of the project's two files is there and cannot be read as one.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be used", path.display())]
pub struct UnusableFile {
    path: PathBuf,
    code: &'static str,
    hint: &'static str,
    #[source]
    cause: fs::FsError,
}

impl Diagnostic for UnusableFile {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        self.code
    }

    fn hints(&self) -> Vec<String> {
        vec![self.hint.to_owned()]
    }
}

/// The text of a file that may be absent.
fn file(
    path: &Path,
    limit: u64,
    invalid: (&'static str, &'static str),
) -> Result<Option<String>, Fault> {
    if fs::stat(path)?.is_none() {
        return Ok(None);
    }
    let (code, hint) = invalid;
    let unusable = |cause| UnusableFile { path: path.to_path_buf(), code, hint, cause };
    let bytes = fs::read_at_most(path, limit).map_err(unusable)?;
    Ok(Some(pins::problem::utf8(&path.display().to_string(), invalid, bytes)?))
}

/// The target called `triple`, else the pins' own.
///
/// # Errors
/// It is not in the table.
pub fn target(pins: &Pins, triple: Option<&str>) -> Result<&'static Target, Fault> {
    let Some(triple) = triple else { return Ok(pins.target) };
    Target::by_triple(triple).ok_or_else(|| {
        let known = pins::TARGETS.iter().map(|target| target.triple).collect::<Vec<_>>().join(", ");
        UnknownName { what: "target", got: triple.to_owned(), known }.into()
    })
}

/// The release called `codename`, else the pins' own.
///
/// # Errors
/// The pins do not know it.
pub fn release(pins: &Pins, codename: Option<&str>) -> Result<String, Fault> {
    let name = codename.unwrap_or(&pins.release);
    if pins.release(name).is_some() {
        return Ok(name.to_owned());
    }
    let known = pins.releases.keys().cloned().collect::<Vec<_>>().join(", ");
    Err(UnknownName { what: "release", got: name.to_owned(), known }.into())
}

fn find_root(env: &Env, named: Option<&Path>) -> Result<PathBuf, Fault> {
    let cwd = env.cwd.as_deref().ok_or(RootError::NoCurrentFolder);
    let root = match named {
        Some(named) if named.as_os_str().is_empty() => return Err(RootError::NoName.into()),
        Some(named) if named.is_absolute() => named.to_path_buf(),
        Some(named) => cwd?.join(named),
        None => {
            let cwd = cwd?;
            let has_pins = |folder: &&Path| matches!(fs::stat(&folder.join("versions.toml")), Ok(Some(meta)) if meta.is_file());
            cwd.ancestors().find(has_pins).unwrap_or(cwd).to_path_buf()
        }
    };
    let root = resolve(&root)?;
    match fs::stat(&root)? {
        Some(meta) if !meta.is_dir() => Err(RootError::NotAFolder(root).into()),
        // A folder that is named and not there yet is made by the first command that writes.
        _ => check_name(root),
    }
}

/// The path without links, as far as it is there: once, so that one folder has one name.
fn resolve(path: &Path) -> Result<PathBuf, Fault> {
    let mut below = Vec::new();
    let mut there = path;
    let unusable = |cause| RootError::Unresolved { path: path.to_path_buf(), cause };
    while fs::stat(there).map_err(unusable)?.is_none() {
        let (Some(name), Some(parent)) = (there.file_name(), there.parent()) else {
            return Err(RootError::NotThere(path.to_path_buf()).into());
        };
        below.push(name);
        there = parent;
    }
    let mut root = fs::resolve(there).map_err(unusable)?;
    if !below.is_empty() && fs::stat(&root)?.is_some_and(|meta| !meta.is_dir()) {
        return Err(RootError::NotAFolder(root).into());
    }
    root.extend(below.into_iter().rev());
    Ok(root)
}

fn check_name(root: PathBuf) -> Result<PathBuf, Fault> {
    let bytes = root.as_os_str().as_encoded_bytes();
    if bytes.iter().any(|byte| matches!(byte, b':' | b'\n' | b'\r')) {
        return Err(RootError::NotForPath(root).into());
    }
    if bytes.len() > LONGEST_ROOT {
        return Err(RootError::TooLong(root).into());
    }
    Ok(root)
}
