//! Each way to change or spoil the generated archive does that and nothing else.

use super::signature::{decode, is_signed};
use super::{NOW, parts, stanzas, text};
use crate::support::archive::Compression;
use crate::support::mirror::Mirror;

#[test]
fn a_new_version_supersedes_the_old_file_but_not_the_old_index_by_hash() {
    let mut mirror = Mirror::bookworm_at(NOW);
    let old = mirror.deb_path("bookworm-security", "linux-libc-dev", "amd64");
    let index = mirror.index_paths("bookworm-security", "amd64", Compression::Xz);
    mirror.take_snapshot();
    mirror.pass_time(3600);
    mirror.suite("bookworm-security").bump("linux-libc-dev", "6.1.200-1", "CVE-2026-99999");
    mirror.publish();
    let new = mirror.deb_path("bookworm-security", "linux-libc-dev", "amd64");
    assert!(new.ends_with("linux-libc-dev_6.1.200-1_amd64.deb"), "{new}");
    assert!(mirror.root().join(&new).is_file());
    assert!(!mirror.root().join(&old).exists());
    assert!(mirror.root().join(&index[1]).is_file());
    assert_ne!(mirror.index_paths("bookworm-security", "amd64", Compression::Xz)[1], index[1]);
    let pool = old.strip_prefix("debian-security/").unwrap();
    let kept = format!("snapshot/debian-security/20261119T000000Z/{pool}");
    assert!(mirror.root().join(kept).is_file());
    let changelog = text(&mirror, "changelogs/main/l/linux/linux_6.1.200-1_changelog");
    assert!(changelog.contains("CVE-2026-99999") && changelog.contains("(6.1.192-2)"));
}

#[test]
fn a_new_glibc_takes_its_other_packages_and_their_relations_along() {
    let mut mirror = Mirror::bookworm_at(NOW);
    let suite = mirror.suite("bookworm");
    suite.bump("libc6", "2.36-9+deb12u15", "Fix CVE-2026-11111.");
    let libc6_dev = &suite.offer("libc6-dev", "arm64").package;
    assert_eq!(libc6_dev.version, "2.36-9+deb12u15");
    let depends = libc6_dev.value("Depends").unwrap();
    assert!(depends.starts_with("libc6 (= 2.36-9+deb12u15), libc-dev-bin (= 2.36-9+deb12u15),"));
    suite.drop_dependency("libc6-dev", "linux-libc-dev");
    let depends = suite.offer("libc6-dev", "arm64").package.value("Depends").unwrap();
    assert!(depends.ends_with("libcrypt-dev, rpcsvc-proto") && !depends.contains("linux"));
}

#[test]
fn a_lie_told_before_the_signature_is_signed() {
    let mut mirror = Mirror::bookworm_at(NOW);
    let public = mirror.key().ed25519_public().unwrap();
    let lie = "0".repeat(64);
    let suite = mirror.suite("bookworm");
    suite.set_index_field("libc6", "SHA256", &lie);
    suite.rewrite_release(|text| text.replace("Codename: bookworm", "Codename: bullseye"));
    mirror.publish();
    let (release, armored) = parts(&text(&mirror, &mirror.inrelease_path("bookworm")));
    assert!(release.contains("Codename: bullseye"));
    assert!(is_signed(&release, &decode(&armored), public));
    let packages = text(&mirror, &mirror.index_paths("bookworm", "amd64", Compression::None)[0]);
    let liars: Vec<&str> = stanzas(&packages)
        .iter()
        .filter(|stanza| stanza["SHA256"] == lie)
        .map(|stanza| stanza["Package"])
        .collect();
    assert_eq!(liars, ["libc6"]);
    mirror.suite("bookworm").heal();
    mirror.publish();
    assert!(text(&mirror, &mirror.inrelease_path("bookworm")).contains("Codename: bookworm\n"));
}

#[test]
fn what_is_spoilt_after_the_signature_is_spoilt_until_the_next_publication() {
    let mut mirror = Mirror::bookworm_at(NOW);
    let deb = mirror.deb_path("bookworm", "zlib1g", "amd64");
    let good = mirror.read(&deb);
    mirror.flip(&deb);
    let differing = mirror.read(&deb).iter().zip(&good).filter(|(a, b)| a != b).count();
    assert_eq!(differing, 1);
    let index = mirror.index_paths("bookworm", "amd64", Compression::Xz);
    let before = mirror.read(&index[1]);
    mirror.flip_index("bookworm", "amd64");
    assert_ne!(mirror.read(&index[0]), before);
    assert_ne!(mirror.read(&index[1]), before);
    mirror.suite("bookworm-security").sign_with(&[]);
    mirror.publish();
    assert_eq!(mirror.read(&deb), good);
    assert_eq!(mirror.read(&index[1]), before);
    let unsigned = text(&mirror, &mirror.inrelease_path("bookworm-security"));
    assert!(unsigned.starts_with("Origin: Debian\n"), "{unsigned}");
}
