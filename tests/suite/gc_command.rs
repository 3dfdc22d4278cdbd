//! `gc`, and what it has in common with a `prepare` that runs meanwhile: what somebody uses
//! stays, and who holds a lock is waited for or named.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::fixture::{Fixture, Outcome};

const X86: &str = "x86_64-unknown-linux-gnu";

/// The folders of trees, current or not.
fn generations(fixture: &Fixture) -> Vec<PathBuf> {
    let mut list: Vec<PathBuf> = fs::read_dir(fixture.path("toolchains/.gen"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    list.sort();
    list
}

fn document(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}\n{outcome}"))
}

/// What nobody needs, of each kind.
fn litter(fixture: &Fixture) -> Vec<String> {
    let files = [
        "toolchains/cache/pool/main/o/old/old_1-1_amd64.deb",
        "toolchains/cache/pool/main/g/glibc/libc6_9_amd64.deb.bad",
        "toolchains/cache/debian-woody-x86_64.tar.zst",
        "toolchains/cache/.debian-bookworm-x86_64.tar.zst.tmp-1-0",
        "toolchains/cache/images/0123456789abcdef.cpio",
        "toolchains/cache/kernel/linux-image-0123456789abcdef",
        "toolchains/cache/tmp/00000000.part",
        "toolchains/cache/unpacked/old-0123456789abcdef-01234567/entries.tsv",
        "toolchains/cache/unpacked/program-0123456789abcdef-1-2.3/entries.tsv",
        "toolchains/.gen/x86_64-unknown-linux-gnu.new-1/share/stamp.json",
    ];
    for file in files {
        fixture.write(file, "litter");
    }
    files.map(str::to_owned).into()
}

#[test]
fn what_is_needed_stays_and_a_prepare_afterwards_is_up_to_date() {
    let fixture = Fixture::prepared();
    fixture.run(["gc"]).code(0).stderr_has("nothing to remove");
    let without_locks = || fixture.snapshot("toolchains").without(|path| path.ends_with(".lock"));
    let before = without_locks();
    fixture.run(["gc", "--json"]).code(0);
    without_locks().assert_same_as(&before);
    fixture.prepare([""; 0]).code(0).stderr_has("up to date");
}

#[test]
fn what_nobody_needs_is_foretold_then_removed_and_what_is_foreign_stays() {
    let fixture = Fixture::prepared();
    let litter = litter(&fixture);
    fixture.write("toolchains/cache/notes.txt", "mine");
    fixture.write("toolchains/cache/pool/notes.txt", "mine");
    fixture.write("toolchains/my-folder/file", "mine");
    let before = fixture.snapshot("toolchains");
    let foretold = fixture.run(["gc", "--dry-run", "--json"]);
    fixture.snapshot("toolchains").assert_same_as(&before);
    foretold.code(0).stderr_has("would free ").stderr_has("old_1-1_amd64.deb");
    let foretold = document(&foretold);
    assert_eq!(foretold["items"].as_array().unwrap().len(), litter.len(), "{foretold}");
    let done = fixture.run(["gc", "--json"]);
    done.code(0).stderr_has("freed ");
    assert_eq!(document(&done)["items"], foretold["items"]);
    assert_eq!(document(&done)["bytes"], foretold["bytes"]);
    for path in litter {
        assert!(!fixture.path(&path).exists(), "{path}");
    }
    for path in ["cache/notes.txt", "cache/pool/notes.txt", "my-folder/file"] {
        assert_eq!(fixture.read(format!("toolchains/{path}")), "mine");
    }
    assert!(!fixture.path("toolchains/cache/pool/main/o").exists(), "an empty folder stays");
    fixture.run(["verify"]).code(0);
    fixture.prepare([""; 0]).code(0).stderr_has("up to date");
}

#[test]
fn an_old_generation_goes_and_frees_what_no_other_tree_shares() {
    let fixture = Fixture::prepared();
    fixture.prepare(["--force"]).code(0);
    assert_eq!(generations(&fixture).len(), 2);
    let outcome = fixture.run(["gc", "--json"]);
    outcome.code(0).stderr_has("1 × generation");
    assert_eq!(generations(&fixture).len(), 1);
    fixture.run(["verify"]).code(0);
    // The tree is still joined to the kept packages, so nothing is unpacked again.
    fixture.prepare(["--target", "aarch64-unknown-linux-gnu"]).code(0).stderr_has(" kept");
}

/// A program that runs until it is told to end, in the toolchain's environment.
struct Build(Child);

impl Build {
    /// Of `exec`.
    fn start(fixture: &Fixture) -> Self {
        let script = format!("touch '{}'; exec /bin/sleep 60", fixture.path("ready").display());
        Self::run(fixture, fixture.command(["exec", "--", "/bin/sh", "-c", &script]))
    }

    /// Of a tool called by its path, as `make` does, whose launcher takes its time.
    fn compile(fixture: &Fixture) -> Self {
        let script = format!("touch '{}'; exec /bin/sleep 60", fixture.path("ready").display());
        fixture.tool("slow-launcher", &script);
        let tool = fixture.path(format!("toolchains/{X86}/bin/{X86}-clang"));
        let mut command = Command::new(tool);
        command.env_clear().env("REML_TOOLCHAIN_LAUNCHER", fixture.tools().join("slow-launcher"));
        Self::run(fixture, command)
    }

    fn run(fixture: &Fixture, mut command: Command) -> Self {
        let ready = fixture.path("ready");
        command.env("PATH", "/usr/bin:/bin").stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let start = Instant::now();
        while !ready.exists() {
            assert!(start.elapsed() < Duration::from_secs(30), "the build does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self(child)
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn i09_i11_what_a_build_uses_stays_through_prepare_and_gc_until_it_ends() {
    for start in [Build::start, Build::compile] {
        let fixture = Fixture::prepared();
        let used = generations(&fixture).remove(0);
        let build = start(&fixture);
        for _ in 0..3 {
            fixture.prepare(["--force"]).code(0);
        }
        assert!(used.join("share/stamp.json").exists(), "prepare removed what a build uses");
        let kept = "kept, for a program still uses it: ";
        fixture.run(["gc"]).code(0).stderr_has(&format!("{kept}{}", used.display()));
        assert!(used.join("share/stamp.json").exists(), "gc removed what a build uses");
        assert_eq!(generations(&fixture).len(), 2, "the current one and the used one");
        drop(build);
        fixture.run(["gc"]).code(0).stderr_has("1 × generation");
        assert!(!used.exists());
        fixture.run(["verify"]).code(0);
    }
}

/// Who holds the lock that `prepare` and `gc` take.
fn holder(fixture: &Fixture) -> File {
    let file = File::options()
        .write(true)
        .open(fixture.path(format!("toolchains/.gen/{X86}.lock")))
        .unwrap();
    file.lock().unwrap();
    file
}

#[test]
fn i05_i11_a_held_lock_is_waited_for_or_with_no_wait_refused_and_its_holder_named() {
    let fixture = Fixture::prepared();
    let held = holder(&fixture);
    let note = fixture.read(format!("toolchains/.gen/{X86}.lock"));
    assert!(note.contains(" (prepare, since ") && note.ends_with(" UTC)\n"), "{note}");
    let by = format!("process {}", note.trim_end());
    for command in [&["gc"][..], &["prepare", "--force", "--cache", "--llvm", "debian"]] {
        let outcome = fixture.run([command, &["--no-wait"]].concat());
        outcome.code(1).stderr_has(&format!("the lock is held by {by}")).stderr_has("hint: ");
        let mut command: Command = fixture.command(command);
        let child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        held.unlock().unwrap();
        let output = child.wait_with_output().unwrap();
        let outcome = Outcome::new(format!("{command:?}"), &output);
        outcome.code(0).stderr_has(&format!("waiting for the lock held by {by}"));
        held.lock().unwrap();
        fs::write(fixture.path(format!("toolchains/.gen/{X86}.lock")), &note).unwrap();
    }
    drop(held);
    fixture.run(["verify"]).code(0);
}
