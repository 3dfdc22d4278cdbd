//! This host: what the program finds on it, what follows from that, and the one command that
//! cures each thing. Facts are gathered first and judged by pure rules; nothing is changed,
//! but for empty files that try a folder out and go again.

use std::path::Path;

use serde::Serialize;

use crate::audit::findings::{Finding, Severity};
use crate::debian::mirrors::MirrorList;
use crate::host::Env;
use crate::host::fault::{Fault, Kind};
use crate::host::http::{Client, Proxies};
use crate::host::progress::Progress;
use crate::llvm::machine::Platform;
use crate::pins::{Lock, Pins};
use crate::toolchain::layout::Project;

mod codes;
pub mod facts;
pub mod findings;
mod network;
mod place;
pub mod render;
mod tools;
mod variables;

use facts::Facts;

/// The schema number of the report.
pub const SCHEMA: u32 = 1;

/// What this program was built for, and where the system's own paths begin.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'g> {
    /// The system, as in [`std::env::consts::OS`].
    pub os: &'g str,
    /// The processor, as in [`std::env::consts::ARCH`].
    pub arch: &'g str,
    /// The folder of the system's own paths: `/`.
    pub root: &'g Path,
}

impl Ground<'static> {
    /// The real one.
    #[must_use]
    pub fn real() -> Self {
        Self { os: std::env::consts::OS, arch: std::env::consts::ARCH, root: Path::new("/") }
    }
}

/// What a run works with.
pub struct World<'w> {
    /// What is below this process.
    pub ground: Ground<'w>,
    /// The process's environment.
    pub env: &'w Env,
    /// The project's paths.
    pub project: &'w Project,
    /// The network: a client without patience.
    pub client: &'w Client,
    /// The proxy variables that it follows.
    pub proxies: &'w Proxies,
    /// Who would be asked.
    pub mirrors: &'w MirrorList,
    /// Who is told.
    pub progress: &'w dyn Progress,
}

/// What `--json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The version of this program.
    pub tool: &'static str,
    /// The exit status.
    pub exit: u8,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// What is so.
    pub facts: Facts,
}

/// Looks at the host and judges it.
///
/// # Errors
/// The project's folder cannot be looked at.
pub fn examine(world: &World<'_>, pins: &Pins, lock: &Lock) -> Result<Report, Fault> {
    let (system, platform) = tools::system(world);
    let (llvm, brew) = tools::llvm_and_brew(world, pins, platform, &system);
    let toolchains = tools::toolchains(world, pins)?;
    let mut facts = Facts {
        place: place::place(world.project)?,
        rust: crate::audit::rust(world.env),
        emulators: tools::emulators(world, pins, &toolchains),
        variables: variables::variables(world, pins)?,
        lock_behind: crate::audit::lock_behind(pins, lock, pins.target, &pins.release, &[]),
        network: network::network(world, pins),
        system,
        llvm,
        brew,
        toolchains,
    };
    place::quarantined(world.env, &mut facts);
    let findings = findings::judge(&facts, pins.target.triple);
    let exit = exit(&findings);
    Ok(Report { schema: SCHEMA, tool: env!("CARGO_PKG_VERSION"), exit, findings, facts })
}

fn exit(findings: &[Finding]) -> u8 {
    let mut wrong = findings.iter().filter(|finding| finding.severity != Severity::Note).peekable();
    if wrong.peek().is_none() {
        0
    } else if wrong.any(|finding| findings::MISSING_TOOLS.contains(&finding.code)) {
        Kind::HostTool.exit_code()
    } else {
        Kind::Findings.exit_code()
    }
}

impl Ground<'_> {
    fn platform(self, is_translated: bool) -> Option<Platform> {
        Platform::of_build(self.os, self.arch, is_translated)
    }
}
