//! When an action is tried again: pure.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Blame;
use crate::config::Retry;

/// The farthest that an action may put off its next attempt (`Retry-After`, RFC 9110 section 10.2.3).
const FARTHEST: TimeDelta = TimeDelta::hours(24);

/// The share of a wait that jitter may add, so that jobs which failed together do not come back together.
const SPREAD: f64 = 0.2;

/// When the next attempt is due, after `retries` waits were used up; `None` when there is none left.
///
/// `not_before` is the action's own wish, heard up to 24 h ahead. `jitter` is from 0 to 1 and adds up to a fifth of the wait;
/// a wait is never shorter than configured.
#[must_use]
pub fn due(
    retry: &Retry,
    retries: u32,
    not_before: Option<DateTime<Utc>>,
    jitter: f64,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let wait = retry.waits.get(usize::try_from(retries).ok()?)?;
    let spread = wait.mul_f64(jitter.clamp(0.0, 1.0) * SPREAD);
    let after = |start: DateTime<Utc>, wait| {
        TimeDelta::from_std(wait)
            .ok()
            .and_then(|wait| start.checked_add_signed(wait))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    };
    let wished = not_before.map_or(now, |wish| wish.min(now + FARTHEST));
    Some(after(after(now, *wait).max(wished), spread))
}

/// The waits of a job that waits for a person or for room: its own, in seconds. They never end: the last one comes again and again, since what
/// is wrong may be mended without a word to us.
const WAITING: [u64; 6] = [5, 30, 2 * 60, 10 * 60, 30 * 60, 60 * 60];
/// Room comes back by itself, and nobody waits an hour for it.
const LONGEST_FOR_ROOM: Duration = Duration::from_secs(60);

/// When a job is due again that waits for somebody, and uses no attempt up: after a wait of its own that grows up to an hour, and no longer than
/// the endpoint's own wait there. Without end.
#[must_use]
pub fn waiting(retry: &Retry, fault: Blame, attempt: u32, jitter: f64, now: DateTime<Utc>) -> DateTime<Utc> {
    let nth = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let own = WAITING.get(nth).or(WAITING.last()).copied().unwrap_or_default();
    let own = Duration::from_secs(own);
    let own = match fault {
        Blame::Machine => own.min(LONGEST_FOR_ROOM),
        _ => own,
    };
    let configured = retry.waits.get(nth).or(retry.waits.last());
    let wait = configured.map_or(own, |wait| own.min(*wait));
    now + wait + wait.mul_f64(jitter.clamp(0.0, 1.0) * SPREAD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn retry(waits: &[u64]) -> Retry {
        Retry {
            waits: waits.iter().map(|s| Duration::from_secs(*s)).collect(),
        }
    }

    #[test]
    fn waits_in_turn_then_exhausted() {
        let retry = retry(&[5, 60]);
        let cases = [
            (0, None, 0.0, Some(1_005)),
            (0, None, 1.0, Some(1_006)),
            (1, None, 0.0, Some(1_060)),
            (1, None, 0.5, Some(1_066)),
            (1, None, 7.0, Some(1_072)),
            (2, None, 0.0, None),
            (u32::MAX, None, 0.0, None),
            (0, Some(1_002), 0.0, Some(1_005)),
            (0, Some(1_900), 0.0, Some(1_900)),
            (0, Some(1_900), 1.0, Some(1_901)),
            (0, Some(9_000_000), 0.0, Some(1_000 + 86_400)),
            (2, Some(1_900), 0.0, None),
        ];
        for (retries, not_before, jitter, expected) in cases {
            let due = due(&retry, retries, not_before.map(at), jitter, at(1_000));
            assert_eq!(due, expected.map(at), "{retries} {not_before:?} {jitter}");
        }
    }

    #[test]
    fn who_waits_for_somebody_waits_without_end_and_an_hour_at_most() {
        for (waits, fault, attempt, jitter, expected) in [
            (&[5, 60][..], Blame::Operator, 1, 0.0, 1_005),
            (&[5, 60], Blame::Operator, 1, 1.0, 1_006),
            (&[5, 60], Blame::Operator, 2, 0.0, 1_030),
            (&[5, 20], Blame::Operator, 2, 0.0, 1_020),
            (&[5, 60], Blame::Operator, 0, 0.0, 1_005),
            (&[5, 60], Blame::Operator, u32::MAX, 0.0, 1_060),
            (&[5, 36_000], Blame::Operator, 6, 0.0, 4_600),
            // Who is not tried again is not tried again by his webhook's fault: this is nobody's try.
            (&[], Blame::Operator, 1, 0.0, 1_005),
            (&[], Blame::Operator, 3, 0.0, 1_120),
            (&[], Blame::Operator, u32::MAX, 0.0, 4_600),
            (&[], Blame::Machine, 1, 0.0, 1_005),
            (&[], Blame::Machine, u32::MAX, 0.0, 1_060),
            (&[0], Blame::Machine, 9, 1.0, 1_000),
        ] {
            let due = waiting(&retry(waits), fault, attempt, jitter, at(1_000));
            assert_eq!(due, at(expected), "{waits:?} {fault:?} {attempt}");
        }
    }

    proptest! {
        #[test]
        fn never_earlier_than_configured_nor_far_beyond(
            wait in 0..10_000_000_u64, jitter in 0.0..=1.0, wish in prop::option::of(-9_000_000..9_000_000_i64)
        ) {
            let now = at(1_000_000_000);
            let wish = wish.map(|s| now + TimeDelta::seconds(s));
            let due = due(&retry(&[wait]), 0, wish, jitter, now).unwrap();
            let wait = TimeDelta::seconds(i64::try_from(wait).unwrap());
            prop_assert!(due >= now + wait);
            prop_assert!(due <= now + wait.max(FARTHEST) + wait / 5 + TimeDelta::milliseconds(1));
        }
    }

    #[test]
    fn an_endless_wait_does_not_overflow() {
        let due = due(&retry(&[u64::MAX / 4]), 0, None, 1.0, at(0));
        assert_eq!(due, Some(DateTime::<Utc>::MAX_UTC));
    }
}
