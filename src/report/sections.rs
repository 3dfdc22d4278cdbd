//! The parts of the page: each a chart or more with the tables beside them. Pure.

use maud::{Markup, html};

use super::chart::{self, Shape, class};
use super::data::{Audit, Data, Tree, Update};
use super::scale::Domain;
use super::series::{Chart, Lanes, Model, changes, cves, linked, was_compared};
use crate::audit::findings::Severity;
use crate::debian::date::Timestamp;
use crate::ui::bytes;

/// The most rows of a table of single things.
const ROWS: usize = 200;

/// The packages of a sysroot that get a row of their own.
const PACKAGES: usize = 25;

/// The page of a project where nothing was run.
#[must_use]
pub fn first_steps() -> Markup {
    let steps = [
        (
            "reml-toolchain prepare",
            "fetches, verifies and lays out a toolchain: how long, and how large",
        ),
        ("reml-toolchain run ./PROGRAM", "runs a program: how long, and how large it is"),
        (
            "reml-toolchain audit",
            "compares versions with the pins and with Debian: status, drift, updates and CVEs",
        ),
        ("reml-toolchain report", "draws this page again"),
    ];
    html! {
        section aria-labelledby="first" {
            h2 id="first" { "Nothing was measured yet" }
            p { "This page is drawn from what these commands write into toolchains/. Run them and come back:" }
            ol.steps { @for (command, what) in steps { li { code { (command) } " " (what) "." } } }
        }
    }
}

/// A chart of runs with its table.
#[must_use]
pub fn figure(id: &str, one: &Chart, shape: Shape, domain: Domain) -> Markup {
    html! {
        figure {
            figcaption { h3 { (one.title) } (chart::legend(one)) }
            div.pair {
                div.picture {
                    (chart::chart(id, one, shape, domain))
                    @if !one.newest.is_empty() {
                        p.quiet { "Of the newest run: "
                            @for (at, (name, time)) in one.newest.iter().enumerate() {
                                @if at > 0 { ", " } (name) " " (one.unit.show(*time))
                            } "."
                        }
                    }
                }
                (chart::table(one, domain))
            }
        }
    }
}

fn table(name: &str, columns: &[&str], numbers: usize, body: &Markup) -> Markup {
    html! {
        div.table tabindex="0" role="region" aria-label={ "Table: " (name) } {
            table {
                thead { tr { @for (at, column) in columns.iter().enumerate() {
                    th.number[at + numbers >= columns.len()] scope="col" { (column) }
                } } }
                tbody { (body) }
            }
        }
    }
}

/// Every audit and its verdict.
#[must_use]
pub fn history(audits: &[Audit], domain: Domain) -> Markup {
    let verdicts: Vec<_> = audits.iter().map(|audit| (audit.time, audit.status)).collect();
    let count = |audit: &Audit, severity| {
        audit.findings.iter().filter(|finding| finding.severity == severity).count()
    };
    let newer = |audit: &Audit, count: usize| {
        if was_compared(audit) { count.to_string() } else { "–".to_owned() }
    };
    let body = html! { @for audit in audits.iter().rev().take(ROWS) { tr {
        th scope="row" { time { (Timestamp(audit.time).day()) } }
        td { span.(class(audit.status)).chip { (audit.status.word()) } }
        td.number { (count(audit, Severity::Error)) }
        td.number { (count(audit, Severity::Warning)) }
        td.number { (newer(audit, linked(audit).count())) }
        td.number { (newer(audit, cves(audit).len())) }
    } } };
    html! {
        section aria-labelledby="history" {
            h2 id="history" { "Status, audit after audit" }
            div.pair {
                div.picture { (chart::statuses(&verdicts, domain)) }
                (table("audits", &["day", "status", "errors", "warnings", "updates", "CVE ids"], 4, &body))
            }
        }
    }
}

/// Which version was there when.
#[must_use]
pub fn versions(versions: &[Lanes], domain: Domain) -> Markup {
    let list = changes(versions);
    let body = html! { @for change in list.iter().take(ROWS) { tr {
        th scope="row" { time { (Timestamp(change.time).day()) } }
        td { (change.what) br; span.quiet { (change.place) } }
        td { (change.old) " → " (change.new) }
    } } };
    html! { @if !versions.is_empty() {
        section.tall aria-labelledby="versions" {
            h2 id="versions" { "Versions" }
            div.pair {
                div.picture { @for (at, lanes) in versions.iter().enumerate() {
                    figure {
                        figcaption { h3 { (lanes.title) } }
                        (chart::lanes(&format!("versions-{at}"), lanes, domain))
                    }
                } }
                @if list.is_empty() { p.quiet { "No version changed." } }
                @else { (table("changes of versions", &["day", "what", "change"], 0, &body)) }
            }
        }
    } }
}

/// What differs from the lock and the manifests.
#[must_use]
pub fn drift(data: &Data, model: &Model, domain: Domain) -> Markup {
    let trees = data.audits.last().map(|audit| audit.facts.toolchains.as_slice());
    let trees = trees.unwrap_or_default();
    let mut rows = Vec::new();
    for tree in trees {
        let drift = tree.drift.iter();
        rows.extend(drift.map(|(name, here, locked)| {
            (tree.name(), format!("{name} {here} → {locked} (locked)"))
        }));
        rows.extend(tree.damage.iter().map(|damage| (tree.name(), damage.clone())));
    }
    let ever =
        model.drift.series.iter().flat_map(|series| &series.points).any(|point| point.value > 0);
    let body = html! { @for (place, what) in rows.iter().take(ROWS) { tr {
        th scope="row" { (place) } td { (what) }
    } } };
    html! {
        section aria-labelledby="drift" {
            h2 id="drift" { "Drift" }
            p.quiet { "Packages of a prepared sysroot that are not those of the lock, and files that are not as they were installed." }
            @if !ever {
                p { "None, in any of " (data.audits.len()) " audits." }
            } @else {
                figure {
                    figcaption { h3 { (model.drift.title) } (chart::legend(&model.drift)) }
                    div.pair {
                        div.picture { (chart::chart("drift-0", &model.drift, Shape::Steps, domain)) }
                        @if rows.is_empty() { p { "None in the newest audit." } }
                        @else { (table("drift of the newest audit", &["toolchain", "what differs"], 0, &body)) }
                    }
                }
            }
        }
    }
}

/// What Debian offers that is newer.
#[must_use]
pub fn updates(data: &Data, model: &Model, domain: Domain) -> Markup {
    let newest = data.audits.iter().rev().find(|audit| was_compared(audit));
    let Some(newest) = newest else {
        return html! {
            section aria-labelledby="updates" {
                h2 id="updates" { "Updates and CVEs" }
                p { "No audit could compare with Debian's suites: run " code { "reml-toolchain audit" } " with a network." }
            }
        };
    };
    let others = newest.facts.updates.len() - linked(newest).count();
    let body = html! { @for update in linked(newest).take(ROWS) { (row(update)) } };
    html! {
        section aria-labelledby="updates" {
            h2 id="updates" { "Updates and CVEs" }
            p.quiet { "Newer versions that Debian's signed suites offer, of packages whose files get into programs." }
            div.charts {
                @for (at, one) in [&model.updates, &model.cves].into_iter().enumerate() {
                    figure {
                        figcaption { h3 { (one.title) } }
                        (chart::chart(&format!("updates-{at}"), one, Shape::Steps, domain))
                    }
                }
            }
            h3 { "Open on " (Timestamp(newest.time).day()) }
            @if linked(newest).next().is_none() { p { "None." } }
            @else { (table("open updates", &["package", "version", "from", "CVE ids"], 0, &body)) }
            @if others > 0 {
                p.quiet { "Further newer versions of headers and of tools of the host: " (others) "." }
            }
        }
    }
}

fn row(update: &Update) -> Markup {
    html! { tr {
        th scope="row" { (update.name) }
        td { (update.old) " → " (update.new) }
        td { (update.suite) @if let Some(urgency) = &update.urgency { ", " (urgency) } }
        td { @if update.cves.is_empty() { "–" }
            @for (at, id) in update.cves.iter().enumerate() { @if at > 0 { ", " } (cve(id)) }
        }
    } }
}

/// An id with a link to Debian's tracker, where it is one.
fn cve(id: &str) -> Markup {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = id.splitn(3, '-');
    let is_id = parts.next() == Some("CVE") && parts.all(is_number) && id.matches('-').count() == 2;
    html! {
        @if is_id { a href={ "https://security-tracker.debian.org/tracker/" (id) } { (id) } }
        @else { (id) }
    }
}

/// What a prepared toolchain weighs.
#[must_use]
pub fn sizes(tree: &Tree) -> Markup {
    let total: u64 = tree.packages.iter().map(|package| package.bytes).sum();
    let largest = tree.packages.first().map_or(1, |package| package.bytes.max(1));
    let rest = tree.packages.get(PACKAGES..).unwrap_or_default();
    let (others, count): (u64, usize) =
        (rest.iter().map(|package| package.bytes).sum(), rest.len());
    let bar = |bytes: u64| {
        let permille = bytes.min(largest) * 1000 / largest;
        format!("{}.{}%", permille / 10, permille % 10)
    };
    let rows = html! {
        @for package in tree.packages.iter().take(PACKAGES) { tr {
            th scope="row" { (package.name) br; span.quiet { (package.version) } }
            td.bar { svg width="100%" height="14" aria-hidden="true" {
                rect.s0 width=(bar(package.bytes)) height="14" rx="2" {}
            } }
            td.number { (bytes::size(package.bytes)) }
            td.number { (package.files) }
        } }
        @if count > 0 { tr {
            th scope="row" { (count) " smaller ones" }
            td.bar {}
            td.number { (bytes::size(others)) }
            td.number { (rest.iter().map(|package| package.files).sum::<u64>()) }
        } }
    };
    html! {
        section {
            h2 { "The sysroot by package: " (tree.name) }
            p.quiet {
                (bytes::size(total)) " in " (tree.packages.len()) " packages. The whole toolchain: "
                @for (at, (name, size)) in tree.parts.iter().enumerate() {
                    @if at > 0 { ", " } (name) " " (bytes::size(*size))
                } "."
            }
            div.wide { (table("packages of the sysroot", &["package", "", "size", "files"], 2, &rows)) }
        }
    }
}
