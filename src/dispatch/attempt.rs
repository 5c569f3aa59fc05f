//! One attempt at one job, from the claim to the committed outcome.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use chrono::Utc;
use futures_util::FutureExt;
use tokio::time::Instant;

use super::{Dispatch, Ended, command, ending, later, webhook, work::Work};
use crate::{
    config::{Action, Endpoint},
    job::{Outcome, Reason},
    ledger::ClaimedJob,
    message::{
        self, Head, Mail, Unreadable,
        filter::{Judgement, Miss, judge},
    },
};

/// Runs one attempt and commits what it came to. Returns whether the endpoint's action said that it is no more.
pub(super) async fn run(dispatch: &Dispatch, job: &ClaimedJob) -> bool {
    let begun = Instant::now();
    let mut head = None;
    let attempt = AssertUnwindSafe(attempt(dispatch, job, &mut head)).catch_unwind();
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
    ending::commit(dispatch, job, head, ended.outcome, begun.elapsed()).await;
    ended.gone
}

/// `None` when we were stopped before it began. `head` is set as soon as the mail was read.
async fn attempt(dispatch: &Dispatch, job: &ClaimedJob, head: &mut Option<Head>) -> Option<Ended> {
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
    match &endpoint.action {
        Action::Webhook(webhook) => {
            let config = webhook.clone();
            let read = read(endpoint, job, raw, move |work| webhook::prepare(&config, work));
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
            let read = read(endpoint, job, raw, move |work| command::prepare(&config, work));
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

/// A mail that was read: its head, and what was made for the action or why it gets nothing.
struct Read<T> {
    head: Head,
    made: Result<T, Outcome>,
}

/// Reads a mail, asks the filter, and makes what the action needs: all in one visit to a blocking thread.
async fn read<T, E>(
    endpoint: &Arc<Endpoint>,
    job: &ClaimedJob,
    raw: Bytes,
    make: impl FnOnce(&Work<'_>) -> Result<T, E> + Send + 'static,
) -> Result<Read<T>, Unreadable>
where
    T: Send + 'static,
    Outcome: From<E>,
{
    let (limits, endpoint, job, shared) = (endpoint.limits, endpoint.clone(), job.clone(), raw.clone());
    message::read(raw, limits, move |mail| {
        let head = mail.head();
        let made = meant(&endpoint, &job, mail, &head, &shared).and_then(|work| make(&work).map_err(Outcome::from));
        Read { made, head }
    })
    .await
}

/// What the action gets to work with, when the filter says that the mail is meant.
fn meant<'a>(
    endpoint: &'a Endpoint,
    job: &'a ClaimedJob,
    mail: &'a Mail<'a>,
    head: &'a Head,
    raw: &'a Bytes,
) -> Result<Work<'a>, Outcome> {
    let mut attachments = mail.attachments();
    let names = attachments.iter().map(message::Attachment::shown_name);
    match judge(&endpoint.filter, head, job.size, names) {
        Judgement::Not(miss, detail) => Err(Outcome::Ignored {
            reason: missed(miss),
            detail,
        }),
        Judgement::Meant(handed_on) => {
            let mut index = 0;
            attachments.retain(|_| {
                index += 1;
                handed_on.binary_search(&(index - 1)).is_ok()
            });
            Ok(Work {
                endpoint: &endpoint.name,
                job,
                now: Utc::now(),
                mail,
                head,
                attachments,
                raw,
            })
        }
    }
}

fn ready<T>(read: Result<Read<T>, Unreadable>, head: &mut Option<Head>) -> Result<T, Outcome> {
    let read = read.map_err(unreadable)?;
    *head = Some(read.head);
    read.made
}

fn missed(miss: Miss) -> Reason {
    match miss {
        Miss::From => Reason::From,
        Miss::To => Reason::To,
        Miss::Subject => Reason::Subject,
        Miss::Attachments => Reason::Attachments,
        Miss::Size => Reason::Size,
    }
}

/// What can't be read is held for a person to look at, unless the mail is not to blame.
fn unreadable(why: Unreadable) -> Outcome {
    let reason = match why {
        Unreadable::Busy => return later(Reason::Local, why.to_string()),
        Unreadable::TooLarge { .. } => Reason::TooLarge,
        Unreadable::Malformed => Reason::Unreadable,
        Unreadable::Slow(_) => Reason::Slow,
        Unreadable::Panicked => Reason::Panicked,
    };
    let detail = why.to_string();
    Outcome::Held { reason, detail }
}

/// What a job takes while it runs: the mail, and beside it the attachment that is being decoded or the body made of it.
fn memory(mail: u64) -> u64 {
    mail.saturating_mul(5) / 2
}
