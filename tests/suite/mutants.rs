//! Guards taken out one by one, in a copy of the sources: the tests named must fail then.
//! Never a test of wording: each mutant must compile, and its tests pass without it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::support::sources::root;

/// A file, the guard in it, what takes its place, and the tests of which one must fail.
type Mutant = (&'static str, &'static str, &'static str, &'static [&'static str]);

const VERIFY: &str = "src/debian/openpgp/verify.rs";
const KEY: &str = "src/debian/openpgp/key.rs";
const RELEASE: &str = "src/debian/release/check.rs";
const TAR: &str = "src/debian/tar.rs";
const HEADER: &str = "src/debian/tar/header.rs";
const NAME: &str = "src/debian/tar/name.rs";
const AR: &str = "src/debian/ar.rs";
const REDIRECT: &str = "src/host/http/redirect.rs";

#[rustfmt::skip]
const MUTANTS: &[Mutant] = &[
    (VERIFY, "if packet.tag != 2 {", "if false {", &["signatures::a29_"]),
    (VERIFY, "if created > now.saturating_add(CLOCK_SKEW) {", "if false {", &["signatures::a12_"]),
    (VERIFY, "if created < key.created {", "if false {", &["signatures::a11_"]),
    (VERIFY, "signature.expires().filter(|expires| *expires <= now)", "signature.expires().filter(|_| false)", &["signatures::a13_"]),
    (VERIFY, "key.expires.filter(|expires| *expires <= now)", "key.expires.filter(|_| false)", &["signatures::a07_", "signatures::a08_"]),
    (VERIFY, "if signature.kind != TEXT_SIGNATURE {", "if false {", &["signatures::a30_"]),
    (VERIFY, "if key.material.is_weak() {", "if false {", &["::a15_"]),
    (VERIFY, "= signature.critical {", "= signature.critical.filter(|_| false) {", &["signatures::a32_"]),
    (VERIFY, "= signature.uncovered {", "= signature.uncovered.filter(|_| false) {", &["signatures::a34_"]),
    (VERIFY, "= signature.twice {", "= signature.twice.filter(|_| false) {", &["signatures::"]),
    (VERIFY, "if !signature.issuers.iter().all(", "if false && !signature.issuers.iter().all(", &["signatures::"]),
    (VERIFY, "if !self.digests.contains(&digest) {", "if false {", &["signatures::a23_"]),
    (VERIFY, "if self.checked > MAX_CHECKED {", "if false {", &["signatures::a35_"]),
    (VERIFY, "if !key.material.signed(", "if false && !key.material.signed(", &["signatures::a16_", "signatures::a33_"]),
    (VERIFY, "return Err(SignatureError::Bad { fingerprint, name, reason });", "let _ = (fingerprint, name, reason);", &["signatures::a05_"]),
    (VERIFY, ".any(|good| good.fingerprint == key.fingerprint)", ".any(|good| good.fingerprint == key.fingerprint || true)", &["::a42_"]),
    (VERIFY, "if judge.good.is_empty() {", "if false {", &["signatures::a02_", "signatures::a14_"]),
    (KEY, "Role::Release => suite == release,", "Role::Release => suite == release || true,", &["inrelease::"]),
    (KEY, "in_role && releases.contains(&release)", "in_role && !releases.is_empty()", &["inrelease::a06_"]),
    (RELEASE, "if date.0 > now.0.saturating_add(AHEAD) {", "if false && date.0 > now.0.saturating_add(AHEAD) {", &["lock_refusals::", "b04_"]),
    (RELEASE, "None if expectation.valid_until_required =>", "None if false && expectation.valid_until_required =>", &["b02_"]),
    (RELEASE, "Some(until) if until < now => {", "Some(until) if false && until < now => {", &["b01_"]),
    (RELEASE, "if date < seen.date {", "if false {", &["b05_"]),
    (RELEASE, "if date == seen.date && *digest != seen.sha256 {", "if false && *digest != seen.sha256 {", &["b05_"]),
    (TAR, "if name.is_some() || target.is_some() {", "if false {", &["archives::links::f09_", "archives::names::f09_", "f09_"]),
    (TAR, "if long.is_some() {", "if false {", &["f09_"]),
    (TAR, "if target.is_some() && !matches!(header.kind, b'1' | b'2') {", "if false {", &["f09_"]),
    (TAR, "if size > 0 && header.kind != b'0' {", "if false {", &["f19_"]),
    (TAR, "if count > limit {", "if false && count > limit {", &["f16_"]),
    (HEADER, "b'x' | b'g' | b'X' => return Err(Problem::Pax { kind }),", "b'x' | b'g' | b'X' => {}", &["f08_"]),
    (HEADER, "_ => return Err(Problem::MemberType { kind }),", "_ => {}", &["f06_"]),
    (HEADER, "check_sum(block, &fields.cksum)?;", "let _ = check_sum(block, &fields.cksum);", &["f17_"]),
    (HEADER, "octal(\"gid\", &fields.gid)?;", "", &["f17_"]),
    (NAME, "if text.starts_with('/') {", "if false {", &["f01_"]),
    (NAME, "if index == MAX_DEPTH {", "if false && index == MAX_DEPTH {", &["f16_"]),
    (NAME, "if bytes.len() > MAX_PATH {", "if false {", &["f16_paths_"]),
    (NAME, "if text.chars().any(char::is_control) {", "if false {", &["f15_"]),
    (AR, "if magic != MAGIC {", "if false && magic != MAGIC {", &["e01_"]),
    (AR, "if padding != b\"\\n\" {", "if false {", &["e06_"]),
    (AR, "if end != b\"`\\n\" {", "if false {", &["e01_"]),
    (AR, "if number == 0 {", "if false {", &["e02_"]),
    (REDIRECT, "if hops >= MOST_HOPS {", "if false {", &["g05_locations_"]),
    (REDIRECT, "(\"https\", \"http\", Pinned::No) => {", "(\"https\", \"http\", Pinned::No) if false => {", &["g04_"]),
    (REDIRECT, "&& !hides_control(text)", "&& (!hides_control(text) || true)", &["g05_"]),
    (REDIRECT, "if location.len() > LONGEST_LOCATION {", "if false {", &["g05_locations_"]),
];

/// Runs the tests whose paths hold one of `filters`: first those of the suite, and if they
/// pass, those beside the code. `None` when it does not compile.
fn passes(copy: &Path, filters: &[&str]) -> Option<bool> {
    let mut ran = false;
    for kind in [&["--test", "suite"][..], &["--lib"]] {
        let cargo = |args: &[&str]| {
            // Without its guard a test may wait for ever: that is noticed as well.
            let mut command = Command::new("timeout");
            command
                .args(["600", "cargo", "test", "--offline"])
                .args(kind)
                .args(args)
                .current_dir(copy);
            // A folder of its own, kept for the next time.
            command.env("CARGO_TARGET_DIR", root().join("target/mutants"));
            // Nobody looks into these programs with a debugger.
            command.env("CARGO_PROFILE_DEV_DEBUG", "0");
            command.output().expect("timeout runs")
        };
        if !cargo(&["--no-run"]).status.success() {
            return None;
        }
        let output = cargo(&[&["--"], filters].concat());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ran |= said.lines().any(|line| line.starts_with("test ") && line.contains(" ... "));
        if !output.status.success() {
            return Some(false);
        }
    }
    assert!(ran, "{filters:?} names no test");
    Some(true)
}

#[test]
#[ignore = "long: the step mutants of .ci/run, not among the usual ones"]
fn every_guard_taken_out_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    let list = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output().unwrap();
    for file in String::from_utf8(list.stdout).unwrap().split_terminator('\0') {
        let to = copy.join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(root().join(file), to).unwrap();
    }
    let (started, mut problems) = (Instant::now(), Vec::new());
    for (number, (file, from, to, tests)) in MUTANTS.iter().enumerate() {
        let path = copy.join(file);
        let sound = fs::read_to_string(&path).unwrap();
        assert_eq!(sound.matches(from).count(), 1, "{file}: {from}");
        fs::write(&path, sound.replace(from, to)).unwrap();
        let verdict = match passes(&copy, tests) {
            None => "does not compile",
            Some(true) => "SURVIVES",
            Some(false) => "killed",
        };
        fs::write(&path, sound).unwrap();
        let seconds = started.elapsed().as_secs();
        println!("{:>3} {verdict:<16} {file}: {from} (after {seconds} s)", number + 1);
        if verdict != "killed" {
            problems.push(format!("{file}: {from}: {verdict}"));
        }
    }
    println!("{} mutants, {} killed", MUTANTS.len(), MUTANTS.len() - problems.len());
    let every: Vec<&str> = MUTANTS.iter().flat_map(|mutant| mutant.3.iter().copied()).collect();
    assert_eq!(passes(&copy, &every), Some(true), "tests fail without any mutant");
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Quick, in every run: each guard that a mutant takes out still stands there, once.
#[test]
fn every_mutant_finds_its_guard() {
    for (file, from, to, tests) in MUTANTS {
        let text = fs::read_to_string(root().join(file)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{file}: {from}");
        assert!(from != to && !tests.is_empty());
    }
}
