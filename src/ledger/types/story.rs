//! A job's whole story, as an operator reads it. Types only. Texts are a stranger's, or an action's.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    job_list::JobRow,
    mail::MailOutcome,
    reply::{RecipientEnd, ReplyState},
};
use crate::job::{JobId, Trace};

/// What came in, what was done, what went out, and what is left in the mailbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobStory {
    /// The job as a list shows it.
    pub job: JobRow,
    /// Its mail.
    pub mail: MailStory,
    /// Every attempt that ended, the oldest first; of more than 200 the newest.
    pub attempts: Vec<AttemptStory>,
    /// When the attempt began that runs now.
    pub running_since: Option<DateTime<Utc>>,
    /// The jobs of the mail's parts; of the mail's own job only.
    pub parts: Vec<PartStory>,
    /// The job of the mail; of a part only.
    pub mail_job: Option<JobId>,
    /// Its replies, the newest first: more than one where it ran anew.
    pub replies: Vec<ReplyStory>,
    /// Why there is no reply, a code: `auto-submitted`, `off`, `nobody` …
    pub silent: Option<String>,
}

/// The mail of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MailStory {
    /// The address of From.
    pub from: Option<String>,
    /// Subject.
    pub subject: Option<String>,
    /// Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// Its bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal; empty where not all of them were received.
    pub sha256: String,
    /// When the server received it, where it said so.
    pub received: Option<DateTime<Utc>>,
    /// When it was taken into the ledger.
    pub taken: DateTime<Utc>,
    /// Whether its bytes are still there; without them it can't be run again or exported.
    pub has_bytes: bool,
    /// Why it was never received whole; nothing: it was. Then none of its bytes is stored, and its size is what is known of it.
    #[serde(default)]
    pub incomplete: Option<String>,
    /// Where it was seen, and what was done there.
    pub places: Vec<PlaceStory>,
}

/// A place where a mail was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlaceStory {
    /// The mailbox: `imap://user@host/NAME` or `pop3://user@host/INBOX`.
    pub mailbox: String,
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// UID; by POP3 the ledger's own number.
    pub uid: u32,
    /// What is left to do there.
    pub touch: TouchState,
    /// How the mail ended for this place; nothing while it has not.
    pub verdict: Option<MailOutcome>,
    /// When it had its last touch.
    pub settled: Option<DateTime<Utc>>,
}

/// The last touch of a mail at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Touch")]
pub enum TouchState {
    /// The mail has not ended.
    Waiting,
    /// It ended, and the mailbox is told soon.
    Due,
    /// The mailbox was told, or the mail was not there any more.
    Settled,
}

/// An attempt that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptStory {
    /// Its number, from 1.
    pub number: u32,
    /// When it began.
    pub began: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended: DateTime<Utc>,
    /// What it came to: `done`, `retry`, `failed`, `held`, `ignored`, `split`, or `interrupted` where the process died.
    pub outcome: String,
    /// The reason's code.
    pub reason: Option<String>,
    /// Details for the operator.
    pub detail: Option<String>,
    /// The text that the action answered, for the reply.
    pub answer: Option<String>,
    /// What was decided, asked and answered.
    #[serde(flatten)]
    pub trace: Trace,
}

/// A part of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartStory {
    /// The attachment's safe name.
    pub attachment: String,
    /// Its job.
    pub job: JobRow,
}

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplyStory {
    /// Which of the job's replies, from 0: how often the job had been run anew.
    pub rerun: u32,
    /// The SMTP account that submits it.
    pub account: String,
    /// Where it stands.
    pub state: ReplyState,
    /// Each recipient, and what became of it.
    pub recipients: Vec<RecipientEnd>,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// Submissions begun.
    pub attempts: u32,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// When it is tried next, while it is queued.
    pub due: Option<DateTime<Utc>>,
    /// When the server took or refused it.
    pub ended: Option<DateTime<Utc>>,
    /// The server's words, or why it waits.
    pub said: Option<String>,
    /// Whether it was taken back before everybody had got it, because the job runs anew.
    pub withdrawn: bool,
    /// Bytes of it; nothing where they were dropped.
    pub size: Option<u64>,
}
