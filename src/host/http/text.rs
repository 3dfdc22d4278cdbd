//! How URLs, sizes and foreign words are shown. It must never let credentials, query strings or
//! control characters through.

use url::Url;

/// The longest foreign text shown, in characters.
const LONGEST: usize = 200;

/// A URL fit for messages and logs: without credentials, query and control characters.
///
/// Works on things that are no URL too, since those are what errors are about.
#[must_use]
pub fn mask(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let (before, query) = match rest.split_once(['?', '#']) {
        // A password may hold these characters in a URL written by hand.
        Some((before, after)) if !after.contains('@') || before.contains('/') => (before, true),
        _ => (rest, false),
    };
    // A password may even hold a slash, and a pool path has no `@`: hiding too much is the safe side.
    let shown = match before.rfind('@') {
        Some(at) => format!("***{}", &before[at..]),
        None => before.to_string(),
    };
    printable(&format!("{scheme}{shown}{}", if query { "?…" } else { "" }))
}

/// [`mask`] for a parsed URL.
pub(super) fn shown(url: &Url) -> String {
    mask(url.as_str())
}

/// Foreign text on one line of bounded length, control characters replaced.
pub(super) fn printable(text: &str) -> String {
    let clean = |c: char| {
        // Marks that reorder or hide text deceive as well as escape sequences do.
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || hidden { '\u{fffd}' } else { c }
    };
    let mut line: String = text.chars().take(LONGEST).map(clean).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

/// A number with its thousands apart: `1,903,668`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How far a transfer came: `10 of 1,903,668 bytes`, or `10 bytes` of an unknown whole.
pub(super) fn of_whole(got: u64, whole: Option<u64>) -> String {
    match whole {
        Some(whole) => format!("{} of {} bytes", grouped(got), grouped(whole)),
        None => format!("{} bytes", grouped(got)),
    }
}

/// A digest as `sha256sum` writes it.
#[must_use]
pub fn hex(digest: &[u8; 32]) -> String {
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// Whether a response is a web page where a file was asked: the mark of a captive portal.
/// `start` is the body's first kilobyte or less.
pub(super) fn looks_like_a_page(content_type: Option<&str>, start: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&start[..start.len().min(1024)]).to_ascii_lowercase();
    let start = start.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    let declared = content_type.is_some_and(|kind| {
        let kind = kind.trim_start().to_ascii_lowercase();
        kind.starts_with("text/html") || kind.starts_with("application/xhtml")
    });
    start.starts_with("<!doctype html")
        || start.starts_with("<html")
        || (declared && ["<html", "<head", "<meta", "<script"].iter().any(|t| start.contains(t)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g23_credentials_and_queries_are_never_shown() {
        for (url, expected) in [
            ("http://user:secret@host/pool/a.deb", "http://***@host/pool/a.deb"),
            ("https://token@host:8080/x?sig=secret", "https://***@host:8080/x?…"),
            ("http://user:se/cret@host/x", "http://***@host/x"),
            ("http://user:se?cret@host", "http://***@host"),
            ("user:secret@host:3128", "***@host:3128"),
            ("http://a:b@c:d@host/", "http://***@host/"),
            ("http://host/a#secret", "http://host/a?…"),
            ("http://host/a\x1b[31m\u{202e}", "http://host/a\u{fffd}[31m\u{fffd}"),
            ("http://höst/ファイル a", "http://höst/ファイル a"),
        ] {
            assert_eq!(mask(url), expected, "{url}");
        }
    }

    #[test]
    fn sizes_have_their_thousands_apart() {
        assert_eq!(of_whole(10, Some(1_903_668)), "10 of 1,903,668 bytes");
        assert_eq!(of_whole(1000, None), "1,000 bytes");
        assert_eq!(grouped(0), "0");
    }

    #[test]
    fn g16_login_pages_are_told_from_files() {
        assert!(looks_like_a_page(None, b"\n <!DOCTYPE HTML><html>"));
        assert!(looks_like_a_page(Some("text/html"), b"<!-- x --><head>"));
        assert!(!looks_like_a_page(Some("text/html"), b"!<arch>\ndebian-binary"));
        assert!(!looks_like_a_page(None, b"-----BEGIN PGP SIGNED MESSAGE-----\n<html>"));
    }

    #[test]
    fn long_foreign_text_is_cut() {
        assert_eq!(printable(&"x".repeat(70_000)).chars().count(), LONGEST + 1);
    }
}
