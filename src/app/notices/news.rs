//! What the operator may be told: how things are now, and what is news of them. Types, and what tells one news from another.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use crate::{
    auth::{
        BlockedSignIn,
        forecast::{Expiry, Forecast, Threshold},
    },
    config::OAuth,
    ledger::{JobNews, NewsKind},
    reply,
    watch::health,
};

/// Everything that is looked at, as it is now.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey {
    /// Every sign-in that is in use.
    pub(super) sign_ins: Vec<SignInNow>,
    /// The mailbox of every endpoint.
    pub(super) mailboxes: Vec<WatchedMailbox>,
    /// Every account that replies go out by.
    pub(super) senders: Vec<SendingAccount>,
    /// Endpoints whose jobs wait until a person has acted.
    pub(super) waiting: Vec<Waiting>,
    /// Every file that can't be used.
    pub(super) broken: Vec<BrokenFile>,
    /// What happened to jobs that nobody was told of.
    pub(super) jobs: Vec<JobNews>,
}

/// The mailbox of an endpoint.
#[derive(Debug, Clone)]
pub(super) struct WatchedMailbox {
    pub(super) endpoint: String,
    /// The sign-in that opens it.
    pub(super) sign_in: String,
    pub(super) state: health::WatchState,
}

/// An account that replies go out by.
#[derive(Debug, Clone)]
pub(super) struct SendingAccount {
    pub(super) account: String,
    /// The sign-in that its server asks for.
    pub(super) sign_in: String,
    /// Why none of them goes out.
    pub(super) trouble: Option<reply::OutboxProblem>,
    /// Whether one was seen to go out, and nothing is known against the next.
    pub(super) works: bool,
}

/// An endpoint whose jobs wait until a person has acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) endpoint: String,
    pub(super) since: DateTime<Utc>,
    pub(super) why: String,
}

/// A file of the configuration that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::app) struct BrokenFile {
    pub(in crate::app) file: String,
    pub(in crate::app) since: DateTime<Utc>,
    pub(in crate::app) why: String,
}

/// A sign-in as it is now.
#[derive(Debug, Clone)]
pub(super) struct SignInNow {
    pub(super) name: String,
    /// Whether `mailjob auth login` can mend it.
    pub(super) is_person: bool,
    pub(super) forecast: Forecast,
}

impl SignInNow {
    pub(super) fn new(name: &str, oauth: Option<&OAuth>, forecast: Forecast) -> Self {
        Self {
            name: name.to_owned(),
            is_person: oauth.is_some_and(OAuth::is_person),
            forecast,
        }
    }
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewsItem {
    pub(super) name: String,
    pub(super) is_person: bool,
    pub(super) news: News,
    /// The key to note once it is told.
    pub(super) tells: Option<String>,
    /// The key to forget once it is told.
    pub(super) ends: Option<String>,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum News {
    /// A person has to act.
    NeedsSignIn(BlockedSignIn),
    /// It was told that a person has to act, then; they did.
    WorksAgain(DateTime<Utc>),
    /// Something ends.
    Ends(Expiry, Threshold),
    /// A mailbox can't be read: since when, and why.
    Silent(DateTime<Utc>, String),
    /// It was told that a mailbox can't be read, then; it can.
    ReadsAgain(DateTime<Utc>),
    /// No reply goes out by an account until a person has acted: since when, and why.
    Unsent(DateTime<Utc>, String),
    /// It was told that none goes out, then; they do.
    SentAgain(DateTime<Utc>),
    /// A file can't be used: since when, and why.
    Broken(DateTime<Utc>, String),
    /// It was told that a file can't be used, then; it can, or it is gone.
    Mended(DateTime<Utc>),
    /// Another Mailjob works at a mailbox with a ledger of its own: since when that is known.
    SecondLedger(DateTime<Utc>),
    /// It was told that there is another ledger, then; there is none any more.
    OneLedger(DateTime<Utc>),
    /// The server refuses to move, mark or delete mails that are over: since when, and why.
    Unsettled(DateTime<Utc>, String),
    /// It was told that it refuses that, then; it doesn't any more.
    Settled(DateTime<Utc>),
    /// Jobs wait until a person has acted: since when that is known, and why.
    JobsWait(DateTime<Utc>, String),
    /// It was told that jobs wait, then; they don't any more.
    JobsGoOn(DateTime<Utc>),
    /// The ledger can't be written: since when, and why.
    Unwritable(DateTime<Utc>, String),
    /// It was told that the ledger can't be written, then; it can.
    Writable(DateTime<Utc>),
    /// Something happened to jobs.
    Jobs(JobNews),
}

impl News {
    /// Its name in templates.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::NeedsSignIn(_) => "needs-sign-in",
            Self::WorksAgain(_) => "works-again",
            Self::Ends(..) => "ends",
            Self::Silent(..) => "mailbox-silent",
            Self::ReadsAgain(_) => "mailbox-works-again",
            Self::Unsent(..) => "replies-wait",
            Self::SentAgain(_) => "replies-go-on",
            Self::Broken(..) => "file-broken",
            Self::Mended(_) => "file-mended",
            Self::SecondLedger(_) => "second-ledger",
            Self::OneLedger(_) => "one-ledger-again",
            Self::Unsettled(..) => "mails-unsettled",
            Self::Settled(_) => "mails-settled-again",
            Self::JobsWait(..) => "jobs-wait",
            Self::JobsGoOn(_) => "jobs-go-on",
            Self::Unwritable(..) => "ledger-unwritable",
            Self::Writable(_) => "ledger-writable-again",
            Self::Jobs(JobNews { kind, .. }) => match kind {
                NewsKind::Held => "jobs-held",
                NewsKind::Failed => "jobs-failed",
                NewsKind::Refused => "replies-refused",
                NewsKind::Unsure => "replies-unsure",
                NewsKind::Bounced => "replies-bounced",
                NewsKind::Unanswered => "replies-held-back",
                NewsKind::Paused => "endpoint-paused",
                NewsKind::Unusable => "answers-unusable",
            },
        }
    }

    /// Whether it says that all is well.
    pub(super) fn is_good(&self) -> bool {
        matches!(
            self,
            Self::WorksAgain(_)
                | Self::ReadsAgain(_)
                | Self::SentAgain(_)
                | Self::Mended(_)
                | Self::OneLedger(_)
                | Self::Settled(_)
                | Self::JobsGoOn(_)
                | Self::Writable(_)
        )
    }
}

impl NewsItem {
    /// The same for the same news, another for the next time.
    fn identity(&self) -> String {
        let key = self.tells.as_ref().or(self.ends.as_ref()).map_or("", String::as_str);
        match &self.news {
            News::NeedsSignIn(refused) => format!("{key} since {}", refused.since.timestamp()),
            News::WorksAgain(told)
            | News::ReadsAgain(told)
            | News::SentAgain(told)
            | News::Mended(told)
            | News::OneLedger(told)
            | News::Settled(told)
            | News::JobsGoOn(told)
            | News::Writable(told) => {
                format!("{key} again {}", told.timestamp_micros())
            }
            News::Ends(..) => key.to_owned(),
            News::Silent(since, _)
            | News::Unsent(since, _)
            | News::Broken(since, _)
            | News::Unsettled(since, _)
            | News::JobsWait(since, _)
            | News::SecondLedger(since)
            | News::Unwritable(since, _) => {
                format!("{key} since {}", since.timestamp())
            }
            News::Jobs(jobs) => {
                let (kind, since) = (jobs.kind.as_str(), jobs.since.timestamp_micros());
                format!("jobs {kind} {} {} since {since}", jobs.endpoint, jobs.count)
            }
        }
    }
}

/// Letters and digits that are the same for the same news.
pub(super) fn id(items: &[NewsItem]) -> String {
    let mut hash = Sha256::new();
    for item in items {
        hash.update(item.identity());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
