//! `build-runtime`: the runtime's archives, for this machine or for a target.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::network::Network;
use super::run::fault;
use super::{Context, context};
use crate::emulate::{self, Backend, Collected, Job, Program, RunError};
use crate::host::clock;
use crate::host::fault::{Fault, Kind};
use crate::host::progress::{Event, Progress as _};
use crate::prepare::{kernel, prepared};
use crate::runtime_build::{Archive, Flavor, Place, Ran, Request, Trial, Verdict, build, name};
use crate::ui::output::{sanitise, say};

/// How long one of the C programs may run: seconds under an emulator on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

const AFTER: &str = "\
Examples:
  reml-toolchain build-runtime --cross
  reml-toolchain build-runtime --cross --target aarch64-unknown-linux-gnu --check

Without --release and --debug both are built: libreml_runtime.a, and libreml_runtime_debug.a,
which watches itself. The sources are those of the folder `runtime` when the project is this
program's own repository, else those in this program.";

/// Build the archives of the runtime that Reml programs link
///
/// Without --cross for this machine, into toolchains/host; with it for a target, into that
/// target's toolchain, with the C header, the IR declarations and a pkg-config file. It needs
/// Rust with the target's standard library, and neither a linker nor the network; only
/// --check in a microVM fetches the locked kernel when it is first needed.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Args {
    /// Build for a target and install into its prepared toolchain
    #[arg(long)]
    cross: bool,
    /// The target; implies --cross [default: that of versions.toml]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// Build the release archive only
    #[arg(long, conflicts_with = "debug")]
    release: bool,
    /// Build the debug archive only, which watches itself
    #[arg(long)]
    debug: bool,
    /// Compile the runtime's C programs with the toolchain, link them against its sysroot and
    /// the archives, and run them
    #[arg(long)]
    check: bool,
    /// What runs the C programs [default: the first of these that serves]
    #[arg(long, value_name = "BACKEND", requires = "check")]
    backend: Option<Backend>,
    /// Build even what is up to date
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    network: Network,
}

impl Args {
    /// Builds.
    ///
    /// # Errors
    /// Nothing is prepared, a tool is missing or fails, or the archive is not as it must be.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let begun = clock::instant();
        let place = self.place(context)?;
        let request = Request {
            env: &context.env,
            project: &context.project,
            progress: context.reporter,
            patience: context.patience,
            place: &place,
        };
        let flavors: &[Flavor] = match (self.release, self.debug) {
            (true, _) => &[Flavor::Release],
            (_, true) => &[Flavor::Debug],
            _ => &[Flavor::Release, Flavor::Debug],
        };
        let archives = build(&request, flavors, self.force)?;
        let asked: Vec<Archive> =
            archives.iter().filter(|it| flavors.contains(&it.flavor)).cloned().collect();
        let took = begun.elapsed();
        for archive in &archives {
            let state = if archive.reason.is_none() { "up to date" } else { "built" };
            let Archive { path, revision, bytes, .. } = archive;
            let text = format!("{state}: {} ({revision}, {bytes} bytes)", path.display());
            context.reporter.event(Event::Note { text });
        }
        let verdict = if self.check { Some(self.check(context, &place, &asked)?) } else { None };
        if let Some(verdict) = &verdict {
            tell(context, verdict);
        }
        let list: Vec<Value> = archives.iter().map(document).collect();
        let document = json!({
            "schema": 1,
            "target": place.target.triple,
            "root": place.tree.root().to_string_lossy(),
            "archives": list,
            "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            "check": verdict.as_ref().map(|verdict| json!({
                "passed": verdict.passed,
                "failed": verdict.failed,
                "backend": verdict.backend,
            })),
        });
        context.output.document(&document).map_err(Fault::from)?;
        let failed = verdict.is_some_and(|verdict| !verdict.failed.is_empty());
        Ok(if failed { ExitCode::from(Kind::Findings.exit_code()) } else { ExitCode::SUCCESS })
    }

    fn place(&self, context: &Context<'_>) -> anyhow::Result<Place> {
        if !self.cross && self.target.is_none() {
            return Ok(Place::host(&context.project).map_err(Fault::from)?);
        }
        let pins = context.pins()?;
        let target = context::target(&pins, self.target.as_deref())?;
        let prepared = prepared(&context.project, &pins, target, &pins.release)?;
        Ok(Place::toolchain(&context.project, prepared.tree, target))
    }

    /// Tries the archives. Without --cross, too, the compiler and the sysroot are those of the
    /// toolchain for this machine's target.
    fn check(
        &self,
        context: &Context<'_>,
        place: &Place,
        archives: &[Archive],
    ) -> anyhow::Result<Verdict> {
        let pins = context.pins()?;
        let prepared = prepared(&context.project, &pins, place.target, &pins.release)?;
        let kernel = || {
            let client = self.network.client(context, false);
            let mirrors = self.network.mirrors(context, &pins)?;
            let world = context.world(&client, &mirrors);
            let lock = context.lock().map_err(fault)?;
            Ok(kernel(&world, &pins, &lock, place.target)?.file)
        };
        let cwd = context.project.build().join("check");
        let run = |programs: &[PathBuf], each: &mut dyn FnMut(Result<Ran, Fault>)| {
            let open = |path: &PathBuf| Program::open(path, &cwd, Some(place.target));
            let programs: Result<Vec<Program>, RunError> = programs.iter().map(open).collect();
            let programs = programs.map_err(RunError::into_fault)?;
            let job = |program| Job {
                program,
                args: &[],
                variables: vec![("PATH".into(), "/usr/bin:/bin".into())],
                limit: Some(LIMIT),
            };
            let jobs: Vec<Job<'_>> = programs.iter().map(job).collect();
            let request = emulate::Request {
                env: &context.env,
                project: &context.project,
                progress: context.reporter,
                cwd: &cwd,
                tree: Ok(prepared.tree.clone()),
                kernel: &kernel,
                backend: self.backend,
                with_files: &[],
                keep: false,
                memory: None,
            };
            let ran = |ran: Collected| {
                let Collected { status, backend, stdout, stderr } = ran;
                Ran { status, stdout, stderr, backend: backend.name() }
            };
            let mut each = |result: Result<Collected, RunError>| {
                each(result.map(ran).map_err(RunError::into_fault));
            };
            request.collect(&jobs, &mut each).map_err(RunError::into_fault)
        };
        let trial = Trial {
            env: &context.env,
            project: &context.project,
            progress: context.reporter,
            patience: context.patience,
            place,
            tree: &prepared.tree,
            run: &run,
            failed: &|failure| say(&sanitise(&format!("failed: {failure}"))),
        };
        Ok(trial.run(archives)?)
    }
}

fn tell(context: &Context<'_>, verdict: &Verdict) {
    let all = verdict.passed + verdict.failed.len();
    let how = match verdict.backend {
        "native" => "natively",
        "qemu-user" => "under qemu's user mode",
        _ => "in a microVM",
    };
    let text = format!(
        "checked: {} of {all} C programs did what they promise, {how}, in {:.1} s",
        verdict.passed,
        verdict.took.as_secs_f64()
    );
    context.reporter.event(Event::Note { text });
}

fn document(archive: &Archive) -> Value {
    json!({
        "name": name(archive.flavor),
        "path": archive.path.to_string_lossy(),
        "revision": archive.revision,
        "bytes": archive.bytes,
        "changed": archive.reason.is_some(),
        "reason": archive.reason.as_ref().map(ToString::to_string),
    })
}
