use super::*;

const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn sample() -> Lock {
    let mut lock = Lock::default();
    lock.suites.insert(
        "bookworm".to_owned(),
        SuiteState {
            date: 1_783_764_997,
            version: "12.15".to_owned(),
            role: "oldstable".to_owned(),
            release: HASH.parse().unwrap(),
            allowed: ["expired".to_owned()].into(),
        },
    );
    lock.packages.insert(
        "pool/main/g/glibc/libc6_2.36-9+deb12u14_amd64.deb".to_owned(),
        LockedPackage {
            name: "libc6".to_owned(),
            version: "2.36-9+deb12u14".to_owned(),
            architecture: "amd64".to_owned(),
            sha256: HASH.parse().unwrap(),
            size: 2_758_000,
            installed_kib: 12_986,
            suite: "bookworm".to_owned(),
            seen: Some(1_700_000_000),
            sets: ["bookworm/sysroot/amd64".to_owned()].into(),
        },
    );
    let sets = ["bookworm/sysroot/amd64".to_owned()].into();
    let archive = LockedArchive {
        sha256: HASH.parse().unwrap(),
        size: 13_000_000,
        target: "x86_64-unknown-linux-gnu".to_owned(),
        release: "bookworm".to_owned(),
        format: 1,
        packages: lock.sets_digest(&sets),
        sets,
    };
    lock.archives.insert("debian-bookworm-x86_64.tar.zst".to_owned(), archive);
    lock
}

/// The `#!` line of an archive.
fn line() -> String {
    format!(
        "#! archive=1 target=t from=bookworm size=1 packages={HASH} sets=bookworm/sysroot/amd64"
    )
}

fn refused(text: &str) -> String {
    Lock::parse("checksums.txt", text).unwrap_err().to_string()
}

#[test]
fn what_is_rendered_is_read_back_and_renders_the_same() {
    let text = sample().render();
    let lock = Lock::parse("checksums.txt", &text).unwrap();
    assert_eq!(lock, sample());
    assert_eq!(lock.render(), text);
}

#[test]
fn a_set_gives_its_own_packages_only() {
    let lock = sample();
    assert_eq!(lock.set("bookworm/sysroot/amd64").count(), 1);
    assert_eq!(lock.set("bookworm/sysroot/arm64").count(), 0);
}

#[test]
fn k02_every_malformed_line_is_named_at_once() {
    let text = format!("#! schema=1\nzz  a\n{HASH}\n{HASH} one-blank\n{HASH}  ../up\n");
    let message = refused(&text);
    for line in 2..=5 {
        assert!(message.contains(&format!("checksums.txt:{line}:1: ")), "{message}");
    }
}

#[test]
fn k02_the_binary_marker_of_sha256sum_is_read() {
    let lock = Lock::parse("f", &format!("#! schema=1\n{}\n{HASH} *a.tar.zst\n", line())).unwrap();
    assert!(lock.archives.contains_key("a.tar.zst"));
}

#[test]
fn k02_two_hashes_for_one_file_are_refused() {
    let other = HASH.replace('e', "f");
    assert!(
        refused(&format!("#! schema=1\n{0}\n{HASH}  a\n{0}\n{other}  a\n", line()))
            .contains("two hashes")
    );
}

#[test]
fn k02_a_pool_path_without_its_facts_is_refused() {
    assert!(refused(&format!("#! schema=1\n{HASH}  pool/a.deb\n")).contains("no `#!` line"));
}

#[test]
fn k02_carriage_returns_sha_1_and_a_cut_last_line_are_refused() {
    assert!(refused(&format!("#! schema=1\n{HASH}  a\r\n")).contains("plain relative path"));
    assert!(
        refused("#! schema=1\nda39a3ee5e6b4b0d3255bfef95601890afd80709  a\n").contains("64 hex")
    );
    assert!(refused(&format!("#! schema=1\n{HASH}  a")).contains("cut"));
}

#[test]
fn k03_a_newer_schema_and_a_file_of_another_kind_are_refused() {
    assert!(refused("#! schema=2\n").contains("expected 1, got 2"));
    assert!(refused("hello\n").contains("checksums.txt:1:1"));
    assert!(refused("").contains("not a lock"));
}

#[test]
fn k02_what_sha256sum_would_read_otherwise_or_not_at_all_is_refused() {
    let facts = "#! name=a version=1 architecture=all size=1 installed=1 suite=s sets=x";
    let other = HASH.replace('e', "f");
    for (text, expected) in [
        (format!("#! schema=1\n{HASH}  a\n{facts}\n"), "its hash is missing"),
        (format!("#! schema=1\n{HASH}  a\n{facts}\n{other}  a\n"), "two hashes"),
        (format!("#! schema=1\n{facts}\n{HASH}  a\n{other}  a\n"), "two hashes"),
        ("#! schema=1\n#! schema=1\n".to_owned(), "stands twice"),
    ] {
        let message = refused(&text);
        assert!(message.contains(expected), "{message}");
    }
    let suite = format!("#! suite=s role=r version=1 date=1 release={HASH}\n");
    let allowed = suite.replace('\n', " allowed=expired,danger\n");
    assert!(refused(&format!("#! schema=1\n{allowed}")).contains("got `danger`"));
    assert!(refused(&format!("#! schema=1\n{suite}{suite}")).contains("checksums.txt:3:1: "));
}

#[test]
fn k02_a_size_that_cannot_be_is_refused() {
    for size in ["18446744073709551615", "18446744073709551616", "-1", "", "0x10"] {
        let text = format!(
            "#! schema=1\n#! name=a version=1 architecture=all size={size} installed=1 suite=s \
             sets=x\n{HASH}  a\n"
        );
        assert!(refused(&text).contains("`size`"), "{size}");
    }
}

#[test]
fn k02_a_file_of_another_kind_has_a_thousand_problems_at_most() {
    let problems = Lock::parse("checksums.txt", &"x\n".repeat(100_000)).unwrap_err();
    assert_eq!(problems.list().len(), 1000);
}

#[test]
fn an_archive_of_other_packages_is_stale_and_its_line_goes() {
    let mut lock = sample();
    assert_eq!(lock.drop_stale_archives(), [""; 0]);
    for package in lock.packages.values_mut() {
        package.sha256 = crate::host::hash::Digest::of(b"another .deb");
    }
    assert_eq!(lock.drop_stale_archives(), ["debian-bookworm-x86_64.tar.zst"]);
    assert!(lock.archives.is_empty());
}

#[test]
fn an_archive_without_facts_is_read_and_never_current() {
    let text = format!("#! schema=1\n{HASH}  a.tar.zst\n");
    let mut lock = Lock::parse("f", &text).unwrap();
    assert_eq!(Lock::parse("f", &lock.render()).unwrap(), lock);
    assert_eq!(lock.drop_stale_archives(), ["a.tar.zst"]);
}
