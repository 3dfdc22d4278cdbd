//! `checksums.txt`: every byte that is accepted, in `sha256sum` format. What that format
//! has no room for stands in `#!` lines before the hashes; `sha256sum --check` passes
//! over them as comments. Rendering is deterministic: the same content, the same file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

mod archive;

pub use archive::LockedArchive;

use super::problem::{MOST, Problem, Problems, excerpt};
use crate::host::hash::Digest;

/// The schema number this program reads and writes.
pub const SCHEMA: u32 = 1;

/// The largest file that is read, in bytes.
pub const SIZE_LIMIT: u64 = 4 << 20;

/// The lock: the state of the suites it was made from, and the files accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    /// The signed `InRelease` of each suite, by codename.
    pub suites: BTreeMap<String, SuiteState>,
    /// The .debs, by pool path.
    pub packages: BTreeMap<String, LockedPackage>,
    /// Packed archives, by file name.
    pub archives: BTreeMap<String, LockedArchive>,
}

/// What was last seen of a suite: an older state is a rollback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteState {
    /// The `Date` of its Release file, in seconds since 1970 (UTC).
    pub date: i64,
    /// The `Version` of its Release file; empty where it has none.
    pub version: String,
    /// The `Suite` of its Release file: the role, such as `oldstable`, which moves.
    pub role: String,
    /// The digest of the verified text of its `InRelease` file.
    pub release: Digest,
    /// The dangers that were accepted by name: of [`ALLOWED`].
    pub allowed: BTreeSet<String>,
}

/// What a suite's line may say that was accepted by name: `--allow-expired` and so on.
pub const ALLOWED: [&str; 2] = ["expired", "rollback"];

/// One .deb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// The package's name.
    pub name: String,
    /// Its version, with the epoch (file names leave it out).
    pub version: String,
    /// Its architecture, `all` included.
    pub architecture: String,
    /// The digest of the .deb.
    pub sha256: Digest,
    /// The size of the .deb in bytes.
    pub size: u64,
    /// `Installed-Size` in KiB: the bound of unpacking.
    pub installed_kib: u64,
    /// The suite that offered it.
    pub suite: String,
    /// The `Date` of the suite's last state that listed it, in Unix seconds, where that is
    /// not the state of the suite's own line: it was superseded and stayed locked.
    pub seen: Option<i64>,
    /// What it is for, e.g. `bookworm/sysroot/amd64`.
    pub sets: BTreeSet<String>,
}

/// The code and the hint of a file that is not valid.
pub const INVALID: (&str, &str) = (
    "lock-invalid",
    "the file is written by `reml-toolchain lock`; restore it with `git checkout checksums.txt`",
);

const HEADER: &str = "\
# The lock: every file that is accepted. Written by `reml-toolchain lock`, not by hand.
# Checked without the tool, from the cache folder:
#   sha256sum --check --ignore-missing ../../checksums.txt
";

impl Lock {
    /// The packages of a set, by pool path.
    pub fn set<'a>(&'a self, set: &'a str) -> impl Iterator<Item = (&'a str, &'a LockedPackage)> {
        self.packages
            .iter()
            .filter(move |(_, package)| package.sets.contains(set))
            .map(|(path, package)| (path.as_str(), package))
    }

    /// The text of the file.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::from(HEADER);
        // Writing to a string cannot fail.
        let _ = writeln!(text, "#! schema={SCHEMA}");
        for (name, suite) in &self.suites {
            let SuiteState { date, version, role, release, allowed } = suite;
            let _ = write!(
                text,
                "#! suite={name} role={role} version={version} date={date} release={release}"
            );
            if !allowed.is_empty() {
                let _ = write!(text, " allowed={}", comma(allowed));
            }
            text.push('\n');
        }
        for (name, archive) in &self.archives {
            let LockedArchive { sha256, size, target, release, format, sets, packages } = archive;
            let _ = writeln!(
                text,
                "#! archive={format} target={target} from={release} size={size} packages={packages} sets={}",
                comma(sets)
            );
            let _ = writeln!(text, "{sha256}  {name}");
        }
        for (path, package) in &self.packages {
            let seen = package.seen.map_or(String::new(), |date| format!(" seen={date}"));
            let _ = writeln!(
                text,
                "#! name={} version={} architecture={} size={} installed={} suite={}{seen} sets={}",
                package.name,
                package.version,
                package.architecture,
                package.size,
                package.installed_kib,
                package.suite,
                comma(&package.sets)
            );
            let _ = writeln!(text, "{}  {path}", package.sha256);
        }
        text
    }

    /// Reads `text`, which stands in the file called `file`.
    ///
    /// # Errors
    /// Every problem of the text, each with its line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problems> {
        let mut reader = Reader::default();
        let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        for (index, line) in lines.enumerate().filter(|_| !text.is_empty()) {
            reader.number = index + 1;
            reader.line(line);
            if reader.problems.len() == MOST {
                break;
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            reader.problem("", "the last line is cut: expected a newline at the end".to_owned());
        }
        if reader.pending.is_some() {
            reader.problem("", "a `#!` line at the end: its hash is missing".to_owned());
        }
        if reader.schema.is_none() && reader.problems.is_empty() {
            reader.number = 1;
            reader.problem("", "no `#! schema=` line: this is not a lock".to_owned());
        }
        if reader.problems.is_empty() {
            Ok(reader.lock)
        } else {
            Err(Problems::new(file, INVALID.0, INVALID.1, reader.problems))
        }
    }
}

/// What a `#!` line says, by key.
type Fields<'t> = BTreeMap<&'t str, &'t str>;

#[derive(Default)]
struct Reader<'t> {
    lock: Lock,
    schema: Option<u32>,
    problems: Vec<Problem>,
    number: usize,
    pending: Option<Fields<'t>>,
}

impl<'t> Reader<'t> {
    fn problem(&mut self, line: &str, text: String) {
        let problem = Problem { line: self.number, column: 1, text, excerpt: excerpt(line) };
        self.problems.push(problem);
    }

    fn line(&mut self, line: &'t str) {
        let outcome = if line.is_empty() {
            Ok(())
        } else if let Some(fields) = line.strip_prefix("#! ") {
            self.directive(fields)
        } else if line.starts_with('#') {
            Ok(())
        } else {
            self.entry(line)
        };
        if let Err(text) = outcome {
            self.problem(line, text);
        }
    }

    fn directive(&mut self, text: &'t str) -> Result<(), String> {
        let mut fields = Fields::new();
        for field in text.split(' ') {
            let (key, value) = field
                .split_once('=')
                .ok_or_else(|| format!("expected `key=value`, got `{field}`"))?;
            if fields.insert(key, value).is_some() {
                return Err(format!("`{key}` stands twice"));
            }
        }
        if fields.contains_key("schema") {
            let schema: u32 = take(&mut fields, "schema")?;
            if schema != SCHEMA {
                let advice = if schema > SCHEMA { "; a newer reml-toolchain reads it" } else { "" };
                return Err(format!(
                    "schema is not supported: expected {SCHEMA}, got {schema}{advice}"
                ));
            }
            if self.schema.replace(schema).is_some() {
                return Err("`schema` stands twice".to_owned());
            }
        } else if fields.contains_key("release") {
            let name: String = take(&mut fields, "suite")?;
            let state = SuiteState {
                date: take_date(&mut fields, "date")?,
                version: take(&mut fields, "version")?,
                role: take(&mut fields, "role")?,
                release: take(&mut fields, "release")?,
                allowed: take_allowed(&mut fields)?,
            };
            if self.lock.suites.insert(name, state).is_some() {
                return Err("this suite stands twice".to_owned());
            }
        } else if self.pending.replace(fields).is_some() {
            return Err("two `#!` lines in a row: the hash of the first is missing".to_owned());
        } else {
            return Ok(());
        }
        match fields.keys().next() {
            Some(key) => Err(format!("unknown key `{key}`")),
            None => Ok(()),
        }
    }

    fn entry(&mut self, line: &str) -> Result<(), String> {
        let (sha256, path) = split(line)?;
        check_path(path)?;
        let other = self.lock.packages.get(path).map(|package| package.sha256);
        let other = other.or_else(|| self.lock.archives.get(path).map(|archive| archive.sha256));
        if other.is_some_and(|other| other != sha256) {
            return Err(format!("`{path}` has two hashes"));
        }
        let Some(mut fields) = self.pending.take() else {
            if path.contains('/') {
                return Err(format!("`{path}` has no `#!` line before it"));
            }
            self.lock.archives.insert(path.to_owned(), LockedArchive::unknown(sha256));
            return Ok(());
        };
        let sets = words(&take::<String>(&mut fields, "sets")?);
        if fields.contains_key("archive") {
            return self.archive(sha256, path, sets, fields);
        }
        let package = LockedPackage {
            name: take(&mut fields, "name")?,
            version: take(&mut fields, "version")?,
            architecture: take(&mut fields, "architecture")?,
            size: take_size(&mut fields, "size")?,
            installed_kib: take_size(&mut fields, "installed")?,
            suite: take(&mut fields, "suite")?,
            seen: if fields.contains_key("seen") {
                Some(take_date(&mut fields, "seen")?)
            } else {
                None
            },
            sha256,
            sets,
        };
        if let Some(key) = fields.keys().next() {
            return Err(format!("unknown key `{key}`"));
        }
        match self.lock.packages.insert(path.to_owned(), package) {
            Some(_) => Err(format!("`{path}` stands twice")),
            None => Ok(()),
        }
    }

    fn archive(
        &mut self,
        sha256: Digest,
        path: &str,
        sets: BTreeSet<String>,
        mut fields: Fields<'_>,
    ) -> Result<(), String> {
        if path.contains('/') {
            return Err(format!("expected an archive's name, got the path `{path}`"));
        }
        let archive = LockedArchive {
            sha256,
            size: take_size(&mut fields, "size")?,
            target: take(&mut fields, "target")?,
            release: take(&mut fields, "from")?,
            format: take(&mut fields, "archive")?,
            packages: take(&mut fields, "packages")?,
            sets,
        };
        if let Some(key) = fields.keys().next() {
            return Err(format!("unknown key `{key}`"));
        }
        match self.lock.archives.insert(path.to_owned(), archive) {
            Some(_) => Err(format!("`{path}` stands twice")),
            None => Ok(()),
        }
    }
}

fn take<T: std::str::FromStr>(fields: &mut Fields<'_>, key: &str) -> Result<T, String> {
    let value = fields.remove(key).ok_or_else(|| format!("`{key}=` is missing"))?;
    value
        .parse()
        .map_err(|_| format!("`{key}` has no usable value: got `{}`", value.escape_debug()))
}

/// Seconds since 1970, before the year 10000: later ones have no date that can be shown.
fn take_date(fields: &mut Fields<'_>, key: &str) -> Result<i64, String> {
    const MOST: i64 = 253_402_300_799;
    let date = take(fields, key)?;
    if (0..=MOST).contains(&date) {
        Ok(date)
    } else {
        Err(format!("`{key}`: expected seconds from 0 to {MOST}, got {date}"))
    }
}

fn take_allowed(fields: &mut Fields<'_>) -> Result<BTreeSet<String>, String> {
    let allowed = words(fields.remove("allowed").unwrap_or_default());
    match allowed.iter().find(|word| !ALLOWED.contains(&word.as_str())) {
        None => Ok(allowed),
        Some(word) => Err(format!(
            "`allowed`: expected {}, got `{}`",
            ALLOWED.join(" or "),
            word.escape_debug()
        )),
    }
}

/// The words of a list with commas.
fn words(list: &str) -> BTreeSet<String> {
    list.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn comma(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

/// A number of bytes or KiB, no larger than an index may give.
fn take_size(fields: &mut Fields<'_>, key: &str) -> Result<u64, String> {
    const MOST: u64 = 1 << 53;
    let size = take(fields, key)?;
    if size <= MOST {
        Ok(size)
    } else {
        Err(format!("`{key}`: expected at most {MOST}, got {size}"))
    }
}

/// `HASH␠␠PATH` or `HASH␠*PATH`, as sha256sum(1) writes them.
fn split(line: &str) -> Result<(Digest, &str), String> {
    let expected = "expected `SHA-256  path`";
    let (hash, rest) = line.split_once(' ').ok_or_else(|| format!("{expected}, got no blank"))?;
    let sha256 = hash.parse().map_err(|error| format!("{expected}: {error}"))?;
    let path = rest
        .strip_prefix(' ')
        .or_else(|| rest.strip_prefix('*'))
        .ok_or_else(|| format!("{expected}, got one blank"))?;
    Ok((sha256, path))
}

/// Paths are relative, below the cache folder, and plain.
fn check_path(path: &str) -> Result<(), String> {
    let plain = path.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    let steps_well = path.split('/').all(|step| !matches!(step, "" | "." | ".."));
    if plain && steps_well {
        Ok(())
    } else {
        Err(format!("not a plain relative path: `{}`", path.escape_debug()))
    }
}

#[cfg(test)]
mod tests;
