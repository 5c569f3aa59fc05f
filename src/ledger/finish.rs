//! The end of an attempt. Types only.

use chrono::{DateTime, Utc};

use super::{Gate, Summary};
use crate::{
    config::EndpointName,
    job::{JobId, Outcome, ReplyDecision, Trace},
};

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
    pub gates: Vec<Gate>,
}
