//! `verify-ir`: one module through every step that makes a program of it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::link::runtime;
use super::{Context, UsageError, context};
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::link::verify::{Finding, Report, Request, Step};
use crate::pins::Target;
use crate::prepare::{Prepared, prepared};
use crate::runtime_build::Flavor;
use crate::ui::output::sanitise;

const AFTER: &str = "\
The steps are LLVM's verifier, llc, ld.lld and objcopy, each by itself; the first that finds
an error ends the run, with exit status 3. What was started, for how long, and what it said
is in artifacts/cross/verify.log. The runtime is linked when the module uses it.";

/// Take a module through verifier, llc, ld.lld and objcopy, and log each step
///
/// Without --cross for this machine, with it for a target; either needs its prepared
/// toolchain. Types of the runtime's functions are checked, and the data layout is compared
/// with clang's own.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Verify for a target
    #[arg(long)]
    cross: bool,
    /// The target; implies --cross [default: that of versions.toml]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The Debian release of the toolchain [default: that of versions.toml]
    #[arg(long, value_name = "CODENAME")]
    release: Option<String>,
    /// The module: .ll or .bc
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// This machine is no target.
#[derive(Debug, thiserror::Error)]
#[error("this machine is no target of the table: expected Linux on a processor of a target")]
struct NoHost;

impl Diagnostic for NoHost {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        "verify-host-unknown"
    }

    fn hints(&self) -> Vec<String> {
        vec!["verify for a target: `reml-toolchain verify-ir --cross FILE`".to_owned()]
    }
}

impl Args {
    /// Exits with 3 when a step finds an error.
    ///
    /// # Errors
    /// Nothing is prepared, the file is no IR, or a tool does not start.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let prepared = self.prepared(context)?;
        let Some(cwd) = context.env.cwd.as_deref() else {
            let text = "the current folder does not exist any more";
            return Err(Fault::from(UsageError(text.to_owned())).into());
        };
        let runtime = || runtime(context, &prepared, Flavor::Release);
        let request = Request {
            project: &context.project,
            tree: &prepared.tree,
            target: prepared.target,
            cwd,
            file: &self.file,
            runtime: &runtime,
        };
        let report = request.run()?;
        if context.output.json {
            context.output.document(&document(&report)).map_err(Fault::from)?;
        } else {
            context.output.data(&sanitise(&text(&report))).map_err(Fault::from)?;
        }
        let kind = Kind::Findings.exit_code();
        Ok(if report.has_errors() { ExitCode::from(kind) } else { ExitCode::SUCCESS })
    }

    fn prepared(&self, context: &Context<'_>) -> anyhow::Result<Prepared> {
        let pins = context.pins()?;
        let target = if self.cross || self.target.is_some() {
            context::target(&pins, self.target.as_deref())?
        } else {
            Target::host().ok_or_else(|| Fault::from(NoHost))?
        };
        let release = context::release(&pins, self.release.as_deref())?;
        Ok(prepared(&context.project, &pins, target, &release)?)
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    for step in &report.steps {
        // Writing to a string cannot fail.
        let _ = if step.status.is_none() {
            writeln!(text, "{:<8} not reached", step.name)
        } else {
            let is_good = step.findings.iter().all(|finding| !finding.is_error);
            let word = if is_good { "ok" } else { "failed" };
            writeln!(text, "{:<8} {word} ({} ms)", step.name, step.took.as_millis())
        };
        for Finding { code, is_error, message } in &step.findings {
            let severity = if *is_error { "error" } else { "warning" };
            let _ = writeln!(text, "  {severity} {code}: {}", message.replace('\n', "\n  "));
        }
    }
    let _ = writeln!(text, "log: {}", report.log.display());
    text
}

fn document(report: &Report) -> Value {
    let step = |step: &Step| {
        let findings = step.findings.iter().map(|finding| {
            let severity = if finding.is_error { "error" } else { "warning" };
            json!({ "code": finding.code, "severity": severity, "message": finding.message })
        });
        json!({
            "name": step.name,
            "command": step.status.map(|_| &step.command),
            "status": step.status,
            "milliseconds": step.status.map(|_| u64::try_from(step.took.as_millis()).unwrap_or(u64::MAX)),
            "output": step.output,
            "findings": findings.collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": 1,
        "file": report.file.to_string_lossy(),
        "target": report.target,
        "valid": !report.has_errors(),
        "log": report.log.to_string_lossy(),
        "steps": report.steps.iter().map(step).collect::<Vec<_>>(),
    })
}
