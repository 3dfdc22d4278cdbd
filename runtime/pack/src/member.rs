//! The runtime's own object inside rustc's archive. Never takes a member of `core` or
//! `compiler_builtins`: fat link-time optimisation has left nothing in them that the
//! runtime needs, and the symbol check would show it.

use object::read::archive::ArchiveFile;

/// Why rustc's archive gave no object.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The bytes are no archive.
    NotAnArchive(String),
    /// Fat link-time optimisation with one codegen unit makes exactly one object.
    Count(usize),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotAnArchive(reason) => write!(f, "rustc's output is no archive: {reason}"),
            Self::Count(found) => write!(
                f,
                "expected one object of the runtime in rustc's archive, got {found} \
                 (is the profile lto=\"fat\", codegen-units=1?)"
            ),
        }
    }
}

impl std::error::Error for Error {}

/// The bytes of the runtime's object.
///
/// # Errors
/// When the bytes are no archive, or do not hold exactly one such object.
pub fn own(archive: &[u8]) -> Result<&[u8], Error> {
    let broken = |error: object::Error| Error::NotAnArchive(error.to_string());
    let mut own = Vec::new();
    for member in ArchiveFile::parse(archive).map_err(broken)?.members() {
        let member = member.map_err(broken)?;
        if member.name().starts_with(b"reml_runtime") {
            own.push(member.data(archive).map_err(broken)?);
        }
    }
    match own[..] {
        [object] => Ok(object),
        _ => Err(Error::Count(own.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_object_is_taken() {
        let mixed =
            crate::ar::write(&[("core-1.o", b"no", &[]), ("reml_runtime1.o", b"yes!", &[])]);
        assert_eq!(own(&mixed), Ok(&b"yes!"[..]));
        let twice =
            crate::ar::write(&[("reml_runtime1.o", b"aa", &[]), ("reml_runtime2.o", b"bb", &[])]);
        assert_eq!(own(&twice), Err(Error::Count(2)));
        assert!(matches!(own(b"text"), Err(Error::NotAnArchive(_))));
    }
}
