//! Sets of trusted keys: Debian's, which are part of this program, or a user's own. A
//! message is never verified with a whole set, only with the keys pinned for its suite.

use super::armor::ArmorError;
use super::certificate;
use super::key::{Fingerprint, Key, Role, Scope};
use super::keys_debian::{KEYS, SOURCE};
use super::packet::PacketError;
use crate::host::fault::{Diagnostic, Kind};

/// Why a keyring file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    #[error(
        "{origin}: not a keyring: expected OpenPGP certificates (binary or armored), got {got}"
    )]
    NotAKeyring { origin: String, got: String },
    #[error("{origin}: {reason}")]
    Armor { origin: String, reason: ArmorError },
    #[error("{origin}: {reason}")]
    Packet { origin: String, reason: PacketError },
    #[error("no usable key in {origin}{}", reasons(unusable))]
    NoUsableKey { origin: String, unusable: Vec<Unusable> },
}

fn reasons(unusable: &[Unusable]) -> String {
    unusable.iter().fold(String::new(), |text, unusable| format!("{text}; {unusable}"))
}

impl Diagnostic for KeyringError {
    fn kind(&self) -> Kind {
        Kind::Integrity
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotAKeyring { .. } => "keyring-not-openpgp",
            Self::Armor { .. } | Self::Packet { .. } => "keyring-malformed",
            Self::NoUsableKey { .. } => "keyring-no-usable-key",
        }
    }

    fn hints(&self) -> Vec<String> {
        vec![
            "write the file with `gpg --export --armor FINGERPRINT`; \
              keys must be RSA of 3072 bits or more, or Ed25519, and may sign"
                .to_owned(),
        ]
    }
}

/// A key in a keyring that does not count, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// None for a certificate of a version which we do not read.
    pub fingerprint: Option<Fingerprint>,
    pub reason: String,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.fingerprint {
            Some(fingerprint) => write!(f, "{fingerprint}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// Keys with the suites for which each may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyring {
    keys: Vec<Key>,
    unusable: Vec<Unusable>,
    origin: String,
}

impl Keyring {
    /// The archive keys of Debian 11, 12 and 13, each pinned to its suites.
    #[must_use]
    pub fn debian() -> Self {
        Self::new(KEYS.to_vec(), SOURCE)
    }

    /// Some keys; `origin` says in messages where they come from.
    #[must_use]
    pub fn new(keys: Vec<Key>, origin: &str) -> Self {
        Self { keys, unusable: Vec::new(), origin: origin.to_owned() }
    }

    /// Reads a user's keyring: certificates, binary or armored. Every usable key in it may
    /// sign every suite. `origin` is the name of the file.
    ///
    /// # Errors
    /// If the file holds anything but certificates, or no usable key.
    pub fn read(bytes: &[u8], origin: &str) -> Result<Self, KeyringError> {
        let (keys, unusable) = certificate::read(bytes, origin)?;
        if keys.is_empty() {
            return Err(KeyringError::NoUsableKey { origin: origin.to_owned(), unusable });
        }
        Ok(Self { keys, unusable, origin: origin.to_owned() })
    }

    /// All keys, for instance to tell which expire soon.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The keys in the file that do not count, and why.
    #[must_use]
    pub fn unusable(&self) -> &[Unusable] {
        &self.unusable
    }

    /// Where the keys come from.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The keys that may sign `suite`, such as `bookworm-security`; maybe none.
    #[must_use]
    pub fn for_suite(&self, suite: &str) -> SuiteKeys {
        let (trusted, others) = self.keys.iter().cloned().partition(|key| key.scope.covers(suite));
        SuiteKeys {
            suite: suite.to_owned(),
            trusted,
            others,
            unusable: self.unusable.clone(),
            origin: self.origin.clone(),
        }
    }
}

/// The keys pinned for one suite: what a message is verified with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuiteKeys {
    pub(super) suite: String,
    pub(super) trusted: Vec<Key>,
    /// Keys that may sign other suites: known by name, never trusted here.
    pub(super) others: Vec<Key>,
    pub(super) unusable: Vec<Unusable>,
    pub(super) origin: String,
}

impl SuiteKeys {
    /// The keys that may sign the suite.
    #[must_use]
    pub fn trusted(&self) -> &[Key] {
        &self.trusted
    }

    /// Debian's offline Stable Release Key, where the suite is one of point releases.
    #[must_use]
    pub fn release_key(&self) -> Option<&Key> {
        self.trusted
            .iter()
            .find(|key| matches!(key.scope, Scope::Debian { role: Role::Release, .. }))
    }
}
