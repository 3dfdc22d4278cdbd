//! Sizes and durations as people read them.

use std::time::Duration;

/// A size in decimal units, as disks and downloads are counted: `12.5 MB`.
#[must_use]
#[allow(clippy::cast_precision_loss)] // Shown with one decimal only.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// A duration: `7 ms`, `2.3 s`, `4 min 10 s`.
#[must_use]
pub fn duration(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_with_one_digit() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(12_500_000), "12.5 MB");
        assert_eq!(size(2_000_000_000), "2.0 GB");
    }

    #[test]
    fn durations_use_the_unit_that_fits() {
        assert_eq!(duration(Duration::from_millis(7)), "7 ms");
        assert_eq!(duration(Duration::from_millis(2_345)), "2.3 s");
        assert_eq!(duration(Duration::from_secs(250)), "4 min 10 s");
    }
}
