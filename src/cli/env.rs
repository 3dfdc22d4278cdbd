//! `env`: the variables of a prepared toolchain, for shells and CI.

use std::process::ExitCode;

use super::Context;
use super::which::Which;
use crate::toolchain::variables::{Shell, render};

/// Print the environment of a prepared toolchain
#[derive(Debug, clap::Args)]
#[command(
    after_help = "In a shell:  eval \"$(reml-toolchain env)\"\nIn GitHub Actions:  reml-toolchain env --shell github >> \"$GITHUB_ENV\""
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Who reads it
    #[arg(long, value_name = "SHELL", default_value = "sh")]
    shell: Shell,
}

impl Args {
    /// Prints to stdout.
    ///
    /// # Errors
    /// Nothing is prepared.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let prepared = self.which.prepared(context)?;
        let shell = if context.output.json { Shell::Json } else { self.shell };
        context
            .output
            .data(&render(
                shell,
                &prepared.variables(),
                context.env.text("PATH").unwrap_or_default(),
            ))
            .map_err(crate::host::fault::Fault::from)?;
        Ok(ExitCode::SUCCESS)
    }
}
