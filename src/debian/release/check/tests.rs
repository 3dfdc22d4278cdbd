//! The rules beside the signature, broken one at a time.

use super::super::fixture::{
    DATE, DAY, UNTIL, against, check, check_at, date, expectation, refused, replaced, security,
    seen,
};
use super::super::{Allowances, Expectation, LastSeen, Note};
use crate::debian::date::Timestamp;
use crate::host::fault::{Diagnostic, Kind};
use crate::host::hash::Digest;

#[test]
fn b01_an_expired_release_is_refused_unless_allowed() {
    let now = Timestamp(date(UNTIL).0 + 16 * DAY + 5);
    let error = check_at(&security(), &expectation(), now).expect_err("expired");
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "release-expired"));
    assert!(error.to_string().contains("expired 16 days ago"), "{error}");
    let allow = Allowances { expired: true, rollback: false };
    let notes = check_at(&security(), &Expectation { allow, ..expectation() }, now);
    assert_eq!(notes, Ok(vec![Note::Expired { until: date(UNTIL) }]));
    assert_eq!(check_at(&security(), &expectation(), date(UNTIL)), Ok(vec![]));
}

#[test]
fn b02_a_missing_valid_until_is_refused_where_it_is_required() {
    let text = replaced(&format!("Valid-Until: {UNTIL}\n"), "");
    let error = check(&text, &expectation()).expect_err("no Valid-Until");
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "release-no-valid-until"));
    let optional = Expectation { valid_until_required: false, ..expectation() };
    assert_eq!(check(&text, &optional), Ok(vec![]));
}

#[test]
fn b04_a_date_that_is_absent_malformed_or_ahead_is_refused() {
    let message = refused(&replaced(&format!("Date: {DATE}\n"), ""));
    assert!(message.contains("the field Date is missing"), "{message}");
    let message = refused(&replaced(DATE, "2026-11-21"));
    assert!(message.starts_with("InRelease:6: bad date"), "{message}");
    let made = date(DATE).0;
    let error =
        check_at(&security(), &expectation(), Timestamp(made - DAY - 1)).expect_err("ahead");
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "release-in-future"));
    assert_eq!(check_at(&security(), &expectation(), Timestamp(made - DAY)), Ok(vec![]));
}

#[test]
fn b05_an_older_release_or_another_of_the_same_date_is_refused() {
    let newer = LastSeen { date: Timestamp(date(DATE).0 + 1), ..seen() };
    let error = against(&newer, false).expect_err("a rollback");
    assert_eq!(error.code(), "release-rollback");
    assert!(error.to_string().contains("expected Sat, 21 Nov 2026 00:53:03 UTC"), "{error}");
    assert!(error.to_string().contains("got Sat, 21 Nov 2026 00:53:02 UTC"), "{error}");
    let notes = against(&newer, true);
    assert_eq!(notes, Ok(vec![Note::RolledBack { seen: newer.date }]));
    let other = LastSeen { sha256: Digest([8; 32]), ..seen() };
    let error = against(&other, false).expect_err("other content");
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "release-changed-same-date"));
    assert_eq!(against(&seen(), false), Ok(vec![]));
    let older = LastSeen { date: Timestamp(0), sha256: Digest([8; 32]), ..seen() };
    assert_eq!(against(&older, false), Ok(vec![]));
}

#[test]
fn b06_another_codename_origin_or_label_is_refused() {
    for (from, to) in [
        ("Codename: bookworm-security", "Codename: bullseye-security"),
        ("Origin: Debian", "Origin: Devuan"),
        ("Label: Debian-Security", "Label: Debian"),
    ] {
        let error = check(&replaced(from, to), &expectation()).expect_err(to);
        assert_eq!((error.kind(), error.code()), (Kind::Integrity, "release-mismatch"));
        let values = [from, to].map(|pair| pair.split_once(": ").expect("a pair").1);
        let both = format!("expected {}, got {}", values[0], values[1]);
        assert!(error.to_string().ends_with(&both), "{error}");
    }
}

#[test]
fn b07_a_suite_that_changed_its_role_is_noted() {
    let then = LastSeen { suite: "stable-security".to_owned(), ..seen() };
    let (from, to) = (then.suite.clone(), "oldstable-security".to_owned());
    assert_eq!(against(&then, false), Ok(vec![Note::SuiteChanged { from, to }]));
}

#[test]
fn b08_a_version_that_goes_back_is_refused() {
    let then = |version: Option<&str>| LastSeen {
        date: Timestamp(0),
        version: version.map(str::to_owned),
        ..seen()
    };
    for newer in ["12.1", "13"] {
        let error = against(&then(Some(newer)), false).expect_err(newer);
        assert_eq!((error.kind(), error.code()), (Kind::Integrity, "release-rollback"));
        assert!(against(&then(Some(newer)), true).is_ok());
    }
    for older in [None, Some("11.9"), Some("12")] {
        assert_eq!(against(&then(older), false), Ok(vec![]));
    }
    let (last, next) = (then(Some("12")), replaced("Version: 12\n", ""));
    let last_seen = Some(&last);
    let error = check(&next, &Expectation { last_seen, ..expectation() }).expect_err("no version");
    assert!(error.to_string().contains("got none"), "{error}");
}
