//! `prepare` where the folder has an odd name, was moved, is taken, or is used by several
//! runs at once.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::fixture::{Fixture, Outcome, PROGRAM, snapshot};

const NONE: [&str; 0] = [];
const X86: &str = "x86_64-unknown-linux-gnu";
const ARM: &str = "aarch64-unknown-linux-gnu";

/// The program with another root than the fixture's.
fn at(fixture: &Fixture, root: &Path, args: &[&str]) -> Outcome {
    let mut command = Command::new(PROGRAM);
    command.env_clear().envs(fixture.env()).env("REML_TOOLCHAIN_MIRROR", fixture.mirror.url());
    command.arg("--root").arg(root).args(args);
    let output = command.output().unwrap();
    Outcome::new(format!("{command:?}"), &output)
}

/// Runs a program with the fixture's environment and a usual `PATH`.
fn sh(fixture: &Fixture, script: &str, args: &[&Path]) -> Outcome {
    let mut command = Command::new("/bin/sh");
    command.env_clear().envs(fixture.env()).env("PATH", "/usr/bin:/bin");
    command.args(["-c", script, "sh"]).args(args);
    let output = command.output().unwrap();
    Outcome::new(format!("{command:?}"), &output)
}

#[test]
fn odd_names_of_the_folder_work_for_the_tools_and_for_the_shell() {
    let fixture = Fixture::locked();
    for name in ["it's $HOME \"quoted\" `ls` \\ *", "ünï 部屋", "-dash"] {
        let root = fixture.home().join(name);
        std::fs::create_dir(&root).unwrap();
        for file in ["versions.toml", "checksums.txt"] {
            std::fs::copy(fixture.path(file), root.join(file)).unwrap();
        }
        let ready = at(&fixture, &root, &["prepare", "--llvm", "debian"]);
        ready.code(0);
        at(&fixture, &root, &["verify"]).code(0);
        // What it says can be typed.
        let line = ready.stderr.lines().find_map(|line| line.strip_prefix("use it:  "));
        let script = format!("set -eu\n{}\n{X86}-clang --version\n", line.unwrap());
        sh(&fixture, &script, &[]).code(0).stdout_has("clang version 19.1.7").stderr_is("");
    }
}

#[test]
fn a_name_that_path_cannot_carry_is_refused() {
    let fixture = Fixture::locked();
    for name in ["a:b", "a\nb"] {
        let root = fixture.home().join(name);
        at(&fixture, &root, &["prepare"]).code(2).stderr_has("cannot stand in PATH");
        assert!(!root.exists());
        std::fs::create_dir(&root).unwrap();
        at(&fixture, &root, &["prepare"]).code(2).stderr_has("hint: name another folder");
        assert!(snapshot(&root).0.is_empty());
    }
    let file = fixture.path("versions.toml");
    at(&fixture, &file, &["prepare"]).code(2).stderr_has("versions.toml: not a folder");
}

#[test]
fn the_project_is_found_from_a_folder_inside_it() {
    let fixture = Fixture::locked();
    fixture.write("sub/sub/file", "");
    let mut command = Command::new(PROGRAM);
    command.env_clear().envs(fixture.env()).env("REML_TOOLCHAIN_MIRROR", fixture.mirror.url());
    command.args(["prepare", "--llvm", "debian"]).current_dir(fixture.path("sub/sub"));
    let output = command.output().unwrap();
    Outcome::new(format!("{command:?}"), &output).code(0);
    assert!(fixture.path(format!("toolchains/{X86}")).exists());
    assert!(!fixture.path("sub/sub/toolchains").exists());
}

#[test]
fn what_is_not_ours_in_the_toolchains_place_is_refused_and_kept() {
    let fixture = Fixture::locked();
    let path = format!("toolchains/{X86}");
    fixture.write(format!("{path}/precious"), "mine");
    let outcome = fixture.prepare(NONE);
    outcome.code(1).stderr_has("made by reml-toolchain or nothing, got a folder");
    outcome.stderr_has("hint: move it away: `mv '");
    fixture.prepare(["--force"]).code(1);
    assert_eq!(fixture.read(format!("{path}/precious")), "mine");
    std::fs::remove_dir_all(fixture.path(&path)).unwrap();
    fixture.write(&path, "a file");
    fixture.prepare(NONE).code(1).stderr_has("got a file");
    assert_eq!(fixture.read(&path), "a file");
    std::fs::remove_file(fixture.path(&path)).unwrap();
    // A link that leads nowhere is ours, whose tree somebody removed.
    std::os::unix::fs::symlink(".gen/gone", fixture.path(&path)).unwrap();
    fixture.prepare(NONE).code(0).stderr_has("is ready");
}

#[test]
fn after_a_move_the_tools_work_env_sh_tells_what_to_type_and_prepare_repairs() {
    let fixture = Fixture::locked();
    fixture.prepare(NONE).code(0);
    let new = fixture.home().join("new place");
    std::fs::rename(fixture.root(), &new).unwrap();
    let tree = new.join("toolchains").join(X86);
    let clang = tree.join(format!("bin/{X86}-clang"));
    sh(&fixture, "\"$1\" --version", &[&clang]).code(0).stdout_has("clang version 19.1.7");
    let sourced = sh(&fixture, ". \"$1\"; echo \"$PATH\"", &[&tree.join("env.sh")]);
    sourced.code(0).stdout_is("/usr/bin:/bin\n");
    sourced.stderr_has("run `reml-toolchain prepare` in its new place");
    at(&fixture, &new, &["verify"]).code(0);
    let repaired = at(&fixture, &new, &["prepare", "--llvm", "debian", "-v", "--offline"]);
    repaired.code(0).stderr_has("stale: place changed (").stderr_has("new place");
    let script = format!(". \"$1\"; command -v {X86}-clang");
    let sourced = sh(&fixture, &script, &[&tree.join("env.sh")]);
    sourced.code(0).stderr_is("").stdout_is(&format!("{}\n", clang.display()));
}

/// Starts a run; see [`end`].
fn start(fixture: &Fixture, args: &[&str]) -> (String, Child) {
    let keyring = fixture.keyring();
    let url = fixture.mirror.url();
    let all = ["--mirror", &url, "--keyring", keyring.to_str().unwrap()];
    let mut command = fixture.command(args.iter().copied().chain(all));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    (format!("{command:?}"), command.spawn().unwrap())
}

fn end((shown, child): (String, Child)) -> Outcome {
    Outcome::new(shown, &child.wait_with_output().unwrap())
}

#[test]
fn two_runs_for_one_target_at_once_do_the_work_once() {
    let fixture = Fixture::locked();
    for _ in 0..2 {
        let args = ["prepare", "--llvm", "debian"];
        let runs = [start(&fixture, &args), start(&fixture, &args)].map(end);
        let count = |text| runs.iter().filter(|run| run.stderr.contains(text)).count();
        for run in &runs {
            run.code(0);
        }
        assert_eq!((count("is ready"), count("is up to date")), (1, 1), "{}{}", runs[0], runs[1]);
        fixture.run(["verify"]).code(0);
        std::fs::remove_file(fixture.path(format!("toolchains/{X86}"))).unwrap();
    }
}

#[test]
fn runs_for_two_targets_at_once_do_not_disturb_each_other() {
    let fixture = Fixture::locked();
    for round in 0..2 {
        let runs = [X86, ARM].map(|target| {
            start(&fixture, &["prepare", "--llvm", "debian", "--target", target, "--force"])
        });
        for run in runs.map(end) {
            run.code(0).stderr_has("is ready");
        }
        for target in [X86, ARM] {
            fixture.run(["verify", "--target", target]).code(0);
        }
        if round == 0 {
            std::fs::remove_dir_all(fixture.path("toolchains/cache/unpacked")).unwrap();
        }
    }
    let unpacked = std::fs::read_dir(fixture.path("toolchains/cache/unpacked")).unwrap();
    let names = unpacked.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let hidden: Vec<String> = names.filter(|name| name.starts_with('.')).collect();
    assert_eq!(hidden, [".lock"]);
}

#[test]
fn two_locks_at_once_lose_nothing_of_each_other() {
    let fixture = Fixture::locked();
    let runs = ["zlib1g-dev", "libssl-dev", "libdemo-dev"]
        .map(|package| start(&fixture, &["lock", "--with", package]));
    for run in runs.map(end) {
        run.code(0);
    }
    let text = fixture.read("checksums.txt");
    for package in ["zlib1g-dev", "libssl-dev", "libdemo-dev"] {
        assert!(text.contains(&format!("bookworm/with:{package}/amd64")), "{package}");
    }
    let with = ["zlib1g-dev", "libdemo-dev"];
    let runs =
        with.map(|package| start(&fixture, &["prepare", "--llvm", "debian", "--with", package]));
    for run in runs.map(end) {
        run.code(0);
    }
    fixture.run(["verify"]).code(0);
}
