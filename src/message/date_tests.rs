use chrono::TimeZone;
use proptest::prelude::*;

use super::*;

fn of(value: &str) -> WrittenDate {
    read(Some(value.as_bytes()))
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn every_form_that_names_its_zone() {
    for (value, expected) in [
        ("Sun, 29 Nov 2026 10:00:00 +0000", "2026-11-29T10:00:00Z"),
        ("Sun, 29 Nov 2026 10:00 +0100", "2026-11-29T09:00:00Z"),
        ("So, 29 Nov 2026 10:00 +0100", "2026-11-29T09:00:00Z"),
        ("dim., 29 Nov 2026 10:00 +0100", "2026-11-29T09:00:00Z"),
        ("Söndag,29 Nov 2026 10:00 +0100", "2026-11-29T09:00:00Z"),
        ("29 Nov 26 10:00:00 GMT", "2026-11-29T10:00:00Z"),
        ("29 Nov 99 10:00:00 GMT", "1999-11-29T10:00:00Z"),
        ("29 Nov 126 10:00:00 GMT", "2026-11-29T10:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 -0000", "2026-11-29T10:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 EST", "2026-11-29T15:00:00Z"),
        ("sun, 29 nov 2026 10:00:00 est", "2026-11-29T15:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 CET", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 CEST", "2026-11-29T08:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 JST", "2026-11-29T01:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 GMT+1", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 UTC+01:00", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 GMT +0100", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 +01:00", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 +0100 (CET)", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 +0100 (a (b) c)", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 (CET)", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00 +0530", "2026-11-29T04:30:00Z"),
        ("Sun, 29 Nov 2026 10:00:00\r\n +0100", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 10:00:00+0100", "2026-11-29T09:00:00Z"),
        (
            "Sun, 29 Nov 2026 10:00:00 Eastern Standard Time",
            "2026-11-29T15:00:00Z",
        ),
        (
            "Sun, 29 Jul 2026 10:00:00 Eastern Daylight Time",
            "2026-07-29T14:00:00Z",
        ),
        ("Sunday, 29 November 2026 10:00:00 +0100", "2026-11-29T09:00:00Z"),
        ("Sunday, 29-Nov-26 10:00:00 GMT", "2026-11-29T10:00:00Z"),
        ("29-Nov-2026 10:00:00 +0100", "2026-11-29T09:00:00Z"),
        ("29.11.2026 10:00:00 +0100", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 10.00.00 +0100", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 06:50:21 PM -0400", "2026-11-29T22:50:21Z"),
        ("Sun, 29 Nov 2026 12:50:21 am -0400", "2026-11-29T04:50:21Z"),
        ("Nov 29, 2026 6:50 PM +0000", "2026-11-29T18:50:00Z"),
        ("11/29/2026 6:50:21 PM GMT", "2026-11-29T18:50:21Z"),
        ("2026-11-29T10:00:00Z", "2026-11-29T10:00:00Z"),
        ("2026-11-29T10:00:00.123+01:00", "2026-11-29T09:00:00.123Z"),
        ("2026-11-29 10:00:00 +0100", "2026-11-29T09:00:00Z"),
        ("Sun Nov 29 10:00:00 CET 2026", "2026-11-29T09:00:00Z"),
        ("Sun Nov 29 10:00:00 2026 +0100", "2026-11-29T09:00:00Z"),
        ("Sun,29 Nov 2026 10:00:00 +0100", "2026-11-29T09:00:00Z"),
        ("Sun 29 Nov 2026 10:00:00 +0100", "2026-11-29T09:00:00Z"),
        ("Sun., 29. Nov. 2026 10:00:00 +0100", "2026-11-29T09:00:00Z"),
        ("Sun, 29 Nov 2026 23:59:60 +0000", "2026-11-29T23:59:59Z"),
    ] {
        assert_eq!(of(value), WrittenDate::At(utc(expected)), "{value}");
    }
}

#[test]
fn where_no_zone_is_named_it_is_said() {
    for value in [
        "Sun, 29 Nov 2026 10:00:00",
        "Sun Nov 29 10:00:00 2026",
        "29 Nov 2026 10:00",
        "2026-11-29 10:00:00",
        "2026-11-29T10:00:00",
        "Sun, 29 Nov 2026 10:00:00 AM",
    ] {
        let written = of(value);
        assert_eq!(
            written,
            WrittenDate::WithoutZone(utc("2026-11-29T10:00:00Z")),
            "{value}"
        );
        assert!(written.note().unwrap().contains("UTC"));
    }
}

#[test]
fn what_can_be_meant_in_two_ways_is_not_read() {
    for value in [
        "3/4/2026 10:00:00 GMT",
        "Sun, 29 Nov 2026 10:00:00 XYZT",
        "Sun, 29 Nov 2026 10:00:00 +9999",
        "Sun, 29 Nov 2026 25:00:00 +0000",
        "Sun, 31 Feb 2026 10:00:00 +0000",
        "29 Nov 2026",
        "yesterday",
        "10:00:00 +0100",
        "Sun, 29 Nov 2026 10:00:00 W. Europe Standard Time",
    ] {
        assert_eq!(of(value), WrittenDate::Unreadable, "{value}");
    }
    assert_eq!(read(None), WrittenDate::Nowhere);
    assert_eq!(of("  \r\n"), WrittenDate::Nowhere);
}

proptest! {
    #[test]
    fn what_was_written_comes_back(seconds in 0_i64..4_000_000_000, quarters in -48_i32..=56) {
        let instant = Utc.timestamp_opt(seconds, 0).unwrap();
        let there = instant.with_timezone(&FixedOffset::east_opt(quarters * 900).unwrap());
        for value in [
            there.to_rfc2822(),
            there.to_rfc3339(),
            there.format("%d %b %Y %H:%M:%S %:z").to_string(),
            there.format("%d-%b-%Y %H:%M:%S %z").to_string(),
            there.format("%a %b %e %H:%M:%S %Y %z").to_string(),
            there.format("%A, %d %B %Y %I:%M:%S %p %z").to_string(),
            there.format("%Y-%m-%d %H:%M:%S %z").to_string(),
        ] {
            prop_assert_eq!(of(&value), WrittenDate::At(instant), "{}", value);
        }
    }

    #[test]
    fn whatever_comes_is_judged(value in "\\PC{0,60}") {
        let _ = of(&value);
    }
}
