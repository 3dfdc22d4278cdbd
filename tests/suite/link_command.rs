//! `link` and `verify-ir` without a real LLVM: what is refused before any tool is started,
//! and programs in the place of clang and opt that behave well, crash, or make something
//! else. The real ones are in `link_real`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::fixture::{Fixture, Outcome};
use crate::support::mirror::elf::{Elf, object};

const X86: &str = "x86_64-unknown-linux-gnu";
const X86_64: u16 = 62;
const AARCH64: u16 = 183;
const MAIN: &str = "define i32 @main() {\n  ret i32 0\n}\n";

/// A program in the place of a tool of the toolchain; arguments are kept in `ALIAS.argv`.
fn tool(fixture: &Fixture, alias: &str, body: &str) {
    let path = fixture.path(format!("toolchains/{X86}/bin/{X86}-{alias}"));
    let _ = fs::remove_file(&path);
    let log = fixture.path(format!("{alias}.argv"));
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\nout=; for a; do case $p in -o) out=$a;; esac; p=$a; done\n{body}\n",
        log.display()
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// opt copies what it is given; clang has an empty module, and links by copying `made`.
fn tools(fixture: &Fixture, made: &[u8]) {
    fixture.write("made", made);
    tool(fixture, "opt", "PATH=/usr/bin:/bin; cp \"$a\" \"$out\"");
    let body = format!(
        "PATH=/usr/bin:/bin\nif [ \"$out\" = - ]; then\n\
         printf 'target datalayout = \"e-i64:64\"\\ntarget triple = \"{X86}\"\\n'\n\
         printf '!0 = !{{!\"clang version 19.1.7\"}}\\n'; exit; fi\ncp '{}' \"$out\"",
        fixture.path("made").display()
    );
    tool(fixture, "clang", &body);
}

fn link(fixture: &Fixture, args: &[&str]) -> Outcome {
    let mut command = fixture.command(["--json", "link", "-o", "program"]);
    let output = command.args(args).current_dir(fixture.root()).output().unwrap();
    Outcome::new(format!("link {args:?}"), &output)
}

#[track_caller]
fn refused(outcome: &Outcome, exit: i32, code: &str) {
    outcome.code(exit).stderr_has("error: ");
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(document["error"]["code"], code, "{outcome}");
}

#[test]
fn inputs_that_cannot_be_linked_are_refused_before_any_tool_starts() {
    let fixture = Fixture::prepared();
    for alias in ["opt", "clang"] {
        tool(&fixture, alias, "exit 99");
    }
    fixture.write("program", "old");
    fixture.write("arm.o", object(AARCH64));
    let outcome = link(&fixture, &["arm.o"]);
    refused(&outcome, 2, "input-other-machine");
    outcome.stderr_has("expected an object for x86_64-unknown-linux-gnu, got one for aarch64");
    fixture.write("lib.so", Elf::library(X86_64, "lib.so").build());
    let outcome = link(&fixture, &["lib.so"]);
    refused(&outcome, 2, "input-unknown");
    outcome.stderr_has("got a shared library").stderr_has("-l NAME");
    fixture.write("done", Elf::program(X86_64, "x").build());
    refused(&link(&fixture, &["done"]), 2, "input-unknown");
    fixture.write("mac.o", b"\xcf\xfa\xed\xfe\x07\0\0\x01");
    refused(&link(&fixture, &["mac.o"]), 2, "input-unknown");
    fixture.write("empty.ll", b"");
    refused(&link(&fixture, &["empty.ll"]), 2, "input-unknown");
    fixture.write("cut.a", b"!<arch>\nx.o/            0           0     0     644     ");
    refused(&link(&fixture, &["cut.a"]), 1, "input-damaged");
    fixture.write("main.ll", MAIN);
    refused(&link(&fixture, &["main.ll", "none.ll"]), 1, "file-not-found");
    refused(&link(&fixture, &["main.ll", "program"]), 2, "output-is-input");
    assert!(!fixture.path("opt.argv").exists() && !fixture.path("clang.argv").exists());
    assert_eq!(fixture.read("program"), "old");
    fixture.run(["link"]).code(2);
    fixture.run(["link", "x.ll"]).code(2).stderr_has("--output");
    fixture.run(["link", "x.ll", "-o", "y", "-O", "9"]).code(2);
    let outcome = fixture.run(["link", "x.ll", "-o", "y", "--inline-runtime=never"]);
    outcome.code(2).stderr_has("--link-runtime");
}

#[test]
fn without_a_toolchain_or_its_tools_the_command_that_cures_it_is_told() {
    let fixture = Fixture::new();
    fixture.write("main.ll", MAIN);
    let outcome = link(&fixture, &["main.ll"]);
    refused(&outcome, 1, "not-prepared");
    outcome.stderr_has("reml-toolchain prepare");
    let fixture = Fixture::prepared();
    fixture.write("main.ll", MAIN);
    tools(&fixture, b"");
    fs::remove_file(fixture.path(format!("toolchains/{X86}/bin/{X86}-opt"))).unwrap();
    let outcome = link(&fixture, &["main.ll"]);
    refused(&outcome, 6, "llvm-tool-absent");
    outcome.stderr_has("--llvm debian");
}

#[test]
fn a_good_program_replaces_the_old_one_and_stands_in_the_metrics() {
    let fixture = Fixture::prepared();
    fixture.write("main.ll", MAIN);
    let made = Elf::program(X86_64, "new\n").build();
    tools(&fixture, &made);
    fixture.write("program", "old");
    let outcome = link(&fixture, &["main.ll", "-static", "-O3", "--lto", "-l", "m", "-L", "a b"]);
    outcome.code(0);
    assert_eq!(fs::read(fixture.path("program")).unwrap(), made);
    assert_eq!(fs::metadata(fixture.path("program")).unwrap().permissions().mode() & 0o777, 0o755);
    let argv = fixture.read("clang.argv");
    let folder = format!("-L{}\n", fixture.path("a b").display());
    for part in ["-static\n", "-O3\n", "-flto\n", "-lm\n", "-Wl,--strip-debug\n", &folder] {
        assert!(argv.contains(part), "{part:?} in {argv}");
    }
    let metrics = fixture.read("toolchains/metrics.jsonl");
    let line: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    assert_eq!((&line["command"], &line["exit_status"]), (&"link".into(), &0.into()));
    assert_eq!(line["elf_bytes"], made.len());
    assert_eq!(line["versions"]["llvm"], "19.1.7");
    assert!(line["versions"]["glibc"].as_str().unwrap().starts_with("2.36-"), "{line}");
    assert_eq!(fs::read_dir(fixture.path("toolchains/cache/link")).unwrap().count(), 0);
}

#[test]
fn what_is_no_program_for_the_target_is_never_installed() {
    let fixture = Fixture::prepared();
    fixture.write("main.ll", MAIN);
    fixture.write("program", "old");
    let other = Elf::program(AARCH64, "x").build();
    for made in [&other[..], b"text", &object(X86_64)] {
        tools(&fixture, made);
        refused(&link(&fixture, &["main.ll"]), 1, "output-wrong");
    }
    tool(&fixture, "opt", "kill -SEGV $$");
    refused(&link(&fixture, &["main.ll"]), 1, "llvm-crashed");
    tools(&fixture, &other);
    tool(&fixture, "clang", "echo 'no idea' >&2; exit 1");
    let outcome = link(&fixture, &["main.ll"]);
    refused(&outcome, 1, "llvm-failed");
    outcome.stderr_has("no idea");
    assert_eq!(fixture.read("program"), "old");
    let metrics = fixture.read("toolchains/metrics.jsonl");
    assert!(metrics.lines().last().unwrap().contains("\"exit_status\":1"), "{metrics}");
    let mut links = metrics.lines().filter(|line| line.contains("\"link\""));
    assert!(links.all(|line| line.contains("\"glibc\":\"2.36-")), "{metrics}");
    fs::create_dir(fixture.path("folder")).unwrap();
    tools(&fixture, &Elf::program(X86_64, "x").build());
    let outcome = fixture.run(["link", "main.ll", "-o", "/nonexistent/folder/program"]);
    outcome.code(1).stderr_has("/nonexistent/folder");
    let folder = fixture.path("folder");
    let main = fixture.path("main.ll");
    let args = ["link".as_ref(), main.as_os_str(), "-o".as_ref(), folder.as_os_str()];
    fixture.run(args).code(2).stderr_has("in the output's place");
    assert!(Path::new(&folder).is_dir());
}

#[test]
fn verify_ir_asks_for_a_toolchain_and_for_ir() {
    let fixture = Fixture::new();
    fixture.write("main.ll", MAIN);
    let main = fixture.path("main.ll");
    let outcome = fixture.run(["--json".as_ref(), "verify-ir".as_ref(), main.as_os_str()]);
    refused(&outcome, 1, "not-prepared");
    let fixture = Fixture::prepared();
    fixture.write("a.o", object(X86_64));
    let object = fixture.path("a.o");
    let outcome = fixture.run(["--json".as_ref(), "verify-ir".as_ref(), object.as_os_str()]);
    refused(&outcome, 2, "input-unknown");
    assert!(!fixture.path("artifacts").exists());
}
