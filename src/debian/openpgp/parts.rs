//! The packets of a keyring file, sorted into keys and user ids with the signatures behind
//! each. Judges nothing: `certificate` does.

use std::borrow::Cow;

use super::armor::{self, Headers};
use super::framing::{Lines, excerpt};
use super::keyring::KeyringError;
use super::packet::Packets;
use super::signature::{Parsed, Signature};

const LABEL: &str = "PUBLIC KEY BLOCK";
const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// Packet tags (§5).
pub(super) mod tag {
    pub(in super::super) const SIGNATURE: u8 = 2;
    pub(in super::super) const PRIMARY: u8 = 6;
    pub(in super::super) const MARKER: u8 = 10;
    pub(in super::super) const TRUST: u8 = 12;
    pub(in super::super) const USER_ID: u8 = 13;
    pub(in super::super) const SUBKEY: u8 = 14;
    pub(in super::super) const USER_ATTRIBUTE: u8 = 17;
}

/// Signature types (§5.2.1).
pub(super) mod kind {
    pub(in super::super) const CERTIFICATIONS: std::ops::RangeInclusive<u8> = 0x10..=0x13;
    pub(in super::super) const SUBKEY_BINDING: u8 = 0x18;
    pub(in super::super) const BACK_SIGNATURE: u8 = 0x19;
    pub(in super::super) const DIRECT: u8 = 0x1f;
    pub(in super::super) const KEY_REVOCATION: u8 = 0x20;
    pub(in super::super) const SUBKEY_REVOCATION: u8 = 0x28;
    pub(in super::super) const CERTIFICATION_REVOCATION: u8 = 0x30;
}

/// The packets of a file, which may be armored.
pub(super) fn decode<'a>(bytes: &'a [u8], origin: &str) -> Result<Cow<'a, [u8]>, KeyringError> {
    let binary = if bytes.starts_with(b"-----BEGIN PGP ") {
        Cow::Owned(unarmor(bytes, origin)?)
    } else {
        Cow::Borrowed(bytes)
    };
    if binary.first().is_none_or(|byte| *byte < 0x80) {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
        let got = excerpt(text.lines().next().unwrap_or_default());
        return Err(KeyringError::NotAKeyring { origin: origin.to_owned(), got });
    }
    Ok(binary)
}

/// Decodes one or several blocks of armor.
fn unarmor(bytes: &[u8], origin: &str) -> Result<Vec<u8>, KeyringError> {
    let not_a_keyring = |got: String| KeyringError::NotAKeyring { origin: origin.to_owned(), got };
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|_| not_a_keyring("text that is not UTF-8".to_owned()))?;
    let mut lines = Lines::new(text);
    let mut binary = Vec::new();
    while let Some((_, line)) = lines.next() {
        if line == BEGIN {
            let block = armor::decode(LABEL, Headers::Skipped, &mut lines);
            binary.extend(
                block
                    .map_err(|reason| KeyringError::Armor { origin: origin.to_owned(), reason })?,
            );
        } else if !line.is_empty() {
            return Err(not_a_keyring(excerpt(line)));
        }
    }
    Ok(binary)
}

/// A key or user id with the signatures that follow it.
pub(super) struct Part<'a> {
    pub(super) tag: u8,
    pub(super) body: &'a [u8],
    pub(super) signatures: Vec<Signature<'a>>,
}

/// Sorts the packets: a primary key first, every signature with what it stands behind.
pub(super) fn split<'a>(binary: &'a [u8], origin: &str) -> Result<Vec<Part<'a>>, KeyringError> {
    let malformed = |reason| KeyringError::Packet { origin: origin.to_owned(), reason };
    let mut parts: Vec<Part<'_>> = Vec::new();
    for packet in Packets::new(binary) {
        let packet = packet.map_err(malformed)?;
        match (packet.tag, parts.last_mut()) {
            (tag::SIGNATURE, Some(part)) => {
                match Signature::parse(packet.body) {
                    Ok(Parsed::V4(signature)) => part.signatures.push(*signature),
                    // What a third party wrote there proves nothing, but a revocation that
                    // cannot be read must not be lost.
                    Err(error) if revokes(packet.body) => return Err(malformed(error)),
                    Ok(Parsed::Other(_)) | Err(_) => {}
                }
            }
            (tag::PRIMARY, _) | (tag::USER_ID | tag::USER_ATTRIBUTE | tag::SUBKEY, Some(_)) => {
                parts.push(Part { tag: packet.tag, body: packet.body, signatures: Vec::new() });
            }
            (tag::MARKER | tag::TRUST, _) => {}
            (tag, _) => {
                let got = match tag {
                    5 | 7 => "a secret key".to_owned(),
                    tag => format!("a packet with tag {tag}"),
                };
                return Err(KeyringError::NotAKeyring { origin: origin.to_owned(), got });
            }
        }
    }
    Ok(parts)
}

/// Whether the body of a signature packet says that it revokes something.
fn revokes(body: &[u8]) -> bool {
    let revocations =
        [kind::KEY_REVOCATION, kind::SUBKEY_REVOCATION, kind::CERTIFICATION_REVOCATION];
    body.get(1).is_some_and(|kind| revocations.contains(kind))
}
