//! `doctor`: what this host lacks, and the command that cures each thing.

use std::process::ExitCode;

use super::Context;
use super::network::Network;
use crate::doctor::{self, Ground, render};
use crate::host::fault::Fault;
use crate::ui::output::sanitise;

const AFTER: &str = "\
Exit status: 0 nothing stands in the way, 3 findings, 6 a tool of this host is missing. Each
code has its section in docs/src/reference/doctor.md.";

/// Look at this machine: what is missing, and the one command that cures each thing
///
/// System, folders, compilers, Homebrew, Rust, emulators, variables, network and the toolchains
/// made so far. Nothing is changed or installed. The mirrors are asked once, unless --offline.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    network: Network,
}

impl Args {
    /// Looks, and tells.
    ///
    /// # Errors
    /// The pins or the lock are not valid, or the project's folder cannot be looked at.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let (pins, lock) = (context.pins()?, context.lock()?);
        let (client, proxies) = self.network.impatient_client(context);
        let world = doctor::World {
            ground: Ground::real(),
            env: &context.env,
            project: &context.project,
            client: &client,
            proxies: &proxies,
            mirrors: &self.network.mirrors(context, &pins)?,
            progress: context.reporter,
        };
        let report = doctor::examine(&world, &pins, &lock)?;
        let text = if context.output.json {
            format!("{:#}\n", serde_json::json!(report))
        } else {
            sanitise(&render::text(&report))
        };
        context.output.data(&text).map_err(Fault::from)?;
        Ok(ExitCode::from(report.exit))
    }
}
