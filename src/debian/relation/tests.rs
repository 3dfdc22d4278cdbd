//! Relations as Debian writes them, and those it must not.

use proptest::prelude::*;

use super::{Comparison, Qualifier, RelationError, parse_groups, parse_provides, provided_names};
use crate::debian::version::Version;

#[test]
fn groups_alternatives_constraints_and_qualifiers_are_read() {
    let value = "libc6 (>= 2.36),\n debconf (>= 0.5) | debconf-2.0, python3:any, a1:native(<<2), b1:i386 ( = 1:2-3 )";
    let groups = parse_groups(value).expect("good relations");
    let shown: Vec<String> = groups.iter().map(ToString::to_string).collect();
    let expected = [
        "libc6 (>= 2.36)",
        "debconf (>= 0.5) | debconf-2.0",
        "python3:any",
        "a1:native (<< 2)",
        "b1:i386 (= 1:2-3)",
    ];
    assert_eq!(shown, expected);
    assert_eq!(groups[2].0[0].qualifier, Some(Qualifier::Any));
    assert_eq!(groups[4].0[0].qualifier, Some(Qualifier::Architecture("i386".to_owned())));
    assert_eq!(parse_groups(" "), Ok(vec![]));
}

#[test]
fn each_comparison_allows_what_it_says() {
    let version = |text| Version::parse(text).expect("a version");
    for (operator, comparison, allowed) in [
        ("<<", Comparison::Earlier, [true, false, false]),
        ("<=", Comparison::EarlierOrEqual, [true, true, false]),
        ("=", Comparison::Equal, [false, true, false]),
        (">=", Comparison::LaterOrEqual, [false, true, true]),
        (">>", Comparison::Later, [false, false, true]),
    ] {
        let groups = parse_groups(&format!("aa ({operator} 2)")).expect("a relation");
        let constraint = groups[0].0[0].constraint.as_ref().expect("a constraint");
        assert_eq!(constraint.comparison, comparison);
        assert_eq!(["2~", "2", "2-1"].map(|v| constraint.allows(&version(v))), allowed);
    }
}

#[test]
fn what_belongs_to_source_packages_only_is_refused() {
    for (value, part) in [
        ("aa [amd64 !i386]", "architecture lists"),
        ("aa (>= 1) [amd64]", "architecture lists"),
        ("aa <!nocheck>", "build profiles"),
    ] {
        let error = parse_groups(value).expect_err(value);
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(parse_groups("aa (>= 1) <!nocheck>").is_err());
}

#[test]
fn malformed_relations_are_refused() {
    for value in [
        ",",
        "aa,",
        ",aa",
        "aa,,bb",
        "aa |",
        "| aa",
        "aa bb",
        "aa (>= 1",
        "aa >= 1)",
        "aa ()",
        "aa (1)",
        "aa (> 1)",
        "aa (< 1)",
        "aa (== 1)",
        "aa (>= )",
        "aa (>= 1) x",
        "aa:",
        "aa:A",
        ":any",
        "AA",
        "a",
        "${misc:Depends}",
        "aa (>= 1) (<< 2)",
        "aa\0",
    ] {
        assert!(parse_groups(value).is_err(), "{value:?} was accepted");
    }
    let error = parse_groups("aa (>= x)").expect_err("no version");
    assert!(matches!(error, RelationError::Version(_)), "{error}");
}

#[test]
fn provides_carry_a_version_or_none() {
    let provided = parse_provides("awk, libfoo-abi (= 3), c++-compiler").expect("good provides");
    let shown = |at: usize| {
        (provided[at].name.as_str(), provided[at].version.as_ref().map(Version::as_str))
    };
    assert_eq!(
        [shown(0), shown(1), shown(2)],
        [("awk", None), ("libfoo-abi", Some("3")), ("c++-compiler", None)]
    );
    for value in ["aa | bb", "aa (>= 1)", "aa:any", "aa,"] {
        assert!(parse_provides(value).is_err(), "{value:?} was accepted");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(value in "[a-c0-2 ,|()<=>:é\\[\n-]{0,30}") {
        let _ = parse_groups(&value);
        let _ = parse_provides(&value);
        let _ = provided_names(&value).count();
    }

    #[test]
    fn what_is_written_is_read_back(value in "[a-c]{2,4}(:any)?( \\((<<|<=|=|>=|>>) [0-9][a-z0-9.~]{0,4}\\))?( \\| [a-c]{2})?") {
        let groups = parse_groups(&value).expect("a relation");
        prop_assert_eq!(groups[0].to_string(), value);
    }

    #[test]
    fn the_quick_look_finds_the_same_names(value in "([a-c]{2,4}( ?\\(= [0-9]\\))?, ?){0,3}[a-c]{2}") {
        let full = parse_provides(&value).expect("good provides");
        let names: Vec<&str> = full.iter().map(|provided| provided.name.as_str()).collect();
        prop_assert_eq!(provided_names(&value).collect::<Vec<_>>(), names);
    }
}
