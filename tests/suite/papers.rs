//! The papers against the program: no paper shows a command that the program does not take,
//! and the `console` blocks of the pages for bad days are typed, in order, in a project with
//! a signed mirror of its own, where each must say and end as the page shows.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::CommandFactory as _;
use clap::error::ErrorKind;
use reml_toolchain::cli::Arguments;

use crate::support::fixture::{Fixture, PROGRAM};
use crate::support::sources::root;

mod container;
mod ledger;
mod predecessor;
mod shell;

/// What the pages use besides the program itself.
const TOOLS: &[&str] =
    &["cat", "cp", "cut", "du", "git", "grep", "ls", "mv", "rm", "sed", "sha256sum", "sh"];

/// Every paper: the book, and the pages that lie beside the code.
fn papers() -> Vec<PathBuf> {
    let mut folders = vec![root().join("docs/src")];
    let beside = ["README.md", "README.ja.md", "CONTRIBUTING.md", "toolchains/README.md"];
    let mut pages: Vec<PathBuf> = beside.iter().map(|name| root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("reference/commands.md") {
                // The program's own help, which another test compares.
            } else if path.extension().is_some_and(|kind| kind == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}

#[test]
fn no_paper_shows_a_command_that_the_program_does_not_take() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in papers() {
        let text = fs::read_to_string(&page).unwrap();
        for words in shell::commands(&text) {
            count += 1;
            let Err(error) = Arguments::command().try_get_matches_from(&words) else { continue };
            // Help and version are answers, too; a command alone is its name.
            let is_name = words.len() == 2 && error.kind() == ErrorKind::MissingRequiredArgument;
            if error.use_stderr() && !is_name {
                let page = page.strip_prefix(root()).unwrap().display();
                wrong.push(format!("{page}: {words:?}\n{error}"));
            }
        }
    }
    assert!(count > 60, "the search is broken: {count} commands");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One command of a page: what is typed, what is shown, and the status it ends with.
#[derive(Debug, Default, PartialEq, Eq)]
struct Typed {
    line: usize,
    command: String,
    shown: Vec<String>,
    status: i32,
    /// Typed by the test alone, to make a bad day.
    is_hidden: bool,
}

/// The commands of the `console` blocks of a page. `? 3` is a status, `…` is anything;
/// what stands in a comment that begins with `before:` is typed and not shown.
fn typed(text: &str) -> Vec<Typed> {
    let mut list: Vec<Typed> = Vec::new();
    let mut is_console = false;
    for (number, line) in text.lines().enumerate() {
        let line_number = number + 1;
        if let Some(hidden) = line.strip_prefix("<!-- before: ") {
            let command = hidden.strip_suffix(" -->").unwrap().to_owned();
            list.push(Typed { line: line_number, command, is_hidden: true, ..Typed::default() });
        } else if let Some(kind) = line.strip_prefix("```") {
            is_console = kind == "console";
        } else if !is_console {
        } else if let Some(command) = line.strip_prefix("$ ") {
            let command = command.to_owned();
            list.push(Typed { line: line_number, command, ..Typed::default() });
        } else {
            let typed = list.last_mut().expect("a block begins with a command");
            match line.strip_prefix("? ") {
                Some(status) => typed.status = status.parse().unwrap(),
                None => typed.shown.push(line.to_owned()),
            }
        }
    }
    list
}

/// Whether `got` is what is shown: `…` is any part of a line, or any lines where it stands
/// alone.
fn agrees(shown: &[String], got: &[&str]) -> bool {
    match (shown.split_first(), got.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "…" => {
            agrees(rest, got) || got.split_first().is_some_and(|(_, got)| agrees(shown, got))
        }
        (Some((first, rest)), Some((line, got))) => fits(first, line) && agrees(rest, got),
        _ => false,
    }
}

fn fits(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        (rest, last) = (after, Some(part));
    }
    rest.is_empty() || last.is_some_and(|last| last.is_empty() || line.ends_with(last))
}

/// Types a page into a project's folder.
fn follow(page: &str, fixture: &Fixture) {
    let link = |to: &Path, name: &str| symlink(to, fixture.tools().join(name)).unwrap();
    for tool in TOOLS {
        let places = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(tool));
        // Where one is missing, the command that needs it fails by its name.
        if let Some(place) = places.iter().find(|place| place.exists()) {
            link(place, tool);
        }
    }
    link(Path::new(PROGRAM), "reml-toolchain");
    let text = fs::read_to_string(root().join(page)).unwrap();
    let list = typed(&text);
    assert!(list.iter().any(|typed| !typed.is_hidden), "{page} has no console block");
    for Typed { line, command, shown, status, is_hidden } in list {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("{{ {command}\n}} 2>&1")).current_dir(fixture.root());
        shell.env_clear().envs(fixture.env()).stdin(Stdio::null());
        shell.env("REML_TOOLCHAIN_MIRROR", fixture.mirror.url());
        shell.env("REML_TOOLCHAIN_KEYRING", fixture.keyring());
        for role in ["AUTHOR", "COMMITTER"] {
            shell.env(format!("GIT_{role}_NAME"), "A reader");
            shell.env(format!("GIT_{role}_EMAIL"), "reader@example.org");
        }
        let output = shell.output().unwrap();
        let got = String::from_utf8(output.stdout).unwrap();
        let said = format!("{page}:{line}: {command}\n--- said\n{got}---");
        let expected = if is_hidden { 0 } else { status };
        assert_eq!(output.status.code(), Some(expected), "{said}");
        let lines: Vec<&str> = got.lines().map(str::trim_end).collect();
        assert!(is_hidden || agrees(&shown, &lines), "{said} shown\n{}", shown.join("\n"));
    }
}

/// A prepared project that stands in git, as the pages advise.
fn committed() -> Fixture {
    let fixture = Fixture::prepared();
    fixture.write(".gitignore", "/toolchains/\n");
    let git = |args: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]).args(args);
        let done = git.current_dir(fixture.root()).env("HOME", fixture.home()).output().unwrap();
        assert!(done.status.success(), "git {args:?}: {done:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "A toolchain"]);
    fixture
}

#[test]
fn the_triage_guide_finds_and_cures_what_it_says() {
    follow("docs/src/operations/triage.md", &Fixture::prepared());
}

#[test]
fn the_checks_of_the_folders_own_page_pass_on_a_fresh_toolchain() {
    follow("toolchains/README.md", &Fixture::prepared());
}

#[test]
fn the_update_and_rollback_procedure_goes_forth_and_back() {
    let mut fixture = committed();
    fixture.mirror.pass_time(3600);
    let bookworm = fixture.mirror.suite("bookworm");
    bookworm.bump("libcrypt1", "1:4.4.33-2+deb12u1", "Fix CVE-2026-1000.");
    fixture.mirror.publish();
    follow("docs/src/operations/updating.md", &fixture);
}

#[test]
fn a_page_is_read_as_it_is_written() {
    let text =
        "<!-- before: rm x -->\n```console\n$ a b\nsaid …\n? 3\n$ c\n```\n```sh\n$ no\n```\n";
    let list = typed(text);
    let commands: Vec<&str> = list.iter().map(|typed| typed.command.as_str()).collect();
    assert_eq!(commands, ["rm x", "a b", "c"]);
    assert_eq!((list[1].status, &list[1].shown[..]), (3, &["said …".to_owned()][..]));
    let shown = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    assert!(agrees(&shown(&["a … c", "…", "z"]), &["a b c", "1", "2", "z"]));
    assert!(agrees(&shown(&["…"]), &[]) && agrees(&shown(&["x…"]), &["xyz"]));
    assert!(!agrees(&shown(&["a"]), &["a", "b"]) && !agrees(&shown(&["a…c"]), &["a c d"]));
    assert!(!agrees(&shown(&["a", "b"]), &["a"]) && !agrees(&[], &["a"]));
}
