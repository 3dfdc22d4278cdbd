//! A stanza good in all, then broken one field at a time.

use proptest::prelude::*;

use super::{MultiArch, Package, PackageError, Priority, REQUIRED};
use crate::debian::control::{Limits, single};
use crate::host::fault::{Diagnostic, Kind};

const STANZA: &str = "Package: libc6-dev\nSource: glibc (2.36-9)\nVersion: 2.36-9+deb12u14\n\
    Installed-Size: 11794\nArchitecture: amd64\nProvides: libc-dev, libc6-dev-x (= 1)\n\
    Depends: libc6 (= 2.36-9+deb12u14), linux-libc-dev\nPre-Depends: dpkg (>= 1.15)\n\
    Multi-Arch: same\nSection: libdevel\nPriority: optional\n\
    Filename: pool/main/g/glibc/libc6-dev_2.36-9+deb12u14_amd64.deb\nSize: 1899408\n\
    MD5sum: 3f67217b5d8c0bc1a2b0a5d8e36a3ae7\n\
    SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";

fn parse(text: &str) -> Result<Package, PackageError> {
    Package::parse(&single("Packages", text, Limits::PACKAGES)?, "amd64")
}

/// The stanza with the value of one field replaced, and that field's line.
fn with(field: &str, value: &str) -> (String, usize) {
    let (at, line) = STANZA
        .lines()
        .enumerate()
        .find(|(_, line)| line.split(':').next() == Some(field))
        .expect("the stanza has the field");
    (STANZA.replace(line, &format!("{field}: {value}")), at + 1)
}

fn assert_refused(field: &str, value: &str, code: &str) {
    let (text, line) = with(field, value);
    let error = parse(&text).expect_err(value);
    assert_eq!((error.kind(), error.code()), (Kind::Integrity, code), "{error}");
    let start = format!("Packages:{line}: package ");
    assert!(error.to_string().starts_with(&start), "{error}");
}

#[test]
fn a_good_stanza_is_read() {
    let package = parse(STANZA).expect("a good stanza");
    assert_eq!((package.name.as_str(), package.source.as_str()), ("libc6-dev", "glibc"));
    assert_eq!(package.version.as_str(), "2.36-9+deb12u14");
    assert_eq!((package.size, package.installed_size_kib), (1_899_408, Some(11_794)));
    assert_eq!((package.multi_arch, package.priority), (MultiArch::Same, Priority::Optional));
    assert_eq!(
        (package.depends.len(), package.pre_depends.len(), package.provides.len()),
        (2, 1, 2)
    );
    assert_eq!(package.section.as_deref(), Some("libdevel"));
    assert!(!package.essential);
}

#[test]
fn what_may_be_absent_has_a_default() {
    let optional = ["Source", "Installed-Size", "Multi-Arch", "Section", "Priority", "Depends"];
    let lines = STANZA.lines().filter(|line| !optional.iter().any(|field| line.starts_with(field)));
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    let package = parse(&text).expect("a good stanza");
    assert_eq!(package.source, package.name);
    assert_eq!((package.multi_arch, package.priority), (MultiArch::No, Priority::Optional));
    assert_eq!((package.installed_size_kib, package.section), (None, None));
}

#[test]
fn c05_a_stanza_without_a_required_field_is_refused() {
    for field in REQUIRED {
        for text in [with(field, "").0, STANZA.replace(&format!("{field}:"), "X-Other:")] {
            let error = parse(&text).expect_err(field);
            assert_eq!((error.kind(), error.code()), (Kind::Integrity, "package-field-missing"));
            assert!(
                error.to_string().ends_with(&format!("the field {field} is missing")),
                "{error}"
            );
        }
    }
}

#[test]
fn c06_a_filename_out_of_the_pool_is_refused() {
    for path in [
        "/pool/a.deb",
        "pool/../../a.deb",
        "http://x/a.deb",
        "pool/a%2e.deb",
        "pool\\a.deb",
        "pool/a b.deb",
        "pool/a\n b.deb",
        "pool/./a.deb",
        "pool//a.deb",
        "pool/a.tar",
        "pool/a.DEB",
    ] {
        assert_refused("Filename", path, "package-bad-field");
    }
}

#[test]
fn c07_a_package_with_md5_only_is_refused() {
    let text = STANZA.split("SHA256:").next().expect("the part before");
    let error = parse(text).expect_err("MD5 only");
    assert!(error.to_string().contains("libc6-dev: the field SHA256 is missing"), "{error}");
}

#[test]
fn c09_a_package_for_another_machine_is_refused() {
    assert_refused("Architecture", "arm64", "package-wrong-architecture");
    assert_refused("Architecture", "any", "package-wrong-architecture");
    let all = parse(&with("Architecture", "all").0).expect("a package for all");
    assert_eq!(all.architecture, "all");
}

#[test]
fn c12_a_size_that_cannot_be_is_refused() {
    for size in ["0", "-1", "9223372036854775808", "9007199254740993", "1 2", "0x1"] {
        assert_refused("Size", size, "package-bad-field");
    }
    assert_refused("Installed-Size", "9223372036854775808", "package-bad-field");
    assert_refused("Installed-Size", "many", "package-bad-field");
}

#[test]
fn every_other_bad_value_is_refused_with_its_line() {
    for (field, value) in [
        ("Package", "../x"),
        ("Version", "1 2"),
        ("SHA256", "00"),
        ("Depends", "a b"),
        ("Pre-Depends", "aa,"),
        ("Provides", "aa | bb"),
        ("Multi-Arch", "maybe"),
        ("Priority", "urgent"),
    ] {
        assert_refused(field, value, "package-bad-field");
    }
}

#[test]
fn a_hostile_value_does_not_flood_the_message() {
    let long = "x".repeat(100_000);
    for field in ["Package", "Version", "Architecture", "Filename", "Size", "SHA256", "Depends"] {
        let error = parse(&with(field, &format!("{long} {long}")).0).expect_err("too long");
        assert!(error.to_string().len() < 600, "{field}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(at in 0_usize..700, junk in "[ -~\n\té]{0,8}") {
        let mut text = STANZA.to_owned();
        let at = at.min(text.len());
        text.insert_str(at, &junk);
        let _ = parse(&text);
        text.truncate(at);
        let _ = parse(&text);
    }
}
