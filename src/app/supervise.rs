//! Keeps loops alive: a loop that panics is logged and started again after a pause; who still runs can be named.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::error;

/// The pause after a first panic; doubles with each one that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LAST_PAUSE: Duration = Duration::from_secs(60);
/// A loop that ran this long was well: the next panic counts as a first one.
const WELL: Duration = Duration::from_secs(300);

/// The loops of this process.
#[derive(Clone, Default)]
pub(super) struct Loops {
    tracker: TaskTracker,
    running: Arc<Mutex<BTreeMap<String, usize>>>,
    panics: Counter,
}

impl Loops {
    /// Loops whose panics are counted.
    pub(super) fn counted(panics: Counter) -> Self {
        Self {
            panics,
            ..Self::default()
        }
    }

    /// Runs the loop that `make` makes until it returns, and again whenever it panics, until `stop`.
    /// The handle ends with the loop.
    pub(super) fn start<F, L>(&self, name: String, stop: CancellationToken, make: F) -> tokio::task::JoinHandle<()>
    where
        F: Fn() -> L + Send + 'static,
        L: Future<Output = ()> + Send + 'static,
    {
        let entry = RunningEntry::new(&self.running, &name);
        let panics = self.panics.clone();
        self.tracker.spawn(async move {
            let _entry = entry;
            keep_alive(&name, &stop, &panics, make).await;
        })
    }

    /// Waits until every loop has ended, or returns the names of those that have not by `deadline`.
    pub(super) async fn drained(&self, deadline: Duration) -> Result<(), Vec<String>> {
        self.tracker.close();
        match tokio::time::timeout(deadline, self.tracker.wait()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(lock(&self.running).keys().cloned().collect()),
        }
    }
}

async fn keep_alive<F, L>(name: &str, stop: &CancellationToken, panics: &Counter, make: F)
where
    F: Fn() -> L,
    L: Future<Output = ()>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        let started = Instant::now();
        if AssertUnwindSafe(make()).catch_unwind().await.is_ok() {
            return;
        }
        if started.elapsed() > WELL {
            pause = FIRST_PAUSE;
        }
        panics.inc();
        error!(
            name,
            pause_s = pause.as_secs(),
            "a loop panicked and is started again: this is a bug in Mailjob, please report it"
        );
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// A name among those that run, for as long as this lives.
struct RunningEntry {
    running: Arc<Mutex<BTreeMap<String, usize>>>,
    name: String,
}

impl RunningEntry {
    fn new(running: &Arc<Mutex<BTreeMap<String, usize>>>, name: &str) -> Self {
        *lock(running).entry(name.to_owned()).or_default() += 1;
        Self {
            running: running.clone(),
            name: name.to_owned(),
        }
    }
}

impl Drop for RunningEntry {
    fn drop(&mut self) {
        let mut running = lock(&self.running);
        if let Some(count) = running.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.name);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_panics_is_started_again_after_growing_pauses() {
        let (loops, stop, starts) = (
            Loops::counted(Counter::default()),
            CancellationToken::new(),
            Arc::new(AtomicUsize::new(0)),
        );
        let counted = starts.clone();
        let began = Instant::now();
        let handle = loops.start("watch a".into(), stop, move || {
            let counted = counted.clone();
            async move {
                assert!(counted.fetch_add(1, Ordering::SeqCst) >= 3, "not yet");
            }
        });
        handle.await.unwrap();
        assert_eq!((starts.load(Ordering::SeqCst), loops.panics.get()), (4, 3));
        assert_eq!(began.elapsed().as_secs(), 1 + 2 + 4);
        assert_eq!(loops.drained(Duration::from_secs(1)).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_late_is_named() {
        let loops = Loops::default();
        loops.start("reply contoso".into(), CancellationToken::new(), std::future::pending);
        loops.start("watch invoices".into(), CancellationToken::new(), || {
            std::future::ready(())
        });
        assert_eq!(
            loops.drained(Duration::from_secs(5)).await,
            Err(vec!["reply contoso".into()])
        );
    }
}
