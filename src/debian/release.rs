//! A suite's `Release` text: what it says of itself and the hash of every index below
//! it. Only text whose signature was verified belongs here; nothing outside Debian's
//! own strict form is understood.

use std::collections::BTreeMap;

use super::control::{Field, Limits, Paragraph, single};
use super::date::Timestamp;
use super::value::{check_path, excerpt, parse_sha256, parse_size};
use crate::host::hash::Digest;

mod check;
mod error;
mod files;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use check::{Allowances, Expectation, LastSeen, Note};
pub use error::{ReleaseError, ReleaseProblem};
pub use files::{IndexFile, IndexFiles};

/// The fields that hold a table of hashes, one file a line.
const TABLES: [&str; 4] = ["MD5Sum", "SHA1", "SHA256", "SHA512"];

/// What the release says of one file: its exact size in bytes and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileEntry {
    /// Bytes.
    pub size: u64,
    /// The hash of those bytes.
    pub sha256: Digest,
}

/// A `Release` file (<https://wiki.debian.org/DebianRepository/Format>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// What the text is called in messages.
    pub file: String,
    /// Who made it: `Debian`.
    pub origin: String,
    /// Which archive: `Debian`, `Debian-Security`.
    pub label: String,
    /// The suite's role, which changes with the years: `stable`, `oldstable`.
    pub suite: String,
    /// The suite's name, which never changes: `bookworm`.
    pub codename: String,
    /// The point release: `12.15`, `12-updates`.
    pub version: Option<String>,
    /// When it was made.
    pub date: Timestamp,
    /// When it stops being trustworthy.
    pub valid_until: Option<Timestamp>,
    /// The architectures it has indices for.
    pub architectures: Vec<String>,
    /// The components as written, e.g. `main`, `updates/main`.
    pub components: Vec<String>,
    /// Whether indices can be fetched by their hash.
    pub acquire_by_hash: bool,
    /// Every file below the suite's folder.
    pub files: BTreeMap<String, FileEntry>,
}

impl Release {
    /// Reads the signed text of a `Release`; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ReleaseError`] with the line: no single plain paragraph, fields missing, folded or
    /// twice, dates in another form, no SHA256 table or a bad line in it.
    pub fn parse(file: &str, text: &str) -> Result<Self, ReleaseError> {
        let paragraph = single(file, text, Limits::RELEASE)?;
        Fields::read(&paragraph)?.release()
    }
}

struct Fields<'a> {
    file: &'a str,
    all: Vec<Field<'a>>,
}

impl<'a> Fields<'a> {
    fn read(paragraph: &Paragraph<'a>) -> Result<Self, ReleaseError> {
        let (file, all) = (paragraph.file(), paragraph.distinct_fields()?);
        let fields = Self { file, all };
        let is_table = |field: &Field<'_>| TABLES.iter().any(|name| field.is(name));
        match fields.all.iter().find(|f| f.is_folded() && !is_table(f)) {
            Some(folded) => {
                let problem = ReleaseProblem::Folded(excerpt(folded.name));
                Err(fields.refuse(folded.line, problem))
            }
            None => Ok(fields),
        }
    }

    fn refuse(&self, line: usize, problem: ReleaseProblem) -> ReleaseError {
        let file = self.file.to_owned();
        ReleaseError::Text { file, line, problem }
    }

    fn find(&self, name: &str) -> Option<&Field<'a>> {
        self.all.iter().find(|field| field.is(name))
    }

    fn need(&self, name: &'static str) -> Result<&Field<'a>, ReleaseError> {
        self.find(name)
            .filter(|field| !field.value().is_empty())
            .ok_or_else(|| self.refuse(1, ReleaseProblem::Missing(name)))
    }

    fn text(&self, name: &'static str) -> Result<String, ReleaseError> {
        Ok(self.need(name)?.value().to_owned())
    }

    fn words(&self, name: &'static str) -> Result<Vec<String>, ReleaseError> {
        let words = self.need(name)?.value().split_ascii_whitespace();
        Ok(words.map(str::to_owned).collect())
    }

    fn date(&self, field: &Field<'_>) -> Result<Timestamp, ReleaseError> {
        Timestamp::parse(field.value()).map_err(|error| self.refuse(field.line, error.into()))
    }

    fn release(&self) -> Result<Release, ReleaseError> {
        let acquire_by_hash = match self.find("Acquire-By-Hash").map(|f| (f.line, f.value())) {
            None | Some((_, "no")) => false,
            Some((_, "yes")) => true,
            Some((line, got)) => {
                return Err(self.refuse(line, ReleaseProblem::ByHash(excerpt(got))));
            }
        };
        let valid_until = self.find("Valid-Until");
        Ok(Release {
            file: self.file.to_owned(),
            origin: self.text("Origin")?,
            label: self.text("Label")?,
            suite: self.text("Suite")?,
            codename: self.text("Codename")?,
            version: self.find("Version").map(|field| field.value().to_owned()),
            date: self.date(self.need("Date")?)?,
            valid_until: valid_until.map(|field| self.date(field)).transpose()?,
            architectures: self.words("Architectures")?,
            components: self.words("Components")?,
            acquire_by_hash,
            files: self.files()?,
        })
    }

    fn files(&self) -> Result<BTreeMap<String, FileEntry>, ReleaseError> {
        let Some(table) = self.find("SHA256") else {
            let others = TABLES.iter().filter(|name| self.find(name).is_some());
            let others = others.copied().collect();
            return Err(self.refuse(1, ReleaseProblem::NoSha256 { others }));
        };
        let mut files = BTreeMap::new();
        for (line, row) in table.lines().skip_while(|(_, row)| row.is_empty()) {
            let (path, entry) = parse_row(row).map_err(|problem| self.refuse(line, problem))?;
            if files.insert(path.to_owned(), entry).is_some() {
                let problem = ReleaseProblem::DuplicatePath(path.to_owned());
                return Err(self.refuse(line, problem));
            }
        }
        Ok(files)
    }
}

/// Reads `HASH SIZE PATH`.
fn parse_row(row: &str) -> Result<(&str, FileEntry), ReleaseProblem> {
    let columns: Vec<&str> = row.split([' ', '\t']).filter(|c| !c.is_empty()).collect();
    let [hash, size, path] = columns[..] else {
        return Err(ReleaseProblem::Row(excerpt(row)));
    };
    let sha256 = parse_sha256(hash)?;
    let size = parse_size(size)?;
    check_path(path)?;
    Ok((path, FileEntry { size, sha256 }))
}
