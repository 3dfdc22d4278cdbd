//! `report` by the built program: the page out of real lines, no lines, spoiled lines and
//! hostile lines. Only files, output and exit codes count; the look is judged by the step
//! `page` of `.ci/run`.

use std::fs;

use serde_json::{Value, json};

use crate::support::fixture::Fixture;
use crate::support::sources::root;

const NONE: [&str; 0] = [];
const PAGE: &str = "toolchains/report.html";
const AUDITS: &str = "toolchains/audit.log";
const METRICS: &str = "toolchains/metrics.jsonl";
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What a browser could fetch, run or send.
const NEVER: [&str; 9] =
    ["<script", "<img", "<link", "<iframe", "<form", "<object", "@import", "url(", " src="];

fn line(total: u64) -> Value {
    json!({
        "schema": 1, "time": "2026-11-25T07:02:03Z", "command": "link", "target": TARGET,
        "versions": {}, "milliseconds": { "total": total }, "elf_bytes": 48_000, "exit_status": 0,
    })
}

fn is_harmless(page: &str) {
    for word in NEVER {
        assert!(!page.contains(word), "{word} stands in the page");
    }
    // Names of name spaces and links to Debian's tracker are the only addresses.
    let rest = page.replace("https://security-tracker.debian.org/tracker/CVE-", "");
    assert!(!rest.contains("://"), "an address stands in the page");
    assert!(!page.contains("<a ") || page.contains("<a href=\"https://security-tracker"));
}

#[test]
fn what_prepare_and_audit_wrote_stands_on_the_page() {
    let fixture = Fixture::prepared();
    let keyring = fixture.keyring().to_str().unwrap().to_owned();
    fixture.run_online("audit", ["--keyring", &keyring]).code(0);
    let outcome = fixture.run(["report", "--json"]);
    outcome.code(0).stderr_has("wrote ").stderr_has("toolchains/report.html");
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&document["status"], &document["audits"]), (&"GREEN".into(), &1.into()));
    let measured: Value =
        serde_json::from_str(fixture.read(METRICS).lines().next().unwrap()).unwrap();
    let chart = &document["series"]["times"][0];
    assert_eq!((&chart["title"], &chart["series"][0]["name"]), (&"prepare".into(), &TARGET.into()));
    assert_eq!(chart["series"][0]["points"][0]["value"], measured["milliseconds"]["total"]);
    let page = fixture.read(PAGE);
    is_harmless(&page);
    assert!(page.contains("<p class=\"verdict green\">GREEN</p>"));
    for text in ["<h3>prepare</h3>", "19.1.7", "libc6-dev", "None, in any of 1 audits."] {
        assert!(page.contains(text), "{text}");
    }
    // The sizes are those of the manifest.
    let manifest = fixture.read(format!("toolchains/{TARGET}/share/manifest.tsv"));
    let size = |line: &str| line.split('\t').nth(1).unwrap().parse::<u64>().unwrap();
    let of = |line: &&str| line.contains("\tlibc6-dev_") && !line.starts_with('l');
    let expected: u64 = manifest.lines().filter(of).map(size).sum();
    let packages = document["trees"][0]["packages"].as_array().unwrap();
    let found = packages.iter().find(|package| package["name"] == "libc6-dev").unwrap();
    assert_eq!((&found["bytes"], expected > 0), (&expected.into(), true));
    // A second run of an up-to-date toolchain adds no measurement.
    fixture.prepare(NONE).code(0);
    assert_eq!(fixture.read(METRICS).lines().count(), 1);
    fixture.run(["report"]).code(0);
    assert_eq!(fixture.read(PAGE), page, "the same lines give the same bytes");
}

#[test]
fn a_project_without_lines_gets_a_page_that_says_what_to_run() {
    let fixture = Fixture::new();
    let outcome = fixture.run(["report"]);
    outcome.code(0).stdout_is("").stderr_has("nothing was measured yet");
    let page = fixture.read(PAGE);
    is_harmless(&page);
    for command in ["prepare", "run ./PROGRAM", "audit"] {
        assert!(page.contains(&format!("<code>reml-toolchain {command}</code>")), "{command}");
    }
}

#[test]
fn spoiled_lines_are_counted_and_named_and_the_others_are_drawn() {
    let fixture = Fixture::new();
    let good = line(7).to_string();
    let mut newer = line(8);
    newer["schema"] = json!(99);
    fixture.write(METRICS, format!("{good}\n{{\"schema\":1,\"ti\n\u{0}\u{0}\n{newer}\n{good}\n"));
    fixture.write(AUDITS, b"\xff\xfe\n{\"schema\":1}\n");
    fixture.write(format!("toolchains/{TARGET}/share/manifest.tsv"), "no manifest\n");
    let outcome = fixture.run(["report", "--json"]);
    outcome.code(0).stderr_has("metrics.jsonl: 2 lines cannot be read: 2, 3");
    outcome.stderr_has("metrics.jsonl: 1 line is of another format").stderr_has("audit.log: ");
    outcome.stderr_has("manifest.tsv: line 1 is none of a manifest");
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(document["series"]["times"][0]["series"][0]["points"].as_array().unwrap().len(), 2);
    let page = fixture.read(PAGE);
    assert!(page.contains("2 lines cannot be read: 2, 3") && page.contains("<h3>link</h3>"));
}

#[test]
fn hostile_text_is_shown_and_is_no_markup() {
    let fixture = Fixture::new();
    let evil = "</title></style></svg><script>alert(1)</script><img src=x onerror=alert(1)>\" onload=\"x' \u{202e}\u{0}&amp;`";
    let mut measured = line(7);
    measured["command"] = json!(evil);
    measured["target"] = json!(evil);
    measured["emulator"] = json!(evil);
    measured["milliseconds"] = json!({ "total": u64::MAX, evil: 1 });
    measured["elf_bytes"] = json!(u64::MAX);
    let cves = [evil, "CVE-2026-1\"><script>", "CVE-2026-1/../..", "CVE-2026-12345"];
    let audit = json!({
        "schema": 1, "time": 1_795_590_123, "tool": evil, "status": "RED", "exit": 3,
        "findings": [{ "code": evil, "severity": "error", "message": evil, "hint": evil }],
        "facts": {
            "checked": "online", "lock": { "packages": u64::MAX }, "host": { "rust": { "version": evil } },
            "toolchains": [{ "target": evil, "release": evil, "clang": evil, "damage": [evil], "drift": [[evil, evil, evil]] }],
            "updates": [{ "name": evil, "old": evil, "new": evil, "suite": evil, "linked": true, "urgency": evil, "cves": cves }],
        },
    });
    fixture.write(METRICS, format!("{measured}\n"));
    fixture.write(AUDITS, format!("{audit}\n"));
    fixture.run(["report"]).code(0);
    let page = fixture.read(PAGE);
    let text = page.replace("&quot; onload=&quot;", "").replace("onerror=alert(1)&gt;", "");
    assert!(!text.contains("onload=\"") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains('\u{202e}') && !page.contains('\u{0}'));
    is_harmless(&text.replace("img src=x", ""));
    assert_eq!(page.matches("<a href").count(), 1, "only an id is a link");
    // Each element that begins ends: foreign text opened none.
    for name in ["svg", "table", "section", "code", "title", "div", "text"] {
        let ends = page.matches(&format!("</{name}>")).count();
        let begins =
            page.matches(&format!("<{name}>")).count() + page.matches(&format!("<{name} ")).count();
        assert_eq!(begins, ends, "{name}");
    }
}

#[test]
fn the_page_goes_where_it_is_told_and_an_old_one_survives_what_fails() {
    let fixture = Fixture::new();
    fixture.write(METRICS, format!("{}\n", line(7)));
    let place = fixture.path("side.html");
    fixture.write("side.html", "old");
    fixture.run(["report", "--output", place.to_str().unwrap()]).code(0);
    assert!(fs::read_to_string(&place).unwrap().starts_with("<!DOCTYPE html>"));
    assert!(!fixture.path(PAGE).exists());
    let nowhere = fixture.path("no folder/page.html");
    fixture.run(["report", "--output", nowhere.to_str().unwrap()]).code(1).stderr_has("no folder");
    // A journal that is a link is not followed; the page of before stays.
    fs::remove_file(fixture.path(METRICS)).unwrap();
    std::os::unix::fs::symlink(&place, fixture.path(METRICS)).unwrap();
    let before = fs::read(&place).unwrap();
    let outcome = fixture.run(["report", "--output", place.to_str().unwrap()]);
    outcome.code(1).stderr_has("expected a regular file").stderr_has("hint: ");
    assert_eq!(fs::read(&place).unwrap(), before);
}

/// The WCAG's contrast of two colours such as `#1b1f24`.
fn contrast(one: &str, other: &str) -> f64 {
    let light = |colour: &str| {
        let channel =
            |at: usize| f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        let linear =
            |c: f64| if c <= 0.039_28 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
        0.2126 * linear(channel(1)) + 0.7152 * linear(channel(3)) + 0.0722 * linear(channel(5))
    };
    let (a, b) = (light(one), light(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_colour_of_text_has_contrast_in_each_scheme() {
    let style = fs::read_to_string(root().join("src/report/page.css")).unwrap();
    let schemes: Vec<&str> =
        style.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
    assert_eq!(schemes.len(), 3, "light, dark and print");
    for scheme in schemes {
        let colour = |name: &str| {
            let (_, rest) = scheme
                .split_once(&format!("--{name}: "))
                .unwrap_or_else(|| panic!("{name}: {scheme}"));
            rest[..7].to_owned()
        };
        let check = |text: &str, back: &str, least: f64| {
            let got = contrast(&colour(text), &colour(back));
            assert!(got >= least, "--{text} on --{back}: {got:.2}\n{scheme}");
        };
        for text in ["ink", "quiet", "link", "green", "amber", "red"] {
            check(text, "back", 4.5);
            check(text, "card", 4.5);
        }
        for bar in ["bar0", "bar1"] {
            check("ink", bar, 4.5);
        }
        for status in ["green", "amber", "red"] {
            check("on-status", status, 4.5);
        }
        for series in ["s0", "s1", "s2", "s3"] {
            check(series, "back", 3.0);
        }
    }
}
