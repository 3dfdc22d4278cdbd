//! The cleartext framework (RFC 9580 §7): where the signed text begins and ends. It never
//! repairs: what two readers could split differently is refused with its line number.

use super::armor::{self, ArmorError, Headers};
use super::signature::Digest;

/// The largest message that is read, in bytes: as apt's limit for a Release file.
pub const MAX_MESSAGE: usize = 10_000_000;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const BEGIN_SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";

/// Why a file is not one clear-signed message. Lines count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    #[error("larger than 10 MB: expected at most 10000000 bytes, got {size}")]
    TooLarge { size: usize },
    #[error("the file is empty: expected a clear-signed message")]
    Empty,
    #[error("the answer is a web page (captive portal or proxy?): expected a clear-signed message")]
    WebPage,
    #[error("not signed: expected `-----BEGIN PGP SIGNED MESSAGE-----`, got {got}")]
    NotSigned { got: String },
    #[error("not a clear-signed message: expected text with a signature below it, got {got}")]
    OtherKind { got: String },
    #[error("data before the signed message, which begins on line {line}")]
    DataBefore { line: usize },
    #[error("line {line}: data after the signed message: {got}")]
    DataAfter { line: usize, got: String },
    #[error("line {line}: a second armored block: expected one signed message with one block")]
    SecondBlock { line: usize },
    #[error("line {line}: expected `-----BEGIN PGP SIGNED MESSAGE-----` alone, got {got}")]
    Marker { line: usize, got: String },
    #[error("line {line}: not UTF-8")]
    NotUtf8 { line: usize },
    #[error("line {line}: character U+{code:04X} is not allowed in a signed message")]
    Character { line: usize, code: u32 },
    #[error("line {line}: trailing blank")]
    TrailingBlank { line: usize },
    #[error("line {line}: armor header not allowed: expected `Hash: SHA256`, got {got}")]
    Header { line: usize, got: String },
    #[error("line {line}: no Hash header: expected `Hash: SHA256`, got an empty line")]
    NoHashHeader { line: usize },
    #[error("line {line}: weak or unknown digest: expected SHA256, SHA384 or SHA512, got {got}")]
    Digest { line: usize, got: String },
    #[error("line {line}: a line of the text begins with a dash: {got}")]
    Dash { line: usize, got: String },
    #[error("line {line}: the signed text is empty")]
    NoText { line: usize },
    #[error("cut off: {missing}")]
    CutOff { missing: &'static str },
    #[error(transparent)]
    Armor(#[from] ArmorError),
}

/// A message taken apart.
#[derive(Debug)]
pub(super) struct Cleartext<'a> {
    /// The signed lines, each with its line end.
    pub(super) text: &'a str,
    /// The digests which the header announces.
    pub(super) digests: Vec<Digest>,
    /// The signature packets.
    pub(super) packets: Vec<u8>,
}

/// The lines of a text with their numbers; every line ends with a line feed.
pub(super) struct Lines<'a> {
    rest: &'a str,
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        self.number += 1;
        Some((self.number, line))
    }
}

/// Foreign text for a message: quoted, without control characters, and short.
pub(super) fn excerpt(text: &str) -> String {
    const SHOWN: usize = 60;
    let short: String = text.chars().take(SHOWN).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{more}")
}

/// Splits a message into its text and its signatures.
pub(super) fn split(message: &[u8]) -> Result<Cleartext<'_>, FramingError> {
    if message.len() > MAX_MESSAGE {
        return Err(FramingError::TooLarge { size: message.len() });
    }
    if !message.starts_with(BEGIN.as_bytes()) {
        return Err(diagnose(message));
    }
    let message = std::str::from_utf8(message)
        .map_err(|error| FramingError::NotUtf8 { line: line_at(message, error.valid_up_to()) })?;
    check_characters(message)?;
    let mut lines = Lines::new(message);
    let digests = read_head(&mut lines)?;
    let start = message.len() - lines.rest.len();
    let end = find_end_of_text(message, &mut lines)?;
    let packets = armor::decode("SIGNATURE", Headers::Refused, &mut lines)?;
    let line = lines.number + 1;
    match lines.rest {
        "" => Ok(Cleartext { text: &message[start..end], digests, packets }),
        rest if rest.starts_with("-----BEGIN PGP") => Err(FramingError::SecondBlock { line }),
        rest => {
            let got = excerpt(rest.lines().next().unwrap_or_default());
            Err(FramingError::DataAfter { line, got })
        }
    }
}

/// Reads up to the empty line before the text.
fn read_head(lines: &mut Lines<'_>) -> Result<Vec<Digest>, FramingError> {
    const MISSING: FramingError = FramingError::CutOff { missing: "the signed text has not begun" };
    let (line, text) = lines.next().ok_or(MISSING)?;
    if text != BEGIN {
        return Err(FramingError::Marker { line, got: excerpt(text) });
    }
    let (line, text) = lines.next().ok_or(MISSING)?;
    if text.is_empty() {
        return Err(FramingError::NoHashHeader { line });
    }
    let names = text.strip_prefix("Hash: ");
    let names = names.ok_or_else(|| FramingError::Header { line, got: excerpt(text) })?;
    let digest = |name| {
        Digest::from_name(name).ok_or_else(|| FramingError::Digest { line, got: excerpt(name) })
    };
    let digests = names.split(',').map(digest).collect::<Result<_, _>>()?;
    match lines.next().ok_or(MISSING)? {
        (_, "") => Ok(digests),
        (line, text) => Err(FramingError::Header { line, got: excerpt(text) }),
    }
}

/// Reads up to and with the line that begins the signature; the offset where it begins.
fn find_end_of_text(message: &str, lines: &mut Lines<'_>) -> Result<usize, FramingError> {
    let first = lines.number + 1;
    loop {
        let end = message.len() - lines.rest.len();
        let missing = "there is no line -----BEGIN PGP SIGNATURE-----";
        let (line, text) = lines.next().ok_or(FramingError::CutOff { missing })?;
        if text == BEGIN_SIGNATURE {
            return if line == first { Err(FramingError::NoText { line }) } else { Ok(end) };
        }
        if text.starts_with('-') {
            return Err(FramingError::Dash { line, got: excerpt(text) });
        }
    }
}

/// Refuses every character that a terminal, a line splitter or a canonicalisation may take
/// for something else. A tab inside a line is text (deb822 allows it).
fn check_characters(message: &str) -> Result<(), FramingError> {
    let forbidden = |char: char| {
        (char.is_control() && !matches!(char, '\n' | '\t'))
            || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}')
    };
    if let Some((offset, char)) = message.char_indices().find(|(_, char)| forbidden(*char)) {
        let line = line_at(message.as_bytes(), offset);
        return Err(FramingError::Character { line, code: char.into() });
    }
    if let Some((line, _)) =
        Lines::new(message).find(|(_, text)| text.ends_with(char::is_whitespace))
    {
        return Err(FramingError::TrailingBlank { line });
    }
    if !message.ends_with('\n') {
        return Err(FramingError::CutOff { missing: "the last line does not end" });
    }
    Ok(())
}

/// Says what a file is that does not begin as a signed message.
fn diagnose(message: &[u8]) -> FramingError {
    let begins = message.trim_ascii_start();
    if let Some(offset) = find(message, BEGIN.as_bytes()) {
        let line = line_at(message, offset);
        return FramingError::DataBefore { line };
    }
    if message.is_empty() {
        return FramingError::Empty;
    }
    if begins.starts_with(b"<") {
        return FramingError::WebPage;
    }
    let lossy = String::from_utf8_lossy(&message[..message.len().min(256)]);
    let first = excerpt(lossy.lines().next().unwrap_or_default());
    if begins.to_ascii_uppercase().starts_with(b"-----BEGIN PGP") {
        return FramingError::OtherKind { got: first };
    }
    if message[0] >= 0x80 || message.contains(&0) {
        return FramingError::OtherKind { got: "binary data".to_owned() };
    }
    FramingError::NotSigned { got: first }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The number of the line in which the byte at `offset` stands.
fn line_at(message: &[u8], offset: usize) -> usize {
    message[..offset].split(|byte| *byte == b'\n').count()
}
