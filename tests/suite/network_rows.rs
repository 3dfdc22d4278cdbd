//! Rows of `docs/faults.md` between a mirror and the lock which take a whole run to show:
//! each fault is served to the built program, and the lock before it stays to the byte.

use std::collections::BTreeSet;

use crate::support::archive::Compression;
use crate::support::fixture::{Fixture, Outcome};
use crate::support::mirror::{Package, snapshot_stamp};
use crate::support::server::{Fault, Server};

const NONE: [&str; 0] = [];
const COMPRESSIONS: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Xz];

/// A locked project; the archive has new indices which no cache holds.
fn behind() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.lock(NONE).code(0);
    fixture.mirror.pass_time(60);
    let suite = fixture.mirror.suite("bookworm");
    suite.edit("libcrypt1", |package| package.set_field("Homepage", Some("x:y")));
    fixture.mirror.publish();
    fixture
}

/// Every path at which an index of bookworm is served.
fn index_paths(fixture: &Fixture) -> Vec<String> {
    let of = |machine, compression| fixture.mirror.index_paths("bookworm", machine, compression);
    let all = COMPRESSIONS.iter().flat_map(|compression| {
        ["amd64", "arm64"].into_iter().flat_map(move |machine| of(machine, *compression))
    });
    all.collect::<BTreeSet<_>>().into_iter().collect()
}

/// `lock` must end so, with a hint, and leave the lock as it was.
#[track_caller]
fn refused(fixture: &Fixture, exit: i32, texts: &[&str]) -> Outcome {
    let before = fixture.read("checksums.txt");
    let outcome = fixture.lock(NONE);
    outcome.code(exit).stderr_has("error: ").stderr_has("hint: ");
    for text in texts {
        outcome.stderr_has(text);
    }
    assert_eq!(fixture.read("checksums.txt"), before, "the old lock was touched");
    outcome
}

/// With the fault gone, the same command succeeds.
#[track_caller]
fn recovers(fixture: &Fixture) {
    fixture.mirror.server().heal();
    fixture.lock(NONE).code(0);
}

#[test]
fn b18_a_release_that_left_the_mirror_ends_with_5_and_names_where_to_look() {
    let fixture = behind();
    for suite in ["bookworm", "bookworm-updates"] {
        let path = fixture.mirror.inrelease_path(suite);
        fixture.mirror.server().fault(&path, Fault::status(404));
    }
    refused(&fixture, 5, &["dists/bookworm/InRelease", "got 404", "archive.debian.org"]);
    recovers(&fixture);
}

#[test]
fn c01_an_index_with_other_bytes_is_refused_and_the_next_mirror_is_asked_first() {
    let fixture = behind();
    for path in index_paths(&fixture) {
        fixture.mirror.server().fault(&path, Fault::Corrupt);
    }
    let texts = ["main/binary-amd64/Packages", "SHA-256", "expected ", "got "];
    refused(&fixture, 4, &texts);
    // A second mirror with the true bytes helps; what the first one got wrong is told.
    let broken = Server::start_dir(fixture.mirror.root());
    for path in index_paths(&fixture) {
        broken.fault(&path, Fault::Corrupt);
    }
    fixture.mirror.server().heal();
    let archive = fixture.mirror.url();
    let folder = archive.rsplit('/').next().unwrap();
    let text = fixture.read("versions.toml");
    let both = format!("main = [\"{}\", ", broken.url(folder));
    fixture.write("versions.toml", text.replace("main = [", &both));
    let keyring = fixture.keyring();
    let outcome = fixture.run(["lock", "--keyring", keyring.to_str().unwrap()]);
    outcome.code(0).stderr_has("warning: ").stderr_has("was asked instead");
}

#[test]
fn c02_an_index_is_read_to_its_signed_size_and_no_further() {
    const MUCH: usize = 64 << 20;
    let fixture = behind();
    let paths = index_paths(&fixture);
    let much = vec![b'\n'; MUCH];
    for path in &paths {
        fixture.mirror.server().fault(path, Fault::Longer(much.clone()));
    }
    refused(&fixture, 4, &["main/binary-amd64/Packages", "expected ", "got "]);
    for path in &paths {
        for seen in fixture.mirror.server().seen_for(path) {
            // What lies in the buffers of both sockets when we stop was sent, too.
            assert!(seen.sent < MUCH as u64 / 4, "{path}: {} bytes were sent", seen.sent);
        }
    }
    recovers(&fixture);
    // Without a length told beforehand, only the count of what came can stop it.
    let fixture = behind();
    for path in &index_paths(&fixture) {
        let bytes = [fixture.mirror.read(path), much.clone()].concat();
        fixture.mirror.write(path, &bytes);
        fixture.mirror.server().fault(path, Fault::NoLength);
    }
    refused(&fixture, 4, &["main/binary-amd64/Packages", "expected at most "]);
    let sent = fixture.mirror.server().seen().iter().map(|seen| seen.sent).max();
    assert!(sent.is_some_and(|sent| sent < MUCH as u64 / 4), "{sent:?} bytes were sent");
    let fixture = behind();
    for path in index_paths(&fixture) {
        let bytes = [fixture.mirror.read(&path), b"\n".to_vec()].concat();
        fixture.mirror.write(&path, &bytes);
    }
    refused(&fixture, 4, &["main/binary-amd64/Packages", "expected ", "got "]);
}

#[test]
fn c04_an_index_that_unpacks_to_other_bytes_than_signed_is_refused() {
    for (what, from, to) in [("SHA-256", 0, "0"), ("size", 66, "9")] {
        let mut fixture = behind();
        // Only the entry of the unpacked index is changed: the compressed one is as signed.
        fixture.mirror.suite("bookworm").rewrite_release(move |text| {
            let spoil = |line: &str| {
                let mut line = line.to_owned();
                if line.ends_with("main/binary-amd64/Packages") {
                    let at = if from == 0 { 1 } else { line.rfind(" main").unwrap() - 1 };
                    let other = if &line[at..=at] == to { "1" } else { to };
                    line.replace_range(at..=at, other);
                }
                line + "\n"
            };
            text.lines().map(spoil).collect()
        });
        fixture.mirror.pass_time(60);
        fixture.mirror.publish();
        refused(&fixture, 4, &["main/binary-amd64/Packages", "expected ", what]);
    }
}

#[test]
fn c11_a_dependency_that_was_not_there_is_shown_and_prepare_keeps_to_the_lock() {
    let mut fixture = Fixture::new();
    fixture.lock(["--with", "zlib1g-dev"]).code(0);
    fixture.prepare(["--with", "zlib1g-dev"]).code(0);
    let before = fixture.read("checksums.txt");
    fixture.mirror.pass_time(3600);
    let suite = fixture.mirror.suite("bookworm");
    for machine in ["amd64", "arm64"] {
        suite.add(Package::new("libextra", "1-1", machine).file("usr/lib/extra", b"x"));
    }
    suite.bump("zlib1g-dev", "1:1.2.13.dfsg-2", "Needs more.");
    suite.edit("zlib1g-dev", |package| {
        let depends = package.value("Depends").unwrap_or_default().to_owned();
        package.set_field("Depends", Some(&format!("{depends}, libextra")));
    });
    fixture.mirror.publish();
    // What is locked is what is used, whatever the archive offers now.
    fixture.prepare(["--with", "zlib1g-dev"]).code(0).stderr_has("is up to date");
    assert_eq!(fixture.read("checksums.txt"), before);
    fixture.lock(["--update", "--write"]).code(0).stderr_has("  + libextra:amd64 1-1\n");
    assert!(!before.contains("libextra") && fixture.read("checksums.txt").contains("libextra"));
}

#[test]
fn c15_a_locked_version_that_left_the_pool_comes_from_the_snapshot_service() {
    let mut fixture = Fixture::new();
    fixture.lock(NONE).code(0);
    let names = ["libcrypt1", "libcrypt-dev"];
    let gone = names.map(|name| fixture.mirror.deb_path("bookworm", name, "amd64"));
    let debs = gone.clone().map(|path| fixture.mirror.read(&path));
    let before = fixture.mirror.suite("bookworm").date;
    fixture.mirror.pass_time(30 * 86_400);
    fixture.mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Another.");
    fixture.mirror.publish();
    fixture.run(["prepare"]).code(5).stderr_has("/snapshot/debian/");
    // The service answers every moment with what the archive held then.
    for (path, deb) in gone.iter().zip(&debs) {
        let name = path.strip_prefix("debian/").unwrap();
        let seen = fixture.mirror.server().seen();
        let asked: Vec<&str> = seen.iter().map(|seen| &*seen.target).collect();
        let asked: Vec<_> = asked.iter().filter(|target| target.ends_with(name)).collect();
        assert!(asked[0].starts_with("/debian/pool/"), "the mirror comes first: {asked:?}");
        let (_, rest) = asked[1].split_once("/snapshot/debian/").unwrap();
        let (stamp, _) = rest.split_once('/').unwrap();
        assert!(stamp >= &*snapshot_stamp(before), "{stamp}");
        assert!(stamp < &*snapshot_stamp(before + 7 * 86_400), "{stamp}");
        fixture.mirror.write(asked[1].trim_start_matches('/'), deb);
    }
    fixture.run(["prepare"]).code(0);
}

/// A plain `lock` keeps what is locked and takes over the suite's new state: the service
/// must be asked for the last state that still had the package.
#[test]
fn c15_a_version_that_stayed_locked_is_looked_for_when_its_suite_last_listed_it() {
    let mut fixture = Fixture::new();
    fixture.lock(NONE).code(0);
    let gone = fixture.mirror.deb_path("bookworm", "libcrypt1", "amd64");
    let before = fixture.mirror.suite("bookworm").date;
    for version in ["1:4.4.33-3", "1:4.4.33-4"] {
        fixture.mirror.pass_time(7200);
        fixture.mirror.suite("bookworm").bump("libcrypt1", version, "Another.");
        fixture.mirror.publish();
        fixture.lock(NONE).code(0).stderr_has("newer in bookworm: libcrypt1 1:4.4.33-2");
    }
    let lock = fixture.read("checksums.txt");
    assert!(lock.contains(&format!(" suite=bookworm seen={before} ")), "{lock}");
    let earlier = fixture.mirror.server().seen().len();
    fixture.run(["prepare"]).code(5);
    let name = gone.strip_prefix("debian/").unwrap();
    let asked: Vec<String> = fixture
        .mirror
        .server()
        .seen()
        .iter()
        .skip(earlier)
        .map(|seen| seen.target.clone())
        .filter(|target| target.ends_with(name))
        .collect();
    assert_eq!(asked.len(), 2, "the mirror once, the service once: {asked:?}");
    assert_eq!(asked[0], format!("/{gone}"));
    let stamp = snapshot_stamp(before + 43_200);
    assert_eq!(asked[1], format!("/snapshot/debian/{stamp}/{name}"));
}

#[test]
fn c15_a_version_that_is_nowhere_is_a_network_failure_with_the_next_step() {
    let mut fixture = Fixture::new();
    fixture.lock(NONE).code(0);
    let gone = fixture.mirror.deb_path("bookworm", "libcrypt1", "amd64");
    fixture.mirror.pass_time(3600);
    fixture.mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Another.");
    fixture.mirror.publish();
    let outcome = fixture.run(["prepare"]);
    outcome.code(5).stderr_has(gone.rsplit('/').next().unwrap()).stderr_has("got 404");
    outcome.stderr_has("hint: ").stderr_has("lock --update");
    assert!(!fixture.path("toolchains/x86_64-unknown-linux-gnu").exists());
}

#[test]
fn c16_a_suite_that_changes_in_the_middle_is_locked_as_it_was_signed() {
    let mut fixture = behind();
    let path = fixture.mirror.inrelease_path("bookworm");
    let signed = fixture.mirror.read(&path);
    // The mirror goes on: plain paths are newer than the signed file we are served.
    fixture.mirror.suite("bookworm").bump("libcrypt1", "1:4.4.33-3", "Another.");
    fixture.mirror.publish();
    fixture.mirror.write(&path, &signed);
    fixture.lock(["--update", "--write"]).code(0).stderr_lacks("4.4.33-3");
    assert!(!fixture.read("checksums.txt").contains("4.4.33-3"));
}

#[test]
fn c16_without_paths_by_hash_a_mix_is_refused_as_one() {
    let mut fixture = Fixture::new();
    fixture.lock(NONE).code(0);
    fixture.mirror.pass_time(60);
    let suite = fixture.mirror.suite("bookworm");
    suite.by_hash = false;
    suite.edit("libcrypt1", |package| package.set_field("Homepage", Some("x:y")));
    fixture.mirror.publish();
    let path = fixture.mirror.inrelease_path("bookworm");
    let signed = fixture.mirror.read(&path);
    let suite = fixture.mirror.suite("bookworm");
    suite.edit("libcrypt1", |package| package.set_field("Homepage", Some("x:other")));
    fixture.mirror.publish();
    fixture.mirror.write(&path, &signed);
    refused(&fixture, 4, &["main/binary-amd64/Packages", "expected ", "update"]);
}
