//! The program's own chores, by tokio-cron-scheduler: they may be late and may be missed, nothing depends on them.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tracing::{info, warn};

use crate::{
    config::Retention,
    ledger::{Forgotten, Ledger, sqlite::Sqlite},
};

/// How often it is looked for what was kept long enough.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// How often it is looked whether the disk is full: then that is done sooner.
const FULL_LOOK: Duration = Duration::from_secs(30);

/// Starts the chores. They end when the scheduler is dropped.
pub(super) async fn start(ledger: Arc<Sqlite>, retention: Retention) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let turn = Arc::new(tokio::sync::Mutex::new(()));
    let round = move |only_if_full: bool| {
        let (ledger, turn) = (ledger.clone(), turn.clone());
        async move {
            // A round that takes longer than the time between two is not begun twice.
            if let Ok(_turn) = turn.try_lock()
                && (!only_if_full || ledger.is_full())
            {
                forget(&ledger, retention).await;
            }
        }
    };
    let (usual, when_full) = (round.clone(), round.clone());
    scheduler
        .add(Job::new_repeated_async(EVERY, move |_, _| Box::pin(usual(false)))?)
        .await?;
    scheduler
        .add(Job::new_repeated_async(FULL_LOOK, move |_, _| {
            Box::pin(when_full(true))
        })?)
        .await?;
    // A disk may have been full at the last end, and a shorter retention may be why somebody started it anew.
    tokio::spawn(round(false));
    scheduler.start().await?;
    Ok(scheduler)
}

async fn forget(ledger: &Sqlite, retention: Retention) {
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
        // That is told already, by whoever it keeps from writing.
        Err(_) if ledger.is_full() => {}
        Err(error) => {
            warn!(%error, "what [retention] does not keep any longer could not be dropped; trying again later")
        }
    }
}
