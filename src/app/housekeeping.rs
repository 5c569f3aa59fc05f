//! The program's own chores, by tokio-cron-scheduler: they may be late and may be missed, nothing depends on them.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use tokio::{
    sync::Mutex,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tracing::{info, warn};

use crate::{
    config::Retention,
    ledger::{Forgotten, Ledger},
};

/// How often it is looked for what was kept long enough.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// What does the chores. They end when it is dropped.
pub(super) struct Chores {
    _scheduler: JobScheduler,
    guard: JoinHandle<()>,
}

impl Drop for Chores {
    fn drop(&mut self) {
        self.guard.abort();
    }
}

/// Starts the chores.
pub(super) async fn start(ledger: Arc<dyn Ledger>, retention: Retention) -> Result<Chores, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let last = Arc::new(Mutex::new(Instant::now()));
    let guard = tokio::spawn(guard(ledger.clone(), retention, last.clone()));
    let forget = Job::new_repeated_async(EVERY, move |_, _| {
        let (ledger, last) = (ledger.clone(), last.clone());
        Box::pin(async move { round(ledger.as_ref(), retention, &last, Duration::ZERO).await })
    })?;
    scheduler.add(forget).await?;
    scheduler.start().await?;
    Ok(Chores {
        _scheduler: scheduler,
        guard,
    })
}

/// The scheduler goes by the clock on the wall: one that was set back would keep it from everything until it shows that time again.
async fn guard(ledger: Arc<dyn Ledger>, retention: Retention, last: Arc<Mutex<Instant>>) {
    loop {
        sleep(EVERY).await;
        round(ledger.as_ref(), retention, &last, EVERY * 2).await;
    }
}

/// One round, where the last one began so long ago. One that takes longer than the time between two is not begun twice.
async fn round(ledger: &dyn Ledger, retention: Retention, last: &Mutex<Instant>, age: Duration) {
    if let Ok(mut last) = last.try_lock()
        && last.elapsed() >= age
    {
        *last = Instant::now();
        forget(ledger, retention).await;
    }
}

async fn forget(ledger: &dyn Ledger, retention: Retention) {
    match ledger.forget(retention, Utc::now()).await {
        Ok(Forgotten {
            mails,
            results,
            history,
            given_back,
        }) if mails.count + results.count + history.count + given_back > 0 => info!(
            mails = mails.count,
            mails_bytes = mails.bytes,
            replies = results.count,
            replies_bytes = results.bytes,
            histories = history.count,
            histories_bytes = history.bytes,
            given_back_bytes = given_back,
            "dropped from the ledger what [retention] does not keep any longer"
        ),
        Ok(_) => {}
        Err(error) => {
            warn!(%error, "what [retention] does not keep any longer could not be dropped; trying again later")
        }
    }
}
