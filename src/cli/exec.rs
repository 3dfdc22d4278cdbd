//! `exec`: one command in the toolchain's environment.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;

use super::Context;
use super::which::Which;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs;
use crate::host::process::{self, Call};
use crate::toolchain::variables::apply;

/// Run one command in the environment of a prepared toolchain
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:  reml-toolchain exec -- cargo build --target x86_64-unknown-linux-gnu"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Our own failure, as `env` and `timeout` report theirs.
pub(super) const OWN_FAILURE: u8 = 125;
/// The command is there but does not start.
const NOT_STARTED: u8 = 126;
/// There is no such command.
const NOT_FOUND: u8 = 127;

/// Nothing has the command's name.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// No folder of `PATH` has it.
    #[error("{}: no such command in PATH", .0.display())]
    NotInPath(OsString),
    /// Something has the name, but nobody may execute it.
    #[error("{}: not a program: its mode says that nobody may execute it", .0.display())]
    NotExecutable(PathBuf),
}

impl Diagnostic for ExecError {
    fn kind(&self) -> Kind {
        Kind::HostTool
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotInPath(_) => "command-not-found",
            Self::NotExecutable(_) => "command-not-executable",
        }
    }
}

impl Args {
    /// Becomes the command.
    ///
    /// # Errors
    /// Nothing is prepared. That the command cannot be started is told here, for its
    /// exit status is not that of other failures: 126 or 127, as in shells.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let prepared = self.which.prepared(context)?;
        // Until the command and all it started have ended, no `prepare` removes the tree.
        let _in_use = fs::share_with_children(&prepared.tree.stamp());
        let mut environment = context.env.clone();
        apply(&mut environment, &prepared.variables());
        let Some((name, args)) = self.command.split_first() else {
            return Ok(ExitCode::from(OWN_FAILURE));
        };
        let refuse = |fault: Fault, exit| super::report(&fault.into(), exit, context.output, false);
        let program = match find(name, &environment.path_folders()) {
            Ok(program) => program,
            Err(error) => {
                let is_there = matches!(error, ExecError::NotExecutable(_));
                let exit = if is_there { NOT_STARTED } else { NOT_FOUND };
                return Ok(refuse(error.into(), exit));
            }
        };
        let mut call = Call::new(program, args.iter().cloned());
        call.arg0 = Some(name.clone());
        call.env = environment.vars.into_iter().collect();
        let error = call.exec();
        let is_there = matches!(fs::stat(&call.program), Ok(Some(_)));
        Ok(refuse(error.into(), if is_there { NOT_STARTED } else { NOT_FOUND }))
    }
}

/// The command's file: as named when there is a `/` in it, else from `folders`.
fn find(name: &OsStr, folders: &[PathBuf]) -> Result<PathBuf, ExecError> {
    let Some(plain) = name.to_str().filter(|name| !name.contains('/')) else {
        return Ok(name.into());
    };
    let files = || folders.iter().map(|folder| folder.join(plain));
    let is_file = |file: &PathBuf| matches!(fs::stat(file), Ok(Some(meta)) if !meta.is_dir());
    match (process::find(plain, folders), files().find(is_file)) {
        (Some(program), _) => Ok(program),
        (None, Some(file)) => Err(ExecError::NotExecutable(file)),
        (None, None) => Err(ExecError::NotInPath(name.to_owned())),
    }
}
