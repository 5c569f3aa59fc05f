//! What the rule promises.

use proptest::prelude::*;

use super::*;

/// A clock that the test sets.
struct Clock(Instant);

impl Clock {
    fn at(&self, seconds: u64) -> (Instant, DateTime<Utc>) {
        let time = DateTime::from_timestamp(1_800_000_000 + i64::try_from(seconds).unwrap(), 0).unwrap();
        (self.0 + Duration::from_secs(seconds), time)
    }
}

const fn away(said: &str) -> Option<WebhookFailure<'_>> {
    let reason = Reason::Down;
    Some(WebhookFailure { reason, said })
}

fn down(clock: &Clock) -> Breaker {
    let mut breaker = Breaker::default();
    for _ in 0..FAILURES {
        assert_eq!(breaker.admit(clock.0), BreakerVerdict::Ask);
        breaker.answered(away("refused"), 0.0, clock.at(0));
    }
    breaker
}

#[test]
fn it_is_down_after_failures_in_a_row_and_asked_once_at_growing_waits() {
    let clock = Clock(Instant::now());
    let mut breaker = Breaker::default();
    for _ in 1..FAILURES {
        breaker.answered(away("refused"), 0.0, clock.at(0));
    }
    breaker.answered(None, 0.0, clock.at(0));
    assert!(breaker.down().is_none(), "one that got through begins anew");
    let mut breaker = down(&clock);
    let mut at = 0;
    for (n, wait) in [1, 2, 4, 8, 16, 32, 60, 60, 60].into_iter().enumerate() {
        let since = Duration::from_secs(at);
        at += wait;
        assert_eq!(breaker.down().unwrap().next, clock.at(at).1, "{n}");
        let early = breaker.admit(clock.at(at - 1).0);
        let known = Duration::from_secs(at - 1);
        assert_eq!(early, BreakerVerdict::NotBefore(clock.at(at).0, known), "{since:?}");
        assert_eq!(breaker.admit(clock.at(at).0), BreakerVerdict::Ask);
        assert_eq!(breaker.admit(clock.at(at + 9).0), BreakerVerdict::Wait, "one asks");
        breaker.answered(away("502"), 0.0, clock.at(at));
        let down = breaker.down().unwrap();
        assert_eq!((down.since, down.said.as_str()), (clock.at(0).1, "502"));
    }
    assert_eq!(breaker.admit(clock.at(at + 60).0), BreakerVerdict::Ask);
    breaker.answered(None, 0.0, clock.at(at + 61));
    assert_eq!(breaker.down(), None);
    assert_eq!(breaker.admit(clock.at(at + 61).0), BreakerVerdict::Ask);
}

#[test]
fn who_asks_and_gives_up_is_followed_by_another_and_a_word_hurries() {
    let clock = Clock(Instant::now());
    let mut breaker = down(&clock);
    breaker.hurry(clock.at(0));
    assert_eq!(breaker.admit(clock.0), BreakerVerdict::Ask);
    breaker.gave_up();
    assert_eq!(breaker.admit(clock.0), BreakerVerdict::Ask);
    // What was sent before it was known to be down puts nothing off, and what got through counts.
    breaker.answered(away("refused"), 0.0, clock.at(1));
    breaker.answered(away("late"), 0.0, clock.at(1));
    assert_eq!(breaker.down().unwrap().said, "refused");
    breaker.answered(None, 0.0, clock.at(1));
    assert_eq!(breaker.down(), None);
}

#[test]
fn only_what_no_mail_can_be_blamed_for_says_that_it_is_down() {
    let retry = |reason| Outcome::Retry {
        reason,
        detail: "why".into(),
        not_before: None,
    };
    for reason in [
        Reason::Network,
        Reason::Timeout,
        Reason::Status(502),
        Reason::Status(503),
        Reason::Status(504),
    ] {
        assert_eq!(failure(&retry(reason)), away("why"), "{reason:?}");
    }
    for reason in Reason::operators() {
        let said = "why";
        assert_eq!(
            failure(&retry(reason)),
            Some(WebhookFailure { reason, said }),
            "{reason:?}"
        );
    }
    for reason in [
        Reason::Status(500),
        Reason::Status(429),
        Reason::Status(400),
        Reason::Local,
        Reason::Down,
    ] {
        assert_eq!(failure(&retry(reason)), None, "{reason:?}");
    }
    let failed = Outcome::Failed {
        reason: Reason::Status(400),
        detail: String::new(),
        tell: None,
    };
    assert_eq!(failure(&failed), None);
}

#[test]
fn how_long_it_refused_us_is_not_how_long_it_was_down() {
    let clock = Clock(Instant::now());
    let mut breaker = down(&clock);
    let refused = Some(WebhookFailure {
        reason: Reason::Status(401),
        said: "401",
    });
    for (at, failed, since, rests) in [
        (1, refused, 1, 0),
        (100_000, refused, 1, 0),
        (200_000, away("gone"), 200_000, 8),
        (200_100, away("gone"), 200_000, 116),
        (300_000, refused, 300_000, 0),
    ] {
        assert_eq!(breaker.admit(clock.at(at).0), BreakerVerdict::Ask, "{at}");
        breaker.answered(failed, 0.0, clock.at(at));
        let down = breaker.down().unwrap();
        assert_eq!(
            (down.since, down.refuses()),
            (clock.at(since).1, failed == refused),
            "{at}"
        );
        assert_eq!(breaker.rest().unwrap().1, Duration::from_secs(rests), "{at}");
    }
}

proptest! {
    /// Of a webhook that is down for an hour no more is asked than by one request at a time, and it is asked within a minute and a fifth.
    #[test]
    fn a_webhook_that_is_down_is_asked_seldom_and_never_forgotten(steps in prop::collection::vec((0..30_u64, 0.0..1.0), 1..300)) {
        let clock = Clock(Instant::now());
        let mut breaker = down(&clock);
        let (mut now, mut asked, mut last) = (0, 0, 0);
        for (passed, jitter) in steps {
            now += passed;
            let (at, _) = clock.at(now);
            match breaker.admit(at) {
                BreakerVerdict::Ask => {
                    asked += 1;
                    last = now;
                    breaker.answered(away("refused"), jitter, clock.at(now));
                }
                BreakerVerdict::Wait => prop_assert!(false, "nobody asks"),
                BreakerVerdict::NotBefore(until, _) => {
                    prop_assert!(until > at && until <= clock.at(last + 73).0);
                }
            }
            prop_assert!(asked <= 7 + now / 60, "{asked} in {now} s");
        }
    }
}
