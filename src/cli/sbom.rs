//! `sbom`: what a prepared toolchain is made of, for scanners and lawyers.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Context;
use super::which::Which;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::sbom::{Format, Sources, collect};
use crate::store::Store;

/// Write the bill of materials of a prepared toolchain
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The same lock and toolchain give the same bytes. Source versions and maintainers come\nfrom the cached packages; where the cache has none they are NOASSERTION.\n\n  reml-toolchain sbom --format spdx --output toolchain.spdx.json"
)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// The format
    #[arg(long, value_name = "FORMAT", default_value = "spdx")]
    format: Format,
    /// The file to write instead of stdout
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Args {
    /// Both formats are JSON: `--json` changes nothing.
    ///
    /// # Errors
    /// Nothing is prepared, or the tree or the cache is damaged.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let prepared = self.which.prepared(context)?;
        let (lock, pins) = (context.lock()?, context.pins()?);
        let cache = Store::open(&context.project.cache()).map_err(Fault::from)?;
        let bill = collect(&Sources {
            tree: &prepared.generation,
            stamp: &prepared.stamp,
            lock: &lock,
            pins: &pins,
            cache: &cache,
        })?;
        let text = bill.render(self.format);
        match &self.output {
            Some(path) => {
                let path = context.env.cwd.as_deref().map_or(path.clone(), |cwd| cwd.join(path));
                fs::write_atomic(&path, text.as_bytes()).map_err(Fault::from)?;
            }
            None => context.output.data(&text).map_err(Fault::from)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
