//! `verify --chain`: from Debian's signatures to every locked package and archive, anew.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::network::{Network, Trust};
use super::{Context, lock};
use crate::debian::date::Timestamp;
use crate::host::clock;
use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::progress::{Event, Progress as _};
use crate::lock::World as LockWorld;
use crate::lock::chain::{self, Chain, Link, Origin, State};
use crate::pins::{Lock, LockedPackage, Pins};
use crate::prepare::{World, cacheable, repack};
use crate::store::{Damage, Store};
use crate::ui::output::{sanitise, say};

/// A package that nobody locked.
#[derive(Debug, thiserror::Error)]
#[error("checksums.txt locks no package called {0}")]
struct NotLocked(String);

impl Diagnostic for NotLocked {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        "not-locked"
    }

    fn hints(&self) -> Vec<String> {
        vec![format!("lock it: `reml-toolchain lock --with {}`", self.0)]
    }
}

/// A link that does not hold: what of, stable code, class, message.
struct Broken {
    path: String,
    code: &'static str,
    kind: Kind,
    what: String,
}

/// Shows the chain of all that is locked, or of the package called `only`.
///
/// # Errors
/// A signature or an index is not good or cannot be had; a package that is not locked.
pub(super) fn run(
    context: &Context<'_>,
    network: &Network,
    trust: &Trust,
    only: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let (pins, lock) = (context.pins()?, context.lock()?);
    let is_wanted = |package: &LockedPackage| only.is_none_or(|name| name == package.name);
    if let Some(name) = only
        && !lock.packages.values().any(is_wanted)
    {
        return Err(Fault::from(NotLocked(name.to_owned())).into());
    }
    let (client, mirrors) = (network.client(context, false), network.mirrors(context, &pins)?);
    let chain = {
        // It keeps signed files in the cache, as `lock` does.
        let _alone = lock::alone(context, "verify")?;
        let world = LockWorld {
            indices: &context.project.indices(),
            client: &client,
            mirrors: &mirrors,
            keyring: &trust.keyring(context)?,
            progress: context.reporter,
            now: clock::unix_now(),
            cached: false,
        };
        chain::chain(&world, &pins, &lock, &is_wanted)?
    };
    let store = Store::at(&context.project.cache());
    let mut blobs = cacheable(&pins, &lock, &mirrors);
    blobs.retain(|blob| match lock.packages.get(&blob.path) {
        Some(package) => is_wanted(package),
        None => only.is_none(),
    });
    let (files, damage) = store.check(&blobs, context.reporter).map_err(Fault::from)?;
    let mut broken = breaks(&chain, &damage);
    let mut archives = Vec::new();
    if only.is_none() {
        let world = context.world(&client, &mirrors);
        for name in lock.archives.keys() {
            match archive(&world, &pins, &lock, name)? {
                Some(what) => {
                    let (path, code) = (name.clone(), "chain-archive");
                    broken.push(Broken { path, code, kind: Kind::Integrity, what });
                }
                None => archives.push(name.clone()),
            }
        }
    }
    tell(context, &lock, &chain, &archives, &broken, files)?;
    if only.is_some() && !context.output.json {
        context.output.data(&sanitise(&text(&lock, &chain))).map_err(Fault::from)?;
    }
    Ok(ExitCode::from(match crate::host::http::gravest(broken.iter().map(|it| it.kind)) {
        _ if broken.is_empty() => 0,
        Kind::Network => 5,
        _ => 4,
    }))
}

fn breaks(chain: &Chain, damage: &[Damage]) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (path, link) in &chain.packages {
        if let Link::Breaks(why) = link {
            let (path, what) = (path.clone(), why.to_string());
            broken.push(Broken { path, code: why.code(), kind: why.kind(), what });
        }
    }
    for damage in damage {
        let (path, what) = (damage.path.clone(), format!("the file in the cache {}", damage.what));
        broken.push(Broken { path, code: "cache-content", kind: Kind::Integrity, what });
    }
    broken
}

/// Makes a packed archive anew from the locked packages; what is other than locked.
fn archive(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    name: &str,
) -> Result<Option<String>, Fault> {
    let Some(locked) = lock.archives.get(name) else { return Ok(None) };
    if !lock.is_current(locked) {
        return Ok(Some("made of other packages than are locked".to_owned()));
    }
    let Some(made) = repack(world, pins, lock, name, locked)? else {
        return Ok(Some("`reml-toolchain pack` makes no archive of this name".to_owned()));
    };
    let is_same = made.sha256 == locked.sha256;
    let what = || {
        let (expected, got) = (locked.sha256, made.sha256);
        format!("checksums.txt says sha256 {expected}, the locked packages make {got}")
    };
    Ok((!is_same).then(what))
}

fn tell(
    context: &Context<'_>,
    lock: &Lock,
    chain: &Chain,
    archives: &[String],
    broken: &[Broken],
    files: usize,
) -> Result<(), Fault> {
    let note = |text: String| context.reporter.event(Event::Note { text });
    for state in &chain.states {
        note(line(state));
    }
    let holds = chain.packages.values().filter(|link| matches!(link, Link::Holds(_))).count();
    let all = chain.packages.len();
    note(format!("{holds} of {all} locked packages stand in signed indices as they are locked"));
    note(format!("{files} files in the cache were read"));
    for name in archives {
        note(format!("{name}: made anew from the locked packages, the same bytes"));
    }
    for Broken { path, what, .. } in broken {
        say(&sanitise(&format!("{path}: {what}")));
    }
    if broken.iter().any(|it| it.kind == Kind::Integrity) {
        say("\nhint: `git diff checksums.txt` tells who changed the lock; \
             `reml-toolchain lock` makes it anew from the signatures");
    } else if !broken.is_empty() {
        say("\nhint: run it where there is a network; or take versions that Debian lists now: \
             `reml-toolchain lock --update --write`");
    }
    let states: Vec<Value> = chain
        .states
        .iter()
        .map(|state| {
            json!({
                "suite": state.suite,
                "date": state.date,
                "sha256": state.release.to_string(),
                "is_locked": state.is_locked,
                "from": origin(state.origin),
                "signers": state.signers.iter().map(|(key, name)| json!({
                    "fingerprint": key, "name": name,
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let packages: Vec<Value> = chain
        .packages
        .iter()
        .map(|(path, link)| {
            let shown = match link {
                Link::Holds(shown) => shown.as_slice(),
                Link::Breaks(_) => &[],
            };
            json!({
                "path": path,
                "sha256": lock.packages.get(path).map(|it| it.sha256.to_string()),
                "holds": !shown.is_empty(),
                "shown_by": shown.iter().map(|it| json!({
                    "state": it.state, "index": it.index, "sha256": it.sha256.to_string(),
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let problems: Vec<Value> = broken
        .iter()
        .map(|it| json!({ "path": it.path, "code": it.code, "message": it.what }))
        .collect();
    Ok(context.output.document(&json!({
        "schema": 1,
        "states": states,
        "packages": packages,
        "archives": archives,
        "cached_files": files,
        "problems": problems,
    }))?)
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Cache => "cache",
        Origin::Mirror => "mirror",
        Origin::Snapshot => "snapshot",
    }
}

/// A state in one line: what it is, who signed it, and how it relates to the lock.
fn line(state: &State) -> String {
    let names: Vec<&str> = state.signers.iter().map(|(_, name)| name.as_str()).collect();
    let date = Timestamp(state.date);
    let (suite, relation) = (&state.suite, relation(state));
    format!("{suite} of {date}: {relation}; signed by {}", names.join(" and "))
}

fn relation(state: &State) -> &'static str {
    match (state.is_locked, state.origin) {
        (true, _) => "the state that the lock was made from",
        (false, Origin::Snapshot) => "an earlier state, out of the snapshot service",
        (false, _) => "not the state that the lock was made from",
    }
}

/// The chains, link by link from the file to the keys.
fn text(lock: &Lock, chain: &Chain) -> String {
    let mut text = String::new();
    for (path, link) in &chain.packages {
        let Some(package) = lock.packages.get(path) else { continue };
        let LockedPackage { name, version, architecture, sha256, .. } = package;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name} {version} {architecture}");
        let _ = writeln!(text, "  file       {path}");
        let _ = writeln!(text, "  lock       checksums.txt: sha256 {sha256}");
        let shown = match link {
            Link::Holds(shown) => shown,
            Link::Breaks(why) => {
                let _ = writeln!(text, "  BROKEN     {why}");
                continue;
            }
        };
        for shown in shown {
            let Some(state) = chain.states.get(shown.state) else { continue };
            let (suite, index) = (&state.suite, &shown.index);
            let _ = writeln!(text, "  index      dists/{suite}/{index}: sha256 {}", shown.sha256);
            let _ = writeln!(
                text,
                "  release    dists/{suite}/InRelease of {}: {}",
                Timestamp(state.date),
                relation(state)
            );
            for (key, name) in &state.signers {
                let _ = writeln!(text, "  signature  {key} ({name})");
            }
        }
    }
    text
}
