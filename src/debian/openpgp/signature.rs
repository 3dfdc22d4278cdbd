//! Version 4 signature packets and their subpackets (RFC 9580 §5.2.3): what a signature
//! says of itself. Nothing here is true before the signature is checked, and nothing from
//! the area which the signature does not cover is ever more than a hint.

use ring::digest;

use super::key::Fingerprint;
use super::packet::{PacketError, Reader};

/// The largest area of subpackets, in bytes: gpg's limit too. Debian's have 29 and 10.
const MAX_AREA: usize = 10_000;

/// A digest that we accept. SHA-1, MD5, RIPEMD-160 and SHA-224 are none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// By the name which cleartext headers use.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "SHA256" => Some(Self::Sha256),
            "SHA384" => Some(Self::Sha384),
            "SHA512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// By the number which packets use (§9.5).
    pub(super) fn from_number(number: u8) -> Option<Self> {
        match number {
            8 => Some(Self::Sha256),
            9 => Some(Self::Sha384),
            10 => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// What people call the digest with this number.
pub(super) fn digest_name(number: u8) -> String {
    match number {
        1 => "MD5".to_owned(),
        2 => "SHA-1".to_owned(),
        3 => "RIPEMD-160".to_owned(),
        8 => "SHA-256".to_owned(),
        9 => "SHA-384".to_owned(),
        10 => "SHA-512".to_owned(),
        11 => "SHA-224".to_owned(),
        other => format!("digest {other}"),
    }
}

/// Whom a signature names as its maker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Issuer {
    Fingerprint(Fingerprint),
    KeyId([u8; 8]),
}

/// What kind of packet body a signature is.
#[derive(Debug)]
pub(super) enum Parsed<'a> {
    V4(Box<Signature<'a>>),
    /// Another version, which we cannot check and ignore.
    Other(u8),
}

/// The numbers of which a signature consists.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Rsa(&'a [u8]),
    EdDsa {
        r: &'a [u8],
        s: &'a [u8],
    },
    /// Of an algorithm that we do not check.
    Other,
}

/// A version 4 signature. Times are Unix seconds, lifetimes seconds.
#[derive(Debug)]
pub(super) struct Signature<'a> {
    pub(super) kind: u8,
    pub(super) digest: u8,
    /// The bytes of the packet which the signature covers, up to the hashed subpackets.
    pub(super) covered: &'a [u8],
    pub(super) prefix: [u8; 2],
    pub(super) value: Value<'a>,
    /// All issuers named, in the covered area and outside of it.
    pub(super) issuers: Vec<Issuer>,
    pub(super) created: Option<u64>,
    pub(super) lifetime: Option<u64>,
    pub(super) key_lifetime: Option<u64>,
    pub(super) key_flags: Option<u8>,
    pub(super) revokers: Vec<Fingerprint>,
    pub(super) embedded: Option<&'a [u8]>,
    /// The first critical subpacket that we do not know.
    pub(super) critical: Option<u8>,
    /// A subpacket that stands twice in the covered area and may stand once.
    pub(super) twice: Option<u8>,
    /// The first subpacket outside the covered area that names no issuer.
    pub(super) uncovered: Option<u8>,
}

impl<'a> Signature<'a> {
    /// Reads the body of a signature packet to its last byte.
    pub(super) fn parse(body: &'a [u8]) -> Result<Parsed<'a>, PacketError> {
        let version = body.first().copied();
        let version = version.ok_or(PacketError::Malformed { what: "signature packet" })?;
        if version != 4 {
            return Ok(Parsed::Other(version));
        }
        let signature = Self::parse_v4(body);
        let signature = signature.ok_or(PacketError::Malformed { what: "signature packet" })?;
        Ok(Parsed::V4(Box::new(signature)))
    }

    fn parse_v4(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(body);
        let [_, kind, algorithm, digest] = reader.array()?;
        let hashed = take_area(&mut reader)?;
        let covered = &body[..body.len() - reader.0.len()];
        let unhashed = take_area(&mut reader)?;
        let prefix = reader.array()?;
        let value = match algorithm {
            1 => Value::Rsa(reader.mpi()?),
            22 => Value::EdDsa { r: reader.mpi()?, s: reader.mpi()? },
            _ => Value::Other,
        };
        if !matches!(value, Value::Other) && !reader.0.is_empty() {
            return None;
        }
        let mut signature = Self {
            kind,
            digest,
            covered,
            prefix,
            value,
            issuers: Vec::new(),
            created: None,
            lifetime: None,
            key_lifetime: None,
            key_flags: None,
            revokers: Vec::new(),
            embedded: None,
            critical: None,
            twice: None,
            uncovered: None,
        };
        signature.read_hashed(hashed)?;
        signature.read_unhashed(unhashed)?;
        Some(signature)
    }

    fn read_hashed(&mut self, area: &'a [u8]) -> Option<()> {
        for subpacket in Subpackets(Reader(area)) {
            let Subpacket { kind, critical, body } = subpacket?;
            let twice = match kind {
                2 => self.created.replace(time(body)?).is_some(),
                3 => self.lifetime.replace(time(body)?).is_some(),
                9 => self.key_lifetime.replace(time(body)?).is_some(),
                12 => {
                    let [_, _, fingerprint @ ..] = Reader(body).array::<22>()?;
                    self.revokers.push(Fingerprint(fingerprint));
                    false
                }
                16 | 33 => {
                    self.read_issuer(kind, body)?;
                    false
                }
                27 => self.key_flags.replace(*body.first().unwrap_or(&0)).is_some(),
                32 => self.embedded.replace(body).is_some(),
                // Preferences, features, primary user id, revocability, reason for a
                // revocation: known, and nothing that decides here.
                7 | 11 | 21 | 22 | 23 | 25 | 29 | 30 | 34 => false,
                _ => {
                    self.critical = self.critical.or(critical.then_some(kind));
                    false
                }
            };
            self.twice = self.twice.or(twice.then_some(kind));
        }
        Some(())
    }

    fn read_unhashed(&mut self, area: &'a [u8]) -> Option<()> {
        for subpacket in Subpackets(Reader(area)) {
            let Subpacket { kind, critical, body } = subpacket?;
            match kind {
                16 | 33 => self.read_issuer(kind, body)?,
                // gpg puts back signatures here: they carry their own proof.
                32 if self.embedded.is_none() => self.embedded = Some(body),
                _ => {
                    self.uncovered = self.uncovered.or(Some(kind));
                    self.critical = self.critical.or(critical.then_some(kind));
                }
            }
        }
        Some(())
    }

    /// Notes an issuer; one with a fingerprint of another version (§5.2.3.35) is not ours.
    fn read_issuer(&mut self, kind: u8, body: &[u8]) -> Option<()> {
        if kind == 16 {
            self.issuers.push(Issuer::KeyId(body.try_into().ok()?));
        } else if let (4, fingerprint) = body.split_first()? {
            let fingerprint = fingerprint.try_into().ok()?;
            self.issuers.push(Issuer::Fingerprint(Fingerprint(fingerprint)));
        }
        Some(())
    }

    /// When the signature expires, if it does.
    pub(super) fn expires(&self) -> Option<u64> {
        Some(self.created? + self.lifetime.filter(|lifetime| *lifetime > 0)?)
    }

    /// The bytes that follow the signed data under the digest (§5.2.4).
    pub(super) fn trailer(&self) -> Vec<u8> {
        let mut bytes = self.covered.to_vec();
        bytes.extend([4, 0xff]);
        let length = u32::try_from(self.covered.len());
        bytes.extend(length.expect("two bytes hold the length of the area").to_be_bytes());
        bytes
    }
}

/// An area of subpackets with its length before it.
fn take_area<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = usize::from(reader.u16()?);
    reader.take(length).filter(|area| area.len() <= MAX_AREA)
}

fn time(body: &[u8]) -> Option<u64> {
    <[u8; 4]>::try_from(body).ok().map(|bytes| u32::from_be_bytes(bytes).into())
}

struct Subpacket<'a> {
    kind: u8,
    critical: bool,
    body: &'a [u8],
}

/// The subpackets of an area; `None` as an item says that the area is malformed.
struct Subpackets<'a>(Reader<'a>);

impl<'a> Subpackets<'a> {
    fn read(&mut self) -> Option<Subpacket<'a>> {
        let first = self.0.byte()?;
        let length = self.0.length_after(first)?;
        let (kind, body) = self.0.take(length)?.split_first()?;
        Some(Subpacket { kind: kind & 0x7f, critical: kind & 0x80 != 0, body })
    }
}

impl<'a> Iterator for Subpackets<'a> {
    type Item = Option<Subpacket<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.0.0.is_empty()).then(|| self.read())
    }
}
