//! Debian's own `InRelease` files with Debian's own keys, and the rows A06 and A40 to A42 of
//! `docs/faults.md`: which keys may sign which suite.

use crate::support::certs;
use crate::support::corpus::{self, NOW, good, stranger, trusted, trusted_rsa};
use crate::support::signer::{SigningKey, armor, certificate, packet};
use reml_toolchain::debian::openpgp::{
    Fingerprint, Key, KeyMaterial, Keyring, Scope, SignatureError, verify,
};
use reml_toolchain::host::fault::Diagnostic;

/// The files of November 2026 with the keys that signed each.
const FILES: [(&str, &[u8], &str); 9] = [
    ("bullseye", include_bytes!("../data/inrelease/bullseye"), "A723 4CB5 A428"),
    ("bullseye-updates", include_bytes!("../data/inrelease/bullseye-updates"), "A723 4CB5"),
    ("bullseye-security", include_bytes!("../data/inrelease/bullseye-security"), "ED54 B0CA"),
    ("bookworm", include_bytes!("../data/inrelease/bookworm"), "4CB5 B8E5 4D64"),
    ("bookworm-updates", include_bytes!("../data/inrelease/bookworm-updates"), "4CB5 B8E5"),
    ("bookworm-security", include_bytes!("../data/inrelease/bookworm-security"), "ED54 B0CA"),
    ("trixie", include_bytes!("../data/inrelease/trixie"), "4CB5 B8E5 4158"),
    ("trixie-updates", include_bytes!("../data/inrelease/trixie-updates"), "4CB5 B8E5"),
    ("trixie-security", include_bytes!("../data/inrelease/trixie-security"), "B0CA 89C8"),
];

fn file(suite: &str) -> &'static [u8] {
    FILES.iter().find(|(name, ..)| *name == suite).unwrap().1
}

#[test]
fn debians_own_files_are_good_by_all_their_signatures() {
    for (suite, file, signers) in FILES {
        let verified = verify(file, &Keyring::debian().for_suite(suite), NOW).unwrap();
        let got: Vec<_> = verified
            .signatures
            .iter()
            .map(|good| good.fingerprint.to_string()[..4].to_owned())
            .collect();
        assert_eq!(got.join(" "), signers, "{suite}");
        let whole = str::from_utf8(file).unwrap();
        assert!(verified.text.starts_with("Origin: Debian\n"), "{suite}");
        assert!(verified.text.contains(&format!("\nCodename: {suite}\n")), "{suite}");
        let head = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n";
        let rest = whole.strip_prefix(head).unwrap().strip_prefix(&verified.text).unwrap();
        assert!(rest.starts_with("-----BEGIN PGP SIGNATURE-----\n"), "{suite}");
    }
}

#[test]
fn debians_own_keyring_given_by_the_user_verifies_every_file() {
    let bytes = include_bytes!("../data/debian-archive-keyring.gpg");
    let keyring = Keyring::read(bytes, "debian-archive-keyring.gpg").unwrap();
    for (suite, file, _) in FILES {
        verify(file, &keyring.for_suite(suite), NOW).unwrap();
    }
}

#[test]
fn a06_a_security_key_on_main_is_refused_naming_suite_and_key() {
    let keys = Keyring::debian().for_suite("bookworm");
    let error = verify(file("bookworm-security"), &keys, NOW).unwrap_err();
    assert_eq!(error.code(), "signature-other-suite");
    let expected = "signed by ED541312A33F1128F10B1C6C54404762BBB6E853 (Debian Security Archive \
         Automatic Signing Key (11/bullseye) <ftpmaster@debian.org>), which may not sign \
         bookworm: expected A7236886F3CCCAAD148A27F80E98404D386FA1D9, ";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn a06_a_main_key_on_security_and_a_key_of_another_release_are_refused() {
    for (signed, served_as) in [
        ("bookworm", "bookworm-security"),
        ("bookworm-updates", "bookworm-security"),
        ("trixie-security", "bullseye"),
    ] {
        let keys = Keyring::debian().for_suite(served_as);
        let error = verify(file(signed), &keys, NOW).unwrap_err();
        assert_eq!(error.code(), "signature-other-suite", "{signed} as {served_as}");
    }
}

#[test]
fn a06_a_suite_without_pinned_keys_trusts_nobody() {
    let error = verify(file("trixie"), &Keyring::debian().for_suite("sid"), NOW).unwrap_err();
    assert_eq!(error, SignatureError::NoPinnedKey { suite: "sid".to_owned() });
}

#[test]
fn a07_debians_files_are_refused_once_their_keys_have_expired() {
    // 2040-01-01: after the last of them.
    let keys = Keyring::debian().for_suite("bookworm");
    let error = verify(file("bookworm"), &keys, 2_208_988_800).unwrap_err();
    assert_eq!(error.code(), "signature-key-expired");
    let expected = "the key expired on 2031-01-19 11:44:21 UTC, now it is 2040-01-01";
    assert!(error.to_string().contains(expected), "{error}");
    assert!(error.hints()[0].contains("--keyring FILE"));
}

#[test]
fn a15_a_weak_key_does_not_count_even_when_it_is_pinned() {
    let short = SigningKey::rsa(include_bytes!("../data/keys/rsa2048.pk8"), corpus::MADE);
    let (n, e) = short.rsa_public().unwrap();
    let key = Key {
        fingerprint: Fingerprint(short.fingerprint()),
        primary: Fingerprint(short.fingerprint()),
        material: KeyMaterial::Rsa { n: n.into(), e: e.into() },
        created: short.created(),
        expires: None,
        name: "Short".into(),
        scope: Scope::Any,
    };
    let keys = Keyring::new(vec![key], "a test").for_suite("bookworm");
    let error = verify(corpus::message(&[good(&short)]).as_bytes(), &keys, NOW).unwrap_err();
    assert_eq!(error.code(), "signature-weak-key");
    let expected = "weak key: expected RSA of 3072 bits or more, or Ed25519, got RSA 2048";
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[test]
fn a40_armored_and_binary_keyrings_with_foreign_certifications_are_read() {
    let subkey = SigningKey::ed25519(2, corpus::MADE);
    let binary = [
        certs::certified_by(trusted(), stranger()),
        certs::with_subkey(trusted_rsa(), &subkey, certs::Subkey::Sound),
    ]
    .concat();
    let armored = armor("PUBLIC KEY BLOCK", &binary);
    let commented = armored.replacen("\n\n", "\nVersion: GnuPG v2\nComment: ours\n\n", 1);
    let halves = armor("PUBLIC KEY BLOCK", &certificate(trusted(), "A"))
        + "\n"
        + &armor("PUBLIC KEY BLOCK", &certificate(trusted_rsa(), "B"));
    for (bytes, count) in [
        (binary, 3),
        (armored.into_bytes(), 3),
        (commented.into_bytes(), 3),
        (halves.into_bytes(), 2),
    ] {
        let keyring = Keyring::read(&bytes, "keys.asc").unwrap();
        assert_eq!(keyring.keys().len(), count);
        let message = corpus::message(&[good(trusted())]);
        verify(message.as_bytes(), &keyring.for_suite("anything"), NOW).unwrap();
    }
}

#[test]
fn a40_garbage_is_no_keyring() {
    let certificate = certificate(trusted(), "A");
    let cut = &certificate[..certificate.len() - 1];
    let armored = armor("PUBLIC KEY BLOCK", &certificate);
    for (bytes, code) in [
        (&b""[..], "keyring-not-openpgp"),
        (b"<html>", "keyring-not-openpgp"),
        (b"\xff\xff\xff", "keyring-malformed"),
        (cut, "keyring-malformed"),
        (&good(trusted()), "keyring-not-openpgp"),
        (armor("PRIVATE KEY BLOCK", &certificate).as_bytes(), "keyring-not-openpgp"),
        (&armored.as_bytes()[..armored.len() - 9], "keyring-malformed"),
        (armored.replace('=', "==").as_bytes(), "keyring-malformed"),
        ([armored.as_bytes(), b"more\n"].concat().as_slice(), "keyring-not-openpgp"),
    ] {
        let error = Keyring::read(bytes, "keys.gpg").unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().starts_with("keys.gpg: "), "{error}");
    }
}

#[test]
fn a40_a_keyring_without_a_usable_key_names_the_file_and_the_reasons() {
    let short = SigningKey::rsa(include_bytes!("../data/keys/rsa2048.pk8"), corpus::MADE);
    let bytes = [certificate(&short, "Short"), certs::revoked(trusted())].concat();
    let error = Keyring::read(&bytes, "keys.gpg").unwrap_err();
    let expected = format!(
        "no usable key in keys.gpg; {}: RSA key of unfit size: expected 3072 to 8192 bits, got 2048; \
         {}: it is revoked",
        short.fingerprint_hex(),
        trusted().fingerprint_hex()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a40_an_unusable_key_beside_a_usable_one_is_named_with_its_reason() {
    let bytes = [certs::revoked(trusted()), certificate(trusted_rsa(), "B")].concat();
    let keyring = Keyring::read(&bytes, "keys.gpg").unwrap();
    let message = corpus::message(&[good(trusted())]);
    let error = verify(message.as_bytes(), &keyring.for_suite("bookworm"), NOW).unwrap_err();
    let expected = format!(
        "no good signature: {} is in keys.gpg, but it is revoked",
        trusted().fingerprint_hex()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a40_no_bit_flip_of_a_certificate_makes_another_key() {
    let subkey = SigningKey::ed25519(2, corpus::MADE);
    let certificate = certs::with_subkey(trusted(), &subkey, certs::Subkey::Sound);
    let sound = Keyring::read(&certificate, "keys.gpg").unwrap();
    assert_eq!(sound.keys().len(), 2);
    for bit in 0..certificate.len() * 8 {
        let mut flipped = certificate.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Ok(keyring) = Keyring::read(&flipped, "keys.gpg") {
            for key in keyring.keys() {
                assert!(sound.keys().contains(key), "bit {bit} flipped, and trusted: {key:?}");
            }
        }
    }
}

#[test]
fn a40_a_user_id_which_the_key_never_signed_is_not_its_name() {
    let body = trusted().key_body();
    let certificate = certificate(trusted(), "Ours");
    let (key, rest) = certificate.split_at(body.len() + 3);
    let forged = [key, &packet(13, b"Debian Stable Release Key"), rest].concat();
    let keyring = Keyring::read(&forged, "keys.gpg").unwrap();
    assert_eq!(keyring.keys()[0].name, "Ours");
}

#[test]
fn a41_a_keyring_older_than_the_rotation_hints_at_newer_keys() {
    let file = corpus::message(&[good(stranger())]);
    let keys = Keyring::debian().for_suite("bookworm");
    let error = verify(file.as_bytes(), &keys, NOW).unwrap_err();
    assert_eq!(error.code(), "signature-unknown-key");
    let hint = "the trusted keys are those of debian-archive-keyring 2023.3+deb12u2 (2025-04-09); \
         if the archive has newer ones, update reml-toolchain, or name a newer keyring: \
         --keyring FILE";
    assert_eq!(error.hints(), [hint]);
}

#[test]
fn a42_the_offline_release_key_can_be_demanded() {
    let keys = Keyring::debian().for_suite("bookworm");
    let release_key = keys.release_key().unwrap();
    verify(file("bookworm"), &keys, NOW).unwrap().demand(release_key).unwrap();
    // bookworm-updates is signed by the same machines, but never by the offline key.
    let error = verify(file("bookworm-updates"), &keys, NOW).unwrap().demand(release_key);
    let error = error.unwrap_err();
    assert_eq!(error.code(), "signature-demanded");
    let expected = "not signed by 4D64FEC119C2029067D6E791F8D2585B8783D481 (Debian Stable \
         Release Key (12/bookworm) <debian-release@lists.debian.org>) as demanded: signed by \
         4CB50190207B4758A3F73A796ED0E7B82643E131, B8E5F13176D2A7A75220028078DBA3BC47EF2265";
    assert_eq!(error.to_string(), expected);
}
