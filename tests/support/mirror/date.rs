//! Unix seconds as the texts of the archive. Never reads a clock.

/// `Sat, 21 Nov 2026 00:53:02 UTC`, as Release files write it (RFC 5322 with `UTC`).
pub fn release_date(seconds: u64) -> String {
    format!("{} UTC", text(seconds))
}

/// `Sat, 21 Nov 2026 00:53:02 GMT`, as HTTP writes it (RFC 9110 §5.6.7).
pub fn http_date(seconds: u64) -> String {
    format!("{} GMT", text(seconds))
}

/// `Sat, 21 Nov 2026 00:53:02 +0000`, as changelogs write it (Debian policy §4.4).
pub fn changelog_date(seconds: u64) -> String {
    format!("{} +0000", text(seconds))
}

/// `20261121T005302Z`, as snapshot.debian.org names a moment.
pub fn snapshot_stamp(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = clock(seconds);
    format!("{year}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

fn text(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = seconds / 86_400;
    let (year, month, day) = civil(days);
    let (hour, minute, second) = clock(seconds);
    let weekday = DAYS[usize::try_from(days % 7).expect("less than seven")];
    let month = MONTHS[usize::try_from(month - 1).expect("less than twelve")];
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02}")
}

fn clock(seconds: u64) -> (u64, u64, u64) {
    (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
}

/// Year, month and day of a day since 1970, counted in eras of 400 years from 1 March 0000.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let of_month = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + carry, month, of_month)
}
