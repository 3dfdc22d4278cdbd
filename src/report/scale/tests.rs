use super::*;

fn domain(from: &str, to: &str) -> Domain {
    let seconds = |text| crate::toolchain::metrics::seconds(text).unwrap();
    Domain { from: seconds(from), to: seconds(to) }
}

fn labels(domain: Domain) -> Vec<String> {
    domain.ticks().into_iter().map(|(_, label)| label).collect()
}

#[test]
fn ticks_are_round_moments_and_few() {
    let year = domain("2025-12-03T09:00:00Z", "2026-11-27T09:00:00Z");
    assert_eq!(labels(year), ["2026-01", "2026-04", "2026-07", "2026-10"]);
    let week = domain("2026-11-20T09:00:00Z", "2026-11-27T09:00:00Z");
    assert_eq!(labels(week), ["2026-11-21", "2026-11-23", "2026-11-25", "2026-11-27"]);
    let hours = domain("2026-11-27T09:10:00Z", "2026-11-27T12:50:00Z");
    assert_eq!(labels(hours), ["11-27 10:00", "11-27 11:00", "11-27 12:00"]);
    let weeks = domain("2026-10-01T00:00:00Z", "2026-10-30T00:00:00Z");
    assert_eq!(labels(weeks)[0], "2026-10-05", "a Monday");
    for years in 1..170 {
        let long = domain("2020-06-01T00:00:00Z", &format!("{}-06-02T00:00:00Z", 2020 + years));
        assert!((1..=6).contains(&long.ticks().len()), "{years}: {:?}", long.ticks());
    }
}

#[test]
fn a_moment_has_its_place_and_one_moment_alone_has_one_too() {
    let day = domain("2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z");
    assert_eq!((day.place(day.from), day.place(day.to)), ("9.00%".to_owned(), "98.50%".to_owned()));
    assert_eq!((day.place(0), day.place(i64::MAX)), ("9.00%".to_owned(), "98.50%".to_owned()));
    assert_eq!(day.width(day.from, day.from + DAY / 2), "44.75%");
    let alone = Domain::of([1_795_590_123].into_iter()).unwrap();
    assert_eq!(alone.place(1_795_590_123), "53.75%");
    assert_eq!(Domain::of(std::iter::empty()), None);
}

#[test]
fn rows_of_tables_are_hours_days_weeks_or_months_and_sort_by_time() {
    let bucket = |to: &str| {
        domain("2026-01-01T00:00:00Z", to)
            .bucket(domain("2026-01-01T00:00:00Z", "2026-01-28T15:59:00Z").to)
    };
    assert_eq!(bucket("2026-01-02T00:00:00Z"), "01-28 15:00");
    assert_eq!(bucket("2026-01-31T00:00:00Z"), "2026-01-28");
    assert_eq!(bucket("2026-04-01T00:00:00Z"), "2026-01-26");
    assert_eq!(bucket("2026-12-01T00:00:00Z"), "2026-01");
}

#[test]
fn the_scale_of_values_begins_at_0_and_ends_at_a_round_number_above_all() {
    let labels = |most, unit| -> Vec<String> {
        Values::up_to(most, unit).ticks().into_iter().map(|(_, label)| label).collect()
    };
    assert_eq!(labels(0, Unit::Count), ["0", "1"]);
    assert_eq!(labels(3, Unit::Count), ["0", "1", "2", "3"]);
    assert_eq!(labels(41_000, Unit::Milliseconds), ["0", "20 s", "40 s", "1 min"]);
    assert_eq!(labels(950_000, Unit::Milliseconds), ["0", "5 min", "10 min", "15 min", "20 min"]);
    assert_eq!(labels(60_000, Unit::Bytes), ["0", "20 kB", "40 kB", "60 kB"]);
    for most in [0, 1, 4, 5, 9, 1_450, 999_999, u64::MAX / 2, u64::MAX] {
        for unit in [Unit::Milliseconds, Unit::Bytes, Unit::Count] {
            let values = Values::up_to(most, unit);
            assert!(
                values.top >= most && (2..=6).contains(&values.ticks().len()),
                "{most}: {values:?}"
            );
            assert_eq!(values.place(values.top, 150), "0.0");
            assert_eq!(values.place(0, 150), "150.0");
        }
    }
}

#[test]
fn the_median_is_that_of_the_runs_that_ended_well() {
    let point = |value, ok| Point { time: 0, value, ok };
    let points = [point(9, true), point(1, false), point(3, true), point(4, true), point(8, true)];
    assert_eq!(median(points.iter()), Some(4));
    assert_eq!(median([point(1, false)].iter()), None);
}
