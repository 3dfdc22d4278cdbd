//! The verdict on a message. It errs on one side only: whatever is not understood in full
//! is refused or does not count, and only the text that was verified comes out.

use std::borrow::Cow;

use super::error::{BadSignature, MAX_LISTED, Refusal, SignatureError};
use super::framing::{self, Cleartext};
use super::key::{Fingerprint, Key};
use super::keyring::SuiteKeys;
use super::packet::Packets;
use super::signature::{Digest, Issuer, Parsed, Signature, digest_name};

/// How far a clock may be behind the signer's, in seconds: one day.
const CLOCK_SKEW: u64 = 86_400;
/// The type of a signature over canonical text (RFC 9580 §5.2.1.2).
const TEXT_SIGNATURE: u8 = 0x01;
/// How many signatures are computed for one message. Debian's files carry two or three.
pub(super) const MAX_CHECKED: usize = 16;

/// A message whose signature is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Exactly the text that was verified: complete lines, each with its line feed.
    pub text: String,
    /// The good signatures of pinned keys, in the order of the message; at least one.
    pub signatures: Vec<GoodSignature>,
}

/// A signature that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoodSignature {
    pub fingerprint: Fingerprint,
    /// When it was made, in Unix seconds.
    pub created: u64,
    /// The name of the key.
    pub name: Cow<'static, str>,
}

/// Verifies a clear-signed message with the keys pinned for its suite. `now` is Unix
/// seconds: expiry is judged now, whenever the signature was made.
///
/// # Errors
/// Every way in which the message is not one text with at least one good signature, and
/// without a bad one, by the pinned keys.
pub fn verify(message: &[u8], keys: &SuiteKeys, now: u64) -> Result<Verified, SignatureError> {
    let message = framing::split(message)?;
    if keys.trusted.is_empty() {
        return Err(SignatureError::NoPinnedKey { suite: keys.suite.clone() });
    }
    let mut judge = Judge::new(&message, keys, now);
    for packet in Packets::new(&message.packets) {
        let packet = packet?;
        if packet.tag != 2 {
            return Err(SignatureError::NotASignature { tag: packet.tag });
        }
        match Signature::parse(packet.body)? {
            Parsed::V4(signature) => judge.judge(&signature)?,
            Parsed::Other(version) => judge.version = judge.version.or(Some(version)),
        }
    }
    if judge.good.is_empty() {
        return Err(judge.explain());
    }
    Ok(Verified { text: message.text.to_owned(), signatures: judge.good })
}

impl Verified {
    /// Demands that `key` is among those who signed, for instance the offline release key
    /// of a point release ([`SuiteKeys::release_key`]).
    ///
    /// # Errors
    /// If it is not.
    pub fn demand(&self, key: &Key) -> Result<(), SignatureError> {
        if self.signatures.iter().any(|good| good.fingerprint == key.fingerprint) {
            return Ok(());
        }
        Err(SignatureError::Demanded {
            fingerprint: key.fingerprint,
            name: key.name.clone(),
            got: self.signatures.iter().map(|good| good.fingerprint.to_string()).collect(),
        })
    }
}

impl Verified {
    /// Demands that all the keys with these fingerprints (40 digits, upper case) are among
    /// those who signed.
    ///
    /// # Errors
    /// For the first that is not, or that `keys` does not hold.
    pub fn demand_all(&self, wanted: &[String], keys: &SuiteKeys) -> Result<(), SignatureError> {
        for wanted in wanted {
            let is_wanted = |key: &&Key| key.fingerprint.to_string() == *wanted;
            match keys.trusted.iter().find(is_wanted) {
                Some(key) => self.demand(key)?,
                None => {
                    return Err(SignatureError::DemandedUnknown {
                        wanted: wanted.clone(),
                        suite: keys.suite.clone(),
                        origin: keys.origin.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// The state of one judgement: what counted, and why the rest did not.
struct Judge<'a> {
    keys: &'a SuiteKeys,
    now: u64,
    digests: &'a [Digest],
    /// The text as it was signed; a signature's trailer follows while it is checked.
    signed: Vec<u8>,
    text_length: usize,
    checked: usize,
    good: Vec<GoodSignature>,
    refused: Option<SignatureError>,
    version: Option<u8>,
    seen: Vec<Issuer>,
}

impl<'a> Judge<'a> {
    fn new(message: &'a Cleartext<'a>, keys: &'a SuiteKeys, now: u64) -> Self {
        // Lines end with CRLF under the signature, the last one does not end (§7.2).
        let text = message.text.strip_suffix('\n').unwrap_or(message.text);
        let signed = text.replace('\n', "\r\n").into_bytes();
        Self {
            keys,
            now,
            digests: &message.digests,
            text_length: signed.len(),
            signed,
            checked: 0,
            good: Vec::new(),
            refused: None,
            version: None,
            seen: Vec::new(),
        }
    }

    fn judge(&mut self, signature: &Signature<'_>) -> Result<(), SignatureError> {
        let keys = self.keys;
        let named = |fingerprint: &Fingerprint| {
            signature.issuers.iter().any(|issuer| issuer.names(fingerprint))
        };
        let Some(key) = keys.trusted.iter().find(|key| named(&key.fingerprint)) else {
            if self.seen.len() <= MAX_LISTED * 2 {
                self.seen.extend(signature.issuers.first());
            }
            return Ok(());
        };
        let (fingerprint, name) = (key.fingerprint, key.name.clone());
        match self.check(key, signature) {
            Ok(created) => self.good.push(GoodSignature { fingerprint, created, name }),
            Err(Verdict::TooMany) => return Err(SignatureError::TooMany),
            Err(Verdict::Bad(reason)) => {
                return Err(SignatureError::Bad { fingerprint, name, reason });
            }
            Err(Verdict::Refused(reason)) => {
                let refused = SignatureError::Refused { fingerprint, name, reason };
                self.refused.get_or_insert(refused);
            }
        }
        Ok(())
    }

    /// When the signature was made, if it counts. What a stranger could have put together
    /// is judged before the computation, what only the key's owner can say after it.
    fn check(&mut self, key: &Key, signature: &Signature<'_>) -> Result<u64, Verdict> {
        let now = self.now;
        if let Some(kind) = signature.critical {
            return Err(Refusal::Critical(kind).into());
        }
        if !signature.issuers.iter().all(|issuer| issuer.names(&key.fingerprint)) {
            return Err(BadSignature::Issuers.into());
        }
        if let Some(kind) = signature.twice {
            return Err(BadSignature::Twice(kind).into());
        }
        if let Some(kind) = signature.uncovered {
            return Err(BadSignature::Uncovered(kind).into());
        }
        if signature.kind != TEXT_SIGNATURE {
            return Err(Refusal::Type { got: signature.kind }.into());
        }
        let got = digest_name(signature.digest);
        let Some(digest) = Digest::from_number(signature.digest) else {
            return Err(Refusal::WeakDigest { got }.into());
        };
        if !self.digests.contains(&digest) {
            return Err(BadSignature::HashHeader { got }.into());
        }
        let description = key.material.description();
        if !key.material.fits(signature.value) {
            return Err(BadSignature::Algorithm { expected: description }.into());
        }
        if key.material.is_weak() {
            return Err(Refusal::WeakKey { got: description }.into());
        }
        self.checked += 1;
        if self.checked > MAX_CHECKED {
            return Err(Verdict::TooMany);
        }
        self.signed.truncate(self.text_length);
        self.signed.extend(signature.trailer());
        if !key.material.signed(&self.signed, digest, signature.prefix, signature.value) {
            return Err(BadSignature::Mismatch.into());
        }
        let created = signature.created.ok_or(Refusal::NoTime)?;
        if created > now.saturating_add(CLOCK_SKEW) {
            return Err(Refusal::Future { created, now }.into());
        }
        if created < key.created {
            return Err(Refusal::BeforeKey { created, key: key.created }.into());
        }
        if let Some(expires) = signature.expires().filter(|expires| *expires <= now) {
            return Err(Refusal::Expired { expires, now }.into());
        }
        if let Some(expires) = key.expires.filter(|expires| *expires <= now) {
            return Err(Refusal::KeyExpired { expires, now }.into());
        }
        Ok(created)
    }

    /// Why nothing counted: the most telling reason.
    fn explain(self) -> SignatureError {
        let keys = self.keys;
        if let Some(refused) = self.refused {
            return refused;
        }
        let trusted = keys.trusted.iter().map(|key| key.fingerprint.to_string()).collect();
        for issuer in &self.seen {
            if let Some(key) = keys.others.iter().find(|key| issuer.names(&key.fingerprint)) {
                return SignatureError::OtherSuite {
                    fingerprint: key.fingerprint,
                    name: key.name.clone(),
                    suite: keys.suite.clone(),
                    trusted,
                };
            }
            for unusable in &keys.unusable {
                if let Some(fingerprint) = unusable.fingerprint.filter(|key| issuer.names(key)) {
                    let (origin, reason) = (keys.origin.clone(), unusable.reason.clone());
                    return SignatureError::UnusableKey { fingerprint, origin, reason };
                }
            }
        }
        if let (Some(version), []) = (self.version, &self.seen[..]) {
            return SignatureError::Version { version };
        }
        let seen = self.seen.iter().map(ToString::to_string).collect();
        SignatureError::UnknownKeys { seen, trusted, origin: keys.origin.clone() }
    }
}

/// Why a signature of a pinned key is not a good one.
enum Verdict {
    Bad(BadSignature),
    Refused(Refusal),
    TooMany,
}

impl From<BadSignature> for Verdict {
    fn from(reason: BadSignature) -> Self {
        Self::Bad(reason)
    }
}

impl From<Refusal> for Verdict {
    fn from(reason: Refusal) -> Self {
        Self::Refused(reason)
    }
}
