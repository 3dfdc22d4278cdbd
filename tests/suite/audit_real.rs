//! `audit` against Debian's real archive, by the mirror of this machine's apt sources: the
//! lock of this repository as it is, and an artificially old one. Nothing is written outside
//! a temporary folder.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::fixture::{Outcome, PROGRAM};
use crate::support::sources::root;

/// What glibc's changelog names after 2.36-9+deb12u7 up to 2.36-9+deb12u14.
const IDS: [&str; 14] = [
    "CVE-2024-2961",
    "CVE-2024-33599",
    "CVE-2024-33600",
    "CVE-2024-33601",
    "CVE-2024-33602",
    "CVE-2025-0395",
    "CVE-2025-4802",
    "CVE-2025-8058",
    "CVE-2025-15281",
    "CVE-2026-0861",
    "CVE-2026-0915",
    "CVE-2026-4046",
    "CVE-2026-4437",
    "CVE-2026-4438",
];

fn audit(folder: &std::path::Path, lock: &str) -> (Outcome, Value) {
    fs::copy(root().join("versions.toml"), folder.join("versions.toml")).unwrap();
    fs::write(folder.join("checksums.txt"), lock).unwrap();
    let mut command = Command::new(PROGRAM);
    command.arg("--root").arg(folder).args(["audit", "--json"]);
    let outcome = Outcome::new(format!("{command:?}"), &command.output().unwrap());
    let document =
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}\n{outcome}"));
    (outcome, document)
}

#[test]
#[ignore = "run by .ci/run audit"]
fn the_real_archive_is_checked_and_an_old_lock_yields_the_cves_between() {
    let folder = tempfile::tempdir().unwrap();
    let lock = fs::read_to_string(root().join("checksums.txt")).unwrap();
    let (_, today) = audit(folder.path(), &lock);
    assert_eq!(today["facts"]["checked"], "online");
    println!("today: {} {}", today["status"], today["findings"]);
    assert!(lock.contains("2.36-9+deb12u14"), "the lock has moved on: so must this test");
    let old = lock.replace("2.36-9+deb12u14", "2.36-9+deb12u7");
    let (outcome, then) = audit(folder.path(), &old);
    outcome.code(3);
    let updates = then["facts"]["updates"].as_array().unwrap();
    let libc = updates.iter().find(|update| update["name"] == "libc6").expect("libc6 is old");
    println!("then: {} {libc}", then["status"]);
    assert_eq!((&libc["old"], &libc["linked"]), (&"2.36-9+deb12u7".into(), &true.into()));
    let ids: Vec<&str> =
        libc["cves"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let missing: Vec<_> = IDS.iter().filter(|id| !ids.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?} of {ids:?}");
    if libc["new"] == "2.36-9+deb12u14" {
        assert_eq!(ids, IDS);
    }
    assert_eq!(libc["complete"], true);
}
