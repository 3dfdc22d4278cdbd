//! `lock` by the built program: what it writes from a signed archive, what it keeps, what
//! it reports. Never looks into the program: only files, output and exit codes count.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::support::fixture::{Fixture, Outcome};
use crate::support::mirror::{LLVM, Mirror, SECURITY_LINUX};

const NONE: [&str; 0] = [];
const NOW: u64 = 1_783_800_000;

/// Sets of the lock by package: `name architecture` to version, suite and sets.
fn entries(fixture: &Fixture) -> BTreeMap<String, (String, String, BTreeSet<String>)> {
    let text = fixture.read("checksums.txt");
    let lines = text.lines().filter_map(|line| line.strip_prefix("#! name="));
    let entry = |line: &str| {
        let mut words = line.split(' ');
        let name = words.next().unwrap().to_owned();
        let fields: BTreeMap<&str, &str> = words.filter_map(|word| word.split_once('=')).collect();
        let sets = fields["sets"].split(',').map(str::to_owned).collect();
        let key = format!("{name} {}", fields["architecture"]);
        (key, (fields["version"].to_owned(), fields["suite"].to_owned(), sets))
    };
    lines.map(entry).collect()
}

/// The names in one set.
fn set(fixture: &Fixture, set: &str) -> Vec<String> {
    let entries = entries(fixture);
    let inside = entries.iter().filter(|(_, (_, _, sets))| sets.contains(set));
    inside.map(|(key, _)| key.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn a_lock_holds_the_listed_sysroot_and_the_closures_of_the_tools_for_both_machines() {
    let fixture = Fixture::locked();
    for machine in ["amd64", "arm64"] {
        let mut listed = vec![
            "gcc-12-base",
            "libatomic1",
            "libc6",
            "libc6-dev",
            "libcrypt-dev",
            "libcrypt1",
            "libgcc-12-dev",
            "libgcc-s1",
            "libstdc++-12-dev",
            "libstdc++6",
            "linux-libc-dev",
        ];
        listed.sort_unstable();
        // The list as it stands: neither rpcsvc-proto nor anything else libc6-dev needs.
        assert_eq!(set(&fixture, &format!("bookworm/sysroot/{machine}")), listed);
        let llvm = [
            "clang-19",
            "libclang-common-19-dev",
            "libclang-cpp19",
            "libgcc-s1",
            "libllvm19",
            "libstdc++6",
            "lld-19",
            "llvm-19",
            "zlib1g",
        ];
        assert_eq!(set(&fixture, &format!("bookworm/llvm/{machine}")), llvm);
        let qemu = ["libglib2.0-0", "qemu-user", "zlib1g"];
        assert_eq!(set(&fixture, &format!("bookworm/qemu/{machine}")), qemu);
        let image = format!("linux-image-6.1.0-50-cloud-{machine}");
        let meta = format!("linux-image-cloud-{machine}");
        let kernel = ["linux-base", &image, &meta];
        assert_eq!(set(&fixture, &format!("bookworm/kernel/{machine}")), kernel);
    }
    assert_eq!(entries(&fixture)["clang-19 amd64"].0, LLVM);
}

#[test]
fn the_same_input_gives_the_same_bytes_wherever_and_however_often_it_is_locked() {
    let archive = || {
        let mut mirror = Mirror::bookworm_at(NOW);
        // It names the port, which differs.
        let plain = |text: String| {
            text.lines()
                .filter(|line| !line.starts_with("Changelogs:"))
                .fold(String::new(), |text, line| text + line + "\n")
        };
        mirror.suite("bookworm").rewrite_release(plain);
        mirror.publish();
        Fixture::with(mirror)
    };
    let (one, other) = (archive(), archive());
    // The machine's clock is later than the archive's, and its security suite has expired.
    one.lock(["--allow-expired"]).code(0);
    other.lock(["--allow-expired", "--with", "zlib1g-dev", "--with", "libdemo-dev"]).code(0);
    one.lock(["--allow-expired", "--with", "libdemo-dev"]).code(0);
    one.lock(["--allow-expired", "--with", "zlib1g-dev"]).code(0);
    assert_eq!(one.read("checksums.txt"), other.read("checksums.txt"));
    std::fs::remove_file(one.path("checksums.txt")).unwrap();
    one.edit("versions.toml", "  \"libc6\",\n  \"libc6-dev\",\n", "");
    one.edit("versions.toml", "  \"libatomic1\",\n", "  \"libatomic1\",\"libc6-dev\",\"libc6\",\n");
    one.lock(["--allow-expired", "--with", "zlib1g-dev", "--with", "libdemo-dev"]).code(0);
    assert_eq!(one.read("checksums.txt"), other.read("checksums.txt"), "the order of a list");
}

#[test]
fn sha256sum_checks_the_cache_by_the_lock_without_the_tool() {
    let fixture = Fixture::locked();
    fixture.prepare(NONE).code(0);
    let check = || {
        let mut command = Command::new("sha256sum");
        command.args(["--check", "--ignore-missing", "--strict", "../../checksums.txt"]);
        command.current_dir(fixture.path("toolchains/cache")).env("LC_ALL", "C");
        let output = command.output().expect("sha256sum is there");
        Outcome::new(format!("{command:?}"), &output)
    };
    let count = check().code(0).stdout.lines().count();
    let wanted: BTreeSet<String> = ["sysroot", "llvm"]
        .iter()
        .flat_map(|part| set(&fixture, &format!("bookworm/{part}/amd64")))
        .collect();
    assert_eq!(count, wanted.len(), "every file that was fetched is checked");
    let pool = "pool/main/z/zlib/zlib1g_1.2.13.dfsg-1_amd64.deb";
    let place = fixture.path("toolchains/cache").join(pool);
    let mut bytes = std::fs::read(&place).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&place, bytes).unwrap();
    check().code(1).stdout_has(&format!("{pool}: FAILED"));
}

#[test]
fn headers_come_from_the_durable_suite_and_what_is_linked_from_security_when_newer() {
    let fixture = Fixture::new();
    fixture.edit("versions.toml", "  \"libatomic1\",\n", "  \"libatomic1\",\n  \"libssl3\",\n");
    let outcome = fixture.lock(NONE);
    outcome.code(0);
    let entries = entries(&fixture);
    for machine in ["amd64", "arm64"] {
        let (version, suite, _) = &entries[&format!("linux-libc-dev {machine}")];
        assert_eq!((version.as_str(), suite.as_str()), ("6.1.176-1", "bookworm"));
        assert_ne!(version, SECURITY_LINUX);
        let (version, suite, _) = &entries[&format!("libssl3 {machine}")];
        assert_eq!((version.as_str(), suite.as_str()), ("3.0.22-1~deb12u2", "bookworm-security"));
        // Security's libc6 is older than bookworm's: the version decides, not the suite.
        assert_eq!(entries[&format!("libc6 {machine}")].1, "bookworm");
    }
    let perishable = "perishable, from bookworm-security: libssl3 3.0.22-1~deb12u2 (";
    outcome.stderr_has(perishable).stderr_lacks("perishable, from bookworm:");
    assert_eq!(outcome.stderr.matches("perishable").count(), 1);
}

#[test]
fn with_locks_a_package_and_what_it_needs_for_the_target_named() {
    let fixture = Fixture::locked();
    let outcome = fixture.lock(["--with", "zlib1g-dev"]);
    outcome.code(0).stderr_has("  + zlib1g-dev:amd64 1:1.2.13.dfsg-1\n");
    // What the base has already is not locked a second time.
    assert_eq!(set(&fixture, "bookworm/with:zlib1g-dev/amd64"), ["zlib1g", "zlib1g-dev"]);
    assert!(set(&fixture, "bookworm/with:zlib1g-dev/arm64").is_empty());
    fixture.lock(["--with", "libdemo-dev", "--target", "aarch64-unknown-linux-gnu"]).code(0);
    let closure = ["demo-data", "libdemo-dev", "libdemo1", "zlib1g", "zlib1g-dev"];
    assert_eq!(set(&fixture, "bookworm/with:libdemo-dev/arm64"), closure);
    // It stays locked when it is not named again.
    let before = fixture.read("checksums.txt");
    fixture.lock(NONE).code(0).stderr_has("is up to date: ");
    assert_eq!(fixture.read("checksums.txt"), before);
}

#[test]
fn a_second_lock_is_up_to_date_and_writes_nothing() {
    use std::os::unix::fs::MetadataExt as _;
    let fixture = Fixture::locked();
    let facts = || {
        let about = std::fs::metadata(fixture.path("checksums.txt")).unwrap();
        (about.ino(), about.mtime(), about.mtime_nsec())
    };
    let before = facts();
    fixture.lock(NONE).code(0).stderr_has("checksums.txt is up to date: 45 files").stdout_is("");
    fixture.lock(["--check"]).code(0);
    assert_eq!(facts(), before);
    // The signed indices lie in the cache: only the suites' InRelease is asked for again.
    let seen = fixture.mirror.server().seen();
    let last: Vec<&str> = seen.iter().rev().take(6).map(|seen| seen.target.as_str()).collect();
    assert!(last.iter().all(|target| target.ends_with("/InRelease")), "{last:?}");
}

#[test]
fn a_newer_version_is_reported_and_update_takes_it() {
    let mut fixture = Fixture::locked();
    let before = fixture.read("checksums.txt");
    fixture.mirror.pass_time(3600);
    fixture.mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Fix a thing.");
    fixture.mirror.publish();
    let newer = "newer in bookworm: libcrypt1 1:4.4.33-2 → 1:4.4.33-3 (`lock --update` tells more)";
    fixture.lock(NONE).code(0).stderr_has(newer);
    assert_eq!(entries(&fixture)["libcrypt1 amd64"].0, "1:4.4.33-2");
    let digests = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    let kept = fixture.read("checksums.txt");
    assert_eq!(digests(&kept), digests(&before));
    let check = fixture.lock(["--update", "--check", "--json"]);
    check.code(3);
    let document: serde_json::Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!(document["schema"], 1);
    assert_eq!(document["changes"][0]["name"], "libcrypt-dev");
    assert_eq!(document["changes"][0]["before"], "1:4.4.33-2");
    assert_eq!(document["changes"][0]["after"], "1:4.4.33-3");
    assert_eq!(fixture.read("checksums.txt"), kept, "--check writes nothing");
    let preview = fixture.lock(["--update"]);
    preview.code(0).stderr_has("  ~ libcrypt1:amd64 1:4.4.33-2 → 1:4.4.33-3\n");
    preview.stderr_has("nothing was written: `reml-toolchain lock --update --write` takes this");
    assert_eq!(fixture.read("checksums.txt"), kept, "--update alone writes nothing");
    fixture.lock(["--update", "--write"]).code(0).stderr_has("wrote ");
    assert_eq!(entries(&fixture)["libcrypt-dev arm64"].0, "1:4.4.33-3");
    fixture.lock(["--update", "--check"]).code(0);
    fixture.lock(["--update"]).code(0).stderr_has("nothing is newer than ");
}

#[test]
fn an_update_tells_urgency_and_cve_ids_out_of_the_signed_packages() {
    let mut fixture = Fixture::locked();
    fixture.mirror.pass_time(3600);
    let mirror = &mut fixture.mirror;
    let bookworm = mirror.suite("bookworm");
    bookworm.bump("libcrypt1", "1:4.4.33-2+deb12u1", "Fix CVE-2026-1000 and CVE-2026-0999.");
    bookworm.bump("libcrypt1", "1:4.4.33-2+deb12u2", "Fix CVE-2026-20000.");
    bookworm.bump("linux-libc-dev", "6.1.999-1", "Fix CVE-2026-1, CVE-2026-5555.");
    mirror.publish();
    let outcome = fixture.lock(["--update", "--json"]);
    let line = "  libcrypt1 1:4.4.33-2 → 1:4.4.33-2+deb12u2 (bookworm, urgency medium): \
                CVE-2026-0999, CVE-2026-1000, CVE-2026-20000\n";
    outcome.code(0).stderr_has(line);
    // Headers only: counted, not listed, and after what is linked.
    outcome
        .stderr_has("linux-libc-dev 6.1.176-1 → 6.1.999-1 (bookworm, urgency medium, not linked");
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let updates = document["updates"].as_array().unwrap();
    assert_eq!(updates.last().unwrap()["name"], "linux-libc-dev");
    assert_eq!(updates.last().unwrap()["cve_count"], 1);
    assert_eq!(updates.last().unwrap()["cves"], serde_json::json!([]));
    assert_eq!(updates[0]["architectures"], serde_json::json!(["amd64", "arm64"]));
}

#[test]
fn a_lock_is_needed_before_prepare_and_check_says_so_with_3() {
    let fixture = Fixture::new();
    fixture.lock(["--check"]).code(3);
    assert!(!fixture.path("checksums.txt").exists(), "--check writes nothing");
    let outcome = fixture.prepare(NONE);
    outcome.code(2).stderr_has("checksums.txt locks nothing for bookworm/sysroot/amd64");
    outcome.stderr_has("hint: lock it from Debian's signatures: `reml-toolchain lock`");
}
