//! `exec`: one command in the toolchain's environment.

use std::ffi::OsString;
use std::process::ExitCode;

use super::{Context, context};
use crate::host::process::{self, Call};
use crate::prepare::prepared;
use crate::toolchain::variables::apply;
use crate::ui::output::say;

/// Run one command in the environment of a prepared toolchain
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:  reml-toolchain exec -- cargo build --target x86_64-unknown-linux-gnu"
)]
pub struct Args {
    /// The target whose toolchain is meant
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The Debian release whose toolchain is meant
    #[arg(long, value_name = "CODENAME")]
    release: Option<String>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Our own failure, as `env` and `timeout` report theirs.
const OWN_FAILURE: u8 = 125;
/// The command is there but does not start.
const NOT_STARTED: u8 = 126;
/// There is no such command.
const NOT_FOUND: u8 = 127;

impl Args {
    /// Becomes the command.
    ///
    /// # Errors
    /// Never: failures of ours exit with 125, 126 or 127 and say why.
    #[allow(clippy::unnecessary_wraps, reason = "every command has this form")]
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let environment = match self.environment(context) {
            Ok(environment) => environment,
            Err(error) => {
                say(&crate::ui::failure::text(&error, false));
                return Ok(ExitCode::from(OWN_FAILURE));
            }
        };
        let Some((name, args)) = self.command.split_first() else {
            return Ok(ExitCode::from(OWN_FAILURE));
        };
        let folders = environment.path_folders();
        let has_folder = name.as_encoded_bytes().contains(&b'/');
        let found = if has_folder {
            Some(name.into())
        } else {
            name.to_str().and_then(|name| process::find(name, &folders))
        };
        let Some(program) = found else {
            say(&format!("error: {}: no such command in PATH", name.display()));
            return Ok(ExitCode::from(NOT_FOUND));
        };
        let mut call = Call::new(program, args.iter().cloned());
        call.arg0 = Some(name.clone());
        call.env = environment.vars.into_iter().collect();
        let error = anyhow::Error::from(crate::host::fault::Fault::from(call.exec()));
        say(&crate::ui::failure::text(&error, false));
        Ok(ExitCode::from(if process::is_executable(&call.program) || !has_folder {
            NOT_STARTED
        } else {
            NOT_FOUND
        }))
    }

    fn environment(&self, context: &Context<'_>) -> anyhow::Result<crate::host::Env> {
        let pins = context.pins()?;
        let target = context::target(&pins, self.target.as_deref())?;
        let release = context::release(&pins, self.release.as_deref())?;
        let prepared = prepared(&context.project, &pins, target, &release)?;
        let mut environment = context.env.clone();
        apply(&mut environment, &prepared.variables());
        Ok(environment)
    }
}
