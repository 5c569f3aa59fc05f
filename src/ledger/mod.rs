//! The ledger: what was taken, what is to do, what became of it. The three loops meet only here.
//!
//! Every method that changes something returns after the change is durable. One engine: [`sqlite`]. PostgreSQL can carry the same traits.

pub mod archive;
mod arrival;
mod backlog;
mod bounce;
mod clock;
mod conversation;
pub mod counts;
mod error;
mod event;
mod finish;
mod gate;
mod inspection;
mod job_list;
mod job_table;
mod maildrop;
mod notice;
mod outbox;
mod reply_table;
mod retention;
mod sign_in;
pub mod sqlite;
mod store;
mod story;
mod vault;

use std::{fmt, sync::Arc, time::Instant};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

pub use self::{
    archive::{Archive, SealedVersion, VersionTable},
    arrival::{Content, Intake, Lack, NewMail, Raw, Taken, UploadId, Wanted},
    backlog::{Backlog, BacklogAnswer, BacklogLedger, BacklogPage, BacklogRow, BacklogWish, Choice, OldMail},
    bounce::Bounced,
    clock::{Clock, Reading, Run},
    conversation::KnownConversation,
    counts::Countable,
    error::Error,
    event::{Event, EventCursor, EventKind, EventPage},
    finish::Finish,
    gate::{Admission, Gate},
    inspection::{Copying, Finding, Inspection},
    job_list::{JobFilter, JobPage, JobRow},
    job_table::{JobTable, Pause, PausedBy, Steer, Steered, Unsteerable},
    maildrop::{Fingerprint, MAILDROP, MaildropMail, MaildropName},
    notice::{JobNews, NewsExample, NewsKind, NewsMark, NoticeTable, Told},
    outbox::{Again, OutboxRow, RecipientEnd, ReplyFilter, ReplyState, Retried, Submitted},
    reply_table::ReplyTable,
    retention::{Dropped, Forgotten},
    sign_in::{SealedToken, SignInRow, SignInTable},
    store::{Address, Beside, Store, Upkeep, backup, backup_into, beside, inspect, open, space, versions_beside},
    story::{AttemptStory, JobStory, MailStory, PartStory, PlaceStory, ReplyStory, Touch},
    vault::Vault,
};
use crate::{
    config::{EndpointName, Retention},
    job::{ConversationKey, EndedPart, JobId, NewReply, Share},
    slots::{Quota, Slot},
};

/// A mailbox for good: `imap://user@host/NAME` or `pop3://user@host/INBOX`, with a port that isn't usual. Survives a renamed endpoint file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxKey(pub Arc<str>);

impl fmt::Display for MailboxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How far a mailbox was read: every UID below `uid_next` is in the ledger (RFC 9051 section 2.3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// The smallest UID that was not taken yet.
    pub uid_next: u32,
}

/// A mail's place in a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// UID.
    pub uid: u32,
}

/// A mail's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailId(pub i64);

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
    pub share: Share,
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
pub struct HandedOn {
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

/// A reply that is ours to submit. Its attempt is counted already.
#[derive(Debug, Clone)]
pub struct ClaimedReply {
    /// The job that caused it.
    pub job: JobId,
    /// The job's endpoint.
    pub endpoint: EndpointName,
    /// The reply, to those recipients that are still open.
    pub reply: NewReply,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// When the reply was made, or an operator had it tried again: its days count from there.
    pub made: DateTime<Utc>,
    /// When it was claimed, by a clock that nobody sets, and how long it had been tried then.
    pub claimed: (Instant, TimeDelta),
    /// Bytes that were left in the ledger, because they are many: [`Ledger::letter`] gives them. 0 where the reply has them.
    pub stored: u64,
}

impl ClaimedReply {
    /// Since when it is tried, by a clock that shows `now` and may have been set since the claim.
    #[must_use]
    pub fn tried_since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let (claimed, age) = self.claimed;
        let age = TimeDelta::from_std(claimed.elapsed())
            .ok()
            .and_then(|more| age.checked_add(&more));
        age.and_then(|age| now.checked_sub_signed(age)).unwrap_or(self.made)
    }
}

/// How a mail ended, over all its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every job done (or ignored, at least one done).
    Done,
    /// A job failed.
    Failed,
    /// Every job ignored.
    Ignored,
}

/// A mail whose last touch in the mailbox is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settling {
    /// Where it is.
    pub place: Place,
    /// How it ended.
    pub verdict: Verdict,
    /// The endpoint that decided: of the first job that failed, else of the first that was done, else of the one that refused its sender;
    /// nobody where all ignored it.
    pub endpoint: Option<EndpointName>,
}

/// What the ledger can do.
#[async_trait]
pub trait Ledger: BacklogLedger {
    /// Where reading of a mailbox stands.
    async fn cursor(&self, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error>;

    /// Every mailbox that was ever read.
    async fn mailboxes(&self) -> Result<Vec<MailboxKey>, Error>;

    /// Gives a mailbox another name, with all that is known of it; where there is one of that name, nothing happens. Says whether it was
    /// done.
    async fn rename_mailbox(&self, from: &MailboxKey, to: &MailboxKey) -> Result<bool, Error>;

    /// Stores one piece of a large mail, in order from 0. Pieces of uploads that were never taken are dropped at the next start.
    async fn upload(&self, upload: UploadId, index: u32, piece: Bytes) -> Result<(), Error>;

    /// Drops the pieces of a mail that nobody will take.
    async fn abandon(&self, upload: UploadId) -> Result<(), Error>;

    /// Takes mails: mail, jobs and cursor in one transaction. A mail is known when its place is known, when its SHA-256 is known in
    /// this mailbox, or, for a place of another UIDVALIDITY than the known one, when its header key is; then its new place is
    /// noted and no job is made. Mails without a byte are never known by their hash, nor are those whose told sizes differ.
    ///
    /// One that is known, lacked bytes ([`Content::Lacking`]), and comes whole is completed: its jobs are queued. One that comes again
    /// lacking changes nothing, but where it was wanted ([`Ledger::wanted`]) its jobs are held with the new words.
    async fn take(&self, intake: Intake) -> Result<Taken, Error>;

    /// The mails of this mailbox that lack bytes and that an operator wants to have fetched again, oldest first; with their places under
    /// this UIDVALIDITY. Whoever watches the mailbox asks when its bell rings, fetches each from its place and takes it by
    /// [`Ledger::take`], or says by [`Ledger::unfetched`] that it can't be had.
    async fn wanted(&self, mailbox: &MailboxKey, uid_validity: u32) -> Result<Vec<Wanted>, Error>;

    /// A mail that was wanted can't be fetched: its jobs are held with these words. Nothing happens to one that is not wanted any more.
    async fn unfetched(&self, mail: MailId, why: Lack) -> Result<(), Error>;

    /// Claims due jobs of an endpoint, counting the attempt, and no more than there are slots for: `first` and what `quota` gives beside it.
    /// Waits until there is one, and holds no slot meanwhile. None comes where there may be one, but no slot: whoever asks waits for a slot,
    /// and claims with it. Dropping the future gives back what it had claimed. A paused endpoint has none.
    async fn claim(
        &self,
        endpoint: &EndpointName,
        quota: &Quota,
        first: Slot,
    ) -> Result<Vec<(ClaimedJob, Slot)>, Error>;

    /// Resumes an endpoint that was paused because another action than this (its SHA-256) said that it was gone. Says whether it was.
    async fn resume_changed(&self, endpoint: &EndpointName, action: [u8; 32]) -> Result<bool, Error>;

    /// Has the jobs of an endpoint go on at once that wait until something is mended ([`crate::job::Fault::is_mended`]). Says how many.
    async fn mended(&self, endpoint: &EndpointName) -> Result<u64, Error>;

    /// The same for the replies of an SMTP account that wait.
    async fn account_mended(&self, account: &str) -> Result<u64, Error>;

    /// The bytes of a mail: all of them.
    ///
    /// # Errors
    /// [`Error::Incomplete`] where we don't hold all, [`Error::Missing`] where they were dropped.
    async fn raw(&self, mail: MailId) -> Result<Bytes, Error>;

    /// Ends the jobs of this mailbox that have not begun and whose endpoint is none of `known`, and gives each of their mails to the first
    /// of `route` that did not have it.
    async fn hand_on(
        &self,
        mailbox: &MailboxKey,
        known: &[EndpointName],
        route: &[EndpointName],
    ) -> Result<HandedOn, Error>;

    /// The other mailboxes whose mails have jobs at this endpoint that have not begun.
    async fn strays(&self, endpoint: &EndpointName, home: &MailboxKey) -> Result<Vec<MailboxKey>, Error>;

    /// Lets a running job begin its work where all gates have room, and counts it there, once however often it is tried; else keeps a
    /// place for it.
    async fn admit(&self, job: JobId, attempt: u32, gates: Vec<Gate>) -> Result<Admission, Error>;

    /// Ends an attempt: outcome, reply and the job at the next endpoint in one transaction. [`crate::job::Outcome::Split`] makes the jobs of the parts
    /// in it; the end of the last of them queues the mail's own job again. Says which gate had no room for the reply, by its code: then none goes.
    async fn finish(&self, finish: Finish) -> Result<Option<&'static str>, Error>;

    /// How the parts of a mail ended, and what they answered; without the files where those have more than `most` bytes together.
    async fn parts(&self, mail_job: JobId, most: u64) -> Result<GatheredParts, Error>;

    /// The first of these conversations that is known, as it looks to a job that may be an answer. By the hash of a token: how long
    /// this takes tells nothing of tokens.
    async fn conversation(&self, keys: Vec<ConversationKey>, answer: JobId)
    -> Result<Option<KnownConversation>, Error>;

    /// Accepts a running job as an answer, before its action runs. False when there are as many answers as there may be: of two at
    /// once, one. A job that was accepted stays so over all its attempts; one that fails in the end or is ignored gives its place
    /// back in [`Ledger::finish`].
    async fn accept_answer(&self, key: ConversationKey, job: JobId, attempt: u32) -> Result<bool, Error>;

    /// The job of the first of these replies that is known. Those of its recipients who had got it by what servers said, and have not by
    /// what this bounce says, are noted, once; the job and the reply's own course stay as they are, and nothing is sent again.
    async fn bounced(&self, bounce: Bounced) -> Result<Option<JobId>, Error>;

    /// Gives back a claim that was not begun: the attempt does not count.
    async fn release(&self, job: JobId, attempt: u32) -> Result<(), Error>;

    /// Claims up to `max` due replies of an SMTP account, as [`Ledger::claim`] does with jobs, with no need of slots.
    async fn claim_replies(&self, account: &str, max: usize) -> Result<Vec<ClaimedReply>, Error>;

    /// A piece of a reply's bytes, from there on; nothing at their end.
    async fn letter(&self, job: JobId, from: u64) -> Result<Bytes, Error>;

    /// Ends a submission.
    async fn submitted(&self, job: JobId, attempt: u32, what: Submitted) -> Result<(), Error>;

    /// When replies of an SMTP account were taken or refused by the server since then, in any order.
    async fn submissions(&self, account: &str, since: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, Error>;

    /// Rings soon after another process, or an operator in this one, changed something, such as what is due.
    fn knock(&self) -> Arc<Notify>;

    /// Mails of this mailbox and UIDVALIDITY whose jobs and replies all ended and whose last touch is due, oldest first.
    async fn settling(&self, mailbox: &MailboxKey, uid_validity: u32, max: usize) -> Result<Vec<Settling>, Error>;

    /// Notes that these places got their last touch, or are not there any more.
    async fn settled(&self, mailbox: &MailboxKey, places: &[Place]) -> Result<(), Error>;

    /// The mails of a maildrop that have a number, in any order.
    async fn maildrop(&self, mailbox: &MailboxKey) -> Result<Vec<MaildropMail>, Error>;

    /// Gives each mail of a maildrop a number of its own, the same each time until it was taken or left: mails of one name get one
    /// each. The number of a mail that was taken is never given to another.
    async fn maildrop_number(&self, mailbox: &MailboxKey, names: Vec<MaildropName>) -> Result<Vec<u32>, Error>;

    /// Notes that these mails of a maildrop are never to be taken, and that the maildrop was seen. None of them is touched.
    async fn maildrop_skip(&self, mailbox: &MailboxKey, names: Vec<MaildropName>) -> Result<(), Error>;

    /// Notes what was read of the headers of mails of a maildrop that have a number ([`Fingerprint::header_key`]).
    async fn maildrop_seen(&self, mailbox: &MailboxKey, keys: Vec<(u32, [u8; 32])>) -> Result<(), Error>;

    /// Notes that these mails are not in the maildrop any more, by our hand or another's: they have had their last touch, and their
    /// names mean nothing. A mail that comes under such a name is looked at anew.
    async fn maildrop_left(&self, mailbox: &MailboxKey, uids: Vec<u32>) -> Result<(), Error>;

    /// Rings when this mailbox may have something to settle.
    fn bell(&self, mailbox: &MailboxKey) -> Arc<Notify>;

    /// Drops what ended and was kept long enough, in small steps that let others in between, and gives space back to the disk.
    async fn forget(&self, kept: Retention, now: DateTime<Utc>) -> Result<Forgotten, Error>;

    /// Whether the ledger answers, for readiness.
    async fn ping(&self) -> Result<(), Error>;
}
