//! Which stanza stands for a name, and which packages can meet a relation. Never looks
//! at what is already chosen: that is the walk's part.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::super::index::{Entry, Index};
use super::super::packages::{MultiArch, Package, PackageError};
use super::super::relation::{Qualifier, Relation};
use super::error::ResolveError;

/// The one version of a package that may be chosen.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) package: Package,
    pub(super) suite: String,
}

impl Candidate {
    pub(super) fn name(&self) -> &str {
        &self.package.name
    }

    /// Whether this package, by its name or by what it provides, meets `relation` in an
    /// index for `architecture`.
    fn meets(&self, relation: &Relation, architecture: &str) -> bool {
        self.serves(relation, architecture) && self.meets_version(relation)
    }

    fn serves(&self, relation: &Relation, architecture: &str) -> bool {
        match &relation.qualifier {
            None | Some(Qualifier::Native) => true,
            Some(Qualifier::Any) => self.package.multi_arch == MultiArch::Allowed,
            Some(Qualifier::Architecture(asked)) => asked == architecture,
        }
    }

    fn meets_version(&self, relation: &Relation) -> bool {
        let constraint = relation.constraint.as_ref();
        if self.package.name == relation.name {
            return constraint.is_none_or(|c| c.allows(&self.package.version));
        }
        self.package.provides.iter().filter(|p| p.name == relation.name).any(|provided| {
            match (constraint, &provided.version) {
                (None, _) => true,
                (Some(constraint), Some(version)) => constraint.allows(version),
                (Some(_), None) => false,
            }
        })
    }
}

/// The candidates of an index, read when asked for and kept.
pub(super) struct Candidates<'i, 'a> {
    index: &'i Index<'a>,
    suites: BTreeMap<String, String>,
    known: HashMap<String, Option<Rc<Candidate>>>,
}

impl<'i, 'a> Candidates<'i, 'a> {
    pub(super) fn new(index: &'i Index<'a>, suites: BTreeMap<String, String>) -> Self {
        let known = HashMap::new();
        Self { index, suites, known }
    }

    pub(super) fn index(&self) -> &'i Index<'a> {
        self.index
    }

    /// The suite a package is tied to.
    pub(super) fn suite_of(&self, name: &str) -> Option<&str> {
        self.suites.get(name).map(String::as_str)
    }

    /// Refuses ties to suites that the index does not hold.
    pub(super) fn check_suites(&self) -> Result<(), ResolveError> {
        let known = self.index.suites();
        match self.suites.iter().find(|(_, suite)| !known.contains(&suite.as_str())) {
            None => Ok(()),
            Some((name, suite)) => Err(ResolveError::UnknownSuite {
                name: name.clone(),
                suite: suite.clone(),
                known: known.join(", "),
            }),
        }
    }

    /// The candidate for a real package.
    pub(super) fn find(&mut self, name: &str) -> Result<Option<Rc<Candidate>>, PackageError> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let candidate = match self.entry(name) {
            None => None,
            Some(entry) => {
                let package = self.index.package(entry)?;
                let suite = entry.suite().to_owned();
                Some(Rc::new(Candidate { package, suite }))
            }
        };
        self.known.insert(name.to_owned(), candidate.clone());
        Ok(candidate)
    }

    fn entry(&self, name: &str) -> Option<&'i Entry<'a>> {
        let tied = self.suites.get(name);
        let mut versions = self.index.versions(name).iter();
        versions.find(|entry| tied.is_none_or(|suite| suite == entry.suite()))
    }

    /// All that can meet `relation`, best first: the package of that name, then its
    /// providers.
    pub(super) fn meeting(
        &mut self,
        relation: &Relation,
    ) -> Result<Vec<Rc<Candidate>>, PackageError> {
        let architecture = self.index.architecture();
        let mut providers: Vec<Rc<Candidate>> = Vec::new();
        for entry in self.index.providers(&relation.name) {
            let twice = providers.last().is_some_and(|last| last.name() == entry.name());
            if twice || entry.name() == relation.name {
                continue;
            }
            // Only the candidate counts, whatever other versions may provide.
            if let Some(candidate) = self.find(entry.name())? {
                providers.push(candidate);
            }
        }
        providers.sort_by(|left, right| {
            let rank = |c: &Candidate| (!c.package.essential, c.package.priority);
            rank(left).cmp(&rank(right)).then_with(|| left.name().cmp(right.name()))
        });
        let own = self.find(&relation.name)?;
        let all = own.into_iter().chain(providers);
        Ok(all.filter(|candidate| candidate.meets(relation, architecture)).collect())
    }
}
