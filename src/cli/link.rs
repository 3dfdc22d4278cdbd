//! `link`: from IR and objects to a program for the target.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use super::which::Which;
use super::{Context, UsageError};
use crate::host::clock;
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::progress::{Event, Progress as _};
use crate::link::metadata::{self, Told};
use crate::link::{Inline, Level, Linked, Options, Request};
use crate::prepare::Prepared;
use crate::runtime_build::{self, Flavor, Place};
use crate::toolchain::metrics::{Entry, rfc3339};

const AFTER: &str = "\
Examples:
  reml-toolchain link hello.ll -o hello --link-runtime
  reml-toolchain link main.bc helper.o -O 3 --lto -l m -o program

Inputs are known by their content. IR is verified before anything is made of it. With
--link-runtime the declarations and calls of the runtime's functions must have its types:
exit status 3 names those that have not. At -O1 to -O3 the fast paths of inc_ref and dec_ref
are put into the IR before it is optimised. The output is replaced by one rename.";

/// Link LLVM IR, bitcode, objects and archives into a program for the target
///
/// By the prepared toolchain's own clang and ld.lld, whatever is in PATH or the environment.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The program
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Link the runtime, built when it is not up to date; `=debug` the one that watches itself
    #[arg(
        long,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "release"
    )]
    link_runtime: Option<Runtime>,
    /// When to put the fast paths of `inc_ref` and `dec_ref` into IR
    #[arg(long, value_name = "WHEN", default_value = "auto", requires = "link_runtime")]
    inline_runtime: Inline,
    /// Optimise IR
    #[arg(short = 'O', value_name = "LEVEL", default_value = "2")]
    level: Level,
    /// Link without shared libraries
    #[arg(long = "static")]
    is_static: bool,
    // As compilers spell it: `-static`.
    #[arg(short = 's', hide = true, value_parser = ["tatic"])]
    static_as_compilers_spell_it: Option<String>,
    /// Optimise all IR as one module
    #[arg(long)]
    lto: bool,
    /// Keep debug information
    #[arg(short = 'g')]
    debug: bool,
    /// Link with a library (repeatable)
    #[arg(short = 'l', value_name = "NAME")]
    libraries: Vec<String>,
    /// Look for libraries in a folder, too (repeatable)
    #[arg(short = 'L', value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Write what the program is and what went into it, as JSON
    #[arg(long, value_name = "FILE")]
    emit_metadata: Option<PathBuf>,
    /// For the metadata: what the target can do (repeatable)
    #[arg(long, value_name = "NAME", requires = "emit_metadata")]
    capability: Vec<String>,
    /// For the metadata: the version of Reml's library
    #[arg(long, value_name = "VERSION", requires = "emit_metadata")]
    stdlib_version: Option<String>,
    #[command(flatten)]
    which: Which,
    /// The inputs: .ll, .bc, .o, .a
    #[arg(required = true, value_name = "IN")]
    inputs: Vec<PathBuf>,
}

/// Which runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Runtime {
    /// The fast one
    Release,
    /// The one that reports leaks and cycles
    Debug,
}

impl Args {
    /// Links, and tells what came out.
    ///
    /// # Errors
    /// Nothing is prepared, an input is not valid, or the linker failed.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let begun = clock::instant();
        let prepared = self.which.prepared(context)?;
        let linked = self.link(context, &prepared);
        let took = begun.elapsed();
        record(context, &prepared, linked.as_ref(), took);
        let linked = linked?;
        let told = Told {
            capabilities: self.capability.clone(),
            stdlib_version: self.stdlib_version.clone(),
            timestamp: rfc3339(timestamp(context)),
        };
        let metadata = metadata::of(&linked, prepared.target, told);
        if let Some(file) = &self.emit_metadata {
            let file = context.env.cwd.as_deref().map_or(file.clone(), |cwd| cwd.join(file));
            let text = format!("{:#}\n", json!(metadata));
            fs::write_atomic(&file, text.as_bytes()).map_err(Fault::from)?;
        }
        let Linked { path, bytes, .. } = &linked;
        let milliseconds = took.as_millis();
        let text = format!("linked {} ({bytes} bytes, {milliseconds} ms)", path.display());
        context.reporter.event(Event::Note { text });
        let document = json!({
            "schema": 1,
            "output": path.to_string_lossy(),
            "bytes": bytes,
            "metadata": metadata,
        });
        context.output.document(&document).map_err(Fault::from)?;
        Ok(ExitCode::SUCCESS)
    }

    fn link(&self, context: &Context<'_>, prepared: &Prepared) -> Result<Linked, Fault> {
        let Some(cwd) = context.env.cwd.as_deref() else {
            let text = "the current folder does not exist any more";
            return Err(UsageError(text.to_owned()).into());
        };
        let options = Options {
            level: self.level,
            is_static: self.is_static || self.static_as_compilers_spell_it.is_some(),
            lto: self.lto,
            debug: self.debug,
            inline: self.inline_runtime,
            libraries: self.libraries.clone(),
            folders: self.folders.clone(),
        };
        let flavor = match self.link_runtime {
            Some(Runtime::Debug) => Flavor::Debug,
            _ => Flavor::Release,
        };
        let runtime = || runtime(context, prepared, flavor);
        let request = Request {
            project: &context.project,
            tree: &prepared.tree,
            target: prepared.target,
            progress: context.reporter,
            cwd,
            inputs: &self.inputs,
            output: &self.output,
            options: &options,
            runtime: self.link_runtime.is_some().then_some(&runtime),
        };
        request.run()
    }
}

/// The archive in a prepared toolchain, built when it is not up to date.
pub(super) fn runtime(
    context: &Context<'_>,
    prepared: &Prepared,
    flavor: Flavor,
) -> Result<runtime_build::Archive, Fault> {
    let place = Place::toolchain(&context.project, prepared.tree.clone(), prepared.target);
    let request = runtime_build::Request {
        env: &context.env,
        project: &context.project,
        progress: context.reporter,
        place: &place,
        patience: context.patience,
    };
    runtime_build::ensure(&request, flavor)
}

/// A line of metrics, for failures as well.
fn record(
    context: &Context<'_>,
    prepared: &Prepared,
    linked: Result<&Linked, &Fault>,
    took: Duration,
) {
    let status = linked.map_or_else(|fault| fault.kind().exit_code(), |_| 0);
    let mut entry = Entry::new("link", prepared.target.triple, took, status.into());
    if let Some(glibc) = prepared.stamp.glibc() {
        entry.version("glibc", glibc);
    }
    if let Ok(linked) = linked {
        for (step, time) in &linked.steps {
            entry.took(step, *time);
        }
        entry.version("llvm", linked.clang.version.to_string());
        if let Some(archive) = &linked.runtime {
            entry.version("runtime", archive.revision.clone());
        }
        entry.elf_bytes = Some(linked.bytes);
    }
    entry.record(&context.project, context.reporter);
}

/// Now, or what the builder says it is (reproducible-builds.org, `SOURCE_DATE_EPOCH`).
fn timestamp(context: &Context<'_>) -> u64 {
    let named = context.env.text("SOURCE_DATE_EPOCH").and_then(|text| text.parse().ok());
    named.unwrap_or_else(clock::unix_now)
}
