//! A second opinion on signatures: reads the generator's own with `ring` alone. Never used
//! for anything but one Ed25519 signature made by it.

use ring::signature::{ED25519, UnparsedPublicKey};

use crate::support::signer::canonical;

/// The bytes of an armored signature.
pub fn decode(armored: &str) -> Vec<u8> {
    let (encoded, _) = armored.split_once("\n=").unwrap();
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for letter in encoded.bytes().filter(|byte| !b"\n=".contains(byte)) {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}

/// Whether the one Ed25519 signature in `packet` is good (RFC 9580 §5.2.3).
pub fn is_signed(text: &str, packet: &[u8], public: [u8; 32]) -> bool {
    let body = &packet[3..];
    let number = |at: usize| usize::from(body[at]) << 8 | usize::from(body[at + 1]);
    let hashed_end = 6 + number(4);
    let mut message = canonical(text);
    message.extend(&body[..hashed_end]);
    message.extend([4, 0xff]);
    message.extend(u32::try_from(hashed_end).unwrap().to_be_bytes());
    let digest = ring::digest::digest(&ring::digest::SHA256, &message);
    let mut at = hashed_end + 2 + number(hashed_end) + 2;
    let mut signature = Vec::new();
    for _ in 0..2 {
        let length = number(at).div_ceil(8);
        signature.resize(signature.len() + 32 - length, 0);
        signature.extend(&body[at + 2..at + 2 + length]);
        at += 2 + length;
    }
    UnparsedPublicKey::new(&ED25519, public).verify(digest.as_ref(), &signature).is_ok()
}
