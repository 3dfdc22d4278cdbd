//! The page: one HTML document with its style sheet in it, no script, and a policy that lets
//! a browser fetch nothing. Pure; every text is escaped by the markup itself.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{self, Shape, minute};
use super::data::{Audit, Data, Tree, Unread};
use super::scale::Domain;
use super::sections;
use super::series::{Chart, Model, linked};
use crate::audit::findings::Severity;
use crate::debian::date::Timestamp;
use crate::ui::bytes;

const STYLE: &str = include_str!("page.css");

/// Nothing is fetched, run or sent, whatever stands in the page.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The document.
#[must_use]
pub fn page(data: &Data, model: &Model) -> String {
    let newest = data.audits.last();
    let word = newest.map_or("no audit yet", |audit| audit.status.word());
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Runtime Cross Build Status: " (word) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(data, model))
                main {
                    @if let Some(audit) = newest { (findings(audit)) }
                    @if let Some(domain) = model.domain { (charts(data, model, domain)) }
                    @else if data.trees.is_empty() { (sections::first_steps()) }
                    @for tree in &data.trees { (sections::sizes(tree)) }
                    (missing(data, model))
                    (unread(&data.unread))
                }
                footer { p {
                    "Drawn by " code { "reml-toolchain report" } " " (env!("CARGO_PKG_VERSION"))
                    " from audit.log, metrics.jsonl and the manifests of the prepared toolchains. Times are UTC."
                } }
            }
        }
    };
    document.into_string()
}

fn header(data: &Data, model: &Model) -> Markup {
    let newest = data.audits.last();
    html! {
        header {
            div.title {
                h1 { "Runtime Cross Build Status" }
                @match newest {
                    Some(audit) => p.verdict.(chart::class(audit.status)) { (audit.status.word()) },
                    None => p.verdict.none { "NO AUDIT YET" },
                }
            }
            @if let (Some(from), Some(to)) = (model.from, model.to) {
                p.quiet { "From " (minute(from)) " to " (minute(to)) " UTC" }
            }
            dl.facts {
                @if let Some(audit) = newest { (facts(audit, data.audits.len())) }
                @for chart in model.times.iter().take(1) { (newest_time(chart)) }
                @for tree in data.trees.iter().take(1) { (fact("Sysroot", &sysroot(tree), &tree.name)) }
            }
        }
    }
}

fn fact(name: &str, value: &str, remark: &str) -> Markup {
    html! { div { dt { (name) } dd { strong { (value) } " " span.quiet { (remark) } } } }
}

fn facts(audit: &Audit, audits: usize) -> Markup {
    let number = super::series::cves(audit).len();
    let ids = if number == 1 { "CVE id" } else { "CVE ids" };
    let drift: usize = audit.facts.toolchains.iter().map(|tree| tree.drift.len()).sum();
    let (updates, remark) = if super::series::was_compared(audit) {
        (linked(audit).count().to_string(), format!("with {number} {ids}"))
    } else {
        ("unknown".to_owned(), "Debian was not asked".to_owned())
    };
    html! {
        (fact("Newest audit", &Timestamp(audit.time).day(), &format!("{audits} in the log")))
        (fact("Open updates", &updates, &remark))
        (fact("Drift", &drift.to_string(), "packages differ from the lock"))
        (fact("Locked", &audit.facts.lock.packages.to_string(), "packages"))
    }
}

fn newest_time(chart: &Chart) -> Markup {
    let points = chart.series.iter().flat_map(|series| &series.points);
    let newest = points.max_by_key(|point| point.time);
    html! { @if let Some(point) = newest {
        (fact(&format!("Newest {}", chart.title), &chart.unit.show(point.value), &minute(point.time)))
    } }
}

fn sysroot(tree: &Tree) -> String {
    let size = tree.parts.iter().find(|(name, _)| *name == "sysroot").map_or(0, |part| part.1);
    bytes::size(size)
}

fn findings(audit: &Audit) -> Markup {
    let mut list: Vec<_> = audit.findings.iter().collect();
    list.sort_by_key(|finding| finding.severity);
    html! {
        section aria-labelledby="findings" {
            h2 id="findings" { "What the newest audit found" }
            @if list.is_empty() { p { "Nothing: every version is the pinned one, and nothing newer is offered." } }
            ul.findings { @for finding in list {
                li.(severity(finding.severity)) {
                    p { span.severity { (finding.severity.word()) } " " code { (finding.code) } " " (finding.message) }
                    @if !finding.hint.is_empty() { p.quiet { "What to do: " (commands(&finding.hint)) } }
                }
            } }
        }
    }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// A hint whose commands stand between backquotes.
fn commands(hint: &str) -> Markup {
    html! { @for (at, part) in hint.split('`').enumerate() {
        @if at % 2 == 1 { code { (part) } } @else { (part) }
    } }
}

fn charts(data: &Data, model: &Model, domain: Domain) -> Markup {
    html! {
        @if !data.audits.is_empty() {
            (sections::history(&data.audits, domain))
            (sections::versions(&model.versions, domain))
            (sections::drift(data, model, domain))
            (sections::updates(data, model, domain))
        }
        (group("times", "How long it took", Shape::Dots, &model.times, domain))
        (group("elf", "How large the programs are", Shape::Dots, &model.sizes, domain))
        @if model.left_out > 0 {
            p.quiet { (model.left_out) " further kinds of runs have no chart: only the first are drawn." }
        }
    }
}

fn group(id: &str, title: &str, shape: Shape, charts: &[Chart], domain: Domain) -> Markup {
    html! { @if !charts.is_empty() {
        section aria-labelledby=(id) {
            h2 id=(id) { (title) }
            @for (at, one) in charts.iter().enumerate() {
                (sections::figure(&format!("{id}-{at}"), one, shape, domain))
            }
        }
    } }
}

/// What is not there yet, and the command that makes it.
fn missing(data: &Data, model: &Model) -> Markup {
    if model.domain.is_none() && data.trees.is_empty() {
        return html! {};
    }
    let known = |title: &str| model.times.iter().any(|chart| chart.title.starts_with(title));
    let mut list = Vec::new();
    for (there, what, command) in [
        (!data.trees.is_empty(), "No toolchain is prepared", "reml-toolchain prepare"),
        (!data.audits.is_empty(), "No audit stands in the log", "reml-toolchain audit"),
        (known("prepare"), "No time of prepare", "reml-toolchain prepare"),
        (known("run"), "No time of a program", "reml-toolchain run ./PROGRAM"),
    ] {
        if !there {
            list.push((what, command));
        }
    }
    html! { @if !list.is_empty() {
        section aria-labelledby="missing" {
            h2 id="missing" { "What is not here yet" }
            ul { @for (what, command) in list { li { (what) ": run " code { (command) } } } }
        }
    } }
}

fn unread(list: &[Unread]) -> Markup {
    html! { @if !list.is_empty() {
        section.notice aria-labelledby="unread" {
            h2 id="unread" { "What could not be read" }
            ul { @for unread in list { @for text in sentences(unread) { li { code { (unread.file) } ": " (text) } } } }
        }
    } }
}

/// What is wrong with a file, a sentence a kind; shared with the terminal.
#[must_use]
pub fn sentences(unread: &Unread) -> Vec<String> {
    let Unread { damaged, broken, foreign, skipped, whole, .. } = unread;
    let mut list: Vec<String> = whole.iter().cloned().collect();
    for (lines, what) in [
        (damaged, "cannot be read"),
        (broken, "do not follow the line before: something was changed there"),
        (foreign, "are of another format, or have values that cannot be"),
    ] {
        let shown: Vec<String> = lines.iter().take(10).map(ToString::to_string).collect();
        if let [first, ..] = lines.as_slice() {
            let more = if lines.len() > shown.len() { ", …" } else { "" };
            list.push(match lines.len() {
                1 => format!("1 line {what}: {first}")
                    .replace(" are of", " is of")
                    .replace(" have ", " has ")
                    .replace(" do not", " does not"),
                count => format!("{count} lines {what}: {}{more}", shown.join(", ")),
            });
        }
    }
    if *skipped > 0 {
        list.push(format!(
            "the first {} were passed over: only the end is drawn",
            bytes::size(*skipped)
        ));
    }
    list
}
