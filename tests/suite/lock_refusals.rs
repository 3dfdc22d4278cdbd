//! What `lock` must refuse: each with its exit code, a message that names the thing and a
//! hint, and the lock before it untouched to the byte.

use crate::support::archive::Compression;
use crate::support::fixture::{Fixture, Outcome};
use crate::support::mirror::{Package, keyring, throwaway_key};
use crate::support::server::{Fault, Server, refused_url};
use reml_toolchain::debian::openpgp::Fingerprint;

const NONE: [&str; 0] = [];
const DAY: u64 = 86_400;

/// A locked project whose archive is then changed.
fn after(change: impl FnOnce(&mut Fixture)) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.lock(NONE).code(0);
    fixture.mirror.pass_time(60);
    change(&mut fixture);
    fixture
}

/// Publishes, locks and expects a refusal with the exit code, the stable code and texts
/// on stderr; the old lock stays.
#[track_caller]
fn refused(fixture: &mut Fixture, exit: i32, code: &str, texts: &[&str]) -> Outcome {
    fixture.mirror.publish();
    refused_as_it_is(fixture, NONE, exit, code, texts)
}

#[track_caller]
fn refused_as_it_is<A: AsRef<std::ffi::OsStr>>(
    fixture: &Fixture,
    args: impl IntoIterator<Item = A>,
    exit: i32,
    code: &str,
    texts: &[&str],
) -> Outcome {
    let before = fixture.read("checksums.txt");
    let mut all = vec![std::ffi::OsString::from("--json")];
    all.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
    let outcome = fixture.lock(all);
    outcome.code(exit).stderr_has("error: ").stderr_has("hint: ");
    for text in texts {
        outcome.stderr_has(text);
    }
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(document["error"]["code"], code, "{outcome}");
    assert_eq!(document["error"]["exit"], exit, "{outcome}");
    assert_eq!(fixture.read("checksums.txt"), before, "the old lock was touched");
    outcome
}

#[test]
fn an_unsigned_suite_is_refused() {
    let mut fixture = after(|fixture| {
        fixture.mirror.suite("bookworm-updates").sign_with(&[]);
    });
    let texts = ["bookworm-updates/InRelease", "not signed"];
    refused(&mut fixture, 4, "signed-file-not-signed", &texts);
}

#[test]
fn a_suite_signed_by_an_unknown_key_is_refused() {
    let mut fixture = after(|fixture| {
        fixture.mirror.suite("bookworm").sign_with(&[throwaway_key(9)]);
    });
    let texts = ["dists/bookworm/InRelease", "signed by unknown keys only"];
    refused(&mut fixture, 4, "signature-unknown-key", &texts);
}

#[test]
fn a_key_of_our_own_trust_is_needed_even_for_the_real_archive_shape() {
    let fixture = Fixture::new();
    fixture.write_keyring(&keyring(&[throwaway_key(7)]));
    fixture.lock(NONE).code(4).stderr_has("signed by unknown keys only");
    // Without --keyring only Debian's own keys count.
    fixture.run_online("lock", NONE).code(4).stderr_has("signed by unknown keys only");
    assert!(!fixture.path("checksums.txt").exists());
}

#[test]
fn a_flipped_byte_in_the_signed_text_is_refused() {
    let mut fixture = after(|fixture| {
        let suite = fixture.mirror.suite("bookworm-security");
        suite
            .rewrite_inrelease(|text| text.replace("Debian 12 - Security", "Debian 13 - Security"));
    });
    let texts = ["dists/bookworm-security/InRelease", "bad signature by"];
    refused(&mut fixture, 4, "signature-bad", &texts);
}

#[test]
fn another_suite_in_the_place_of_ours_is_refused() {
    let mut fixture = after(|fixture| {
        fixture.mirror.suite("bookworm-updates").codename = "trixie-updates".into();
    });
    // It is signed well, and served where bookworm-updates is asked for.
    let path = fixture.mirror.inrelease_path("trixie-updates");
    fixture.mirror.publish();
    let bytes = fixture.mirror.read(&path);
    let asked = path.replace("trixie", "bookworm");
    fixture.mirror.write(&asked, &bytes);
    let texts = ["expected bookworm-updates", "got trixie-updates"];
    refused_as_it_is(&fixture, NONE, 4, "release-mismatch", &texts);
}

#[test]
fn another_origin_is_refused() {
    let mut fixture = after(|fixture| fixture.mirror.suite("bookworm").origin = "Raspbian".into());
    refused(&mut fixture, 4, "release-mismatch", &["expected Debian", "got Raspbian"]);
}

#[test]
fn an_expired_suite_is_refused_unless_allowed_by_name() {
    let mut fixture = after(|fixture| {
        let suite = fixture.mirror.suite("bookworm-security");
        suite.valid_until = Some(suite.date + 3600);
    });
    let texts = ["bookworm-security/InRelease", "expired", "--allow-expired"];
    refused(&mut fixture, 4, "release-expired", &texts);
    let allowed = fixture.lock(["--allow-expired"]);
    allowed.code(0).stderr_has("bookworm-security: expired on ");
    allowed.stderr_has("accepted by --allow-expired");
    // The lock says so, `prepare` warns, and a plain lock clears it when it can.
    let is_noted = |fixture: &Fixture| fixture.read("checksums.txt").contains(" allowed=expired\n");
    assert!(is_noted(&fixture));
    fixture.prepare(NONE).code(0).stderr_has(
        "warning: bookworm-security: locked with --allow-expired; `reml-toolchain lock` makes",
    );
    refused(&mut fixture, 4, "release-expired", &texts);
    assert!(is_noted(&fixture));
    fixture.mirror.pass_time(DAY);
    let suite = fixture.mirror.suite("bookworm-security");
    suite.valid_until = Some(suite.date + 7 * DAY);
    fixture.mirror.publish();
    fixture.lock(NONE).code(0).stderr_has("what --allow-expired once accepted is replaced");
    assert!(!is_noted(&fixture));
    fixture.prepare(NONE).code(0).stderr_lacks("--allow-expired");
}

#[test]
fn b04_b17_a_date_in_the_future_is_refused_and_both_clocks_are_named() {
    let mut fixture = after(|fixture| {
        let suite = fixture.mirror.suite("bookworm");
        // Not signed in the future, which is refused before the date is read.
        suite.signed = Some(suite.date);
        suite.date += (135 + 3) * DAY;
        fixture.mirror.server().date("Fri, 01 Jan 2100 00:00:00 GMT");
    });
    let texts =
        ["this machine's clock says ", "the server's Fri, 01 Jan 2100", "hint: check the clock"];
    refused(&mut fixture, 4, "release-in-future", &texts);
}

#[test]
fn an_older_suite_than_the_one_locked_is_refused_unless_allowed_by_name() {
    let mut fixture = after(|fixture| {
        let suite = fixture.mirror.suite("bookworm-updates");
        suite.date -= 10 * DAY;
    });
    let texts = ["bookworm-updates/InRelease: older than the one seen before", "--allow-rollback"];
    refused(&mut fixture, 4, "release-rollback", &texts);
    let allowed = fixture.lock(["--allow-rollback"]);
    allowed.code(0).stderr_has("accepted by --allow-rollback");
}

#[test]
fn an_index_with_other_bytes_of_another_size_or_cut_off_is_refused() {
    for (name, spoil) in [
        ("SHA-256", (|bytes| bytes[20] ^= 1) as fn(&mut Vec<u8>)),
        ("size", |bytes| bytes.truncate(bytes.len() / 2)),
    ] {
        let fixture = after(|fixture| {
            let suite = fixture.mirror.suite("bookworm");
            suite.edit("libcrypt1", |package| package.set_field("Homepage", Some("x:y")));
            fixture.mirror.publish();
            for compression in [Compression::None, Compression::Gzip, Compression::Xz] {
                for path in fixture.mirror.index_paths("bookworm", "arm64", compression) {
                    let mut bytes = fixture.mirror.read(&path);
                    spoil(&mut bytes);
                    fixture.mirror.write(&path, &bytes);
                }
            }
        });
        let texts = ["main/binary-arm64/Packages", name, "expected ", "got "];
        let outcome = refused_as_it_is(&fixture, NONE, 4, "all-mirrors-failed", &texts);
        outcome.stderr_has("by-hash/SHA256/");
    }
}

#[test]
fn an_unknown_package_is_refused_with_the_one_that_was_meant() {
    let fixture = after(|_| ());
    let texts = ["no package zlib1-dev for amd64 in any suite", "did you mean zlib1g-dev"];
    refused_as_it_is(&fixture, ["--with", "zlib1-dev"], 2, "unknown-package", &texts);
    fixture.edit("versions.toml", "  \"libcrypt-dev\",", "  \"libcrypto-dev\",");
    let texts = ["no package libcrypto-dev", "did you mean libcrypt-dev"];
    refused_as_it_is(&fixture, NONE, 2, "unknown-package", &texts);
}

#[test]
fn a_dependency_that_nothing_satisfies_is_refused_with_who_needs_it() {
    let mut fixture = after(|fixture| {
        let package = |machine| {
            Package::new("libneedy-dev", "1-1", machine).depends("libc6, libc6-dev (>= 99)")
        };
        let suite = fixture.mirror.suite("bookworm");
        suite.add(package("amd64")).add(package("arm64"));
    });
    fixture.mirror.publish();
    let texts = ["libneedy-dev", "libc6-dev (>= 99)", "2.36-9+deb12u14"];
    // libc6-dev is part of the base: what stands there must still be new enough.
    refused_as_it_is(&fixture, ["--with", "libneedy-dev"], 1, "unsatisfiable-dependency", &texts);
}

#[test]
fn a_malformed_versions_toml_is_refused_with_all_its_problems_and_their_places() {
    let fixture = after(|_| ());
    fixture.edit("versions.toml", "glibc = \"2.36\"", "glibc = \"two\"");
    fixture.edit("versions.toml", "target = \"x86_64-unknown-linux-gnu\"", "target = \"x86\"");
    fixture.edit("versions.toml", "formulae =", "formula =");
    let outcome = refused_as_it_is(&fixture, NONE, 2, "pins-invalid", &["versions.toml:6:10"]);
    outcome.stderr_has("versions.toml:14:9").stderr_has("formula");
    fixture.write("versions.toml", "schema = 1\n[toolchain\n");
    refused_as_it_is(&fixture, NONE, 2, "pins-invalid", &["versions.toml:2:"]);
    fixture.write("versions.toml", b"schema = 1\nx = \"\xff\"\n");
    let texts = ["versions.toml:2:6: not UTF-8: byte 0xff"];
    refused_as_it_is(&fixture, NONE, 2, "pins-invalid", &texts);
}

#[test]
fn a_malformed_lock_is_refused_with_its_place_and_stays() {
    let fixture = after(|_| ());
    let text = fixture.read("checksums.txt");
    let line = text.lines().position(|line| !line.starts_with('#')).unwrap() + 1;
    fixture.write("checksums.txt", text.replacen("  pool/", " pool/", 1));
    let place = format!("checksums.txt:{line}:");
    refused_as_it_is(&fixture, NONE, 2, "lock-invalid", &[&place]);
    fixture.prepare(NONE).code(2).stderr_has(&place);
}

#[test]
fn without_a_network_it_ends_with_5_and_offline_asks_nobody() {
    let fixture = after(|_| ());
    let count = fixture.mirror.server().connections();
    let outcome = refused_as_it_is(&fixture, ["--offline"], 5, "offline", &["switched off"]);
    outcome.stderr_has("dists/bookworm/InRelease");
    assert_eq!(fixture.mirror.server().connections(), count, "a connection was made");
    let nobody = refused_url("debian");
    let keyring = fixture.keyring();
    let args = ["lock", "--mirror", &nobody, "--keyring", keyring.to_str().unwrap()];
    let before = fixture.read("checksums.txt");
    fixture.run(args).code(5).stderr_has("cannot connect to 127.0.0.1").stderr_has("hint: check");
    assert_eq!(fixture.read("checksums.txt"), before);
    fixture.run(["lock", "--mirror", "ftp://x/debian"]).code(2).stderr_has("http:// or https://");
}

/// One key more than the archive's own, demanded by name for the durable suite.
#[test]
fn a42_a_durable_suite_without_the_demanded_signature_is_refused() {
    let offline = throwaway_key(77);
    let mut fixture = after(|_| ());
    let own = fixture.mirror.key();
    fixture.write_keyring(&keyring(&[own.clone(), offline.clone()]));
    let demanded = Fingerprint(offline.fingerprint()).to_string();
    let pin = format!("durable = \"bookworm\"\nsigned_by = [\"{demanded}\"]");
    fixture.edit("versions.toml", "durable = \"bookworm\"", &pin);
    let texts = ["bookworm/InRelease", demanded.as_str(), "as demanded"];
    refused(&mut fixture, 4, "signature-demanded", &texts);
    // Signed by both it is taken, although the other suites still lack that signature.
    fixture.mirror.suite("bookworm").sign_with(&[own.clone(), offline.clone()]);
    fixture.mirror.publish();
    fixture.lock(NONE).code(0);
    // A keyring that lacks the demanded key cannot satisfy the pin.
    fixture.write_keyring(&keyring(&[own]));
    let texts = ["must have signed bookworm", "hint: for an archive of other keys, take"];
    refused(&mut fixture, 4, "signature-demanded", &texts);
}

#[test]
fn the_second_mirror_helps_and_the_first_ones_failure_is_told() {
    let fixture = after(|_| ());
    let stale = Server::start();
    let text = fixture.read("versions.toml");
    let both = format!("main = [\"{}\", ", stale.url("debian"));
    fixture.write("versions.toml", text.replace("main = [", &both));
    let keyring = fixture.keyring();
    let outcome = fixture.run(["lock", "--keyring", keyring.to_str().unwrap()]);
    outcome
        .code(0)
        .stderr_has(&format!("warning: {}", stale.url("debian/dists/bookworm/InRelease")));
    outcome.stderr_has("got 404").stderr_has(&format!("{}/dists", fixture.mirror.url()));
    assert_eq!(stale.seen_for("debian/dists/bookworm/InRelease").len(), 1);
}

#[test]
fn the_mirror_of_the_machines_apt_sources_is_asked_first() {
    let fixture = after(|_| ());
    let near = Server::start();
    let sources = format!("deb {} bookworm main\n", near.url("near/debian"));
    std::fs::write(fixture.apt_sources().join("sources.list"), sources).unwrap();
    let keyring = fixture.keyring();
    let outcome = fixture.run(["lock", "--keyring", keyring.to_str().unwrap()]);
    outcome.code(0).stderr_has("warning: ");
    assert_eq!(near.seen_for("near/debian/dists/bookworm/InRelease").len(), 1);
    assert!(near.seen_for("near/debian/dists/bookworm-updates/InRelease").len() == 1);
}

#[test]
fn a_captive_portal_is_named_as_one() {
    let fixture = after(|fixture| {
        let path = fixture.mirror.inrelease_path("bookworm");
        fixture.mirror.server().fault(&path, Fault::Portal);
    });
    let texts = ["login page", "hint: open a web page in a browser"];
    refused_as_it_is(&fixture, NONE, 5, "captive-portal", &texts);
}
