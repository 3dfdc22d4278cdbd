//! The toolchain's `share/tools`: a line for each program that the shims start. It is read
//! at every start of a shim, so it stays plain text of a few lines and needs no parser
//! of a larger format.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::host::fault::{Diagnostic, Kind};

/// The toolchain's `share/tools`: who it is for, and where each program lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// Such as `x86_64-unknown-linux-gnu`.
    pub triple: String,
    /// Debian's name of the target's library folder, such as `x86_64-linux-gnu`.
    pub multiarch: String,
    /// Each program by its plain name: relative to the toolchain's folder, or absolute.
    pub programs: Vec<(String, PathBuf)>,
}

/// Why a shim cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShimError {
    /// The file's name is none of the table's.
    #[error("{name:?} is no tool of the toolchain for {triple}")]
    UnknownName {
        /// The shim's file name.
        name: String,
        /// The toolchain's target.
        triple: String,
    },
    /// The toolchain was made without this program.
    #[error("{program} is not part of this toolchain: {toolchain}/share/tools does not name it")]
    NotInstalled {
        /// The program's plain name.
        program: String,
        /// The toolchain's folder.
        toolchain: String,
    },
    /// The program names its loader by an absolute path that does not exist any more.
    #[error("{}: its loader is missing, because the toolchain was moved to {toolchain}", program.display())]
    Moved {
        /// The program's file.
        program: PathBuf,
        /// The toolchain's folder as it is now.
        toolchain: String,
    },
    /// The program was there when the toolchain was made.
    #[error(
        "{} is gone: it was there when the toolchain was made, and may have been upgraded or \
         removed since", program.display()
    )]
    Gone {
        /// The program's file.
        program: PathBuf,
    },
    /// The system does not tell a program where its file lies.
    #[error("cannot find the toolchain from this program's own place: /proc is not mounted")]
    NoPlace,
    /// `share/tools` is damaged.
    #[error("share/tools:{line}: expected NAME, a tab and a path, got {got:?}")]
    BadTable {
        /// Counted from 1; 0 when a line is missing.
        line: usize,
        /// What stands there.
        got: String,
    },
}

impl Diagnostic for ShimError {
    fn kind(&self) -> Kind {
        match self {
            Self::UnknownName { .. } => Kind::Usage,
            Self::NotInstalled { .. }
            | Self::Moved { .. }
            | Self::Gone { .. }
            | Self::NoPlace
            | Self::BadTable { .. } => Kind::HostTool,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::UnknownName { .. } => "shim-unknown-name",
            Self::NotInstalled { .. } => "shim-not-installed",
            Self::Moved { .. } => "shim-moved",
            Self::Gone { .. } => "shim-program-gone",
            Self::NoPlace => "shim-no-place",
            Self::BadTable { .. } => "shim-bad-table",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoPlace => vec!["mount -t proc proc /proc".to_owned()],
            _ => vec!["reml-toolchain prepare".to_owned()],
        }
    }
}

impl Tools {
    /// Reads `share/tools`.
    ///
    /// # Errors
    /// [`ShimError::BadTable`].
    pub fn parse(text: &str) -> Result<Self, ShimError> {
        let mut tools =
            Self { triple: String::new(), multiarch: String::new(), programs: Vec::new() };
        for (index, line) in text.lines().enumerate() {
            match line.split_once('\t') {
                Some((name, value)) if !name.is_empty() && !value.is_empty() => match name {
                    "target" => value.clone_into(&mut tools.triple),
                    "multiarch" => value.clone_into(&mut tools.multiarch),
                    _ => tools.programs.push((name.to_owned(), value.into())),
                },
                _ => {
                    return Err(ShimError::BadTable {
                        line: index + 1,
                        got: line.chars().take(80).collect(),
                    });
                }
            }
        }
        if tools.triple.is_empty() || tools.multiarch.is_empty() {
            return Err(ShimError::BadTable {
                line: 0,
                got: "no line for target or multiarch".to_owned(),
            });
        }
        Ok(tools)
    }

    /// The text of `share/tools`. `None` when a path cannot stand in it, because it is
    /// not UTF-8 or holds a line break.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let mut text = format!("target\t{}\nmultiarch\t{}\n", self.triple, self.multiarch);
        for (name, path) in &self.programs {
            let path = path.to_str().filter(|path| !path.contains(['\n', '\r']))?;
            let _ = writeln!(text, "{name}\t{path}");
        }
        Some(text)
    }

    /// Where `program` lies, in the toolchain at `root`.
    #[must_use]
    pub fn path(&self, program: &str, root: &Path) -> Option<PathBuf> {
        let (_, path) = self.programs.iter().find(|(name, _)| name == program)?;
        Some(root.join(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "target\tx86_64-unknown-linux-gnu\nmultiarch\tx86_64-linux-gnu\n\
                         clang\tlib/llvm/usr/lib/llvm-19/bin/clang\nld.lld\t/opt/my lld/ld.lld\n\
                         llvm-ar\tlib/llvm/usr/lib/llvm-19/bin/llvm-ar\n\
                         llvm-cov\t/opt/llvm-cov\npkg-config\t/usr/bin/pkg-config\n";

    #[test]
    fn the_table_is_read_back_as_written_and_damage_is_named_by_line() {
        let tools = Tools::parse(TABLE).unwrap();
        assert_eq!(tools.text().as_deref(), Some(TABLE));
        for (text, line) in [
            ("", 0),
            ("target\tx\n", 0),
            ("target\tx\nmultiarch\ty\nclang /bin/clang\n", 3),
            ("target\tx\nmultiarch\ty\n\n", 3),
            ("target\t\n", 1),
        ] {
            let error = Tools::parse(text).unwrap_err();
            assert!(
                matches!(error, ShimError::BadTable { line: at, .. } if at == line),
                "{text:?}"
            );
        }
    }
}
