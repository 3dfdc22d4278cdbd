//! Why a program was not run, or not to its end. Each reason has a stable code, and the
//! exit status that shells have for it.

use std::path::PathBuf;

use crate::host::fault::{Diagnostic, Fault, Kind};

/// Our own failure, as `env` and `timeout` report theirs.
pub const OWN_FAILURE: u8 = 125;
/// The limit was reached, as `timeout` reports it.
pub const TIMED_OUT: u8 = 124;
/// The program is there but cannot be run.
pub const NOT_STARTED: u8 = 126;
/// There is no such program.
pub const NOT_FOUND: u8 = 127;

/// The reasons.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing lies there.
    #[error("{}: no such program", .0.display())]
    Missing(PathBuf),
    /// It is none.
    #[error("{}: cannot be run: {what}", path.display())]
    NotAProgram {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// It is for another machine.
    #[error("{}: expected a program for {expected}, got one for {got}", path.display())]
    OtherMachine {
        /// The file.
        path: PathBuf,
        /// The target.
        expected: String,
        /// What the file says.
        got: String,
    },
    /// What it loads is not in the sysroot.
    #[error("{}: {missing} is not in {}", path.display(), sysroot.display())]
    LibraryMissing {
        /// The program.
        path: PathBuf,
        /// The names, each with who needs it.
        missing: String,
        /// Where they were looked for.
        sysroot: PathBuf,
        /// The target's triple.
        target: &'static str,
    },
    /// The asked-for way cannot serve.
    #[error("the backend {backend} cannot run it: {why}")]
    Unfit {
        /// The backend's name.
        backend: &'static str,
        /// Why.
        why: String,
    },
    /// There is no emulator.
    #[error("{program} was not found in PATH or Homebrew's folders")]
    EmulatorMissing {
        /// Its name.
        program: String,
        /// Debian's package of it.
        package: &'static str,
    },
    /// It is there, but does not serve.
    #[error("{}: not a usable emulator: {why}", program.display())]
    EmulatorUnusable {
        /// Its file.
        program: PathBuf,
        /// What it answered.
        why: String,
    },
    /// The microVM ended, or said what it must not, before the program ended.
    #[error("the microVM {what}{detail}")]
    MicrovmFailed {
        /// What happened.
        what: String,
        /// The last lines of the emulator and the kernel.
        detail: String,
    },
    /// The limit was reached.
    #[error("{} did not end within {seconds} s", path.display())]
    Timeout {
        /// The program.
        path: PathBuf,
        /// The limit.
        seconds: u64,
    },
    /// A file for the microVM cannot be taken.
    #[error("--with-file {argument}: {why}")]
    WithFile {
        /// As it was given.
        argument: String,
        /// Why.
        why: String,
    },
    /// Arguments and environment are too much.
    #[error("the argument list is too long, or holds a NUL byte")]
    TooLong,
    /// The first process of the microVM could not be built.
    #[error("cannot build the microVM's first process: {said}")]
    Init {
        /// What the compiler said.
        said: String,
    },
    /// A room below failed.
    #[error(transparent)]
    Below(Fault),
}

impl<E> From<E> for RunError
where
    Fault: From<E>,
{
    fn from(error: E) -> Self {
        Self::Below(error.into())
    }
}

impl RunError {
    /// What the process ends with.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Missing(_) => NOT_FOUND,
            Self::NotAProgram { .. } | Self::OtherMachine { .. } | Self::TooLong => NOT_STARTED,
            Self::Timeout { .. } => TIMED_OUT,
            _ => OWN_FAILURE,
        }
    }

    /// As a fault, for the one renderer.
    #[must_use]
    pub fn into_fault(self) -> Fault {
        match self {
            Self::Below(fault) => fault,
            error => Fault::from(Told(error)),
        }
    }
}

/// An error of this room that is not one of the rooms below.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Told(RunError);

impl Diagnostic for Told {
    fn kind(&self) -> Kind {
        match &self.0 {
            RunError::EmulatorMissing { .. } | RunError::EmulatorUnusable { .. } => Kind::HostTool,
            RunError::WithFile { .. } | RunError::Unfit { .. } => Kind::Usage,
            _ => Kind::Failed,
        }
    }

    fn code(&self) -> &'static str {
        match &self.0 {
            RunError::Missing(_) => "program-missing",
            RunError::NotAProgram { .. } => "program-unusable",
            RunError::OtherMachine { .. } => "program-other-machine",
            RunError::LibraryMissing { .. } => "library-missing",
            RunError::Unfit { .. } => "backend-unfit",
            RunError::EmulatorMissing { .. } => "emulator-missing",
            RunError::EmulatorUnusable { .. } => "emulator-unusable",
            RunError::MicrovmFailed { .. } => "microvm-failed",
            RunError::Timeout { .. } => "run-timeout",
            RunError::WithFile { .. } => "with-file-unusable",
            RunError::TooLong => "arguments-too-long",
            RunError::Init { .. } => "microvm-init",
            RunError::Below(fault) => fault.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match &self.0 {
            RunError::LibraryMissing { target, .. } => vec![format!(
                "add the package that has it: `reml-toolchain prepare --target {target} --with PKG`"
            )],
            RunError::EmulatorMissing { package, .. } => vec![
                "on a Mac: `brew install qemu`".to_owned(),
                format!("on Debian: `sudo apt-get install {package}`"),
            ],
            RunError::Timeout { .. } => vec!["allow more: `--timeout SECONDS`".to_owned()],
            RunError::OtherMachine { .. } => {
                vec!["leave `--target` out: the program's own file tells its machine".to_owned()]
            }
            RunError::MicrovmFailed { .. } => {
                vec!["give it more memory: `--memory MIB`".to_owned()]
            }
            RunError::Below(fault) => fault.hints(),
            _ => Vec::new(),
        }
    }
}
