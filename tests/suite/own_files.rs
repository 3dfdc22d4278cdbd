//! Section K of `docs/faults.md`: our own files when a person, a disk or an attacker has
//! had them. The built program refuses with the place and a hint, and changes nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::fixture::{Fixture, Outcome, Tree, in_place};

const NONE: [&str; 0] = [];
const TREE: &str = "toolchains/x86_64-unknown-linux-gnu";

/// What may not change: the whole folder but for the file under test and our lock files.
fn rest(fixture: &Fixture, file: &str) -> Tree {
    fixture.snapshot("").without(|path| path == file || path.ends_with(".lock"))
}

/// `prepare` ends with 2, says all texts and a hint, and changes nothing; in JSON, too.
#[track_caller]
fn refused(fixture: &Fixture, file: &str, what: &str, texts: &[&str]) {
    let before = rest(fixture, file);
    let outcome = fixture.prepare(["--json"]);
    println!("{file}, {what}: {}", outcome.stderr.lines().next().unwrap_or_default());
    outcome.code(2).stderr_has("error: ").stderr_has(file).stderr_has("hint: ");
    for text in texts {
        outcome.stderr_has(text);
    }
    assert!(outcome.stderr.len() < 8000, "{what}: {} bytes of message", outcome.stderr.len());
    json_error(&outcome, 2);
    rest(fixture, file).assert_same_as(&before);
}

/// stdout is one JSON document whose error has this exit status, and a code.
#[track_caller]
fn json_error(outcome: &Outcome, exit: i32) {
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("stdout is no JSON: {error}\n{outcome}"));
    assert_eq!(document["error"]["exit"], exit, "{outcome}");
    assert!(document["error"]["code"].is_string(), "{outcome}");
}

/// Puts something else in the place of a file of the project.
fn replace(fixture: &Fixture, file: &str, with: impl FnOnce(&Path)) {
    let path = fixture.path(file);
    fs::remove_file(&path).unwrap();
    with(&path);
}

/// What stands in the place of a file without being one that can be read.
fn impostors(file: &str) {
    type Put = fn(&Path);
    let cases: [(&str, Put); 5] = [
        ("a folder", |path| fs::create_dir(path).unwrap()),
        ("a FIFO", |path| {
            let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
            assert!(made.success());
        }),
        ("an endless device", |path| symlink("/dev/zero", path).unwrap()),
        ("a link to itself", |path| symlink(path.file_name().unwrap(), path).unwrap()),
        ("unreadable", |path| symlink("/proc/self/mem", path).unwrap()),
    ];
    for (what, put) in cases {
        let fixture = Fixture::locked();
        replace(&fixture, file, put);
        refused(&fixture, file, what, &[]);
    }
}

#[test]
fn k01_versions_toml_that_is_no_readable_file_is_refused() {
    impostors("versions.toml");
}

#[test]
fn k02_checksums_txt_that_is_no_readable_file_is_refused() {
    impostors("checksums.txt");
}

#[test]
fn k01_versions_toml_with_any_mistake_is_refused_with_its_place() {
    let fixture = Fixture::locked();
    let sound = fixture.read("versions.toml");
    let ten_megabytes = "# a long comment that says nothing at all\n".repeat(250_000);
    let with = |from: &str, to: &str| sound.replacen(from, to, 1).into_bytes();
    let cases: [(&str, Vec<u8>, &[&str]); 12] = [
        ("empty", Vec::new(), &["versions.toml:1:1: missing key `schema`"]),
        ("10 MB", ten_megabytes.into_bytes(), &["1048576 bytes"]),
        ("not UTF-8", b"schema = 1\n\xff\n".to_vec(), &["versions.toml:2:1: not UTF-8"]),
        ("NUL", b"schema = 1\n\0\n".to_vec(), &["versions.toml:2:1"]),
        ("syntax", b"schema = 1\n[toolchain\n".to_vec(), &["versions.toml:2:"]),
        ("twice", b"schema = 1\nschema = 1\n".to_vec(), &["versions.toml:2:1", "duplicate key"]),
        ("a newer format", with("schema = 1", "schema = 2"), &["expected 1, got 2", "newer"]),
        ("an older format", with("schema = 1", "schema = 0"), &["expected 1, got 0"]),
        ("a huge number", with("schema = 1", "schema = 18446744073709551616"), &["integer"]),
        ("a wrong type", with("gcc = 12", "gcc = \"12\""), &["expected an integer", "got string"]),
        ("a typo", with("glibc", "glbc"), &["unknown key", "did you mean `glibc`"]),
        ("an escape", with("bookworm\"", "\\u001b[2Jbookworm\""), &["versions.toml:"]),
    ];
    for (what, bytes, texts) in cases {
        fixture.write("versions.toml", bytes);
        refused(&fixture, "versions.toml", what, texts);
        let outcome = fixture.prepare(NONE);
        outcome.stderr_lacks("\u{1b}");
    }
    // A byte order mark and the line ends of Windows change nothing.
    fixture.write("versions.toml", format!("\u{feff}{}", sound.replace('\n', "\r\n")));
    fixture.prepare(["--dry-run"]).code(0);
}

#[test]
fn k02_checksums_txt_with_any_mistake_is_refused_with_its_place() {
    let fixture = Fixture::locked();
    let sound = fixture.read("checksums.txt");
    let first = sound.lines().position(|line| !line.starts_with('#')).unwrap() + 1;
    let place = format!("checksums.txt:{first}:1: ");
    let with = |from: &str, to: &str| sound.replacen(from, to, 1).into_bytes();
    let huge = format!("{sound}{}", "# a comment that says nothing\n".repeat(350_000));
    let cut = sound.strip_suffix('\n').unwrap().as_bytes().to_vec();
    let last = sound.rsplit_once("\n#! ").unwrap().0;
    let cases: [(&str, Vec<u8>, &[&str]); 11] = [
        ("empty", Vec::new(), &["checksums.txt:1:1: ", "not a lock"]),
        ("10 MB", huge.into_bytes(), &["4194304 bytes"]),
        ("not UTF-8", b"#! schema=1\n\xff\n".to_vec(), &["checksums.txt:2:1: not UTF-8"]),
        ("a BOM", [b"\xef\xbb\xbf", sound.as_bytes()].concat(), &["checksums.txt:1:1: "]),
        (
            "CRLF",
            sound.replace('\n', "\r\n").into_bytes(),
            &["checksums.txt:4:1: ", "more problems"],
        ),
        ("cut", cut, &["the last line is cut"]),
        ("cut between two lines", format!("{last}\n#! name=a\n").into_bytes(), &["is missing"]),
        ("a newer format", with("schema=1", "schema=2"), &["expected 1, got 2", "newer"]),
        ("a huge size", with(" size=", " size=9999999999999"), &["`size`", ":1: "]),
        ("a path that leaves", with("  pool/", "  ../pool/"), &[&place, "relative path"]),
        ("one blank", with("  pool/", " pool/"), &[&place]),
    ];
    for (what, bytes, texts) in cases {
        fixture.write("checksums.txt", bytes);
        refused(&fixture, "checksums.txt", what, texts);
    }
}

#[test]
fn k03_a_date_that_cannot_be_is_refused_and_one_from_the_future_is_a_rollback() {
    let fixture = Fixture::locked();
    let text = fixture.read("checksums.txt");
    let (before, rest) = text.split_once(" date=").unwrap();
    let (_, rest) = rest.split_once(' ').unwrap();
    for date in ["9223372036854775807", "-1", "253402300800"] {
        fixture.write("checksums.txt", format!("{before} date={date} {rest}"));
        refused(&fixture, "checksums.txt", date, &["`date`: expected seconds"]);
    }
    fixture.write("checksums.txt", format!("{before} date=253402300799 {rest}"));
    fixture.lock(NONE).code(4).stderr_has("31 Dec 9999").stderr_has("--allow-rollback");
    fixture.prepare(NONE).code(0);
}

#[test]
fn k04_a_stamp_that_is_not_one_is_never_trusted_and_prepare_repairs() {
    let fixture = Fixture::prepared();
    let stamp = format!("{TREE}/share/stamp.json");
    let sound = fixture.read(&stamp);
    let sound_tree = fixture.snapshot(format!("{TREE}/sysroot"));
    let mut cases: Vec<(&str, Option<String>)> = vec![
        ("missing", None),
        ("empty", Some(String::new())),
        ("cut", Some(sound[..sound.len() / 2].to_owned())),
        ("newer", Some(sound.replace("\"schema\": 1", "\"schema\": 2"))),
        ("binary", Some("\0\u{1}\u{2}".to_owned())),
        ("huge", Some(format!("{sound}{}", " ".repeat(2 << 20)))),
    ];
    let other = "aarch64-unknown-linux-gnu";
    cases.push(("of another target", Some(sound.replace("x86_64-unknown-linux-gnu", other))));
    for (what, text) in cases {
        let path = fixture.path(&stamp);
        match text {
            None => fs::remove_file(&path).unwrap(),
            Some(text) => fs::write(&path, text).unwrap(),
        }
        let outcome = fixture.prepare(NONE);
        outcome.code(0).stderr_lacks("is up to date");
        assert_eq!(fixture.read(&stamp), sound, "{what}");
        fixture.snapshot(format!("{TREE}/sysroot")).assert_same_as(&sound_tree);
        fixture.run(["verify"]).code(0);
    }
    let path = fixture.path(&stamp);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fixture.prepare(NONE).code(0);
    assert_eq!(fixture.read(&stamp), sound, "a folder");
    fixture.run(["verify"]).code(0);
}

#[test]
fn k04_a_stamp_that_claims_other_inputs_is_no_proof() {
    let fixture = Fixture::prepared();
    let stamp = format!("{TREE}/share/stamp.json");
    // The tree is of the old lock, the stamp is edited to name a manifest of the attacker.
    let path = fixture.path(format!("{TREE}/share/manifest.tsv"));
    fs::write(&path, fs::read_to_string(&path).unwrap() + "x\n").unwrap();
    fixture.run(["verify"]).code(4).stderr_has("share/manifest.tsv: wrong SHA-256");
    fixture.prepare(NONE).code(0).stderr_lacks("is up to date");
    fixture.run(["verify"]).code(0);
    assert!(fixture.read(&stamp).contains("\"manifest\""));
}

#[test]
fn k05_every_change_of_the_tree_is_named_by_verify_and_repaired_by_prepare() {
    use std::os::unix::fs::PermissionsExt as _;
    type Change = fn(&Path);
    let fixture = Fixture::prepared();
    let sound = fixture.snapshot(format!("{TREE}/sysroot"));
    let header = "sysroot/usr/include/stdio.h";
    let file = fixture.path(format!("{TREE}/{header}"));
    assert!(file.is_file(), "the generated archive has lost its header");
    let changes: [(&str, Change); 5] = [
        ("one bit, with size and time kept", |file| {
            let time = fs::metadata(file).unwrap().modified().unwrap();
            let mut bytes = fs::read(file).unwrap();
            bytes[0] ^= 1;
            in_place(file, |file| fs::write(file, bytes).unwrap());
            fs::File::open(file).unwrap().set_modified(time).unwrap();
        }),
        ("deleted", |file| fs::remove_file(file).unwrap()),
        ("another mode", |file| {
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("a link in its place", |file| {
            fs::remove_file(file).unwrap();
            symlink("/etc/passwd", file).unwrap();
        }),
        ("a folder in its place", |file| {
            fs::remove_file(file).unwrap();
            fs::create_dir(file).unwrap();
        }),
    ];
    for (what, change) in changes {
        change(&file);
        let verify = fixture.run(["verify", "--json"]);
        verify.code(4).stderr_has(header);
        println!("{what}: {}", verify.stderr.lines().next().unwrap_or_default());
        fixture.prepare(["--force"]).code(0);
        fixture.snapshot(format!("{TREE}/sysroot")).assert_same_as(&sound);
        fixture.run(["verify"]).code(0);
    }
    fs::write(fixture.path(format!("{TREE}/sysroot/usr/include/added.h")), "x").unwrap();
    fixture.run(["verify"]).code(4).stderr_has("usr/include/added.h");
}

#[test]
fn k08_every_failure_is_one_json_document_with_a_code_and_the_exit_status() {
    let fixture = Fixture::new();
    let nobody = crate::support::server::refused_url("debian");
    let cases: [(&[&str], i32); 6] = [
        (&["prepare", "--target", "vax", "--json"], 2),
        (&["verify", "--json"], 1),
        (&["env", "--json"], 1),
        (&["lock", "--mirror", &nobody, "--json"], 5),
        (&["lock", "--mirror", "ftp://x", "--json"], 2),
        (&["lock", "--keyring", "/nowhere", "--json"], 1),
    ];
    for (args, exit) in cases {
        let outcome = fixture.run(args);
        outcome.code(exit).stderr_has("error: ");
        json_error(&outcome, exit);
    }
    // A signature that nobody trusts: the verdict is a document, too.
    fixture.write_keyring(&[]);
    json_error(fixture.lock(["--json"]).code(4), 4);
}

#[test]
fn k09_files_and_manifest_changed_together_are_found_by_the_manifests_hash() {
    let fixture = Fixture::prepared();
    let header = fixture.path(format!("{TREE}/sysroot/usr/include/stdio.h"));
    let old = fs::read(&header).unwrap();
    in_place(&header, |header| fs::write(header, b"changed").unwrap());
    let hex = crate::support::archive::sha256_hex;
    let path = fixture.path(format!("{TREE}/share/manifest.tsv"));
    let manifest = fs::read_to_string(&path).unwrap();
    let forged = manifest.replace(&hex(&old), &hex(b"changed"));
    assert_ne!(forged, manifest, "the manifest holds the hash");
    fs::write(&path, forged).unwrap();
    fixture.run(["verify"]).code(4).stderr_has("share/manifest.tsv: wrong SHA-256");
    fixture.prepare(["-v"]).code(0).stderr_has("the tree was changed");
    assert_eq!(fs::read(&header).unwrap(), old);
    fixture.run(["verify"]).code(0);
}
