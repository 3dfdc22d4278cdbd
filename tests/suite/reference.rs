//! The reference pages of `docs/` against the program itself: commands, environment
//! variables, error codes, and the flags that hints name. `UPDATE_DOCS=1` rewrites
//! `commands.md`; the other pages are written by people and only compared.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::fixture::PROGRAM;
use crate::support::sources::{root, rust_files};

/// Options in hints that belong to other programs: gpg(1), brew(1).
const FOREIGN_FLAGS: &[&str] = &["--export", "--armor", "--formula", "--prefix", "--toolchain"];

fn page(name: &str) -> PathBuf {
    root().join("docs/src/reference").join(name)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The sources without their unit tests.
fn sources() -> Vec<String> {
    let until_tests = |(_, text): (PathBuf, String)| {
        let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
        text[..end].to_owned()
    };
    rust_files("src").into_iter().map(until_tests).collect()
}

/// The bodies of every method called `name`: up to the brace that closes it.
fn bodies<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let start = format!("    fn {name}(&self)");
    let starts = text.match_indices(&start).map(|(at, _)| &text[at..]);
    starts.map(|rest| &rest[..rest.find("\n    }").unwrap_or(rest.len())]).collect()
}

/// The string literals of a source text, escapes as they stand.
fn literals(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

fn is_code(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.chars().all(plain)
}

/// The words of a text that begin with `prefix` and go on with what `goes_on` takes.
fn words(text: &str, prefix: &str, goes_on: fn(char) -> bool) -> BTreeSet<String> {
    let word = |(at, _): (usize, &str)| {
        let rest = &text[at + prefix.len()..];
        let end = rest.find(|c| !goes_on(c)).unwrap_or(rest.len());
        format!("{prefix}{}", rest[..end].trim_end_matches(['-', '_']))
    };
    text.match_indices(prefix).map(word).filter(|word| word.len() > prefix.len()).collect()
}

fn flags(text: &str) -> BTreeSet<String> {
    words(text, "--", |c| c.is_ascii_lowercase() || c == '-')
}

fn help(command: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(command).arg("--help").env_clear().output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    // Editors and git dislike blanks at the ends of lines.
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n"))
}

/// The commands that the program's own help lists.
fn commands() -> Vec<String> {
    let text = help(&[]);
    let list = text.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn commands_page() -> String {
    let mut text = String::from(
        "# Commands\n\n<!-- Written by `UPDATE_DOCS=1 cargo test --test suite reference`. -->\n\n\
         What the program says of itself under `--help`, word for word. Data goes to stdout,\n\
         everything else to stderr.\n\n## reml-toolchain\n\n",
    );
    let _ = writeln!(text, "```text\n{}```", help(&[]));
    for command in commands() {
        let help = help(&[&command]);
        let _ = writeln!(text, "\n## {command}\n\n```text\n{help}```");
    }
    text
}

/// The codes that the sources can give.
fn codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for text in sources() {
        for body in bodies(&text, "code") {
            codes
                .extend(literals(body).into_iter().filter(|word| is_code(word)).map(str::to_owned));
        }
        // The code of a file that is not valid stands beside its hint.
        if let Some((_, after)) = text.split_once("const INVALID: ") {
            codes.extend(literals(after).first().map(|code| (*code).to_owned()));
        }
        // What a failure without a code of its own says.
        if let Some((before, _)) = text.split_once(", Fault::code)") {
            codes.extend(before.rsplit('"').nth(1).map(str::to_owned));
        }
    }
    codes
}

#[test]
fn the_page_of_commands_is_what_the_program_says() {
    let (path, text) = (page("commands.md"), commands_page());
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, &text).unwrap();
    }
    assert!(
        read(&path) == text,
        "{} is behind: UPDATE_DOCS=1 cargo test --test suite reference",
        path.display()
    );
}

#[test]
fn every_error_code_stands_on_its_page_and_none_too_many() {
    let text = read(&page("errors.md"));
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: Vec<String> =
        rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect();
    let documented: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), documented.len(), "a code stands twice");
    let codes = codes();
    assert!(codes.len() > 100 && codes.contains("wrong-hash"), "the search is broken: {codes:?}");
    let missing: Vec<_> = codes.difference(&documented).collect();
    let surplus: Vec<_> = documented.difference(&codes).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:?}, surplus {surplus:?}");
}

#[test]
fn every_variable_of_ours_stands_on_the_page_of_the_environment() {
    let name = |text: &str| words(text, "REML_", |c| c.is_ascii_uppercase() || c == '_');
    let used: BTreeSet<String> = sources().iter().flat_map(|text| name(text)).collect();
    assert!(used.contains("REML_TOOLCHAIN_ROOT"), "the search is broken: {used:?}");
    assert_eq!(name(&read(&page("environment.md"))), used);
}

#[test]
fn every_variable_that_shims_remove_stands_on_the_page_of_the_environment() {
    let text = read(&page("environment.md"));
    let removed = reml_toolchain::toolchain::hostile::REMOVED;
    let missing: Vec<_> =
        removed.iter().filter(|name| !text.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn hints_name_only_options_that_exist() {
    let mut known = flags(&help(&[]));
    known.extend(commands().iter().flat_map(|command| flags(&help(&[command]))));
    known.extend(FOREIGN_FLAGS.iter().map(|flag| (*flag).to_owned()));
    let texts = sources();
    let hints = texts.iter().flat_map(|text| bodies(text, "hints"));
    let named: BTreeSet<String> = hints.flat_map(flags).collect();
    assert!(named.contains("--mirror"), "the search is broken: {named:?}");
    let unknown: Vec<_> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// Every page of the book, its summary too.
fn book() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut folders = vec![root().join("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "md") {
                found.insert(path);
            }
        }
    }
    found
}

/// The targets of a page's links into the repository, without their anchors.
fn links(page: &Path) -> Vec<PathBuf> {
    let (text, folder) = (read(page), page.parent().unwrap());
    let mut links = Vec::new();
    for (link, _) in text.split("](").skip(1).filter_map(|rest| rest.split_once(')')) {
        let file = link.split('#').next().unwrap_or_default();
        if !link.contains("://") && !file.is_empty() {
            links.push(folder.join(file));
        }
    }
    links
}

#[test]
fn every_page_of_the_book_is_there_and_in_its_summary() {
    let summary = root().join("docs/src/SUMMARY.md");
    let named: BTreeSet<PathBuf> = links(&summary).into_iter().collect();
    let mut found = book();
    found.remove(&summary);
    assert_eq!(named, found);
}

#[test]
fn every_link_of_the_papers_leads_to_a_file() {
    let mut pages = book();
    for paper in ["README", "README.ja", "ARCHITECTURE", "CONTRIBUTING", "SECURITY", "CHANGELOG"] {
        pages.insert(root().join(format!("{paper}.md")));
    }
    let mut all = Vec::new();
    for page in &pages {
        all.extend(links(page).into_iter().map(|link| (page, link)));
    }
    assert!(all.len() > 40, "the search is broken: {} links", all.len());
    let dead: Vec<_> = all.iter().filter(|(_, link)| !link.exists()).collect();
    assert!(dead.is_empty(), "{dead:?}");
}
