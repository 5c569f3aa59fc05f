//! What is counted of the replies of an SMTP account.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use super::{Histograms, histograms};

/// A submission's time in seconds.
const SUBMISSION: [f64; 11] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SubmissionLabels {
    account: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AccountLabel {
    account: String,
}

/// What a submission came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submission {
    /// A server took it, for one recipient at least.
    Sent,
    /// A server refused it for good.
    Refused,
    /// A server wants it later.
    Later,
    /// There was no session, or it broke.
    Trouble,
}

impl Submission {
    const fn code(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Later => "later",
            Self::Trouble => "trouble",
        }
    }
}

/// The counters of all accounts.
#[derive(Debug, Clone)]
pub(super) struct Submissions {
    outcomes: Family<SubmissionLabels, Counter>,
    duration: Histograms<AccountLabel>,
}

impl Submissions {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let all = Self {
            outcomes: Family::default(),
            duration: histograms(|| Histogram::new(SUBMISSION)),
        };
        registry.register(
            "reply_submissions",
            "Tries to hand a reply to a mail server, by what they came to",
            all.outcomes.clone(),
        );
        registry.register(
            "reply_submission_duration_seconds",
            "How long those tries took",
            all.duration.clone(),
        );
        all
    }

    pub(super) fn account(&self, account: &str) -> OutboxMeter {
        let outcome = |outcome: Submission| {
            let (account, outcome) = (account.to_owned(), outcome.code());
            self.outcomes
                .get_or_create_owned(&SubmissionLabels { account, outcome })
        };
        let account = account.to_owned();
        OutboxMeter {
            sent: outcome(Submission::Sent),
            refused: outcome(Submission::Refused),
            later: outcome(Submission::Later),
            trouble: outcome(Submission::Trouble),
            duration: Some(self.duration.get_or_create_owned(&AccountLabel { account })),
        }
    }
}

/// Counts one account's submissions. By default it counts for nobody.
#[derive(Debug, Clone, Default)]
pub struct OutboxMeter {
    sent: Counter,
    refused: Counter,
    later: Counter,
    trouble: Counter,
    duration: Option<Histogram>,
}

impl OutboxMeter {
    /// Counts a try that took so long.
    pub fn submitted(&self, what: Submission, took: Duration) {
        match what {
            Submission::Sent => &self.sent,
            Submission::Refused => &self.refused,
            Submission::Later => &self.later,
            Submission::Trouble => &self.trouble,
        }
        .inc();
        if let Some(duration) = &self.duration {
            duration.observe(took.as_secs_f64());
        }
    }
}
