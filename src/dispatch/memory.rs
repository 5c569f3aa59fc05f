//! How much mail may be in memory at once: a promise of the configuration, kept by waiting.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Room for mail in memory, shared by all endpoints. First come, first served: a large mail is not overtaken for ever.
#[derive(Debug, Clone)]
pub struct Memory {
    kib: Arc<Semaphore>,
    all: u32,
}

impl Memory {
    /// Room for this many bytes of mail.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        let all = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).clamp(1, MOST);
        Self {
            kib: Arc::new(Semaphore::new(all as usize)),
            all,
        }
    }

    /// Waits until a mail of this size fits. One that is larger than all the room gets all of it.
    pub(super) async fn take(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX).min(self.all);
        self.kib.clone().acquire_many_owned(kib).await.ok()
    }
}

/// A semaphore's own limit on 32-bit systems; 512 GiB.
const MOST: u32 = 1 << 29;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_waits() {
        let memory = Memory::new(100 * 1024);
        let half = memory.take(50 * 1024).await;
        assert!(futures_util::FutureExt::now_or_never(memory.take(60 * 1024)).is_none());
        drop(half);
        let huge = memory.take(u64::MAX).await;
        assert!(huge.is_some(), "a mail larger than all the room is taken alone");
        assert!(futures_util::FutureExt::now_or_never(memory.take(1)).is_none());
    }
}
