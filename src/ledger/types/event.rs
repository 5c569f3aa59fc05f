//! What happened, for those who follow it, and what the operator is to be told of. Types only.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::JobId;

/// How far events were read. The first event comes after the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct EventCursor(pub i64);

/// Events, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// What happened.
    pub events: Vec<Event>,
    /// Where to go on.
    pub next: EventCursor,
}

/// Something that happened. Its texts are a stranger's, or an action's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Its place.
    pub cursor: EventCursor,
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub kind: EventKind,
    /// The endpoint.
    pub endpoint: Option<String>,
    /// The job.
    pub job: Option<JobId>,
    /// The attempt that ended.
    pub attempt: Option<u32>,
    /// The reason's code.
    pub reason: Option<String>,
    /// Details, or a server's words; the first 200 characters.
    pub detail: Option<String>,
    /// The mail's sender.
    pub sender: Option<String>,
    /// The mail's subject.
    pub subject: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A mail was taken, or came from another endpoint, or was split: a job was made.
    Made,
    /// An attempt was interrupted or given back, an operator wants it run again, or its parts have ended: the job is queued.
    Queued,
    /// It is tried again later.
    Deferred,
    /// It waits for the jobs of its mail's parts.
    Waiting,
    /// It is done.
    Done,
    /// It failed.
    Failed,
    /// A person must look.
    Held,
    /// Its mail isn't meant.
    Ignored,
    /// Its reply was taken by a server, for one recipient at least.
    ReplySent,
    /// Its reply was refused.
    ReplyRefused,
    /// Nobody knows whether the server has its reply: an operator decides.
    ReplyUnsure,
    /// Its reply came back from where a server had taken it to, for one recipient at least.
    ReplyBounced,
    /// Its mail had its last touch in the mailbox.
    Settled,
    /// The endpoint was paused; by whom is its reason.
    Paused,
    /// The endpoint was resumed.
    Resumed,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Made,
        Self::Queued,
        Self::Deferred,
        Self::Waiting,
        Self::Done,
        Self::Failed,
        Self::Held,
        Self::Ignored,
        Self::ReplySent,
        Self::ReplyRefused,
        Self::ReplyUnsure,
        Self::ReplyBounced,
        Self::Settled,
        Self::Paused,
        Self::Resumed,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Queued => "queued",
            Self::Deferred => "deferred",
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Held => "held",
            Self::Ignored => "ignored",
            Self::ReplySent => "reply-sent",
            Self::ReplyRefused => "reply-refused",
            Self::ReplyUnsure => "reply-unsure",
            Self::ReplyBounced => "reply-bounced",
            Self::Settled => "settled",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
        }
    }
}

/// What was told, by key, and when: as long as what was told holds.
pub type SentNotices = BTreeMap<String, DateTime<Utc>>;

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
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Held,
        Self::Failed,
        Self::Refused,
        Self::Paused,
        Self::Unusable,
        Self::Unsure,
        Self::Bounced,
        Self::Unanswered,
    ];

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

    /// The kind of this name.
    pub(in crate::ledger) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
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
pub struct NewsMark(pub(in crate::ledger) i64);
