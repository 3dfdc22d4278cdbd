//! The generated archive is what it claims to be: shape, signatures, hashes, relations, and
//! that each way to spoil it spoils just that. Nothing here tests the program itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use self::signature::{decode, is_signed};
use crate::support::archive::{Compression, sha256_hex};
use crate::support::mirror::{Archive, Mirror, keyring, throwaway_key};
use reml_toolchain::pins::versions::Pins;

mod debian;
mod edits;
mod fixture;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod programs;
mod signature;

const SUITES: [&str; 3] = ["bookworm", "bookworm-updates", "bookworm-security"];
/// Sat, 21 Nov 2026 00:00:00 UTC.
const NOW: u64 = 1_795_219_200;

fn text(mirror: &Mirror, path: &str) -> String {
    String::from_utf8(mirror.read(path)).unwrap()
}

/// The signed text and the armored signature of an `InRelease`.
fn parts(inrelease: &str) -> (String, String) {
    let start = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n";
    let rest = inrelease.strip_prefix(start).unwrap();
    let (text, signature) = rest.split_once("-----BEGIN PGP SIGNATURE-----\n\n").unwrap();
    (text.to_owned(), signature.to_owned())
}

/// Path, hash and size of each file that a Release lists.
fn listed(release: &str) -> Vec<(String, String, usize)> {
    let (_, table) = release.split_once("\nSHA256:\n").unwrap();
    let row = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        let (hash, size) = (words.next().unwrap(), words.next().unwrap());
        (words.next().unwrap(), hash, size.parse().unwrap())
    };
    table.lines().map(row).collect()
}

fn stanzas(packages: &str) -> Vec<BTreeMap<&str, &str>> {
    let stanzas = packages.split("\n\n").filter(|stanza| !stanza.trim().is_empty());
    stanzas
        .map(|stanza| stanza.lines().filter_map(|line| line.split_once(": ")).collect())
        .collect()
}

#[test]
fn each_index_is_listed_with_its_hash_and_size_and_served_by_both_paths() {
    let mirror = Mirror::bookworm_at(NOW);
    for suite in SUITES {
        let path = mirror.inrelease_path(suite);
        let folder = path.strip_suffix("InRelease").unwrap();
        let (release, _) = parts(&text(&mirror, &path));
        let rows = listed(&release);
        assert_eq!(rows.len(), if suite == "bookworm-security" { 6 } else { 9 }, "{suite}");
        for (name, hash, size) in rows {
            let plain = mirror.read(&format!("{folder}{name}"));
            assert_eq!((plain.len(), sha256_hex(&plain)), (size, hash.clone()), "{suite} {name}");
            let (directory, _) = name.rsplit_once('/').unwrap();
            let by_hash = mirror.read(&format!("{folder}{directory}/by-hash/SHA256/{hash}"));
            assert_eq!(by_hash, plain, "{suite} {name}");
        }
    }
}

#[test]
fn the_three_forms_of_an_index_hold_the_same_text() {
    let mirror = Mirror::bookworm_at(NOW);
    let read = |compression| {
        let paths = mirror.index_paths("bookworm", "arm64", compression);
        assert_eq!(paths.len(), 2, "a plain path and one by hash");
        mirror.read(&paths[0])
    };
    let plain = read(Compression::None);
    let (mut gzip, mut xz) = (Vec::new(), Vec::new());
    flate2::read::GzDecoder::new(&read(Compression::Gzip)[..]).read_to_end(&mut gzip).unwrap();
    liblzma::read::XzDecoder::new(&read(Compression::Xz)[..]).read_to_end(&mut xz).unwrap();
    assert!(!plain.is_empty());
    assert_eq!((gzip, xz), (plain.clone(), plain));
}

#[test]
fn the_fields_of_each_release_are_those_of_debian_12() {
    let mirror = Mirror::bookworm_at(NOW);
    let release = |suite: &str| parts(&text(&mirror, &mirror.inrelease_path(suite))).0;
    let main = "Origin: Debian\nLabel: Debian\nSuite: oldstable\nVersion: 12.15\n\
                Codename: bookworm\nChangelogs: http://127.0.0.1:";
    assert!(release("bookworm").starts_with(main), "{}", release("bookworm"));
    assert!(!release("bookworm").contains("Valid-Until"));
    assert!(release("bookworm-updates").contains("\nDate: Fri, 20 Nov 2026 00:00:00 UTC\n"));
    let security = "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\n\
                    Version: 12\nCodename: bookworm-security\n\
                    Date: Thu, 19 Nov 2026 00:00:00 UTC\n\
                    Valid-Until: Thu, 26 Nov 2026 00:00:00 UTC\nAcquire-By-Hash: yes\n\
                    Architectures: amd64 arm64\nComponents: updates/main\n";
    assert!(release("bookworm-security").starts_with(security));
}

#[test]
fn each_release_is_signed_by_the_key_of_the_keyring_and_by_no_other() {
    let mut mirror = Mirror::bookworm_at(NOW);
    let public = mirror.key().ed25519_public().unwrap();
    for suite in SUITES {
        let (release, armored) = parts(&text(&mirror, &mirror.inrelease_path(suite)));
        let packet = decode(&armored);
        assert!(is_signed(&release, &packet, public), "{suite}");
        assert!(!is_signed(&release.replace("Debian", "debian"), &packet, public), "{suite}");
    }
    assert!(mirror.keyring().windows(32).any(|window| window == public));
    let other = throwaway_key(2);
    assert!(!mirror.keyring().windows(32).any(|w| w == other.ed25519_public().unwrap()));
    mirror.suite("bookworm").sign_with(std::slice::from_ref(&other));
    mirror.publish();
    let (release, armored) = parts(&text(&mirror, &mirror.inrelease_path("bookworm")));
    assert!(!is_signed(&release, &decode(&armored), public));
    assert!(is_signed(&release, &decode(&armored), other.ed25519_public().unwrap()));
    let both = keyring(&[mirror.key(), other]);
    assert!(both.len() > mirror.keyring().len() && both.starts_with(&mirror.keyring()));
}

#[test]
fn each_stanza_names_a_deb_of_that_size_and_hash() {
    let mirror = Mirror::bookworm_at(NOW);
    let mut debs = BTreeSet::new();
    for suite in SUITES {
        let archive = if suite == "bookworm-security" { "debian-security" } else { "debian" };
        for architecture in ["amd64", "arm64"] {
            let paths = mirror.index_paths(suite, architecture, Compression::None);
            let packages = text(&mirror, &paths[0]);
            for stanza in stanzas(&packages) {
                let path = format!("{archive}/{}", stanza["Filename"]);
                let deb = mirror.read(&path);
                assert_eq!(stanza["Size"], deb.len().to_string(), "{path}");
                assert_eq!(stanza["SHA256"], sha256_hex(&deb), "{path}");
                assert!([architecture, "all"].contains(&stanza["Architecture"]), "{path}");
                debs.insert(path);
            }
        }
    }
    let served: BTreeSet<String> =
        mirror.paths().filter(|path| path.ends_with(".deb")).map(str::to_owned).collect();
    assert_eq!(debs, served);
}

#[test]
fn every_dependency_has_a_package_by_name_or_by_what_it_provides() {
    let mirror = Mirror::bookworm_at(NOW);
    for architecture in ["amd64", "arm64"] {
        let texts: Vec<String> = SUITES
            .map(|suite| {
                text(&mirror, &mirror.index_paths(suite, architecture, Compression::None)[0])
            })
            .into();
        let all: Vec<_> = texts.iter().flat_map(|text| stanzas(text)).collect();
        let mut names: BTreeSet<&str> = all.iter().map(|stanza| stanza["Package"]).collect();
        for provides in all.iter().filter_map(|stanza| stanza.get("Provides")) {
            names.extend(provides.split(", ").filter_map(|one| one.split(' ').next()));
        }
        for stanza in &all {
            for group in stanza.get("Depends").iter().flat_map(|value| value.split(", ")) {
                let met =
                    |one: &str| one.split(' ').next().is_some_and(|name| names.contains(name));
                assert!(group.split(" | ").any(met), "{}: {group}", stanza["Package"]);
            }
        }
    }
}

#[test]
fn the_same_moment_gives_the_same_bytes() {
    let (first, second) = (Mirror::bookworm_at(NOW), Mirror::bookworm_at(NOW));
    let port = |mirror: &Mirror| format!(":{}/", mirror.server().address().port());
    assert_eq!(first.paths().collect::<Vec<_>>(), second.paths().collect::<Vec<_>>());
    for path in first.paths() {
        if path == "debian/dists/bookworm/InRelease" {
            // The address of the changelogs differs, and with it the signature.
            let text = |mirror| parts(&text(mirror, path)).0.replace(&port(mirror), "/");
            assert_eq!(text(&first), text(&second));
        } else {
            assert_eq!(first.read(path), second.read(path), "{path}");
        }
    }
    let offer = |mirror: &mut Mirror| mirror.suite("bookworm").offer("libc6", "amd64").clone();
    let (mut first, mut second) = (first, second);
    assert_eq!(offer(&mut first).deb, offer(&mut second).package.builder().build());
}

#[test]
fn the_versions_toml_is_valid_and_names_this_archive_alone() {
    let mirror = Mirror::bookworm_at(NOW);
    let pins = Pins::parse("versions.toml", &mirror.versions_toml()).unwrap();
    assert_eq!(pins.mirrors.main, [mirror.url()]);
    assert_eq!(pins.mirrors.security, [mirror.security_url()]);
    assert_eq!(mirror.security_url(), format!("{}-security", mirror.url()));
    assert!(pins.mirrors.snapshot.starts_with(&mirror.server().base()));
    let release = pins.release("bookworm").unwrap();
    assert_eq!(release.suites, SUITES);
    let mut mirror = mirror;
    for architecture in ["amd64", "arm64"] {
        for name in pins.sysroot.packages.iter().chain(&pins.llvm.tools.set.packages) {
            mirror.suite("bookworm").offer(&release.package(name), architecture);
        }
    }
}

#[test]
fn the_server_serves_what_lies_in_the_folder_and_nothing_that_was_removed() {
    let mirror = Mirror::bookworm_at(NOW);
    let fetch = |path: &str| {
        let mut stream = TcpStream::connect(mirror.server().address()).unwrap();
        let request = format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    };
    let path = mirror.inrelease_path("bookworm");
    assert!(fetch(&path).ends_with(&mirror.read(&path)));
    mirror.remove(&path);
    assert!(fetch(&path).starts_with(b"HTTP/1.1 404 "));
    let date = b"\r\nDate: Sat, 21 Nov 2026 00:00:00 GMT\r\n";
    assert!(fetch("debian").windows(date.len()).any(|window| window == date));
}

#[test]
fn the_three_suites_disagree_as_debians_do() {
    let mut mirror = Mirror::bookworm_at(NOW);
    let mut version =
        |suite: &str, name: &str| mirror.suite(suite).offer(name, "amd64").package.version.clone();
    assert_eq!(version("bookworm", "linux-libc-dev"), "6.1.176-1");
    assert_eq!(version("bookworm-security", "linux-libc-dev"), "6.1.192-2");
    assert_eq!(version("bookworm", "libc6"), "2.36-9+deb12u14");
    assert_eq!(version("bookworm-security", "libc6"), "2.36-9+deb12u7");
    assert_eq!(version("bookworm-updates", "libssl3"), "3.0.17-1~deb12u2");
    let suite = mirror.suite("bookworm-security");
    assert_eq!(suite.archive, Archive::Security);
    let names = [Compression::Xz, Compression::Gzip, Compression::Zstd].map(|kind| {
        let suite = mirror.suite("bookworm");
        suite.offers().filter(|offer| offer.package.compression == kind).count()
    });
    assert!(names.iter().all(|count| *count > 0), "{names:?}");
}
