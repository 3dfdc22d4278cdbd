//! The dependency closure of the wanted packages over all suites of an index: what
//! `apt-get install --no-install-recommends` would install on an empty system. Never
//! chooses by chance: the same index, wants and options give the same closure.
//!
//! Each package has one candidate: its highest version over all suites, or over the one
//! suite it is tied to. Alternatives are tried in order; one that is already there wins.
//! Of several providers, essential ones come first, then the more important, then the
//! first by name. Conflicts and `Breaks` are not judged: nothing here is ever installed
//! into a running system.

use std::collections::{BTreeMap, BTreeSet};

use super::index::{Entry, Index};
use super::packages::Package;

mod candidates;
mod error;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
mod walk;

pub use error::ResolveError;

use candidates::Candidates;
use walk::{Dead, Walk};

/// A package somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Want {
    /// The name of a real package.
    pub name: String,
    /// The one suite it may come from; any when there is none.
    pub suite: Option<String>,
}

impl Want {
    /// Wants a package from whichever suite has its highest version.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let (name, suite) = (name.into(), None);
        Self { name, suite }
    }
}

/// How the closure is to be drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Packages that are never followed, each with who excludes it (a line of
    /// `versions.toml`, an option). A dependency on one counts as met.
    pub exclude: BTreeMap<String, String>,
    /// Packages that are already there: they meet dependencies and are not part of the
    /// closure; neither is what they need.
    pub base: BTreeSet<String>,
    /// Packages tied to one suite, wanted or not, e.g. `linux-libc-dev` to `bookworm`.
    /// [`Want::suite`] comes before it.
    pub suites: BTreeMap<String, String>,
}

/// What must be fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// The packages, by name.
    pub packages: Vec<Chosen>,
    /// What was needed but excluded, by name.
    pub left_out: Vec<LeftOut>,
}

/// One package of the closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// What the index says of it.
    pub package: Package,
    /// The label of the suite it comes from.
    pub suite: String,
    /// Whether it was wanted itself.
    pub wanted: bool,
    /// The packages of the closure that need it; the first is the one that brought it in.
    pub asked_by: Vec<String>,
}

/// A dependency that was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The excluded package.
    pub name: String,
    /// Who excluded it, from [`Options::exclude`].
    pub excluded_by: String,
    /// The packages of the closure that need it.
    pub needed_by: Vec<String>,
}

impl Closure {
    /// A package of the closure.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Chosen> {
        let at = self.packages.binary_search_by(|chosen| chosen.package.name.as_str().cmp(name));
        at.ok().map(|at| &self.packages[at])
    }

    /// How a package came in: from a wanted package down to `name`. Empty when it is not
    /// part of the closure.
    #[must_use]
    pub fn chain<'a>(&'a self, name: &str) -> Vec<&'a str> {
        let mut chain = Vec::new();
        let mut next = self.find(name);
        while let Some(chosen) = next {
            chain.push(chosen.package.name.as_str());
            let parent = chosen.asked_by.first().filter(|_| !chosen.wanted);
            next = parent.and_then(|parent| self.find(parent));
        }
        chain.reverse();
        chain
    }

    /// Bytes to download.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.packages.iter().map(|chosen| chosen.package.size).fold(0, u64::saturating_add)
    }
}

/// Draws the closure of `wanted`.
///
/// # Errors
/// [`ResolveError`]: a wanted package or suite that does not exist, or that is excluded
/// at the same time; a dependency that no package meets, with the chain that leads to
/// it; a stanza that is refused.
pub fn resolve(
    index: &Index<'_>,
    wanted: &[Want],
    options: &Options,
) -> Result<Closure, ResolveError> {
    let mut suites = options.suites.clone();
    for want in wanted {
        if let Some(suite) = &want.suite {
            suites.insert(want.name.clone(), suite.clone());
        }
    }
    let mut candidates = Candidates::new(index, suites);
    candidates.check_suites()?;
    for want in wanted {
        check_want(&mut candidates, want, options)?;
    }
    // A package that cannot be installed is set aside, and the walk begins again without
    // it: an alternative may serve. Each round sets one more aside, so this ends.
    let mut dead: BTreeMap<String, Dead> = BTreeMap::new();
    loop {
        let found = Walk::new(&mut candidates, options, &dead).run(wanted)?;
        match found {
            Ok(closure) => return Ok(closure),
            Err((name, reason)) => {
                let is_wanted = wanted.iter().any(|want| want.name == name);
                dead.insert(name.clone(), reason);
                if is_wanted {
                    return Err(ResolveError::unsatisfiable(&name, &dead));
                }
            }
        }
    }
}

fn check_want(
    candidates: &mut Candidates<'_, '_>,
    want: &Want,
    options: &Options,
) -> Result<(), ResolveError> {
    let name = want.name.clone();
    if let Some(by) = options.exclude.get(&name) {
        let by = by.clone();
        return Err(ResolveError::WantedAndExcluded { name, by });
    }
    if options.base.contains(&name) || candidates.find(&name)?.is_some() {
        return Ok(());
    }
    let index = candidates.index();
    let available = error::list_versions(index, &name);
    if let Some(suite) = candidates.suite_of(&name).filter(|_| !available.is_empty()) {
        let suite = suite.to_owned();
        return Err(ResolveError::NotInSuite { name, suite, available });
    }
    let providers: BTreeSet<&str> = index.providers(&name).map(Entry::name).collect();
    if providers.is_empty() {
        let similar = error::similar_names(index, &name);
        let architecture = index.architecture().to_owned();
        return Err(ResolveError::Unknown { name, architecture, similar });
    }
    let providers = providers.into_iter().map(str::to_owned).collect();
    Err(ResolveError::Virtual { name, providers })
}
