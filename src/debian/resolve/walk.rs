//! One walk through the dependencies, depth first and in the order of the fields, as
//! apt walks them. Never goes back: a package that fails ends the walk.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::packages::PackageError;
use super::super::relation::{Group, Relation};
use super::candidates::{Candidate, Candidates};
use super::error::{Reason, list_versions};
use super::{Chosen, Closure, LeftOut, Options, Want};

/// Why a package cannot be installed: the group that nothing meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dead {
    pub(super) need: Group,
    /// One for each alternative.
    pub(super) reasons: Vec<Reason>,
}

struct Node {
    candidate: Rc<Candidate>,
    wanted: bool,
    asked_by: Vec<String>,
}

/// What becomes of one group of alternatives.
enum Step {
    /// A chosen package, or one of the base, meets it.
    Met,
    /// This package must come in.
    Choose(Rc<Candidate>),
    /// Nothing meets it.
    Fail(Vec<Reason>),
}

pub(super) struct Walk<'w, 'i, 'a> {
    candidates: &'w mut Candidates<'i, 'a>,
    options: &'w Options,
    dead: &'w BTreeMap<String, Dead>,
    nodes: BTreeMap<String, Node>,
    left_out: BTreeMap<String, Vec<String>>,
}

impl<'w, 'i, 'a> Walk<'w, 'i, 'a> {
    pub(super) fn new(
        candidates: &'w mut Candidates<'i, 'a>,
        options: &'w Options,
        dead: &'w BTreeMap<String, Dead>,
    ) -> Self {
        let (nodes, left_out) = (BTreeMap::new(), BTreeMap::new());
        Self { candidates, options, dead, nodes, left_out }
    }

    /// Walks from all wanted packages: the closure, or the package that failed and why.
    pub(super) fn run(
        mut self,
        wanted: &[Want],
    ) -> Result<Result<Closure, (String, Dead)>, PackageError> {
        let mut starts = Vec::new();
        for want in wanted {
            if self.options.base.contains(&want.name) || self.nodes.contains_key(&want.name) {
                continue;
            }
            if let Some(candidate) = self.candidates.find(&want.name)? {
                self.insert(&candidate, true);
                starts.push(candidate);
            }
        }
        for start in starts {
            if let Err(failure) = self.descend(start)? {
                return Ok(Err(failure));
            }
        }
        Ok(Ok(self.closure()))
    }

    fn insert(&mut self, candidate: &Rc<Candidate>, wanted: bool) {
        let node = Node { candidate: Rc::clone(candidate), wanted, asked_by: Vec::new() };
        self.nodes.insert(candidate.name().to_owned(), node);
    }

    /// Brings in all that `start` needs. The stack is a value, so that a long chain of
    /// dependencies cannot exhaust the thread's.
    fn descend(
        &mut self,
        start: Rc<Candidate>,
    ) -> Result<Result<(), (String, Dead)>, PackageError> {
        let mut stack = vec![(start, 0)];
        while let Some((candidate, at)) = stack.last_mut() {
            let candidate = Rc::clone(candidate);
            let package = &candidate.package;
            let Some(group) = package.pre_depends.iter().chain(&package.depends).nth(*at) else {
                stack.pop();
                continue;
            };
            *at += 1;
            match self.step(group, candidate.name())? {
                Step::Met => {}
                Step::Choose(next) => {
                    self.insert(&next, false);
                    self.note_asker(next.name(), candidate.name());
                    stack.push((next, 0));
                }
                Step::Fail(reasons) => {
                    let need = group.clone();
                    let name = candidate.name().to_owned();
                    return Ok(Err((name, Dead { need, reasons })));
                }
            }
        }
        Ok(Ok(()))
    }

    fn step(&mut self, group: &Group, asker: &str) -> Result<Step, PackageError> {
        let mut choices = Vec::new();
        for relation in &group.0 {
            let meeting = self.candidates.meeting(relation)?;
            if let Some(there) = meeting.iter().find(|c| self.is_there(c.name())) {
                self.note_asker(there.name(), asker);
                return Ok(Step::Met);
            }
            // The base may hold packages that no index knows.
            let unknown = self.candidates.index().versions(&relation.name).is_empty();
            if unknown && self.options.base.contains(&relation.name) {
                return Ok(Step::Met);
            }
            choices.push(meeting);
        }
        for (relation, meeting) in group.0.iter().zip(&choices) {
            let best = meeting.iter().find(|c| !self.dead.contains_key(c.name()));
            let name = best.map_or(relation.name.as_str(), |c| c.name());
            for name in [&relation.name, name] {
                if self.options.exclude.contains_key(name) {
                    let askers = self.left_out.entry(name.to_owned()).or_default();
                    push_once(askers, asker);
                    return Ok(Step::Met);
                }
            }
            if let Some(best) = best {
                return Ok(Step::Choose(Rc::clone(best)));
            }
        }
        let reasons = group.0.iter().zip(&choices);
        Ok(Step::Fail(reasons.map(|(relation, meeting)| self.reason(relation, meeting)).collect()))
    }

    fn is_there(&self, name: &str) -> bool {
        self.nodes.contains_key(name) || self.options.base.contains(name)
    }

    fn note_asker(&mut self, name: &str, asker: &str) {
        if name != asker
            && let Some(node) = self.nodes.get_mut(name)
        {
            push_once(&mut node.asked_by, asker);
        }
    }

    fn reason(&self, relation: &Relation, meeting: &[Rc<Candidate>]) -> Reason {
        if let Some(dead) = meeting.first() {
            return Reason::Dead(dead.name().to_owned());
        }
        let index = self.candidates.index();
        let relation = relation.clone();
        let mut providers: Vec<String> =
            index.providers(&relation.name).map(|entry| entry.name().to_owned()).collect();
        providers.dedup();
        let versions = list_versions(index, &relation.name);
        let tied = self.candidates.suite_of(&relation.name).map(str::to_owned);
        Reason::NotMet { relation, versions, providers, tied }
    }

    fn closure(self) -> Closure {
        let nodes = self.nodes.into_values();
        let packages = nodes.map(|node| Chosen {
            package: node.candidate.package.clone(),
            suite: node.candidate.suite.clone(),
            wanted: node.wanted,
            asked_by: node.asked_by,
        });
        let left_out = self.left_out.into_iter().map(|(name, needed_by)| LeftOut {
            excluded_by: self.options.exclude.get(&name).cloned().unwrap_or_default(),
            name,
            needed_by,
        });
        Closure { packages: packages.collect(), left_out: left_out.collect() }
    }
}

fn push_once(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}
