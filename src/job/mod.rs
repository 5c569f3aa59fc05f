//! A job: one mail at one endpoint. What became of it is data, not an error.

mod answer;
mod conversation;
mod fault;
pub mod history;
mod id;
mod part;
pub mod retry;
pub mod state;
pub mod token;

use bytes::Bytes;
use chrono::{DateTime, Utc};

pub use self::{
    answer::{Answer, Flaw, ResultFile},
    conversation::{AcceptedAnswer, AllowedSenders, AnswerableReply, MAX_DATA, NewConversation},
    fault::Blame,
    history::{Decision, Exchange, Trace, TruncatedText},
    id::{BadId, JobId},
    part::{AttachmentRef, EndedPart, JobScope, Part},
    token::{ConversationKey, ConversationToken},
};
use crate::{config::EndpointName, message::Head};

/// What one attempt came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The action did its work.
    Done(Answer),
    /// Not now; the action may work later.
    Retry {
        /// Why.
        reason: Reason,
        /// For the operator.
        detail: String,
        /// The earliest time of the next attempt, where the action named one.
        not_before: Option<DateTime<Utc>>,
    },
    /// It will not work.
    Failed {
        /// Why.
        reason: Reason,
        /// For the operator.
        detail: String,
        /// What the action itself says to the sender.
        tell: Option<String>,
    },
    /// The mail isn't meant.
    Ignored {
        /// Why.
        reason: Reason,
        /// For the operator.
        detail: String,
    },
    /// A person must look.
    Held {
        /// Why.
        reason: Reason,
        /// For the operator.
        detail: String,
    },
    /// Each of these attachments gets a job of its own, one at least; the mail's job waits for them.
    Split(Vec<AttachmentRef>),
}

/// Why an attempt came to what it came to: a fixed code, also the metric label. Add, never rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No filter entry for From matched.
    From,
    /// No filter entry for To or Cc matched.
    To,
    /// No filter entry for Subject matched.
    Subject,
    /// No attachment matched.
    Attachments,
    /// Smaller than `min_size` or larger than `max_size`.
    Size,
    /// Written by a machine or by none, as `automatic` does not want it.
    Automatic,
    /// The mail is over a limit.
    TooLarge,
    /// The mail can't be read.
    Unreadable,
    /// Reading took too long.
    Slow,
    /// Reading panicked.
    Panicked,
    /// Its content is encrypted, and the endpoint needs to read it.
    Encrypted,
    /// The sender is not among those who may.
    Sender,
    /// That the mail is its sender's could not be proven, and the endpoint asks for that.
    Untrusted,
    /// There are too many in this time.
    Rate,
    /// The webhook is down, and was not asked.
    Down,
    /// An input that is required is missing or not what it must be.
    Input,
    /// A part of the mail failed.
    Part,
    /// The result is larger than may go back.
    Oversize,
    /// It answers a reply of ours, but not in time or not as one who may.
    Conversation,
    /// It says that a reply of ours could not be delivered.
    Bounced,
    /// Its endpoint has no file any more.
    Gone,
    /// An operator discarded the job.
    Discarded,
    /// The process died during several attempts at this job.
    Poison,
    /// The webhook answered with this status.
    Status(u16),
    /// The webhook could not be reached.
    Network,
    /// TLS with the webhook can't be had: a certificate, the server's or ours, or ciphers. The operator's to mend.
    Tls,
    /// The proxy on the way to the webhook does not let us there, or does not know us. The operator's to mend.
    Proxy,
    /// The action took too long.
    Timeout,
    /// The address is private and the operator did not allow that.
    PrivateNetwork,
    /// The answer can't be used (not what the contract says, broken off). The work is done all the same.
    BadAnswer,
    /// The command ended with this code.
    Exit(i32),
    /// The command ended by this signal.
    Signal(i32),
    /// The command could not be started.
    Spawn,
    /// A secret or file that the action needs can't be read.
    Secret,
    /// Our own disk or folder failed.
    Local,
    /// All attempts are used up; the detail has the last reason.
    Exhausted,
}

impl Reason {
    /// The stable code, e.g. `status-503`, `exit-1`, `timeout`.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::Status(n) => format!("status-{n}"),
            Self::Exit(n) => format!("exit-{n}"),
            Self::Signal(n) => format!("signal-{n}"),
            Self::From => "from".into(),
            Self::To => "to".into(),
            Self::Subject => "subject".into(),
            Self::Attachments => "attachments".into(),
            Self::Size => "size".into(),
            Self::Automatic => "automatic".into(),
            Self::TooLarge => "too-large".into(),
            Self::Unreadable => "unreadable".into(),
            Self::Slow => "slow".into(),
            Self::Panicked => "panicked".into(),
            Self::Encrypted => "encrypted".into(),
            Self::Sender => "sender".into(),
            Self::Untrusted => "untrusted".into(),
            Self::Rate => "rate".into(),
            Self::Down => "down".into(),
            Self::Input => "input".into(),
            Self::Part => "part".into(),
            Self::Oversize => "oversize".into(),
            Self::Conversation => "conversation".into(),
            Self::Bounced => "bounced".into(),
            Self::Gone => "gone".into(),
            Self::Discarded => "discarded".into(),
            Self::Poison => "poison".into(),
            Self::Network => "network".into(),
            Self::Tls => "tls".into(),
            Self::Proxy => "proxy".into(),
            Self::Timeout => "timeout".into(),
            Self::PrivateNetwork => "private-network".into(),
            Self::BadAnswer => "bad-answer".into(),
            Self::Spawn => "spawn".into(),
            Self::Secret => "secret".into(),
            Self::Local => "local".into(),
            Self::Exhausted => "exhausted".into(),
        }
    }
}

/// How a job ended, for whoever writes the reply.
#[derive(Debug)]
pub struct Ending<'a> {
    /// The job.
    pub job: JobId,
    /// Its endpoint.
    pub endpoint: &'a EndpointName,
    /// The mail's head; `None` when the mail could not be read.
    pub head: Option<&'a Head>,
    /// Whether something shows that the mail is of whom its From names.
    pub proven: bool,
    /// The mail itself; `None` where the endpoint's replies need no more than its head, or it could not be had.
    pub original: Option<&'a Original>,
    /// What the action got by name, where that is known.
    pub inputs: Option<&'a serde_json::Value>,
    /// `Done` or `Failed`.
    pub outcome: &'a Outcome,
    /// The time of the ending.
    pub now: DateTime<Utc>,
    /// How often an operator had the job run anew: each run has a reply of its own.
    pub rerun: u32,
    /// With which token the reply may be answered; `None` where nobody may.
    pub answerable: Option<AnswerableReply>,
}

/// The mail that a job was about, for a reply that quotes or returns it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Original {
    /// Its text for people to read; empty where it has none.
    pub text: String,
    /// As it came.
    pub raw: Bytes,
}

/// The reply that a job's ending causes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyDecision {
    /// These bytes go to these recipients.
    Send(NewReply),
    /// None goes, for this reason (a code: `auto-submitted`, `off`, `nobody`, `ourselves` …).
    Silent(String),
    /// None of a part's own: what its action answered is kept until the mail's job gathers it.
    Gathered,
}

/// A reply, built once; every submission sends these bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReply {
    /// The account whose SMTP server takes it.
    pub account: String,
    /// Without angle brackets.
    pub message_id: String,
    /// Envelope sender; empty for the null sender `<>`, to whom nothing is returned.
    pub sender: String,
    /// Envelope recipients, one at least.
    pub recipients: Vec<String>,
    /// The whole message with CRLF line ends.
    pub bytes: Bytes,
    /// That it may be answered. Not known of a reply that is claimed.
    pub conversation: Option<Box<NewConversation>>,
}

/// Decides on a reply and builds it. Dispatch calls this in the moment of an ending, so that outcome and reply commit together.
pub trait Replier: Send + Sync + 'static {
    /// The reply for this ending. Never panics; what can't be built is `Silent("unbuildable")`.
    fn reply(&self, ending: &Ending<'_>) -> ReplyDecision;
}
