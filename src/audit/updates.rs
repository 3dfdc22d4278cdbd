//! Newer versions than those locked: what each would change, by Debian's own changelog out
//! of the new .deb, whose hash comes from the signed index. Never tells a package as
//! harmless because its changelog could not be read.

use std::collections::BTreeMap;
use std::io::Cursor;

use serde::Serialize;

use crate::debian::changelog::of_deb::{self, Papers};
use crate::debian::changelog::{Urgency, between, parse};
use crate::debian::mirrors::MirrorList;
use crate::debian::version::Version;
use crate::host::fault::Fault;
use crate::host::http::Client;
use crate::host::progress::{Event, Progress};
use crate::lock::Change;
use crate::pins::{Lock, LockedPackage, Pins};
use crate::prepare::components::sources;
use crate::store::{Blob, CONNECTIONS, Store};

/// The largest package that is fetched for its changelog alone, in bytes. Of the
/// libraries of a sysroot none is larger; LLVM and kernels are.
const MOST: u64 = 32 << 20;

/// One package with a newer version, on all its architectures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Update {
    /// The package.
    pub name: String,
    /// The architectures it is locked for.
    pub architectures: Vec<String>,
    /// The version locked.
    pub old: String,
    /// The version offered.
    pub new: String,
    /// The suite that offers it.
    pub suite: String,
    /// Whether its files get into programs or are loaded by them: libraries and objects of
    /// the sysroot, not headers and not the host's tools.
    pub linked: bool,
    /// The highest urgency of the uploads between the two, when the changelog was read.
    pub urgency: Option<&'static str>,
    /// How many CVE ids the uploads name, when the changelog was read.
    pub cve_count: Option<usize>,
    /// The ids, by year and number; of packages that are linked only.
    pub cves: Vec<String>,
    /// Whether the changelog goes back to the locked version; ids may be missing if not.
    pub complete: bool,
}

/// What a run works with.
pub struct World<'w> {
    /// The cache.
    pub store: &'w Store,
    /// The network.
    pub client: &'w Client,
    /// Who is asked.
    pub mirrors: &'w MirrorList,
    /// The pins.
    pub pins: &'w Pins,
    /// Who is told.
    pub progress: &'w dyn Progress,
}

/// Everything of `changes` that has an older and a newer version, what is linked into
/// programs first. `lock` is the one with the newer versions.
///
/// # Errors
/// A package in the cache is damaged; what cannot be fetched is only told.
pub fn updates(world: &World<'_>, lock: &Lock, changes: &[Change]) -> Result<Vec<Update>, Fault> {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Change>> = BTreeMap::new();
    for change in changes {
        if let (Some(old), Some(new)) = (&change.before, &change.after) {
            groups.entry((&change.name, old, new)).or_default().push(change);
        }
    }
    let mut wanted = BTreeMap::new();
    for group in groups.values() {
        let found = find(lock, group[0]).filter(|(_, package)| is_of_sysroot(package));
        wanted.extend(found.filter(|(_, package)| package.size <= MOST));
    }
    let papers = fetch(world, lock, wanted)?;
    let mut list: Vec<Update> = groups.values().map(|group| row(lock, &papers, group)).collect();
    list.sort_by_key(|update| {
        let urgency = update.urgency.map(Urgency::of_word);
        let count = if update.linked { update.cves.len() } else { 0 };
        (!update.linked, std::cmp::Reverse((count, urgency)), update.name.clone())
    });
    Ok(list)
}

/// The package that a change brings.
fn find<'l>(lock: &'l Lock, change: &Change) -> Option<(&'l str, &'l LockedPackage)> {
    let is_it = |package: &LockedPackage| {
        package.name == change.name
            && package.architecture == change.architecture
            && Some(&package.version) == change.after.as_ref()
    };
    let mut packages = lock.packages.iter();
    packages.find(|(_, package)| is_it(package)).map(|(path, package)| (path.as_str(), package))
}

/// Whether it is for the target's programs; the other sets are tools of the host.
fn is_of_sysroot(package: &LockedPackage) -> bool {
    let part = |set: &String| set.split('/').nth(1).unwrap_or_default().to_owned();
    package.sets.iter().map(part).any(|part| part == "sysroot" || part.starts_with("with:"))
}

type Found = BTreeMap<(String, String), Papers>;

/// The papers of the wanted packages and of those whose documents stand for theirs.
fn fetch<'l>(
    world: &World<'_>,
    lock: &'l Lock,
    mut wanted: BTreeMap<&'l str, &'l LockedPackage>,
) -> Result<Found, Fault> {
    let mut found = Found::new();
    // The second round is for links to the documents of another package.
    for _ in 0..2 {
        let blob = |(path, package): (&&str, &&LockedPackage)| Blob {
            path: (*path).to_owned(),
            sha256: package.sha256.0,
            size: package.size,
            urls: sources(world.mirrors, world.pins, lock, path, package),
        };
        let blobs: Vec<Blob> = wanted.iter().map(blob).collect();
        if let Err(error) = world.store.obtain(&blobs, CONNECTIONS, world.client, world.progress) {
            let text = format!("changelogs that could not be read: {error}");
            world.progress.event(Event::Warning { text });
        }
        let mut links = BTreeMap::new();
        for (blob, package) in blobs.iter().zip(wanted.values()) {
            if !world.store.has(blob)? {
                continue;
            }
            let bytes = world.store.read(blob)?;
            let papers = of_deb::read(Cursor::new(bytes), &package.name, package.installed_kib)?;
            if let (None, Some(other)) = (&papers.changelog, &papers.documents_of) {
                let same = |candidate: &&LockedPackage| {
                    candidate.name == *other
                        && [&package.architecture, "all"].contains(&candidate.architecture.as_str())
                };
                let place = lock.packages.iter().find(|(_, candidate)| same(candidate));
                links.extend(place.map(|(path, candidate)| (path.as_str(), candidate)));
            }
            found.insert((package.name.clone(), package.version.clone()), papers);
        }
        let is_new = |package: &LockedPackage| {
            !found.contains_key(&(package.name.clone(), package.version.clone()))
        };
        wanted = links.into_iter().filter(|(_, package)| is_new(package)).collect();
    }
    Ok(found)
}

fn row(lock: &Lock, papers: &Found, group: &[&Change]) -> Update {
    let change = group[0];
    let (old, new) =
        (change.before.clone().unwrap_or_default(), change.after.clone().unwrap_or_default());
    let package = find(lock, change).map(|(_, package)| package);
    let of_sysroot = package.is_some_and(is_of_sysroot);
    let own = papers.get(&(change.name.clone(), new.clone()));
    let by_link = || {
        let other = own?.documents_of.as_ref()?;
        papers.iter().find(|((name, _), _)| name == other).map(|(_, papers)| papers)
    };
    let text =
        own.and_then(|papers| papers.changelog.as_ref()).or_else(|| by_link()?.changelog.as_ref());
    let span = text.and_then(|text| {
        let (old, new) = (Version::parse(&old).ok()?, Version::parse(&new).ok()?);
        Some(between(&parse(text), &old, &new))
    });
    // What nobody has looked into counts as linked: silence would be a guess.
    let linked = of_sysroot && own.is_none_or(|papers| papers.linked);
    let cves = span.as_ref().map(|span| span.cves.clone()).unwrap_or_default();
    Update {
        name: change.name.clone(),
        architectures: group.iter().map(|change| change.architecture.clone()).collect(),
        old,
        new,
        suite: change.suite.clone(),
        linked,
        urgency: span.as_ref().and_then(|span| span.urgency).map(Urgency::word),
        cve_count: span.as_ref().map(|span| span.cves.len()),
        cves: if linked { cves } else { Vec::new() },
        complete: span.is_some_and(|span| span.complete),
    }
}

impl Update {
    /// One line for people: what, from where, how urgent, and the ids.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { name, old, new, suite, .. } = self;
        let urgency = self.urgency.map(|word| format!(", urgency {word}")).unwrap_or_default();
        let remark = match (self.linked, self.cve_count) {
            (false, Some(0)) => ", not linked into programs".to_owned(),
            (false, Some(count)) => format!(", not linked into programs; {count} CVE ids"),
            (false, None) => ", a tool of the host".to_owned(),
            (true, None) => ", its changelog was not read".to_owned(),
            (true, Some(_)) => String::new(),
        };
        let ids = if self.cves.is_empty() {
            String::new()
        } else {
            format!(": {}", self.cves.join(", "))
        };
        let mut text = format!("{name} {old} → {new} ({suite}{urgency}{remark}){ids}");
        if self.cve_count.is_some() && !self.complete {
            text.push_str(" (the changelog is cut: there may be more)");
        }
        text
    }
}
