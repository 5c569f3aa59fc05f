//! What the operator was told.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::Error;
use crate::job::JobId;

/// What was told, by key, and when: as long as what was told holds.
pub type Told = BTreeMap<String, DateTime<Utc>>;

/// What a ledger can do for notices to the operator.
#[async_trait]
pub trait NoticeTable: Send + Sync + 'static {
    /// All that was told and not forgotten.
    async fn told(&self) -> Result<Told, Error>;

    /// What happened to jobs that nobody was told of, with so many examples each, and how far that was read.
    async fn news(&self, examples: usize) -> Result<(Vec<JobNews>, NewsMark), Error>;

    /// Notes that these were told, forgets others that hold no more, and what happened to jobs up to there; durable on return, all
    /// or nothing.
    async fn note_told(
        &self,
        told: Vec<String>,
        over: Vec<String>,
        jobs: Option<NewsMark>,
        at: DateTime<Utc>,
    ) -> Result<(), Error>;
}

/// What happened to jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NewsKind {
    /// A person must look.
    Held,
    /// They failed for good.
    Failed,
    /// A server refused their replies, or one recipient at least.
    Refused,
    /// Their webhook is gone (410), and their endpoint rests.
    Paused,
    /// They are done, but their answers can't be used, or not all of them.
    Unusable,
    /// Nobody knows whether a server has their replies.
    Unsure,
    /// Their replies came back.
    Bounced,
    /// `[rates]` held their replies back: none goes.
    Unanswered,
}

impl NewsKind {
    /// Its name in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Paused => "paused",
            Self::Unusable => "unusable",
            Self::Unsure => "unsure",
            Self::Bounced => "bounced",
            Self::Unanswered => "unanswered",
        }
    }

    pub(super) fn named(name: &str) -> Self {
        match name {
            "failed" => Self::Failed,
            "refused" => Self::Refused,
            "paused" => Self::Paused,
            "unusable" => Self::Unusable,
            "unsure" => Self::Unsure,
            "bounced" => Self::Bounced,
            "unanswered" => Self::Unanswered,
            _ => Self::Held,
        }
    }
}

/// Jobs of one endpoint to which the same happened, since the operator was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobNews {
    /// What happened.
    pub kind: NewsKind,
    /// The endpoint.
    pub endpoint: String,
    /// How often.
    pub count: u64,
    /// When it happened first.
    pub since: DateTime<Utc>,
    /// The first ones.
    pub examples: Vec<NewsExample>,
}

/// One of them. Its texts are a stranger's, or an action's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewsExample {
    /// The job.
    pub job: JobId,
    /// The mail's sender.
    pub from: String,
    /// The mail's subject.
    pub subject: String,
    /// The reason's code.
    pub reason: Option<String>,
    /// Details, or the server's words.
    pub detail: String,
}

/// How far news were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct NewsMark(pub(super) i64);
