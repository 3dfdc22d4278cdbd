//! Holds what ARCHITECTURE.md promises: the arrows between rooms point down, files stay
//! small, and what only one place may do is done in one place.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::sources::rust_files;

/// Every room from the top down. A room may use those after it, never those before it.
const ROOMS: &[&str] = &[
    "main",
    "lib",
    "shim",
    "cli",
    "report",
    "ui",
    "doctor",
    "audit",
    "prepare",
    "lock",
    "link",
    "runtime_build",
    "emulate",
    "inspect",
    "sbom",
    "toolchain",
    "llvm",
    "sysroot",
    "debian",
    "store",
    "pins",
    "elf",
    "host",
];

const LINES_LIMIT: usize = 400;

fn sources() -> Vec<(PathBuf, String)> {
    rust_files("src")
}

fn room(file: &Path) -> String {
    let first = file.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The rooms a file names by `crate::ROOM`.
fn used(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for part in line.split("crate::").skip(1) {
            if let Some(group) = part.strip_prefix('{') {
                let names = group.split(['{', '}', ',']).map(|name| name.trim().split("::").next());
                rooms.extend(names.flatten().map(str::to_owned));
            }
            let name: String =
                part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            rooms.insert(name);
        }
    }
    rooms.into_iter().filter(|name| ROOMS.contains(&name.as_str())).collect()
}

fn depth(room: &str) -> usize {
    ROOMS
        .iter()
        .position(|known| *known == room)
        .unwrap_or_else(|| panic!("{room} is not in ROOMS"))
}

#[test]
fn arrows_between_rooms_point_down_only() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let from = room(&file);
        for to in used(&text) {
            if depth(&to) < depth(&from) {
                wrong.push(format!("{}: {from} uses {to}", file.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_file_is_longer_than_400_lines_and_the_median_is_at_most_200() {
    let mut lengths: Vec<(usize, PathBuf)> =
        sources().into_iter().map(|(file, text)| (text.lines().count(), file)).collect();
    lengths.sort();
    let long: Vec<_> = lengths.iter().filter(|(lines, _)| *lines > LINES_LIMIT).collect();
    assert!(long.is_empty(), "{long:?}");
    let median = lengths[lengths.len() / 2].0;
    assert!(median <= 200, "the median file has {median} lines");
}

#[test]
fn main_is_at_most_20_lines() {
    let main = sources().into_iter().find(|(file, _)| file == Path::new("main.rs")).unwrap().1;
    assert!(main.lines().count() <= 20);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|(file, text)| !text.starts_with("//!") && !file.ends_with("tests.rs"))
        .map(|(file, _)| file)
        .collect();
    assert_eq!(silent, Vec::<PathBuf>::new());
}

#[test]
fn indicatif_and_reqwest_are_named_in_one_file_each() {
    for (name, place) in
        [("indicatif::", "ui/progress.rs"), ("reqwest::", "host/http/transport.rs")]
    {
        let users: Vec<_> = sources()
            .into_iter()
            .filter(|(_, text)| text.contains(name))
            .map(|(file, _)| file)
            .collect();
        assert_eq!(users, [PathBuf::from(place)], "{name}");
    }
}

#[test]
fn the_map_in_architecture_md_is_the_order_of_the_rooms() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let places: Vec<usize> = ROOMS[2..]
        .iter()
        .map(|room| {
            text.find(&format!("| `{room}")).unwrap_or_else(|| panic!("{room} is not in the table"))
        })
        .collect();
    assert!(places.is_sorted(), "the table's order differs from ROOMS");
}
