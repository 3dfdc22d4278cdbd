//! One stanza of a `Packages` index, checked field by field. Never fills in what is
//! missing and never trusts a path, a size or a hash that it has not judged.

use thiserror::Error;

use super::control::{ControlError, Field, Paragraph};
use super::relation::{Group, Provided, RelationError, parse_groups, parse_provides};
use super::value::{ValueError, check_package_name, check_path, excerpt, parse_sha256, parse_size};
use super::version::{Version, VersionError};
use crate::host::fault::{Diagnostic, Kind};
use crate::host::hash::Digest;

#[cfg(test)]
mod tests;

/// The fields without which a package can be neither named nor fetched nor verified.
pub(crate) const REQUIRED: [&str; 6] =
    ["Package", "Version", "Architecture", "Filename", "Size", "SHA256"];

/// A stanza that cannot be accepted, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PackageError {
    /// The text is no list of paragraphs.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A stanza is wrong.
    #[error("{file}:{line}: package {package}: {problem}")]
    Stanza { file: String, line: usize, package: String, problem: Box<PackageProblem> },
}

/// What can be wrong with a stanza.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PackageProblem {
    /// A required field is absent.
    #[error("the field {0} is missing")]
    Missing(&'static str),
    /// A field's value is refused.
    #[error("{field}: {source}")]
    Value { field: &'static str, source: ValueError },
    /// The version is none.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A relation is refused.
    #[error("{field}: {source}")]
    Relation { field: &'static str, source: RelationError },
    /// A package for another machine.
    #[error("wrong architecture: expected {expected} or all, got {got}")]
    Architecture { expected: String, got: String },
    /// A package of no bytes.
    #[error("Size: expected at least 1, got 0")]
    EmptyFile,
    /// A file that is no package.
    #[error("Filename: expected a path that ends with .deb, got {0:?}")]
    NotDeb(String),
    /// A word outside its list.
    #[error("{field}: expected one of {expected}, got {got:?}")]
    Word { field: &'static str, expected: &'static str, got: String },
    /// The same version with two different files.
    #[error(
        "version {version} stands twice with different hashes: expected {expected} as in {first}, got {got}"
    )]
    Conflict { version: String, first: String, expected: String, got: String },
}

impl Diagnostic for PackageError {
    fn kind(&self) -> Kind {
        Kind::Integrity
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Control(error) => error.code(),
            Self::Stanza { problem, .. } => match **problem {
                PackageProblem::Missing(_) => "package-field-missing",
                PackageProblem::Architecture { .. } => "package-wrong-architecture",
                PackageProblem::Conflict { .. } => "package-conflicting-hashes",
                _ => "package-bad-field",
            },
        }
    }

    fn hints(&self) -> Vec<String> {
        vec!["the index is not one Debian would publish: try another one with --mirror".to_owned()]
    }
}

/// How a package of one architecture may serve others (Debian policy §5.6.35).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MultiArch {
    /// Serves its own architecture only.
    #[default]
    No,
    /// Installable for several architectures side by side.
    Same,
    /// Serves every architecture.
    Foreign,
    /// Serves every architecture where a relation says `:any`.
    Allowed,
}

/// How important a package is to a Debian system (Debian policy §2.5), most important
/// first. It decides between providers of a virtual package.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Needed by dpkg itself.
    Required,
    /// Expected on any Unix.
    Important,
    /// A reasonable console system.
    Standard,
    /// Everything else.
    #[default]
    Optional,
    /// The old name for the rarely wanted.
    Extra,
}

/// A package as its index describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The index's architecture, or `all`.
    pub architecture: String,
    /// How it serves other architectures.
    pub multi_arch: MultiArch,
    /// Whether it is `Essential: yes`.
    pub essential: bool,
    /// What it needs to work.
    pub depends: Vec<Group>,
    /// What it needs before it is unpacked.
    pub pre_depends: Vec<Group>,
    /// What else it answers to.
    pub provides: Vec<Provided>,
    /// Its path below the mirror's root; a plain relative path.
    pub filename: String,
    /// The size of the .deb in bytes, 1 to 2^53.
    pub size: u64,
    /// The hash of the .deb.
    pub sha256: Digest,
    /// What it takes when installed, an estimate in KiB, when the index tells.
    pub installed_size_kib: Option<u64>,
    /// The source package, its own name when the index tells none.
    pub source: String,
    /// The section, e.g. `libdevel`.
    pub section: Option<String>,
    /// The priority, `optional` when the index tells none.
    pub priority: Priority,
}

impl Package {
    /// Reads and checks a whole stanza of the index for `architecture`.
    ///
    /// # Errors
    /// [`PackageError`] with the file's name and the line.
    pub fn parse(paragraph: &Paragraph<'_>, architecture: &str) -> Result<Self, PackageError> {
        let fields = Fields(paragraph.distinct_fields()?);
        fields.package(architecture).map_err(|(line, problem)| {
            let package = fields.find("Package").map_or("(unnamed)", |f| f.value());
            stanza_error(paragraph, line, package, problem)
        })
    }
}

pub(crate) fn stanza_error(
    paragraph: &Paragraph<'_>,
    line: Option<usize>,
    package: &str,
    problem: PackageProblem,
) -> PackageError {
    PackageError::Stanza {
        file: paragraph.file().to_owned(),
        line: line.unwrap_or(paragraph.line()),
        package: excerpt(package),
        problem: Box::new(problem),
    }
}

/// A problem and its line, or none for the stanza as a whole.
type Refusal = (Option<usize>, PackageProblem);

struct Fields<'a>(Vec<Field<'a>>);

impl<'a> Fields<'a> {
    fn find(&self, name: &str) -> Option<&Field<'a>> {
        self.0.iter().find(|field| field.is(name))
    }

    fn need(&self, name: &'static str) -> Result<&Field<'a>, Refusal> {
        let field = self.find(name).filter(|field| !field.value().is_empty());
        field.ok_or((None, PackageProblem::Missing(name)))
    }

    fn package(&self, architecture: &str) -> Result<Package, Refusal> {
        for name in REQUIRED {
            self.need(name)?;
        }
        let name =
            self.read("Package", |text| check_package_name(text).map(|()| text.to_owned()))?;
        let version = self.need("Version")?;
        let version = Version::parse(version.value())
            .map_err(|error| (Some(version.line), PackageProblem::Version(error)))?;
        let size = self.read("Size", parse_size)?;
        if size == 0 {
            let line = self.find("Size").map(|field| field.line);
            return Err((line, PackageProblem::EmptyFile));
        }
        let installed_size_kib = match self.find("Installed-Size") {
            None => None,
            Some(_) => Some(self.read("Installed-Size", parse_size)?),
        };
        let source = self.find("Source").map(Field::value);
        // The field may carry the source's version too: `gcc-12 (12.2.0-14)`.
        let source = source.and_then(|text| text.split_ascii_whitespace().next());
        let source = source.unwrap_or(&name).to_owned();
        Ok(Package {
            version,
            architecture: self.architecture(architecture)?,
            multi_arch: self.word("Multi-Arch", "no same foreign allowed", &MULTI_ARCH)?,
            essential: self.word("Essential", "yes no", &[("yes", true), ("no", false)])?,
            depends: self.relations("Depends", parse_groups)?,
            pre_depends: self.relations("Pre-Depends", parse_groups)?,
            provides: self.relations("Provides", parse_provides)?,
            filename: self.filename()?,
            size,
            sha256: self.read("SHA256", parse_sha256)?,
            installed_size_kib,
            source,
            section: self.find("Section").map(|field| field.value().to_owned()),
            priority: self.priority()?,
            name,
        })
    }

    fn read<T>(
        &self,
        field: &'static str,
        parse: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Result<T, Refusal> {
        let found = self.need(field)?;
        parse(found.value())
            .map_err(|source| (Some(found.line), PackageProblem::Value { field, source }))
    }

    fn relations<T>(
        &self,
        field: &'static str,
        parse: impl Fn(&str) -> Result<Vec<T>, RelationError>,
    ) -> Result<Vec<T>, Refusal> {
        self.find(field).map_or(Ok(Vec::new()), |found| {
            parse(found.value())
                .map_err(|source| (Some(found.line), PackageProblem::Relation { field, source }))
        })
    }

    fn word<T: Copy + Default>(
        &self,
        field: &'static str,
        expected: &'static str,
        words: &[(&str, T)],
    ) -> Result<T, Refusal> {
        let Some(found) = self.find(field) else {
            return Ok(T::default());
        };
        let value = words.iter().find(|(word, _)| *word == found.value());
        value.map(|(_, value)| *value).ok_or_else(|| {
            let got = excerpt(found.value());
            (Some(found.line), PackageProblem::Word { field, expected, got })
        })
    }

    fn architecture(&self, expected: &str) -> Result<String, Refusal> {
        let found = self.need("Architecture")?;
        let got = found.value();
        if got == expected || got == "all" {
            return Ok(got.to_owned());
        }
        let (expected, got) = (expected.to_owned(), excerpt(got));
        Err((Some(found.line), PackageProblem::Architecture { expected, got }))
    }

    fn filename(&self) -> Result<String, Refusal> {
        let path = self.read("Filename", |text| check_path(text).map(|()| text.to_owned()))?;
        if path.as_bytes().ends_with(b".deb") {
            return Ok(path);
        }
        let line = self.find("Filename").map(|field| field.line);
        Err((line, PackageProblem::NotDeb(path)))
    }

    fn priority(&self) -> Result<Priority, Refusal> {
        let expected = "required important standard optional extra";
        self.word("Priority", expected, &PRIORITIES)
    }
}

const MULTI_ARCH: [(&str, MultiArch); 4] = [
    ("no", MultiArch::No),
    ("same", MultiArch::Same),
    ("foreign", MultiArch::Foreign),
    ("allowed", MultiArch::Allowed),
];

const PRIORITIES: [(&str, Priority); 5] = [
    ("required", Priority::Required),
    ("important", Priority::Important),
    ("standard", Priority::Standard),
    ("optional", Priority::Optional),
    ("extra", Priority::Extra),
];
