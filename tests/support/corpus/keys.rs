//! Which keys count: the rows A01 to A05, A07, A09 and A10.

use super::{Corpus, MADE, RELEASE, SIGNED, good, message, sound, stranger, trusted, trusted_rsa};
use crate::support::certs;
use crate::support::signer::{Draft, SigningKey, TEXT};

/// Adds all of it.
pub fn add(corpus: &mut Corpus) {
    let (ours, rsa, other) = (trusted(), trusted_rsa(), stranger());
    corpus.refuse("A01", "plain Release", RELEASE, "not signed");
    corpus.refuse("A02", "one stranger", message(&[good(other)]), "unknown keys only");
    let two = message(&[good(other), good(&SigningKey::ed25519(8, MADE))]);
    corpus.refuse("A02", "two strangers", two, "unknown keys only");
    corpus.accept("A03", "one Ed25519 signature", sound());
    corpus.accept("A03", "one RSA signature", message(&[good(rsa)]));
    corpus.accept("A03", "both keys", message(&[good(ours), good(rsa)]));
    corpus.accept("A03", "good, then stranger", message(&[good(ours), good(other)]));
    corpus.accept("A04", "stranger, then good", message(&[good(other), good(rsa)]));
    let wrong = |key: &SigningKey| key.sign(&Draft::new(TEXT, key, SIGNED), b"Origin: Evil");
    let bad = "does not match the text";
    corpus.refuse("A05", "good, then wrong", message(&[good(ours), wrong(rsa)]), bad);
    corpus.refuse("A05", "wrong, then good", message(&[wrong(ours), good(rsa)]), bad);
    corpus.refuse("A05", "good and wrong of one key", message(&[good(ours), wrong(ours)]), bad);
    corpus.refuse("A05", "wrong alone", message(&[wrong(rsa)]), bad);

    let year = 365 * 86_400;
    let mut add = |row, name: &str, keyring: Vec<u8>, key: &SigningKey, expected| {
        corpus.add(row, name, message(&[good(key)]), keyring, expected);
    };
    let expired = Err("the key expired on 2025-12-31 00:00:00 UTC, now it is 2026-11-23");
    add("A07", "key expired", certs::expiring(ours, 2 * year), ours, expired);
    add("A07", "key expires later", certs::expiring(ours, 9 * year), ours, Ok(()));
    add("A09", "revoked key", certs::revoked(rsa), rsa, Err("it is revoked"));
    add("A09", "revoked by another", certs::revoked_by_another(ours, rsa), ours, Err("is revoked"));
    let subkey = SigningKey::ed25519(2, MADE);
    for (row, name, change, expected) in [
        ("A10", "sound subkey", certs::Subkey::Sound, Ok(())),
        ("A09", "revoked subkey", certs::Subkey::Revoked, Err("it is revoked")),
        ("A10", "expired subkey", certs::Subkey::Expired, Err("the key expired on")),
        ("A10", "subkey without flag", certs::Subkey::NoFlag, Err("may not sign (key flags)")),
        ("A10", "no back signature", certs::Subkey::NoBack, Err("no valid back signature")),
        ("A10", "forged back signature", certs::Subkey::ForgedBack, Err("no valid back signature")),
        ("A10", "forged binding", certs::Subkey::Forged, Err("no valid binding signature")),
    ] {
        add(row, name, certs::with_subkey(ours, &subkey, change), &subkey, expected);
    }
}
