//! Charts as SVG and the tables beside them. Pure. Places across are percentages and places
//! down are pixels, so that a chart fills any width with text of one size; colours are classes
//! of the style sheet, so that they follow the reader's light or dark scheme. No chart library
//! that was looked at does these (ARCHITECTURE.md tells which).

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::scale::{Domain, Values, median};
use super::series::{Chart, Lanes, Point, Series, Unit};
use crate::audit::Status;
use crate::debian::date::Timestamp;
use crate::toolchain::metrics::rfc3339;

/// The height of a plot, and of what is above and below it, in pixels.
const PLOT: u32 = 150;
const ABOVE: u32 = 22;
const BELOW: u32 = 26;

/// The height of a lane of versions with its name, and of its bar.
const LANE: usize = 44;
const BAR: usize = 22;

/// The most points of a series that are drawn; the table counts all.
const DRAWN: usize = 400;

/// How points are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Each run is a dot; a line goes through the medians of the table's rows.
    Dots,
    /// A value holds until the next.
    Steps,
}

/// A moment to the minute.
#[must_use]
pub fn minute(time: i64) -> String {
    let text = rfc3339(u64::try_from(time).unwrap_or_default());
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

/// The place of a name in the order of colours: that of its target.
fn colour(name: &str, at: usize) -> usize {
    let targets = crate::pins::TARGETS;
    let known = targets.iter().position(|target| name.starts_with(target.triple));
    known.unwrap_or(if at == 0 { 0 } else { targets.len() + at })
}

/// A chart over time.
#[must_use]
pub fn chart(id: &str, chart: &Chart, shape: Shape, domain: Domain) -> Markup {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let most = points().map(|point| point.value).max().unwrap_or_default();
    let values = Values::up_to(most, chart.unit);
    let y = |value| values.place(value, PLOT);
    html! {
        svg role="img" width="100%" height=(ABOVE + PLOT + BELOW)
            aria-labelledby={ (id) "-t" } aria-describedby={ (id) "-d" } {
            title id={ (id) "-t" } { (chart.title) }
            desc id={ (id) "-d" } {
                @for series in &chart.series { (sentence(series, chart.unit, shape)) " " }
            }
            svg y=(ABOVE) width="100%" height=(PLOT + BELOW) overflow="visible" {
                @for (value, _) in values.ticks() {
                    line.base[value == 0].grid x1="0" x2="100%" y1=(y(value)) y2=(y(value)) {}
                }
                (dates(domain, PLOT + 18))
                @for (at, series) in chart.series.iter().enumerate() {
                    g class={ "s" (colour(&series.name, at)) } { (marks(series, chart.unit, shape, domain, &values)) }
                }
                @for (value, label) in values.ticks() {
                    text.tick x="0" y=(y(value)) dy="-4" { (label) }
                }
            }
        }
    }
}

/// What a series says, for those who do not see it.
fn sentence(series: &Series, unit: Unit, shape: Shape) -> String {
    let Some(newest) = series.points.last() else { return String::new() };
    let (name, count) = (&series.name, series.points.len());
    let (value, when) = (unit.show(newest.value), minute(newest.time));
    let middle = median(series.points.iter()).filter(|_| shape == Shape::Dots);
    let middle = middle.map(|value| format!("median {}, ", unit.show(value))).unwrap_or_default();
    format!("{name}: {count} values, {middle}newest {value} on {when}.")
}

/// The dates below a plot.
fn dates(domain: Domain, y: u32) -> Markup {
    let ticks = domain.ticks();
    html! {
        @for (moment, label) in ticks {
            line.grid x1=(domain.place(moment)) x2=(domain.place(moment)) y1=(y - 18) y2=(y - 13) {}
            text.tick.edge[is_late(domain, moment)] x=(domain.place(moment)) y=(y) { (label) }
        }
    }
}

/// Whether a label in the middle of this moment would leave the picture.
fn is_late(domain: Domain, moment: i64) -> bool {
    (domain.to - moment) < (domain.to - domain.from) / 10
}

fn marks(series: &Series, unit: Unit, shape: Shape, domain: Domain, values: &Values) -> Markup {
    let y = |value| values.place(value, PLOT);
    let line = match shape {
        Shape::Dots => medians(series, domain),
        Shape::Steps => series.points.iter().map(|point| (point.time, point.value)).collect(),
    };
    let from = series.points.len().saturating_sub(DRAWN);
    let drawn = series.points.get(from..).unwrap_or_default();
    let dots = html! {
        @for point in drawn {
            circle.bad[!point.ok] cx=(domain.place(point.time)) cy=(y(point.value)) r="3" {
                title { (told(series, point, unit)) }
            }
        }
    };
    html! {
        // A line through medians is the message: it goes over its dots, that of steps under.
        @if shape == Shape::Dots { g.dots { (dots) } }
        @for pair in line.windows(2) {
            @if let [(from, old), (to, new)] = pair {
                @let (a, b) = (domain.place(*from), domain.place(*to));
                @let over = if shape == Shape::Steps { old } else { new };
                line x1=(a) x2=(b) y1=(y(*old)) y2=(y(*over)) {}
                @if shape == Shape::Steps { line x1=(b) x2=(b) y1=(y(*old)) y2=(y(*new)) {} }
            }
        }
        @if shape == Shape::Steps { (dots) }
    }
}

fn told(series: &Series, point: &Point, unit: Unit) -> String {
    let end = if point.ok { "" } else { ", ended with a failure" };
    format!("{}, {}: {}{end}", series.name, minute(point.time), unit.show(point.value))
}

/// The median of each bucket that has one, in the middle of its points.
fn medians(series: &Series, domain: Domain) -> Vec<(i64, u64)> {
    let mut buckets: Vec<(String, Vec<Point>)> = Vec::new();
    for point in series.points.iter().filter(|point| point.ok) {
        let label = domain.bucket(point.time);
        match buckets.last_mut().filter(|(last, _)| *last == label) {
            Some((_, points)) => points.push(*point),
            None => buckets.push((label, vec![*point])),
        }
    }
    let middle = |(_, points): (String, Vec<Point>)| {
        let (first, last) = (points.first()?.time, points.last()?.time);
        Some((first + (last - first) / 2, median(points.iter())?))
    };
    buckets.into_iter().filter_map(middle).collect()
}

/// The names of a chart's series with their colours.
#[must_use]
pub fn legend(chart: &Chart) -> Markup {
    let failed = chart.series.iter().flat_map(|series| &series.points).any(|point| !point.ok);
    let cut = chart.series.iter().any(|series| series.points.len() > DRAWN);
    html! {
        ul.legend {
            @for (at, series) in chart.series.iter().enumerate() {
                li { span class={ "key s" (colour(&series.name, at)) } {} (series.name) }
            }
            @if failed { li { span.key.hollow {} "ended with a failure, not in the median" } }
            @if cut { li { "The newest " (DRAWN) " of each are drawn; the table counts all." } }
        }
    }
}

/// The rows of a chart: a bucket of time, its runs, and the median of each series; newest first.
#[must_use]
pub fn table(chart: &Chart, domain: Domain) -> Markup {
    let mut rows: BTreeMap<String, (usize, usize, Vec<Vec<Point>>)> = BTreeMap::new();
    for (at, series) in chart.series.iter().enumerate() {
        for point in &series.points {
            let row = rows.entry(domain.bucket(point.time)).or_default();
            row.2.resize(chart.series.len(), Vec::new());
            row.0 += 1;
            row.1 += usize::from(!point.ok);
            if let Some(points) = row.2.get_mut(at) {
                points.push(*point);
            }
        }
    }
    let failed = rows.values().any(|(_, failed, _)| *failed > 0);
    let show = |points: &[Point]| {
        median(points.iter()).map_or("–".to_owned(), |value| chart.unit.show(value))
    };
    html! {
        div.table tabindex="0" role="region" aria-label={ "Table: " (chart.title) } {
            table {
                thead { tr {
                    th scope="col" { "UTC" }
                    th.number scope="col" { "runs" }
                    @if failed { th.number scope="col" { "failed" } }
                    @for series in &chart.series {
                        th.number scope="col" { "median, " (short(&series.name)) }
                    }
                } }
                tbody { @for (label, (runs, bad, series)) in rows.iter().rev() {
                    tr {
                        th scope="row" { time { (label) } }
                        td.number { (runs) }
                        @if failed { td.number { (bad) } }
                        @for points in series { td.number { (show(points)) } }
                    }
                } }
            }
        }
    }
}

/// The machine of a triple.
fn short(name: &str) -> &str {
    let is_triple = crate::pins::Target::by_triple(name).is_some();
    name.split('-').next().filter(|_| is_triple).unwrap_or(name)
}

/// The verdicts over time: three rows, so that the place tells what the colour does.
#[must_use]
pub fn statuses(verdicts: &[(i64, Status)], domain: Domain) -> Markup {
    const ROW: u32 = 34;
    let y = |status: Status| ROW * (status as u32) + 24;
    let rows = [Status::Green, Status::Amber, Status::Red];
    let count = |status| verdicts.iter().filter(|(_, seen)| *seen == status).count();
    let from = verdicts.len().saturating_sub(DRAWN);
    html! {
        svg role="img" width="100%" height=(ROW * 3 + BELOW + 6) aria-labelledby="status-t" aria-describedby="status-d" {
            title id="status-t" { "The status of each audit" }
            desc id="status-d" {
                @for status in rows { (count(status)) " audits " (status.word()) ". " }
            }
            @for status in rows {
                line.grid x1="0" x2="100%" y1=(y(status)) y2=(y(status)) {}
                text.tick x="0" y=(y(status)) dy="-9" { (status.word()) }
            }
            (dates(domain, ROW * 3 + 20))
            g.path {
                @for pair in verdicts.windows(2) {
                    @if let [(a, old), (b, new)] = pair {
                        line x1=(domain.place(*a)) x2=(domain.place(*b)) y1=(y(*old)) y2=(y(*old)) {}
                        line x1=(domain.place(*b)) x2=(domain.place(*b)) y1=(y(*old)) y2=(y(*new)) {}
                    }
                }
            }
            @for (time, status) in verdicts.get(from..).unwrap_or_default() {
                circle class=(class(*status)) cx=(domain.place(*time)) cy=(y(*status)) r="6" {
                    title { (minute(*time)) ": " (status.word()) }
                }
            }
        }
    }
}

/// The class of a verdict's colour.
#[must_use]
pub const fn class(status: Status) -> &'static str {
    match status {
        Status::Green => "green",
        Status::Amber => "amber",
        Status::Red => "red",
    }
}

/// Which version was there when: a bar for each.
#[must_use]
pub fn lanes(id: &str, lanes: &Lanes, domain: Domain) -> Markup {
    let height = lanes.lanes.len() * LANE;
    html! {
        svg role="img" width="100%" height=(height + 26) aria-labelledby={ (id) "-t" } aria-describedby={ (id) "-d" } {
            title id={ (id) "-t" } { "Versions: " (lanes.title) }
            desc id={ (id) "-d" } {
                @for lane in &lanes.lanes {
                    @if let Some(span) = lane.spans.last() {
                        (lane.name) " " (span.version) " since " (Timestamp(span.from).day()) ". "
                    }
                }
            }
            @for (at, lane) in lanes.lanes.iter().enumerate() {
                text.lane x=(domain.place(domain.from)) y=(at * LANE + 14) { (lane.name) }
                @for (nth, span) in lane.spans.iter().enumerate() {
                    // A picture of its own cuts off what does not fit into its bar.
                    svg x=(domain.place(span.from)) y=(at * LANE + 19) height=(BAR)
                        width=(domain.width(span.from, span.to)) {
                        rect class={ "v" (nth % 2) } width="100%" height=(BAR) rx="3" {}
                        text.version x="7" y="15" { (span.version) }
                        title {
                            (lane.name) " " (span.version) ", "
                            (Timestamp(span.from).day()) " to " (Timestamp(span.to).day())
                        }
                    }
                }
            }
            @if let Ok(y) = u32::try_from(height + 20) { (dates(domain, y)) }
        }
    }
}
