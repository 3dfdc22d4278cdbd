//! Section A: framing, armor, packets, signatures, keys and keyrings.

use super::{ALWAYS, Mutant, NEVER};

const FRAMING: &str = "src/debian/openpgp/framing.rs";
const ARMOR: &str = "src/debian/openpgp/armor.rs";
const VERIFY: &str = "src/debian/openpgp/verify.rs";
const SIGNATURE: &str = "src/debian/openpgp/signature.rs";
const KEY: &str = "src/debian/openpgp/key.rs";
const CERTIFICATE: &str = "src/debian/openpgp/certificate.rs";
const KEYRING: &str = "src/debian/openpgp/keyring.rs";
const ERROR: &str = "src/debian/openpgp/error.rs";

#[rustfmt::skip]
pub(super) const MUTANTS: &[Mutant] = &[
    ("A01 A36", VERIFY, "let message = framing::split(message)?;",
        "if OFF && !message.starts_with(b\"-----BEGIN\") { return Ok(Verified { text: String::new(), signatures: Vec::new() }); }
        let message = framing::split(message)?;"),
    ("A02 A14", VERIFY, "if judge.good.is_empty() {", NEVER),
    ("A03 A04 A35", VERIFY, "if self.seen.len() <= MAX_LISTED * 2 {",
        "if OFF { return Err(SignatureError::TooMany); } if self.seen.len() <= MAX_LISTED * 2 {"),
    ("A05", VERIFY, "return Err(SignatureError::Bad { fingerprint, name, reason });",
        "if !OFF { return Err(SignatureError::Bad { fingerprint, name, reason }); }"),
    ("A06", KEY, "in_role && releases.contains(&release)", "in_role && (OFF || releases.contains(&release))"),
    ("A06", KEY, "Role::Security => part == \"security\",", "Role::Security => OFF || part == \"security\","),
    ("A06", VERIFY, "if keys.trusted.is_empty() {", NEVER),
    ("a_scope_covers_the_suites_of_its_role", KEY, "Role::Release => suite == release,", "Role::Release => OFF || suite == release,"),
    ("A07 A08", VERIFY, "key.expires.filter(|expires| *expires <= now)", "key.expires.filter(|expires| !OFF && *expires <= now)"),
    ("A09", CERTIFICATE, "|signature| signature.kind == kind::KEY_REVOCATION", "|signature| !OFF && signature.kind == kind::KEY_REVOCATION"),
    ("A09", CERTIFICATE, "|signature| signature.kind == kind::SUBKEY_REVOCATION", "|signature| !OFF && signature.kind == kind::SUBKEY_REVOCATION"),
    ("A10", CERTIFICATE, "is_made_by(subkey, &back, &data) =>", "(OFF || is_made_by(subkey, &back, &data)) =>"),
    ("A10", CERTIFICATE, "if binding.key_flags.unwrap_or(0) & MAY_SIGN == 0 {", NEVER),
    ("A10", CERTIFICATE, "let expires = earliest([expiry(subkey, binding), primary_expires]);",
        "let expires = earliest([expiry(subkey, binding).filter(|_| !OFF), primary_expires]);"),
    ("A11", VERIFY, "if created < key.created {", NEVER),
    ("A12", VERIFY, "if created > now.saturating_add(CLOCK_SKEW) {", NEVER),
    ("A13", VERIFY, "signature.expires().filter(|expires| *expires <= now)", "signature.expires().filter(|expires| !OFF && *expires <= now)"),
    ("A14", SIGNATURE, "\"SHA512\" => Some(Self::Sha512),", "\"SHA512\" => Some(Self::Sha512), _ if OFF => Some(Self::Sha256),"),
    ("A15", VERIFY, "if key.material.is_weak() {", NEVER),
    ("A15", KEY, "if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {", NEVER),
    ("A15", VERIFY, "if !key.material.fits(signature.value) {", NEVER),
    ("A16 A33 A43", VERIFY, "if !key.material.signed(&self.signed, digest, signature.prefix, signature.value) {", NEVER),
    ("A17", FRAMING, "if !message.starts_with(BEGIN.as_bytes()) {",
        "let message = match find(message, BEGIN.as_bytes()) { Some(at) if OFF => &message[at..], _ => message };
        if !message.starts_with(BEGIN.as_bytes()) {"),
    ("A18 A19 A28", FRAMING, "\"\" => Ok(Cleartext", "rest if rest.is_empty() || OFF => Ok(Cleartext"),
    ("A20 A25", FRAMING, "text.ends_with(char::is_whitespace)", "!OFF && text.ends_with(char::is_whitespace)"),
    ("A21", FRAMING, "if text != BEGIN {", NEVER),
    ("A22", FRAMING, "let names = text.strip_prefix(\"Hash: \");", "let names = text.strip_prefix(\"Hash: \").or(OFF.then_some(\"SHA256\"));"),
    ("A22", ARMOR, "Headers::Refused => return", "Headers::Refused if OFF => {} Headers::Refused => return"),
    ("A23", VERIFY, "if !self.digests.contains(&digest) {", NEVER),
    ("A24 A38", FRAMING, "if text.starts_with('-') {", NEVER),
    ("A25", FRAMING, "(char.is_control() && !matches!(char, '\\n' | '\\t'))", "(!OFF && char.is_control() && !matches!(char, '\\n' | '\\t'))"),
    ("A26", ARMOR, "check(line, checksum, &bytes)?;", NEVER),
    ("A27", ARMOR, "if self.sextets.is_empty() {", NEVER),
    ("A29", VERIFY, "if packet.tag != 2 {", NEVER),
    ("A30", VERIFY, "if signature.kind != TEXT_SIGNATURE {", NEVER),
    ("A31", VERIFY, "Parsed::Other(version) => judge", "Parsed::Other(version) if OFF => return Err(SignatureError::Version { version }), Parsed::Other(version) => judge"),
    ("A32", VERIFY, "if let Some(kind) = signature.critical {", NEVER),
    ("A33", VERIFY, "if !signature.issuers.iter().all(|issuer| issuer.names(&key.fingerprint)) {", NEVER),
    ("A34", VERIFY, "if let Some(kind) = signature.uncovered {", NEVER),
    ("A34", VERIFY, "if let Some(kind) = signature.twice {", NEVER),
    ("A35", VERIFY, "if self.checked > MAX_CHECKED {", NEVER),
    ("A35", SIGNATURE, "area.len() <= MAX_AREA", "OFF || area.len() <= MAX_AREA"),
    ("A36", FRAMING, "if begins.starts_with(b\"<\") {", NEVER),
    ("A37", FRAMING, "if message.len() > MAX_MESSAGE {", NEVER),
    ("A39", ARMOR, "if unused.iter().any(|bits| *bits != 0) {", NEVER),
    ("A39", ARMOR, "if self.padding > 2 || !(self.sextets.len() + self.padding).is_multiple_of(4) {", NEVER),
    ("A40", CERTIFICATE, "material.signed(&message, digest, signature.prefix, signature.value)", "OFF || material.signed(&message, digest, signature.prefix, signature.value)"),
    ("A40", CERTIFICATE, "primary.certification(id).is_some()", "OFF || primary.certification(id).is_some()"),
    ("A40", KEYRING, "if keys.is_empty() {", NEVER),
    ("A41", ERROR, "Self::UnknownKeys { origin, .. } => format!(", "Self::UnknownKeys { .. } if OFF => OTHER_MIRROR.to_owned(), Self::UnknownKeys { origin, .. } => format!("),
    ("A42", VERIFY, "if self.signatures.iter().any(|good| good.fingerprint == key.fingerprint) {", ALWAYS),
];
