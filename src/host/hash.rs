//! SHA-256 as a value. Nothing else is ever accepted as a proof of content.

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of these bytes, one piece after another.
    #[must_use]
    pub fn of_pieces<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Sha256::new();
        pieces.for_each(|piece| hasher.update(piece));
        Self(hasher.finalize().into())
    }

    /// The digest and size in bytes of all that `reader` gives.
    ///
    /// # Errors
    /// What the reader raises.
    pub fn of_reader(reader: impl Read) -> io::Result<(Self, u64)> {
        Self::of_copied(reader, &mut io::sink()).map(|(size, digest)| (digest, size))
    }

    /// Copies all that `reader` gives; tells its size in bytes and its digest.
    ///
    /// # Errors
    /// What the reader or the writer raises.
    pub fn of_copied(mut reader: impl Read, writer: &mut impl Write) -> io::Result<(u64, Self)> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 17];
        let mut size = 0;
        loop {
            let count = reader.read(&mut buffer)?;
            if count == 0 {
                return Ok((size, Self(hasher.finalize().into())));
            }
            hasher.update(&buffer[..count]);
            writer.write_all(&buffer[..count])?;
            size += count as u64;
        }
    }

    /// The first 8 bytes in hex: enough for a folder's name, never for a proof.
    #[must_use]
    pub fn short(&self) -> String {
        let mut hex = self.to_string();
        hex.truncate(16);
        hex
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&hex).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Hashes and counts the bytes read through it, so that the digest is of the very bytes
/// that were used.
#[derive(Debug)]
pub struct HashingReader<R> {
    inner: R,
    hasher: Sha256,
    count: u64,
}

impl<R: Read> HashingReader<R> {
    /// Starts with nothing read.
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: Sha256::new(), count: 0 }
    }

    /// Reads what is left, up to one byte more than `most` bytes in all, and tells the
    /// number of bytes and their digest.
    ///
    /// # Errors
    /// What the inner reader raises.
    pub fn finish(mut self, most: u64) -> io::Result<(u64, Digest)> {
        let left = most.saturating_sub(self.count).saturating_add(1);
        io::copy(&mut (&mut self).take(left), &mut io::sink())?;
        Ok((self.count, Digest(self.hasher.finalize().into())))
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.count += count as u64;
        Ok(count)
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("not a SHA-256: expected 64 hexadecimal digits, got {0} characters of another kind")]
pub struct NotADigest(usize);

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The value of each hexadecimal digit, and 255 for every other byte: a manifest has
/// thousands of digests, and is read at every start of `prepare`.
const NIBBLES: [u8; 256] = {
    let mut table = [255; 256];
    let mut value: u8 = 0;
    while value < 16 {
        let digit = DIGITS[value as usize];
        table[digit as usize] = value;
        table[digit.to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    table
};

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let bytes = text.as_bytes();
        let refused = || NotADigest(text.chars().count());
        if bytes.len() != 64 {
            return Err(refused());
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
            let (high, low) = (NIBBLES[usize::from(pair[0])], NIBBLES[usize::from(pair[1])]);
            if high | low > 15 {
                return Err(refused());
            }
            *byte = high << 4 | low;
        }
        Ok(Self(digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn the_digest_of_nothing_is_the_published_one() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        assert_eq!(Digest::of_reader(&b""[..]).unwrap(), (EMPTY.parse().unwrap(), 0));
    }

    #[test]
    fn a_digest_covers_bytes_read_before_and_by_finish() {
        let mut reader = HashingReader::new(&b"abc"[..]);
        reader.read_exact(&mut [0]).unwrap();
        assert_eq!(reader.finish(100).unwrap(), (3, Digest::of(b"abc")));
    }

    #[test]
    fn an_endless_input_is_left_one_byte_after_the_most() {
        assert_eq!(HashingReader::new(io::repeat(0)).finish(10).unwrap().0, 11);
    }

    #[test]
    fn text_that_is_no_digest_is_refused() {
        assert!("".parse::<Digest>().is_err());
        assert!(EMPTY.replace('e', "g").parse::<Digest>().is_err());
        assert!("é".repeat(32).parse::<Digest>().is_err());
    }
}
