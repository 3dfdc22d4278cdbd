//! Seconds since 1970 as RFC 3339 in UTC. Never asks for a time zone.

use super::text::Buffer;

/// Appends `YYYY-MM-DDThh:mm:ssZ`.
pub fn rfc3339<const N: usize>(out: &mut Buffer<N>, unix: i64) {
    let seconds = unix.rem_euclid(86_400) as u64;
    let (year, month, day) = date(unix.div_euclid(86_400));
    out.padded(year, 4);
    for (separator, value) in [
        (b'-', month),
        (b'-', day),
        (b'T', seconds / 3600),
        (b':', seconds / 60 % 60),
        (b':', seconds % 60),
    ] {
        out.byte(separator);
        out.padded(value, 2);
    }
    out.byte(b'Z');
}

/// Year, month and day of a day count, in the proleptic Gregorian calendar.
///
/// Counts in years that begin in March, so that the leap day is a year's last, and in
/// 400-year cycles of 146 097 days.
fn date(days: i64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let cycle = shifted.div_euclid(146_097);
    let day = shifted.rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = cycle * 400 + year + i64::from(month <= 2);
    (year as u64, month as u64, of_month as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_are_written_as_rfc_3339() {
        for (unix, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            let mut out = Buffer::<32>::new();
            rfc3339(&mut out, unix);
            assert_eq!(out.bytes(), expected.as_bytes());
        }
    }
}
