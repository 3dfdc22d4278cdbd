//! Public keys: what identifies them, how strong they are, and whether they made a
//! signature. Never holds a secret, and leaves every computation to `ring`.

use std::borrow::Cow;
use std::fmt;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use ring::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::packet::{PacketError, Reader, bit_length};
use super::signature::{Digest, Issuer, Value};

/// The shortest RSA modulus that we accept, in bits. Debian's have 4096.
const MIN_RSA_BITS: usize = 3072;
/// The longest one: what `ring` computes with.
const MAX_RSA_BITS: usize = 8192;

/// A version 4 fingerprint: SHA-1 over the public key packet (RFC 9580 §5.5.4). Keys are
/// pinned by it; making two keys with one fingerprint would not help anybody, because the
/// key itself stands beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 20]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl Issuer {
    /// Whether this names the key with that fingerprint.
    pub(super) fn names(self, fingerprint: &Fingerprint) -> bool {
        match self {
            Self::Fingerprint(named) => named == *fingerprint,
            Self::KeyId(id) => fingerprint.0.ends_with(&id),
        }
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fingerprint(fingerprint) => fingerprint.fmt(f),
            Self::KeyId(id) => id.iter().try_for_each(|byte| write!(f, "{byte:02X}")),
        }
    }
}

/// What one of Debian's keys is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Signs the main archive by machine: `bookworm`, `bookworm-updates` and the like.
    Archive,
    /// Signs the security archive by machine: `bookworm-security`.
    Security,
    /// The offline key of the release managers: signs point releases, `bookworm` only.
    Release,
}

/// For which suites a key may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// For every suite: a key which the user named.
    Any,
    /// For the suites of this role in these releases (codenames).
    Debian { role: Role, releases: &'static [&'static str] },
}

impl Scope {
    /// Whether a key with this scope may sign `suite`, such as `bookworm-security`.
    #[must_use]
    pub fn covers(&self, suite: &str) -> bool {
        let Self::Debian { role, releases } = self else {
            return true;
        };
        let (release, part) = suite.split_once('-').unwrap_or((suite, ""));
        let in_role = match role {
            Role::Archive => part != "security",
            Role::Security => part == "security",
            Role::Release => suite == release,
        };
        in_role && releases.contains(&release)
    }
}

/// The numbers of a public key.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// Modulus and exponent, big-endian without leading zeros.
    Rsa { n: Cow<'static, [u8]>, e: Cow<'static, [u8]> },
    /// The compressed point.
    Ed25519([u8; 32]),
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description())
    }
}

impl KeyMaterial {
    /// Algorithm and size, as `RSA 4096`.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Self::Rsa { n, .. } => format!("RSA {}", bit_length(n)),
            Self::Ed25519(_) => "Ed25519".to_owned(),
        }
    }

    /// Whether nobody should rely on this key.
    pub(super) fn is_weak(&self) -> bool {
        matches!(self, Self::Rsa { n, .. } if bit_length(n) < MIN_RSA_BITS)
    }

    /// Whether a signature of this algorithm can be of this key at all.
    pub(super) fn fits(&self, value: Value<'_>) -> bool {
        matches!(
            (self, value),
            (Self::Rsa { .. }, Value::Rsa(_)) | (Self::Ed25519(_), Value::EdDsa { .. })
        )
    }

    /// Whether this key signed `message`. `prefix` are the first two bytes of the digest,
    /// which the packet repeats outside of what the signature covers.
    pub(super) fn signed(
        &self,
        message: &[u8],
        hash: Digest,
        prefix: [u8; 2],
        value: Value<'_>,
    ) -> bool {
        let digest = digest(hash.algorithm(), message);
        if !digest.as_ref().starts_with(&prefix) {
            return false;
        }
        match (self, value) {
            (Self::Rsa { n, e }, Value::Rsa(signature)) => {
                let parameters = match hash {
                    Digest::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                    Digest::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
                    Digest::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                };
                let Some(missing) = n.len().checked_sub(signature.len()) else {
                    return false;
                };
                let padded = [&vec![0; missing], signature].concat();
                let key = RsaPublicKeyComponents { n, e };
                key.verify(parameters, message, &padded).is_ok()
            }
            (Self::Ed25519(point), Value::EdDsa { r, s }) => {
                let mut signature = [0; 64];
                for (half, number) in [(32, r), (64, s)] {
                    match signature[half - 32..half].get_mut(32usize.wrapping_sub(number.len())..) {
                        Some(place) => place.copy_from_slice(number),
                        None => return false,
                    }
                }
                // OpenPGP signs the digest, not the message (RFC 9580 §5.2.3.3).
                UnparsedPublicKey::new(&ED25519, point).verify(digest.as_ref(), &signature).is_ok()
            }
            _ => false,
        }
    }
}

/// One key that may sign, with all that decides whether it counts. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What identifies the key (of the subkey, where a subkey signs).
    pub fingerprint: Fingerprint,
    /// The fingerprint of the certificate which the key belongs to; often the same.
    pub primary: Fingerprint,
    pub material: KeyMaterial,
    pub created: u64,
    /// When it ceases to count, whatever it signed before; never if `None`.
    pub expires: Option<u64>,
    /// The user id of its certificate, for people.
    pub name: Cow<'static, str>,
    pub scope: Scope,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.fingerprint, self.name)
    }
}

/// Reads hex digits while the program is compiled: a wrong digit or a wrong length is a
/// compile error. For the table of Debian's keys.
pub(super) const fn hex<const N: usize>(digits: &str) -> [u8; N] {
    const fn nibble(digit: u8) -> u8 {
        match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'F' => digit - b'A' + 10,
            _ => panic!("expected an upper-case hex digit"),
        }
    }
    let digits = digits.as_bytes();
    assert!(digits.len() == 2 * N, "expected two digits a byte");
    let mut bytes = [0; N];
    let mut place = 0;
    while place < N {
        bytes[place] = nibble(digits[2 * place]) << 4 | nibble(digits[2 * place + 1]);
        place += 1;
    }
    bytes
}

/// The content of a public key packet.
#[derive(Debug)]
pub(super) struct PublicKey {
    pub(super) fingerprint: Fingerprint,
    pub(super) created: u64,
    /// The key, or why we do not use it.
    pub(super) material: Result<KeyMaterial, String>,
    /// The packet as fingerprints and bindings hash it.
    pub(super) hashed: Vec<u8>,
}

impl PublicKey {
    /// Reads the body of a key packet; `None` for a version other than 4.
    pub(super) fn parse(body: &[u8]) -> Result<Option<Self>, PacketError> {
        const MALFORMED: PacketError = PacketError::Malformed { what: "public key packet" };
        let mut reader = Reader(body);
        if reader.byte().ok_or(MALFORMED)? != 4 {
            return Ok(None);
        }
        let created = reader.array().map(u32::from_be_bytes).ok_or(MALFORMED)?;
        let algorithm = reader.byte().ok_or(MALFORMED)?;
        let material = parse_material(algorithm, reader).ok_or(MALFORMED)?;
        let length = u16::try_from(body.len()).map_err(|_| MALFORMED)?;
        let hashed = [&[0x99], &length.to_be_bytes()[..], body].concat();
        let mut fingerprint = [0; 20];
        fingerprint.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, &hashed).as_ref());
        let fingerprint = Fingerprint(fingerprint);
        Ok(Some(Self { fingerprint, created: created.into(), material, hashed }))
    }
}

/// The numbers of a key; `None` if they are malformed, an error in words if we do not
/// compute with such keys.
fn parse_material(algorithm: u8, mut reader: Reader<'_>) -> Option<Result<KeyMaterial, String>> {
    /// The object identifier 1.3.6.1.4.1.11591.15.1 with its length.
    const ED25519_CURVE: &[u8] = b"\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01";
    /// Says that a native point follows (RFC 9580 §11.2).
    const NATIVE: u8 = 0x40;
    match algorithm {
        1 => {
            let (n, e) = (reader.mpi()?, reader.mpi()?);
            if !reader.0.is_empty() {
                return None;
            }
            let bits = bit_length(n);
            if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
                let range = format!("expected {MIN_RSA_BITS} to {MAX_RSA_BITS} bits, got {bits}");
                return Some(Err(format!("RSA key of unfit size: {range}")));
            }
            Some(Ok(KeyMaterial::Rsa { n: n.to_vec().into(), e: e.to_vec().into() }))
        }
        22 if reader.0.starts_with(ED25519_CURVE) => {
            reader.take(ED25519_CURVE.len())?;
            let (native, point) = reader.mpi()?.split_first()?;
            if *native != NATIVE || !reader.0.is_empty() {
                return None;
            }
            Some(point.try_into().map(KeyMaterial::Ed25519).map_err(|_| "malformed point".into()))
        }
        number => {
            let name = match number {
                17 => "DSA".to_owned(),
                16 | 18 => "an encryption key".to_owned(),
                19 => "ECDSA (NIST or brainpool)".to_owned(),
                22 => "EdDSA on another curve than Ed25519".to_owned(),
                other => format!("algorithm {other}"),
            };
            Some(Err(format!("algorithm not accepted: expected RSA or Ed25519, got {name}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_the_suites_of_its_role() {
        let scope = |role| Scope::Debian { role, releases: &["bookworm", "trixie"] };
        for (suite, archive, security, release) in [
            ("bookworm", true, false, true),
            ("bookworm-updates", true, false, false),
            ("bookworm-backports", true, false, false),
            ("bookworm-security", false, true, false),
            ("trixie-security", false, true, false),
            ("sid", false, false, false),
            ("bookworm2", false, false, false),
        ] {
            assert_eq!(scope(Role::Archive).covers(suite), archive, "{suite}");
            assert_eq!(scope(Role::Security).covers(suite), security, "{suite}");
            assert_eq!(scope(Role::Release).covers(suite), release, "{suite}");
            assert!(Scope::Any.covers(suite));
        }
    }
}
