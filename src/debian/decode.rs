//! Decompression within bounds: the format named by the member and the one its
//! bytes show must agree, memory and output are limited, and nothing may follow
//! the stream. It never trusts a size that the compressed data states itself.

use std::io::{self, BufRead, Chain, Cursor, Read};

use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use crate::host::fault::{Diagnostic, Kind};

/// Most memory an xz stream may ask for: 128 MiB.
const XZ_MEMORY: u64 = 128 << 20;
/// Binary logarithm of the largest zstd window: 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 27;
/// Bytes looked at to tell a format.
const HEAD: u64 = 6;

/// Why compressed data was refused.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("{member}: this compression is not supported: expected none, .gz, .xz or .zst")]
    Unsupported { member: String },
    #[error("{member}: expected {expected} data by its name, got {got}")]
    Disagree { member: String, expected: &'static str, got: &'static str },
    #[error("{member}: {format} data is broken near its byte {at}")]
    Broken { member: String, format: &'static str, at: u64, source: io::Error },
    #[error("{member}: expected the end of the {format} data at its byte {at}, got further bytes")]
    Trailing { member: String, format: &'static str, at: u64 },
    #[error("{member}: expected at most {limit} bytes when decompressed, got more")]
    TooLarge { member: String, limit: u64 },
}

impl Diagnostic for DecodeError {
    fn kind(&self) -> Kind {
        Kind::Integrity
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "deb-compression-unsupported",
            Self::Disagree { .. } => "deb-compression-disagrees",
            Self::Broken { .. } => "deb-compression-broken",
            Self::Trailing { .. } => "deb-trailing-data",
            Self::TooLarge { .. } => "deb-too-large",
        }
    }
}

/// A compression that deb(5) allows and Debian uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Xz,
    Zstd,
}

impl Compression {
    /// What the suffix of `name` after `base` says, e.g. `data.tar.xz` after `data.tar`.
    ///
    /// # Errors
    /// [`DecodeError::Unsupported`] for any other suffix.
    pub fn of_name(name: &str, base: &str) -> Result<Self, DecodeError> {
        match name.strip_prefix(base) {
            Some("") => Ok(Self::None),
            Some(".gz") => Ok(Self::Gzip),
            Some(".xz") => Ok(Self::Xz),
            Some(".zst") => Ok(Self::Zstd),
            _ => Err(DecodeError::Unsupported { member: name.to_owned() }),
        }
    }

    /// What the first bytes show; anything without a known magic is `None`.
    #[must_use]
    pub fn of_content(head: &[u8]) -> Self {
        if head.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip
        } else if head.starts_with(b"\xfd7zXZ\0") {
            Self::Xz
        } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            Self::Zstd
        } else {
            Self::None
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }
}

/// The compressed side: counts what is consumed, remembers whether it failed.
#[derive(Debug)]
struct Input<R> {
    inner: Chain<Cursor<Vec<u8>>, R>,
    consumed: u64,
    failed: bool,
}

impl<R: BufRead> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let filled = self.inner.fill_buf();
        self.failed |=
            filled.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        filled
    }

    fn consume(&mut self, count: usize) {
        self.consumed += count as u64;
        self.inner.consume(count);
    }
}

enum Format<R: BufRead> {
    None(Input<R>),
    Gzip(GzDecoder<Input<R>>),
    Xz(XzDecoder<Input<R>>),
    Zstd(zstd::Decoder<'static, Input<R>>),
}

/// Decompressed bytes. Its errors are [`DecodeError`]s inside an [`io::Error`],
/// but for those of the input, which pass unchanged.
pub struct Decoder<R: BufRead> {
    format: Format<R>,
    compression: Compression,
    member: String,
    limit: u64,
    left: u64,
}

impl<R: BufRead> Decoder<R> {
    /// Starts on `input`, which must end where the stream of `member` ends.
    /// `limit` is the most bytes that may come out.
    ///
    /// # Errors
    /// [`DecodeError::Disagree`] inside, when `compression` is not what the first
    /// bytes show; else what the input reports.
    pub fn new(
        member: &str,
        compression: Compression,
        mut input: R,
        limit: u64,
    ) -> io::Result<Self> {
        let mut head = Vec::new();
        (&mut input).take(HEAD).read_to_end(&mut head)?;
        let shown = Compression::of_content(&head);
        let member = member.to_owned();
        if shown != compression {
            let (expected, got) = (compression.label(), shown.label());
            return Err(invalid(DecodeError::Disagree { member, expected, got }));
        }
        let input = Input { inner: Cursor::new(head).chain(input), consumed: 0, failed: false };
        let format = match compression {
            Compression::None => Format::None(input),
            Compression::Gzip => Format::Gzip(GzDecoder::new(input)),
            Compression::Xz => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
                Format::Xz(XzDecoder::new_stream(input, stream))
            }
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(input)?.single_frame();
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Format::Zstd(decoder)
            }
        };
        Ok(Self { format, compression, member, limit, left: limit })
    }

    fn input(&mut self) -> &mut Input<R> {
        match &mut self.format {
            Format::None(input) => input,
            Format::Gzip(decoder) => decoder.get_mut(),
            Format::Xz(decoder) => decoder.get_mut(),
            Format::Zstd(decoder) => decoder.get_mut(),
        }
    }

    fn read_format(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = match &mut self.format {
            Format::None(input) => input.read(buffer),
            Format::Gzip(decoder) => decoder.read(buffer),
            Format::Xz(decoder) => decoder.read(buffer),
            Format::Zstd(decoder) => decoder.read(buffer),
        };
        let format = self.compression.label();
        let member = self.member.clone();
        let input = self.input();
        let at = input.consumed;
        match result {
            Err(source) if !input.failed && source.kind() != io::ErrorKind::Interrupted => {
                Err(invalid(DecodeError::Broken { member, format, at, source }))
            }
            Ok(0) if !input.fill_buf()?.is_empty() => {
                Err(invalid(DecodeError::Trailing { member, format, at }))
            }
            other => other,
        }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.read_format(buffer)?;
        let Some(left) = self.left.checked_sub(count as u64) else {
            let member = self.member.clone();
            return Err(invalid(DecodeError::TooLarge { member, limit: self.limit }));
        };
        self.left = left;
        Ok(count)
    }
}

fn invalid(error: DecodeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
