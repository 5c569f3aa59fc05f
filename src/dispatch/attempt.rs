//! One attempt at one job, from the claim to the committed outcome.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::{task::spawn_blocking, time::Instant};

use super::{
    AttemptResult, Dispatch, ReplyDuty,
    action::{self, NoHandles, Run},
    ending, gates, gather, later,
    reading::{ReadFacts, look, read, unreadable},
    result::{self, ResultNaming},
    room::{self, AttemptResources},
};
use crate::{
    budget::Holding,
    config::{Output, PartReply},
    job::{Answer, JobScope, Outcome, Reason},
    ledger::{self, Admission, ClaimedJob},
    message::{Head, Unreadable},
};

/// Runs one attempt and commits what it came to.
pub(super) async fn run(dispatch: &Arc<Dispatch>, job: &ClaimedJob) {
    let begun = Instant::now();
    let mut seen = ReadFacts::default();
    let mut holding = Holding::new(&dispatch.memory.work);
    let attempt = AssertUnwindSafe(attempt(dispatch, job, &mut seen, &mut holding)).catch_unwind();
    let ended = match attempt.await {
        Ok(Some(ended)) => ended,
        Ok(None) => {
            ending::release(dispatch, job).await;
            return;
        }
        Err(_panic) => Outcome::Held {
            reason: Reason::Panicked,
            detail: "the attempt panicked; this is a bug of Mailjob".to_owned(),
        }
        .into(),
    };
    let told = match dispatch.endpoint.action.describe().answers() {
        false => ReplyDuty::Nobody,
        true if is_told_later(dispatch, job) => ReplyDuty::Later,
        true => ended.told,
    };
    if ended.gone {
        tracing::error!(
            endpoint = %dispatch.endpoint.name, job = %job.id,
            "the webhook answered 410 Gone: this endpoint is paused until its [webhook] is changed, or mailjob resume lets it go on"
        );
    }
    ending::commit(
        dispatch,
        job,
        seen,
        AttemptResult { told, ..ended },
        &mut holding,
        begun.elapsed(),
    )
    .await;
}

/// `None` when we were stopped before it began. `seen` is set as soon as the mail was read.
async fn attempt(
    dispatch: &Arc<Dispatch>,
    job: &ClaimedJob,
    seen: &mut ReadFacts,
    holding: &mut Holding,
) -> Option<AttemptResult> {
    let endpoint = &dispatch.endpoint;
    if job.size > endpoint.limits.size {
        let (what, limit) = ("bytes", endpoint.limits.size);
        return Some(unreadable(Unreadable::TooLarge { what, limit }).into());
    }
    let reading = holding.exchange(room::reading(job.size));
    dispatch.stop.run_until_cancelled(reading).await?;
    let raw = match dispatch.ledger.raw(job.mail).await {
        Ok(raw) => raw,
        // No such job is claimed: should one be, nothing is done with what is not the mail.
        Err(error @ ledger::Error::Incomplete(_)) => {
            return Some(
                Outcome::Held {
                    reason: Reason::Unreadable,
                    detail: error.to_string(),
                }
                .into(),
            );
        }
        Err(error) => return Some(later(Reason::Local, format!("the mail could not be had: {error}")).into()),
    };
    if let JobScope::Gathering { .. } = job.share {
        match look(dispatch, raw).await {
            Ok(found) => *seen = found,
            Err(error) => return Some(unreadable(error).into()),
        }
        return gathered(dispatch, job, seen, holding).await;
    }
    let action = action::of(&endpoint.action);
    let prepare = match action.prepare(dispatch).await {
        Ok(prepare) => prepare,
        Err(outcome) => return Some(outcome.into()),
    };
    let made = match read(dispatch, job, raw, prepare).await {
        Ok(read) => {
            *seen = read.seen;
            read.made
        }
        Err(error) => Err(unreadable(error)),
    };
    let prepared = match made {
        Ok(prepared) => prepared,
        Err(outcome) => return Some(outcome.into()),
    };
    if let Err(outcome) = admitted(dispatch, job, seen.head.as_ref()).await {
        return Some(outcome.into());
    }
    holding.give_back();
    let mut run = Run {
        dispatch,
        job,
        means: means(dispatch, job, holding),
    };
    let ended = action::act(action, prepared, &mut run, &NoHandles).await?;
    let raw = ended.raw.clone();
    let part = is_told_later(dispatch, job);
    let finish = move |answer, output: &Output, facts: &ResultNaming| match part {
        // The mail's job looks at the size of all parts together.
        true => result::named(answer, &raw, output, facts),
        false => result::finish(answer, &raw, output, facts),
    };
    Some(finished(dispatch, job, seen, ended, finish).await)
}

/// Waits for its turn, where there are too many jobs: it comes back when there is room.
async fn admitted(dispatch: &Dispatch, job: &ClaimedJob, head: Option<&Head>) -> Result<(), Outcome> {
    let gates = head
        .map(|head| gates::of_job(&dispatch.endpoint, head))
        .unwrap_or_default();
    if gates.is_empty() {
        return Ok(());
    }
    match dispatch.ledger.admit(job.id, job.attempt, gates).await {
        Ok(Admission::Now) => Ok(()),
        Ok(Admission::At(at)) => Err(Outcome::Retry {
            reason: Reason::Rate,
            detail: format!("there are too many jobs; it waits until {at}"),
            not_before: Some(at),
        }),
        Err(error) => Err(later(Reason::Local, format!("jobs could not be counted: {error}"))),
    }
}

/// Whether what this job comes to is told by the job of its mail.
fn is_told_later(dispatch: &Dispatch, job: &ClaimedJob) -> bool {
    matches!(job.share, JobScope::Part(_)) && dispatch.endpoint.jobs.reply == PartReply::Combined
}

/// What the parts of a mail come to. `None` when we were stopped before it began.
async fn gathered(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    seen: &ReadFacts,
    holding: &mut Holding,
) -> Option<AttemptResult> {
    let endpoint = &dispatch.endpoint;
    let most = result::most(&endpoint.output);
    let failed = |error| later(Reason::Local, format!("the parts could not be had: {error}")).into();
    let size = match dispatch.ledger.parts(job.id, 0).await {
        Ok(parts) => parts.size,
        Err(error) => return Some(failed(error)),
    };
    let mut means = means(dispatch, job, holding);
    let room = means.for_result(size.min(most));
    dispatch.stop.run_until_cancelled(room).await?;
    let parts = match dispatch.ledger.parts(job.id, most).await {
        Ok(parts) => parts,
        Err(error) => return Some(failed(error)),
    };
    let jobs = &endpoint.jobs;
    // The configuration may have changed since a part ended: what was kept for a combined reply goes in one.
    let combined = jobs.reply == PartReply::Combined || parts.parts.iter().any(|part| part.kept);
    let mut ended = AttemptResult::from(gather::outcome(parts, jobs.partial, combined));
    if !combined {
        ended.told = ReplyDuty::Before;
        return Some(ended);
    }
    if size > most
        && let Outcome::Done(answer) = ended.outcome
    {
        ended.outcome = Outcome::Done(result::too_large(answer, size, &endpoint.output));
        return Some(ended);
    }
    Some(finished(dispatch, job, seen, ended, result::within).await)
}

/// What goes back of an answer. Files are named and packed on a blocking thread.
async fn finished(
    dispatch: &Dispatch,
    job: &ClaimedJob,
    seen: &ReadFacts,
    ended: AttemptResult,
    finish: impl FnOnce(Answer, &Output, &ResultNaming) -> Answer + Send + 'static,
) -> AttemptResult {
    let Outcome::Done(answer) = ended.outcome else {
        return ended;
    };
    let facts = ResultNaming {
        job: job.id,
        day: job.taken.date_naive(),
        source: seen.source.clone(),
    };
    let endpoint = dispatch.endpoint.clone();
    let light = answer.files.is_empty();
    let finish = move || Outcome::Done(finish(answer, &endpoint.output, &facts));
    if light {
        return AttemptResult {
            outcome: finish(),
            raw: Bytes::new(),
            ..ended
        };
    }
    let outcome = match spawn_blocking(finish).await {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // Only a runtime that is torn down refuses; then nothing is committed, and the next start runs the job again.
        Err(_torn_down) => std::future::pending().await,
    };
    AttemptResult {
        outcome,
        raw: Bytes::new(),
        ..ended
    }
}

/// What a job may take from when its action runs until it is committed.
fn means<'a>(dispatch: &'a Dispatch, job: &ClaimedJob, holding: &'a mut Holding) -> AttemptResources<'a> {
    let beside = match is_told_later(dispatch, job) {
        true => 0,
        false => room::original(&dispatch.endpoint.reply, job.size),
    };
    AttemptResources::new(&dispatch.memory, holding, beside)
}
