//! How much mail may be in memory at once: a promise of the configuration, kept by waiting.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room that a mail takes, given back when this is dropped.
pub type Room = OwnedSemaphorePermit;

/// The least that a budget has: one piece of a large mail, and as much again.
const LEAST: u64 = 2 << 20;
/// A semaphore's own limit on 32-bit systems; 512 GiB.
const MOST: u32 = 1 << 29;

/// Room for mail in memory, shared by all endpoints. First come, first served: a large mail is not overtaken for ever.
#[derive(Debug, Clone)]
pub struct Budget {
    kib: Arc<Semaphore>,
    all: u32,
}

impl Budget {
    /// Room for this many bytes of mail, 2 MiB at least.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let all = u32::try_from(bytes.max(LEAST) / 1024).unwrap_or(MOST).min(MOST);
        Self {
            kib: Arc::new(Semaphore::new(all as usize)),
            all,
        }
    }

    /// Waits until a mail of this size fits. One that is larger than all the room gets all of it. `None` never comes: nobody
    /// closes a budget.
    pub async fn take(&self, bytes: u64) -> Option<Room> {
        self.kib.clone().acquire_many_owned(self.share(bytes)).await.ok()
    }

    /// Room for a mail of this size, if there is some now.
    #[must_use]
    pub fn try_take(&self, bytes: u64) -> Option<Room> {
        self.kib.clone().try_acquire_many_owned(self.share(bytes)).ok()
    }

    fn share(&self, bytes: u64) -> u32 {
        u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX).min(self.all)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_waits() {
        let budget = Budget::new(4 << 20);
        let half = budget.take(2 << 20).await;
        assert!(budget.take(3 << 20).now_or_never().is_none());
        assert!(budget.try_take(3 << 20).is_none());
        drop(half);
        let huge = budget.take(u64::MAX).await;
        assert!(huge.is_some(), "a mail larger than all the room is taken alone");
        assert!(budget.try_take(1).is_none());
    }
}
