//! What is said when there is no closure.

use super::super::Options;
use super::super::fixture::{failure, resolve_in};
use crate::host::fault::{Diagnostic, Kind};

#[test]
fn c10_a_missing_dependency_is_named_with_the_chain() {
    let lines = "aa 1; Depends: bb
        bb 1; Depends: cc
        cc 1; Depends: missing | dd (>= 3)
        dd 2";
    let error = failure(lines, &["aa"]);
    assert_eq!((error.kind(), error.code()), (Kind::Failed, "unsatisfiable-dependency"));
    assert_eq!(
        error.to_string(),
        "aa → bb → cc needs missing | dd (>= 3): no package missing exists; \
         dd exists as 2 (main), but not as (>= 3)"
    );
    assert!(!error.hints().is_empty());
}

#[test]
fn c10_a_circle_of_failures_is_reported_once() {
    let lines = "aa 1; Depends: bb
        bb 1; Depends: cc | missing
        cc 1; Depends: bb, gone";
    let message = failure(lines, &["aa"]).to_string();
    assert_eq!(message, "aa → bb → cc needs gone: no package gone exists");
}

#[test]
fn an_unknown_wanted_package_is_a_usage_error_with_a_guess() {
    let error = failure("libssl-dev 3\nlibssh-dev 1\nzlib1g 1", &["libsll-dev"]);
    assert_eq!((error.kind(), error.code()), (Kind::Usage, "unknown-package"));
    assert_eq!(error.to_string(), "no package libsll-dev for amd64 in any suite");
    assert_eq!(error.hints(), ["did you mean libssl-dev or libssh-dev?"]);
    assert!(failure("zlib1g 1", &["something-else"]).hints().is_empty());
}

#[test]
fn a_wanted_virtual_package_is_a_usage_error_that_names_the_providers() {
    let error = failure("bb 1; Provides: virt\ncc 1; Provides: virt", &["virt"]);
    assert_eq!((error.kind(), error.code()), (Kind::Usage, "virtual-package"));
    assert_eq!(error.to_string(), "virt is a virtual package, provided by bb, cc");
}

#[test]
fn c05_a_bad_stanza_on_the_way_is_a_breach_of_integrity() {
    let error = failure("aa 1; Depends: bb\nbb 1; Depends: [", &["aa"]);
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "package-bad-field"));
    assert!(
        resolve_in(&[("main", "aa 1\nbb 1; Depends: [")], &["aa"], &Options::default()).is_ok()
    );
}
