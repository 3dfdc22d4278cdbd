//! `run` without any real emulator: native programs of the generated kind, and programs in
//! the place of qemu that behave well, hang, crash, or tell what they must not.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::fixture::{Fixture, Outcome};
use crate::support::mirror::elf::Elf;

const X86: &str = "x86_64-unknown-linux-gnu";
const X86_64: u16 = 62;
const AARCH64: u16 = 183;

pub fn program(fixture: &Fixture, name: &str, bytes: &[u8]) -> PathBuf {
    fixture.write(name, bytes);
    let path = fixture.path(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn run(fixture: &Fixture, args: &[&str], program: &Path) -> Outcome {
    let mut all = vec!["run"];
    all.extend(args);
    all.push(program.to_str().unwrap());
    fixture.run(all)
}

#[track_caller]
fn refused(outcome: &Outcome, exit: i32, code: &str) {
    outcome.code(exit).stderr_has("error: ");
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(document["error"]["code"], code, "{outcome}");
    assert_eq!(document["error"]["exit"], exit, "{outcome}");
}

#[test]
fn a_static_program_runs_natively_and_its_status_is_ours() {
    let fixture = Fixture::new();
    for status in [0, 1, 7, 125, 255] {
        let bytes = Elf::program(X86_64, "hello\n").status(status).build();
        let hello = program(&fixture, "hello", &bytes);
        let outcome = run(&fixture, &[], &hello);
        outcome.code(i32::from(status)).stdout_is("hello\n");
        outcome.stderr_has("natively, as a static program");
    }
    // Nothing was prepared, and nothing is made for a line of metrics.
    assert!(!fixture.path("toolchains").exists());
}

#[test]
fn expected_output_is_compared_and_the_difference_is_told() {
    let fixture = Fixture::new();
    let hello = program(&fixture, "hello", &Elf::program(X86_64, "one\ntwo\n").build());
    fixture.write("good", "one\ntwo\n");
    fixture.write("bad", "one\n2\n");
    let expect = |file: &str, program: &Path| {
        let file = fixture.path(file);
        run(&fixture, &["--expect", file.to_str().unwrap()], program)
    };
    expect("good", &hello).code(0).stdout_is("one\ntwo\n");
    let outcome = expect("bad", &hello);
    outcome.code(3).stdout_is("one\ntwo\n");
    outcome.stderr_has("the first difference is in line 2:\n  one\n- 2\n+ two");
    let failing = program(&fixture, "fail", &Elf::program(X86_64, "x").status(9).build());
    expect("bad", &failing).code(9).stderr_has("without a line end");
    expect("none", &hello).code(125);
}

#[test]
fn what_is_no_program_for_a_target_has_its_own_status_and_code() {
    let fixture = Fixture::new();
    let json = |args: &[&str], path: &Path| {
        let args: Vec<&str> = ["--json"].iter().chain(args).copied().collect();
        run(&fixture, &args, path)
    };
    refused(&json(&[], &fixture.path("none")), 127, "program-missing");
    refused(&json(&[], &fixture.root()), 126, "program-unusable");
    let script = program(&fixture, "script", b"#!/bin/sh\necho no\n");
    refused(&json(&[], &script), 126, "program-unusable");
    let hello = program(&fixture, "hello", &Elf::program(X86_64, "x").build());
    let arm = ["--target", "aarch64-unknown-linux-gnu"];
    refused(&json(&arm, &hello), 126, "program-other-machine");
    let odd = program(&fixture, "odd", &Elf::program(8, "x").build());
    refused(&json(&[], &odd), 126, "program-other-machine");
    let library = program(&fixture, "lib", &Elf::library(X86_64, "lib.so").build());
    refused(&json(&[], &library), 126, "program-unusable");
    fs::set_permissions(&hello, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&json(&[], &hello), 126, "program-unusable");
    run(&fixture, &["--target", "nowhere"], &hello).code(125);
    fixture.run(["run"]).code(2);
}

#[test]
fn a_missing_toolchain_library_or_emulator_is_an_error() {
    let fixture = Fixture::prepared();
    let json = |args: &[&str], path: &Path| {
        let args: Vec<&str> = ["--json"].iter().chain(args).copied().collect();
        run(&fixture, &args, path)
    };
    let loader = "/lib64/ld-linux-x86-64.so.2";
    let dynamic = Elf::program(X86_64, "x").interpreter(loader).needs("libnone.so.3").build();
    let dynamic = program(&fixture, "dynamic", &dynamic);
    let outcome = json(&[], &dynamic);
    refused(&outcome, 125, "library-missing");
    outcome.stderr_has("libnone.so.3 (needed by the program)");
    let arm = program(&fixture, "arm", &Elf::program(AARCH64, "x").build());
    refused(&json(&["--backend", "native"], &arm), 125, "backend-unfit");
    refused(&json(&["--backend", "qemu-user"], &arm), 125, "emulator-missing");
    // No toolchain for it is prepared, which the microVM needs.
    refused(&json(&[], &arm), 125, "not-prepared");
    let hello = program(&fixture, "hello", &Elf::program(X86_64, "x").build());
    let outcome = json(&["--backend", "microvm"], &hello);
    refused(&outcome, 125, "emulator-missing");
    outcome.stderr_has("brew install qemu").stderr_has("qemu-system-x86");
    refused(&json(&["--with-file", "x"], &hello), 125, "backend-unfit");
}

#[test]
fn the_environment_is_stated_in_full_and_shown() {
    let mut fixture = Fixture::new();
    fixture.set_env("SECRET", "s");
    fixture.set_env("WANTED", "a=b c");
    let hello = program(&fixture, "hello", &Elf::program(X86_64, "x").build());
    let args = ["--dump-env", "--env", "WANTED", "--env", "HOME=/h", "--env", "EMPTY="];
    run(&fixture, &args, &hello).code(0).stdout_is(
        "LANG=C.UTF-8\nPATH=/usr/local/bin:/usr/bin:/bin\nWANTED=a=b c\nHOME=/h\nEMPTY=\n",
    );
    for bad in ["NONE", "=x", ""] {
        run(&fixture, &["--env", bad], &hello).code(125).stderr_has("--env");
    }
}

/// A prepared project with a program for the microVM, whose first process needs no compiler.
pub fn microvm() -> (Fixture, PathBuf) {
    let fixture = Fixture::prepared();
    let clang = fixture.path(format!("toolchains/{X86}/bin/{X86}-clang"));
    fs::remove_file(&clang).unwrap();
    let script = "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done\necho init > \"$2\"\n";
    fs::write(&clang, script).unwrap();
    fs::set_permissions(&clang, fs::Permissions::from_mode(0o755)).unwrap();
    let hello = program(&fixture, "hello", &Elf::program(X86_64, "x").build());
    (fixture, hello)
}

/// A program in the place of qemu: answers `--version`, knows its lines as `$o`, `$e`, `$s`
/// and `$k`, and then does what `body` says.
pub fn qemu(fixture: &Fixture, body: &str) {
    let log = fixture.path("qemu.argv");
    let script = format!(
        "if [ \"$1\" = --version ]; then echo 'QEMU emulator version 9.9.9'; exit; fi\n\
         printf '%s\\n' \"$@\" > '{}'\n\
         for a; do case $a in stdio,id=s,*) s=/dev/stdout;; file,id=*) i=${{a#file,id=}}; eval \"${{i%%,*}}=\\${{a#*path=}}\";; esac; done\n\
         {body}",
        log.display()
    );
    fixture.tool("qemu-system-x86_64", &script);
}

/// In the microVM, with the kernel of the generated mirror.
fn boot(fixture: &Fixture, args: &[&str], program: &Path) -> Outcome {
    let mut all = vec!["--backend", "microvm"];
    all.extend(args);
    all.push(program.to_str().unwrap());
    fixture.run_online("run", all)
}

const GOOD: &str = r#"printf 'start\n' >> "$s"; printf 'to out\n' >> "$o"; printf 'to err\n' >> "$e"
printf 'exit 7 out 7 err 7\n' >> "$s"; sleep 30"#;

#[test]
fn stdin_without_an_end_keeps_no_start_back_and_comes_as_it_is_asked_for() {
    let (fixture, hello) = microvm();
    qemu(&fixture, GOOD);
    boot(&fixture, &[], &hello).code(7);
    fs::remove_file(fixture.path("qemu.argv")).unwrap();
    // Each piece has its length before it, and the end is an empty one.
    let talk = r#"PATH=/usr/bin:/bin
printf 'start\nmore\n' >> "$s"; head -c 7 | tail -c 5 >> "$o"
printf 'more\n' >> "$s"; head -c 8 | tail -c 6 >> "$o"
printf 'more\n' >> "$s"; head -c 2 | od -An -tx1 >> "$o"
printf 'exit 0 out 18 err 0\n' >> "$s"; sleep 30"#;
    qemu(&fixture, talk);
    let options = ["run", "--offline", "--backend", "microvm", "--timeout", "60"];
    let mut command = fixture.command(options);
    command.arg(&hello).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let begun = Instant::now();
    while !fixture.path("qemu.argv").exists() {
        assert!(begun.elapsed().as_secs() < 60, "stdin is waited for");
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut hears = |expected: &[u8]| {
        let mut heard = vec![0; expected.len()];
        from.read_exact(&mut heard).unwrap();
        assert_eq!(heard, expected);
    };
    to.write_all(b"first").unwrap();
    hears(b"first");
    to.write_all(b"second").unwrap();
    hears(b"second");
    drop(to);
    hears(b" 00 00\n");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_the_microvm_tells_is_passed_on_exactly_and_it_is_not_waited_for() {
    let (fixture, hello) = microvm();
    qemu(&fixture, GOOD);
    let begun = Instant::now();
    let outcome = boot(&fixture, &[], &hello);
    outcome
        .code(7)
        .stdout_is("to out\n")
        .stderr_has("in a microVM (QEMU 9.9.9")
        .stderr_has("to err\n");
    assert!(begun.elapsed().as_secs() < 20);
    let argv = fixture.read("qemu.argv");
    for part in ["-nodefaults\n", "-accel\ntcg\n", "-M\nq35\n", "-kernel\n", "rdinit=/reml/init"] {
        assert!(argv.contains(part), "{part:?} in {argv}");
    }
    let metrics = fixture.read("toolchains/metrics.jsonl");
    assert!(metrics.contains("\"emulator\":\"microvm\"") && metrics.contains("\"exit_status\":7"));
    // A static program has its own C library.
    let last = metrics.lines().last().unwrap();
    assert!(last.contains("\"qemu\":\"9.9.9\"") && !last.contains("glibc"), "{last}");
    // Nothing of the run is left; the kernel is kept, so that the network is not needed.
    assert_eq!(fs::read_dir(fixture.path("toolchains/cache/run")).unwrap().count(), 0);
    qemu(&fixture, &GOOD.replace("exit 7", "signal 11"));
    boot(&fixture, &["--offline"], &hello).code(139);
}

#[test]
fn a_kernel_that_is_not_cached_cannot_be_had_offline() {
    let (fixture, hello) = microvm();
    qemu(&fixture, GOOD);
    let outcome = boot(&fixture, &["--json", "--offline"], &hello);
    outcome.code(125).stderr_has("linux-image");
    // A cached one that was damaged is taken out of its package again.
    boot(&fixture, &[], &hello).code(7);
    let kernels = fs::read_dir(fixture.path("toolchains/cache/kernel")).unwrap();
    let paths: Vec<PathBuf> = kernels.map(|entry| entry.unwrap().path()).collect();
    let kernel =
        paths.iter().find(|path| path.extension().is_none_or(|end| end != "sha256")).unwrap();
    let whole = fs::read(kernel).unwrap();
    fs::write(kernel, "damaged").unwrap();
    boot(&fixture, &["--offline"], &hello).code(7);
    assert_eq!(fs::read(kernel).unwrap(), whole);
}

#[test]
fn a_microvm_that_dies_lies_or_loses_is_our_failure_with_its_last_words() {
    let (fixture, hello) = microvm();
    let fails = |body: &str, words: &[&str]| {
        qemu(&fixture, body);
        let outcome = boot(&fixture, &["--json"], &hello);
        outcome.code(125);
        for word in words {
            outcome.stderr_has(word);
        }
        assert!(outcome.stdout.contains("\"microvm-failed\""), "{outcome}");
    };
    fails(
        "echo 'Kernel panic - not syncing' >> \"$k\"; echo 'no KVM' >&2; exit 3",
        &["ended before the program did (exit status: 3)", "Kernel panic", "no KVM"],
    );
    fails("kill -SEGV $$", &["ended before the program did", "signal: 11"]);
    fails("printf 'exit 0\\n' >> \"$s\"; sleep 30", &["told no status", "exit 0"]);
    fails("printf '\\033[31m%500s' x >> \"$s\"; sleep 30", &["told no status"]);
    fails(
        "printf 'start\\nexit 0 out 9 err 0\\n' >> \"$s\"; printf 'half' >> \"$o\"",
        &["lost a part of stdout: expected 9 bytes, got 4"],
    );
    // Statuses of the kernel's own refusal are those of shells.
    qemu(&fixture, "printf 'cannot 2\\n' >> \"$s\"; sleep 30");
    boot(&fixture, &[], &hello).code(127);
    qemu(&fixture, "printf 'cannot 8\\n' >> \"$s\"; sleep 30");
    boot(&fixture, &[], &hello).code(126);
    qemu(&fixture, "printf 'start\\ntimeout 0 out 0 err 0\\n' >> \"$s\"; sleep 30");
    boot(&fixture, &["--timeout", "1"], &hello).code(124).stderr_has("within 1 s");
    fixture.tool("qemu-system-x86_64", "echo something else");
    boot(&fixture, &[], &hello).code(125).stderr_has("not a usable emulator");
}

#[test]
fn a_microvm_that_hangs_is_ended_by_the_limit_and_nothing_is_left_running() {
    let (fixture, hello) = microvm();
    let pid = fixture.path("pid");
    qemu(
        &fixture,
        &format!("echo $$ > '{}'; printf 'start\\n' >> \"$s\"; exec sleep 300", pid.display()),
    );
    let outcome = boot(&fixture, &["--timeout", "1"], &hello);
    outcome.code(124).stderr_has("did not end within 1 s").stderr_has("--timeout SECONDS");
    let pid = fs::read_to_string(pid).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "{pid} still runs");
}

#[test]
fn a_kept_image_is_used_again_until_a_file_of_it_changes() {
    let (fixture, hello) = microvm();
    qemu(&fixture, GOOD);
    let data = fixture.path("data.txt");
    fixture.write("data.txt", "1");
    let with = format!("{}:/data", data.display());
    let boot = || boot(&fixture, &["-v", "--snapshot", "--with-file", &with], &hello);
    boot().code(7).stderr_has("keeping the microVM's image");
    boot().code(7).stderr_has("reusing the microVM's image");
    fixture.write("data.txt", "22");
    boot().code(7).stderr_has("keeping the microVM's image");
    // A kept image that was damaged is made anew.
    for entry in fs::read_dir(fixture.path("toolchains/cache/images")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "cpio") {
            fs::write(path, "damaged").unwrap();
        }
    }
    boot().code(7).stderr_has("keeping the microVM's image");
    fs::remove_file(data).unwrap();
    boot().code(125).stderr_has("--with-file");
}
