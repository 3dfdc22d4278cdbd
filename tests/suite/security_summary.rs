//! One command that prints what stands behind the word "verified": `.ci/run security`. It runs
//! the tests it counts, in this very program, and fails when one of them does.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Instant;

use crate::archives::TALLY;
use crate::catalogue::{all_tests, rows_of};
use crate::support::sources::root;

/// Runs the tests named by `filters` in this program; gives what they printed.
fn tests(filters: &[&str], env: &[(&str, &std::path::Path)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--include-ignored", "--nocapture"]).args(filters).envs(env.iter().copied());
    let output = command.current_dir(root()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{filters:?}: {said}{error}");
    said
}

/// Of each section of the catalogue: its name, its rows, and how many have a test.
fn sections(catalogue: &str) -> Vec<(String, usize, Vec<String>)> {
    let mut sections: Vec<(String, usize, Vec<String>)> = Vec::new();
    for line in catalogue.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            sections.push((name.to_owned(), 0, Vec::new()));
        } else if let Some(row) = line.strip_prefix("| ")
            && let Some((id, rest)) = row.split_once(" | ")
            && id.len() == 3
            && let Some((_, rows, open)) = sections.last_mut()
        {
            *rows += 1;
            if rest.ends_with("| open |") {
                open.push(id.to_owned());
            }
        }
    }
    sections.retain(|(_, rows, _)| *rows > 0);
    sections
}

/// The sections that hostile bytes from outside are about.
const HOSTILE: &str = "ABCDEFGK";

#[test]
fn every_row_about_hostile_bytes_has_a_test() {
    let catalogue = fs::read_to_string(root().join("docs/faults.md")).unwrap();
    let sections = sections(&catalogue);
    let seen: String = sections.iter().filter_map(|(name, ..)| name.chars().next()).collect();
    assert!(HOSTILE.chars().all(|letter| seen.contains(letter)), "{seen}");
    for (name, _, open) in
        sections.iter().filter(|(name, ..)| name.starts_with(|c| HOSTILE.contains(c)))
    {
        assert!(open.is_empty(), "{name}: no test for {open:?}");
    }
}

/// `a01_…` in SECURITY.md stands for tests whose names begin so: there must be one.
#[test]
fn the_tests_that_security_md_names_exist() {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let rows: Vec<String> = all_tests().iter().flat_map(|test| rows_of(test)).collect();
    let mut count = 0;
    for name in text.split('`').filter_map(|word| word.strip_suffix("_…")) {
        count += 1;
        assert!(rows.contains(&name.to_uppercase()), "no test begins with {name}_");
    }
    assert!(count >= 30, "the table of attacks is gone: {count} names");
}

#[test]
#[ignore = "needs gpgv and sqv: the step security of .ci/run"]
fn what_was_tried_against_hostile_bytes() {
    let folder = tempfile::tempdir().unwrap();
    println!("\nRows of the catalogue with a test (docs/faults.md)");
    let catalogue = fs::read_to_string(root().join("docs/faults.md")).unwrap();
    for (name, rows, open) in sections(&catalogue) {
        let left =
            if open.is_empty() { String::new() } else { format!("  open: {}", open.join(" ")) };
        println!("  {name:<38} {:>2} of {rows:>2}{left}", rows - open.len());
    }
    println!("\nSigned messages: our verdict beside those of other programs");
    let table = tests(&["a43_"], &[]);
    let mut words: BTreeMap<[String; 3], usize> = BTreeMap::new();
    for line in table.lines() {
        let last: Vec<&str> = line.split_whitespace().rev().take(3).collect();
        if let [sqv, gpgv, ours] = last[..]
            && [sqv, gpgv, ours].iter().all(|word| matches!(*word, "good" | "refused"))
        {
            *words.entry([ours, gpgv, sqv].map(str::to_owned)).or_default() += 1;
        }
    }
    println!("  {:<9} {:<9} {:<9} messages", "ours", "gpgv", "sqv");
    for ([ours, gpgv, sqv], count) in &words {
        println!("  {ours:<9} {gpgv:<9} {sqv:<9} {count:>5}");
    }
    let messages: usize = words.values().sum();
    assert!(messages >= 80, "the table was not read: {messages}");
    println!("  {messages} messages, 0 accepted by us alone but for those explained");
    println!("  (message by message: .ci/run judges; with rPGP as the third: .ci/run rpgp)");

    let tally = folder.path().join("tally");
    tests(&["archives::"], &[(TALLY, &tally)]);
    let tally = fs::read_to_string(&tally).unwrap();
    let of = |what: &str| tally.lines().filter(|line| *line == what).count();
    let (refused, accepted) = (of("refused"), of("accepted"));
    assert!(refused >= 72, "{refused} hostile archives");
    println!("\nPackages made by the tests");
    println!("  {refused} hostile archives refused as they must be, {accepted} odd but sound ones");
    println!("  unpacked: 0 wrong outcomes, nothing written outside");

    let started = Instant::now();
    tests(&["signatures::", "inrelease::"], &[]);
    println!("\nChanged signed messages");
    println!(
        "  all tests of signatures passed in {} ms; the counts of",
        started.elapsed().as_millis()
    );
    println!("  changed messages in the millions are those of the fuzz targets below");

    let started = Instant::now();
    tests(&["fuzz::"], &[]);
    let bounded = super::fuzz::bounded_runs();
    println!("\nFuzz targets: executions");
    println!("  now, by the bounded runner: {bounded} in {} s", started.elapsed().as_secs());
    println!("  recorded, by libFuzzer (docs/src/design/fuzzing.md):");
    let recorded = fs::read_to_string(root().join("docs/src/design/fuzzing.md")).unwrap();
    for line in recorded.lines().filter(|line| line.starts_with('|')) {
        println!("  {line}");
    }
    let pairs = fs::read_to_string(root().join("tests/data/dpkg-pairs.txt")).unwrap();
    let pairs = pairs.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
    println!("\nDifferential runs");
    println!("  {messages} messages against gpgv and sqv, {pairs} pairs of versions against dpkg;");
    println!("  against dpkg-deb and apt: .ci/run packages apt");
}
