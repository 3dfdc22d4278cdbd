//! The runtime in a prepared tree: what `build-runtime` installs, and the stamps that vouch
//! for it. The manifest knows nothing of these files, because they come from a compiler and
//! not from a package.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::check::Problem;
use super::stamp::Inputs;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::hash::Digest;

/// The schema number of the stamps.
pub const SCHEMA: u32 = 1;

/// Where the stamps lie in a tree: of the release and of the debug archive.
pub const STAMPS: [&str; 2] = ["share/runtime-release.json", "share/runtime-debug.json"];

/// Every other file that may be installed, relative to a tree.
pub const FILES: [&str; 6] = [
    "include/reml_runtime.h",
    "lib/libreml_runtime.a",
    "lib/libreml_runtime_debug.a",
    "lib/pkgconfig/reml_runtime.pc",
    "share/reml/reml_runtime.ll",
    "share/reml/reml_runtime_inline.ll",
];

/// The largest file of these that is read, in bytes.
const LIMIT: u64 = 16 << 20;

/// What one archive was made of, and what was installed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeStamp {
    /// The format's number.
    pub schema: u32,
    /// The runtime's version and the beginning of its sources' digest: `1.0.0+0123456789ab`.
    pub revision: String,
    /// What went in.
    pub inputs: Inputs,
    /// The digest of each installed file.
    pub files: BTreeMap<String, String>,
}

impl RuntimeStamp {
    /// The stamp in the file `path`; `None` when there is none.
    ///
    /// # Errors
    /// Why it cannot be read, as text.
    pub fn read(path: &Path) -> Result<Option<Self>, String> {
        if fs::stat(path).map_err(|error| error.to_string())?.is_none() {
            return Ok(None);
        }
        let bytes = fs::read_at_most(path, LIMIT).map_err(|error| error.to_string())?;
        let stamp: Self = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
        if stamp.schema != SCHEMA {
            let got = stamp.schema;
            return Err(format!("schema is not supported: expected {SCHEMA}, got {got}"));
        }
        match stamp.files.keys().find(|path| !FILES.contains(&path.as_str())) {
            Some(path) => Err(format!("{path} is no file of the runtime")),
            None => Ok(Some(stamp)),
        }
    }

    /// The text of the file.
    #[must_use]
    pub fn render(&self) -> String {
        format!("{:#}\n", serde_json::json!(self))
    }

    /// What is not as the stamp says, in the tree at `root`.
    #[must_use]
    pub fn problems(&self, root: &Path) -> Vec<Problem> {
        let differs = |(path, expected): (&String, &String)| {
            let problem = |code, what| Some(Problem { path: path.clone(), code, what });
            let place = root.join(path);
            if matches!(fs::stat(&place), Ok(None)) {
                return problem("file-missing", "is missing".to_owned());
            }
            match fs::read_no_link(&place, LIMIT) {
                Err(error) => problem("file-unreadable", error.to_string()),
                Ok(bytes) if Digest::of(&bytes).to_string() == *expected => None,
                Ok(bytes) => {
                    let got = Digest::of(&bytes);
                    let what = format!("wrong SHA-256: expected {expected}, got {got}");
                    problem("file-content", what)
                }
            }
        };
        self.files.iter().filter_map(differs).collect()
    }
}

/// What of the runtime in the tree at `root` is vouched for, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Installed {
    /// The files that a stamp names, and the stamps themselves.
    pub files: Vec<String>,
    /// What is not as a stamp says.
    pub problems: Vec<Problem>,
}

impl Installed {
    /// Looks at the tree.
    #[must_use]
    pub fn of(root: &Path) -> Self {
        let mut found = Self::default();
        for path in STAMPS {
            match RuntimeStamp::read(&root.join(path)) {
                Ok(None) => {}
                Ok(Some(stamp)) => {
                    found.files.push(path.to_owned());
                    found.problems.extend(stamp.problems(root));
                    found.files.extend(stamp.files.into_keys());
                }
                Err(what) => {
                    found.files.push(path.to_owned());
                    let code = "runtime-stamp-unreadable";
                    found.problems.push(Problem { path: path.to_owned(), code, what });
                }
            }
        }
        found.problems.sort_by(|a, b| a.path.cmp(&b.path));
        found.problems.dedup();
        found.files.sort();
        found.files.dedup();
        found
    }
}

/// Copies the runtime from one tree to the next, if all of it is as its stamps say; whether
/// there was one to copy, and it was.
///
/// # Errors
/// The disk refuses.
pub fn carry(from: &Path, to: &Path) -> Result<Option<bool>, Fault> {
    let found = Installed::of(from);
    if found.files.is_empty() {
        return Ok(None);
    }
    if !found.problems.is_empty() {
        return Ok(Some(false));
    }
    for path in &found.files {
        let place: PathBuf = to.join(path);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&from.join(path), &place)?;
    }
    Ok(Some(true))
}
