//! The end of an attempt: what it means for the job, the reply that it causes, and one commit for both.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use super::{
    AttemptResult, Dispatch, ReplyDuty, action_key, conversation, gates,
    health::OutcomeLabels,
    original::{self, KeptOriginal},
    reading::ReadFacts,
    room,
};
use crate::{
    budget::Holding,
    config::Retry,
    job::{AnswerableReply, Ending, Flaw, Original, Outcome, Reason, ReplyDecision, Trace, retry},
    ledger::{ClaimedJob, Error, Finish, Summary},
    message::Head,
    plural,
};

/// The first wait after the ledger refused; each further one doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait after the ledger refused.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Commits an outcome with its reply, however long the ledger takes to accept it.
pub(super) async fn commit(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    mut seen: ReadFacts,
    ended: AttemptResult,
    holding: &mut Holding,
    took: Duration,
) {
    let now = Utc::now();
    let gone = ended.gone.then(|| action_key(&dispatch.endpoint.action));
    let AttemptResult {
        outcome,
        told,
        exchange,
        ..
    } = ended;
    let trace = Trace {
        decision: seen.decision.take(),
        exchange,
    };
    let (outcome, answerable) = match told {
        ReplyDuty::Here => conversation::answerable(&dispatch.endpoint, outcome, seen.depth),
        ReplyDuty::Later | ReplyDuty::Before | ReplyDuty::Nobody => (outcome, None),
    };
    let mending = &dispatch.health.mending;
    let is_outdated = Instant::now()
        .checked_sub(took)
        .is_some_and(|begun| mending.is_outdated(begun));
    // What it met may be mended since: it is tried again soon.
    let attempt = if is_outdated { 1 } else { job.attempt };
    let (outcome, due) = settle(
        outcome,
        &dispatch.endpoint.retry,
        (attempt, job.retries),
        fastrand::f64(),
        now,
    );
    log(dispatch, job, &outcome, took);
    let summary = seen.head.as_ref().map(summary);
    let asker = seen
        .head
        .as_ref()
        .map(|head| gates::ReplyRequester::of(head, seen.depth > 0))
        .unwrap_or_default();
    let (outcome, reply) = match told {
        ReplyDuty::Here => with_reply(dispatch, job, seen, outcome, answerable, holding, now).await,
        ReplyDuty::Later => (outcome, Some(ReplyDecision::Gathered)),
        ReplyDuty::Before => (outcome, Some(ReplyDecision::Silent("each".to_owned()))),
        ReplyDuty::Nobody => (outcome, Some(ReplyDecision::Silent("off".to_owned()))),
    };
    let gates = gates::of_reply(&dispatch.endpoint, &asker, reply.as_ref());
    let next = if is_refused(&outcome) {
        Vec::new()
    } else {
        dispatch.next.clone()
    };
    let finish = Finish {
        job: job.id,
        attempt: job.attempt,
        outcome,
        due,
        reply,
        summary,
        next,
        gates,
        trace,
        gone,
    };
    let calls = mending.ended(&finish.outcome);
    finish_at_last(dispatch, finish).await;
    if calls {
        super::mending::call(dispatch).await;
    }
}

/// Whether the mail was meant, but not accepted from its sender, or is a bounce of a reply of ours: then it is not for the next endpoint
/// either.
fn is_refused(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Ignored {
            reason: Reason::Sender | Reason::Untrusted | Reason::Bounced,
            ..
        }
    )
}

/// A retry is due at its time, or has failed when there is none left. Pure.
fn settle(
    outcome: Outcome,
    retry: &Retry,
    (attempt, retries): (u32, u32),
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
    let due = match (reason, not_before) {
        // Who waits for its turn is due when its turn is.
        (_, Some(turn)) if !reason.is_attempt() => Some(turn),
        _ if !reason.is_attempt() => Some(retry::waiting(retry, reason.fault(), attempt, jitter, now)),
        _ => retry::due(retry, retries, not_before, jitter, now),
    };
    if let Some(due) = due {
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
            "{}; the last one: {}: {detail}",
            plural::counted(u64::from(retries) + 1, "attempt"),
            reason.code()
        ),
        tell: None,
    };
    (exhausted, None)
}

/// The mail itself, where this endpoint's replies need it: its text as it was kept, its bytes out of the ledger once more. Whoever has a
/// result has room for it; others have nothing in memory any more, and take some now.
async fn original(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    kept: Option<KeptOriginal>,
    outcome: &Outcome,
    holding: &mut Holding,
) -> Option<Original> {
    let reply = &dispatch.endpoint.reply;
    if !matches!(outcome, Outcome::Done(_)) {
        holding.exchange(room::original(reply, job.size)).await;
    }
    let text = match kept {
        Some(kept) => spawn_blocking(|| kept.into_text()).await.ok().and_then(Result::ok),
        None => None,
    };
    let text = match text {
        Some(text) if !original::is_attached(reply) => {
            let raw = Bytes::new();
            return Some(Original { text, raw });
        }
        text => text,
    };
    match dispatch.ledger.raw(job.mail).await {
        Ok(raw) => Some(match text {
            Some(text) => Original { text, raw },
            None => original::original(raw, dispatch.endpoint.limits, reply).await,
        }),
        Err(error) => {
            let (endpoint, job) = (&dispatch.endpoint.name, job.id);
            tracing::warn!(%endpoint, %job, %error, "the mail could not be had for its reply");
            None
        }
    }
}

/// The reply that an outcome causes. One that takes its time is built on a blocking thread.
async fn with_reply(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    mut seen: ReadFacts,
    outcome: Outcome,
    answerable: Option<AnswerableReply>,
    holding: &mut Holding,
    now: DateTime<Utc>,
) -> (Outcome, Option<ReplyDecision>) {
    let reply = &dispatch.endpoint.reply;
    let (files, letter) = match &outcome {
        Outcome::Done(answer) => (!answer.files.is_empty(), &reply.success),
        Outcome::Failed { .. } => (false, &reply.failure),
        Outcome::Retry { .. } | Outcome::Ignored { .. } | Outcome::Held { .. } | Outcome::Split(_) => {
            return (outcome, None);
        }
    };
    let original = match &seen.head {
        Some(_) if letter.is_some() && reply.needs_original() => {
            let kept = seen.text.take();
            original(dispatch, job, kept, &outcome, holding).await
        }
        _ => None,
    };
    let heavy = files || original.is_some() || reply.has_templates();
    let (replier, id, endpoint) = (dispatch.replier.clone(), job.id, dispatch.endpoint.clone());
    let rerun = job.rerun;
    let decide = move || {
        let ending = Ending {
            job: id,
            endpoint: &endpoint.name,
            head: seen.head.as_ref(),
            proven: seen.proven,
            original: original.as_ref(),
            inputs: seen.inputs.as_ref(),
            outcome: &outcome,
            now,
            rerun,
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
    let counted = OutcomeLabels::from(&finish.outcome);
    loop {
        let error = match dispatch.ledger.finish(finish.clone()).await {
            Ok(held_back) => {
                dispatch.health.committed(&counted);
                if let Some(code) = held_back {
                    dispatch.health.held_back();
                    tracing::warn!(%endpoint, %job, code, "no reply goes: [rates] allows no more of them now");
                }
                return;
            }
            Err(error) => error,
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

/// Gives back a claim that was not begun. Where that fails, the job is run when its lease ends.
pub(super) async fn release(dispatch: &Dispatch, job: &ClaimedJob) {
    if let Err(error) = dispatch.ledger.release(job.id, job.attempt).await {
        tracing::warn!(endpoint = %dispatch.endpoint.name, job = %job.id, %error, "the claim could not be given back");
    }
}

/// Whether trying again is in vain.
fn is_final(error: &Error) -> bool {
    match error {
        Error::Stale(_) | Error::Illegal { .. } | Error::Missing(_) | Error::Incomplete(_) | Error::Closed => true,
        Error::Full(_)
        | Error::Unknown(_)
        | Error::Remote(_)
        | Error::Engine(_)
        | Error::NoLedger { .. }
        | Error::Unusable { .. }
        | Error::Damaged(_)
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
        Outcome::Done(answer) => match &answer.flaw {
            Some(Flaw { reason, detail }) => line!(warn, "done", reason, detail),
            None => line!(info, "done"),
        },
        Outcome::Ignored { reason, detail } => line!(info, "ignored", reason, detail),
        Outcome::Retry { reason, detail, .. } => line!(warn, "retry", reason, detail),
        Outcome::Failed { reason, detail, .. } => line!(warn, "failed", reason, detail),
        Outcome::Held { reason, detail } => line!(error, "held", reason, detail),
        Outcome::Split(pieces) => {
            tracing::info!(%endpoint, job = %id, attempt, ms, outcome = "split", parts = pieces.len(), "attempt ended");
        }
    }
}

#[cfg(test)]
#[path = "ending_tests.rs"]
mod tests;
