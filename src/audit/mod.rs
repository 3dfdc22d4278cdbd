//! The monthly look: what is installed, locked and offered, against the pins. Facts are
//! gathered, findings follow from them by pure rules, and a line is added to the log. It
//! changes nothing else, and what it could not check it never calls fine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::debian::date::Timestamp;
use crate::debian::mirrors::MirrorList;
use crate::debian::openpgp::Keyring;
use crate::debian::release::Allowances;
use crate::host::Env;
use crate::host::fault::{Fault, Kind};
use crate::host::http::Client;
use crate::host::progress::Progress;
use crate::lock::{self, Change, Outcome};
use crate::pins::{Lock, Pins};
use crate::store::Store;
use crate::toolchain::journal::{Journal, JournalError};
use crate::toolchain::layout::Project;

pub mod facts;
mod finding;
pub mod findings;
mod gather;
pub mod render;
mod rust;
pub mod updates;

use facts::{ArchiveKey, Checked, Facts, Held, Suite};
use findings::{Finding, Policy, Severity};

pub use gather::lock_behind;
pub use rust::rust;

/// The schema number of the report and of a line of the log.
pub const SCHEMA: u32 = 1;

/// What a run works with.
pub struct World<'w> {
    /// The process's environment.
    pub env: &'w Env,
    /// The project's paths.
    pub project: &'w Project,
    /// The network.
    pub client: &'w Client,
    /// Who is asked.
    pub mirrors: &'w MirrorList,
    /// Who may sign.
    pub keyring: &'w Keyring,
    /// Who is told.
    pub progress: &'w dyn Progress,
    /// Whether nobody may be asked.
    pub offline: bool,
}

/// The verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Nothing to do.
    Green,
    /// Something wants a look, or was not checked.
    Amber,
    /// Something is wrong.
    Red,
}

/// An audit: what `--json` prints and the log keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When, in Unix seconds.
    pub time: i64,
    /// The day of it, in UTC.
    pub date: String,
    /// The version of this program.
    pub tool: &'static str,
    /// The verdict.
    pub status: Status,
    /// The exit status.
    pub exit: u8,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// What is so.
    pub facts: Facts,
}

/// Looks at everything and judges it. Nothing is written but signed indices and packages
/// in the cache.
///
/// # Errors
/// The disk cannot be looked at.
pub fn audit(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    policy: &Policy,
) -> Result<Report, Fault> {
    let (outcome, checked, failure) = offered(world, pins, lock, policy);
    let network = failure.as_ref().is_some_and(|fault| fault.kind() == Kind::Network);
    let told = failure.as_ref().map(ToString::to_string);
    let mut refused = told.clone().filter(|_| !network);
    let mut list = Vec::new();
    if let Some(outcome) = &outcome {
        let papers = updates::World {
            store: &Store::open(&world.project.cache())?,
            client: world.client,
            mirrors: world.mirrors,
            pins,
            progress: world.progress,
        };
        match updates::updates(&papers, &outcome.lock, &outcome.changes) {
            Ok(updates) => list = updates,
            Err(fault) => refused = Some(fault.to_string()),
        }
    }
    let toolchains = gather::toolchains(world.env, world.project, pins, lock)?;
    let log = Journal::chained(world.project.audit_log()).read().unwrap_or_default();
    let facts = Facts {
        release: pins.release.clone(),
        checked,
        unchecked_because: told.filter(|_| checked == Checked::NotChecked),
        refused,
        suites: outcome.iter().flat_map(|outcome| suites(pins, outcome)).collect(),
        keys: keys(world.keyring, pins),
        lock: gather::locked(pins, lock, &toolchains),
        toolchains,
        updates: list,
        held: outcome.iter().flat_map(held).collect(),
        host: gather::host(world.env, pins),
        disk: gather::disk(world.project)?,
        log_damaged: log.damaged,
        log_broken: log.broken,
    };
    let findings = findings::judge(&facts, pins, policy);
    let worst = findings.iter().map(|finding| finding.severity).min();
    let status = match worst {
        Some(Severity::Error) => Status::Red,
        Some(Severity::Warning) => Status::Amber,
        _ if facts.checked == Checked::NotChecked => Status::Amber,
        _ => Status::Green,
    };
    // A difference that was seen is certain, whatever else could not be checked.
    let exit = match (status, facts.checked) {
        (Status::Red, _) => Kind::Findings.exit_code(),
        (_, Checked::NotChecked) => Kind::Network.exit_code(),
        _ => 0,
    };
    Ok(Report {
        schema: SCHEMA,
        time: policy.now,
        date: Timestamp(policy.now).day(),
        tool: env!("CARGO_PKG_VERSION"),
        status,
        exit,
        findings,
        facts,
    })
}

/// What the suites offer, by verified signatures; or why that cannot be told.
fn offered(
    world: &World<'_>,
    pins: &Pins,
    lock: &Lock,
    policy: &Policy,
) -> (Option<Outcome>, Checked, Option<Fault>) {
    let indices = world.project.indices();
    let suites = lock::World {
        indices: &indices,
        client: world.client,
        mirrors: world.mirrors,
        keyring: world.keyring,
        progress: world.progress,
        now: u64::try_from(policy.now).unwrap_or_default(),
        cached: world.offline,
    };
    let options = lock::Options {
        update: true,
        // An expired suite is a finding, and kept indices may be older than the lock.
        allow: Allowances { expired: true, rollback: world.offline },
        look_at_held: true,
        ..lock::Options::default()
    };
    match lock::lock(&suites, pins, lock, &options) {
        Ok(outcome) if world.offline => (Some(outcome), Checked::Cached, None),
        Ok(outcome) => (Some(outcome), Checked::Online, None),
        Err(fault) => (None, Checked::NotChecked, Some(fault)),
    }
}

fn suites(pins: &Pins, outcome: &Outcome) -> Vec<Suite> {
    let durable = |name: &str| pins.releases.values().any(|release| release.durable == name);
    let suite = |seen: &lock::Seen| Suite {
        name: seen.name.clone(),
        durable: durable(&seen.name),
        date: seen.date,
        valid_until: seen.valid_until,
        signers: seen.signers.iter().map(|(_, name)| name.clone()).collect(),
    };
    outcome.suites.iter().map(suite).collect()
}

/// What the pins tie to a durable suite, each package once for all its architectures.
fn held(outcome: &Outcome) -> Vec<Held> {
    let mut rows: BTreeMap<[String; 6], Vec<String>> = BTreeMap::new();
    for lock::Held { set, changes } in &outcome.held {
        let mut words = set.split('/').map(str::to_owned);
        let (release, part) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        for Change { name, architecture, before, after, suite } in changes.iter().cloned() {
            let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
            let row = [release.clone(), part.clone(), name, before, after, suite];
            rows.entry(row).or_default().push(architecture);
        }
    }
    let held = |([release, part, name, durable, newer, suite], architectures): ([String; 6], _)| {
        Held { release, part, name, architectures, durable, newer, suite }
    };
    rows.into_iter().map(held).collect()
}

fn keys(keyring: &Keyring, pins: &Pins) -> Vec<ArchiveKey> {
    let mut list = Vec::new();
    for suite in pins.releases.values().flat_map(|release| &release.suites) {
        for key in keyring.for_suite(suite).trusted() {
            list.push(ArchiveKey {
                suite: suite.clone(),
                fingerprint: key.fingerprint.to_string(),
                name: key.name.to_string(),
                expires: key.expires.and_then(|time| i64::try_from(time).ok()),
            });
        }
    }
    list
}

/// Adds the report to the project's log.
///
/// # Errors
/// The log cannot be written.
pub fn remember(project: &Project, report: &Report) -> Result<(), JournalError> {
    // A report is made of strings, numbers and lists: it always has a JSON form.
    let value = serde_json::to_value(report).unwrap_or(Value::Null);
    Journal::chained(project.audit_log()).append(&value)
}
