//! The operator's side of the ledger: look at jobs, change what becomes of them, pause endpoints, follow what happens.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    BacklogAnswer, BacklogPage, BacklogWish, Error, EventCursor, EventPage, JobFilter, JobPage, JobStory, MailboxKey,
};
use crate::job::{JobId, state::State};
pub use crate::status::state::PausedBy;

/// What a ledger can do for operators. Changes are durable on return; whoever runs beside notices them within two seconds.
#[async_trait]
pub trait JobTable: Send + Sync + 'static {
    /// A page of jobs.
    async fn list(&self, filter: JobFilter) -> Result<JobPage, Error>;

    /// Jobs whose id begins or ends with these hexadecimal digits (hyphens don't count), 10 at most, newest first. None for what can't be one.
    async fn find(&self, part: &str) -> Result<Vec<JobId>, Error>;

    /// All that is known of a job; nothing where there is none.
    async fn story(&self, job: JobId) -> Result<Option<JobStory>, Error>;

    /// Does the same to each of these jobs, all in one commit, 1000 at most; says of each what came of it, in this order.
    async fn steer(&self, steer: Steer, jobs: Vec<JobId>) -> Result<Vec<Steered>, Error>;

    /// The bytes of a job's mail, as it came.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such job, or the bytes were dropped; [`Error::Incomplete`] where not all of them were received.
    async fn mail(&self, job: JobId) -> Result<Bytes, Error>;

    /// The bytes of one of a job's replies, as they were sent; the newest where no number ([`super::ReplyStory::rerun`]) is given.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such reply, or the bytes were dropped.
    async fn reply(&self, job: JobId, rerun: Option<u32>) -> Result<Bytes, Error>;

    /// Pauses an endpoint by an operator's hand: none of its jobs is claimed until it is resumed; what runs is finished, mails are taken
    /// and wait. Says since when and why it is paused, also where it was before.
    async fn pause(&self, endpoint: &str) -> Result<Pause, Error>;

    /// Lets an endpoint go on, whoever paused it. Says how it was paused; nothing where it was not.
    async fn resume(&self, endpoint: &str) -> Result<Option<Pause>, Error>;

    /// Every paused endpoint, by name.
    async fn pauses(&self) -> Result<Vec<Pause>, Error>;

    /// What happened after an event, the oldest first, at most `max` (1000). Of what is too old only the newest 60,000 are there.
    async fn events(&self, after: EventCursor, endpoint: Option<&str>, max: usize) -> Result<EventPage, Error>;

    /// Mails that lay in an endpoint's mailbox before it was watched and are left, the newest first: received since then, with UIDs below
    /// `before`, at most `max` (1000). The mailbox need not be named where the ledger's owner knows it.
    async fn backlog_page(
        &self,
        endpoint: &str,
        mailbox: Option<&MailboxKey>,
        since: Option<DateTime<Utc>>,
        before: Option<u32>,
        max: usize,
    ) -> Result<BacklogPage, Error>;

    /// Has some of them taken. Of a mailbox that was not looked at yet this is what is done at the first look.
    async fn backlog_take(
        &self,
        endpoint: &str,
        mailbox: Option<&MailboxKey>,
        wish: BacklogWish,
    ) -> Result<BacklogAnswer, Error>;

    /// Has all of them left where that waits for a word, or will be decided at the first look.
    async fn backlog_skip(&self, endpoint: &str, mailbox: Option<&MailboxKey>) -> Result<BacklogAnswer, Error>;

    /// The place of the newest event: what is asked for after it has yet to happen.
    async fn newest_event(&self) -> Result<EventCursor, Error>;
}

/// What an operator wants done to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Steer {
    /// A failed or held job is queued again, a deferred one is due now. Its waits between attempts count anew. One whose mail was never
    /// received whole is held until the mail was fetched again from its place in the mailbox, and is queued then.
    Retry,
    /// A job that has not begun or waits or is held fails, nobody is answered, and its mail is settled; but a mail that was never received
    /// whole stays in its mailbox as it is.
    Discard,
    /// A job that has ended runs anew with the mail that is stored, under the same id; its history stays, its reply is a new one.
    Replay,
}

impl Steer {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Discard => "discard",
            Self::Replay => "replay",
        }
    }
}

/// What came of it for one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Steered {
    /// The job.
    pub job: JobId,
    /// Where it stands now; nothing where there is no such job.
    pub state: Option<State>,
    /// Why nothing was done; nothing: it was done.
    pub refused: Option<Unsteerable>,
}

/// Why nothing was done to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Unsteerable {
    /// There is no such job.
    #[error("there is no such job")]
    Unknown,
    /// It is not in a state in which that can be done.
    #[error("that can't be done to a job in this state")]
    State,
    /// Its mail's bytes were dropped.
    #[error("its mail is not stored any more: retention is over")]
    Forgotten,
    /// Its mail was never received whole and has no place any more from which it could be fetched again.
    #[error("its mail was never received whole, and there is no place any more from which it could be fetched again")]
    Unreachable,
    /// It is of a part of a mail that was never received whole.
    #[error("it is of a part of a mail that was never received whole; retry the job of the mail")]
    Incomplete,
    /// Its reply is being submitted at this moment.
    #[error("its reply is being sent at this moment; try again in a few seconds")]
    Sending,
    /// It is of a part of a mail whose other parts were told of already: only the mail's own job can run anew.
    #[error("it is a part of a mail that has ended; replay the job of the mail")]
    Part,
    /// Parts of its mail have not ended: they can be discarded, it can't.
    #[error("it waits for the jobs of its parts; discard those")]
    Parts,
}

/// That an endpoint is paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pause {
    /// The endpoint.
    pub endpoint: String,
    /// Who paused it.
    pub by: PausedBy,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Jobs that wait.
    pub waiting: u64,
}
