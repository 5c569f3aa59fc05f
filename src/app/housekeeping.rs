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
    ledger::{PruneReport, Store},
};

/// How often it is looked for what was kept long enough.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// How often it is looked whether the disk is full: then that is done sooner.
const FULL_LOOK: Duration = Duration::from_secs(30);

/// The last round of retention.
struct LastRound {
    began: Instant,
    /// How many rounds failed since the last one that succeeded.
    failures: u64,
}

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
pub(super) async fn start(ledger: Store, retention: Retention) -> Result<Chores, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let last = Arc::new(Mutex::new(LastRound {
        began: Instant::now(),
        failures: 0,
    }));
    let guard = tokio::spawn(guard(ledger.clone(), retention, last.clone()));
    let now = {
        let (ledger, last) = (ledger.clone(), last.clone());
        move || {
            let (ledger, last) = (ledger.clone(), last.clone());
            async move { round(&ledger, retention, &last, Duration::ZERO).await }
        }
    };
    let usual = now.clone();
    scheduler
        .add(Job::new_repeated_async(EVERY, move |_, _| Box::pin(usual()))?)
        .await?;
    let when_full = now.clone();
    scheduler
        .add(Job::new_repeated_async(FULL_LOOK, move |_, _| {
            let (round, ledger) = (when_full.clone(), ledger.clone());
            Box::pin(async move {
                if ledger.upkeep().is_full() {
                    round().await;
                }
            })
        })?)
        .await?;
    // A disk may have been full at the last end, and a shorter retention may be why somebody started it anew.
    tokio::spawn(now());
    scheduler.start().await?;
    Ok(Chores {
        _scheduler: scheduler,
        guard,
    })
}

/// The scheduler goes by the clock on the wall: one that was set back would keep it from everything until it shows that time again.
async fn guard(ledger: Store, retention: Retention, last: Arc<Mutex<LastRound>>) {
    loop {
        sleep(EVERY).await;
        round(&ledger, retention, &last, EVERY * 2).await;
    }
}

/// One round, where the last one began so long ago. One that takes longer than the time between two is not begun twice.
async fn round(ledger: &Store, retention: Retention, last: &Mutex<LastRound>, age: Duration) {
    if let Ok(mut last) = last.try_lock()
        && last.began.elapsed() >= age
    {
        last.began = Instant::now();
        let failures = last.failures.saturating_add(1);
        last.failures = match forget(ledger, retention, failures).await {
            true => 0,
            false => failures,
        };
    }
}

/// Says whether it succeeded; `failures` counts this one too if it doesn't.
async fn forget(ledger: &Store, retention: Retention, failures: u64) -> bool {
    let forgotten = ledger.ledger().forget(retention, Utc::now()).await;
    let is_done = forgotten.is_ok();
    match forgotten {
        Ok(PruneReport {
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
        Err(error) if is_said(failures, ledger.upkeep().is_full()) => {
            warn!(%error, failures, "what [retention] does not keep any longer could not be dropped; trying again later")
        }
        Err(_) => {}
    }
    is_done
}

/// Whether the log says that a round failed; `failures`: so many in a row, this one counted. On a full disk it is tried often, and said at growing distance.
fn is_said(failures: u64, is_full: bool) -> bool {
    failures.is_power_of_two() || !is_full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_full_disk_a_day_of_failed_rounds_is_a_dozen_lines() {
        let tries = Duration::from_secs(24 * 3600).as_secs() / FULL_LOOK.as_secs();
        let said: Vec<_> = (1..=tries).filter(|failures| is_said(*failures, true)).collect();
        assert_eq!(said[..4], [1, 2, 4, 8]);
        assert_eq!(said.len(), 12);
        assert!((1..=tries).all(|failures| is_said(failures, false)));
    }
}
