//! `verify --chain`: each link from the archive's signature to a locked package breaks by
//! its own fault, and holds without one.

use std::fs;

use serde_json::{Value, json};

use crate::support::fixture::{Fixture, Outcome};
use crate::support::mirror::{Mirror, Package, snapshot_stamp};

const NONE: [&str; 0] = [];
const ARCHIVE: &str = "debian-bookworm-x86_64.tar.zst";
const LISTED: &str = "locked packages stand in signed indices as they are locked";

/// A project with a lock and a packed archive.
fn packed() -> Fixture {
    let fixture = Fixture::locked();
    fixture.run_online("pack", NONE).code(0);
    fixture
}

/// `verify --chain` with these arguments; the mirrors are those of versions.toml.
fn chain(fixture: &Fixture, args: &[&str]) -> Outcome {
    let keyring = fixture.keyring();
    let keyring = ["--keyring", keyring.to_str().unwrap()];
    fixture.run(["verify", "--chain"].iter().chain(args).chain(&keyring))
}

fn document(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}\n{outcome}"))
}

/// The stable codes of what breaks.
fn codes(outcome: &Outcome) -> Vec<String> {
    let document = document(outcome);
    let problems = document["problems"].as_array().unwrap().iter();
    problems.map(|problem| problem["code"].as_str().unwrap().to_owned()).collect()
}

/// The hash of a package in the lock, and its line.
fn locked(fixture: &Fixture, name: &str) -> String {
    let lock = fixture.read("checksums.txt");
    let line = lock.lines().find(|line| !line.starts_with('#') && line.contains(name));
    line.unwrap_or_else(|| panic!("{name} is not locked")).to_owned()
}

#[test]
fn the_chain_of_all_that_is_locked_holds_with_and_without_a_network() {
    let fixture = packed();
    let before = fixture.read("checksums.txt");
    let connections = fixture.mirror.server().connections();
    let held = chain(&fixture, &["--offline"]);
    held.code(0).stderr_has(LISTED).stderr_has("bookworm of ");
    held.stderr_has(": the state that the lock was made from; signed by Throwaway");
    held.stderr_has(&format!("{ARCHIVE}: made anew from the locked packages, the same bytes"));
    assert_eq!(fixture.mirror.server().connections(), connections, "the network was asked");
    // Without kept indices they are fetched, and kept.
    fs::remove_dir_all(fixture.path("toolchains/cache/dists")).unwrap();
    chain(&fixture, &["--offline"]).code(5).stderr_has("no signed file of an earlier run");
    chain(&fixture, &[]).code(0).stderr_has(LISTED);
    let all = chain(&fixture, &["--offline", "--json"]);
    let document = document(all.code(0));
    assert_eq!(document["problems"], json!([]));
    assert_eq!(document["archives"], json!([ARCHIVE]));
    let packages = document["packages"].as_array().unwrap();
    assert!(packages.len() > 30 && packages.iter().all(|it| it["holds"] == true));
    assert_eq!(fixture.read("checksums.txt"), before);
}

#[test]
fn the_chain_of_one_package_is_printed_link_by_link() {
    let fixture = packed();
    let told = chain(&fixture, &["libcrypt1", "--offline"]);
    let (hash, path) = locked(&fixture, "libcrypt1_4.4.33-2_amd64")
        .split_once("  ")
        .map(|(hash, path)| (hash.to_owned(), path.to_owned()))
        .unwrap();
    for line in [
        "libcrypt1 1:4.4.33-2 amd64\n",
        &format!("  file       {path}\n"),
        &format!("  lock       checksums.txt: sha256 {hash}\n"),
        "  index      dists/bookworm/main/binary-amd64/Packages.xz: sha256 ",
        "  release    dists/bookworm/InRelease of ",
        ": the state that the lock was made from\n",
        "(Throwaway <test@example.org>)\n",
    ] {
        told.code(0).stdout_has(line);
    }
    told.stdout_lacks("libc6 ").stderr_lacks(ARCHIVE);
    chain(&fixture, &["libcrypt9"]).code(2).stderr_has("locks no package called libcrypt9");
}

/// As Debian's security updates do once they are part of a point release.
#[test]
fn a_package_of_two_suites_holds_by_the_one_that_it_was_locked_from() {
    let mut mirror = Mirror::bookworm();
    for suite in ["bookworm", "bookworm-security"] {
        mirror.suite(suite).add(Package::new("libtwin1", "1.0-1", "amd64"));
    }
    mirror.publish();
    let fixture = Fixture::with(mirror);
    fixture.lock(["--with", "libtwin1"]).code(0);
    let held = chain(&fixture, &["libtwin1"]);
    held.code(0).stdout_has("  file       pool/main/libt/libtwin1/libtwin1_1.0-1_amd64.deb\n");
    held.stdout_has("  release    dists/bookworm/InRelease of ").stdout_lacks("bookworm-security");
    chain(&fixture, &[]).code(0).stderr_has(LISTED);
}

#[test]
fn a_lock_that_says_other_bytes_than_were_signed_breaks() {
    let fixture = packed();
    let line = locked(&fixture, "libcrypt1_4.4.33-2_amd64");
    let other = format!("{}{}", if line.starts_with('0') { "1" } else { "0" }, &line[1..]);
    fixture.edit("checksums.txt", &line, &other);
    let broken = chain(&fixture, &["libcrypt1", "--json"]);
    assert_eq!(codes(broken.code(4)), ["chain-differs", "cache-content"]);
    let told = chain(&fixture, &["libcrypt1"]);
    told.code(4).stdout_has("  BROKEN     SHA-256: bookworm of ");
    told.stderr_has(&line[..64]).stderr_has(&other[..64]).stderr_has("hint: `git diff");
    // All of it: the archive is made of other packages now, too.
    assert!(codes(&chain(&fixture, &["--json"])).contains(&"chain-archive".to_owned()));
}

#[test]
fn a_version_that_nobody_signed_breaks() {
    let fixture = packed();
    let lock = fixture.read("checksums.txt");
    let changed = lock.replace("libcrypt1_4.4.33-2_amd64", "libcrypt1_4.4.33-9_amd64").replace(
        "name=libcrypt1 version=1:4.4.33-2 architecture=amd64",
        "name=libcrypt1 version=1:4.4.33-9 architecture=amd64",
    );
    assert_ne!(lock, changed);
    fixture.write("checksums.txt", changed);
    let broken = chain(&fixture, &["libcrypt1", "--json"]);
    assert_eq!(codes(broken.code(4)), ["chain-absent"]);
    chain(&fixture, &["libcrypt1"])
        .code(4)
        .stderr_has("no signed index has this version: bookworm of");
}

#[test]
fn an_archive_of_other_bytes_than_the_locked_packages_make_breaks() {
    let fixture = packed();
    let line = locked(&fixture, ARCHIVE);
    fixture.edit("checksums.txt", &line, &format!("{}  {ARCHIVE}", "0".repeat(64)));
    fs::remove_file(fixture.path(format!("toolchains/cache/{ARCHIVE}"))).unwrap();
    let broken = chain(&fixture, &["--json"]);
    assert_eq!(codes(broken.code(4)), ["chain-archive"]);
    assert!(broken.stdout.contains(&line[..64]), "{broken}");
    // The folder of kept packages is as it was, and nothing is left of the making.
    let names = fs::read_dir(fixture.path("toolchains/cache/unpacked")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let hidden: Vec<String> = names.filter(|name| name.starts_with('.')).collect();
    assert_eq!(hidden, [".lock"]);
    assert!(!fixture.path(format!("toolchains/cache/{ARCHIVE}")).exists());
}

#[test]
fn signed_files_of_the_cache_are_verified_and_never_believed() {
    let fixture = packed();
    let path = "toolchains/cache/dists/bookworm/InRelease";
    let text = fixture.read(path);
    fixture.write(path, text.replace("Codename: bookworm", "Codename: bookwurm"));
    chain(&fixture, &["--offline"]).code(4).stderr_has("bad signature by");
    // With a network the mirror's takes its place.
    chain(&fixture, &[]).code(0).stderr_has(LISTED);
    assert_eq!(fixture.read(path), text);
    // By nobody's key, it is nobody's word.
    let other = crate::support::mirror::keyring(&[crate::support::mirror::throwaway_key(9)]);
    fixture.write_keyring(&other);
    chain(&fixture, &[]).code(4).stderr_has("signed by unknown keys only");
}

/// Moves what `take_snapshot` kept to the moment at which the service is asked.
fn later(fixture: &Fixture, archive: &str, date: u64) {
    let folder = fixture.mirror.root().join("snapshot").join(archive);
    let to = folder.join(snapshot_stamp(date + 43_200));
    fs::rename(folder.join(snapshot_stamp(date)), to).unwrap();
}

#[test]
fn a_superseded_version_is_shown_by_the_state_that_listed_it_last() {
    let mut fixture = Fixture::new();
    fixture.lock(NONE).code(0);
    let date = fixture.mirror.suite("bookworm").date;
    fixture.mirror.take_snapshot();
    let next = |fixture: &mut Fixture, version: &str| {
        fixture.mirror.pass_time(3600);
        fixture.mirror.suite("bookworm").bump("libcrypt1", version, "Another.");
        fixture.mirror.publish();
    };
    next(&mut fixture, "1:4.4.33-3");
    // The indices of the lock are in the cache still: nobody need be asked.
    chain(&fixture, &["--offline"]).code(0).stderr_has(LISTED);
    fs::remove_dir_all(fixture.path("toolchains/cache/dists")).unwrap();
    let unshown = chain(&fixture, &["--json"]);
    assert_eq!(codes(unshown.code(5)), ["chain-unshown"; 4], "libcrypt1 and -dev, twice");
    later(&fixture, "debian", date);
    let shown = chain(&fixture, &["libcrypt1"]);
    shown.code(0).stderr_has("bookworm of ").stdout_has("the state that the lock was made from");
    chain(&fixture, &[]).code(0).stderr_has(LISTED);
    chain(&fixture, &["--offline"]).code(0).stderr_has(LISTED);
    // A lock that kept the version while its suite went on knows when it was listed last.
    next(&mut fixture, "1:4.4.33-4");
    fixture.lock(NONE).code(0);
    fs::remove_dir_all(fixture.path("toolchains/cache/dists")).unwrap();
    let shown = chain(&fixture, &["libcrypt1"]);
    shown.code(0).stdout_has("an earlier state, out of the snapshot service\n");
    // A later state shows whatever is in it still.
    next(&mut fixture, "1:4.4.33-5");
    fs::remove_dir_all(fixture.path("toolchains/cache/dists")).unwrap();
    let today = chain(&fixture, &["libatomic1"]);
    today.code(0).stdout_has("not the state that the lock was made from\n");
}
