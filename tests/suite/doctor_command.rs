//! `doctor` by the built program, on hosts of each test's own making. Only output and exit
//! codes count, and that nothing is left behind.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::Value;

use crate::support::fixture::{Fixture, Outcome, snapshot};
use crate::support::sources::root;

const NONE: [&str; 0] = [];
const X86: &str = "x86_64-unknown-linux-gnu";

fn doctor<'a>(fixture: &Fixture, args: impl IntoIterator<Item = &'a str>) -> Outcome {
    fixture.run_online("doctor", args)
}

/// The clang that Debian's packages put on this host, which no `PATH` hides, if it serves.
fn debians_clang() -> Option<&'static str> {
    let bin = Path::new("/usr/lib/llvm-19/bin");
    let serves = ["clang", "ld.lld", "llvm-ar"].iter().all(|name| bin.join(name).exists());
    serves.then_some("/usr/lib/llvm-19/bin/clang")
}

/// The codes of the findings, and the facts.
fn findings(fixture: &Fixture, exit: i32) -> (Vec<String>, Value) {
    let outcome = doctor(fixture, ["--json"]);
    outcome.code(exit);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&document["schema"], &document["exit"]), (&1.into(), &exit.into()));
    let list = document["findings"].as_array().unwrap();
    let codes = list.iter().map(|finding| finding["code"].as_str().unwrap().to_owned());
    (codes.collect(), document["facts"].clone())
}

#[test]
fn a_newcomer_is_told_what_there_is_and_what_to_type_and_nothing_is_changed() {
    let fixture = Fixture::locked();
    let before = snapshot(&fixture.root()).to_string();
    let outcome = doctor(&fixture, NONE);
    let llvm = match debians_clang() {
        Some(clang) => format!(": {clang}\n"),
        None => "LLVM       no 19 here: `reml-toolchain prepare` brings Debian's".to_owned(),
    };
    outcome.code(0).stdout_has(&llvm);
    outcome.stdout_has(&format!("mirror     {}: answered in ", fixture.mirror.url()));
    outcome.stdout_has("note[not-prepared]: no toolchain is prepared for x86_64-unknown-linux-gnu");
    outcome.stdout_has("  hint: reml-toolchain prepare\n");
    outcome.stdout_has("nothing stands in the way: 0 errors, 0 warnings, ");
    assert_eq!(snapshot(&fixture.root()).to_string(), before);
    let (mut codes, facts) = findings(&fixture, 0);
    // A clang without lld below /usr/lib/llvm-19 is this host's, not the test's.
    codes.retain(|code| code != "llvm-passed-over");
    assert_eq!(codes, ["rust-missing", "not-prepared"]);
    assert_eq!((&facts["system"]["family"], &facts["rust"]), (&"linux".into(), &Value::Null));
    assert_eq!(facts["place"]["is_case_sensitive"], true);
}

#[test]
fn a_project_that_does_not_exist_yet_is_judged_by_the_folder_above() {
    let fixture = Fixture::new();
    let new = fixture.home().join("new/project");
    // Of two, the last counts.
    let outcome = fixture.run(["doctor", "--offline", "--json", "--root", new.to_str().unwrap()]);
    outcome.code(0);
    let document: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let folder = &document["facts"]["place"]["folders"][0]["path"];
    assert_eq!(folder.as_str().unwrap(), fixture.home().to_str().unwrap());
    assert!(!new.exists() && !fixture.home().join("new").exists());
}

#[test]
fn mirrors_are_asked_once_and_with_offline_not_at_all() {
    let fixture = Fixture::locked();
    let outcome = fixture.run(["doctor", "--offline"]);
    outcome.code(0).stdout_has(": not asked").stdout_has("note[network-not-asked]");
    outcome.stdout_lacks("answered").stderr_is("");
    let dead = fixture.run(["doctor", "--mirror", "http://127.0.0.1:1/debian"]);
    dead.code(3).stdout_has("warning[archive-unreachable]: no mirror of debian answers: http://");
    dead.stdout_has("no mirror of debian-security answers").stdout_has("something is wrong: ");
    dead.stderr_has("asking   2 mirrors");
}

#[test]
fn j09_preloaded_and_hostile_variables_are_told_with_what_to_unset() {
    let mut fixture = Fixture::prepared();
    fixture.set_env("LD_PRELOAD", "/nonexistent/lib.so");
    fixture.set_env("CPATH", "/planted");
    fixture.set_env("HOMEBREW_PREFIX", "/nonexistent/brew");
    fixture.set_env("REML_TOOLCHAIN_HOME", "/nonexistent/home");
    fixture.set_env("SSL_CERT_FILE", "/nonexistent/certs");
    let outcome = doctor(&fixture, NONE);
    outcome
        .code(3)
        .stdout_has("warning[preloaded]: LD_PRELOAD")
        .stdout_has("hint: unset LD_PRELOAD");
    outcome.stdout_has("would lead a compiler astray: CPATH\n");
    outcome.stdout_has("HOMEBREW_PREFIX names /nonexistent/brew").stdout_has("warning[home-wrong]");
    // Nothing is https here, so certificates do not matter.
    outcome.stdout_lacks("certificates-missing");
    fixture.unset_env("LD_PRELOAD");
    fixture.set_env("http_proxy", "ftp://user:secret@proxy");
    let proxy = doctor(&fixture, NONE);
    proxy.code(3).stdout_has("error[proxy-malformed]").stdout_has("hint: unset http_proxy");
    proxy.stdout_lacks("secret").stdout_lacks("archive-unreachable");
    fixture.unset_env("http_proxy");
    for name in ["CPATH", "HOMEBREW_PREFIX", "REML_TOOLCHAIN_HOME"] {
        fixture.unset_env(name);
    }
    let secure = fixture.run(["doctor", "--mirror", "https://127.0.0.1:1/debian"]);
    secure.code(3).stdout_has("SSL_CERT_FILE names /nonexistent/certs, where nothing lies");
}

#[test]
fn j06_a_compiler_of_the_users_is_told_and_env_replaces_it() {
    let mut fixture = Fixture::prepared();
    doctor(&fixture, NONE).code(0).stdout_lacks("variables-");
    fixture.set_env("CC_x86_64_unknown_linux_gnu", "/usr/bin/gcc");
    fixture.set_env("CFLAGS_x86_64_unknown_linux_gnu", "-O3");
    fixture.set_env("CC", "tcc");
    let outcome = doctor(&fixture, NONE);
    outcome.code(0).stdout_has("note[variables-replaced]: CC_x86_64_unknown_linux_gnu: set");
    outcome.stdout_has("note[variables-kept]: CC, CFLAGS_x86_64_unknown_linux_gnu: the toolchain");
    // What is sourced or run has the toolchain's compiler, and what else was set.
    let script = "echo \"$CC_x86_64_unknown_linux_gnu $CC $CFLAGS_x86_64_unknown_linux_gnu\"";
    let clang = "toolchains/x86_64-unknown-linux-gnu/bin/x86_64-unknown-linux-gnu-clang";
    let expected = format!("{} tcc -O3\n", fixture.path(clang).display());
    fixture.run(["exec", "--", "/bin/sh", "-c", script]).code(0).stdout_is(&expected);
    let sourced = format!(
        ". '{}/env.sh'; {script}",
        fixture.path("toolchains/x86_64-unknown-linux-gnu").display()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &sourced]).env("CC", "tcc");
    command.env("CC_x86_64_unknown_linux_gnu", "/usr/bin/gcc");
    command.env("CFLAGS_x86_64_unknown_linux_gnu", "-O3");
    assert_eq!(String::from_utf8(command.output().unwrap().stdout).unwrap(), expected);
    // What env.sh set is no conflict.
    fixture.unset_env("CC");
    fixture.unset_env("CFLAGS_x86_64_unknown_linux_gnu");
    fixture.set_env("CC_x86_64_unknown_linux_gnu", fixture.path(clang).to_str().unwrap());
    doctor(&fixture, NONE).code(0).stdout_lacks("variables-");
}

#[test]
fn folders_that_refuse_or_are_open_to_all_are_told_by_trying() {
    let fixture = Fixture::prepared();
    let toolchains = fixture.path("toolchains");
    fs::set_permissions(&toolchains, fs::Permissions::from_mode(0o777)).unwrap();
    let open = doctor(&fixture, NONE);
    open.code(3)
        .stdout_has("warning[folder-open]")
        .stdout_has(&format!("hint: chmod o-w '{}'", toolchains.display()));
    // A root that every user can read, and only root can write, tried by another user.
    if rustix::process::geteuid().is_root() {
        fs::set_permissions(&toolchains, fs::Permissions::from_mode(0o755)).unwrap();
        let folder = fixture.root().parent().unwrap().to_owned();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid", "12345", "--regid", "12345", "--clear-groups"]);
        let program = copy_for_all(&fixture);
        command.arg(program).arg("--root").arg(fixture.root()).args(["doctor", "--offline"]);
        let outcome = Outcome::new("doctor".into(), &command.output().unwrap());
        outcome.code(3).stdout_has("error[folder-refuses]: ").stdout_has("permission denied");
        outcome.stdout_has("it belongs to user 0, and this is user 12345");
        outcome.stdout_has("hint: sudo chown -R \"$(id -un)\" '");
    }
}

/// The program where every user can start it: the build's folder may be closed to others.
fn copy_for_all(fixture: &Fixture) -> std::path::PathBuf {
    let copy = fixture.root().parent().unwrap().join("program");
    fs::copy(crate::support::fixture::PROGRAM, &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

#[test]
fn compilers_that_do_not_serve_are_left_aside_with_the_reason() {
    let fixture = Fixture::locked();
    fixture.tool("clang", "echo 'Debian clang version 14.0.6'");
    fixture.tool("clang-19", "echo 'Debian clang version 19.1.7 (3)'");
    let outcome = doctor(&fixture, NONE);
    outcome.code(0).stdout_has("note[llvm-passed-over]: left aside: ").stdout_has("without ld.lld");
    let cure = match debians_clang() {
        Some(clang) => format!("{clang} is used"),
        None => "`reml-toolchain prepare` brings Debian's LLVM".to_owned(),
    };
    outcome.stdout_has(&format!("hint: nothing to do: {cure}"));
}

#[test]
fn rust_without_the_targets_library_is_a_warning_with_the_command() {
    let fixture = Fixture::locked();
    let sysroot = fixture.home().join("rust");
    let says = format!(
        "case $1 in -vV) printf 'rustc 1.95.0\\nhost: x\\nrelease: 1.95.0\\n' ;; *) echo '{}' ;; esac",
        sysroot.display()
    );
    fixture.tool("rustc", &says);
    let outcome = doctor(&fixture, NONE);
    outcome.code(3).stdout_has("warning[rust-target-missing]: Rust 1.95.0 lacks");
    outcome.stdout_has("install rustup (https://rustup.rs), then `rustup target add");
    let library = sysroot.join("lib/rustlib").join(X86).join("lib");
    fs::create_dir_all(&library).unwrap();
    doctor(&fixture, NONE).code(0).stdout_has("Rust       1.95.0, for x86_64-unknown-linux-gnu");
    fixture.tool("rustc", &says.replace("release: 1.95", "release: 1.70"));
    doctor(&fixture, NONE).code(3).stdout_has("warning[rust-too-old]: Rust 1.70.0");
}

#[test]
fn toolchains_that_are_whole_damaged_moved_or_robbed_of_a_tool_are_told_apart() {
    let fixture = Fixture::prepared();
    doctor(&fixture, NONE).code(0).stdout_has("toolchain  x86_64-unknown-linux-gnu: ready");
    let state = |code: &str| {
        let outcome = doctor(&fixture, NONE);
        outcome.code(3).stdout_has(&format!("[{code}]: {X86}: "));
        outcome.stdout_has(&format!("hint: reml-toolchain prepare --target {X86}"));
    };
    let tree = fixture.path("toolchains").join(X86);
    let header = tree.join("sysroot/usr/include/features.h");
    let content = fs::read(&header).unwrap();
    fs::remove_file(&header).unwrap();
    state("tree-damaged");
    let stamp = tree.join("share/stamp.json");
    let text = fs::read_to_string(&stamp).unwrap();
    fs::write(&stamp, "{").unwrap();
    state("tree-unreadable");
    fs::write(&stamp, text).unwrap();
    fs::write(&header, content).unwrap();
    fixture.prepare(NONE).code(0);
    fixture.tool("pkgconf", "echo 2.5.1");
    fixture.prepare(["--force"]).code(0);
    fs::remove_file(fixture.tools().join("pkgconf")).unwrap();
    state("tree-tool-gone");
    fixture.prepare(NONE).code(0);
    // The same project under another name.
    let moved = fixture.root().with_file_name("moved");
    fs::rename(fixture.root(), &moved).unwrap();
    symlink(&moved, fixture.root()).unwrap();
    state("tree-moved");
}

#[test]
fn the_lock_and_the_pins_must_fit() {
    let fixture = Fixture::locked();
    fs::remove_file(fixture.path("checksums.txt")).unwrap();
    let outcome = doctor(&fixture, NONE);
    outcome.code(3).stdout_has("error[lock-behind]").stdout_has("hint: reml-toolchain lock");
    fixture.write("versions.toml", "nonsense");
    doctor(&fixture, NONE).code(2).stderr_has("versions.toml");
}

#[test]
fn every_finding_has_its_section() {
    let page = fs::read_to_string(root().join("docs/src/reference/doctor.md")).unwrap();
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let table = reml_toolchain::doctor::findings::CODES;
    assert_eq!(sections, table.iter().map(|(code, ..)| *code).collect::<Vec<_>>());
    for (code, severity, _) in table {
        let section = page.split(&format!("### {code}\n\n")).nth(1).unwrap();
        let word = format!("{severity:?}. ");
        assert!(section.starts_with(&word), "{code}: its section does not begin with {word}");
    }
    for code in reml_toolchain::doctor::findings::MISSING_TOOLS {
        let row = page.lines().find(|line| line.starts_with("| 6 |")).unwrap();
        assert!(row.contains(&format!("`{code}`")), "{code} is not in the row of status 6");
    }
}
