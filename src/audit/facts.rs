//! What is so: values without judgement, as they stand in the log and in `--json`. Nothing
//! here says whether a fact is good.

use serde::{Deserialize, Serialize};

use super::updates::Update;

/// How far the suites were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// Asked now, signatures verified.
    Online,
    /// By the signed files of an earlier run.
    Cached,
    /// Not at all.
    NotChecked,
}

/// Everything that was found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The Debian release of the pins.
    pub release: String,
    /// Whether the suites were looked at.
    pub checked: Checked,
    /// Why not, where they were not.
    pub unchecked_because: Option<String>,
    /// A suite, index or package that was refused: not what Debian signed.
    pub refused: Option<String>,
    /// The suites.
    pub suites: Vec<Suite>,
    /// The archive keys pinned for these suites.
    pub keys: Vec<ArchiveKey>,
    /// The lock.
    pub lock: Locked,
    /// The prepared toolchains.
    pub toolchains: Vec<Toolchain>,
    /// Newer versions than those locked.
    pub updates: Vec<Update>,
    /// Packages tied to a durable suite that are newer elsewhere.
    pub held: Vec<Held>,
    /// The host's own tools.
    pub host: Host,
    /// What the disk holds, in bytes.
    pub disk: Disk,
    /// The numbers of lines of the audit log that cannot be read.
    pub log_damaged: Vec<usize>,
    /// The numbers of lines of the audit log that do not follow the one before.
    pub log_broken: Vec<usize>,
}

/// A suite. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suite {
    /// Its codename.
    pub name: String,
    /// Whether it never changes again.
    pub durable: bool,
    /// The date of its Release file.
    pub date: i64,
    /// Until when that is valid.
    pub valid_until: Option<i64>,
    /// The names of the keys whose signatures are good.
    pub signers: Vec<String>,
}

/// A key that may sign one of the suites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArchiveKey {
    /// The suite.
    pub suite: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its owner.
    pub name: String,
    /// When it ceases to count, in Unix seconds.
    pub expires: Option<i64>,
}

/// A package that `versions.toml` ties to a durable suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The Debian release.
    pub release: String,
    /// What it is for: `sysroot`, `llvm`, `qemu` or `kernel`.
    pub part: String,
    /// The package.
    pub name: String,
    /// The architectures on which it is so.
    pub architectures: Vec<String>,
    /// The version in the durable suite.
    pub durable: String,
    /// The version elsewhere.
    pub newer: String,
    /// The suite that has it.
    pub suite: String,
}

/// What `checksums.txt` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Locked {
    /// Its packages.
    pub packages: usize,
    /// The newest date of a suite that still changes, in Unix seconds.
    pub date: Option<i64>,
    /// What it lacks for the pins, or has too much.
    pub behind: Option<String>,
}

/// A prepared toolchain, or what is left of one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Toolchain {
    /// Its target's triple.
    pub target: String,
    /// Its Debian release.
    pub release: String,
    /// Why it cannot be used, if so.
    pub unreadable: Option<String>,
    /// The newest `GLIBC_…` version that its libc.so.6 defines.
    pub glibc: Option<String>,
    /// The version of its GCC's folder.
    pub gcc: Option<String>,
    /// The version of the package libstdc++6.
    pub libstdcxx: Option<String>,
    /// The version of the kernel headers.
    pub linux: Option<String>,
    /// What its tools say of themselves.
    pub clang: Option<String>,
    pub lld: Option<String>,
    pub ar: Option<String>,
    pub readelf: Option<String>,
    /// That of the tree's own emulator, where it has one.
    pub qemu: Option<Option<String>>,
    /// Files that its manifest lists.
    pub files: usize,
    /// Differences from the manifest, ten at most.
    pub damage: Vec<String>,
    /// The further packages that `--with` gave it.
    pub with: Vec<String>,
    /// Packages that are not those locked now, of the sysroot, LLVM and qemu: name, in the
    /// tree, in the lock.
    pub drift: Vec<(String, String, String)>,
}

/// The host's own tools.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Host {
    /// The version of rustc.
    pub rustc: Option<String>,
    /// The Rust compiler.
    pub rust: Option<Rust>,
    /// Variables that put foreign code into every program, this one included.
    pub preloads: Vec<String>,
    /// Homebrew's folder, where there is one.
    pub brew: Option<String>,
    /// The pinned formulae there: name and installed version.
    pub formulae: Vec<(String, Option<String>)>,
}

/// A Rust compiler, which cross-builds where it has the target's standard library.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Rust {
    /// The version of rustc.
    pub version: String,
    /// Whether it is older than the runtime's sources.
    pub is_too_old: bool,
    /// The targets whose standard library is there.
    pub targets: Vec<String>,
    /// Whether rustup is there, which can add more.
    pub has_rustup: bool,
}

impl Rust {
    /// That it cannot build for `target`, and the cure; `None` where it can.
    #[must_use]
    pub fn lacks(&self, target: &str) -> Option<(String, Option<String>)> {
        if self.targets.iter().any(|known| known == target) {
            return None;
        }
        let text = format!("Rust {} lacks the standard library for {target}", self.version);
        let cure = if self.has_rustup {
            format!("rustup target add {target}")
        } else {
            format!("install rustup (https://rustup.rs), then `rustup target add {target}`")
        };
        Some((text, Some(cure)))
    }
}

/// Bytes on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Disk {
    /// Of the fetched packages in the cache.
    pub pool: u64,
    /// Free for us, where the file system says.
    pub free: Option<u64>,
}
