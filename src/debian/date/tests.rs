//! Dates in Debian's form and in all others.

use proptest::prelude::*;

use super::Timestamp;

#[test]
fn the_dates_of_real_releases_are_read() {
    // The seconds are those of `date -u -d … +%s`.
    for (text, seconds) in [
        ("Thu, 01 Jan 1970 00:00:00 UTC", 0),
        ("Tue, 29 Feb 2000 23:59:59 UTC", 951_868_799),
        ("Sat, 11 Jul 2026 10:16:37 UTC", 1_783_764_997),
        ("Tue, 19 Jan 2038 03:14:08 UTC", 2_147_483_648),
        ("Fri, 31 Dec 9999 23:59:59 UTC", 253_402_300_799),
    ] {
        assert_eq!(Timestamp::parse(text), Ok(Timestamp(seconds)));
        assert_eq!(Timestamp(seconds).to_string(), text);
    }
}

#[test]
fn b03_every_other_form_is_refused_with_its_reason() {
    for (text, reason) in [
        ("", "another length"),
        ("Sat, 11 Jul 26 10:16:37 UTC", "another length"),
        ("Sat, 1 Jul 2026 10:16:37 UTC", "another length"),
        ("Sat, 11 Jul 2026 10:16:37 +0000", "another length"),
        ("Sat, 11 Jul 2026 10:16:37 UTC ", "another length"),
        ("Sat, 11 Jul 2026 10:16:37 GMT", "another time zone"),
        ("Sat, 11 Jul 2026 10:16:37 utc", "another time zone"),
        ("Sat; 11 Jul 2026 10:16:37 UTC", "another shape"),
        ("Sat, +1 Jul 2026 10:16:37 UTC", "another shape"),
        ("Sat, 11 Jul -026 10:16:37 UTC", "another shape"),
        ("Sat, 11 Jui 2026 10:16:37 UTC", "an unknown month"),
        ("Sat, 11 jul 2026 10:16:37 UTC", "an unknown month"),
        ("Sun, 11 Jul 2026 10:16:37 UTC", "the wrong weekday"),
        ("Sat, 31 Jun 2026 10:16:37 UTC", "no such day in that month"),
        ("Sat, 00 Jul 2026 10:16:37 UTC", "no such day in that month"),
        ("Mon, 29 Feb 2100 10:16:37 UTC", "no such day in that month"),
        ("Sat, 11 Jul 2026 24:00:00 UTC", "no such time of day"),
        ("Sat, 11 Jul 2026 10:60:00 UTC", "no such time of day"),
        ("Sat, 11 Jul 2026 10:16:60 UTC", "no such time of day"),
        ("Wed, 31 Dec 1969 23:59:59 UTC", "a year before 1970"),
    ] {
        let error = Timestamp::parse(text).expect_err(text);
        assert_eq!(error.problem, reason, "{text}");
    }
}

#[test]
fn days_are_counted_whole() {
    let day = 86_400;
    assert_eq!(Timestamp(16 * day + 5).days_since(Timestamp(0)), 16);
    assert_eq!(Timestamp(0).days_since(Timestamp(1)), -1);
    assert_eq!(Timestamp(i64::MIN).days_since(Timestamp(i64::MAX)), i64::MIN.div_euclid(day));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(seconds in 0..253_402_300_800_i64) {
        prop_assert_eq!(Timestamp::parse(&Timestamp(seconds).to_string()), Ok(Timestamp(seconds)));
    }

    #[test]
    fn parsing_never_panics(text in ".{0,40}", date in "[A-Z][a-z]{2}, [0-9é ]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} UTC") {
        let _ = Timestamp::parse(&text);
        let _ = Timestamp::parse(&date);
    }
}

#[test]
fn a_day_by_iso_8601_ends_one_second_before_the_next() {
    let end = Timestamp::end_of_day("2028-06-30").unwrap();
    assert_eq!(end.to_string(), "Fri, 30 Jun 2028 23:59:59 UTC");
    assert_eq!(end.day(), "2028-06-30");
    for text in ["", "2028-06", "2027-02-29", "2028-13-01", "2028-06-30-1", "é"] {
        assert_eq!(Timestamp::end_of_day(text), None, "{text}");
    }
}
