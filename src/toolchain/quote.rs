//! Quoting for the files that the toolchain writes, one function a syntax. A text that
//! a syntax cannot hold is refused, never written changed.

use std::path::Path;

use crate::host::fault::{Diagnostic, Kind};

/// A path that a file's syntax cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} cannot stand in a {syntax}: {why}")]
pub struct QuoteError {
    path: String,
    syntax: &'static str,
    why: &'static str,
}

impl Diagnostic for QuoteError {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn code(&self) -> &'static str {
        "path-cannot-be-quoted"
    }

    fn hints(&self) -> Vec<String> {
        vec!["choose another folder: reml-toolchain --root PATH prepare".to_owned()]
    }
}

/// A path as text without control characters.
///
/// # Errors
/// When it is not UTF-8 or holds a control character: none of the syntaxes has a way to
/// write these that all their readers understand.
pub fn plain<'a>(path: &'a Path, syntax: &'static str) -> Result<&'a str, QuoteError> {
    let refuse = |why| QuoteError { path: path.to_string_lossy().into_owned(), syntax, why };
    let text = path.to_str().ok_or_else(|| refuse("it is not UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(refuse("it holds a control character"));
    }
    Ok(text)
}

/// One argument of a clang configuration file (Clang's manual, "Configuration files";
/// quoting as in GNU response files: a backslash takes the next character as it is).
#[must_use]
pub fn clang_config(argument: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_=./:+,<>@%".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument.to_owned();
    }
    format!("\"{}\"", escaped(argument, &['\\', '"']))
}

/// A quoted argument of `CMake` (cmake-language(7)).
#[must_use]
pub fn cmake(text: &str) -> String {
    format!("\"{}\"", escaped(text, &['\\', '"', '$', ';']))
}

/// A string of a Meson machine file (Meson's manual, "Machine files").
///
/// Unlike in a build file no character can be escaped: Meson doubles every backslash of a
/// machine file before it reads the value. So a quote needs the string in three quotes,
/// where in turn a doubled backslash would stay doubled.
///
/// # Errors
/// When the text holds a quote together with a backslash, or where the string ends.
pub fn meson(text: &str) -> Result<String, QuoteError> {
    if !text.contains('\'') {
        return Ok(format!("'{text}'"));
    }
    if text.contains('\\') || text.contains("'''") || text.starts_with('\'') || text.ends_with('\'')
    {
        let why = "its quotes cannot be written there";
        return Err(QuoteError { path: text.to_owned(), syntax: "Meson machine file", why });
    }
    Ok(format!("'''{text}'''"))
}

fn escaped(text: &str, special: &[char]) -> String {
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            result.push('\\');
        }
        result.push(c);
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn n06_spaces_quotes_and_other_scripts_are_kept() {
        assert_eq!(clang_config("--sysroot=<CFGDIR>/../s"), "--sysroot=<CFGDIR>/../s");
        assert_eq!(clang_config(r#"a "b" \c"#), r#""a \"b\" \\c""#);
        assert_eq!(clang_config("/home/ユーザー"), "/home/ユーザー");
        assert_eq!(clang_config(""), "\"\"");
        assert_eq!(clang_config("#x"), "\"#x\"");
        assert_eq!(cmake(r#"a;b ${C} "d" \"#), r#""a\;b \${C} \"d\" \\""#);
        assert_eq!(meson(r"a \ b").unwrap(), r"'a \ b'");
        assert_eq!(meson("it's here").unwrap(), "'''it's here'''");
        assert!(meson(r"it's \ here").is_err());
        assert!(meson("'quoted'").is_err());
        assert!(meson("three'''quotes").is_err());
    }

    #[test]
    fn n06_what_cannot_be_quoted_is_refused() {
        let error = plain(Path::new("/a\nb"), "Meson file").unwrap_err();
        assert_eq!(error.code(), "path-cannot-be-quoted");
        assert!(error.to_string().contains("control character"));
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            let name = std::ffi::OsStr::from_bytes(b"/a\xff");
            assert!(plain(Path::new(name), "Meson file").is_err());
        }
    }

    /// LLVM's tokenizer for GNU response files, in short.
    fn tokens(line: &str) -> Vec<String> {
        let (mut all, mut token, mut quote) = (Vec::new(), None::<String>, None);
        let mut characters = line.chars();
        while let Some(c) = characters.next() {
            match (c, quote) {
                ('\\', _) => token.get_or_insert_default().extend(characters.next()),
                ('"' | '\'', None) => {
                    quote = Some(c);
                    token.get_or_insert_default();
                }
                (c, Some(open)) if c == open => quote = None,
                (c, None) if c.is_ascii_whitespace() => all.extend(token.take()),
                (c, _) => token.get_or_insert_default().push(c),
            }
        }
        all.extend(token);
        all
    }

    proptest! {
        #[test]
        fn n06_clang_reads_back_every_argument(argument in "[^\\p{Cc}]{0,40}") {
            prop_assert_eq!(tokens(&clang_config(&argument)), [argument]);
        }
    }
}
