//! `build-runtime`: the runtime's archives, for this machine or for a target.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Context, context};
use crate::host::clock;
use crate::host::fault::Fault;
use crate::host::progress::{Event, Progress as _};
use crate::prepare::prepared;
use crate::runtime_build::{Archive, Flavor, Place, Request, build, name};

const AFTER: &str = "\
Examples:
  reml-toolchain build-runtime --cross
  reml-toolchain build-runtime --cross --target aarch64-unknown-linux-gnu --check

Without --release and --debug both are built: libreml_runtime.a, and libreml_runtime_debug.a,
which watches itself. The sources are those of the project's
folder `runtime` when it is this program's own repository, else those in this program.";

/// Build the archives of the runtime that Reml programs link
///
/// Without --cross for this machine, into toolchains/host; with it for a target, into that
/// target's toolchain, with the C header, the IR declarations and a pkg-config file. It needs
/// Rust with the target's standard library, and neither a linker nor the network.
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
    /// Build even what is up to date
    #[arg(long)]
    force: bool,
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
            place: &place,
        };
        let flavors: &[Flavor] = match (self.release, self.debug) {
            (true, _) => &[Flavor::Release],
            (_, true) => &[Flavor::Debug],
            _ => &[Flavor::Release, Flavor::Debug],
        };
        let archives = build(&request, flavors, self.force)?;
        let took = begun.elapsed();
        for archive in &archives {
            let state = if archive.reason.is_none() { "up to date" } else { "built" };
            let Archive { path, revision, bytes, .. } = archive;
            let text = format!("{state}: {} ({revision}, {bytes} bytes)", path.display());
            context.reporter.event(Event::Note { text });
        }
        let list: Vec<Value> = archives.iter().map(document).collect();
        let document = json!({
            "schema": 1,
            "target": place.target.triple,
            "root": place.tree.root().to_string_lossy(),
            "archives": list,
            "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        context.output.document(&document).map_err(Fault::from)?;
        Ok(ExitCode::SUCCESS)
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
