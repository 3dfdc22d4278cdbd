use std::process::Command;

use super::*;
use crate::pins::TARGETS;

/// Folder names that shells trip over.
const HOSTILE: &[&str] = &[
    "/a b",
    "/it's",
    "/say \"x\"",
    "/$HOME",
    "/`id`",
    "/a\\b",
    "/ünïcödé",
    "/🦀",
    "/a*b",
    "/!!",
    "/a;b",
    "/a&b",
    "/a|b",
    "/(a)",
    "/{a,b}",
    "/[ab]",
    "/~",
    "/a\tb",
    "/#a",
    "/-n",
    "/%s",
    "/a=b",
];

fn list(root: &str) -> Vec<Variable> {
    variables(&Tree::new(root.into()), &TARGETS[0], Path::new("/llvm"), false, true)
}

fn run(shell: &str, script: &str) -> String {
    let output =
        Command::new(shell).args(["-c", script]).env("PATH", "/usr/bin:/bin").output().unwrap();
    assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn n06_every_hostile_folder_name_survives_sh_and_bash() {
    for root in HOSTILE {
        let script = render(Shell::Sh, &list(root), "");
        for shell in ["sh", "bash"] {
            let told = run(
                shell,
                &format!(
                    "set -eu\n{script}{script}\nprintf '%s|%s' \"$REML_TOOLCHAIN_HOME\" \"$PATH\""
                ),
            );
            assert_eq!(told, format!("{root}|{root}/bin:/usr/bin:/bin"));
        }
    }
}

#[test]
fn n05_sourcing_twice_changes_nothing() {
    let script = render(Shell::Sh, &list("/x"), "");
    let once = run("sh", &format!("{script}env | sort"));
    let twice = run("sh", &format!("{script}{script}env | sort"));
    assert_eq!(once, twice);
}

#[test]
fn an_empty_path_gets_no_empty_entry() {
    let script = render(Shell::Sh, &list("/x"), "");
    assert_eq!(run("sh", &format!("unset PATH\nset -eu\n{script}printf %s \"$PATH\"")), "/x/bin");
}

#[test]
fn h09_a_moved_toolchain_says_so_and_sets_nothing() {
    let tree = Tree::new("/nonexistent/toolchain".into());
    let file = env_file(Shell::Sh, &tree, &list("/nonexistent/toolchain"));
    let told = run(
        "sh",
        &format!(
            "{file}\nprintf %s \"${{REML_TOOLCHAIN_HOME-unset}}\"; exec 2>&1\n{file}echo status $?"
        ),
    );
    assert!(told.starts_with("unset"), "{told}");
    // A script that goes on without its toolchain would take the host's compiler.
    assert!(told.ends_with("status 1\n"), "{told}");
    assert!(told.contains("run `reml-toolchain prepare` in its new place: /nonexistent"), "{told}");
}

#[test]
fn there_is_no_ld_library_path() {
    assert!(!render(Shell::Sh, &list("/x"), "").contains("LD_LIBRARY_PATH"));
}

#[test]
fn a_foreign_target_gets_a_runner_by_name() {
    let list = variables(&Tree::new("/x".into()), &TARGETS[1], Path::new("/llvm"), true, false);
    let runner = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER='aarch64-unknown-linux-gnu-run'";
    assert!(render(Shell::Sh, &list, "").contains(runner));
}

#[test]
fn n03_a_host_without_pkg_config_gets_no_variable_that_names_one() {
    let text = |pkg_config| {
        let tree = Tree::new("/x".into());
        render(Shell::Sh, &variables(&tree, &TARGETS[0], Path::new("/llvm"), false, pkg_config), "")
    };
    assert!(text(true).contains("PKG_CONFIG_x86_64_unknown_linux_gnu="));
    assert!(!text(false).contains("PKG_CONFIG_x86_64_unknown_linux_gnu="));
}

#[test]
fn the_json_form_is_one_object_with_a_schema() {
    let object: serde_json::Value =
        serde_json::from_str(&render(Shell::Json, &list("/x"), "")).unwrap();
    assert_eq!(object["schema"], 1);
    assert_eq!(object["path"][0], "/x/bin");
    assert_eq!(object["variables"]["REML_TOOLCHAIN_HOME"], "/x");
}

#[test]
fn github_gets_the_whole_path_once() {
    let told = |path| render(Shell::Github, &list("/x"), path);
    assert!(told("/usr/bin:/bin").starts_with("PATH=/x/bin:/usr/bin:/bin\n"));
    assert!(told("/x/bin:/bin").starts_with("REML_TOOLCHAIN_HOME=/x\n"));
}

#[test]
fn fish_and_powershell_quote_by_their_own_rules() {
    let list = list("/it's \\ here");
    assert!(
        render(Shell::Fish, &list, "").contains(r"set -gx REML_TOOLCHAIN_HOME '/it\'s \\ here'")
    );
    assert!(
        render(Shell::Powershell, &list, "")
            .contains(r"$env:REML_TOOLCHAIN_HOME = '/it''s \ here'")
    );
}
