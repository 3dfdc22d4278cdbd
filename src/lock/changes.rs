//! What a new lock changes, and what stays as it was locked. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::Seen;
use crate::pins::{Lock, LockedPackage};

/// The lock to write, and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The new lock.
    pub lock: Lock,
    /// What differs from the old one, by name and architecture.
    pub changes: Vec<Change>,
    /// Newer versions that were left alone: name, architecture, locked, offered.
    pub newer: Vec<Change>,
    /// True and not wrong: expired and allowed, a suite's new role.
    pub notes: Vec<String>,
    /// The suites it was made from.
    pub suites: Vec<Seen>,
    /// What the pins tie to the durable suite although others have newer versions; looked
    /// at only when asked.
    pub held: Vec<Held>,
}

/// Packages of one set that are tied to the durable suite, with newer versions elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The set's name.
    pub set: String,
    /// The durable version, and what another suite offers.
    pub changes: Vec<Change>,
}

/// One package whose version differs; `None` is absence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The package.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// The version locked before.
    pub before: Option<String>,
    /// The version now.
    pub after: Option<String>,
    /// The suite that offers the version now.
    pub suite: String,
}

/// Joins old and fresh. A set whose package names are the same stays as it was locked,
/// unless `update`: versions of one set belong together, so it is kept or taken whole.
pub(super) fn settle(old: &Lock, fresh: &Lock, update: bool, notes: Vec<String>) -> Outcome {
    let mut lock = Lock {
        suites: fresh.suites.clone(),
        archives: fresh.archives.clone(),
        packages: BTreeMap::new(),
    };
    for set in sets(fresh) {
        let keep = !update && names(old, &set) == names(fresh, &set);
        let source = if keep { old } else { fresh };
        for (path, package) in source.set(&set) {
            let seen = if keep { last_seen(old, fresh, path, package) } else { None };
            let entry = lock.packages.entry(path.to_owned()).or_insert_with(|| LockedPackage {
                sets: BTreeSet::new(),
                seen,
                ..package.clone()
            });
            entry.sets.insert(set.clone());
        }
    }
    let mut notes = notes;
    for name in lock.drop_stale_archives() {
        notes.push(format!("{name}: its packages changed, so its line is gone (`reml-toolchain pack` makes it anew)"));
    }
    let changes = difference(old, &lock);
    let newer = difference(&lock, fresh);
    Outcome { lock, changes, newer, notes, suites: Vec::new(), held: Vec::new() }
}

/// What the sets of `untied` have newer than those of the same name in `tied`.
pub(super) fn held(tied: &Lock, untied: &Lock) -> Vec<Held> {
    let only = |lock: &Lock, set: &str| Lock {
        packages: lock.set(set).map(|(path, it)| (path.to_owned(), it.clone())).collect(),
        ..Lock::default()
    };
    let newer = |set: String| {
        let mut changes = difference(&only(tied, &set), &only(untied, &set));
        // What a newer version needs beside it, or no longer needs, is no newer version.
        changes.retain(|change| change.before.is_some() && change.after.is_some());
        (!changes.is_empty()).then_some(Held { set, changes })
    };
    sets(untied).into_iter().filter_map(newer).collect()
}

/// When the suite last listed a package that stays: `None` while it still does.
fn last_seen(old: &Lock, fresh: &Lock, path: &str, package: &LockedPackage) -> Option<i64> {
    let still = fresh.packages.get(path);
    if still.is_some_and(|still| still.sha256 == package.sha256) {
        return None;
    }
    package.seen.or_else(|| old.suites.get(&package.suite).map(|suite| suite.date))
}

fn sets(lock: &Lock) -> BTreeSet<String> {
    lock.packages.values().flat_map(|package| package.sets.iter().cloned()).collect()
}

fn names(lock: &Lock, set: &str) -> BTreeSet<String> {
    lock.set(set).map(|(_, package)| package.name.clone()).collect()
}

type Versions<'l> = BTreeMap<(&'l str, &'l str), BTreeMap<&'l str, &'l str>>;

fn versions(lock: &Lock) -> Versions<'_> {
    let mut versions = Versions::new();
    for package in lock.packages.values() {
        let key = (package.name.as_str(), package.architecture.as_str());
        versions.entry(key).or_default().insert(&package.version, &package.suite);
    }
    versions
}

fn difference(before: &Lock, after: &Lock) -> Vec<Change> {
    let (before, after) = (versions(before), versions(after));
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).copied().collect();
    let none = BTreeMap::new();
    let mut changes = Vec::new();
    for key in keys {
        let (old, new) = (before.get(&key).unwrap_or(&none), after.get(&key).unwrap_or(&none));
        let gone: Vec<_> = old.keys().filter(|version| !new.contains_key(*version)).collect();
        let come: Vec<_> = new.iter().filter(|(version, _)| !old.contains_key(*version)).collect();
        for index in 0..gone.len().max(come.len()) {
            let (name, architecture) = (key.0.to_owned(), key.1.to_owned());
            changes.push(Change {
                name,
                architecture,
                before: gone.get(index).map(|version| (**version).to_owned()),
                after: come.get(index).map(|(version, _)| (**version).to_owned()),
                suite: come.get(index).map(|(_, suite)| (**suite).to_owned()).unwrap_or_default(),
            });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::hash::Digest;

    fn lock(packages: &[(&str, &str, &str)]) -> Lock {
        let mut lock = Lock::default();
        for (name, version, set) in packages {
            let package = LockedPackage {
                name: (*name).to_owned(),
                version: (*version).to_owned(),
                architecture: "amd64".to_owned(),
                sha256: Digest::of(version.as_bytes()),
                size: 1,
                installed_kib: 1,
                suite: "bookworm".to_owned(),
                seen: None,
                sets: BTreeSet::new(),
            };
            let path = format!("pool/{name}_{version}.deb");
            lock.packages.entry(path).or_insert(package).sets.insert((*set).to_owned());
        }
        lock
    }

    #[test]
    fn what_is_locked_stays_and_what_is_newer_is_told() {
        let old = lock(&[("libc6", "1", "s")]);
        let outcome = settle(&old, &lock(&[("libc6", "2", "s")]), false, Vec::new());
        assert_eq!(outcome.lock, old);
        assert_eq!(outcome.changes, []);
        assert_eq!(outcome.newer[0].after.as_deref(), Some("2"));
    }

    #[test]
    fn what_its_suite_lists_no_more_remembers_when_it_last_did() {
        let state = |date| crate::pins::SuiteState {
            date,
            version: String::new(),
            role: String::new(),
            release: Digest::of(b""),
            allowed: BTreeSet::new(),
        };
        let with = |date, mut lock: Lock| {
            lock.suites.insert("bookworm".to_owned(), state(date));
            lock
        };
        let seen = |lock: &Lock| lock.packages.values().next().unwrap().seen;
        let old = with(100, lock(&[("libc6", "1", "s")]));
        let same = settle(&old, &with(200, lock(&[("libc6", "1", "s")])), false, Vec::new());
        assert_eq!(seen(&same.lock), None, "the suite still lists it");
        let left = settle(&same.lock, &with(300, lock(&[("libc6", "2", "s")])), false, Vec::new());
        assert_eq!(seen(&left.lock), Some(200));
        let later = settle(&left.lock, &with(400, lock(&[("libc6", "3", "s")])), false, Vec::new());
        assert_eq!(seen(&later.lock), Some(200));
        let taken = settle(&later.lock, &with(400, lock(&[("libc6", "3", "s")])), true, Vec::new());
        assert_eq!(seen(&taken.lock), None);
    }

    #[test]
    fn an_update_takes_what_is_newer() {
        let fresh = lock(&[("libc6", "2", "s")]);
        let outcome = settle(&lock(&[("libc6", "1", "s")]), &fresh, true, Vec::new());
        assert_eq!(outcome.lock, fresh);
        let change = &outcome.changes[0];
        assert_eq!((change.before.as_deref(), change.after.as_deref()), (Some("1"), Some("2")));
        assert_eq!(outcome.newer, []);
    }

    #[test]
    fn a_set_with_another_list_of_packages_is_taken_whole() {
        let old = lock(&[("a", "1", "s"), ("b", "1", "t")]);
        let fresh = lock(&[("a", "2", "s"), ("new", "1", "s"), ("b", "2", "t")]);
        let outcome = settle(&old, &fresh, false, Vec::new());
        let versions: Vec<_> =
            outcome.lock.packages.values().map(|p| (p.name.as_str(), p.version.as_str())).collect();
        assert_eq!(versions, [("a", "2"), ("b", "1"), ("new", "1")]);
    }

    #[test]
    fn what_is_tied_is_compared_set_by_set_and_only_with_newer_versions_of_the_same_package() {
        let tied = lock(&[("a", "1", "s"), ("b", "1", "s"), ("gone", "1", "s"), ("c", "1", "t")]);
        let untied = lock(&[("a", "2", "s"), ("b", "1", "s"), ("needed", "1", "s")]);
        let held = held(&tied, &untied);
        assert_eq!((held.len(), held[0].set.as_str(), held[0].changes.len()), (1, "s", 1));
        let change = &held[0].changes[0];
        assert_eq!((change.name.as_str(), change.after.as_deref()), ("a", Some("2")));
    }

    #[test]
    fn what_nobody_wants_any_more_goes() {
        let outcome = settle(
            &lock(&[("a", "1", "s"), ("b", "1", "s")]),
            &lock(&[("a", "1", "s")]),
            false,
            Vec::new(),
        );
        assert_eq!(outcome.lock.packages.len(), 1);
        assert_eq!((outcome.changes[0].name.as_str(), &outcome.changes[0].after), ("b", &None));
    }
}
