//! Clear-signed messages, sound and hostile, each with the verdict it must get: the rows
//! A01 to A39 of `docs/faults.md` which one message can show. Made with throwaway keys at
//! each run; nothing here calls the code under test.

use std::sync::LazyLock;

use super::signer::{Draft, SigningKey, TEXT, canonical, certificate, cleartext, sign_cleartext};

mod algorithms;
mod armor;
mod keys;
mod packets;
mod text;

/// 2026-11-23 12:00:00 UTC: the time at which all messages are judged.
pub const NOW: u64 = 1_795_435_200;
/// 2024-01-01 00:00:00 UTC: when the keys were made.
pub const MADE: u64 = 1_704_067_200;
/// When the messages were signed, two days before [`NOW`].
pub const SIGNED: u64 = NOW - 2 * 86_400;

/// What is signed: a small Release file.
pub const RELEASE: &str = "Origin: Debian\nCodename: bookworm\nSHA256:\n \
     e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 main/Packages\n";

/// One message, what to verify it with, and what must come of it.
pub struct Case {
    pub row: &'static str,
    pub name: String,
    pub message: Vec<u8>,
    /// The certificates that are trusted (binary).
    pub keyring: Vec<u8>,
    /// `Err` holds a part of the message of the error.
    pub expected: Result<(), &'static str>,
}

/// The trusted Ed25519 key.
pub fn trusted() -> &'static SigningKey {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::ed25519(1, MADE));
    &KEY
}

/// The trusted RSA key.
pub fn trusted_rsa() -> &'static SigningKey {
    static KEY: LazyLock<SigningKey> =
        LazyLock::new(|| SigningKey::rsa(include_bytes!("../../data/keys/rsa4096.pk8"), MADE));
    &KEY
}

/// A key that nobody trusts.
pub fn stranger() -> &'static SigningKey {
    static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::ed25519(9, MADE));
    &KEY
}

/// The certificates of both trusted keys.
pub fn keyring() -> Vec<u8> {
    static CERTIFICATES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let ours = certificate(trusted(), "Trusted <trusted@example.org>");
        [ours, certificate(trusted_rsa(), "Trusted RSA <rsa@example.org>")].concat()
    });
    CERTIFICATES.clone()
}

/// A sound signature packet over [`RELEASE`].
pub fn good(key: &SigningKey) -> Vec<u8> {
    key.sign(&Draft::new(TEXT, key, SIGNED), &canonical(RELEASE))
}

/// [`RELEASE`] with some signature packets.
pub fn message(packets: &[Vec<u8>]) -> String {
    cleartext(RELEASE, "SHA256", &packets.concat())
}

/// The sound message which most cases change in one place.
pub fn sound() -> String {
    sign_cleartext(RELEASE, trusted(), SIGNED)
}

#[derive(Default)]
pub struct Corpus(Vec<Case>);

impl Corpus {
    pub fn accept(&mut self, row: &'static str, name: &str, message: impl Into<Vec<u8>>) {
        self.add(row, name, message, keyring(), Ok(()));
    }

    pub fn refuse(
        &mut self,
        row: &'static str,
        name: &str,
        message: impl Into<Vec<u8>>,
        why: &'static str,
    ) {
        self.add(row, name, message, keyring(), Err(why));
    }

    pub fn add(
        &mut self,
        row: &'static str,
        name: &str,
        message: impl Into<Vec<u8>>,
        keyring: Vec<u8>,
        expected: Result<(), &'static str>,
    ) {
        let (name, message) = (name.to_owned(), message.into());
        self.0.push(Case { row, name, message, keyring, expected });
    }
}

/// All cases, in the order of the catalogue.
pub fn all() -> &'static [Case] {
    static CASES: LazyLock<Vec<Case>> = LazyLock::new(make);
    &CASES
}

fn make() -> Vec<Case> {
    let mut corpus = Corpus::default();
    keys::add(&mut corpus);
    algorithms::add(&mut corpus);
    text::add(&mut corpus);
    armor::add(&mut corpus);
    packets::add(&mut corpus);
    corpus.0
}
