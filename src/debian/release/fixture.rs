//! A release text that is good in all, and ways to break and judge it. Never part of
//! the program: for the tests beside it only.

use super::super::date::Timestamp;
use super::{Allowances, Expectation, LastSeen, Note, Release, ReleaseError};
use crate::host::fault::{Diagnostic, Kind};
use crate::host::hash::Digest;

pub(super) const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
pub(super) const DATE: &str = "Sat, 21 Nov 2026 00:53:02 UTC";
pub(super) const UNTIL: &str = "Sat, 28 Nov 2026 00:53:02 UTC";
pub(super) const DAY: i64 = 86_400;
pub(super) const DIGEST: Digest = Digest([7; 32]);

pub(super) fn security() -> String {
    format!(
        "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nVersion: 12\n\
         Codename: bookworm-security\nDate: {DATE}\nValid-Until: {UNTIL}\nAcquire-By-Hash: yes\n\
         Architectures: amd64 arm64 armhf i386 ppc64el\n\
         Components: updates/main updates/contrib updates/non-free-firmware\n\
         Description: Debian 12 - Security Updates\nSHA256:\n \
         {HASH}        0 main/binary-amd64/Packages\n {HASH}  50060337 main/binary-amd64/Packages.xz\n \
         {HASH} 77 main/binary-arm64/Packages.gz\n"
    )
}

pub(super) fn parse(text: &str) -> Result<Release, ReleaseError> {
    Release::parse("InRelease", text)
}

pub(super) fn replaced(from: &str, to: &str) -> String {
    let text = security();
    assert!(text.contains(from), "{from:?} is not in the text");
    text.replace(from, to)
}

/// The message for a text that must be refused as a breach of integrity.
pub(super) fn refused(text: &str) -> String {
    let error = parse(text).expect_err("the release was accepted");
    assert_eq!(error.kind(), Kind::Integrity);
    error.to_string()
}

pub(super) fn expectation() -> Expectation<'static> {
    Expectation {
        codename: "bookworm-security",
        origin: "Debian",
        label: "Debian-Security",
        valid_until_required: true,
        architectures: &["amd64", "arm64"],
        components: &["main"],
        last_seen: None,
        allow: Allowances::default(),
    }
}

pub(super) fn date(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a good date")
}

pub(super) fn check(text: &str, expectation: &Expectation<'_>) -> Result<Vec<Note>, ReleaseError> {
    check_at(text, expectation, Timestamp(date(DATE).0 + DAY))
}

pub(super) fn check_at(
    text: &str,
    expectation: &Expectation<'_>,
    now: Timestamp,
) -> Result<Vec<Note>, ReleaseError> {
    parse(text).expect("a good release").check(&DIGEST, expectation, now)
}

pub(super) fn seen() -> LastSeen {
    parse(&security()).expect("a good release").seen(DIGEST)
}

pub(super) fn against(seen: &LastSeen, rollback: bool) -> Result<Vec<Note>, ReleaseError> {
    let allow = Allowances { expired: false, rollback };
    let last_seen = Some(seen);
    check(&security(), &Expectation { last_seen, allow, ..expectation() })
}
