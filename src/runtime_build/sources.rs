//! The runtime's sources: those of the checkout this project is, else the copy that the
//! program carries. They are read into memory once, so that what is hashed is what is built.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::error::RuntimeError;
use super::parts;
use crate::host::fault::Fault;
use crate::host::fs::{self, EntryKind};
use crate::host::hash::Digest;
use crate::toolchain::layout::Project;

/// The copy, made when this program was built: paths relative to `runtime/`.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/runtime_sources.rs"));

/// The interface that this program knows.
const INTERFACE: &[u8] = include_bytes!("../../runtime/src/abi.rs");

/// The largest source that is read, in bytes.
const LIMIT: u64 = 1 << 20;

/// The workspace that the sources are built in: the profile is that of the repository's
/// own, and nothing beside the runtime takes part.
const WORKSPACE: &str = "\
[workspace]
members = [\"runtime\", \"runtime/staticlib\"]
resolver = \"3\"

[profile.release]
panic = \"abort\"
lto = \"fat\"
codegen-units = 1
strip = true
";

/// The sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// The checkout's folder `runtime`; `None` for the copy.
    pub checkout: Option<PathBuf>,
    files: Vec<(String, Vec<u8>)>,
}

/// What a manifest says.
#[derive(serde::Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(serde::Deserialize)]
struct Package {
    version: String,
}

impl Sources {
    /// Reads them.
    ///
    /// # Errors
    /// A file cannot be read, or the checkout is of another version than this program.
    pub fn find(project: &Project) -> Result<Self, Fault> {
        let folder = project.root().join("runtime");
        let marks = ["Cargo.toml", "staticlib/Cargo.toml", "src/abi.rs"];
        for mark in marks {
            if fs::stat(&folder.join(mark))?.is_none() {
                return Ok(Self::embedded());
            }
        }
        let mut files = Vec::new();
        for part in parts::PARTS {
            collect(&folder, part, &mut files)?;
        }
        files.sort();
        let sources = Self { checkout: Some(folder.clone()), files };
        if sources.file("src/abi.rs") != Some(INTERFACE) {
            return Err(RuntimeError::OtherInterface(folder.join("src/abi.rs")).into());
        }
        Ok(sources)
    }

    /// The copy in this program.
    #[must_use]
    pub fn embedded() -> Self {
        let files = EMBEDDED.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec()));
        let mut files: Vec<_> = files.collect();
        files.sort();
        Self { checkout: None, files }
    }

    /// Where they are, for people.
    #[must_use]
    pub fn origin(&self) -> String {
        match &self.checkout {
            Some(folder) => folder.display().to_string(),
            None => "the sources built into this program".to_owned(),
        }
    }

    /// A file's content, by its path below `runtime/`.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice())
    }

    /// The C programs that check an archive: name and text, sorted.
    pub fn programs(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().filter_map(|(path, bytes)| {
            let name = path.strip_prefix("tests/c/")?.strip_suffix(".c")?;
            Some((name, bytes.as_slice()))
        })
    }

    /// One digest of all that decides what is installed.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut text = WORKSPACE.to_owned();
        for (name, bytes) in self.files.iter().filter(|(name, _)| !name.starts_with("tests/")) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {name}", Digest::of(bytes));
        }
        Digest::of(text.as_bytes())
    }

    /// Makes `folder` a workspace that holds nothing else. Returns the manifest to build.
    ///
    /// # Errors
    /// A manifest of the sources is none, or the disk refuses.
    pub fn unpack(&self, folder: &Path) -> Result<PathBuf, Fault> {
        let (library, archive) =
            (self.version("Cargo.toml")?, self.version("staticlib/Cargo.toml")?);
        fs::remove_tree(folder)?;
        for (name, bytes) in &self.files {
            let place = folder.join("runtime").join(name);
            if let Some(parent) = place.parent() {
                fs::create_dir_all(parent)?;
            }
            if name == "Cargo.toml" {
                fs::write(&place, without_tests(&String::from_utf8_lossy(bytes)).as_bytes())?;
            } else {
                fs::write(&place, bytes)?;
            }
        }
        fs::write(&folder.join("Cargo.toml"), WORKSPACE.as_bytes())?;
        let lock = format!(
            "version = 4\n\n[[package]]\nname = \"reml-runtime\"\nversion = \"{library}\"\n\n\
             [[package]]\nname = \"reml-runtime-staticlib\"\nversion = \"{archive}\"\n\
             dependencies = [\n \"reml-runtime\",\n]\n"
        );
        fs::write(&folder.join("Cargo.lock"), lock.as_bytes())?;
        Ok(folder.join("runtime/staticlib/Cargo.toml"))
    }

    fn version(&self, name: &str) -> Result<String, RuntimeError> {
        let text = String::from_utf8_lossy(self.file(name).unwrap_or_default());
        let manifest: Result<Manifest, _> = toml::from_str(&text);
        manifest.map(|manifest| manifest.package.version).map_err(|error| {
            let folder = self.checkout.clone().unwrap_or_default();
            RuntimeError::Sources { path: folder.join(name), why: error.to_string() }
        })
    }
}

/// A manifest without what only the crate's own tests need: they would ask for crates that
/// a machine without a network may not have.
fn without_tests(manifest: &str) -> String {
    let mut kept = String::new();
    let mut is_kept = true;
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_kept = !matches!(line.trim_end(), "[dev-dependencies]" | "[[bench]]");
        }
        if is_kept {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn collect(root: &Path, part: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
    let path = root.join(part);
    let Some(meta) = fs::stat(&path)? else { return Ok(()) };
    if meta.is_file() {
        files.push((part.to_owned(), fs::read_at_most(&path, LIMIT)?));
        return Ok(());
    }
    for entry in fs::read_dir_sorted(&path)? {
        let Some(name) = entry.name.to_str() else { continue };
        if entry.kind == EntryKind::Dir || parts::is_source(name) {
            collect(root, &format!("{part}/{name}"), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_is_the_checkout() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = Sources::find(&Project::new(root.to_path_buf())).unwrap();
        let embedded = Sources::embedded();
        assert_eq!(checkout.files, embedded.files);
        assert_eq!(checkout.digest(), embedded.digest());
        assert!(embedded.file("include/reml_runtime.h").is_some());
        assert!(embedded.programs().count() > 0);
    }

    #[test]
    fn the_profile_is_that_of_the_repository() {
        let profile = |text: &str| text.split_once("[profile.release]").unwrap().1.to_owned();
        assert_eq!(profile(WORKSPACE), profile(include_str!("../../Cargo.toml")));
    }

    #[test]
    fn only_what_tests_need_is_taken_out_of_a_manifest() {
        let text =
            "[lib]\na = 1\n[dev-dependencies]\nloom = 1\n\n[[bench]]\nb = 1\n[lints.rust]\nc = 1\n";
        assert_eq!(without_tests(text), "[lib]\na = 1\n[lints.rust]\nc = 1\n");
    }
}
