//! How things stand, looked at beside the thread that answers: a look takes locks of the loops and asks the ledger's disk, and may hang
//! with it. Who asks waits for a look that began after he asked; where it does not end he gets the one before, as long as that is worth
//! something.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::{Semaphore, watch};

use super::StatusSource;
use crate::{message::clean::json_lines, metrics::Metrics};

/// How long a look may take before the one before is shown. Longer than the board waits for the ledger's numbers.
const PATIENCE: Duration = Duration::from_secs(7);
/// How old the one before may be.
const WORTH: Duration = Duration::from_secs(60);
/// Who is shown something at once: many who ask for much must not keep the thread that answers from answering a probe.
const AT_ONCE: usize = 4;
/// The rest between two looks, so that who asks without end does not keep a core busy.
const REST: Duration = Duration::from_millis(20);

/// What a look saw.
#[derive(Debug)]
pub(super) struct Sample {
    /// The number of those who had asked when it began.
    asked: u64,
    at: Instant,
    /// How everything stands, as JSON.
    pub(super) status: Bytes,
    /// The metrics in the format of OpenMetrics …
    pub(super) open: Bytes,
    /// … and in the classic one.
    pub(super) classic: Bytes,
}

/// Whoever has things looked at.
#[derive(Debug, Clone)]
pub struct Sampler {
    asked: watch::Sender<u64>,
    seen: watch::Receiver<Option<Arc<Sample>>>,
    places: Arc<Semaphore>,
}

impl Sampler {
    /// Looks on a thread of its own, whenever somebody asks, for as long as somebody can.
    ///
    /// # Errors
    /// When the system refuses the thread or what it needs.
    pub fn start(board: Arc<dyn StatusSource>, metrics: Metrics) -> io::Result<Self> {
        let (asked, mut wanted) = watch::channel(0);
        let (show, seen) = watch::channel(None);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let look = async move {
            while wanted.changed().await.is_ok() {
                let asked = *wanted.borrow_and_update();
                match sample(asked, &*board, &metrics).await {
                    Ok(sample) => drop(show.send(Some(Arc::new(sample)))),
                    Err(error) => tracing::error!(error, "how things stand can't be told"),
                }
                tokio::time::sleep(REST).await;
            }
        };
        let run = move || {
            runtime.block_on(look);
            runtime.shutdown_background();
        };
        std::thread::Builder::new().name("sampler".into()).spawn(run)?;
        Ok(Self {
            asked,
            seen,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// How things stand now; nothing where that has not been known for a while.
    pub(super) async fn sample(&self) -> Option<Arc<Sample>> {
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        let mut number = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            number = *asked;
        });
        let mut seen = self.seen.clone();
        let is_new = |seen: &Option<Arc<Sample>>| seen.as_ref().is_some_and(|seen| seen.asked >= number);
        if let Ok(Ok(new)) = tokio::time::timeout(PATIENCE, seen.wait_for(is_new)).await {
            return new.clone();
        }
        let before = self.seen.borrow().clone();
        before.filter(|before| before.at.elapsed() < WORTH)
    }
}

async fn sample(asked: u64, board: &dyn StatusSource, metrics: &Metrics) -> Result<Sample, String> {
    let at = Instant::now();
    let status = board.status().await;
    let status = json_lines(&status).map_err(|error| error.to_string())? + "\n";
    board.measure().await;
    let open = metrics.encode().map_err(|error| error.to_string())?;
    let classic = metrics.encode_classic().map_err(|error| error.to_string())?;
    Ok(Sample {
        asked,
        at,
        status: status.into(),
        classic: classic.into(),
        open: open.into(),
    })
}
