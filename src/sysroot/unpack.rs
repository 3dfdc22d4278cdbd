//! One package into one fresh folder: files while they stream by, the hash of the
//! package next, links last. It never writes through a link, never keeps an owner
//! or a special mode, and does not clean up: the folder is the caller's to discard.

mod assembly;

use std::error::Error;
use std::fmt;
use std::io::{BufRead, Read};

use assembly::Assembly;

use super::manifest::Entry;
use super::rules::{RuleError, Rules};
use crate::debian::deb::{Deb, DebError, data_limit};
use crate::debian::identity::Identity;
use crate::debian::tar::{Limits, Reader, TarError};
use crate::elf::ElfError;
use crate::host::fault::{Diagnostic, Kind};
use crate::host::hash::{Digest, HashingReader};
use crate::host::tree::{Tree, TreeError};

/// Why a package was not unpacked.
#[derive(Debug)]
pub struct UnpackError {
    /// Name, version and architecture as the index has them.
    pub package: String,
    pub problem: Problem,
}

impl fmt::Display for UnpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.package, self.problem)
    }
}

impl Error for UnpackError {
    /// The problem stands in the message already: what comes next is its cause.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.problem.source()
    }
}

/// What is wrong with a package, or with the disk.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("sha256: expected {expected}, got {got}")]
    Hash { expected: Digest, got: Digest },
    #[error("size: expected {expected} bytes, got {got}{}", if got > expected { " or more" } else { "" })]
    Size { expected: u64, got: u64 },
    #[error(transparent)]
    Deb(#[from] DebError),
    #[error(transparent)]
    Rule(#[from] RuleError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("{path}: {problem}")]
    Program { path: String, problem: ElfError },
    #[error("{path}: stands in the archive as {first} and again as {second}")]
    Duplicate { path: String, first: &'static str, second: &'static str },
    #[error("{path}: expected directories above it, got {what} at {above}")]
    NotInDirectory { path: String, above: String, what: &'static str },
    #[error("{path}: a hard link must name an earlier file, got {target}")]
    HardLink { path: String, target: String },
    #[error("{path}: the link leads in a circle through {target}")]
    Loop { path: String, target: String },
    #[error("{member}: the archive has no members")]
    Empty { member: String },
    #[error("{path}: expected a path below {folder}")]
    Misplaced { path: String, folder: String },
    #[error("the root of the archive: expected a directory, got a link or file")]
    Root,
}

impl Diagnostic for UnpackError {
    fn kind(&self) -> Kind {
        self.problem.kind()
    }

    fn code(&self) -> &'static str {
        match &self.problem {
            Problem::Hash { .. } => "deb-hash-mismatch",
            Problem::Size { .. } => "deb-size-mismatch",
            Problem::Deb(error) => error.code(),
            Problem::Rule(error) => error.code(),
            Problem::Tree(error) => error.code(),
            Problem::Program { problem, .. } => problem.code(),
            Problem::Duplicate { .. } => "deb-duplicate-member",
            Problem::NotInDirectory { .. } => "deb-path-through-link",
            Problem::HardLink { .. } => "deb-hard-link",
            Problem::Loop { .. } => "link-loop",
            Problem::Empty { .. } => "deb-empty",
            Problem::Root => "deb-root",
            Problem::Misplaced { .. } => "archive-broken",
        }
    }

    fn hints(&self) -> Vec<String> {
        match &self.problem {
            Problem::Tree(error) => error.hints(),
            _ if self.kind() == Kind::Integrity => vec![
                "fetch it again, or from elsewhere: reml-toolchain prepare --mirror URL".to_owned(),
            ],
            _ => Vec::new(),
        }
    }
}

impl Problem {
    fn kind(&self) -> Kind {
        match self {
            Self::Deb(error) => error.kind(),
            Self::Rule(error) => error.kind(),
            Self::Tree(error) => error.kind(),
            _ => Kind::Integrity,
        }
    }
}

/// Which package is expected, and how it is to be laid out.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// What the control file must say.
    pub identity: Identity,
    /// Bytes of the .deb.
    pub size: u64,
    /// Hash of the .deb.
    pub sha256: Digest,
    /// `Installed-Size` of the index, in KiB.
    pub installed_size: Option<u64>,
    pub limits: Limits,
    pub rules: &'a Rules,
    /// No file gets a later time, nor one before 1970; seconds since 1970.
    pub latest: i64,
    /// Whether the disk tells `a` from `A`, and one Unicode form from another.
    pub case_sensitive: bool,
}

/// A package that was unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    pub identity: Identity,
    /// What lies in the folder, in the order of the archive, directories before
    /// what they hold. Hard links are files. Targets of links speak of paths, even
    /// where the link on disk must name a place.
    pub entries: Vec<Entry>,
    /// Links that lead to nothing within this package alone: path and target.
    pub dangling: Vec<(String, String)>,
}

/// Reads a .deb once, from the start to its end, and lays its files out in
/// `folder`, which must be empty.
///
/// # Errors
/// [`UnpackError`]; the folder then holds a part of the package, without links.
pub fn unpack(
    deb: impl Read,
    request: &Request<'_>,
    folder: &Tree,
) -> Result<Unpacked, UnpackError> {
    let identity = &request.identity;
    try_unpack(deb, request, folder).map_err(|problem| UnpackError {
        package: format!("{} {} {}", identity.package, identity.version, identity.architecture),
        problem,
    })
}

/// Lays out one package from its tar alone, as a packed archive carries it below
/// `prefix`. Nothing is known of the .deb here: that the bytes are right is the caller's.
///
/// # Errors
/// [`UnpackError`]; the folder then holds a part of the package, without links.
pub fn unpack_tar(
    tar: impl BufRead,
    prefix: &str,
    request: &Request<'_>,
    folder: &Tree,
) -> Result<Unpacked, UnpackError> {
    let identity = &request.identity;
    try_unpack_tar(tar, prefix, request, folder).map_err(|problem| UnpackError {
        package: format!("{} {} {}", identity.package, identity.version, identity.architecture),
        problem,
    })
}

fn try_unpack_tar(
    tar: impl BufRead,
    prefix: &str,
    request: &Request<'_>,
    folder: &Tree,
) -> Result<Unpacked, Problem> {
    let broken = |error: TarError| Problem::Deb(DebError::in_tar("its tar in the archive", error));
    let mut reader = Reader::new(tar, request.limits);
    let mut assembly = Assembly::new(request, folder);
    while let Some(mut member) = reader.advance().map_err(broken)? {
        let below = member.path.strip_prefix(prefix).and_then(|path| path.strip_prefix('/'));
        let Some(below) = below.map(str::to_owned) else {
            return Err(Problem::Misplaced { path: member.path, folder: prefix.to_owned() });
        };
        member.path = below;
        assembly.add(member, &mut reader, &broken)?;
    }
    let (entries, dangling) = assembly.finish()?;
    Ok(Unpacked { identity: request.identity.clone(), entries, dangling })
}

fn try_unpack(deb: impl Read, request: &Request<'_>, folder: &Tree) -> Result<Unpacked, Problem> {
    // One byte more than expected tells a longer file from the right one.
    let mut input = HashingReader::new(deb.take(request.size.saturating_add(1)));
    let read = match extract(&mut input, request, folder) {
        Err(problem) if problem.kind() != Kind::Integrity => return Err(problem),
        read => read,
    };
    // Of a damaged package the hash is the better witness than whatever broke first.
    let read_rest = |error| Problem::Deb(DebError::Ar(crate::debian::ar::ArError::Read(error)));
    let (size, sha256) = input.finish(request.size).map_err(read_rest)?;
    if size != request.size {
        return Err(Problem::Size { expected: request.size, got: size });
    }
    if sha256 != request.sha256 {
        return Err(Problem::Hash { expected: request.sha256, got: sha256 });
    }
    let (entries, dangling) = read?.finish()?;
    Ok(Unpacked { identity: request.identity.clone(), entries, dangling })
}

fn extract<'a>(
    input: impl Read,
    request: &'a Request<'_>,
    folder: &'a Tree,
) -> Result<Assembly<'a>, Problem> {
    let mut deb = Deb::open(input)?;
    request.identity.check(deb.identity()).map_err(DebError::from)?;
    let name = deb.data_name().to_owned();
    let mut assembly = Assembly::new(request, folder);
    let mut data = deb.data(data_limit(request.installed_size), request.limits)?;
    let broken = |error: TarError| Problem::Deb(DebError::in_tar(&name, error));
    let mut empty = true;
    while let Some(member) = data.advance().map_err(broken)? {
        empty = false;
        assembly.add(member, &mut data, &broken)?;
    }
    if empty {
        return Err(Problem::Empty { member: name });
    }
    deb.finish()?;
    Ok(assembly)
}
