//! Lines of the journals as records. Pure and lenient: a line that cannot be used is counted
//! and named, never a failure, and no foreign text keeps characters that a page could not
//! show as they are.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::Status;
use crate::audit::facts::Checked;
use crate::audit::findings::Severity;
use crate::debian::date::Timestamp;
use crate::toolchain::journal::Reading;
use crate::toolchain::manifest::{Line, Node};
use crate::toolchain::metrics::{self, Entry};

/// Everything a page is drawn from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// The audits, oldest first.
    pub audits: Vec<Audit>,
    /// The measured runs of commands, oldest first.
    pub runs: Vec<Run>,
    /// What the prepared toolchains hold.
    pub trees: Vec<Tree>,
    /// What could not be read, by file.
    pub unread: Vec<Unread>,
}

/// An audit, as far as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Audit {
    /// In Unix seconds.
    pub time: i64,
    /// The version of the program.
    pub tool: String,
    /// The verdict.
    pub status: Status,
    /// What was wrong.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What was so.
    pub facts: Facts,
}

/// A finding of an audit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Finding {
    pub code: String,
    pub severity: Severity,
    pub message: String,
    #[serde(default)]
    pub hint: String,
}

/// The facts of an audit that a page shows; others are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Facts {
    pub checked: Checked,
    #[serde(default)]
    pub lock: Lock,
    #[serde(default)]
    pub toolchains: Vec<Toolchain>,
    #[serde(default)]
    pub updates: Vec<Update>,
    #[serde(default)]
    pub host: Host,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Lock {
    #[serde(default)]
    pub packages: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Host {
    pub rust: Option<Rust>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Rust {
    pub version: String,
}

/// A toolchain as an audit found it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Toolchain {
    pub target: String,
    #[serde(default)]
    pub release: String,
    pub clang: Option<String>,
    pub lld: Option<String>,
    pub glibc: Option<String>,
    pub gcc: Option<String>,
    pub libstdcxx: Option<String>,
    pub linux: Option<String>,
    pub qemu: Option<String>,
    #[serde(default)]
    pub damage: Vec<String>,
    /// Name, version in the tree, version in the lock.
    #[serde(default)]
    pub drift: Vec<(String, String, String)>,
}

/// A newer version that Debian offers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Update {
    pub name: String,
    pub old: String,
    pub new: String,
    #[serde(default)]
    pub suite: String,
    #[serde(default)]
    pub linked: bool,
    pub urgency: Option<String>,
    #[serde(default)]
    pub cves: Vec<String>,
}

/// One measured run of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// In Unix seconds.
    pub time: i64,
    /// What was measured.
    pub entry: Entry,
}

/// The sizes of a prepared toolchain, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tree {
    /// Its folder's name.
    pub name: String,
    /// Its parts: the sysroot, LLVM, qemu, what the tool wrote.
    pub parts: Vec<(&'static str, u64)>,
    /// The packages of the sysroot, largest first.
    pub packages: Vec<Package>,
}

/// What a package brought into the sysroot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// Files, without links.
    pub files: u64,
    pub bytes: u64,
}

/// What could not be read in one file. Lines are numbered from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The file's name.
    pub file: String,
    /// Lines that are no line of a journal.
    pub damaged: Vec<usize>,
    /// Lines that do not follow the one before: something was changed there.
    pub broken: Vec<usize>,
    /// Lines of another format, or with values that cannot be.
    pub foreign: Vec<usize>,
    /// Bytes at the beginning that were passed over.
    pub skipped: u64,
    /// Why the file as a whole cannot be used.
    pub whole: Option<String>,
}

impl Unread {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let Self { file, .. } = self;
        *self == Self { file: file.clone(), ..Self::default() }
    }
}

impl Data {
    /// Takes in what `audit.log` holds.
    pub fn add_audits(&mut self, file: &str, reading: Reading) {
        let read = |value: Value| {
            serde_json::from_value::<Audit>(value).ok().filter(|audit| is_possible(audit.time))
        };
        let records = self.take(file, reading, crate::audit::SCHEMA, read);
        self.audits.extend(records);
        self.audits.sort_by_key(|audit| audit.time);
    }

    /// Takes in what `metrics.jsonl` holds.
    pub fn add_metrics(&mut self, file: &str, reading: Reading) {
        let read = |value: Value| {
            let entry: Entry = serde_json::from_value(value).ok()?;
            let time = metrics::seconds(&entry.time).filter(|time| is_possible(*time))?;
            Some(Run { time, entry })
        };
        let records = self.take(file, reading, metrics::SCHEMA, read);
        self.runs.extend(records);
        self.runs.sort_by_key(|run| run.time);
    }

    fn take<T>(
        &mut self,
        file: &str,
        reading: Reading,
        schema: u32,
        read: impl Fn(Value) -> Option<T>,
    ) -> Vec<T> {
        let Reading { lines, damaged, broken, skipped } = reading;
        let mut unread =
            Unread { file: file.to_owned(), damaged, broken, skipped, ..Unread::default() };
        let mut records = Vec::new();
        for (number, mut value) in lines {
            clean(&mut value);
            let is_known = value.get("schema").and_then(Value::as_u64) == Some(u64::from(schema));
            match Some(value).filter(|_| is_known).and_then(&read) {
                Some(record) => records.push(record),
                None => unread.foreign.push(number),
            }
        }
        if !unread.is_nothing() {
            self.unread.push(unread);
        }
        records
    }

    /// Takes in the manifest of a prepared toolchain.
    pub fn add_tree(&mut self, name: &str, lines: &[Line]) {
        const PARTS: [(&str, &str); 3] =
            [("sysroot", "sysroot/"), ("LLVM", "lib/llvm/"), ("qemu", "lib/qemu/")];
        let mut parts = BTreeMap::new();
        let mut packages: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        let mut ours = BTreeSet::new();
        for line in lines {
            let Node::File { size, sha256, .. } = line.node else { continue };
            // The tools in bin/ are one program under many names: links to one file.
            if line.package.is_empty() && !ours.insert(sha256.0) {
                continue;
            }
            let at = PARTS.iter().position(|(_, folder)| line.path.starts_with(folder));
            let part = parts.entry(at.unwrap_or(PARTS.len())).or_insert(0_u64);
            *part = part.saturating_add(size);
            if at == Some(0) {
                let (files, bytes) = packages.entry(&line.package).or_default();
                (*files, *bytes) = (*files + 1, bytes.saturating_add(size));
            }
        }
        let mut packages: Vec<Package> = packages.into_iter().map(package).collect();
        packages.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        let named = |(at, bytes): (usize, u64)| {
            (PARTS.get(at).map_or("files of ours", |part| part.0), bytes)
        };
        let parts = parts.into_iter().map(named).collect();
        self.trees.push(Tree { name: plain(name), parts, packages });
    }

    /// A file that cannot be used at all.
    pub fn add_unusable(&mut self, file: &str, why: &str) {
        let whole = Some(plain(why));
        self.unread.push(Unread { file: plain(file), whole, ..Unread::default() });
    }
}

/// A row of the manifest's packages: `name_version_architecture`, or nothing for our files.
fn package((label, (files, bytes)): (&str, (u64, u64))) -> Package {
    let mut parts = label.splitn(3, '_');
    let name = parts.next().filter(|name| !name.is_empty()).unwrap_or("reml-toolchain");
    Package { name: plain(name), version: plain(parts.next().unwrap_or_default()), files, bytes }
}

/// A machine without a clock says 1970, a spoiled line anything.
fn is_possible(time: i64) -> bool {
    let day = |text| Timestamp::end_of_day(text).map_or(0, |end| end.0);
    (day("2020-01-01")..day("2199-12-31")).contains(&time)
}

/// Makes every text of a line [`plain`].
fn clean(value: &mut Value) {
    match value {
        Value::String(text) => *text = plain(text),
        Value::Array(list) => list.iter_mut().for_each(clean),
        Value::Object(map) => {
            let pairs = std::mem::take(map).into_iter();
            *map = pairs
                .map(|(name, mut value)| {
                    clean(&mut value);
                    (plain(&name), value)
                })
                .collect();
        }
        _ => {}
    }
}

/// Text without control characters and without those that turn the direction of writing or
/// have no width: what a page shows is what the line says.
#[must_use]
pub fn plain(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests;
