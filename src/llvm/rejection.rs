//! Why a clang that was found does not serve, in words that name what was found and what
//! is needed. It decides nothing.

use std::fmt;
use std::path::PathBuf;

use super::banner::LlvmVersion;
use crate::host::fault::{Diagnostic, Kind};

/// Why a candidate does not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It cannot be run, or does not name itself clang.
    NotClang(String),
    /// Xcode's clang: it has neither lld nor the binutils.
    Apple(LlvmVersion),
    /// Another major than the pin.
    Major(LlvmVersion),
    /// Its lld is of another major.
    LldMajor(PathBuf, LlvmVersion),
    /// Tools that lie in none of its folders.
    Missing(Vec<String>),
}

/// A candidate that does not serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Rejection {
    /// The clang that was looked at.
    pub clang: PathBuf,
    /// The pinned major.
    pub needed: u32,
    /// Why it does not serve.
    pub reason: Reason,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (clang, needed) = (self.clang.display(), self.needed);
        match &self.reason {
            Reason::NotClang(why) => write!(f, "{clang}: expected clang {needed}, got {why}"),
            Reason::Apple(version) => {
                write!(f, "{clang}: expected LLVM {needed}, got Apple clang {version}")
            }
            Reason::Major(version) => {
                write!(f, "{clang}: expected LLVM {needed}, got {version}")
            }
            Reason::LldMajor(lld, version) => write!(
                f,
                "{}: expected lld {needed} to go with {clang}, got {version}",
                lld.display()
            ),
            Reason::Missing(tools) => write!(f, "{clang}: without {}", tools.join(", ")),
        }
    }
}

impl Diagnostic for Rejection {
    fn kind(&self) -> Kind {
        Kind::HostTool
    }

    fn code(&self) -> &'static str {
        match self.reason {
            Reason::NotClang(_) => "llvm-not-clang",
            Reason::Apple(_) => "llvm-apple-clang",
            Reason::Major(_) => "llvm-wrong-major",
            Reason::LldMajor(..) => "llvm-lld-major",
            Reason::Missing(_) => "llvm-tools-missing",
        }
    }

    fn hints(&self) -> Vec<String> {
        let needed = self.needed;
        if cfg!(target_os = "macos") {
            vec!["install Homebrew's: `reml-toolchain prepare --brew`".to_owned()]
        } else {
            vec![format!(
                "leave the host's LLVM aside (reml-toolchain prepare brings its own), or \
                 install LLVM {needed}: apt-get install clang-{needed} lld-{needed} llvm-{needed}"
            )]
        }
    }
}
