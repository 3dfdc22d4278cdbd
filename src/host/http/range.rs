//! Reading `Content-Range`. Pure; it must never guess: an odd value is none.

/// What a 206 response says it holds (RFC 9110 §14.4). Offsets are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRange {
    pub first: u64,
    pub last: u64,
    /// The whole file's size, where the server tells it.
    pub whole: Option<u64>,
}

impl ContentRange {
    /// Reads `bytes 0-99/1234` or `bytes 0-99/*`.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (span, whole) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = span.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let whole = if whole == "*" { None } else { Some(number(whole)?) };
        (first <= last && whole.is_none_or(|whole| last < whole)).then_some(Self {
            first,
            last,
            whole,
        })
    }

    /// Whether this is the rest, from `have` on, of a file of `size` bytes.
    pub(super) fn continues(self, have: u64, size: u64) -> bool {
        self.first == have
            && self.last.checked_add(1) == Some(size)
            && self.whole.is_none_or(|whole| whole == size)
    }
}

/// Digits only: `parse` alone would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g13_only_the_exact_rest_continues_a_download() {
        let continues =
            |value| ContentRange::parse(value).is_some_and(|range| range.continues(10, 100));
        assert!(continues("bytes 10-99/100"));
        assert!(continues("bytes 10-99/*"));
        for wrong in [
            "bytes 9-99/100",
            "bytes 11-99/100",
            "bytes 10-98/100",
            "bytes 10-99/101",
            "bytes 10-100/100",
            "bytes 99-10/100",
            "bytes +10-99/100",
            "bytes 10-99",
            "bytes */100",
            "10-99/100",
            "bytes 10-18446744073709551615/*",
            "",
        ] {
            assert!(!continues(wrong), "{wrong}");
        }
    }
}
