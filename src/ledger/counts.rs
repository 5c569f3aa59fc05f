//! How much there is to do, in numbers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Error, MailboxKey, Pause, PausedBy, ReplyState};
use crate::status::{self, JobTotals, ReplyTotals, Setback};

/// What waits in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// By endpoint; those without a job in one of these states are missing.
    pub jobs: BTreeMap<String, JobTotals>,
    /// When the oldest job of an endpoint became due that is not run yet.
    pub oldest_due: BTreeMap<String, DateTime<Utc>>,
    /// Replies that were not sent.
    pub replies: Vec<ReplyCount>,
    /// Endpoints of which no job is claimed.
    pub pauses: Vec<Pause>,
    /// By endpoint: of the jobs that wait for another attempt, the one that has it next; of those that wait for a person, where any does.
    pub setbacks: BTreeMap<String, Setback>,
    /// Why nothing can be written.
    pub unwritable: Option<Unwritable>,
}

/// That the ledger can't be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwritable {
    /// Since when.
    pub since: DateTime<Utc>,
    /// What it said last.
    pub why: String,
    /// Whether the disk is full: then only a change that is written shows that it is not any more.
    pub full: bool,
}

impl Counts {
    /// Who has an endpoint's jobs wait, and since when.
    #[must_use]
    pub fn paused(&self, endpoint: &str) -> Option<(DateTime<Utc>, PausedBy)> {
        let pause = self.pauses.iter().find(|pause| pause.endpoint == endpoint)?;
        Some((pause.since, pause.by))
    }

    /// An endpoint's replies in numbers.
    #[must_use]
    pub fn replies(&self, endpoint: &str) -> ReplyTotals {
        let mut replies = ReplyTotals::default();
        for row in self.replies.iter().filter(|row| row.endpoint == endpoint) {
            match row.state {
                ReplyState::Queued | ReplyState::Running => replies.waiting += row.count,
                ReplyState::Refused => replies.refused += row.count,
                ReplyState::Unsure => replies.unsure += row.count,
                ReplyState::Bounced => replies.bounced += row.count,
                ReplyState::Sent => {}
            }
        }
        replies
    }
}

impl Unwritable {
    /// The same in words.
    #[must_use]
    pub fn words(&self) -> String {
        let Self { since, why, .. } = self;
        format!(
            "can't be written since {}: {why}; what was to be written is tried again",
            status::state::time(*since)
        )
    }
}

/// Replies of one endpoint, account and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyCount {
    /// The endpoint whose jobs caused them.
    pub endpoint: String,
    /// The account that sends them.
    pub account: String,
    /// Where they stand.
    pub state: ReplyState,
    /// How many.
    pub count: u64,
}

/// A ledger that can be counted.
#[async_trait]
pub trait Countable: Send + Sync {
    /// What waits now. Jobs that were done or ignored are not looked at.
    async fn counts(&self) -> Result<Counts, Error>;

    /// How many mails of a mailbox as it is now were over before then, and wait for their last touch.
    async fn unsettled(&self, mailbox: &MailboxKey, before: DateTime<Utc>) -> Result<u64, Error>;

    /// Whether nobody has to say what becomes of what lies in a mailbox: it was looked at, somebody said it, or its account is known.
    async fn is_decided(&self, mailbox: &MailboxKey) -> Result<bool, Error>;
}
