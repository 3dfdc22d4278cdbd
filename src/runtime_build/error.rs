//! Why the runtime could not be built or installed. What is installed stays as it was then.

use std::path::PathBuf;
use std::process::ExitStatus;

use crate::host::fault::{Diagnostic, Kind};
use crate::toolchain::variables::shell_word;

/// The reasons.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// There is no Rust.
    #[error("{program} was not found in PATH or ~/.cargo/bin")]
    RustMissing {
        /// `rustc` or `cargo`.
        program: &'static str,
    },
    /// It does not answer as one.
    #[error("{}: not a usable Rust compiler: {said}", program.display())]
    RustUnusable {
        /// Its file.
        program: PathBuf,
        /// What it answered.
        said: String,
    },
    /// It is older than the runtime's sources.
    #[error("{}: expected Rust {needed} or later, got {got}", program.display())]
    RustTooOld {
        /// The compiler's file.
        program: PathBuf,
        /// What the sources need.
        needed: &'static str,
        /// What it is.
        got: String,
    },
    /// Rust cannot compile for the target.
    #[error("{}: this Rust has no standard library for {target}", sysroot.display())]
    TargetMissing {
        /// Where Rust lies.
        sysroot: PathBuf,
        /// The target's triple.
        target: &'static str,
        /// The toolchain named by `RUSTUP_TOOLCHAIN`.
        toolchain: Option<String>,
    },
    /// Nothing can repack what rustc writes.
    #[error("neither {} nor the prepared toolchain has {tool}", rust.display())]
    PackerMissing {
        /// Where Rust's own would be.
        rust: PathBuf,
        /// What is missing.
        tool: &'static str,
    },
    /// Cargo failed; its words come first.
    #[error("{said}\n\ncargo did not build the runtime: {status}")]
    Cargo {
        /// How it ended.
        status: ExitStatus,
        /// Everything it said.
        said: String,
    },
    /// Rustc's archive could not be made into ours.
    #[error("the runtime's archive could not be packed: {said}")]
    Pack {
        /// What said so.
        said: String,
    },
    /// The archive is not what it must be.
    #[error("the archive that was built is not installed: {}", problems.join("; "))]
    Unfit {
        /// What is wrong with it.
        problems: Vec<String>,
    },
    /// The sources cannot be used.
    #[error("{}: not a source of the runtime: {why}", path.display())]
    Sources {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The sources are of another version than this program.
    #[error("{}: not the interface that this program was built with", .0.display())]
    OtherInterface(PathBuf),
    /// The runtime is for Linux only.
    #[error("the runtime is for Linux programs, and this is no known Linux machine")]
    NoHost,
}

impl Diagnostic for RuntimeError {
    fn kind(&self) -> Kind {
        match self {
            Self::RustMissing { .. }
            | Self::RustUnusable { .. }
            | Self::RustTooOld { .. }
            | Self::TargetMissing { .. }
            | Self::PackerMissing { .. } => Kind::HostTool,
            Self::Cargo { .. } | Self::Pack { .. } | Self::Unfit { .. } => Kind::Failed,
            Self::Sources { .. } | Self::OtherInterface(_) | Self::NoHost => Kind::Usage,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::RustMissing { .. } => "rust-missing",
            Self::RustUnusable { .. } => "rust-unusable",
            Self::RustTooOld { .. } => "rust-too-old",
            Self::TargetMissing { .. } => "rust-target-missing",
            Self::PackerMissing { .. } => "runtime-packer-missing",
            Self::Cargo { .. } => "runtime-not-built",
            Self::Pack { .. } => "runtime-not-packed",
            Self::Unfit { .. } => "runtime-unfit",
            Self::Sources { .. } => "runtime-sources",
            Self::OtherInterface(_) => "runtime-other-interface",
            Self::NoHost => "runtime-no-host",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::RustMissing { .. } => vec![
                "install Rust as https://rustup.rs says; with Homebrew: `brew install rustup`"
                    .to_owned(),
            ],
            Self::RustUnusable { program, .. } => {
                vec![format!("see what it says: `{} -vV`", shell_word(&program.to_string_lossy()))]
            }
            Self::RustTooOld { .. } => vec!["update it: `rustup update stable`".to_owned()],
            Self::TargetMissing { target, toolchain, .. } => {
                let chosen = toolchain.as_ref().map(|name| format!("+{} ", shell_word(name)));
                vec![format!("rustup {}target add {target}", chosen.unwrap_or_default())]
            }
            Self::PackerMissing { .. } => {
                vec!["use Rust of rustup, which brings it: `rustup default stable`".to_owned()]
            }
            Self::Cargo { said, .. } if wants_crates(said) => vec![
                "the runtime takes no crates: remove them from `[dependencies]` in \
                 runtime/Cargo.toml"
                    .to_owned(),
            ],
            Self::NoHost => {
                vec!["build it for a target: `reml-toolchain build-runtime --cross`".to_owned()]
            }
            Self::OtherInterface(_) => {
                vec!["build the program of the same sources: `cargo build`".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// Whether cargo asked for something beside the sources: it may never fetch any.
fn wants_crates(said: &str) -> bool {
    said.contains("offline") || said.contains("lock file")
}
