//! The table of findings: each code with its severity and its cure. It judges nothing.

use crate::audit::findings::{Rule, Severity};

use Severity::{Error, Note, Warning};

/// Every code with its severity, and what to do where that does not depend on the facts.
#[rustfmt::skip]
pub const CODES: &[Rule] = &[
    ("system-unknown",          Warning, "use Linux on x86_64 or aarch64, or macOS 11 or later"),
    ("macos-old",               Error,   "softwareupdate --install --all"),
    ("own-file-unknown",        Error,   "mount -t proc proc /proc"),
    ("translated",              Warning, "cargo install --path . --target aarch64-apple-darwin"),
    ("rosetta-missing",         Error,   "softwareupdate --install-rosetta --agree-to-license"),
    ("developer-tools-missing", Warning, "xcode-select --install"),
    ("quarantined",             Warning, "xattr -d com.apple.quarantine FILE"),
    ("folder-refuses",          Error,   "choose another folder: `reml-toolchain --root DIR …`"),
    ("folder-open",             Warning, "chmod o-w FOLDER"),
    ("volume-without-programs", Error,   "choose a folder on another volume: `reml-toolchain --root DIR …`"),
    ("volume-folds-case",       Note,    "nothing to do: clang is told of the headers whose names would be one"),
    ("space-low",               Warning, "rm -r toolchains/cache/unpacked, which `prepare` makes again"),
    ("files-low",               Warning, "rm -r toolchains/cache/unpacked, which `prepare` makes again"),
    ("brew-missing",            Error,   "install Homebrew as https://brew.sh says"),
    ("brew-prefix",             Warning, "unset HOMEBREW_PREFIX"),
    ("brew-pins",               Error,   "correct [homebrew] formulae in versions.toml"),
    ("brew-formula-missing",    Warning, "reml-toolchain prepare --brew"),
    ("brew-bottle-missing",     Warning, "brew install --build-from-source FORMULA, which takes hours"),
    ("llvm-missing",            Error,   "install LLVM"),
    ("llvm-passed-over",        Note,    "nothing to do"),
    ("llvm-foreign",            Warning, "name the Homebrew of this machine in HOMEBREW_PREFIX: /opt/homebrew or /usr/local"),
    ("llvm-translated",         Warning, "name the Homebrew of this machine in HOMEBREW_PREFIX: /opt/homebrew"),
    ("rust-missing",            Note,    "to build Rust for the target, install rustup as https://rustup.rs says"),
    ("rust-too-old",            Warning, "rustup update stable"),
    ("rust-target-missing",     Warning, "rustup target add TARGET"),
    ("qemu-missing",            Warning, "reml-toolchain prepare --brew"),
    ("variables-ignored",       Note,    "nothing to do for the tools in bin/: they leave these out"),
    ("variables-replaced",      Note,    "nothing to do; whoever wants another tool sets it again after env.sh"),
    ("variables-kept",          Note,    "unset those that are meant for programs of this machine alone"),
    ("preloaded",               Warning, "unset VARIABLE"),
    ("home-wrong",              Warning, "unset REML_TOOLCHAIN_HOME"),
    ("proxy-malformed",         Error,   "unset VARIABLE"),
    ("certificates-missing",    Warning, "sudo apt-get install ca-certificates"),
    ("network-not-asked",       Note,    "run `reml-toolchain doctor` without --offline"),
    ("mirror-silent",           Note,    "nothing to do: another one answers"),
    ("archive-unreachable",     Warning, "name a mirror that you can reach: `reml-toolchain doctor --mirror URL`"),
    ("clock-wrong",             Error,   "sudo timedatectl set-ntp true, on a Mac `sudo sntp -sS time.apple.com`"),
    ("lock-behind",             Error,   "reml-toolchain lock"),
    ("not-prepared",            Note,    "reml-toolchain prepare"),
    ("tree-unreadable",         Error,   "reml-toolchain prepare --force"),
    ("tree-damaged",            Error,   "reml-toolchain prepare --force"),
    ("tree-moved",              Warning, "reml-toolchain prepare"),
    ("tree-tool-gone",          Error,   "reml-toolchain prepare"),
];

/// What says that a tool of the host is missing: exit status 6.
pub const MISSING_TOOLS: [&str; 7] = [
    "own-file-unknown",
    "rosetta-missing",
    "developer-tools-missing",
    "brew-missing",
    "brew-formula-missing",
    "llvm-missing",
    "qemu-missing",
];
