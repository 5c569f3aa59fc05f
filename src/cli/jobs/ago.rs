//! Times as people write them: a day, an instant, or how long ago. Pure.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

/// The instant of `2026-11-25`, `2026-11-25T09:30:00Z`, `2026-11-25 09:30:00` (as lists print it, in UTC), `90m`, `36h` or `7d`.
///
/// # Errors
/// What may be written.
pub(in crate::cli) fn instant(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let exact = || DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
    let listed = || NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").map(|at| at.and_utc());
    day.or_else(|_| listed())
        .or_else(|_| exact())
        .ok()
        .or_else(|| now.checked_sub_signed(span(text)?))
        .ok_or_else(|| "a day (2026-11-25), an instant (2026-11-25T09:30:00Z), or a time ago (90m, 36h, 7d)".to_owned())
}

fn span(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().next_back()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|number| *number >= 0)?;
    match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (text, expected) in [
            ("2027-01-15", Some("2027-01-15T00:00:00+00:00")),
            ("2027-01-15T09:00:00+01:00", Some("2027-01-15T08:00:00+00:00")),
            ("2027-01-15 08:00:01", Some("2027-01-15T08:00:01+00:00")),
            ("90m", Some("2027-01-15T06:30:00+00:00")),
            ("36h", Some("2027-01-13T20:00:00+00:00")),
            ("7d", Some("2027-01-08T08:00:00+00:00")),
            ("-1d", None),
            ("9999999999999999d", None),
            ("7", None),
            ("d", None),
            ("", None),
            ("yesterday", None),
        ] {
            let found = instant(text, now).ok().map(|at| at.to_rfc3339());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
