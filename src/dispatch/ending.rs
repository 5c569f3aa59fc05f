//! The end of an attempt: what it means for the job, the reply that it causes, and one commit for both.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{task::spawn_blocking, time::sleep};

use super::{Dispatch, conversation};
use crate::{
    config::Retry,
    job::{Answerable, Ending, Outcome, Reason, ReplyDecision, retry},
    ledger::{ClaimedJob, Error, Finish, Summary},
    message::Head,
};

/// The first wait after the ledger refused; each further one doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait after the ledger refused.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Commits an outcome with its reply, however long the ledger takes to accept it. `depth` is how many answers in a row led to it.
pub(super) async fn commit(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    head: Option<Head>,
    depth: u32,
    outcome: Outcome,
    took: Duration,
) {
    let now = Utc::now();
    let (outcome, answerable) = conversation::answerable(&dispatch.endpoint, outcome, depth);
    let (outcome, due) = settle(outcome, &dispatch.endpoint.retry, job.retries, fastrand::f64(), now);
    log(dispatch, job, &outcome, took);
    let summary = head.as_ref().map(summary);
    let (outcome, reply) = with_reply(dispatch, job, head, outcome, answerable, now).await;
    let finish = Finish {
        job: job.id,
        attempt: job.attempt,
        outcome,
        due,
        reply,
        summary,
    };
    finish_at_last(dispatch, finish).await;
}

/// A retry is due at its time, or has failed when there is none left. Pure.
fn settle(
    outcome: Outcome,
    retry: &Retry,
    retries: u32,
    jitter: f64,
    now: DateTime<Utc>,
) -> (Outcome, Option<DateTime<Utc>>) {
    let Outcome::Retry {
        reason,
        detail,
        not_before,
    } = outcome
    else {
        return (outcome, None);
    };
    if let Some(due) = retry::due(retry, retries, not_before, jitter, now) {
        let outcome = Outcome::Retry {
            reason,
            detail,
            not_before,
        };
        return (outcome, Some(due));
    }
    let exhausted = Outcome::Failed {
        reason: Reason::Exhausted,
        detail: format!(
            "{} attempts; the last one: {}: {detail}",
            u64::from(retries) + 1,
            reason.code()
        ),
        tell: None,
    };
    (exhausted, None)
}

/// The reply that an outcome causes. One with files is built on a blocking thread.
async fn with_reply(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    head: Option<Head>,
    outcome: Outcome,
    answerable: Option<Answerable>,
    now: DateTime<Utc>,
) -> (Outcome, Option<ReplyDecision>) {
    let heavy = match &outcome {
        Outcome::Done(answer) => !answer.files.is_empty(),
        Outcome::Failed { .. } => false,
        Outcome::Retry { .. } | Outcome::Ignored { .. } | Outcome::Held { .. } => return (outcome, None),
    };
    let (replier, id, endpoint) = (dispatch.replier.clone(), job.id, dispatch.endpoint.clone());
    let decide = move || {
        let ending = Ending {
            job: id,
            endpoint: &endpoint.name,
            head: head.as_ref(),
            outcome: &outcome,
            now,
            answerable,
        };
        let decision = catch_unwind(AssertUnwindSafe(|| replier.reply(&ending)));
        let decision = decision.unwrap_or_else(|_| ReplyDecision::Silent("unbuildable".to_owned()));
        (outcome, Some(decision))
    };
    if !heavy {
        return decide();
    }
    match spawn_blocking(decide).await {
        Ok(decided) => decided,
        // Only a runtime that is torn down refuses; then nothing is committed, and the next start runs the job again.
        Err(_torn_down) => std::future::pending().await,
    }
}

/// Offers the ending until the ledger takes it, or says that it never will.
async fn finish_at_last(dispatch: &Dispatch, finish: Finish) {
    let (endpoint, job) = (&dispatch.endpoint.name, finish.job);
    let mut wait = FIRST_WAIT;
    loop {
        let Err(error) = dispatch.ledger.finish(finish.clone()).await else {
            return;
        };
        if is_final(&error) {
            tracing::error!(%endpoint, %job, %error, "the outcome was refused by the ledger");
            return;
        }
        tracing::warn!(%endpoint, %job, %error, "the outcome could not be committed; trying again");
        sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Gives back a claim that was not begun. Where that fails, the next start finds the job interrupted and runs it.
pub(super) async fn release(dispatch: &Dispatch, job: &ClaimedJob) {
    if let Err(error) = dispatch.ledger.release(job.id, job.attempt).await {
        tracing::warn!(endpoint = %dispatch.endpoint.name, job = %job.id, %error, "the claim could not be given back");
    }
}

/// Whether trying again is in vain.
fn is_final(error: &Error) -> bool {
    match error {
        Error::Stale(_) | Error::Illegal { .. } | Error::Missing(_) | Error::Closed => true,
        Error::Full(_)
        | Error::Engine(_)
        | Error::InUse { .. }
        | Error::Newer { .. }
        | Error::Older { .. }
        | Error::SignInBusy { .. } => false,
    }
}

fn summary(head: &Head) -> Summary {
    Summary {
        from: head.from.first().map(|from| from.address.clone()).unwrap_or_default(),
        subject: head.subject.clone(),
        message_id: head.message_id.clone().unwrap_or_default(),
    }
}

/// One line for each attempt; an error where a person must look.
fn log(dispatch: &Dispatch, job: &ClaimedJob, outcome: &Outcome, took: Duration) {
    let (endpoint, id, attempt) = (&dispatch.endpoint.name, job.id, job.attempt);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    macro_rules! line {
        ($level:ident, $outcome:literal $(, $reason:expr, $detail:expr)?) => {
            tracing::$level!(
                %endpoint, job = %id, attempt, ms, outcome = $outcome, $(reason = $reason.code(), detail = $detail,)? "attempt ended"
            )
        };
    }
    match outcome {
        Outcome::Done(_) => line!(info, "done"),
        Outcome::Ignored { reason, detail } => line!(info, "ignored", reason, detail),
        Outcome::Retry { reason, detail, .. } => line!(warn, "retry", reason, detail),
        Outcome::Failed { reason, detail, .. } => line!(warn, "failed", reason, detail),
        Outcome::Held { reason, detail } => line!(error, "held", reason, detail),
    }
}

#[cfg(test)]
#[path = "ending_tests.rs"]
mod tests;
