//! The outer container of a .deb: a common `ar` archive, read strictly and in one
//! pass. It never seeks and knows nothing of what its members mean.
//!
//! Source: deb(5); CVE-2020-27350 for what lenient size fields lead to.

use std::io::{self, Read};

use crate::host::fault::{Diagnostic, Kind};

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;

/// Why an ar archive was refused. Offsets are bytes from the start of the .deb.
#[derive(Debug, thiserror::Error)]
pub enum ArError {
    #[error("not an ar archive: expected \"!<arch>\" at byte 0, got \"{}\"", got.escape_ascii())]
    Magic { got: Vec<u8> },
    #[error("ar header at byte {at}: {field}: expected {expected}, got \"{}\"", got.escape_ascii())]
    Header { at: u64, field: &'static str, expected: &'static str, got: Vec<u8> },
    #[error("ar archive ends inside {what}: expected {expected} bytes from byte {at}, got {got}")]
    Truncated { at: u64, what: String, expected: u64, got: u64 },
    #[error("cannot read the package")]
    Read(#[source] io::Error),
}

impl Diagnostic for ArError {
    fn kind(&self) -> Kind {
        match self {
            Self::Read(_) => Kind::Failed,
            _ => Kind::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Read(_) => "deb-read",
            _ => "deb-container",
        }
    }
}

/// The name and size of a member; its content is read from the [`Archive`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name without padding and without the one slash some writers add.
    pub name: String,
    /// Bytes of content.
    pub size: u64,
}

/// An ar archive. As a [`Read`] it is the content of the member that
/// [`Archive::advance`] returned last.
#[derive(Debug)]
pub struct Archive<R> {
    reader: R,
    at: u64,
    current: Option<Member>,
    left: u64,
}

impl<R: Read> Archive<R> {
    /// Reads the archive's magic.
    ///
    /// # Errors
    /// [`ArError::Magic`] when this is no ar archive.
    pub fn open(mut reader: R) -> Result<Self, ArError> {
        let mut magic = Vec::with_capacity(MAGIC.len());
        let most = MAGIC.len() as u64;
        (&mut reader).take(most).read_to_end(&mut magic).map_err(ArError::Read)?;
        if magic != MAGIC {
            return Err(ArError::Magic { got: magic });
        }
        Ok(Self { reader, at: MAGIC.len() as u64, current: None, left: 0 })
    }

    /// Goes to the next member, past whatever of the current one was not read.
    /// `None` at the end.
    ///
    /// # Errors
    /// [`ArError`] for a header or padding that breaks the format.
    pub fn advance(&mut self) -> Result<Option<Member>, ArError> {
        self.leave()?;
        let at = self.at;
        let mut header = Vec::with_capacity(HEADER);
        (&mut self.reader).take(HEADER as u64).read_to_end(&mut header).map_err(ArError::Read)?;
        self.at += header.len() as u64;
        if header.is_empty() {
            return Ok(None);
        }
        if header.len() < HEADER {
            let got = header.len() as u64;
            let what = "a header".to_owned();
            return Err(ArError::Truncated { at, what, expected: HEADER as u64, got });
        }
        let member = parse_header(&header, at)?;
        self.left = member.size;
        self.current = Some(member.clone());
        Ok(Some(member))
    }

    /// The inner reader, wherever it stands.
    pub fn into_inner(self) -> R {
        self.reader
    }

    fn leave(&mut self) -> Result<(), ArError> {
        if self.current.is_none() {
            return Ok(());
        }
        io::copy(self, &mut io::sink()).map_err(lift)?;
        let odd = self.current.take().is_some_and(|member| member.size % 2 == 1);
        if odd {
            let at = self.at;
            let mut padding = Vec::with_capacity(1);
            (&mut self.reader).take(1).read_to_end(&mut padding).map_err(ArError::Read)?;
            if padding != b"\n" {
                let (field, expected) = ("padding", "a line feed");
                return Err(ArError::Header { at, field, expected, got: padding });
            }
            self.at += 1;
        }
        Ok(())
    }
}

impl<R: Read> Read for Archive<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        let count = self.reader.read(&mut buffer[..most])?;
        if count == 0 {
            let (what, size) = self
                .current
                .as_ref()
                .map_or_else(Default::default, |member| (member.name.clone(), member.size));
            let got = size - self.left;
            let truncated = ArError::Truncated { at: self.at - got, what, expected: size, got };
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, truncated));
        }
        self.left -= count as u64;
        self.at += count as u64;
        Ok(count)
    }
}

/// Gives back the [`ArError`] that travelled inside an I/O error.
pub(super) fn lift(error: io::Error) -> ArError {
    match error.downcast::<ArError>() {
        Ok(error) => error,
        Err(error) => ArError::Read(error),
    }
}

fn parse_header(header: &[u8], at: u64) -> Result<Member, ArError> {
    let wrong = |field, expected, got: &[u8]| {
        Err(ArError::Header { at, field, expected, got: got.to_vec() })
    };
    let (name, size, end) = (&header[..16], &header[48..58], &header[58..]);
    if end != b"`\n" {
        return wrong("end", "0x60 0x0a", end);
    }
    for (field, range) in [("date", 16..28), ("owner", 28..34), ("group", 34..40), ("mode", 40..48)]
    {
        let blank = header[range.clone()].iter().all(|byte| *byte == b' ');
        if !blank && digits(&header[range.clone()]).is_none() {
            return wrong(field, "digits", &header[range]);
        }
    }
    let Some(number) = digits(size) else {
        return wrong("size", "decimal digits", size);
    };
    if number == 0 {
        return wrong("size", "more than 0", size);
    }
    let text = name.trim_ascii_end();
    let text = text.strip_suffix(b"/").unwrap_or(text);
    let plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'/' && *byte != b'#';
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_empty() && text.bytes().all(|byte| plain(&byte)) => {
            Ok(Member { name: text.to_owned(), size: number })
        }
        _ => wrong("name", "a plain name of at most 16 characters", name),
    }
}

/// Decimal digits, then only blanks.
fn digits(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_end_matches(' ');
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}
