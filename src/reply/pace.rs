//! How fast mails may follow each other at an account. Pure: the time is an argument.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use crate::config::Rate;

/// A window that slides: in any span of the rate no more are sent than it allows.
#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<Rate>,
    /// When mails were sent, within the last span, oldest first.
    sent: VecDeque<Instant>,
}

impl Pace {
    /// The pace of an account at which mails were sent so long ago.
    pub(super) fn new(rate: Option<Rate>, ages: &[Duration], now: Instant) -> Self {
        let mut sent: Vec<_> = ages.iter().map(|age| now.checked_sub(*age).unwrap_or(now)).collect();
        sent.sort();
        Self {
            rate,
            sent: sent.into(),
        }
    }

    /// How many may be sent now; as many as one likes where there is no rate.
    pub(super) fn room(&mut self, now: Instant) -> usize {
        let Some(rate) = self.rate else { return usize::MAX };
        while self
            .sent
            .front()
            .is_some_and(|sent| now.saturating_duration_since(*sent) >= rate.per)
        {
            self.sent.pop_front();
        }
        usize::try_from(rate.count)
            .unwrap_or(usize::MAX)
            .saturating_sub(self.sent.len())
    }

    /// How long to wait until one more may be sent; nothing where it may be sent now.
    pub(super) fn wait(&mut self, now: Instant) -> Option<Duration> {
        let rate = self.rate?;
        if self.room(now) > 0 {
            return None;
        }
        // More than the rate allows were sent where it was lowered: the one that makes room counts.
        let count = usize::try_from(rate.count).unwrap_or(usize::MAX);
        let last = self.sent.get(self.sent.len().checked_sub(count)?)?;
        Some((*last + rate.per).saturating_duration_since(now).min(rate.per))
    }

    /// Notes that one is sent now.
    pub(super) fn note(&mut self, now: Instant) {
        if self.rate.is_some() {
            self.sent.push_back(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn rate(count: u32) -> Option<Rate> {
        Some(Rate { count, per: MINUTE })
    }

    #[test]
    fn a_window_slides() {
        let begin = Instant::now() + seconds(1000);
        let mut pace = Pace::new(rate(2), &[], begin);
        assert_eq!((pace.room(begin), pace.wait(begin)), (2, None));
        pace.note(begin);
        pace.note(begin + seconds(10));
        for (at, room, wait) in [(10, 0, Some(50)), (59, 0, Some(1)), (60, 1, None), (70, 2, None)] {
            let now = begin + seconds(at);
            assert_eq!((pace.wait(now), pace.room(now)), (wait.map(seconds), room), "{at}");
        }
        let mut free = Pace::new(None, &[], begin);
        free.note(begin);
        assert_eq!((free.room(begin), free.wait(begin)), (usize::MAX, None));
    }

    #[test]
    fn what_was_sent_before_a_restart_counts() {
        let now = Instant::now() + seconds(1000);
        let mut pace = Pace::new(rate(2), &[seconds(5), seconds(50), seconds(70)], now);
        assert_eq!((pace.wait(now), pace.room(now)), (Some(seconds(10)), 0));
        let mut lowered = Pace::new(rate(1), &[seconds(5), seconds(50)], now);
        assert_eq!(lowered.wait(now), Some(seconds(55)));
    }

    proptest! {
        #[test]
        fn no_span_has_more_than_the_rate(count in 1u32..5, steps in prop::collection::vec(0u64..40_000, 1..60)) {
            let mut now = Instant::now();
            let mut pace = Pace::new(rate(count), &[], now);
            let mut sent = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                while let Some(wait) = pace.wait(now) {
                    prop_assert!(wait > Duration::ZERO && wait <= MINUTE);
                    now += wait;
                }
                pace.note(now);
                sent.push(now);
            }
            for begin in &sent {
                let within = sent.iter().filter(|at| *at >= begin && at.duration_since(*begin) < MINUTE).count();
                prop_assert!(within <= usize::try_from(count).unwrap());
            }
        }
    }
}
