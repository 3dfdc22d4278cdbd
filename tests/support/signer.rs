//! A small OpenPGP signer with throwaway keys, for tests: clear-signed messages and the
//! certificates to trust them. It depends on `ring` alone, never on the code under test,
//! and it writes broken packets as readily as sound ones when a test asks for them.
//!
//! Sources: RFC 9580 (v4 packets §4.2, §4.3, §5.2.3, §5.5; armor §6; cleartext §7).

#![allow(dead_code, reason = "each test binary uses its own part of this file")]

use ring::digest::{self, digest};
use ring::rand::SystemRandom;
use ring::signature::{
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaKeyPair,
};

/// OpenPGP's number of SHA-256, the digest which Debian signs with.
pub const SHA256: u8 = 8;
/// OpenPGP's number of SHA-384.
pub const SHA384: u8 = 9;
/// OpenPGP's number of SHA-512.
pub const SHA512: u8 = 10;
/// The signature type of cleartext: a canonical text document.
pub const TEXT: u8 = 0x01;

enum Secret {
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// A throwaway key which can sign. Times are Unix seconds.
pub struct SigningKey {
    secret: Secret,
    created: u32,
}

impl SigningKey {
    /// An Ed25519 key (OpenPGP's algorithm 22, as Debian's release keys) out of one byte.
    pub fn ed25519(seed: u8, created: u64) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        Self { secret: Secret::Ed25519(pair), created: u32::try_from(created).unwrap() }
    }

    /// An RSA key out of an unencrypted PKCS#8 file.
    pub fn rsa(pkcs8: &[u8], created: u64) -> Self {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).unwrap();
        Self { secret: Secret::Rsa(Box::new(pair)), created: u32::try_from(created).unwrap() }
    }

    /// When the key says it was made.
    pub fn created(&self) -> u64 {
        u64::from(self.created)
    }

    /// OpenPGP's number of the algorithm: 1 RSA, 22 `EdDSA`.
    pub fn algorithm(&self) -> u8 {
        match self.secret {
            Secret::Ed25519(_) => 22,
            Secret::Rsa(_) => 1,
        }
    }

    /// The 32 bytes of an Ed25519 public key.
    pub fn ed25519_public(&self) -> Option<[u8; 32]> {
        match &self.secret {
            Secret::Ed25519(pair) => pair.public_key().as_ref().try_into().ok(),
            Secret::Rsa(_) => None,
        }
    }

    /// Modulus and exponent of an RSA public key, big-endian without leading zeros.
    pub fn rsa_public(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        match &self.secret {
            Secret::Ed25519(_) => None,
            Secret::Rsa(pair) => {
                let public: ring::signature::RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
                Some((public.n, public.e))
            }
        }
    }

    /// The body of the v4 public key packet.
    pub fn key_body(&self) -> Vec<u8> {
        let mut body = vec![4];
        body.extend(self.created.to_be_bytes());
        body.push(self.algorithm());
        if let Some(point) = self.ed25519_public() {
            // The curve's OID 1.3.6.1.4.1.11591.15.1 with its length before it.
            body.extend(b"\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01");
            let mut prefixed = vec![0x40];
            prefixed.extend(point);
            body.extend(mpi(&prefixed));
        }
        if let Some((n, e)) = self.rsa_public() {
            body.extend(mpi(&n));
            body.extend(mpi(&e));
        }
        body
    }

    /// The v4 fingerprint: SHA-1 over the public key packet.
    pub fn fingerprint(&self) -> [u8; 20] {
        let hash = digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &hashed_key(&self.key_body()));
        hash.as_ref().try_into().unwrap()
    }

    /// The last eight bytes of the fingerprint.
    pub fn key_id(&self) -> [u8; 8] {
        self.fingerprint()[12..].try_into().unwrap()
    }

    /// The fingerprint as people write it: 40 upper-case hex digits.
    pub fn fingerprint_hex(&self) -> String {
        let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble)]);
        let digits = |byte: u8| [digit(byte >> 4), digit(byte & 15)];
        self.fingerprint().into_iter().flat_map(digits).collect()
    }

    /// One signature packet over `data` (text already with CRLF line ends).
    pub fn sign(&self, draft: &Draft, data: &[u8]) -> Vec<u8> {
        packet(2, &self.signature_body(draft, data))
    }

    /// The body of the packet which [`Self::sign`] makes.
    pub fn signature_body(&self, draft: &Draft, data: &[u8]) -> Vec<u8> {
        let mut head = vec![draft.version, draft.kind, self.algorithm(), draft.digest];
        head.extend(u16::try_from(draft.hashed.len()).unwrap().to_be_bytes());
        head.extend(&draft.hashed);
        let mut message = data.to_vec();
        message.extend(&head);
        message.extend([draft.version, 0xff]);
        message.extend(u32::try_from(head.len()).unwrap().to_be_bytes());
        let (hash, padding): (_, &dyn ring::signature::RsaEncoding) = match draft.digest {
            SHA384 => (&digest::SHA384, &RSA_PKCS1_SHA384),
            SHA512 => (&digest::SHA512, &RSA_PKCS1_SHA512),
            _ => (&digest::SHA256, &RSA_PKCS1_SHA256),
        };
        let value = digest(hash, &message);
        let mut body = head;
        body.extend(u16::try_from(draft.unhashed.len()).unwrap().to_be_bytes());
        body.extend(&draft.unhashed);
        body.extend(&value.as_ref()[..2]);
        match &self.secret {
            Secret::Ed25519(pair) => {
                let signature = pair.sign(value.as_ref());
                body.extend(mpi(&signature.as_ref()[..32]));
                body.extend(mpi(&signature.as_ref()[32..]));
            }
            Secret::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &SystemRandom::new(), &message, &mut signature).unwrap();
                body.extend(mpi(&signature));
            }
        }
        body
    }
}

/// What a signature packet says, before it is signed. Every field may be made wrong.
#[derive(Clone)]
pub struct Draft {
    pub version: u8,
    pub kind: u8,
    pub digest: u8,
    pub hashed: Vec<u8>,
    pub unhashed: Vec<u8>,
}

impl Draft {
    /// As Debian signs: hashed issuer fingerprint and time, unhashed key id.
    pub fn new(kind: u8, key: &SigningKey, created: u64) -> Self {
        let mut hashed = subpacket(33, &issuer(key));
        hashed.extend(subpacket(2, &seconds(created)));
        Self { version: 4, kind, digest: SHA256, hashed, unhashed: subpacket(16, &key.key_id()) }
    }

    /// The same with another digest algorithm.
    pub fn digest(mut self, digest: u8) -> Self {
        self.digest = digest;
        self
    }

    /// The same with one more subpacket under the signature.
    pub fn and(mut self, kind: u8, body: &[u8]) -> Self {
        self.hashed.extend(subpacket(kind, body));
        self
    }
}

/// The body of an issuer fingerprint subpacket.
pub fn issuer(key: &SigningKey) -> Vec<u8> {
    let mut body = vec![4];
    body.extend(key.fingerprint());
    body
}

/// Unix seconds as OpenPGP writes them, four bytes.
pub fn seconds(time: u64) -> [u8; 4] {
    u32::try_from(time).unwrap().to_be_bytes()
}

/// One subpacket; bit 7 of `kind` makes it critical.
pub fn subpacket(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() + 1;
    let mut bytes = match length {
        0..192 => vec![u8::try_from(length).unwrap()],
        192..16320 => {
            let rest = u16::try_from(length - 192).unwrap().to_be_bytes();
            vec![rest[0] + 192, rest[1]]
        }
        _ => {
            let mut long = vec![255];
            long.extend(u32::try_from(length).unwrap().to_be_bytes());
            long
        }
    };
    bytes.push(kind);
    bytes.extend(body);
    bytes
}

/// One packet in the old format with a two- or four-byte length, as gpg writes.
pub fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(length) = u16::try_from(body.len()) {
        bytes.push(0x80 | tag << 2 | 1);
        bytes.extend(length.to_be_bytes());
    } else {
        bytes.push(0x80 | tag << 2 | 2);
        bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
    }
    bytes.extend(body);
    bytes
}

/// A multiprecision integer: its length in bits, then its bytes without leading zeros.
pub fn mpi(value: &[u8]) -> Vec<u8> {
    let first = value.iter().position(|byte| *byte != 0).unwrap_or(value.len());
    let value = &value[first..];
    let zeros = value.first().map_or(0, |byte| byte.leading_zeros() as usize);
    let mut bytes = u16::try_from(value.len() * 8 - zeros).unwrap().to_be_bytes().to_vec();
    bytes.extend(value);
    bytes
}

/// The bytes of a key packet as fingerprints and bindings hash them.
pub fn hashed_key(body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x99];
    bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

/// The text as it is signed: CRLF between lines, the last line end left out.
pub fn canonical(text: &str) -> Vec<u8> {
    text.strip_suffix('\n').unwrap_or(text).replace('\n', "\r\n").into_bytes()
}

/// A clear-signed message around signature packets that are already made.
pub fn cleartext(text: &str, hash: &str, packets: &[u8]) -> String {
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    let armor = armor("SIGNATURE", packets);
    format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: {hash}\n\n{text}{newline}{armor}")
}

/// A clear-signed message as Debian makes it, with one signature.
pub fn sign_cleartext(text: &str, key: &SigningKey, created: u64) -> String {
    let draft = Draft::new(TEXT, key, created);
    cleartext(text, "SHA256", &key.sign(&draft, &canonical(text)))
}

/// A certificate of one key that signs (binary, as a `.gpg` file): readable by gpg, sqv
/// and `--keyring`.
pub fn certificate(key: &SigningKey, user_id: &str) -> Vec<u8> {
    let draft = Draft::new(0x13, key, key.created()).digest(SHA512).and(27, &[0x03]);
    let body = key.key_body();
    let mut bytes = packet(6, &body);
    bytes.extend(packet(13, user_id.as_bytes()));
    bytes.extend(key.sign(&draft, &hashed_user_id(&body, user_id)));
    bytes
}

/// What a certification of a user id hashes: the key and the id.
pub fn hashed_user_id(key_body: &[u8], user_id: &str) -> Vec<u8> {
    let mut data = hashed_key(key_body);
    data.push(0xb4);
    data.extend(u32::try_from(user_id.len()).unwrap().to_be_bytes());
    data.extend(user_id.as_bytes());
    data
}

/// ASCII armor with a checksum; `kind` is `SIGNATURE` or `PUBLIC KEY BLOCK`.
pub fn armor(kind: &str, bytes: &[u8]) -> String {
    let mut text = format!("-----BEGIN PGP {kind}-----\n\n");
    let encoded = base64(bytes);
    for line in encoded.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap());
        text.push('\n');
    }
    let checksum = base64(&crc24(bytes).to_be_bytes()[1..]);
    text + &format!("={checksum}\n-----END PGP {kind}-----\n")
}

/// The checksum of RFC 9580 §6.1.
pub fn crc24(bytes: &[u8]) -> u32 {
    let mut crc = 0x00b7_04ce;
    for byte in bytes {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4cfb;
            }
        }
    }
    crc & 0x00ff_ffff
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut word = [0; 4];
        word[1..=group.len()].copy_from_slice(group);
        let word = u32::from_be_bytes(word);
        for place in 0..4 {
            if place > group.len() {
                text.push('=');
            } else {
                let index = word >> (18 - 6 * place) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            }
        }
    }
    text
}
