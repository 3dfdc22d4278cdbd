//! Where a value stands in a chart, and how it is written: domains, ticks, buckets of time.
//! Whole numbers throughout, so that the same lines give the same bytes on every machine.

use std::time::Duration;

use serde::Serialize;

use super::series::{Point, Unit};
use crate::debian::date::{Civil, Timestamp};
use crate::ui::bytes;

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Where the first and the last moment stand, in hundredths of a percent of the width: left
/// of them is room for the numbers.
const LEFT: i64 = 900;
const RIGHT: i64 = 9850;

/// The most ticks of time: so many dates fit beside each other on a phone.
const TICKS: i64 = 5;

/// From the first moment to the last, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Domain {
    pub from: i64,
    pub to: i64,
}

/// A length of time that starts at a round moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Hours(i64),
    Days(i64),
    Months(i64),
}

const STEPS: [Step; 16] = [
    Step::Hours(1),
    Step::Hours(3),
    Step::Hours(6),
    Step::Hours(12),
    Step::Days(1),
    Step::Days(2),
    Step::Days(7),
    Step::Days(14),
    Step::Months(1),
    Step::Months(2),
    Step::Months(3),
    Step::Months(6),
    Step::Months(12),
    Step::Months(60),
    Step::Months(240),
    Step::Months(600),
];

impl Domain {
    /// Of these times, and some more: what came with the newest lines needs a place to be seen,
    /// and so does one moment alone.
    pub fn of(times: impl Iterator<Item = i64> + Clone) -> Option<Self> {
        let (from, newest) = (times.clone().min()?, times.max()?);
        let length = newest - from;
        let before = if length < HOUR { HOUR / 2 } else { 0 };
        Some(Self { from: from - before, to: newest + (length / 16).max(HOUR / 2) })
    }

    /// The place of a moment, as a percentage of the width.
    #[must_use]
    pub fn place(self, time: i64) -> String {
        percent(self.hundredths(time))
    }

    /// The width from one moment to another.
    #[must_use]
    pub fn width(self, from: i64, to: i64) -> String {
        percent((self.hundredths(to) - self.hundredths(from)).max(0))
    }

    fn hundredths(self, time: i64) -> i64 {
        let time = time.clamp(self.from, self.to);
        LEFT + (time - self.from) * (RIGHT - LEFT) / (self.to - self.from).max(1)
    }

    /// Round moments with their labels.
    #[must_use]
    pub fn ticks(self) -> Vec<(i64, String)> {
        let length = self.to - self.from;
        let fits = |step: &Step| length / step.seconds() < TICKS;
        let step = STEPS.into_iter().find(fits).unwrap_or(Step::Months(600));
        let mut moment = step.floor(self.from);
        let mut ticks = Vec::new();
        while moment <= self.to {
            if moment >= self.from {
                ticks.push((moment, step.label(moment)));
            }
            moment = step.next(moment);
        }
        ticks
    }

    /// The bucket that a table puts a moment into: its label.
    #[must_use]
    pub fn bucket(self, time: i64) -> String {
        let step = match (self.to - self.from) / DAY {
            0..=1 => Step::Hours(1),
            2..=31 => Step::Days(1),
            32..=190 => Step::Days(7),
            _ => Step::Months(1),
        };
        step.label(step.floor(time))
    }
}

impl Step {
    const fn seconds(self) -> i64 {
        match self {
            Self::Hours(count) => count * HOUR,
            Self::Days(count) => count * DAY,
            // The shortest months: one tick too few is better than one too many.
            Self::Months(count) => count * 30 * DAY,
        }
    }

    fn floor(self, time: i64) -> i64 {
        match self {
            // Weeks begin on Monday; the first of 1970 was the 5th of January.
            Self::Days(7 | 14) => time - (time - 4 * DAY).rem_euclid(self.seconds()),
            Self::Hours(_) | Self::Days(_) => time - time.rem_euclid(self.seconds()),
            Self::Months(count) => {
                let Civil { year, month, .. } = Timestamp(time).civil();
                let months = year * 12 + month - 1;
                first_of(months - months.rem_euclid(count))
            }
        }
    }

    fn next(self, moment: i64) -> i64 {
        match self {
            Self::Months(count) => {
                let Civil { year, month, .. } = Timestamp(moment).civil();
                first_of(year * 12 + month - 1 + count)
            }
            _ => moment + self.seconds(),
        }
    }

    fn label(self, moment: i64) -> String {
        let Civil { year, month, day, hour, .. } = Timestamp(moment).civil();
        match self {
            Self::Hours(_) => format!("{month:02}-{day:02} {hour:02}:00"),
            Self::Days(_) => Timestamp(moment).day(),
            Self::Months(count) if count >= 12 => format!("{year:04}"),
            Self::Months(_) => format!("{year:04}-{month:02}"),
        }
    }
}

/// The first moment of a month, counted from the year 0.
fn first_of(months: i64) -> i64 {
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    let end = Timestamp::end_of_day(&format!("{year:04}-{month:02}-01"));
    end.map_or(i64::MAX / 2, |end| end.0 - DAY + 1)
}

fn percent(hundredths: i64) -> String {
    format!("{}.{:02}%", hundredths / 100, hundredths % 100)
}

/// The scale of values, from 0 up to a round number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// The value at the upper edge.
    pub top: u64,
    step: u64,
    unit: Unit,
}

impl Values {
    /// A scale on which `most` has a place.
    #[must_use]
    pub fn up_to(most: u64, unit: Unit) -> Self {
        // Round in the unit in which it is written.
        let round = match (unit, most) {
            (Unit::Milliseconds, 600_000..) => 60_000,
            _ => 1,
        };
        let mut step: u64 = round;
        let mut factors = [2, 5, 10].into_iter().cycle();
        let mut power: u64 = round;
        while step.saturating_mul(4) < most {
            let factor = factors.next().unwrap_or(10);
            step = power.saturating_mul(factor);
            if factor == 10 {
                power = step;
            }
        }
        let top = most.div_ceil(step).max(1).saturating_mul(step);
        Self { top, step, unit }
    }

    /// The y of a value, in tenths of a pixel of a plot so many pixels high.
    #[must_use]
    pub fn place(&self, value: u64, height: u32) -> String {
        let height = u128::from(height) * 10;
        let below = height - (u128::from(value.min(self.top)) * height / u128::from(self.top));
        format!("{}.{}", below / 10, below % 10)
    }

    /// Round values with their labels, from 0.
    #[must_use]
    pub fn ticks(&self) -> Vec<(u64, String)> {
        let values = (0..=self.top / self.step).map(|count| count * self.step);
        values.map(|value| (value, self.unit.short(value))).collect()
    }
}

impl Unit {
    /// A value as people read it.
    #[must_use]
    pub fn show(self, value: u64) -> String {
        match self {
            Self::Milliseconds => bytes::duration(Duration::from_millis(value)),
            Self::Bytes => bytes::size(value),
            Self::Count => value.to_string(),
        }
    }

    /// A round value without the zeros of [`Unit::show`].
    fn short(self, value: u64) -> String {
        match (self, value) {
            (_, 0) => "0".to_owned(),
            (Self::Milliseconds, 60_000..) if value.is_multiple_of(60_000) => {
                format!("{} min", value / 60_000)
            }
            (Self::Milliseconds, 1000..) if value.is_multiple_of(1000) => {
                format!("{} s", value / 1000)
            }
            _ => self.show(value).replace(".0 ", " "),
        }
    }
}

/// The middle value of those that ended well; of an even number the lower one of the two.
#[must_use]
pub fn median<'p>(points: impl Iterator<Item = &'p Point>) -> Option<u64> {
    let mut values: Vec<u64> = points.filter(|point| point.ok).map(|point| point.value).collect();
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied()
}

#[cfg(test)]
mod tests;
