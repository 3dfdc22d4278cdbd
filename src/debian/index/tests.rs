//! Indices of a few stanzas over several suites.

use std::fmt::Write;

use super::super::packages::PackageError;
use super::{Entry, Index, Source};
use crate::host::fault::{Diagnostic, Kind};

const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn stanza(name: &str, version: &str, hash: &str, more: &str) -> String {
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: amd64\n{more}\
         Filename: pool/{name}.deb\nSize: 1\nSHA256: {hash}\n\n"
    )
}

fn build<'a>(texts: &[(&'a str, &'a str)]) -> Result<Index<'a>, PackageError> {
    let sources: Vec<Source<'a>> =
        texts.iter().map(|&(suite, text)| Source { suite, file: suite, text }).collect();
    Index::build("amd64", &sources)
}

fn refused(texts: &[(&str, &str)]) -> PackageError {
    let error = build(texts).expect_err("the index was accepted");
    assert_eq!(error.kind(), Kind::Integrity);
    error
}

#[test]
fn c14_the_highest_version_comes_first_whatever_its_suite() {
    let main = stanza("libc6", "2.36-9+deb12u14", HASH, "") + &stanza("aa", "1~rc1", HASH, "");
    let security = stanza("libc6", "2.36-9+deb12u7", HASH, "") + &stanza("aa", "1:0", HASH, "");
    let updates = stanza("aa", "1", HASH, "");
    let index = build(&[("main", &main), ("security", &security), ("updates", &updates)]);
    let index = index.expect("a good index");
    let versions = |name| -> Vec<(&str, &str)> {
        index.versions(name).iter().map(|e| (e.version(), e.suite())).collect()
    };
    assert_eq!(versions("libc6"), [("2.36-9+deb12u14", "main"), ("2.36-9+deb12u7", "security")]);
    assert_eq!(versions("aa"), [("1:0", "security"), ("1", "updates"), ("1~rc1", "main")]);
    assert_eq!(versions("libc"), []);
    assert_eq!(index.names().collect::<Vec<_>>(), ["aa", "libc6"]);
    assert_eq!(index.suites(), ["main", "security", "updates"]);
}

#[test]
fn of_equal_versions_the_earlier_source_wins() {
    let text = stanza("aa", "1", HASH, "");
    for [first, second] in [["main", "updates"], ["updates", "main"]] {
        let index = build(&[(first, &text), (second, &text)]).expect("a good index");
        assert_eq!(
            index.versions("aa").iter().map(Entry::suite).collect::<Vec<_>>(),
            [first, second]
        );
    }
}

#[test]
fn providers_are_found_by_the_name_they_provide() {
    let text = stanza("bb", "1", HASH, "Provides: virt (= 2), other\n")
        + &stanza("aa", "1", HASH, "Provides: other,\n virt\n")
        + &stanza("virt", "1", HASH, "");
    let index = build(&[("main", &text)]).expect("a good index");
    let providers = |name| index.providers(name).map(Entry::name).collect::<Vec<_>>();
    assert_eq!(providers("virt"), ["aa", "bb"]);
    assert_eq!(providers("other"), ["aa", "bb"]);
    assert!(providers("nothing").is_empty());
}

#[test]
fn c05_a_stanza_without_a_required_field_is_refused_with_its_line() {
    let good = stanza("aa", "1", HASH, "");
    let bad = stanza("bb", "1", HASH, "").replace("Size: 1\n", "");
    let message = refused(&[("main", &(good + &bad))]).to_string();
    assert_eq!(message, "main:8: package bb: the field Size is missing");
    let nameless = stanza("bb", "1", HASH, "").replace("Package: bb\n", "");
    assert!(refused(&[("main", &nameless)]).to_string().contains("(unnamed): the field Package"));
}

#[test]
fn c08_one_version_with_two_hashes_is_refused() {
    let other = HASH.replace('e', "f");
    let first = stanza("aa", "1", HASH, "");
    let second = stanza("aa", "1", &other, "");
    let within = first.clone() + &second;
    let error = refused(&[("main", &within)]);
    assert_eq!(error.code(), "package-conflicting-hashes");
    let message = error.to_string();
    assert!(message.starts_with("main:8: ") && message.contains("as in main:1"), "{message}");
    let across = refused(&[("main", &first), ("security", &second)]);
    assert!(across.to_string().starts_with("security:1: "), "{across}");
    // A version between the two, spelled differently but equal, hides nothing.
    let hidden = first.clone() + &stanza("aa", "1-0", &other, "") + &second;
    assert_eq!(refused(&[("main", &hidden)]).code(), "package-conflicting-hashes");
    assert_eq!(build(&[("main", &first.repeat(2))]).expect("the same twice").len(), 2);
}

#[test]
fn c09_a_stanza_for_another_machine_is_refused() {
    let text = stanza("aa", "1", HASH, "").replace("amd64", "arm64");
    assert_eq!(refused(&[("main", &text)]).code(), "package-wrong-architecture");
    let all = stanza("aa", "1", HASH, "").replace("amd64", "all");
    assert!(build(&[("main", &all)]).is_ok());
}

#[test]
fn a_required_field_twice_is_refused() {
    let text = stanza("aa", "1", HASH, "Size: 2\n");
    assert!(refused(&[("main", &text)]).to_string().contains("duplicate field Size"));
}

#[test]
fn a_bad_name_or_version_is_refused() {
    assert!(
        refused(&[("main", &stanza("../x", "1", HASH, ""))])
            .to_string()
            .contains("bad package name")
    );
    assert!(
        refused(&[("main", &stanza("aa", "x", HASH, ""))]).to_string().contains("expected a digit")
    );
}

#[test]
fn c13_a_stanza_of_a_million_fields_is_refused() {
    let mut text = stanza("aa", "1", HASH, "");
    text.truncate(text.len() - 1);
    for at in 0..1_000_000 {
        writeln!(text, "F{at}:").expect("a String takes it");
    }
    assert_eq!(refused(&[("main", &text)]).code(), "control-too-large");
    let few = stanza("aa", "1", HASH, &"F:\n".repeat(300));
    let message = refused(&[("main", &few)]).to_string();
    assert!(message.contains("number of fields is too large"), "{message}");
}

#[test]
fn a_stanza_is_read_in_full_only_when_asked_for() {
    let text = stanza("aa", "1", HASH, "Depends: [\n") + &stanza("bb", "1", HASH, "");
    let index = build(&[("main", &text)]).expect("the scan does not read Depends");
    assert!(index.package(&index.versions("bb")[0]).is_ok());
    let error = index.package(&index.versions("aa")[0]).expect_err("a bad Depends");
    assert!(error.to_string().starts_with("main:4: package aa: Depends: "), "{error}");
}

#[test]
fn an_empty_index_is_empty() {
    let index = build(&[("main", "")]).expect("an empty index");
    assert!(index.is_empty() && index.names().next().is_none());
}
