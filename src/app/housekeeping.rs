//! The program's own chores, by tokio-cron-scheduler: they may be late and may be missed, nothing depends on them.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tracing::{info, warn};

use crate::ledger::Ledger;

/// How often bytes of settled mails are looked for.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// Starts the chores. They end when the scheduler is dropped.
pub(super) async fn start(ledger: Arc<dyn Ledger>, retention: Duration) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let forget = Job::new_repeated_async(EVERY, move |_, _| {
        let ledger = ledger.clone();
        Box::pin(async move { forget(ledger.as_ref(), retention).await })
    })?;
    scheduler.add(forget).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

async fn forget(ledger: &dyn Ledger, retention: Duration) {
    let before = chrono::TimeDelta::from_std(retention)
        .ok()
        .and_then(|kept| Utc::now().checked_sub_signed(kept));
    let Some(before) = before else { return };
    match ledger.forget(before).await {
        Ok(0) => {}
        Ok(bytes) => info!(
            bytes,
            "dropped the bytes of mails settled before {}",
            before.format("%F %R")
        ),
        Err(error) => warn!(%error, "bytes of settled mails could not be dropped; trying again later"),
    }
}
