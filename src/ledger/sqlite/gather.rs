//! How long the writer waits for others: who comes together shares an fsync, and the pages that all of them change.

use std::time::Duration;

/// For so long others are waited for, where the last transaction was of more than one.
pub(in crate::ledger) const GATHERS: Duration = Duration::from_millis(1);
/// The time between two looks for them. Meanwhile whoever sends a command wakes nobody.
pub(in crate::ledger) const NAP: Duration = Duration::from_micros(250);

/// Whether a transaction of so many operations waits for more. Who works alone waits for nobody. Pure.
pub(in crate::ledger) fn awaits(operations: usize, latest: usize) -> bool {
    operations > 0 && latest > 1 && operations < latest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_works_alone_waits_for_nobody() {
        for (operations, latest, waits) in [
            (0, 9, false),
            (1, 0, false),
            (1, 1, false),
            (1, 2, true),
            (2, 2, false),
            (3, 2, false),
        ] {
            assert_eq!(awaits(operations, latest), waits, "{operations} after {latest}");
        }
    }
}
