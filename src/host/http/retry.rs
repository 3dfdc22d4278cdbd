//! What is worth trying again, and when. Pure: it must never sleep, look at a clock or draw random
//! numbers itself.

use std::time::{Duration, SystemTime};

use super::error::HttpError;

/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How often and after which pauses a request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Further attempts after the first.
    pub retries: u32,
    /// The first pause; each following one is twice as long.
    pub first: Duration,
}

impl Default for Backoff {
    /// Three further attempts after 1, 2 and 4 seconds, plus jitter.
    fn default() -> Self {
        Self { retries: 3, first: Duration::from_secs(1) }
    }
}

impl Backoff {
    /// The pause before further attempt `number` (from 0): doubled each time, plus up to a quarter
    /// as `random` says, so that many clients do not come back at once.
    #[must_use]
    pub fn pause(&self, number: u32, random: u64) -> Duration {
        let plain = self.first.saturating_mul(2_u32.saturating_pow(number));
        let percent = u32::try_from(random % 26).unwrap_or(0);
        plain.saturating_add(plain.saturating_mul(percent) / 100)
    }
}

/// Whether the same URL may be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// The same request would get the same answer.
    Never,
    /// Nobody answered: one more try tells a hiccup from an outage.
    Once,
    /// A passing trouble; the server may have said how long to wait.
    After(Option<Duration>),
}

/// What a failure says about trying the same URL again.
pub(super) fn again(error: &HttpError) -> Again {
    match error {
        HttpError::Connect { .. } => Again::Once,
        HttpError::Stalled { .. } | HttpError::Broken { .. } => Again::After(None),
        HttpError::Status {
            status: 408 | 425 | 429 | 500 | 502 | 503 | 504, retry_after, ..
        } => Again::After(*retry_after),
        _ => Again::Never,
    }
}

/// Reads `Retry-After` (RFC 9110 §10.2.3): seconds, or a date which is measured against the
/// response's own `Date`, so that our clock plays no part. At most 60 s; nonsense is no answer.
pub(super) fn retry_after(value: &str, date: Option<SystemTime>) -> Option<Duration> {
    let value = value.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_or(LONGEST_WAIT, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        until.duration_since(date?).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g09_pauses_double_and_jitter_stays_within_a_quarter() {
        let backoff = Backoff::default();
        for (number, seconds) in [(0, 1.0), (1, 2.0), (2, 4.0)] {
            for random in [0, 13, 25, 26, u64::MAX] {
                let pause = backoff.pause(number, random).as_secs_f64();
                assert!((seconds..=seconds * 1.25).contains(&pause), "{number}: {pause}");
            }
        }
        assert!(backoff.pause(99, 25) > backoff.pause(2, 0));
    }

    #[test]
    fn g09_retry_after_takes_seconds_and_dates_up_to_a_minute() {
        let date = httpdate::parse_http_date("Mon, 23 Nov 2026 12:00:00 GMT").ok();
        let seconds = |value, date| retry_after(value, date).map(|wait| wait.as_secs());
        assert_eq!(seconds("7", None), Some(7));
        assert_eq!(seconds("1000000000", None), Some(60));
        assert_eq!(seconds("99999999999999999999999", None), Some(60));
        assert_eq!(seconds("-5", None), None);
        assert_eq!(seconds("", None), None);
        assert_eq!(seconds("soon", date), None);
        assert_eq!(seconds("Mon, 23 Nov 2026 12:00:30 GMT", date), Some(30));
        assert_eq!(seconds("Mon, 23 Nov 2026 11:00:00 GMT", date), Some(0));
        assert_eq!(seconds("Tue, 24 Nov 2099 12:00:00 GMT", date), Some(60));
        assert_eq!(seconds("Mon, 23 Nov 2026 12:00:30 GMT", None), None);
    }
}
