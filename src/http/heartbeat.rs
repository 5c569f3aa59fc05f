//! Whether a runtime runs: a task in it beats, and whoever is outside of it looks when that was last.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A heart. Clones share it.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    begun: Instant,
    limit: Duration,
    /// Milliseconds from the beginning to the last beat.
    last: Arc<AtomicU64>,
}

impl Heartbeat {
    /// How long a runtime may not run, before it counts as stuck.
    pub const LIMIT: Duration = Duration::from_secs(15);

    /// One that is late when it has not beaten for this long.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self {
            begun: Instant::now(),
            limit,
            last: Arc::default(),
        }
    }

    /// Beats for ever: to be run by the runtime that is watched.
    pub async fn beat(self) {
        loop {
            let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.last.store(now, Ordering::Relaxed);
            tokio::time::sleep(self.limit / 10).await;
        }
    }

    /// How long ago it last beat, where that is too long.
    #[must_use]
    pub fn late(&self) -> Option<Duration> {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        let since = self.begun.elapsed().saturating_sub(last);
        (since > self.limit).then_some(since)
    }
}
