//! How everything stands: what each loop wrote into its cell, what the files say, and what waits in the ledger, put together for whoever
//! asks.

mod sketch;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

pub(super) use self::sketch::{FleetView, RunningEndpoint};
use crate::{
    budget::Memory,
    http,
    ledger::{
        self, Address, Countable,
        counts::{Counts, Unwritable},
    },
    metrics::Metrics,
    status::{self, Status},
};

/// How long numbers of the ledger are good, at least …
const FRESH: Duration = Duration::from_secs(1);
/// … and in multiples of the time that counting took: it never takes more of the machine than its fiftieth part.
const REST: u32 = 50;
/// How long a count may take before the numbers are shown as missing.
const PATIENCE: Duration = Duration::from_secs(5);

/// The board of this process.
pub(super) struct Board {
    ledger: Arc<dyn Countable>,
    address: Address,
    metrics: Metrics,
    memory: Memory,
    since: DateTime<Utc>,
    draining: CancellationToken,
    started: AtomicBool,
    view: Mutex<FleetView>,
    counted: tokio::sync::Mutex<Option<CachedCounts>>,
}

/// Numbers, and until when they are good.
struct CachedCounts {
    until: Instant,
    counts: Result<Counts, String>,
}

impl Board {
    pub(super) fn new(
        ledger: Arc<dyn Countable>,
        address: &Address,
        metrics: Metrics,
        memory: Memory,
        draining: CancellationToken,
    ) -> Self {
        Self {
            ledger,
            address: address.absolute(),
            metrics,
            memory,
            since: Utc::now(),
            draining,
            started: AtomicBool::new(false),
            view: Mutex::default(),
            counted: tokio::sync::Mutex::default(),
        }
    }

    /// Shows what runs from now on.
    pub(super) fn show(&self, view: FleetView) {
        *self.view.lock().unwrap_or_else(PoisonError::into_inner) = view;
        self.started.store(true, Ordering::Release);
    }

    /// The numbers of the ledger. Whoever asks while somebody counts waits for the same ones.
    async fn counts(&self) -> Result<Counts, String> {
        let mut counted = self.counted.lock().await;
        if let Some(known) = counted.as_ref().filter(|known| Instant::now() < known.until) {
            return known.counts.clone();
        }
        let begun = Instant::now();
        let counts = match tokio::time::timeout(PATIENCE, self.ledger.counts()).await {
            Ok(counts) => counts.map_err(|error: ledger::Error| error.to_string()),
            Err(_) => Err("the ledger does not answer".to_owned()),
        };
        let until = Instant::now() + begun.elapsed().saturating_mul(REST).max(FRESH);
        *counted = Some(CachedCounts {
            until,
            counts: counts.clone(),
        });
        counts
    }

    async fn look(&self) -> (Status, FleetView, Counts) {
        let counts = self.counts().await;
        let view = self.view.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut ledger = ledger::space(&self.address);
        let counts = match counts {
            Ok(counts) => {
                ledger.problem = counts.unwritable.as_ref().map(Unwritable::words);
                Some(counts)
            }
            Err(error) => {
                ledger.problem = Some(error);
                None
            }
        };
        let process = status::ProcessStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.since,
            pid: std::process::id(),
            draining: self.draining.is_cancelled(),
            memory: status::MemoryStatus {
                budget: self.memory.work.all(),
                taken: self.memory.work.taken(),
                waiting: u64::try_from(self.memory.work.waiting()).unwrap_or(u64::MAX),
            },
        };
        let status = Status {
            process: Some(process),
            ledger,
            endpoints: view.endpoints(counts.as_ref(), Utc::now()),
            problems: view.problems.clone(),
        };
        (status, view, counts.unwrap_or_default())
    }
}

#[async_trait]
impl http::StatusSource for Board {
    async fn status(&self) -> Status {
        self.look().await.0
    }

    async fn measure(&self) {
        let (status, view, counts) = self.look().await;
        self.metrics.board.show(view.picture(&status, &counts, Utc::now()));
    }

    fn started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }
}
