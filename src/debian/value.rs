//! Single values inside signed metadata: hashes, sizes, paths, names. Never lets
//! through what could leave the archive's folder or overflow a counter.

use thiserror::Error;

use crate::host::hash::Digest;

#[cfg(test)]
mod tests;

/// The largest size accepted, in bytes: 2^53, so that JSON readers keep every digit.
pub const MAX_SIZE: u64 = 1 << 53;

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ValueError {
    /// Not 64 lower-case hexadecimal digits.
    #[error("bad SHA-256: expected 64 lower-case hexadecimal digits, got {0:?}")]
    Sha256(String),
    /// Not a plain decimal number within [`MAX_SIZE`].
    #[error("bad size: expected a decimal number up to {MAX_SIZE}, got {0:?}")]
    Size(String),
    /// A path that is not a plain relative one.
    #[error("bad path {path:?}: {problem}")]
    Path { path: String, problem: &'static str },
    /// Not a package name (Debian policy §5.6.7).
    #[error(
        "bad package name {0:?}: expected two or more of a-z 0-9 + - . starting with a letter or digit"
    )]
    PackageName(String),
}

/// Reads a SHA-256 of 64 lower-case hexadecimal digits: the only form in Debian's files.
///
/// # Errors
/// Another length, upper case, or anything else.
pub fn parse_sha256(text: &str) -> Result<Digest, ValueError> {
    let refused = || ValueError::Sha256(excerpt(text));
    if text.contains(|c: char| c.is_ascii_uppercase()) {
        return Err(refused());
    }
    text.parse().map_err(|_| refused())
}

/// The beginning of a foreign text, short enough for a message.
pub(crate) fn excerpt(text: &str) -> String {
    const LENGTH: usize = 100;
    match text.char_indices().nth(LENGTH) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Reads a size in bytes (or KiB): decimal digits only.
///
/// # Errors
/// A sign, other digits, nothing, or more than [`MAX_SIZE`].
pub fn parse_size(text: &str) -> Result<u64, ValueError> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let size = text.parse().ok().filter(|size| digits && *size <= MAX_SIZE);
    size.ok_or_else(|| ValueError::Size(excerpt(text)))
}

/// Checks a path that will be appended to a mirror's address and be a key of the lock:
/// relative, plain printable ASCII, no step that is empty, `.` or `..`.
///
/// # Errors
/// [`ValueError::Path`] says what is wrong.
pub fn check_path(path: &str) -> Result<(), ValueError> {
    let problem = if path.is_empty() {
        "it is empty"
    } else if path.len() > 1024 {
        "it is longer than 1024 bytes"
    } else if path.starts_with('/') {
        "it is absolute"
    } else if path.contains('%') {
        "percent signs are not allowed"
    } else if path.contains('\\') {
        "backslashes are not allowed"
    } else if !path.bytes().all(|b| b.is_ascii_graphic()) {
        "blanks, control characters and non-ASCII are not allowed"
    } else if path.contains(['?', '#', ':', '"', '\'', '*', '<', '>', '|']) {
        "the characters ? # : \" ' * < > | are not allowed"
    } else if path.split('/').any(|step| matches!(step, "" | "." | "..")) {
        "a step is empty, `.` or `..`"
    } else {
        return Ok(());
    };
    let path = excerpt(path);
    Err(ValueError::Path { path, problem })
}

/// Checks a package name (Debian policy §5.6.7).
///
/// # Errors
/// [`ValueError::PackageName`].
pub fn check_package_name(name: &str) -> Result<(), ValueError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let good = name.len() >= 2
        && name.len() <= 200
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(|b| plain(b) || matches!(b, b'+' | b'-' | b'.'));
    if good { Ok(()) } else { Err(ValueError::PackageName(excerpt(name))) }
}
