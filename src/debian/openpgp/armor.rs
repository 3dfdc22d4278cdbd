//! ASCII armor: base64 between a BEGIN and an END line (RFC 9580 §6). It never corrects a
//! spelling: padding, unused bits, blank lines and the checksum must be as an encoder
//! writes them, so that one sequence of bytes has one spelling but for its line breaks.

use super::framing::{Lines, excerpt};

/// The longest line of armor (RFC 9580 §6.2).
const MAX_LINE: usize = 76;

/// Why a block of armor cannot be read. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArmorError {
    #[error("line {line}: armor header not allowed: expected an empty line, got {got}")]
    Header { line: usize, got: String },
    #[error("line {line}: not an armor header: expected `Name: value` or an empty line, got {got}")]
    NotAHeader { line: usize, got: String },
    #[error("cut off: the armor has no line {expected}")]
    CutOff { expected: String },
    #[error("line {line}: malformed base64 in the armor: {got}")]
    Base64 { line: usize, got: String },
    #[error("line {line}: armor line too long: expected at most 76 characters, got {length}")]
    LongLine { line: usize, length: usize },
    #[error("line {line}: malformed base64 in the armor: its last group is not complete")]
    Incomplete { line: usize },
    #[error("line {line}: malformed base64 in the armor: unused bits of its last group are set")]
    UnusedBits { line: usize },
    #[error("line {line}: armor checksum differs: expected {expected:06x}, got {computed:06x}")]
    Checksum { line: usize, expected: u32, computed: u32 },
    #[error("line {line}: the armor does not end as it began: expected {expected}, got {got}")]
    End { line: usize, expected: String, got: String },
    #[error("line {line}: the armor is empty")]
    Empty { line: usize },
}

/// Whether `Name: value` lines may stand before the data. They are never signed, so a
/// message may have none; in a file of keys they are harmless and common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headers {
    Refused,
    Skipped,
}

/// Decodes the armor whose BEGIN line was just read, up to and with its END line.
pub(super) fn decode(
    label: &str,
    headers: Headers,
    lines: &mut Lines<'_>,
) -> Result<Vec<u8>, ArmorError> {
    let expected = format!("-----END PGP {label}-----");
    let cut_off = || ArmorError::CutOff { expected: expected.clone() };
    loop {
        let (line, text) = lines.next().ok_or_else(cut_off)?;
        if text.is_empty() {
            break;
        }
        let got = excerpt(text);
        match headers {
            Headers::Refused => return Err(ArmorError::Header { line, got }),
            Headers::Skipped if text.contains(": ") && !text.starts_with('-') => {}
            Headers::Skipped => return Err(ArmorError::NotAHeader { line, got }),
        }
    }
    let mut data = Base64::default();
    loop {
        let (line, text) = lines.next().ok_or_else(cut_off)?;
        if text == expected {
            return data.finish(line);
        }
        if text.starts_with('-') {
            return Err(ArmorError::End { line, expected, got: excerpt(text) });
        }
        if let Some(checksum) = text.strip_prefix('=') {
            let bytes = data.finish(line)?;
            check(line, checksum, &bytes)?;
            let (line, text) = lines.next().ok_or_else(cut_off)?;
            if text != expected {
                return Err(ArmorError::End { line, expected, got: excerpt(text) });
            }
            return Ok(bytes);
        }
        data.push(line, text)?;
    }
}

/// Base64 on its way in.
#[derive(Default)]
struct Base64 {
    sextets: Vec<u8>,
    padding: usize,
}

impl Base64 {
    fn push(&mut self, line: usize, text: &str) -> Result<(), ArmorError> {
        if text.len() > MAX_LINE {
            return Err(ArmorError::LongLine { line, length: text.len() });
        }
        let malformed = || ArmorError::Base64 { line, got: excerpt(text) };
        if text.is_empty() || self.padding > 0 {
            return Err(malformed());
        }
        for byte in text.bytes() {
            match sextet(byte) {
                Some(sextet) if self.padding == 0 => self.sextets.push(sextet),
                None if byte == b'=' => self.padding += 1,
                _ => return Err(malformed()),
            }
        }
        Ok(())
    }

    fn finish(&self, line: usize) -> Result<Vec<u8>, ArmorError> {
        if self.sextets.is_empty() {
            return Err(ArmorError::Empty { line });
        }
        if self.padding > 2 || !(self.sextets.len() + self.padding).is_multiple_of(4) {
            return Err(ArmorError::Incomplete { line });
        }
        let mut bytes = Vec::with_capacity(self.sextets.len() / 4 * 3 + 2);
        for group in self.sextets.chunks(4) {
            let mut word = [0; 4];
            word[..group.len()].copy_from_slice(group);
            let [a, b, c, d] = word;
            let decoded = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
            let (whole, unused) = decoded.split_at(group.len() - 1);
            if unused.iter().any(|bits| *bits != 0) {
                return Err(ArmorError::UnusedBits { line });
            }
            bytes.extend(whole);
        }
        Ok(bytes)
    }
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Compares the checksum line without its `=` with the data.
fn check(line: usize, checksum: &str, bytes: &[u8]) -> Result<(), ArmorError> {
    let mut expected = 0;
    for byte in checksum.bytes() {
        let sextet = sextet(byte).filter(|_| checksum.len() == 4);
        let sextet = sextet.ok_or_else(|| ArmorError::Base64 { line, got: excerpt(checksum) })?;
        expected = expected << 6 | u32::from(sextet);
    }
    let computed = crc24(bytes);
    if checksum.is_empty() || expected != computed {
        return Err(ArmorError::Checksum { line, expected, computed });
    }
    Ok(())
}

/// The CRC-24 of RFC 9580 §6.1: against accidents only.
fn crc24(bytes: &[u8]) -> u32 {
    const INITIAL: u32 = 0x00b7_04ce;
    const GENERATOR: u32 = 0x0186_4cfb;
    bytes.iter().fold(INITIAL, |crc, byte| {
        let crc = (0..8).fold(crc ^ u32::from(*byte) << 16, |crc, _| {
            let shifted = crc << 1;
            if shifted & 0x0100_0000 == 0 { shifted } else { shifted ^ GENERATOR }
        });
        crc & 0x00ff_ffff
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode_text(text: &str) -> Result<Vec<u8>, ArmorError> {
        decode("TEST", Headers::Refused, &mut Lines::new(text))
    }

    #[test]
    fn base64_of_every_rest_is_decoded() {
        for (text, bytes) in
            [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9v\nYg==", "foob")]
        {
            let armor = format!("\n{text}\n-----END PGP TEST-----\n");
            assert_eq!(decode_text(&armor), Ok(bytes.as_bytes().to_vec()));
        }
    }

    #[test]
    fn the_checksum_is_that_of_the_rfc() {
        // The residue of an empty message is the initial value; "123456789" is the
        // check value listed for CRC-24/OPENPGP.
        assert_eq!(crc24(b""), 0x00b7_04ce);
        assert_eq!(crc24(b"123456789"), 0x0021_cf02);
    }

    #[test]
    fn a39_one_spelling_only() {
        for text in
            ["Zh==", "Zm9=", "Zg=", "Zg", "Zg==\nZg==", "Zg=A", "Zm8\n=", "=", "Z g=", "Zg==="]
        {
            let armor = format!("\n{text}\n-----END PGP TEST-----\n");
            decode_text(&armor).expect_err(text);
        }
    }
}
