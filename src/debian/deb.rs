//! A Debian binary package, read in one pass from any reader. Maintainer scripts
//! are never run and never written; nothing is trusted before the caller has
//! compared the hash of all bytes.
//!
//! Source: deb(5), dpkg-deb(1).

use std::io::{self, BufReader, Read};

use super::ar::{ArError, Archive, Member, lift};
use super::decode::{Compression, DecodeError, Decoder};
use super::identity::{ControlError, Identity};
use super::tar::{self, Content, Problem, TarError};
use crate::host::fault::{Diagnostic, Kind};

/// Most bytes of `control.tar`, decompressed.
const CONTROL_TAR: u64 = 16 << 20;
/// Most bytes of the control file itself.
const CONTROL_FILE: u64 = 1 << 20;
/// Bytes buffered of compressed data, and of decompressed data.
const BUFFER: usize = 256 << 10;
/// `Installed-Size` in KiB of a package whose index does not tell: 512 MiB.
const UNKNOWN_INSTALLED_SIZE: u64 = 512 << 10;

/// Why a package was refused.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    #[error(transparent)]
    Ar(#[from] ArError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("{member}: {error}")]
    Tar { member: String, error: TarError },
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("debian-binary: expected format 2.x, got \"{}\"", got.escape_ascii())]
    FormatVersion { got: Vec<u8> },
    #[error("expected member {expected}, got {got}")]
    Member { expected: &'static str, got: String },
    #[error("{member}: expected one control file, got {got}")]
    ControlFile { member: String, got: &'static str },
}

impl Diagnostic for DebError {
    fn kind(&self) -> Kind {
        match self {
            Self::Ar(error) => error.kind(),
            Self::Tar { error, .. } => error.kind(),
            _ => Kind::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Ar(error) => error.code(),
            Self::Decode(error) => error.code(),
            Self::Tar { error, .. } => error.code(),
            Self::Control(error) => error.code(),
            Self::FormatVersion { .. } => "deb-format-version",
            Self::Member { .. } => "deb-members",
            Self::ControlFile { .. } => "deb-control",
        }
    }
}

impl DebError {
    /// An error of the tar archive in `member`; what lay deeper comes out again.
    #[must_use]
    pub fn in_tar(member: &str, error: TarError) -> Self {
        match error {
            TarError { problem: Problem::Read(source), .. } => lift_decode(source),
            error => Self::Tar { member: member.to_owned(), error },
        }
    }
}

/// The most bytes that the data archive of a package may have, decompressed:
/// 1.25 times its `Installed-Size` (in KiB, from the signed index) and 1 MiB.
#[must_use]
pub const fn data_limit(installed_size: Option<u64>) -> u64 {
    let size = match installed_size {
        Some(size) => size,
        None => UNKNOWN_INSTALLED_SIZE,
    };
    size.saturating_mul(1280).saturating_add(1 << 20)
}

/// The tar archive with a package's files.
pub type Data<'a, R> = tar::Reader<BufReader<Decoder<BufReader<&'a mut Archive<R>>>>>;

/// A package, read up to the head of its data.
#[derive(Debug)]
pub struct Deb<R> {
    archive: Archive<R>,
    identity: Identity,
    control: Vec<u8>,
    data: String,
}

impl<R: Read> Deb<R> {
    /// Reads `debian-binary` and the control archive.
    ///
    /// # Errors
    /// [`DebError`] when anything is not as deb(5) says.
    pub fn open(reader: R) -> Result<Self, DebError> {
        let mut archive = Archive::open(reader)?;
        let first = archive.advance()?;
        let name = named(first, "debian-binary", |name| name == "debian-binary")?;
        let mut version = Vec::new();
        (&mut archive).take(64).read_to_end(&mut version).map_err(lift)?;
        if name != "debian-binary" || !is_format_2(&version) {
            return Err(DebError::FormatVersion { got: version });
        }
        let control = expect(&mut archive, "control.tar")?;
        let (identity, control) = read_control(&mut archive, &control)?;
        let data = expect(&mut archive, "data.tar")?;
        Ok(Self { archive, identity, control, data })
    }

    /// Who the package says it is.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The whole control file, at most 1 MiB.
    pub fn control(&self) -> &[u8] {
        &self.control
    }

    /// The name of the data member, e.g. `data.tar.xz`.
    pub fn data_name(&self) -> &str {
        &self.data
    }

    /// Starts on the files. `limit` is the most decompressed bytes, see [`data_limit`].
    ///
    /// # Errors
    /// [`DebError`] when the compression is unknown or not what the name says.
    pub fn data(&mut self, limit: u64, limits: tar::Limits) -> Result<Data<'_, R>, DebError> {
        open_tar(&mut self.archive, &self.data, "data.tar", limit, limits)
    }

    /// Looks through what follows the data: unknown members are passed over.
    ///
    /// # Errors
    /// [`DebError`] for a broken container or a second archive.
    pub fn finish(mut self) -> Result<(), DebError> {
        while let Some(member) = self.archive.advance()? {
            let taken = ["debian-binary", "control.tar", "data.tar"];
            if taken.iter().any(|taken| member.name.starts_with(taken)) {
                return Err(DebError::Member { expected: "no second archive", got: member.name });
            }
        }
        Ok(())
    }
}

/// `2.` and a minor version, then anything on further lines.
fn is_format_2(text: &[u8]) -> bool {
    let Some(end) = text.iter().position(|byte| *byte == b'\n') else {
        return false;
    };
    let minor = text[..end].strip_prefix(b"2.").unwrap_or_default();
    !minor.is_empty() && minor.iter().all(u8::is_ascii_digit)
}

/// The next member that is no extension; extensions begin with `_`.
fn expect<R: Read>(archive: &mut Archive<R>, base: &'static str) -> Result<String, DebError> {
    loop {
        match archive.advance()? {
            Some(member) if member.name.starts_with('_') => {}
            member => {
                return named(member, base, |name| {
                    name.strip_prefix(base)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                });
            }
        }
    }
}

fn named(
    member: Option<Member>,
    expected: &'static str,
    fits: impl Fn(&str) -> bool,
) -> Result<String, DebError> {
    match member {
        Some(member) if fits(&member.name) => Ok(member.name),
        Some(member) => Err(DebError::Member { expected, got: member.name }),
        None => Err(DebError::Member { expected, got: "the end of the file".to_owned() }),
    }
}

fn open_tar<'a, R: Read>(
    archive: &'a mut Archive<R>,
    member: &str,
    base: &str,
    limit: u64,
    limits: tar::Limits,
) -> Result<Data<'a, R>, DebError> {
    let compression = Compression::of_name(member, base)?;
    let input = BufReader::with_capacity(BUFFER, archive);
    let decoder = Decoder::new(member, compression, input, limit).map_err(lift_decode)?;
    Ok(tar::Reader::new(BufReader::with_capacity(BUFFER, decoder), limits))
}

fn read_control<R: Read>(
    archive: &mut Archive<R>,
    member: &str,
) -> Result<(Identity, Vec<u8>), DebError> {
    let mut tar = open_tar(archive, member, "control.tar", CONTROL_TAR, tar::Limits::default())?;
    let wrong = |got| DebError::ControlFile { member: member.to_owned(), got };
    let broken = |error| DebError::in_tar(member, error);
    let mut found = None;
    while let Some(entry) = tar.advance().map_err(broken)? {
        if entry.path != "control" {
            continue;
        }
        match entry.content {
            Content::File { size } if size <= CONTROL_FILE => {}
            Content::File { .. } => return Err(wrong("one larger than 1 MiB")),
            _ => return Err(wrong("a link or directory")),
        }
        let mut bytes = Vec::new();
        tar.copy(&mut |piece| {
            bytes.extend_from_slice(piece);
            Ok::<(), TarError>(())
        })
        .map_err(broken)?;
        if found.replace(bytes).is_some() {
            return Err(wrong("two"));
        }
    }
    let text = found.ok_or_else(|| wrong("none"))?;
    Ok((Identity::parse(&text)?, text))
}

/// Gives back the [`DecodeError`] or [`ArError`] that travelled inside an I/O error.
fn lift_decode(error: io::Error) -> DebError {
    match error.downcast::<DecodeError>() {
        Ok(error) => error.into(),
        Err(error) => lift(error).into(),
    }
}
