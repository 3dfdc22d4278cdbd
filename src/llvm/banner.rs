//! The first line of `clang --version` and `ld.lld --version`, understood by its number:
//! vendors put names before it, wrappers colour it, and some speak other languages. It
//! never takes a compiler or linker that does not name itself clang or LLD.

use std::fmt;

/// A release of LLVM, or of Apple's clang, whose numbers are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LlvmVersion {
    /// What must match between clang, lld and the pin.
    pub major: u32,
    /// 1 in releases since LLVM 18.
    pub minor: u32,
    /// Rises every two weeks.
    pub patch: u32,
}

impl fmt::Display for LlvmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Whose numbering a clang follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    /// The project's own, also as packaged by Debian, Homebrew and others.
    Llvm,
    /// Xcode's: other numbers, and neither lld nor the binutils beside it.
    Apple,
}

/// What a clang says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClangBanner {
    /// Whose numbering it follows.
    pub vendor: Vendor,
    /// Its version.
    pub version: LlvmVersion,
}

/// Output that names no version of the wanted program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a version of {wanted} in the first line of --version, got {line:?}")]
pub struct BannerError {
    wanted: &'static str,
    line: String,
}

/// Reads what `clang --version` wrote to stdout.
///
/// # Errors
/// When its first line with text does not name clang and a number after it.
pub fn clang_banner(output: &[u8]) -> Result<ClangBanner, BannerError> {
    let line = first_line(output);
    let (before, version) = version_after(&line, "clang")?;
    let apple = before
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word.eq_ignore_ascii_case("apple"));
    Ok(ClangBanner { vendor: if apple { Vendor::Apple } else { Vendor::Llvm }, version })
}

/// Reads what `ld.lld --version` wrote to stdout.
///
/// # Errors
/// When its first line with text does not name LLD and a number after it.
pub fn lld_banner(output: &[u8]) -> Result<LlvmVersion, BannerError> {
    Ok(version_after(&first_line(output), "lld")?.1)
}

/// The text before `name` (as a word of its own) and the first version after it.
fn version_after<'a>(
    line: &'a str,
    name: &'static str,
) -> Result<(&'a str, LlvmVersion), BannerError> {
    let lower = line.to_ascii_lowercase();
    let is_word = |at: usize| {
        let before = lower[..at].chars().next_back();
        let after = lower[at + name.len()..].chars().next();
        // `clang-format` is another program; `clang,` and `clang版` are not.
        let joins = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !before.is_some_and(joins) && !after.is_some_and(joins)
    };
    lower
        .match_indices(name)
        .filter(|&(at, _)| is_word(at))
        .find_map(|(at, _)| Some((&line[..at], version_in(&line[at + name.len()..])?)))
        .ok_or_else(|| BannerError { wanted: name, line: line.to_owned() })
}

/// The first `19.1` or `19.1.7` in `text`.
fn version_in(text: &str) -> Option<LlvmVersion> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|part| {
        let mut numbers = part.trim_matches('.').split('.').map(str::parse);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor)), patch) => {
                Some(LlvmVersion { major, minor, patch: patch.and_then(Result::ok).unwrap_or(0) })
            }
            _ => None,
        }
    })
}

/// The first line that shows any text, without terminal escapes; at most 300 characters.
fn first_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.lines().map(without_escapes).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Drops control sequences (ECMA-48: `ESC [`, parameters, a final letter) and controls.
fn without_escapes(line: &str) -> String {
    let mut clean = String::new();
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        if c == '\u{1b}' {
            if characters.next() == Some('[') {
                characters.by_ref().find(|c| ('@'..='~').contains(c));
            }
        } else if !c.is_control() {
            clean.push(c);
        }
    }
    clean.trim().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(major: u32, minor: u32, patch: u32) -> LlvmVersion {
        LlvmVersion { major, minor, patch }
    }

    #[test]
    fn l09_clang_is_known_by_its_number_whoever_built_it() {
        let rows: &[(&str, Vendor, (u32, u32, u32))] = &[
            ("Debian clang version 19.1.7 (3~deb12u1)\nTarget: x", Vendor::Llvm, (19, 1, 7)),
            ("Ubuntu clang version 18.1.3 (1ubuntu1)", Vendor::Llvm, (18, 1, 3)),
            ("Homebrew clang version 19.1.7", Vendor::Llvm, (19, 1, 7)),
            ("clang version 19.1.7 (3~deb12u1)\r\n", Vendor::Llvm, (19, 1, 7)),
            ("clang version 22.0.0git (https://example.org/llvm 1.2.3)", Vendor::Llvm, (22, 0, 0)),
            ("clang version 20.1.0-rc3", Vendor::Llvm, (20, 1, 0)),
            ("clang version 3.9 (tags/RELEASE)", Vendor::Llvm, (3, 9, 0)),
            (
                "Android (11349228, +pgo, based on r487747e) clang version 17.0.2 (x)",
                Vendor::Llvm,
                (17, 0, 2),
            ),
            ("Apple clang version 16.0.0 (clang-1600.0.26.6)", Vendor::Apple, (16, 0, 0)),
            (
                "\u{1b}[1m\u{1b}[38;5;12mclang version\u{1b}[0m \u{1b}[32m19.1.7\u{1b}[m",
                Vendor::Llvm,
                (19, 1, 7),
            ),
            ("Debian clang バージョン 19.1.7", Vendor::Llvm, (19, 1, 7)),
            ("CLANG SÜRÜMÜ 19.1.7", Vendor::Llvm, (19, 1, 7)),
            ("\n\u{1b}[0m\n  clang, Version: 19.1.7.", Vendor::Llvm, (19, 1, 7)),
        ];
        for (text, vendor, (major, minor, patch)) in rows {
            let banner = clang_banner(text.as_bytes()).unwrap();
            assert_eq!(banner.vendor, *vendor, "{text}");
            assert_eq!(banner.version, version(*major, *minor, *patch), "{text}");
        }
    }

    #[test]
    fn l09_other_compilers_and_wrappers_that_ignore_arguments_are_refused() {
        for text in [
            "",
            "\n\n",
            "gcc (Debian 12.2.0-14+deb12u1) 12.2.0",
            "ccache version 4.8",
            "hello",
            "clang",
            "clang version unknown",
            "clang-format version 19.1.7",
            "noclang 19.1.7",
            "clang 19",
            "\u{1b}[",
            "\u{0}\u{1}",
        ] {
            let taken = clang_banner(text.as_bytes());
            assert!(taken.is_err(), "{text:?} was taken for {taken:?}");
        }
        assert!(clang_banner(&[0xff, 0xfe, 0x80]).is_err());
        let error = clang_banner(b"gcc 12.2.0").unwrap_err();
        assert!(error.to_string().contains("gcc 12.2.0"));
    }

    #[test]
    fn lld_is_known_by_its_number_and_gnu_ld_is_refused() {
        for (text, expected) in [
            ("LLD 19.1.7 (compatible with GNU linkers)", version(19, 1, 7)),
            ("Debian LLD 19.1.7 (compatible with GNU linkers)", version(19, 1, 7)),
            ("Homebrew LLD 21.1.0 (compatible with GNU linkers)", version(21, 1, 0)),
            ("\u{1b}[1mLLD 20.1.8\u{1b}[0m", version(20, 1, 8)),
        ] {
            assert_eq!(lld_banner(text.as_bytes()), Ok(expected), "{text}");
        }
        for text in ["GNU ld (GNU Binutils for Debian) 2.40", "mold 2.30.0", ""] {
            assert!(lld_banner(text.as_bytes()).is_err(), "{text}");
        }
    }
}
