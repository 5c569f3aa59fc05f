//! What the ledger can do beside the three loops: mails that lay there before, operators, notices, sign-ins.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::{
    auth::SealKey,
    job::JobId,
    ledger::types::{
        backlog::{BacklogAnswer, BacklogChoice, BacklogPage, BacklogSummary, BacklogWish, OldMail},
        error::Error,
        event::{EventCursor, EventPage, JobNews, NewsMark, SentNotices},
        job_list::{JobFilter, JobPage},
        mail::{Cursor, MaildropName},
        mailbox::{MailboxKey, WatchedMailbox},
        reply::{OutboxRow, ReplyFilter, Retried, RetrySelection},
        sign_in::{SealedToken, SignInRow},
        steer::{Pause, Steer, Steered},
        story::JobStory,
    },
};

/// What the watch asks of the ledger about mails that lay there before.
#[async_trait]
pub trait BacklogLedger: Send + Sync + 'static {
    /// How a mailbox's backlog stands; nothing where its mails were taken from the first look on, or it was never seen.
    async fn backlog(&self, mailbox: &MailboxKey) -> Result<Option<BacklogSummary>, Error>;

    /// What an operator said of a mailbox before its first look.
    async fn backlog_choice(&self, mailbox: &MailboxKey) -> Result<Option<BacklogChoice>, Error>;

    /// A mailbox waits for a word since it was read up to this cursor; gives back the first one that was noted.
    async fn backlog_wait(&self, mailbox: &WatchedMailbox, cursor: Cursor) -> Result<Cursor, Error>;

    /// Up to where a mailbox that waited for a word counts as read, if it did.
    async fn backlog_waited(&self, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error>;

    /// Whether the ledger has taken a mail of this account, `user@host`, from whichever of its mailboxes.
    async fn knows_account(&self, account: &str) -> Result<bool, Error>;

    /// Since when a mailbox is to be watched that was not looked at yet: the first time that somebody asked this. What comes from then on did
    /// not lie there before. Nothing once the mails of its first look were listed.
    async fn backlog_begun(&self, mailbox: &WatchedMailbox) -> Result<Option<DateTime<Utc>>, Error>;

    /// Has mails taken that are listed, by their UIDs.
    async fn backlog_came(&self, mailbox: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error>;

    /// Leaves all mails of a mailbox as they are: the cursor is behind them. Begins a round of listing them.
    async fn backlog_begin(
        &self,
        mailbox: &WatchedMailbox,
        cursor: Cursor,
        take_since: Option<DateTime<Utc>>,
    ) -> Result<(), Error>;

    /// Counts that a session begins to list them; says how many did.
    async fn backlog_try(&self, mailbox: &WatchedMailbox) -> Result<u32, Error>;

    /// Notes some of them, whose UIDs are of this UIDVALIDITY. Again changes nothing.
    async fn backlog_note(&self, mailbox: &WatchedMailbox, uid_validity: u32, mails: Vec<OldMail>)
    -> Result<(), Error>;

    /// All of this round were noted, but `older` ones, which are too many. What was known of earlier rounds is dropped.
    async fn backlog_listed(&self, mailbox: &WatchedMailbox, older: u64) -> Result<BacklogSummary, Error>;

    /// The first of those that are to be taken, by UID.
    async fn backlog_wanted(&self, mailbox: &MailboxKey, max: usize) -> Result<Vec<u32>, Error>;

    /// They were taken, or are gone.
    async fn backlog_taken(&self, mailbox: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error>;

    /// Has those taken that were received since then, or all. Says how many.
    async fn backlog_want(&self, mailbox: &WatchedMailbox, since: Option<DateTime<Utc>>) -> Result<u64, Error>;

    /// The first look at a maildrop: leaves all of its mails but those that were received since a time.
    async fn maildrop_first(
        &self,
        mailbox: &WatchedMailbox,
        cursor: Cursor,
        take_since: Option<DateTime<Utc>>,
        mails: Vec<(MaildropName, OldMail)>,
    ) -> Result<(), Error>;

    /// Leaves those mails of a maildrop that were left under other names. The others are new.
    async fn maildrop_sort(&self, mailbox: &WatchedMailbox, mails: Vec<(MaildropName, OldMail)>) -> Result<(), Error>;

    /// What tells this ledger from another one.
    async fn installation(&self) -> Result<[u8; 16], Error>;

    /// Mails of ours that lie in a mailbox to find a second ledger there, by UIDVALIDITY and UID.
    async fn probes(&self, mailbox: &MailboxKey) -> Result<Vec<(u32, u32)>, Error>;

    /// These are all of them.
    async fn note_probes(&self, mailbox: &WatchedMailbox, places: Vec<(u32, u32)>) -> Result<(), Error>;
}

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

/// What a ledger can do for notices to the operator.
#[async_trait]
pub trait NoticeTable: Send + Sync + 'static {
    /// All that was told and not forgotten.
    async fn told(&self) -> Result<SentNotices, Error>;

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

/// What a ledger can do for sign-ins. Changes are durable on return.
#[async_trait]
pub trait SignInTable: Send + Sync + 'static {
    /// A sign-in's row.
    async fn sign_in(&self, name: &str) -> Result<Option<SignInRow>, Error>;

    /// Every sign-in's row, by name.
    async fn sign_ins(&self) -> Result<Vec<(String, SignInRow)>, Error>;

    /// Stores a refresh token. An access token came with it: the sign-in is well since it was issued.
    async fn store_sign_in(&self, name: &str, token: SealedToken) -> Result<(), Error>;

    /// Notes that an access token was granted: the sign-in is well.
    async fn note_refreshed(&self, name: &str, at: DateTime<Utc>) -> Result<(), Error>;

    /// Notes that the sign-in needs a person; keeps the time of an earlier note.
    async fn note_refused(&self, name: &str, at: DateTime<Utc>, why: &str) -> Result<(), Error>;

    /// Forgets its token and how it was. Says whether there was a token.
    async fn forget_sign_in(&self, name: &str) -> Result<bool, Error>;

    /// Seals refresh tokens that the first schema kept plain, if there are any, and wipes out their remains. To be called before
    /// anybody signs in.
    ///
    /// # Errors
    /// When a token could not be sealed or moved; then none was.
    async fn seal_plain(&self, key: Arc<SealKey>) -> Result<(), Error>;

    /// Waits for its turn to use the sign-in's refresh token, 60 s at the most. The turn ends when this is dropped.
    async fn lock_sign_in(&self, name: &str) -> Result<Box<dyn Send>, Error>;
}

/// What a ledger can do for operators with replies. Changes are durable on return; whoever runs beside notices them within two seconds.
#[async_trait]
pub trait ReplyTable: Send + Sync + 'static {
    /// The newest replies that are wanted, newest first, and how many there are in all from there on.
    async fn replies(&self, filter: ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error>;

    /// Has replies tried again at once.
    ///
    /// # Errors
    /// [`Error::Missing`] when the job has no reply.
    async fn retry_replies(&self, which: RetrySelection) -> Result<Retried, Error>;

    /// Counts an unsure reply as sent: an operator knows that it has arrived. Says whether there was one.
    ///
    /// # Errors
    /// [`Error::Missing`] when the job has no reply.
    async fn accept_reply(&self, job: JobId) -> Result<bool, Error>;
}

/// What keeps a ledger in order.
#[async_trait]
pub trait Upkeep: Send + Sync + 'static {
    /// Does what was asked before, then gives the ledger up. Whoever asks later gets [`Error::Closed`].
    async fn close(&self);

    /// Why it ended by itself, where it did.
    fn lost(&self) -> Option<Error>;

    /// Whether there is no room left for it.
    fn is_full(&self) -> bool;
}
