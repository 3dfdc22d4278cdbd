//! The files of `.github/workflows` and the scripts they run: what can be held without
//! GitHub. The step `workflows` of `.ci/run` has them judged by actionlint and zizmor.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::fixture::{Fixture, Outcome, PROGRAM};
use crate::support::sources::root;

/// Each workflow's name and text.
fn workflows() -> Vec<(String, String)> {
    let folder = root().join(".github/workflows");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: std::path::PathBuf| {
        (
            path.file_name().unwrap().to_string_lossy().into_owned(),
            fs::read_to_string(path).unwrap(),
        )
    };
    files.into_iter().map(read).collect()
}

/// The lines of a text that begin with `key`, after blanks and a dash: what follows it.
fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    let lines = text.lines().map(|line| line.trim_start().trim_start_matches("- "));
    lines.filter_map(|line| line.strip_prefix(key)).map(str::trim).collect()
}

/// The jobs of a workflow: name and text.
fn jobs(text: &str) -> Vec<(&str, String)> {
    let body = text.split_once("\njobs:\n").unwrap().1;
    let mut list: Vec<(&str, String)> = Vec::new();
    for line in body.lines() {
        let name = line.strip_prefix("  ").filter(|rest| !rest.starts_with([' ', '#']));
        match name.and_then(|rest| rest.strip_suffix(':')) {
            Some(name) => list.push((name, String::new())),
            None => {
                if let Some((_, text)) = list.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
    }
    list
}

#[test]
fn every_action_is_pinned_by_commit_with_its_version_behind() {
    let mut seen = BTreeSet::new();
    for (file, text) in workflows() {
        for uses in values(&text, "uses:") {
            let (action, rest) = uses.split_once('@').unwrap_or_else(|| panic!("{file}: {uses}"));
            let (commit, version) =
                rest.split_once(" # v").unwrap_or_else(|| panic!("{file}: {uses}"));
            let is_hex = commit.len() == 40
                && commit.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
            assert!(is_hex && version.split('.').count() == 3, "{file}: {uses}");
            seen.insert((action.to_owned(), commit.to_owned()));
        }
    }
    let actions: BTreeSet<_> = seen.iter().map(|(action, _)| action).collect();
    assert!(actions.len() > 3 && actions.len() == seen.len(), "one commit an action: {seen:?}");
}

#[test]
fn permissions_are_the_least_and_every_job_ends() {
    assert_eq!(workflows().len(), 4);
    for (file, text) in workflows() {
        assert!(text.contains("\npermissions: {}\n"), "{file}: what no job asks for is not given");
        assert!(text.contains("\nconcurrency:\n  group: "), "{file}");
        for (job, text) in jobs(&text) {
            let place = format!("{file}: {job}");
            assert!(text.contains("    timeout-minutes: "), "{place}");
            let rights =
                text.split_once("    permissions:\n").unwrap_or_else(|| panic!("{place}")).1;
            let rights: Vec<&str> = rights
                .lines()
                .take_while(|line| line.starts_with("      "))
                .map(str::trim)
                .collect();
            for right in &rights {
                assert!(right.contains(" # to "), "{place}: {right}: says not what for");
            }
            let writes = rights.iter().filter(|right| right.contains(": write")).count();
            let expected = match (file.as_str(), job) {
                ("audit.yml", "audit") => 1,
                ("release.yml", "publish") => 3,
                _ => 0,
            };
            assert_eq!(writes, expected, "{place}: {rights:?}");
            let checkouts = text.matches("uses: actions/checkout@").count();
            assert_eq!(text.matches("persist-credentials: false").count(), checkouts, "{place}");
        }
        for uses in text.split("uses: actions/cache@").skip(1) {
            assert!(
                uses.lines().take(4).any(|line| line.contains("hashFiles('checksums.txt')")),
                "{file}"
            );
        }
    }
    let release = fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    assert!(!release.contains("actions/cache@"), "a release comes out of no cache");
}

#[test]
fn every_script_of_a_workflow_is_there_and_takes_no_foreign_text() {
    let steps = fs::read_to_string(root().join(".ci/run")).unwrap();
    let mut count = 0;
    for (file, text) in workflows() {
        let mut block: Option<usize> = None;
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            let run =
                line.trim_start().trim_start_matches("- ").strip_prefix("run:").map(str::trim);
            let script = match run {
                Some("|") => {
                    block = Some(indent);
                    continue;
                }
                Some(script) => script,
                None if block.is_some_and(|start| indent > start) => line.trim(),
                None => {
                    block = None;
                    continue;
                }
            };
            // What a stranger can name (a branch, a title) comes in by variables only.
            assert!(!script.contains("${{"), "{file}: {script}");
            let mut words = script.split_whitespace();
            let Some(path) = words.next().filter(|word| word.starts_with(".ci/")) else { continue };
            let metadata = fs::metadata(root().join(path))
                .unwrap_or_else(|error| panic!("{file}: {path}: {error}"));
            assert!(metadata.permissions().mode() & 0o111 != 0, "{path} is no program");
            count += 1;
            for step in words.filter(|_| path == ".ci/run") {
                assert!(steps.contains(&format!("\nstep_{step}() {{")), "{file}: no step {step}");
            }
        }
    }
    assert!(count > 15, "the search is broken: {count}");
}

/// Runs a script of ours with a `gh` that logs what it is asked and answers from files.
fn script(fixture: &Fixture, name: &str, args: &[&str]) -> Outcome {
    let mut path = fixture.tools().into_os_string();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());
    let mut command = Command::new(root().join(".ci").join(name));
    command.args(args).env("PATH", path).env("GH_LOG", fixture.path("gh.log"));
    command.env("GH_ANSWERS", fixture.root()).env("REML_TOOL", PROGRAM);
    command
        .env("REML_TOOLCHAIN_ROOT", fixture.root())
        .env("REML_TOOLCHAIN_MIRROR", fixture.mirror.url());
    command.env("REML_TOOLCHAIN_KEYRING", fixture.keyring()).env_remove("GITHUB_STEP_SUMMARY");
    for name in ["GITHUB_RUN_ID", "REML_TOOLCHAIN_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy"]
    {
        command.env_remove(name);
    }
    Outcome::new(name.to_owned(), &command.output().unwrap())
}

fn fake_gh(fixture: &Fixture) {
    fixture.tool(
        "gh",
        r#"printf '%s\n' "$*" >>"$GH_LOG"
while [ $# -gt 0 ]; do
  case $1 in
    --body-file) cp "$2" "$GH_ANSWERS/body.md" ;;
    list) cat "$GH_ANSWERS/number" ;;
    download) [ -d "$GH_ANSWERS/kept" ] || exit 1 ;;
    --dir) cp -R "$GH_ANSWERS/kept/." "$2" ;;
  esac
  shift
done"#,
    );
}

fn asked(fixture: &Fixture) -> String {
    let text = fs::read_to_string(fixture.path("gh.log")).unwrap_or_default();
    let _ = fs::remove_file(fixture.path("gh.log"));
    text
}

#[test]
fn the_audit_keeps_one_issue_and_green_closes_it() {
    let fixture = Fixture::new();
    fake_gh(&fixture);
    let section = |status: &str| {
        format!(
            "## Runtime Cross Build Status\n\n**{status}** on 2026-11-27, by reml-toolchain 0.1.0; x.\n"
        )
    };
    let file = fixture.path("status.md");
    let name = file.to_str().unwrap();
    let run = |status: &str, number: &str| {
        fixture.write("status.md", section(status));
        fixture.write("number", number);
        script(&fixture, "audit-issue", &[name]).code(0);
        asked(&fixture)
    };
    let created = run("AMBER", "");
    assert!(
        created.contains(
            "issue create --title Runtime Cross Build Status: AMBER --label toolchain-audit"
        ),
        "{created}"
    );
    assert_eq!(fixture.read("body.md"), section("AMBER"));
    let edited = run("RED", "7\n");
    assert!(
        edited.contains("issue edit 7 --title Runtime Cross Build Status: RED")
            && !edited.contains("create --title"),
        "{edited}"
    );
    let closed = run("GREEN", "7\n");
    assert!(closed.contains("issue edit 7") && closed.contains("issue close 7"), "{closed}");
    let quiet = run("GREEN", "");
    assert!(!quiet.contains("issue create") && !quiet.contains("issue close"), "{quiet}");
    // A section of thousands of findings is cut at a line, within what GitHub takes.
    let long = section("RED") + &"| error | `x` | löng → | y |\n".repeat(5000);
    fixture.write("status.md", &long);
    fixture.write("number", "7\n");
    script(&fixture, "audit-issue", &[name]).code(0);
    let body = fixture.read("body.md");
    assert!(body.len() < 70_000 && body.contains("(cut: "), "{}", body.len());
    asked(&fixture);
    // No section, no issue.
    fixture.write("status.md", "error: something\n");
    script(&fixture, "audit-issue", &[name]).code(1).stderr_has("no status in it");
    assert_eq!(asked(&fixture), "");
}

#[test]
fn the_log_of_the_run_before_goes_on_and_is_never_written_over() {
    let fixture = Fixture::new();
    fake_gh(&fixture);
    // The script works in the folder it lies in: a copy of it in a project of its own.
    let copy = fixture.path(".ci/audit-log");
    fixture.write(".ci/audit-log", fs::read(root().join(".ci/audit-log")).unwrap());
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let run = |number: &str| {
        fixture.write("number", number);
        script(&fixture, copy.to_str().unwrap(), &[])
    };
    run("").code(0).stdout_has("a new log begins");
    run("12\n").code(0).stdout_has("run 12 kept no log");
    fixture.write("kept/toolchains/audit.log", "one\ntwo\n");
    run("12\n").code(0).stdout_has("toolchains/audit.log: 2 lines of run 12");
    assert_eq!(fixture.read("toolchains/audit.log"), "one\ntwo\n");
    fixture.write("toolchains/audit.log", "mine\n");
    run("12\n").code(0);
    assert_eq!(fixture.read("toolchains/audit.log"), "mine\n");
    assert!(asked(&fixture).contains("run download 12 --name audit"));
}

#[test]
fn the_audit_script_leaves_section_badge_and_page_and_fails_only_where_audit_failed() {
    let fixture = Fixture::prepared();
    let folder = fixture.path("public");
    let folder = folder.to_str().unwrap();
    script(&fixture, "audit", &[folder]).code(0).stdout_has("**GREEN** on ");
    assert!(fixture.read("public/status.svg").contains(">GREEN</text>"));
    assert!(fixture.read("public/index.html").contains("<p class=\"verdict green\">GREEN</p>"));
    assert!(Path::new(folder).join("status.md").is_file());
    // Findings of a RED audit are for the issue, not for the run.
    fixture.edit("versions.toml", "glibc = \"2.36\"", "glibc = \"2.37\"");
    script(&fixture, "audit", &[folder]).code(0).stdout_has("**RED** on ");
    fixture.write("versions.toml", "no pins\n");
    script(&fixture, "audit", &[folder]).code(2);
}
