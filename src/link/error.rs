//! Why nothing was linked. Each reason has a stable code, names the thing, and says what to
//! type next.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::signature::Mismatch;
use super::undefined::Missing;
use crate::host::fault::{Diagnostic, Kind};
use crate::host::process::ProcessError;

/// The reasons.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// It is neither IR nor an object nor an archive.
    #[error("{}: expected LLVM IR, bitcode, an object file or an archive, got {got}", path.display())]
    UnknownInput {
        /// The file.
        path: PathBuf,
        /// What it is.
        got: String,
    },
    /// The IR is not valid.
    #[error("{at}: not valid LLVM IR: {what}")]
    InvalidIr {
        /// The file, with line and column where LLVM tells them.
        at: String,
        /// What LLVM says.
        what: String,
    },
    /// The IR names another machine.
    #[error("{}: expected IR for {expected}, got IR for {got}", path.display())]
    OtherTriple {
        /// The file.
        path: PathBuf,
        /// The target.
        expected: &'static str,
        /// The module's own triple.
        got: String,
    },
    /// An object, or a member of an archive, is for another machine.
    #[error("{name}: expected an object for {expected}, got one for {got}")]
    OtherMachine {
        /// The file; with its member, where it is an archive.
        name: String,
        /// The target.
        expected: &'static str,
        /// What it says.
        got: String,
    },
    /// An input that is damaged.
    #[error("{name}: cannot be used: {what}")]
    BadInput {
        /// The file.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// Functions of the runtime are declared or called with other types than it has.
    #[error("the IR does not fit the runtime{}", list(.0))]
    Signatures(Vec<Mismatch>),
    /// Nothing defines these symbols.
    #[error("undefined: {}", names(.0))]
    Undefined(Vec<Missing>),
    /// A library that `-l` names is nowhere.
    #[error("no library lib{name}.so or lib{name}.a in the sysroot or the folders of -L")]
    NoLibrary {
        /// As it was given to `-l`.
        name: String,
        /// The target's triple.
        target: &'static str,
    },
    /// The code generator refused valid IR.
    #[error("the IR cannot be compiled: {said}")]
    NotCompiled {
        /// Its own words.
        said: String,
    },
    /// The linker refused for another reason.
    #[error("the linker failed: {said}")]
    Linker {
        /// Its own words.
        said: String,
    },
    /// The toolchain was made of an LLVM without this tool.
    #[error("{tool} is not part of the toolchain {}", tree.display())]
    NoTool {
        /// Its name.
        tool: String,
        /// The toolchain.
        tree: PathBuf,
    },
    /// A tool of the toolchain crashed.
    #[error("{tool} crashed with status {status}: {said}")]
    ToolCrashed {
        /// Its name.
        tool: String,
        /// As a shell would tell it.
        status: u8,
        /// Its last lines.
        said: String,
    },
    /// A tool of the toolchain did not do what it must.
    #[error("{tool} failed: {said}")]
    Tool {
        /// Its name.
        tool: &'static str,
        /// Its own words.
        said: String,
    },
    /// What came out is not what was asked for.
    #[error("the linker made no program for {expected}: {got}")]
    Made {
        /// The target.
        expected: &'static str,
        /// What it made.
        got: String,
    },
    /// The output would replace an input.
    #[error("{}: is an input and the output at once", .0.display())]
    OutputIsInput(PathBuf),
    /// Something that is no file has the output's name.
    #[error("{}: expected a file or nothing in the output's place", .0.display())]
    OutputTaken(PathBuf),
    /// A tool did not start or end.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] crate::host::fs::FsError),
}

fn list(mismatches: &[Mismatch]) -> String {
    mismatches.iter().fold(String::new(), |mut text, mismatch| {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {mismatch}");
        text
    })
}

fn names(missing: &[Missing]) -> String {
    let each = missing.iter().map(|missing| match &missing.by {
        Some(by) => format!("{} (needed by {by})", missing.symbol),
        None => missing.symbol.clone(),
    });
    each.collect::<Vec<_>>().join(", ")
}

impl Diagnostic for LinkError {
    fn kind(&self) -> Kind {
        match self {
            Self::Signatures(_) => Kind::Findings,
            Self::UnknownInput { .. }
            | Self::OtherTriple { .. }
            | Self::OtherMachine { .. }
            | Self::OutputIsInput(_)
            | Self::OutputTaken(_) => Kind::Usage,
            Self::NoTool { .. } => Kind::HostTool,
            Self::Process(error) => error.kind(),
            Self::Disk(error) => error.kind(),
            _ => Kind::Failed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::UnknownInput { .. } => "input-unknown",
            Self::InvalidIr { .. } => "ir-invalid",
            Self::OtherTriple { .. } => "ir-other-target",
            Self::OtherMachine { .. } => "input-other-machine",
            Self::BadInput { .. } => "input-damaged",
            Self::Signatures(_) => "ir-signature",
            Self::Undefined(_) => "undefined-symbols",
            Self::NoLibrary { .. } => "no-such-library",
            Self::NotCompiled { .. } => "ir-not-compiled",
            Self::Linker { .. } => "linker-failed",
            Self::NoTool { .. } => "llvm-tool-absent",
            Self::ToolCrashed { .. } => "llvm-crashed",
            Self::Tool { .. } => "llvm-failed",
            Self::Made { .. } => "output-wrong",
            Self::OutputIsInput(_) => "output-is-input",
            Self::OutputTaken(_) => "output-taken",
            Self::Process(error) => error.code(),
            Self::Disk(error) => error.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownInput { got, .. } if got.contains("shared library") => {
                vec!["link with a library by its name: `-L FOLDER -l NAME`".to_owned()]
            }
            Self::InvalidIr { what, .. } => ir_hints(what),
            Self::OtherTriple { got, .. } => match got.split('-').next().and_then(other_target) {
                Some(triple) => vec![format!("link it for its own target: `--target {triple}`")],
                None => vec!["compile it for the target, or name its own: `--target`".to_owned()],
            },
            Self::OtherMachine { .. } => {
                vec!["compile it for the target, or name its own: `--target`".to_owned()]
            }
            Self::Signatures(_) => vec![
                "the runtime's declarations are in runtime/ir/reml_runtime.ll, and in the \
                 toolchain's share once `reml-toolchain build-runtime --cross` has run"
                    .to_owned(),
            ],
            Self::Undefined(missing) => {
                let mut hints: Vec<String> = Vec::new();
                for hint in missing.iter().filter_map(|missing| missing.hint.clone()) {
                    if !hints.contains(&hint) {
                        hints.push(hint);
                    }
                }
                hints
            }
            Self::NoLibrary { name, target } => vec![format!(
                "add the package that has it, often lib{name}-dev: `reml-toolchain prepare \
                 --target {target} --with PKG`"
            )],
            Self::NoTool { .. } => {
                vec!["take an LLVM that has it: `reml-toolchain prepare --llvm debian`".to_owned()]
            }
            Self::Tool { .. } => {
                vec!["lay the toolchain out anew: `reml-toolchain prepare --force`".to_owned()]
            }
            Self::OutputIsInput(_) => vec!["name another output with `-o`".to_owned()],
            Self::Disk(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}

/// Bitcode that another LLVM wrote is told in LLVM's own terms.
fn ir_hints(what: &str) -> Vec<String> {
    let foreign = ["Unknown attribute", "Invalid record", "Incompatible", "Unknown bitcode"];
    if foreign.iter().any(|words| what.contains(words)) {
        return vec!["it may come from another LLVM than the toolchain's: give it as text".into()];
    }
    Vec::new()
}

fn other_target(processor: &str) -> Option<&'static str> {
    super::module::target(processor).map(|target| target.triple)
}
