//! How long to wait before what failed is tried again. Pure: the count of failures and chance are arguments.

use std::{ops::RangeInclusive, time::Duration};

/// Waits that grow by a factor with each failure, from a first one up to a longest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    factor: u32,
}

impl Backoff {
    /// Waits that double.
    #[must_use]
    pub const fn doubling(first: Duration, longest: Duration) -> Self {
        Self::growing(2, first, longest)
    }

    /// Waits that are `factor` times as long each time.
    #[must_use]
    pub const fn growing(factor: u32, first: Duration, longest: Duration) -> Self {
        Self { first, longest, factor }
    }

    /// The wait after the `failures`-th failure in a row, from 1.
    #[must_use]
    pub fn after(self, failures: u32) -> Duration {
        let grown = self.factor.saturating_pow(failures.saturating_sub(1));
        self.first.saturating_mul(grown).min(self.longest)
    }
}

/// The wait after the `attempt`-th attempt, from 1, where each is written out: the last one repeats.
pub fn listed<T: Copy>(waits: &[T], attempt: u32) -> Option<T> {
    let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    waits.get(place).or(waits.last()).copied()
}

/// A wait of which `chance`, from 0 to 1, makes one of these shares, so that those who failed together don't come back together.
#[must_use]
pub fn spread(wait: Duration, shares: RangeInclusive<f64>, chance: f64) -> Duration {
    let (least, most) = shares.into_inner();
    wait.mul_f64(least + (most - least) * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn waits_grow_up_to_the_longest() {
        let waits = |backoff: Backoff| (0..7).map(|n| backoff.after(n).as_secs()).collect::<Vec<_>>();
        assert_eq!(waits(Backoff::doubling(S, 20 * S)), [1, 1, 2, 4, 8, 16, 20]);
        assert_eq!(
            waits(Backoff::growing(4, 4 * S, 240 * S)),
            [4, 4, 16, 64, 240, 240, 240]
        );
        assert_eq!(
            [0, 1, 2, 3, 9].map(|n| listed(&[5, 30], n)),
            [5, 5, 30, 30, 30].map(Some)
        );
        assert_eq!(listed::<u64>(&[], 1), None);
    }

    proptest! {
        #[test]
        fn a_wait_never_shrinks_nor_leaves_its_bounds(
            factor in 1_u32..9, first in 1_u64..10_000, more in 0_u64..100_000, failures: u32, chance in -1.0..2.0
        ) {
            let (first, longest) = (Duration::from_millis(first), Duration::from_millis(first + more));
            let backoff = Backoff::growing(factor, first, longest);
            let wait = backoff.after(failures);
            prop_assert!(wait >= first && wait <= longest && backoff.after(failures.saturating_add(1)) >= wait);
            let spread = spread(wait, 0.5..=1.5, chance);
            prop_assert!(spread >= wait.mul_f64(0.5) && spread <= wait.mul_f64(1.5));
        }
    }
}
