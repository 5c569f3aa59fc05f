//! The ledger: what was taken, what is to do, what became of it. The three loops meet only here.
//!
//! Every method that changes something returns after the change is durable. One engine: [`sqlite`]. PostgreSQL can carry the same traits.

mod conversation;
mod error;
mod maildrop;
mod notice;
mod sign_in;
pub mod sqlite;
mod vault;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use uuid::Uuid;

pub use self::{
    conversation::KnownConversation,
    error::Error,
    maildrop::{MAILDROP, MaildropMail, MaildropName},
    notice::{NoticeTable, Told},
    sign_in::{SealedToken, SignInRow, SignInTable},
    vault::Vault,
};
use crate::{
    config::EndpointName,
    job::{ConversationKey, JobId, NewReply, Outcome},
};

/// What time it is: `Utc::now` in the running program.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A mailbox for good: `imap://user@host/NAME` or `pop3://user@host/INBOX`. Survives a renamed endpoint file.
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

/// A large mail's pieces, stored before the mail itself is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UploadId(pub Uuid);

/// A mail's bytes on their way in.
#[derive(Debug, Clone)]
pub enum Raw {
    /// All of them.
    Inline(Bytes),
    /// Stored by [`Ledger::upload`] before.
    Uploaded {
        /// The pieces.
        upload: UploadId,
        /// Their bytes together.
        size: u64,
    },
}

/// A mail seen in a mailbox.
#[derive(Debug, Clone)]
pub struct NewMail {
    /// Where.
    pub place: Place,
    /// When the server received it (INTERNALDATE), if it said so.
    pub received: Option<DateTime<Utc>>,
    /// SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// SHA-256 over Message-ID, Date and From, where there is a Message-ID: finds a mail again that a server re-rendered
    /// after a change of UIDVALIDITY.
    pub header_key: Option<[u8; 32]>,
    /// The bytes.
    pub raw: Raw,
    /// Set when the mail is over the endpoint's size limit: the job is born `held` with this reason, `raw` has what was read.
    pub held: Option<(crate::job::Reason, String)>,
}

/// Mails and the cursor after them: one transaction, with one job for each mail that is new.
#[derive(Debug)]
pub struct Intake {
    /// The mailbox.
    pub mailbox: MailboxKey,
    /// The endpoint that wants its mail.
    pub endpoint: EndpointName,
    /// The cursor after these mails.
    pub cursor: Cursor,
    /// The mails; may be empty when only the cursor moves.
    pub mails: Vec<NewMail>,
}

/// What an intake came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Mails that became a job.
    pub new: usize,
    /// Mails that were known: the same place again, or the same content at a new place.
    pub known: usize,
}

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
    /// Attempts that ended in [`Outcome::Retry`] before this one.
    pub retries: u32,
    /// Attempts in which the process died.
    pub interrupted: u32,
    /// When the server received the mail.
    pub received: Option<DateTime<Utc>>,
    /// When it was taken.
    pub taken: DateTime<Utc>,
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
    pub reply: Option<crate::job::ReplyDecision>,
    /// What people look for: From and Subject, free of control characters.
    pub summary: Option<Summary>,
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
    /// The reply.
    pub reply: NewReply,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// When the reply was made.
    pub made: DateTime<Utc>,
}

/// What a submission came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// The server took it; its words.
    Sent(String),
    /// The server will not take it; its words.
    Refused(String),
    /// Not now.
    Later {
        /// When to try again.
        due: DateTime<Utc>,
        /// Why.
        detail: String,
    },
}

/// How a mail ended, over all its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Every job done (or ignored, at least one done).
    Done,
    /// A job failed.
    Failed,
    /// Every job ignored.
    Ignored,
}

/// A mail whose last touch in the mailbox is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settling {
    /// Where it is.
    pub place: Place,
    /// How it ended.
    pub verdict: Verdict,
}

/// What the ledger can do.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// Where reading of a mailbox stands.
    async fn cursor(&self, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error>;

    /// Stores one piece of a large mail, in order from 0. Pieces of uploads that were never taken are dropped at the next start.
    async fn upload(&self, upload: UploadId, index: u32, piece: Bytes) -> Result<(), Error>;

    /// Takes mails: mail, job and cursor in one transaction. A mail is known when its place is known, when its SHA-256 is known in
    /// this mailbox, or, for a place of another UIDVALIDITY than the known one, when its header key is; then its new place is
    /// noted and no job is made.
    async fn take(&self, intake: Intake) -> Result<Taken, Error>;

    /// Claims up to `max` due jobs of an endpoint, counting the attempt. Waits until there is one; dropping the future gives
    /// back what it had claimed.
    async fn claim_jobs(&self, endpoint: &EndpointName, max: usize) -> Result<Vec<ClaimedJob>, Error>;

    /// The bytes of a mail.
    async fn raw(&self, mail: MailId) -> Result<Bytes, Error>;

    /// Ends an attempt: outcome and reply in one transaction.
    async fn finish(&self, finish: Finish) -> Result<(), Error>;

    /// The first of these conversations that is known, as it looks to a job that may be an answer. By the hash of a token: how long
    /// this takes tells nothing of tokens.
    async fn conversation(&self, keys: Vec<ConversationKey>, answer: JobId)
    -> Result<Option<KnownConversation>, Error>;

    /// Accepts a running job as an answer, before its action runs. False when there are as many answers as there may be: of two at
    /// once, one. A job that was accepted stays so over all its attempts; one that fails in the end or is ignored gives its place
    /// back in [`Ledger::finish`].
    async fn accept_answer(&self, key: ConversationKey, job: JobId, attempt: u32) -> Result<bool, Error>;

    /// Gives back a claim that was not begun: the attempt does not count.
    async fn release(&self, job: JobId, attempt: u32) -> Result<(), Error>;

    /// Claims up to `max` due replies of an SMTP account, as [`Ledger::claim_jobs`] does.
    async fn claim_replies(&self, account: &str, max: usize) -> Result<Vec<ClaimedReply>, Error>;

    /// Ends a submission.
    async fn submitted(&self, job: JobId, attempt: u32, what: Submitted) -> Result<(), Error>;

    /// Mails of this mailbox and UIDVALIDITY whose jobs and replies all ended and whose last touch is due, oldest first.
    async fn settling(&self, mailbox: &MailboxKey, uid_validity: u32, max: usize) -> Result<Vec<Settling>, Error>;

    /// Notes that these places got their last touch, or are not there any more.
    async fn settled(&self, mailbox: &MailboxKey, places: &[Place]) -> Result<(), Error>;

    /// The mails of a maildrop that have a number, in any order.
    async fn maildrop(&self, mailbox: &MailboxKey) -> Result<Vec<MaildropMail>, Error>;

    /// Gives each mail of a maildrop its number, the same each time until it left. The number of a mail that was taken is never given
    /// to another.
    async fn maildrop_number(&self, mailbox: &MailboxKey, names: Vec<MaildropName>) -> Result<Vec<u32>, Error>;

    /// Notes that these mails are not in the maildrop any more, by our hand or another's: they have had their last touch, and their
    /// names mean nothing. A mail that comes under such a name is looked at anew.
    async fn maildrop_left(&self, mailbox: &MailboxKey, uids: Vec<u32>) -> Result<(), Error>;

    /// Rings when this mailbox may have something to settle.
    fn bell(&self, mailbox: &MailboxKey) -> Arc<Notify>;

    /// Drops the bytes of mails that were settled before `before`, and finished uploads' remains. Returns bytes freed.
    async fn forget(&self, before: DateTime<Utc>) -> Result<u64, Error>;

    /// Whether the ledger answers, for readiness.
    async fn ping(&self) -> Result<(), Error>;
}
