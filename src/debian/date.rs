//! Points in time as Debian's `Release` writes them: `Sat, 11 Jul 2026 10:16:37 UTC`.
//! Never accepts another form and never asks a clock.

use std::fmt;

use thiserror::Error;

use super::value::excerpt;

#[cfg(test)]
mod tests;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: i64 = 86_400;

/// A text that is no date in Debian's form.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("bad date {text:?}: expected the form `Sat, 11 Jul 2026 10:16:37 UTC`, got {problem}")]
pub struct DateError {
    /// What was read.
    pub text: String,
    /// The part that is wrong.
    pub problem: &'static str,
}

/// Seconds since 1970-01-01 00:00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads a date in the one form that Debian's archive software writes (RFC 5322
    /// with two-digit day, four-digit year, and `UTC`), years 1970 to 9999. The
    /// weekday must be the right one.
    ///
    /// # Errors
    /// [`DateError`] names the part that is wrong.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        Self::read(text).map_err(|problem| DateError { text: excerpt(text), problem })
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        const SHAPE: &[u8] = b"Sat, 00 Jul 0000 00:00:00 UTC";
        let bytes = text.as_bytes();
        if bytes.len() != SHAPE.len() {
            return Err("another length");
        }
        for (got, shape) in bytes.iter().zip(SHAPE) {
            let fits = match shape {
                b'0' => got.is_ascii_digit(),
                b' ' | b',' | b':' => got == shape,
                _ => got.is_ascii_alphabetic(),
            };
            if !fits {
                return Err("another shape");
            }
        }
        let number = |from: usize, to: usize| {
            let digits = bytes[from..to].iter();
            digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
        };
        let name = |at: usize| &text[at..at + 3];
        if name(26) != "UTC" {
            return Err("another time zone");
        }
        let (day, year) = (number(5, 7), number(12, 16));
        let (hour, minute, second) = (number(17, 19), number(20, 22), number(23, 25));
        let month = (1..).zip(MONTHS).find(|(_, month)| *month == name(8));
        let (month, _) = month.ok_or("an unknown month")?;
        if year < 1970 {
            return Err("a year before 1970");
        }
        if day < 1 || day > days_in(month, year) {
            return Err("no such day in that month");
        }
        if hour > 23 || minute > 59 || second > 59 {
            return Err("no such time of day");
        }
        let days = days_from_epoch(year, month, day);
        if weekday(days) != name(0) {
            return Err("the wrong weekday");
        }
        Ok(Self(days * DAY + hour * 3600 + minute * 60 + second))
    }

    /// The end of the day `2028-06-30` (ISO 8601, UTC); `None` when there is no such day.
    #[must_use]
    pub fn end_of_day(text: &str) -> Option<Self> {
        let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let is_day = (1970..10_000).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in(month, year)).contains(&day)
            && parts.next().is_none();
        is_day.then(|| Self((days_from_epoch(year, month, day) + 1) * DAY - 1))
    }

    /// The day by ISO 8601, `2028-06-30`.
    #[must_use]
    pub fn day(self) -> String {
        let Civil { year, month, day, .. } = self.civil();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// Whole days from `earlier` to this point, rounded down; negative when it lies
    /// before.
    #[must_use]
    pub fn days_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(DAY)
    }
}

/// A moment by the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// The year of the proleptic Gregorian calendar.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
}

impl Timestamp {
    /// The moment by the calendar.
    #[must_use]
    pub fn civil(self) -> Civil {
        let (days, rest) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        Civil { year, month, day, hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60 }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second } = self.civil();
        let month_name =
            usize::try_from(month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("???");
        let weekday = weekday(self.0.div_euclid(DAY));
        write!(
            f,
            "{weekday}, {day:02} {month_name} {year:04} {hour:02}:{minute:02}:{second:02} UTC"
        )
    }
}

fn weekday(days: i64) -> &'static str {
    let at = usize::try_from(days.rem_euclid(7)).unwrap_or(0);
    DAYS[at]
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. Years are
/// counted from March, so that the leap day is the last of its year.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - 719_468
}

/// The inverse of [`days_from_epoch`]: year, month, day (Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms").
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month < 3);
    (year, month, day)
}
