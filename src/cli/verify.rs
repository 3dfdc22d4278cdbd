//! `verify`: every installed file against the manifest.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::Context;
use super::which::Which;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::progress::{Event, Progress as _};
use crate::toolchain::check;
use crate::toolchain::layout::Tree;
use crate::ui::output::{sanitise, say};

/// Check every file of a prepared toolchain against its manifest
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
}

impl Args {
    /// Exits with 4 when a file is not what it must be.
    ///
    /// # Errors
    /// Nothing is prepared, or it cannot be read.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let prepared = self.which.prepared(context)?;
        let report = check::whole(&prepared.tree, &prepared.stamp)?;
        for problem in &report.problems {
            say(&sanitise(&format!("{}: {problem}", prepared.tree.root().display())));
        }
        let problems: Vec<Value> = report
            .problems
            .iter()
            .map(|p| json!({ "path": p.path, "code": p.code, "message": p.what }))
            .collect();
        context
            .output
            .document(&json!({
                "schema": 1,
                "target": prepared.target.triple,
                "release": prepared.stamp.release,
                "files": report.files,
                "problems": problems,
            }))
            .map_err(Fault::from)?;
        if report.problems.is_empty() {
            may_start(&prepared.tree)?;
            let text =
                format!("{}: {} files are as they must be", prepared.target.triple, report.files);
            context.reporter.event(Event::Note { text });
            return Ok(ExitCode::SUCCESS);
        }
        say("\nhint: `reml-toolchain prepare --force` lays the tree out anew");
        Ok(ExitCode::from(4))
    }
}

/// The tools are whole, but a mount may forbid to start them.
fn may_start(tree: &Tree) -> Result<(), Fault> {
    let tools = fs::read_dir_sorted(&tree.bin())?;
    Ok(tools.first().map_or(Ok(()), |tool| fs::may_be_started(&tool.path))?)
}
