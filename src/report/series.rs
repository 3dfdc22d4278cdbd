//! Records as series: what a chart and the table beside it show. Pure; the same records give
//! the same series. It never fills a gap: what no line tells is absent.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::data::{Audit, Data, Run, Toolchain, Update};
use super::scale::Domain;

/// The most charts of a kind, series of a chart, and groups of lanes. Lines of hostile hands
/// could ask for thousands; what is left out is told.
pub const MOST: usize = 8;

/// What the numbers of a chart are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Milliseconds,
    Bytes,
    Count,
}

/// One number at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Point {
    /// In Unix seconds.
    pub time: i64,
    pub value: u64,
    /// Whether the command or its program ended with status 0.
    pub ok: bool,
}

/// The points of one name, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Series {
    pub name: String,
    pub points: Vec<Point>,
}

/// Series that are drawn over each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chart {
    pub title: String,
    pub unit: Unit,
    pub series: Vec<Series>,
    /// The steps of the newest run, where it measured any: name and milliseconds.
    pub newest: Vec<(String, u64)>,
}

/// A version from one audit to the first that saw another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    pub from: i64,
    pub to: i64,
    pub version: String,
}

/// The versions of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lane {
    pub name: &'static str,
    pub spans: Vec<Span>,
}

/// The lanes of one toolchain or of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lanes {
    pub title: String,
    pub lanes: Vec<Lane>,
}

/// Everything of a page that is no text of the newest audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Model {
    /// The time that all charts share: some more than that of the lines.
    #[serde(skip)]
    pub domain: Option<Domain>,
    /// The times of the oldest and the newest line.
    pub from: Option<i64>,
    pub to: Option<i64>,
    pub versions: Vec<Lanes>,
    pub drift: Chart,
    pub updates: Chart,
    pub cves: Chart,
    pub times: Vec<Chart>,
    pub sizes: Vec<Chart>,
    /// Kinds of runs that got no chart of their own: there are too many.
    pub left_out: usize,
}

impl Model {
    /// The series of all records.
    #[must_use]
    pub fn of(data: &Data) -> Self {
        let times = data.audits.iter().map(|audit| audit.time);
        let times = times.chain(data.runs.iter().map(|run| run.time));
        let (from, to) = (times.clone().min(), times.clone().max());
        let domain = Domain::of(times);
        let total = |run: &Run| run.entry.milliseconds.get("total").copied();
        let (mut times, mut left_out) = charts(&data.runs, Unit::Milliseconds, title, total);
        for chart in &mut times {
            chart.newest = newest_steps(&data.runs, &chart.title);
        }
        let command = |run: &Run| run.entry.command.clone();
        let (sizes, more) = charts(&data.runs, Unit::Bytes, command, |run| run.entry.elf_bytes);
        left_out += more;
        Self {
            domain,
            from,
            to,
            versions: domain.map(|domain| versions(&data.audits, domain.to)).unwrap_or_default(),
            drift: drift(&data.audits),
            updates: counted(&data.audits, "Open updates of linked packages", "updates", |audit| {
                linked(audit).count()
            }),
            cves: counted(&data.audits, "CVE ids named in them", "CVE ids", |audit| {
                cves(audit).len()
            }),
            times,
            sizes,
            left_out,
        }
    }
}

/// The open updates that get into programs.
pub fn linked(audit: &Audit) -> impl Iterator<Item = &Update> {
    audit.facts.updates.iter().filter(|update| update.linked)
}

/// The ids of all open updates that get into programs.
#[must_use]
pub fn cves(audit: &Audit) -> BTreeSet<&str> {
    linked(audit).flat_map(|update| &update.cves).map(String::as_str).collect()
}

/// The name of the chart that a run belongs to: programs run differently under each emulator.
fn title(run: &Run) -> String {
    match &run.entry.emulator {
        None => run.entry.command.clone(),
        Some(emulator) => format!("{}, {emulator}", run.entry.command),
    }
}

/// The place of a kind in the order of work; of programs, the fastest way to run them first.
fn rank(title: &str) -> usize {
    let order = [
        "prepare",
        "build-runtime",
        "link",
        "run",
        "run, native",
        "run, qemu-user",
        "run, microvm",
    ];
    order.iter().position(|known| *known == title).unwrap_or(order.len())
}

/// The charts of a number, one for each kind of run; and how many kinds got none.
fn charts(
    runs: &[Run],
    unit: Unit,
    title: impl Fn(&Run) -> String,
    number: impl Fn(&Run) -> Option<u64>,
) -> (Vec<Chart>, usize) {
    let mut kinds: BTreeMap<(usize, String), BTreeMap<String, Vec<Point>>> = BTreeMap::new();
    for run in runs {
        let Some(value) = number(run) else { continue };
        let title = title(run);
        let point = Point { time: run.time, value, ok: run.entry.exit_status == 0 };
        let series = kinds.entry((rank(&title), title)).or_default();
        series.entry(run.entry.target.clone()).or_default().push(point);
    }
    let left_out = kinds.len().saturating_sub(MOST);
    let chart =
        |((_, title), series)| Chart { title, unit, series: bounded(series), newest: Vec::new() };
    (kinds.into_iter().take(MOST).map(chart).collect(), left_out)
}

/// The series of known targets before others, the default first, [`MOST`] at most.
fn bounded(series: BTreeMap<String, Vec<Point>>) -> Vec<Series> {
    let mut list: Vec<Series> =
        series.into_iter().map(|(name, points)| Series { name, points }).collect();
    let place = |name: &str| {
        let is_it = |target: &crate::pins::Target| name.starts_with(target.triple);
        crate::pins::TARGETS.iter().position(is_it).unwrap_or(usize::MAX)
    };
    list.sort_by(|a, b| (place(&a.name), &a.name).cmp(&(place(&b.name), &b.name)));
    list.truncate(MOST);
    list
}

fn newest_steps(runs: &[Run], wanted: &str) -> Vec<(String, u64)> {
    let Some(run) = runs.iter().rev().find(|run| title(run) == wanted) else { return Vec::new() };
    let steps = run.entry.milliseconds.iter().filter(|(name, _)| *name != "total");
    steps.take(MOST).map(|(name, time)| (name.clone(), *time)).collect()
}

fn counted(audits: &[Audit], title: &str, name: &str, count: impl Fn(&Audit) -> usize) -> Chart {
    let point = |audit: &Audit| Point { time: audit.time, value: count(audit) as u64, ok: true };
    let points: Vec<Point> = audits.iter().filter(|audit| was_compared(audit)).map(point).collect();
    let series = vec![Series { name: name.to_owned(), points }];
    Chart { title: title.to_owned(), unit: Unit::Count, series, newest: Vec::new() }
}

/// An audit that could not compare tells nothing of updates: not even that there are none.
#[must_use]
pub fn was_compared(audit: &Audit) -> bool {
    audit.facts.checked != crate::audit::facts::Checked::NotChecked
}

fn drift(audits: &[Audit]) -> Chart {
    let mut series: BTreeMap<String, Vec<Point>> = BTreeMap::new();
    for audit in audits {
        for tree in &audit.facts.toolchains {
            let value = (tree.drift.len() + tree.damage.len()) as u64;
            let point = Point { time: audit.time, value, ok: true };
            series.entry(tree.name()).or_default().push(point);
        }
    }
    let title = "Packages and files that differ".to_owned();
    Chart { title, unit: Unit::Count, series: bounded(series), newest: Vec::new() }
}

impl Toolchain {
    /// The target, with the release where there is more than one.
    #[must_use]
    pub fn name(&self) -> String {
        match self.release.as_str() {
            "" => self.target.clone(),
            release => format!("{} on {release}", self.target),
        }
    }

    fn versions(&self) -> [(&'static str, Option<&String>); 7] {
        [
            ("clang", self.clang.as_ref()),
            ("ld.lld", self.lld.as_ref()),
            ("glibc", self.glibc.as_ref()),
            ("gcc", self.gcc.as_ref()),
            ("libstdc++", self.libstdcxx.as_ref()),
            ("Linux headers", self.linux.as_ref()),
            ("qemu", self.qemu.as_ref()),
        ]
    }
}

/// The lanes of each toolchain, and of the tool and rustc. The last span goes to `end`.
fn versions(audits: &[Audit], end: i64) -> Vec<Lanes> {
    let mut groups: BTreeMap<String, Vec<Lane>> = BTreeMap::new();
    let mut tools = Vec::new();
    for audit in audits {
        see(
            &mut tools,
            audit.time,
            &[
                ("reml-toolchain", Some(&audit.tool)),
                ("rustc", audit.facts.host.rust.as_ref().map(|rust| &rust.version)),
            ],
        );
        for tree in &audit.facts.toolchains {
            see(groups.entry(tree.name()).or_default(), audit.time, &tree.versions());
        }
        // What this audit no longer saw ended with it.
        for (name, lanes) in &mut groups {
            if audit.facts.toolchains.iter().all(|tree| tree.name() != *name) {
                close(lanes, audit.time);
            }
        }
    }
    let rows = groups.into_iter().take(MOST - 1);
    let mut list: Vec<Lanes> = rows.map(|(title, lanes)| Lanes { title, lanes }).collect();
    list.sort_by_key(|lanes| !lanes.title.starts_with(crate::pins::TARGETS[0].triple));
    list.push(Lanes { title: "This host".to_owned(), lanes: tools });
    for lanes in &mut list {
        lanes.lanes.retain(|lane| !lane.spans.is_empty());
        close(&mut lanes.lanes, end);
    }
    list.retain(|lanes| !lanes.lanes.is_empty());
    list
}

/// A span that is still open ends at the end of time.
const OPEN: i64 = i64::MAX;

fn see(lanes: &mut Vec<Lane>, time: i64, versions: &[(&'static str, Option<&String>)]) {
    if lanes.is_empty() {
        lanes.extend(versions.iter().map(|(name, _)| Lane { name, spans: Vec::new() }));
    }
    for (lane, (_, version)) in lanes.iter_mut().zip(versions) {
        let open = lane.spans.last_mut().filter(|span| span.to == OPEN);
        match (open, version) {
            (Some(span), Some(version)) if span.version == **version => {}
            (open, version) => {
                if let Some(span) = open {
                    span.to = time;
                }
                let span =
                    |version: &String| Span { from: time, to: OPEN, version: version.clone() };
                lane.spans.extend(version.map(span));
            }
        }
    }
}

fn close(lanes: &mut [Lane], time: i64) {
    for span in lanes.iter_mut().flat_map(|lane| &mut lane.spans).filter(|span| span.to == OPEN) {
        span.to = time;
    }
}

/// One change of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'m> {
    pub time: i64,
    pub place: &'m str,
    pub what: &'static str,
    pub old: &'m str,
    pub new: &'m str,
}

/// Every change of a version, newest first.
#[must_use]
pub fn changes(versions: &[Lanes]) -> Vec<Change<'_>> {
    let mut list = Vec::new();
    for lanes in versions {
        for lane in &lanes.lanes {
            for pair in lane.spans.windows(2) {
                let [old, new] = pair else { continue };
                if old.version != new.version {
                    list.push(Change {
                        time: new.from,
                        place: &lanes.title,
                        what: lane.name,
                        old: &old.version,
                        new: &new.version,
                    });
                }
            }
        }
    }
    list.sort_by_key(|change| std::cmp::Reverse(change.time));
    list
}

#[cfg(test)]
mod tests;
