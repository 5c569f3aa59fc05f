//! How long a token is good, and how long to wait after trouble. Pure: time is an argument.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::error::AuthError;

/// What a token server may say about a token's life is believed between these.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// Where it says nothing (RFC 6749 section 5.1 only recommends `expires_in`).
const UNSAID: Duration = Duration::from_secs(60 * 60);

/// How old a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// Good, and no reason to look for another.
    Fresh,
    /// Over 80 % of its life: time for another, but still good.
    Ageing,
    /// Not to be used.
    Over,
}

/// A token's life.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    refresh: Instant,
    end: Instant,
}

impl Life {
    /// Counted from the moment the token was *asked* for, so that a slow answer never makes it look younger.
    pub(super) fn new(asked: Instant, length: Duration) -> Self {
        Self {
            refresh: asked + length.mul_f64(0.8),
            end: asked + length,
        }
    }

    /// When it is time for another.
    pub(super) fn refresh(&self) -> Instant {
        self.refresh
    }

    pub(super) fn age(&self, now: Instant) -> Age {
        if now < self.refresh {
            Age::Fresh
        } else if now < self.end {
            Age::Ageing
        } else {
            Age::Over
        }
    }
}

/// The length of a token's life from `expires_in`: seconds as a number or, by some servers, as a string.
pub(super) fn length(expires_in: Option<&Value>) -> Duration {
    let seconds = match expires_in {
        Some(Value::Number(n)) => n.as_f64(),
        Some(Value::String(s)) => s.trim().parse().ok(),
        _ => None,
    };
    match seconds {
        Some(s) if !s.is_nan() => Duration::from_secs_f64(s.clamp(SHORTEST.as_secs_f64(), LONGEST.as_secs_f64())),
        _ => UNSAID,
    }
}

/// How long the token server is left alone after the `failures`-th failure in a row: an hour where only a person can mend it, else
/// longer each time and at least what it asked for, up to an hour.
pub(super) fn pause(error: &AuthError, failures: u32) -> Duration {
    let hour = Duration::from_secs(60 * 60);
    if error.needs_person() {
        return hour;
    }
    let asked = error.retry_after().unwrap_or_default().min(hour);
    error.verdict().pause(failures).max(asked)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::auth::error::TokenRefusal;

    #[test]
    fn lengths() {
        for (said, seconds) in [
            (None, 3600),
            (Some(json!(null)), 3600),
            (Some(json!(3599)), 3599),
            (Some(json!("3599")), 3599),
            (Some(json!(" 300 ")), 300),
            (Some(json!(0)), 60),
            (Some(json!(-5)), 60),
            (Some(json!("-5")), 60),
            (Some(json!(1e12)), 86_400),
            (Some(json!("1e300")), 86_400),
            (Some(json!("inf")), 86_400),
            (Some(json!("NaN")), 3600),
            (Some(json!("soon")), 3600),
            (Some(json!([1])), 3600),
            (Some(json!(true)), 3600),
        ] {
            assert_eq!(length(said.as_ref()), Duration::from_secs(seconds), "{said:?}");
        }
    }

    #[test]
    fn ages() {
        let asked = Instant::now();
        let life = Life::new(asked, Duration::from_secs(1000));
        for (seconds, age) in [
            (0, Age::Fresh),
            (799, Age::Fresh),
            (800, Age::Ageing),
            (999, Age::Ageing),
            (1000, Age::Over),
            (9999, Age::Over),
        ] {
            assert_eq!(life.age(asked + Duration::from_secs(seconds)), age, "{seconds}");
        }
    }

    #[test]
    fn pauses() {
        let minutes = |m: u64| Duration::from_secs(60 * m);
        let busy = |retry_after| AuthError::Busy {
            status: 503,
            retry_after,
        };
        let refused = |code| AuthError::Refused(TokenRefusal::new(code, None, None));
        for (error, failures, wait) in [
            (refused("invalid_grant"), 1, minutes(60)),
            (refused("invalid_client"), 9, minutes(60)),
            (refused("temporarily_unavailable"), 1, Duration::from_secs(1)),
            (AuthError::NotSignedIn("a".into()), 1, minutes(60)),
            (busy(None), 1, Duration::from_secs(1)),
            (busy(None), 4, Duration::from_secs(8)),
            (busy(None), 99, minutes(5)),
            (busy(Some(minutes(2))), 1, minutes(2)),
            (busy(Some(minutes(6_000_000))), 1, minutes(60)),
            (AuthError::Timeout(minutes(1)), 2, Duration::from_secs(2)),
        ] {
            assert_eq!(pause(&error, failures), wait, "{error:?} {failures}");
        }
    }

    proptest! {
        #[test]
        fn every_length_is_within_bounds(text in ".*", number in any::<f64>()) {
            for value in [json!(text), json!(number)] {
                let length = length(Some(&value));
                prop_assert!((SHORTEST..=LONGEST).contains(&length));
            }
        }
    }
}
