//! The program's own chores, by tokio-cron-scheduler: they may be late and may be missed, nothing depends on them.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tracing::{info, warn};

use crate::{
    config::Retention,
    ledger::{Forgotten, Ledger},
};

/// How often it is looked for what was kept long enough.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// Starts the chores. They end when the scheduler is dropped.
pub(super) async fn start(ledger: Arc<dyn Ledger>, retention: Retention) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let turn = Arc::new(tokio::sync::Mutex::new(()));
    let forget = Job::new_repeated_async(EVERY, move |_, _| {
        let (ledger, turn) = (ledger.clone(), turn.clone());
        Box::pin(async move {
            // A round that takes longer than the time between two is not begun twice.
            if let Ok(_turn) = turn.try_lock() {
                forget(ledger.as_ref(), retention).await;
            }
        })
    })?;
    scheduler.add(forget).await?;
    scheduler.start().await?;
    Ok(scheduler)
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
