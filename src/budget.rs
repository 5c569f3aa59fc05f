//! How much of mails and of what comes of them may be in memory at once: a promise of the configuration, kept by waiting.
//!
//! Two rules keep everybody going, however little room there is. Who waits for room holds none, so that no two wait for one another: a
//! job has one [`Holding`], which gives back what it has before it asks for more. And who holds room waits for nothing but this machine:
//! what lies there while a server, a program or a person takes its time is [`Memory::parked`], for which nobody waits.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room that something takes, given back when this is dropped.
pub type Room = OwnedSemaphorePermit;

/// The least that a budget has: one piece of a large mail, and as much again.
const LEAST: u64 = 2 << 20;
/// A semaphore's own limit on 32-bit systems; 512 GiB.
const MOST: u32 = 1 << 29;

/// What `[service] memory` gives, shared by all endpoints and mailboxes.
#[derive(Debug, Clone)]
pub struct Memory {
    /// For what jobs work on: mails that are read, results, letters while they are built. All of it.
    pub work: Budget,
    /// For mail on its way into the ledger. A quarter, beside.
    pub intake: Budget,
    /// For what lies there until somebody else is done: requests on their way, answers and output that come in. A quarter, beside. Taken
    /// where there is some, and never waited for: what has no room lies in a file.
    pub parked: Budget,
}

impl Memory {
    /// Room for this many bytes of work, and half as much beside.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self {
            work: Budget::new(bytes),
            intake: Budget::new(bytes / 4),
            parked: Budget::new(bytes / 4),
        }
    }
}

/// Room in memory. First come, first served: who needs much is not overtaken for ever.
#[derive(Debug, Clone)]
pub struct Budget {
    kib: Arc<Semaphore>,
    all: u32,
    waiting: Arc<AtomicUsize>,
}

impl Budget {
    /// Room for this many bytes, 2 MiB at least.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let all = u32::try_from(bytes.max(LEAST) / 1024).unwrap_or(MOST).min(MOST);
        Self {
            kib: Arc::new(Semaphore::new(all as usize)),
            all,
            waiting: Arc::default(),
        }
    }

    /// Waits until this much fits. What is larger than all the room gets all of it. `None` never comes: nobody closes a budget.
    pub async fn take(&self, bytes: u64) -> Option<Room> {
        if let Some(room) = self.try_take(bytes) {
            return Some(room);
        }
        let _waits = BudgetWait::new(&self.waiting);
        self.kib.clone().acquire_many_owned(self.share(bytes)).await.ok()
    }

    /// Room for so many bytes, if there is some now and nobody waits for it.
    #[must_use]
    pub fn try_take(&self, bytes: u64) -> Option<Room> {
        self.kib.clone().try_acquire_many_owned(self.share(bytes)).ok()
    }

    /// How many wait for room.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Bytes that are taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        let free = u64::try_from(self.kib.available_permits()).unwrap_or(u64::MAX);
        self.all().saturating_sub(free.saturating_mul(1024))
    }

    /// Bytes that there are in all.
    #[must_use]
    pub fn all(&self) -> u64 {
        u64::from(self.all) * 1024
    }

    fn share(&self, bytes: u64) -> u32 {
        u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX).min(self.all)
    }
}

/// One who waits, for as long as this lives.
struct BudgetWait<'a>(&'a AtomicUsize);

impl<'a> BudgetWait<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for BudgetWait<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What one job holds of a budget: one room at a time. It never waits for more while it holds some.
#[derive(Debug)]
pub struct Holding {
    budget: Budget,
    room: Option<Room>,
}

impl Holding {
    /// A holding of nothing.
    #[must_use]
    pub fn new(budget: &Budget) -> Self {
        Self {
            budget: budget.clone(),
            room: None,
        }
    }

    /// Room for so many bytes in place of what is held, which is given back before anything is waited for: what it was for should be gone.
    /// Whoever stops waiting holds nothing.
    pub async fn exchange(&mut self, bytes: u64) {
        self.give_back();
        self.room = self.budget.take(bytes).await;
    }

    /// Holds nothing any more.
    pub fn give_back(&mut self) {
        self.room = None;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::join_all};
    use proptest::prelude::*;
    use tokio::{runtime, task::yield_now, time::timeout};

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_waits() {
        let budget = Budget::new(4 << 20);
        let half = budget.take(2 << 20).await;
        assert!(budget.take(3 << 20).now_or_never().is_none());
        assert!(budget.try_take(3 << 20).is_none());
        assert_eq!((budget.waiting(), budget.taken()), (0, (2 << 20) + 1024));
        let mut waits = std::pin::pin!(budget.take(3 << 20));
        assert!((&mut waits).now_or_never().is_none());
        assert_eq!(budget.waiting(), 1);
        assert!(budget.try_take(1).is_none(), "nobody overtakes who waits");
        drop(half);
        drop(waits.await);
        let huge = budget.take(u64::MAX).await;
        assert!(huge.is_some(), "what is larger than all the room is taken alone");
        assert!(budget.try_take(1).is_none());
        assert_eq!((budget.waiting(), budget.taken()), (0, budget.all()));
    }

    proptest! {
        /// However much each of many jobs needs in each of its steps, all of them come to their end, and never is more taken than there is.
        #[test]
        fn all_jobs_end(jobs in prop::collection::vec(prop::collection::vec((0..20_u64 << 20, 0..4_usize), 0..5), 1..12)) {
            let budget = Budget::new(4 << 20);
            let all = jobs.into_iter().map(|steps| {
                let mut holding = Holding::new(&budget);
                async move {
                    for (bytes, turns) in steps {
                        holding.exchange(bytes).await;
                        for _ in 0..turns {
                            yield_now().await;
                        }
                    }
                }
            });
            let runtime = runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            // The clock stands until nobody can go on.
            let ended = runtime.block_on(async { timeout(std::time::Duration::from_secs(1), join_all(all)).await });
            prop_assert!(ended.is_ok());
            prop_assert_eq!((budget.taken(), budget.waiting()), (0, 0));
        }
    }
}
