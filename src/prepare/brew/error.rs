//! Why `--brew` could not give a toolchain its host tools, each time with the command that
//! a person would type. It decides nothing.

use std::path::PathBuf;

use crate::host::fault::{Diagnostic, Kind};
use crate::llvm::brew::{Disagreement, install_command, llvm_formulae};
use crate::llvm::machine::{Built, Platform};

/// Homebrew, or what is in it, does not serve.
#[derive(Debug, thiserror::Error)]
pub enum BrewError {
    /// No Homebrew anywhere.
    #[error("no Homebrew found: neither in its usual folders nor on PATH")]
    NoBrew,
    /// The variable leads nowhere.
    #[error("HOMEBREW_PREFIX names {}, which has no bin/brew", named.display())]
    NoPrefix {
        /// What it names.
        named: PathBuf,
    },
    /// versions.toml contradicts itself.
    #[error(
        "versions.toml: [homebrew] formulae and [llvm] major contradict each other: expected \
         LLVM {} only, got {}", .0.major, .0.formula
    )]
    Pins(Disagreement),
    /// Formulae are missing and nothing may be installed.
    #[error("{}: not installed: {}", prefix.display(), formulae.join(", "))]
    Missing {
        /// Homebrew's folder.
        prefix: PathBuf,
        /// The formulae.
        formulae: Vec<String>,
    },
    /// brew ran and formulae are missing still.
    #[error("{}: brew ran and these are missing still: {}", prefix.display(), told(failed))]
    NotInstalled {
        /// Homebrew's folder.
        prefix: PathBuf,
        /// The formulae, each with what brew said.
        failed: Vec<(String, String)>,
    },
    /// The LLVM that is there does not serve.
    #[error("Homebrew's LLVM in {} does not serve: {}", prefix.display(), reasons.join("; "))]
    Unusable {
        /// Homebrew's folder.
        prefix: PathBuf,
        /// The pinned major.
        major: u32,
        /// What was found.
        reasons: Vec<String>,
    },
    /// A program of another machine.
    #[error("{}: expected a program for {platform}, got one for {built}", program.display())]
    Foreign {
        /// The program.
        program: PathBuf,
        /// What it was built for.
        built: Built,
        /// This machine.
        platform: Platform,
    },
}

fn told(failed: &[(String, String)]) -> String {
    let lines: Vec<String> =
        failed.iter().map(|(formula, said)| format!("\n  {formula}: {said}")).collect();
    lines.concat()
}

impl Diagnostic for BrewError {
    fn kind(&self) -> Kind {
        if matches!(self, Self::Pins(_)) { Kind::Usage } else { Kind::HostTool }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoBrew => "brew-missing",
            Self::NoPrefix { .. } => "brew-prefix",
            Self::Pins(_) => "brew-pins",
            Self::Missing { .. } => "brew-formula-missing",
            Self::NotInstalled { .. } => "brew-install-failed",
            Self::Unusable { .. } => "brew-llvm-unusable",
            Self::Foreign { .. } => "brew-wrong-machine",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoBrew => vec![
                "install it as https://brew.sh says, or name its folder in HOMEBREW_PREFIX"
                    .to_owned(),
                "on Linux no Homebrew is needed: `reml-toolchain prepare --llvm debian`".to_owned(),
            ],
            Self::NoPrefix { .. } => {
                vec!["name the folder that `brew --prefix` prints, or unset it".to_owned()]
            }
            Self::Pins(Disagreement { major, .. }) => {
                let names: Vec<String> =
                    llvm_formulae(*major).iter().map(|name| format!("\"{name}\"")).collect();
                vec![format!("[homebrew] formulae for LLVM {major}: {}", names.join(", "))]
            }
            Self::Missing { formulae, .. } => {
                let names: Vec<&str> = formulae.iter().map(String::as_str).collect();
                vec![install_command(&names)]
            }
            Self::NotInstalled { failed, .. } => {
                let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
                vec![
                    install_command(&names),
                    "what you can do without, take out of [homebrew] formulae in versions.toml"
                        .to_owned(),
                ]
            }
            Self::Unusable { major, .. } => {
                let formulae = llvm_formulae(*major).join(" ");
                vec![
                    format!("install it anew: `brew reinstall --formula {formulae}`"),
                    "clang and lld must be of one major: name both with it in [homebrew] formulae \
                     of versions.toml"
                        .to_owned(),
                ]
            }
            Self::Foreign { .. } => vec![
                "name the Homebrew of this machine in HOMEBREW_PREFIX: /opt/homebrew on Apple \
                 silicon, /usr/local on Intel"
                    .to_owned(),
            ],
        }
    }
}
