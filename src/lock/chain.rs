//! The chain from Debian's signature to each locked package, shown anew. A package holds
//! when a signed state of its suite lists its version with the locked hash, size and path:
//! the state that the lock was made from, today's, or the one that listed it last, out of
//! the snapshot service. A suite's lifetime is no part of the question: an old state was
//! signed no less.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::indices::{self, Texts};
use super::suites::{self, Demands, Suite, Suites};
use super::{LockError, World};
use crate::debian::mirrors::{Archive, MirrorList, snapshot_archive};
use crate::debian::release::Allowances;
use crate::host::fault::{Fault, Kind};
use crate::host::http::Reach;
use crate::pins::versions::Release as PinnedRelease;
use crate::pins::{Lock, LockedPackage, Pins};

mod link;

pub use link::{Break, Chain, Link, Origin, Shown, State};

use link::{differs, when};

/// How long after a state's date the snapshot service is asked, in seconds: it takes a
/// state over within hours, and the next one replaces it within a day.
const MOMENTS: [i64; 3] = [43_200, 21_600, 3_600];

/// Shows the chain of every locked package for which `wanted` is true.
///
/// # Errors
/// A signature or an index is not good, or cannot be had at all. What a package lacks is in
/// the result.
pub fn chain(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    wanted: &dyn Fn(&LockedPackage) -> bool,
) -> Result<Chain, Fault> {
    let mut chain = Chain::default();
    for (codename, release) in &pins.releases {
        let mut walk = Walk { world, pins, lock, release, proofs: Vec::new(), open: Vec::new() };
        for (path, package) in lock.packages.iter().filter(|(_, package)| wanted(package)) {
            let mut architectures = BTreeSet::new();
            for set in &package.sets {
                let parts: Vec<&str> = set.split('/').collect();
                if let [of, _, architecture] = parts[..]
                    && of == codename
                {
                    architectures.insert(architecture);
                }
            }
            if !architectures.is_empty() {
                walk.open.push((path, package, architectures));
            }
        }
        walk.run(&mut chain)?;
    }
    // Sets of releases that the pins have no more are nobody's.
    for (path, _) in lock.packages.iter().filter(|(_, package)| wanted(package)) {
        let nobody = || Link::Breaks(Break::Absent { asked: vec!["no pinned release".into()] });
        chain.packages.entry(path.clone()).or_insert_with(nobody);
    }
    Ok(chain)
}

/// A verified state with its indices, by architecture.
struct Proof {
    suite: Suites,
    state: usize,
    texts: BTreeMap<String, Texts>,
}

type Open<'l> = (&'l String, &'l LockedPackage, BTreeSet<&'l str>);

struct Walk<'w> {
    world: &'w World<'w>,
    pins: &'w Pins,
    lock: &'w Lock,
    release: &'w PinnedRelease,
    proofs: Vec<Proof>,
    /// The packages that nothing has shown yet.
    open: Vec<Open<'w>>,
}

impl Walk<'_> {
    fn run(mut self, chain: &mut Chain) -> Result<(), Fault> {
        let names: BTreeSet<&String> = self.open.iter().map(|(_, it, _)| &it.suite).collect();
        for name in names {
            let (suite, origin) = self.current(name)?;
            self.admit(self.world, suite, origin, chain)?;
        }
        self.judge(0, chain)?;
        let mut failures: BTreeMap<(String, i64), Fault> = BTreeMap::new();
        for moment in self.superseded() {
            self.ask_kept(&moment.0, chain)?;
            if self.world.client.reach() == Reach::Online
                && self.is_open(&moment)
                && let Err(fault) = self.ask_snapshot(&moment, chain)
            {
                failures.insert(moment, fault);
            }
        }
        for (path, package, _) in &self.open {
            let moment = self.moment(package);
            let broken = match moment.as_ref().map(|moment| failures.get(moment)) {
                Some(Some(fault)) => Break::Unshown { why: fault.to_string(), kind: fault.kind() },
                Some(None) if self.world.client.reach() == Reach::Offline => {
                    let why = "the network is forbidden, and the cache has none".to_owned();
                    Break::Unshown { why, kind: Kind::Network }
                }
                _ => Break::Absent { asked: self.asked(chain) },
            };
            chain.packages.insert((*path).clone(), Link::Breaks(broken));
        }
        Ok(())
    }

    /// The states that were looked into, for people.
    fn asked(&self, chain: &Chain) -> Vec<String> {
        let states = self.proofs.iter().filter_map(|proof| chain.states.get(proof.state));
        states.map(|state| format!("{} of {}", state.suite, when(state.date))).collect()
    }

    /// The best state to begin with: the lock's own out of the cache, else today's.
    fn current(&self, name: &str) -> Result<(Suite, Origin), Fault> {
        let seen = self.lock.suites.get(name);
        let kept = self.kept();
        for indices in [self.world.indices, &kept] {
            let world = World { indices, cached: true, ..*self.world };
            let Ok(suite) = suites::suite(&world, name, self.demands(name)) else { continue };
            if seen.is_some_and(|seen| seen.release == suite.digest)
                && self.needs(name).iter().all(|it| indices::is_kept(&world, &suite, it))
            {
                return Ok((suite, Origin::Cache));
            }
        }
        let cached = self.world.client.reach() == Reach::Offline;
        let world = World { cached, ..*self.world };
        let suite = suites::suite(&world, name, self.demands(name))?;
        Ok((suite, if cached { Origin::Cache } else { Origin::Mirror }))
    }

    /// Where states of the snapshot service are kept.
    fn kept(&self) -> PathBuf {
        self.world.indices.join("snapshot")
    }

    /// Everything but the signature is judged by what is asked of the state.
    fn demands(&self, name: &str) -> Demands<'_> {
        let wanted: &[String] =
            if *name == *self.release.durable { &self.release.signed_by } else { &[] };
        Demands { seen: None, wanted, allow: Allowances { expired: true, rollback: true } }
    }

    /// The architectures that are asked of a suite.
    fn needs(&self, name: &str) -> BTreeSet<String> {
        let of_suite = self.open.iter().filter(|(_, package, _)| package.suite == name);
        of_suite.flat_map(|(.., list)| list.iter().map(|it| (*it).to_owned())).collect()
    }

    /// Takes a state in, with the indices that its packages need.
    fn admit(
        &mut self,
        world: &World<'_>,
        suite: Suite,
        origin: Origin,
        chain: &mut Chain,
    ) -> Result<(), Fault> {
        let needs = self.needs(&suite.name);
        let locked = self.lock.suites.get(&suite.name).map(|state| state.release);
        let state = State {
            suite: suite.name.clone(),
            date: suite.release.date.0,
            release: suite.digest,
            is_locked: locked == Some(suite.digest),
            origin,
            signers: suite.signers.clone(),
        };
        let suite = Suites::of(suite);
        let mut texts = BTreeMap::new();
        for architecture in needs {
            let text = indices::fetch(world, &suite, &architecture)?;
            texts.insert(architecture, text);
        }
        self.proofs.push(Proof { suite, state: chain.states.len(), texts });
        chain.states.push(state);
        Ok(())
    }

    /// Looks for the open packages in the proofs from `first` on, each in its own suite
    /// first: a package moves from security into the next point release.
    fn judge(&mut self, first: usize, chain: &mut Chain) -> Result<(), Fault> {
        let proofs = self.proofs.get(first..).unwrap_or_default();
        let mut found: BTreeMap<&String, Vec<Shown>> = BTreeMap::new();
        for proof in proofs {
            for (architecture, texts) in &proof.texts {
                let index = texts.index(architecture)?;
                for (suite, file) in proof.suite.packages_files(architecture)? {
                    for (path, package, architectures) in &self.open {
                        if !architectures.contains(architecture.as_str()) {
                            continue;
                        }
                        let versions = index.versions(&package.name);
                        let same = versions.iter().find(|it| it.version() == package.version);
                        let Some(entry) = same else { continue };
                        let signed = index.package(entry)?;
                        // A security update that is in the point release too has two paths.
                        if signed.filename != **path && suite.name != package.suite {
                            continue;
                        }
                        if let Some(broken) = differs(suite, path, package, &signed) {
                            chain.packages.insert((*path).clone(), Link::Breaks(broken));
                            continue;
                        }
                        found.entry(path).or_default().push(Shown {
                            state: proof.state,
                            index: file.path.clone(),
                            sha256: file.sha256,
                        });
                    }
                }
            }
        }
        for (path, shown) in found {
            let link = Link::Holds(shown);
            chain.packages.entry(path.clone()).or_insert(link);
        }
        self.open.retain(|(path, ..)| !chain.packages.contains_key(*path));
        Ok(())
    }

    /// When a package was last listed.
    fn moment(&self, package: &LockedPackage) -> Option<(String, i64)> {
        let state = self.lock.suites.get(&package.suite).map(|state| state.date);
        let date = package.seen.or(state)?;
        Some((package.suite.clone(), date))
    }

    /// The moments of the open packages, but for states that were looked into.
    fn superseded(&self) -> BTreeSet<(String, i64)> {
        let moments = self.open.iter().filter_map(|(_, package, _)| self.moment(package));
        let is_new = |(name, date): &(String, i64)| {
            let mut suites = self.proofs.iter().flat_map(|proof| proof.suite.iter());
            !suites.any(|suite| suite.name == *name && suite.release.date.0 == *date)
        };
        moments.filter(is_new).collect()
    }

    fn is_open(&self, moment: &(String, i64)) -> bool {
        self.open.iter().any(|(_, package, _)| self.moment(package).as_ref() == Some(moment))
    }

    /// Looks into the state that an earlier run got from the snapshot service.
    fn ask_kept(&mut self, name: &str, chain: &mut Chain) -> Result<(), Fault> {
        let kept = self.kept();
        let world = World { indices: &kept, cached: true, ..*self.world };
        // None, or a damaged one, is no answer.
        let Ok(suite) = suites::suite(&world, name, self.demands(name)) else { return Ok(()) };
        if !self.needs(name).iter().all(|it| indices::is_kept(&world, &suite, it)) {
            return Ok(());
        }
        let first = self.proofs.len();
        self.admit(&world, suite, Origin::Cache, chain)?;
        self.judge(first, chain)
    }

    /// Asks the snapshot service for the state of a moment; the packages are judged by it.
    fn ask_snapshot(&mut self, wanted: &(String, i64), chain: &mut Chain) -> Result<(), Fault> {
        let (name, date) = wanted;
        let (kept, archive) = (self.kept(), Archive::of_suite(name));
        let mut last = Fault::from(LockError::NoMirror { suite: name.clone() });
        for delay in MOMENTS {
            let moment = date.saturating_add(delay);
            let base = snapshot_archive(&self.pins.mirrors.snapshot, archive, moment);
            let mirrors = MirrorList::of_archive(archive, base);
            let world = World { indices: &kept, mirrors: &mirrors, cached: false, ..*self.world };
            let first = self.proofs.len();
            let admitted = suites::suite(&world, name, self.demands(name))
                .and_then(|suite| self.admit(&world, suite, Origin::Snapshot, chain));
            match admitted {
                Ok(()) => {
                    self.judge(first, chain)?;
                    if !self.is_open(wanted) {
                        return Ok(());
                    }
                }
                Err(fault) => last = fault,
            }
        }
        // That very state was read and has it not: nothing kept it away.
        let mut suites = self.proofs.iter().flat_map(|proof| proof.suite.iter());
        let was_read = suites.any(|it| it.name == *name && it.release.date.0 == *date);
        if was_read { Ok(()) } else { Err(last) }
    }
}
