//! `prepare --brew` by the built program, against a Homebrew in a folder of the test's own.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use crate::support::brew::{Brew, Way, lld, llvm, machines};
use crate::support::fixture::{Fixture, Outcome};

mod real;

const X86: &str = "x86_64-unknown-linux-gnu";
const NONE: [&str; 0] = [];

/// A locked project beside a Homebrew that has nothing installed.
fn ground() -> (Fixture, Brew) {
    let mut fixture = Fixture::locked();
    let brew = Brew::at(&fixture.home().join("home brew"));
    fixture.set_env("HOMEBREW_PREFIX", brew.prefix());
    (fixture, brew)
}

fn pin(fixture: &Fixture, major: u32, formulae: &str) {
    if major != 19 {
        fixture.edit("versions.toml", "major = 19", &format!("major = {major}"));
    }
    let pinned = r#"formulae = ["llvm@19", "lld@19", "qemu", "pkgconf"]"#;
    fixture.edit("versions.toml", pinned, &format!("formulae = [{formulae}]"));
}

fn prepare<'a>(fixture: &Fixture, args: impl IntoIterator<Item = &'a str>) -> Outcome {
    fixture.run_online("prepare", ["--brew"].into_iter().chain(args))
}

/// The path behind a name in the toolchain's `share/tools`.
fn program(fixture: &Fixture, name: &str) -> String {
    let text = fixture.read(format!("toolchains/{X86}/share/tools"));
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}\t")));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).to_owned()
}

fn path(folder: &Path, below: &str) -> String {
    folder.join(below).display().to_string()
}

#[test]
fn l08_what_is_missing_is_installed_one_at_a_time_and_the_tree_uses_the_kegs() {
    let (mut fixture, brew) = ground();
    brew.offer_all(19, "19.1.7");
    fixture.set_env("CPATH", "/planted");
    fixture.set_env("HOMEBREW_NO_ASK", "");
    let ready = prepare(&fixture, NONE);
    ready.code(0).stdout_is("").stderr_has("  brew installing llvm@19 (1 of 4) …");
    ready.stderr_has("LLVM is Homebrew's llvm@19 19.1.7 (");
    let install = |formula: &str| format!("install --formula --skip-link {formula}");
    let mut expected = ["llvm@19", "lld@19", "qemu", "pkgconf"].map(install).to_vec();
    expected.push("info --json=v2 --formula llvm@19 lld@19 qemu pkgconf".to_owned());
    assert_eq!(brew.calls(), expected);
    let env = brew.env();
    for variable in [
        "HOMEBREW_NO_ASK=1",
        "HOMEBREW_NO_AUTO_UPDATE=1",
        "HOMEBREW_NO_INSTALL_CLEANUP=1",
        "HOMEBREW_NO_INSTALLED_DEPENDENTS_CHECK=1",
        "HOMEBREW_NO_INSTALL_UPGRADE=1",
        "HOMEBREW_NO_ENV_HINTS=1",
    ] {
        assert!(env.iter().any(|line| line == variable), "{variable} is not in {env:?}");
    }
    assert!(!env.iter().any(|line| line.starts_with("CPATH=")), "{env:?}");
    assert!(env.iter().any(|line| line.starts_with("HOME=")), "{env:?}");

    let (clang, linker) = (brew.keg("llvm@19", "19.1.7"), brew.keg("lld@19", "19.1.7"));
    assert_eq!(program(&fixture, "clang"), path(&clang, "bin/clang-19"));
    assert_eq!(program(&fixture, "ld.lld"), path(&linker, "bin/ld.lld"));
    assert_eq!(program(&fixture, "llvm-strip"), path(&clang, "bin/llvm-strip"));
    assert_eq!(program(&fixture, "pkg-config"), path(brew.prefix(), "opt/pkgconf/bin/pkgconf"));
    let tree = fixture.snapshot(format!("toolchains/{X86}"));
    assert!(!tree.has("lib/llvm") && tree.has("sysroot/usr/include/stdio.h"), "{tree}");
    let config = fixture.read(format!("toolchains/{X86}/share/clang/{X86}.cfg"));
    assert!(
        config.contains(&format!("-resource-dir={}", path(&clang, "lib/clang/19"))),
        "{config}"
    );
    let said = fixture.run(["exec", "--", &format!("{X86}-clang"), "--version"]);
    said.code(0).stdout_has("Homebrew clang version 19.1.7");

    // The second run starts no brew, and neither does one without the flag.
    prepare(&fixture, NONE).code(0).stderr_has("is up to date");
    fixture.prepare(["--llvm", "auto"]).code(0).stderr_has("is up to date");
    assert_eq!(brew.calls(), expected);
}

#[test]
fn l08_offline_nothing_is_installed_and_the_command_is_named() {
    let (fixture, brew) = ground();
    brew.offer_all(19, "19.1.7");
    brew.have("qemu", "10.1.0", crate::support::brew::tool("qemu-system-x86_64", "QEMU"));
    for flag in ["--cache", "--offline"] {
        let refused = prepare(&fixture, [flag, "--json"]);
        refused.code(6).stdout_has("\"code\": \"brew-formula-missing\"");
        refused.stderr_has("not installed: llvm@19, lld@19, pkgconf");
        refused.stderr_has("hint: brew install --formula llvm@19 lld@19 pkgconf");
    }
    assert_eq!(brew.calls(), [""; 0]);
    assert!(!fixture.path("toolchains").join(X86).exists());
}

#[test]
fn l08_without_the_flag_brew_is_never_called_and_what_it_has_is_found() {
    let (fixture, brew) = ground();
    // A major that no machine has where Debian puts it.
    pin(&fixture, 97, r#""llvm@97", "lld@97""#);
    brew.offer_all(97, "97.1.0");
    let refused = fixture.prepare(["--llvm", "system"]);
    refused
        .code(6)
        .stderr_has("no LLVM 97 on PATH serves")
        .stderr_has("`reml-toolchain prepare --brew`");
    brew.have_all(97, "97.1.0");
    fixture.prepare(["--llvm", "system"]).code(0).stderr_has("Homebrew's llvm@97 97.1.0");
    assert_eq!(program(&fixture, "ld.lld"), path(&brew.keg("lld@97", "97.1.0"), "bin/ld.lld"));
    assert_eq!(brew.calls(), [""; 0]);
}

#[test]
fn l08_exit_codes_prove_nothing_and_what_is_missing_afterwards_is_named() {
    let (fixture, brew) = ground();
    brew.offer_all(19, "19.1.7");
    brew.way("llvm@19", Way::HasNoBottle);
    brew.way("lld@19", Way::FailsToLink);
    brew.way("qemu", Way::Fails);
    let half = prepare(&fixture, ["--json"]);
    half.code(6).stdout_has("\"code\": \"brew-install-failed\"");
    half.stderr_has("llvm@19: exit status: 0\n    ").stderr_has("    ==> Fetching llvm@19");
    half.stderr_has("no bottle available").stderr_has("qemu: exit status: 1");
    half.stderr_has("hint: brew install --formula llvm@19 qemu");
    assert!(!fixture.path("toolchains").join(X86).exists());
    // What did come is not installed again, and 1 at the end of a good keg is good enough.
    brew.way("llvm@19", Way::FailsToLink);
    brew.way("qemu", Way::LeavesUnlinked);
    prepare(&fixture, ["-v"]).code(0).stderr_has("brew ended with exit status: 1, and llvm@19 is");
    let again = brew.calls().iter().filter(|call| call.ends_with("lld@19")).count();
    assert_eq!(again, 1, "{:?}", brew.calls());
}

#[test]
fn l08_a_question_gets_no_answer_and_slow_output_is_shown_as_it_comes() {
    let (fixture, brew) = ground();
    brew.offer_all(19, "19.1.7");
    brew.way("llvm@19", Way::Asks);
    brew.way("lld@19", Way::Talks);
    let asked = prepare(&fixture, ["-v"]);
    asked.code(6).stderr_has("Error: nobody answered").stderr_lacks("lld@19: exit");
    asked.stderr_has("brew: ##               20.0%").stderr_has("brew: ==> line 1999");
    prepare(&fixture, NONE).code(6).stderr_lacks("brew: ==> line 0");
}

#[test]
fn l08_a_homebrew_for_another_processor_is_refused_before_it_is_run() {
    let (fixture, brew) = ground();
    brew.have_all(19, "19.1.7");
    let (own, other) = machines();
    fs::remove_dir_all(brew.keg("lld@19", "19.1.7")).unwrap();
    brew.have("lld@19", "19.1.7", lld(other, "19.1.7"));
    prepare(&fixture, NONE).code(6).stderr_has("Homebrew's LLVM in");
    brew.have("lld@19", "19.1.8", lld(own, "19.1.8"));
    brew.have("llvm@19", "19.1.8", llvm(other, "19.1.8"));
    let refused = prepare(&fixture, ["--json"]);
    refused.code(6).stdout_has("\"code\": \"brew-wrong-machine\"");
    refused.stderr_has("clang-19: expected a program for Linux").stderr_has("got one for Linux");
    refused.stderr_has("hint: name the Homebrew of this machine in HOMEBREW_PREFIX");
}

#[test]
fn l08_a_prefix_without_a_homebrew_is_named() {
    let (mut fixture, _) = ground();
    fixture.set_env("HOMEBREW_PREFIX", fixture.home());
    let refused = prepare(&fixture, ["--json"]);
    refused.code(6).stdout_has("\"code\": \"brew-prefix\"").stderr_has("which has no bin/brew");
}

#[test]
fn l08_of_two_versions_the_linked_one_counts_and_without_a_link_the_newest() {
    let (fixture, brew) = ground();
    let number = machines().0;
    brew.have_all(19, "19.1.9");
    for version in ["19.1.10", "19.1.8"] {
        brew.have("llvm@19", version, llvm(number, version));
    }
    prepare(&fixture, NONE).code(0).stderr_has("llvm@19 19.1.8 (");
    fs::remove_file(brew.prefix().join("opt/llvm@19")).unwrap();
    let moved = prepare(&fixture, ["-v"]);
    moved
        .code(0)
        .stderr_has("llvm@19 19.1.10 (")
        .stderr_has("homebrew llvm@19 changed (19.1.8 in ");
}

#[test]
fn l09_llvm_18_with_its_own_lld_serves_and_mixed_majors_are_refused_by_name() {
    let number = machines().0;
    let (fixture, brew) = ground();
    pin(&fixture, 18, r#""llvm@18""#);
    brew.offer_all(18, "18.1.8");
    prepare(&fixture, NONE).code(0).stderr_has("Homebrew's llvm@18 18.1.8");
    let keg = brew.keg("llvm@18", "18.1.8");
    assert_eq!(program(&fixture, "ld.lld"), path(&keg, "bin/ld.lld"));

    let (fixture, brew) = ground();
    pin(&fixture, 19, r#""llvm@19", "lld""#);
    brew.have("llvm@19", "19.1.7", llvm(number, "19.1.7"));
    brew.have("lld", "21.1.0", lld(number, "21.1.0"));
    let mixed = prepare(&fixture, ["--json"]);
    mixed.code(6).stdout_has("\"code\": \"brew-llvm-unusable\"");
    mixed.stderr_has("expected lld 19 to go with ").stderr_has("got 21.1.0");
    mixed.stderr_has("clang and lld must be of one major");
    // The numbers in the pins are compared before anything is looked at.
    fixture.edit("versions.toml", "\"lld\"", "\"lld@21\"");
    let pins = prepare(&fixture, ["--json"]);
    pins.code(2)
        .stdout_has("\"code\": \"brew-pins\"")
        .stderr_has("expected LLVM 19 only, got lld@21");
    fixture.edit("versions.toml", "\"lld@21\"", "\"--HEAD\"");
    prepare(&fixture, NONE).code(2).stderr_has("not a formula's name: `--HEAD`");
}

#[test]
fn l09_apples_clang_on_path_is_passed_over_with_the_command_that_helps() {
    let (fixture, _brew) = ground();
    pin(&fixture, 97, r#""llvm@97""#);
    fixture.tool("clang", "echo 'Apple clang version 17.0.0 (clang-1700.0.13.5)'");
    let refused = fixture.prepare(["--llvm", "system"]);
    refused.code(6).stderr_has("expected LLVM 97, got Apple clang 17.0.0");
    refused.stderr_has("hint: on a Mac, from Homebrew: `reml-toolchain prepare --brew`");
}

#[test]
fn n03_after_an_upgrade_the_tools_say_so_and_prepare_follows() {
    let (fixture, brew) = ground();
    let number = machines().0;
    brew.have_all(19, "19.1.7");
    prepare(&fixture, NONE).code(0);
    // lld alone, the old keg still there: nothing is broken, but it is another linker.
    brew.have("lld@19", "19.1.8", lld(number, "19.1.8"));
    let other = prepare(&fixture, ["-v"]);
    other
        .code(0)
        .stderr_has("stale: homebrew lld@19 changed (19.1.7 in ")
        .stderr_has(" → 19.1.8 in ");
    assert_eq!(program(&fixture, "ld.lld"), path(&brew.keg("lld@19", "19.1.8"), "bin/ld.lld"));
    // `brew upgrade` with its cleanup.
    brew.have("llvm@19", "19.1.8", llvm(number, "19.1.8"));
    fs::remove_dir_all(brew.keg("llvm@19", "19.1.7")).unwrap();
    let gone = fixture.run(["exec", "--", &format!("{X86}-clang"), "--version"]);
    gone.code(126).stderr_has("clang-19 is gone: it was there when the toolchain was made");
    gone.stderr_has("hint: reml-toolchain prepare");
    let followed = fixture.prepare(["--llvm", "auto", "-v"]);
    followed.code(0).stderr_has("stale: homebrew llvm@19 changed (19.1.7 in ");
    let said = fixture.run(["exec", "--", &format!("{X86}-clang"), "--version"]);
    said.code(0).stdout_has("Homebrew clang version 19.1.8");
    // Made anew under --force, with the stamp vouching for its LLVM, it is the same.
    prepare(&fixture, ["--force"]).code(0);
    assert_eq!(program(&fixture, "ld.lld"), path(&brew.keg("lld@19", "19.1.8"), "bin/ld.lld"));
}

#[test]
fn l08_formulae_that_homebrew_gives_up_are_told() {
    let (fixture, brew) = ground();
    brew.have_all(19, "19.1.7");
    brew.info(
        r#"{"formulae": [{"name": "llvm@19", "deprecated": true, "disabled": false,
            "deprecation_date": "2026-09-01", "disable_date": "2027-09-01",
            "deprecation_reason": "versioned_formula"}]}"#,
    );
    prepare(&fixture, NONE).code(0).stderr_has(
        "warning: Homebrew says that llvm@19 is deprecated since 2026-09-01 and will be \
         disabled on 2027-09-01: versioned_formula",
    );
}

#[test]
fn a_dry_run_tells_what_would_be_installed_and_starts_no_brew() {
    let (fixture, brew) = ground();
    brew.offer_all(19, "19.1.7");
    let before = fixture.snapshot("toolchains");
    let told = prepare(&fixture, ["--dry-run"]);
    told.code(0).stderr_has("brew would install llvm@19, lld@19, qemu, pkgconf");
    told.stderr_has("would be laid out in ");
    assert_eq!(brew.calls(), [""; 0]);
    fixture.snapshot("toolchains").assert_same_as(&before);
    fixture.run(["prepare", "--brew", "--llvm", "debian"]).code(2);
}
