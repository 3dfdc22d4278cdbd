//! Where everything lies: one place for every path of the project's folder and of a
//! prepared tree. Pure: it joins names and asks no disk.

use std::path::{Path, PathBuf};

use crate::pins::Target;

/// The folder that holds `versions.toml`, `checksums.txt` and `toolchains/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The project in the folder `root` (absolute).
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The pins.
    #[must_use]
    pub fn pins(&self) -> PathBuf {
        self.root.join("versions.toml")
    }

    /// The lock.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join("checksums.txt")
    }

    /// Everything the tool makes.
    #[must_use]
    pub fn toolchains(&self) -> PathBuf {
        self.root.join("toolchains")
    }

    /// The downloads, by pool path.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.toolchains().join("cache")
    }

    /// The signed indices of the last `lock`.
    #[must_use]
    pub fn indices(&self) -> PathBuf {
        self.cache().join("dists")
    }

    /// The unpacked packages that trees are linked from.
    #[must_use]
    pub fn unpacked(&self) -> PathBuf {
        self.cache().join("unpacked")
    }

    /// The prepared trees, of which the targets' names are links.
    #[must_use]
    pub fn generations(&self) -> PathBuf {
        self.toolchains().join(".gen")
    }

    /// The file that one `prepare` at a time holds locked.
    #[must_use]
    pub fn prepare_lock(&self, name: &str) -> PathBuf {
        self.generations().join(format!("{name}.lock"))
    }

    /// The file that one `lock` at a time holds locked.
    #[must_use]
    pub fn lock_lock(&self) -> PathBuf {
        self.toolchains().join(".lock")
    }

    /// What `audit` found, a line a run.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        self.toolchains().join("audit.log")
    }

    /// What was measured, a line a run.
    #[must_use]
    pub fn metrics(&self) -> PathBuf {
        self.toolchains().join("metrics.jsonl")
    }

    /// Where the runtime is built: cargo's folders, and the lock of one build at a time.
    #[must_use]
    pub fn build(&self) -> PathBuf {
        self.toolchains().join("build")
    }

    /// The runtime for this machine itself, in folders as those of a toolchain.
    #[must_use]
    pub fn host(&self) -> Tree {
        Tree::new(self.toolchains().join("host"))
    }

    /// The place of a prepared toolchain, by its folder's name.
    #[must_use]
    pub fn toolchain(&self, name: &str) -> Tree {
        Tree::new(self.toolchains().join(name))
    }
}

/// The name of a toolchain's folder: the triple, and the release where that is not the
/// default one, so that no release ever lands in the folder of another.
#[must_use]
pub fn folder_name(target: &Target, release: &str, default_release: &str) -> String {
    if release == default_release {
        target.triple.to_owned()
    } else {
        format!("{}-{release}", target.triple)
    }
}

/// A prepared toolchain's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The tree in the folder `root`.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The tools under the target's names.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// Debian's headers and libraries for the target.
    #[must_use]
    pub fn sysroot(&self) -> PathBuf {
        self.root.join("sysroot")
    }

    /// Debian's LLVM for the host, where the toolchain owns one.
    #[must_use]
    pub fn llvm(&self) -> PathBuf {
        self.root.join("lib/llvm")
    }

    /// Where `build-runtime` puts the runtime's archive.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.root.join("lib/libreml_runtime.a")
    }

    /// Generated files, licences, the manifest and the stamp.
    #[must_use]
    pub fn share(&self) -> PathBuf {
        self.root.join("share")
    }

    /// The list of every file.
    #[must_use]
    pub fn manifest(&self) -> PathBuf {
        self.root.join(super::manifest::PATH)
    }

    /// What went in.
    #[must_use]
    pub fn stamp(&self) -> PathBuf {
        self.root.join("share/stamp.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pins::TARGETS;

    #[test]
    fn another_release_never_lands_in_the_folder_of_the_default_one() {
        let target = &TARGETS[0];
        assert_eq!(folder_name(target, "bookworm", "bookworm"), "x86_64-unknown-linux-gnu");
        assert_eq!(folder_name(target, "trixie", "bookworm"), "x86_64-unknown-linux-gnu-trixie");
    }
}
