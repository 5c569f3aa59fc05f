//! When a server wants to be asked again: `Retry-After` (RFC 9110 section 10.2.3). Pure: time is an argument.

use chrono::{DateTime, TimeDelta, Utc};

/// Seconds from now, or a date in one of the three forms that HTTP knows; anything else is as if it were not there.
#[must_use]
pub fn retry_after(value: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(i64::MAX);
        let after = TimeDelta::try_seconds(seconds).and_then(|after| now.checked_add_signed(after));
        return Some(after.unwrap_or(DateTime::<Utc>::MAX_UTC));
    }
    match httpdate::parse_http_date(value) {
        Ok(date) => Some(date.into()),
        // As mails have it: another zone than GMT, or no day of the week.
        Err(_) => DateTime::parse_from_rfc2822(value).ok().map(|date| date.to_utc()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-11-22T12:00:00Z").unwrap().to_utc()
    }

    #[test]
    fn seconds_or_a_date_and_garbage_is_nothing() {
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            // IMF-fixdate, and the two old forms that every recipient must accept: RFC 850's, asctime's.
            ("Sun, 22 Nov 2026 12:05:00 GMT", Some(300)),
            ("Sunday, 22-Nov-26 12:05:00 GMT", Some(300)),
            ("Sun Nov 22 12:05:00 2026", Some(300)),
            ("Sun Nov  1 12:00:00 2026", Some(-21 * 86_400)),
            ("Sun, 22 Nov 2026 13:05:00 +0100", Some(300)),
            ("Sun, 22 Nov 2026 11:00:00 GMT", Some(-3_600)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("", None),
        ] {
            let found = retry_after(value, now()).map(|then| (then - now()).num_seconds());
            assert_eq!(found, seconds, "{value:?}");
        }
        for endless in ["99999999999999", "99999999999999999999999999"] {
            assert_eq!(retry_after(endless, now()), Some(DateTime::<Utc>::MAX_UTC), "{endless}");
        }
    }

    proptest! {
        #[test]
        fn seconds_are_never_before_now(seconds in any::<u64>(), other in "\\PC{0,60}") {
            prop_assert!(retry_after(&seconds.to_string(), now()).unwrap() >= now());
            prop_assert!(retry_after(&other, now()) == retry_after(&other, now()), "pure");
        }
    }
}
