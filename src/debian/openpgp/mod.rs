//! Debian's signatures: whether a clear-signed `InRelease` was signed by a key that is
//! pinned for its suite.
//!
//! This is a strict verifier for one job, not an OpenPGP implementation: it reads the
//! cleartext framing, ASCII armor and version 4 signatures, and leaves every computation
//! to `ring`. A message is accepted when at least one signature of a pinned key is good
//! and none of a pinned key is bad. Of a message that is accepted, [`Verified::text`] is
//! the only part that anybody may parse.
//!
//! **Invariant:** nothing here reads a file, a clock or the environment, nothing repairs
//! what it reads, and one text has one spelling: what two programs could read in two ways
//! is refused.
//!
//! Sources: RFC 9580 (packets, armor, cleartext), apt's CVE-2013-1051, Debian bug 784473.

mod armor;
mod certificate;
mod error;
mod framing;
mod key;
mod keyring;
mod keys_debian;
mod packet;
mod parts;
mod signature;
mod time;
mod verify;

pub use armor::ArmorError;
pub use error::{BadSignature, Refusal, SignatureError};
pub use framing::{FramingError, MAX_MESSAGE};
pub use key::{Fingerprint, Key, KeyMaterial, Role, Scope};
pub use keyring::{Keyring, KeyringError, SuiteKeys, Unusable};
pub use packet::PacketError;
pub use verify::{GoodSignature, Verified, verify};
