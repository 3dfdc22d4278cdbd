//! What the shell scripts before this program got wrong, and the page that names a test for
//! each. The tests here are those that no other module has.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::fixture::Fixture;
use crate::support::mirror::Mirror;
use crate::support::mirror::elf::Elf;
use crate::support::sources::{root, rust_files};

const NONE: [&str; 0] = [];
const ARCHIVE: &str = "toolchains/cache/debian-bookworm-x86_64.tar.zst";
const TREE: &str = "toolchains/x86_64-unknown-linux-gnu";

/// The machine that this one is not: its ELF number, and qemu's name for it.
const FOREIGN: (u16, &str) =
    if cfg!(target_arch = "x86_64") { (183, "qemu-aarch64") } else { (62, "qemu-x86_64") };

#[test]
fn each_mistake_of_the_predecessor_has_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/src/design/predecessor.md")).unwrap();
    let sources: Vec<String> = rust_files("tests").into_iter().map(|(_, text)| text).collect();
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains('`'));
    let mut count = 0;
    for row in rows {
        count += 1;
        let tests = row.rsplit(" | ").next().unwrap();
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            let declared = format!("fn {name}() {{");
            let is_test = |text: &String| {
                text.split_once(&declared).is_some_and(|(before, _)| {
                    before.rsplit("\n\n").next().is_some_and(|it| it.contains("#[test]"))
                })
            };
            assert!(sources.iter().any(is_test), "no test has the name {name}");
        }
    }
    assert!(count >= 9, "the table is broken: {count} rows");
}

/// A toolchain from a packed archive, and the archive.
fn from_an_archive() -> (Fixture, PathBuf) {
    let fixture = Fixture::locked();
    fixture.run_online("pack", ["--with-llvm"]).code(0);
    fixture.run_online("pack", NONE).code(0);
    let made = format!("-llvm-{}.tar.zst", std::env::consts::ARCH);
    let archive = fixture.path(ARCHIVE.replace(".tar.zst", &made));
    fixture.run(["prepare", "--archive"]).code(0);
    (fixture, archive)
}

#[test]
fn a_swapped_archive_is_refused_and_the_toolchain_stays() {
    let (fixture, _) = from_an_archive();
    let before = fixture.snapshot(TREE);
    // As good an archive as the first, of other packages.
    let mut mirror = Mirror::bookworm();
    mirror.pass_time(3600);
    mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Fix a thing.");
    mirror.publish();
    let other = Fixture::with(mirror);
    other.lock(NONE).code(0);
    other.run_online("pack", NONE).code(0);
    fs::copy(other.path(ARCHIVE), fixture.path(ARCHIVE)).unwrap();
    let swapped = fixture.path(ARCHIVE).display().to_string();
    let again = ["prepare", "--force", "--archive", &swapped];
    fixture.run(again).code(4).stderr_has("expected").stderr_has("got");
    assert_eq!(fixture.snapshot(TREE), before);
}

#[test]
fn force_with_a_cut_archive_leaves_the_old_toolchain_and_no_stamp_without_a_tree() {
    let (fixture, archive) = from_an_archive();
    let before = fixture.snapshot(TREE);
    let good = fs::read(&archive).unwrap();
    fs::write(&archive, &good[..good.len() / 2]).unwrap();
    fixture.run(["prepare", "--force", "--archive"]).code(4);
    assert_eq!(fixture.snapshot(TREE), before);
    fixture.run(["verify"]).code(0);
    // It says that it is up to date because it is.
    fixture.run(["prepare", "--archive"]).code(0).stderr_has("up to date");
    // Without a tree there is nothing to be up to date.
    fs::remove_file(fixture.path(TREE)).unwrap();
    for _ in 0..2 {
        fixture.run(["prepare", "--archive"]).code(4).stderr_lacks("up to date");
    }
    fs::write(&archive, &good).unwrap();
    fixture.run(["prepare", "--archive"]).code(0);
    fixture.run(["verify"]).code(0);
}

#[test]
fn compression_is_told_by_the_bytes_and_no_program_is_asked() {
    let (fixture, archive) = from_an_archive();
    fs::remove_file(fixture.path(TREE)).unwrap();
    let asked = fixture.path("asked");
    for tool in ["tar", "zstd", "unzstd", "zstdcat", "gzip", "xz", "file", "head", "od", "sh"] {
        fixture.tool(tool, &format!("echo {tool} >> '{}'; exit 1", asked.display()));
    }
    // A name that says something else than the bytes.
    let named = fixture.path("archive.tar.gz");
    fs::rename(&archive, &named).unwrap();
    fixture.run(["prepare", "--archive", named.to_str().unwrap()]).code(0);
    assert!(!asked.exists(), "{}", fs::read_to_string(&asked).unwrap());
}

/// Runs a program for the other machine under a qemu that is a script with this body: the
/// status, and the line of metrics.
fn emulated(fixture: &Fixture, output: &str, body: &str) -> (Option<i32>, u64, Value) {
    let bytes = Elf::program(FOREIGN.0, output).build();
    fixture.write("program", &bytes);
    let path = fixture.path("program");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(fixture.path("toolchains")).unwrap();
    fixture.tool(FOREIGN.1, body);
    let outcome = fixture.run(["run", "--backend", "qemu-user", path.to_str().unwrap()]);
    let metrics = fixture.read("toolchains/metrics.jsonl");
    let entry = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    (outcome.status, bytes.len() as u64, entry)
}

#[test]
fn a_status_of_7_under_the_emulator_is_7() {
    let fixture = Fixture::new();
    for status in [0, 7, 255] {
        let (got, _, entry) = emulated(&fixture, "x", &format!("exit {status}"));
        assert_eq!(got, Some(status));
        assert_eq!(entry["exit_status"], status);
    }
}

#[test]
fn metrics_are_measured_and_follow_what_was_run() {
    let fixture = Fixture::new();
    let (_, small, quick) = emulated(&fixture, "x", "exit 0");
    let (_, large, slow) = emulated(&fixture, &"x".repeat(9000), "/bin/sleep 1; exit 3");
    assert!(large > small);
    assert_eq!((&quick["elf_bytes"], &slow["elf_bytes"]), (&small.into(), &large.into()));
    assert_eq!((&quick["exit_status"], &slow["exit_status"]), (&0.into(), &3.into()));
    let total = |entry: &Value| entry["milliseconds"]["total"].as_u64().unwrap();
    assert!(total(&slow) >= 1000 && total(&slow) > total(&quick), "{quick} {slow}");
    assert_eq!(slow["emulator"], "qemu-user");
    assert!(slow["time"].as_str() >= quick["time"].as_str());
}
