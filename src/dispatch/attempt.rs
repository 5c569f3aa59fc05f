//! One attempt at one job, from the claim to the committed outcome.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{
    Dispatch, Ended, command, conversation, ending, later,
    reading::{read, ready, unreadable},
    webhook,
};
use crate::{
    config::Action,
    job::{Outcome, Reason},
    ledger::ClaimedJob,
    message::{Head, Unreadable},
};

/// Runs one attempt and commits what it came to. Returns whether the endpoint's action said that it is no more.
pub(super) async fn run(dispatch: &Dispatch, job: &ClaimedJob) -> bool {
    let begun = Instant::now();
    let (mut head, mut depth) = (None, 0);
    let attempt = AssertUnwindSafe(attempt(dispatch, job, &mut head, &mut depth)).catch_unwind();
    let ended = match attempt.await {
        Ok(Some(ended)) => ended,
        Ok(None) => {
            ending::release(dispatch, job).await;
            return false;
        }
        Err(_panic) => Outcome::Held {
            reason: Reason::Panicked,
            detail: "the attempt panicked; this is a bug of Mailjob".to_owned(),
        }
        .into(),
    };
    if ended.gone {
        tracing::error!(
            endpoint = %dispatch.endpoint.name, job = %job.id,
            "the webhook answered 410 Gone: this endpoint is paused; correct its file or restart to go on"
        );
    }
    ending::commit(dispatch, job, head, depth, ended.outcome, begun.elapsed()).await;
    ended.gone
}

/// `None` when we were stopped before it began. `head` is set as soon as the mail was read, `depth` when it is an answer.
async fn attempt(dispatch: &Dispatch, job: &ClaimedJob, head: &mut Option<Head>, depth: &mut u32) -> Option<Ended> {
    let endpoint = &dispatch.endpoint;
    if job.size > endpoint.limits.size {
        let (what, limit) = ("bytes", endpoint.limits.size);
        return Some(unreadable(Unreadable::TooLarge { what, limit }).into());
    }
    let room = dispatch
        .stop
        .run_until_cancelled(dispatch.memory.take(memory(job.size)))
        .await??;
    let raw = match dispatch.ledger.raw(job.mail).await {
        Ok(raw) => raw,
        Err(error) => return Some(later(Reason::Local, format!("the mail could not be had: {error}")).into()),
    };
    let answers = match conversation::answered(dispatch, job, &raw, head).await {
        Ok(answers) => answers,
        Err(outcome) => return Some(outcome.into()),
    };
    *depth = answers.as_ref().map_or(0, |answers| answers.depth);
    match &endpoint.action {
        Action::Webhook(webhook) => {
            let config = webhook.clone();
            let read = read(endpoint, job, raw, answers, move |work| webhook::prepare(&config, work));
            let request = match ready(read.await, head) {
                Ok(request) => request,
                Err(outcome) => return Some(outcome.into()),
            };
            let room = request.is_in_memory().then_some(room);
            let ended = webhook::send(&dispatch.http, webhook, request).await;
            drop(room);
            Some(ended)
        }
        Action::Command(command) => {
            let config = command.clone();
            let read = read(endpoint, job, raw, answers, move |work| command::prepare(&config, work));
            let start = match ready(read.await, head) {
                Ok(start) => start,
                Err(outcome) => return Some(outcome.into()),
            };
            drop(room);
            let turn = dispatch.commands.acquire();
            let _turn = dispatch.stop.run_until_cancelled(turn).await?.ok()?;
            Some(command::run(command, start).await.into())
        }
    }
}

/// What a job takes while it runs: the mail, and beside it the attachment that is being decoded or the body made of it.
fn memory(mail: u64) -> u64 {
    mail.saturating_mul(5) / 2
}
