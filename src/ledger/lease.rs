//! Leases: who works on a claimed job or reply, and until when. A claim writes its owner and its end; while whoever has it holds on to it, it
//! is prolonged, all of them by one statement; once its end has passed, it is anybody's again. So nothing is worked on for ever by nobody,
//! and what one works on is nobody else's.
//!
//! An owner is one start of a process. With the number of the attempt it makes the fence: what is ended under another owner, or another
//! attempt, is refused. All times are the ledger's own: they move with a clock that is set (`sqlite/time`).

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// How long a claim lasts that nobody prolongs, in microseconds.
pub(in crate::ledger) const TERM: i64 = 60_000_000;

/// How long an upload lasts of which no piece comes: one of them may take minutes.
pub(in crate::ledger) const UPLOAD_TERM: i64 = 3_600_000_000;

/// The time between two looks at leases, while anything is claimed.
const LOOK: i64 = 5_000_000;

/// What has less than this left of its term is prolonged.
pub(in crate::ledger) const fn low(term: i64) -> i64 {
    term / 3 * 2
}

/// One start of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::ledger) struct Owner(pub(in crate::ledger) i64);

impl Owner {
    /// Whoever only changes something and claims nothing.
    pub(in crate::ledger) const NOBODY: Self = Self(0);

    /// A new one. Two of a ledger are the same once in 2^62.
    pub(in crate::ledger) fn new() -> Self {
        Self(fastrand::i64(1..))
    }
}

/// What this owner works on.
#[derive(Clone)]
pub(in crate::ledger) struct LeaseHolder {
    pub(in crate::ledger) owner: Owner,
    pub(in crate::ledger) jobs: LeasedRows,
    pub(in crate::ledger) replies: LeasedRows,
    /// Whether anything may be claimed, by anybody, since the last look.
    watched: Arc<AtomicBool>,
    /// When leases are looked at next.
    look: Arc<Mutex<i64>>,
}

impl LeaseHolder {
    pub(in crate::ledger) fn new(owner: Owner) -> Self {
        Self {
            owner,
            jobs: LeasedRows::default(),
            replies: LeasedRows::default(),
            watched: Arc::new(AtomicBool::new(true)),
            look: Arc::new(Mutex::new(i64::MIN)),
        }
    }

    /// When a claim of now ends.
    pub(in crate::ledger) fn until(&self, now: i64) -> i64 {
        self.watch();
        now.saturating_add(TERM)
    }

    /// What was to be written of the last look was not: it is looked again.
    pub(in crate::ledger) fn watch(&self) {
        self.watched.store(true, Ordering::Relaxed);
    }

    /// Whether it is time to prolong what is held and to look for what has ended. While nothing is claimed it never is.
    pub(in crate::ledger) fn is_due(&self, now: i64) -> bool {
        let next = *locked(&self.look);
        // A clock that was set back must not keep anybody from looking.
        let is_time = now >= next || now < next.saturating_sub(LOOK);
        is_time && self.watched.load(Ordering::Relaxed)
    }

    /// It was looked; `claimed` says whether there is still something that has an owner.
    pub(in crate::ledger) fn looked(&self, now: i64, claimed: bool) {
        *locked(&self.look) = now.saturating_add(LOOK);
        self.watched.store(claimed, Ordering::Relaxed);
    }
}

/// The rows that are held on to, each as often as it is.
#[derive(Clone, Default)]
pub(in crate::ledger) struct LeasedRows(Arc<Mutex<LeaseTable>>);

#[derive(Default)]
struct LeaseTable {
    next: u64,
    held: HashMap<u64, i64>,
}

impl LeasedRows {
    /// Holds on to a row for as long as the lease lives.
    pub(in crate::ledger) fn hold(&self, row: i64) -> Lease {
        let mut rows = locked(&self.0);
        let number = rows.next;
        rows.next += 1;
        rows.held.insert(number, row);
        let grip = LeaseGuard {
            number,
            of: self.clone(),
        };
        Lease(Some(Arc::new(grip)))
    }

    /// The rows that are held on to.
    pub(in crate::ledger) fn rows(&self) -> Vec<i64> {
        locked(&self.0).held.values().copied().collect()
    }
}

/// That somebody works on something: while one of its clones lives, it stays his. It is not needed for ending the work, which is refused where
/// somebody else has it.
#[derive(Clone, Default)]
pub struct Lease(Option<Arc<LeaseGuard>>);

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.0.is_some()).finish()
    }
}

struct LeaseGuard {
    number: u64,
    of: LeasedRows,
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        locked(&self.of.0).held.remove(&self.number);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_held_while_any_of_its_leases_lives() {
        let held = LeasedRows::default();
        let (first, again) = (held.hold(7), held.hold(7));
        let clone = first.clone();
        drop(first);
        drop(again);
        assert_eq!(held.rows(), [7]);
        drop(clone);
        assert_eq!(held.rows(), [] as [i64; 0]);
    }

    #[test]
    fn leases_are_looked_at_now_and_then_while_anything_is_claimed() {
        let holder = LeaseHolder::new(Owner::new());
        let now = 1_000_000_000;
        assert!(holder.is_due(now), "a first look");
        holder.looked(now, false);
        assert!(!holder.is_due(now + TERM), "nothing is claimed");
        assert_eq!(holder.until(now), now + TERM);
        assert!(!holder.is_due(now + LOOK - 1));
        assert!(holder.is_due(now + LOOK));
        holder.looked(now + LOOK, true);
        assert!(holder.is_due(now + 2 * LOOK) && !holder.is_due(now + LOOK + 1));
        assert!(holder.is_due(now - LOOK), "the clock was set back");
        assert!(LOOK < TERM - low(TERM), "it is prolonged long before its end");
    }
}
