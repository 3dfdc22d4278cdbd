//! `docs/faults.md` against the tests: the last column of each row holds the tests named
//! after it, or `open`. `UPDATE_DOCS=1` writes that column anew; the rest is for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::support::sources::{root, rust_files};

/// The rows a test is named after: `f13_f14_every_spelling…` is for F13 and F14.
pub(crate) fn rows_of(test: &str) -> Vec<String> {
    let is_row = |part: &&str| {
        let bytes = part.as_bytes();
        bytes.len() == 3
            && (b'a'..=b'p').contains(&bytes[0])
            && bytes[1..].iter().all(u8::is_ascii_digit)
    };
    test.split('_').take_while(is_row).map(str::to_uppercase).collect()
}

/// The test functions of a source: those that follow `#[test]`, and the rows of a macro
/// that makes one of each, as `"A01" a01_a_plain_release_is_not_signed,`.
fn tests_of(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        let is_attribute = line.starts_with("#[") || line.starts_with("//");
        is_test = line.starts_with("#[test]") || (is_test && is_attribute);
        if is_attribute {
            continue;
        }
        let after_fn = line.strip_prefix("fn ").filter(|_| text.contains("#[test]"));
        let in_macro = line.strip_prefix('"').and_then(|rest| rest.split_once("\" "));
        let name = match (after_fn, in_macro) {
            (Some(rest), _) => rest.split('(').next(),
            (None, Some((_, rest))) => rest.strip_suffix(','),
            (None, None) => None,
        };
        names.extend(name.filter(|name| !rows_of(name).is_empty()).map(str::to_owned));
    }
    names
}

pub(crate) fn all_tests() -> BTreeSet<String> {
    let files = ["src", "tests", "runtime"].map(rust_files);
    files.iter().flatten().flat_map(|(_, text)| tests_of(text)).collect()
}

/// A row of the table: its id, and where its last column begins in the line.
fn row(line: &str) -> Option<(&str, usize)> {
    let id = line.strip_prefix("| ")?.split(' ').next()?;
    let is_id = rows_of(&id.to_lowercase()).len() == 1;
    let end = line.strip_suffix(" |")?;
    is_id.then(|| (id, end.rfind(" | ").map_or(0, |at| at + 3)))
}

/// The tests named after each row that has any.
pub(crate) fn tests_by_row() -> BTreeMap<String, Vec<String>> {
    let mut by_row: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for test in all_tests() {
        for id in rows_of(&test) {
            by_row.entry(id).or_default().push(test.clone());
        }
    }
    by_row
}

#[test]
fn every_row_names_the_tests_that_hold_it_or_says_that_it_is_open() {
    let path = root().join("docs/faults.md");
    let old = fs::read_to_string(&path).unwrap();
    let by_row = tests_by_row();
    let mut new = String::new();
    let mut ids = BTreeSet::new();
    for line in old.lines() {
        let line = match row(line) {
            None => line.to_owned(),
            Some((id, last)) => {
                assert!(ids.insert(id.to_owned()), "{id} stands twice");
                let names = by_row.get(id).map(|tests| {
                    tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", ")
                });
                format!("{}{} |", &line[..last], names.as_deref().unwrap_or("open"))
            }
        };
        new.push_str(&line);
        new.push('\n');
    }
    assert!(ids.len() > 200, "the table is broken: {} rows", ids.len());
    let stray: Vec<_> = by_row.keys().filter(|id| !ids.contains(*id)).collect();
    assert!(stray.is_empty(), "tests are named after rows that do not exist: {stray:?}");
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, &new).unwrap();
    }
    let differs = old.lines().zip(new.lines()).find(|(old, new)| old != new);
    assert!(
        fs::read_to_string(&path).unwrap() == new,
        "docs/faults.md is behind: UPDATE_DOCS=1 cargo test --test suite catalogue\n{differs:?}"
    );
}

#[test]
fn the_names_of_tests_tell_their_rows() {
    assert_eq!(rows_of("f13_f14_every_spelling"), ["F13", "F14"]);
    assert_eq!(rows_of("arrows_point_down"), Vec::<String>::new());
    let text = "#[test]\nfn a01_x() {}\nrows! {\n    \"A05\" a05_y,\n}\n";
    assert_eq!(tests_of(text), ["a01_x", "a05_y"].map(str::to_owned).into());
}
