//! `verify`: every installed file against the manifest, every cached one against the lock.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::network::{Network, Trust};
use super::which::Which;
use super::{Context, chain};
use crate::host::fault::Fault;
use crate::host::fs;
use crate::host::progress::{Event, Progress as _};
use crate::prepare::{World, cacheable, repair, repair_cache};
use crate::store::Store;
use crate::toolchain::check;
use crate::toolchain::layout::Tree;
use crate::ui::output::{sanitise, say};

/// Check every file of a prepared toolchain against its manifest
///
/// Exit status 4 when one is not what it must be.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    which: Which,
    /// Check the cached packages and archives against checksums.txt instead
    #[arg(long, conflicts_with_all = ["target", "release"])]
    cache: bool,
    /// Lay a damaged toolchain out anew; move damaged files of the cache aside and fetch them
    /// again
    #[arg(long)]
    repair: bool,
    /// Show anew, from Debian's signatures, that each locked package and packed archive is
    /// what Debian signed; with PKG print the chain of that package
    ///
    /// Uses the signed indices in the cache where they are those that the lock was made
    /// from, else the mirrors', and the snapshot service for versions that were superseded.
    /// Exit status 4 when a link breaks, 5 when one cannot be had.
    #[arg(long, value_name = "PKG", num_args = 0..=1,
          conflicts_with_all = ["target", "release", "cache", "repair"])]
    #[allow(clippy::option_option, reason = "absent, without a value, with one")]
    chain: Option<Option<String>>,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    trust: Trust,
}

/// What one check found.
struct Findings {
    /// What was checked, for people.
    subject: String,
    /// How many files there are.
    files: usize,
    /// Path, code and message of each problem.
    problems: Vec<(String, &'static str, String)>,
    /// The facts of the subject, for machines.
    facts: Value,
}

impl Args {
    /// Exits with 4 when a file is not what it must be, and stays so.
    ///
    /// # Errors
    /// Nothing is prepared, it cannot be read, or it cannot be repaired.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        if let Some(only) = &self.chain {
            return chain::run(context, &self.network, &self.trust, only.as_deref());
        }
        if self.cache { self.run_cache(context) } else { self.run_tree(context) }
    }

    fn run_tree(&self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let prepared = self.which.prepared(context)?;
        let find = || -> Result<Findings, Fault> {
            // A repair writes another stamp.
            let prepared = crate::prepare::reread(&prepared)?;
            let report = check::whole(&prepared.generation, &prepared.stamp)?;
            let problems =
                report.problems.into_iter().map(|it| (it.path, it.code, it.what)).collect();
            let (target, release) = (prepared.target.triple, &prepared.stamp.release);
            let facts = json!({ "target": target, "release": release });
            Ok(Findings { subject: target.to_owned(), files: report.files, problems, facts })
        };
        let findings = find()?;
        say_problems(&findings, &format!("{}: ", prepared.tree.root().display()));
        let mut left = None;
        if self.repair && !findings.problems.is_empty() {
            self.in_world(context, |world| {
                let (pins, lock) = (context.pins()?, context.lock()?);
                Ok(repair(world, &pins, &lock, &prepared)?)
            })?;
            left = Some(find()?);
        }
        if left.as_ref().unwrap_or(&findings).problems.is_empty() {
            may_start(&prepared.tree)?;
        }
        let hint = "`reml-toolchain verify --repair` lays the tree out anew";
        finish(context, &findings, left.as_ref(), hint)
    }

    fn run_cache(&self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let (pins, lock) = (context.pins()?, context.lock()?);
        let store = Store::at(&context.project.cache());
        let blobs = cacheable(&pins, &lock, &self.network.mirrors(context, &pins)?);
        let find = || -> Result<_, Fault> {
            let (files, damage) = store.check(&blobs, context.reporter)?;
            let problem =
                |it: &crate::store::Damage| (it.path.clone(), "cache-content", it.what.clone());
            let problems = damage.iter().map(problem).collect();
            let facts = json!({ "cache": store.root() });
            Ok((Findings { subject: "the cache".to_owned(), files, problems, facts }, damage))
        };
        let (findings, damage) = find()?;
        say_problems(&findings, &format!("{}/", store.root().display()));
        let mut left = None;
        if self.repair && !damage.is_empty() {
            let missing =
                self.in_world(context, |world| Ok(repair_cache(world, &blobs, &damage)?))?;
            for path in missing {
                let command = if path.starts_with("debian-") { "pack" } else { "prepare" };
                say(&format!("{path}: moved aside; `reml-toolchain {command}` makes good for it"));
            }
            left = Some(find()?.0);
        }
        let hint =
            "`reml-toolchain verify --cache --repair` moves them aside and fetches them again";
        finish(context, &findings, left.as_ref(), hint)
    }

    fn in_world<T>(
        &self,
        context: &Context<'_>,
        work: impl FnOnce(&World<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let client = self.network.client(context, false);
        let mirrors = self.network.mirrors(context, &context.pins()?)?;
        work(&context.world(&client, &mirrors))
    }
}

/// The tools are whole, but a mount may forbid to start them.
fn may_start(tree: &Tree) -> Result<(), Fault> {
    let tools = fs::read_dir_sorted(&tree.bin())?;
    // Finder leaves files whose names begin with a dot.
    let is_tool = |entry: &&fs::Entry| !entry.name.as_encoded_bytes().starts_with(b".");
    Ok(tools.iter().find(is_tool).map_or(Ok(()), |tool| fs::may_be_started(&tool.path))?)
}

fn say_problems(findings: &Findings, place: &str) {
    for (path, _, what) in &findings.problems {
        say(&sanitise(&format!("{place}{path}: {what}")));
    }
}

/// Tells what was found, and what of it is `left` after a repair.
fn finish(
    context: &Context<'_>,
    findings: &Findings,
    left: Option<&Findings>,
    hint: &str,
) -> anyhow::Result<ExitCode> {
    let mut document = findings.facts.clone();
    let problems = |findings: &Findings| -> Value {
        let list = findings.problems.iter();
        list.map(|(path, code, what)| json!({ "path": path, "code": code, "message": what }))
            .collect()
    };
    document["schema"] = json!(1);
    document["files"] = json!(findings.files);
    document["problems"] = problems(findings);
    if let Some(left) = left {
        document["left"] = problems(left);
    }
    context.output.document(&document).map_err(Fault::from)?;
    let Findings { subject, files, .. } = left.unwrap_or(findings);
    let still = &left.unwrap_or(findings).problems;
    if still.is_empty() {
        let count = findings.problems.len();
        let repaired = left.map_or(String::new(), |_| format!(" ({count} repaired)"));
        let text = format!("{subject}: {files} files are as they must be{repaired}");
        context.reporter.event(Event::Note { text });
        return Ok(ExitCode::SUCCESS);
    }
    match left {
        None => say(&format!("\nhint: {hint}")),
        Some(left) => say_problems(left, "still: "),
    }
    Ok(ExitCode::from(4))
}
