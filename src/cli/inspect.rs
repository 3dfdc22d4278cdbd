//! `inspect`: what an ELF file is, needs and runs on.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::{Context, UsageError, context};
use crate::elf::GlibcVersion;
use crate::host::fault::{Fault, Kind};
use crate::host::progress::{Event, Progress as _};
use crate::inspect::{Report, inspect};
use crate::prepare::prepared;
use crate::ui::output::{sanitise, say};

const AFTER: &str = "\
Examples:
  reml-toolchain inspect ./hello
  reml-toolchain inspect --max-glibc 2.31 ./hello

With --max-glibc the exit status is 3 when the file needs a newer glibc; the symbols that do
are told on stderr.";

/// Show what an ELF file is, what it needs, and which releases run it
///
/// Libraries are looked for in the prepared sysroot of the file's own target, by the rules
/// of ld.so(8). The file is never started.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Fail when it needs a newer glibc than this
    #[arg(long, value_name = "VERSION")]
    max_glibc: Option<GlibcVersion>,
    /// The Debian release of the sysroot [default: that of versions.toml]
    #[arg(long, value_name = "CODENAME")]
    release: Option<String>,
    /// The program, library or object file
    #[arg(value_name = "ELF")]
    file: PathBuf,
}

impl Args {
    /// Exits with 3 when it needs a newer glibc than `--max-glibc` allows.
    ///
    /// # Errors
    /// The file cannot be read, is no ELF file, or is damaged.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let pins = context.pins()?;
        let release = context::release(&pins, self.release.as_deref())?;
        let Some(cwd) = context.env.cwd.clone() else {
            let text = "the current folder does not exist any more";
            return Err(Fault::from(UsageError(text.to_owned())).into());
        };
        let mut unprepared = None;
        let report = inspect(&self.file, &cwd, |target| {
            match prepared(&context.project, &pins, target, &release) {
                Ok(prepared) => Some(prepared.tree.sysroot()),
                Err(fault) => {
                    unprepared = Some(fault);
                    None
                }
            }
        })?;
        if let Some(fault) = unprepared.filter(|_| !report.facts.needed.is_empty()) {
            let text = format!("libraries were not looked for: {fault}");
            context.reporter.event(Event::Warning { text });
        }
        let mut document = report.json();
        if let Some(limit) = self.max_glibc {
            let is_met = report.newer_than(limit).is_empty();
            document["max_glibc"] = json!({ "limit": limit.to_string(), "met": is_met });
        }
        if context.output.json {
            context.output.document(&document).map_err(Fault::from)?;
        } else {
            context.output.data(&sanitise(&report.text())).map_err(Fault::from)?;
        }
        Ok(self.judge(&report))
    }

    fn judge(&self, report: &Report) -> ExitCode {
        let Some(limit) = self.max_glibc else { return ExitCode::SUCCESS };
        let newer = report.newer_than(limit);
        if newer.is_empty() {
            return ExitCode::SUCCESS;
        }
        let name = report.file.display();
        for want in newer {
            let symbols = match &*want.symbols.join(", ") {
                "" => "a property of the loader".to_owned(),
                symbols => symbols.to_owned(),
            };
            say(&sanitise(&format!(
                "error: {name} needs {} of {}: {symbols}",
                want.version, want.library
            )));
        }
        let text = format!(
            "\nhint: expected glibc {limit} or older: link it statically, or against the \
             sysroot of an older release: a `[release.CODENAME]` in versions.toml"
        );
        say(&text);
        ExitCode::from(Kind::Findings.exit_code())
    }
}
