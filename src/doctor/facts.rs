//! What is so on this host: values without judgement, as `--json` tells them.

use serde::Serialize;

use crate::audit::facts::Rust;

/// Everything that was found out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Facts {
    /// The system.
    pub system: System,
    /// The project's folders and their volume.
    pub place: Place,
    /// Clang and lld.
    pub llvm: Llvm,
    /// Homebrew.
    pub brew: Brew,
    /// The Rust compiler.
    pub rust: Option<Rust>,
    /// What runs the programs of each wanted target.
    pub emulators: Vec<Emulator>,
    /// Variables that matter.
    pub variables: Variables,
    /// The network.
    pub network: Network,
    /// What `checksums.txt` lacks for the pins, or has too much.
    pub lock_behind: Option<String>,
    /// The prepared toolchains.
    pub toolchains: Vec<Toolchain>,
}

/// The system this runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct System {
    /// Its family: `linux`, `macos` or another, as Rust calls it.
    pub family: String,
    /// Its name and version for people.
    pub name: Option<String>,
    /// The version of macOS.
    pub version: Option<String>,
    /// The processor: `x86_64`, `arm64`, or another as Rust calls it.
    pub cpu: String,
    /// Whether the program knows this system and processor.
    pub is_known: bool,
    /// Whether Rosetta translates this program.
    pub is_translated: bool,
    /// Whether Rosetta is installed; of Apple silicon only.
    pub has_rosetta: Option<bool>,
    /// Whether Apple's command line tools are installed; of a Mac only.
    pub has_developer_tools: Option<bool>,
    /// Whether the system tells a program where its own file lies.
    pub knows_own_file: bool,
    /// Programs that macOS may refuse to start, because they were downloaded.
    pub quarantined: Vec<String>,
}

/// Where the project lies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Place {
    /// The project's folder.
    pub root: String,
    /// The folders of it that exist.
    pub folders: Vec<Folder>,
    /// Bytes that are free, where the volume says.
    pub free: Option<u64>,
    /// Files that can still be made, where their number has a limit.
    pub free_files: Option<u64>,
    /// Whether the volume starts no programs.
    pub is_without_programs: bool,
    /// Whether names that differ in case are different files; as tried out.
    pub is_case_sensitive: Option<bool>,
}

/// A folder that the program writes to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Folder {
    /// Where.
    pub path: String,
    /// Why nothing can be written there, if so; as tried out.
    pub refuses: Option<String>,
    /// The number of its owner.
    pub owner: u32,
    /// The number of the user who asks.
    pub user: u32,
    /// Whether every user of the machine can change it.
    pub is_open_to_all: bool,
}

/// Where clang and lld would come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Llvm {
    /// The pinned major.
    pub major: u32,
    /// The first one that serves.
    pub found: Option<Clang>,
    /// Those before it that do not.
    pub passed_over: Vec<PassedOver>,
    /// Whether `prepare` can bring Debian's.
    pub can_bring_own: bool,
}

/// A clang with its companions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Clang {
    /// Its file.
    pub path: String,
    /// Its version.
    pub version: String,
    /// Its `ld.lld`.
    pub lld: Option<String>,
    /// What it was built for, when Rosetta has to translate it.
    pub translated_from: Option<String>,
}

/// A clang that does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct PassedOver {
    /// The code of the reason.
    pub code: &'static str,
    /// The reason.
    pub reason: String,
    /// What is wrong with the file's machine, where that is the reason.
    pub machine: Option<Machine>,
}

/// Why a program cannot start on this processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Machine {
    /// It was built for another kind of machine.
    Foreign,
    /// It needs Rosetta.
    NeedsRosetta,
}

/// Homebrew.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Brew {
    /// The folder in use.
    pub prefix: Option<String>,
    /// What `HOMEBREW_PREFIX` names although no Homebrew lies there.
    pub wrong_prefix: Option<String>,
    /// The pinned formulae there: name and installed version.
    pub formulae: Vec<(String, Option<String>)>,
    /// A pinned formula that cannot go with the pinned major.
    pub disagreeing: Option<String>,
    /// Missing formulae that Homebrew has no bottle of for this machine.
    pub without_bottle: Vec<String>,
}

/// What runs the programs of a target.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Emulator {
    /// The target's triple.
    pub target: String,
    /// Whether this machine runs them by itself.
    pub is_native: bool,
    /// Whether qemu's user mode is there, or `prepare` brings it.
    pub has_user_mode: bool,
    /// The version of qemu's system emulator.
    pub system: Option<String>,
    /// Why that cannot be used, and its package.
    pub problem: Option<(String, String)>,
}

/// Variables that matter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Variables {
    /// Those that put foreign code into every program.
    pub preloads: Vec<String>,
    /// Those that lead compilers astray and that the tools in `bin/` leave out.
    pub ignored: Vec<String>,
    /// Those that `env.sh` would set, and that have another value.
    pub replaced: Vec<String>,
    /// Those that builds of C read, and that `env.sh` leaves as they are.
    pub kept: Vec<String>,
    /// What `REML_TOOLCHAIN_HOME` names although no toolchain lies there.
    pub wrong_home: Option<String>,
}

/// The network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Network {
    /// Whether nobody may be asked.
    pub is_offline: bool,
    /// The proxy variables in force, credentials masked.
    pub proxies: Vec<String>,
    /// A proxy variable that cannot be used: its name, and what is wrong.
    pub proxy_problem: Option<(String, String)>,
    /// Whether any address is https.
    pub needs_tls: bool,
    /// What is wrong with the machine's trusted certificates.
    pub tls_problem: Option<String>,
    /// The mirrors, in the order of asking.
    pub mirrors: Vec<Mirror>,
}

/// A mirror of one of Debian's archives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Mirror {
    /// The archive.
    pub archive: &'static str,
    /// Its address, credentials masked.
    pub url: String,
    /// In how many milliseconds it answered.
    pub milliseconds: Option<u64>,
    /// Why it did not.
    pub problem: Option<String>,
    /// This machine's clock minus the mirror's, in seconds.
    pub clock_ahead: Option<i64>,
}

/// A prepared toolchain, or what is left of one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Toolchain {
    /// Its target's triple.
    pub target: String,
    /// Its Debian release.
    pub release: String,
    /// Where it lies.
    pub root: String,
    /// What is wrong with it.
    pub problem: Option<(TreeProblem, String)>,
}

/// What is wrong with a toolchain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TreeProblem {
    /// It has no usable stamp.
    Unreadable,
    /// A file is not as installed, by its kind, size or time.
    Damaged,
    /// It was made at another place.
    Moved,
    /// A program of the host that it uses is gone.
    ToolGone,
}
