//! From facts to findings: pure rules, one a code. Each code has its section on the page
//! `reference/audit.md`; a test compares. What was not checked is a finding of its own.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Checked, Facts, Held, Suite, Toolchain};
use crate::debian::date::Timestamp;
use crate::pins::Pins;

pub use super::finding::{Finding, Findings, Rule, Severities, Severity};
use Severity::{Error, Note, Warning};

/// The document with a section for each code.
const PAGE: &str = "docs/src/reference/audit.md";

/// Every code with its severity, and what to do.
#[rustfmt::skip]
pub const CODES: &[Rule] = &[
    ("suite-refused",          Error,   "do not update from this mirror; ask another with --mirror URL"),
    ("not-checked",            Warning, "run `reml-toolchain audit` again with a network"),
    ("checked-offline",        Note,    "run `reml-toolchain audit` without --offline"),
    ("glibc-differs",          Error,   "correct `glibc` in versions.toml, or the packages it names"),
    ("gcc-differs",            Error,   "correct `gcc` in versions.toml, then `reml-toolchain lock`"),
    ("clang-differs",          Error,   "run `reml-toolchain prepare --llvm debian --force`"),
    ("lld-differs",            Error,   "clang and lld must be of one major version: `reml-toolchain prepare --llvm debian --force`"),
    ("binutils-differs",       Warning, "run `reml-toolchain prepare --llvm debian --force`"),
    ("brew-differs",           Warning, "run `reml-toolchain prepare`, or correct [homebrew] in versions.toml"),
    ("tool-silent",            Warning, "run the tool by hand, then `reml-toolchain prepare --force`"),
    ("not-prepared",           Warning, "run `reml-toolchain prepare`"),
    ("tree-unreadable",        Error,   "run `reml-toolchain prepare --force`"),
    ("tree-damaged",           Error,   "run `reml-toolchain prepare --force`"),
    ("tree-behind",            Error,   "run `reml-toolchain prepare`"),
    ("lock-behind",            Error,   "run `reml-toolchain lock`"),
    ("lock-old",               Warning, "run `reml-toolchain lock`, which renews the suites' dates"),
    ("security-update",        Error,   "run `reml-toolchain lock --update --write`, then `reml-toolchain prepare`"),
    ("package-superseded",     Warning, "run `reml-toolchain lock --update`, and with --write to take it"),
    ("headers-superseded",     Note,    "run `reml-toolchain lock --update`"),
    ("durable-superseded",     Note,    "to follow the other suites, shorten `durable` in versions.toml"),
    ("release-expired",        Error,   "the mirror is stale or the suite has ended: ask another with --mirror URL"),
    ("release-stale",          Warning, "the mirror may be frozen: ask another with --mirror URL"),
    ("release-without-expiry", Note,    "without Valid-Until a frozen mirror shows only by its age"),
    ("key-expires",            Warning, "update reml-toolchain before that day: it carries the archive's keys"),
    ("support-ends",           Warning, "plan for the next Debian release"),
    ("support-ended",          Error,   "move to a Debian release with support"),
    ("support-unknown",        Note,    "add `support_ends` to the release in versions.toml"),
    ("rust-target-missing",    Warning, "run `rustup target add TARGET`"),
    ("preloaded",              Note,    "unset the variable and run it again"),
    ("disk-low",               Warning, "free some space, or remove toolchains/cache"),
    ("log-damaged",            Warning, "move the log aside: mv toolchains/audit.log toolchains/audit.log.aside"),
    ("log-broken",             Warning, "compare the log with a copy, then move it aside"),
];

/// Whether `code` is one.
#[must_use]
pub fn is_code(code: &str) -> bool {
    CODES.iter().any(|(known, ..)| *known == code)
}

/// How the user wants to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The user's word on codes.
    pub severities: Severities,
    /// How old the lock and a suite may be, in days.
    pub max_age: u32,
    /// The time of this run, in Unix seconds.
    pub now: i64,
}

impl Policy {
    fn age(&self, date: i64) -> i64 {
        Timestamp(self.now).days_since(Timestamp(date))
    }

    fn is_old(&self, date: i64) -> bool {
        self.age(date) > i64::from(self.max_age)
    }
}

/// A warning is given so many days before a key expires.
const KEY_DAYS: i64 = 180;
/// A warning is given so many days before support ends.
const SUPPORT_DAYS: i64 = 365;
/// Less free space than this, in bytes, is too little for one more toolchain.
pub const ROOM: u64 = 1 << 30;
const DAY: i64 = 86_400;

/// What follows from the facts, worst first.
#[must_use]
pub fn judge(facts: &Facts, pins: &Pins, policy: &Policy) -> Vec<Finding> {
    let mut findings = Findings::new(CODES, PAGE, &policy.severities);
    suites(&mut findings, facts, policy);
    keys(&mut findings, facts, policy);
    support(&mut findings, pins, policy);
    findings.add("lock-behind", facts.lock.behind.clone());
    // A suite that never changes again is as good after ten years: only others age.
    let date = facts.lock.date.filter(|date| policy.is_old(*date));
    let old = |date| {
        format!("checksums.txt is of {}, {} days ago", Timestamp(date).day(), policy.age(date))
    };
    findings.add("lock-old", date.map(old));
    updates(&mut findings, facts);
    held(&mut findings, facts);
    findings.add(
        "not-prepared",
        facts.toolchains.is_empty().then(|| {
            let target = pins.target.triple;
            format!("no toolchain is prepared: glibc, clang and lld of {target} were not looked at")
        }),
    );
    for toolchain in &facts.toolchains {
        tree(&mut findings, toolchain, pins);
    }
    host(&mut findings, facts, pins);
    findings.worst_first()
}

fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

fn suites(findings: &mut Findings<'_>, facts: &Facts, policy: &Policy) {
    findings.add("suite-refused", facts.refused.clone());
    findings.add(
        "not-checked",
        (facts.checked == Checked::NotChecked).then(|| {
            let because = facts.unchecked_because.as_deref().unwrap_or("no answer");
            format!("Debian's suites were not checked: {because}")
        }),
    );
    findings.add(
        "checked-offline",
        (facts.checked == Checked::Cached).then(|| {
            let newest = facts.suites.iter().map(|suite| suite.date).max().unwrap_or_default();
            format!("not asked today: compared with the indices of {}", Timestamp(newest).day())
        }),
    );
    let is_expired = |suite: &&Suite| suite.valid_until.is_some_and(|until| until < policy.now);
    findings.add(
        "release-expired",
        facts.suites.iter().filter(is_expired).map(|suite| {
            let day = Timestamp(suite.valid_until.unwrap_or_default()).day();
            format!("{}: its signed lifetime ended on {day}", suite.name)
        }),
    );
    let changing = || facts.suites.iter().filter(|suite| !suite.durable);
    let stale = changing().filter(|suite| !is_expired(suite) && policy.is_old(suite.date));
    findings.add(
        "release-stale",
        stale.map(|suite| {
            let (age, day) = (policy.age(suite.date), Timestamp(suite.date).day());
            format!("{}: not renewed for {age} days, since {day}", suite.name)
        }),
    );
    let endless = changing().filter(|suite| suite.valid_until.is_none());
    findings.add(
        "release-without-expiry",
        endless.map(|suite| format!("{}: its Release has no Valid-Until", suite.name)),
    );
}

/// One finding a key, with all suites that it may sign.
fn keys(findings: &mut Findings<'_>, facts: &Facts, policy: &Policy) {
    let soon = policy.now + KEY_DAYS * DAY;
    let mut told: BTreeMap<(&str, &str, i64), Vec<&str>> = BTreeMap::new();
    for key in &facts.keys {
        if let Some(expires) = key.expires.filter(|time| *time < soon) {
            told.entry((&key.fingerprint, &key.name, expires)).or_default().push(&key.suite);
        }
    }
    findings.add(
        "key-expires",
        told.iter().map(|((fingerprint, name, expires), suites)| {
            let (suites, day) = (suites.join(", "), Timestamp(*expires).day());
            format!("the key {fingerprint} ({name}) for {suites} expires on {day}")
        }),
    );
}

fn support(findings: &mut Findings<'_>, pins: &Pins, policy: &Policy) {
    let now = Timestamp(policy.now);
    for (name, release) in &pins.releases {
        let Some(text) = &release.support_ends else {
            findings.add("support-unknown", [format!("{name}: nobody said when its support ends")]);
            continue;
        };
        let Some(end) = Timestamp::end_of_day(text) else { continue };
        let days = end.days_since(now);
        if end < now {
            findings.add("support-ended", [format!("{name}: its support ended on {text}")]);
        } else if days < SUPPORT_DAYS {
            let text = format!("{name}: its support ends on {text}, in {days} days");
            findings.add("support-ends", [text]);
        }
    }
}

fn updates(findings: &mut Findings<'_>, facts: &Facts) {
    let (mut headers, mut ids) = (0, 0);
    for update in &facts.updates {
        let from_security = update.suite.ends_with("-security");
        match (update.linked, update.cve_count) {
            (false, Some(count)) => (headers, ids) = (headers + 1, ids + count),
            (true, _) if from_security || !update.cves.is_empty() => {
                findings.add("security-update", [update.line()]);
            }
            _ => findings.add("package-superseded", [update.line()]),
        }
    }
    findings.add("headers-superseded", (headers > 0).then(|| {
        format!("newer versions of packages that are not linked into programs: {headers}, with {ids} CVE ids in all")
    }));
}

/// Kept back on purpose, so a note: it is built against or runs here, and is not linked
/// into programs. One for each part, with the packages of one version in one place.
fn held(findings: &mut Findings<'_>, facts: &Facts) {
    let mut parts: BTreeMap<(&str, &str), Vec<&Held>> = BTreeMap::new();
    for held in &facts.held {
        parts.entry((&held.release, &held.part)).or_default().push(held);
    }
    for ((release, part), mut list) in parts {
        let versions = |held: &&Held| (held.durable.clone(), held.newer.clone());
        list.sort_by_key(versions);
        let row = |rows: &[&Held]| {
            let names: Vec<&str> = rows.iter().map(|held| held.name.as_str()).collect();
            let Held { durable, newer, suite, .. } = rows.first()?;
            Some(format!("{} {durable} → {newer} ({suite})", names.join(", ")))
        };
        let rows: Vec<String> =
            list.chunk_by(|a, b| versions(a) == versions(b)).filter_map(row).collect();
        let text = format!("{release}: [{part}] keeps the durable suite's: {}", rows.join("; "));
        let hint =
            format!("to follow the other suites, shorten `durable` of [{part}] in versions.toml");
        findings.add_cured("durable-superseded", [(text, Some(hint))]);
    }
}

fn tree(findings: &mut Findings<'_>, tree: &Toolchain, pins: &Pins) {
    let target = &tree.target;
    if let Some(why) = &tree.unreadable {
        findings.add("tree-unreadable", [format!("{target}: {why}")]);
        return;
    }
    findings.add(
        "tree-damaged",
        tree.damage.first().map(|first| {
            format!("{target}: {} files or more are not as installed: {first}", tree.damage.len())
        }),
    );
    findings.add(
        "tree-behind",
        tree.drift
            .iter()
            .map(|(name, here, locked)| format!("{target}: {name} {here} → {locked} (locked)")),
    );
    let mut compare = |code, what: &str, expected: &str, got: Option<&str>| match got {
        None => {
            let text = format!("{target}: the version of {what} cannot be told");
            findings.add("tool-silent", [text]);
        }
        Some(got) => findings.add(
            code,
            (got != expected).then(|| {
                format!("{target}: {what}: expected {expected} (versions.toml), got {got}")
            }),
        ),
    };
    if let Some(pinned) = pins.release(&tree.release) {
        compare("glibc-differs", "glibc", &pinned.glibc, tree.glibc.as_deref());
        compare("gcc-differs", "gcc", &pinned.gcc.to_string(), tree.gcc.as_deref());
    }
    let wanted = pins.llvm.major.to_string();
    for (code, what, version) in [
        ("clang-differs", "clang", &tree.clang),
        ("lld-differs", "ld.lld", &tree.lld),
        ("binutils-differs", "llvm-ar", &tree.ar),
        ("binutils-differs", "llvm-readelf", &tree.readelf),
    ] {
        compare(code, what, &wanted, version.as_deref().map(major));
    }
    if tree.qemu == Some(None) {
        let text = format!("{target}: the version of qemu cannot be told");
        findings.add("tool-silent", [text]);
    }
}

/// This machine: Homebrew, the disk, and the log.
fn host(findings: &mut Findings<'_>, facts: &Facts, pins: &Pins) {
    let prepared = facts.toolchains.iter().map(|toolchain| toolchain.target.as_str());
    let wanted: BTreeSet<&str> = [pins.target.triple].into_iter().chain(prepared).collect();
    findings.add_cured(
        "rust-target-missing",
        facts
            .host
            .rust
            .iter()
            .flat_map(|rust| wanted.iter().filter_map(|target| rust.lacks(target))),
    );
    findings.add(
        "preloaded",
        facts.host.preloads.iter().map(|name| {
            format!(
                "{name} puts foreign code into every program: what the tools say may be its word"
            )
        }),
    );
    let differing = facts.host.formulae.iter().filter_map(|(formula, version)| {
        let (wanted, version) = (formula.split_once('@')?.1, version.as_ref()?);
        let text = format!("Homebrew's {formula}: expected {wanted}, got {version}");
        (major(version) != wanted).then_some(text)
    });
    findings.add("brew-differs", differing);
    let free = facts.disk.free.filter(|free| *free < ROOM);
    findings.add(
        "disk-low",
        free.map(|free| {
            format!("{} MB are free, {} MB are in the cache", free >> 20, facts.disk.pool >> 20)
        }),
    );
    for (code, what, lines) in [
        ("log-damaged", "has lines that cannot be read", &facts.log_damaged),
        ("log-broken", "was changed before these lines", &facts.log_broken),
    ] {
        let numbers: Vec<String> = lines.iter().take(10).map(ToString::to_string).collect();
        let text = || format!("audit.log {what}: {}", numbers.join(", "));
        findings.add(code, (!lines.is_empty()).then(text));
    }
}

#[cfg(test)]
mod tests;
