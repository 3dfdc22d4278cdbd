//! `inspect`: real programs against readelf's word, generated ones against the sysroot, and
//! hostile ones, which end in an error and in no time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reml_toolchain::{elf, inspect};
use serde_json::Value;

use crate::support::fixture::{Fixture, Outcome, PROGRAM};
use crate::support::mirror::elf::Elf;

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";
const X86_64: u16 = 62;

fn look(fixture: &Fixture, options: &[&str], name: &str, bytes: &[u8]) -> Outcome {
    fixture.write(name, bytes);
    let path = fixture.path(name);
    let mut all = vec!["inspect"];
    all.extend(options);
    all.push(path.to_str().unwrap());
    fixture.run(all)
}

fn document(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}

#[test]
fn what_is_told_of_a_real_program_is_what_readelf_says() {
    let fixture = Fixture::new();
    let outcome = fixture.run(["--json", "inspect", PROGRAM]);
    outcome.code(0);
    let ours = document(&outcome);
    let readelf = |options: &[&str]| {
        let mut call = Command::new("readelf");
        let output = call.args(options).arg(PROGRAM).env("LC_ALL", "C").output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let header = readelf(&["-hW"]);
    let entry = header.lines().find_map(|line| line.trim().strip_prefix("Entry point address:"));
    let entry = u64::from_str_radix(entry.unwrap().trim().trim_start_matches("0x"), 16).unwrap();
    assert_eq!(ours["entry"], entry);
    let dynamic = readelf(&["-dW"]);
    let needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .map(|line| line.split(['[', ']']).nth(1).unwrap())
        .collect();
    assert_eq!(ours["needed"], serde_json::json!(needed));
    // Every undefined symbol with a version, as `name@VERSION`.
    let mut theirs: Vec<String> = readelf(&["--dyn-syms", "-W"])
        .lines()
        .filter(|line| line.contains(" UND ") && line.contains('@'))
        .map(|line| line.split_whitespace().nth(7).unwrap().to_owned())
        .collect();
    let mut mine: Vec<String> = Vec::new();
    for want in ours["versions"].as_array().unwrap() {
        let version = want["version"].as_str().unwrap();
        let names = want["symbols"].as_array().unwrap().iter();
        mine.extend(names.map(|name| format!("{}@{version}", name.as_str().unwrap())));
    }
    theirs.sort();
    mine.sort();
    assert!(mine.len() > 50, "{mine:?}");
    assert_eq!(mine, theirs);
    let segments = readelf(&["-lnW"]);
    assert_eq!(ours["hardening"]["relro"] != "none", segments.contains("GNU_RELRO"));
    assert!(segments.contains("GNU_STACK") && ours["hardening"]["nx"] == true);
    assert!(segments.contains(ours["build_id"].as_str().unwrap()), "{segments}");
}

#[test]
fn libraries_are_looked_for_in_the_sysroot_and_missing_ones_are_named() {
    let fixture = Fixture::prepared();
    let bytes = Elf::program(X86_64, "x")
        .interpreter(LOADER)
        .wants("libc.so.6", &["GLIBC_2.2.5", "GLIBC_2.34"])
        .needs("libnone.so.3")
        .runpath("$ORIGIN/../lib")
        .build();
    let outcome = look(&fixture, &[], "program", &bytes);
    outcome.code(0);
    for part in [
        "machine      x86_64-unknown-linux-gnu\n",
        "interpreter  /lib64/ld-linux-x86-64.so.2\n",
        "runpath      $ORIGIN/../lib\n",
        "libnone.so.3                 missing from the sysroot\n",
        "libc.so.6                    /lib/x86_64-linux-gnu/libc.so.6\n",
        "  libc.so.6  GLIBC_2.34\n  libc.so.6  GLIBC_2.2.5\n",
        "glibc 2.34 or newer\n  Debian 12 (bookworm) or newer\n  Ubuntu 22.04 or newer\n  RHEL 9",
        "where these are installed: libnone.so.3\n",
    ] {
        assert!(outcome.stdout.contains(part), "{part:?} in {outcome}");
    }
    assert_eq!(outcome.stderr, "");
}

#[test]
fn a_newer_glibc_than_allowed_is_a_finding_that_names_the_symbols() {
    let fixture = Fixture::new();
    let bytes = Elf::program(X86_64, "x")
        .interpreter(LOADER)
        .wants("libc.so.6", &["GLIBC_2.4", "GLIBC_2.34"])
        .build();
    let outcome = look(&fixture, &["--max-glibc", "2.31"], "new", &bytes);
    outcome.code(3).stderr_has("needs GLIBC_2.34 of libc.so.6");
    let outcome = look(&fixture, &["--json", "--max-glibc", "2.31"], "new", &bytes);
    outcome.code(3);
    assert_eq!(document(&outcome)["max_glibc"]["met"], false);
    // Numbers, not strings: 2.4 is older than 2.31.
    look(&fixture, &["--max-glibc", "2.34"], "new", &bytes).code(0);
    look(&fixture, &["--max-glibc", "2"], "new", &bytes).code(2).stderr_has("two numbers");
    // The real thing, with its symbols.
    let outcome = fixture.run(["inspect", "--max-glibc", "2.2", PROGRAM]);
    outcome.code(3).stderr_has("error: ").stderr_has("of libc.so.6: ");
    let is_static = Elf::program(X86_64, "x").build();
    let outcome = look(&fixture, &["--max-glibc", "2.0"], "static", &is_static);
    outcome.code(0).stdout_has("any Linux");
}

#[test]
fn what_is_no_elf_file_is_refused_with_its_code() {
    let fixture = Fixture::new();
    let refused = |outcome: &Outcome, code: &str| {
        outcome.code(1).stderr_has("error: ");
        assert_eq!(document(outcome)["error"]["code"], code, "{outcome}");
    };
    refused(&look(&fixture, &["--json"], "script", b"#!/bin/sh\n"), "elf-not-elf");
    refused(&look(&fixture, &["--json"], "empty", b""), "elf-not-elf");
    let cut = &Elf::program(X86_64, "x").build()[..100];
    refused(&look(&fixture, &["--json"], "cut", cut), "elf-broken");
    refused(&fixture.run(["--json", "inspect", "/nonexistent"]), "file-not-found");
    refused(&fixture.run(["--json", "inspect", "/"]), "not-a-regular-file");
    refused(&fixture.run(["--json", "inspect", "/dev/zero"]), "not-a-regular-file");
    fixture.run(["inspect"]).code(2);
}

/// Files of several kinds: generated ones, and this test's own program.
fn samples() -> Vec<Vec<u8>> {
    let program = Elf::program(X86_64, "x").interpreter(LOADER);
    let program = program.wants("libc.so.6", &["GLIBC_2.34"]).runpath("/x").build();
    vec![program, Elf::library(183, "lib.so").defines(&["A_1"]).build(), fs::read(PROGRAM).unwrap()]
}

/// Everything that is made of a file, whatever becomes of it.
fn inspect_all(folder: &Path, bytes: &[u8]) -> bool {
    let file = folder.join("file");
    fs::write(&file, bytes).unwrap();
    let root = |_| Some(PathBuf::from("/"));
    match inspect::inspect(Path::new("file"), folder, root) {
        Ok(report) => {
            assert!(!report.text().is_empty() && report.json().is_object());
            true
        }
        Err(fault) => {
            assert!(fault.code().starts_with("elf-"), "{fault}");
            false
        }
    }
}

#[test]
fn every_truncation_of_the_headers_gives_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    for whole in samples() {
        assert!(inspect_all(folder.path(), &whole));
        // A cut header is never a program.
        for end in 0..64 {
            assert!(!inspect_all(folder.path(), &whole[..end]), "{end} bytes were taken");
        }
        for end in 64..whole.len().min(1200) {
            inspect_all(folder.path(), &whole[..end]);
        }
    }
}

#[test]
fn flipped_bits_never_crash_or_hang() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    for whole in samples().into_iter().take(2) {
        for at in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            let _ = elf::details(&bytes).map(|_| ());
            // The header and the tables' heads through the whole command's work.
            if at / 8 < 320 {
                inspect_all(folder.path(), &bytes);
            }
        }
    }
    // A real program has tables of every kind: each byte of its headers, all bits.
    let mut bytes = fs::read(PROGRAM).unwrap();
    for at in 0..1024 {
        bytes[at] ^= 0xff;
        let _ = (elf::read(&bytes).map(|_| ()), elf::details(&bytes).map(|_| ()));
        bytes[at] ^= 0xff;
    }
    assert!(begun.elapsed() < Duration::from_mins(2), "{:?}", begun.elapsed());
}

#[test]
fn names_in_a_file_cannot_write_lines_of_their_own() {
    let fixture = Fixture::prepared();
    let bytes = Elf::program(X86_64, "x")
        .interpreter(LOADER)
        .needs("a\n\nruns on\n  everything\u{1b}[2J")
        .runpath("/x\nmachine      a lie")
        .build();
    let outcome = look(&fixture, &[], "liar", &bytes);
    outcome.code(0);
    assert!(!outcome.stdout.contains('\u{1b}'), "{outcome}");
    let lines = |start: &str| outcome.stdout.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!((lines("machine"), lines("runs on")), (1, 1), "{outcome}");
}
