//! The ledger: what was taken, what is to do, what became of it. The three loops meet only here.
//!
//! Every method that changes something returns after the change is durable. One engine: [`sqlite`]. PostgreSQL can carry the same traits.

pub mod archive;
mod clock;
pub mod counts;
mod db;
mod faces;
mod lease;
mod rules;
pub mod sqlite;
mod store;
mod types;
mod values;
mod vault;
mod views;
mod wake;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::Notify;

pub use self::{
    archive::{Archive, SealedVersion, VersionTable},
    clock::{Clock, ClockReading, MonotonicTime},
    counts::Countable,
    faces::{BacklogLedger, JobTable, NoticeTable, ReplyTable, SignInTable, Upkeep},
    lease::{Fence, Lease},
    store::{
        Address, ExternalStore, Store, backup, backup_into, beside, foresee, inspect, is_in_use, open, space,
        versions_beside,
    },
    types::{
        backlog::{BacklogAnswer, BacklogChoice, BacklogPage, BacklogRow, BacklogSummary, BacklogWish, OldMail},
        error::Error,
        event::{Event, EventCursor, EventKind, EventPage, JobNews, NewsExample, NewsKind, NewsMark, SentNotices},
        job::{Admission, ClaimedJob, Finish, GatheredParts, KnownConversation, RateLimit, ReassignedJobs, Summary},
        job_list::{JobFilter, JobPage, JobRow},
        mail::{
            Content, Cursor, Fingerprint, Intake, IntakeResult, Lack, MAILDROP, MailId, MailOutcome, MaildropMail,
            MaildropName, NewMail, Place, Raw, RefetchRequest, Settling, UploadId,
        },
        mailbox::{MailboxKey, WatchedMailbox},
        reply::{
            Bounced, ClaimedReply, OutboxRow, RecipientEnd, ReplyFilter, ReplyState, Retried, RetrySelection, Submitted,
        },
        sign_in::{SealedToken, SignInRow},
        steer::{Pause, PausedBy, Steer, Steered, Unsteerable},
        story::{AttemptStory, JobStory, MailStory, PartStory, PlaceStory, ReplyStory, TouchState},
        upkeep::{Copying, Dropped, Inspection, IntegrityFinding, PruneReport},
    },
    vault::Vault,
};
use crate::{
    config::{EndpointName, Retention},
    job::{ConversationKey, JobId},
    slots::{Quota, Slot},
};

/// What the ledger can do.
#[async_trait]
pub trait Ledger: BacklogLedger {
    /// Where reading of a mailbox stands.
    async fn cursor(&self, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error>;

    /// Watches a mailbox: while what this gives lives, nobody else does. Each write of the watch is refused once another has it.
    ///
    /// # Errors
    /// [`Error::Watched`] while another process has it, or another watch of this one.
    async fn watch(&self, mailbox: &MailboxKey) -> Result<Lease, Error>;

    /// When the last mail of a mailbox was taken, as its numbers go.
    async fn last_taken(&self, mailbox: &MailboxKey) -> Result<Option<DateTime<Utc>>, Error>;

    /// Every mailbox that was ever read.
    async fn mailboxes(&self) -> Result<Vec<MailboxKey>, Error>;

    /// Gives a mailbox another name, with all that is known of it; where there is one of that name, nothing happens. Says whether it was
    /// done.
    async fn rename_mailbox(&self, from: &MailboxKey, to: &MailboxKey) -> Result<bool, Error>;

    /// Stores one piece of a large mail, in order from 0. Pieces of an upload of which nothing comes for an hour are dropped.
    async fn upload(&self, mailbox: &WatchedMailbox, upload: UploadId, index: u32, piece: Bytes) -> Result<(), Error>;

    /// Drops the pieces of a mail that nobody will take.
    async fn abandon(&self, mailbox: &WatchedMailbox, upload: UploadId) -> Result<(), Error>;

    /// Takes mails: mail, jobs and cursor in one transaction. A mail is known when its place is known, when its SHA-256 is known in
    /// this mailbox, or, for a place of another UIDVALIDITY than the known one, when its header key is; then its new place is
    /// noted and no job is made. Mails without a byte are never known by their hash, nor are those whose told sizes differ.
    ///
    /// One that is known, lacked bytes ([`Content::Lacking`]), and comes whole is completed: its jobs are queued. One that comes again
    /// lacking changes nothing, but where it was wanted ([`Ledger::wanted`]) its jobs are held with the new words.
    async fn take(&self, intake: Intake) -> Result<IntakeResult, Error>;

    /// The mails of this mailbox that lack bytes and that an operator wants to have fetched again, oldest first; with their places under
    /// this UIDVALIDITY. Whoever watches the mailbox asks when its bell rings, fetches each from its place and takes it by
    /// [`Ledger::take`], or says by [`Ledger::unfetched`] that it can't be had.
    async fn wanted(&self, mailbox: &MailboxKey, uid_validity: u32) -> Result<Vec<RefetchRequest>, Error>;

    /// A mail that was wanted can't be fetched: its jobs are held with these words. Nothing happens to one that is not wanted any more.
    async fn unfetched(&self, mailbox: &WatchedMailbox, mail: MailId, why: Lack) -> Result<(), Error>;

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

    /// Has the jobs of an endpoint go on at once that wait until something is mended ([`crate::job::Blame::is_mended`]). Says how many.
    async fn mended(&self, endpoint: &EndpointName) -> Result<u64, Error>;

    /// The same for the replies of an SMTP account that wait.
    async fn account_mended(&self, account: &str) -> Result<u64, Error>;

    /// The bytes of a mail: all of them.
    ///
    /// # Errors
    /// [`Error::Incomplete`] where we don't hold all, [`Error::Missing`] where they were dropped.
    async fn raw(&self, mail: MailId) -> Result<Bytes, Error>;

    /// Says which endpoints this process's files name at each mailbox. It stands until the next time, or until the process is dead.
    async fn announce(&self, known: Vec<(MailboxKey, Vec<EndpointName>)>) -> Result<(), Error>;

    /// Ends the jobs of this mailbox that have not begun and whose endpoint is none of `known`, and gives each of their mails to the first
    /// of `route` that did not have it. No job is touched whose endpoint another living process names, and none at all before each of those has
    /// said what it names ([`Ledger::announce`]).
    async fn reassign_orphans(
        &self,
        mailbox: &MailboxKey,
        known: &[EndpointName],
        route: &[EndpointName],
    ) -> Result<ReassignedJobs, Error>;

    /// The other mailboxes whose mails have jobs at this endpoint that have not begun.
    async fn strays(&self, endpoint: &EndpointName, home: &MailboxKey) -> Result<Vec<MailboxKey>, Error>;

    /// Lets a running job begin its work where all gates have room, and counts it there, once however often it is tried; else keeps a
    /// place for it.
    async fn admit(&self, job: JobId, fence: Fence, gates: Vec<RateLimit>) -> Result<Admission, Error>;

    /// Ends an attempt: outcome, reply and the job at the next endpoint in one transaction. [`crate::job::Outcome::Split`] makes the jobs of the parts
    /// in it; the end of the last of them queues the mail's own job again. Says which gate had no room for the reply, by its code: then none goes.
    async fn finish(&self, finish: Finish) -> Result<Option<&'static str>, Error>;

    /// The same, and the next job of this endpoint is claimed in the same transaction where one is due, for whoever has its slot still.
    async fn finish_and_claim(
        &self,
        finish: Finish,
        endpoint: &EndpointName,
    ) -> Result<(Option<&'static str>, Option<ClaimedJob>), Error>;

    /// How the parts of a mail ended, and what they answered; without the files where those have more than `most` bytes together.
    async fn parts(&self, mail_job: JobId, most: u64) -> Result<GatheredParts, Error>;

    /// The first of these conversations that is known, as it looks to a job that may be an answer. By the hash of a token: how long
    /// this takes tells nothing of tokens.
    async fn conversation(&self, keys: Vec<ConversationKey>, answer: JobId)
    -> Result<Option<KnownConversation>, Error>;

    /// Accepts a running job as an answer, before its action runs. False when there are as many answers as there may be: of two at
    /// once, one. A job that was accepted stays so over all its attempts; one that fails in the end or is ignored gives its place
    /// back in [`Ledger::finish`].
    async fn accept_answer(&self, key: ConversationKey, job: JobId, fence: Fence) -> Result<bool, Error>;

    /// The job of the first of these replies that is known. Those of its recipients who had got it by what servers said, and have not by
    /// what this bounce says, are noted, once; the job and the reply's own course stay as they are, and nothing is sent again.
    async fn bounced(&self, bounce: Bounced) -> Result<Option<JobId>, Error>;

    /// Gives back a claim that was not begun: the attempt does not count.
    async fn release(&self, job: JobId, fence: Fence) -> Result<(), Error>;

    /// Claims up to `max` due replies of an SMTP account, as [`Ledger::claim`] does with jobs, with no need of slots.
    async fn claim_replies(&self, account: &str, max: usize) -> Result<Vec<ClaimedReply>, Error>;

    /// A piece of a reply's bytes, from there on; nothing at their end.
    async fn letter(&self, job: JobId, from: u64) -> Result<Bytes, Error>;

    /// Ends a submission.
    async fn submitted(&self, job: JobId, fence: Fence, what: Submitted) -> Result<(), Error>;

    /// When replies of an SMTP account were taken or refused by the server since then, in any order.
    async fn submissions(&self, account: &str, since: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, Error>;

    /// Rings soon after another process, or an operator in this one, changed something, such as what is due.
    fn changed_outside(&self) -> Arc<Notify>;

    /// Mails of this mailbox and UIDVALIDITY whose jobs and replies all ended and whose last touch is due, oldest first.
    async fn settling(&self, mailbox: &MailboxKey, uid_validity: u32, max: usize) -> Result<Vec<Settling>, Error>;

    /// Notes that these places got their last touch, or are not there any more.
    async fn settled(&self, mailbox: &WatchedMailbox, places: &[Place]) -> Result<(), Error>;

    /// The mails of a maildrop that have a number, in any order.
    async fn maildrop(&self, mailbox: &MailboxKey) -> Result<Vec<MaildropMail>, Error>;

    /// Gives each mail of a maildrop a number of its own, the same each time until it was taken or left: mails of one name get one
    /// each. The number of a mail that was taken is never given to another.
    async fn maildrop_number(&self, mailbox: &WatchedMailbox, names: Vec<MaildropName>) -> Result<Vec<u32>, Error>;

    /// Notes that these mails of a maildrop are never to be taken, and that the maildrop was seen. None of them is touched.
    async fn maildrop_skip(&self, mailbox: &WatchedMailbox, names: Vec<MaildropName>) -> Result<(), Error>;

    /// Notes what was read of the headers of mails of a maildrop that have a number ([`Fingerprint::header_key`]).
    async fn maildrop_seen(&self, mailbox: &WatchedMailbox, keys: Vec<(u32, [u8; 32])>) -> Result<(), Error>;

    /// Notes that these mails are not in the maildrop any more, by our hand or another's: they have had their last touch, and their
    /// names mean nothing. A mail that comes under such a name is looked at anew.
    async fn maildrop_left(&self, mailbox: &WatchedMailbox, uids: Vec<u32>) -> Result<(), Error>;

    /// Rings when this mailbox may have something to settle.
    fn settle_due(&self, mailbox: &MailboxKey) -> Arc<Notify>;

    /// Drops what ended and was kept long enough, in small steps that let others in between, and gives space back to the disk.
    async fn forget(&self, kept: Retention, now: DateTime<Utc>) -> Result<PruneReport, Error>;

    /// Whether the ledger answers, for readiness.
    async fn ping(&self) -> Result<(), Error>;
}

#[cfg(test)]
mod tests;
