//! Which redirects are followed. Pure; it must never accept a scheme other than http and https.

use url::Url;

use super::error::HttpError;
use super::text::{mask, printable, shown};

/// The most hops followed for one file.
pub(super) const MOST_HOPS: usize = 5;
/// The longest `Location`, in bytes.
const LONGEST_LOCATION: usize = 8192;

/// Whether the bytes are pinned by a hash, so that nobody on the way can change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pinned {
    Yes,
    No,
}

/// Whether a status asks us to look elsewhere.
pub(super) const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The address that `location` sends us to from `from`, after `hops` earlier hops.
///
/// # Errors
/// [`HttpError::Redirect`] with the rule that is broken.
pub(super) fn follow(
    from: &Url,
    location: Option<&[u8]>,
    hops: usize,
    pinned: Pinned,
) -> Result<Url, HttpError> {
    let refuse = |reason: String| HttpError::Redirect { url: shown(from), reason };
    let location = location.ok_or_else(|| refuse("it names no location".into()))?;
    if location.len() > LONGEST_LOCATION {
        return Err(refuse(format!(
            "expected a location of at most {LONGEST_LOCATION} bytes, got {}",
            location.len()
        )));
    }
    let text = std::str::from_utf8(location)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()) && !hides_control(text))
        .ok_or_else(|| refuse("the location holds characters that no URL may have".into()))?;
    let target = from.join(text).map_err(|error| {
        refuse(format!("{:?} is no location: {}", printable(&mask(text)), error))
    })?;
    if hops >= MOST_HOPS {
        return Err(refuse(format!("expected at most {MOST_HOPS} hops, got more")));
    }
    match (from.scheme(), target.scheme(), pinned) {
        ("https", "http", Pinned::No) => {
            Err(refuse(format!("it leads from https to http ({})", shown(&target))))
        }
        (_, "http" | "https", _) => Ok(target),
        (_, other, _) => {
            Err(refuse(format!("expected an http or https location, got {}:", printable(other))))
        }
    }
}

/// Percent-encoded control characters: harmless here, but only ever sent to split responses.
fn hides_control(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| {
        three[0] == b'%'
            && (matches!(three[1], b'0' | b'1') && three[2].is_ascii_hexdigit()
                || three[1] == b'7' && three[2].eq_ignore_ascii_case(&b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_follow(from: &str, location: &str, pinned: Pinned) -> Result<String, String> {
        let from = Url::parse(from).unwrap();
        let result = follow(&from, Some(location.as_bytes()), 0, pinned);
        result.map(String::from).map_err(|error| error.to_string())
    }

    #[test]
    fn g03_relative_foreign_and_upgraded_locations_are_followed() {
        let at = "http://a/pool/x.deb";
        for (location, target) in [
            ("y.deb", "http://a/pool/y.deb"),
            ("/y.deb", "http://a/y.deb"),
            ("//b/y.deb", "http://b/y.deb"),
            ("https://b/y.deb", "https://b/y.deb"),
        ] {
            assert_eq!(try_follow(at, location, Pinned::No).as_deref(), Ok(target));
        }
    }

    #[test]
    fn g04_https_to_http_is_followed_for_pinned_bytes_only() {
        let refused = try_follow("https://a/x", "http://b/x", Pinned::No).unwrap_err();
        assert!(refused.contains("https to http"), "{refused}");
        assert!(try_follow("https://a/x", "http://b/x", Pinned::Yes).is_ok());
    }

    #[test]
    fn g05_locations_and_hops_have_limits() {
        let longest = format!("/{}", "a".repeat(LONGEST_LOCATION - 1));
        assert!(try_follow("http://a/", &longest, Pinned::No).is_ok());
        let refused = try_follow("http://a/", &format!("{longest}a"), Pinned::No).unwrap_err();
        assert!(refused.contains("at most 8192 bytes, got 8193"), "{refused}");
        let from = Url::parse("http://a/").unwrap();
        assert!(follow(&from, Some(b"/x"), MOST_HOPS - 1, Pinned::No).is_ok());
        assert!(follow(&from, Some(b"/x"), MOST_HOPS, Pinned::No).is_err());
    }

    #[test]
    fn g05_other_schemes_and_hidden_characters_are_refused() {
        for location in [
            "file:///etc/passwd",
            "ftp://a/x",
            "data:,x",
            "gopher://a/",
            "x%0d%0aSet-Cookie:a",
            "x%00",
            "x%7F",
            "a b",
            "\u{1b}[2J",
            "http://",
        ] {
            let error = try_follow("http://a/x", location, Pinned::Yes).unwrap_err();
            assert!(!error.contains('\u{1b}'), "{error}");
        }
        assert!(try_follow("http://a/x", "g%2b%2b_1%3a2%7e.deb", Pinned::Yes).is_ok());
    }
}
