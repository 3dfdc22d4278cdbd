//! Debian changelogs: the entries between two versions, how urgent they are and the CVE ids
//! they name. Pure and forgiving: a line that is no heading is text, a heading that is none
//! is passed over, and no text makes it fail or take long.
//!
//! Source: deb-changelog(5), Debian policy §4.4.

use std::collections::BTreeSet;
use std::fmt;

use super::version::Version;

pub mod of_deb;

/// The most entries that are read: ten times the longest changelog in Debian.
const MOST: usize = 20_000;

/// How urgent an upload was said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// May wait.
    Low,
    /// As any other; also what an unknown word is taken for.
    #[default]
    Medium,
    /// Should not wait.
    High,
    /// Must not wait.
    Emergency,
    /// The same, under its other name.
    Critical,
}

impl Urgency {
    fn parse(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "low" => Self::Low,
            "high" => Self::High,
            "emergency" => Self::Emergency,
            "critical" => Self::Critical,
            _ => Self::Medium,
        }
    }

    /// The urgency that `word` names.
    #[must_use]
    pub fn of_word(word: &str) -> Self {
        Self::parse(word)
    }

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Emergency => "emergency",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'t> {
    /// The source package.
    pub source: &'t str,
    /// The version uploaded.
    pub version: Version,
    /// How urgent it was.
    pub urgency: Urgency,
    /// What it says it changes, with its signature line.
    pub text: &'t str,
}

/// What happened between two versions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// The uploads.
    pub uploads: usize,
    /// The highest urgency of them.
    pub urgency: Option<Urgency>,
    /// The CVE ids they name, by year and number.
    pub cves: Vec<String>,
    /// Whether the changelog goes back to the older version: Debian cuts long ones.
    pub complete: bool,
}

/// The entries of a changelog, in its order.
#[must_use]
pub fn parse(text: &str) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut open: Option<(Entry<'_>, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some((source, version, urgency)) = heading(line) else { continue };
        let entry = Entry { source, version, urgency, text: "" };
        if let Some((before, from)) = open.replace((entry, at)) {
            entries.push(Entry { text: &text[from..start], ..before });
        }
        if entries.len() == MOST {
            return entries;
        }
    }
    entries.extend(open.map(|(entry, from)| Entry { text: &text[from..], ..entry }));
    entries
}

/// `glibc (2.36-9+deb12u7) bookworm; urgency=medium`, with further keys or without.
fn heading(line: &str) -> Option<(&str, Version, Urgency)> {
    if !line.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let (source, rest) = line.trim_end().split_once(" (")?;
    let (version, rest) = rest.split_once(')')?;
    let (_, keys) = rest.split_once(';')?;
    let source_is_plain =
        source.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let urgency = keys.split(',').find_map(|key| {
        let (name, value) = key.split_once('=')?;
        name.trim().eq_ignore_ascii_case("urgency").then(|| value.trim())
    });
    // `urgency=high (a remark)` is allowed.
    let word = urgency.and_then(|value| value.split_whitespace().next()).unwrap_or_default();
    let version = Version::parse(version).ok().filter(|_| source_is_plain)?;
    Some((source, version, Urgency::parse(word)))
}

/// What the entries newer than `old`, up to and with `new`, say.
#[must_use]
pub fn between(entries: &[Entry<'_>], old: &Version, new: &Version) -> Span {
    let mut span = Span::default();
    let mut cves = BTreeSet::new();
    for entry in entries {
        if entry.version <= *old {
            span.complete = true;
        } else if entry.version <= *new {
            span.uploads += 1;
            span.urgency = span.urgency.max(Some(entry.urgency));
            cves.extend(cve_ids(entry.text));
        }
    }
    span.cves = cves.into_iter().map(|(year, number)| cve(year, number)).collect();
    span
}

/// An id has at least four digits: `CVE-2024-0001`.
fn cve(year: u16, number: u64) -> String {
    format!("CVE-{year}-{number:04}")
}

/// The ids in a text: year and number.
fn cve_ids(text: &str) -> impl Iterator<Item = (u16, u64)> {
    let bytes = text.as_bytes();
    memchr::memchr2_iter(b'C', b'c', bytes).filter_map(move |at| {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let rest = bytes.get(at..at + 4).filter(|word| word.eq_ignore_ascii_case(b"CVE-"))?;
        let rest = &bytes[at + rest.len()..];
        let year: u16 = number(rest.get(..4)?)?.try_into().ok()?;
        let rest = rest.get(4..)?.strip_prefix(b"-")?;
        // The longest number there can be is far shorter; more digits are no id.
        let digits = rest.iter().take(13).take_while(|byte| byte.is_ascii_digit()).count();
        let is_id = (4..=12).contains(&digits) && (1999..2200).contains(&year);
        is_id.then(|| number(&rest[..digits]))?.map(|id| (year, id))
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits)
        .ok()
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
