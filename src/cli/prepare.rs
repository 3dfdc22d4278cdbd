//! `prepare`: the main job.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};

use super::network::{Network, Trust};
use super::{Context, context, lock};
use crate::host::clock;
use crate::host::fault::Fault;
use crate::host::progress::{Event, Progress as _};
use crate::lock::{Options, set_name, with_part};
use crate::pins::{Lock, Pins, Target};
use crate::prepare::{
    self, ArchiveChoice, Forecast, Further, LlvmChoice, Origin, Outcome, Request, forecast,
};
use crate::store::CONNECTIONS;
use crate::toolchain::metrics::Entry;
use crate::toolchain::variables::shell_word;
use crate::ui::bytes;

const AFTER: &str = "\
Examples:
  reml-toolchain prepare
  reml-toolchain prepare --target aarch64-unknown-linux-gnu --with zlib1g-dev
Afterwards:
  . toolchains/x86_64-unknown-linux-gnu/env.sh
  x86_64-unknown-linux-gnu-clang hello.c -o hello";

/// Fetch, verify and lay out a toolchain
///
/// Every byte is checked against checksums.txt. A toolchain that is up to date is left
/// alone; otherwise a new one is laid out beside it and takes its place in one rename.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Args {
    /// The target, or `all` [default: that of versions.toml]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// The Debian release of the sysroot [default: that of versions.toml]
    #[arg(long, value_name = "CODENAME")]
    release: Option<String>,
    /// Add PKG and all it depends on to the sysroot (repeatable)
    ///
    /// It stays with this toolchain: later runs need not name it again.
    #[arg(long, value_name = "PKG")]
    with: Vec<String>,
    /// Take PKG of an earlier --with out again (repeatable)
    #[arg(long, value_name = "PKG")]
    without: Vec<String>,
    /// Where LLVM comes from
    #[arg(long, value_name = "WHERE", default_value = "auto", conflicts_with = "brew")]
    llvm: LlvmChoice,
    /// Take clang, lld and the other host tools from Homebrew, and install what is missing
    ///
    /// The formulae are those of versions.toml. With --cache or --offline nothing is
    /// installed: what is missing is named with the command.
    #[arg(long)]
    brew: bool,
    /// Use what is in the cache, never the network
    #[arg(long)]
    cache: bool,
    /// Use the packed archive FILE, never the network
    /// [default: the one of the target and release in toolchains/cache/]
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with = "cache")]
    #[allow(clippy::option_option, reason = "absent, without a value, with one")]
    archive: Option<Option<PathBuf>>,
    /// Accept an archive whose hash stands in no line of checksums.txt
    #[arg(long, requires = "archive")]
    dangerously_trust_archive: bool,
    /// Only say what would be done; write nothing and ask nobody
    #[arg(long)]
    dry_run: bool,
    /// Lay the toolchain out anew even when it is up to date
    #[arg(long)]
    force: bool,
    /// Downloads side by side, 1 to 32
    #[arg(long, short, value_name = "N", default_value_t = u8::try_from(CONNECTIONS).unwrap_or(8),
          value_parser = clap::value_parser!(u8).range(1..=32))]
    jobs: u8,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    trust: Trust,
}

impl Args {
    /// Prepares one target or all.
    ///
    /// # Errors
    /// Anything that keeps a toolchain from being what was asked for; it is as it was.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let pins = context.pins()?;
        let release = context::release(&pins, self.release.as_deref())?;
        let targets: Vec<&'static Target> = match self.target.as_deref() {
            Some("all") => crate::pins::TARGETS.iter().collect(),
            triple => vec![context::target(&pins, triple)?],
        };
        let mut start = clock::instant();
        let may_be_fresh = !self.force && !self.dry_run;
        let first = targets.first().filter(|_| may_be_fresh);
        let mut begun =
            first.map(|target| prepare::begin(&context.project, &pins, target, &release));
        let mut lock = context.lock()?;
        for (name, suite) in lock.suites.iter().filter(|(_, suite)| !suite.allowed.is_empty()) {
            let words: Vec<&str> = suite.allowed.iter().map(String::as_str).collect();
            let text = format!(
                "{name}: locked with --allow-{}; `reml-toolchain lock` makes good for it",
                words.join(" and --allow-")
            );
            context.reporter.event(Event::Warning { text });
        }
        let mut results = Vec::new();
        for target in targets {
            let (with, without) = (&self.with, &self.without);
            let further = Further::of(&context.project, &pins, (target, &release), with, without)?;
            if !self.dry_run {
                self.lock_further(context, &pins, &mut lock, (target, &release), &further)?;
            }
            let client = self.network.client(context, self.cache || self.archive.is_some());
            let mirrors = self.network.mirrors(context, &pins)?;
            let world = context.world(&client, &mirrors);
            let request = Request {
                target,
                release: release.clone(),
                with: further.packages.clone(),
                llvm: if self.brew { LlvmChoice::Brew } else { self.llvm },
                force: self.force,
                archive: self.archive_choice(context),
                jobs: usize::from(self.jobs),
            };
            if self.dry_run {
                let forecast = forecast(&world, &pins, &lock, &request)?;
                results.push(tell_forecast(context, target, &forecast));
                continue;
            }
            let outcome = prepare::prepare(&world, &pins, &lock, &request, begun.take())?;
            let took = start.elapsed();
            record(context, target, &outcome, took, pins.llvm.major);
            tell(context, target, &outcome, &bytes::duration(took));
            tell_remembered(context, &further, outcome.reason.is_none());
            results.push(json!({
                "target": target.triple,
                "root": outcome.root,
                "up_to_date": outcome.reason.is_none(),
                "reason": outcome.reason.as_ref().map(ToString::to_string),
                "llvm": outcome.llvm,
                "with": further.packages,
                "milliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            }));
            start = clock::instant();
        }
        let document = json!({ "schema": 1, "toolchains": results });
        context.output.document(&document).map_err(Fault::from)?;
        Ok(ExitCode::SUCCESS)
    }

    fn archive_choice(&self, context: &Context<'_>) -> ArchiveChoice {
        let trust = self.dangerously_trust_archive;
        match &self.archive {
            None if self.cache => ArchiveChoice::Never,
            None => ArchiveChoice::Auto,
            Some(None) => ArchiveChoice::Cached,
            Some(Some(path)) => {
                let cwd = context.env.cwd.clone().unwrap_or_default();
                ArchiveChoice::File { path: cwd.join(path), trust }
            }
        }
    }

    /// Packages of `--with` that are not locked yet are locked first, from signatures.
    fn lock_further(
        &self,
        context: &Context<'_>,
        pins: &Pins,
        lock: &mut Lock,
        (target, release): (&'static Target, &str),
        further: &Further,
    ) -> anyhow::Result<()> {
        let is_locked = |package: &&String| {
            lock.set(&set_name(release, &with_part(package), target)).next().is_some()
        };
        let missing: Vec<&String> =
            further.packages.iter().filter(|package| !is_locked(package)).collect();
        if missing.is_empty() || self.cache || self.archive.is_some() || self.network.is_offline() {
            return Ok(());
        }
        let names = missing.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        let text = format!("locking {names} for {target} from Debian's signed indices");
        context.reporter.event(Event::Note { text });
        let mut options = Options::default();
        for package in missing {
            options.with.insert((release.to_owned(), target.triple, package.clone()));
        }
        let resolved = lock::resolve(context, pins, &options, &self.network, &self.trust)?;
        resolved.write(context)?;
        *lock = resolved.outcome.lock;
        Ok(())
    }
}

fn tell_forecast(context: &Context<'_>, target: &Target, forecast: &Forecast) -> Value {
    let say = |text: String| context.reporter.event(Event::Note { text });
    let Forecast { root, reason, llvm, archive, to_lock, parts } = forecast;
    match reason {
        None => say(format!("{target} is up to date: nothing would be done")),
        Some(reason) => say(format!("{target} would be laid out in {}: {reason}", root.display())),
    }
    if !to_lock.is_empty() {
        let names = to_lock.join(", ");
        say(format!("  {names}: would be locked first, with what they depend on"));
    }
    let mut documents = Vec::new();
    for (name, packages) in parts {
        let counts: Vec<String> = [
            (Origin::Archive, "in the archive"),
            (Origin::Cache, "in the cache"),
            (Origin::Network, "to fetch"),
            (Origin::Nowhere, "MISSING: the network is forbidden"),
        ]
        .into_iter()
        .filter_map(|(origin, text)| {
            let list: Vec<_> = packages.iter().filter(|package| package.origin == origin).collect();
            let size = bytes::size(list.iter().map(|package| package.size).sum());
            (!list.is_empty()).then(|| format!("{} {text} ({size})", list.len()))
        })
        .collect();
        say(format!("  {name}: {} packages: {}", packages.len(), counts.join(", ")));
        documents.push(json!({
            "part": name,
            "packages": packages.iter().map(|p| json!({
                "package": p.package,
                "size": p.size,
                "from": p.origin.name(),
            })).collect::<Vec<_>>(),
        }));
    }
    if let Some(archive) = archive {
        say(format!("  the archive is {}", archive.display()));
    }
    json!({
        "target": target.triple,
        "root": root,
        "up_to_date": reason.is_none(),
        "reason": reason.as_ref().map(ToString::to_string),
        "llvm": llvm,
        "archive": archive,
        "to_lock": to_lock,
        "parts": documents,
    })
}

/// A line of metrics of a tree that was laid out: one that was up to date says nothing of it.
fn record(context: &Context<'_>, target: &Target, outcome: &Outcome, took: Duration, llvm: u32) {
    if outcome.reason.is_some() {
        let mut entry = Entry::new("prepare", target.triple, took, 0);
        entry.version("llvm", llvm.to_string());
        entry.record(&context.project, context.reporter);
    }
}

/// Told plainly when the tree was laid out, in passing when it was left alone.
fn tell_remembered(context: &Context<'_>, further: &Further, up_to_date: bool) {
    let Some(first) = further.remembered.first() else { return };
    let names = further.remembered.join(", ");
    let text =
        format!("with {names}, as asked for before (`prepare --without {first}` takes it out)");
    context.reporter.event(if up_to_date { Event::Detail { text } } else { Event::Note { text } });
}

fn tell(context: &Context<'_>, target: &Target, outcome: &Outcome, took: &str) {
    let say = |text: String| context.reporter.event(Event::Note { text });
    if outcome.reason.is_none() {
        say(format!("{target} is up to date ({took})"));
        return;
    }
    say(format!("{target} is ready: {} files in {took}, LLVM is {}", outcome.files, outcome.llvm));
    say(format!("use it:  . {}", shell_word(&format!("{}/env.sh", outcome.root.display()))));
}
