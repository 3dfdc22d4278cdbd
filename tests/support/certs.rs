//! Certificates for tests, sound and broken: expiry, revocation, subkeys.

use super::signer::{
    Draft, SHA512, SigningKey, certificate, hashed_key, hashed_user_id, issuer, packet, seconds,
    subpacket,
};

const NAME: &str = "Trusted <trusted@example.org>";

/// A certificate whose key lives so many seconds.
pub fn expiring(key: &SigningKey, lifetime: u64) -> Vec<u8> {
    let draft = Draft::new(0x13, key, key.created()).digest(SHA512);
    let draft = draft.and(27, &[0x03]).and(9, &seconds(lifetime));
    let body = key.key_body();
    let signature = key.sign(&draft, &hashed_user_id(&body, NAME));
    [packet(6, &body), packet(13, NAME.as_bytes()), signature].concat()
}

/// A certificate with a signature over the key alone right behind the key.
fn with_direct(key: &SigningKey, signatures: &[Vec<u8>]) -> Vec<u8> {
    let primary = packet(6, &key.key_body());
    let rest = certificate(key, NAME)[primary.len()..].to_vec();
    [primary, signatures.concat(), rest].concat()
}

/// A certificate whose key its owner revoked.
pub fn revoked(key: &SigningKey) -> Vec<u8> {
    let draft = Draft::new(0x20, key, key.created() + 1).and(29, &[0]);
    with_direct(key, &[key.sign(&draft, &hashed_key(&key.key_body()))])
}

/// A certificate that names a revoker, who revoked it.
pub fn revoked_by_another(key: &SigningKey, revoker: &SigningKey) -> Vec<u8> {
    let data = hashed_key(&key.key_body());
    let mut designation = vec![0x80, revoker.algorithm()];
    designation.extend(revoker.fingerprint());
    let names = Draft::new(0x1f, key, key.created()).and(12, &designation);
    let revocation = Draft::new(0x20, revoker, key.created() + 1);
    with_direct(key, &[key.sign(&names, &data), revoker.sign(&revocation, &data)])
}

/// What is wrong with a subkey.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Subkey {
    Sound,
    Revoked,
    Expired,
    NoFlag,
    NoBack,
    ForgedBack,
    Forged,
}

/// A certificate with a subkey that signs.
pub fn with_subkey(key: &SigningKey, subkey: &SigningKey, wrong: Subkey) -> Vec<u8> {
    let data = [hashed_key(&key.key_body()), hashed_key(&subkey.key_body())].concat();
    let flags = if wrong == Subkey::NoFlag { 0x0c } else { 0x02 };
    let maker = if wrong == Subkey::Forged { subkey } else { key };
    let mut binding = Draft::new(0x18, key, key.created()).digest(SHA512).and(27, &[flags]);
    if wrong == Subkey::Expired {
        binding = binding.and(9, &seconds(86_400));
    }
    let back_maker = if wrong == Subkey::ForgedBack { key } else { subkey };
    let back = Draft::new(0x19, subkey, key.created()).digest(SHA512);
    let back = back_maker.signature_body(&back, &data);
    if wrong != Subkey::NoBack {
        binding = binding.and(32, &back);
    }
    let mut bytes = certificate(key, NAME);
    bytes.extend(packet(14, &subkey.key_body()));
    if wrong == Subkey::Revoked {
        let revocation = Draft::new(0x28, key, key.created() + 1).and(29, &[0]);
        bytes.extend(key.sign(&revocation, &data));
    }
    bytes.extend(maker.sign(&binding, &data));
    bytes
}

/// A certificate with a certification by somebody else, as all of Debian's have.
pub fn certified_by(key: &SigningKey, other: &SigningKey) -> Vec<u8> {
    let data = hashed_user_id(&key.key_body(), NAME);
    let mut draft = Draft::new(0x10, other, key.created() + 1);
    draft.unhashed = subpacket(16, &issuer(other)[13..]);
    [certificate(key, NAME), other.sign(&draft, &data)].concat()
}
