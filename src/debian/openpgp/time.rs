//! Unix seconds as people read them. Never asks for the time.

use crate::debian::date::{Civil, Timestamp};

/// The date and time of `seconds` since 1970 in UTC, as `2026-11-23 12:00:00 UTC`.
pub(super) fn utc(seconds: u64) -> String {
    let Civil { hour, minute, second, .. } = civil(seconds);
    format!("{} {hour:02}:{minute:02}:{second:02} UTC", date(seconds))
}

/// The date of `seconds` since 1970 in UTC, as `2026-11-23`.
pub(super) fn date(seconds: u64) -> String {
    let Civil { year, month, day, .. } = civil(seconds);
    format!("{year:04}-{month:02}-{day:02}")
}

fn civil(seconds: u64) -> Civil {
    Timestamp(i64::try_from(seconds).unwrap_or(i64::MAX)).civil()
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn known_moments_are_written_as_date_prints_them() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_926_589_461, "2031-01-19 11:44:21 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (4_294_967_295, "2106-02-07 06:28:15 UTC"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }
}
