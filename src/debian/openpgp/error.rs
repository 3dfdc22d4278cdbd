//! Why a message is refused: the words, the stable codes and the hints. The framing's and
//! the packets' own errors stand beside their readers.

use std::borrow::Cow;

use super::framing::FramingError;
use super::key::Fingerprint;
use super::packet::PacketError;
use super::time::utc;
use super::verify::MAX_CHECKED;
use crate::host::fault::{Diagnostic, Kind};

/// How many issuers an error lists.
pub(super) const MAX_LISTED: usize = 8;

/// Why a signature of a pinned key is bad: one such refuses the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    #[error("it does not match the text: the text or the signature was changed")]
    Mismatch,
    #[error("its digest {got} is not announced by the Hash header")]
    HashHeader { got: String },
    #[error("it names several issuers")]
    Issuers,
    #[error("its algorithm is not that of the key: expected {expected}")]
    Algorithm { expected: String },
    #[error("its subpacket {0} stands there twice")]
    Twice(u8),
    #[error("its subpacket {0} stands outside of what it signs")]
    Uncovered(u8),
}

/// Why a signature of a pinned key does not count although it may be genuine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the key expired on {}, now it is {}", utc(*expires), utc(*now))]
    KeyExpired { expires: u64, now: u64 },
    #[error("the signature expired on {}, now it is {}", utc(*expires), utc(*now))]
    Expired { expires: u64, now: u64 },
    #[error("signed in the future: on {}, but the clock of this machine says {}", utc(*created), utc(*now))]
    Future { created: u64, now: u64 },
    #[error("signed before the key existed: on {}, but the key was made on {}", utc(*created), utc(*key))]
    BeforeKey { created: u64, key: u64 },
    #[error("weak digest: expected SHA-256, SHA-384 or SHA-512, got {got}")]
    WeakDigest { got: String },
    #[error("weak key: expected RSA of 3072 bits or more, or Ed25519, got {got}")]
    WeakKey { got: String },
    #[error("wrong type of signature: expected 0x01 (text), got {got:#04x}")]
    Type { got: u8 },
    #[error("no creation time under the signature")]
    NoTime,
    #[error("unknown critical subpacket {0}")]
    Critical(u8),
}

/// Why a message is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error(transparent)]
    Framing(#[from] FramingError),
    #[error("signature block: {0}")]
    Packet(PacketError),
    #[error("signature block: expected signature packets only, got a packet with tag {tag}")]
    NotASignature { tag: u8 },
    #[error("more than {MAX_CHECKED} signatures of pinned keys")]
    TooMany,
    #[error("bad signature by {fingerprint} ({name}): {reason}")]
    Bad { fingerprint: Fingerprint, name: Cow<'static, str>, reason: BadSignature },
    #[error("no good signature: {fingerprint} ({name}): {reason}")]
    Refused { fingerprint: Fingerprint, name: Cow<'static, str>, reason: Refusal },
    #[error(
        "signed by {fingerprint} ({name}), which may not sign {suite}: expected {}",
        list(trusted)
    )]
    OtherSuite {
        fingerprint: Fingerprint,
        name: Cow<'static, str>,
        suite: String,
        trusted: Vec<String>,
    },
    #[error("no good signature: {fingerprint} is in {origin}, but {reason}")]
    UnusableKey { fingerprint: Fingerprint, origin: String, reason: String },
    #[error("signed by unknown keys only: expected {}, got {}", list(trusted), list(seen))]
    UnknownKeys {
        seen: Vec<String>,
        trusted: Vec<String>,
        /// Where the trusted keys come from.
        origin: String,
    },
    #[error("no signature that can be checked: expected version 4, got version {version}")]
    Version { version: u8 },
    #[error("no key is pinned for the suite {suite}")]
    NoPinnedKey { suite: String },
    #[error("not signed by {fingerprint} ({name}) as demanded: signed by {}", list(got))]
    Demanded { fingerprint: Fingerprint, name: Cow<'static, str>, got: Vec<String> },
    #[error("{wanted} must have signed {suite}, but no key of {origin} for it is that")]
    DemandedUnknown { wanted: String, suite: String, origin: String },
}

// By hand and not by `#[from]`: the message holds the cause, it is not told twice.
impl From<PacketError> for SignatureError {
    fn from(error: PacketError) -> Self {
        Self::Packet(error)
    }
}

/// A list for a message, cut where it gets long.
fn list(items: &[String]) -> String {
    match items.len() {
        0 => "nobody".to_owned(),
        count if count > MAX_LISTED => {
            format!("{} and {} more", items[..MAX_LISTED].join(", "), count - MAX_LISTED)
        }
        _ => items.join(", "),
    }
}

impl Diagnostic for SignatureError {
    fn kind(&self) -> Kind {
        Kind::Integrity
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Framing(error) => error.code(),
            Self::Packet(_) | Self::NotASignature { .. } => "signature-malformed",
            Self::TooMany => "signature-too-many",
            Self::Bad { .. } => "signature-bad",
            Self::Refused { reason, .. } => reason.code(),
            Self::OtherSuite { .. } => "signature-other-suite",
            Self::UnusableKey { .. } => "signature-unusable-key",
            Self::UnknownKeys { .. } => "signature-unknown-key",
            Self::Version { .. } => "signature-version",
            Self::NoPinnedKey { .. } => "signature-no-pinned-key",
            Self::Demanded { .. } | Self::DemandedUnknown { .. } => "signature-demanded",
        }
    }

    fn hints(&self) -> Vec<String> {
        const OTHER_MIRROR: &str =
            "the file was changed on its way or on the mirror; try another one: --mirror URL";
        const NEWER_KEYS: &str = "update reml-toolchain, or name a newer keyring: --keyring FILE";
        let hint = match self {
            Self::Framing(FramingError::WebPage) => {
                "log in to the network or check the proxy (http_proxy), then run this again".into()
            }
            Self::Refused { reason: Refusal::Future { .. }, .. } => {
                "check the clock of this machine: date -u".to_owned()
            }
            Self::Refused { reason: Refusal::KeyExpired { .. }, .. } => NEWER_KEYS.to_owned(),
            Self::UnknownKeys { origin, .. } => format!(
                "the trusted keys are those of {origin}; if the archive has newer ones, {NEWER_KEYS}"
            ),
            Self::UnusableKey { origin, .. } => {
                format!("replace {origin} by a keyring of today: --keyring FILE")
            }
            Self::NoPinnedKey { .. } => "name the keyring of that archive: --keyring FILE".into(),
            Self::DemandedUnknown { wanted, .. } => format!(
                "for an archive of other keys, take {wanted} out of `signed_by` in versions.toml"
            ),
            Self::OtherSuite { .. } => {
                "check that the mirror serves this suite and no other: --mirror URL".to_owned()
            }
            _ => OTHER_MIRROR.to_owned(),
        };
        vec![hint]
    }
}

impl Refusal {
    /// The stable code, see [`Diagnostic::code`].
    fn code(&self) -> &'static str {
        match self {
            Self::KeyExpired { .. } => "signature-key-expired",
            Self::Expired { .. } => "signature-expired",
            Self::Future { .. } => "signature-future",
            Self::BeforeKey { .. } => "signature-before-key",
            Self::WeakDigest { .. } => "signature-weak-digest",
            Self::WeakKey { .. } => "signature-weak-key",
            Self::Type { .. } => "signature-type",
            Self::NoTime => "signature-no-time",
            Self::Critical(_) => "signature-critical",
        }
    }
}

impl FramingError {
    /// The stable code, see [`Diagnostic::code`].
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "signed-file-too-large",
            Self::Empty => "signed-file-empty",
            Self::WebPage => "signed-file-web-page",
            Self::NotSigned { .. } | Self::OtherKind { .. } => "signed-file-not-signed",
            Self::DataBefore { .. } | Self::DataAfter { .. } | Self::SecondBlock { .. } => {
                "signed-file-outside-data"
            }
            Self::CutOff { .. } => "signed-file-cut-off",
            Self::Marker { .. }
            | Self::Header { .. }
            | Self::NoHashHeader { .. }
            | Self::Digest { .. } => "signed-file-header",
            Self::NotUtf8 { .. }
            | Self::Character { .. }
            | Self::TrailingBlank { .. }
            | Self::Dash { .. }
            | Self::NoText { .. } => "signed-file-text",
            Self::Armor(_) => "signed-file-armor",
        }
    }
}
