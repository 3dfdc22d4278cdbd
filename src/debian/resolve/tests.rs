//! Closures over small invented archives.

use proptest::prelude::*;

use super::super::index::{Index, Source};
use super::fixture::{closure, failure, names, packages, resolve_in};
use super::{Options, Want, resolve};
use crate::host::fault::{Diagnostic, Kind};

#[test]
fn depends_and_pre_depends_are_followed_and_nothing_else() {
    let lines = "aa 1; Depends: bb, cc; Pre-Depends: dd; Recommends: ee; Suggests: ee
        bb 1; Depends: cc
        cc 1
        dd 1
        ee 1";
    let closure = closure(lines, &["aa"]);
    assert_eq!(names(&closure), ["aa", "bb", "cc", "dd"]);
    assert_eq!(closure.chain("cc"), ["aa", "bb", "cc"]);
    assert_eq!(closure.find("cc").expect("cc").asked_by, ["bb", "aa"]);
    assert!(closure.find("aa").expect("aa").wanted && !closure.find("cc").expect("cc").wanted);
    assert_eq!(closure.size(), 40);
    assert!(closure.chain("ee").is_empty());
}

#[test]
fn c10_cycles_are_fine() {
    let lines = "aa 1; Depends: bb
        bb 1; Depends: cc
        cc 1; Depends: aa, cc";
    let closure = closure(lines, &["bb"]);
    assert_eq!(names(&closure), ["aa", "bb", "cc"]);
    assert_eq!(closure.chain("aa"), ["bb", "cc", "aa"]);
    assert_eq!(closure.find("cc").expect("cc").asked_by, ["bb"]);
}

#[test]
fn c10_the_first_alternative_wins_unless_another_is_there() {
    let lines = "aa 1; Depends: bb | cc
        bb 1
        cc 1
        dd 1; Depends: cc, aa";
    assert_eq!(names(&closure(lines, &["aa"])), ["aa", "bb"]);
    assert_eq!(names(&closure(lines, &["aa", "cc"])), ["aa", "cc"]);
    assert_eq!(names(&closure(lines, &["dd"])), ["aa", "cc", "dd"]);
}

#[test]
fn c10_an_alternative_that_cannot_be_installed_gives_way() {
    let lines = "aa 1; Depends: bb | cc
        bb 1; Depends: xx
        xx 1; Depends: missing
        cc 1";
    assert_eq!(names(&closure(lines, &["aa"])), ["aa", "cc"]);
}

#[test]
fn c10_a_virtual_package_is_met_by_the_most_important_provider() {
    let lines = "aa 1; Depends: virt
        bb 1; Provides: virt
        cc 1; Provides: virt; Priority: important
        dd 1; Provides: virt; Priority: extra; Essential: yes";
    assert_eq!(names(&closure(lines, &["aa"])), ["aa", "dd"]);
    let fewer = &lines[..lines.rfind("dd 1").expect("the last line")];
    assert_eq!(names(&closure(fewer, &["aa"])), ["aa", "cc"]);
    assert_eq!(names(&closure(fewer, &["aa", "bb"])), ["aa", "bb"]);
    let real = format!("{lines}\nvirt 1");
    assert_eq!(names(&closure(&real, &["aa"])), ["aa", "virt"]);
}

#[test]
fn c10_only_a_versioned_provides_meets_a_constraint() {
    let lines = "aa 1; Depends: virt (>= 2)
        bb 1; Provides: virt
        cc 1; Provides: virt (= 1)
        dd 1; Provides: virt (= 2)";
    assert_eq!(names(&closure(lines, &["aa"])), ["aa", "dd"]);
    let fewer = &lines[..lines.rfind("dd 1").expect("the last line")];
    let message = failure(fewer, &["aa"]).to_string();
    let expected = "aa needs virt (>= 2): virt is provided by bb, cc, but not as (>= 2)";
    assert_eq!(message, expected);
}

#[test]
fn c10_only_the_highest_version_is_a_candidate() {
    let suites = [("main", "aa 1; Depends: bb (= 1)\nbb 1"), ("security", "bb 2")];
    let error = resolve_in(&suites, &["aa"], &Options::default()).expect_err("bb is 2");
    let expected = "aa needs bb (= 1): bb exists as 2 (security), 1 (main), but not as (= 1)";
    assert_eq!(error.to_string(), expected);
    let mut options = Options::default();
    options.suites.insert("bb".to_owned(), "main".to_owned());
    let closure = resolve_in(&suites, &["aa"], &options).expect("bb is tied to main");
    assert_eq!(closure.find("bb").expect("bb").suite, "main");
}

#[test]
fn c14_the_highest_version_over_all_suites_is_chosen() {
    let suites = [("main", "aa 1; Depends: bb\nbb 3"), ("security", "aa 2; Depends: bb\nbb 1")];
    let closure = resolve_in(&suites, &["aa"], &Options::default()).expect("a closure");
    let find = |name| closure.find(name).expect("it is there").suite.as_str();
    assert_eq!([find("aa"), find("bb")], ["security", "main"]);
}

#[test]
fn a_want_can_be_tied_to_a_suite() {
    let suites = [("main", "aa 1\nbb 1; Depends: aa"), ("security", "aa 2")];
    let closure = resolve_in(&suites, &["bb", "aa/main"], &Options::default()).expect("a closure");
    assert_eq!(closure.find("aa").expect("aa").package.version.as_str(), "1");
    let error = resolve_in(&suites, &["bb/security"], &Options::default()).expect_err("not there");
    assert_eq!((error.kind(), error.code()), (Kind::Usage, "package-not-in-suite"));
    assert!(error.to_string().contains("got only 1 (main)"), "{error}");
    let error = resolve_in(&suites, &["aa/sid"], &Options::default()).expect_err("no such suite");
    assert_eq!((error.kind(), error.code()), (Kind::Usage, "unknown-suite"));
    assert!(error.to_string().contains("expected one of main, security, got sid"), "{error}");
}

#[test]
fn an_excluded_package_is_not_followed_and_is_reported() {
    let lines = "aa 1; Depends: bb | cc, virt, gone
        bb 1; Depends: dd
        cc 1
        dd 1
        ee 1; Provides: virt; Depends: dd";
    let mut options = Options::default();
    for name in ["bb", "ee", "gone"] {
        options.exclude.insert(name.to_owned(), "versions.toml:7".to_owned());
    }
    let closure = resolve_in(&[("main", lines)], &["aa"], &options).expect("a closure");
    assert_eq!(names(&closure), ["aa"]);
    let left_out: Vec<&str> = closure.left_out.iter().map(|l| l.name.as_str()).collect();
    assert_eq!(left_out, ["bb", "ee", "gone"]);
    assert_eq!(closure.left_out[0].excluded_by, "versions.toml:7");
    assert_eq!(closure.left_out[0].needed_by, ["aa"]);
    let error = resolve_in(&[("main", lines)], &["bb"], &options).expect_err("both");
    assert_eq!((error.kind(), error.code()), (Kind::Usage, "package-wanted-and-excluded"));
    assert!(error.to_string().contains("excluded by versions.toml:7"), "{error}");
}

#[test]
fn what_is_in_the_base_meets_dependencies_and_is_not_fetched() {
    let lines = "aa 1; Depends: bb | cc, virt, dd (>= 2), local
        bb 1
        cc 1; Provides: virt; Depends: ee
        dd 2
        ee 1";
    let mut options = Options::default();
    options.base.extend(["cc", "dd", "local"].map(str::to_owned));
    let closure = resolve_in(&[("main", lines)], &["aa", "cc"], &options).expect("a closure");
    assert_eq!(names(&closure), ["aa"]);
    assert_eq!(closure.left_out, []);
}

#[test]
fn architecture_qualifiers_are_obeyed() {
    let lines = "aa 1; Depends: allowed:any, native:native, named:amd64
        allowed 1; Multi-Arch: allowed
        native 1
        named 1
        b1 1; Depends: named:any
        b2 1; Depends: named:i386";
    assert_eq!(names(&closure(lines, &["aa"])), ["aa", "allowed", "named", "native"]);
    let message = failure(lines, &["b1"]).to_string();
    assert!(message.ends_with("but not as `Multi-Arch: allowed`"), "{message}");
    let message = failure(lines, &["b2"]).to_string();
    assert!(message.ends_with("but not looked for on i386"), "{message}");
}

#[test]
fn packages_for_all_architectures_are_taken() {
    let text = packages("aa 1; Depends: bb\nbb 1").replace("amd64", "all");
    let sources = [Source { suite: "main", file: "main", text: &text }];
    let index = Index::build("arm64", &sources).expect("a good index");
    let closure = resolve(&index, &[Want::new("aa")], &Options::default()).expect("a closure");
    assert_eq!(names(&closure), ["aa", "bb"]);
}

#[test]
fn a_chain_of_twenty_thousand_packages_does_not_exhaust_the_stack() {
    let link = |at: u32| format!("p{at} 1; Depends: p{}\n", at + 1);
    let lines: String = (0..20_000).map(link).collect();
    let closure = closure(&format!("{lines}p20000 1"), &["p0"]);
    assert_eq!(closure.packages.len(), 20_001);
}

/// A small archive: each package depends on groups of others, some provide a name.
fn archive() -> impl Strategy<Value = String> {
    let group = prop::collection::vec(0_u8..9, 1..3);
    let package = (prop::collection::vec(group, 0..3), prop::bool::ANY);
    prop::collection::vec(package, 1..8).prop_map(|packages| {
        let write = |(at, (groups, provides)): (usize, &(Vec<Vec<u8>>, bool))| {
            let groups: Vec<String> = groups
                .iter()
                .map(|group| group.iter().map(|n| format!("p{n}")).collect::<Vec<_>>().join(" | "))
                .collect();
            let depends = if groups.is_empty() {
                String::new()
            } else {
                format!("; Depends: {}", groups.join(", "))
            };
            let provides = if *provides { "; Provides: p8" } else { "" };
            format!("p{at} 1{depends}{provides}\n")
        };
        packages.iter().enumerate().map(write).collect()
    })
}

proptest! {
    #[test]
    fn a_closure_is_closed_and_every_package_has_a_chain(lines in archive()) {
        let once = resolve_in(&[("main", &lines)], &["p0"], &Options::default());
        let again = resolve_in(&[("main", &lines)], &["p0"], &Options::default());
        prop_assert_eq!(&once, &again);
        if let Ok(closure) = once {
            let there = |name: &str| closure.packages.iter().any(|chosen| {
                let package = &chosen.package;
                package.name == name || package.provides.iter().any(|p| p.name == name)
            });
            for chosen in &closure.packages {
                for group in &chosen.package.depends {
                    prop_assert!(group.0.iter().any(|relation| there(&relation.name)), "{}", group);
                }
                let chain = closure.chain(&chosen.package.name);
                prop_assert_eq!(chain.first(), Some(&"p0"));
                prop_assert_eq!(chain.last(), Some(&chosen.package.name.as_str()));
            }
        }
    }
}
