//! A toolchain that is there: found by its name, described by its own stamp.

use std::path::PathBuf;

use crate::host::fault::{Diagnostic, Fault, Kind};
use crate::host::fs::{self, FsError};
use crate::pins::{Pins, TARGETS, Target};
use crate::toolchain::layout::{Project, Tree, folder_name};
use crate::toolchain::stamp::{Reason, Stamp};
use crate::toolchain::variables::{Variable, variables};

/// The largest stamp that is read, in bytes.
const STAMP_LIMIT: u64 = 1 << 20;

/// A prepared toolchain.
#[derive(Debug)]
pub struct Prepared {
    /// Where it lies.
    pub tree: Tree,
    /// The generation that this name stood for: whoever reads several of its files reads them
    /// here, whatever becomes of the name meanwhile.
    pub generation: Tree,
    _in_use: Option<fs::Share>,
    /// What it says of itself.
    pub stamp: Stamp,
    /// Its target.
    pub target: &'static Target,
}

/// There is no usable toolchain.
#[derive(Debug, thiserror::Error)]
pub enum NotPrepared {
    /// Nothing lies there.
    #[error("{}: no toolchain is prepared for {target}", path.display())]
    Absent {
        /// Where it would lie.
        path: PathBuf,
        /// The target's triple.
        target: &'static str,
    },
    /// The toolchain there is for something else: the pins' own release has changed.
    #[error("{}: expected a toolchain for {wanted}, got one for {got}", path.display())]
    Other {
        /// Where it lies.
        path: PathBuf,
        /// What is asked for.
        wanted: String,
        /// What its stamp says.
        got: String,
        /// The target's triple.
        target: &'static str,
    },
    /// Something else lies there.
    #[error("{}: not a stamp: {why}", path.display())]
    NoStamp {
        /// The stamp.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Diagnostic for NotPrepared {
    fn kind(&self) -> Kind {
        Kind::Failed
    }

    fn code(&self) -> &'static str {
        "not-prepared"
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Absent { target, .. } | Self::Other { target, .. } => {
                vec![format!("prepare it: `reml-toolchain prepare --target {target}`")]
            }
            Self::NoStamp { .. } => {
                vec!["prepare it anew: `reml-toolchain prepare --force`".to_owned()]
            }
        }
    }
}

/// The prepared toolchain of a target and release.
///
/// # Errors
/// There is none, or its stamp cannot be read.
pub fn prepared(
    project: &Project,
    pins: &Pins,
    target: &'static Target,
    release: &str,
) -> Result<Prepared, Fault> {
    let tree = project.toolchain(&folder_name(target, release, &pins.release));
    let path = tree.stamp();
    if fs::stat(&path)?.is_none() {
        let path = tree.root().to_path_buf();
        return Err(NotPrepared::Absent { path, target: target.triple }.into());
    }
    at(tree, target, release)
}

/// A toolchain as it is now: a repair gives it another stamp.
///
/// # Errors
/// Its stamp cannot be read any more.
pub fn reread(prepared: &Prepared) -> Result<Prepared, Fault> {
    at(prepared.tree.clone(), prepared.target, &prepared.stamp.release)
}

fn at(tree: Tree, target: &'static Target, release: &str) -> Result<Prepared, Fault> {
    let (generation, in_use) = loop {
        let generation = Tree::new(fs::resolve(tree.root())?);
        let in_use = fs::share(&generation.stamp());
        // What was swapped before it was held may be removed.
        if fs::resolve(tree.root())? == generation.root() {
            break (generation, in_use);
        }
    };
    match read_stamp(&generation)? {
        Ok(stamp) if stamp.target == target.triple && stamp.release == release => {
            Ok(Prepared { tree, generation, _in_use: in_use, stamp, target })
        }
        Ok(stamp) => {
            let wanted = format!("{} of {release}", target.triple);
            let got = format!("{} of {}", stamp.target, stamp.release);
            let (path, target) = (tree.root().to_path_buf(), target.triple);
            Err(NotPrepared::Other { path, wanted, got, target }.into())
        }
        Err(reason) => {
            let why = match reason {
                Reason::Unreadable(why) => why,
                other => other.to_string(),
            };
            Err(NotPrepared::NoStamp { path: tree.stamp(), why }.into())
        }
    }
}

/// Every toolchain that is there, whole or not: its target, its release, and what
/// [`prepared`] says.
///
/// # Errors
/// The folder of toolchains cannot be looked at.
pub fn all_prepared(project: &Project, pins: &Pins) -> Result<Vec<Found>, Fault> {
    let mut list = Vec::new();
    for release in pins.releases.keys() {
        for target in TARGETS {
            let tree = project.toolchain(&folder_name(target, release, &pins.release));
            if fs::stat(tree.root())?.is_some() {
                let prepared = prepared(project, pins, target, release);
                list.push(Found { target, release: release.clone(), tree, prepared });
            }
        }
    }
    Ok(list)
}

/// What lies at a toolchain's place.
#[derive(Debug)]
pub struct Found {
    /// Its target.
    pub target: &'static Target,
    /// Its Debian release.
    pub release: String,
    /// Where it lies.
    pub tree: Tree,
    /// The toolchain, or why it is none.
    pub prepared: Result<Prepared, Fault>,
}

/// The stamp of a tree, or why it has none: what is no stamp is as good as none, and the tree
/// is laid out anew.
///
/// # Errors
/// The disk does not give it. What the toolchain was made with is not known then, and must not
/// be chosen anew.
pub(super) fn read_stamp(tree: &Tree) -> Result<Result<Stamp, Reason>, FsError> {
    let path = tree.stamp();
    let bytes = match fs::stat(&path)? {
        None => return Ok(Err(Reason::Absent)),
        Some(facts) if !facts.is_file() => Err(FsError::NotRegular { path }),
        Some(_) => fs::read_at_most(&path, STAMP_LIMIT),
    };
    let text = match bytes {
        Err(error @ FsError::Io { .. }) => return Err(error),
        Err(error) => Err(error.to_string()),
        Ok(bytes) => String::from_utf8(bytes).map_err(|error| error.to_string()),
    };
    Ok(text.and_then(|text| Stamp::parse(&text)).map_err(Reason::Unreadable))
}

impl Prepared {
    /// The environment it asks for.
    #[must_use]
    pub fn variables(&self) -> Vec<Variable> {
        // An absolute path replaces the one it is joined to.
        let llvm = self.tree.root().join(&self.stamp.llvm);
        let foreign = Target::host().is_none_or(|host| host.debian != self.target.debian);
        let shim = self.tree.bin().join(format!("{}-pkg-config", self.target.triple));
        // What cannot be looked at is as good as absent.
        let pkg_config = matches!(fs::stat(&shim), Ok(Some(_)));
        variables(&self.tree, self.target, &llvm, foreign, pkg_config)
    }
}
