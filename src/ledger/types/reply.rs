//! What became of replies and of each recipient, and which are listed and tried again.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    config::EndpointName,
    job::{JobId, NewReply, token::ReplyReference},
    ledger::lease::Lease,
};

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
    /// Bytes that were left in the ledger, because they are many: [`crate::ledger::Ledger::letter`] gives them. 0 where the reply has them.
    pub stored: u64,
    /// That it is ours: while this lives, nobody else gets it.
    pub lease: Lease,
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

/// Where a reply stands, or one of its recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReplyState {
    /// It waits for its first or its next try.
    Queued,
    /// It is being submitted. Of a recipient this is never said.
    Running,
    /// A server took it: for one recipient at least, where it is said of a reply.
    Sent,
    /// It will not be tried again, unless an operator wants it.
    Refused,
    /// The server had all of it, and its answer was lost time and again: nobody knows whether it has the mail. An operator decides.
    Unsure,
    /// A server took it, and it came back later: a bounce says so. It is sent again only where an operator wants it.
    Bounced,
}

impl ReplyState {
    /// Every state.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Sent,
        Self::Refused,
        Self::Unsure,
        Self::Bounced,
    ];

    /// Its name in the ledger.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Unsure => "unsure",
            Self::Bounced => "bounced",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The state of a reply over its recipients': open while one is, sent where one was sent.
    #[must_use]
    pub fn over(recipients: &[Self]) -> Self {
        let any = |state| recipients.contains(&state);
        match () {
            () if any(Self::Queued) || any(Self::Running) => Self::Queued,
            () if any(Self::Unsure) => Self::Unsure,
            () if any(Self::Sent) => Self::Sent,
            () if any(Self::Bounced) => Self::Bounced,
            () => Self::Refused,
        }
    }
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecipientEnd {
    /// Who.
    pub address: String,
    /// Where it stands: queued, sent, refused, unsure or bounced.
    pub state: ReplyState,
    /// The server's words.
    pub said: String,
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
    /// The server had all of it, and its answer was lost: it may have the mail. After some of these it is unsure.
    Lost {
        /// When to try again, while that is worth it.
        due: Option<DateTime<Utc>>,
        /// What was lost, and how.
        detail: String,
    },
    /// The server told its recipients apart.
    Each {
        /// What became of each recipient that was tried.
        recipients: Vec<RecipientEnd>,
        /// When those that are still open are tried again.
        due: Option<DateTime<Utc>>,
    },
}

impl Submitted {
    /// When it is tried again.
    pub(in crate::ledger) fn due_mut(&mut self) -> Option<&mut DateTime<Utc>> {
        match self {
            Self::Later { due, .. } => Some(due),
            Self::Lost { due, .. } | Self::Each { due, .. } => due.as_mut(),
            Self::Sent(_) | Self::Refused(_) => None,
        }
    }
}

/// Which replies are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplyFilter {
    /// Of this SMTP account only.
    pub account: Option<String>,
    /// In these states.
    pub states: Vec<ReplyState>,
    /// Older than that of this job.
    pub before: Option<JobId>,
    /// So many at most, the newest.
    pub max: usize,
}

/// A reply in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutboxRow {
    /// The job that caused it.
    pub job: JobId,
    /// The job's endpoint.
    pub endpoint: String,
    /// The SMTP account that submits it.
    pub account: String,
    /// Where it stands.
    pub state: ReplyState,
    /// Each recipient.
    pub recipients: Vec<RecipientEnd>,
    /// Submissions begun.
    pub attempts: u32,
    /// When it was made.
    pub made: DateTime<Utc>,
    /// When it is tried next, while it is queued.
    pub due: Option<DateTime<Utc>>,
    /// The server's words, or why it waits.
    pub said: Option<String>,
    /// The mail's sender and subject, as the job's summary has them.
    pub from: Option<String>,
    /// The mail's subject.
    pub subject: Option<String>,
    /// Whether its bytes are still there; without them it can't be sent again.
    #[serde(rename = "retriable")]
    pub has_bytes: bool,
}

/// Which replies are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetrySelection {
    /// The one of this job, whatever it waits for; its refused recipients too.
    Job(JobId),
    /// All that wait.
    Queued,
    /// All that were refused.
    Refused,
}

/// What trying again came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Retried {
    /// Replies that are due now.
    pub due: usize,
    /// Replies that are being submitted at this moment.
    pub running: usize,
    /// Replies that every recipient got.
    pub sent: usize,
    /// Replies whose bytes were dropped: `retention` is over.
    pub gone: usize,
}

/// What a bounce says of a reply of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounced {
    /// The Message-IDs that it may be of, without angle brackets, and where each is looked for: the likeliest first.
    pub replies: Vec<(ReplyReference, String)>,
    /// Who has not got it. Where it names none of the reply's recipients, it is of all of them.
    pub recipients: Vec<String>,
    /// The server's words, free of control characters.
    pub said: String,
}

#[cfg(test)]
mod tests {
    use super::{ReplyState::*, *};

    #[test]
    fn a_reply_is_as_its_recipients_are() {
        for (recipients, state) in [
            (&[][..], Refused),
            (&[Sent], Sent),
            (&[Refused], Refused),
            (&[Queued], Queued),
            (&[Sent, Refused], Sent),
            (&[Sent, Queued], Queued),
            (&[Refused, Queued], Queued),
            (&[Refused, Sent, Queued], Queued),
            (&[Unsure, Sent], Unsure),
            (&[Bounced, Sent], Sent),
            (&[Bounced, Refused], Bounced),
            (&[Bounced, Queued], Queued),
        ] {
            assert_eq!(ReplyState::over(recipients), state, "{recipients:?}");
        }
        for state in ReplyState::ALL {
            assert_eq!(ReplyState::named(state.as_str()), Some(state));
        }
    }
}
