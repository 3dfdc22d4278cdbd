//! Symbol versions: which a file wants of each library, which it offers, and the glibc
//! release behind `GLIBC_…` names. It compares numbers, never strings: 2.4 is older
//! than 2.31.

use std::fmt;
use std::io::{Read, Seek};
use std::str::FromStr;

use object::{Endianness, ReadRef, elf};

use super::view::{MOST_RECORDS, View, cache, record};
use super::{ElfError, Facts, Needs};

/// A glibc release. Symbol versions name the release that brought them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GlibcVersion {
    /// 2 since 1997.
    pub major: u16,
    /// Such as 36.
    pub minor: u16,
}

impl fmt::Display for GlibcVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text that is no glibc release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("glibc version {text:?}: expected two numbers as in 2.36")]
pub struct GlibcVersionError {
    text: String,
}

impl FromStr for GlibcVersion {
    type Err = GlibcVersionError;

    /// Takes `2.36` and `2.2.5` (whose patch number no newer version has).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<u16>().ok()).flatten()
        });
        match (numbers.next(), numbers.next(), numbers.next(), numbers.next()) {
            (Some(Some(major)), Some(Some(minor)), None | Some(Some(_)), None) => {
                Ok(Self { major, minor })
            }
            _ => Err(GlibcVersionError { text: text.to_owned() }),
        }
    }
}

/// The newest glibc release that `facts` ask for, over all libraries. `GLIBC_PRIVATE`
/// and other names that are no release do not count.
#[must_use]
pub fn glibc_needed(facts: &Facts) -> Option<GlibcVersion> {
    facts.needs.iter().flat_map(|needs| &needs.versions).filter_map(|name| release(name)).max()
}

/// The newest `GLIBC_…` version that `file` (a `libc.so.6`) defines: the release of that
/// glibc, learnt without running anything. `None` when it is no glibc, as on musl.
///
/// # Errors
/// As [`super::read_in`].
pub fn glibc_defined(file: impl Read + Seek) -> Result<Option<GlibcVersion>, ElfError> {
    let cache = cache(file)?;
    let view = &View::parse(&cache)?;
    let Some(table) = table(view, elf::DT_VERDEF)? else {
        return Ok(None);
    };
    let mut newest = None;
    let mut at = 0;
    for _ in 0..MOST_RECORDS {
        let definition: &elf::Verdef<Endianness> = record(table, at).ok_or(BROKEN)?;
        let name_at = at + u64::from(definition.vd_aux.get(view.endian));
        let name: &elf::Verdaux<Endianness> = record(table, name_at).ok_or(BROKEN)?;
        let name = view.string(name.vda_name.get(view.endian).into())?;
        newest = newest.max(release(&name));
        match definition.vd_next.get(view.endian) {
            0 => return Ok(newest),
            next => at += u64::from(next),
        }
    }
    Err(BROKEN)
}

/// One version wanted of a library.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Which of the table's libraries it is wanted of.
    pub(super) record: usize,
    pub(super) library: String,
    pub(super) version: String,
    /// What the symbols that want it carry in `DT_VERSYM`.
    pub(super) index: u16,
    /// The loader does not refuse a library without it.
    pub(super) is_weak: bool,
}

/// The versions wanted, by library.
pub(super) fn needs<'a, R: ReadRef<'a>>(view: &View<'a, R>) -> Result<Vec<Needs>, ElfError> {
    let mut all: Vec<Needs> = Vec::new();
    let mut last = None;
    for wanted in wanted(view)? {
        let Wanted { record, library, version, .. } = wanted;
        match all.last_mut().filter(|_| last == Some(record)) {
            Some(needs) => needs.versions.push(version),
            None => all.push(Needs { library, versions: vec![version] }),
        }
        last = Some(record);
    }
    Ok(all)
}

/// The versions wanted, one by one in the table's order.
pub(super) fn wanted<'a, R: ReadRef<'a>>(view: &View<'a, R>) -> Result<Vec<Wanted>, ElfError> {
    let Some(table) = table(view, elf::DT_VERNEED)? else {
        return Ok(Vec::new());
    };
    let mut all = Vec::new();
    let mut at = 0;
    // One number bounds both lists: a record without a version costs one, too.
    let mut left = MOST_RECORDS;
    for number in 0.. {
        let need: &elf::Verneed<Endianness> = record(table, at).ok_or(BROKEN)?;
        let library = view.string(need.vn_file.get(view.endian).into())?;
        let mut version_at = at + u64::from(need.vn_aux.get(view.endian));
        for _ in 0..need.vn_cnt.get(view.endian) {
            left = left.checked_sub(1).ok_or(BROKEN)?;
            let version: &elf::Vernaux<Endianness> = record(table, version_at).ok_or(BROKEN)?;
            all.push(Wanted {
                record: number,
                library: library.clone(),
                version: view.string(version.vna_name.get(view.endian).into())?,
                index: version.vna_other.get(view.endian).0,
                is_weak: version.vna_flags.get(view.endian).contains(elf::VER_FLG_WEAK),
            });
            match version.vna_next.get(view.endian) {
                0 => break,
                next => version_at += u64::from(next),
            }
        }
        left = left.checked_sub(1).ok_or(BROKEN)?;
        match need.vn_next.get(view.endian) {
            0 => break,
            next => at += u64::from(next),
        }
    }
    Ok(all)
}

const BROKEN: ElfError =
    ElfError::Broken { what: "its symbol version table lies outside the file or has no end" };

fn table<'a, R: ReadRef<'a>>(
    view: &View<'a, R>,
    tag: elf::DynamicTag,
) -> Result<Option<&'a [u8]>, ElfError> {
    view.value(tag).map(|address| view.at_address(address).ok_or(BROKEN)).transpose()
}

/// The glibc release behind a version's name; `None` for what no release brought.
#[must_use]
pub fn release(name: &str) -> Option<GlibcVersion> {
    match name.strip_prefix("GLIBC_")? {
        // Not a function: loaders since 2.36 understand packed relocations.
        "ABI_DT_RELR" => Some(GlibcVersion { major: 2, minor: 36 }),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::{read, sample};
    use super::*;

    #[test]
    fn releases_compare_as_numbers() {
        let version = |text: &str| text.parse::<GlibcVersion>().unwrap();
        assert!(version("2.4") < version("2.31"));
        assert_eq!(version("2.2.5").to_string(), "2.2");
        assert_eq!(release("GLIBC_ABI_DT_RELR"), Some(version("2.36")));
        assert_eq!((release("GLIBC_PRIVATE"), release("GLIBCXX_3.4")), (None, None));
        for bad in ["", "2", "2.", ".36", "2.x", "2.3.4.5", "+2.3", "2.-3", "2.99999"] {
            assert!(bad.parse::<GlibcVersion>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn the_newest_release_is_what_a_file_needs_and_offers() {
        let program = sample::program(true);
        let wanted = GlibcVersion { major: 2, minor: 36 };
        assert_eq!(glibc_needed(&read(&program).unwrap()), Some(wanted));
        assert_eq!(glibc_defined(Cursor::new(&program)).unwrap(), None);
        let library = sample::library(&["libc.so.6", "GLIBC_2.4", "GLIBC_2.36", "GLIBC_PRIVATE"]);
        assert_eq!(glibc_defined(Cursor::new(&library)).unwrap(), Some(wanted));
        let other = sample::library(&["libc.musl.so", "MUSL_1"]);
        assert_eq!(glibc_defined(Cursor::new(&other)).unwrap(), None);
    }
}
