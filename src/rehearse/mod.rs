//! Says what would happen to a mail at an endpoint, and does nothing: no server hears of it, nothing is started or stored.
//!
//! It decides nothing of its own. The mail is read, judged and packed by [`crate::dispatch`], and the replies are written by
//! [`crate::reply`], with words in place of those that only the action knows.

pub mod json;
mod letter;
mod page;
pub mod render;
mod words;

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

pub use self::{letter::RehearsedReply, words::silence};
use crate::{
    config::{Endpoint, EndpointName, Route, Settle},
    dispatch::{
        action,
        original::original,
        rehearsal::{self, Rehearsal},
    },
    job::{AnswerableReply, ConversationToken, Ending, JobId, JobScope, Outcome, ReplyDecision},
    ledger::{ClaimedJob, Lease, MailId},
    reply::{Composed, Composer, OwnAddresses},
};

/// A mail, the endpoint, and the attempt that is imagined.
#[derive(Debug, Clone)]
pub struct RehearsalRequest {
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
    /// Our own addresses, by the accounts of all endpoints.
    pub ourselves: OwnAddresses,
    /// The job.
    pub job: ClaimedJob,
    /// The time of the attempt.
    pub now: DateTime<Utc>,
    /// The mail.
    pub raw: Bytes,
    /// Bytes of a body that are kept.
    pub most: u64,
    /// The endpoints of the mailbox, where they are known.
    pub route: Option<Route>,
}

impl RehearsalRequest {
    /// The first attempt at a mail that was received and taken just now. The job's id is nil: a real one is made when a mail is taken.
    #[must_use]
    pub fn new(endpoint: Arc<Endpoint>, ourselves: OwnAddresses, raw: Bytes, now: DateTime<Utc>, most: u64) -> Self {
        let now = now.trunc_subsecs(3);
        let job = ClaimedJob {
            id: JobId(Uuid::nil()),
            mail: MailId(0),
            size: raw.len() as u64,
            attempt: 1,
            retries: 0,
            interrupted: 0,
            received: Some(now.trunc_subsecs(0)),
            taken: now,
            rerun: 0,
            share: JobScope::Whole,
            lease: Lease::default(),
        };
        Self {
            endpoint,
            ourselves,
            job,
            now,
            raw,
            most,
            route: None,
        }
    }
}

/// What would happen.
#[derive(Debug)]
pub struct RehearsalReport {
    /// At this endpoint.
    pub endpoint: EndpointName,
    /// Bytes of the mail.
    pub size: u64,
    /// What was read, judged and packed, or what becomes of a mail that can't be read.
    pub rehearsal: Result<Rehearsal, Outcome>,
    /// The replies, when the action runs.
    pub replies: Option<ReplyPreviews>,
    /// What becomes of the mail in the mailbox.
    pub settle: Settle,
    /// The endpoints of the mailbox, where they are known.
    pub route: Option<Route>,
}

/// What the sender hears.
#[derive(Debug)]
pub struct ReplyPreviews {
    /// When the action did its work.
    pub success: ReplyPreview,
    /// When it refuses.
    pub failure: ReplyPreview,
}

/// One reply, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyPreview {
    /// None goes, for the reason with this code.
    Nothing(String),
    /// This one.
    Letter(RehearsedReply),
}

impl RehearsalReport {
    /// Why the job would not run; nothing when it would.
    #[must_use]
    pub fn hindrance(&self) -> Option<&Outcome> {
        match &self.rehearsal {
            Err(outcome) => Some(outcome),
            Ok(rehearsal) => rehearsal.plan.as_ref().err(),
        }
    }
}

/// Rehearses a job.
pub async fn rehearse(question: RehearsalRequest) -> RehearsalReport {
    let RehearsalRequest {
        endpoint,
        ourselves,
        job,
        now,
        raw,
        most,
        route,
    } = question;
    let size = raw.len() as u64;
    let rehearsal = rehearsal::rehearse(&endpoint, &job, raw.clone(), now, most).await;
    let replies = match &rehearsal {
        Ok(_) if !endpoint.action.describe().answers() => None,
        Ok(rehearsal) if rehearsal.plan.is_ok() => {
            let original = match endpoint.reply.needs_original() {
                true => Some(original(raw, endpoint.limits, &endpoint.reply).await),
                false => None,
            };
            let composer = Composer::new(&endpoint, ourselves);
            let inputs = rehearsal.inputs.iter().cloned().collect();
            let inputs = serde_json::Value::Object(inputs);
            let decide = |outcome: &Outcome| {
                composer.compose(&Ending {
                    original: original.as_ref(),
                    inputs: Some(&inputs),
                    answerable: answerable(&endpoint, outcome),
                    ..ending(&endpoint, rehearsal, outcome, job.id, now)
                })
            };
            let (success, failure) = action::made_up(&endpoint.action);
            Some(ReplyPreviews {
                success: told(decide(&success)).await,
                failure: told(decide(&failure)).await,
            })
        }
        Ok(rehearsal) => match &rehearsal.plan {
            // An input is missing: the job fails before the action runs, and its sender hears of it.
            Err(failed @ Outcome::Failed { .. }) => {
                let composer = Composer::new(&endpoint, ourselves);
                Some(ReplyPreviews {
                    success: ReplyPreview::Nothing("failed".to_owned()),
                    failure: told(composer.compose(&ending(&endpoint, rehearsal, failed, job.id, now))).await,
                })
            }
            _ => None,
        },
        Err(_) => None,
    };
    RehearsalReport {
        endpoint: endpoint.name.clone(),
        size,
        rehearsal,
        replies,
        settle: endpoint.settle.clone(),
        route,
    }
}

fn ending<'a>(
    endpoint: &'a Endpoint,
    rehearsal: &'a Rehearsal,
    outcome: &'a Outcome,
    job: JobId,
    now: DateTime<Utc>,
) -> Ending<'a> {
    Ending {
        job,
        endpoint: &endpoint.name,
        head: Some(&rehearsal.head),
        proven: rehearsal.sender.proven_by().is_some(),
        original: None,
        inputs: None,
        outcome,
        now,
        rerun: 0,
        answerable: None,
    }
}

/// With a made-up token, as a reply to the first mail of a conversation.
fn answerable(endpoint: &Endpoint, outcome: &Outcome) -> Option<AnswerableReply> {
    let may = endpoint.conversation.is_some() && matches!(outcome, Outcome::Done(_));
    let token = ConversationToken::new([0; 16]);
    may.then_some(AnswerableReply { token, depth: 0 })
}

async fn told(composed: Composed) -> ReplyPreview {
    match composed.decision {
        ReplyDecision::Silent(code) => ReplyPreview::Nothing(code),
        ReplyDecision::Send(reply) => letter::read(reply, composed.notes).await,
        ReplyDecision::Gathered => ReplyPreview::Nothing("combined".to_owned()),
    }
}

#[cfg(test)]
mod examples_tests;
#[cfg(test)]
mod tests;
