//! Jobs on their way from a claim to the end of an attempt. Types only.

use chrono::{DateTime, Utc};

use super::mail::MailId;
use crate::{
    config::{EndpointName, Rate},
    job::{AcceptedAnswer, AllowedSenders, ConversationKey, EndedPart, JobId, JobScope, Outcome, ReplyDecision, Trace},
    ledger::lease::Lease,
};

/// A job that is ours to run. Its attempt is counted already.
#[derive(Debug, Clone)]
pub struct ClaimedJob {
    /// The job.
    pub id: JobId,
    /// Its mail.
    pub mail: MailId,
    /// Bytes of the mail.
    pub size: u64,
    /// The number of this attempt, from 1. A finish with another number is refused.
    pub attempt: u32,
    /// Attempts that ended in [`crate::job::Outcome::Retry`] before this one.
    pub retries: u32,
    /// Attempts in which the process died.
    pub interrupted: u32,
    /// When the server received the mail.
    pub received: Option<DateTime<Utc>>,
    /// When it was taken.
    pub taken: DateTime<Utc>,
    /// How often an operator had it run anew after it had ended.
    pub rerun: u32,
    /// What it is of.
    pub share: JobScope,
    /// That it is ours: while this lives, nobody else gets it.
    pub lease: Lease,
}

/// The parts of a mail, all of which have ended.
#[derive(Debug, Clone, PartialEq)]
pub struct GatheredParts {
    /// Each of them, in order; without the files' content where that would be more than was asked for.
    pub parts: Vec<EndedPart>,
    /// Bytes of all their files together.
    pub size: u64,
}

/// What became of jobs whose endpoint is no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReassignedJobs {
    /// Jobs that had not begun: their mails went on to the next endpoint, or ended.
    pub jobs: usize,
    /// Jobs that had begun and wait to be tried again: they stay where they are.
    pub left: usize,
}

/// What people look for in a list of jobs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// The first From address.
    pub from: String,
    /// Subject.
    pub subject: String,
    /// Message-ID.
    pub message_id: String,
}

/// The end of an attempt; outcome and reply commit together.
#[derive(Debug, Clone)]
pub struct Finish {
    /// The job.
    pub job: JobId,
    /// The attempt, as claimed.
    pub attempt: u32,
    /// What it came to.
    pub outcome: Outcome,
    /// For [`Outcome::Retry`]: when the next attempt is due.
    pub due: Option<DateTime<Utc>>,
    /// For `Done` and `Failed`: the reply, or why there is none.
    pub reply: Option<ReplyDecision>,
    /// What people look for: From and Subject, free of control characters.
    pub summary: Option<Summary>,
    /// For `Ignored`: the endpoints that may want the mail, in order. The first of them without a job for it gets one, in the same
    /// transaction.
    pub next: Vec<EndpointName>,
    /// What was decided, asked and answered, for the operator.
    pub trace: Trace,
    /// The action said that it is no more: its endpoint is paused in the same transaction, until the action is another than this (its
    /// SHA-256) or an operator resumes it.
    pub gone: Option<[u8; 32]>,
    /// What the reply has to pass; where one has no room, nobody is answered (`rate`).
    pub gates: Vec<RateLimit>,
}

/// Something that may happen only so often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// What, and whose: equal keys are counted together.
    pub key: String,
    /// How often.
    pub rate: Rate,
    /// What is kept with a reply that found no room here: why nobody was answered.
    pub code: &'static str,
}

/// Whether a job may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and is counted.
    Now,
    /// It has a place kept for it at this time.
    At(DateTime<Utc>),
}

/// A reply that may be answered, as an answer finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownConversation {
    /// Its token's key.
    pub key: ConversationKey,
    /// The name of the endpoint whose job an answer becomes.
    pub endpoint: String,
    /// Who may answer.
    pub allowed: AllowedSenders,
    /// Whether their answer counts only if something shows that it is theirs.
    pub proven: bool,
    /// Until when.
    pub expires: DateTime<Utc>,
    /// What an answer to it is told.
    pub told: AcceptedAnswer,
    /// Whether the job that asks has been accepted as an answer before.
    pub ours: bool,
}
