//! From facts to findings: pure rules, one a code. Each code has its section on the page
//! `reference/audit.md`; a test compares. What was not checked is a finding of its own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::facts::{Checked, Facts, Toolchain};
use crate::debian::date::Timestamp;
use crate::pins::Pins;

/// How much a finding matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Fails the audit: RED.
    Error,
    /// Wants a look: AMBER.
    Warning,
    /// Worth knowing.
    Note,
}

/// Something that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its stable code.
    pub code: &'static str,
    /// How much it matters, by default or by the user's word.
    pub severity: Severity,
    /// What was found, with both values of a difference.
    pub message: String,
    /// What to do: a sentence or a command.
    pub hint: String,
    /// Its section in the documents.
    pub page: String,
}

use Severity::{Error, Note, Warning};

/// Every code with its severity, and what to do.
pub const CODES: &[(&str, Severity, &str)] = &[
    ("suite-refused", Error, "do not update from this mirror; ask another with --mirror URL"),
    ("not-checked", Warning, "run `reml-toolchain audit` again with a network"),
    ("checked-offline", Note, "run `reml-toolchain audit` without --offline"),
    ("glibc-differs", Error, "correct `glibc` in versions.toml, or the packages it names"),
    ("gcc-differs", Error, "correct `gcc` in versions.toml, then `reml-toolchain lock`"),
    ("clang-differs", Error, "run `reml-toolchain prepare --llvm debian --force`"),
    (
        "lld-differs",
        Error,
        "clang and lld must be of one major version: `reml-toolchain prepare --llvm debian --force`",
    ),
    ("binutils-differs", Warning, "run `reml-toolchain prepare --llvm debian --force`"),
    (
        "brew-differs",
        Warning,
        "run `reml-toolchain prepare`, or correct [homebrew] in versions.toml",
    ),
    ("tool-silent", Warning, "run the tool by hand, then `reml-toolchain prepare --force`"),
    ("not-prepared", Warning, "run `reml-toolchain prepare`"),
    ("tree-unreadable", Error, "run `reml-toolchain prepare --force`"),
    ("tree-damaged", Error, "run `reml-toolchain prepare --force`"),
    ("tree-behind", Error, "run `reml-toolchain prepare`"),
    ("lock-behind", Error, "run `reml-toolchain lock`"),
    ("lock-old", Warning, "run `reml-toolchain lock`, which renews the suites' dates"),
    (
        "security-update",
        Error,
        "run `reml-toolchain lock --update --write`, then `reml-toolchain prepare`",
    ),
    (
        "package-superseded",
        Warning,
        "run `reml-toolchain lock --update`, and with --write to take it",
    ),
    ("headers-superseded", Note, "run `reml-toolchain lock --update`"),
    (
        "release-expired",
        Error,
        "the mirror is stale or the suite has ended: ask another with --mirror URL",
    ),
    ("release-stale", Warning, "the mirror may be frozen: ask another with --mirror URL"),
    ("release-without-expiry", Note, "without Valid-Until a frozen mirror shows only by its age"),
    (
        "key-expires",
        Warning,
        "update reml-toolchain before that day: it carries the archive's keys",
    ),
    ("support-ends", Warning, "plan for the next Debian release"),
    ("support-ended", Error, "move to a Debian release with support"),
    ("support-unknown", Note, "add `support_ends` to the release in versions.toml"),
    ("disk-low", Warning, "free some space, or remove toolchains/cache"),
    (
        "log-damaged",
        Warning,
        "move the log aside: mv toolchains/audit.log toolchains/audit.log.aside",
    ),
    ("log-broken", Warning, "compare the log with a copy, then move it aside"),
];

/// Whether `code` is one.
#[must_use]
pub fn is_code(code: &str) -> bool {
    CODES.iter().any(|(known, ..)| *known == code)
}

/// How the user wants to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Severities by code; `None` leaves the finding out.
    pub severities: BTreeMap<String, Option<Severity>>,
    /// How old the lock and a suite may be, in days.
    pub max_age: u32,
    /// The time of this run, in Unix seconds.
    pub now: i64,
}

/// A warning is given so many days before a key expires.
const KEY_DAYS: i64 = 180;
/// A warning is given so many days before support ends.
const SUPPORT_DAYS: i64 = 365;
/// Less free space than this, in bytes, is too little for one more toolchain.
const ROOM: u64 = 1 << 30;
const DAY: i64 = 86_400;

struct Findings<'p> {
    list: Vec<Finding>,
    policy: &'p Policy,
}

impl Findings<'_> {
    fn add(&mut self, code: &'static str, message: String) {
        let Some((_, default, hint)) = CODES.iter().find(|(known, ..)| *known == code) else {
            return;
        };
        let chosen = self.policy.severities.get(code).copied().unwrap_or(Some(*default));
        if let Some(severity) = chosen {
            let page = format!("docs/src/reference/audit.md#{code}");
            self.list.push(Finding { code, severity, message, hint: (*hint).to_owned(), page });
        }
    }
}

/// What follows from the facts, worst first.
#[must_use]
pub fn judge(facts: &Facts, pins: &Pins, policy: &Policy) -> Vec<Finding> {
    let mut findings = Findings { list: Vec::new(), policy };
    suites(&mut findings, facts, pins);
    lock(&mut findings, facts);
    updates(&mut findings, facts);
    if facts.toolchains.is_empty() {
        let text = format!(
            "no toolchain is prepared: glibc, clang and lld of {} were not looked at",
            pins.target.triple
        );
        findings.add("not-prepared", text);
    }
    for toolchain in &facts.toolchains {
        tree(&mut findings, toolchain, pins);
    }
    for (formula, version) in &facts.host.formulae {
        let wanted = formula.split_once('@').map(|(_, major)| major);
        if let (Some(wanted), Some(version)) = (wanted, version)
            && major(version) != wanted
        {
            findings.add(
                "brew-differs",
                format!("Homebrew's {formula}: expected {wanted}, got {version}"),
            );
        }
    }
    if let Some(free) = facts.disk.free.filter(|free| *free < ROOM) {
        findings.add(
            "disk-low",
            format!("{} MB are free, {} MB are in the cache", free >> 20, facts.disk.pool >> 20),
        );
    }
    let numbers = |list: &[usize]| {
        list.iter().take(10).map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    if !facts.log_damaged.is_empty() {
        findings.add(
            "log-damaged",
            format!("audit.log has lines that cannot be read: {}", numbers(&facts.log_damaged)),
        );
    }
    if !facts.log_broken.is_empty() {
        findings.add(
            "log-broken",
            format!("audit.log was changed before these lines: {}", numbers(&facts.log_broken)),
        );
    }
    findings.list.sort_by_key(|finding| finding.severity);
    findings.list
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

fn suites(findings: &mut Findings<'_>, facts: &Facts, pins: &Pins) {
    let (now, max_age) = (Timestamp(findings.policy.now), i64::from(findings.policy.max_age));
    if let Some(refused) = &facts.refused {
        findings.add("suite-refused", refused.clone());
    }
    match (facts.checked, &facts.unchecked_because) {
        (Checked::NotChecked, because) => {
            let because = because.as_deref().unwrap_or("no answer");
            findings.add("not-checked", format!("Debian's suites were not checked: {because}"));
        }
        (Checked::Cached, _) => {
            let newest = facts.suites.iter().map(|suite| suite.date).max().unwrap_or_default();
            let text = format!(
                "not asked today: compared with the indices of {}",
                Timestamp(newest).day()
            );
            findings.add("checked-offline", text);
        }
        (Checked::Online, _) => {}
    }
    for suite in &facts.suites {
        let age = now.days_since(Timestamp(suite.date));
        if let Some(until) = suite.valid_until.filter(|until| *until < now.0) {
            findings.add(
                "release-expired",
                format!("{}: its signed lifetime ended on {}", suite.name, Timestamp(until).day()),
            );
        } else if !suite.durable && age > max_age {
            findings.add(
                "release-stale",
                format!(
                    "{}: not renewed for {age} days, since {}",
                    suite.name,
                    Timestamp(suite.date).day()
                ),
            );
        }
        if !suite.durable && suite.valid_until.is_none() {
            findings.add(
                "release-without-expiry",
                format!("{}: its Release has no Valid-Until", suite.name),
            );
        }
    }
    let soon = now.0 + KEY_DAYS * DAY;
    let mut told: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for key in facts.keys.iter().filter(|key| key.expires.is_some_and(|time| time < soon)) {
        told.entry(&key.fingerprint).or_default().push(&key.suite);
    }
    for (fingerprint, suites) in told {
        let Some(key) = facts.keys.iter().find(|key| key.fingerprint == fingerprint) else {
            continue;
        };
        let day = Timestamp(key.expires.unwrap_or_default()).day();
        let text = format!(
            "the key {fingerprint} ({}) for {} expires on {day}",
            key.name,
            suites.join(", ")
        );
        findings.add("key-expires", text);
    }
    for (name, release) in &pins.releases {
        let Some(text) = &release.support_ends else {
            findings.add("support-unknown", format!("{name}: nobody said when its support ends"));
            continue;
        };
        match Timestamp::end_of_day(text) {
            Some(end) if end < now => {
                findings.add("support-ended", format!("{name}: its support ended on {text}"));
            }
            Some(end) if end.days_since(now) < SUPPORT_DAYS => {
                findings.add(
                    "support-ends",
                    format!("{name}: its support ends on {text}, in {} days", end.days_since(now)),
                );
            }
            _ => {}
        }
    }
}

fn lock(findings: &mut Findings<'_>, facts: &Facts) {
    let policy = findings.policy;
    if let Some(behind) = &facts.lock.behind {
        findings.add("lock-behind", behind.clone());
    }
    // A suite that never changes again is as good after ten years: only others age.
    if let Some(date) = facts.lock.date {
        let age = Timestamp(policy.now).days_since(Timestamp(date));
        if age > i64::from(policy.max_age) {
            findings.add(
                "lock-old",
                format!("checksums.txt is of {}, {age} days ago", Timestamp(date).day()),
            );
        }
    }
}

fn updates(findings: &mut Findings<'_>, facts: &Facts) {
    let mut headers = (0, 0);
    for update in &facts.updates {
        let from_security = update.suite.ends_with("-security");
        if !update.linked && update.cve_count.is_some() {
            headers = (headers.0 + 1, headers.1 + update.cve_count.unwrap_or_default());
        } else if update.linked && (from_security || !update.cves.is_empty()) {
            findings.add("security-update", update.line());
        } else {
            findings.add("package-superseded", update.line());
        }
    }
    if headers.0 > 0 {
        let text = format!(
            "newer versions of packages that are not linked into programs: {}, with {} CVE ids in all",
            headers.0, headers.1
        );
        findings.add("headers-superseded", text);
    }
}

fn tree(findings: &mut Findings<'_>, tree: &Toolchain, pins: &Pins) {
    let target = &tree.target;
    if let Some(why) = &tree.unreadable {
        findings.add("tree-unreadable", format!("{target}: {why}"));
        return;
    }
    if let [first, ..] = tree.damage.as_slice() {
        let count = tree.damage.len();
        findings.add(
            "tree-damaged",
            format!("{target}: {count} files or more are not as installed: {first}"),
        );
    }
    for (name, here, locked) in &tree.drift {
        findings.add("tree-behind", format!("{target}: {name} {here} → {locked} (locked)"));
    }
    let pinned = pins.release(&tree.release);
    let mut compare = |code, what: &str, expected: &str, got: Option<&str>| match got {
        None => {
            findings.add("tool-silent", format!("{target}: the version of {what} cannot be told"));
        }
        Some(got) if got != expected => {
            findings.add(
                code,
                format!("{target}: {what}: expected {expected} (versions.toml), got {got}"),
            );
        }
        Some(_) => {}
    };
    if let Some(pinned) = pinned {
        compare("glibc-differs", "glibc", &pinned.glibc, tree.glibc.as_deref());
        compare("gcc-differs", "gcc", &pinned.gcc.to_string(), tree.gcc.as_deref());
    }
    let wanted = pins.llvm.major.to_string();
    let mut tool = |code, what: &str, version: &Option<String>| {
        compare(code, what, &wanted, version.as_deref().map(major));
    };
    tool("clang-differs", "clang", &tree.clang);
    tool("lld-differs", "ld.lld", &tree.lld);
    tool("binutils-differs", "llvm-ar", &tree.ar);
    tool("binutils-differs", "llvm-readelf", &tree.readelf);
}

#[cfg(test)]
mod tests;
