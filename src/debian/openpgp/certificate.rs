//! Version 4 certificates (RFC 9580 §10.1), as a user's keyring holds them: which of their
//! keys may sign, until when. What the certificate's own key does not vouch for does not
//! count; doubt about a revocation or an expiry is decided against the key.

use super::key::{Key, KeyMaterial, PublicKey, Scope};
use super::keyring::{KeyringError, Unusable};
use super::packet::PacketError;
use super::parts::{self, Part, kind, tag};
use super::signature::{Digest, Parsed, Signature};

/// The flag of keys that may sign data (§5.2.3.29).
const MAY_SIGN: u8 = 0x02;

/// The keys of a file, and those that do not count.
type Keys = (Vec<Key>, Vec<Unusable>);

/// Reads all certificates of a keyring file, binary or armored.
pub(super) fn read(bytes: &[u8], origin: &str) -> Result<Keys, KeyringError> {
    let binary = parts::decode(bytes, origin)?;
    let malformed = |reason| KeyringError::Packet { origin: origin.to_owned(), reason };
    let parts = parts::split(&binary, origin)?;
    let (mut keys, mut unusable) = (Vec::new(), Vec::new());
    for certificate in parts.chunk_by(|_, next| next.tag != tag::PRIMARY) {
        judge(certificate, &mut keys, &mut unusable).map_err(malformed)?;
    }
    Ok((keys, unusable))
}

/// Adds the keys of one certificate to those that count or to those that do not.
fn judge(
    certificate: &[Part<'_>],
    keys: &mut Vec<Key>,
    unusable: &mut Vec<Unusable>,
) -> Result<(), PacketError> {
    let Some((first, rest)) = certificate.split_first() else {
        return Ok(());
    };
    let Some(key) = PublicKey::parse(first.body)? else {
        let reason = "a certificate of another version than 4".to_owned();
        unusable.push(Unusable { fingerprint: None, reason });
        return Ok(());
    };
    let primary = Primary { key: &key, part: first, ids: rest };
    let mut ids = rest.iter().filter(|part| part.tag == tag::USER_ID);
    let name = ids.find(|id| primary.certification(id).is_some());
    let name = name.map_or_else(String::new, |id| String::from_utf8_lossy(id.body).into_owned());
    let mut candidates = vec![(key.fingerprint, primary.judge())];
    for part in rest.iter().filter(|part| part.tag == tag::SUBKEY) {
        if let Some(subkey) = PublicKey::parse(part.body)? {
            candidates.push((subkey.fingerprint, primary.judge_subkey(&subkey, part)));
        }
    }
    for (fingerprint, verdict) in candidates {
        match verdict {
            Ok(usable) => keys.push(Key {
                fingerprint,
                primary: key.fingerprint,
                material: usable.material,
                created: usable.created,
                expires: usable.expires,
                name: name.clone().into(),
                scope: Scope::Any,
            }),
            Err(reason) => unusable.push(Unusable { fingerprint: Some(fingerprint), reason }),
        }
    }
    Ok(())
}

/// A key that may sign.
struct Usable {
    material: KeyMaterial,
    created: u64,
    expires: Option<u64>,
}

/// The primary key with what stands behind it in its certificate.
struct Primary<'a> {
    key: &'a PublicKey,
    part: &'a Part<'a>,
    ids: &'a [Part<'a>],
}

impl Primary<'_> {
    /// Whether the primary key may sign data, or why not.
    fn judge(&self) -> Result<Usable, String> {
        let (flags, expires) = self.validity()?;
        if flags & MAY_SIGN == 0 {
            return Err("it may not sign (key flags)".to_owned());
        }
        let material = self.key.material.clone()?;
        Ok(Usable { material, created: self.key.created, expires })
    }

    /// Whether a subkey may sign data, or why not.
    fn judge_subkey(&self, subkey: &PublicKey, part: &Part<'_>) -> Result<Usable, String> {
        let (_, primary_expires) = self
            .validity()
            .map_err(|reason| format!("its primary key does not count: {reason}"))?;
        let material = subkey.material.clone()?;
        let data = [&self.key.hashed[..], &subkey.hashed].concat();
        if self.has(part, |signature| signature.kind == kind::SUBKEY_REVOCATION, &data)
            || self.is_revoked_by_another(part, kind::SUBKEY_REVOCATION)
        {
            return Err("it is revoked".to_owned());
        }
        let binding = self
            .newest(part, |signature| signature.kind == kind::SUBKEY_BINDING, &data)
            .ok_or("its primary key does not vouch for it (no valid binding signature)")?;
        if binding.key_flags.unwrap_or(0) & MAY_SIGN == 0 {
            return Err("it may not sign (key flags)".to_owned());
        }
        let back = binding.embedded.map(Signature::parse);
        match back {
            Some(Ok(Parsed::V4(back)))
                if back.kind == kind::BACK_SIGNATURE && is_made_by(subkey, &back, &data) => {}
            _ => {
                return Err(
                    "it does not vouch for its primary key (no valid back signature)".into()
                );
            }
        }
        let expires = earliest([expiry(subkey, binding), primary_expires]);
        Ok(Usable { material, created: subkey.created, expires })
    }

    /// The flags and the expiry of the primary key, or why it does not count at all.
    ///
    /// Each user id speaks by its newest signature; of several the earliest expiry holds.
    fn validity(&self) -> Result<(u8, Option<u64>), String> {
        self.key.material.as_ref()?;
        let data = &self.key.hashed;
        if self.has(self.part, |signature| signature.kind == kind::KEY_REVOCATION, data)
            || self.is_revoked_by_another(self.part, kind::KEY_REVOCATION)
        {
            return Err("it is revoked".to_owned());
        }
        let direct = self.newest(self.part, |signature| signature.kind == kind::DIRECT, data);
        let mut vouching: Vec<_> = direct.into_iter().collect();
        let ids = self.ids.iter().filter(|part| part.tag != tag::SUBKEY);
        vouching.extend(ids.filter_map(|id| self.certification(id)));
        let flags = vouching.iter().filter(|signature| signature.key_flags.is_some());
        let flags = flags.max_by_key(|signature| signature.created);
        let flags = flags.and_then(|signature| signature.key_flags);
        if vouching.is_empty() {
            return Err("it does not vouch for itself (no valid self-signature)".to_owned());
        }
        let expires = earliest(vouching.iter().map(|signature| expiry(self.key, signature)));
        Ok((flags.unwrap_or(0), expires))
    }

    /// The newest signature by which the key claims a user id that it did not revoke.
    fn certification<'p>(&self, id: &'p Part<'_>) -> Option<&'p Signature<'p>> {
        let data = self.hash_id(id);
        let revokes = |signature: &Signature<'_>| signature.kind == kind::CERTIFICATION_REVOCATION;
        let certifies = |signature: &Signature<'_>| kind::CERTIFICATIONS.contains(&signature.kind);
        if self.has(id, revokes, &data) { None } else { self.newest(id, certifies, &data) }
    }

    /// What a certification of a user id or attribute hashes (§5.2.4).
    fn hash_id(&self, id: &Part<'_>) -> Vec<u8> {
        let mark = if id.tag == tag::USER_ID { 0xb4 } else { 0xd1 };
        let length = u32::try_from(id.body.len()).unwrap_or(u32::MAX);
        [&self.key.hashed, &[mark][..], &length.to_be_bytes(), id.body].concat()
    }

    /// The newest signature of the primary key behind `part` that `wanted` picks.
    fn newest<'p>(
        &self,
        part: &'p Part<'_>,
        wanted: impl Fn(&Signature<'_>) -> bool,
        data: &[u8],
    ) -> Option<&'p Signature<'p>> {
        part.signatures
            .iter()
            .filter(|signature| wanted(signature) && is_made_by(self.key, signature, data))
            .max_by_key(|signature| signature.created)
    }

    fn has(&self, part: &Part<'_>, wanted: impl Fn(&Signature<'_>) -> bool, data: &[u8]) -> bool {
        self.newest(part, wanted, data).is_some()
    }

    /// Whether a designated revoker (§5.2.3.23) revoked the key. Its signature is believed
    /// unseen, since its own key is rarely at hand: the worst is a key that is not used.
    fn is_revoked_by_another(&self, part: &Part<'_>, kind: u8) -> bool {
        let revokers: Vec<_> = self
            .part
            .signatures
            .iter()
            .filter(|signature| signature.kind == kind::DIRECT)
            .filter(|signature| is_made_by(self.key, signature, &self.key.hashed))
            .flat_map(|signature| &signature.revokers)
            .collect();
        part.signatures.iter().filter(|signature| signature.kind == kind).any(|signature| {
            let issuers = &signature.issuers;
            issuers.iter().any(|issuer| revokers.iter().any(|revoker| issuer.names(revoker)))
        })
    }
}

/// Whether `key` made the signature over `data`, with a digest of today and after it was
/// itself made. Certifications by third parties, which every Debian key has, are not.
fn is_made_by(key: &PublicKey, signature: &Signature<'_>, data: &[u8]) -> bool {
    let (Ok(material), Some(digest)) = (&key.material, Digest::from_number(signature.digest))
    else {
        return false;
    };
    let is_sound = signature.critical.is_none()
        && signature.twice.is_none()
        && signature.created.is_some_and(|created| created >= key.created);
    is_sound
        && signature.issuers.iter().any(|issuer| issuer.names(&key.fingerprint))
        && signature.issuers.iter().all(|issuer| issuer.names(&key.fingerprint))
        && material.fits(signature.value)
        && {
            let message = [data, &signature.trailer()].concat();
            material.signed(&message, digest, signature.prefix, signature.value)
        }
}

/// When `signature` says that `key` expires; its own expiry counts as the key's.
fn expiry(key: &PublicKey, signature: &Signature<'_>) -> Option<u64> {
    let lifetime = signature.key_lifetime.filter(|lifetime| *lifetime > 0);
    earliest([lifetime.map(|lifetime| key.created + lifetime), signature.expires()])
}

fn earliest(times: impl IntoIterator<Item = Option<u64>>) -> Option<u64> {
    times.into_iter().flatten().min()
}
