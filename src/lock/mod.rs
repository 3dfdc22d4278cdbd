//! From Debian's signatures to `checksums.txt`: fetch and verify each suite's `InRelease`,
//! fetch its `Packages` by hash, choose the packages the pins want, write down what was
//! chosen. Nothing unsigned decides anything here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::debian::mirrors::MirrorList;
use crate::debian::openpgp::Keyring;
use crate::debian::release::Allowances;
use crate::host::fault::Fault;
use crate::host::http::Client;
use crate::host::progress::{Event, Progress};
use crate::pins::versions::Release as PinnedRelease;
use crate::pins::{Lock, LockedPackage, Pins, SuiteState, Target};

pub mod chain;
mod changes;
mod choose;
mod error;
mod indices;
mod suites;

pub use changes::{Change, Held, Outcome};
pub use error::LockError;

/// What a run works with.
pub struct World<'w> {
    /// Where the signed indices are kept.
    pub indices: &'w Path,
    /// The network.
    pub client: &'w Client,
    /// Who is asked.
    pub mirrors: &'w MirrorList,
    /// Who may sign.
    pub keyring: &'w Keyring,
    /// Who is told.
    pub progress: &'w dyn Progress,
    /// The time of this run, in Unix seconds.
    pub now: u64,
    /// Whether the suites are those of the last run, out of `indices`, and nobody is asked.
    pub cached: bool,
}

/// A verified suite, for those who judge more of it than the lock needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its codename.
    pub name: String,
    /// The `Date` of its Release file, in Unix seconds.
    pub date: i64,
    /// Its `Valid-Until`, in Unix seconds.
    pub valid_until: Option<i64>,
    /// The keys whose signatures are good: fingerprint and name.
    pub signers: Vec<(String, String)>,
}

/// How to lock.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Take newer versions of what is locked already.
    pub update: bool,
    /// Dangers accepted by name.
    pub allow: Allowances,
    /// Further packages wanted with all they depend on: (release, target, package).
    pub with: BTreeSet<(String, &'static str, String)>,
    /// Look, too, at what the other suites have of packages tied to the durable one.
    pub look_at_held: bool,
}

/// The name of a set of locked packages: `bookworm/sysroot/amd64`.
#[must_use]
pub fn set_name(release: &str, part: &str, target: &Target) -> String {
    format!("{release}/{part}/{}", target.debian)
}

/// The part of a set's name for a package of `--with`.
#[must_use]
pub fn with_part(package: &str) -> String {
    format!("with:{package}")
}

/// Makes the lock anew. What `old` locked already is kept unless `update` says otherwise,
/// and its suites' dates are the least that is accepted.
///
/// # Errors
/// The network, a signature, an index or a dependency fails; nothing was written then
/// but verified indices in the cache.
pub fn lock(
    world: &World<'_>,
    pins: &Pins,
    old: &Lock,
    options: &Options,
) -> Result<Outcome, Fault> {
    let mut fresh = Lock { archives: old.archives.clone(), ..Lock::default() };
    let mut untied = Lock::default();
    let (mut notes, mut seen) = (Vec::new(), Vec::new());
    for (codename, release) in &pins.releases {
        let suites = suites::fetch(world, release, old, options.allow)?;
        notes.extend(suites.notes());
        notes.extend(cleared(old, &suites.states()));
        seen.extend(suites.seen());
        fresh.suites.extend(suites.states());
        for target in crate::pins::TARGETS {
            let wants = choose::wants(pins, codename, release, target, old, options);
            let texts = indices::fetch(world, &suites, target.debian)?;
            let indices = texts.open(release, target.debian)?;
            for (set, want) in wants {
                for chosen in choose::resolve(&indices, &want)? {
                    add(&mut fresh, &set, chosen);
                }
                let Some(want) = want.untied().filter(|_| options.look_at_held) else { continue };
                match choose::resolve(&indices, &want) {
                    Ok(list) => list.into_iter().for_each(|chosen| add(&mut untied, &set, chosen)),
                    // Nobody takes these packages, so nothing depends on it.
                    Err(error) => notes.push(format!("{set} beyond {}: {error}", release.durable)),
                }
            }
        }
        warn_of_perishables(world.progress, codename, release, &fresh);
    }
    let held = changes::held(&fresh, &untied);
    Ok(Outcome { suites: seen, held, ..changes::settle(old, &fresh, options.update, notes) })
}

/// What the old lock took under a name that nobody needs to give any more.
fn cleared(old: &Lock, now: &BTreeMap<String, SuiteState>) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, state) in now {
        let before = old.suites.get(name).map(|state| &state.allowed);
        for word in before.into_iter().flatten().filter(|word| !state.allowed.contains(*word)) {
            notes.push(format!("{name}: what --allow-{word} once accepted is replaced"));
        }
    }
    notes
}

fn add(lock: &mut Lock, set: &str, (path, package): (String, LockedPackage)) {
    lock.packages.entry(path).or_insert(package).sets.insert(set.to_owned());
}

/// Files outside the durable suite vanish from the mirrors after the next upload.
fn warn_of_perishables(
    progress: &dyn Progress,
    codename: &str,
    release: &PinnedRelease,
    lock: &Lock,
) {
    let prefix = format!("{codename}/");
    let mut by_suite: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in lock.packages.values() {
        if package.suite != release.durable
            && package.sets.iter().any(|set| set.starts_with(&prefix))
        {
            let name = format!("{} {}", package.name, package.version);
            by_suite.entry(&package.suite).or_default().insert(name);
        }
    }
    for (suite, names) in by_suite {
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        let text = format!(
            "perishable, from {suite}: {names} (the mirrors drop a version soon after the next upload)"
        );
        progress.event(Event::Note { text });
    }
}
