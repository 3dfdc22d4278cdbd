use serde_json::{Value, json};

use super::*;
use crate::toolchain::journal::Reading;

const X86: &str = "x86_64-unknown-linux-gnu";
const START: i64 = 1_795_590_000;

fn reading(lines: Vec<Value>) -> Reading {
    Reading { lines: (1..).zip(lines).collect(), ..Reading::default() }
}

fn audit(hour: i64, clang: Option<&str>, trees: bool) -> Value {
    let trees = if trees {
        json!([{ "target": X86, "release": "bookworm", "clang": clang, "glibc": "2.36" }])
    } else {
        json!([])
    };
    json!({
        "schema": 1, "time": START + hour * 3600, "tool": "0.1.0", "status": "GREEN",
        "facts": { "checked": "online", "toolchains": trees },
    })
}

fn audited(lines: Vec<Value>) -> Data {
    let mut data = Data::default();
    data.add_audits("audit.log", reading(lines));
    data
}

fn run(command: &str, target: &str, emulator: Option<&str>, total: u64) -> Value {
    json!({
        "schema": 1, "time": "2026-11-25T07:02:03Z", "command": command, "target": target, "versions": {},
        "milliseconds": { "total": total, "lld": 3 }, "emulator": emulator, "elf_bytes": 8, "exit_status": 0,
    })
}

#[test]
fn a_version_lasts_until_another_is_seen_and_gaps_stay_gaps() {
    let data = audited(vec![
        audit(0, Some("19.1.4"), true),
        audit(1, Some("19.1.4"), true),
        audit(2, Some("19.1.7"), true),
        audit(3, None, true),
        audit(4, Some("19.1.7"), true),
        audit(5, None, false),
        audit(6, Some("19.1.7"), true),
    ]);
    let model = Model::of(&data);
    let lanes = &model.versions[0];
    assert_eq!(lanes.title, format!("{X86} on bookworm"));
    let spans = lanes.lanes.iter().find(|lane| lane.name == "clang").unwrap();
    let spans: Vec<_> = spans
        .spans
        .iter()
        .map(|span| ((span.from - START) / 3600, (span.to - START) / 3600, span.version.as_str()))
        .collect();
    assert_eq!(spans, [(0, 2, "19.1.4"), (2, 3, "19.1.7"), (4, 5, "19.1.7"), (6, 6, "19.1.7")]);
    assert!(lanes.lanes.iter().all(|lane| lane.name != "qemu"), "what nobody saw has no lane");
    let changes = changes(&model.versions);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((changes[0].what, changes[0].old, changes[0].new), ("clang", "19.1.4", "19.1.7"));
    assert_eq!(model.versions.last().unwrap().title, "This host");
}

#[test]
fn an_audit_that_could_not_compare_tells_nothing_of_updates() {
    let mut blind = audit(1, None, true);
    blind["facts"]["checked"] = json!("not-checked");
    let mut seen = audit(0, None, true);
    let update = |name: &str, linked: bool, cves: Value| json!({ "name": name, "old": "1", "new": "2", "linked": linked, "cves": cves });
    seen["facts"]["updates"] = json!([
        update("a", true, json!(["CVE-2026-1", "CVE-2026-2"])),
        update("b", true, json!(["CVE-2026-2"])),
        update("c", false, json!(["CVE-2026-3"])),
    ]);
    let model = Model::of(&audited(vec![seen, blind]));
    let values =
        |chart: &Chart| chart.series[0].points.iter().map(|point| point.value).collect::<Vec<_>>();
    assert_eq!((values(&model.updates), values(&model.cves)), (vec![2], vec![2]));
    assert_eq!(values(&model.drift), [0, 0]);
}

#[test]
fn runs_are_drawn_by_command_and_emulator_and_sizes_by_command() {
    let mut data = Data::default();
    let arm = "aarch64-unknown-linux-gnu";
    data.add_metrics(
        "metrics.jsonl",
        reading(vec![
            run("run", arm, Some("microvm"), 9),
            run("run", X86, Some("native"), 5),
            run("run", X86, Some("microvm"), 8),
            run("container", X86, None, 1),
            run("prepare", X86, None, 2),
        ]),
    );
    let model = Model::of(&data);
    let titles =
        |charts: &[Chart]| charts.iter().map(|chart| chart.title.clone()).collect::<Vec<_>>();
    assert_eq!(titles(&model.times), ["prepare", "run, native", "run, microvm", "container"]);
    assert_eq!(titles(&model.sizes), ["prepare", "run", "container"]);
    let names: Vec<_> = model.times[2].series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, [X86, arm], "in the order of the table of targets");
    assert_eq!(model.times[2].newest, [("lld".to_owned(), 3)]);
}

#[test]
fn lines_that_ask_for_thousands_of_charts_get_few() {
    let mut data = Data::default();
    let lines = (0..1000)
        .map(|number| run(&format!("c{number}"), &format!("t{number}"), None, 1))
        .collect();
    data.add_metrics("metrics.jsonl", reading(lines));
    let model = Model::of(&data);
    assert_eq!(
        (model.times.len(), model.sizes.len(), model.left_out),
        (MOST, MOST, 2 * (1000 - MOST))
    );
    let lines = (0..1000).map(|number| run("link", &format!("t{number}"), None, 1)).collect();
    let mut data = Data::default();
    data.add_metrics("metrics.jsonl", reading(lines));
    assert_eq!(Model::of(&data).times[0].series.len(), MOST);
}
