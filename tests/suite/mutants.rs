//! Guards taken out one by one, in a copy of the sources: the tests of their rows in
//! `docs/faults.md` must fail then. Never a test of wording: each mutant must compile, and
//! its tests pass without it. Where a row is no refusal, its behaviour is altered.
//!
//! All mutants are in one copy and one build, each behind a switch. The copy reads from a
//! file which of them is on, so that also the programs that tests start know it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::catalogue;
use crate::support::sources::root;

mod archives;
mod indices;
mod network;
mod own_files;
mod signatures;

/// What it stands for, a file, the guard in it, and what takes the guard's place, where `OFF`
/// says whether the mutant is on. It stands for rows, each of which must have a test that
/// fails then; a word that is no row names such tests itself.
type Mutant = (&'static str, &'static str, &'static str, &'static str);

/// In place of a guard: a condition that is never met, a statement that is passed over.
const NEVER: &str = "never";
/// In place of a guard: a condition that is always met.
const ALWAYS: &str = "always";

/// Rows whose only tests are ignored in usual runs.
const IGNORED: [&str; 2] = ["A43", "G20"];

/// How long the tests of a row may take, in seconds. A mutant that hangs is noticed.
const PATIENCE: &str = "60";

fn mutants() -> impl Iterator<Item = (usize, &'static Mutant)> {
    let lists = [
        signatures::MUTANTS,
        indices::MUTANTS,
        archives::MUTANTS,
        network::MUTANTS,
        own_files::MUTANTS,
    ];
    // 0 is none.
    (1..).zip(lists.into_iter().flatten())
}

/// What takes a guard's place: written out, or made of the guard's own words.
fn replacement((_, _, from, to): &Mutant) -> String {
    let (join, off) = match *to {
        NEVER => ("&&", "!OFF"),
        ALWAYS => ("||", "OFF"),
        written => return written.to_owned(),
    };
    if !from.contains("if ") {
        return format!("if !OFF {{ {from} }}");
    }
    let (before, rest) = from.split_once("if ").expect("the guard is a condition or a statement");
    let end = rest.rfind(" =>").or_else(|| rest.rfind(" {")).expect("what follows begins");
    let (condition, after) = rest.split_at(end);
    // A `let` takes no parentheses.
    if condition.contains("let ") {
        return format!("{before}if {off} {join} {condition}{after}");
    }
    format!("{before}if {off} {join} ({condition}){after}")
}

/// The text of a source with all its mutants.
fn mutated(file: &str, text: &str) -> String {
    let mut edits = BTreeMap::new();
    for (number, mutant) in mutants().filter(|(_, mutant)| mutant.1 == file) {
        let from = mutant.2;
        assert_eq!(text.matches(from).count(), 1, "{file}: {from}");
        let call = format!("crate::off({number})");
        let edit = (from.len(), replacement(mutant).replace("OFF", &call));
        let twice = edits.insert(text.find(from), edit);
        assert!(twice.is_none(), "{file}: two mutants of {from}");
    }
    let (mut new, mut end) = (String::new(), 0);
    for (at, (length, to)) in edits {
        let at = at.expect("it was counted");
        assert!(end <= at, "{file}: mutants overlap before {:?}", &text[at..at + length]);
        new += &text[end..at];
        new += &to;
        end = at + length;
    }
    new + &text[end..]
}

/// Which mutant is on, for the copy's `lib.rs`: also a program without an environment and
/// another user's can read it.
const SWITCH: &str = r#"
/// Whether this mutant is on.
#[must_use]
pub fn off(mutant: usize) -> bool {
    use std::{fs, sync::LazyLock};
    static ON: LazyLock<Option<usize>> = LazyLock::new(|| {
        let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/mutant")).ok()?;
        text.trim().parse().ok()
    });
    *ON == Some(mutant)
}
"#;

/// Writes what differs, so that only that is compiled again.
fn write_copy(copy: &Path) {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = git.current_dir(root()).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    // What was just removed is listed until it is staged.
    for file in list.split_terminator('\0').filter(|file| root().join(file).exists()) {
        let to = copy.join(file);
        let mut bytes = fs::read(root().join(file)).unwrap();
        if file.starts_with("src/") {
            let mut text = mutated(file, &String::from_utf8(bytes).unwrap());
            text += if file == "src/lib.rs" { SWITCH } else { "" };
            bytes = text.into_bytes();
        }
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(&to, bytes).unwrap();
            fs::set_permissions(&to, fs::metadata(root().join(file)).unwrap().permissions())
                .unwrap();
        }
    }
}

/// Builds the tests of the copy: the suite and those beside the code.
fn build(copy: &Path) -> Vec<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "test",
        "--offline",
        "--no-run",
        "-p",
        "reml-toolchain",
        "--lib",
        "--test",
        "suite",
    ]);
    cargo.args(["--message-format", "json-render-diagnostics"]).current_dir(copy);
    cargo.env_remove("CARGO_TARGET_DIR").stderr(std::process::Stdio::inherit());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "the copy with its mutants does not compile");
    let messages = String::from_utf8(output.stdout).unwrap();
    let messages = messages.lines().map(|line| serde_json::from_str(line).unwrap());
    let program = |message: serde_json::Value| {
        let is_test = message["profile"]["test"] == true;
        message["executable"].as_str().filter(|_| is_test).map(PathBuf::from)
    };
    let mut programs: Vec<PathBuf> = messages.filter_map(program).collect();
    // The quick ones first: `reml_toolchain-…`, `suite-…`.
    programs.sort();
    assert_eq!(programs.len(), 2, "{programs:?}");
    programs
}

/// Runs the tests whose paths hold one of `filters`, with this mutant on: the names of those
/// that failed, or `None` if all passed.
fn failures(copy: &Path, programs: &[PathBuf], mutant: usize, filters: &[&str]) -> Option<String> {
    fs::write(copy.join("mutant"), mutant.to_string()).unwrap();
    let patience = if mutant == 0 { "1800" } else { PATIENCE };
    let mut ran = false;
    for program in programs {
        // Without its guard a test may wait for ever: that is noticed as well.
        let mut command = Command::new("timeout");
        command.arg(patience).arg(program).args(filters).current_dir(copy);
        let output = command.output().expect("timeout runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ran |= !said.contains("running 0 tests");
        if !output.status.success() {
            let failed = |line: &&str| line.starts_with("test ") && line.ends_with("FAILED");
            let names = said.lines().filter(failed).filter_map(|line| line.split(' ').nth(1));
            let names = names.collect::<Vec<_>>().join(" ");
            return Some(if names.is_empty() { output.status.to_string() } else { names });
        }
    }
    assert!(ran, "{filters:?} names no test");
    None
}

#[test]
#[ignore = "long: the step mutants of .ci/run, not among the usual ones"]
fn every_guard_taken_out_is_missed() {
    let copy = root().join("target/mutants");
    write_copy(&copy);
    let started = Instant::now();
    let programs = build(&copy);
    println!("built after {} s", started.elapsed().as_secs());
    let rows = catalogue::tests_by_row();
    // REML_MUTANTS: only those of rows that begin so.
    let only = std::env::var("REML_MUTANTS").unwrap_or_default();
    let mut every = [BTreeSet::new(), BTreeSet::new()];
    let (mut count, mut problems) = (0, Vec::new());
    for (number, mutant @ (marks, file, from, _)) in mutants() {
        if !marks.split(' ').any(|mark| mark.starts_with(&only)) {
            continue;
        }
        count += 1;
        for mark in marks.split(' ') {
            let named = vec![mark.to_owned()];
            let tests = rows.get(mark).unwrap_or(&named);
            let mut tests: Vec<&str> = tests.iter().map(String::as_str).collect();
            if IGNORED.contains(&mark) {
                tests.push("--ignored");
            }
            let began = Instant::now();
            let failed = failures(&copy, &programs, number, &tests);
            every[usize::from(IGNORED.contains(&mark))]
                .extend(tests.into_iter().map(str::to_owned));
            let verdict = if failed.is_some() { "killed" } else { "SURVIVES" };
            let seconds = began.elapsed().as_secs_f64();
            println!("{number:>3} {mark:<4} {verdict:<8} {seconds:>5.1} s  {file}: {from:?}");
            println!("      {}", failed.unwrap_or_default());
            if verdict != "killed" {
                problems.push(format!("{mark}: {file}: {from:?}: {}", mutant.3));
            }
        }
    }
    let seconds = started.elapsed().as_secs();
    println!("{count} mutants, {} survive, after {seconds} s", problems.len());
    for tests in every.iter().filter(|tests| !tests.is_empty()) {
        let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
        let failed = failures(&copy, &programs, 0, &tests);
        problems.extend(failed.map(|names| format!("without any mutant: {names}")));
    }
    println!("the same tests without a mutant: after {} s", started.elapsed().as_secs());
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Quick, in every run: each guard that a mutant takes out still stands there, once.
#[test]
fn every_mutant_finds_its_guard() {
    let files: BTreeSet<&str> = mutants().map(|(_, mutant)| mutant.1).collect();
    for file in files {
        mutated(file, &fs::read_to_string(root().join(file)).unwrap());
    }
    for (_, mutant) in mutants() {
        assert!(replacement(mutant).contains("OFF"), "{mutant:?} has no switch");
    }
}

/// Quick, in every run: no row of the sections A to G and K goes without.
#[test]
fn every_row_of_hostile_bytes_and_networks_has_a_mutant() {
    let marks: BTreeSet<&str> = mutants().flat_map(|(_, mutant)| mutant.0.split(' ')).collect();
    let rows = catalogue::tests_by_row();
    let of_section = |row: &&String| "ABCDEFGK".contains(&row[..1]);
    let rows: Vec<&String> = rows.keys().filter(of_section).collect();
    assert!(rows.len() > 150, "{} rows", rows.len());
    let without: Vec<_> = rows.iter().filter(|row| !marks.contains(row.as_str())).collect();
    assert!(without.is_empty(), "no mutant for {without:?}");
}

#[test]
fn a_guard_is_switched_by_its_own_words() {
    let of = |from, to| replacement(&("A01", "src/x.rs", from, to));
    assert_eq!(of("if a || b {", NEVER), "if !OFF && (a || b) {");
    assert_eq!(of("Some(x) if x < y => {", NEVER), "Some(x) if !OFF && (x < y) => {");
    assert_eq!(of("if let Some(x) = y {", NEVER), "if !OFF && let Some(x) = y {");
    assert_eq!(of("if a {", ALWAYS), "if OFF || (a) {");
    assert_eq!(of("check(x)?;", NEVER), "if !OFF { check(x)?; }");
    assert_eq!(of("5", "if OFF { 6 } else { 5 }"), "if OFF { 6 } else { 5 }");
}
