//! Hashes, sizes, paths and names that must not pass.

use proptest::prelude::*;

use super::{MAX_SIZE, check_package_name, check_path, parse_sha256, parse_size};

const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[test]
fn a_hash_is_read_and_written() {
    assert_eq!(parse_sha256(HASH).expect("a hash").to_string(), HASH);
}

#[test]
fn b11_a_hash_of_another_form_is_refused() {
    let long = format!("{HASH}0");
    let upper = HASH.to_uppercase();
    let foreign = HASH.replace('e', "g");
    let wide = HASH.replacen("e3", "é", 1);
    for text in ["", &HASH[1..], &long, &upper, &foreign, &wide] {
        let error = parse_sha256(text).expect_err(text);
        assert!(error.to_string().contains("64 lower-case"), "{error}");
    }
}

#[test]
fn b11_a_size_of_another_form_is_refused() {
    assert_eq!(parse_size("0"), Ok(0));
    assert_eq!(parse_size("9007199254740992"), Ok(MAX_SIZE));
    for text in [
        "",
        "-1",
        "+1",
        "0x10",
        "1 ",
        "1.5",
        "1e3",
        "9007199254740993",
        "99999999999999999999",
        "٣",
    ] {
        assert!(parse_size(text).is_err(), "{text:?} was accepted");
    }
}

#[test]
fn b12_a_path_that_could_leave_its_folder_is_refused() {
    for path in [
        "main/binary-amd64/Packages.xz",
        "main/i18n/Translation-sr@latin",
        "pool/main/g/g++/g++_1~2+b1_all.deb",
    ] {
        assert_eq!(check_path(path), Ok(()));
    }
    let long = "a/".repeat(600);
    for path in [
        "",
        "/etc/passwd",
        "..",
        "../a",
        "a/../b",
        "a/..",
        "./a",
        "a/./b",
        "a//b",
        "a/",
        "a\\b",
        "a%2e%2e/b",
        "a\0b",
        "a\nb",
        "a b",
        "a\tb",
        "é",
        "http://x/y",
        "C:x",
        "a?b",
        "a#b",
        "a*b",
        &long,
    ] {
        assert!(check_path(path).is_err(), "{path:?} was accepted");
    }
}

#[test]
fn a_package_name_follows_policy() {
    for name in ["libc6", "g++-12", "libstdc++6", "0ad", "a2"] {
        assert_eq!(check_package_name(name), Ok(()));
    }
    let long = "a".repeat(201);
    for name in ["", "a", "-a", ".a", "+a", "Aa", "a_b", "a b", "a/b", "a:b", "é1", "../a", &long]
    {
        assert!(check_package_name(name).is_err(), "{name:?} was accepted");
    }
}

proptest! {
    #[test]
    fn judging_never_panics(text in any::<String>()) {
        let _ = (parse_sha256(&text), parse_size(&text), check_path(&text), check_package_name(&text));
    }

    #[test]
    fn an_accepted_path_stays_below_its_folder(path in "[a./%\\\\ ]{0,8}") {
        if check_path(&path).is_ok() {
            prop_assert!(path.split('/').all(|step| !matches!(step, "" | "." | "..")));
        }
    }
}
