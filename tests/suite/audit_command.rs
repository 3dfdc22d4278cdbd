//! `audit` by the built program: section P of `docs/faults.md`, and its log in hostile hands.
//! Only files, output and exit codes count.

use std::fs;

use serde_json::Value;

use crate::support::fixture::{Fixture, Outcome};
use crate::support::mirror::Mirror;
use crate::support::sources::root;

const NONE: [&str; 0] = [];
const LOG: &str = "toolchains/audit.log";
const TREE: &str = "toolchains/x86_64-unknown-linux-gnu";
const DAY: u64 = 86_400;

fn audit<'a>(fixture: &Fixture, args: impl IntoIterator<Item = &'a str>) -> Outcome {
    let keyring = fixture.keyring().to_str().unwrap().to_owned();
    let mut all = vec!["--keyring".to_owned(), keyring];
    all.extend(args.into_iter().map(str::to_owned));
    fixture.run_online("audit", all)
}

/// The codes of the findings, without the notes, and the whole document.
fn findings(fixture: &Fixture, exit: i32) -> (Vec<String>, Value) {
    let outcome = audit(fixture, ["--json"]);
    outcome.code(exit);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let list = document["findings"].as_array().unwrap();
    let codes = list.iter().filter(|f| f["severity"] != "note");
    (codes.map(|f| f["code"].as_str().unwrap().to_owned()).collect(), document)
}

#[test]
fn p01_nothing_has_changed_so_the_status_is_0_and_one_line_is_added() {
    let fixture = Fixture::prepared();
    let outcome = audit(&fixture, NONE);
    outcome.code(0).stdout_has("signatures verified: bookworm, ").stdout_has("GREEN: 0 errors");
    outcome.stdout_has("glibc 2.36").stdout_has("clang 19.1.7").stdout_has("ld.lld 19.1.7");
    assert_eq!(fixture.read(LOG).lines().count(), 1);
    let (codes, document) = findings(&fixture, 0);
    assert_eq!(codes, Vec::<String>::new());
    let lines: Vec<Value> =
        fixture.read(LOG).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["previous"]), (2, &Value::Null));
    assert_eq!(lines[1]["facts"], document["facts"], "the log keeps what --json tells");
}

#[test]
fn p02_what_differs_from_the_pins_is_told_with_both_values_and_status_3() {
    let mut fixture = Fixture::prepared();
    fixture.edit("versions.toml", "glibc = \"2.36\"", "glibc = \"2.37\"");
    audit(&fixture, NONE).code(3).stdout_has("glibc: expected 2.37 (versions.toml), got 2.36");
    fixture.edit("versions.toml", "glibc = \"2.37\"", "glibc = \"2.36\"");
    fixture.edit("versions.toml", "major = 19", "major = 18");
    let outcome = audit(&fixture, NONE);
    outcome.code(3).stdout_has("error[clang-differs]").stdout_has("clang: expected 18");
    outcome.stdout_has("error[lld-differs]").stdout_has("RED: ");
    fixture.edit("versions.toml", "major = 18", "major = 19");
    fixture.mirror.pass_time(3600);
    fixture.mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Fix a thing.");
    fixture.mirror.publish();
    fixture.lock(["--update", "--write"]).code(0);
    audit(&fixture, NONE).code(3).stdout_has("libcrypt1 1:4.4.33-2 → 1:4.4.33-3 (locked)");
}

#[test]
fn p02_llvm_qemu_and_further_packages_behind_the_lock_are_told() {
    let mut fixture = Fixture::locked();
    let target = ["--target", "aarch64-unknown-linux-gnu"];
    fixture.lock(["--with", "zlib1g-dev"].into_iter().chain(target)).code(0);
    fixture.prepare(["--with", "zlib1g-dev"].into_iter().chain(target)).code(0);
    audit(&fixture, NONE).code(0).stdout_lacks("tree-behind");
    fixture.mirror.pass_time(3600);
    let suite = fixture.mirror.suite("bookworm");
    suite.bump("zlib1g", "1:1.2.13.dfsg-9", "Fix a thing.");
    suite.bump("clang-19", "1:19.1.7-9~deb12u1", "Fix a thing.");
    suite.bump("qemu-user", "1:7.2+dfsg-9", "Fix a thing.");
    fixture.mirror.publish();
    fixture.lock(["--update", "--write"]).code(0);
    let outcome = audit(&fixture, NONE);
    outcome.code(3).stdout_has(
        "aarch64-unknown-linux-gnu: zlib1g-dev 1:1.2.13.dfsg-1 → 1:1.2.13.dfsg-9 (locked)",
    );
    outcome.stdout_has("llvm: clang-19 1:19.1.7-3~deb12u1 → 1:19.1.7-9~deb12u1 (locked)");
    outcome.stdout_has("qemu: qemu-user 1:7.2+dfsg-7+deb12u18+b3 → 1:7.2+dfsg-9 (locked)");
    outcome.stdout_lacks("libc6 2.36");
}

#[test]
fn p03_what_is_tied_to_the_durable_suite_is_a_note_and_no_more() {
    let fixture = Fixture::prepared();
    let outcome = audit(&fixture, NONE);
    outcome
        .code(0)
        .stdout_has("GREEN: ")
        .stdout_has("note[durable-superseded]: bookworm: [sysroot]");
    outcome.stdout_has("linux-libc-dev 6.1.").stdout_has("(bookworm-security)");
    outcome.stdout_has("[kernel] keeps the durable suite's: linux-image-cloud-amd64");
    outcome.stdout_has("shorten `durable` of [kernel] in versions.toml");
    let (_, document) = findings(&fixture, 0);
    let held = document["facts"]["held"].as_array().unwrap();
    let headers = held.iter().find(|held| held["name"] == "linux-libc-dev").unwrap();
    assert_eq!(headers["architectures"], serde_json::json!(["amd64", "arm64"]));
    audit(&fixture, ["--deny", "durable-superseded"]).code(3).stdout_has("RED");
}

#[test]
fn j09_what_is_preloaded_is_noted() {
    let mut fixture = Fixture::locked();
    fixture.set_env("LD_PRELOAD", "/nonexistent/lib.so");
    let outcome = audit(&fixture, NONE);
    outcome.code(0).stdout_has("note[preloaded]: LD_PRELOAD puts foreign code into every program");
    let (_, document) = findings(&fixture, 0);
    assert_eq!(document["facts"]["host"]["preloads"], serde_json::json!(["LD_PRELOAD"]));
}

#[test]
fn rust_without_the_targets_library_is_told_with_the_command() {
    let fixture = Fixture::locked();
    let sysroot = fixture.home().join("rust");
    let rustc = format!(
        "case $1 in -vV) printf 'rustc 1.95.0\\nhost: x\\nrelease: 1.95.0\\n' ;; *) echo '{}' ;; esac",
        sysroot.display()
    );
    fixture.tool("rustc", &rustc);
    fixture.tool("rustup", "");
    let lib = |target: &str| sysroot.join("lib/rustlib").join(target).join("lib");
    fs::create_dir_all(lib("aarch64-apple-darwin")).unwrap();
    let outcome = audit(&fixture, NONE);
    outcome
        .code(0)
        .stdout_has("warning[rust-target-missing]: Rust 1.95.0 lacks the standard library");
    outcome.stdout_has("hint: rustup target add x86_64-unknown-linux-gnu");
    fs::create_dir_all(lib("x86_64-unknown-linux-gnu")).unwrap();
    audit(&fixture, NONE).code(0).stdout_lacks("rust-target-missing");
}

#[test]
fn p03_newer_packages_are_told_with_where_from_urgency_and_cve_ids() {
    let mut fixture = Fixture::prepared();
    fixture.mirror.pass_time(3600);
    let security = fixture.mirror.suite("bookworm-security");
    security.bump("libc6", "2.36-9+deb12u99", "Fix CVE-2026-7777.");
    fixture.mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Fix a thing.");
    fixture.mirror.publish();
    let before = fixture.read("checksums.txt");
    let (codes, document) = findings(&fixture, 3);
    assert!(codes.contains(&"security-update".to_owned()), "{codes:?}");
    assert!(codes.contains(&"package-superseded".to_owned()), "{codes:?}");
    let update = &document["facts"]["updates"][0];
    assert_eq!((&update["name"], &update["suite"]), (&"libc6".into(), &"bookworm-security".into()));
    assert_eq!((&update["new"], &update["urgency"]), (&"2.36-9+deb12u99".into(), &"medium".into()));
    assert_eq!(update["cves"], serde_json::json!(["CVE-2026-7777"]));
    assert_eq!(fixture.read("checksums.txt"), before, "nothing is taken");
    // The same without the network, from what was fetched, and said to be so.
    let offline = audit(&fixture, ["--offline"]);
    offline
        .code(3)
        .stdout_has("CVE-2026-7777")
        .stdout_has("note[checked-offline]: not asked today");
    audit(&fixture, ["--allow", "security-update"]).code(0).stdout_has("AMBER");
    audit(&fixture, ["--allow", "security-update", "--deny", "package-superseded"]).code(3);
    audit(&fixture, ["--deny", "security-updates"])
        .code(2)
        .stderr_has("did you mean `security-update`?");
}

#[test]
fn p04_without_a_network_the_suites_are_not_checked_and_never_fine() {
    let fixture = Fixture::prepared();
    let dead = ["audit", "--mirror", "http://127.0.0.1:1/debian"];
    let outcome = fixture.run(dead);
    outcome
        .code(5)
        .stdout_has("NOT CHECKED")
        .stdout_has("warning[not-checked]")
        .stdout_has("AMBER");
    outcome.stdout_lacks("GREEN").stdout_has("glibc 2.36");
    let line: Value = serde_json::from_str(fixture.read(LOG).trim_end()).unwrap();
    assert_eq!((&line["exit"], &line["facts"]["checked"]), (&5.into(), &"not-checked".into()));
    // Nothing was ever fetched here: --offline has nothing to compare with.
    let bare = Fixture::new();
    audit(&bare, ["--offline"]).code(3).stdout_has("not-checked").stdout_has("lock-behind");
    // What was seen outranks what was not.
    fixture.edit("versions.toml", "glibc = \"2.36\"", "glibc = \"2.37\"");
    fixture.run(dead).code(3).stdout_has("not-checked").stdout_has("glibc-differs");
}

#[test]
fn p06_a_suite_that_was_not_renewed_or_has_expired_is_told() {
    let mut mirror = Mirror::bookworm();
    let updates = mirror.suite("bookworm-updates");
    updates.date -= 100 * DAY;
    mirror.publish();
    let fixture = Fixture::with(mirror);
    fixture.lock(NONE).code(0);
    fixture.prepare(NONE).code(0);
    let outcome = audit(&fixture, NONE);
    outcome.code(0).stdout_has("warning[release-stale]: bookworm-updates: not renewed for 10");
    outcome.stdout_has("note[release-without-expiry]: bookworm-updates").stdout_has("AMBER");
    audit(&fixture, ["--max-age", "200"]).code(0).stdout_lacks("release-stale");
    let mut fixture = fixture;
    let security = fixture.mirror.suite("bookworm-security");
    security.date += 3600;
    security.valid_until = Some(security.date + 60);
    fixture.mirror.publish();
    audit(&fixture, NONE).code(3).stdout_has("error[release-expired]: bookworm-security");
    // A suite that nobody trusted signed is refused, not believed.
    fixture.mirror.flip(&fixture.mirror.inrelease_path("bookworm-security"));
    audit(&fixture, NONE).code(3).stdout_has("error[suite-refused]").stdout_has("NOT CHECKED");
}

#[test]
fn p07_support_that_ends_within_a_year_is_told() {
    let fixture = Fixture::prepared();
    let durable = "durable = \"bookworm\"\n";
    fixture.edit("versions.toml", durable, &format!("{durable}support_ends = \"1999-12-31\"\n"));
    audit(&fixture, NONE)
        .code(3)
        .stdout_has("error[support-ended]: bookworm: its support ended on");
    fixture.edit("versions.toml", "1999-12-31", "9999-12-31");
    audit(&fixture, NONE).code(0).stdout_lacks("support-");
    fixture.edit("versions.toml", "9999-12-31", "30.6.2028");
    audit(&fixture, NONE).code(2).stderr_has("not a date: expected e.g. `2028-06-30`");
}

#[test]
fn p08_no_toolchain_half_of_one_and_two_of_them_are_told() {
    let fixture = Fixture::locked();
    audit(&fixture, NONE).code(0).stdout_has("warning[not-prepared]: no toolchain is prepared");
    fixture.prepare(["--target", "all"]).code(0);
    let (_, document) = findings(&fixture, 0);
    let toolchains = document["facts"]["toolchains"].as_array().unwrap();
    assert_eq!(toolchains.len(), 2);
    assert_eq!(toolchains[1]["qemu"], "7.2.22");
    let libc = format!("{TREE}/sysroot/usr/include/features.h");
    fs::remove_file(fixture.path(&libc)).unwrap();
    audit(&fixture, NONE).code(3).stdout_has("error[tree-damaged]").stdout_has("features.h");
    fs::remove_file(fixture.path(format!("{TREE}/share/stamp.json"))).unwrap();
    audit(&fixture, NONE).code(3).stdout_has("error[tree-unreadable]: x86_64-unknown-linux-gnu");
}

#[test]
fn k06_a_log_that_cannot_be_used_fails_the_run_after_the_report_and_is_left_alone() {
    let fixture = Fixture::prepared();
    let victim = fixture.path("victim");
    fs::write(&victim, "root:x:0:0\n").unwrap();
    std::os::unix::fs::symlink(&victim, fixture.path(LOG)).unwrap();
    let outcome = audit(&fixture, NONE);
    outcome.code(1).stdout_has("GREEN").stderr_has("expected a regular file").stderr_has("hint: ");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "root:x:0:0\n");
    fs::remove_file(fixture.path(LOG)).unwrap();
    audit(&fixture, NONE).code(0);
    let half = fixture.read(LOG) + "{\"schema\":1,\"ti";
    fixture.write(LOG, half);
    let damaged = audit(&fixture, NONE);
    damaged.code(0).stdout_has("warning[log-damaged]: audit.log has lines that cannot be read: 2");
    assert_eq!(fixture.read(LOG).lines().count(), 3, "kept, and the new line is one of its own");
}

#[test]
fn k07_a_line_that_was_changed_in_the_log_is_told() {
    let fixture = Fixture::prepared();
    for _ in 0..2 {
        audit(&fixture, NONE).code(0);
    }
    let changed = fixture.read(LOG).replacen("GREEN", "AMBER", 1);
    fixture.write(LOG, changed);
    audit(&fixture, NONE).code(0).stdout_has("warning[log-broken]").stdout_has("these lines: 2");
}

#[test]
fn annotations_summary_section_and_badge_are_written() {
    let mut fixture = Fixture::locked();
    let summary = fixture.path("summary.md");
    fixture.write("summary.md", "before\n");
    fixture.set_env("GITHUB_STEP_SUMMARY", &summary);
    let badge = fixture.path("status.svg");
    let args = ["--format", "github", "--badge", badge.to_str().unwrap()];
    audit(&fixture, args).code(0).stdout_has("::warning title=not-prepared::no toolchain");
    let text = fixture.read("summary.md");
    assert!(text.starts_with("before\n## Runtime Cross Build Status\n\n**AMBER**"), "{text}");
    assert!(fixture.read("status.svg").contains(">AMBER</text>"));
    audit(&fixture, ["--format", "markdown"]).code(0).stdout_has("| `not-prepared` |");
}

#[test]
fn every_finding_has_its_section() {
    let page = fs::read_to_string(root().join("docs/src/reference/audit.md")).unwrap();
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let codes: Vec<&str> =
        reml_toolchain::audit::findings::CODES.iter().map(|(code, ..)| *code).collect();
    assert_eq!(sections, codes);
    for (code, severity, _) in reml_toolchain::audit::findings::CODES {
        let section = page.split(&format!("### {code}\n\n")).nth(1).unwrap();
        let word = format!("{severity:?}");
        assert!(section.starts_with(&word), "{code}: its section does not begin with {word}");
    }
}
