//! `lock`: from Debian's signatures to `checksums.txt`.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::network::{Network, Trust};
use super::{Context, context};
use crate::audit::updates::{self, Update};
use crate::debian::release::Allowances;
use crate::host::fault::Fault;
use crate::host::progress::{Event, Progress as _};
use crate::host::{clock, fs};
use crate::lock::{self, Change, Options, Outcome};
use crate::pins::{Lock, Pins};
use crate::store::Store;

/// Resolve the wanted packages from Debian's signed indices and write checksums.txt
///
/// Each suite's InRelease is verified against Debian's archive keys, which are built into
/// this program. Versions that are locked stay as they are; --update shows newer
/// ones, and --update --write takes them.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub struct Args {
    /// Show which newer versions there are of what is locked, with urgency and CVE ids
    ///
    /// Nothing is written without --write. The new packages' changelogs are read out of the
    /// packages themselves, which are fetched into the cache for that.
    #[arg(long)]
    update: bool,
    /// Take what --update shows
    #[arg(long, requires = "update", conflicts_with = "check")]
    write: bool,
    /// Lock PKG and all it depends on for --target, too (repeatable)
    #[arg(long, value_name = "PKG")]
    with: Vec<String>,
    /// The target --with is for
    #[arg(long, value_name = "TRIPLE", requires = "with")]
    target: Option<String>,
    /// The Debian release --with is for
    #[arg(long, value_name = "CODENAME", requires = "with")]
    release: Option<String>,
    /// Only say what would change; exit with 3 if anything would
    #[arg(long)]
    check: bool,
    /// Accept a suite whose signed lifetime is over
    #[arg(long)]
    allow_expired: bool,
    /// Accept a suite older than the one locked last
    #[arg(long)]
    allow_rollback: bool,
    #[command(flatten)]
    network: Network,
    #[command(flatten)]
    trust: Trust,
}

impl Args {
    /// Writes the lock.
    ///
    /// # Errors
    /// Anything that keeps the lock from being what Debian signed; the old one stays.
    pub fn run(self, context: &Context<'_>) -> anyhow::Result<ExitCode> {
        let pins = context.pins()?;
        let mut options = Options {
            update: self.update,
            allow: Allowances { expired: self.allow_expired, rollback: self.allow_rollback },
            ..Options::default()
        };
        let target = context::target(&pins, self.target.as_deref())?;
        let release = context::release(&pins, self.release.as_deref())?;
        for package in &self.with {
            options.with.insert((release.clone(), target.triple, package.clone()));
        }
        let resolved = resolve(context, &pins, &options, &self.network, &self.trust)?;
        let Resolved { old, outcome, .. } = &resolved;
        let changed = outcome.lock != *old;
        let updates = if self.update { self.updates(context, &pins, outcome)? } else { Vec::new() };
        tell(context, outcome, &updates)?;
        if self.update && !self.write && !self.check {
            let text = match outcome.changes.len() {
                0 => format!("nothing is newer than {}", context.project.lock().display()),
                _ => "nothing was written: `reml-toolchain lock --update --write` takes this"
                    .to_owned(),
            };
            context.reporter.event(Event::Note { text });
            return Ok(ExitCode::SUCCESS);
        }
        if self.check {
            return Ok(ExitCode::from(if changed { 3 } else { 0 }));
        }
        let path = context.project.lock();
        let text = if changed || fs::stat(&path).map_err(Fault::from)?.is_none() {
            resolved.write(context)?;
            format!("wrote {}: {} files", path.display(), outcome.lock.packages.len())
        } else {
            format!("{} is up to date: {} files", path.display(), outcome.lock.packages.len())
        };
        context.reporter.event(Event::Note { text });
        Ok(ExitCode::SUCCESS)
    }

    /// What the newer versions change.
    fn updates(
        &self,
        context: &Context<'_>,
        pins: &Pins,
        outcome: &Outcome,
    ) -> anyhow::Result<Vec<Update>> {
        let world = updates::World {
            store: &Store::open(&context.project.cache()).map_err(Fault::from)?,
            client: &self.network.client(context, false),
            mirrors: &self.network.mirrors(context, pins)?,
            pins,
            progress: context.reporter,
        };
        Ok(updates::updates(&world, &outcome.lock, &outcome.changes)?)
    }
}

/// A lock that was made anew, and the one before it. No other run changes the file as
/// long as this value lives, so that none undoes what another did.
pub(super) struct Resolved {
    pub(super) old: Lock,
    pub(super) outcome: Outcome,
    _alone: fs::Lock,
}

/// Resolves anew what the file says now, under the lock's own lock.
///
/// # Errors
/// The old lock is not valid; see also [`lock::lock`].
pub(super) fn resolve(
    context: &Context<'_>,
    pins: &Pins,
    options: &Options,
    network: &Network,
    trust: &Trust,
) -> anyhow::Result<Resolved> {
    let alone = alone(context, "lock")?;
    let old = context.lock()?;
    let client = network.client(context, false);
    let mirrors = network.mirrors(context, pins)?;
    let keyring = trust.keyring(context)?;
    let indices = context.project.indices();
    let world = lock::World {
        indices: &indices,
        client: &client,
        mirrors: &mirrors,
        keyring: &keyring,
        progress: context.reporter,
        now: clock::unix_now(),
        cached: false,
    };
    let outcome = lock::lock(&world, pins, &old, options)?;
    Ok(Resolved { old, outcome, _alone: alone })
}

/// The right of `command` to change the lock and the kept indices; others wait for it.
///
/// # Errors
/// The project's folder cannot be written.
pub(super) fn alone(context: &Context<'_>, command: &str) -> Result<fs::Lock, Fault> {
    fs::create_dir_all(&context.project.toolchains())?;
    let (place, hold) = (context.project.lock_lock(), fs::Hold::Exclusive);
    let alone = fs::lock(&place, hold, context.patience, command, context.reporter)?;
    sweep(context)?;
    Ok(alone)
}

/// Removes what killed runs left half-written. Only the lock's holder writes these files.
fn sweep(context: &Context<'_>) -> Result<(), Fault> {
    let project = &context.project;
    fs::sweep_drafts(project.root(), |name| project.lock().ends_with(name))?;
    let indices = project.indices();
    if fs::stat(&indices)?.is_none() {
        return Ok(());
    }
    for suite in fs::read_dir_sorted(&indices)? {
        if suite.kind == fs::EntryKind::Dir {
            fs::sweep_drafts(&suite.path, |_| true)?;
            fs::sweep_drafts(&suite.path.join("by-hash"), |_| true)?;
        }
    }
    Ok(())
}

impl Resolved {
    /// Writes the lock durably, by one rename.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn write(&self, context: &Context<'_>) -> Result<(), Fault> {
        let text = self.outcome.lock.render();
        let written = fs::write_atomic(&context.project.lock(), text.as_bytes());
        Ok(fs::settled(written, context.reporter)?)
    }
}

fn tell(context: &Context<'_>, outcome: &Outcome, updates: &[Update]) -> Result<(), Fault> {
    let say = |text: String| context.reporter.event(Event::Note { text });
    outcome.notes.iter().cloned().for_each(say);
    for change in &outcome.changes {
        say(match (&change.before, &change.after) {
            (Some(before), Some(after)) => {
                format!("  ~ {}:{} {before} → {after}", change.name, change.architecture)
            }
            (None, Some(after)) => format!("  + {}:{} {after}", change.name, change.architecture),
            (Some(before), None) => format!("  - {}:{} {before}", change.name, change.architecture),
            (None, None) => continue,
        });
    }
    for update in updates {
        say(format!("  {}", update.line()));
    }
    for change in &outcome.newer {
        if let (Some(before), Some(after)) = (&change.before, &change.after) {
            let (name, suite) = (&change.name, &change.suite);
            say(format!(
                "newer in {suite}: {name} {before} → {after} (`lock --update` tells more)"
            ));
        }
    }
    let rows = |list: &[Change]| -> Value { list.iter().map(row).collect() };
    context.output.document(&json!({
        "schema": 1,
        "packages": outcome.lock.packages.len(),
        "changes": rows(&outcome.changes),
        "newer": rows(&outcome.newer),
        "updates": updates,
        "notes": outcome.notes,
    }))?;
    Ok(())
}

fn row(change: &Change) -> Value {
    json!({
        "name": change.name,
        "architecture": change.architecture,
        "before": change.before,
        "after": change.after,
        "suite": change.suite,
    })
}
