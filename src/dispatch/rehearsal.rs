//! What dispatch would hand to an action, without running it: the same reading, filter, payload, fields and files as an attempt, but
//! no secret is read and nothing is sent or started.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    action,
    conversation::{Answering, ConversationLookup},
    decide::{self, MailFacts, decide, missed},
    reading::unreadable,
    work::Work,
};
pub use super::{
    action::{
        command::environment::Origin,
        plan::{Plan, PlannedHeader, ProcessPlan, RequestPlan},
    },
    excerpt::Excerpt,
};
use crate::{
    config::{Answers, Endpoint},
    job::{JobId, JobScope, Outcome, Part, Reason},
    ledger::ClaimedJob,
    message::{self, Attachment, Head, Mail, filter::explain, trust::Sender},
};

/// A mail that was read, and what an attempt would make of it.
#[derive(Debug)]
pub struct Rehearsal {
    /// The mail's head.
    pub head: Head,
    /// Who sent it by what believed servers wrote; what we verify ourselves needs DNS, and is not asked here.
    pub sender: Sender,
    /// Whether a job would have DKIM and DMARC verified by DNS, which may prove the sender after all.
    pub verified_later: bool,
    /// Every attachment, also those that are not handed on.
    pub attachments: Vec<HandedAttachment>,
    /// Every condition that the filter names.
    pub conditions: Vec<ConditionReport>,
    /// The attachments that would have a job of their own, where each has; the plan is that of the first.
    pub parts: Vec<String>,
    /// The named inputs, as the payload has them.
    pub inputs: Vec<(String, serde_json::Value)>,
    /// The name of the action.
    pub action: &'static str,
    /// What the action would get, or why it would get nothing.
    pub plan: Result<Plan, Outcome>,
}

/// An attachment, and whether the action gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedAttachment {
    /// The name as its sender wrote it.
    pub name: Option<String>,
    /// The name that it gets.
    pub safe_name: String,
    /// The declared media type.
    pub media_type: String,
    /// Bytes of its content.
    pub size: u64,
    /// Whether it is handed on.
    pub handed_on: bool,
    /// Why, in a few words.
    pub why: String,
}

/// A condition of the filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionReport {
    /// The part of the filter, as [`crate::job::Reason::code`] calls it.
    pub part: String,
    /// Whether the mail meets it.
    pub holds: bool,
    /// Why, in a few words.
    pub why: String,
}

/// Reads a mail as an attempt at `job` does, and returns what the action would get; of a body at most `most` bytes.
///
/// # Errors
/// When the mail can't be read: with what becomes of the job.
pub async fn rehearse(
    endpoint: &Arc<Endpoint>,
    job: &ClaimedJob,
    raw: Bytes,
    now: DateTime<Utc>,
    most: u64,
) -> Result<Rehearsal, Outcome> {
    let (endpoint, job, shared) = (endpoint.clone(), job.clone(), raw.clone());
    let rehearsed = message::read(raw, endpoint.limits, move |mail| {
        let head = mail.head();
        let (conditions, attachments) = explained(&endpoint, &job, mail, &head);
        let sender = mail.sender(&endpoint.senders.trust);
        let (whole, mut job, mut parts) = (job.clone(), job, Vec::new());
        let decided = |job| {
            let decide::MailDecision { answering, work } = decide(MailFacts {
                endpoint: &endpoint,
                job,
                mail,
                head: &head,
                raw: &shared,
                sender: sender.clone(),
                asked: ConversationLookup::MadeUp,
                now,
            });
            (answering, work)
        };
        if let (_, Err(Outcome::Split(pieces))) = decided(&whole) {
            parts = pieces.iter().map(|piece| piece.name.clone()).collect();
            job.share = first_of(pieces, job.id);
        }
        let (answering, work) = decided(&job);
        let inputs = work
            .as_ref()
            .map(|work| work.inputs.iter().map(input).collect())
            .unwrap_or_default();
        let answers = match &answering {
            Answering::Accepted(accepted) => Some(accepted),
            Answering::Nothing | Answering::Counts { .. } => None,
        };
        let plan = work.and_then(|work| action::of(&endpoint.action).rehearse(&Work { answers, ..work }, most));
        Rehearsal {
            sender,
            verified_later: endpoint.senders.verify.is_some(),
            conditions,
            attachments,
            parts,
            inputs,
            action: endpoint.action.describe().name(),
            plan,
            head,
        }
    });
    rehearsed.await.map_err(unreadable)
}

/// The first part of a mail that is split.
fn first_of(pieces: Vec<crate::job::AttachmentRef>, mail_job: JobId) -> JobScope {
    let of = u32::try_from(pieces.len()).unwrap_or(u32::MAX);
    let part = |attachment| Part {
        number: 1,
        of,
        mail_job,
        attachment,
    };
    pieces
        .into_iter()
        .next()
        .map_or(JobScope::Whole, |piece| JobScope::Part(part(piece)))
}

fn input(given: &super::inputs::ResolvedInput) -> (String, serde_json::Value) {
    let value = given.value.as_ref().map(super::inputs::InputValue::json);
    (given.name.clone(), value.unwrap_or_default())
}

fn explained(
    endpoint: &Endpoint,
    job: &ClaimedJob,
    mail: &Mail<'_>,
    head: &Head,
) -> (Vec<ConditionReport>, Vec<HandedAttachment>) {
    let attachments = mail.attachments();
    let names = attachments.iter().map(Attachment::shown_name);
    let explanation = explain(&endpoint.filter, head, job.size, names);
    let conditions = explanation.conditions.iter().map(|condition| ConditionReport {
        part: missed(condition.part).code(),
        holds: condition.holds(),
        why: condition.why(),
    });
    let handed = attachments
        .iter()
        .zip(&explanation.files)
        .map(|(file, fate)| HandedAttachment {
            name: file.name.clone(),
            safe_name: file.safe_name.clone(),
            media_type: file.media_type.clone(),
            size: file.size() as u64,
            handed_on: fate.is_handed_on(),
            why: fate.why(),
        });
    let answers = match &endpoint.filter.answers {
        Answers::Any => None,
        Answers::None => Some("taken for a mail that answers no reply; a rehearsal asks no ledger".to_owned()),
        Answers::Only(_) => {
            Some("taken for an answer that counts, to a made-up job; a rehearsal asks no ledger".to_owned())
        }
    };
    let answers = answers.map(|why| ConditionReport {
        part: Reason::Conversation.code(),
        holds: true,
        why,
    });
    (conditions.chain(answers).collect(), handed.collect())
}

#[cfg(test)]
#[path = "rehearsal_tests.rs"]
mod tests;
