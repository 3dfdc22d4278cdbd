//! `prepare` when the network, the cache or the disk fail: what it says, what it keeps,
//! and that the next run goes on from there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::fixture::{Fixture, Outcome, PROGRAM};
use crate::support::server::{Fault, Seen, Server};

const NONE: [&str; 0] = [];
const X86: &str = "x86_64-unknown-linux-gnu";
const LIBC: &str = "pool/main/g/glibc/libc6_2.36-9+deb12u14_amd64.deb";
const CRYPT: &str = "pool/main/libx/libxcrypt/libcrypt1_1:4.4.33-2_amd64.deb";

/// Where the mirror serves a pool file of the main archive.
fn served(pool: &str) -> String {
    format!("debian/{pool}")
}

fn cached(fixture: &Fixture, pool: &str) -> PathBuf {
    fixture.path("toolchains/cache").join(pool)
}

/// Forgets the prepared tree and the unpacked packages, not the downloads.
fn forget_trees(fixture: &Fixture) {
    let toolchains = fixture.path("toolchains");
    std::fs::remove_file(toolchains.join(X86)).unwrap();
    std::fs::remove_dir_all(toolchains.join(".gen")).unwrap();
    std::fs::remove_dir_all(toolchains.join("cache/unpacked")).unwrap();
}

fn pool_requests(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|seen| seen.target.as_str()).filter(|path| path.contains("pool/")).collect()
}

#[test]
fn from_a_full_cache_no_request_is_made() {
    let fixture = Fixture::prepared();
    forget_trees(&fixture);
    let connections = fixture.mirror.server().connections();
    fixture.prepare(["--cache"]).code(0).stderr_has("is ready");
    forget_trees(&fixture);
    fixture.prepare(["--offline"]).code(0).stderr_has("is ready");
    assert_eq!(fixture.mirror.server().connections(), connections);
}

#[test]
fn from_a_cache_with_gaps_each_gap_is_named_and_no_request_is_made() {
    let fixture = Fixture::prepared();
    forget_trees(&fixture);
    for pool in [LIBC, CRYPT] {
        let place = cached(&fixture, pool);
        let place = if place.exists() { place } else { cached(&fixture, &pool.replace("1:", "")) };
        std::fs::remove_file(place).unwrap();
    }
    let connections = fixture.mirror.server().connections();
    let outcome = fixture.prepare(["--cache"]);
    outcome.code(5).stderr_has("error: 2 of 18 files are not in the cache").stderr_has(LIBC);
    outcome.stderr_has("libcrypt1_").stderr_has("hint: run `reml-toolchain prepare` once with");
    assert_eq!(fixture.mirror.server().connections(), connections);
    fixture.prepare(NONE).code(0);
}

#[test]
fn a_download_that_broke_off_goes_on_where_it_stopped() {
    let fixture = Fixture::locked();
    let server = fixture.mirror.server();
    server.script(&served(LIBC), [Fault::Truncate(700), Fault::status(403)]);
    fixture.prepare(NONE).code(5).stderr_has(LIBC).stderr_has("got 403");
    assert!(!cached(&fixture, LIBC).exists());
    assert!(!fixture.path(format!("toolchains/{X86}")).exists());
    let others = pool_requests(&server.seen()).len();
    assert!(others > 18, "the others were fetched all the same");
    server.heal();
    let before = server.seen().len();
    fixture.prepare(NONE).code(0);
    let again = server.seen().split_off(before);
    assert_eq!(pool_requests(&again), [format!("/{}", served(LIBC))]);
    assert_eq!(again[0].range(), Some("bytes=700-"));
    fixture.run(["verify"]).code(0);
}

#[test]
fn wrong_bytes_from_the_mirror_are_refused_and_the_old_toolchain_stays_whole() {
    let mut fixture = Fixture::prepared();
    fixture.mirror.pass_time(3600);
    fixture.mirror.suite("bookworm").bump("libc6", "2.36-9+deb12u15", "Fix a thing.");
    fixture.mirror.publish();
    fixture.lock(["--update", "--write"]).code(0);
    let before = fixture.snapshot(format!("toolchains/{X86}"));
    let new = LIBC.replace("deb12u14", "deb12u15");
    // `lock --update` has read its changelog, and so has it in the cache.
    std::fs::remove_file(cached(&fixture, &new)).unwrap();
    fixture.mirror.server().fault(&served(&new), Fault::Corrupt);
    let outcome = fixture.prepare(NONE);
    outcome.code(4).stderr_has(&new).stderr_has("wrong SHA-256: expected ").stderr_has("hint: ");
    fixture.snapshot(format!("toolchains/{X86}")).assert_same_as(&before);
    fixture.run(["verify"]).code(0);
    assert!(!cached(&fixture, &new).exists(), "refused bytes are not kept");
    fixture.mirror.server().heal();
    fixture.prepare(["-v"]).code(0).stderr_has("libc6 2.36-9+deb12u14 → 2.36-9+deb12u15");
}

#[test]
fn a_file_gone_from_one_mirror_comes_from_the_next() {
    let fixture = Fixture::locked();
    let first = Server::start();
    let text = fixture.read("versions.toml");
    let both = format!("main = [\"{}\", ", first.url("debian"));
    fixture.write("versions.toml", text.replace("main = [", &both));
    let outcome = fixture.run(["prepare", "--llvm", "debian", "--jobs", "2"]);
    outcome.code(0).stderr_has(&format!("warning: {}", first.url(&served(LIBC))));
    outcome.stderr_has("got 404");
    assert_eq!(first.seen().len(), 18);
}

#[test]
fn a_file_gone_from_all_mirrors_comes_from_the_snapshot_service() {
    let mut fixture = Fixture::new();
    fixture.edit("versions.toml", "  \"libatomic1\",\n", "  \"libatomic1\",\n  \"libssl3\",\n");
    fixture.lock(NONE).code(0);
    let path = fixture.mirror.deb_path("bookworm-security", "libssl3", "amd64");
    let bytes = fixture.mirror.read(&path);
    fixture.mirror.suite("bookworm-security").bump("libssl3", "3.0.23-1~deb12u1", "Next upload.");
    fixture.mirror.publish();
    let outcome = fixture.prepare(NONE);
    outcome.code(5).stderr_has("libssl3_3.0.22").stderr_has("404").stderr_has("lock --update");
    let seen = fixture.mirror.server().seen();
    let asked = seen.iter().find(|seen| seen.target.starts_with("/snapshot/debian-security/"));
    let asked = asked.expect("the snapshot service is asked").target.clone();
    let file = path.strip_prefix("debian-security/").unwrap();
    assert!(asked.ends_with(file), "{asked}");
    // The service answers with the state in force at the time that is asked for.
    fixture.mirror.server().put(&asked, bytes);
    fixture.prepare(NONE).code(0).stderr_has("warning: ").stderr_has("/snapshot/debian-security/");
    fixture.run(["verify"]).code(0);
}

#[test]
fn a_damaged_file_of_the_cache_is_moved_aside_and_fetched_again() {
    let fixture = Fixture::prepared();
    forget_trees(&fixture);
    let place = cached(&fixture, LIBC);
    let good = std::fs::read(&place).unwrap();
    let mut bytes = good.clone();
    bytes[900] ^= 1;
    std::fs::write(&place, &bytes).unwrap();
    // Without a network the damage is the failure.
    fixture.prepare(["--cache"]).code(4).stderr_has("libc6 ").stderr_has("sha256: expected ");
    std::fs::write(&place, &bytes).unwrap();
    let outcome = fixture.prepare(NONE);
    outcome.code(0).stderr_has("warning: ").stderr_has("libc6");
    assert_eq!(std::fs::read(&place).unwrap(), good);
    let aside = place.with_file_name(format!("{}.bad", place.file_name().unwrap().display()));
    assert_eq!(std::fs::read(aside).unwrap(), bytes);
    fixture.run(["verify"]).code(0);
}

#[test]
fn a_file_of_another_size_in_the_cache_is_moved_aside_and_fetched_again() {
    let fixture = Fixture::prepared();
    forget_trees(&fixture);
    let place = cached(&fixture, LIBC);
    std::fs::write(&place, "short").unwrap();
    fixture.prepare(NONE).code(0).stderr_has("damaged in the cache, moved to ");
    fixture.run(["verify"]).code(0);
}

#[test]
fn a_busy_mirror_is_asked_again() {
    let fixture = Fixture::locked();
    let busy = || Fault::status_with(503, "Retry-After", "0");
    fixture.mirror.server().script(&served(LIBC), [busy(), Fault::status(500), Fault::Reset(300)]);
    fixture.prepare(NONE).code(0);
    let seen = fixture.mirror.server().seen_for(&served(LIBC));
    assert_eq!(seen.len(), 4);
}

#[test]
fn every_file_that_failed_is_named() {
    let fixture = Fixture::locked();
    let other = LIBC.replace("libc6_", "libc6-dev_");
    for path in [LIBC, &other] {
        fixture.mirror.server().fault(&served(path), Fault::status(404));
    }
    let outcome = fixture.prepare(["--json"]);
    outcome.code(5).stderr_has("error: 2 of 18 files could not be fetched: ");
    outcome.stderr_has(&other).stderr_has("; the same with libc6_");
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(document["error"]["code"], "fetch-failed");
    assert_eq!(document["error"]["exit"], 5);
}

/// The program in a mount namespace of its own, where `root` is a memory disk of `size`
/// with a copy of what lies there. It needs root or user namespaces, and fails without.
fn on_a_small_disk(fixture: &Fixture, size: &str, script: &str) -> Outcome {
    let setup = "set -eu; root=$1; keep=$2; size=$3; shift 3
        cp -a \"$root/.\" \"$keep\"
        mount -t tmpfs -o size=$size small \"$root\"
        cp -a \"$keep/.\" \"$root\"; cd \"$root\"\n";
    let keep = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg(format!("{setup}{script}")).arg("sh");
    command.arg(fixture.root()).arg(keep.path()).arg(size).arg(PROGRAM);
    command.args(["--root", fixture.root().to_str().unwrap()]);
    command.env_clear().envs(fixture.env()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("REML_TOOLCHAIN_MIRROR", fixture.mirror.url());
    let output = command.output().expect("unshare is there");
    Outcome::new(format!("{command:?}"), &output)
}

#[test]
fn a_full_disk_fails_with_its_name_leaves_the_old_tree_whole_and_no_rubbish() {
    let fixture = Fixture::locked();
    let program = std::fs::metadata(PROGRAM).unwrap().len();
    // Room for one copy of the tools' program, not for two.
    let size = format!("{}k", (program / 1024) * 3 / 2);
    let script = "\"$@\" prepare --llvm debian 2>log || { cat log >&2; exit 90; }
        before=$(readlink toolchains/x86_64-unknown-linux-gnu)
        rm -r toolchains/cache/unpacked/program-*
        \"$@\" prepare --llvm debian --force 2>log && exit 91; status=$?; cat log >&2
        test $(readlink toolchains/x86_64-unknown-linux-gnu) = \"$before\" || exit 92
        \"$@\" verify 2>/dev/null || exit 93
        ls -A toolchains/.gen toolchains/cache/unpacked toolchains/cache/tmp
        exit $status";
    let outcome = on_a_small_disk(&fixture, &size, script);
    outcome.code(1).stderr_has("No space left on device").stderr_has("hint: ");
    outcome.stdout_lacks(".new-").stdout_lacks(".part").stdout_lacks(".probe");
}

#[test]
fn a_disk_too_small_for_the_downloads_is_refused_before_the_first_byte() {
    let fixture = Fixture::locked();
    let requests = fixture.mirror.server().seen().len();
    std::fs::remove_dir_all(fixture.path("toolchains")).unwrap();
    let script = "\"$@\" prepare --llvm debian";
    let outcome = on_a_small_disk(&fixture, "36k", script);
    outcome.code(1).stderr_has("hint: ");
    assert_eq!(fixture.mirror.server().seen().len(), requests, "{outcome}");
}

/// The program as a user who may write nothing here.
fn as_nobody(fixture: &Fixture, args: &[&str]) -> Outcome {
    let user = Command::new("id").arg("-u").output().unwrap().stdout;
    let mut command = if user == b"0\n" {
        // The build may lie where another user cannot go.
        let program = fixture.root().with_file_name("reml-toolchain");
        if !program.exists() {
            std::fs::copy(PROGRAM, &program).unwrap();
        }
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(PROGRAM)
    };
    command.arg("--root").arg(fixture.root()).args(args);
    command.env_clear().envs(fixture.env()).env("REML_TOOLCHAIN_MIRROR", fixture.mirror.url());
    command.env("REML_TOOLCHAIN_KEYRING", fixture.keyring()).current_dir("/");
    let output = command.output().expect("setpriv is there");
    Outcome::new(format!("{command:?}"), &output)
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_unwritable_folder_fails_by_name_and_a_prepared_toolchain_in_it_serves() {
    let fixture = Fixture::locked();
    set_mode(fixture.root().parent().unwrap(), 0o755);
    std::fs::remove_dir_all(fixture.path("toolchains")).unwrap();
    set_mode(&fixture.root(), 0o555);
    for args in [&["prepare", "--llvm", "debian"][..], &["lock"]] {
        let outcome = as_nobody(&fixture, args);
        outcome.code(1).stderr_has("toolchains").stderr_has("ermission denied");
        outcome.stderr_has("hint: ");
    }
    set_mode(&fixture.root(), 0o755);
    fixture.prepare(NONE).code(0);
    for folder in ["", "toolchains", "toolchains/.gen"] {
        set_mode(&fixture.path(folder), 0o555);
    }
    as_nobody(&fixture, &["prepare", "--llvm", "debian"]).code(0).stderr_has("is up to date");
    as_nobody(&fixture, &["verify"]).code(0);
    as_nobody(&fixture, &["exec", "--", "/bin/true"]).code(0);
    as_nobody(&fixture, &["prepare", "--llvm", "debian", "--force"]).code(1);
    for folder in ["toolchains/.gen", "toolchains", ""] {
        set_mode(&fixture.path(folder), 0o755);
    }
    fixture.run(["verify"]).code(0);
}
