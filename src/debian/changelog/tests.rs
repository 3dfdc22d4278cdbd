//! Changelogs good, odd and hostile. Pure.

use std::fmt::Write as _;

use super::*;

const GLIBC: &str = "\
glibc (2.36-9+deb12u9) bookworm; urgency=medium

  * debian/patches/git-updates.diff: update from upstream stable branch:
    - Fix CVE-2024-33599, cve-2024-33600 and CVE-2024-33601.

 -- A Person <a@example.org>  Tue, 03 Dec 2024 20:30:00 +0100

glibc (2.36-9+deb12u8) bookworm-security; urgency=high (a remark)

  * Fix CVE-2024-2961 (again CVE-2024-33599), not XCVE-2024-1111 or CVE-2024-12.

 -- A Person <a@example.org>  Tue, 23 Apr 2024 20:30:00 +0200

glibc (2.36-9+deb12u7) bookworm; urgency=emergency

  * CVE-2023-4911

 -- A Person <a@example.org>  Tue, 30 Jan 2024 20:30:00 +0100
";

fn span(old: &str, new: &str) -> Span {
    between(&parse(GLIBC), &Version::parse(old).unwrap(), &Version::parse(new).unwrap())
}

#[test]
fn entries_have_version_urgency_and_text() {
    let entries = parse(GLIBC);
    let shown: Vec<_> = entries.iter().map(|e| (e.source, e.version.as_str(), e.urgency)).collect();
    let expected = [
        ("glibc", "2.36-9+deb12u9", Urgency::Medium),
        ("glibc", "2.36-9+deb12u8", Urgency::High),
        ("glibc", "2.36-9+deb12u7", Urgency::Emergency),
    ];
    assert_eq!(shown, expected);
    assert!(entries[2].text.trim().starts_with("* CVE-2023-4911"), "{:?}", entries[2].text);
}

#[test]
fn ids_after_the_old_version_up_to_the_new_one_are_told_once_each_in_order() {
    let found = span("2.36-9+deb12u7", "2.36-9+deb12u9");
    let ids = ["CVE-2024-2961", "CVE-2024-33599", "CVE-2024-33600", "CVE-2024-33601"];
    assert_eq!(found.cves, ids);
    assert_eq!((found.uploads, found.urgency), (2, Some(Urgency::High)));
    assert!(found.complete);
    let one = span("2.36-9+deb12u8", "2.36-9+deb12u9");
    assert_eq!((one.uploads, one.urgency), (1, Some(Urgency::Medium)));
    assert_eq!(span("2.36-9+deb12u9", "2.36-9+deb12u9").cves, Vec::<String>::new());
}

#[test]
fn versions_are_compared_as_debian_does_and_a_cut_changelog_is_told() {
    assert_eq!(span("2.36-9+deb12u7~bpo1", "2.36-9+deb12u7").cves, ["CVE-2023-4911"]);
    assert!(!span("2.36-1", "2.36-9+deb12u9").complete, "it begins after the old version");
    assert_eq!(span("2.36-1", "1:0").uploads, 3, "an epoch is newer than any version without");
}

#[test]
fn a_rebuild_and_what_is_no_heading_are_read_as_such() {
    let text = "demo (1.0-1+b1) sid; urgency=low, binary-only=yes\n\n  * Rebuild\n\n\
                demo (not a version!) sid; urgency=low\n\nOlder entries were removed (see URL); ok\n\
                demo (1.0-1) unstable, experimental; URGENCY=Critical\n";
    let entries = parse(text);
    let versions: Vec<_> = entries.iter().map(|entry| entry.version.as_str()).collect();
    assert_eq!(versions, ["1.0-1+b1", "1.0-1"]);
    assert_eq!(entries[1].urgency, Urgency::Critical);
}

#[test]
fn hostile_texts_neither_fail_nor_grow() {
    for text in ["", "\n", "a", "CVE-", "CVE-2024-", "c", "a (", "a (1) ", "é (1) x; urgency=é"] {
        assert!(
            between(&parse(text), &Version::parse("0").unwrap(), &Version::parse("9").unwrap())
                .cves
                .is_empty()
        );
    }
    let digits = format!("a (1) x; urgency=low\n CVE-2024-{}\n CVE-20é4-1234", "9".repeat(100_000));
    let entries = parse(&digits);
    let none = between(&entries, &Version::parse("0").unwrap(), &Version::parse("1").unwrap());
    assert_eq!(none.cves, Vec::<String>::new());
    let many = (0..50_000).fold(String::new(), |mut text, index| {
        let _ = writeln!(text, "a ({index}) x; urgency=low");
        text
    });
    assert_eq!(parse(&many).len(), MOST);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC{0,300}", joined in "(a \\(1-1\\) x; urgency=low\n| CVE-2[0-9]{3}-[0-9]{3,14}|[ -~]){0,20}") {
        for text in [text, joined] {
            let entries = parse(&text);
            let low = Version::parse("0").unwrap();
            let _ = between(&entries, &low, &Version::parse("9").unwrap());
        }
    }
}
