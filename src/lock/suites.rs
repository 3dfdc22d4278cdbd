//! The suites of a release: each `InRelease` fetched, its signature verified by the keys
//! pinned for that suite, its text judged. Only verified text leaves this file.

use std::collections::BTreeMap;

use super::{LockError, Seen, World};
use crate::debian::date::Timestamp;
use crate::debian::mirrors::Archive;
use crate::debian::openpgp;
use crate::debian::release::{Allowances, Expectation, IndexFile, LastSeen, Note, Release};
use crate::host::fault::{Fault, Kind};
use crate::host::fs;
use crate::host::hash::Digest;
use crate::host::http::{Response, gravest, mask};
use crate::host::progress::Event;
use crate::host::threads;
use crate::pins::versions::Release as PinnedRelease;
use crate::pins::{Lock, SuiteState, TARGETS};

/// The largest `InRelease`, in bytes: apt's own limit.
const RELEASE_LIMIT: u64 = 10_000_000;

/// The verified suites of one release, in the order of the pins.
#[derive(Debug)]
pub(super) struct Suites(Vec<Suite>);

/// One verified suite.
#[derive(Debug)]
pub(super) struct Suite {
    /// Its codename.
    pub(super) name: String,
    /// What it says.
    pub(super) release: Release,
    /// The digest of the signed text.
    pub(super) digest: Digest,
    notes: Vec<Note>,
    /// The keys whose signatures are good: fingerprint and name.
    pub(super) signers: Vec<(String, String)>,
}

/// Fetches and verifies all suites of `release`, side by side.
pub(super) fn fetch(
    world: &World<'_>,
    release: &PinnedRelease,
    old: &Lock,
    allow: Allowances,
) -> Result<Suites, Fault> {
    let suites = &release.suites;
    let results: Vec<Result<Suite, Fault>> = threads::map(suites.len(), suites, |name| {
        // Only the suite that no longer changes is signed offline.
        let wanted: &[String] = if *name == release.durable { &release.signed_by } else { &[] };
        suite(world, name, Demands { seen: old.suites.get(name), wanted, allow })
    });
    results.into_iter().collect::<Result<_, _>>().map(Suites)
}

/// What a suite must answer to, beside the keys pinned for it.
#[derive(Clone, Copy)]
pub(super) struct Demands<'a> {
    /// What the lock remembers of it.
    pub(super) seen: Option<&'a SuiteState>,
    /// The keys that must have signed it.
    pub(super) wanted: &'a [String],
    /// What the user allows.
    pub(super) allow: Allowances,
}

/// Fetches and verifies one suite.
pub(super) fn suite(world: &World<'_>, name: &str, demands: Demands<'_>) -> Result<Suite, Fault> {
    let what = format!("{name}/InRelease");
    if world.cached {
        let path = world.indices.join(name).join("InRelease");
        let bytes = fs::read_at_most(&path, RELEASE_LIMIT)
            .map_err(|cause| LockError::NotCached { suite: name.to_owned(), cause })?;
        return judge(world, name, demands, &path.display().to_string(), &bytes);
    }
    from_mirrors(world, name, &what, &world.mirrors.dists(name, "InRelease"), |url| {
        let response = world.client.fetch_bytes(url, RELEASE_LIMIT).map_err(LockError::Release)?;
        let (origin, bytes) = (&response.final_url, &response.bytes);
        let suite = judge(world, name, demands, origin, bytes)
            .map_err(|cause| with_clocks(world.now, &response, cause))?;
        let path = world.indices.join(name).join("InRelease");
        fs::create_dir_all(path.parent().unwrap_or(&path))?;
        fs::write_atomic(&path, &response.bytes)?;
        Ok(suite)
    })
}

/// Asks the mirrors in order. What one of them got wrong is told even when another
/// helps; the failures of all are in the error when none does.
pub(super) fn from_mirrors<T>(
    world: &World<'_>,
    suite: &str,
    what: &str,
    urls: &[String],
    ask: impl Fn(&str) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut failures: Vec<Fault> = Vec::new();
    for url in urls {
        match ask(url) {
            Ok(answer) => {
                for failure in &failures {
                    let text = format!("{failure}; {} was asked instead", mask(url));
                    world.progress.event(Event::Warning { text });
                }
                return Ok(answer);
            }
            Err(failure) => failures.push(failure),
        }
    }
    let kind = gravest(failures.iter().map(Fault::kind));
    let texts = failures.iter().map(ToString::to_string).collect::<Vec<_>>();
    match failures.pop() {
        None => Err(LockError::NoMirror { suite: suite.to_owned() }.into()),
        // A single mirror's failure needs no frame around it.
        Some(only) if failures.is_empty() => Err(only),
        Some(last) => {
            Err(LockError::AllMirrors { what: what.to_owned(), failures: texts, kind, last }.into())
        }
    }
}

fn judge(
    world: &World<'_>,
    name: &str,
    demands: Demands<'_>,
    origin: &str,
    bytes: &[u8],
) -> Result<Suite, Fault> {
    let Demands { seen, wanted, allow } = demands;
    let keys = world.keyring.for_suite(name);
    let verified = openpgp::verify(bytes, &keys, world.now)
        .and_then(|verified| verified.demand_all(wanted, &keys).map(|()| verified))
        .map_err(|cause| LockError::Signature { url: origin.to_owned(), cause })?;
    let digest = Digest::of(verified.text.as_bytes());
    let release = Release::parse(origin, &verified.text)?;
    let last_seen = seen.map(|state| LastSeen {
        date: Timestamp(state.date),
        sha256: state.release,
        version: Some(state.version.clone()).filter(|version| !version.is_empty()),
        suite: state.role.clone(),
    });
    let archive = Archive::of_suite(name);
    let architectures: Vec<&str> = TARGETS.iter().map(|target| target.debian).collect();
    let expectation = Expectation {
        codename: name,
        origin: "Debian",
        label: archive.label(),
        valid_until_required: archive == Archive::Security,
        architectures: &architectures,
        components: &["main"],
        last_seen: last_seen.as_ref(),
        allow,
    };
    let now = Timestamp(i64::try_from(world.now).unwrap_or(i64::MAX));
    let notes = release.check(&digest, &expectation, now)?;
    let mut signers = Vec::new();
    for signature in &verified.signatures {
        signers.push((signature.fingerprint.to_string(), signature.name.to_string()));
        let text = format!("{name}: signed by {} ({})", signature.fingerprint, signature.name);
        world.progress.event(Event::Detail { text });
    }
    Ok(Suite { name: name.to_owned(), release, digest, notes, signers })
}

/// A date that is refused may be this machine's fault: when the server's clock is far
/// from ours, both are told.
fn with_clocks(now: u64, response: &Response, cause: Fault) -> Fault {
    /// Clocks further apart than this, in seconds, are worth telling.
    const APART: u64 = 3600;
    let server = response.date.and_then(|date| date.duration_since(std::time::UNIX_EPOCH).ok());
    let Some(server) = server.map(|time| time.as_secs()) else { return cause };
    if cause.kind() != Kind::Integrity || server.abs_diff(now) < APART {
        return cause;
    }
    let time = |seconds: u64| Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX)).to_string();
    let clock = format!("this machine's clock says {}, the server's {}", time(now), time(server));
    LockError::Clock { url: response.final_url.clone(), clock, cause }.into()
}

impl Suites {
    /// A single suite.
    pub(super) fn of(suite: Suite) -> Self {
        Self(vec![suite])
    }

    /// The index of each suite for an architecture, as signed.
    pub(super) fn packages_files(
        &self,
        architecture: &str,
    ) -> Result<Vec<(&Suite, IndexFile)>, Fault> {
        let mut list = Vec::new();
        for suite in &self.0 {
            let files = suite.release.packages("main", architecture)?;
            list.extend(files.choices.into_iter().next().map(|file| (suite, file)));
        }
        Ok(list)
    }

    /// Each suite.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Suite> {
        self.0.iter()
    }

    /// What the lock remembers of them.
    pub(super) fn states(&self) -> BTreeMap<String, SuiteState> {
        let state = |suite: &Suite| SuiteState {
            date: suite.release.date.0,
            version: suite.release.version.clone().unwrap_or_default(),
            role: suite.release.suite.clone(),
            release: suite.digest,
            allowed: suite.notes.iter().filter_map(Note::allowed).map(str::to_owned).collect(),
        };
        self.0.iter().map(|suite| (suite.name.clone(), state(suite))).collect()
    }

    /// What is told of each.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let seen = |suite: &Suite| Seen {
            name: suite.name.clone(),
            date: suite.release.date.0,
            valid_until: suite.release.valid_until.map(|time| time.0),
            signers: suite.signers.clone(),
        };
        self.0.iter().map(seen).collect()
    }

    /// What is to be told of them.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut texts = Vec::new();
        for suite in &self.0 {
            texts.extend(suite.notes.iter().map(|note| format!("{}: {note}", suite.name)));
        }
        texts
    }
}
