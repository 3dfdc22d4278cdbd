//! The packages of several suites for one architecture, found by name or by what they
//! provide. Holds places in the texts only: a stanza is read in full when somebody
//! asks for it, never before.

use std::collections::HashMap;

use super::control::{Field, Limits, Paragraph, Paragraphs};
use super::packages::{Package, PackageError, PackageProblem, REQUIRED, stanza_error};
use super::relation::provided_names;
use super::value::{check_package_name, excerpt};
use super::version::Parts;

#[cfg(test)]
mod tests;

/// A stanza in the index: its place and what is needed to choose it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    name: &'a str,
    version: &'a str,
    sha256: &'a str,
    suite: &'a str,
    paragraph: Paragraph<'a>,
}

impl<'a> Entry<'a> {
    /// The package's name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The package's version as written.
    #[must_use]
    pub fn version(&self) -> &'a str {
        self.version
    }

    /// The label of the suite it comes from.
    #[must_use]
    pub fn suite(&self) -> &'a str {
        self.suite
    }
}

/// One `Packages` file on its way into an [`Index`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// The label of its suite, e.g. `bookworm-security`.
    pub suite: &'a str,
    /// Its name in messages, e.g. `dists/bookworm/main/binary-amd64/Packages`.
    pub file: &'a str,
    /// Its whole text.
    pub text: &'a str,
}

/// All packages of one architecture over several suites.
#[derive(Debug)]
pub struct Index<'a> {
    architecture: &'a str,
    suites: Vec<&'a str>,
    /// By name, then highest version, then suite as given.
    entries: Vec<Entry<'a>>,
    /// For each name provided, where in `entries` its providers stand, in that order.
    provided: HashMap<&'a str, Vec<usize>>,
}

/// One stanza's fields as the first pass finds them.
#[derive(Default)]
struct Scan<'a> {
    required: [Option<&'a str>; REQUIRED.len()],
    provides: Option<&'a str>,
}

impl<'a> Index<'a> {
    /// Builds the index for `architecture`. A suite with several components is several
    /// sources. Earlier sources win where the same version stands in several suites.
    ///
    /// # Errors
    /// [`PackageError`]: text that is not deb822, a stanza without one of the required
    /// fields or for another architecture, a field twice, a bad name or version, and one
    /// version with two different hashes. The remaining fields are judged by
    /// [`Index::package`].
    pub fn build(architecture: &'a str, sources: &[Source<'a>]) -> Result<Self, PackageError> {
        let mut scanned = Vec::new();
        let mut suites = Vec::new();
        for &Source { suite, file, text } in sources {
            if !suites.contains(&suite) {
                suites.push(suite);
            }
            for paragraph in Paragraphs::new(file, text, Limits::PACKAGES)? {
                let paragraph = paragraph?;
                let scan = Scan::read(&paragraph)?;
                scanned.push((scan.entry(suite, paragraph, architecture)?, scan.provides));
            }
        }
        // The sort is stable: equal versions stay in the order of the sources.
        scanned.sort_by(|(left, _), (right, _)| {
            left.name.cmp(right.name).then_with(|| {
                match (Parts::parse(left.version), Parts::parse(right.version)) {
                    (Ok(left), Ok(right)) => right.compare(left),
                    // Both were checked by the scan.
                    _ => left.version.cmp(right.version),
                }
            })
        });
        let mut provided: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, (_, provides)) in scanned.iter().enumerate() {
            for name in provides.iter().flat_map(|text| provided_names(text)) {
                let providers = provided.entry(name).or_default();
                // A package may provide one name in several versions.
                if providers.last() != Some(&at) {
                    providers.push(at);
                }
            }
        }
        let entries = scanned.into_iter().map(|(entry, _)| entry).collect();
        let index = Self { architecture, suites, entries, provided };
        index.check_conflicts()?;
        Ok(index)
    }

    /// Refuses two different files of the same name and version. (Two spellings that
    /// compare equal, `1.0` and `1.0-0`, are different versions here.)
    fn check_conflicts(&self) -> Result<(), PackageError> {
        for versions in self.entries.chunk_by(|a, b| a.name == b.name) {
            for (at, entry) in versions.iter().enumerate() {
                let twin = versions[..at]
                    .iter()
                    .find(|first| first.version == entry.version && first.sha256 != entry.sha256);
                if let Some(first) = twin {
                    let problem = PackageProblem::Conflict {
                        version: excerpt(entry.version),
                        first: format!("{}:{}", first.paragraph.file(), first.paragraph.line()),
                        expected: excerpt(first.sha256),
                        got: excerpt(entry.sha256),
                    };
                    return Err(stanza_error(&entry.paragraph, None, entry.name, problem));
                }
            }
        }
        Ok(())
    }

    /// The architecture it was built for.
    #[must_use]
    pub fn architecture(&self) -> &'a str {
        self.architecture
    }

    /// The labels of its suites, in the order given.
    #[must_use]
    pub fn suites(&self) -> &[&'a str] {
        &self.suites
    }

    /// How many stanzas it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The stanzas of a real package, highest version first.
    #[must_use]
    pub fn versions(&self, name: &str) -> &[Entry<'a>] {
        let start = self.entries.partition_point(|entry| entry.name < name);
        let rest = &self.entries[start..];
        &rest[..rest.partition_point(|entry| entry.name == name)]
    }

    /// The stanzas that name `name` in their `Provides`, ordered by package name, then
    /// highest version first.
    pub fn providers(&self, name: &str) -> impl Iterator<Item = &Entry<'a>> {
        let providers = self.provided.get(name).map_or(&[][..], Vec::as_slice);
        providers.iter().map(|at| &self.entries[*at])
    }

    /// The names of all real packages, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.chunk_by(|a, b| a.name == b.name).map(|versions| versions[0].name)
    }

    /// Reads a stanza in full.
    ///
    /// # Errors
    /// As [`Package::parse`].
    pub fn package(&self, entry: &Entry<'_>) -> Result<Package, PackageError> {
        Package::parse(&entry.paragraph, self.architecture)
    }
}

impl<'a> Scan<'a> {
    /// Finds the fields that matter, each at most once. Names of other fields may repeat
    /// until the stanza is read in full.
    fn read(paragraph: &Paragraph<'a>) -> Result<Self, PackageError> {
        let mut scan = Self::default();
        for field in paragraph.fields() {
            let field: Field<'a> = field?;
            let slot = if let Some(at) = REQUIRED.iter().position(|name| field.is(name)) {
                &mut scan.required[at]
            } else if field.is("Provides") {
                &mut scan.provides
            } else {
                continue;
            };
            if slot.replace(field.value()).is_some() {
                // The full reading reports both lines.
                paragraph.distinct_fields()?;
            }
        }
        Ok(scan)
    }

    fn entry(
        &self,
        suite: &'a str,
        paragraph: Paragraph<'a>,
        architecture: &str,
    ) -> Result<Entry<'a>, PackageError> {
        let [name, ..] = self.required;
        let name = name.unwrap_or("(unnamed)");
        let refused = |problem| stanza_error(&paragraph, None, name, problem);
        let mut values = [""; REQUIRED.len()];
        for ((value, found), field) in values.iter_mut().zip(self.required).zip(REQUIRED) {
            *value = found
                .filter(|text| !text.is_empty())
                .ok_or_else(|| refused(PackageProblem::Missing(field)))?;
        }
        let [name, version, got, _, _, sha256] = values;
        let field = "Package";
        check_package_name(name)
            .map_err(|source| refused(PackageProblem::Value { field, source }))?;
        Parts::parse(version).map_err(|error| refused(error.into()))?;
        if got != architecture && got != "all" {
            let (expected, got) = (architecture.to_owned(), excerpt(got));
            return Err(refused(PackageProblem::Architecture { expected, got }));
        }
        Ok(Entry { name, version, sha256, suite, paragraph })
    }
}
