//! How long a watcher waits before its next connection, and before a sign-in. Pure: time and chance are arguments.

use std::time::Duration;

use super::error::Verdict;
use crate::backoff::{Backoff, spread};

/// Waits while nobody has to act.
const SOON: Backoff = Backoff::doubling(Duration::from_secs(1), Duration::from_secs(120));
/// Waits while somebody has to act.
const SLOW: Backoff = Backoff::doubling(Duration::from_secs(60), Duration::from_secs(900));
/// Those who wait for a server's own time come back spread over so long behind it.
const BEHIND: Duration = Duration::from_secs(1);
/// A session that lasted this long was a good one.
const GOOD: Duration = Duration::from_secs(60);
/// Sign-ins that may follow one another at once …
const BURST: f64 = 4.0;
/// … and the time after which there may be one more. A server that drops us right after SELECT is not stormed.
const REFILL: Duration = Duration::from_secs(20);

/// What happened so far.
#[derive(Debug, Clone)]
pub(crate) struct Pacing {
    failures: u32,
    slow: u32,
    sign_ins: f64,
    counted: Duration,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            failures: 0,
            slow: 0,
            sign_ins: BURST,
            counted: Duration::ZERO,
        }
    }
}

impl Pacing {
    /// The wait after a session that ended so, having lasted for `lasted`.
    ///
    /// `patience` is what the server asked for; `chance` is anywhere in 0..1 and spreads those who failed together.
    pub(crate) fn after(
        &mut self,
        verdict: Verdict,
        lasted: Duration,
        patience: Option<Duration>,
        chance: f64,
    ) -> Duration {
        if lasted >= GOOD {
            (self.failures, self.slow) = (0, 0);
        }
        let (backoff, count) = match verdict {
            Verdict::Reconnect => (SOON, &mut self.failures),
            Verdict::SlowDown | Verdict::Fatal => (SLOW, &mut self.slow),
        };
        *count = count.saturating_add(1);
        let wait = spread(backoff.after(*count), 0.5..=1.0, chance);
        // Never before the server's own time, nor all at the same instant after it.
        patience.map_or(wait, |patience| wait.max(patience + spread(BEHIND, 0.0..=1.0, chance)))
    }

    /// Nobody got through to the server: the sign-in that was counted last did not take place. Says whether that is told: ever more seldom,
    /// as the server is tried every few seconds.
    pub(crate) fn missed(&mut self) -> bool {
        self.sign_ins = (self.sign_ins + 1.0).min(BURST);
        self.failures.is_power_of_two()
    }

    /// Somebody has acted: waits begin anew. Sign-ins stay rationed.
    pub(crate) fn mended(&mut self) {
        (self.failures, self.slow) = (0, 0);
    }

    /// The wait before a sign-in at `now`, which is counted.
    pub(crate) fn sign_in(&mut self, now: Duration) -> Duration {
        let refilled = now.saturating_sub(self.counted).div_duration_f64(REFILL);
        self.sign_ins = (self.sign_ins + refilled).min(BURST) - 1.0;
        self.counted = now;
        REFILL.mul_f64((-self.sign_ins).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_up_to_their_longest_and_begin_anew_after_a_good_session() {
        let mut pacing = Pacing::default();
        let waits: Vec<u64> = (0..9)
            .map(|_| pacing.after(Verdict::Reconnect, S, None, 1.0).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 120, 120]);
        assert_eq!(pacing.after(Verdict::Reconnect, GOOD, None, 1.0), S);
        let waits: Vec<u64> = (0..6)
            .map(|_| pacing.after(Verdict::SlowDown, S, None, 1.0).as_secs())
            .collect();
        assert_eq!(waits, [60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn the_servers_own_time_is_kept() {
        let mut pacing = Pacing::default();
        let asked = Duration::from_secs(300);
        assert_eq!(pacing.after(Verdict::Reconnect, S, Some(asked), 0.0), asked);
        assert!(pacing.after(Verdict::Reconnect, S, Some(asked), 0.7) > asked);
    }

    #[test]
    fn sign_ins_are_rationed() {
        let mut pacing = Pacing::default();
        let at_once: Vec<u64> = (0..6).map(|_| pacing.sign_in(S).as_secs()).collect();
        assert_eq!(at_once, [0, 0, 0, 0, 20, 40]);
        assert_eq!(pacing.sign_in(S * 3600), Duration::ZERO);
        for _ in 0..9 {
            assert_eq!(pacing.sign_in(S * 3600), Duration::ZERO);
            pacing.missed();
        }
    }

    proptest! {
        #[test]
        fn every_wait_has_bounds(steps in prop::collection::vec((0u64..120, 0.0f64..1.0, any::<bool>()), 1..60)) {
            let mut pacing = Pacing::default();
            for (lasted, chance, slow) in steps {
                let verdict = if slow { Verdict::SlowDown } else { Verdict::Reconnect };
                let wait = pacing.after(verdict, S * lasted as u32, None, chance);
                prop_assert!(wait >= S / 2 && wait <= S * 900);
            }
        }
    }
}
