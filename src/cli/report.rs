//! `report`: the journals as one page that people look at.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Context;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::progress::{Event, Progress as _};
use crate::report;

const AFTER: &str = "\
The page needs no network, no script and no other file. The same lines give the same bytes.
Lines that cannot be read are counted on the page and told here.

Examples:
  reml-toolchain report
  reml-toolchain report --output public/index.html";

/// Draw status, versions, drift, updates, times and sizes as one HTML page
///
/// Drawn from toolchains/audit.log, toolchains/metrics.jsonl and the manifests of the prepared
/// toolchains. With --json the same series go to stdout as well.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The file to write [default: toolchains/report.html]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Args {
    /// Reads, draws, and writes the page by one rename.
    ///
    /// # Errors
    /// The pins are not valid, a journal cannot be read, or the page cannot be written.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let report = report::read(&context.project, &context.pins()?)?;
        let folder = context.project.toolchains();
        if self.output.is_none() {
            fs::create_dir_all(&folder).map_err(Fault::from)?;
        }
        // What is named is relative to the current folder; an absolute path replaces it.
        let cwd = context.env.cwd.clone().unwrap_or_default();
        let path = self.output.map_or_else(|| folder.join("report.html"), |path| cwd.join(path));
        fs::write_atomic(&path, report.page().as_bytes()).map_err(Fault::from)?;
        for text in report.unread() {
            context.reporter.event(Event::Warning { text });
        }
        if report.is_empty() {
            let text = "nothing was measured yet: the page tells what to run".to_owned();
            context.reporter.event(Event::Note { text });
        }
        context.reporter.event(Event::Note { text: format!("wrote {}", path.display()) });
        let mut document = report.json();
        document["page"] = serde_json::json!(path);
        context.output.document(&document).map_err(Fault::from)?;
        Ok(ExitCode::SUCCESS)
    }
}
