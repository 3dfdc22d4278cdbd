//! dpkg is the judge of the order: a table of its verdicts, and the laws of an order.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{Version, VersionError};

const VERDICTS: &str = include_str!("../../../tests/data/dpkg-pairs.txt");

fn version(text: &str) -> Version {
    Version::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn c14_the_order_is_that_of_dpkg() {
    let mut count = 0;
    for line in VERDICTS.lines() {
        let columns: Vec<&str> = line.split(' ').collect();
        let [left, verdict, right] = columns[..] else { panic!("bad line {line:?}") };
        let expected = match verdict {
            "<" => Ordering::Less,
            "=" => Ordering::Equal,
            ">" => Ordering::Greater,
            other => panic!("bad verdict {other:?}"),
        };
        assert_eq!(version(left).cmp(&version(right)), expected, "{line}");
        assert_eq!(version(right).cmp(&version(left)), expected.reverse(), "{line}");
        count += 1;
    }
    assert!(count >= 600, "only {count} verdicts");
}

#[test]
fn the_parts_are_split_at_the_first_colon_and_the_last_hyphen() {
    let full = version("2:1.0-rc1-3+b1");
    assert_eq!((full.epoch(), full.upstream(), full.revision()), (2, "1.0-rc1", Some("3+b1")));
    let native = version("2023.3+deb12u2");
    assert_eq!((native.epoch(), native.revision()), (0, None));
    assert_eq!(native.to_string(), "2023.3+deb12u2");
}

#[test]
fn a_version_that_the_manual_forbids_is_refused() {
    let refused = [
        "",
        ":1",
        "1:",
        "-1",
        "1-",
        "a1",
        "~1",
        "1 0",
        "1.0-1 ",
        "+1:2",
        "-1:2",
        "x:1",
        "2147483648:1",
        "99999999999999999999:1",
        "1_0",
        "1.0-1_2",
        "1.0-1:2",
        "1.0é",
        "1\n2",
        "1%3a2",
        "１",
    ];
    for text in refused {
        assert!(Version::parse(text).is_err(), "{text:?} was accepted");
    }
    assert!(Version::parse("2147483647:1").is_ok());
    let error = Version::parse("1.0-").expect_err("an empty revision");
    assert!(matches!(error, VersionError::EmptyRevision { .. }), "{error}");
}

#[test]
fn equal_versions_may_be_spelled_differently() {
    assert_eq!(version("1.0"), version("0:1.00-0"));
    assert_ne!(version("1.0").as_str(), version("0:1.00-0").as_str());
}

fn any_version() -> impl Strategy<Value = Version> {
    "([0-3]:)?[0-2][0-9a-bA~.+]{0,6}(-[0-9a-b~.+]{1,4})?".prop_map(|text| version(&text))
}

proptest! {
    #[test]
    fn parsing_never_panics(text in any::<String>()) {
        let _ = Version::parse(&text);
    }

    #[test]
    fn the_order_is_antisymmetric(a in any_version(), b in any_version()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
    }

    #[test]
    fn the_order_is_transitive(a in any_version(), b in any_version(), c in any_version()) {
        let mut three = [a, b, c];
        three.sort();
        prop_assert!(three[0] <= three[1] && three[1] <= three[2] && three[0] <= three[2]);
    }

    #[test]
    fn a_tilde_sorts_before_the_end(a in any_version(), suffix in "[a-z0-9]{0,3}") {
        let before = version(&format!("{a}~{suffix}"));
        prop_assert!(before < a);
    }
}
