//! What the text of a release may say, broken one line at a time.

use proptest::prelude::*;

use super::fixture::{HASH, UNTIL, check, expectation, parse, refused, replaced, security};
use super::{Expectation, Note};
use crate::host::fault::{Diagnostic, Kind};

#[test]
fn a_good_release_is_read_and_accepted() {
    let release = parse(&security()).expect("a good release");
    assert_eq!(release.version.as_deref(), Some("12"));
    assert_eq!(release.architectures.len(), 5);
    assert_eq!(release.files.len(), 3);
    assert_eq!(release.files["main/binary-amd64/Packages.xz"].size, 50_060_337);
    assert_eq!(check(&security(), &expectation()), Ok(vec![]));
}

#[test]
fn b03_a_malformed_valid_until_is_refused_with_its_line() {
    for bad in ["", "soon", "Sat, 28 Nov 2026 00:53:02 +0100", "Sat, 28 Nov 26 00:53:02 UTC"] {
        let message = refused(&replaced(UNTIL, bad));
        assert!(message.starts_with("InRelease:7: bad date"), "{message}");
    }
    let twice = replaced("Acquire-By-Hash: yes", &format!("Valid-Until: {UNTIL}"));
    let message = refused(&twice);
    assert!(message.contains("8: duplicate field Valid-Until, first seen in line 7"), "{message}");
    let reversed = replaced(UNTIL, "Fri, 20 Nov 2026 00:53:02 UTC");
    let error = check(&reversed, &expectation()).expect_err("reversed");
    assert_eq!(error.code(), "release-bad-validity");
}

#[test]
fn b09_a_release_without_sha256_is_refused() {
    for other in ["MD5Sum", "SHA1", "SHA512"] {
        let error = parse(&replaced("SHA256", other)).expect_err(other);
        assert_eq!((error.kind(), error.code()), (Kind::Integrity, "release-no-sha256"));
        assert!(error.to_string().contains(&format!("expected SHA256, got {other}")), "{error}");
    }
    let text = security();
    let none = text.split("SHA256:").next().expect("the part before");
    assert!(refused(none).contains("got no hashes at all"));
    let both = replaced("SHA256:", "MD5Sum:\n d41d8cd98f00b204e9800998ecf8427e 0 x\nSHA256:");
    assert_eq!(parse(&both).expect("both tables").files.len(), 3);
}

#[test]
fn b10_a_second_table_or_a_path_twice_is_refused() {
    let twice = format!("{}SHA256:\n {HASH} 1 x\n", security());
    assert!(refused(&twice).contains("16: duplicate field SHA256, first seen in line 12"));
    let other = HASH.replace('e', "f");
    let twice = format!("{} {other} 0 main/binary-amd64/Packages\n", security());
    let message = refused(&twice);
    assert!(message.starts_with("InRelease:16: the path main/binary-amd64/Packages"), "{message}");
}

#[test]
fn b11_a_bad_hash_or_size_is_refused_with_its_line() {
    let upper = HASH.to_uppercase();
    for row in [
        &format!("{} 1 x", &HASH[2..]),
        &format!("{upper} 1 x"),
        &format!("{} 1 x", HASH.replace('e', "g")),
        &format!("{HASH} -1 x"),
        &format!("{HASH} 9007199254740993 x"),
        &format!("{HASH} 0x1 x"),
        &format!("{HASH} x"),
        &format!("{HASH} 1 x y"),
        "x",
    ] {
        let message = refused(&format!("{} {row}\n", security()));
        assert!(message.starts_with("InRelease:16: bad "), "{message}");
    }
}

#[test]
fn b12_a_path_out_of_the_folder_is_refused_with_its_line() {
    for path in ["../x", "a/../../x", "/etc/passwd", "a\\b", "a%2e%2e/x", "http://x/y", "a//b"] {
        let message = refused(&format!("{} {HASH} 1 {path}\n", security()));
        assert!(message.starts_with("InRelease:16: bad path"), "{message}");
    }
    assert!(refused(&format!("{} {HASH} 1 a\0b\n", security())).contains("the byte 0x00"));
}

#[test]
fn b13_an_architecture_that_is_not_there_is_named() {
    let architectures = &["amd64", "s390x"];
    let error = check(&security(), &Expectation { architectures, ..expectation() });
    let error = error.expect_err("no s390x");
    assert_eq!((error.kind(), error.code()), (Kind::Usage, "release-no-architecture"));
    assert!(error.to_string().contains("bookworm-security has no s390x"), "{error}");
    let release = parse(&security()).expect("a good release");
    let error = release.packages("main", "armhf").expect_err("no index");
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, "release-no-index"));
}

#[test]
fn b14_components_are_found_with_and_without_the_prefix_of_security() {
    let release = parse(&security()).expect("a good release");
    let index = release.packages("main", "amd64").expect("the index");
    assert_eq!(index.choices[0].path, "main/binary-amd64/Packages.xz");
    let plain = parse(&replaced("updates/main updates/contrib", "main contrib"));
    assert_eq!(plain.expect("a good release").packages("main", "amd64"), Ok(index));
    let error = release.packages("non-free", "amd64").expect_err("no such component");
    assert_eq!((error.kind(), error.code()), (Kind::Usage, "release-no-component"));
}

#[test]
fn b15_folded_lines_comments_and_second_paragraphs_are_refused() {
    let folded = replaced("Components: updates/main", "Components: updates/main\n");
    assert!(refused(&folded).contains("10: the field Components is folded"));
    assert!(refused(&replaced("Label:", "# no\nLabel:")).contains("InRelease:2: comments"));
    assert!(refused(&format!("{}\nA: b\n", security())).contains("InRelease:17: expected one"));
    assert!(refused(&replaced("Label:", "origin: x\nLabel:")).contains("duplicate field origin"));
    assert!(refused("").contains("got none"));
}

#[test]
fn b16_without_by_hash_the_plain_path_is_used_and_noted() {
    let with = parse(&security()).expect("a good release");
    let file = &with.packages("main", "arm64").expect("the index").choices[0];
    let by_hash = format!("main/binary-arm64/by-hash/SHA256/{HASH}");
    assert_eq!(file.by_hash.as_deref(), Some(by_hash.as_str()));
    for text in [
        replaced("Acquire-By-Hash: yes\n", ""),
        replaced("Acquire-By-Hash: yes", "Acquire-By-Hash: no"),
    ] {
        let without = parse(&text).expect("a good release");
        let file = &without.packages("main", "arm64").expect("the index").choices[0];
        assert_eq!((file.path.as_str(), &file.by_hash), ("main/binary-arm64/Packages.gz", &None));
        assert_eq!(check(&text, &expectation()), Ok(vec![Note::NoByHash]));
    }
    assert!(refused(&replaced("Hash: yes", "Hash: maybe")).contains("expected yes or no"));
}

#[test]
fn c03_the_choices_are_ordered_and_the_plain_entry_is_kept() {
    let release = parse(&security()).expect("a good release");
    let index = release.packages("main", "amd64").expect("the index");
    let paths: Vec<&str> = index.choices.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["main/binary-amd64/Packages.xz", "main/binary-amd64/Packages"]);
    assert_eq!(index.plain.map(|entry| entry.size), Some(0));
    assert_eq!(release.packages("main", "arm64").expect("the index").plain, None);
}

proptest! {
    #[test]
    fn reading_never_panics(at in 0_usize..900, junk in "[ -~\n\t]{0,8}") {
        let mut text = security();
        let at = at.min(text.len());
        text.insert_str(at, &junk);
        let _ = parse(&text);
        text.truncate(at);
        let _ = parse(&text);
    }
}
